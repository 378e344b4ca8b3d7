"""Service update: a service of a Swarm is given its image and settings in one call, and its Swarm exchanges its tasks.

The call is taken only for the version of the service that was read before it, so that whoever was faster isn't
overrun, and a call that arrives once anything was changed is refused by itself. The Swarm is told to pause at a failure
and never to take anything back: what its tasks say is judged here, within a time of ours, as a Swarm waits for ever for
a task that no node can take. What the service was before stands on the lock, and in the labels of its tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial

from mirror_console.domain.environment import Settings
from mirror_console.domain.health import Judged, Verdict
from mirror_console.domain.image import parse_reference
from mirror_console.domain.late import HURTS_BACK, HURTS_FORWARD
from mirror_console.domain.observation import LABEL, Container, State
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.recovery import Found
from mirror_console.domain.request import RegistryLogin
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.service_update import (
    STUCK_ON_THE_WAY_BACK,
    Before,
    Meant,
    at_rest_words,
    brings_image,
    classify_service,
    failures,
    is_updated,
    judge_tasks,
    progress,
    runs_any,
    same_image,
)
from mirror_console.domain.steps import Step
from mirror_console.domain.swarm import ServiceChange, SwarmService, Task, digest_of
from mirror_console.errors import EngineError, FailureKind, VaultError
from mirror_console.jobs import Stopped
from mirror_console.operations.fetching import Fetcher
from mirror_console.operations.given_secrets import given_secrets, secrets_for
from mirror_console.operations.last_look import end_well
from mirror_console.operations.late_calls import outlast
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.release_command import run_before
from mirror_console.operations.scene import ILL_BEFORE, Scene, about_old, container_labels, old_ran, old_was_ill
from mirror_console.operations.swap import demand_as_planned, fetch
from mirror_console.operations.tool_image import bring_tool
from mirror_console.operations.turn import OutcomeUnknown, StepFailed, Turn

LOOK_EVERY = 0.5
"""Seconds between two looks at the tasks of a service."""
BRINGING = 900.0
"""Seconds for which a node may bring an image, without anything else moving."""
RESUMES = 3
"""So often a Swarm that has paused in the midst of taking back is told to go on."""
TRIES = 10
"""So often taking back is tried: its Swarm, which is at work on it, may change the version between look and call."""
OTHERS_DECIDED = "'{}' was given another image by somebody else; what runs is left as it is"
PREV_IMAGE, PREV_VERSION, PREV_ROLLOUT = LABEL + "prev-image", LABEL + "prev-version", LABEL + "prev-rollout"
"""The labels that tell what a service was before: its image, its version, and the rollout that made it so."""


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
        monitor=_monitor(planned.settings),
    )
    login = _login(turn, Step.UPDATE)

    def done() -> str | None:
        now = service_of(session, planned)
        if now is None:
            return "the service is gone"
        if _is_ours(turn, now):
            return None
        if now.version == service.version:
            return "its Swarm didn't take the update"
        return "somebody else changed the service at the same moment"

    turn.step(
        Step.UPDATE,
        lambda: _unless_changed(lambda: session.update_service(service.id, service.version, change, login)),
        done,
        objects={"service": service.id},
    )


def finish_update(turn: Turn, before: Container, known: Collection[str] | None = None) -> None:
    """Verify a service that was updated, watch it, and let the lock go. `before` is how it was found.

    `known` are the tasks that had failed before; None: those that have failed by now.
    """
    turn.become(TargetState.VERIFYING)
    known = failures(turn.session.swarm_tasks(before.id)) if known is None else known
    verify_update(turn, known, guarded=bool(turn.lock_id))
    if turn.lock_id:
        # Without it nothing is left to be done but to note it: it was baked under the lock.
        _bake(turn, known)
    words = turn.target.verified_by
    if turn.bake and turn.breaks_off():
        words = f"{words}; aborted, so that it was not baked to the end"

    def still() -> None:
        if not _is_ours(turn, _there(turn, Step.VERIFY)):
            raise StepFailed(Step.VERIFY, "a call that came late has taken the update back")

    words += outlast(turn, HURTS_FORWARD, list, still)
    words += _let_go(turn)
    seen = turn.inspect(before.id)
    if seen is None:
        raise StepFailed(Step.VERIFY, "the service was removed by somebody")
    end_well(turn, seen, words, "")


def verify_update(turn: Turn, known: Collection[str], *, guarded: bool = True) -> None:
    """Wait until every place of the service runs a task of this update. Changes nothing.

    Not `guarded` where the lock was let go already: then nothing is left that would be changed.
    """
    meant = Meant(_image_of(turn), _whose(turn))

    def well() -> str | None:
        judged = _await(turn, meant, known, _demand_going_on(turn))
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
    meant = Meant(_image_of(turn), _whose(turn))

    def well() -> str | None:
        while True:
            judged = _judged(turn, _look(turn, Step.BAKE), meant, known)
            left = until - turn.console.monotonic()
            if turn.breaks_off() or (left <= 0 and judged.verdict is Verdict.WELL):
                return None
            if left <= 0 or judged.verdict is Verdict.ILL:
                return f"while baking: {judged.words}"
            turn.console.sleep(min(LOOK_EVERY, left))

    turn.step(Step.BAKE, lambda: None, well, objects={"service": turn.planned.before_container_id})


# --- putting back -----------------------------------------------------------------------------------------------------


def roll_service_back(turn: Turn, scene: Scene, why: str) -> None:
    """Have a service be what it was before, and see that its tasks run as they did.

    Ends the target as *failed* where nothing was changed, as *stranded* where its tasks of before don't run well, else
    as *put back*. Raises StepFailed, and Stopped where the program ends while its tasks are waited for.
    """
    labels = _told(scene)
    service, tasks = _look(turn, Step.ROLL_BACK)
    before = image_before(turn.planned, labels)
    known = failures(tasks)
    ours = _is_ours(turn, service)
    if not ours and before and not same_image(service.image, before):
        words = f"{why}. {OTHERS_DECIDED.format(service.name)}{_let_go(turn)}"
        turn.become(TargetState.SUPERSEDED, words, ended_at=turn.console.clock())
        return
    touched = ours or _left_tasks(turn, tasks)
    more: list[str] = []
    if touched:
        turn.become(TargetState.PUTTING_BACK, why)
        turn.goes_down_again()
    if ours:
        more += _take_back(turn, labels)

    def also() -> None:
        # A call that comes late finds the version that it was sent for only where nothing was changed since: then
        # it is carried out, and what it did is taken back.
        if _is_ours(turn, _there(turn, Step.ROLL_BACK)):
            more.append("what came late was put right: the service was updated")
            more.extend(_take_back(turn, labels))

    came = outlast(turn, HURTS_BACK, list, also)
    touched = touched or bool(more)
    old = Before(before, _image_of(turn), _whose(turn))
    ill, stranded = _await_before(turn, old, known, labels, touched)
    for _ in range(RESUMES):
        if not stranded or not _resumed(turn):
            break
        ill, stranded = _await_before(turn, old, known, labels, touched)
    words = f"{why}{came}{''.join(f'; {one}' for one in more)}{_let_go(turn)}" + (f". {ill}" if ill else "")
    ended = TargetState.PUT_BACK if touched else TargetState.FAILED
    turn.become(TargetState.STRANDED if stranded else ended, words, ended_at=turn.console.clock())


def _take_back(turn: Turn, labels: Mapping[str, str]) -> list[str]:
    """Take the update back, by what its Swarm keeps of before, else by another update; what is to be told of it."""
    told: list[str] = []

    def act() -> None:
        for left in reversed(range(TRIES)):
            service = _there(turn, Step.ROLL_BACK)
            if not _is_ours(turn, service):
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
        service = _there(turn, Step.ROLL_BACK)
        return "the service still is what this rollout made of it" if _is_ours(turn, service) else None

    turn.step(Step.ROLL_BACK, act, done, objects={"service": turn.planned.before_container_id})
    return told


def _take_back_once(turn: Turn, service: SwarmService, labels: Mapping[str, str]) -> list[str]:
    planned, session = turn.planned, turn.session
    image = image_before(planned, labels)
    rollout = labels.get(PREV_ROLLOUT, "")
    kept = service.has_previous and same_image(service.previous_image, image) and service.previous_rollout == rollout
    if kept and rollout != _whose(turn):
        session.roll_service_back(service.id, service.version)
        return []
    # Somebody has changed it since: what its Swarm keeps is what this rollout made. It is made anew from what is known.
    before = planned.before_settings
    ours = {
        **{name: value for name, value in service.container_labels.items() if name.startswith(LABEL)},
        LABEL + "rollout": rollout,
        LABEL + "to": planned.before_fingerprint,
        LABEL + "version": planned.before_title,
    }
    if before is not None:
        ours[LABEL + "spec"] = before.hash
    secrets = secrets_for(turn, Step.ROLL_BACK, before) if before is not None else {}
    change = ServiceChange(image, before, secrets, ours, ours, monitor=_monitor(before or planned.settings))
    session.update_service(service.id, service.version, change, _login(turn, Step.ROLL_BACK))
    # Without a change of settings those of before are those of now.
    unknown = before is None and (planned.changes or planned.taken_from is not None)
    return ["its settings of before aren't on record, so that those of now stay"] if unknown else []


def _resumed(turn: Turn) -> bool:
    """Have a Swarm go on that has paused while it took an update back; whether it had.

    What fails of the update in that very moment pauses what takes it back as well: seen on Docker 20.10. An update that
    changes nothing lets a Swarm go on. Source: Docker's documentation, "Apply rolling updates to a service".
    """
    paused = _there(turn, Step.ROLL_BACK)
    if paused.update not in STUCK_ON_THE_WAY_BACK or not digest_of(paused.image):
        return False

    def act() -> None:
        service = _there(turn, Step.ROLL_BACK)
        labels, of_container = (
            {name: value for name, value in told.items() if name.startswith(LABEL)}
            for told in (service.labels, service.container_labels)
        )
        monitor = _monitor(turn.planned.settings)
        change = ServiceChange(service.image, labels=labels, container_labels=of_container, monitor=monitor)
        session = turn.session
        _unless_changed(lambda: session.update_service(service.id, service.version, change, None))

    def done() -> str | None:
        stuck = _there(turn, Step.ROLL_BACK).update in STUCK_ON_THE_WAY_BACK
        return "its Swarm is paused still" if stuck else None

    turn.step(Step.ROLL_BACK, act, done, objects={"service": turn.planned.before_container_id})
    return True


def _await_before(
    turn: Turn, before: Before, known: Collection[str], labels: Mapping[str, str], touched: bool
) -> tuple[str, bool]:
    """Wait until its tasks of before run; what isn't well in words, and whether that is worse than it was."""
    if not touched or not old_ran(labels):
        return "", False
    ill = old_was_ill(labels)
    last: list[Judged] = []

    def well() -> str | None:
        judged = _await(turn, before, known, _demand_not_ended(turn), back=True, once=ill)
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


