"""The contract of an index of PyLate, each row a test; PyLate itself is not needed."""

import abc
import inspect
import pickle
import sys
import types

import colidx
import numpy as np
import pytest
from colidx import pylate
from conftest import DIM, maxsim, unit
from test_vectors import Tensor


def retrieve(index, queries_embeddings, k=10, subset=None):
    """How PyLate calls an index that is end to end: by keyword, always with `subset`."""
    assert index.is_end_to_end_index
    return index(queries_embeddings=queries_embeddings, k=k, subset=subset)


@pytest.fixture
def ids():
    return [f"d{number}" for number in range(50)]


@pytest.fixture
def index(ids, arrays):
    return pylate.Index("indexes", "test").add_documents(ids, arrays)


def test_the_signatures_are_those_that_callers_use():
    parameters = inspect.signature(pylate.Index).parameters
    assert list(parameters) == [
        "index_folder", "index_name", "override", "nbits", "seed", "n_ivf_probe", "n_full_scores",
        "num_threads", "show_progress", "exact", "kwargs",
    ]  # fmt: skip
    assert parameters["index_folder"].default == "indexes"
    assert parameters["index_name"].default == "colidx"
    assert list(inspect.signature(pylate.Index.__call__).parameters)[1:] == [
        "queries_embeddings", "k", "subset",
    ]  # fmt: skip
    assert "is_end_to_end_index" in vars(pylate.Index)


def test_arguments_of_plaid_are_swallowed():
    pylate.Index(
        "i", "n", use_fast=True, kmeans_niters=4, max_points_per_centroid=256,
        n_samples_kmeans=None, use_triton=False, batch_size=262144, device=None, low_memory=False,
    )  # fmt: skip


def test_results_are_plain_lists_of_plain_dicts_best_first(index, arrays):
    found = retrieve(index, arrays[:3], k=5)
    assert type(found) is list and len(found) == 3
    for number, hits in enumerate(found):
        assert type(hits) is list and len(hits) == 5
        assert hits[0]["id"] == f"d{number}"
        assert all(type(hit) is dict and hit.keys() == {"id", "score"} for hit in hits)
        assert all(type(hit["score"]) is float for hit in hits)
        scores = [hit["score"] for hit in hits]
        assert scores == sorted(scores, reverse=True)
        hits.remove(hits[0])


def test_more_hits_than_documents_gives_all(index, arrays):
    assert len(retrieve(index, arrays[:1], k=1000)[0]) == 50


def test_ids_come_back_in_the_type_they_were_given(arrays):
    index = pylate.Index("indexes", "numbers").add_documents(range(40), arrays[:40])
    index.add_documents(["x"], arrays[40:41]).add_documents(np.arange(41, 44), arrays[41:44])
    for reopened in (index, pylate.Index("indexes", "numbers")):
        found = [hits[0]["id"] for hits in retrieve(reopened, arrays[38:44], k=1)]
        assert found == [38, 39, "x", 41, 42, 43]
        assert [type(one) for one in found] == [int, int, str, int, int, int]


def test_ids_that_read_the_same_are_refused(arrays):
    index = pylate.Index("indexes", "numbers").add_documents([7], arrays[:1])
    for other in (index, pylate.Index("indexes", "numbers")):
        with pytest.raises(ValueError, match="'7' beside 7"):
            other.add_documents(["7"], arrays[1:2])
    with pytest.raises(ValueError, match="7 beside '7'"):
        pylate.Index("indexes", "both").add_documents(["7", 7], arrays[:2])
    with pytest.raises(TypeError, match="float"):
        index.add_documents([1.5], arrays[:1])


def test_documents_come_in_many_forms(arrays, ids):
    same = np.stack([array[:3] for array in arrays])
    query = arrays[3]
    expected = None
    forms = [list(same), same, iter(same), [Tensor(a) for a in same], list(same[:, None])]
    for number, form in enumerate(forms):
        index = pylate.Index("indexes", str(number)).add_documents(ids, form)
        found = retrieve(index, query)
        expected = expected or found
        assert found == expected
    one = pylate.Index("indexes", "one").add_documents("single", same[0])
    assert retrieve(one, query)[0][0]["id"] == "single"


