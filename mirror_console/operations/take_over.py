"""Take over: a person ends the lock of a console that is gone, and what it left in the middle is brought to an end.

Only a lock whose heartbeat stood still for the term may be taken, and only by its id: of several who try, one wins. It
is a rollout of its own in the catalog, with one target: cut off itself, it is recovered like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from mirror_console.domain.application import Application
from mirror_console.domain.engine import Engine
from mirror_console.domain.environment import Environment, Settings
from mirror_console.domain.in_place import EARLIER
from mirror_console.domain.lock import Lock, Pulse, felt
from mirror_console.domain.observation import BESIDE, LABEL, Container, is_ours
from mirror_console.domain.plan import Change, Plan, PlannedTarget, TakenFrom, plan_fingerprint
from mirror_console.domain.process import PlannedProcess, settings_beside
from mirror_console.domain.rollout import Rollout, RolloutState, Target, TargetState
from mirror_console.domain.service_settings import brought
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import REST, Way
from mirror_console.errors import CatalogError, EngineError, InvalidInput, Problem
from mirror_console.jobs import Jobs, Work
from mirror_console.operations.access import reached_now
from mirror_console.operations.companion_scene import GOES
from mirror_console.operations.console import Console, new_id
from mirror_console.operations.fetch import Halting
from mirror_console.operations.heartbeat import Heartbeat
from mirror_console.operations.last_look import look_last
from mirror_console.operations.late_calls import rest
from mirror_console.operations.local_time import local
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.recovering import reconcile
from mirror_console.operations.recovery import end
from mirror_console.operations.running import Running
from mirror_console.operations.scene import NEXT, PREV, labelled_route, lock_name, lock_on, look
from mirror_console.operations.standing import CUT_OFF
from mirror_console.operations.swarm_seen import PREV_IMAGE
from mirror_console.operations.swarm_session import session_of
from mirror_console.operations.taking_turns import settle
from mirror_console.operations.turn import Turn

NOT_TAKEN = "The lock was not taken over."
ALONE = Way(waves=(REST,), bake=0.0, pause_after_canary=False, prefetch=False)


class Found(Enum):
    """What came of watching a lock."""

    NOBODY = auto()
    """Nobody holds it, or not any more."""
    ALIVE = auto()
    """Its heart beats: whoever holds it is at work."""
    STILL = auto()
    """Its heart stood still for the term, as far as was watched: it may be taken over."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A lock that was watched, and what came of it. `pulse` is None where nobody holds it."""

    environment_id: str
    title: str
    """The mirror and its environment."""
    found: Found
    lock: Lock | None = None
    pulse: Pulse | None = None


def watch(
    console: Console,
    environment_id: str,
    report: Callable[[Lock, Pulse], None] = lambda _lock, _pulse: None,
    work: Work | None = None,
) -> Watched:
    """Watch the lock of an environment until its heart has beaten, or stood still for the term. Changes nothing.

    Raises EngineError where the engine can't be asked for as long as that, KeyError, and Stopped.
    """
    place = _place(console, environment_id)
    times, pulse = console.lock_times, None
    silent_since = console.monotonic()
    while True:
        if work is not None:
            work.check()
        at = console.monotonic()
        try:
            held = _session(console, place).inspect(lock_name(place.container))
        except EngineError:
            # Whoever holds it can't reach the engine either: what wasn't seen doesn't count.
            pulse = None
            if at - silent_since >= times.term:
                raise
        else:
            silent_since = at
            if held is None:
                return Watched(environment_id, place.title, Found.NOBODY)
            lock = lock_on(held, place.container)
            pulse = felt(pulse, lock, at, times)
            report(lock, pulse)
            if pulse.moved:
                return Watched(environment_id, place.title, Found.ALIVE, lock, pulse)
            if pulse.stale(times):
                return Watched(environment_id, place.title, Found.STILL, lock, pulse)
        console.sleep(times.look_every)


def standing_words(watched: Watched, now: datetime) -> str:
    """Whose lock it is and what was seen of its holder, in sentences, for whoever decides about it."""
    lock, pulse = watched.lock, watched.pulse
    if lock is None or pulse is None:
        return f"Nobody holds the lock of {watched.title}."
    words = f"{lock.words(now)} of {watched.title} ({lock.details})."
    if watched.found is Found.ALIVE:
        return f"{words} Its heart beats: that console is at work. Wait until its rollout ends."
    return f"{words} Its heartbeat has stood still for {pulse.still:.0f} s, as far as was watched."


