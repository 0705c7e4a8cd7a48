"""A retriever for Haystack (`pip install colidx[haystack]`)."""

from __future__ import annotations

from typing import Any, Optional

from haystack import Document, component, default_from_dict, default_to_dict

from ._index import Index


@component
class ColidxRetriever:
    """Documents of the index at a path: `ColidxRetriever("docs.colidx", top_k=10)`.

    The index is opened when a pipeline warms up. `search_kwargs` are options of `Index.search`.
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
        """The best documents for `query`, best first."""
        options = dict(self.search_kwargs)
        if filters:
            options["filter"] = filters
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


def document(hit: Any) -> Document:
    """A hit as Haystack's document."""
    meta = dict(hit.metadata)
    if hit.title:
        meta.setdefault("title", hit.title)
    return Document(id=hit.key, content=hit.text, meta=meta, score=hit.score)
