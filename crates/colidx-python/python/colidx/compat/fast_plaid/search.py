"""`FastPlaid`: documents are numbered by their position, so numbers shift down after a delete.

>>> import numpy as np
>>> from colidx.compat.fast_plaid import search
>>> vectors = np.eye(4, dtype=np.float32)
>>> index = search.FastPlaid("plaid")
>>> index = index.create([vectors[:1], vectors[1:2], vectors[2:3]]).delete([0])
>>> index.search(vectors[None, 1:2], top_k=1)
[[(0, 1.0)]]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any

from ... import _colidx
from ..._arguments import document
from ..._build import documents
from ..._index import Index
from ...errors import InputError, NotFoundError
from ...pylate import several, squeezed
from . import filtering

#: What fast-plaid takes where a caller says nothing; colidx then chooses for itself.
FULL_SCORES, IVF_PROBE = 4096, 8


class FastPlaid:
    """An index in the directory `index`, which also holds the metadata of `filtering`.

    Arguments that have no meaning here are taken and left alone: devices, k-means, batch sizes.
    """

    def __init__(
        self,
        index: str,
        device: str | list[str] | None = None,
        index_gpu_memory: Any = "auto",
        index_memory_fraction: float = 0.7,
        search_memory_fraction: float = 0.5,
        **ignored: Any,
    ) -> None:
        self.index = os.fspath(index)
        self.frozen = False
        self._path = os.path.join(self.index, "colidx")
        self._open: Index | None = None
        self._numbered: tuple[int, list[str], dict[str, int]] = (0, [], {})

    def create(
        self,
        documents_embeddings: Any,
        kmeans_niters: int = 4,
        max_points_per_centroid: int = 256,
        nbits: int = 4,
        n_samples_kmeans: int | None = None,
        batch_size: int = 25_000,
        seed: int = 42,
        use_triton_kmeans: bool | None = None,
        metadata: list[dict[str, Any]] | None = None,
        start_from_scratch: int = 1000,
        compress_only: bool = False,
    ) -> FastPlaid:
        """Builds the index, in the place of the one that is there."""
        arrays = all_of(documents_embeddings)
        same_length(metadata, arrays)
        os.makedirs(self.index, exist_ok=True)
        if not arrays:
            raise InputError("documents_embeddings: expected at least one document, got none")
        options = {"dim": arrays[0].shape[-1], "nbits": nbits, "seed": seed, "force": True}
        self._write(_colidx.Writer.create(self._path, None, options), arrays, 0)
        if metadata is not None:
            filtering.create(self.index, metadata)
        return self

    def update(
        self,
        documents_embeddings: Any,
        metadata: list[dict[str, Any]] | None = None,
        batch_size: int = 25_000,
        kmeans_niters: int = 4,
        max_points_per_centroid: int = 256,
        n_samples_kmeans: int | None = None,
        seed: int = 42,
        start_from_scratch: int = 999,
        buffer_size: int = 100,
        use_triton_kmeans: bool | None = False,
    ) -> FastPlaid:
        """Appends documents."""
        index = self._index()
        arrays = all_of(documents_embeddings)
        has_rows = filtering.exists(self.index)
        if metadata is None and has_rows:
            metadata = [{} for _ in arrays]
        same_length(metadata, arrays)
        keys = self._keys()
        start = int(keys[-1]) + 1 if keys else 0
        self._write(_colidx.Writer.open(index._core, None), arrays, start)
        if metadata:
            (filtering.update if has_rows else filtering.create)(self.index, metadata)
        return self

    def search(
        self,
        queries_embeddings: Any,
        top_k: int = 10,
        batch_size: int | str = "auto",
        n_full_scores: int = FULL_SCORES,
        n_ivf_probe: int = IVF_PROBE,
        show_progress: bool = True,
        subset: list[list[int]] | list[int] | None = None,
        n_processes: int | None = None,
    ) -> list[list[tuple[int, float]]]:
        """The `top_k` best documents for each query, as pairs of position and score."""
        found = self._search(queries_embeddings, top_k, n_full_scores, n_ivf_probe, subset)
        return [[(number, hit.score) for number, hit in hits] for _, hits in found]

    def search_token_scores(
        self,
        queries_embeddings: Any,
        top_k: int = 10,
        batch_size: int | str = "auto",
        n_full_scores: int = FULL_SCORES,
        n_ivf_probe: int = IVF_PROBE,
        show_progress: bool = True,
        subset: list[list[int]] | list[int] | None = None,
        n_processes: int | None = None,
    ) -> list[list[tuple[int, float, Any]]]:
        """As `search`, with the product of every query token and every document token."""
        found = self._search(queries_embeddings, top_k, n_full_scores, n_ivf_probe, subset)
        return [
            [(number, hit.score, self._products(query, hit.key)) for number, hit in hits]
            for query, hits in found
        ]

    def delete(self, subset: list[int]) -> FastPlaid:
        """Deletes documents by position; those behind them move up."""
        index, keys = self._index(), self._keys()
        numbers = sorted({number for number in subset if 0 <= number < len(keys)})
        with index.writer(progress=False) as writer:
            writer.delete([keys[number] for number in numbers])
        if filtering.exists(self.index):
            filtering.delete(self.index, numbers)
        return self

    def get_embeddings(self, subset: list[int]) -> list[Any]:
        """The stored vectors of documents by position."""
        index, keys = self._index(), self._keys()
        return [tensor(index.vectors(keys[number])) for number in subset]

    def freeze(self) -> None:
        """Stays at the commit that is open, whatever others commit."""
        self.frozen = True

    def unfreeze(self) -> None:
        """Follows the newest commit again."""
        self.frozen = False

    def close(self) -> None:
        """Lets go of the files."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def __enter__(self) -> FastPlaid:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _index(self) -> Index:
        if self._open is not None:
            if not self.frozen:
                self._open.reload()
            return self._open
        try:
            self._open = Index(self._path)
        except NotFoundError as error:
            raise NotFoundError(f"no index in {self.index!r}; create() makes one") from error
        return self._open

    def _keys(self) -> list[str]:
        """The keys in the order of their positions."""
        index = self._index()
        generation = index.info()["generation"]
        if self._numbered[0] != generation:
            keys = sorted(index.keys())
            self._numbered = (generation, keys, {key: at for at, key in enumerate(keys)})
        return self._numbered[1]

    def _write(self, core: _colidx.Writer, arrays: list[Any], start: int) -> None:
        try:
            for number, array in enumerate(arrays, start):
                core.add(document(f"{number:012}", ""), array, None, False)
            core.commit(None)
        finally:
            core.close()

    def _search(
        self, queries: Any, k: int, full_scores: int, probe: int, subset: Any
    ) -> Iterator[tuple[Any, list[tuple[int, Any]]]]:
        index, keys = self._index(), self._keys()
        options: dict[str, Any] = {
            "candidates": None if full_scores == FULL_SCORES else full_scores,
            "n_probe": None if probe == IVF_PROBE else probe,
        }
        given = several(queries)
        if not subset:
            found: Iterable[Any] = index.search_many(given, k, **options)
        else:
            among = repeat(subset, len(given)) if isinstance(subset[0], int) else subset
            if not isinstance(subset[0], int) and len(subset) != len(given):
                raise InputError("Subset length must match number of queries.")
            found = (
                index.search_vectors(
                    query, k, keys=[keys[n] for n in ids if 0 <= n < len(keys)], **options
                )
                for query, ids in zip(given, among, strict=True)
            )
        numbers = self._numbered[2]
        for query, hits in zip(given, found, strict=True):
            yield query, [(numbers[hit.key], hit) for hit in hits]

    def _products(self, query: Any, key: str) -> Any:
        import numpy as np

        values = query.detach().cpu().float().numpy() if hasattr(query, "detach") else query
        vectors = self._index().vectors(key)
        return tensor(np.asarray(values, dtype=np.float32) @ vectors.T)


def all_of(embeddings: Any) -> list[Any]:
    """The vectors of each document."""
    return [squeezed(array) for array in documents("documents_embeddings", embeddings, 2)]


def same_length(metadata: list[dict[str, Any]] | None, arrays: list[Any]) -> None:
    """Refuses metadata of another number of documents."""
    if metadata is not None and len(metadata) != len(arrays):
        raise InputError(
            f"metadata: expected {len(arrays)} rows, one for each document, got {len(metadata)}"
        )


def tensor(array: Any) -> Any:
    """A tensor where torch is at work, else the array."""
    torch = sys.modules.get("torch")
    return array if torch is None else torch.from_numpy(array)
