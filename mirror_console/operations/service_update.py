"""Service update: a service of a Swarm is given its image and settings in one call, and its Swarm exchanges its tasks.

The call is taken only for the version of the service that was read before it, so that whoever was faster isn't
overrun, and a call that arrives once anything was changed is refused by itself. The Swarm is told to pause at a failure
and never to take anything back: what its tasks say is judged here, within a time of ours, as a Swarm waits for ever for
a task that no node can take. What the service was before stands on the lock, and in the labels of its tasks.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from mirror_console.domain.health import Verdict
from mirror_console.domain.late import HURTS_FORWARD
from mirror_console.domain.observation import Container
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.service_update import (
    Meant,
    at_rest_words,
    failures,
    runs_any,
    same_image,
)
from mirror_console.domain.steps import Step
from mirror_console.domain.swarm import ServiceChange, SwarmService
from mirror_console.operations.fetching import Fetcher
from mirror_console.operations.given_secrets import given_secrets
from mirror_console.operations.last_look import end_well
from mirror_console.operations.late_calls import outlast
from mirror_console.operations.release_command import run_before
from mirror_console.operations.scene import container_labels
from mirror_console.operations.swap import demand_as_planned, fetch
from mirror_console.operations.swarm_seen import (
    about_service,
    is_ours,
    service_of,
    service_there,
    whose,
)
from mirror_console.operations.swarm_tasks import (
    LOOK_EVERY,
    await_tasks,
    going_on,
    judge_look,
    login_of,
    look_at_tasks,
    monitor_seconds,
    unless_changed,
)
from mirror_console.operations.tool_image import bring_tool
from mirror_console.operations.turn import StepFailed, Turn


def update_service(turn: Turn, fetcher: Fetcher) -> None:
    """Give a service its image and settings, prove that every task runs them, and watch it."""
    planned = turn.planned
    turn.become(TargetState.SWAPPING)
    there, service = turn.inspect(planned.before_container_id), service_of(turn.session, planned)
    if there is None or service is None:
        raise StepFailed(Step.LOCK, f"the service '{planned.container}' is gone")
    _demand_at_rest(service, Step.LOCK)
    turn.take_lock(planned.before_image_id, about_service(there, service, planned))
    demand_as_planned(turn)
    if planned.preparation is not None:
        run_before(turn, fetch(turn, fetcher), partial(bring_tool, turn, fetcher))
        turn.become(TargetState.SWAPPING)
    # Commands may take long: its version may be another one, as that of one that was scaled meanwhile.
    now = service_of(turn.session, planned)
    if now is None or not same_image(now.image, service.image) or now.rollout != service.rollout:
        raise StepFailed(Step.UPDATE, f"the service '{planned.container}' was changed by somebody else meanwhile")
    _demand_at_rest(now, Step.UPDATE)
    known = failures(turn.session.swarm_tasks(now.id))
    turn.service_before = now
    _update(turn, now, there)
    finish_update(turn, there, known)


def _update(turn: Turn, service: SwarmService, there: Container) -> None:
    planned, session = turn.planned, turn.session
    labels = {**container_labels(planned, turn.rollout_id, there), **about_service(there, service, planned)}
    change = ServiceChange(
        planned.reference,
        planned.settings,
        given_secrets(turn, Step.UPDATE),
        labels,
        labels,
        monitor=monitor_seconds(planned.settings),
    )
    login = login_of(turn, Step.UPDATE, planned.reference)

    def done() -> str | None:
        now = service_of(session, planned)
        if now is None:
            return "the service is gone"
        if is_ours(turn, now):
            return None
        if now.version == service.version:
            return "its Swarm didn't take the update"
        return "somebody else changed the service at the same moment"

    turn.step(
        Step.UPDATE,
        lambda: unless_changed(lambda: session.update_service(service.id, service.version, change, login)),
        done,
        objects={"service": service.id},
    )


def finish_update(turn: Turn, before: Container, known: Collection[str] | None = None) -> None:
    """Verify a service that was updated, watch it, and let the lock go. `before` is how it was found.

    `known` are the tasks that had failed before; None, where nobody is left who knows: all but those of this update,
    whatever became of them while the console was cut off.
    """
    turn.become(TargetState.VERIFYING)
    if known is None:
        known = failures(turn.session.swarm_tasks(before.id), Meant(turn.planned.reference, whose(turn)))
    verify_update(turn, known, guarded=bool(turn.lock_id))
    if turn.lock_id:
        # Without it nothing is left to be done but to note it: it was baked under the lock.
        _bake(turn, known)
    words = turn.target.verified_by
    if turn.bake and turn.breaks_off():
        words = f"{words}; aborted, so that it was not baked to the end"

    def still() -> None:
        if not is_ours(turn, service_there(turn, Step.VERIFY)):
            raise StepFailed(Step.VERIFY, "a call that came late has taken the update back")

    words += outlast(turn, HURTS_FORWARD, list, still)
    words += turn.let_go()
    seen = turn.inspect(before.id)
    if seen is None:
        raise StepFailed(Step.VERIFY, "the service was removed by somebody")
    end_well(turn, seen, words, "")


def verify_update(turn: Turn, known: Collection[str], *, guarded: bool = True) -> None:
    """Wait until every place of the service runs a task of this update. Changes nothing.

    Not `guarded` where the lock was let go already: then nothing is left that would be changed.
    """
    meant = Meant(turn.planned.reference, whose(turn))

    def well() -> str | None:
        judged = await_tasks(turn, meant, known, going_on(turn))
        if judged.verdict is not Verdict.WELL:
            return judged.words
        image = turn.image(turn.planned.reference) if turn.planned.reference else None
        fingerprint = image.fingerprint if image is not None else turn.planned.after_fingerprint
        turn.become(TargetState.VERIFYING, judged.words, verified_by=judged.words, after_fingerprint=fingerprint)
        return None

    turn.step(Step.VERIFY, lambda: None, well, objects={"service": turn.planned.before_container_id}, guarded=guarded)


def _bake(turn: Turn, known: Collection[str]) -> None:
    """Watch the tasks for the bake time: none may fail."""
    seconds = turn.bake
    if not seconds:
        return
    turn.become(TargetState.BAKING, f"bakes {seconds:g} s")
    until = turn.console.monotonic() + seconds
    meant = Meant(turn.planned.reference, whose(turn))

    def well() -> str | None:
        while True:
            judged = judge_look(turn, look_at_tasks(turn, Step.BAKE), meant, known)
            left = until - turn.console.monotonic()
            if turn.breaks_off() or (left <= 0 and judged.verdict is Verdict.WELL):
                return None
            if left <= 0 or judged.verdict is Verdict.ILL:
                return f"while baking: {judged.words}"
            turn.console.sleep(min(LOOK_EVERY, left))

    turn.step(Step.BAKE, lambda: None, well, objects={"service": turn.planned.before_container_id})


def may_stay_updated(turn: Turn) -> bool:
    """Whether there is an update to leave. Raises EngineError."""
    service = service_of(turn.session, turn.planned)
    return service is not None and is_ours(turn, service)


def leave_updated(turn: Turn, why: str) -> None:
    """Leave the service as it was updated, and let the lock go. Raises StepFailed where it isn't any more."""
    service = service_there(turn, Step.UPDATE)
    if not is_ours(turn, service):
        raise StepFailed(Step.UPDATE, "there is no update that could be left")
    rests = at_rest_words(service)
    words = f"{why}; {rests}" if rests else why
    if not runs_any(turn.session.swarm_tasks(service.id)):
        words += "; it is down"
    turn.become(TargetState.LEFT, words + turn.let_go(), ended_at=turn.console.clock())


def _demand_at_rest(service: SwarmService, step: Step) -> None:
    if why := at_rest_words(service):
        raise StepFailed(step, f"{why}{f': {service.update_words}' if service.update_words else ''}")
