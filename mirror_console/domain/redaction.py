"""Redaction: takes out of a text what is a secret, or looks like one, before it is logged, told or copied.

Secrets have a type that can't be printed. This is for what gets past it: a value that was revealed to be used, and
turns up in the words of a library's error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mirror_console.domain.secret import HIDDEN, live_secrets

_SHORTEST = 6
"""Characters from which on a value is looked for: what is shorter stands everywhere by chance."""
SHORTEST_GIVEN = 3
"""The same in what was written by a command to which the value was given."""

_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")

_SHAPES = (
    # A private key, whole or cut off, as it is or with its line ends written out.
    (
        re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        HIDDEN,
    ),
    (re.compile(r"(?i)\b(x-registry-auth|authorization|cookie)(['\"]?\s*[:=]\s*).+"), rf"\1\2{HIDDEN}"),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:password|passwd|passphrase|secret|token|api_?key))(['\"]?\s*[:=]\s*['\"]?)[^\s'\",;&]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@"), rf"\1:{HIDDEN}@"),
)


def redacted(text: str) -> str:
    """The text with every secret that the program holds now, and all that is shaped like one, hidden."""
    for secret in live_secrets():
        value = secret.reveal().strip()
        if len(value) >= _SHORTEST and value in text:
            text = text.replace(value, HIDDEN)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


class Hiding:
    """Takes the values that a command was given, and all that `redacted` hides, out of what it wrote."""

    def __init__(self, values: Iterable[str]) -> None:
        given = set(values)
        # Of an address with a password what is told may be the password alone.
        given |= {password for value in given for password in _PASSWORD.findall(value)}
        # The longest first: one may be a part of another.
        self._values = sorted((one for one in given if len(one.strip()) >= SHORTEST_GIVEN), key=len, reverse=True)
        self.longest = max((len(value.encode("utf-8", "replace")) for value in self._values), default=0)
        """Octets of the longest of them."""

    def __call__(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, HIDDEN).replace(value.strip(), HIDDEN)
        return redacted(text)
