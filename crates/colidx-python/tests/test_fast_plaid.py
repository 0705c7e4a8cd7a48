"""fast-plaid's interface: signatures, and numbers that shift."""

import inspect
from datetime import date

import numpy as np
import pytest
from colidx.compat.fast_plaid import filtering, search
from conftest import maxsim, unit


@pytest.fixture
def index(arrays):
    return search.FastPlaid("plaid", device="cpu").create(documents_embeddings=arrays)


def best(index, query, **options):
    return index.search(query[None], top_k=1, **options)[0][0][0]


def parameters(function):
    given = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in given if p.name not in ("self", "ignored")}


def test_the_signatures_are_fast_plaids():
    none = inspect.Parameter.empty
    assert parameters(search.FastPlaid) == {
        "index": none, "device": None, "index_gpu_memory": "auto", "index_memory_fraction": 0.7,
        "search_memory_fraction": 0.5,
    }  # fmt: skip
    assert parameters(search.FastPlaid.create) == {
        "documents_embeddings": none, "kmeans_niters": 4, "max_points_per_centroid": 256,
        "nbits": 4, "n_samples_kmeans": None, "batch_size": 25_000, "seed": 42,
        "use_triton_kmeans": None, "metadata": None, "start_from_scratch": 1000,
        "compress_only": False,
    }  # fmt: skip
    assert parameters(search.FastPlaid.update) == {
        "documents_embeddings": none, "metadata": None, "batch_size": 25_000, "kmeans_niters": 4,
        "max_points_per_centroid": 256, "n_samples_kmeans": None, "seed": 42,
        "start_from_scratch": 999, "buffer_size": 100, "use_triton_kmeans": False,
    }  # fmt: skip
    assert parameters(search.FastPlaid.search) == {
        "queries_embeddings": none, "top_k": 10, "batch_size": "auto", "n_full_scores": 4096,
        "n_ivf_probe": 8, "show_progress": True, "subset": None, "n_processes": None,
    }  # fmt: skip
    assert parameters(search.FastPlaid.delete) == {"subset": none}
    assert parameters(search.FastPlaid.get_embeddings) == {"subset": none}


def test_results_are_pairs_of_position_and_score(index, arrays):
    found = index.search(arrays[:3], top_k=4)
    assert [len(hits) for hits in found] == [4, 4, 4]
    assert [hits[0][0] for hits in found] == [0, 1, 2]
    assert all(type(n) is int and type(score) is float for hits in found for n, score in hits)
    same = np.stack([array[:3] for array in arrays[:3]])
    assert len(index.search(same)) == 3 and len(index.search([same[:1]])) == 1


def test_numbers_shift_down_after_a_delete(index, arrays):
    assert index.delete(subset=[0, 10]) is index
    assert [best(index, arrays[n]) for n in (1, 9, 11, 49)] == [0, 8, 9, 47]
    index.update([-arrays[0]])
    assert best(index, -arrays[0]) == 48
    index.delete([48])
    index.update([-arrays[1]])
    assert best(index, -arrays[1]) == 48
    again = search.FastPlaid("plaid")
    assert [best(again, arrays[n]) for n in (1, 49)] == [0, 47]


def test_a_subset_for_all_queries_and_for_each(index, arrays):
    queries = arrays[:2]
    assert {n for hits in index.search(queries, subset=[3, 4]) for n, _ in hits} == {3, 4}
    each = index.search(queries, subset=[[3], [4, 5]])
    assert [len(hits) for hits in each] == [1, 2]
    # As fast-plaid: an empty list is no filter.
    assert index.search(queries, subset=[]) == index.search(queries)
    with pytest.raises(ValueError, match="Subset length must match number of queries."):
        index.search(queries, subset=[[1]])


def test_token_scores(index, arrays):
    [[(number, score, products)]] = index.search_token_scores(arrays[2][None], top_k=1)
    # A tensor where torch is imported, as other tests may do.
    products = np.asarray(products)
    assert number == 2 and products.shape == (len(arrays[2]), len(arrays[2]))
    assert products.max(axis=1).sum() == pytest.approx(score, abs=1e-4)


