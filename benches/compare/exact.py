#!/usr/bin/env python3
"""Ranks every document by exact MaxSim over the uncompressed vectors, in f32. Needs numpy.

    exact.py --data DIR --top 100 --run-out exact.run [--save]

DIR holds the `--embeddings` layout with query_embeddings.npy beside it. Scores descend; equal ones go by row. A document
without vectors has no score and is never a hit. With --save, exact_ids.npy [queries, top] i32 (rows) and exact_scores.npy
[queries, top] f32 are put beside the vectors.
"""
import argparse
from pathlib import Path

import numpy as np

BLOCK = 256  # documents scored at a time, which bounds the similarity block to some tens of MB
QUERIES = 32


def exact_scores(vectors, lens, queries):
    """MaxSim [queries, documents] f32; -inf where a document has no vectors."""
    ends = np.cumsum(lens, dtype=np.int64)
    starts = ends - lens
    count, tokens, dim = queries.shape
    scores = np.full((count, len(lens)), -np.inf, np.float32)
    for first in range(0, len(lens), BLOCK):
        rows = np.arange(first, min(first + BLOCK, len(lens)))
        rows = rows[lens[rows] > 0]
        if not len(rows):
            continue
        begin = starts[rows[0]]
        block = np.asarray(vectors[begin:ends[rows[-1]]], np.float32)
        for q in range(0, count, QUERIES):
            flat = queries[q:q + QUERIES].reshape(-1, dim)
            # Documents lie back to back and the empty ones are gone, so each start closes the segment before it.
            best = np.maximum.reduceat(flat @ block.T, starts[rows] - begin, axis=1)
            scores[q:q + QUERIES, rows] = best.reshape(-1, tokens, len(rows)).sum(axis=1)
    return scores


def top_rows(scores, top):
    """Rows [queries, top] of the highest scores, equal ones by row."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :top]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", required=True, type=Path)
    ap.add_argument("--top", type=int, default=100)
    ap.add_argument("--run-out", type=Path)
    ap.add_argument("--save", action="store_true")
    a = ap.parse_args()

    lens = np.load(a.data / "doc_lens.npy").astype(np.int64)
    keys = a.data / "doc_keys.txt"
    keys = keys.read_text(encoding="utf-8").splitlines() if keys.exists() else [str(i) for i in range(len(lens))]
    queries = np.load(a.data / "query_embeddings.npy").astype(np.float32)
    scores = exact_scores(np.load(a.data / "doc_embeddings.npy", mmap_mode="r"), lens, queries)
    ids = top_rows(scores, min(a.top, len(lens)))
    best = np.take_along_axis(scores, ids, axis=1)
    if a.save:
        np.save(a.data / "exact_ids.npy", ids.astype(np.int32))
        np.save(a.data / "exact_scores.npy", best)
    if a.run_out:
        with open(a.run_out, "w", encoding="utf-8") as out:
            for q in range(len(ids)):
                for rank, (row, score) in enumerate(zip(ids[q], best[q]), 1):
                    if np.isfinite(score):
                        out.write(f"{q} Q0 {keys[row]} {rank} {score} exact\n")


if __name__ == "__main__":
    main()
