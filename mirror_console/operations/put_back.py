"""Put back: bring an environment back to what it was before a rollout came to it, from wherever the swap is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from mirror_console.domain.companions import companions_of, going_of
from mirror_console.domain.environment import RestartPolicy
from mirror_console.domain.late import HURTS, HURTS_BACK
from mirror_console.domain.observation import LABEL, Container, State
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.errors import OUTCOME_UNKNOWN
from mirror_console.operations.begun_back import begun_back
from mirror_console.operations.companion_scene import scene_of
from mirror_console.operations.in_place import change_back
from mirror_console.operations.late_calls import Kept, outlast
from mirror_console.operations.routing import is_on, join, leave, route_of
from mirror_console.operations.scene import (
    NEXT,
    OLDER,
    PREV,
    Scene,
    is_way_back,
    look,
    old_aliases,
    old_ran,
    old_restart,
    old_was_ill,
)
from mirror_console.operations.steps import be_rid_of, rename, set_restart, start, stop
from mirror_console.operations.swarm_back import roll_service_back
from mirror_console.operations.turn import StepFailed, Turn
from mirror_console.operations.well_again import WellAgain, await_well, look_once, note_started

logger = logging.getLogger(__name__)

SAME = {Swap.IN_PLACE: change_back, Swap.SERVICE: roll_service_back}
"""Where no other container was made, how what was changed of the same one is changed back."""


def put_back(turn: Turn, why: str) -> None:
    """Look, then undo what isn't undone yet.

    Ends the target as *failed* where nothing that serves had been changed, as *put back* where the old container serves
    again, or is as ill as it was before, and as *stranded* where it runs again and isn't well. Raises StepFailed where
    it can't be brought to run, and Stopped where the program ends while its health is waited for.
    """
    scene = look(turn.session, turn.planned, turn.rollout_id)
    if turn.planned.swap in SAME:
        SAME[turn.planned.swap](turn, scene, why)
        return
    labels = recorded(scene)
    if turn.planned.swap is not Swap.CREATE and scene.old is None:
        # Looked for before anything is stopped: the new one may be all that the environment has.
        left = "; the new one is left as it is" if scene.new is not None else ""
        raise StepFailed(Step.START_OLD, f"the old container is gone, so that it can't be put back{left}")
    beside, leaving = companions_of(turn.planned), going_of(turn.planned)
    touched = (
        begun_back(turn)
        or was_touched(turn, scene, labels)
        or any(_is_touched(turn, one) for one in (*beside, *leaving))
    )
    if touched:
        turn.become(TargetState.PUTTING_BACK, why)
    unnamed: StepFailed | None = None
    turn.goes_down_again()
    _quieten_companions(turn, beside)
    if turn.planned.swap is Swap.BESIDE:
        unnamed = _bring_back_beside(turn, scene, labels)
    if scene.new is not None:
        _quieten(turn, scene.new)
        scene = _rid_of_new(turn, scene)
    if turn.planned.swap is Swap.RECREATE:
        unnamed = _bring_old_back(turn, scene, labels)
    unnamed = _bring_companions_back(turn, (*beside, *leaving)) or unnamed
    hurts = HURTS if unnamed is not None else HURTS_BACK
    try:
        if unnamed is None:
            _take_away(turn, beside)
            if scene.new is not None:
                be_rid_of(turn, scene.new.id)
    except StepFailed as left_over:
        # The old container serves again: what is left behind is said, and doesn't make it stranded.
        why = f"{why}. Something was left behind: {left_over}"
        hurts = HURTS
    came = _outlast(turn, scene, hurts, named=unnamed is None)
    if unnamed is not None:
        raise unnamed
    # Once nothing can come late any more that would stop it again.
    found = await_well(turn, scene.old, labels) if scene.old is not None else WellAgain()
    try:
        if turn.lock_id:
            turn.release_lock()
    except StepFailed as left_over:
        came += f". The lock was left behind: {left_over}"
    ended = TargetState.PUT_BACK if touched or came else TargetState.FAILED
    words = f"{why}{came}. {found.words}" if found.words else why + came
    turn.become(TargetState.STRANDED if found.stranded else ended, words, ended_at=turn.console.clock())


def _outlast(turn: Turn, scene: Scene, hurts: Collection[Step], *, named: bool) -> str:
    """Outlast what may come late, once the new container is gone: only what is about the old one does harm then."""

    def kept() -> list[Kept]:
        serving = _as_before(turn, turn.planned, scene, None, named=named)
        several = (*companions_of(turn.planned), *going_of(turn.planned))
        beside = [_as_before(turn, one, scene_of(turn, one), one, named=True) for one in several]
        return [one for one in (serving, *beside) if one is not None]

    def also() -> None:
        look_once(turn, turn.target.planned.before_container_id)
        if scene.old is not None and Step.SHELVE in turn.late.steps:
            _bring_older_back(turn, turn.planned, scene.old)

    return outlast(turn, hurts, kept, also)


def _as_before(
    turn: Turn, planned: PlannedTarget, scene: Scene, process: PlannedTarget | None, *, named: bool
) -> Kept | None:
    """How the old container is to stay: as it was, under the name that it could be given."""
    if scene.old is None:
        return None
    seen = turn.inspect(scene.old.id) or scene.old
    labels = recorded(scene)
    restart = old_restart(labels) or (seen.restart, seen.restart_retries)
    state = State.RUNNING if old_ran(labels) else seen.state
    name = planned.container if named else seen.name
    wanted = replace(seen, name=name, state=state, restart=restart[0], restart_retries=restart[1])
    return Kept(wanted, "old", process, old_aliases(labels))


def _rid_of_new(turn: Turn, scene: Scene) -> Scene:
    """Where a call may come late, it may be its start: gone, it can't take the ports from the old one."""
    if not turn.late.left(turn.console.monotonic()) or scene.new is None:
        return scene
    try:
        be_rid_of(turn, scene.new.id)
    except StepFailed as left_over:
        # It is tried again, and told, once the old one serves.
        logger.info("%s could not be removed yet: %s", scene.new.name, left_over.words)
        return scene
    return replace(scene, new=None)


