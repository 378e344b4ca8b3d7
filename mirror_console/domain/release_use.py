"""Release use: what a source stands for, and how many environments of its mirrors should run each release, and do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.expectation import Expected
from mirror_console.domain.fleet import Grid, SourceEnvironment
from mirror_console.domain.image import short
from mirror_console.domain.moment import age
from mirror_console.domain.release import Release


@dataclass(frozen=True, slots=True)
class Use:
    """How many environments of mirrors have a release. A stopped container that was made of it counts too.

    `expected` should have it, and `met` of these do; `others` have it and should have another, or nothing is expected
    of them.
    """

    expected: int = 0
    met: int = 0
    others: int = 0

    @property
    def runs(self) -> int:
        """All that have it."""
        return self.met + self.others

    @property
    def as_expected(self) -> str:
        """``12 of 15``: so many that have it of those that should; empty where none should."""
        return f"{self.met} of {self.expected}" if self.expected else ""


def uses(grid: Grid, source_id: str) -> Mapping[str, Use]:
    """The use of each release of a source, by the release's identity; where there is none it is left out.

    All is counted by the image: several releases of the source may be the same one, and have the same use.
    """
    expected: Counter[str] = Counter()
    met: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for row in grid.rows:
        if row.application.source_id != source_id:
            continue
        for cell in row.cells.values():
            same = cell.likeness is not None and bool(cell.likeness.same)
            if isinstance(cell.expected, Expected):
                expected[cell.expected.identity] += 1
                met[cell.expected.identity] += same
            seen = cell.observation
            if seen is not None and seen.present and not same:
                others[seen.fingerprint or seen.recorded] += 1
    found = {}
    for release in _of_source(grid, source_id):
        names = {*release.fingerprints, release.digest} - {""}
        use = Use(*(sum(counted[name] for name in names) for counted in (expected, met, others)))
        if use != Use():
            found[release.id] = use
    return found


def _of_source(grid: Grid, source_id: str) -> list[Release]:
    sources = (source for source in grid.sources if source.application.id == source_id)
    return [release for source in sources for one in source.environments for release in one.releases]


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
