"""Drift: what differs from what was last applied, what waits for a rollout, and a fresh look at both."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mirror_console.domain.application import Application
from mirror_console.domain.applied import Applied
from mirror_console.domain.cell import Cell
from mirror_console.domain.engine import Engine
from mirror_console.domain.environment import Environment, Settings
from mirror_console.domain.image import Image
from mirror_console.domain.observation import Container, Difference, Observation, of_process
from mirror_console.domain.pending import going_away, replaced_secret, settings_changes
from mirror_console.domain.process import one_process, settings_for
from mirror_console.domain.secret import Secret
from mirror_console.domain.service_settings import as_compared
from mirror_console.domain.taking import Observed
from mirror_console.errors import InvalidInput, Problem, VaultError
from mirror_console.operations.access import reached_now
from mirror_console.operations.application_input import secret_reference
from mirror_console.operations.applied import Judged, Records, judged, records_of
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.swarm_session import session_of


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What is known of one environment's settings: observed against applied, and applied against the catalog."""

    application: Application
    environment: Environment
    record: Applied | None
    """What was last applied; None in a catalog of before, and where nothing ever was."""
    drift: tuple[Difference, ...]
    not_compared: str
    pending: tuple[Difference, ...]


def drift_of(console: Console, environment_id: str, *, ask_keyring: bool = False) -> DriftReport:
    """From the catalog alone; with `ask_keyring` secrets that were replaced there since are pending too.

    Raises KeyError where the environment isn't there.
    """
    with console.catalog.read() as books:
        environment = books.environments.get(environment_id)
        application = books.applications.get(environment.application_id)
        record = _record(books, environment)
        seen = observation_of(books, environment)
        applied = record.settings if record else _applied_without_record(books, environment, seen)
        looks = {one.process: one for one in books.observations.of(environment_id) if one.present}
        records = records_of(books, [environment.id])
    swarm = environment.swarm
    wanted = as_compared(environment.settings, swarm=swarm)
    changes = settings_changes(as_compared(applied, swarm=swarm), wanted) if applied else ()
    others = environment.processes[1:]
    for one in others:
        last = records.get((environment.id, one.name))
        found = settings_changes(last.settings, settings_for(environment, one)) if last is not None else ()
        changes += tuple(of_process(one.name, each) for each in found if each not in changes)
    if ask_keyring and record is not None:
        changes += tuple(replaced_secret(name) for name in replaced(console, environment, record))
    changes += tuple(going_away(one.name) for one in environment.going if one.name in looks)
    drift = seen.differences if seen else ()
    drift += tuple(
        of_process(one.name, each) for one in others if one.name in looks for each in looks[one.name].differences
    )
    return DriftReport(application, environment, record, drift, seen.not_compared if seen else "", changes)


def replaced_secrets(console: Console, cells: Sequence[Cell], records: Records) -> dict[str, tuple[str, ...]]:
    """For each cell's environment the secrets whose value was replaced in the keyring since it was applied."""
    found: dict[str, tuple[str, ...]] = {}
    for cell in cells:
        environment = cell.environment
        record = records.get((environment.id, environment.processes[0].name))
        found[environment.id] = replaced(console, environment, record) if record is not None else ()
    return found


def replaced(console: Console, environment: Environment, record: Applied) -> tuple[str, ...]:
    """The secret variables for which the keyring has another value than was applied. Asks nobody for a password."""
    values: dict[str, Secret] = {}
    if not record.secrets or not console.keyed.open:
        return ()
    for name, reference in environment.settings.secrets.items():
        if name in record.secrets:
            try:
                values[name] = console.vault.get(reference)
            except VaultError:
                # That it is missing is for the checks to tell.
                continue
    same, _ = console.keyed.compare(environment.id, record.secrets, values)
    return tuple(name for name, equal in sorted(same.items()) if not equal)


