#!/usr/bin/env python3
"""Measures projections by exact MaxSim on uncompressed vectors: measure.py CHECKPOINT SCIFACT WORK PROJECTION...

SCIFACT is a folder with corpus.jsonl, queries.jsonl and qrels.tsv (BEIR's layout). The token states are kept in WORK, so that
a second run encodes nothing. Prints nDCG@10 and Recall@100 of each projection (a .safetensors file with `linear.weight`),
and of the token states themselves. Needs numpy, and target/release/colidx (or COLIDX=binary).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from states import encode, read_projection

BLOCK = 100  # documents


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)


def scores(projection: np.ndarray, queries: np.ndarray, states: np.ndarray, lens: np.ndarray) -> np.ndarray:
    """MaxSim of every query [queries, tokens, 384] over every document: [queries, documents]."""
    vectors = unit(queries.astype(np.float32) @ projection.T)
    rows = vectors.reshape(-1, vectors.shape[2])
    ends = np.cumsum(lens)
    starts = ends - lens
    out = np.empty((len(queries), len(lens)), np.float32)
    for first in range(0, len(lens), BLOCK):
        last = min(first + BLOCK, len(lens))
        block = unit(states[starts[first] : ends[last - 1]].astype(np.float32) @ projection.T)
        best = np.maximum.reduceat(rows @ block.T, starts[first:last] - starts[first], axis=1)
        out[:, first:last] = best.reshape(len(queries), -1, last - first).sum(1)
    return out


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """query id -> document id -> grade above zero."""
    qrels: dict[str, dict[str, int]] = {}
    for line in path.read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        if int(grade) > 0:
            qrels.setdefault(query, {})[document] = int(grade)
    return qrels


def metrics(ranked: list[str], grades: dict[str, int]) -> tuple[float, float]:
    """nDCG@10 and Recall@100 of one ranking."""
    discounts = 1 / np.log2(np.arange(2, 12))
    gains = np.array([grades.get(document, 0) for document in ranked[:10]])
    ideal = np.array((sorted(grades.values(), reverse=True) + [0] * 10)[:10])
    found = sum(document in grades for document in ranked[:100])
    return float(gains @ discounts / (ideal @ discounts)), found / len(grades)


def main(checkpoint: Path, scifact: Path, work: Path, projections: list[Path]) -> None:
    if not (work / "query_embeddings.npy").exists():
        work.mkdir(parents=True, exist_ok=True)
        encode(checkpoint, scifact / "corpus.jsonl", "documents", work)
        encode(checkpoint, scifact / "queries.jsonl", "queries", work)
    states = np.load(work / "doc_embeddings.npy", mmap_mode="r")
    lens = np.load(work / "doc_lens.npy").astype(np.int64)
    queries = np.load(work / "query_embeddings.npy")
    keys = np.array((work / "doc_keys.txt").read_text().splitlines())
    query_ids = [json.loads(line)["_id"] for line in (scifact / "queries.jsonl").open()]
    qrels = read_qrels(scifact / "qrels.tsv")

    candidates = {str(path): read_projection(path) for path in projections}
    candidates["token states, 384 dimensions"] = np.eye(states.shape[1], dtype=np.float32)
    for name, projection in candidates.items():
        all_scores = scores(projection, queries, states, lens)
        order = np.argsort(-all_scores, axis=1, kind="stable")[:, :100]
        measured = [metrics(list(keys[row]), qrels[query]) for query, row in zip(query_ids, order) if query in qrels]
        ndcg, recall = np.mean(measured, axis=0)
        print(f"nDCG@10 {ndcg:.4f}  Recall@100 {recall:.4f}  {name}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:4]), list(map(Path, sys.argv[4:])))