def test_embeddings_are_decoded_by_position(index, arrays):
    first, second = map(np.asarray, index.get_embeddings([4, 2]))
    assert (first.shape, second.shape) == (arrays[4].shape, arrays[2].shape)
    assert maxsim(first, arrays[4]) > 0.98 * len(first)


def test_an_index_that_is_not_there(arrays):
    index = search.FastPlaid("nowhere")
    for use in (
        lambda: index.search(arrays[:1]),
        lambda: index.update(arrays[:1]),
        lambda: index.delete([0]),
    ):
        with pytest.raises(FileNotFoundError):
            use()


def test_create_replaces_and_close_lets_go(index, arrays):
    assert len(index.create(arrays[:5]).search(arrays[:1], top_k=50)[0]) == 5
    with index:
        pass
    assert len(index.search(arrays[:1], top_k=50)[0]) == 5


def test_a_frozen_index_stays_as_it_is(index, arrays):
    reader = search.FastPlaid("plaid")
    best(reader, arrays[0])
    reader.freeze()
    index.delete([0])
    assert best(reader, arrays[1]) == 1
    reader.unfreeze()
    assert best(reader, arrays[1]) == 0


def test_metadata_follows_the_documents(arrays):
    rows = [{"name": f"n{n}", "year": 1990 + n} for n in range(5)]
    index = search.FastPlaid("plaid").create(arrays[:5], metadata=rows)
    subset = filtering.where("plaid", "year BETWEEN ? AND ?", (1992, 1993))
    assert subset == [2, 3]
    assert {n for n, _ in index.search(arrays[:1], subset=subset)[0]} == {2, 3}
    index.delete([2])
    assert filtering.where("plaid", "year >= ?", (1993,)) == [2, 3]
    index.update(arrays[5:7], metadata=[{"name": "x", "colour": "red"}, {"name": "y"}])
    assert filtering.get("plaid", "colour = ?", ("red",)) == [
        {"_subset_": 4, "name": "x", "year": None, "colour": "red"}
    ]
    index.update(arrays[7:8])
    assert filtering.get("plaid", subset=[6, 0])[0]["name"] is None
    with pytest.raises(ValueError):
        index.update(arrays[8:9], metadata=[{}, {}])
    with pytest.raises(ValueError):
        search.FastPlaid("other").create(arrays[:2], metadata=rows)


def test_metadata_that_cannot_be_stored_changes_nothing():
    filtering.create("rows", [{"a": 1}])
    with pytest.raises(ValueError, match="for 'b', got list"):
        filtering.create("rows", [{"a": 2}, {"b": [1]}])
    with pytest.raises(ValueError, match="for 'b', got dict"):
        filtering.update("rows", [{"a": 2}, {"b": {}}])
    assert filtering.get("rows") == [{"_subset_": 0, "a": 1}]
    filtering.create("rows", [{"c": 3}])
    assert filtering.get("rows") == [{"_subset_": 0, "c": 3}]


def test_filtering_alone():
    with pytest.raises(FileNotFoundError):
        filtering.where("rows", "a = 1")
    filtering.create("rows", [{"day": date(2020, 5, 17)}, {"day": date(2021, 6, 21), "n": 1.5}])
    assert filtering.where("rows", "day > ?", ("2021-01-01",)) == [1]
    assert filtering.get("rows")[0] == {"_subset_": 0, "day": "2020-05-17", "n": None}
    filtering.delete("rows", 0)
    assert filtering.where("rows", "n > ?", [1]) == [0]
    for bad in ("a b", "1a", 'a"; DROP TABLE METADATA', "_subset_"):
        with pytest.raises(ValueError):
            filtering.update("rows", [{bad: 1}])
    with pytest.raises(ValueError):
        filtering.get("rows", "n = 1", subset=[0])
    assert len(filtering.get("rows")) == 1


def test_unit_vectors_of_one_token(folder):
    rng = np.random.default_rng(1)
    documents = [unit(rng, 1) for _ in range(20)]
    index = search.FastPlaid("plaid").create(documents)
    assert [best(index, document) for document in documents] == list(range(20))
