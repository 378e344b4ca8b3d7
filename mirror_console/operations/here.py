"""Here: what the catalog knows of an engine and of what is placed on it, read once for all checks of its targets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mirror_console.domain.application import Application
from mirror_console.domain.applied import Applied
from mirror_console.domain.engine import Engine
from mirror_console.domain.environment import NAME_SUFFIXES, Environment
from mirror_console.domain.observation import LABEL, Listed, Role, State
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.schedule import Place
from mirror_console.operations.ports.catalog import Books

HOLDING = frozenset({State.RUNNING, State.PAUSED, State.RESTARTING})
"""States in which a container holds memory, ports and the like."""


@dataclass(frozen=True, slots=True)
class Here:
    """What the catalog knows of one engine and of the targets on it."""

    engine: Engine
    alike: tuple[str, ...]
    """The names of other engines that know themselves by the same identity."""
    environments: Mapping[str, Environment]
    """All that are placed there, by identity."""
    applications: Mapping[str, Application]
    """Whose they are, and the sources of these."""
    applied: Mapping[tuple[str, str], Applied]
    """What was last applied to the targets, by environment and process."""
    windowed: frozenset[str]
    """The targets that may be changed within maintenance windows only."""
    named: Mapping[str, str]
    """The identities of environments by the names of their containers."""

    def source_of(self, application_id: str) -> Application | None:
        """The source of a mirror; a source itself."""
        found = self.applications.get(application_id)
        return self.applications.get(found.source_id) if found is not None and found.is_mirror else found

    def title(self, environment: Environment) -> str:
        """What people call an environment that is placed there: ``Dunes live``."""
        return f"{self.applications[environment.application_id].name} {environment.name}"

    def environment_of(self, container: Listed) -> Environment | None:
        """The environment that a container belongs to, by label or else by name; None where it is nobody's."""
        environment_id = container.labels.get(LABEL + "env", "")
        if environment_id not in self.environments:
            environment_id = self.named.get(container.name, "")
        return self.environments.get(environment_id)


def read_here(books: Books, engine: Engine, targets: Sequence[PlannedTarget]) -> Here:
    """Read it for the targets on an engine."""
    placed = books.environments.placed_on(engine.id)
    environments = {one.id: one for one in books.environments.some({one.environment_id for one in placed})}
    owners = {one.application_id for one in environments.values()} | {target.application_id for target in targets}
    applications = {one.id: one for one in books.applications.some(owners)}
    sources = {one.source_id for one in applications.values() if one.is_mirror} - applications.keys()
    applications |= {one.id: one for one in books.applications.some(sources)}
    schedule = books.schedule.all()
    alike = [
        other.name
        for other in books.engines.all()
        if engine.identity and other.identity == engine.identity and other.id != engine.id
    ]
    return Here(
        engine,
        tuple(alike),
        environments,
        applications,
        {(one.environment_id, one.process): one for one in books.applied.of([one.environment_id for one in targets])},
        frozenset(
            target.environment_id
            for target in targets
            if schedule.windows and schedule.windows_of(_place(target, applications[target.application_id].account))
        ),
        {container: one.id for one in environments.values() for container in one.containers},
    )


def strangers(here: Here, listed: Collection[Listed]) -> list[Listed]:
    """Containers that hold something of the engine and are nobody's in the catalog, nor ours for a while."""
    return [
        one
        for one in listed
        if one.state in HOLDING and one.labels.get(LABEL + "role") not in set(Role) and here.environment_of(one) is None
    ]


def asleep(here: Here, listed: Collection[Listed], targets: Collection[PlannedTarget]) -> list[Listed]:
    """Containers that hold no port now and may come back to one: stopped ones, and those that start again and again.

    Those of the targets and what rollouts keep are left out. The ones of the catalog come first.
    """
    own = {target.container for target in targets} | {one.container for target in targets for one in target.companions}
    found = [
        one
        for one in listed
        if one.state in {State.EXITED, State.RESTARTING}
        and one.name not in own
        and not one.name.endswith(NAME_SUFFIXES)
        and one.labels.get(LABEL + "role", Role.APPLICATION) == Role.APPLICATION
    ]
    return sorted(found, key=lambda one: here.environment_of(one) is None)


def _place(target: PlannedTarget, account: str) -> Place:
    return Place(account, target.application_id, target.environment)
