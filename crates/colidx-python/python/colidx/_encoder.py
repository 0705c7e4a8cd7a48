"""Checkpoints."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, overload

from . import _colidx
from ._arguments import text
from ._arguments import texts as checked_texts
from ._progress import Progress, reporting
from ._types import Ranked

if TYPE_CHECKING:
    import numpy as np


class Encoder:
    """A ColBERT checkpoint: texts to token vectors. It is pickled as its place and options.

    `model` is a directory or an id on the model hub, as `owner/name` or `owner/name@revision`.
    `progress` is told of downloads, as `build` tells it. Options: `precision` (`"f32"` or
    `"int8"`), `device` (`"cpu"`, `"cuda:N"`, `"metal:N"`), `query_length` and `document_length`
    (tokens), `query_prompt`, `document_prompt`.

    Raises `ModelNotFoundError`, `ModelError`, `HubError`, `OptionError`.

    >>> encoder = colidx.Encoder(MODEL)
    >>> [vectors] = encoder.encode_documents(["The moon goes around the earth."])
    >>> vectors.shape[1] == encoder.dim, vectors.dtype
    (True, dtype('float32'))
    """

    def __init__(
        self, model: str | os.PathLike[str], *, progress: Progress = None, **options: Any
    ) -> None:
        name = text("model", os.fspath(model) if isinstance(model, os.PathLike) else model)
        with reporting(progress) as report:
            self._core = _colidx.Encoder(name, options, report)
        self._options = options

    @property
    def dim(self) -> int:
        """Values in a vector."""
        return self.info()["dim"]

    def info(self) -> dict[str, Any]:
        """What the checkpoint says of itself: name, dimension, lengths, prompts, fingerprint."""
        return self._core.info()

    @overload
    def encode_documents(
        self, texts: Iterable[str], *, token_ids: Literal[False] = ..., progress: Progress = ...
    ) -> list[np.ndarray]: ...

    @overload
    def encode_documents(
        self, texts: Iterable[str], *, token_ids: Literal[True], progress: Progress = ...
    ) -> list[tuple[np.ndarray, np.ndarray]]: ...

    def encode_documents(
        self, texts: Iterable[str], *, token_ids: bool = False, progress: Progress = False
    ) -> Any:
        """The vectors of each text, `[n_tokens, dim]` float32, of length one.

        With `token_ids` pairs with the vocabulary id of each vector, `[n_tokens]` uint32, which
        `build_from_vectors` can use. Raises `ArgumentError` for what is no list of str.
        """
        given = checked_texts("texts", texts)
        with reporting(progress) as report:
            encoded = self._core.encode_documents(given, report)
        return encoded if token_ids else [vectors for vectors, _ in encoded]

    def encode_queries(
        self, texts: Iterable[str], *, progress: Progress = False
    ) -> list[np.ndarray]:
        """The vectors of each query, `[n_tokens, dim]` float32, of length one."""
        given = checked_texts("texts", texts)
        with reporting(progress) as report:
            return self._core.encode_queries(given, report)

    def score(
        self, query: str, texts: Iterable[str], *, progress: Progress = False
    ) -> list[float | None]:
        """MaxSim of a query and each text, without an index; `None` for an empty text.

        Raises `InputError` for an empty query.
        """
        given = checked_texts("texts", texts)
        with reporting(progress) as report:
            return self._core.score(text("query", query), given, report)

    def rerank(self, query: str, texts: Iterable[str], top_n: int | None = None) -> list[Ranked]:
        """The texts by their MaxSim with a query, best first: all of them, or the best `top_n`.
        Empty texts are left out.

        >>> encoder = colidx.Encoder(MODEL)
        >>> ranked = encoder.rerank("moon and earth", ["Tea is a drink.", "The moon, the earth."])
        >>> [text.number for text in ranked]
        [1, 0]
        """
        scored = enumerate(self.score(query, texts))
        ranked = [Ranked(number, score) for number, score in scored if score is not None]
        ranked.sort(key=lambda text: -text.score)
        return ranked[:top_n]

    def __reduce__(self) -> tuple[Any, ...]:
        return reopen, (self.info()["location"], self._options)

    def __repr__(self) -> str:
        return f"Encoder({self.info()['name']!r})"


def reopen(model: str, options: dict[str, Any]) -> Encoder:
    """What a pickled encoder becomes."""
    return Encoder(model, progress=False, **options)
