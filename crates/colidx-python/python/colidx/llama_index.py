"""A retriever for LlamaIndex (`pip install colidx[llama-index]`)."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.callbacks import CallbackManager
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from ._index import Index


class ColidxRetriever(BaseRetriever):
    """Nodes of an index: `ColidxRetriever(colidx.open("docs.colidx"), similarity_top_k=2)`.

    `search_kwargs` are options of `Index.search`.
    """

    def __init__(
        self,
        index: Index,
        similarity_top_k: int = 2,
        search_kwargs: dict[str, Any] | None = None,
        callback_manager: CallbackManager | None = None,
        **kwargs: Any,
    ) -> None:
        self._index = index
        self._similarity_top_k = similarity_top_k
        self._search_kwargs = search_kwargs or {}
        super().__init__(callback_manager=callback_manager, **kwargs)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        query = query_bundle.query_str
        hits = self._index.search(query, self._similarity_top_k, **self._search_kwargs)
        return [NodeWithScore(node=node(hit), score=hit.score) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def node(hit: Any) -> TextNode:
    """A hit as LlamaIndex's node."""
    metadata = dict(hit.metadata)
    if hit.title:
        metadata.setdefault("title", hit.title)
    return TextNode(id_=hit.key, text=hit.text, metadata=metadata)
