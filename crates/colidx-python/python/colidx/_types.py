"""What searches take and return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, Union

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np

#: A text as behind SQL's `WHERE`, such a text and the values of its `?`, or a dict.
Filter = Union[str, "tuple[str, list[Any]]", "Mapping[str, Any]"]


class SearchOptions(TypedDict, total=False):
    """What every search can be given, by keyword.

    Which documents: `keys`, only these, which are scored exactly; `filter`, only those whose
    metadata match: `"year >= 2020 AND lang = 'en'"`, or with values apart, `("lang = ?", ["en"])`,
    or as a dict, `{"op": "=", "field": "lang", "value": "en"}`.

    What goes into the score: `by`, `"vectors"` (the default), `"words"` (BM25: `"a phrase"`,
    `+required`, `-excluded`; no checkpoint is opened) or `"hybrid"`, both. A hybrid search makes
    one score of two by `fusion`: `"convex"`, a weighted sum with `weight` for the vectors, 0 to 1;
    `"rrf"`, reciprocal ranks; `"rerank"`, the best by words ranked by vectors.

    How hard to look: `exact` scores every document; `recall` is the share of the exact hits to
    find, by what `Writer.tune` measured; `n_probe`, `candidates` and `rerank` are the numbers of
    centroids a token, of documents to score roughly, and of documents to score exactly; `parallel`
    puts one search on all threads; `timeout` is in seconds.
    """

    keys: Iterable[str] | None
    filter: Filter | None
    by: Literal["vectors", "words", "hybrid"] | None
    weight: float | None
    fusion: Literal["convex", "rrf", "rerank"] | None
    exact: bool | None
    recall: float | None
    n_probe: int | None
    candidates: int | None
    rerank: int | None
    parallel: bool | None
    timeout: float | None


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


class Highlight(NamedTuple):
    """A word that matters to a query."""

    #: The span, in characters: `text[start:end]`.
    start: int
    end: int
    #: How much it is to stand out, more than 0.
    weight: float


class Highlights(NamedTuple):
    """The words of a hit that matter to its query, in order."""

    #: In the title.
    title: list[Highlight]
    #: In the text.
    text: list[Highlight]


class Snippet(NamedTuple):
    """The passage of a hit that matters most to its query."""

    #: The passage.
    text: str
    #: Its span in the whole text, in characters.
    start: int
    end: int
    #: Its words that matter, by their spans in the whole text.
    words: list[Highlight]


class Match(NamedTuple):
    """A query token and the document token that it matched best."""

    #: The query token as the tokenizer writes it, or the word as the index has it.
    query_token: str
    #: The document token's own text; empty for markers.
    document_token: str
    #: What it adds to the score of the document.
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


class TokenMatrix(NamedTuple):
    """Every token of a query beside every token of a document."""

    #: The query's tokens as the tokenizer writes them.
    query_tokens: list[str]
    #: The document's tokens' own texts; empty for markers.
    document_tokens: list[str]
    #: How similar they are, `[n_query_tokens, n_document_tokens]` float32; the maxima of the rows
    #: add up to the score of the document.
    similarities: np.ndarray


class Ranked(NamedTuple):
    """A text that was ranked."""

    #: Its number among the texts that were given, from 0.
    number: int
    #: MaxSim with the query.
    score: float


class Field(NamedTuple):
    """A field of the metadata."""

    #: Its name; fields of a nested object as `author.name`.
    path: str
    #: How many documents have it.
    documents: int
    #: How many of them as a boolean, an integer, another number, a text.
    booleans: int
    integers: int
    floats: int
    strings: int
    #: How many different values there are.
    distinct: int


def highlights(
    title: list[tuple[int, int, float]], text: list[tuple[int, int, float]]
) -> Highlights:
    """What the compiled part found as `Highlights`."""
    return Highlights([Highlight(*word) for word in title], [Highlight(*word) for word in text])


def snippet(text: str, start: int, end: int, words: list[tuple[int, int, float]]) -> Snippet:
    """What the compiled part found as a `Snippet`."""
    return Snippet(text, start, end, [Highlight(*word) for word in words])
