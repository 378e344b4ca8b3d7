"""How the values of the domain are kept in columns: times, words, references, and nested values as JSON.

What can't be read back is never written, and what is read is checked as strictly as if a stranger had written it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
from sqlalchemy.types import UserDefinedType

from mirror_console.domain.secret import SecretReference
from mirror_console.store.failures import Unreadable

Reader: TypeAlias = Callable[[Any], Any]

_LARGEST = 2**63 - 1
"""SQLite keeps integers in 64 bits. Source: https://www.sqlite.org/datatype3.html."""


class _Kept(UserDefinedType[Any]):
    """A column of one of the storage classes of SQLite that a STRICT table knows."""

    storage = "TEXT"

    def get_col_spec(self, **_: object) -> str:
        """The storage class, as it stands in the schema."""
        return self.storage


class Text(_Kept):
    """Text. What isn't valid Unicode, as an engine may send, is kept as question marks."""

    cache_ok = True

    def bind_processor(self, dialect: object) -> Reader:
        """From the domain to the file."""
        return lambda value: value if value is None or value.isascii() else _valid(value)


class Pointer(_Kept):
    """The identity of another entry; empty in the domain is NULL in the file, so that foreign keys hold."""

    cache_ok = True

    def bind_processor(self, dialect: object) -> Reader:
        """From the domain to the file."""
        return lambda value: value or None

    def result_processor(self, dialect: object, coltype: object) -> Reader:
        """From the file to the domain."""
        return lambda value: value or ""


class Whole(_Kept):
    """A whole number. What is larger than the file can keep is kept as the largest that it can."""

    cache_ok = True
    storage = "INTEGER"

    def bind_processor(self, dialect: object) -> Reader:
        """From the domain to the file."""
        return lambda value: None if value is None else max(-_LARGEST, min(value, _LARGEST))


class Real(_Kept):
    """A number of seconds or the like."""

    cache_ok = True
    storage = "REAL"


class Flag(_Kept):
    """Yes or no, kept as 1 or 0."""

    cache_ok = True
    storage = "INTEGER"

    def bind_processor(self, dialect: object) -> Reader:
        """From the domain to the file."""
        return int

    def result_processor(self, dialect: object, coltype: object) -> Reader:
        """From the file to the domain."""
        return bool


class Moment(_Kept):
    """A time in UTC, to the microsecond, as text that sorts by time."""

    cache_ok = True

    def bind_processor(self, dialect: object) -> Reader:
        """From the domain to the file. Raises ValueError where a time has no zone."""
        return _moment_text

    def result_processor(self, dialect: object, coltype: object) -> Reader:
        """From the file to the domain."""
        return _moment


class Word(_Kept):
    """One of the words of an enum."""

    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        self.words = words

    def bind_processor(self, dialect: object) -> Reader:
        """From the domain to the file."""
        words = self.words
        return lambda value: None if value is None else words(value).value

    def result_processor(self, dialect: object, coltype: object) -> Reader:
        """From the file to the domain."""
        known: dict[str | None, StrEnum | None] = {word.value: word for word in self.words}
        known[None] = None

        def read(value: str | None) -> StrEnum | None:
            try:
                return known[value]
            except KeyError:
                raise Unreadable(f"a word that {self.words.__name__} doesn't have") from None

        return read


class Reference(_Kept):
    """The name under which the keyring keeps a secret. The secret itself never comes near the catalog."""

    cache_ok = True

    def bind_processor(self, dialect: object) -> Reader:
        """From the domain to the file."""
        return lambda value: value.name

    def result_processor(self, dialect: object, coltype: object) -> Reader:
        """From the file to the domain."""

        def read(value: str) -> SecretReference:
            try:
                return SecretReference(value)
            except ValueError:
                raise Unreadable("the name of a secret") from None

        return read


class Json(_Kept):
    """A nested value, such as settings, as JSON. A field that came later takes its default when old text is read.

    The values of the last `remembered` texts are kept: what is read over and over and seldom changes is read once.
    """

    cache_ok = True

    def __init__(self, noun: Any, remembered: int = 0) -> None:
        self.noun = noun
        self.remembered = remembered
        decode = msgspec.json.Decoder(noun).decode
        self._decode: Reader = lru_cache(remembered)(decode) if remembered else decode

    def bind_processor(self, dialect: object) -> Reader:
        """From the domain to the file. Raises ValueError where the text couldn't be read back."""
        decode = self._decode

        def write(value: object) -> str | None:
            if value is None:
                return None
            text = json_text(value)
            decode(text)
            return text

        return write

    def result_processor(self, dialect: object, coltype: object) -> Reader:
        """From the file to the domain."""
        decode = self._decode

        def read(value: str | None) -> Any:
            if value is None:
                return None
            try:
                return decode(value)
            except (msgspec.MsgspecError, ValueError, RecursionError):
                raise Unreadable("a nested value") from None

        return read


def json_text(value: object) -> str:
    """The JSON of a value of the domain, with its keys sorted: the same value always gives the same text."""
    try:
        return msgspec.json.encode(value, order="sorted").decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_all_valid(msgspec.to_builtins(value)), order="sorted").decode()


def _moment_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a time without a zone can't be kept")
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _moment(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Unreadable("a time") from None
    if moment.tzinfo is not UTC:
        raise Unreadable("a time that isn't in UTC")
    return moment


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _all_valid(value: Any) -> Any:
    match value:
        case str():
            return _valid(value)
        case Mapping():
            return {_valid(key): _all_valid(item) for key, item in value.items()}
        case list() | tuple():
            return [_all_valid(item) for item in value]
        case _:
            return value
