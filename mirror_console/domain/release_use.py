"""Release use: what a source stands for, and how many environments of its mirrors should run each release, and do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.alignment import Expected
from mirror_console.domain.fleet import Grid, SourceEnvironment
from mirror_console.domain.image import short
from mirror_console.domain.moment import age
from mirror_console.domain.release import Release


@dataclass(frozen=True, slots=True)
class Use:
    """How many environments of mirrors should run a release, and how many were seen to run it."""

    expected: int = 0
    runs: int = 0


def uses(grid: Grid, source_id: str) -> Mapping[str, Use]:
    """The use of each release of a source, by the release's identity; where there is none it is left out.

    What runs counts for every release that is the same image, of whatever environment of the source.
    """
    releases = [
        release
        for source in grid.sources
        if source.application.id == source_id
        for one in source.environments
        for release in one.releases
    ]
    expected: Counter[str] = Counter()
    running: Counter[str] = Counter()
    for row in grid.rows:
        if row.application.source_id != source_id:
            continue
        for cell in row.cells.values():
            if isinstance(cell.expected, Expected) and cell.expected.release is not None:
                expected[cell.expected.release.id] += 1
            if cell.observation is not None and cell.observation.present and cell.observation.fingerprint:
                running[cell.observation.fingerprint] += 1
    found = {}
    for release in releases:
        use = Use(expected[release.id], sum(running[one] for one in release.fingerprints))
        if use != Use():
            found[release.id] = use
    return found


def stands_for(one: SourceEnvironment, now: datetime) -> str:
    """What a source's environment stands for and what it runs: ``tag live → 26.8.4 (sha256:9c1e…), runs 26.8.3``."""
    runs = one.current.title if one.current is not None else ""
    if one.environment.follows is None:
        return runs or "never had an image"
    wanted = one.wanted
    pointed = f"→ {_named(wanted)}" if wanted is not None else "never read"
    words = f"tag {one.environment.follows.tag} {pointed}, {f'runs {runs}' if runs else 'nothing seen running'}"
    look = one.look
    if look is None:
        return f"{words}; not looked up yet"
    if look.words:
        return f"{words}; could not be read {age(now - look.at)} ago: {look.words}"
    return f"{words}; looked up {age(now - look.at)} ago"


def _named(release: Release) -> str:
    digest = f"sha256:{short(release.digest)}"
    return f"{release.version} ({digest})" if release.version else digest
