"""The pieces that replies are made of: documents, times, ids and refusals."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Document = dict[str, Any]
"""A JSON object as the engine API knows it."""

Clock = Callable[[], datetime]
"""Tells the time, aware, in UTC."""

Pause = Callable[[float], None]
"""Waits for that many seconds."""

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

NEVER = "0001-01-01T00:00:00Z"
"""How the engine writes a time that never was."""


class Refusal(Exception):
    """An answer other than the wished one: an HTTP status and the engine's words for it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message


def stamp(moment: datetime | None) -> str:
    """The moment in the engine's notation, UTC with nanoseconds; NEVER for none."""
    if moment is None:
        return NEVER
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "000Z"


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970, exact to the microsecond."""
    since = moment - _BEGINNING
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def hex_id(*parts: object) -> str:
    """64 hexadecimal digits that belong to these parts: same parts, same id."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def in_words(span: timedelta) -> str:
    """The span as the engine puts it in a container's status: 'About a minute', '3 hours'."""
    seconds = max(0, int(span.total_seconds()))
    hours = round(span.total_seconds() / 3600)
    if seconds < 1:
        return "Less than a second"
    if seconds == 1:
        return "1 second"
    if seconds < 60:
        return f"{seconds} seconds"
    if seconds < 120:
        return "About a minute"
    if seconds < 3600:
        return f"{seconds // 60} minutes"
    if hours == 1:
        return "About an hour"
    if hours < 48:
        return f"{hours} hours"
    for limit, unit, name in ((24 * 14, 24, "days"), (24 * 60, 24 * 7, "weeks"), (24 * 730, 24 * 30, "months")):
        if hours < limit:
            return f"{hours // unit} {name}"
    return f"{hours // (24 * 365)} years"
