"""A manager of a Swarm, asked as an engine is: its services stand for containers, and configs for their locks.

What works with an environment's container looks at it by name, reads its labels, holds its lock: all that is the same
of a service. What a service has not, as a stop or another name, is refused here: it would meet something else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any, cast

from mirror_console.domain.environment import COMMAND_PREFIXES, LOCK_PREFIX, OUR_LABELS, RestartPolicy
from mirror_console.domain.image import Image, parse_reference
from mirror_console.domain.observation import Container, Health, Listed, Role, State
from mirror_console.domain.request import ContainerSpec
from mirror_console.domain.service_update import same_image
from mirror_console.domain.swarm import (
    BEAT_LABEL,
    DEFAULT_STOP,
    FAILED,
    SERVICE_LABEL,
    SwarmConfig,
    SwarmService,
    Task,
    UpdateState,
    digest_of,
    lock_config,
    tally,
)
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.ports.engine import EngineSession

CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
SWARM_ID = re.compile(r"[0-9a-z]{25}")
_HEALTH = {
    State.RUNNING: Health.HEALTHY,
    State.RESTARTING: Health.FAILING,
    State.EXITED: Health.FAILING,
    State.CREATED: Health.STOPPED,
}
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def session_of(session: EngineSession, *, swarm: bool) -> EngineSession:
    """An engine as it is asked for an environment: where that is a service of a `swarm`, as its manager."""
    return cast("EngineSession", SwarmSession(session)) if swarm else session


class SwarmSession:
    """What isn't said here is asked of the engine itself."""

    def __init__(self, engine: EngineSession) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    # --- looking ------------------------------------------------------------------------------------------------------

    def inspect(self, container: str) -> Container | None:
        """A service or a lock, by id or exact name; a command's container, which runs on the manager itself."""
        if is_of_engine(container):
            return self._engine.inspect(container)
        if container.startswith(LOCK_PREFIX):
            held = self._engine.config(lock_config(container.removeprefix(LOCK_PREFIX)))
            return as_lock(held) if held is not None else None
        service = self._engine.swarm_service(container)
        if service is not None:
            return as_container(service, self._engine.swarm_tasks(service.id))
        held = self._engine.config(container) if SWARM_ID.fullmatch(container) else None
        return as_lock(held) if held is not None else None

    def list_containers(self) -> list[Listed]:
        """All services, and the locks of any."""
        tasks = self._engine.swarm_tasks()
        seen = [as_container(one, tasks) for one in self._engine.swarm_services()]
        return [*map(as_listed, seen), *map(as_listed, map(as_lock, locks_among(self._engine.configs())))]

    def list_these(self, container_ids: Collection[str]) -> list[Listed]:
        """Those of these that are there, by their ids."""
        found = (self.inspect(one) for one in sorted(container_ids))
        return [as_listed(one) for one in found if one is not None]

    def image(self, image: str) -> Image | None:
        """By its digest alone where it has one: beside it a tag says nothing."""
        digest = digest_of(image)
        return self._engine.image(f"{parse_reference(image).repository}@{digest}" if digest else image)

    # --- changing -----------------------------------------------------------------------------------------------------

    def create(self, spec: ContainerSpec) -> str:
        """A lock, which is a config, or the container of a command. Raises EngineError(CONFLICT)."""
        if spec.labels.get(OUR_LABELS + "role") == Role.LOCK:
            service = spec.name.removeprefix(LOCK_PREFIX)
            labels = {**spec.labels, SERVICE_LABEL: service, BEAT_LABEL: "0"}
            return self._engine.create_config(lock_config(service), labels)
        if not is_of_engine(spec.name):
            raise _unfit("made", spec.name)
        return self._engine.create(spec)

    def set_restart(self, container_id: str, policy: RestartPolicy, retries: int = 0) -> None:
        """Let a lock beat. Raises EngineError, NOT_FOUND where it is gone."""
        if is_of_engine(container_id):
            self._engine.set_restart(container_id, policy, retries)
            return
        held = self._engine.config(container_id)
        if held is None:
            raise EngineError(FailureKind.NOT_FOUND, "The lock isn't there any more.", "Look again who holds it.")
        self._engine.set_config_labels(held.id, held.version, {**held.labels, BEAT_LABEL: str(retries)})

    def remove(self, container_id: str) -> None:
        """A lock, or the container of a command; never a service."""
        if is_of_engine(container_id):
            self._engine.remove(container_id)
        else:
            self._engine.remove_config(container_id)

    def start(self, container_id: str) -> None:
        """The container of a command."""
        if not is_of_engine(container_id):
            raise _unfit("started", container_id)
        self._engine.start(container_id)

    def stop(self, container_id: str, seconds: int) -> None:
        """The container of a command."""
        if not is_of_engine(container_id):
            raise _unfit("stopped", container_id)
        self._engine.stop(container_id, seconds)

    def rename(self, container_id: str, name: str) -> None:
        """Nothing here has another name."""
        raise _unfit("renamed", f"{container_id} as {name}")