def _let_go(turn: Turn) -> str:
    """Let the lock go; what stays behind, in words. What the service is to be is settled by then."""
    try:
        if turn.lock_id:
            turn.release_lock()
    except (StepFailed, OutcomeUnknown, EngineError) as left_over:
        return f"; the lock was left behind: {left_over}"
    return ""


# --- leaving ----------------------------------------------------------------------------------------------------------


def may_stay_updated(turn: Turn) -> bool:
    """Whether there is an update to leave. Raises EngineError."""
    service = service_of(turn.session, turn.planned)
    return service is not None and _is_ours(turn, service)


def leave_updated(turn: Turn, why: str) -> None:
    """Leave the service as it was updated, and let the lock go. Raises StepFailed where it isn't any more."""
    service = _there(turn, Step.UPDATE)
    if not _is_ours(turn, service):
        raise StepFailed(Step.UPDATE, "there is no update that could be left")
    rests = at_rest_words(service)
    words = f"{why}; {rests}" if rests else why
    if not runs_any(turn.session.swarm_tasks(service.id)):
        words += "; it is down"
    turn.become(TargetState.LEFT, words + _let_go(turn), ended_at=turn.console.clock())


# --- what a look says -------------------------------------------------------------------------------------------------


def found_service(session: EngineSession, scene: Scene, planned: PlannedTarget, rollout_id: str) -> Found:
    """What a look at a service says of a target that was cut off. Nothing is changed."""
    service = service_of(session, planned)
    tasks = session.swarm_tasks(service.id) if service is not None else []
    locked = scene.lock is not None and scene.lock.labels.get(LABEL + "rollout") == rollout_id
    former = planned.taken_from
    return classify_service(
        service,
        tasks,
        planned.reference,
        former.rollout_id if former is not None else rollout_id,
        locked=locked or former is not None,
    )


