"""Searching an index."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, Union, overload

from . import _arguments as arguments
from . import _colidx
from ._arguments import key as checked_key
from ._arguments import text
from ._progress import Progress
from ._results import arrays, frame
from ._types import Document, Field, Match, SearchOptions, TokenMatrix, VectorMatch
from ._writer import Writer
from .errors import ArgumentError, InputError, KeyNotFoundError, OptionError, VectorError

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import Unpack

    from ._colidx import Hit
    from ._encoder import Encoder
    from ._types import Filter, HitArrays

#: A library of frames, or whichever is there.
Frame = Union[Literal[True], Literal["pandas", "polars"]]


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
        as_arrays: Literal[False] = ...,
        as_frame: Literal[False] = ...,
        **options: Unpack[SearchOptions],
    ) -> list[Hit]: ...
    @overload
    def search(
        self,
        query: str,
        k: int = ...,
        *,
        as_arrays: Literal[True],
        **options: Unpack[SearchOptions],
    ) -> HitArrays: ...
    @overload
    def search(
        self, query: str, k: int = ..., *, as_frame: Frame, **options: Unpack[SearchOptions]
    ) -> Any: ...
    def search(
        self,
        query: str,
        k: int = 10,
        *,
        as_arrays: bool = False,
        as_frame: bool | str = False,
        **options: Unpack[SearchOptions],
    ) -> Any:
        """The `k` best documents for a text, best first.

        The result is a list of `Hit`; with `as_arrays` it is `HitArrays`, with `as_frame` a frame
        of pandas or polars, whichever is there or is named. `SearchOptions` says what the options
        do.

        Raises `InputError` for an empty query, `ModelError` for an index of vectors,
        `OptionError`, `DeadlineError`, `ClosedError`.

        >>> for hit in index.search("moon and earth", k=1):
        ...     print(hit.key, hit.text)
        moon The moon goes around the earth.
        >>> [hit.key for hit in index.search("drink -moon", by="words")]
        ['tea']
        >>> hit = index.search("the moon", by="hybrid", k=1)[0]
        >>> hit.key, hit.maxsim is not None, hit.bm25 is not None
        ('moon', True, True)
        """
        found = self._core.search_texts([text("query", query)], *parsed(k, options))
        return shaped(found, as_arrays, as_frame, many=False)

    @overload
    def search_vectors(
        self,
        query: Any,
        k: int = ...,
        *,
        words: str | None = ...,
        as_arrays: Literal[False] = ...,
        as_frame: Literal[False] = ...,
        **options: Unpack[SearchOptions],
    ) -> list[Hit]: ...
    @overload
    def search_vectors(
        self,
        query: Any,
        k: int = ...,
        *,
        words: str | None = ...,
        as_arrays: Literal[True],
        **options: Unpack[SearchOptions],
    ) -> HitArrays: ...
    @overload
    def search_vectors(
        self,
        query: Any,
        k: int = ...,
        *,
        words: str | None = ...,
        as_frame: Frame,
        **options: Unpack[SearchOptions],
    ) -> Any: ...
    def search_vectors(
        self,
        query: Any,
        k: int = 10,
        *,
        words: str | None = None,
        as_arrays: bool = False,
        as_frame: bool | str = False,
        **options: Unpack[SearchOptions],
    ) -> Any:
        """As `search`, for token vectors, `[n_tokens, dim]` float32 or float16: array or tensor.

        With `words`, the text of the query, the search is hybrid.

        Raises `DtypeError`, and `VectorError` for another shape or dimension, NaN or infinity.

        >>> [vectors] = colidx.Encoder(MODEL).encode_queries(["moon and earth"])
        >>> index.search_vectors(vectors, k=1)[0].key
        'moon'
        >>> index.search_vectors(vectors, words="tea", weight=0.0, k=1)[0].key
        'tea'
        """
        shape = tuple(getattr(query, "shape", ()))
        if len(shape) == 3:
            raise VectorError(
                f"query: expected shape (tokens, dim), got {shape}; search_many takes several"
            )
        words = None if words is None else text("words", words)
        found = self._core.search_one(query, words, *parsed(k, options))
        return shaped(found, as_arrays, as_frame, many=False)

    @overload
    def search_many(
        self,
        queries: Iterable[Any],
        k: int = ...,
        *,
        as_arrays: Literal[False] = ...,
        as_frame: Literal[False] = ...,
        **options: Unpack[SearchOptions],
    ) -> list[list[Hit]]: ...
    @overload
    def search_many(
        self,
        queries: Iterable[Any],
        k: int = ...,
        *,
        as_arrays: Literal[True],
        **options: Unpack[SearchOptions],
    ) -> list[HitArrays]: ...
    @overload
    def search_many(
        self,
        queries: Iterable[Any],
        k: int = ...,
        *,
        as_frame: Frame,
        **options: Unpack[SearchOptions],
    ) -> Any: ...
    def search_many(
        self,
        queries: Iterable[Any],
        k: int = 10,
        *,
        as_arrays: bool = False,
        as_frame: bool | str = False,
        **options: Unpack[SearchOptions],
    ) -> Any:
        """As `search`, for each of many queries: texts, or arrays of `[n_tokens, dim]`, or one
        array of `[n_queries, n_tokens, dim]`. One thread searches for each query.

        >>> [len(hits) for hits in index.search_many(["the moon", "tea"], k=1)]
        [1, 1]
        """
        given = arguments.queries(queries)
        if given and isinstance(given[0], str):
            found = self._core.search_texts(given, *parsed(k, options))
        else:
            found = self._core.search_vectors(given, *parsed(k, options))
        return shaped(found, as_arrays, as_frame, many=True)

    def rerank(self, query: str, keys: Iterable[str], k: int | None = None) -> list[Hit]:
        """The documents with these keys by their exact MaxSim with a text, best first: all of them,
        or the best `k`. Keys that the index does not have are left out.

        >>> [hit.key for hit in index.rerank("moon and earth", ["tea", "moon"])]
        ['moon', 'tea']
        """
        among = arguments.keys("keys", keys)
        return self.search(query, max(len(among), 1) if k is None else k, keys=among)

    def explain(
        self, query: Any, key: str, *, by: Literal["vectors", "words"] = "vectors"
    ) -> list[Match] | list[VectorMatch]:
        """What each query token matched in a document: a list of `Match`, or of `VectorMatch` for a
        query of vectors. The scores add up to the document's.

        With `by="words"` the words of the query that the document has, and their BM25.

        Raises `KeyNotFoundError`, and what `search` raises.

        >>> document = index["moon"]
        >>> match = max(index.explain("moon", "moon"), key=lambda match: match.score)
        >>> document.text[match.start : match.end] == match.document_token
        True
        >>> [match.document_token for match in index.explain("earth, moon", "moon", by="words")]
        ['earth', 'moon']
        """
        checked_key("key", key)
        if by not in ("vectors", "words"):
            raise OptionError(f"by: expected 'vectors' or 'words', got {by!r}")
        if isinstance(query, str):
            matches = self._core.explain(query, key, by == "words")
            return [Match(*found) for found in known(key, matches)]
        if by == "words":
            raise ArgumentError(f"query: expected str, got {type(query).__name__}")
        found = self._core.explain_vectors(query, key)
        return [VectorMatch(*found) for found in known(key, found)]

    def matrix(self, query: str, key: str) -> TokenMatrix:
        """Every token of a text beside every token of a document, and how similar they are.

        >>> matrix = index.matrix("moon and earth", "moon")
        >>> matrix.similarities.shape == (len(matrix.query_tokens), len(matrix.document_tokens))
        True
        """
        found = self._core.matrix(text("query", query), checked_key("key", key))
        query_tokens, document_tokens, similarities = known(key, found)
        return TokenMatrix(query_tokens, document_tokens, similarities.T)

    def fields(self) -> list[Field]:
        """The fields of the metadata, by name."""
        return [Field(*field) for field in self._core.fields()]

    def facets(
        self, field: str, k: int = 10, *, filter: Filter | None = None
    ) -> list[tuple[Any, int]]:
        """The `k` most frequent values of a field of the metadata, and how many documents have
        each; of those documents alone that match `filter`, where one is given.

        Raises `OptionError` for a filter that cannot be read.

        >>> corpus = [{"key": str(y), "text": "a star", "year": y // 10 * 10} for y in range(8, 13)]
        >>> colidx.build("years.colidx", corpus, MODEL).facets("year")
        [(10, 3), (0, 2)]
        """
        return self._core.facets(text("field", field), k, filter)

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

    def keys(self, *, filter: Filter | None = None) -> list[str]:
        """The keys of all documents, or of those whose metadata match `filter`."""
        return self._core.keys(filter)

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


def parsed(k: int, options: Any) -> tuple[dict[str, Any], list[str] | None]:
    """Options for the compiled part, and keys to search among."""
    keys = options.pop("keys", None)
    return {"k": k, **options}, None if keys is None else arguments.keys("keys", keys)


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
