#!/usr/bin/env python3
"""Fits a projection of token states to fewer dimensions: make.py CHECKPOINT CORPUS OUT.safetensors

Searching compares token vectors by inner product, so the projection to keep is the one that changes inner products least:
the leading right singular vectors of the matrix of token states, uncentred. CORPUS is anything `colidx encode` reads, without
queries or judgements; README.md tells what was used. Needs numpy, and target/release/colidx (or COLIDX=binary).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from states import as_tensor, encode, write_tensors

DIM = 96
ROWS = 65536


def second_moment(states: np.ndarray) -> np.ndarray:
    """The mean of x x^T over the rows x, [384, 384] f64, read a block at a time."""
    total = np.zeros((states.shape[1], states.shape[1]))
    for start in range(0, len(states), ROWS):
        block = states[start : start + ROWS].astype(np.float64)
        total += block.T @ block
    return total / len(states)


def leading_directions(moment: np.ndarray, count: int) -> np.ndarray:
    """The eigenvectors of the largest eigenvalues as rows, each with its largest entry positive."""
    _, vectors = np.linalg.eigh(moment)  # ascending
    rows = vectors[:, ::-1][:, :count].T
    largest = np.take_along_axis(rows, np.abs(rows).argmax(1)[:, None], 1)
    return rows * np.sign(largest)


def main(checkpoint: Path, corpus: Path, out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        encode(checkpoint, corpus, "documents", Path(folder))
        states = np.load(Path(folder) / "doc_embeddings.npy", mmap_mode="r")
        moment = second_moment(states)
        projection = leading_directions(moment, DIM)
        kept = np.trace(projection @ moment @ projection.T) / np.trace(moment)
        print(f"{len(states)} token states; {DIM} of {states.shape[1]} directions keep {kept:.1%} of their energy")
    write_tensors(out, {"linear.weight": as_tensor(projection)})


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
