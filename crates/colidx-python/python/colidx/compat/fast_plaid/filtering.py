"""Metadata of documents in SQLite: the table METADATA of `metadata.db`, one row a position.

>>> from colidx.compat.fast_plaid import filtering
>>> filtering.create("rows", [{"name": "a", "year": 1999}, {"name": "b", "year": 2004}])
>>> filtering.where("rows", "year > ?", (2000,))
[1]
>>> filtering.delete("rows", [0])
>>> filtering.get("rows")
[{'_subset_': 0, 'name': 'b', 'year': 2004}]
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from typing import Any

from ...errors import InputError, NotFoundError

NAME = re.compile(r"[a-zA-Z_]\w*", re.ASCII)


def create(index: str, metadata: list[dict[str, Any]]) -> None:
    """Makes the table of one row a document, in the place of one that is there."""
    names = columns(metadata)
    os.makedirs(index, exist_ok=True)
    if not metadata:
        if exists(index):
            os.remove(path(index))
        return
    new = f"{path(index)}.new"
    if os.path.exists(new):
        os.remove(new)
    with transaction(new) as connection:
        typed = [f'"{name}" {kind(name, metadata)}' for name in names]
        fields = ", ".join(["_subset_ INTEGER PRIMARY KEY", *typed])
        connection.execute(f"CREATE TABLE METADATA ({fields})")
        insert(connection, names, metadata, 0)
    os.replace(new, path(index))


def update(index: str, metadata: list[dict[str, Any]]) -> None:
    """Appends rows, and the columns that they bring."""
    names = columns(metadata)
    if not metadata:
        return
    with database(index) as connection:
        known = {row[1].lower() for row in connection.execute("PRAGMA table_info(METADATA)")}
        for name in names:
            if name.lower() not in known:
                column = f'"{name}" {kind(name, metadata)}'
                connection.execute(f"ALTER TABLE METADATA ADD COLUMN {column}")
        [(last,)] = connection.execute("SELECT MAX(_subset_) FROM METADATA")
        insert(connection, names, metadata, 0 if last is None else last + 1)


def delete(index: str, subset: list[int] | int) -> None:
    """Deletes rows by position; those behind them move up."""
    numbers = [subset] if isinstance(subset, int) else list(subset)
    with database(index) as connection:
        connection.executemany("DELETE FROM METADATA WHERE _subset_ = ?", [(n,) for n in numbers])
        rows = connection.execute("SELECT _subset_ FROM METADATA ORDER BY _subset_").fetchall()
        # In ascending order, so that the place of each row is free by its turn.
        moves = [(new, old) for new, (old,) in enumerate(rows) if new != old]
        connection.executemany("UPDATE METADATA SET _subset_ = ? WHERE _subset_ = ?", moves)


def get(
    index: str,
    condition: str | None = None,
    parameters: Sequence[Any] = (),
    subset: list[int] | None = None,
) -> list[dict[str, Any]]:
    """Rows as dicts: all, those that meet a condition, or those of a subset in its order."""
    if condition is not None and subset is not None:
        raise InputError("expected condition or subset, got both")
    where_ = "" if condition is None else f" WHERE {condition}"
    with database(index) as connection:
        connection.row_factory = sqlite3.Row
        query = f"SELECT * FROM METADATA{where_} ORDER BY _subset_"
        rows = [dict(row) for row in connection.execute(query, parameters)]
    if subset is None:
        return rows
    by_number = {row["_subset_"]: row for row in rows}
    return [by_number[number] for number in subset if number in by_number]


def where(index: str, condition: str, parameters: Sequence[Any] = ()) -> list[int]:
    """The positions of the rows that meet a condition with `?` for parameters."""
    with database(index) as connection:
        query = f"SELECT _subset_ FROM METADATA WHERE {condition} ORDER BY _subset_"
        return [number for (number,) in connection.execute(query, parameters)]


def path(index: str) -> str:
    """The file."""
    return os.path.join(index, "metadata.db")


def exists(index: str) -> bool:
    """Whether there is metadata."""
    return os.path.exists(path(index))


@contextmanager
def database(index: str) -> Iterator[sqlite3.Connection]:
    """The database of an index in a transaction."""
    if not exists(index):
        raise NotFoundError(f"no metadata in {index!r}; give metadata when the index is created")
    with transaction(path(index)) as connection:
        yield connection


@contextmanager
def transaction(file: str) -> Iterator[sqlite3.Connection]:
    """A database in a transaction, new columns included, which an exception rolls back."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection, connection:
        connection.execute("BEGIN")
        yield connection


def columns(metadata: list[dict[str, Any]]) -> list[str]:
    """The names of all columns, in the order they first occur."""
    names = list(dict.fromkeys(name for row in metadata for name in row))
    for name in names:
        if not NAME.fullmatch(name) or name.lower() == "_subset_":
            raise InputError(
                f"metadata: expected column names of letters, digits and _, got {name!r}"
            )
    return names


def kind(name: str, metadata: list[dict[str, Any]]) -> str:
    """The SQL type of a column, by its first value."""
    value = next((row[name] for row in metadata if row.get(name) is not None), None)
    types = {int: "INTEGER", float: "REAL", str: "TEXT", date: "TEXT"}
    return next((sql for python, sql in types.items() if isinstance(value, python)), "BLOB")


def insert(
    connection: sqlite3.Connection, names: list[str], metadata: list[dict[str, Any]], start: int
) -> None:
    """Inserts rows from a position on."""
    listed = ", ".join(["_subset_", *(f'"{name}"' for name in names)])
    places = ", ".join("?" * (len(names) + 1))
    rows = [
        (number, *(sql_value(name, row.get(name)) for name in names))
        for number, row in enumerate(metadata, start)
    ]
    connection.executemany(f"INSERT INTO METADATA ({listed}) VALUES ({places})", rows)


def sql_value(name: str, value: Any) -> Any:
    """Dates as text, which compares in their order."""
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, (int, float, str, bytes)):
        return value
    raise InputError(
        f"metadata: expected str, int, float, bytes or a date for {name!r}, got {type(value).__name__}"
    )
