"""Hold: keep a mirror's environment on one image whatever its image source says, and let it follow it again."""

from __future__ import annotations

from datetime import UTC, datetime

from mirror_console.domain.environment import Environment, Hold
from mirror_console.domain.release import Release
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books


def set_hold(
    console: Console,
    environment_id: str,
    reason: str,
    until: datetime | None = None,
    release: Release | None = None,
) -> Environment:
    """Keep an environment on a release of its source, or else on what was last seen running there.

    Raises InvalidInput where the reason is missing, the end has passed or nothing is known to run there.
    """
    console.demand_write()
    now = console.clock()
    with console.catalog.write() as books:
        environment = books.environments.get(environment_id)
        found = []
        if not reason.strip():
            found.append(Problem("reason", "say why it is held"))
        if until is not None and until <= now:
            found.append(Problem("until", "this is in the past"))
        image = _running(books, environment) if release is None else (release.fingerprint, release.version)
        if image is None:
            found.append(Problem("version", "it isn't known what runs there: check it first, or choose a release"))
        if found or image is None:
            raise InvalidInput("The environment was not held.", found)
        end = until.astimezone(UTC) if until else None
        hold = Hold(*image, reason.strip(), console.person, now, end, release.digest if release else "")
        held = environment.with_hold(hold)
        books.environments.save(held)
    return held


def clear_hold(console: Console, environment_id: str) -> Environment:
    """Let an environment follow its image source again. That it isn't held is fine."""
    console.demand_write()
    with console.catalog.write() as books:
        free = books.environments.get(environment_id).with_hold(None)
        books.environments.save(free)
    return free


def _running(books: Books, environment: Environment) -> tuple[str, str] | None:
    """Fingerprint and version of what was last seen running there; None where that isn't known."""
    process = environment.processes[0].name
    seen = next((seen for seen in books.observations.of(environment.id) if seen.process == process), None)
    return (seen.fingerprint, seen.version) if seen is not None and seen.fingerprint else None
