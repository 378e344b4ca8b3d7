"""Swap: how a new container comes into service, as the first of its environment or in place of an old one.

Everything slow and everything that can be refused comes before the first change to what serves. The old container goes
only after the new one is verified, and its renaming away is the commit point: cut off before it, the old one is put
back; after it, the new one goes on.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from mirror_console.domain.drift import differences
from mirror_console.domain.environment import HOST_NETWORK, RestartPolicy
from mirror_console.domain.health import Judged, ProbeAnswer, Verdict, judge
from mirror_console.domain.image import TAG, Image, parse_reference
from mirror_console.domain.observation import LABEL, Container
from mirror_console.domain.plan import Swap
from mirror_console.domain.request import ContainerSpec
from mirror_console.domain.rollout import Step, TargetState
from mirror_console.errors import EngineError, VaultError
from mirror_console.operations.fetch import Arrival, HowFar, Want, known_as, note_brought
from mirror_console.operations.fetching import Fetcher
from mirror_console.operations.full_disk import with_patience
from mirror_console.operations.given_secrets import given_secrets
from mirror_console.operations.last_look import end_well
from mirror_console.operations.release_command import run_before
from mirror_console.operations.scene import NEXT, OLDER, PREV, about_old, container_labels, is_way_back
from mirror_console.operations.steps import remove, rename, set_restart, start, stop
from mirror_console.operations.tool_image import bring_tool
from mirror_console.operations.turn import OutcomeUnknown, StepFailed, Turn

BUILT_IN_NETWORKS = frozenset({"host", "none", "bridge", "default"})
LOOK_EVERY = 0.25


def create(turn: Turn, fetcher: Fetcher) -> None:
    """Give an environment its first container: pull, lock, create, release command, start, verify, name."""
    turn.become(TargetState.FETCHING)
    image = fetch(turn, fetcher)
    turn.take_lock(image.id, {})
    demand_as_planned(turn)
    new = _prepared(turn, fetcher, image, None)
    turn.become(TargetState.SWAPPING)
    started = start_new(turn, new)
    turn.become(TargetState.VERIFYING)
    verify(turn, started)
    name_new(turn, started)
    finish(turn, started)


def recreate(turn: Turn, fetcher: Fetcher) -> None:
    """Replace a container by a new one under the same name and ports. Down between stopping and starting."""
    old, new = make_ready(turn, fetcher)
    turn.become(TargetState.SWAPPING)
    disarm_old(turn, old)
    turn.announce({Step.STOP: {"old": old.id}, Step.START: {"new": new.id}})
    turn.goes_down()
    stop_old(turn, old)
    started = start_new(turn, new)
    turn.serves_again()
    turn.become(TargetState.VERIFYING)
    verify(turn, started)
    way_back = commit(turn, old, started)
    name_new(turn, started)
    finish(turn, started, old, way_back)


def make_ready(turn: Turn, fetcher: Fetcher) -> tuple[Container, Container]:
    """All that comes before the first change to what serves: the old container, and the new one beside it."""
    turn.become(TargetState.FETCHING)
    old = turn.inspect(turn.planned.before_container_id)
    if old is None:
        raise StepFailed(Step.LOCK, f"the container '{turn.planned.container}' is gone")
    turn.take_lock(old.image_id, about_old(old, turn.planned))
    demand_as_planned(turn)
    image = fetch(turn, fetcher)
    return old, _prepared(turn, fetcher, image, old)


def demand_as_planned(turn: Turn) -> None:
    """Look, now that the lock is held, whether what serves is what was planned for.

    Another console may have ended its own rollout between our checks and our lock. Raises StepFailed, with the lock
    given back: what is there then is not ours to put back.
    """
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
    run_before(turn, image, partial(bring_tool, turn, fetcher))
    # While a command ran for long, somebody may have pruned what was never started.
    return new if turn.last_look(new.id) is not None else prepare(turn, image, old)


def prepare(turn: Turn, image: Image, old: Container | None) -> Container:
    """Make what the new container needs, then the new container beside the old one, not started.

    It has its restart policy from the beginning: whatever that is, an engine that restarts never starts a container
    that was never started.
    """
    provide(turn)
    planned, session = turn.planned, turn.session
    secrets = given_secrets(turn, Step.CREATE)
    # Beside the old one it joins its route when it is well, and not before.
    waits = planned.swap is Swap.BESIDE
    spec = ContainerSpec(
        planned.container + NEXT,
        _name_of(turn, image),
        planned.settings,
        secrets,
        container_labels(planned, turn.rollout_id, old, image.fingerprint),
        planned.settings.restart,
        on_route=not waits,
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


def provide(turn: Turn) -> None:
    """Make the networks and named volumes that the settings name and the engine hasn't got."""
    settings, session = turn.planned.settings, turn.session
    route = [settings.route.network] if settings.route is not None and settings.route.by_alias else []
    networks = [name for name in (*settings.networks, *route) if name not in BUILT_IN_NETWORKS]
    volumes = [volume.source for volume in settings.volumes if not volume.source.startswith("/")]
    if not networks and not volumes:
        return

    def missing() -> tuple[list[str], list[str]]:
        there = {network.name for network in session.networks()}
        return [n for n in networks if n not in there], [v for v in volumes if not session.volume_exists(v)]

    if missing() == ([], []):
        return
    labels = {LABEL + "env": turn.planned.environment_id, LABEL + "rollout": turn.rollout_id}

    def act() -> None:
        without_network, without_volume = missing()
        for name in without_network:
            session.create_network(name, labels)
        for name in without_volume:
            session.create_volume(name, labels)

    turn.step(Step.PROVIDE, act, lambda: None if missing() == ([], []) else "networks or volumes could not be made")


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
    """Give the new one its restart policy where it was found without, so that it survives a restart of the engine."""
    wanted = turn.planned.settings.restart
    if wanted is not RestartPolicy.NO:
        set_restart(turn, Step.ARM, new.id, wanted, 0, "new", turn.last_look(new.id))


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
                return _identity_wrong(turn, started.id, judged)
            if judged.verdict is Verdict.ILL:
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


