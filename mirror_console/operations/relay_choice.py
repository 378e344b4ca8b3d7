"""Which image a person means to relay, by a word."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mirror_console.domain.engine import Engine
from mirror_console.domain.image import Image, parse_reference
from mirror_console.domain.release import Release
from mirror_console.errors import EngineError, InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.relay import Asked

_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_BEGINNING = re.compile(r"(?:fp1:|sha256:)?([0-9a-f]{6,64})")


def asked_by(console: Console, text: str, sources: Sequence[Engine]) -> Asked:
    """The image that a word means: a release by version, tag, revision, digest or identity, ``source:`` before it or
    not; else an image that one of the sources has, by reference or id.

    Raises InvalidInput where there is none or it is ambiguous, EngineError.
    """
    fitting = _releases(console, text.strip())
    prints = {release.fingerprint or release.digest: release for release in fitting}
    if len(prints) > 1:
        told = ", ".join(f"{release.title} ({release.repository})" for release in prints.values())
        words = f"'{text}' means {len(prints)} releases: {told}"
        raise InvalidInput("It isn't clear which release is meant.", [Problem("release", words)], "Say more of it.")
    for release in prints.values():
        if release.fingerprint:
            return Asked(release.fingerprint, name_of(release))
        found = _on(console, sources, release.reference)
        if found is not None:
            return Asked(found.fingerprint, name_of(release))
    found = _on(console, sources, text.strip())
    if found is None:
        words = f"no release and no image on {', '.join(engine.name for engine in sources) or 'an engine'} is '{text}'"
        raise InvalidInput(
            "There is no such image.", [Problem("release", words)], "See them: mirror-console images list"
        )
    return Asked(found.fingerprint, text.strip() if text.strip() in found.tags else next(iter(found.tags), ""))


def name_of(release: Release) -> str:
    """By what people find a release on an engine that it was brought to; empty where it tells no version."""
    fits = release.repository and _TAG.fullmatch(release.version)
    return parse_reference(release.repository).tagged(release.version) if fits else ""


def _releases(console: Console, text: str) -> list[Release]:
    slug, separator, rest = text.partition(":")
    with console.catalog.read() as books:
        releases = books.releases.all()
        source = books.applications.by_slug(slug) if separator else None
        if source is not None:
            ids = {environment.id for environment in books.environments.of(source.id)}
            releases = [release for release in releases if release.environment_id in ids]
            text = rest
    named = [release for release in releases if text and text in {release.version, release.tag, release.revision}]
    return named or [release for release in releases if _begins(release, text)]


def _begins(release: Release, text: str) -> bool:
    digits = _BEGINNING.fullmatch(text)
    if digits is None:
        return False
    identities = (release.digest, *release.fingerprints)
    return any(one.rpartition(":")[2].startswith(digits[1]) for one in identities) or release.revision.startswith(text)


def _on(console: Console, sources: Sequence[Engine], name: str) -> Image | None:
    for engine in sources:
        try:
            found = console.engines.session(engine).image(name) if name else None
        except EngineError as error:
            if not error.unreachable:  # what isn't a reference at all
                return None
            raise
        if found is not None:
            return found
    return None
