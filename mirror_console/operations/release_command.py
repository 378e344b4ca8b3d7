"""Release command: run what a source declares before its release takes over, once for the data that it changes.

A backup comes before it, where one is declared. Each runs in a container of its own whose name can exist only once, so
that whoever comes back after a cut finds the same one and reads what came of it. Nothing that serves is changed yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mirror_console.domain.image import Image
from mirror_console.domain.observation import LABEL, Container, Role, is_ours
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.release_command import (
    ALIVE,
    BACKUP_FAILED,
    BackupCommand,
    CommandRun,
    Due,
    Preparation,
    RunKind,
    RunState,
    run_name,
    settings_of_run,
)
from mirror_console.domain.request import ContainerSpec
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.errors import EngineError, FailureKind
from mirror_console.jobs import Stopped
from mirror_console.operations.breaking_off import BrokenOff
from mirror_console.operations.console import new_id
from mirror_console.operations.due_commands import due_of
from mirror_console.operations.given_secrets import given_secrets
from mirror_console.operations.run_outcome import STEPS, is_run, keep, settled
from mirror_console.operations.scene import run_labels
from mirror_console.operations.steps import remove
from mirror_console.operations.turn import OutcomeUnknown, StepFailed, Superseded, Turn

LOOK_SOON, LOOK_LATER = 0.25, 1.0
"""Seconds between two looks at a command: in its first ten seconds, and after that."""
SOON = 10.0
PATIENCE = 60.0
"""Seconds beyond its limits for which another one's run is waited for."""
STATES = {RunKind.BACKUP: TargetState.BACKING_UP, RunKind.RELEASE: TargetState.RELEASING}

Bring = Callable[[str], Image]
"""Brings an image by its reference to the target's engine, where it isn't there. Raises StepFailed."""


def run_before(turn: Turn, image: Image, bring: Bring) -> None:
    """Back up and run the release command, where the source declares them and nobody did so for this data and release.

    Raises StepFailed where one of them fails, here or at the one of the group that ran it: then nothing that serves was
    changed. OutcomeUnknown, Superseded and BrokenOff as any step does.
    """
    preparation = turn.planned.preparation
    if preparation is None:
        return
    run = _claimed(turn, preparation)
    if run is None:
        return
    try:
        if preparation.backup is not None:
            _back_up(turn, preparation, preparation.backup, run, image, bring)
        if preparation.release is not None:
            _carry_out(turn, run, image)
    except (BrokenOff, EngineError):
        # Before it was started: whoever comes next is to run it.
        _give_up(turn, run)
        raise


# --- whose turn it is ------------------------------------------------------------------------------------------------


def _claimed(turn: Turn, preparation: Preparation) -> CommandRun | None:
    """The run that is this target's to carry out, kept in the catalog; None where it was run already.

    Another one of its group that runs it is waited for. Raises StepFailed where that one failed.
    """
    step = Step.RELEASE if preparation.release is not None else Step.BACK_UP
    until = turn.console.monotonic() + preparation.limit + PATIENCE
    while True:
        found, words, run = _claim(turn, preparation)
        if found is Due.NOW:
            return run
        if found is Due.DONE:
            return None
        if found is Due.REFUSED or turn.console.monotonic() >= until:
            of = f" of group '{preparation.group}'" if preparation.group else ""
            kind = RunKind.RELEASE if preparation.release is not None else RunKind.BACKUP
            raise StepFailed(step, f"the {kind}{of} was not run: {words}" if found is Due.WAIT else f"{words}")
        if turn.target.words != (told := f"waits: {words}"):
            turn.become(STATES[RunKind.RELEASE], told)
        _wait(turn, LOOK_LATER)
        turn.demand_going_on(step)


def _claim(turn: Turn, preparation: Preparation) -> tuple[Due, str, CommandRun]:
    """One transaction, so that of a whole group one alone gets it."""
    run = _new_run(turn, preparation, RunKind.RELEASE if preparation.release is not None else RunKind.BACKUP)
    with turn.console.catalog.read() as books:
        found, words = due_of(books, preparation, turn.rollout_id)
    if found is not Due.NOW:
        return found, words, run
    with turn.console.catalog.write() as books:
        found, words = due_of(books, preparation, turn.rollout_id)
        if found is Due.NOW:
            books.commands.save(run)
    return found, words, run


