"""What a registry's refusal means, as an engine hands it on: its kind, our words for it, and when to ask again."""

from __future__ import annotations

import re

from mirror_console.errors import FailureKind

# In this order: the first that fits counts. Source: replies of Docker 20.10 and 29 with both image stores, Podman 4.3.
SAID = (
    (
        FailureKind.PLATFORM,
        ("no matching manifest", "no match for platform", "does not match the specified platform", "no image found in"),
    ),
    (FailureKind.REGISTRY_BUSY, ("too ?many ?requests|rate limit",)),
    (
        FailureKind.CORRUPT,
        (
            "verification failed for digest|does not match expected digest|unexpected (?:commit )?digest",
            "failed size validation|unexpected commit size|invalid checksum|invalid tar header|gzip: invalid",
        ),
    ),
    (
        FailureKind.REGISTRY_SIGN_IN,
        (
            "no basic auth credentials|unauthorized|authentication required|authorization failed|403 forbidden",
            r"access denied|access to the resource is denied|incorrect username or password|\bdenied\b",
        ),
    ),
    (
        FailureKind.REGISTRY_TROUBLE,
        # A port may look like a status: this one stands behind a space.
        (r"\bstatus\b.*: 5\d\d\b", "bad gateway|service unavailable|gateway time-?out"),
    ),
    (
        FailureKind.REGISTRY_UNREACHABLE,
        (
            "dial tcp|connection refused|no such host|network is unreachable|no route to host",
            "tls: |x509: |server gave http response|waiting for connection|while awaiting headers",
        ),
    ),
    (FailureKind.REGISTRY_LOST, (r"connection reset|broken pipe|\beof\b|timeout|timed out|deadline exceeded",)),
    (
        FailureKind.IMAGE_NOT_FOUND,
        ("manifest unknown", "unknown blob", "not found", "name unknown", "not known", "does not exist"),
    ),
)

_MEANINGS = {
    FailureKind.PLATFORM: "it isn't made for the engine's platform",
    FailureKind.REGISTRY_BUSY: "its registry wants fewer requests",
    FailureKind.CORRUPT: "what came isn't what was published",
    FailureKind.REGISTRY_SIGN_IN: "its registry refused the sign-in",
    FailureKind.REGISTRY_TROUBLE: "its registry is in trouble",
    FailureKind.REGISTRY_UNREACHABLE: "the engine can't reach its registry",
    FailureKind.REGISTRY_LOST: "the connection to its registry was lost",
    FailureKind.IMAGE_NOT_FOUND: "its registry doesn't have it",
}


def meaning(kind: FailureKind, said: str) -> str:
    """Why an engine couldn't get an image from its registry, with what the engine `said` where that tells more."""
    ours = _MEANINGS.get(kind)
    if ours is None:
        return said
    # Of what isn't there, engines say just that, some of them twice.
    return f"{ours} ({said})" if said and kind is not FailureKind.IMAGE_NOT_FOUND else ours


_AGAIN = re.compile(
    r"(?:retry[- ]after|try again (?:in|after)|retry in)\W{0,3}(\d{1,9}(?:\.\d{1,9})?)\s*"
    r"(ns|µs|us|ms|milliseconds?|s\b|secs?|seconds?|m\b|mins?|minutes?|h\b|hours?|$|\W)",
    re.IGNORECASE,
)
_SECONDS = {"n": 1e-9, "u": 1e-6, "µ": 1e-6, "ms": 1e-3, "mil": 1e-3, "m": 60.0, "h": 3600.0}


def retry_after(words: str) -> float | None:
    """In how many seconds a registry may be asked again, where an engine's words tell it: ``retry-after: 30``.

    Engines hand on the text of a registry's refusal, and not its headers.
    """
    found = _AGAIN.search(words)
    if found is None:
        return None
    unit = found[2].lower()
    return float(found[1]) * next((seconds for sign, seconds in _SECONDS.items() if unit.startswith(sign)), 1.0)
