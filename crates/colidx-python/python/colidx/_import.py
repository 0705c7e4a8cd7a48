"""Taking over an index of another engine."""

from __future__ import annotations

import os
from typing import Any

from . import _colidx
from ._arguments import text
from ._encoder import Encoder
from ._index import Index
from ._progress import Progress, reporting

#: What says how to read the other index, and how to encode; all else is for `build`.
READING = ("originals", "collection", "key_column", "text_column", "title_column")
ENCODING = (
    "precision",
    "device",
    "query_length",
    "document_length",
    "query_prompt",
    "document_prompt",
)


def import_index(
    foreign: str | os.PathLike[str],
    path: str | os.PathLike[str],
    model: str | os.PathLike[str] | Encoder | None = None,
    *,
    progress: Progress = None,
    **options: Any,
) -> Index:
    """Builds an index at `path` from one of Stanford ColBERT, RAGatouille, fast-plaid, next-plaid,
    xtr-warp-rs or PyLate, which is only read. Keys, texts and metadata come along where they are
    kept. What could not be taken over is logged.

    `model` is the checkpoint that made the vectors; without it the index can be searched for
    vectors, and by words. Options: `originals` (`False`: take the decoded vectors even where the
    original ones are kept), `collection` (the TSV that a Stanford index was built from, for its
    texts), `key_column`, `text_column`, `title_column` (of `metadata.db`), those of `Encoder`, and
    those of `build`; `nbits` is 8 by default where vectors are decoded.

    Raises `InputError` for what is no such index, `DamagedError`, and what `build` raises.
    """
    core = getattr(model, "_core", None)
    name = None
    if model is not None and core is None:
        name = text("model", os.fspath(model) if isinstance(model, os.PathLike) else model)
    reading = {name: options.pop(name) for name in READING if name in options}
    encoding = {name: options.pop(name) for name in ENCODING if name in options}
    with reporting(progress) as report:
        _colidx.import_index(
            os.fspath(foreign), os.fspath(path), name, core, encoding, reading, options, report
        )
    return Index(path, model=model, **encoding)
