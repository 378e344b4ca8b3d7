"""Requests as they come, replies as they go, and what a request asks for, made sense of."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from mirror_console.simulator.state import ApiVersion, EngineState, document_of
from mirror_console.simulator.wire import Document, Refusal

_TRUE = {"1", "true", "True"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: `target` is the path with its query, the headers' names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: a whole body, or pieces that come as time passes. A `raw` one takes over the connection.

    Of a `broken` one half is sent, nothing where there is no body, and then the connection is reset.
    """

    status: int
    content: bytes = b""
    content_type: str = "application/json"
    pieces: Iterator[bytes] | None = None
    raw: bool = False
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A request made sense of."""

    state: EngineState
    version: ApiVersion
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes

    def flag(self, name: str) -> bool:
        """A parameter that is on or off."""
        return self.query.get(name, "") in _TRUE

    def number(self, name: str) -> int | None:
        """A whole number, or None when it wasn't given."""
        text = self.query.get(name, "")
        return int(text) if re.fullmatch(r"-?\d+", text) else None

    def body(self) -> Document:
        """The body's document; an empty one when there is none. Raises Refusal (400)."""
        try:
            return document_of(msgspec.json.decode(self.content)) if self.content.strip() else {}
        except msgspec.DecodeError as error:
            raise Refusal(400, f"invalid JSON: {error}") from error

    def filters(self) -> dict[str, list[str]]:
        """The filters, in both notations that clients use. Raises Refusal (500)."""
        try:
            given = document_of(msgspec.json.decode(self.query.get("filters") or "{}"))
        except msgspec.DecodeError as error:
            first = self.query["filters"][:1]
            raise Refusal(500, f"invalid character '{first}' looking for beginning of value") from error
        return {key: [str(value) for value in values] for key, values in given.items()}