def is_changed_by_others(session: EngineSession, scene: Scene, planned: PlannedTarget, rollout_id: str) -> bool:
    """Whether a service has neither the image of before nor the one of this rollout: somebody else decided."""
    service = service_of(session, planned)
    if service is None or scene.old is None:
        return False
    former = planned.taken_from
    ours = is_updated(service, planned.reference, former.rollout_id if former is not None else rollout_id)
    before = image_before(planned, _told(scene))
    return not ours and bool(before) and not same_image(service.image, before)


def about_service(there: Container, service: SwarmService, planned: PlannedTarget) -> dict[str, str]:
    """How a service is before it is updated, as labels of the lock: whoever puts back needs no journal for it."""
    none = there.state is State.CREATED
    partly = ILL_BEFORE if not none and there.state is not State.RUNNING else {}
    return {
        **about_old(there, planned),
        **partly,
        LABEL + "prev-running": "no" if none else "yes",
        PREV_IMAGE: service.image,
        PREV_VERSION: str(service.version),
        PREV_ROLLOUT: service.rollout,
    }


def told_of_service(turn: Turn, scene: Scene) -> Mapping[str, str]:
    """What is told of how a service was before; where nothing is, and it wasn't updated yet, how it is now."""
    told = _told(scene)
    service = service_of(turn.session, turn.planned)
    if told or scene.old is None or service is None or _is_ours(turn, service):
        return told
    return about_service(scene.old, service, turn.planned)


