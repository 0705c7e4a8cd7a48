"""Changing an index."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import _colidx
from ._arguments import document, is_path, peek, record
from ._arguments import keys as checked_keys
from ._arguments import queries as checked_queries
from ._progress import Progress, reporting
from ._warn import warn
from .errors import ArgumentError, InputError

if TYPE_CHECKING:
    from ._index import Index

NOTHING = "expected at least one document with a title or text"

#: Files, or documents: dicts, or pairs of key and text.
Corpus = Any


def stage(
    core: _colidx.Writer,
    corpus: Corpus,
    replace: bool,
    report: Any,
    *,
    id_field: str | None = None,
    title_field: str = "title",
    text_field: str = "text",
    **reading: Any,
) -> int:
    """Adds all documents of a corpus to a writer. Returns their number."""
    first, values = peek([corpus] if is_path(corpus) else records(corpus))
    if is_path(first):
        paths = [os.fspath(path) for path in values]
        reading.update(id_field=id_field, title_field=title_field, text_field=text_field)
        reading = {name: value for name, value in reading.items() if value is not None}
        number, left_out = core.add_corpus(paths, reading, replace, report)
        warn(left_out)
        return number
    for name, value in reading.items():
        if value is not None:
            raise ArgumentError(
                f"{name}: expected None for a corpus that is no file, got {value!r}"
            )
    number = blank = 0
    for number, given in enumerate(values, 1):
        one = record(number, given, id_field, title_field, text_field)
        blank += not (one["title"].strip() or one["text"].strip())
        core.add(one, None, None, replace)
    if blank == number > 0:
        raise InputError(f"corpus: {NOTHING}, got {number} with neither")
    warn([f"empty: {blank} of {number} documents have neither title nor text"] if blank else [])
    return number


def committed(core: _colidx.Writer, report: Any) -> dict[str, Any]:
    """What a commit did; warns of documents that were cut short."""
    done, truncated = core.commit(report)
    warn([truncated] if truncated else [])
    return done


def records(corpus: Any) -> Iterable[Any]:
    """A corpus that can be read one by one."""
    kind = type(corpus).__name__
    if isinstance(corpus, Mapping):
        raise ArgumentError(f"corpus: expected pairs of key and text, got {kind}; pass its items()")
    if hasattr(corpus, "columns"):
        raise ArgumentError(f"corpus: expected an iterable of dicts, got {kind}; pass its rows")
    if not isinstance(corpus, Iterable):
        raise ArgumentError(f"corpus: expected a file or an iterable of documents, got {kind}")
    return corpus


class Writer:
    """The one writer of an index: a context that commits at its end, and rolls back what was staged
    when an exception leaves it.

    >>> with index.writer() as w:
    ...     w.add("sun", "The sun is a star.", metadata={"year": 1999})
    ...     w.update("tea", "Tea is a hot drink.")
    ...     w.delete(["moon"])
    1
    >>> sorted(index)
    ['sun', 'tea']
    """

    def __init__(self, index: Index, memory: int | None = None, progress: Progress = None) -> None:
        self._index = index
        self._progress = progress
        self._core = _colidx.Writer.open(index._core, memory)
        #: What the last commit did.
        self.report: dict[str, Any] | None = None

    def add(
        self,
        key: str | Mapping[str, Any],
        text: str = "",
        *,
        title: str = "",
        metadata: Mapping[str, Any] | None = None,
        vectors: Any = None,
        token_ids: Any = None,
    ) -> None:
        """Adds a document: a key and text, or a dict as `build` takes it.

        With `vectors`, `[n_tokens, dim]`, these are stored; else the text is encoded at the commit.

        Raises `DuplicateKeyError` for a key that is there, `InputError`, `VectorError`,
        `DtypeError`, `ArgumentError`.
        """
        given = self._document(key, text, title, metadata)
        self._core.add(given, vectors, token_ids, False)

    def update(
        self,
        key: str | Mapping[str, Any],
        text: str = "",
        *,
        title: str = "",
        metadata: Mapping[str, Any] | None = None,
        vectors: Any = None,
        token_ids: Any = None,
    ) -> None:
        """As `add`, in the place of the document with that key, if there is one."""
        given = self._document(key, text, title, metadata)
        self._core.add(given, vectors, token_ids, True)

    @staticmethod
    def _document(key: Any, text: Any, title: Any, metadata: Any) -> dict[str, str]:
        if isinstance(key, Mapping):
            return record(1, key, None, "title", "text")
        return document(key, text, title, metadata)

    def add_all(self, corpus: Corpus, **reading: Any) -> int:
        """Adds the documents of files or of an iterable, as `build` takes them; their number."""
        with reporting(self._progress) as report:
            return stage(self._core, corpus, False, report, **reading)

    def update_all(self, corpus: Corpus, **reading: Any) -> int:
        """As `add_all`, in the place of documents with the same keys."""
        with reporting(self._progress) as report:
            return stage(self._core, corpus, True, report, **reading)

    def delete(self, keys: str | Iterable[str]) -> int:
        """Deletes documents by key, and returns how many of them there were."""
        given = [keys] if isinstance(keys, str) else checked_keys("keys", keys)
        return sum(self._core.delete(one) for one in given)

    def commit(self) -> dict[str, Any]:
        """Makes all changes visible at once, and moves the index on to them."""
        return self._finish(lambda report: committed(self._core, report))

    def compact(self) -> dict[str, Any]:
        """Merges all segments into one, without deleted documents."""
        return self._finish(self._core.compact)

    def retrain(self) -> dict[str, Any]:
        """Trains a new codebook on the stored vectors and encodes all documents with it."""
        return self._finish(self._core.retrain)

    def tune(self, queries: Iterable[Any], k: int | Iterable[int] = (10, 100)) -> dict[str, Any]:
        """Measures what searches for `k` hits, or several such numbers, find of the exact hits at
        several efforts, and stores it in the index: `recall=` of a search chooses its effort by it.
        Queries are texts or arrays, as `Index.search_many` takes them; some hundred like those to
        come are enough. Returns what was measured, as `info()["recall"]` has it.

        >>> with index.writer() as w:
        ...     table = w.tune(["the moon", "tea"], k=2)
        >>> table["rows"][0]["k"]
        2
        >>> [hit.key for hit in index.search("moon", k=1, recall=0.95)]
        ['moon']
        """
        ks = [k] if isinstance(k, int) else list(k)
        given = checked_queries(queries)
        with reporting(self._progress) as report:
            table = self._core.tune(self._index._core, given, ks, report)
        self._index.reload()
        return table

    def _finish(self, work: Any) -> dict[str, Any]:
        with reporting(self._progress) as report:
            self.report = work(report)
        self._index.reload()
        return self.report

    def rollback(self) -> None:
        """Drops everything since the last commit."""
        self._core.rollback()

    def close(self) -> None:
        """Drops what is not committed, and lets go of the index."""
        self._core.close()

    def __len__(self) -> int:
        """Documents that the next commit adds."""
        return self._core.num_staged()

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            self.close()
