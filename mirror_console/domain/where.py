"""Where a build runs: what an image is called anywhere, and the environments and engines that have it.

One image goes by many names: digests of its index and of its platforms, tags, ids that differ between engines, its
version and its revision. Whoever asks with one of them is told of all places that have the image under any.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from mirror_console.domain.counting import counted
from mirror_console.domain.held import HeldImage
from mirror_console.domain.image import parse_reference, short
from mirror_console.domain.release import Release
from mirror_console.errors import InvalidInput

_START = re.compile(r"(?:(?:sha256|fp1):)?[0-9a-f]{7,}")
"""Enough digits to mean one digest, id or revision without all of them."""
_FEW = re.compile(r"(?:(?:sha256|fp1):)?[0-9a-fA-F]{1,6}")
_DIGITS = re.compile(r"(?:(?:sha256|fp1):)?[0-9a-fx]+")
"""A digest or the start of one; an x stands for anything."""
_SEPARATORS = re.compile("[:/@]")
_HEX = re.compile(r"(?:(?:sha256|fp1):)?[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Place:
    """An environment that runs a build; `running` is false where its container has it and doesn't run."""

    application: str
    environment: str
    is_mirror: bool
    engine: str
    running: bool
    seen_at: datetime
    processes: tuple[str, ...] = ()
    """Which of its processes run it, where that isn't true of all; empty where it is."""


