"""Building an index."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from . import _arguments as arguments
from . import _colidx
from ._encoder import Encoder
from ._index import Index
from ._progress import Progress, reporting
from ._writer import NOTHING, Corpus, committed, stage
from .errors import ArgumentError, InputError, VectorError


def build(
    path: str | os.PathLike[str],
    corpus: Corpus,
    model: str | os.PathLike[str] | Encoder,
    *,
    progress: Progress = None,
    format: str | None = None,
    id_field: str | None = None,
    title_field: str = "title",
    text_field: str = "text",
    passage_words: int | None = None,
    overlap: int = 0,
    split_long: bool = False,
    hidden: bool = False,
    ignore_files: bool = True,
    skip_bad_lines: bool = False,
    **options: Any,
) -> Index:
    """Encodes a corpus with a checkpoint and builds an index at `path`.

    `corpus` is a file or folder, a list of them, or an iterable of documents: dicts with `_id`,
    `id` or `key`, `text` and perhaps `title`, whose further fields are metadata; or pairs of key
    and text. `model` is a directory, a hub id, or an open `Encoder`.

    For files: `format` of all of them; `passage_words`, where passages are not to be as long as the
    checkpoint reads, and `overlap`, words or tokens that one repeats of the last; `split_long`
    (records longer than the checkpoint reads become passages with keys `key#1`, `key#2`, ...);
    `hidden` names too; `ignore_files=False` to read what `.gitignore` leaves out;
    `skip_bad_lines`. A `CorpusWarning` says what was left out.

    `progress(phase, done, total)` is called about ten times a second; without it tqdm shows bars at
    a terminal. Options: `nbits` (1, 2, 4 or 8; default 4), `memory` (bytes; default 2 GiB), `seed`,
    `centroids`, `force` (replace an index), `resume` (resume a build that was stopped),
    `checkpoint` (seconds), `shape`, `engine`, `pool_factor` (store one vector for this many of a
    document, the mean of such as lie near each other; those added later are pooled alike) and
    `protected_tokens` (the first vectors of a document that are not pooled; default 1).

    An exception leaves an index that was there as it was. After Ctrl-C what was encoded is kept,
    and the same call with `resume=True` resumes it.

    Raises `ExistsError`, `UnfinishedError`, `InputError`, `DuplicateKeyError`, `ArgumentError`,
    `OptionError`, `ModelError`, `MemoryLimitError`, `StorageError`.

    >>> corpus = [{"_id": "a", "text": "A star.", "year": 1999}]
    >>> colidx.build("stars.colidx", corpus, model=MODEL)["a"].metadata
    {'year': 1999}
    """
    encoder = model if isinstance(model, Encoder) else Encoder(model, progress=progress)
    reading: dict[str, Any] = {
        "id_field": id_field,
        "title_field": title_field,
        "text_field": text_field,
        "format": format,
        "passage_words": passage_words,
        "overlap": overlap or None,
        "split_long": split_long or None,
        "hidden": hidden or None,
        "ignore_files": None if ignore_files else False,
        "skip_bad_lines": skip_bad_lines or None,
    }
    core = _colidx.Writer.create(os.fspath(path), encoder._core, options)
    try:
        with reporting(progress) as report:
            if stage(core, corpus, False, report, **reading) == 0:
                raise InputError(f"corpus: {NOTHING}, got none")
            committed(core, report)
    finally:
        core.close()
    return Index(path, model=encoder)


def build_from_vectors(
    path: str | os.PathLike[str],
    keys: Iterable[str],
    vectors: Iterable[Any],
    token_ids: Iterable[Any] | None = None,
    *,
    progress: Progress = None,
    **options: Any,
) -> Index:
    """Builds an index at `path` of token vectors that something else made.

    `keys` names the documents. `vectors` is an iterable of arrays or tensors, float32 or float16:
    each of `[n_tokens, dim]` is a document, each of `[n_documents, n_tokens, dim]` and each list is
    a batch of them. They are read one after the other and kept on disk, so `vectors` may be a
    generator of more than memory holds. `token_ids` has the same form with one dimension less:
    the vocabulary id of each vector, which makes a better codebook.

    Options and `progress` are those of `build`. Raises what `build` raises, and `DtypeError` and
    `VectorError`, also where there are more keys than documents or fewer.

    >>> import numpy as np
    >>> vectors = np.eye(4, dtype=np.float32)
    >>> index = colidx.build_from_vectors("v.colidx", ["a", "b"], [vectors[:2], vectors[2:]])
    >>> index.search_vectors(vectors[:1], k=1)[0].key
    'a'
    """
    if isinstance(keys, (str, bytes)) or not isinstance(keys, Iterable):
        raise ArgumentError(f"keys: expected an iterable of str, got {type(keys).__name__}")
    arrays = documents("vectors", vectors, 2)
    first = next(arrays, None)
    if first is None:
        raise VectorError("vectors: expected at least one document, got none")
    shape = tuple(getattr(first, "shape", ()))
    if len(shape) != 2:
        raise VectorError(f"vectors[0]: expected shape (tokens, dim), got {shape}")
    arrays = chain([first], arrays)
    ids = None if token_ids is None else documents("token_ids", token_ids, 1)
    core = _colidx.Writer.create(os.fspath(path), None, {"dim": shape[1], **options})
    try:
        for key, array, numbers in together(keys, arrays, ids):
            core.add(arguments.document(key, ""), array, numbers, False)
        with reporting(progress) as report:
            core.commit(report)
    finally:
        core.close()
    return Index(path)


def documents(name: str, given: Any, ndim: int) -> Iterator[Any]:
    """The arrays of `ndim` dimensions in an iterable of them and of batches of them."""
    if isinstance(given, (str, bytes, dict)) or not isinstance(given, Iterable):
        raise ArgumentError(f"{name}: expected an iterable of arrays, got {type(given).__name__}")
    for item in given:
        if rank(item) > ndim:
            yield from item
        else:
            yield item


def rank(value: Any) -> int:
    """Dimensions of an array, or of a list by its first value."""
    if isinstance(value, (list, tuple, range)):
        return 1 + (rank(value[0]) if value else 0)
    return len(getattr(value, "shape", ()))


MISSING = object()


def together(
    keys: Iterable[str], arrays: Iterator[Any], ids: Iterator[Any] | None
) -> Iterator[tuple[str, Any, Any]]:
    """Documents of which each has a key and an array, and token ids if any has."""
    count = 0
    names = iter(keys)
    for array in arrays:
        key = next(names, MISSING)
        if key is MISSING:
            raise VectorError(f"keys: expected one for each document, got {count} and more vectors")
        numbers = None if ids is None else next(ids, MISSING)
        if numbers is MISSING:
            raise VectorError(f"token_ids: expected one array for each document, got {count}")
        count += 1
        yield arguments.key(f"keys[{count - 1}]", key), array, numbers
    if next(names, MISSING) is not MISSING:
        raise VectorError(f"vectors: expected one array for each key, got {count} and more keys")
    if ids is not None and next(ids, MISSING) is not MISSING:
        raise VectorError(f"token_ids: expected {count} arrays, got more")
