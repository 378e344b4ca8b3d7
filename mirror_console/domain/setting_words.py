"""Settings in words: how each of them is called and told, in drift, in pending changes and in questions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mirror_console.domain.environment import HealthTest, Port, Volume
from mirror_console.domain.route import Route, alias_words

VARIABLE = "variable "
LABEL_FIELD = "label "
"""What the names of variables and labels are put behind to be a field: ``variable DOMAIN``."""
NONE = "none"
SET, NOT_SET, ANOTHER, AS_APPLIED, A_SECRET = "set", "not set", "another value", "as applied", "a secret"
"""How a variable is told: its value never is."""

_SECRET_NAME = re.compile(
    r"PASSW(?:OR)?D|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|API_?KEY|BASICAUTH|(?:^|[_.-])(?:PASS|KEY|AUTH|DSN)$",
    re.IGNORECASE,
)
_WITH_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
_LONGEST = 80


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable or label likely is a secret: by its name, an address with a password, or several lines.

    What is found on an engine under such a name goes into the keyring, and is never shown.
    """
    return bool(_SECRET_NAME.search(name) or _WITH_PASSWORD.search(value) or "\n" in value)


def port_words(port: Port) -> str:
    """``8080→80``, ``127.0.0.1:any→53/udp``."""
    at = "" if port.address in {"", "0.0.0.0"} else f"{port.address}:"  # noqa: S104 - compared, not bound
    kind = "" if port.protocol == "tcp" else f"/{port.protocol}"
    return f"{at}{port.host or 'any'}→{port.container}{kind}"


def volume_words(volume: Volume) -> str:
    """``shop-media→/media (read-only)``."""
    return f"{volume.source}→{volume.target}" + (" (read-only)" if volume.read_only else "")


def memory_words(memory: int) -> str:
    """``256 MiB``, ``none``."""
    return f"{memory / 1024 / 1024:g} MiB" if memory else NONE


def number_words(number: float) -> str:
    """``1.5``, ``none``."""
    return f"{number:g}" if number else NONE


def seconds_words(seconds: float) -> str:
    """``10 s``."""
    return f"{seconds:g} s"


def yes_words(value: bool) -> str:
    """``yes``, ``no``."""
    return "yes" if value else "no"


def health_words(test: HealthTest) -> str:
    """``asks 80/up, 200-399, settles 3 s, waits 60 s``."""
    asked = f"asks {test.port}{test.path}, {test.answers_from}-{test.answers_to}, " if test.path else ""
    return f"{asked}settles {test.settle:g} s, waits {test.limit:g} s"


def route_words(route: Route | None) -> str:
    """What of a route is part of a container: ``shop-a in edge``, ``none``."""
    return alias_words(route) if route is not None and route.by_alias else NONE


def label_words(name: str, labels: Mapping[str, str]) -> str:
    """The value of a label, cut where it is long; that it is set, where it looks like a secret."""
    if name not in labels:
        return NOT_SET
    value = labels[name]
    if looks_secret(name, value):
        return SET
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
