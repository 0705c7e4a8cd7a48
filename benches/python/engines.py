"""The engines, each as what its own documentation tells a Python programmer to write.

`build(folder, documents)` makes an index of a list of `[n_tokens, dim]` float16 arrays; `open(folder)` opens it;
`search(engine, query, k, **setting)` and `batch(engine, queries, k, **setting)` return rows of documents, best first.
"""


class Colidx:
    package = "colidx"
    settings = {"default": {}, "8 probes, 80 candidates": {"n_probe": 8, "candidates": 80, "rerank": 20}, "exact": {"exact": True}}

    @staticmethod
    def build(folder, documents):
        import colidx

        colidx.build_from_vectors(folder, map(str, range(len(documents))), documents, progress=False)

    @staticmethod
    def open(folder):
        import colidx

        return colidx.open(folder)

    @staticmethod
    def search(engine, query, k, **setting):
        return [int(hit.key) for hit in engine.search_vectors(query, k, **setting)]

    @staticmethod
    def batch(engine, queries, k, **setting):
        return [[int(hit.key) for hit in hits] for hits in engine.search_many(queries, k, **setting)]


class FastPlaid:
    package = "fast-plaid"
    # Probes, and candidates that are kept, of which a quarter is scored in full.
    settings = {
        "default": {"n_ivf_probe": 8, "n_full_scores": 4096},
        **{f"{p} probes, {f} scores": {"n_ivf_probe": p, "n_full_scores": f}
           for p, f in ((1, 64), (2, 128), (2, 512), (4, 1024))},
    }

    @staticmethod
    def build(folder, documents):
        import torch
        from fast_plaid import search

        tensors = [torch.from_numpy(document) for document in documents]
        search.FastPlaid(index=folder, device="cpu").create(documents_embeddings=tensors)

    @staticmethod
    def open(folder):
        from fast_plaid import search

        return search.FastPlaid(index=folder, device="cpu")

    @classmethod
    def search(cls, engine, query, k, **setting):
        return cls.batch(engine, query[None], k, **setting)[0]

    @staticmethod
    def batch(engine, queries, k, **setting):
        import torch

        found = engine.search(torch.from_numpy(queries), top_k=k, show_progress=False, **setting)
        return [[row for row, _ in ranking] for ranking in found]


class Warp:
    package = "xtr-warp-rs"
    settings = {"default": {}, **{f"{n} probes": {"nprobe": n} for n in (1, 2, 8)}}

    @staticmethod
    def build(folder, documents):
        import torch
        from xtr_warp.search import XTRWarp

        tensors = [torch.from_numpy(document) for document in documents]
        XTRWarp(index=folder, device="cpu").create(embeddings_source=tensors, device="cpu", show_progress=False)

    @staticmethod
    def open(folder):
        from xtr_warp.search import XTRWarp

        engine = XTRWarp(index=folder, device="cpu")
        engine.load(device="cpu")
        return engine

    @classmethod
    def search(cls, engine, query, k, **setting):
        return cls.batch(engine, query[None], k, **setting)[0]

    @staticmethod
    def batch(engine, queries, k, **setting):
        import torch

        threads = torch.get_num_threads()
        found = engine.search(
            torch.from_numpy(queries), top_k=k, num_threads=threads, show_progress=False, **setting
        )
        return [[row for row, _ in ranking] for ranking in found]


class PyLate:
    """PyLate's default index, as `retrieve.ColBERT` asks it."""

    package = "pylate"
    settings = {"default": {}}

    @staticmethod
    def build(folder, documents):
        from pylate import indexes

        index = indexes.PLAID(index_folder=folder, index_name="index", device="cpu", show_progress=False)
        index.add_documents(list(map(str, range(len(documents)))), documents)

    @staticmethod
    def open(folder):
        from pylate import indexes, retrieve

        index = indexes.PLAID(index_folder=folder, index_name="index", device="cpu", show_progress=False)
        return retrieve.ColBERT(index=index)

    @classmethod
    def search(cls, engine, query, k, **setting):
        return cls.batch(engine, query[None], k, **setting)[0]

    @staticmethod
    def batch(engine, queries, k, **setting):
        found = engine.retrieve(queries_embeddings=queries, k=k)
        return [[int(hit["id"]) for hit in ranking] for ranking in found]


ENGINES = {"colidx": Colidx, "fast-plaid": FastPlaid, "xtr-warp-rs": Warp, "pylate": PyLate}
