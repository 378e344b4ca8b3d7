"""Between a frozen value of the domain and a row of its table: fields are columns of the same name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)
else:
    T = TypeVar("T")

PART = 250
"""Rows that are made at once: some milliseconds."""


class Shape(Generic[T]):
    """How a noun is read from its table and written to it.

    `elsewhere` are expressions for fields that other tables keep. A field with no column raises TypeError at once, when
    the program starts: nothing is ever lost silently.
    """

    def __init__(self, noun: type[T], table: sa.Table, elsewhere: Mapping[str, sa.ColumnElement[Any]] | None = None):
        others = elsewhere or {}
        self._make: Callable[..., T] = noun
        self._stored = [field.name for field in fields(noun) if field.name not in others]
        missing = [name for name in self._stored if name not in table.c]
        if missing:
            fields_missing = f"{', '.join(missing)} of {noun.__name__}"
            raise TypeError(f"no column for {fields_missing}: add it to store/tables.py and to the newest migration")
        self.select = sa.select(
            *(others.get(field.name, table.c.get(field.name, sa.null())) for field in fields(noun))
        ).select_from(table)
        new = insert(table)
        keys = [column.name for column in table.primary_key]
        changed = {name: new.excluded[name] for name in self._stored if name not in keys}
        self.upsert = new.on_conflict_do_update(index_elements=keys, set_=changed)
        """Insert, or change where the key is there: a row that others name is never taken away and made again."""
        self.insert = sa.insert(table)

    def values(self, value: T) -> dict[str, Any]:
        """The columns of a value."""
        return {name: getattr(value, name) for name in self._stored}

    def read(self, found: sa.Result[Any]) -> list[T]:
        """The values of selected rows."""
        make = self._make
        return [make(*row) for row in found.all()]

    def read_in_parts(self, found: sa.Result[Any]) -> list[T]:
        """The values of selected rows, of which there may be tens of thousands while somebody looks at a window."""
        make = self._make
        return [make(*row) for row in in_parts(found)]


def in_parts(found: sa.Result[Any]) -> Iterator[sa.Row[Any]]:
    """The rows of a long answer, made part by part: what makes them all at once lets no other thread work meanwhile."""
    for part in found.partitions(PART):
        yield from part


def binders(table: sa.Table, names: Iterable[str]) -> dict[str, Callable[[Any], Any]]:
    """By column, from a value of the domain to what plain SQL is given. Raises KeyError for what is no column."""
    return {name: table.c[name].type.bind_processor(SQLiteDialect()) or _as_it_is for name in names}


def _as_it_is(value: Any) -> Any:
    return value


def among(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """That a column is one of the identities in the parameter ``ids``, a JSON list: as many as there are, one plan."""
    return column.in_(sa.text("SELECT value FROM json_each(:ids)").columns(sa.column("value")))