def _is_touched(turn: Turn, companion: PlannedTarget) -> bool:
    with turn.of(companion):
        scene = scene_of(turn, companion)
        if companion.swap is not Swap.CREATE and scene.old is None:
            # Nobody can bring it back; that it is gone is told where it is tried.
            return scene.new is not None
        return was_touched(turn, scene, recorded(scene))


def _quieten(turn: Turn, new: Container) -> None:
    """Quiet first: it holds the ports that the old one needs.

    Stopped before its policy is taken: an engine refuses to change a container that ends at that moment, as one does
    that ends over and over.
    """
    stop(turn, Step.STOP_NEW, new.id, "new")
    set_restart(turn, Step.STOP_NEW, new.id, RestartPolicy.NO, 0, "new")


def _quieten_companions(turn: Turn, companions: Sequence[PlannedTarget]) -> None:
    """Stop the new companions: what goes works on no data any more, once the old one is to serve again."""
    for one in companions:
        with turn.of(one):
            scene = scene_of(turn, one)
            if scene.new is not None:
                _quieten(turn, scene.new)
                if scene.lock is not None and LABEL + "prev" in scene.lock.labels:
                    # Else it alone tells how the old one was, until that is as it was again.
                    _rid_of_new(turn, scene)


def _bring_companions_back(turn: Turn, companions: Sequence[PlannedTarget]) -> StepFailed | None:
    """Let the old companions run again, as many as can; returned is what kept one of them from it."""
    found: StepFailed | None = None
    for one in companions:
        try:
            with turn.of(one):
                _bring_companion_back(turn, one)
        except StepFailed as failed:
            found = found or failed
    return found


def _bring_companion_back(turn: Turn, companion: PlannedTarget) -> None:
    scene = scene_of(turn, companion)
    if scene.old is None and companion.swap is not Swap.CREATE:
        raise StepFailed(Step.START_OLD, "the old container is gone, so that it can't be put back")
    unnamed = _bring_old_back(turn, scene, recorded(scene))
    if unnamed is not None:
        raise unnamed


def _take_away(turn: Turn, companions: Sequence[PlannedTarget]) -> None:
    for one in companions:
        with turn.of(one):
            new = scene_of(turn, one).new
            if new is not None:
                be_rid_of(turn, new.id)


def recorded(scene: Scene) -> Mapping[str, str]:
    """The labels that tell how the old container was: of the new one, of the lock, or what is told of a pruned one."""
    holder = scene.new or scene.lock
    return holder.labels if holder else scene.told


