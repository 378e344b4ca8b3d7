"""Clean-up: look what on an engine is ours and needed no more, and remove what a person agreed to.

Each thing is looked at again right before it goes: what has come to be needed meanwhile stays. Nothing is forced;
images and containers go by id, and only names in our own repositories are taken away.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from mirror_console.domain.ages import Ages
from mirror_console.domain.audit import Noun
from mirror_console.domain.changes import Changes
from mirror_console.domain.cleanup import CleanUp, Item, Records, Thing, clean_up, repositories_of
from mirror_console.domain.engine import Engine
from mirror_console.domain.expectation import Expected
from mirror_console.domain.fleet import Grid
from mirror_console.domain.held import HeldImage
from mirror_console.domain.release import Mark, Release
from mirror_console.domain.request import ListedImage
from mirror_console.domain.rollout import ENDED, SUCCEEDED, Rollout
from mirror_console.errors import EngineError
from mirror_console.operations.audited import audited
from mirror_console.operations.console import Console
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.standing import standing
from mirror_console.operations.status import Alignments

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of a clean-up: what went, and what stayed in spite of having been agreed to, with the reason."""

    removed: tuple[Item, ...]
    left: tuple[Item, ...]

    @property
    def frees(self) -> int:
        """Bytes of the images that went, at most."""
        return sum(item.size or 0 for item in self.removed)


def look(console: Console, engine: Engine) -> CleanUp:
    """What would go from an engine, and what stays there. Changes nothing. Raises EngineError."""
    with _looking(console, engine) as found:
        return found.take()


def remove(
    console: Console, engine: Engine, agreed: Sequence[Item], report: Callable[[str], None] = lambda _words: None
) -> Cleaned:
    """Remove what was agreed to, as far as nothing has come to need it. Raises NotAllowed, EngineError.

    A thing that the engine doesn't let go stays, and says why. Where the engine can't be reached any more nothing more
    is tried.
    """
    console.demand_write()
    removed: list[Item] = []
    left: list[Item] = []
    told = {"agreed": [_told(item) for item in agreed]}
    with audited(console, Noun.CLEAN_UP, engine.id, engine.name, told) as doings, _looking(console, engine) as found:
        for item in agreed:
            now = found.take()
            still = next((one for one in now.goes if one.id == item.id), None)
            if still is None:
                left += [one for one in now.stays if one.id == item.id]
                continue
            report(f"Removing {still.name} from {engine.name}")
            try:
                _remove(found.session, still)
            except EngineError as error:
                if error.unreachable:
                    raise
                left.append(replace(still, why=error.title))
                continue
            log.info(
                "%s removed the %s %s, %s, from %s", console.person, still.thing, still.name, still.id, engine.name
            )
            removed.append(still)
            doings.after = {"removed": [_told(one) for one in removed]}
            if still.thing is Thing.IMAGE:
                with console.catalog.write() as books:
                    books.images.remove(engine.id, [still.id])
    return Cleaned(tuple(removed), tuple(left))


def _told(item: Item) -> str:
    """A thing as the audit names it."""
    return f"{item.thing} {item.name} ({item.id})"


def _remove(session: EngineSession, item: Item) -> None:
    if item.thing is not Thing.IMAGE:
        session.remove(item.id)
        return
    # An engine removes an image by id only where it has one name at most.
    for name in (*item.kept_names, *item.tags[1:]):
        session.remove_image(name)
    session.remove_image(item.id)


@contextmanager
def _looking(console: Console, engine: Engine) -> Iterator[_Look]:
    looks = _Look(console, engine, console.engines.session(engine))
    end = console.catalog.subscribe(looks.tell)
    try:
        yield looks
    finally:
        end()


class _Look:
    """Looks at one engine, as often as it is asked. What an image is, is asked once; the catalog, where it changed."""

    def __init__(self, console: Console, engine: Engine, session: EngineSession) -> None:
        self.session = session
        self._console = console
        self._engine = engine
        self._alignments = Alignments(console)
        self._rollouts: Sequence[Rollout] | None = None
        self._fingerprints: dict[str, str] = {}

    def tell(self, changes: Changes) -> None:
        """The catalog has changed."""
        self._alignments.tell(changes)
        if "rollouts" in changes:
            self._rollouts = None

    def take(self) -> CleanUp:
        """How it stands now: first the engine is asked, then the catalog, so that what has begun meanwhile is known."""
        containers, images = self.session.list_containers(), self.session.images()
        rollouts = self._rollouts
        with self._console.catalog.read() as books:
            if rollouts is None:
                self._rollouts = rollouts = [standing(self._console, one) for one in books.rollouts.all()]
            held = books.images.on(self._engine.id)
        records = _records(self._console, self._engine, self._alignments.grid(Ages()), rollouts, held)
        records = replace(records, fingerprints=self._prints(images, held, records))
        return clean_up(containers, images, records)

    def _prints(self, images: Sequence[ListedImage], held: Sequence[HeldImage], records: Records) -> dict[str, str]:
        """By id. Those that the catalog doesn't know are asked for, as far as they may be ours."""
        known = {one.id: one.fingerprint for one in held if one.fingerprint} | self._fingerprints
        for image in images:
            ours = repositories_of(image) & records.repositories or image.id in records.brought_by
            if image.id not in known and ours:
                found = self.session.image(image.id)
                if found is not None:
                    known[image.id] = self._fingerprints[image.id] = found.fingerprint
        return known


