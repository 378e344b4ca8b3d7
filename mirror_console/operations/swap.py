"""Swap: how a new container comes into service, as the first of its environment or in place of an old one.

Everything slow and everything that can be refused comes before the first change to what serves. The old container goes
only after the new one is verified, and its renaming away is the commit point: cut off before it, the old one is put
back; after it, the new one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from mirror_console.domain.companions import companions_of, going_of
from mirror_console.domain.environment import RestartPolicy
from mirror_console.domain.health import Verdict, is_tested
from mirror_console.domain.image import Image, parse_reference
from mirror_console.domain.late import HURTS_FORWARD
from mirror_console.domain.observation import Container, State
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.errors import EngineError, VaultError
from mirror_console.operations import companions
from mirror_console.operations.companion_scene import about_companions
from mirror_console.operations.containers import (
    LOOK_EVERY,
    arm_new,
    commit,
    disarm_old,
    judge_now,
    name_new,
    prepare,
    start_new,
    stop_old,
    verify,
)
from mirror_console.operations.fetch import Arrival, HowFar, Want, known_as, note_brought
from mirror_console.operations.fetching import Fetcher
from mirror_console.operations.last_look import end_well
from mirror_console.operations.late_calls import Kept, outlast
from mirror_console.operations.release_command import run_before
from mirror_console.operations.routing import route_of
from mirror_console.operations.scene import OLDER, about_old, is_way_back
from mirror_console.operations.steps import keep_image, remove
from mirror_console.operations.tool_image import bring_tool
from mirror_console.operations.turn import OutcomeUnknown, StepFailed, Turn
from mirror_console.operations.well_again import ill_before


def create(turn: Turn, fetcher: Fetcher) -> None:
    """Give an environment its first container: pull, lock, create, release command, start, verify, name."""
    turn.become(TargetState.FETCHING)
    image = fetch(turn, fetcher)
    announce_making(turn)
    turn.take_lock(image.id, about_companions(turn))
    demand_as_planned(turn)
    new = _prepared(turn, fetcher, image, None)
    turn.become(TargetState.SWAPPING)
    started = start_new(turn, new)
    turn.become(TargetState.VERIFYING)
    verify(turn, started)
    companions.take_over(turn, started)
    name_new(turn, started)
    companions.settle(turn)
    finish(turn, started)


def recreate(turn: Turn, fetcher: Fetcher) -> None:
    """Replace a container by a new one under the same name and ports. Down between stopping and starting."""
    old, new = make_ready(turn, fetcher)
    turn.become(TargetState.SWAPPING)
    disarm_old(turn, old)
    if old.running:
        # Before it is announced, so that it is kept with that.
        turn.goes_down()
    turn.announce({Step.STOP: {"old": old.id}, Step.START: {"new": new.id}})
    stop_old(turn, old)
    started = start_new(turn, new)
    if not is_tested(turn.planned.settings.health, started):
        turn.serves_again()
    turn.become(TargetState.VERIFYING)
    verify(turn, started)
    companions.take_over(turn, started)
    way_back = commit(turn, old, started)
    name_new(turn, started)
    companions.settle(turn)
    finish(turn, started, old, way_back)


def make_ready(turn: Turn, fetcher: Fetcher) -> tuple[Container, Container]:
    """All that comes before the first change to what serves: the old container, and the new one beside it."""
    turn.become(TargetState.FETCHING)
    old = turn.inspect(turn.planned.before_container_id)
    if old is None:
        raise StepFailed(Step.LOCK, f"the container '{turn.planned.container}' is gone")
    announce_making(turn)
    about = {**about_old(old, turn.planned), **ill_before(turn, old)}
    turn.take_lock(old.image_id, {**about, **about_companions(turn)})
    demand_as_planned(turn)
    image = fetch(turn, fetcher)
    return old, _prepared(turn, fetcher, image, old)


def announce_making(turn: Turn) -> None:
    """Say in one go that the lock is taken and the new container made, where the image is there.

    Neither changes anything that serves. Where the image has to be fetched in between, each is said by itself.
    """
    named = turn.planned.image_id or turn.planned.reference
    if named and turn.last_look_at_image(named) is not None:
        turn.announce({Step.LOCK: {}, Step.CREATE: {}})


def demand_as_planned(turn: Turn) -> None:
    """Look, now that the lock is held, whether what serves is what was planned for.

    Another console may have ended its own rollout between our checks and our lock. Raises StepFailed, with the lock
    given back: what is there then is not ours to put back.
    """
    seen = turn.lock.seen_with_it
    if seen is not None and seen.name == turn.planned.container:
        return
    named = turn.session.inspect(turn.planned.container)
    if (named.id if named else "") == turn.planned.before_container_id:
        return
    turn.release_lock()
    raise StepFailed(Step.LOCK, f"'{turn.planned.container}' is another container now than when it was planned")


# --- before anything changes that serves -----------------------------------------------------------------------------


def fetch(turn: Turn, fetcher: Fetcher) -> Image:
    """Bring the planned image to the engine, unless it is there, and prove that it is the planned one."""
    planned = turn.planned
    for name in dict.fromkeys((planned.image_id, planned.reference or planned.before_image_id)):
        here = turn.last_look_at_image(name) if name else None
        if here is not None and planned.is_met_by(here):
            return here
    for identity in known_as(turn.console, planned.engine_id, planned.after_fingerprint):
        here = turn.last_look_at_image(identity)
        if here is not None and planned.is_met_by(here):
            return here
    asked = planned.reference or planned.after_fingerprint
    if not asked:
        raise StepFailed(Step.PULL, "the planned image is not on the engine, and no digest is known to pull it by")
    try:
        login = turn.console.login(parse_reference(planned.reference).registry) if planned.reference else None
    except VaultError as error:
        raise StepFailed(Step.PULL, str(error)) from error

    want = Want(
        planned.engine_id,
        planned.engine,
        asked,
        planned.after_fingerprint,
        planned.application_id,
        planned.after_title,
    )
    arrivals: list[Arrival] = []
    found: list[Image] = []

    def bring() -> None:
        arrivals.append(fetcher.fetch(want, turn.session, login, told))

    def told(how_far: HowFar) -> None:
        turn.become(TargetState.FETCHING, how_far.words)

    def done() -> str | None:
        name = arrivals[-1].image if arrivals else planned.reference
        image = turn.image(name) if name else None
        if image is None:
            return "the image did not arrive"
        if not planned.is_met_by(image):
            return "the image that arrived is not the planned one"
        found.append(image)
        return None

    turn.step(
        Step.PULL,
        bring,
        done,
        guarded=bool(turn.lock_id),
        words=lambda: arrivals[-1].words if arrivals else "",
    )
    if any(arrival.brought for arrival in arrivals):
        with turn.console.catalog.write() as books:
            note_brought(books, turn.console, planned.engine_id, found[-1], turn.rollout_id)
    return found[-1]


def _prepared(turn: Turn, fetcher: Fetcher, image: Image, old: Container | None) -> Container:
    """The new container, not started, and behind it all that comes before anything is changed that serves."""
    new = prepare(turn, image, old)
    companions.make(turn, image)
    companions.stop_workers(turn)
    run_before(turn, image, partial(bring_tool, turn, fetcher))
    # While a command ran for long, somebody may have pruned what was never started.
    companions.make(turn, image)
    return new if turn.last_look(new.id) is not None else prepare(turn, image, old)


def finish(turn: Turn, started: Container, old: Container | None = None, way_back: str = "") -> None:
    """Bake, retire what is older than the way back, and let the lock go. The target is done."""
    bake(turn, started, companions.watched(turn))
    # It took over for good: what is changed from here on is gone through with, aborted or not.
    turn.past_commit = True
    arm_new(turn, started)
    companions.arm(turn)
    words = turn.target.verified_by + _set_right(turn, started, way_back)
    if turn.bake and turn.breaks_off():
        words = f"{words}; aborted, so that it was not baked to the end"
    if old is not None and not way_back:
        words = f"{words}; there is no way back, as somebody removed the old container"
    words += outlast(turn, HURTS_FORWARD, lambda: _taken_over(turn, started, old))
    words += let_go_of(turn, old, way_back)
    end_well(turn, started, words, way_back)


def _set_right(turn: Turn, started: Container, way_back: str) -> str:
    """Where somebody gave the new ones other names while they were watched, or the ways back a restart policy: undo it.

    With its engine a way back would come back beside the new one. They are well and serve: what can't be set right is
    told, and no reason to put back.
    """

    def disarm(kept_id: str) -> None:
        # Where nothing baked, its renaming was looked at just now.
        kept = (turn.inspect if turn.bake else turn.last_look)(kept_id)
        if kept is not None:
            disarm_old(turn, kept)

    todo = [(partial(name_new, turn, started), "it has another name now")]
    if way_back:
        todo.append((partial(disarm, way_back), "its way back may come back with the engine"))
    if turn.bake and turn.has_companions:
        todo.append((partial(companions.set_right, turn), "not all is as it was"))
    words = ""
    for do, what in todo:
        try:
            do()
        except (StepFailed, OutcomeUnknown, EngineError) as refused:
            words = f"{words}; {what}: {refused}"
    return words


def _taken_over(turn: Turn, started: Container, old: Container | None) -> list[Kept]:
    """How the new containers are to stay, and the old ones out of their way, while late calls are outlasted."""
    route = route_of(turn)
    kept = _served_by(turn, turn.planned, started, old)
    if route is not None and kept:
        kept[0] = replace(kept[0], aliases=(route.alias,))
    for one in companions_of(turn.planned):
        new = turn.inspect(one.container)
        aside = turn.inspect(one.before_container_id) if one.before_container_id else None
        if new is None:
            raise StepFailed(Step.BAKE, f"{one.process}: its new container is gone")
        kept += _served_by(turn, one, new, aside, one)
    for one in going_of(turn.planned):
        if (gone := turn.inspect(one.before_container_id)) is not None:
            kept.append(Kept(gone, "old", one))
    return kept


def _served_by(
    turn: Turn, planned: PlannedTarget, new: Container, old: Container | None, process: PlannedTarget | None = None
) -> list[Kept]:
    seen, aside = turn.inspect(new.id) or new, turn.inspect(old.id) if old is not None else None
    serves = replace(seen, name=planned.container, state=State.RUNNING, restart=planned.settings.restart)
    kept = [Kept(serves, "new", process)]
    if aside is not None:
        left_alone = aside.restart is RestartPolicy.UNLESS_STOPPED
        rests = replace(aside, state=State.EXITED, restart=aside.restart if left_alone else RestartPolicy.NO)
        kept.append(Kept(rests, "old", process))
    return kept


def let_go_of(turn: Turn, old: Container | None, way_back: str) -> str:
    """Keep the image of the way back, retire what is older, and let the lock go. What was left behind, in words.

    The new container has its name: a leftover is said, and never a reason to put back.
    """

    found: list[Container] = []

    def keep() -> None:
        found.extend(_older(turn, old, way_back))
        if old is not None and way_back:
            turn.announce({Step.KEEP: {"image": old.image_id}, **_end(turn, found)})
            keep_image(turn, old.image_id)

    def retire() -> None:
        for older in found:
            turn.announce(_end(turn, found))
            remove(turn, Step.RETIRE, older.id, "older")

    behind, unkept = "something was left behind", "the image of before isn't kept from being pruned"
    words = ""
    for tidy, what in (
        (partial(companions.retire, turn), behind),
        (keep, unkept),
        (retire, behind),
        (turn.release_lock, behind),
    ):
        try:
            tidy()
        except (StepFailed, OutcomeUnknown, EngineError) as left_over:
            words = f"{words}; {what}: {left_over}"
    return words


def _older(turn: Turn, old: Container | None, way_back: str) -> list[Container]:
    """What is there that is older than the way back, and ours: one at most."""
    older = turn.last_look_named(turn.planned.container + OLDER)
    is_ours = older is not None and older.id != way_back and is_way_back(older, turn.planned, old)
    return [older] if older is not None and is_ours else []


def _end(turn: Turn, retired: Iterable[Container]) -> dict[Step, dict[str, str]]:
    """The steps that end a turn."""
    older = next(iter(retired), None)
    goes = {Step.RETIRE: {"older": older.id}} if older is not None else {}
    return {**goes, Step.UNLOCK: {"lock": turn.lock_id}}


def bake(turn: Turn, started: Container, ill: Callable[[], str | None] = lambda: None) -> None:
    """Watch the new one for the bake time: it must stay well. `ill` says what else isn't well by now, if anything."""
    seconds = turn.bake
    if not seconds:
        return
    turn.become(TargetState.BAKING, f"bakes {seconds:g} s")
    until = turn.console.monotonic() + seconds

    def well() -> str | None:
        while turn.console.monotonic() < until and not turn.breaks_off():
            judged = judge_now(turn, started, turn.inspect(started.id))
            if judged.verdict is Verdict.ILL:
                turn.goes_down_again()
                return f"while baking: {judged.words}"
            if other := ill():
                return f"while baking: {other}"
            turn.console.sleep(min(LOOK_EVERY, max(0.0, until - turn.console.monotonic())))
        return None

    turn.step(Step.BAKE, lambda: None, well, objects={"new": started.id})
