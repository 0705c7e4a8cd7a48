"""A retriever and a ranker for Haystack (`pip install colidx[haystack]`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

from haystack import Document, component, default_from_dict, default_to_dict

from ._encoder import Encoder
from ._index import Index
from .errors import OptionError


@component
class ColidxRetriever:
    """Documents of the index at a path: `ColidxRetriever("docs.colidx", top_k=10)`.

    The index is opened when a pipeline warms up. `search_kwargs` are options of `Index.search`.
    Fields of `filters` are those of the metadata, with `meta.` before them or without.
    """

    def __init__(
        self,
        index: str,
        top_k: int = 10,
        model: Optional[str] = None,
        search_kwargs: Optional[dict[str, Any]] = None,
    ) -> None:
        self.index = index
        self.top_k = top_k
        self.model = model
        self.search_kwargs = search_kwargs or {}
        self._open: Optional[Index] = None

    def warm_up(self) -> None:
        """Opens the index."""
        self._opened()

    def _opened(self) -> Index:
        if self._open is None:
            self._open = Index(self.index, model=self.model)
        return self._open

    @component.output_types(documents=list[Document])
    def run(
        self,
        query: str,
        filters: Optional[dict[str, Any]] = None,
        top_k: Optional[int] = None,
    ) -> dict[str, list[Document]]:
        """The best documents for `query`, best first. Raises `OptionError` for wrong filters."""
        options = dict(self.search_kwargs)
        if filters:
            options["filter"] = translated(filters)
        k = self.top_k if top_k is None else top_k
        hits = self._opened().search(query, k, **options)
        return {"documents": [document(hit) for hit in hits]}

    def to_dict(self) -> dict[str, Any]:
        """What `from_dict` makes the same component of."""
        return default_to_dict(
            self,
            index=self.index,
            top_k=self.top_k,
            model=self.model,
            search_kwargs=self.search_kwargs,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ColidxRetriever:
        """The component that `to_dict` described."""
        return default_from_dict(cls, data)


@component
class ColidxRanker:
    """Reranks documents by MaxSim: `ColidxRanker("answerdotai/answerai-colbert-small-v1")`.

    The checkpoint is opened when a pipeline warms up. `encoder_kwargs` are options of `Encoder`.
    """

    def __init__(
        self,
        model: str,
        top_k: Optional[int] = None,
        encoder_kwargs: Optional[dict[str, Any]] = None,
    ) -> None:
        self.model = model
        self.top_k = top_k
        self.encoder_kwargs = encoder_kwargs or {}
        self._open: Optional[Encoder] = None

    def warm_up(self) -> None:
        """Opens the checkpoint."""
        self._opened()

    def _opened(self) -> Encoder:
        if self._open is None:
            self._open = Encoder(self.model, **self.encoder_kwargs)
        return self._open

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, documents: list[Document], top_k: Optional[int] = None
    ) -> dict[str, list[Document]]:
        """The best of `documents` for `query`, best first; those without text are left out."""
        texts = [document.content or "" for document in documents]
        k = self.top_k if top_k is None else top_k
        ranked = self._opened().rerank(query, texts, k)
        return {"documents": [replace(documents[at], score=score) for at, score in ranked]}

    def to_dict(self) -> dict[str, Any]:
        """What `from_dict` makes the same component of."""
        return default_to_dict(
            self, model=self.model, top_k=self.top_k, encoder_kwargs=self.encoder_kwargs
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ColidxRanker:
        """The component that `to_dict` described."""
        return default_from_dict(cls, data)


def translated(given: dict[str, Any]) -> dict[str, Any]:
    """Haystack's filter as colidx's."""
    operator = given.get("operator")
    if "conditions" in given:
        arguments = [translated(condition) for condition in given["conditions"]]
        both = {"op": "and", "args": arguments}
        logic = {"AND": both, "OR": {"op": "or", "args": arguments}, "NOT": negated(both)}
        return chosen(logic, operator)
    if "field" not in given or "value" not in given:
        raise OptionError(f"filters: expected `field` and `value`, or `conditions`, got {given!r}")
    field, value = given["field"].removeprefix("meta."), given["value"]
    equal = {"op": "=", "field": field, "value": value}
    if value is None:
        equal = {"op": "is_null", "field": field}
    among = {"op": "in", "field": field, "values": value}
    comparisons = {"==": equal, "!=": negated(equal), "in": among, "not in": negated(among)}
    for order in ("<", "<=", ">", ">="):
        comparisons[order] = {"op": order, "field": field, "value": value}
    return chosen(comparisons, operator)


def negated(filter: dict[str, Any]) -> dict[str, Any]:
    """The opposite."""
    return {"op": "not", "arg": filter}


def chosen(filters: dict[str, dict[str, Any]], operator: Any) -> dict[str, Any]:
    """The filter of an operator."""
    if operator not in filters:
        raise OptionError(f"filters: expected an operator of {list(filters)}, got {operator!r}")
    return filters[operator]


def document(hit: Any) -> Document:
    """A hit as Haystack's document."""
    meta = dict(hit.metadata)
    if hit.title:
        meta.setdefault("title", hit.title)
    return Document(id=hit.key, content=hit.text, meta=meta, score=hit.score)
