"""A retriever and a reranker for LangChain (`pip install colidx[langchain]`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
    Callbacks,
)
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import run_in_executor
from pydantic import ConfigDict

from ._encoder import Encoder
from ._index import Index


class ColidxRetriever(BaseRetriever):
    """Documents of an index: `ColidxRetriever(index=colidx.open("docs.colidx"), k=4)`.

    `search_kwargs` are options of `Index.search`. The score is in `metadata["relevance_score"]`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    index: Index
    k: int = 4
    search_kwargs: dict[str, Any] = {}

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: Optional[int] = None,
        **options: Any,
    ) -> list[Document]:
        hits = self.index.search(query, self.k if k is None else k, **self.search_kwargs, **options)
        return [document(hit) for hit in hits]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        k: Optional[int] = None,
        **options: Any,
    ) -> list[Document]:
        def search() -> list[Document]:
            return self._get_relevant_documents(
                query, run_manager=run_manager.get_sync(), k=k, **options
            )

        return await run_in_executor(None, search)


class ColidxReranker(BaseDocumentCompressor):
    """Reranks documents by MaxSim: `ColidxReranker(encoder=colidx.Encoder("..."), top_n=3)`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    encoder: Encoder
    top_n: Optional[int] = None

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Optional[Callbacks] = None
    ) -> Sequence[Document]:
        """The best of `documents` for `query`, best first; those without text are left out."""
        texts = [document.page_content for document in documents]
        ranked = self.encoder.rerank(query, texts, self.top_n) if texts else []
        return [scored(documents[at], score) for at, score in ranked]


def scored(document: Document, score: float) -> Document:
    """A copy of a document with a score."""
    metadata = {**document.metadata, "relevance_score": score}
    return document.model_copy(update={"metadata": metadata})


def document(hit: Any) -> Document:
    """A hit as LangChain's document."""
    metadata = {**hit.metadata, "relevance_score": hit.score}
    if hit.title:
        metadata.setdefault("title", hit.title)
    return Document(page_content=hit.text, metadata=metadata, id=hit.key)