def image_before(planned: PlannedTarget, labels: Mapping[str, str]) -> str:
    """The image that a service had before, as its specification had it."""
    return labels.get(PREV_IMAGE) or planned.before_image_id


def service_of(session: EngineSession, planned: PlannedTarget) -> SwarmService | None:
    """The service of a target as it is now; None where it is gone."""
    return session.swarm_service(planned.before_container_id)


def _told(scene: Scene) -> Mapping[str, str]:
    """What the lock tells of how it was; where it was pruned, what the service's tasks or the journal do."""
    if scene.lock is not None and scene.lock.labels.get(PREV_IMAGE):
        return scene.lock.labels
    if scene.told:
        return scene.told
    return scene.new.labels if scene.new is not None else {}


def _there(turn: Turn, step: Step) -> SwarmService:
    service = service_of(turn.session, turn.planned)
    if service is None:
        raise StepFailed(step, "the service is gone")
    return service


def _whose(turn: Turn) -> str:
    """The rollout that tasks of this update tell: of one that was taken over, the other console's."""
    former = turn.planned.taken_from
    return former.rollout_id if former is not None else turn.rollout_id


def _image_of(turn: Turn) -> str:
    return turn.planned.reference


def _is_ours(turn: Turn, service: SwarmService) -> bool:
    return is_updated(service, _image_of(turn), _whose(turn))


