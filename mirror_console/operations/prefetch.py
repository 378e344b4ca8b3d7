"""Prefetch: bring a release to the engines of a source's mirrors now, for a rollout that is to come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from mirror_console.domain.application import Application
from mirror_console.domain.audit import Noun
from mirror_console.domain.expectation import Expected
from mirror_console.domain.fetching import Fetch
from mirror_console.domain.fleet import Grid
from mirror_console.domain.held import BY_PREFETCH
from mirror_console.domain.plan import Plan
from mirror_console.domain.release import Release
from mirror_console.domain.way import Way, way_problems
from mirror_console.errors import InvalidInput, Problem
from mirror_console.jobs import Jobs, Work
from mirror_console.operations.ahead import Errand, bring
from mirror_console.operations.audited import audited
from mirror_console.operations.console import Console
from mirror_console.operations.fetch import Halting
from mirror_console.operations.fetching import Fetcher
from mirror_console.operations.giving import Giver


def prefetch(
    console: Console,
    jobs: Jobs,
    errands: Sequence[Errand],
    way: Way,
    report: Callable[[tuple[Fetch, ...]], None] = lambda _fetches: None,
    work: Work | None = None,
) -> tuple[Fetch, ...]:
    """Bring every image to its engine, and say how each ended. Of `way` only the caps on pulls count.

    `report` is called with all of them after each change, on the thread where it happened. A cancelled `work` breaks
    everything off at once; nothing is half done by that. Raises NotAllowed, CatalogError and Stopped.
    """
    console.demand_write()

    def halting() -> Halting:
        return Halting.STOPPING if work is not None and work.stopped else Halting.NOT

    fetcher = Fetcher(console, way, halting, relay=Giver(console, jobs, BY_PREFETCH))
    now = {place: errand.fetch for place, errand in enumerate(errands)}

    def fetched(place: int, errand: Errand) -> Fetch:
        def tell(fetch: Fetch) -> None:
            now[place] = fetch
            report(tuple(now.values()))

        ended = bring(console, fetcher, errand, BY_PREFETCH, tell)
        tell(ended)
        return ended

    def later(place: int, errand: Errand) -> Callable[[], Fetch]:
        return lambda: fetched(place, errand)

    works = {place: later(place, errand) for place, errand in enumerate(errands)}
    ended = []
    titles = list(dict.fromkeys(errand.fetch.title for errand in errands))
    told = {"to": [f"{errand.fetch.reference} to {errand.fetch.engine}" for errand in errands]}
    with audited(console, Noun.PREFETCH, ", ".join(titles), ", ".join(titles), told) as doings:
        try:
            for outcome in jobs.side_by_side(works, at_once=max(1, len(works))).values():
                if isinstance(outcome, Exception):
                    raise outcome
                ended.append(outcome)
        finally:
            doings.after = {fetch.engine: f"{fetch.state} {fetch.words}".strip() for fetch in now.values()}
    return tuple(ended)


def prefetch_plan(
    console: Console, jobs: Jobs, plan: Plan, report: Callable[[tuple[Fetch, ...]], None], work: Work | None = None
) -> tuple[Fetch, ...]:
    """Bring what a plan needs to its engines, in its way."""
    return prefetch(console, jobs, of_plan(plan), plan.way, report, work)


def of_plan(plan: Plan) -> tuple[Errand, ...]:
    """What a plan needs on its engines."""
    counts = Counter((target.engine_id, target.fetched_by) for target in plan.targets)
    first = {(target.engine_id, target.fetched_by): target for target in reversed(plan.targets) if target.fetched_by}
    return tuple(
        Errand(
            Fetch(one.engine_id, one.engine, one.fetched_by, one.after_title, counts[key]),
            one.after_fingerprint,
            one.application_id,
        )
        for key, one in sorted(first.items(), key=lambda item: plan.targets.index(item[1]))
    )


def of_source(
    console: Console, grid: Grid, source: str, environment: str, release: str = "", engines: Collection[str] = ()
) -> tuple[Errand, ...]:
    """What the mirrors of a source need on the engines where they have an environment: what each expects, or a release.

    `source` is its slug; `release` a version, a revision or a digest; `engines` names those that it is for, all where
    empty. Raises InvalidInput.
    """
    with console.catalog.read() as books:
        found = books.applications.by_slug(source)
        sources = {one.slug for one in books.applications.sources()}
        named = books.releases.of(one.id for one in books.environments.of(found.id)) if found else []
    if found is None or found.slug not in sources:
        there = ", ".join(sorted(sources)) or "none yet"
        problem = Problem("source", f"there is no source '{source}' (there are: {there})")
        raise InvalidInput("This can't be fetched.", [problem], "Choose another. Nothing was changed.")
    wanted = _named(named, release) if release else None
    errands: dict[tuple[str, str], tuple[Release, str, Application]] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for row in grid.rows:
        cell = row.cells.get(environment)
        if row.application.source_id != found.id or cell is None or (engines and cell.engine_name not in engines):
            continue
        expected = cell.expected.release if isinstance(cell.expected, Expected) else None
        one = wanted or expected
        if one is not None and (asked := one.reference or one.fingerprint):
            key = (cell.environment.engine_id, asked)
            errands.setdefault(key, (one, cell.engine_name, row.application))
            counts[key] += 1
    if not errands:
        words = f"no mirror of {found.name} has an environment '{environment}' that expects a release"
        where = f" on {', '.join(sorted(engines))}" if engines else ""
        problem = Problem("environment", f"{words}{where}")
        raise InvalidInput("There is nothing to fetch.", [problem], "Choose another. Nothing was changed.")
    return tuple(
        Errand(Fetch(key[0], engine, key[1], one.title, counts[key]), one.fingerprint, application.id)
        for key, (one, engine, application) in errands.items()
    )


def _named(releases: Sequence[Release], text: str) -> Release:
    """The release that a person means, the one seen last where several fit. Raises InvalidInput."""
    fitting = [
        release
        for release in releases
        if text in {release.version, release.revision, release.digest}
        or (len(text) >= 7 and release.digest.removeprefix("sha256:").startswith(text.removeprefix("sha256:")))
    ]
    if not fitting:
        there = ", ".join(dict.fromkeys(release.title for release in releases)) or "none yet"
        problem = Problem("release", f"there is no release '{text}' (there are: {there})")
        raise InvalidInput("This can't be fetched.", [problem], "Choose another. Nothing was changed.")
    return max(fitting, key=lambda release: release.first_seen)


def demand_way(way: Way) -> None:
    """Raises InvalidInput where the caps make no sense."""
    if problems := way_problems(way):
        raise InvalidInput("This can't be fetched.", problems)
