"""The compiled part of colidx: what the package around it calls."""

from collections.abc import Callable
from os import PathLike
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from ._types import Filter, Highlights, Snippet

__all__ = [
    "FORMAT_VERSION",
    "Encoder",
    "Hit",
    "Index",
    "Writer",
    "__version__",
    "command_line",
    "evaluate",
    "import_index",
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

def command_line(arguments: list[str]) -> int:
    """Runs a command line, whose first word names the program, and returns its exit status."""

def import_index(
    foreign: _Path,
    path: _Path,
    model: str | None,
    encoder: Encoder | None,
    encoding: dict[str, Any],
    reading: dict[str, Any],
    options: dict[str, Any],
    progress: _Report,
) -> None: ...
def evaluate(
    rankings: dict[str, list[tuple[str, float]]] | _Path,
    judgements: str | None,
    file: _Path | None,
    metrics: str,
) -> dict[str, float]: ...

@final
class Hit:
    """A document that a search found. Title, text and metadata are read when they are asked for."""

    def __new__(
        cls,
        key: str,
        score: float,
        title: str,
        text: str,
        metadata: str,
        maxsim: float | None = None,
        bm25: float | None = None,
    ) -> Hit: ...
    @property
    def key(self) -> str:
        """The document's key."""
    @property
    def score(self) -> float:
        """What it is ranked by: MaxSim, BM25, or what a hybrid search makes of both."""
    @property
    def maxsim(self) -> float | None:
        """MaxSim: the sum over query tokens of the best product with a document token. `None` in a
        search by words."""
    @property
    def bm25(self) -> float | None:
        """BM25 of the words; `None` in a search by vectors."""
    @property
    def title(self) -> str:
        """The document's title; empty where there is none."""
    @property
    def text(self) -> str:
        """The document's text; empty where none is stored."""
    @property
    def metadata(self) -> dict[str, Any]:
        """Further fields of the document."""
    def highlights(self) -> Highlights:
        """The words of title and text that matter to the query, and how much each is to stand out.
        Nothing for a query of vectors, and once unpickled."""
    def snippet(self, columns: int = 240) -> Snippet:
        """The passage of the text that matters most to the query, of at most `columns` columns of a
        terminal: most characters take one, those of Chinese, Japanese and Korean two."""

@final
class Encoder:
    def __new__(cls, name: str, options: dict[str, Any], progress: _Report) -> Encoder: ...
    def encode_documents(
        self, texts: list[str], progress: _Report
    ) -> list[tuple[NDArray[np.float32], NDArray[np.uint32]]]: ...
    def encode_queries(self, texts: list[str], progress: _Report) -> list[NDArray[np.float32]]: ...
    def score(self, query: str, texts: list[str], progress: _Report) -> list[float | None]: ...
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
        self, vectors: Any, words: str | None, options: dict[str, Any], keys: list[str] | None
    ) -> list[list[Hit]]: ...
    def explain(
        self, query: str, key: str, words: bool
    ) -> list[tuple[str, str, float, str | None, int, int]] | None: ...
    def explain_vectors(self, vectors: Any, key: str) -> list[tuple[int, float]] | None: ...
    def matrix(
        self, query: str, key: str
    ) -> tuple[list[str], list[str], NDArray[np.float32]] | None: ...
    def document(self, key: str) -> tuple[str, str, str] | None: ...
    def vectors(self, key: str) -> NDArray[np.float32] | None: ...
    def contains(self, key: str) -> bool: ...
    def keys(self, filter: Filter | None) -> list[str]: ...
    def fields(self) -> list[tuple[str, int, int, int, int, int, int]]: ...
    def facets(self, field: str, most: int, filter: Filter | None) -> list[tuple[Any, int]]: ...
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
    ) -> tuple[int, list[str]]: ...
    def delete(self, key: str) -> bool: ...
    def commit(self, progress: _Report) -> tuple[dict[str, Any], str | None]: ...
    def compact(self, progress: _Report) -> dict[str, Any]: ...
    def retrain(self, progress: _Report) -> dict[str, Any]: ...
    def tune(
        self, index: Index, queries: list[Any], ks: list[int], progress: _Report
    ) -> dict[str, Any]: ...
    def rollback(self) -> None: ...
    def num_staged(self) -> int: ...
    def close(self) -> None: ...
