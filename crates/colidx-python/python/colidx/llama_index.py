"""A retriever and a reranker for LlamaIndex (`pip install colidx[llama-index]`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Optional

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.callbacks import CallbackManager
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)
from pydantic import PrivateAttr

from ._encoder import Encoder
from ._index import Index
from .errors import ArgumentError, OptionError


class ColidxRetriever(BaseRetriever):
    """Nodes of an index: `ColidxRetriever(colidx.open("docs.colidx"), similarity_top_k=2)`.

    `filters` are LlamaIndex's `MetadataFilters`; `search_kwargs` are options of `Index.search`.
    """

    def __init__(
        self,
        index: Index,
        similarity_top_k: int = 2,
        filters: MetadataFilters | None = None,
        search_kwargs: dict[str, Any] | None = None,
        callback_manager: CallbackManager | None = None,
        **kwargs: Any,
    ) -> None:
        self._index = index
        self._similarity_top_k = similarity_top_k
        self._search_kwargs = dict(search_kwargs or {})
        if filters is not None:
            self._search_kwargs["filter"] = translated(filters)
        super().__init__(callback_manager=callback_manager, **kwargs)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        query = query_bundle.query_str
        hits = self._index.search(query, self._similarity_top_k, **self._search_kwargs)
        return [NodeWithScore(node=node(hit), score=hit.score) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


class ColidxReranker(BaseNodePostprocessor):
    """Reranks nodes by MaxSim: `ColidxReranker(colidx.Encoder("..."), top_n=3)`.

    Nodes without text are left out.
    """

    top_n: Optional[int] = None
    _encoder: Encoder = PrivateAttr()

    def __init__(self, encoder: Encoder, top_n: Optional[int] = None, **kwargs: Any) -> None:
        super().__init__(**{"top_n": top_n, **kwargs})
        self._encoder = encoder

    @classmethod
    def class_name(cls) -> str:
        """Its name in LlamaIndex."""
        return "ColidxReranker"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: Optional[QueryBundle] = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise ArgumentError("query_bundle: expected the query, got None")
        if not nodes:
            return []
        texts = [node.node.get_content() for node in nodes]
        ranked = self._encoder.rerank(query_bundle.query_str, texts, self.top_n)
        return [NodeWithScore(node=nodes[at].node, score=score) for at, score in ranked]


Filter = dict[str, Any]


def translated(filters: MetadataFilters) -> Filter:
    """LlamaIndex's filters as one of colidx."""
    arguments = [
        translated(one) if isinstance(one, MetadataFilters) else comparison(one)
        for one in filters.filters
    ]
    if filters.condition == FilterCondition.NOT:
        return negated({"op": "or", "args": arguments})
    condition = filters.condition or FilterCondition.AND
    return {"op": condition.value, "args": arguments}


def comparison(given: MetadataFilter) -> Filter:
    """A comparison with a field."""
    if given.operator not in COMPARISONS:
        known = [operator.value for operator in COMPARISONS]
        raise OptionError(f"filters: expected an operator of {known}, got {given.operator.value!r}")
    return COMPARISONS[given.operator](given.key, given.value)


def ordered(op: str) -> Callable[[str, Any], Filter]:
    """A comparison with one value. A field that is an array matches if any element does."""
    return lambda field, value: {"op": op, "field": field, "value": value}


def among(field: str, values: Any) -> Filter:
    """One of several values."""
    return {"op": "in", "field": field, "values": values}


def every(field: str, values: Any) -> Filter:
    """All of several values."""
    return {"op": "and", "args": [ordered("=")(field, value) for value in values]}


def part(field: str, text: Any) -> Filter:
    """A text with this one in it."""
    escaped = "".join("\\" + c if c in "%_\\" else c for c in text)
    return {"op": "like", "field": field, "value": f"%{escaped}%"}


def negated(filter: Filter) -> Filter:
    """The opposite."""
    return {"op": "not", "arg": filter}


COMPARISONS: dict[FilterOperator, Callable[[str, Any], Filter]] = {
    FilterOperator.EQ: ordered("="),
    FilterOperator.NE: lambda field, value: negated(ordered("=")(field, value)),
    FilterOperator.GT: ordered(">"),
    FilterOperator.LT: ordered("<"),
    FilterOperator.GTE: ordered(">="),
    FilterOperator.LTE: ordered("<="),
    FilterOperator.IN: among,
    FilterOperator.NIN: lambda field, values: negated(among(field, values)),
    FilterOperator.ANY: among,
    FilterOperator.ALL: every,
    FilterOperator.TEXT_MATCH: part,
    FilterOperator.CONTAINS: ordered("="),
    FilterOperator.IS_EMPTY: lambda field, _: {"op": "is_null", "field": field},
}


def node(hit: Any) -> TextNode:
    """A hit as LlamaIndex's node."""
    metadata = dict(hit.metadata)
    if hit.title:
        metadata.setdefault("title", hit.title)
    return TextNode(id_=hit.key, text=hit.text, metadata=metadata)
