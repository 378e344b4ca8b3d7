"""Ways back: whether environments can be taken back to what they ran before their last rollout, by what is known now.

No engine is asked: a plan that rolls back asks, before anything is changed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.release import Release
from mirror_console.domain.rollout import Target
from mirror_console.domain.swap import Swap
from mirror_console.domain.way_back import KnownWay, WayBack, judge_way_back, way_back_of_service, way_back_over
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books

AT_ONCE = 2000
"""Environments that are read together; what was read of them goes before the next are, so that it never piles up."""


def ways_back(console: Console, environment_ids: Collection[str]) -> dict[str, KnownWay]:
    """The way back of each environment that a rollout has changed, and that still runs what that rollout left.

    Two queries for each two thousand of them, and one or two for each source and engine.
    """
    found: dict[str, KnownWay] = {}
    wanted = sorted(environment_ids)
    with console.catalog.read() as books:
        on_engine, of_source = _OnEngines(books), _Releases(books)
        for start in range(0, len(wanted), AT_ONCE):
            found |= _ways_back(books, wanted[start : start + AT_ONCE], on_engine, of_source)
    return found


def _ways_back(
    books: Books, environment_ids: Collection[str], on_engine: _OnEngines, of_source: _Releases
) -> dict[str, KnownWay]:
    changed = books.rollouts.last_changes(environment_ids)
    runs = {seen.environment_id: seen.fingerprint for seen in books.observations.of_all(changed)}
    still = [
        target
        for target in changed.values()
        if target.planned.taken_from is None
        and target.after_fingerprint in {"", runs.get(target.environment_id, target.after_fingerprint)}
    ]
    return {target.environment_id: _known(target, on_engine, of_source) for target in still}


def cant_go_back(planned: PlannedTarget, migrations: Sequence[Release]) -> str:
    """What stands in the way back: a release with a migration, or else a release command that can't be undone."""
    if migrations:
        return f"{migrations[0].title} has a migration that can't go back"
    return f"the release command of {planned.after_title} can't be undone, so that it can't go back"


class _OnEngines:
    """The ids of the images that engines hold, read once for each engine."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._held: dict[str, frozenset[str]] = {}

    def hold(self, engine_id: str, image_id: str) -> bool:
        """Whether an engine holds an image."""
        if engine_id not in self._held:
            self._held[engine_id] = frozenset(held.id for held in self._books.images.on(engine_id))
        return image_id in self._held[engine_id]


@dataclass(frozen=True, slots=True)
class _Passage:
    """What lies between two images of a source: the release that ran before, and the migrations on the way back."""

    before: Release | None
    migrations: tuple[Release, ...]


class _Releases:
    """The releases of the source of each mirror, read once for each source."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._sources = {one.id: one.source_id for one in books.applications.all()}
        self._found: dict[str, tuple[Release, ...]] = {}
        self._passages: dict[tuple[str, str, str], _Passage] = {}

    def passage(self, application_id: str, before: str, after: str) -> _Passage:
        """What lies between two images, by their identities. Thousands of mirrors went the same way: found once."""
        source_id = self._sources.get(application_id, "")
        key = (source_id, before, after)
        if key not in self._passages:
            releases = self._of(source_id)
            ran = next((one for one in releases if one.is_image(before)), None)
            self._passages[key] = _Passage(ran, way_back_over(releases, before, after))
        return self._passages[key]

    def _of(self, source_id: str) -> tuple[Release, ...]:
        if source_id not in self._found:
            environments = [one.id for one in self._books.environments.of(source_id)] if source_id else []
            self._found[source_id] = tuple(self._books.releases.of(environments))
        return self._found[source_id]


def _known(target: Target, on_engine: _OnEngines, of_source: _Releases) -> KnownWay:
    planned = target.planned
    if planned.swap is Swap.CREATE:
        return KnownWay(WayBack.NOTHING_BEFORE, "It had no container before.")
    if planned.swap is Swap.IN_PLACE:
        return KnownWay(WayBack.KEPT, "Only its limits were changed, in place: the earlier ones are on record.")
    way = of_source.passage(
        planned.application_id, planned.before_fingerprint, planned.after_fingerprint or planned.digest
    )
    before, migrations = way.before, way.migrations
    found = judge_way_back(
        on_engine=planned.swap is not Swap.SERVICE and on_engine.hold(planned.engine_id, planned.before_image_id),
        can_be_pulled=bool(before is not None and before.reference) or _by_digest(planned),
        migrations=migrations,
        irreversible=planned.preparation is not None and planned.preparation.irreversible,
    )
    if planned.swap is Swap.SERVICE and found is WayBack.PULL:
        words = f"{planned.before_title or 'What ran before'} is known by its digest: its Swarm brings it to its nodes."
        return KnownWay(found, words)
    title = planned.before_title or "what ran before"
    match found:
        case WayBack.BLOCKED:
            words = f"{cant_go_back(planned, migrations)} to {title}."
        case WayBack.KEPT:
            words = f"{title} is kept on {planned.engine}."
        case WayBack.PULL:
            words = f"{title} isn't on {planned.engine} any more, and can be pulled."
        case WayBack.GONE | WayBack.NOTHING_BEFORE:
            words = f"{title} isn't on {planned.engine} any more, and no digest is known to pull it by."
    return KnownWay(found, words)


def _by_digest(planned: PlannedTarget) -> bool:
    """Whether the image that a service had is told by its digest."""
    return planned.swap is Swap.SERVICE and way_back_of_service(planned.before_image_id) is WayBack.PULL
