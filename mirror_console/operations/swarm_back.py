"""Service back: a service of a Swarm is what it was before, by what its Swarm keeps of that, else by another update."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mirror_console.domain.health import Judged, Verdict
from mirror_console.domain.late import HURTS_BACK
from mirror_console.domain.observation import LABEL
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.service_settings import as_compared
from mirror_console.domain.service_update import (
    STUCK_ON_THE_WAY_BACK,
    Before,
    failures,
    same_image,
    too_many,
)
from mirror_console.domain.steps import Step
from mirror_console.domain.swarm import ServiceChange, SwarmService, digest_of
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.begun_back import begun_back
from mirror_console.operations.given_secrets import secrets_for
from mirror_console.operations.late_calls import outlast
from mirror_console.operations.scene import Scene, old_ran, old_was_ill
from mirror_console.operations.swarm_seen import (
    OTHERS_DECIDED,
    PREV_ROLLOUT,
    image_before,
    is_ours,
    left_tasks,
    service_there,
    told_of_before,
    whose,
)
from mirror_console.operations.swarm_tasks import (
    LOOK_EVERY,
    await_tasks,
    login_of,
    look_at_tasks,
    monitor_seconds,
    not_ended,
    unless_changed,
)
from mirror_console.operations.turn import StepFailed, Turn

RESUMES = 3
"""So often a Swarm that has paused in the midst of taking back, or left a task too many, is told to go on."""
TRIES = 10
"""So often taking back is tried: its Swarm, which is at work on it, may change the version between look and call."""


def roll_service_back(turn: Turn, scene: Scene, why: str) -> None:
    """Have a service be what it was before, and see that its tasks run as they did.

    Ends the target as *failed* where nothing was changed, as *stranded* where its tasks of before don't run well, else
    as *put back*. Raises StepFailed, and Stopped where the program ends while its tasks are waited for.
    """
    labels = told_of_before(scene)
    service, tasks = look_at_tasks(turn, Step.ROLL_BACK)
    before = image_before(turn.planned, labels)
    known = failures(tasks)
    ours = is_ours(turn, service)
    if not ours and before and not same_image(service.image, before):
        words = f"{why}. {OTHERS_DECIDED.format(service.name)}{turn.let_go()}"
        turn.become(TargetState.SUPERSEDED, words, ended_at=turn.console.clock())
        return
    touched = begun_back(turn) or ours or left_tasks(turn, tasks)
    more: list[str] = []
    if touched:
        turn.become(TargetState.PUTTING_BACK, why)
        turn.goes_down_again()
    if ours:
        more += _take_back(turn, labels)

    def also() -> None:
        # A call that comes late finds the version that it was sent for only where nothing was changed since: then
        # it is carried out, and what it did is taken back.
        if is_ours(turn, service_there(turn, Step.ROLL_BACK)):
            more.append("what came late was put right: the service was updated")
            more.extend(_take_back(turn, labels))

    came = outlast(turn, HURTS_BACK, list, also)
    touched = touched or bool(more)
    old = Before(before, turn.planned.reference, whose(turn))
    ill, stranded = _await_before(turn, old, known, labels, touched)
    for _ in range(RESUMES):
        if not stranded or not _resumed(turn):
            break
        ill, stranded = _await_before(turn, old, known, labels, touched)
    words = f"{why}{came}{''.join(f'; {one}' for one in more)}{turn.let_go()}" + (f". {ill}" if ill else "")
    ended = TargetState.PUT_BACK if touched else TargetState.FAILED
    turn.become(TargetState.STRANDED if stranded else ended, words, ended_at=turn.console.clock())


def _take_back(turn: Turn, labels: Mapping[str, str]) -> list[str]:
    """Take the update back, by what its Swarm keeps of before, else by another update; what is to be told of it."""
    told: list[str] = []

    def act() -> None:
        for left in reversed(range(TRIES)):
            service = service_there(turn, Step.ROLL_BACK)
            if not is_ours(turn, service):
                return
            try:
                told[:] = _take_back_once(turn, service, labels)
            except EngineError as error:
                # Its Swarm is at work on it: each step of that gives it another version.
                if error.kind is not FailureKind.CONFLICT or not left:
                    raise
                turn.console.sleep(LOOK_EVERY / 5)
            else:
                return

    def done() -> str | None:
        service = service_there(turn, Step.ROLL_BACK)
        return "the service still is what this rollout made of it" if is_ours(turn, service) else None

    turn.step(Step.ROLL_BACK, act, done, objects={"service": turn.planned.before_container_id})
    return told


def _take_back_once(turn: Turn, service: SwarmService, labels: Mapping[str, str]) -> list[str]:
    planned, session = turn.planned, turn.session
    image = image_before(planned, labels)
    rollout = labels.get(PREV_ROLLOUT, "")
    kept = service.has_previous and same_image(service.previous_image, image) and service.previous_rollout == rollout
    if kept and rollout != whose(turn):
        session.roll_service_back(service.id, service.version)
        return []
    # Somebody has changed it since: what its Swarm keeps is what this rollout made. It is made anew from what is known.
    was = turn.service_before
    if was is not None and was.template and same_image(was.image, image):
        own = {name: value for name, value in was.labels.items() if name.startswith(LABEL)}
        monitor = monitor_seconds(planned.before_settings or planned.settings)
        whole = ServiceChange(was.image, labels=own, monitor=monitor, template=was.template)
        session.update_service(service.id, service.version, whole, login_of(turn, Step.ROLL_BACK, was.image))
        return []
    before = planned.before_settings
    ours = {
        **{name: value for name, value in service.container_labels.items() if name.startswith(LABEL)},
        LABEL + "rollout": rollout,
        LABEL + "to": planned.before_fingerprint,
        LABEL + "version": planned.before_title,
    }
    if before is not None:
        ours[LABEL + "spec"] = as_compared(before, swarm=True).hash
    secrets = secrets_for(turn, Step.ROLL_BACK, before) if before is not None else {}
    change = ServiceChange(image, before, secrets, ours, ours, monitor=monitor_seconds(before or planned.settings))
    session.update_service(service.id, service.version, change, login_of(turn, Step.ROLL_BACK, image))
    # Without a change of settings those of before are those of now.
    unknown = before is None and (planned.changes or planned.taken_from is not None)
    return ["its settings of before aren't on record, so that those of now stay"] if unknown else []


def _resumed(turn: Turn) -> bool:
    """Have a Swarm go on that has paused while it took an update back, or take away a task too many; whether it had to.

    What fails of the update in that very moment pauses what takes it back as well: seen on Docker 20.10. An update that
    changes nothing lets a Swarm go on, and leave one task in each place. Source: Docker's documentation, "Apply rolling
    updates to a service", and swarmkit.
    """
    if not _stands_still(turn) or not digest_of(service_there(turn, Step.ROLL_BACK).image):
        return False

    def act() -> None:
        service = service_there(turn, Step.ROLL_BACK)
        labels, of_container = (
            {name: value for name, value in told.items() if name.startswith(LABEL)}
            for told in (service.labels, service.container_labels)
        )
        monitor = monitor_seconds(turn.planned.settings)
        change = ServiceChange(service.image, labels=labels, container_labels=of_container, monitor=monitor)
        session = turn.session
        unless_changed(lambda: session.update_service(service.id, service.version, change, None))

    def done() -> str | None:
        stuck = service_there(turn, Step.ROLL_BACK).update in STUCK_ON_THE_WAY_BACK
        return "its Swarm is paused still" if stuck else None

    turn.step(Step.ROLL_BACK, act, done, objects={"service": turn.planned.before_container_id})
    return True


def _stands_still(turn: Turn) -> bool:
    """Whether a Swarm does nothing more by itself, and should."""
    service, tasks = look_at_tasks(turn, Step.ROLL_BACK)
    return service.update in STUCK_ON_THE_WAY_BACK or bool(too_many(service, tasks))


def _await_before(
    turn: Turn, before: Before, known: Collection[str], labels: Mapping[str, str], touched: bool
) -> tuple[str, bool]:
    """Wait until its tasks of before run; what isn't well in words, and whether that is worse than it was."""
    if not touched or not old_ran(labels):
        return "", False
    ill = old_was_ill(labels)
    last: list[Judged] = []

    def well() -> str | None:
        judged = await_tasks(turn, before, known, not_ended(turn), back=True, once=ill)
        last.append(judged)
        return None if judged.verdict is Verdict.WELL else judged.words

    try:
        turn.step(
            Step.VERIFY_OLD,
            lambda: None,
            well,
            objects={"service": turn.planned.before_container_id},
            guarded=False,
            words=lambda: last[-1].words,
        )
    except StepFailed as failed:
        how = ", as it wasn't before" if ill else ""
        return f"The service is what it was, and isn't well{how}: {failed.words}", not ill
    return "", False
