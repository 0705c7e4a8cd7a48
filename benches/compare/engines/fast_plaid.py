"""fast-plaid (PyPI): Rust over libtorch. It computes in half precision, on the CPU too."""
NAME = "fast-plaid"
VERSION = None
PACKAGE = "fast-plaid"
INDEXLESS = False
EXHAUSTIVE = set()

VARIANTS = {"4bit": {"nbits": 4}, "2bit": {"nbits": 2}}

# Probes, candidates kept by the centroid-level score (a quarter of them is scored in full).
SEARCHES = {"tiny": (1, 256), "cheap": (2, 512), "middle": (4, 1024), "default": (8, 4096), "expensive": (32, 8192)}


def settings(k):
    return {label: {"n_ivf_probe": probes, "n_full_scores": full}
            for label, (probes, full) in SEARCHES.items() if full >= 4 * k}


def load(index, threads):
    import torch
    from fast_plaid import search

    torch.set_num_threads(threads)
    return search.FastPlaid(index=index, device="cpu")


def build(index, layout, variant, threads):
    import numpy as np
    import torch

    engine = load(index, threads)
    documents = [torch.from_numpy(layout.document(row).astype(np.float16)) for row in range(len(layout.lens))]
    engine.create(documents_embeddings=documents, nbits=variant["nbits"])


def open(index, layout, variant, threads):
    return load(index, threads)


def search(handle, query, k, **params):
    import torch

    found = handle.search(torch.from_numpy(query[None]), top_k=k, show_progress=False, **params)
    return [row for row, _ in found[0]]
