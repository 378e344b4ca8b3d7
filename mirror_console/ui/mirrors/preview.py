"""What a mirror's environment would show if the form were saved as it is: one sentence, from what is known now."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from mirror_console.domain.alignment import Alignment, compare
from mirror_console.domain.application import Application, ImageSource, Kind
from mirror_console.domain.cell import Cell
from mirror_console.domain.environment import Environment, Process
from mirror_console.domain.expectation import Expected, expect
from mirror_console.domain.fleet import Grid
from mirror_console.operations.application_input import EnvironmentInput, MirrorInput
from mirror_console.ui.words import tr


def preview(
    grid: Grid | None, typed: MirrorInput, environment: EnvironmentInput | None, cell: Cell | None, now: datetime
) -> str:
    """One sentence on what the environment would show. `cell` is what is known of it, None for a new one."""
    if environment is None:
        return tr("Without an environment nothing of this mirror is shown.")
    name = environment.name or tr("this environment")
    source = next((row for row in grid.sources if row.application.slug == typed.source), None) if grid else None
    if source is None:
        return tr("Choose a source: what {} should run comes from there.").format(name)
    application = Application(
        "",
        Kind.MIRROR,
        typed.name,
        typed.slug,
        source_id=source.application.id,
        image_source=ImageSource(typed.image_source),
    )
    hold = cell.environment.hold if cell else None
    judged = Environment("", "", environment.name, "", (Process("web", environment.container),), hold=hold)
    environments = [one.environment for one in source.environments]
    releases = [release for one in source.environments for release in one.releases]
    expected = expect(application, judged, environments, releases, now)
    if not isinstance(expected, Expected):
        return tr("{} would show: no release, because {}.").format(name, expected.why)
    if expected.release is not None:
        origin = expected.release.environment_id
        releases = [release for release in releases if release.environment_id == origin]
    observed = cell.observation if cell else None
    if observed is None:
        return tr("{} would be checked at the next refresh; {} is expected there.").format(name, expected.title)
    alignment = compare(expected, replace(observed, differences=()), releases).alignment
    running = cell.running_title if cell else ""
    match alignment:
        case Alignment.ALIGNED:
            return tr("{} would show: {}, running {}.").format(name, tr(alignment), running)
        case Alignment.MISSING:
            return tr("{} would show: {}; a rollout creates it with {}.").format(name, tr(alignment), expected.title)
        case _:
            return tr("{} would show: {}, {} → {}.").format(name, tr(alignment), running or "—", expected.title)
