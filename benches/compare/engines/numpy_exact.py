"""Exact MaxSim over the uncompressed vectors with numpy: a matrix product with OpenBLAS and segment maxima."""
NAME = "numpy-exact"
VERSION = None
PACKAGE = "numpy"
INDEXLESS = True
EXHAUSTIVE = {"exact"}

VARIANTS = {"f32": {"nbits": 32}}
BLOCK = 1000  # documents


def settings(k):
    return {"exact": {}}


def open(index, layout, variant, threads):
    import numpy as np

    return np.asarray(layout.vectors, np.float32), layout


def best(scores, k):
    import numpy as np

    top = np.argpartition(-scores, k)[:k] if k < len(scores) else np.arange(len(scores))
    return top[np.argsort(-scores[top], kind="stable")]


def search(handle, query, k):
    import numpy as np

    vectors, layout = handle
    scores = np.full(len(layout.lens), -np.inf, np.float32)
    filled = np.flatnonzero(layout.lens)
    for first in range(0, len(filled), BLOCK):
        rows = filled[first:first + BLOCK]
        begin, end = layout.starts[rows[0]], layout.ends[rows[-1]]
        scores[rows] = np.maximum.reduceat(query @ vectors[begin:end].T, layout.starts[rows] - begin, axis=1).sum(axis=0)
    return best(scores, k)
