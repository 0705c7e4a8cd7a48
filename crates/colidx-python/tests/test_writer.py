"""Changing an index."""

import colidx
import numpy as np
import pytest
from conftest import DIM, unit


def test_changes_are_seen_together_at_the_end(index):
    before = colidx.open("docs.colidx")
    with index.writer() as w:
        w.add("sun", "The sun is light and energy.", title="Sun", metadata={"year": 3})
        w.add({"id": "sea", "text": "Water is food.", "depth": 2})
        w.update("tea", "Tea and milk and sugar.")
        assert w.delete(["cell", "unknown"]) == 1
        assert len(w) == 3
        assert "sun" not in index
    assert sorted(index) == ["moon", "rust", "sea", "sun", "tea"]
    assert index["sun"] == ("sun", "Sun", "The sun is light and energy.", {"year": 3})
    assert index["sea"].metadata == {"depth": 2}
    assert index["tea"].text == "Tea and milk and sugar."
    assert (w.report["added"], w.report["deleted"]) == (3, 2)
    assert "cell" in before and before.reload() and "cell" not in before
    assert not before.reload()


def test_an_exception_rolls_everything_back(index):
    with pytest.raises(RuntimeError):
        with index.writer() as w:
            w.delete("tea")
            w.add("sun", "The sun.")
            raise RuntimeError
    assert len(index) == len(colidx.open("docs.colidx")) == 4
    with index.writer() as w:
        w.add("sun", "The sun.")


def test_corpora_are_added_and_replace(index, folder):
    (folder / "more.jsonl").write_text('{"_id": "sun", "text": "The sun."}\n')
    with index.writer() as w:
        assert w.add_all("more.jsonl") == 1
        assert w.add_all([("a", "light"), ("b", "energy")]) == 2
        assert w.update_all([("tea", "milk")]) == 1
    assert len(index) == 7 and index["tea"].text == "milk"


def test_one_writer_at_a_time(index):
    with index.writer() as w:
        with pytest.raises(colidx.LockedError):
            index.writer()
        w.rollback()
    with pytest.raises(colidx.ClosedError):
        w.add("sun", "light")


def test_vectors_are_added(vectors):
    rng = np.random.default_rng(4)
    new = unit(rng, 4)
    with vectors.writer() as w:
        w.add("new", vectors=new, metadata={"a": 1})
        w.update("d0", vectors=unit(rng, 2))
    assert vectors.search_vectors(new, k=1)[0].key == "new"
    assert vectors["new"].metadata == {"a": 1} and len(vectors.vectors("d0")) == 2


def test_segments_are_merged_and_codebooks_trained(vectors, arrays):
    for number in range(3):
        with vectors.writer() as w:
            w.add(f"n{number}", vectors=arrays[number])
    w = vectors.writer()
    w.compact()
    assert len(vectors.info()["segments"]) == 1
    w.retrain()
    w.close()
    vectors.verify()
    assert len(vectors) == 53


@pytest.mark.parametrize(
    "change, error",
    [
        (lambda w: w.add("tea", "again"), colidx.DuplicateKeyError),
        (lambda w: w.add("", "text"), colidx.InputError),
        (lambda w: w.add(7, "text"), colidx.ArgumentError),
        (lambda w: w.add("a", None), colidx.ArgumentError),
        (lambda w: w.add("a", "text", metadata=[1]), colidx.ArgumentError),
        (lambda w: w.add("a", "text", metadata={"x": object()}), colidx.InputError),
        (lambda w: w.add("a", "text", metadata={"x": float("nan")}), colidx.InputError),
        (lambda w: w.add({"id": "a"}), colidx.InputError),
        (lambda w: w.delete([1]), colidx.ArgumentError),
        (lambda w: w.delete(1), colidx.ArgumentError),
        (lambda w: w.add("a", vectors=np.ones((2, DIM + 1), "f4")), colidx.VectorError),
        (lambda w: w.add("a", vectors=np.full((2, DIM), np.inf, "f4")), colidx.VectorError),
        (lambda w: w.add("a", vectors=np.ones((2, DIM), "f8")), colidx.DtypeError),
        (lambda w: w.add("a", vectors=np.ones(DIM, "f4")), colidx.VectorError),
    ],
)
def test_a_bad_change_is_refused_and_nothing_is_written(index, change, error):
    with pytest.raises(error) as raised:
        with index.writer() as w:
            w.add("good", "light")
            change(w)
    assert str(raised.value)
    assert isinstance(raised.value, (ValueError, TypeError))
    assert "good" not in colidx.open("docs.colidx")


def test_a_callback_cannot_use_the_writer_that_calls_it(index):
    w = index.writer(progress=lambda *_: w.add("more", "light"))
    w.add("good", "light")
    with pytest.raises(colidx.LockedError, match="at work"):
        w.commit()
    w.close()
    assert "more" not in colidx.open("docs.colidx")


def test_a_writer_goes_on_after_a_refused_document(index):
    with index.writer() as w:
        with pytest.raises(colidx.DuplicateKeyError):
            w.add("tea", "again")
        w.add("good", "light")
    assert "good" in index