def _records(
    console: Console, engine: Engine, grid: Grid, rollouts: Sequence[Rollout], held: Sequence[HeldImage]
) -> Records:
    cells = [cell for row in grid.rows for cell in row.cells.values()]
    sources = [(source.application, one) for source in grid.sources for one in source.environments]
    titles = {cell.environment.id: f"{cell.application.name} {cell.environment.name}" for cell in cells}
    titles |= {one.environment.id: f"{source.name} {one.environment.name}" for source, one in sources}
    placed = [cell.environment for cell in cells] + [one.environment for _, one in sources]
    unfinished = [rollout for rollout in rollouts if rollout.state not in ENDED]
    return Records(
        catalog_id=console.catalog.id,
        environments=titles,
        containers={
            container: titles[one.id] for one in placed if one.engine_id == engine.id for container in one.containers
        },
        over=frozenset(rollout.id for rollout in rollouts if rollout.state in ENDED),
        unfinished=frozenset(rollout.id for rollout in unfinished),
        busy=frozenset(target.environment_id for rollout in unfinished for target in rollout.targets),
        repositories=frozenset(source.repository for source, _ in sources if source.repository)
        | frozenset(row.application.repository for row in grid.sources if row.application.repository),
        needed=_needed(engine, grid, unfinished),
        had_before=_had_before(engine, rollouts),
        brought_by={one.id: one.brought_by for one in held if one.brought_by},
        fingerprints={},
        passed=_passed(grid),
        serving={container: one.container for one in placed for container in one.containers[1:]},
    )


def _passed(grid: Grid) -> frozenset[str]:
    """By fingerprint: releases older than what each environment stands for that had them."""
    older: set[str] = set()
    to_come: set[str] = set()
    for one in (one for source in grid.sources for one in source.environments):
        for release in one.releases:
            is_older = one.wanted is not None and release.first_seen < one.wanted.first_seen
            (older if is_older else to_come).update(release.fingerprints)
    return frozenset(older - to_come)


def _had_before(engine: Engine, rollouts: Sequence[Rollout]) -> dict[str, str]:
    """What environments on an engine had before their last rollout, and before the last that succeeded."""
    before: dict[str, str] = {}
    told: set[tuple[str, bool]] = set()
    for rollout in rollouts:  # newest first
        for target in rollout.targets:
            planned, key = target.planned, (target.environment_id, target.state in SUCCEEDED)
            if planned.engine_id == engine.id and key not in told:
                told.add(key)
                words = f"{planned.application} {planned.environment} had it before its last rollout"
                before.setdefault(planned.before_fingerprint, words)
    return before


def _needed(engine: Engine, grid: Grid, unfinished: Sequence[Rollout]) -> dict[str, str]:
    """Why images are needed on an engine, by fingerprint or digest; the strongest reason of several."""
    needed: dict[str, str] = {}
    for cell in (cell for row in grid.rows for cell in row.cells.values() if cell.environment.engine_id == engine.id):
        title, hold = f"{cell.application.name} {cell.environment.name}", cell.environment.hold
        for seen in (cell.observation, *cell.beside):
            if seen is not None:
                needed.setdefault(seen.fingerprint, f"{title} runs it")
        if hold is not None:
            needed.setdefault(hold.identity, f"{title} has a hold on it")
        if isinstance(cell.expected, Expected):
            names = (cell.expected.fingerprint, *_names(cell.expected.release))
            needed |= dict.fromkeys(names, f"{title} should run it")
    for source in grid.sources:
        for one in source.environments:
            # Whoever is behind it goes to it first.
            for release in (release for release in one.releases if Mark.STOP_HERE in release.marks):
                for name in _names(release):
                    needed.setdefault(name, f"{release.title} is marked '{Mark.STOP_HERE}'")
            if one.environment.engine_id == engine.id:
                words = f"the release of {source.application.name} {one.environment.name}"
                needed |= dict.fromkeys((*_names(one.current), *_names(one.wanted)), words)
    for target in (target for rollout in unfinished for target in rollout.targets):
        planned = target.planned
        if planned.engine_id == engine.id:
            words = f"a rollout of {planned.application} {planned.environment} isn't over"
            digest = planned.reference.rpartition("@")[2]
            needed |= dict.fromkeys((planned.before_fingerprint, planned.after_fingerprint, digest), words)
    return needed


def _names(release: Release | None) -> tuple[str, ...]:
    """What a release is known by: on every platform, and its digest, which may be all that is known."""
    return (*release.fingerprints, release.digest) if release is not None else ()
