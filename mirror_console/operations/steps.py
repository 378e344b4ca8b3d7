"""The single steps that swaps and putting back are made of: one change on one container, and how a look proves it.

Containers are addressed by id, never by name: a call that arrives late can't meet another container. Whoever has just
looked at the container hands in what was `seen`; else it is looked at first.
"""

from __future__ import annotations

from mirror_console.domain.environment import RestartPolicy
from mirror_console.domain.health import ended_words
from mirror_console.domain.in_place import Granted, granted_to
from mirror_console.domain.kept_image import kept_name
from mirror_console.domain.observation import Container, Listed, State
from mirror_console.domain.steps import Step
from mirror_console.operations.turn import StepFailed, Turn

KILLED = 137
"""The exit code of what was ended by SIGKILL: 128 and the number of the signal."""
UP = frozenset({State.RUNNING, State.RESTARTING, State.PAUSED})
"""States of a container whose process is there, or is about to come back."""
TRIES = 3
ENDED_AS_ASKED = frozenset({0, 128 + 2, 128 + 3, 128 + 15})
"""Exit codes of what ended at SIGINT, SIGQUIT or SIGTERM, or by itself."""


def set_restart(
    turn: Turn,
    step: Step,
    container_id: str,
    policy: RestartPolicy,
    retries: int,
    part: str,
    seen: Container | None = None,
) -> None:
    """Change a restart policy; left alone where it is so already."""
    session = turn.session

    def wrong(seen: Container | None) -> str | None:
        if seen is None:
            return f"the {part} container is gone"
        if seen.restart is not policy:
            return f"the {part} container's restart policy is {seen.restart}, not {policy}"
        return None

    if wrong(seen or turn.inspect(container_id)) is not None:
        turn.step(
            step,
            lambda: session.set_restart(container_id, policy, retries),
            lambda: wrong(turn.inspect(container_id)),
            objects={part: container_id},
        )


def grant(turn: Turn, step: Step, container_id: str, wanted: Granted, part: str, seen: Container | None = None) -> None:
    """Change limits and restart policy of a container while it runs; left alone where they are so already.

    Proved by what is read back: an engine may take a change without a word and not make it.
    """
    session = turn.session

    def wrong(seen: Container | None) -> str | None:
        if seen is None:
            return f"the {part} container is gone"
        differs = granted_to(seen).differs_from(wanted)
        return f"of the {part} container {differs}" if differs else None

    there = seen or turn.inspect(container_id)
    if wrong(there) is not None and there is not None:
        now = granted_to(there)
        turn.step(
            step,
            lambda: session.grant(container_id, wanted, now),
            lambda: wrong(turn.inspect(container_id)),
            objects={part: container_id},
        )


def stop(turn: Turn, step: Step, container_id: str, part: str, seen: Container | None = None) -> None:
    """Stop a container; left alone where it doesn't run. Says how it ended where that wasn't of its own accord."""
    session, seconds = turn.session, turn.planned.settings.stop_seconds
    after: list[Container | None] = [None]

    def wrong(seen: Container | None) -> str | None:
        if seen is not None and seen.state in UP:
            return f"the {part} container didn't stop"
        return None

    def look() -> str | None:
        after[0] = turn.inspect(container_id)
        return wrong(after[0])

    if wrong(seen or turn.inspect(container_id)) is not None:
        turn.step(
            step,
            lambda: session.stop(container_id, seconds),
            look,
            objects={part: container_id},
            words=lambda: _how_it_ended(after[0], part, seconds),
        )


def _how_it_ended(seen: Container | None, part: str, seconds: int) -> str:
    """Nothing where a container ended at its stop signal; else what its exit code says."""
    if seen is None or seen.exit_code in ENDED_AS_ASKED:
        return ""
    if seen.exit_code == KILLED:
        return f"the {part} container didn't end within {seconds} s, and was killed: exit code {KILLED}"
    return f"the {part} container ended with exit code {seen.exit_code}"


def start(
    turn: Turn, step: Step, container_id: str, part: str, seen: Container | None = None, *, falls: bool = False
) -> None:
    """Start a container, and prove that it runs with the ports and networks that it declares.

    Of one that is known to fall again and again no more is demanded than that it was started.
    """
    session, first = turn.session, seen or turn.inspect(container_id)

    def wrong(seen: Container | None) -> str | None:
        if seen is None:
            return f"the {part} container is gone"
        if falls and not seen.running and first is not None and seen.started_at != first.started_at:
            return None
        return not_serving(seen, part)

    if wrong(first) is not None:
        turn.step(
            step,
            lambda: session.start(container_id),
            lambda: wrong(turn.inspect(container_id)),
            objects={part: container_id},
        )


def not_serving(seen: Container, part: str) -> str | None:
    """Why a container doesn't serve, or None: it must run, with every port bound and a network attached."""
    if seen.state is State.EXITED:
        return f"the {part} container {ended_words(seen)}" + _output(seen)
    if seen.state is State.RESTARTING:
        return f"the {part} container is {seen.state}: it {ended_words(seen)}" + _output(seen)
    if not seen.running:
        return f"the {part} container is {seen.state}"
    bound = {(port.container, port.protocol) for port in seen.bound_ports}
    unbound = [port for port in seen.declared_ports if (port.container, port.protocol) not in bound]
    if unbound and seen.network_mode != "host":
        return f"the {part} container runs, but its port {unbound[0].host or unbound[0].container} isn't bound"
    if not seen.networks and seen.network_mode not in {"host", "none"}:
        return f"the {part} container runs, but is on no network"
    return None


def _output(seen: Container) -> str:
    return f": {seen.health_output}" if seen.health_output else ""


def rename(
    turn: Turn, step: Step, container_id: str, name: str, part: str, seen: Container | Listed | None = None
) -> None:
    """Give a container another name; left alone where it has it."""
    session = turn.session

    def wrong(seen: Container | Listed | None) -> str | None:
        if seen is None:
            return f"the {part} container is gone"
        return None if seen.name == name else f"the {part} container is called '{seen.name}', not '{name}'"

    if wrong(seen or turn.inspect(container_id)) is not None:
        turn.step(
            step,
            lambda: session.rename(container_id, name),
            lambda: wrong(turn.inspect(container_id)),
            objects={part: container_id},
        )


def remove(turn: Turn, step: Step, container_id: str, part: str) -> None:
    """Remove a stopped container, never its volumes."""
    session = turn.session

    def wrong() -> str | None:
        return None if turn.inspect(container_id) is None else f"the {part} container couldn't be removed"

    turn.step(step, lambda: session.remove(container_id), wrong, objects={part: container_id})


def keep_image(turn: Turn, image_id: str) -> None:
    """Give the image of the way back a name of its own, so that it isn't pruned as one without a name.

    It is taken from the image of the way back before this one.
    """
    session, name = turn.session, kept_name(turn.planned.container)

    def wrong() -> str | None:
        found = turn.image(name)
        return None if found is not None and found.id == image_id else f"no image '{name}' is there"

    turn.step(Step.KEEP, lambda: session.tag(image_id, name), wrong, objects={"image": image_id})


def be_rid_of(turn: Turn, container_id: str) -> None:
    """Stop and remove a new container, for good: a start that arrives in between is undone as well."""
    for left in reversed(range(TRIES)):
        stop(turn, Step.STOP_NEW, container_id, "new")
        try:
            remove(turn, Step.REMOVE_NEW, container_id, "new")
        except StepFailed:
            seen = turn.inspect(container_id)
            if not left or seen is None or seen.state not in UP:
                raise
        else:
            return
