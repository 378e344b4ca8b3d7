"""Versions of Docker with a fault that a rollout may meet, each with its source; and the newest that was tested."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from mirror_console.domain.engine import EngineFacts
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.environment import Settings

Version = tuple[int, int, int]

NEWEST_TESTED = (29, 7, 2)
"""The newest Docker that the console's tests have met: replies that were recorded from it."""
_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?")


@dataclass(frozen=True, slots=True)
class KnownBad:
    """A fault of the versions from `first` to `last`, where it `concerns` what is planned there."""

    first: Version
    last: Version
    words: str
    source: str
    concerns: Callable[[EngineFacts, Sequence[Settings]], bool]


def _keeps_containers(facts: EngineFacts, _planned: Sequence[Settings]) -> bool:
    return facts.live_restore


def _publishes_at_home(_facts: EngineFacts, planned: Sequence[Settings]) -> bool:
    """Whether something is published at an address of the host alone."""
    return any(ip_address(port.address).is_loopback for settings in planned for port in settings.ports)


KNOWN_BAD = (
    KnownBad(
        (24, 0, 3),
        (24, 0, 3),
        "it doesn't come back after a restart with live restore and a path of the host mounted (mended in 24.0.4)",
        "https://github.com/moby/moby/pull/45903",
        _keeps_containers,
    ),
    KnownBad(
        (28, 2, 2),
        (28, 3, 2),
        "a reload of firewalld opens to the network what is published at the host's own address (mended in 28.3.3)",
        "https://github.com/moby/moby/security/advisories/GHSA-x4rx-4gw3-53p4",
        _publishes_at_home,
    ),
)
"""Faults that are told in a release's own notes, and that a rollout may meet: no list of all that was ever mended."""


def version_of(text: str) -> Version | None:
    """``20.10.24+dfsg1`` in numbers; None where it is no such version."""
    found = _VERSION.match(text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def faults_of(facts: EngineFacts, planned: Sequence[Settings]) -> tuple[KnownBad, ...]:
    """The known faults of an engine's version that concern what is planned there."""
    version = version_of(facts.version)
    if version is None or facts.kind is not EngineKind.DOCKER:
        return ()
    return tuple(one for one in KNOWN_BAD if one.first <= version <= one.last and one.concerns(facts, planned))


def newer_than_tested(facts: EngineFacts) -> bool:
    """Whether an engine is of a later line of releases than the newest that was tested."""
    version = version_of(facts.version)
    return version is not None and facts.kind is EngineKind.DOCKER and version[0] > NEWEST_TESTED[0]