def is_of_engine(container: str) -> bool:
    """Whether an id or a name is that of a container, which a manager has besides its services."""
    return bool(CONTAINER_ID.fullmatch(container)) or container.startswith(COMMAND_PREFIXES)


def locks_among(configs: Iterable[SwarmConfig]) -> list[SwarmConfig]:
    """The configs that are locks of services."""
    return [one for one in configs if one.labels.get(OUR_LABELS + "role") == Role.LOCK]


def as_container(service: SwarmService, tasks: Collection[Task]) -> Container:
    """A service as a container is told: it runs where all of its tasks do, and restarts where some don't."""
    now = tally(service, tasks)
    runs = [one.at for one in tasks if one.service_id == service.id and one.runs and one.at is not None]
    health = None
    images = [one.image for one in tasks if one.service_id == service.id and one.runs]
    others = [one for one in images if not same_image(one, service.image)]
    if now.all_run:
        state = State.RUNNING
        if others:
            # Its update has stopped half way, or goes on.
            paused = service.update in {UpdateState.PAUSED, UpdateState.ROLLBACK_PAUSED}
            health = Health.FAILING if paused else Health.STARTING
    elif now.running and _exchanges(service, tasks):
        state, health = State.RUNNING, Health.STARTING
    elif now.running:
        state = State.RESTARTING
    else:
        state = State.EXITED if now.wanted else State.CREATED
    # What runs is what its tasks run. Where these differ, it is what they are to run.
    runs_image = others[0] if others and len(set(others)) == 1 and len(others) == len(images) else service.image
    words = f"{now}, {len(others)} of another image" if others and len(others) < len(images) else str(now)
    return Container(
        id=service.id,
        name=service.name,
        image=runs_image,
        image_id=runs_image,
        state=state,
        health=health or _HEALTH[state],
        created_at=service.created_at or _NEVER,
        started_at=max(runs, default=service.updated_at),
        labels=service.container_labels,
        variables=service.variables,
        limits=service.limits,
        stop_signal=service.stop_signal,
        stop_seconds=DEFAULT_STOP if service.stop_seconds is None else service.stop_seconds,
        command=service.command,
        init=service.init,
        volumes=service.mounts,
        health_output=f"{words}: {now.waiting}" if now.waiting else words,
    )


def _exchanges(service: SwarmService, tasks: Collection[Task]) -> bool:
    """Whether its Swarm exchanges tasks and none of them hangs: what doesn't run yet is about to."""
    coming = [one for one in tasks if one.service_id == service.id and one.wanted and not one.runs]
    hangs = any(one.state in FAILED or one.state == "pending" for one in coming)
    return service.update in {UpdateState.UPDATING, UpdateState.ROLLBACK_STARTED} and not hangs


def as_lock(config: SwarmConfig) -> Container:
    """A lock as a container is told; its heartbeat as how often it is started again."""
    beat = config.labels.get(BEAT_LABEL, "")
    service = config.labels.get(SERVICE_LABEL) or config.name.removeprefix(LOCK_PREFIX)
    return Container(
        id=config.id,
        name=LOCK_PREFIX + service,
        image="",
        image_id="",
        state=State.CREATED,
        health=Health.STOPPED,
        created_at=config.created_at or _NEVER,
        restart=RestartPolicy.ON_FAILURE,
        restart_retries=int(beat) if re.fullmatch(r"[0-9]{1,9}", beat) else 0,
        labels=config.labels,
    )


def as_listed(seen: Container) -> Listed:
    """The same as a listing tells it."""
    return Listed(
        seen.id,
        seen.name,
        seen.image,
        seen.image_id,
        seen.state,
        seen.health,
        labels=seen.labels,
        volumes=seen.volumes,
        whole=seen,
    )


def _unfit(done: str, name: str) -> EngineError:
    return EngineError(FailureKind.REJECTED, f"A service of a Swarm isn't {done} by its manager ({name}).", "")
