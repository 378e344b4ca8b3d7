"""The containers of a swap, one at a time: how a new one is made, started, verified and named, and an old one goes.

Whoever has to do with several, as of an environment with several processes, does these one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from mirror_console.domain.drift import differences
from mirror_console.domain.environment import HOST_NETWORK, HealthTest, RestartPolicy
from mirror_console.domain.health import Judged, ProbeAnswer, Verdict, judge
from mirror_console.domain.image import TAG, Image, parse_reference
from mirror_console.domain.observation import BESIDE, LABEL, Container, Listed
from mirror_console.domain.request import ContainerSpec
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.errors import FailureKind
from mirror_console.operations.companion_scene import about_going
from mirror_console.operations.endings import how_it_ended
from mirror_console.operations.full_disk import with_patience
from mirror_console.operations.given_secrets import given_secrets
from mirror_console.operations.providing import provide
from mirror_console.operations.scene import NEXT, OLDER, PREV, container_labels, is_way_back, told_ill
from mirror_console.operations.steps import remove, rename, set_restart, start, stop
from mirror_console.operations.turn import StepFailed, Turn

NOTHING_MORE: Mapping[Step, Mapping[str, str]] = MappingProxyType({})
LOOK_EVERY = 0.25


def prepare(turn: Turn, image: Image, old: Container | None) -> Container:
    """Make what the new container needs, then the new container beside the old one, not started.

    It has its restart policy from the beginning: whatever that is, an engine that restarts never starts a container
    that was never started.
    """
    provide(turn)
    planned, session = turn.planned, turn.session
    secrets = given_secrets(turn, Step.CREATE)
    # Beside the old one it joins its route when it is well, and not before.
    waits, beside = planned.swap is Swap.BESIDE, turn.of_companion
    more = {BESIDE: "yes"} if beside else {**about_going(turn), **told_ill(turn.lock.about)}
    spec = ContainerSpec(
        planned.container + NEXT,
        _name_of(turn, image),
        planned.settings,
        secrets,
        {**container_labels(planned, turn.rollout_id, old, image.fingerprint), **more},
        planned.settings.restart,
        on_route=not waits,
        # What the image asks is for the one that serves to answer.
        health_check=not beside,
    )
    asked = replace(planned.settings, route=None) if waits else planned.settings
    found: list[Container] = []

    def done() -> str | None:
        new = turn.inspect(spec.name)
        if new is None:
            return "the new container could not be made"
        if new.labels.get(LABEL + "rollout") != turn.rollout_id:
            return f"a container '{spec.name}' is there that this rollout didn't make"
        if new.image_id != image.id:
            return "the engine made it from another image than the planned one"
        wrong = differences(asked, new, image)
        if wrong:
            return f"the engine made it otherwise than asked: {'; '.join(map(str, wrong))}"
        found.append(new)
        return None

    turn.step(Step.CREATE, lambda: session.create(spec), done)
    return found[-1]


def _name_of(turn: Turn, image: Image) -> str:
    """What the new container's image is called, as everybody sees it who lists an engine's containers.

    Repository, version and digest where the engine has exactly this image under them; else its id, as of an image that
    was loaded from a file.
    """
    if turn.planned.reference not in image.digests:
        return image.id
    wanted = parse_reference(turn.planned.reference)
    names = [turn.planned.reference]
    if TAG.fullmatch(image.version):
        names.insert(0, str(replace(wanted, tag=image.version)))
    for name in names:
        found = turn.last_look_at_image(name)
        if found is not None and found.id == image.id:
            return name
    return image.id


# --- the swap itself -------------------------------------------------------------------------------------------------


def disarm_old(turn: Turn, old: Container) -> None:
    """Take the old one's restart policy away where an engine that restarts would bring it back beside the new one.

    With ``unless-stopped`` it doesn't once the container was stopped by a call (measured on Docker 20.10); to change
    the policy of a running container costs an engine as much as to create one.
    """
    if old.restart is RestartPolicy.UNLESS_STOPPED:
        return
    set_restart(turn, Step.DISARM, old.id, RestartPolicy.NO, 0, "old", turn.last_look(old.id))


def stop_old(turn: Turn, old: Container) -> None:
    """Stop the old one, with the time that the settings give it."""
    stop(turn, Step.STOP, old.id, "old", turn.last_look(old.id))


def start_new(turn: Turn, new: Container) -> Container:
    """Start the new one and prove that its ports and networks are there: a started container may lack both."""
    start(turn, Step.START, new.id, "new", turn.last_look(new.id))
    started = turn.last_look(new.id)
    if started is None:
        raise StepFailed(Step.START, "the new container vanished right after its start")
    return started


def arm_new(turn: Turn, new: Container) -> None:
    """Give the new one its restart policy where it was found with another: somebody may have changed it meanwhile."""
    set_restart(turn, Step.ARM, new.id, turn.planned.settings.restart, 0, "new", turn.last_look(new.id))


def verify(turn: Turn, started: Container, *, guarded: bool = True) -> None:
    """Wait until the new one is well, then read back that it runs the planned image. Changes nothing.

    Not `guarded` where the lock was let go already: then nothing is left that would be changed.
    """
    limit = turn.health_limit or turn.planned.settings.health.limit
    until = turn.console.monotonic() + limit

    def well() -> str | None:
        # The look that proved the start is the first one, where nothing has to settle.
        seen = turn.last_look(started.id)
        while True:
            judged = judge_now(turn, started, seen)
            if judged.verdict is Verdict.WELL:
                turn.serves_again()
                return _identity_wrong(turn, started.id, judged)
            if judged.verdict is Verdict.ILL:
                # Where nothing but that it ran could be known, it was taken for serving.
                turn.goes_down_again()
                return judged.words
            if turn.console.monotonic() >= until:
                return f"not well after {limit:g} s: {judged.words}"
            if judged.words != turn.target.words:
                turn.become(TargetState.VERIFYING, judged.words)
            turn.keep()
            turn.demand_going_on(Step.VERIFY)
            turn.console.sleep(LOOK_EVERY)
            seen = turn.inspect(started.id)

    turn.step(Step.VERIFY, lambda: None, well, objects={"new": started.id}, guarded=guarded)


def judge_now(
    turn: Turn, started: Container, seen: Container | None, test: HealthTest | None = None, part: str = "new"
) -> Judged:
    """What a look at a container says of its health. `started` is how it was right after its start.

    By the planned test, unless it is another container, another `part` of the swap, that has its own.
    """
    if seen is None:
        return Judged(Verdict.ILL, f"the {part} container was removed by somebody")
    test = test or turn.planned.settings.health
    probe = answer_of(turn, seen, test) if seen.running else None
    now = turn.console.monotonic()
    since = turn.seen_running.setdefault(started.id, now) if seen.running else now
    judged = judge(test, seen, started, probe, now - since, part)
    if judged.verdict is Verdict.ILL and seen.running and seen.started_at != started.started_at:
        # It runs again, and says nothing any more of why it had ended.
        return replace(judged, words=judged.words + how_it_ended(turn, started, seen))
    return judged


def answer_of(turn: Turn, seen: Container, test: HealthTest) -> ProbeAnswer | None:
    """What a container that runs answers to a test that asks it; None where there is no such test, or no port."""
    if not test.path:
        return None
    bound = next((port.host for port in seen.bound_ports if port.container == test.port), 0)
    host_port = test.port if HOST_NETWORK in seen.networks else bound
    return turn.session.probe(host_port, test.path, timeout=5.0) if host_port else None


def _identity_wrong(turn: Turn, container_id: str, judged: Judged) -> str | None:
    container = turn.last_look(container_id)
    image = (turn.images.get(container.image_id) or turn.image(container.image_id)) if container else None
    if image is None or not turn.planned.is_met_by(image):
        return "what runs is not the planned image"
    if not turn.of_companion:
        turn.become(TargetState.VERIFYING, judged.words, verified_by=judged.words, after_fingerprint=image.fingerprint)
    return None


def commit(turn: Turn, old: Container, new: Container) -> str:
    """Rename the old one away: the commit point. An older way back steps aside first. Returns the way back's id.

    It is empty where somebody has removed the old one meanwhile: the new one is verified, and goes on without.
    That the `new` one is named next is announced, and, where nothing bakes, what ends the turn after that.
    """
    return put_aside(turn, old, {Step.NAME: {"new": new.id}}, ends=not turn.bake and not turn.has_companions)


def put_aside(
    turn: Turn, old: Container, then: Mapping[Step, Mapping[str, str]] = NOTHING_MORE, *, ends: bool = False
) -> str:
    """Rename an old one away, and say what comes `then`. Returns its id, or nothing where it is gone.

    Where the turn `ends` with it, that what is older goes and the lock is let go is said too.
    """
    prev = turn.planned.container + PREV
    named = old.labels.get(LABEL + "prev", "")
    seen = turn.inspect(old.id)
    if seen is None:
        return ""
    # Somebody may have given it a policy since it was stopped: with the engine it would come back beside the new one.
    disarm_old(turn, seen)
    renames = {Step.COMMIT: {"old": old.id}, **then}
    kept_image = {Step.KEEP: {"image": old.image_id}} if ends else {}
    unlocked = {Step.UNLOCK: {"lock": turn.lock_id}} if ends else {}
    kept: Container | Listed | None = turn.look_together(named).get(named)
    if kept is None or kept.name != prev:
        kept = turn.inspect(prev)
    if kept is not None and kept.id != old.id:
        retired = {Step.RETIRE: {"older": kept.id}} if ends else {}
        _shelve(turn, old, kept, {Step.SHELVE: {"older": kept.id}, **renames, **kept_image, **retired, **unlocked})
    else:
        kept = None
        turn.announce({**renames, **kept_image, **unlocked})
    try:
        with_patience(turn, lambda: rename(turn, Step.COMMIT, old.id, prev, "old", seen))
    except StepFailed:
        if turn.inspect(old.id) is not None:
            raise
        # Somebody removed it right now. What comes isn't what was announced: what stepped aside for it comes back.
        turn.give_up()
        if kept is not None:
            rename(turn, Step.SHELVE, kept.id, prev, "older")
        return ""
    return old.id


def _shelve(
    turn: Turn,
    old: Container,
    kept: Container | Listed,
    comes: Mapping[Step, Mapping[str, str]],
    *,
    again: bool = False,
) -> None:
    """Have the way back that was kept so far step aside for the old one. What was left there by a rollout that was cut
    off goes first."""
    older = turn.planned.container + OLDER
    _demand_ours(turn, old, kept)
    turn.announce(comes)
    try:
        with_patience(turn, lambda: rename(turn, Step.SHELVE, kept.id, older, "older", kept))
    except StepFailed as failed:
        leftover = turn.inspect(older)
        if again or failed.kind is not FailureKind.CONFLICT or leftover is None:
            raise
        _demand_ours(turn, old, leftover)
        remove(turn, Step.RETIRE, leftover.id, "older")
        _shelve(turn, old, kept, comes, again=True)


def _demand_ours(turn: Turn, old: Container, found: Container | Listed) -> None:
    if not is_way_back(found, turn.planned, old):
        raise StepFailed(Step.SHELVE, f"a container '{found.name}' is there that isn't ours")


def name_new(turn: Turn, new: Container) -> None:
    """Give the new one the environment's container name."""
    name = turn.planned.container
    with_patience(turn, lambda: rename(turn, Step.NAME, new.id, name, "new", turn.last_look(new.id)))
