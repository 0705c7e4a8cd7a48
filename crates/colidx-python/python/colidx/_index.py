"""Searching an index."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, overload

from . import _arguments as arguments
from . import _colidx
from ._arguments import key as checked_key
from ._arguments import text
from ._progress import Progress
from ._results import arrays, frame
from ._types import Document, Match, VectorMatch
from ._writer import Writer
from .errors import ArgumentError, InputError, KeyNotFoundError, VectorError

if TYPE_CHECKING:
    import numpy as np

    from ._colidx import Hit
    from ._encoder import Encoder
    from ._types import HitArrays


def open(
    path: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | Encoder | None = None,
    **encoder: Any,
) -> Index:
    """Maps an index; the checkpoint that it records is opened at the first search for text.

    `model` is the checkpoint where it does not lie any more where the index says, or an open
    `Encoder`. Further options are those of `Encoder`.

    Raises `NotFoundError`, `DamagedError`, `WrongModelError`.

    >>> len(colidx.open("docs.colidx"))
    2
    """
    return Index(path, model=model, **encoder)


class Index:
    """An index, open at one commit. Searches may come from any number of threads.

    It is a context, and a mapping of keys to documents; it is pickled as its path.

    >>> "moon" in index, len(index), index["moon"].text
    (True, 2, 'The moon goes around the earth.')
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        model: str | os.PathLike[str] | Encoder | None = None,
        **encoder: Any,
    ) -> None:
        core = getattr(model, "_core", None)
        name = None
        if model is not None and core is None:
            name = text("model", os.fspath(model) if isinstance(model, os.PathLike) else model)
            # For a process with another working directory.
            name = os.path.abspath(name) if os.path.isdir(name) else name
        self._core = _colidx.Index(os.fspath(path), name, core, encoder)
        self._arguments = (core.info()["location"] if core is not None else name, encoder)

    @property
    def path(self) -> str:
        """The directory, absolute."""
        return os.fspath(self._core.path)

    @overload
    def search(
        self,
        query: str,
        k: int = ...,
        *,
        keys: Iterable[str] | None = ...,
        as_arrays: Literal[False] = ...,
        as_frame: Literal[False] = ...,
        **options: Any,
    ) -> list[Hit]: ...

    @overload
    def search(
        self,
        query: str,
        k: int = ...,
        *,
        keys: Iterable[str] | None = ...,
        as_arrays: Literal[True],
        as_frame: Literal[False] = ...,
        **options: Any,
    ) -> HitArrays: ...

    @overload
    def search(
        self,
        query: str,
        k: int = ...,
        *,
        keys: Iterable[str] | None = ...,
        as_arrays: Literal[False] = ...,
        as_frame: Literal[True] | str,
        **options: Any,
    ) -> Any: ...

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        keys: Iterable[str] | None = None,
        as_arrays: bool = False,
        as_frame: bool | str = False,
        **options: Any,
    ) -> Any:
        """The `k` best documents for a text, best first: a list of `Hit` with `key`, `score`,
        `title`, `text` and `metadata`.

        `keys` limits the search to these documents. With `as_arrays` the result is `HitArrays`,
        with `as_frame` a frame of pandas or polars. Options: `exact` (score every document),
        `n_probe`, `candidates`, `rerank` (how hard to look), `parallel`, `timeout` (seconds).

        Raises `InputError` for an empty query, `ModelError` for an index of vectors,
        `OptionError`, `DeadlineError`, `ClosedError`.

        >>> for hit in index.search("moon and earth", k=1):
        ...     print(hit.key, hit.text)
        moon The moon goes around the earth.
        """
        found = self._core.search_texts([text("query", query)], {"k": k, **options}, among(keys))
        return shaped(found, as_arrays, as_frame, many=False)

    @overload
    def search_vectors(
        self,
        query: Any,
        k: int = ...,
        *,
        keys: Iterable[str] | None = ...,
        as_arrays: Literal[False] = ...,
        as_frame: Literal[False] = ...,
        **options: Any,
    ) -> list[Hit]: ...

    @overload
    def search_vectors(
        self,
        query: Any,
        k: int = ...,
        *,
        keys: Iterable[str] | None = ...,
        as_arrays: Literal[True],
        as_frame: Literal[False] = ...,
        **options: Any,
    ) -> HitArrays: ...

    @overload
    def search_vectors(
        self,
        query: Any,
        k: int = ...,
        *,
        keys: Iterable[str] | None = ...,
        as_arrays: Literal[False] = ...,
        as_frame: Literal[True] | str,
        **options: Any,
    ) -> Any: ...

    def search_vectors(
        self,
        query: Any,
        k: int = 10,
        *,
        keys: Iterable[str] | None = None,
        as_arrays: bool = False,
        as_frame: bool | str = False,
        **options: Any,
    ) -> Any:
        """As `search`, for token vectors, `[n_tokens, dim]` float32 or float16: array or tensor.

        Raises `DtypeError`, and `VectorError` for another shape or dimension, NaN or infinity.

        >>> [vectors] = colidx.Encoder(MODEL).encode_queries(["moon and earth"])
        >>> index.search_vectors(vectors, k=1)[0].key
        'moon'
        """
        shape = tuple(getattr(query, "shape", ()))
        if len(shape) == 3:
            raise VectorError(
                f"query: expected shape (tokens, dim), got {shape}; search_many takes several"
            )
        found = self._core.search_one(query, {"k": k, **options}, among(keys))
        return shaped(found, as_arrays, as_frame, many=False)

    @overload
    def search_many(
        self,
        queries: Iterable[Any],
        k: int = ...,
        *,
        keys: Iterable[str] | None = ...,
        as_arrays: Literal[False] = ...,
        as_frame: Literal[False] = ...,
        **options: Any,
    ) -> list[list[Hit]]: ...

    @overload
    def search_many(
        self,
        queries: Iterable[Any],
        k: int = ...,
        *,
        keys: Iterable[str] | None = ...,
        as_arrays: Literal[True],
        as_frame: Literal[False] = ...,
        **options: Any,
    ) -> list[HitArrays]: ...

    @overload
    def search_many(
        self,
        queries: Iterable[Any],
        k: int = ...,
        *,
        keys: Iterable[str] | None = ...,
        as_arrays: Literal[False] = ...,
        as_frame: Literal[True] | str,
        **options: Any,
    ) -> Any: ...

    def search_many(
        self,
        queries: Iterable[Any],
        k: int = 10,
        *,
        keys: Iterable[str] | None = None,
        as_arrays: bool = False,
        as_frame: bool | str = False,
        **options: Any,
    ) -> Any:
        """The hits of each of many queries: texts, or arrays of `[n_tokens, dim]`, or one array of
        `[n_queries, n_tokens, dim]`. One thread searches for each query.

        >>> [len(hits) for hits in index.search_many(["the moon", "tea"], k=1)]
        [1, 1]
        """
        if isinstance(queries, str) or not isinstance(queries, Iterable):
            kind = type(queries).__name__
            raise ArgumentError(f"queries: expected a list of texts or of arrays, got {kind}")
        given = list(queries)
        options = {"k": k, **options}
        if given and isinstance(given[0], str):
            given = arguments.texts("queries", given)
            found = self._core.search_texts(given, options, among(keys))
        else:
            found = self._core.search_vectors(given, options, among(keys))
        return shaped(found, as_arrays, as_frame, many=True)

    def explain(self, query: Any, key: str) -> list[Match] | list[VectorMatch]:
        """What each query token matched in a document. The scores add up to the document's.

        Raises `KeyNotFoundError`, and what `search` raises.

        >>> document = index["moon"]
        >>> match = max(index.explain("moon", "moon"), key=lambda match: match.score)
        >>> document.text[match.start : match.end] == match.document_token
        True
        """
        checked_key("key", key)
        if isinstance(query, str):
            return [Match(*found) for found in known(key, self._core.explain(query, key))]
        found = self._core.explain_vectors(query, key)
        return [VectorMatch(*found) for found in known(key, found)]

    def writer(self, *, memory: int | None = None, progress: Progress = None) -> Writer:
        """Takes the index for writing, with at most `memory` bytes of working memory.

        Raises `LockedError` while another writer has it.
        """
        return Writer(self, memory, progress)

    def reload(self) -> bool:
        """Moves on to the newest commit. Returns whether there was one."""
        return self._core.reload()

    def info(self) -> dict[str, Any]:
        """What the index holds: documents, vectors, dimension, bits, sizes, model, segments."""
        return self._core.info()

    def verify(self) -> None:
        """Reads the whole index and checks it. Raises `DamagedError` for the first fault."""
        self._core.verify()

    def vectors(self, key: str) -> np.ndarray:
        """A document's vectors as search sees them: decoded, `[n_tokens, dim]` float32."""
        return known(key, self._core.vectors(checked_key("key", key)))

    def keys(self) -> list[str]:
        """The keys of all documents."""
        return self._core.keys()

    def get(self, key: str, default: Any = None) -> Any:
        """The document with a key, or `default`."""
        return self[key] if key in self else default

    def close(self) -> None:
        """Lets go of the files. What is asked afterwards raises `ClosedError`."""
        self._core.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._core.closed

    def __getitem__(self, key: str) -> Document:
        stored = known(key, self._core.document(checked_key("key", key)))
        title, body, metadata = stored
        return Document(key, title, body, json.loads(metadata or "{}"))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._core.contains(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return self._core.num_documents()

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return reopen, (self.path, *self._arguments)

    def __repr__(self) -> str:
        if self.closed:
            return f"<Index {self.path!r}, closed>"
        return f"<Index {self.path!r}, {len(self)} documents>"


def reopen(path: str, model: str | None, encoder: dict[str, Any]) -> Index:
    """What a pickled index becomes."""
    return Index(path, model=model, **encoder)


def among(keys: Iterable[str] | None) -> list[str] | None:
    """Keys to search among."""
    return None if keys is None else arguments.keys("keys", keys)


def known(key: str, found: Any) -> Any:
    """What was found, or an error that there is no such document."""
    if found is None:
        raise KeyNotFoundError(f"the index has no document with the key {key!r}")
    return found


def shaped(found: list[list[Any]], as_arrays: bool, as_frame: bool | str, many: bool) -> Any:
    """Hits in the form that was asked for."""
    if as_arrays and as_frame:
        raise InputError("expected as_arrays or as_frame, got both")
    if as_frame:
        return frame(found, as_frame, numbered=many)
    results: list[Any] = [arrays(hits) for hits in found] if as_arrays else found
    return results if many else results[0]
