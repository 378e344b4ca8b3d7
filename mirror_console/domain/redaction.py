"""Redaction: takes out of a text what is a secret, or looks like one, before it is logged, told or copied.

Secrets have a type that can't be printed. This is for what gets past it: a value that was revealed to be used, and
turns up in the words of a library's error.
"""

from __future__ import annotations

import re

from mirror_console.domain.secret import HIDDEN, live_secrets

_SHORTEST = 6
"""Characters from which on a value is looked for: what is shorter stands everywhere by chance."""

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
