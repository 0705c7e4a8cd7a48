"""The compiled part of colidx: what the package around it calls."""

from collections.abc import Callable
from os import PathLike
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FORMAT_VERSION",
    "Encoder",
    "Hit",
    "Index",
    "Writer",
    "__version__",
    "evaluate",
    "set_threads",
    "threads",
]
__version__: str
FORMAT_VERSION: int

_Report = Callable[[str, int, int | None], Any] | None
_Document = dict[str, str]
_Path = str | PathLike[str]

def threads() -> int:
    """The number of threads that colidx computes on."""

def set_threads(count: int | None) -> None:
    """Sets the number of threads that colidx computes on; `None` for one a core."""

def evaluate(
    rankings: dict[str, list[tuple[str, float]]] | _Path,
    judgements: str | None,
    file: _Path | None,
    metrics: str,
) -> dict[str, float]: ...

@final
class Hit:
    """A document that a search found. Title, text and metadata are read when they are asked for."""

    def __new__(cls, key: str, score: float, title: str, text: str, metadata: str) -> Hit: ...
    @property
    def key(self) -> str:
        """The document's key."""
    @property
    def score(self) -> float:
        """MaxSim: the sum over query tokens of the best product with a document token."""
    @property
    def title(self) -> str:
        """The document's title; empty where there is none."""
    @property
    def text(self) -> str:
        """The document's text; empty where none is stored."""
    @property
    def metadata(self) -> dict[str, Any]:
        """Further fields of the document."""

@final
class Encoder:
    def __new__(cls, name: str, options: dict[str, Any], progress: _Report) -> Encoder: ...
    def encode_documents(
        self, texts: list[str], progress: _Report
    ) -> list[tuple[NDArray[np.float32], NDArray[np.uint32]]]: ...
    def encode_queries(self, texts: list[str], progress: _Report) -> list[NDArray[np.float32]]: ...
    def info(self) -> dict[str, Any]: ...

@final
class Index:
    def __new__(
        cls,
        path: _Path,
        model: str | None = None,
        encoder: Encoder | None = None,
        options: dict[str, Any] | None = None,
    ) -> Index: ...
    @property
    def path(self) -> PathLike[str]: ...
    @property
    def closed(self) -> bool: ...
    def close(self) -> None: ...
    def reload(self) -> bool: ...
    def search_texts(
        self, queries: list[str], options: dict[str, Any], keys: list[str] | None
    ) -> list[list[Hit]]: ...
    def search_vectors(
        self, queries: list[Any], options: dict[str, Any], keys: list[str] | None
    ) -> list[list[Hit]]: ...
    def search_one(
        self, vectors: Any, options: dict[str, Any], keys: list[str] | None
    ) -> list[list[Hit]]: ...
    def explain(
        self, query: str, key: str
    ) -> list[tuple[str, str, float, str | None, int, int]] | None: ...
    def explain_vectors(self, vectors: Any, key: str) -> list[tuple[int, float]] | None: ...
    def document(self, key: str) -> tuple[str, str, str] | None: ...
    def vectors(self, key: str) -> NDArray[np.float32] | None: ...
    def contains(self, key: str) -> bool: ...
    def keys(self) -> list[str]: ...
    def num_documents(self) -> int: ...
    def info(self) -> dict[str, Any]: ...
    def verify(self) -> None: ...

@final
class Writer:
    @staticmethod
    def create(path: _Path, encoder: Encoder | None, options: dict[str, Any]) -> Writer: ...
    @staticmethod
    def open(index: Index, memory: int | None) -> Writer: ...
    def add(
        self,
        document: _Document,
        vectors: Any = None,
        token_ids: Any = None,
        replace: bool = False,
    ) -> bool: ...
    def add_corpus(
        self, paths: list[str], options: dict[str, Any], replace: bool, progress: _Report
    ) -> int: ...
    def delete(self, key: str) -> bool: ...
    def commit(self, progress: _Report) -> dict[str, Any]: ...
    def compact(self, progress: _Report) -> dict[str, Any]: ...
    def retrain(self, progress: _Report) -> dict[str, Any]: ...
    def rollback(self) -> None: ...
    def num_staged(self) -> int: ...
    def close(self) -> None: ...
