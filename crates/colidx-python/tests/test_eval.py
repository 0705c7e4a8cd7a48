"""Metrics."""

import colidx
import pytest

QRELS = {"q1": {"a": 1, "b": 0}, "q2": {"c": 2}}


def test_a_run_has_many_forms(index, folder):
    run = {"q1": [("x", 3.0), ("a", 2.0)], "q2": {"c": 9.0, "d": 1.0}}
    expected = {"mrr@10": 0.75, "recall@1": 0.5}
    assert colidx.eval(run, QRELS, ["mrr@10", "recall@1"]) == expected
    assert colidx.eval(run, QRELS, "mrr@10,recall@1") == expected
    (folder / "run.txt").write_text(
        "q1 Q0 x 1 3.0 t\nq1 Q0 a 2 2.0 t\nq2 Q0 c 1 9.0 t\nq2 Q0 d 2 1.0 t\n"
    )
    (folder / "qrels.txt").write_text("q1 0 a 1\nq1 0 b 0\nq2 0 c 2\n")
    assert colidx.eval("run.txt", folder / "qrels.txt", ["mrr@10", "recall@1"]) == expected
    pylate = {"q1": [{"id": "a", "score": 1.0}], "q2": []}
    assert colidx.eval(pylate, QRELS, "mrr@10") == {"mrr@10": 0.5}
    hits = {"q": index.search("the moon")}
    assert colidx.eval(hits, {"q": {hits["q"][0].key: 1}}) == {"ndcg@10": 1.0}


def test_nothing_to_measure_is_an_error():
    with pytest.raises(colidx.InputError):
        colidx.eval({"q9": [("a", 1.0)]}, QRELS)
    with pytest.raises(colidx.InputError):
        colidx.eval({}, QRELS)
    with pytest.raises(colidx.OptionError, match="beauty"):
        colidx.eval({"q1": [("a", 1.0)]}, QRELS, "beauty@3")
    with pytest.raises(colidx.ArgumentError):
        colidx.eval({"q1": ["a"]}, QRELS)
    with pytest.raises(colidx.ArgumentError, match="run: expected a dict or a file, got list"):
        colidx.eval([("a", 1.0)], QRELS)
    with pytest.raises(FileNotFoundError):
        colidx.eval("missing.txt", QRELS)
