"""Metrics."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, Union

from . import _colidx
from ._arguments import is_path, text, texts
from .errors import ArgumentError

Run = Union[str, "os.PathLike[str]", Mapping[str, Any]]


def eval(run: Run, qrels: Run, metrics: str | Iterable[str] = "ndcg@10") -> dict[str, float]:
    """The average of each metric over all judged queries, computed as trec_eval does.

    `run` is a file in TREC format, or a dict of queries: to hits, to pairs of key and score, or to
    a dict of scores. `qrels` is a file of judgements, or a dict of queries to dicts of documents to
    numbers. Metrics: `ndcg@k`, `recall@k`, `mrr@k`, `map@k`, `success@k`, `p@k`.

    Raises `InputError` where there is nothing to measure, `OptionError` for an unknown metric.

    >>> colidx.eval({"q1": [("d7", 9.5), ("d1", 8.2)]}, {"q1": {"d1": 1}}, ["mrr@10", "p@1"])
    {'mrr@10': 0.5, 'p@1': 0.0}
    """
    names = metrics if isinstance(metrics, str) else ",".join(texts("metrics", metrics))
    rankings: Any = run
    if not is_path(run):
        rankings = {
            text("query", query): ranking(query, found) for query, found in mapping("run", run)
        }
    if isinstance(qrels, (str, os.PathLike)):
        return _colidx.evaluate(rankings, None, qrels, names)
    judged = {text("query", query): dict(found) for query, found in mapping("qrels", qrels)}
    return _colidx.evaluate(rankings, json.dumps(judged), None, names)


def mapping(name: str, value: Any) -> Iterable[tuple[Any, Any]]:
    """The items of a dict."""
    if isinstance(value, Mapping):
        return value.items()
    raise ArgumentError(f"{name}: expected a dict or a file, got {type(value).__name__}")


def ranking(query: str, found: Any) -> list[tuple[str, float]]:
    """Pairs of key and score."""
    if isinstance(found, Mapping):
        found = found.items()
    return [pair(query, hit) for hit in found]


def pair(query: str, hit: Any) -> tuple[str, float]:
    """Key and score of a hit."""
    if hasattr(hit, "key"):
        return hit.key, hit.score
    if isinstance(hit, Mapping):
        return str(hit["id"]), hit["score"]
    if isinstance(hit, (tuple, list)) and len(hit) == 2:
        return text(f"run[{query!r}]", hit[0]), float(hit[1])
    raise ArgumentError(
        f"run[{query!r}]: expected hits or pairs of key and score, got {type(hit).__name__}"
    )
