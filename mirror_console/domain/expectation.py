"""Expectation: which image an environment should run, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from mirror_console.domain.application import Application, ImageSource
from mirror_console.domain.environment import Environment
from mirror_console.domain.image import short
from mirror_console.domain.moment import age_aloud, day
from mirror_console.domain.release import Release, wanted_of, wanted_since


@dataclass(frozen=True, slots=True)
class Expected:
    """The image that an environment should run, and why. `fingerprint` is empty where only its digest is known."""

    fingerprint: str
    release: Release | None
    title: str
    why: str
    since: datetime | None = None
    back: bool = False
    """Whether the source went back to it from a newer release."""

    @property
    def identity(self) -> str:
        """What it is known by: its fingerprint, or its digest as long as that is all that is known."""
        return self.fingerprint or (self.release.identity if self.release is not None else "")


@dataclass(frozen=True, slots=True)
class NoExpectation:
    """That nothing is expected of an environment, and why."""

    why: str


def expect(
    application: Application,
    environment: Environment,
    source_environments: Sequence[Environment],
    releases: Sequence[Release],
    now: datetime,
) -> Expected | NoExpectation:
    """What an environment should run now.

    `source_environments` are those of the mirror's source, `releases` all that they have had. A source's own
    environments are watched, not deployed: of them nothing is expected.
    """
    hold = environment.hold
    if hold is not None and hold.active(now):
        until = f" until {day(hold.until, now)}" if hold.until else ""
        held = [release for release in releases if release.is_image(hold.identity)]
        # The same image may have been a release of several environments: one with a digest can be pulled.
        release = max(held, key=lambda release: (bool(release.digest), release.first_seen), default=None)
        fingerprint = hold.fingerprint or (release.fingerprint if release else "")
        title = hold.version or (release.title if release else short(hold.identity))
        soon = f", ends in {age_aloud(hold.until - now)}" if hold.until and hold.ends_soon(now) else ""
        return Expected(fingerprint, release, title, f"held{until}{soon}: {hold.reason}{_withdrawn(release)}")
    if not application.is_mirror:
        return NoExpectation("a source's own environment: it is watched, and deployed by whoever develops")
    match application.image_source:
        case ImageSource.ALWAYS_LIVE:
            wanted = "live"
        case ImageSource.MATCHING:
            wanted = environment.name
        case _:
            assert_never(application.image_source)
    ended = f"; its hold ended {day(hold.until, now)}" if hold is not None and hold.until else ""
    origin = next((candidate for candidate in source_environments if candidate.name == wanted), None)
    if origin is None:
        return NoExpectation(f"the source has no environment '{wanted}'{ended}")
    own = [candidate for candidate in releases if candidate.environment_id == origin.id]
    release = wanted_of(origin, own)
    if release is None:
        return NoExpectation(f"{_never(origin)}{ended}")
    back = any(other.first_seen > release.first_seen and wanted_since(origin, other) for other in own)
    why = f"{_has(origin, back=back)} ({application.image_source}){_withdrawn(release)}{ended}"
    return Expected(release.fingerprint, release, release.title, why, wanted_since(origin, release), back)


def _never(origin: Environment) -> str:
    """That a source's environment stands for no image yet."""
    if origin.follows is not None:
        return f"the source's {origin.name} follows the tag '{origin.follows.tag}', which was never read"
    return f"the source's {origin.name} never had an image"


def _has(origin: Environment, *, back: bool) -> str:
    """In what way a source's environment stands for a release: it has it, went back to it, or its tag points there."""
    if origin.follows is not None:
        how = "went back to it" if back else "points to it"
        return f"{origin.name} of the source follows the tag '{origin.follows.tag}', which {how}"
    return f"{origin.name} of the source {'went back to it' if back else 'has it'}"


def _withdrawn(release: Release | None) -> str:
    """That a release was withdrawn, and why."""
    if release is None or not release.withdrawn:
        return ""
    return f"; it is withdrawn{f': {release.remark}' if release.remark else ''}"