def take_over(
    console: Console,
    jobs: Jobs,
    watched: Watched,
    why: str,
    report: Callable[[Rollout], None] = lambda _rollout: None,
    work: Work | None = None,
) -> Rollout:
    """Take a lock over that was found to stand still, and bring the environment to an end; how that came out.

    Raises InvalidInput where it was seen alive, has changed since, or another console was faster; EngineError; Stopped
    where the program ends, which leaves it to be recovered.
    """
    console.demand_write()
    place = _place(console, watched.environment_id)
    session = _session(console, place)
    held = session.inspect(lock_name(place.container))
    if watched.found is not Found.STILL or watched.lock is None or watched.pulse is None:
        raise _refused(standing_words(watched, local(console.clock())))
    if held is None or held.id != watched.lock.id:
        raise _refused("it is another lock now than the one that was watched")
    if held.restart_retries != watched.pulse.beat:
        raise _refused(f"{watched.lock.holder} is at work again: its heart has beaten")
    rollout = _begun(console, session, place, held, watched.lock, why)
    running = Running(console, rollout, report)
    try:
        ended = _carried_out(console, jobs, session, place, held, running, work)
    except Exception:
        # Nobody carries it out any more: it is told as one that was cut off, and recovered like that.
        with suppress(CatalogError):
            running.keep_head(state=RolloutState.INTERRUPTED, paused_because=CUT_OFF)
        raise
    report(ended)
    (target,) = ended.targets
    if target.state is TargetState.FAILED and target.step is Step.LOCK:
        raise _refused(target.words.removeprefix(f"{Step.LOCK}: "))
    return ended


def _carried_out(
    console: Console,
    jobs: Jobs,
    session: EngineSession,
    place: _Place,
    held: Container,
    running: Running,
    work: Work | None,
) -> Rollout:
    rollout = running.rollout
    with Heartbeat(console, jobs, [place.engine.id]) as heart:
        turn = Turn(console, place.engine, session, rollout.id, rollout.targets[0], running.show, heart=heart)
        turn.ends = lambda: work is not None and work.stopped
        turn.halting = lambda: Halting.STOPPING if turn.ends() else Halting.NOT
        settle(turn, lambda turn: _carry_out(turn, held))
        look_last(turn)
    return end(console, rollout.id)


def _carry_out(turn: Turn, held: Container) -> None:
    """Under a lock of our own: let calls that are on their way arrive, read everything anew, and bring it to an end."""
    turn.lock.take(held.image_id, held.labels, instead_of=held.id)
    turn.become(TargetState.CHECKING, f"waits for {turn.grace:.0f} s, as a call of the other console may still arrive")
    rest(turn, turn.grace)
    turn.late_of_others = turn.grace
    reconcile(turn, look(turn.session, turn.planned, turn.rollout_id))


def _refused(words: str) -> InvalidInput:
    return InvalidInput(NOT_TAKEN, [Problem("lock", words.rstrip("."))], "Look again who holds it.")


# --- what there is to be brought to an end ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """An environment, and how its engine is reached."""

    application: Application
    environment: Environment
    engine: Engine

    @property
    def container(self) -> str:
        return self.environment.container

    @property
    def title(self) -> str:
        return f"{self.application.name} {self.environment.name}"


def _place(console: Console, environment_id: str) -> _Place:
    with console.catalog.read() as books:
        environment = books.environments.get(environment_id)
        application = books.applications.get(environment.application_id)
    return _Place(application, environment, reached_now(console, environment.engine_id, application.id))


def _session(console: Console, place: _Place) -> EngineSession:
    return session_of(console.engines.session(place.engine), swarm=place.environment.swarm)


def _begun(console: Console, session: EngineSession, place: _Place, held: Container, lock: Lock, why: str) -> Rollout:
    """The rollout under which it is carried out, kept in the catalog before anything is changed."""
    planned = _planned(session, place, held, lock)
    now = console.clock()
    fingerprint = plan_fingerprint([planned], ALONE)
    plan = Plan(new_id(), now, console.person, place.environment.name, (planned,), (), ALONE, fingerprint)
    because = f"The lock of {lock.holder} was taken over ({lock.details}): {why}"
    target = Target(planned, TargetState.CHECKING, started_at=now)
    rollout = Rollout(
        new_id(), plan, RolloutState.RUNNING, console.person, because, now, (target,), console=console.run
    )
    with console.catalog.write() as books:
        books.rollouts.add(rollout)
    return rollout


