"""An index for PyLate: `retrieve.ColBERT(index=colidx.pylate.Index())` and nothing else changes.

PyLate and torch are not imported here; arrays and tensors are both taken.

>>> import numpy as np
>>> index = colidx.pylate.Index("indexes", "demo")
>>> vectors = np.eye(4, dtype=np.float32)
>>> _ = index.add_documents(["a", "b"], [vectors[:2], vectors[2:]])
>>> index(vectors[:1], k=1)
[[{'id': 'a', 'score': 1.0}]]
"""

from __future__ import annotations

import logging
import operator
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat, tee
from typing import Any, Union

from . import _colidx, set_threads
from ._arguments import document
from ._build import documents, rank, together
from ._index import Index as NativeIndex
from ._progress import reporting
from .errors import ArgumentError, InputError, VectorError

log = logging.getLogger("colidx")

#: An id as callers give it: it comes back in the same type.
Id = Union[str, int]

#: The field of the metadata that remembers an id that is a number.
NUMBER = "_pylate_id"


class Index:
    """A PyLate index in the directory `index_folder/index_name`, which is an index of colidx.

    `exact` scores every document. `n_ivf_probe` and `n_full_scores` are colidx's `n_probe` and
    `candidates`; `None` chooses. Other arguments of PyLate's PLAID have no meaning here and are
    taken without complaint. `num_threads` is for all of colidx in this process.
    """

    is_end_to_end_index = True

    def __init__(
        self,
        index_folder: str = "indexes",
        index_name: str = "colidx",
        override: bool = False,
        nbits: int = 4,
        seed: int = 42,
        n_ivf_probe: int | None = None,
        n_full_scores: int | None = None,
        num_threads: int | None = None,
        show_progress: bool = True,
        exact: bool = False,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            log.debug("arguments without a meaning for colidx: %s", ", ".join(sorted(kwargs)))
        self.index_folder = index_folder
        self.index_name = index_name
        self.index_path = os.path.join(index_folder, index_name)
        # By force, so that what an interrupted call has left goes too.
        self._building: dict[str, Any] = {"nbits": nbits, "seed": seed, "force": override}
        self._searching: dict[str, Any] = {
            "exact": exact,
            "n_probe": n_ivf_probe,
            "candidates": n_full_scores,
        }
        self._progress = None if show_progress else False
        self._ids: dict[str, Id] = {}
        if num_threads:
            set_threads(num_threads)
        self._open: NativeIndex | None = None
        #: Whether the index that is there is still to be replaced, by the first commit.
        self._overriding = override
        if base := sys.modules.get("pylate.indexes.base"):
            base.Base.register(type(self))

    def add_documents(
        self,
        documents_ids: Id | Iterable[Id],
        documents_embeddings: Any,
        *,
        documents_token_ids: Iterable[Any] | None = None,
        metadata: Iterable[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> Index:
        """Adds documents, in the place of those with the same ids. The first call trains the index.

        Embeddings are arrays or tensors of `[n_tokens, dim]`, one of `[n, n_tokens, dim]`, a
        generator, or the dict that `encode(..., output_value=None)` gives. Token ids, given or in
        that dict, make a better codebook.
        """
        # The ids are read beside the vectors, so that both can be generators.
        ids = remembered(one_or_many(documents_ids))
        arrays, numbers = embeddings(documents_embeddings, documents_token_ids)
        self._write(ids, arrays, numbers, repeat({}) if metadata is None else iter(metadata))
        return self

    def update_documents(
        self, documents_ids: Id | Iterable[Id], documents_embeddings: Any, **kwargs: Any
    ) -> Index:
        """Replaces documents; those with other ids are added."""
        return self.add_documents(documents_ids, documents_embeddings, **kwargs)

    def remove_documents(self, documents_ids: Id | Iterable[Id]) -> Index:
        """Removes documents; ids that the index does not have are ignored."""
        if self._index is not None:
            with self._index.writer(progress=self._progress) as writer:
                for given in one_or_many(documents_ids):
                    self._ids.pop(key_of(given), None)
                    writer.delete(key_of(given))
        return self

    def __call__(
        self,
        queries_embeddings: Any,
        k: int = 10,
        subset: list[list[Id]] | list[Id] | None = None,
    ) -> list[list[dict[str, Any]]]:
        """The `k` best documents for each query, best first, as `{"id", "score"}`.

        `subset` limits the search to these ids: for all queries, or a list for each.
        """
        if self._index is None:
            raise InputError("The index is empty. Please add documents before querying.")
        self._index.reload()
        queries = several(queries_embeddings)
        if subset is None:
            found = self._index.search_many(queries, k, **self._searching)
        else:
            found = [
                self._index.search_vectors(query, k, keys=map(key_of, ids), **self._searching)
                for query, ids in zip(queries, subsets(subset, len(queries)), strict=True)
            ]
        return [[{"id": self._id(hit), "score": hit.score} for hit in hits] for hits in found]

    def get_documents_embeddings(self, documents_ids: list[list[Id]]) -> list[list[Any]]:
        """The vectors of documents as they are stored, `[n_tokens, dim]` float32 each."""
        if self._index is None:
            raise InputError("The index is empty. Please add documents before querying.")
        return [[self._index.vectors(key_of(one)) for one in ids] for ids in documents_ids]

    def _is_built(self) -> bool:
        return os.path.isfile(os.path.join(self.index_path, "manifest"))

    @property
    def _index(self) -> NativeIndex | None:
        """The index, once this object or another one has built it."""
        if self._open is None and not self._overriding and self._is_built():
            self._open = NativeIndex(self.index_path)
        return self._open

    def _write(
        self,
        ids: Iterator[tuple[str, Id]],
        arrays: Iterator[Any],
        numbers: Iterator[Any] | None,
        metadata: Iterator[dict[str, Any]],
    ) -> None:
        first = next(arrays, None)
        if first is None:
            return
        given: dict[str, Id] = {}

        def keys() -> Iterator[str]:
            for key, one in ids:
                self._check(given[key] if key in given else self._stored(key), one)
                given[key] = one
                yield key

        if self._index is None and numbers is None:
            log.info("no token ids are given, so the codebook is made without them")
        core = self._writer(first)
        try:
            for key, array, tokens in together(keys(), chain([first], arrays), numbers):
                more = dict(next(metadata, {}))
                if not isinstance(given[key], str):
                    more[NUMBER] = given[key]
                core.add(document(key, "", "", more), array, tokens, True)
            with reporting(self._progress) as report:
                done, _ = core.commit(report)
        finally:
            core.close()
        self._overriding = False
        self._ids.update(given)
        if self._index is not None:
            self._index.reload()
        if done["error"] and done["error"] > 2 * done["sample_error"]:
            log.warning("the codebook fits the added documents badly; retrain() makes a new one")

    def _writer(self, first: Any) -> _colidx.Writer:
        if self._index is not None:
            return _colidx.Writer.open(self._index._core, None)
        shape = tuple(getattr(first, "shape", ()))
        if len(shape) != 2:
            raise VectorError(f"documents_embeddings[0]: expected shape (tokens, dim), got {shape}")
        return _colidx.Writer.create(self.index_path, None, {"dim": shape[1], **self._building})

    def retrain(self) -> Index:
        """Trains a new codebook on the stored vectors: for an index that has grown by much."""
        if self._index is not None:
            with self._index.writer(progress=self._progress) as writer:
                writer.retrain()
        return self

    def _id(self, hit: Any) -> Id:
        if hit.key not in self._ids:
            self._ids[hit.key] = hit.metadata.get(NUMBER, hit.key)
        return self._ids[hit.key]

    def _stored(self, key: str) -> Id | None:
        """The id that the index has for a key."""
        if self._index is None or key not in self._index:
            return None
        if key not in self._ids:
            self._ids[key] = self._index[key].metadata.get(NUMBER, key)
        return self._ids[key]

    @staticmethod
    def _check(known: Id | None, given: Id) -> None:
        if known is not None and known != given:
            raise InputError(
                f"documents_ids: expected ids that differ as text, got {given!r} beside {known!r}"
            )

    def __len__(self) -> int:
        return 0 if self._index is None else len(self._index)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<colidx.pylate.Index {self.index_path!r}, {len(self)} documents>"


@contextmanager
def in_place_of_plaid() -> Iterator[None]:
    """Makes `pylate.indexes.PLAID` this `Index`, for programs that name it, such as MTEB."""
    from pylate import indexes

    # Type checkers allow no assignment to a class.
    plaid = indexes.PLAID
    setattr(indexes, "PLAID", Index)
    try:
        yield
    finally:
        setattr(indexes, "PLAID", plaid)


def key_of(given: Id) -> str:
    """The key that stands for an id."""
    if isinstance(given, str):
        return str(given)
    try:
        return str(operator.index(given))
    except TypeError:
        kind = type(given).__name__
        raise ArgumentError(
            f"documents_ids: expected ids that are str or int, got {kind}"
        ) from None


def one_or_many(ids: Id | Iterable[Id]) -> Iterable[Id]:
    """A single id as a list."""
    return [ids] if isinstance(ids, (str, int)) else ids


def remembered(ids: Iterable[Id]) -> Iterator[tuple[str, Id]]:
    """Keys, and the ids that they stand for as plain str and int."""
    for given in ids:
        yield key_of(given), given if isinstance(given, str) else operator.index(given)


def squeezed(array: Any) -> Any:
    """`[1, n_tokens, dim]` as `[n_tokens, dim]`."""
    shape = tuple(getattr(array, "shape", ()))
    return array[0] if len(shape) == 3 and shape[0] == 1 else array


def several(arrays: Any) -> list[Any]:
    """An array of one or of several, or a list of them, as a list of `[n_tokens, dim]`."""
    if len(getattr(arrays, "shape", ())) == 2:
        return [arrays]
    return [squeezed(array) for array in arrays]


def embeddings(
    given: Any, token_ids: Iterable[Any] | None
) -> tuple[Iterator[Any], Iterator[Any] | None]:
    """The vectors of each document, and its token ids if there are any."""
    if len(getattr(given, "shape", ())) == 2 or isinstance(given, dict):
        given = [given]
    values = iter(given)
    first = next(values, None)
    if first is None:
        return iter(()), None
    values = chain([first], values)
    if isinstance(first, dict):
        return unmasked(values)
    ids = None if token_ids is None else documents("documents_token_ids", token_ids, 1)
    return map(squeezed, documents("documents_embeddings", values, 2)), ids


def unmasked(values: Iterator[dict[str, Any]]) -> tuple[Iterator[Any], Iterator[Any]]:
    """Vectors and token ids of the tokens that the masks of `encode(..., output_value=None)` let
    through: dicts of lists with one array a document, or of the arrays of one.
    """
    vectors, ids = tee(row for value in values for row in rows(value))
    return (
        (embeddings[mask] for embeddings, _, mask in vectors),
        (numbers[mask] for _, numbers, mask in ids),
    )


def rows(value: dict[str, Any]) -> Iterable[tuple[Any, Any, Any]]:
    """Vectors, token ids and mask of each document."""
    columns = [value[name] for name in ("token_embeddings", "input_ids", "masks")]
    if rank(columns[0]) == 2:
        return [(columns[0], columns[1], columns[2])]
    return zip(*columns, strict=True)


def subsets(subset: list[Any], queries: int) -> Iterable[list[Id]]:
    """The ids to search among, for each query."""
    if not subset or not isinstance(subset[0], list):
        return repeat(subset, queries)
    if len(subset) != queries:
        raise InputError(
            f"Subset length must match number of queries: expected {queries}, got {len(subset)}"
        )
    return subset