def test_queries_come_in_many_forms(index, arrays):
    same = np.stack([array[:3] for array in arrays[:4]])
    expected = [retrieve(index, query)[0] for query in same]
    assert len(retrieve(index, same[0])) == 1
    for form in (same, list(same), [q[None] for q in same], [Tensor(q) for q in same]):
        assert retrieve(index, form) == expected
    assert retrieve(index, [q.astype(np.float16) for q in same])


def test_token_ids_are_taken_beside_embeddings_and_in_dicts(arrays, ids):
    numbers = [np.arange(len(array), dtype=np.uint32) for array in arrays]
    beside = pylate.Index("indexes", "a").add_documents(ids, arrays, documents_token_ids=numbers)
    rng = np.random.default_rng(8)
    encoded = {"token_embeddings": [], "input_ids": [], "attention_mask": [], "masks": []}
    for array, own in zip(arrays, numbers, strict=True):
        padded, tokens = unit(rng, len(array) + 2), np.zeros(len(array) + 2, dtype=np.int64)
        padded[1:-1], tokens[1:-1] = array, own
        kept = np.ones(len(array) + 2, dtype=bool)
        kept[[0, -1]] = False
        row = (padded, tokens, np.ones(len(array) + 2, dtype=np.int64), kept)
        for values, value in zip(encoded.values(), row, strict=True):
            values.append(value)
    # As `encode(..., output_value=None)` gives it, padded, and in two batches.
    halves = [{name: values[i::2] for name, values in encoded.items()} for i in range(2)]
    forms = [
        (ids, encoded),
        (ids, {name: [value[None] for value in values] for name, values in encoded.items()}),
        (ids[0::2] + ids[1::2], iter(halves)),
    ]
    for number, (keys, form) in enumerate(forms):
        within = pylate.Index("indexes", str(number)).add_documents(keys, form)
        found = retrieve(within, arrays[:5])
        assert [hits[0]["id"] for hits in found] == ids[:5]
        assert keys != ids or found == retrieve(beside, arrays[:5])
    one = {name: values[0] for name, values in encoded.items()}
    single = pylate.Index("indexes", "one").add_documents("a", one)
    assert len(single) == 1 and len(single.get_documents_embeddings([["a"]])[0][0]) == 3


def test_later_documents_are_appended_and_same_ids_replace(index, arrays, ids):
    rng = np.random.default_rng(9)
    new, other = unit(rng, 4), unit(rng, 4)
    assert index.add_documents(["new"], [new]) is index
    assert len(index) == 51 and retrieve(index, new, k=1)[0][0]["id"] == "new"
    index.add_documents(["new"], [other])
    assert len(index) == 51 and retrieve(index, other, k=1)[0][0]["id"] == "new"
    assert retrieve(index, new, k=51)[0][0]["score"] < 3.9


def test_documents_are_removed_and_come_back(index, arrays):
    assert index.remove_documents(["d3", "d4", "unknown"]) is index
    found = [hit["id"] for hit in retrieve(index, arrays[3], k=100)[0]]
    assert len(found) == 48 and "d3" not in found
    index.add_documents(["d3"], [arrays[3]])
    assert retrieve(index, arrays[3], k=1)[0][0]["id"] == "d3"


def test_updates_replace_and_add(index):
    rng = np.random.default_rng(10)
    new, more = unit(rng, 4), unit(rng, 4)
    assert index.update_documents(["d1", "more"], [new, more]) is index
    assert retrieve(index, [new, more], k=1)[0][0]["id"] == "d1"
    assert retrieve(index, [new, more], k=1)[1][0]["id"] == "more"
    assert len(index) == 51


