"""Checkpoints."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import _colidx
from ._arguments import text, texts

if TYPE_CHECKING:
    import numpy as np


class Encoder:
    """A ColBERT checkpoint: texts to token vectors.

    `model` is a directory or an id on the model hub, as `owner/name` or `owner/name@revision`.
    Options: `precision` (`"f32"` or `"int8"`), `device` (`"cpu"`, `"cuda:N"`, `"metal:N"`),
    `query_length`, `document_length` (tokens), `query_prompt`, `document_prompt`.

    Raises `ModelNotFoundError`, `ModelError`, `HubError`, `OptionError`.

    >>> encoder = colidx.Encoder(MODEL)
    >>> [vectors] = encoder.encode_documents(["The moon goes around the earth."])
    >>> vectors.shape[1] == encoder.dim, vectors.dtype
    (True, dtype('float32'))
    """

    def __init__(self, model: str | os.PathLike[str], **options: Any) -> None:
        self._core = _colidx.Encoder(text("model", os.fspath(model)), options)

    @property
    def dim(self) -> int:
        """Values in a vector."""
        return self.info()["dim"]

    def info(self) -> dict[str, Any]:
        """What the checkpoint says of itself: name, dimension, lengths, prompts, fingerprint."""
        return self._core.info()

    def encode_documents(
        self, texts_: Iterable[str], *, token_ids: bool = False
    ) -> list[np.ndarray] | list[tuple[np.ndarray, np.ndarray]]:
        """The vectors of each text, `[n_tokens, dim]` float32, of length one.

        With `token_ids` pairs with the vocabulary id of each vector, `[n_tokens]` uint32, which
        `build_from_vectors` can use. Raises `ArgumentError` for what is no list of str.
        """
        encoded = self._core.encode_documents(texts("texts", texts_))
        return encoded if token_ids else [vectors for vectors, _ in encoded]

    def encode_queries(self, texts_: Iterable[str]) -> list[np.ndarray]:
        """The vectors of each query, `[n_tokens, dim]` float32, of length one."""
        return self._core.encode_queries(texts("texts", texts_))

    def score(self, query: str, texts_: Iterable[str]) -> list[float]:
        """MaxSim of a query and each text, without an index: for ranking a few again."""
        [vectors] = self.encode_queries([query])
        documents = self.encode_documents(texts_)
        return [
            float((vectors @ document.T).max(axis=1).sum()) if len(document) else 0.0
            for document in documents
        ]

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("an Encoder cannot be pickled; open the checkpoint where it is needed")

    def __repr__(self) -> str:
        return f"Encoder({self.info()['name']!r})"
