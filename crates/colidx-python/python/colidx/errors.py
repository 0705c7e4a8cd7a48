"""What can go wrong. Every exception is an `Error`, and also what Python would raise itself.

>>> import colidx
>>> try:
...     colidx.open("nowhere.colidx")
... except FileNotFoundError as error:
...     print(type(error).__name__)
NotFoundError
"""


class Error(Exception):
    """Any failure of colidx."""

    # KeyError and OSError write messages in ways of their own.
    __str__ = Exception.__str__


class NotFoundError(Error, FileNotFoundError):
    """There is no index, or no file, at the path."""


class ExistsError(Error, FileExistsError):
    """Something is there already: pass `force=True` to replace an index."""


class UnfinishedError(ExistsError):
    """A build was stopped here: pass `resume=True` to resume it, or `force=True` to start over."""


class LockedError(Error, BlockingIOError):
    """Another writer has the index."""


class StorageError(Error, OSError):
    """The system refused to read or write."""


class DamagedError(Error, ValueError):
    """A file of the index is damaged, truncated, or of another version."""


class ClosedError(Error, ValueError):
    """The index or the writer was closed."""


class KeyNotFoundError(Error, KeyError):
    """The index has no document with the key."""


class DuplicateKeyError(Error, ValueError):
    """A key was given twice, or the index has it already."""


class InputError(Error, ValueError):
    """A document, a query or a file of them is malformed."""


class VectorError(Error, ValueError):
    """Vectors of another shape, dimension or number than expected, or not finite."""


class DtypeError(Error, TypeError):
    """An array of another type than float32 or float16."""


class ArgumentError(Error, TypeError):
    """An argument of another type than expected, or with an unknown name."""


class OptionError(Error, ValueError):
    """An option with a value that it cannot have."""


class ModelError(Error, ValueError):
    """A checkpoint cannot be read, or none is known."""


class WrongModelError(ModelError):
    """The checkpoint is not the one that made the index."""


class ModelNotFoundError(ModelError, FileNotFoundError):
    """There is no checkpoint at the place named."""


class HubError(Error, ConnectionError):
    """The model hub could not give a checkpoint."""


class MemoryLimitError(Error, MemoryError):
    """`memory` is too little for this build."""


class DeadlineError(Error, TimeoutError):
    """A search did not finish within `timeout`."""


class CorpusWarning(UserWarning):
    """What of a corpus was left out: files, lines, the ends of long documents, options."""


class CancelledError(Error):
    """The work was stopped."""