def judge_now(turn: Turn, started: Container, seen: Container | None) -> Judged:
    """What a look at the new container says of its health. `started` is how it was right after its start."""
    if seen is None:
        return Judged(Verdict.ILL, "the new container was removed by somebody")
    test = turn.planned.settings.health
    probe: ProbeAnswer | None = None
    if test.path and seen.running:
        bound = next((port.host for port in seen.bound_ports if port.container == test.port), 0)
        host_port = test.port if HOST_NETWORK in seen.networks else bound
        probe = turn.session.probe(host_port, test.path, timeout=5.0) if host_port else None
    return judge(test, seen, started, probe, turn.console.clock())


def _identity_wrong(turn: Turn, container_id: str, judged: Judged) -> str | None:
    container = turn.last_look(container_id)
    image = (turn.images.get(container.image_id) or turn.image(container.image_id)) if container else None
    if image is None or not turn.planned.is_met_by(image):
        return "what runs is not the planned image"
    turn.become(TargetState.VERIFYING, judged.words, verified_by=judged.words, after_fingerprint=image.fingerprint)
    return None


def commit(turn: Turn, old: Container, new: Container) -> str:
    """Rename the old one away: the commit point. An older way back steps aside first. Returns the way back's id.

    It is empty where somebody has removed the old one meanwhile: the new one is verified, and goes on without.
    That the `new` one is named next is announced.
    """
    planned = turn.planned
    prev, older = planned.container + PREV, planned.container + OLDER
    if turn.inspect(old.id) is None:
        return ""
    renames = {Step.COMMIT: {"old": old.id}, Step.NAME: {"new": new.id}}
    kept = turn.inspect(prev)
    if kept is not None and kept.id != old.id:
        leftover = turn.inspect(older)
        for found in (kept, leftover):
            if found is not None and not is_way_back(found, planned, old):
                raise StepFailed(Step.SHELVE, f"a container '{found.name}' is there that isn't ours")
        if leftover is not None:
            remove(turn, Step.RETIRE, leftover.id, "older")
        turn.announce({Step.SHELVE: {"older": kept.id}, **renames})
        with_patience(turn, lambda: rename(turn, Step.SHELVE, kept.id, older, "older", turn.last_look(kept.id)))
    else:
        turn.announce(renames)
    with_patience(turn, lambda: rename(turn, Step.COMMIT, old.id, prev, "old", turn.last_look(old.id)))
    return old.id


def name_new(turn: Turn, new: Container) -> None:
    """Give the new one the environment's container name."""
    name = turn.planned.container
    with_patience(turn, lambda: rename(turn, Step.NAME, new.id, name, "new", turn.last_look(new.id)))


def finish(turn: Turn, started: Container, old: Container | None = None, way_back: str = "") -> None:
    """Bake, retire what is older than the way back, and let the lock go. The target is done."""
    bake(turn, started)
    words = turn.target.verified_by
    if turn.bake and turn.breaks_off():
        words = f"{words}; aborted, so that it was not baked to the end"
    if old is not None and not way_back:
        words = f"{words}; there is no way back, as somebody removed the old container"
    words += let_go_of(turn, old, way_back)
    end_well(turn, started, words, way_back)


def let_go_of(turn: Turn, old: Container | None, way_back: str) -> str:
    """Retire what is older than the way back, and let the lock go. What was left behind, in words.

    The new container has its name: a leftover is said, and never a reason to put back.
    """

    def retire() -> None:
        _retire_older(turn, old, way_back)

    words = ""
    for tidy in (retire, turn.release_lock):
        try:
            tidy()
        except (StepFailed, OutcomeUnknown, EngineError) as left_over:
            words = f"{words}; something was left behind: {left_over}"
    return words


def _retire_older(turn: Turn, old: Container | None, way_back: str) -> None:
    older = turn.last_look_named(turn.planned.container + OLDER)
    if older is not None and older.id != way_back and is_way_back(older, turn.planned, old):
        turn.announce({Step.RETIRE: {"older": older.id}, Step.UNLOCK: {"lock": turn.lock_id}})
        remove(turn, Step.RETIRE, older.id, "older")


def bake(turn: Turn, started: Container) -> None:
    """Watch the new one for the bake time: it must stay well."""
    seconds = turn.bake
    if not seconds:
        return
    turn.become(TargetState.BAKING, f"bakes {seconds:g} s")
    until = turn.console.monotonic() + seconds

    def well() -> str | None:
        while turn.console.monotonic() < until and not turn.breaks_off():
            judged = judge_now(turn, started, turn.inspect(started.id))
            if judged.verdict is Verdict.ILL:
                return f"while baking: {judged.words}"
            turn.console.sleep(min(LOOK_EVERY, max(0.0, until - turn.console.monotonic())))
        return None

    turn.step(Step.BAKE, lambda: None, well, objects={"new": started.id})
