"""Vectors in, hits out."""

import colidx
import numpy as np
import pytest
from conftest import DIM, maxsim, unit


class Tensor:
    """What is known of a tensor: its methods."""

    def __init__(self, array):
        self.array = array
        self.shape = array.shape

    def detach(self):
        return self

    def cpu(self):
        return self

    def float(self):
        return Tensor(self.array.astype(np.float32))

    def numpy(self):
        return self.array


def pairs(hits):
    return [(hit.key, hit.score) for hit in hits]


def test_scores_are_maxsim_of_the_stored_vectors(vectors, arrays):
    query = unit(np.random.default_rng(1), 4)
    for hit in vectors.search_vectors(query, k=50):
        assert hit.score == pytest.approx(maxsim(query, vectors.vectors(hit.key)), abs=1e-4)
    best = max(range(50), key=lambda n: maxsim(query, vectors.vectors(f"d{n}")))
    assert vectors.search_vectors(query, k=1)[0].key == f"d{best}"
    assert np.abs(vectors.vectors("d3") - arrays[3]).max() < 0.1


def test_vectors_come_in_many_forms(arrays):
    keys = [f"d{n}" for n in range(50)]
    same = np.stack([array[:3] for array in arrays])
    forms = [
        [array[:3] for array in arrays],
        same,
        iter([same[:20], same[20:]]),
        [list(same[:20]), list(same[20:])],
        [Tensor(array) for array in same],
        np.asfortranarray(same),
        list(np.ascontiguousarray(same[:, :, ::-1])[:, :, ::-1]),
    ]
    query = arrays[7]
    expected = None
    for number, form in enumerate(forms):
        index = colidx.build_from_vectors(f"{number}.colidx", keys, form)
        found = pairs(index.search_vectors(query))
        expected = expected or found
        assert found == expected


def test_half_precision_is_converted(arrays):
    half = [array.astype(np.float16) for array in arrays]
    index = colidx.build_from_vectors("v.colidx", map(str, range(50)), half)
    query = arrays[0].astype(np.float16)
    assert pairs(index.search_vectors(query)) == pairs(index.search_vectors(query.astype("f4")))


def test_token_ids_make_a_token_aware_codebook(arrays):
    keys = [f"d{n}" for n in range(50)]
    ids = [np.arange(len(array)) for array in arrays]
    index = colidx.build_from_vectors("v.colidx", keys, arrays, ids)
    flat = colidx.build_from_vectors("flat.colidx", keys, arrays, ids, shape="flat")
    assert len(index) == len(flat) == 50
    tensors = [Tensor(np.array(own, dtype=np.int64)) for own in ids]
    same = colidx.build_from_vectors("t.colidx", keys, arrays, tensors)
    assert pairs(same.search_vectors(arrays[0])) == pairs(index.search_vectors(arrays[0]))
    batch = np.stack([array[:3] for array in arrays])
    numbers = np.tile(np.arange(3, dtype=np.uint32), (50, 1))
    assert len(colidx.build_from_vectors("b.colidx", keys, batch, numbers)) == 50


def test_queries_come_in_many_forms(vectors, arrays):
    queries = np.stack([array[:3] for array in arrays[:4]])
    expected = [pairs(vectors.search_vectors(query)) for query in queries]
    for form in (queries, list(queries), [Tensor(q) for q in queries], iter(queries)):
        assert [pairs(hits) for hits in vectors.search_many(form)] == expected
    assert vectors.search_many([]) == []


def test_an_explanation_of_vectors(vectors):
    query = unit(np.random.default_rng(2), 5)
    hit = vectors.search_vectors(query, k=1)[0]
    matches = vectors.explain(query, hit.key)
    document = vectors.vectors(hit.key)
    assert [match.document_token for match in matches] == (query @ document.T).argmax(1).tolist()
    assert sum(match.score for match in matches) == pytest.approx(hit.score, abs=1e-4)


def test_vectors_without_copies_are_not_written_to(vectors, arrays):
    query = arrays[0]
    query.flags.writeable = False
    assert vectors.search_vectors(query, k=1)[0].key == "d0"


def test_options_of_a_build_are_those_of_the_crate(arrays):
    keys = list(map(str, range(50)))
    index = colidx.build_from_vectors("v.colidx", keys, arrays, nbits=2, seed=7, centroids=16)
    info = index.info()
    assert (info["nbits"], info["seed"], info["centroids"]) == (2, 7, 16)
    with pytest.raises(FileExistsError):
        colidx.build_from_vectors("v.colidx", keys, arrays)
    assert len(colidx.build_from_vectors("v.colidx", keys[:9], arrays[:9], force=True)) == 9


def test_pooling_is_remembered(arrays):
    keys = [f"d{n}" for n in range(50)]
    options = {"pool_factor": 3, "protected_tokens": 2}
    index = colidx.build_from_vectors("pooled.colidx", keys, arrays, **options)

    def stored(rows):
        return min(rows, 2) + (max((rows - 2) // 3, 1) if rows > 2 else 0)

    for key, array in zip(keys, arrays):
        assert len(index.vectors(key)) == stored(len(array)), key
    assert np.abs(index.vectors("d3")[:2] - arrays[3][:2]).max() < 0.1
    info = index.info()
    assert (info["pool_factor"], info["protected_tokens"]) == (3, 2)
    with index.writer() as writer:
        writer.add("later", vectors=arrays[3])
    index.reload()
    assert len(index.vectors("later")) == stored(len(arrays[3]))
    plain = colidx.build_from_vectors("plain.colidx", keys, arrays, pool_factor=1)
    assert plain.info()["pool_factor"] == 1
    assert len(plain.vectors("d3")) == len(arrays[3])
    for bad in (0, 1001, -1, "two"):
        with pytest.raises(colidx.OptionError, match="pool.factor"):
            colidx.build_from_vectors("bad.colidx", keys, arrays, pool_factor=bad)


def test_memory_bounds_a_streamed_build(folder):
    def batches():
        rng = np.random.default_rng(3)
        for _ in range(40):
            yield np.stack([unit(rng, 8) for _ in range(50)])

    index = colidx.build_from_vectors(
        "v.colidx", (str(n) for n in range(2000)), batches(), memory=64 << 20
    )
    assert (len(index), index.info()["vectors"]) == (2000, 16000)
    with pytest.raises(MemoryError):
        colidx.build_from_vectors("w.colidx", ["a"], [np.eye(DIM, dtype="f4")], memory=1)
