"""tachiom (PyPI): clusters of the vectors of one vocabulary id, product quantisation, a graph over the centroids.

Its code has one size: 32 subspaces of 8 bits, 32 bytes a vector and a norm, as much as 2 bits a dimension at 128
dimensions. A search runs on one thread.
"""
import os

NAME = "tachiom"
VERSION = None
PACKAGE = "tachiom"
INDEXLESS = False
EXHAUSTIVE = set()

VARIANTS = {"pq32": {"nbits": 2}}


def settings(k):
    return {
        "cheap": {"k_centroids": 10, "k_docs_to_score": max(100, 2 * k), "ef_search": 20},
        "default": {"k_centroids": 20, "k_docs_to_score": max(500, 5 * k), "ef_search": 30},
        "expensive": {"k_centroids": 64, "k_docs_to_score": 4096, "ef_search": 128, "alpha": None},
    }


def build(index, layout, variant, threads):
    import numpy as np
    import tachiom

    vectors = np.ascontiguousarray(layout.vectors, np.float16).view(np.uint16)
    engine = tachiom.Tachiom.build_from_arrays(vectors, layout.token_ids().astype(np.uint32), layout.lens.astype(np.int32))
    engine.save(os.path.join(index, "index.bin"))


def open(index, layout, variant, threads):
    import tachiom

    return tachiom.Tachiom.load(os.path.join(index, "index.bin"))


def search(handle, query, k, **params):
    import numpy as np

    return handle.search(np.ascontiguousarray(query), k=k, **params)[1]
