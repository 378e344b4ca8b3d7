"""Plan: fix what a rollout over chosen mirrors would do, from what is known now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mirror_console.domain.cell import Cell
from mirror_console.domain.expectation import Expected
from mirror_console.domain.fleet import Grid, Row
from mirror_console.domain.plan import LeftOut, Plan, PlannedTarget, Reason, plan_fingerprint
from mirror_console.domain.planning import make_plan
from mirror_console.domain.release import Release
from mirror_console.domain.settings_plan import settings_alone, with_changes
from mirror_console.domain.way import Way, way_problems
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.applied import records_of, with_companion_records
from mirror_console.operations.console import Console, new_id
from mirror_console.operations.drift import replaced_secrets
from mirror_console.operations.preparing import with_preparations
from mirror_console.operations.standing import at_work, unfinished
from mirror_console.operations.status import survey


def plan(
    console: Console, environment: str, application_ids: Sequence[str], way: Way, *, settings_only: bool = False
) -> Plan:
    """Make and keep a plan for one environment of the chosen mirrors, in the order that they are given.

    With `settings_only` images stay, and only settings that wait for a rollout are applied. Raises InvalidInput where
    nothing was chosen, the environment isn't there, or the way is wrong.
    """
    console.demand_write()
    grid = survey(console)
    chosen = list(dict.fromkeys(application_ids))
    problems = way_problems(way)
    if not chosen:
        problems.append(Problem("targets", "no mirror is chosen"))
    if environment not in grid.columns:
        names = ", ".join(grid.columns) or "none yet"
        problems.append(Problem("environment", f"no mirror has an environment '{environment}' (there are: {names})"))
    problems += _canary_problems(_chosen_rows(grid, chosen), way)
    if problems:
        raise InvalidInput("This can't be planned.", problems, "Choose again. Nothing was changed.")
    cells = [row.cells[environment] for row in _chosen_rows(grid, chosen) if environment in row.cells]
    if not cells:
        words = f"none of the {len(chosen)} chosen mirrors has an environment '{environment}'"
        raise InvalidInput("This can't be planned.", [Problem("targets", words)], "Choose again. Nothing was changed.")
    with console.catalog.read() as books:
        records = records_of(books, [cell.environment.id for cell in cells])
    secrets = replaced_secrets(console, cells, records)
    cells = [cell._replace(pending=True) if secrets[cell.environment.id] else cell for cell in cells]
    fate = settings_alone if settings_only else None
    now, releases, holders = console.clock(), _releases(grid), _holders(console, cells)
    made = make_plan(new_id(), environment, cells, way, console.person, now, releases, holders, fate)
    by_id = {cell.environment.id: cell for cell in cells}
    targets = tuple(
        with_companion_records(
            with_changes(one, by_id[one.environment_id], records.get(_key(one)), secrets[one.environment_id]), records
        )
        for one in made.targets
    )
    left_out = _named(console, made.left_out)
    made = replace(made, targets=targets, left_out=left_out, fingerprint=plan_fingerprint(targets, way))
    with console.catalog.write() as books:
        made = with_preparations(books, made)
        books.plans.save(made)
    return made


def _named(console: Console, left_out: Sequence[LeftOut]) -> tuple[LeftOut, ...]:
    """What is left out, and of what another rollout works on, by which: whoever waits for it is to find it."""
    if not any(one.reason is Reason.BUSY for one in left_out):
        return tuple(left_out)
    words = {
        target.environment_id: f"rollout {rollout.plan.fingerprint} is {rollout.state} here"
        for rollout, target in at_work(unfinished(console))
    }
    return tuple(
        replace(one, words=words.get(one.environment_id, one.words)) if one.reason is Reason.BUSY else one
        for one in left_out
    )


def _key(target: PlannedTarget) -> tuple[str, str]:
    return target.environment_id, target.process


def _canary_problems(rows: Sequence[Row], way: Way) -> list[Problem]:
    """Whoever is to go first is among those that were chosen: a slip of the pen would let others go first."""
    slugs = {row.application.slug for row in rows}
    found = [
        Problem("canary", f"'{slug}' is not among the chosen mirrors")
        for slug in way.canary.mirrors
        if slug not in slugs
    ]
    tag = way.canary.tag
    if tag and not any(tag in row.application.tags for row in rows):
        found.append(Problem("canary", f"none of the chosen mirrors has the tag '{tag}'"))
    return found


def _releases(grid: Grid) -> dict[str, list[Release]]:
    """The releases of each source."""
    return {
        source.application.id: [release for one in source.environments for release in one.releases]
        for source in grid.sources
    }


def _holders(console: Console, cells: Sequence[Cell]) -> dict[str, dict[str, str]]:
    """Which engines hold the images that are expected and that no registry is known to have."""
    expected = [cell.expected for cell in cells if isinstance(cell.expected, Expected)]
    wanted = {one.fingerprint for one in expected if one.release is None or not one.release.reference} - {""}
    if not wanted:
        return {}
    with console.catalog.read() as books:
        return {one: {held.engine_id: held.id for held in books.images.like(one)} for one in sorted(wanted)}


def _chosen_rows(grid: Grid, application_ids: Sequence[str]) -> list[Row]:
    rows = {row.application.id: row for row in grid.rows}
    return [rows[application_id] for application_id in application_ids if application_id in rows]
