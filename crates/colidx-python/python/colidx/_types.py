"""What searches and lookups return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np


class Document(NamedTuple):
    """A stored document; title and text are empty and metadata is `{}` where none were given."""

    key: str
    title: str
    text: str
    metadata: dict[str, Any]


class HitArrays(NamedTuple):
    """The hits of one query, best first: `keys` of `[n]` objects, `scores` of `[n]` float32."""

    keys: np.ndarray
    scores: np.ndarray


class Match(NamedTuple):
    """A query token and the document token that it matched best."""

    #: The query token as the tokenizer writes it.
    query_token: str
    #: The document token's own text; empty for markers.
    document_token: str
    #: Their similarity; over all query tokens these add up to the score of the document.
    score: float
    #: `"title"`, `"text"`, or `None` for markers.
    part: str | None
    #: The span in that part, in characters: `document.text[start:end]`.
    start: int
    end: int


class VectorMatch(NamedTuple):
    """The document token that a query vector matched best."""

    #: Number of the document's token vector, from 0.
    document_token: int
    #: Their product; over all query vectors these add up to the score of the document.
    score: float