def _left_tasks(turn: Turn, tasks: Collection[Task]) -> bool:
    """Whether the update had begun, as tasks of it show that ended since."""
    meant = Meant(_image_of(turn), _whose(turn))
    return any(meant(one) for one in tasks)


# --- waiting ----------------------------------------------------------------------------------------------------------


def _await(
    turn: Turn,
    meant: Meant | Before,
    known: Collection[str],
    demand: Callable[[], None],
    *,
    back: bool = False,
    once: bool = False,
) -> Judged:
    """Look at the tasks of a service until they are well or ill, or nothing has moved for too long.

    A Swarm has no such limit: a task that no node can take waits for ever, and an update with it.
    """
    moved, last, state = turn.console.monotonic(), None, turn.target.state
    while True:
        service, tasks = _look(turn, Step.VERIFY_OLD if back else Step.VERIFY)
        if runs_any(tasks):
            turn.serves_again()
        else:
            turn.goes_down()
        judged = _judged(turn, (service, tasks), meant, known, back=back)
        if judged.verdict is not Verdict.WAIT or once:
            return judged
        now, seen = turn.console.monotonic(), progress(service, tasks)
        if seen != last:
            moved, last = now, seen
        limit = _patience(turn, service, tasks)
        if now - moved >= limit:
            return Judged(Verdict.ILL, f"nothing moved for {limit:g} s: {judged.words}")
        if judged.words != turn.target.words:
            turn.become(state, judged.words)
        turn.keep()
        demand()
        turn.console.sleep(LOOK_EVERY)


def _look(turn: Turn, step: Step) -> tuple[SwarmService, list[Task]]:
    service = _there(turn, step)
    return service, turn.session.swarm_tasks(service.id)


def _judged(
    turn: Turn,
    seen: tuple[SwarmService, Collection[Task]],
    meant: Meant | Before,
    known: Collection[str],
    *,
    back: bool = False,
) -> Judged:
    """What a look says; a service that others have given something else isn't waited for."""
    service, tasks = seen
    others = not same_image(service.image, meant.image) if back else not _is_ours(turn, service)
    if others:
        return Judged(Verdict.ILL, "somebody else has changed the service")
    return judge_tasks(service, tasks, meant, known, back=back)


def _patience(turn: Turn, service: SwarmService, tasks: Collection[Task]) -> float:
    """Seconds for which nothing needs to move: an old task may be stopping, a new one come to be healthy."""
    settings = turn.planned.settings
    limit = turn.health_limit or settings.health.limit
    if brings_image(tasks):
        limit = max(limit, BRINGING)
    stops = service.stop_seconds if service.stop_seconds is not None else settings.stop_seconds
    return limit + stops + _monitor(settings) + service.delay


def _demand_going_on(turn: Turn) -> Callable[[], None]:
    return lambda: turn.demand_going_on(Step.VERIFY)


def _demand_not_ended(turn: Turn) -> Callable[[], None]:
    """Raises Stopped where the program ends: then it is recovered at the next start."""

    def demand() -> None:
        if turn.ends():
            raise Stopped

    return demand


def _monitor(settings: Settings) -> float:
    """Seconds for which its Swarm watches a new task: as long as it is to settle."""
    return max(1.0, settings.health.settle)


def _demand_at_rest(service: SwarmService, step: Step) -> None:
    if why := at_rest_words(service):
        raise StepFailed(step, f"{why}{f': {service.update_words}' if service.update_words else ''}")


def _unless_changed(call: Callable[[], None]) -> None:
    """A service of another version by now is told by the look that follows."""
    try:
        call()
    except EngineError as error:
        if error.kind is not FailureKind.CONFLICT:
            raise


def _login(turn: Turn, step: Step) -> RegistryLogin | None:
    """The account with which the nodes pull, which its Swarm keeps with the service."""
    reference = turn.planned.reference
    try:
        return turn.console.login(parse_reference(reference).registry) if reference else None
    except VaultError as error:
        raise StepFailed(step, str(error)) from error
