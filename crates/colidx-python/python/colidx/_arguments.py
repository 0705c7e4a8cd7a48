"""Checks of arguments: a wrong one is named, with what was expected and what was given."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .errors import ArgumentError, InputError


def text(name: str, value: Any) -> str:
    """`value`, which must be a string."""
    if isinstance(value, str):
        return value
    raise ArgumentError(f"{name}: expected str, got {type(value).__name__}")


def key(name: str, value: Any) -> str:
    """`value`, which must be a string that can name a document."""
    if isinstance(value, str):
        return value
    raise ArgumentError(
        f"{name}: expected a key that is a str, got {type(value).__name__}; str(...) makes one"
    )


def texts(name: str, values: Any) -> list[str]:
    """`values`, which must be strings."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise ArgumentError(f"{name}: expected a list of str, got {type(values).__name__}")
    return [text(f"{name}[{at}]", value) for at, value in enumerate(values)]


def keys(name: str, values: Any) -> list[str]:
    """`values`, which must be keys."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise ArgumentError(f"{name}: expected a list of keys, got {type(values).__name__}")
    return [key(f"{name}[{at}]", value) for at, value in enumerate(values)]


def queries(values: Any) -> list[Any]:
    """`values`, which must be texts, or arrays."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        kind = type(values).__name__
        raise ArgumentError(f"queries: expected a list of texts or of arrays, got {kind}")
    given = list(values)
    return texts("queries", given) if given and isinstance(given[0], str) else given


def is_path(value: Any) -> bool:
    """Whether `value` names a file."""
    return isinstance(value, (str, os.PathLike))


def metadata(name: str, value: Any) -> str:
    """`value` as JSON; `None` and `{}` as nothing."""
    if not value and (value is None or isinstance(value, Mapping)):
        return ""
    if not isinstance(value, Mapping):
        raise ArgumentError(f"{name}: expected a dict, got {type(value).__name__}")
    try:
        return json.dumps(dict(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: expected what JSON can hold: {error}") from error


def document(key_: Any, text_: Any, title: Any = "", metadata_: Any = None) -> dict[str, str]:
    """A document for the writer."""
    found = key("key", key_)
    return {
        "key": found,
        "title": text(f"title of {found!r}", title),
        "text": text(f"text of {found!r}", text_),
        "metadata": metadata(f"metadata of {found!r}", metadata_),
    }


ID_FIELDS = ("_id", "id", "key")


def record(
    number: int, given: Any, id_field: str | None, title_field: str, text_field: str
) -> dict[str, str]:
    """A document from a dict, whose other fields are metadata, or from a pair of key and text."""
    if isinstance(given, Mapping):
        fields = dict(given)
        names = ID_FIELDS if id_field is None else (id_field,)
        name = next((name for name in names if name in fields), None)
        if name is None:
            raise missing(number, " or ".join(map(repr, names)), fields)
        if text_field not in fields:
            raise missing(number, repr(text_field), fields)
        found = key(f"document {number}, {name!r}", fields.pop(name))
        title = fields.pop(title_field, None)
        return document(found, fields.pop(text_field), "" if title is None else title, fields)
    if isinstance(given, (tuple, list)) and len(given) == 2:
        return document(key(f"document {number}, key", given[0]), given[1])
    raise ArgumentError(
        f"document {number}: expected a dict or a pair of key and text, got {type(given).__name__}"
    )


def missing(number: int, expected: str, fields: Mapping[str, Any]) -> InputError:
    """A dict without a field that it needs."""
    got = ", ".join(map(repr, fields)) or "none"
    return InputError(f"document {number}: expected a field {expected}, got {got}")


def peek(values: Iterable[Any]) -> tuple[Any, Iterator[Any]]:
    """The first value, or `None`, and all of them."""
    iterator = iter(values)
    for first in iterator:
        return first, chain(first, iterator)
    return None, iterator


def chain(first: Any, others: Iterator[Any]) -> Iterator[Any]:
    """`first` and then `others`."""
    yield first
    yield from others