@dataclass(frozen=True, slots=True)
class Holding:
    """An engine that holds a build without running it, and when it was last seen there."""

    engine: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Build:
    """One image, and where it is."""

    title: str
    fingerprint: str
    digest: str
    """Its release's, under which it is pulled; empty where none is known."""
    platform: str
    revision: str
    names: tuple[str, ...]
    """All that it is called anywhere."""
    places: tuple[Place, ...]
    holding: tuple[Holding, ...]

    @property
    def identity(self) -> str:
        """The start of its digest, as lists of releases show it, or else of its fingerprint."""
        return short(self.digest or self.fingerprint)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The answer to where a build runs. Several builds may go by one name, such as a tag that has moved."""

    asked: str
    builds: tuple[Build, ...]

    @property
    def could_be_one(self) -> bool:
        """Whether an image may go by what was asked for. A version is any text; with ``:/@`` it is a reference."""
        return bool(self.builds) or not _SEPARATORS.search(self.asked) or _is_reference(self.asked)

    @property
    def sentence(self) -> str:
        """How many environments on how many engines run it, and how many engines hold it without running it."""
        if not self.could_be_one:
            return f"'{self.asked}' can't be a digest, tag, revision, version or id of an image."
        if not self.builds:
            more = " Of a digest, an id or a revision type seven digits at least." if _FEW.fullmatch(self.asked) else ""
            return f"No image that was seen goes by '{self.asked}'.{more}"
        places = [place for build in self.builds for place in build.places]
        running = [place for place in places if place.running]
        parts = [f"{self._name} {_runs(running) if running else 'runs nowhere'}"]
        stopped = len(places) - len(running)
        if stopped:
            parts.append(
                f"{counted(stopped, 'environment')} {'has it and is' if stopped == 1 else 'have it and are'} stopped"
            )
        holding = {one.engine for build in self.builds for one in build.holding} - {place.engine for place in places}
        if holding:
            holders = counted(len(holding), "other engine" if places else "engine")
            parts.append(f"{holders} {'holds' if len(holding) == 1 else 'hold'} it without running it")
        return f"{'; '.join(parts)}."

    @property
    def _name(self) -> str:
        titles = list(dict.fromkeys(build.title for build in self.builds))
        if len(self.builds) == 1:
            return f"{titles[0]} ({self.builds[0].identity})"
        named = titles[0] if len(titles) == 1 else f"'{self.asked}'"
        return f"{named} ({len(self.builds)} images)"


def _is_reference(asked: str) -> bool:
    text = asked.casefold().replace("*", "x")
    # The start of a digest, alone or behind a repository, means one, too.
    repository, at, digest = text.rpartition("@")
    if at and not _DIGITS.fullmatch(digest):
        return False
    if not at and _DIGITS.fullmatch(text):
        return True
    try:
        parse_reference(repository if at else text)
    except InvalidInput:
        return False
    return True


def names_of(images: Iterable[HeldImage], releases: Iterable[Release]) -> dict[str, tuple[str, ...]]:
    """By fingerprint, all that an image is called anywhere; what people type most comes first."""
    named: dict[str, dict[str, None]] = defaultdict(dict)
    for image in images:
        found = named[image.fingerprint]
        found[image.version] = found[image.revision] = None
        for digest in image.digests:
            found[digest.rpartition("@")[2]] = None
        for tag in image.tags:
            found[tag] = found[tag.rpartition(":")[2]] = None
        found[image.fingerprint] = found[image.id] = None
    for release in releases:
        for fingerprint in release.fingerprints:
            found = named[fingerprint]
            found[release.version] = found[release.revision] = found[release.digest] = found[fingerprint] = None
            found[release.tag] = None
    return {fingerprint: tuple(name for name in found if name) for fingerprint, found in named.items() if fingerprint}


def best_name(names: Sequence[str], otherwise: str) -> str:
    """What to ask for an image by: the start of a digest where it has one, else that of what it is known by here."""
    digest = next((name for name in names if name.startswith("sha256:")), "")
    return digest[: len("sha256:") + 12] if digest else short(otherwise)


def called(text: str) -> Callable[[str], bool]:
    """Whether a name is what somebody means by a text; case doesn't count.

    That is the name itself, with ``*`` for anything, or the beginning of a digest, an id or a revision, seven digits at
    least; a digest may stand behind a repository, and a repository without its registry.
    """
    wanted = text.strip().casefold().rpartition("@")[2]
    if "*" in wanted:
        return _fits(re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL))
    begins = _START.fullmatch(wanted) is not None
    bare = wanted.rpartition(":")[2] if begins else wanted

    def fits(text: str) -> bool:
        name = text.casefold()
        if name == wanted or ("/" in wanted and name.endswith(f"/{wanted}")):
            return True
        if not begins or not _HEX.fullmatch(name):
            return False
        # With its kind before it, it is of that kind; digits alone may be any.
        return name.startswith(wanted) if bare != wanted else name.rpartition(":")[2].startswith(bare)

    # Thousands of cells share a few images.
    return lru_cache(maxsize=4096)(fits)


def _fits(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        name = text.casefold()
        return pattern.fullmatch(name) is not None or pattern.fullmatch(name.rpartition(":")[2]) is not None

    return lru_cache(maxsize=4096)(fits)


def find(
    asked: str,
    names: Mapping[str, Sequence[str]],
    places: Mapping[str, Sequence[Place]],
    holding: Mapping[str, Sequence[tuple[str, HeldImage]]],
    releases: Iterable[Release],
) -> Whereabouts:
    """Where everything is that goes by a name: names, places, and holders (engine name and image), by fingerprint."""
    fits = called(asked)
    versions = {
        fingerprint: (release.version, release.revision, release.digest)
        for release in releases
        for fingerprint in release.fingerprints
    }
    builds = []
    for fingerprint in sorted({*names, *places}):
        if not any(map(fits, names.get(fingerprint, (fingerprint,)))):
            continue
        held = holding.get(fingerprint, ())
        version, revision, digest = versions.get(fingerprint, ("", "", ""))
        runs_on = {place.engine for place in places.get(fingerprint, ())}
        builds.append(
            Build(
                title=version
                or next((one.version for _, one in held if one.version), "")
                or short(digest or fingerprint),
                fingerprint=fingerprint,
                digest=digest,
                platform=next((one.platform for _, one in held), ""),
                revision=revision or next((one.revision for _, one in held if one.revision), ""),
                names=tuple(names.get(fingerprint, ())),
                places=tuple(
                    sorted(places.get(fingerprint, ()), key=lambda one: (one.application.casefold(), one.environment))
                ),
                holding=tuple(
                    Holding(engine, max(one.seen_at for name, one in held if name == engine))
                    for engine in sorted({engine for engine, _ in held} - runs_on, key=str.casefold)
                ),
            )
        )
    builds.sort(key=lambda build: (not build.places, build.title, build.fingerprint))
    return Whereabouts(asked.strip(), tuple(builds))


def _runs(places: Sequence[Place]) -> str:
    engines = {place.engine for place in places}
    return f"runs in {counted(len(places), 'environment')} on {counted(len(engines), 'engine')}"
