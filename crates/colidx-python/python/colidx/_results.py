"""Hits as arrays and as frames."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from ._types import HitArrays
from .errors import OptionError

if TYPE_CHECKING:
    from ._colidx import Hit

FRAMES = ("pandas", "polars")


def arrays(hits: list[Hit]) -> HitArrays:
    """The hits of one query as arrays."""
    import numpy as np

    keys = np.empty(len(hits), dtype=object)
    keys[:] = [hit.key for hit in hits]
    return HitArrays(keys, np.array([hit.score for hit in hits], dtype=np.float32))


def frame(found: list[list[Hit]], library: bool | str, numbered: bool) -> Any:
    """All hits as one data frame; `numbered` adds the number of the query."""
    columns: dict[str, list[Any]] = {}
    if numbered:
        columns["query"] = [number for number, hits in enumerate(found) for _ in hits]
    for name in ("key", "score", "title", "text"):
        columns[name] = [getattr(hit, name) for hits in found for hit in hits]
    return load(library).DataFrame(columns)


def load(library: bool | str) -> Any:
    """The library of frames: the one named, or the one there is."""
    if library is not True and library not in FRAMES:
        raise OptionError(f"as_frame: expected True, 'pandas' or 'polars', got {library!r}")
    # One that is imported already is the one that the caller works with.
    names = sorted(FRAMES, key=lambda n: n not in sys.modules) if library is True else [library]
    for name in names:
        try:
            return importlib.import_module(str(name))
        except ImportError:
            continue
    raise ModuleNotFoundError(f"as_frame needs {' or '.join(map(str, names))}; install it")
