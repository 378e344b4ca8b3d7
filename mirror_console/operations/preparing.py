"""Preparing: what a plan has done for its targets before anything that serves is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mirror_console.domain.application import Application
from mirror_console.domain.environment import Environment
from mirror_console.domain.plan import Change, Plan, PlannedTarget, plan_fingerprint
from mirror_console.domain.release import Release
from mirror_console.domain.release_command import Preparation
from mirror_console.domain.way_back import WayBack
from mirror_console.operations.ports.catalog import Books

FORWARD = frozenset({Change.UPDATE, Change.REPLACE, Change.CREATE})
"""Changes that bring a release to data that may not be ready for it. Whoever goes back runs nothing."""


def with_preparations(books: Books, plan: Plan) -> Plan:
    """The plan with what comes before each of its targets, by what their sources declare now."""
    mirrors = {one.id: one for one in books.applications.some({one.application_id for one in plan.targets})}
    sources = {one.id: one for one in books.applications.sources()}
    placed = {one.id: one for one in books.environments.some([one.environment_id for one in plan.targets])}
    releases = {
        source_id: books.releases.of([one.id for one in books.environments.of(source_id)])
        for source_id in {mirror.source_id for mirror in mirrors.values()}
        if _declares(sources.get(source_id))
    }

    def prepared(target: PlannedTarget) -> PlannedTarget:
        source = sources.get(mirrors[target.application_id].source_id)
        if source is None or not _declares(source):
            return target
        return _prepared(target, source, placed[target.environment_id], releases[source.id])

    targets = tuple(prepared(target) for target in plan.targets)
    if targets == plan.targets:
        return plan
    return replace(plan, targets=targets, fingerprint=plan_fingerprint(targets, plan.way))


def data_of(source_id: str, environment: Environment) -> str:
    """Whose data an environment works on: its own, or that of its group."""
    return f"{source_id}/{environment.group}" if environment.group else environment.id


def _declares(source: Application | None) -> bool:
    if source is None:
        return False
    command = source.release_command
    return source.backup is not None or (command is not None and bool(command.command))


def _prepared(
    target: PlannedTarget, source: Application, environment: Environment, releases: Sequence[Release]
) -> PlannedTarget:
    if target.change not in FORWARD:
        return target
    wanted = target.after_fingerprint or target.digest
    same = [one for one in releases if one.is_image(wanted)]
    names = dict.fromkeys([wanted, *(name for one in same for name in (*one.fingerprints, one.digest)), target.digest])
    command = source.release_command
    preparation = Preparation(
        data=data_of(source.id, environment),
        names=tuple(filter(None, names)),
        group=environment.group,
        release=command if command is not None and command.command else None,
        backup=source.backup,
    )
    blocked = preparation.irreversible and target.way_back is not WayBack.NOTHING_BEFORE
    way_back = WayBack.BLOCKED if blocked else target.way_back
    return replace(target, preparation=preparation, way_back=way_back)