def _new_run(turn: Turn, preparation: Preparation, kind: RunKind) -> CommandRun:
    planned, release, backup = turn.planned, preparation.release, preparation.backup
    declared = backup if kind is RunKind.BACKUP else release
    if declared is None:
        raise RuntimeError("a command was to be run that isn't declared")
    return CommandRun(
        id=new_id(),
        kind=kind,
        data=preparation.data,
        release=preparation.names[0],
        rollout_id=turn.rollout_id,
        environment_id=planned.environment_id,
        title=f"{planned.application} {planned.environment}",
        engine_id=planned.engine_id,
        container=run_name(kind, planned.environment_id, turn.rollout_id),
        command=declared.command,
        limit=declared.limit,
        idempotent=release is None or kind is RunKind.BACKUP or release.idempotent,
        reversible=release is None or kind is RunKind.BACKUP or release.reversible,
        state=RunState.CLAIMED,
        begun_at=turn.console.clock(),
    )


def _give_up(turn: Turn, run: CommandRun) -> None:
    """Nothing was started: take back what was claimed, and the container away that may be there."""
    with turn.console.catalog.write() as books:
        books.commands.remove(run.id)
    made = turn.inspect(run.container)
    if made is not None and is_run(made, run) and made.started_at is None:
        remove(turn, Step.REMOVE_COMMAND, made.id, "command")


# --- running it ------------------------------------------------------------------------------------------------------


def _back_up(
    turn: Turn, preparation: Preparation, backup: BackupCommand, lead: CommandRun, image: Image, bring: Bring
) -> None:
    """Make the backup. Where it fails, the release command isn't run either."""
    run = lead
    if preparation.release is not None:
        run = _new_run(turn, preparation, RunKind.BACKUP)
        keep(turn, run)
    try:
        _carry_out(turn, run, bring(backup.image) if backup.image else image)
    except (BrokenOff, EngineError):
        if run is not lead:
            _give_up(turn, run)
        raise
    except StepFailed as failed:
        if run is not lead:
            words = f"{BACKUP_FAILED}{failed.words}"
            keep(turn, replace(lead, state=RunState.NOT_RUN, words=words, ended_at=turn.console.clock()))
        raise


def _carry_out(turn: Turn, run: CommandRun, image: Image) -> None:
    """Run a command to its end, and keep what came of it. Raises StepFailed where it didn't succeed."""
    step = STEPS[run.kind]
    turn.become(STATES[run.kind], f"{run.line} (at most {run.limit:g} s)")
    try:
        made = _make(turn, run, image)
    except StepFailed as failed:
        words = f"{failed.step}: {failed.words}"
        keep(turn, replace(run, state=RunState.NOT_RUN, words=words, ended_at=turn.console.clock()))
        raise
    # From here on its time counts: what it waited for, and the backup before it, have times of their own.
    run = replace(run, state=RunState.STARTED, begun_at=turn.console.clock())
    refused = ""
    try:
        turn.demand_going_on(step)
        # From here on nobody can say that it was not run, whatever the journal has.
        keep(turn, run)
        try:
            turn.step(
                step,
                lambda: turn.session.start(made.id),
                lambda: wait_for_end(turn, run, made),
                objects={"command": made.id},
            )
        except StepFailed as failed:
            refused = failed.words
        ended = settled(turn, run, refused)
    except Superseded:
        _keep_as_seen(turn, run, made)
        raise
    except OutcomeUnknown as lost:
        keep(turn, replace(run, state=RunState.UNKNOWN, words=str(lost)))
        raise
    except EngineError as lost:
        keep(turn, replace(run, state=RunState.UNKNOWN, words=lost.title))
        raise OutcomeUnknown(step, lost.title) from lost
    if ended.state is not RunState.SUCCEEDED:
        raise StepFailed(step, ended.words)


