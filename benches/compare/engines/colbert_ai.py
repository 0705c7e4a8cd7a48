"""colbert-ai (PyPI): Stanford's ColBERT with PLAID, on the CPU.

Its text encoder is replaced by one that hands out our vectors; indexing and searching are the package's own. It compiles
four C++ extensions at first use.
"""
import os

NAME = "colbert-ai"
VERSION = None
PACKAGE = "colbert-ai"
INDEXLESS = False
EXHAUSTIVE = set()

VARIANTS = {"2bit": {"nbits": 2}, "4bit": {"nbits": 4}, "1bit": {"nbits": 1}}

# The first three are its Searcher's choices for k up to 10, up to 100, and above.
SEARCHES = {
    "k10": {"ncells": 1, "centroid_score_threshold": 0.5, "ndocs": 256},
    "k100": {"ncells": 2, "centroid_score_threshold": 0.45, "ndocs": 1024},
    "k1000": {"ncells": 4, "centroid_score_threshold": 0.4, "ndocs": 4096},
    "expensive": {"ncells": 32, "centroid_score_threshold": -1.0, "ndocs": 16384},
}


def settings(k):
    return {label: params for label, params in SEARCHES.items() if params["ndocs"] >= 4 * k}


class Rows:
    """Replaces the package's encoder: a passage is the number of a document."""

    def __init__(self, layout):
        self.layout = layout

    def encode_passages(self, passages):
        import numpy as np
        import torch

        if not len(passages):
            return None, None
        parts = [torch.from_numpy(self.layout.document(int(p)).astype(np.float32)) for p in passages]
        return torch.cat(parts), [len(part) for part in parts]


def build(index, layout, variant, threads):
    import torch
    from colbert.data.collection import Collection
    from colbert.indexing import collection_indexer
    from colbert.indexing.index_saver import IndexSaver
    from colbert.infra import ColBERTConfig, Run, RunConfig

    torch.set_num_threads(threads)

    class Indexer(collection_indexer.CollectionIndexer):
        def __init__(self, config, collection):
            self.verbose, self.config = 1, config
            self.rank, self.nranks = 0, 1
            self.use_gpu = False
            self.collection = Collection.cast(collection)
            self.checkpoint, self.encoder = None, Rows(layout)
            self.saver = IndexSaver(config)

    root, name = os.path.split(os.path.abspath(index))
    with Run().context(RunConfig(nranks=1, rank=0, amp=False, gpus=0, avoid_fork_if_possible=True)):
        config = ColBERTConfig(nbits=variant["nbits"], dim=layout.dim, kmeans_niters=4, index_path=index,
                               index_name=name, root=root, avoid_fork_if_possible=True, gpus=0)
        Indexer(config, [str(row) for row in range(len(layout.lens))]).run([[]])


def open(index, layout, variant, threads):
    import torch
    from colbert.modeling.colbert import ColBERT
    from colbert.search.index_storage import IndexScorer

    torch.set_num_threads(threads)
    ColBERT.try_load_torch_extensions(False)  # what the constructor of its model would do
    return IndexScorer(index, use_gpu=False, load_index_with_mmap=False)


def search(handle, query, k, **params):
    import torch
    from colbert.infra import ColBERTConfig

    rows, _ = handle.rank(ColBERTConfig(query_maxlen=len(query), **params), torch.from_numpy(query[None]))
    return rows[:k]