def _planned(session: EngineSession, place: _Place, held: Container, lock: Lock) -> PlannedTarget:
    """What the other console was doing, from the labels of its lock and of the container that it made."""
    environment, labels = place.environment, held.labels
    taken = TakenFrom(lock.holder, lock.rollout_id, labels.get(LABEL + "env", ""))
    old = session.inspect(labels[LABEL + "prev"]) if labels.get(LABEL + "prev") else None
    # The same service before and after: its lock says what it ran.
    ran = labels.get(PREV_IMAGE, "") or (old.image_id if old is not None else "")
    image = session.image(ran) if ran else None
    candidates = (session.inspect(place.container + NEXT), session.inspect(place.container))
    new = next(
        (one for one in candidates if one is not None and one.labels.get(LABEL + "rollout") == lock.rollout_id), None
    )
    made = new.labels if new is not None else {}
    settings = replace(environment.settings, restart=new.restart) if new is not None else environment.settings
    # How it was to be replaced is what its console said, whatever is in this catalog.
    settings = replace(settings, route=labelled_route(labels, settings))
    if environment.swarm:
        settings = brought(settings)
    return PlannedTarget(
        environment_id=environment.id,
        process=environment.processes[0].name,
        application_id=place.application.id,
        application=place.application.name,
        environment=environment.name,
        engine_id=place.engine.id,
        engine=place.engine.name,
        container=place.container,
        change=Change.TAKE_OVER,
        swap=Swap.SERVICE if environment.swarm else _swap(labels, settings),
        before_title=image.version if image is not None else "",
        before_fingerprint=image.fingerprint if image is not None else "",
        before_container_id=labels.get(LABEL + "prev", ""),
        before_image_id=ran,
        after_title=made.get(LABEL + "version", ""),
        after_fingerprint=made.get(LABEL + "to", ""),
        reference=new.image_id if new is not None and environment.swarm else "",
        settings=settings,
        engine_at_once=place.engine.at_once,
        taken_from=taken,
        companions=(
            *_companions(session, environment, place.container, lock, taken),
            *_going(session, environment, labels),
        ),
    )


def _companions(
    session: EngineSession, environment: Environment, container: str, lock: Lock, taken: TakenFrom
) -> tuple[PlannedProcess, ...]:
    """The other processes that the other console has begun to replace, from the labels of what it made for them."""
    known = {one.name: one for one in environment.processes[1:]}
    found = []
    for one in session.list_containers():
        labels = one.labels
        process = labels.get(LABEL + "process", "")
        ours = is_ours(labels, taken.environment_id) and labels.get(LABEL + "rollout") == lock.rollout_id
        name = one.name.removesuffix(NEXT)
        if not ours or labels.get(BESIDE) != "yes" or name == container:
            continue
        of_catalog = known.get(process)
        old = session.inspect(labels[LABEL + "prev"]) if labels.get(LABEL + "prev") else None
        settings = settings_beside(environment.settings, of_catalog.command if of_catalog is not None else ())
        new = session.inspect(one.id)
        settings = replace(settings, restart=new.restart) if new is not None else settings
        found.append(
            PlannedProcess(
                process,
                name,
                settings,
                worker=of_catalog is not None and of_catalog.worker,
                before_container_id=labels.get(LABEL + "prev", ""),
                before_image_id=old.image_id if old is not None else "",
            )
        )
    return tuple(sorted(found, key=lambda one: one.name))


def _going(session: EngineSession, environment: Environment, labels: Mapping[str, str]) -> tuple[PlannedProcess, ...]:
    """The processes that the other console has begun to take away, from the labels of its lock."""
    found = []
    for process in sorted(name.removeprefix(GOES) for name in labels if name.startswith(GOES)):
        old = session.inspect(labels.get(f"{LABEL}prev.{process}", ""))
        if old is not None:
            settings = replace(settings_beside(environment.settings, ()), restart=old.restart)
            name = old.name.removesuffix(PREV)
            found.append(PlannedProcess(process, name, settings, False, old.id, old.image_id, goes=True))
    return tuple(found)


def _swap(labels: Mapping[str, str], settings: Settings) -> Swap:
    """How the other console went about it, from the labels of its lock."""
    if EARLIER in labels:
        return Swap.IN_PLACE
    if not labels.get(LABEL + "prev"):
        return Swap.CREATE
    return Swap.BESIDE if settings.route is not None else Swap.RECREATE
