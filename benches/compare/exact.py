#!/usr/bin/env python3
"""Ranks every document by exact MaxSim over the uncompressed vectors, in f32. Needs numpy.

    exact.py --data DIR [--top 100] [--queries N] [--run-out exact.run]

DIR holds the `--embeddings` layout with query_embeddings.npy beside it. Written beside the vectors: exact_ids.npy
[queries, top] i32 (rows) and exact_scores.npy [queries, top] f32, and kept: what is there and long enough is not computed
again. With --queries only the first N are answered, which a million documents call for. Scores descend; equal ones go by
row. A document without vectors has no score and is never a hit.

Memory: the scores, 4 bytes a query and document, and blocks of some hundred MB.
"""
import argparse
from pathlib import Path

import numpy as np

from layout import Layout, load_queries

BLOCK = 256  # documents scored at a time
QUERIES = 32  # queries scored at a time


def exact_scores(layout, queries):
    """MaxSim [queries, documents] f32; -inf where a document has no vectors."""
    lens, starts, ends = layout.lens, layout.starts, layout.ends
    count, tokens, dim = queries.shape
    scores = np.full((count, len(lens)), -np.inf, np.float32)
    for first in range(0, len(lens), BLOCK):
        rows = np.arange(first, min(first + BLOCK, len(lens)))
        rows = rows[lens[rows] > 0]
        if not len(rows):
            continue
        begin = starts[rows[0]]
        block = np.asarray(layout.vectors[begin:ends[rows[-1]]], np.float32)
        for q in range(0, count, QUERIES):
            flat = queries[q:q + QUERIES].reshape(-1, dim)
            # Documents are contiguous and empty ones are left out, so each start ends the segment
            # before it.
            best = np.maximum.reduceat(flat @ block.T, starts[rows] - begin, axis=1)
            scores[q:q + QUERIES, rows] = best.reshape(-1, tokens, len(rows)).sum(axis=1)
    return scores


def best_rows(scores, top):
    """Rows of the highest scores of one query, ties by row."""
    top = min(top, len(scores))
    least = np.partition(scores, len(scores) - top)[len(scores) - top]
    rows = np.flatnonzero(scores >= least)  # more than `top` if scores tie
    return rows[np.argsort(-scores[rows], kind="stable")][:top]


def exact(folder, top, count):
    """(ids, scores) of the first `count` queries, [count, top] each; read from cached files if they suffice."""
    ids_path, scores_path = folder / "exact_ids.npy", folder / "exact_scores.npy"
    layout, queries = Layout(folder), load_queries(folder / "query_embeddings.npy")[:count]
    shape = (len(queries), min(top, len(layout.lens)))
    if ids_path.exists() and scores_path.exists():
        ids, best = np.load(ids_path), np.load(scores_path)
        if ids.shape[0] >= shape[0] and ids.shape[1] >= shape[1]:
            return ids[:shape[0], :shape[1]], best[:shape[0], :shape[1]]
    scores = exact_scores(layout, queries)
    ids = np.stack([best_rows(row, top) for row in scores]).astype(np.int32)
    best = np.take_along_axis(scores, ids, axis=1)
    np.save(ids_path, ids)
    np.save(scores_path, best)
    return ids, best


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", required=True, type=Path)
    ap.add_argument("--top", type=int, default=100)
    ap.add_argument("--queries", type=int, help="how many, from the first (default: all)")
    ap.add_argument("--run-out", type=Path, help="also write the hits as a TREC run")
    a = ap.parse_args()

    ids, best = exact(a.data, a.top, a.queries)
    if a.run_out:
        keys = Layout(a.data).keys()
        with open(a.run_out, "w", encoding="utf-8") as out:
            for q in range(len(ids)):
                for rank, (row, score) in enumerate(zip(ids[q], best[q]), 1):
                    if np.isfinite(score):
                        out.write(f"{q} Q0 {keys[row]} {rank} {score} exact\n")


if __name__ == "__main__":
    main()
