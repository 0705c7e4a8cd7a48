"""Late-interaction (ColBERT) search on disk: text or token vectors in, ranked documents out.

>>> import colidx
>>> corpus = [("moon", "The moon goes around the earth."), ("tea", "Tea is a drink.")]
>>> index = colidx.build("docs.colidx", corpus, model=MODEL)
>>> index.search("moon and earth", k=1)[0].key
'moon'

`build` and `build_from_vectors` make an index, `open` maps one, `Index.writer` changes it,
`Encoder` makes token vectors, `eval` measures rankings, `import_index` takes over an index of
another engine. `python -m colidx` is the command line. `colidx.pylate`, `colidx.langchain`,
`colidx.llama_index`, `colidx.haystack` and `colidx.compat.fast_plaid` fit it into other libraries.
"""

from importlib import import_module as _import_module
from typing import Any as _Any

from ._build import build, build_from_vectors
from ._colidx import FORMAT_VERSION, Hit, __version__, set_threads, threads
from ._encoder import Encoder
from ._evaluate import eval
from ._import import import_index
from ._index import Index, open
from ._types import (
    Document,
    Field,
    Highlight,
    Highlights,
    HitArrays,
    Match,
    Ranked,
    SearchOptions,
    Snippet,
    TokenMatrix,
    VectorMatch,
)
from ._writer import Writer
from .errors import *  # noqa: F403
from .errors import Error

__all__ = [
    "FORMAT_VERSION",
    "Document",
    "Encoder",
    "Error",
    "Field",
    "Highlight",
    "Highlights",
    "Hit",
    "HitArrays",
    "Index",
    "Match",
    "Ranked",
    "SearchOptions",
    "Snippet",
    "TokenMatrix",
    "VectorMatch",
    "Writer",
    "__version__",
    "build",
    "build_from_vectors",
    "eval",
    "import_index",
    "open",
    "set_threads",
    "threads",
]

_MODULES = ("compat", "haystack", "langchain", "llama_index", "pylate")


def __getattr__(name: str) -> _Any:
    # Imported at first use, as they bring or belong to other libraries.
    if name in _MODULES:
        return _import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
