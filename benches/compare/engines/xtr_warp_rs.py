"""xtr-warp-rs (PyPI): the WARP engine in Rust over libtorch."""
NAME = "xtr-warp-rs"
VERSION = None
PACKAGE = "xtr-warp-rs"
INDEXLESS = False
EXHAUSTIVE = set()
SPARE = ("[0-9]*.codes.npy", "[0-9]*.residuals.npy")  # a second copy of the data it searches

VARIANTS = {"4bit": {"nbits": 4}, "2bit": {"nbits": 2}}

SEARCHES = {
    "tiny": {"nprobe": 1},
    "cheap": {"nprobe": 2},
    "middle": {"nprobe": 8},
    "default": {},  # its own heuristic chooses probes, bound and candidates
    "expensive": {"nprobe": 32, "bound": 2048, "max_candidates": 2_000_000, "centroid_score_threshold": 0.0},
}


def settings(k):
    return SEARCHES


def build(index, layout, variant, threads):
    import numpy as np
    import torch
    from xtr_warp.search import XTRWarp

    torch.set_num_threads(threads)
    documents = [torch.from_numpy(layout.document(row).astype(np.float16)) for row in range(len(layout.lens))]
    XTRWarp(index=index, device="cpu").create(embeddings_source=documents, device="cpu", nbits=variant["nbits"],
                                              show_progress=False)


def open(index, layout, variant, threads):
    import torch
    from xtr_warp.search import XTRWarp

    torch.set_num_threads(threads)
    engine = XTRWarp(index=index, device="cpu")
    engine.load(device="cpu")
    return engine, threads


def search(handle, query, k, **params):
    import torch

    engine, threads = handle
    found = engine.search(torch.from_numpy(query[None]), top_k=k, num_threads=threads, show_progress=False, **params)
    return [row for row, _ in found[0]]