def was_touched(turn: Turn, scene: Scene, labels: Mapping[str, str]) -> bool:
    """Whether anything that serves was changed."""
    if turn.planned.swap is Swap.CREATE:
        return scene.new is not None and scene.new.started_at is not None
    if scene.old is None:
        return True
    restart = old_restart(labels)
    return (
        _has_requests(turn, scene, labels)
        or scene.old.name != turn.planned.container
        or (old_ran(labels) and not scene.old.running)
        or (restart is not None and scene.old.restart is not restart[0])
    )


def _has_requests(turn: Turn, scene: Scene, labels: Mapping[str, str]) -> bool:
    """Whether a new container that was started beside the old one gets requests, or the old one none any more."""
    if turn.planned.swap is not Swap.BESIDE:
        return False
    route = route_of(turn)
    if route is None:
        # Its proxy follows whatever runs.
        return scene.new is not None and scene.new.started_at is not None
    before = old_aliases(labels)
    return is_on(scene.new, route, [route.alias]) or (bool(before) and not is_on(scene.old, route, before))


def _take_from_route(turn: Turn, scene: Scene) -> None:
    """Now that the old one is on its route, the new one leaves it, and ends what it was asked."""
    route = route_of(turn)
    if scene.new is None or route is None:
        return
    had_requests = is_on(scene.new, route, [route.alias])
    try:
        leave(turn, Step.DISCONNECT_NEW, scene.new, "new")
    except StepFailed as refused:
        # One that ends and is started over and over may have its place again at once. Stopped, it has none.
        logger.info("%s could not be taken from its route: %s", scene.new.name, refused.words)
        return

    def over() -> None:
        turn.console.sleep(route.drain)

    if had_requests and route.drain:
        turn.step(Step.DRAIN, lambda: None, over, objects={"new": scene.new.id})


def _once_more(do: Callable[[], None]) -> None:
    """A call that had no answer, and was seen not to be done for long, is made once more where nothing else serves.

    Only for what may come twice without harm: else a moment's trouble on the way leaves an environment down.
    """
    try:
        do()
    except StepFailed as failed:
        if failed.kind not in OUTCOME_UNKNOWN:
            raise
        do()


def _bring_back_beside(turn: Turn, scene: Scene, labels: Mapping[str, str]) -> StepFailed | None:
    """The old one is well before the new one goes: neither needs what the other holds.

    How it is then is told at the end, once nothing can come late any more.
    """
    unnamed = _bring_old_back(turn, scene, labels)
    if scene.old is not None and scene.new is not None and scene.new.running:
        await_well(turn, scene.old, labels)
    _take_from_route(turn, scene)
    return unnamed


def _bring_old_back(turn: Turn, scene: Scene, labels: Mapping[str, str]) -> StepFailed | None:
    """Let the old one serve again; returned is that it couldn't be named so. Raises StepFailed where it can't serve."""
    old = scene.old
    if old is None:
        return None
    name = turn.planned.container
    unnamed: StepFailed | None = None
    try:
        # Names before starting: cut off in between, names that still say 'committed' would send a recovery forward.
        if scene.new is not None and scene.new.name == name:
            rename(turn, Step.NAME_BACK, scene.new.id, name + NEXT, "new")
        rename(turn, Step.NAME_BACK, old.id, name, "old")
    except StepFailed as failed:
        # Somebody has taken the name: rather does it serve under another than not at all.
        unnamed = failed
    # On its route before it is started, and before the new one leaves: there is always one on it.
    join(turn, Step.CONNECT_OLD, old, old_aliases(labels), "old")
    if old_ran(labels):
        falls = old_was_ill(labels)
        _once_more(lambda: start(turn, Step.START_OLD, old.id, "old", falls=falls))
        note_started(turn, old.id, labels)
    restart = old_restart(labels)
    if restart is not None:
        _once_more(lambda: set_restart(turn, Step.ARM_OLD, old.id, *restart, "old"))
    _bring_older_back(turn, turn.planned, old)
    return unnamed


def _bring_older_back(turn: Turn, planned: PlannedTarget, old: Container) -> None:
    """What had stepped aside for the old one is the way back again."""
    older = turn.session.inspect(planned.container + OLDER)
    ours = older is not None and is_way_back(older, planned, old)
    if older is not None and ours and turn.session.inspect(planned.container + PREV) is None:
        rename(turn, Step.SHELVE, older.id, planned.container + PREV, "older")