def test_an_index_is_opened_again_unless_overridden(index, arrays, folder):
    again = pylate.Index("indexes", "test")
    assert retrieve(again, arrays[:3]) == retrieve(index, arrays[:3])
    fresh = pylate.Index("indexes", "test", override=True)
    assert len(fresh) == 0
    with pytest.raises(ValueError):
        retrieve(fresh, arrays[:1])
    with pytest.raises(colidx.VectorError):
        fresh.add_documents(["a"], [arrays[0] * np.nan])
    assert retrieve(pylate.Index("indexes", "test"), arrays[:3]) == retrieve(index, arrays[:3])
    fresh.add_documents(["a"], arrays[:1])
    assert len(fresh) == 1 and len(pylate.Index("indexes", "test")) == 1


def test_an_index_that_another_object_built_is_found(arrays):
    early = pylate.Index("indexes", "late")
    pylate.Index("indexes", "late").add_documents(["a", "b"], arrays[:2])
    assert retrieve(early, arrays[1], k=1)[0][0]["id"] == "b"
    early.add_documents(["c"], arrays[2:3])
    assert len(early) == 3


def test_override_starts_over_after_an_interrupted_build(arrays, folder):
    def broken():
        yield from arrays[:9]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pylate.Index("indexes", "stopped").add_documents(map(str, range(50)), broken())
    index = pylate.Index("indexes", "stopped", override=True)
    assert len(index.add_documents(map(str, range(50)), arrays)) == 50


def test_override_removes_nothing_that_is_no_index(arrays, folder):
    (folder / "indexes" / "mine").mkdir(parents=True)
    (folder / "indexes" / "mine" / "notes.txt").write_text("mine")
    (folder / "indexes" / "mine" / "manifest").write_text("of a ship")
    index = pylate.Index("indexes", "mine", override=True)
    with pytest.raises(FileExistsError):
        index.add_documents(["a"], arrays[:1])
    assert (folder / "indexes" / "mine" / "notes.txt").exists()


def test_an_empty_index_says_so(arrays):
    index = pylate.Index("indexes", "empty")
    message = "The index is empty. Please add documents before querying."
    with pytest.raises(ValueError) as raised:
        retrieve(index, arrays[:1])
    assert str(raised.value) == message
    assert index.remove_documents(["a"]) is index and index.add_documents([], []) is index
    with pytest.raises(ValueError, match="empty"):
        index.get_documents_embeddings([["a"]])


def test_stored_embeddings_are_decoded(index, arrays):
    [[first, second], [third]] = index.get_documents_embeddings([["d0", "d1"], ["d2"]])
    for got, given in zip((first, second, third), arrays[:3], strict=True):
        assert got.shape == given.shape and got.dtype == np.float32
        assert np.abs(got - given).max() < 0.1
    with pytest.raises(KeyError):
        index.get_documents_embeddings([["unknown"]])


def test_a_subset_for_all_queries_and_for_each(index, arrays):
    everything = retrieve(index, arrays[:2], k=50)
    some = ["d5", "d1", "d9", "unknown"]
    for hits, whole in zip(retrieve(index, arrays[:2], subset=some), everything, strict=True):
        assert hits == [hit for hit in whole if hit["id"] in some]
    each = retrieve(index, arrays[:2], subset=[["d5"], ["d6", "d7"]])
    assert [len(hits) for hits in each] == [1, 2] and each[0][0]["id"] == "d5"
    assert retrieve(index, arrays[:2], subset=[]) == [[], []]
    assert retrieve(index, arrays[:2], subset=[[], ["d1"]])[0] == []
    with pytest.raises(ValueError, match="Subset length must match number of queries"):
        retrieve(index, arrays[:2], subset=[["d1"]])


def test_scores_are_maxsim_of_what_is_stored(index, arrays):
    [[stored]] = index.get_documents_embeddings([["d7"]])
    [hits] = retrieve(index, arrays[7], k=1)
    assert hits[0]["score"] == pytest.approx(maxsim(arrays[7], stored), abs=1e-4)


