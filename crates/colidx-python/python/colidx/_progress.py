"""Progress of long work: bars of tqdm where it is installed, or a callback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Union

from .errors import ArgumentError

#: `None`: bars at a terminal where tqdm is installed; `True`: bars anyway; `False`: nothing; or a
#: function that is called with the phase, how much is done, and the total where it is known.
Progress = Union[None, bool, Callable[[str, int, "int | None"], Any]]


@contextmanager
def reporting(progress: Progress) -> Iterator[Callable[[str, int, int | None], Any] | None]:
    """The function to report to."""
    if progress is not None and not isinstance(progress, bool):
        if not callable(progress):
            kind = type(progress).__name__
            raise ArgumentError(f"progress: expected a bool, None or a function, got {kind}")
        yield progress
        return
    bars = None if progress is False else Bars.installed(always=progress is True)
    try:
        yield bars
    finally:
        if bars is not None:
            bars.close()


class Bars:
    """One bar a phase."""

    def __init__(self, tqdm: Any, always: bool) -> None:
        self.tqdm = tqdm
        # None is tqdm's own "not at a terminal".
        self.disable = False if always else None
        self.bar: Any = None
        self.phase: str | None = None

    @staticmethod
    def installed(always: bool) -> Bars | None:
        """Bars, where tqdm is installed."""
        try:
            from tqdm import tqdm
        except ImportError:
            return None
        return Bars(tqdm, always)

    def __call__(self, phase: str, done: int, total: int | None) -> None:
        if phase != self.phase:
            self.close()
            self.phase = phase
            self.bar = self.tqdm(desc=phase, total=total, disable=self.disable, unit_scale=True)
        self.bar.total = total
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """Ends the running bar."""
        if self.bar is not None:
            self.bar.close()
            self.bar = self.phase = None