def _keep_as_seen(turn: Turn, run: CommandRun, made: Container) -> None:
    """The lock is somebody else's now: nothing more is changed here, but what is seen is kept."""
    try:
        seen = turn.inspect(made.id)
    except EngineError as lost:
        keep(turn, replace(run, state=RunState.UNKNOWN, words=lost.title))
        return
    never = seen is not None and seen.started_at is None
    words = "the lock was lost before it was started" if never else "the lock was lost while it ran"
    state = RunState.NOT_RUN if never else RunState.UNKNOWN
    keep(turn, replace(run, state=state, words=words, ended_at=turn.console.clock()))


def _make(turn: Turn, run: CommandRun, image: Image) -> Container:
    """Make the container of a run, not started. One that is there already is this one, or else in the way."""
    planned, session = turn.planned, turn.session
    left = turn.inspect(run.container)
    if left is not None and not is_run(left, run) and _is_left(left, planned):
        remove(turn, Step.REMOVE_COMMAND, left.id, "command")
    role = Role.BACKUP if run.kind is RunKind.BACKUP else Role.RELEASE
    settings = settings_of_run(with_networks_of_service(turn).settings, run.command)
    labels = run_labels(planned, run, role)
    secrets = given_secrets(turn, Step.MAKE_COMMAND)
    named = planned.reference if planned.reference in image.digests else image.id
    spec = ContainerSpec(run.container, named, settings, secrets, labels)
    found: list[Container] = []

    def act() -> None:
        try:
            session.create(spec)
        except EngineError as error:
            # Whose it is that has the name, the look says.
            if error.kind is not FailureKind.CONFLICT:
                raise

    def done() -> str | None:
        made = turn.inspect(run.container)
        if made is None:
            return "the command's container could not be made"
        if not is_run(made, run):
            return f"a container '{run.container}' is there that this run didn't make"
        if made.image_id != image.id:
            return "the engine made it from another image than the planned one"
        found.append(made)
        return None

    turn.step(Step.MAKE_COMMAND, act, done)
    return found[-1]


def with_networks_of_service(turn: Turn) -> PlannedTarget:
    """The target; of a service of a Swarm with the networks that its Swarm gives it, and what its tasks mount.

    With several nodes its volumes may be on others: an empty one would be made here, and taken for its data.
    """
    planned = turn.planned
    if planned.swap is not Swap.SERVICE:
        return planned
    service = turn.session.swarm_service(planned.before_container_id)
    joined = service.networks if service is not None else ()
    names = tuple(one.name for one in turn.session.networks() if {one.id, one.name} & {*joined})
    alone = turn.session.facts().swarm_nodes == 1
    mounts = service.mounts if service is not None and alone else ()
    return replace(planned, settings=replace(planned.settings, networks=names, volumes=mounts))


def _is_left(container: Container, planned: PlannedTarget) -> bool:
    """Whether a container is what an earlier run here has left, whose outcome is kept."""
    ours = is_ours(container.labels, planned.environment_id)
    role = container.labels.get(LABEL + "role")
    return ours and role in {Role.RELEASE, Role.BACKUP} and container.state not in ALIVE


def wait_for_end(turn: Turn, run: CommandRun, made: Container) -> str | None:
    """Wait until a command has ended, at its limit at the latest: None where it succeeded, else what is wrong."""
    began = turn.console.monotonic()
    while True:
        seen = turn.inspect(made.id)
        if seen is None:
            return "its container was removed by somebody"
        if seen.started_at is None:
            return "it was not started"
        if seen.state not in ALIVE:
            return None if seen.exit_code == 0 else f"it ended with exit code {seen.exit_code}"
        lasted = turn.console.monotonic() - began
        if lasted >= run.limit:
            return f"it runs for longer than {run.limit:g} s"
        _wait(turn, min(LOOK_SOON if lasted < SOON else LOOK_LATER, run.limit - lasted))


def _wait(turn: Turn, seconds: float) -> None:
    """Raises Stopped where the program ends: the command goes on, and is found by whoever starts it again."""
    turn.keep()
    if turn.ends():
        raise Stopped
    turn.console.sleep(max(0.0, seconds))