def test_knobs_reach_the_search(arrays, ids):
    index = pylate.Index("indexes", "exact", exact=True, n_ivf_probe=2, n_full_scores=64, nbits=8)
    index.add_documents(ids, arrays)
    assert colidx.open("indexes/exact").info()["nbits"] == 8
    assert len(retrieve(index, arrays[:1], k=50)[0]) == 50


def test_metadata_is_stored(arrays):
    index = pylate.Index("indexes", "meta")
    index.add_documents([1, 2], arrays[:2], metadata=[{"year": 1}, {"year": 2}])
    assert colidx.open("indexes/meta")["2"].metadata["year"] == 2
    assert retrieve(index, arrays[:1], k=1)[0][0]["id"] == 1


@pytest.mark.parametrize("count", [49, 51])
def test_other_numbers_of_ids_and_embeddings_are_refused(count, arrays, folder):
    with pytest.raises(ValueError):
        pylate.Index("indexes", "bad").add_documents(map(str, range(count)), arrays)
    assert not (folder / "indexes" / "bad").exists()


def test_bad_embeddings_are_refused(arrays, folder):
    for bad in (np.ones((2, DIM), "f8"), np.ones(DIM, "f4"), np.full((2, DIM), np.nan, "f4")):
        with pytest.raises((ValueError, TypeError)):
            pylate.Index("indexes", "bad").add_documents(["a"], [bad])
    assert not (folder / "indexes" / "bad").exists()


def test_an_index_is_pickled(index, arrays):
    again = pickle.loads(pickle.dumps(index))
    assert retrieve(again, arrays[:2]) == retrieve(index, arrays[:2])


def test_an_index_grows_and_is_trained_again(index, arrays):
    index.add_documents([f"n{n}" for n in range(50)], [-array for array in arrays])
    before = retrieve(index, -arrays[3], k=1)
    assert index.retrain() is index
    assert retrieve(index, -arrays[3], k=1)[0][0]["id"] == before[0][0]["id"] == "n3"


def test_programs_that_name_plaid_get_this_index(monkeypatch):
    class Base(abc.ABC):
        @abc.abstractmethod
        def __call__(self): ...

    package, indexes, base = map(types.ModuleType, ("pylate", "pylate.indexes", "base"))
    package.indexes, indexes.base, base.Base, indexes.PLAID = indexes, base, Base, object
    monkeypatch.setitem(sys.modules, "pylate", package)
    monkeypatch.setitem(sys.modules, "pylate.indexes", indexes)
    monkeypatch.setitem(sys.modules, "pylate.indexes.base", base)
    with pylate.in_place_of_plaid():
        made = indexes.PLAID(index_folder="i", index_name="n", use_triton=False)
    assert isinstance(made, pylate.Index) and isinstance(made, Base)
    assert indexes.PLAID is object


def test_the_log_says_that_token_ids_are_missing(arrays, ids, caplog):
    with caplog.at_level("INFO", "colidx"):
        pylate.Index("indexes", "a").add_documents(ids, arrays).add_documents(["x"], arrays[:1])
    assert [record.message for record in caplog.records if "token ids" in record.message] == [
        "no token ids are given, so the codebook is made without them"
    ]


def test_pylate_itself(arrays, ids):
    indexes = pytest.importorskip("pylate.indexes")
    from pylate import retrieve as pylate_retrieve

    index = pylate.Index("indexes", "real").add_documents(ids, arrays)
    assert isinstance(index, indexes.base.Base)
    found = pylate_retrieve.ColBERT(index=index).retrieve(queries_embeddings=arrays[:3], k=4)
    assert [hits[0]["id"] for hits in found] == ids[:3]
    with pylate.in_place_of_plaid():
        assert indexes.PLAID is pylate.Index
    assert indexes.PLAID is not pylate.Index
