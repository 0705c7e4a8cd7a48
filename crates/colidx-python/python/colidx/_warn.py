"""Warnings of what was left out, at the line of the caller."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from types import FrameType

from .errors import CorpusWarning


def warn(lines: Sequence[str]) -> None:
    """One warning of all `lines`, if there are any, at the first frame outside of this package."""
    if not lines:
        return
    level = 1
    frame: FrameType | None = sys._getframe(0)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] == "colidx":
        level += 1
        frame = frame.f_back
    warnings.warn("\n".join(lines), CorpusWarning, stacklevel=level)