# --- looking ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """A container as it was found just now, and what differs from what was applied."""

    application: Application
    environment: Environment
    record: Applied | None
    observed: Observed
    judged: Judged
    engine: Engine
    session: EngineSession
    process: str
    """Of which of its processes it is the container."""

    @property
    def serves(self) -> bool:
        """Whether it is the process that serves."""
        return self.process == self.environment.processes[0].name

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What differs, told with the name of the process where it doesn't serve."""
        found = self.judged.differences
        return found if self.serves else tuple(of_process(self.process, one) for one in found)

    def own(self, fields: Collection[str]) -> tuple[str, ...]:
        """Those of some fields that are this process's, without its name."""
        mine = {told.field: one.field for told, one in zip(self.differences, self.judged.differences, strict=True)}
        return tuple(mine[field] for field in fields if field in mine)

    @property
    def container(self) -> Container:
        """The container."""
        return self.observed.container

    @property
    def image(self) -> Image:
        """Its image."""
        return self.observed.image


def find(console: Console, environment_id: str) -> list[Found]:
    """Look at the containers of an environment now: of each of its processes that has one, the one that serves first.

    Raises EngineError, InvalidInput where there is none to compare.
    """
    with console.catalog.read() as books:
        environment = books.environments.get(environment_id)
        application = books.applications.get(environment.application_id)
        records = records_of(books, [environment.id])
    engine = reached_now(console, environment.engine_id, application.id)
    session = session_of(console.engines.session(engine), swarm=environment.swarm)
    found = []
    for process in environment.processes:
        container = session.inspect(process.container)
        image = session.image(container.image_id) if container else None
        if container is not None and image is not None:
            record = records.get((environment.id, process.name))
            alone = one_process(environment, process.name)
            compared = judged(console, alone, container, image, record)
            observed = _observed(environment, container, image)
            found.append(Found(application, environment, record, observed, compared, engine, session, process.name))
        elif process == environment.processes[0]:
            words = f"there is no container '{process.container}'" if container is None else "its image can't be read"
            raise InvalidInput("There is nothing to take over.", [Problem("container", words)], "Check it again.")
    return found


def _observed(environment: Environment, container: Container, image: Image) -> Observed:
    references = {
        name: environment.settings.secrets.get(name) or secret_reference(environment.id, name)
        for name in container.variables
        if _may_be_secret(environment.id, name)
    }
    return Observed(container, image, references)


def chosen_fields(found: Sequence[Found], fields: Collection[str]) -> tuple[str, ...]:
    """The fields of the differences that are meant: all where none is named. Raises InvalidInput."""
    there = [difference.field for one in found for difference in one.differences]
    problems = [
        Problem("field", "an image is kept by holding its environment: on the mirror's form")
        if field == "image"
        else Problem("field", f"'{field}' doesn't differ (there are: {', '.join(there) or 'none'})")
        for field in fields
        if field not in there
    ]
    if not there:
        problems.append(Problem("field", "nothing differs from what was last applied"))
    if problems:
        raise InvalidInput("Nothing was taken over.", problems, "Check it again, and choose of what differs.")
    return tuple(fields) or tuple(there)


# --- what the catalog knows ---------------------------------------------------------------------------------------


def _record(books: Books, environment: Environment) -> Applied | None:
    return records_of(books, [environment.id]).get((environment.id, environment.processes[0].name))


def observation_of(books: Books, environment: Environment, process: str = "") -> Observation | None:
    """What was last seen of a process of an environment; without a name, of the one that serves."""
    name = process or environment.processes[0].name
    return next((seen for seen in books.observations.of(environment.id) if seen.process == name), None)


def _applied_without_record(books: Books, environment: Environment, seen: Observation | None) -> Settings | None:
    """In a catalog of before there were records: what a rollout planned that the container says it was made with."""
    if seen is None or not seen.settings_hash:
        return None
    return books.rollouts.last_settings(environment.id, seen.settings_hash)


def _may_be_secret(environment_id: str, name: str) -> bool:
    try:
        secret_reference(environment_id, name)
    except ValueError:
        return False
    return True
