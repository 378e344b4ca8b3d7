"""Faults of others: in mid-step somebody renames, removes, stops or restarts our containers, takes a lock or a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.campaign_parts import asked
from tests.campaign_parts.checker import NOT_OURS, RUNS_NEW, RUNS_OLD, Case, Violation
from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.making import played
from tests.campaign_parts.play import Play, Point, Role, go_on, is_stopped
from tests.campaign_parts.world import BRIDGE, GOOD, HOST, OLD, World
from tests.lab.asking import ask
from tests.lab.engine import EngineSpec
from tests.lab.programs import LabError

ANY = RUNS_NEW | RUNS_OLD | NOT_OURS
BEFORE_THE_STOP = ("LOCK:outcome", "PROVIDE:outcome", "CREATE:intent", "CREATE:sent", "DISARM:intent", "STOP:intent")
LATER = ("STOP:sent", "STOP:outcome", "START:intent", "START:sent", "VERIFY:intent", "COMMIT:intent", "COMMIT:sent")
LAST = ("NAME:intent", "NAME:outcome", "BAKE:intent", "KEEP:intent", "RETIRE:intent", "UNLOCK:intent")
ANYWHERE = (*BEFORE_THE_STOP, *LATER, *LAST)
WATCHED = (*BEFORE_THE_STOP, *LATER, *LAST[:3])
"""Where a look still follows at whether the new one is well."""


KEPT = Role(kept=True)


@dataclass(frozen=True, slots=True)
class Meddling:
    """What somebody does while the program stands still at one of these boundaries, and what may come of it."""

    act: Callable[[Play], None]
    at: tuple[str, ...]
    roles: tuple[Role, ...] = (KEPT,)
    engine: EngineSpec = HOST
    change: Callable[[Case], Case] = lambda case: case
    after: Callable[[Play], list[Violation]] = lambda play: []


def _fault(name: str, words: str, meddling: Meddling, share: float = 1.0) -> Fault:
    def play(world: World, point: Point) -> Outcome:
        place = point.one_of(meddling.at)
        stage = world.stage(meddling.engine)
        role = point.dice.choice(meddling.roles)
        with played(world, stage, point, role, change=meddling.change) as playing:
            playing.place = f"{words}, at {place}"
            with playing.start(stop_at=place) as command:
                if is_stopped(command):
                    meddling.act(playing)
                    go_on(command)
                playing.ended(command)
            told = playing.recover()
            playing.wrong += meddling.after(playing)
            return outcome(playing, told)

    return Fault(name, words, play, share=share)


def _ask(play: Play, method: str, path: str, body: dict[str, object] | None = None) -> None:
    try:
        ask(play.case.engine, method, path, body)
    except LabError:
        return  # the container has gone, or is so already: nobody can do that to it then


# --- to our containers ----------------------------------------------------------------------------------------------


def _serving(play: Play) -> str:
    """The id of the container of ours that runs now; nothing's where none does."""
    found = asked.containers_of(play.case.engine, play.scene.container)
    return next((one["Id"] for one in found.values() if one["State"]["Running"]), "nothing")


def _restart(play: Play) -> None:
    _ask(play, "POST", f"/containers/{_serving(play)}/restart?t=1")


def _stop(play: Play) -> None:
    _ask(play, "POST", f"/containers/{_serving(play)}/stop?t=1")


def _remove_new(play: Play) -> None:
    _ask(play, "DELETE", f"/containers/{play.scene.container}.mc-next?force=1")


def _remove_old(play: Play) -> None:
    assert play.case.old is not None
    _ask(play, "DELETE", f"/containers/{play.case.old['Id']}?force=1")


def _rename(play: Play) -> None:
    _ask(play, "POST", f"/containers/{_serving(play)}/rename?name={play.scene.container}.by-hand")


def _prune(play: Play) -> None:
    """What an operator's cron does: all containers that don't run go, the lock among them."""
    for name, one in asked.containers_of(play.case.engine, play.scene.container).items():
        old = play.case.old is not None and one["Id"] == play.case.old["Id"]
        if not one["State"]["Running"] and (not old or play.dice.random() < 0.3):
            _ask(play, "DELETE", f"/containers/{name}")


def _set_policy(play: Play) -> None:
    """One of our containers gets another restart policy: what was to stay down comes back by itself, or the reverse."""
    found = asked.containers_of(play.case.engine, play.scene.container)
    one = found[play.dice.choice(sorted(name for name in found if not name.startswith("mc-lock.")))]
    policy = "no" if one["HostConfig"]["RestartPolicy"]["Name"] == "always" else "always"
    _ask(play, "POST", f"/containers/{one['Id']}/update", {"RestartPolicy": {"Name": policy}})


def _lose_network(play: Play) -> None:
    body: dict[str, object] = {"Container": f"{play.scene.container}.mc-next", "Force": True}
    _ask(play, "POST", "/networks/bridge/disconnect", body)


# --- names, locks and tags ------------------------------------------------------------------------------------------


def _take_name(play: Play) -> None:
    """Somebody renames our container and puts one of their own under its name."""
    name = play.scene.container
    _ask(play, "POST", f"/containers/{name}/rename?name={name}.aside")
    image = play.stage.images[OLD].tag
    body: dict[str, object] = {"Image": image, "HostConfig": {"NetworkMode": "none"}}
    made = ask(play.case.engine, "POST", f"/containers/create?name={name}", body)
    ask(play.case.engine, "POST", f"/containers/{made['Id']}/start")
    seen = asked.inspected(play.case.engine, made["Id"])
    assert seen is not None
    bystanders = {**play.case.bystanders, made["Id"]: seen}
    left = {f"{name}.aside", f"{name}.mc-next", f"{name}.mc-older"}
    play.case = replace(play.case, bystanders=bystanders, may_be_left=frozenset(left))


def _take_lock(play: Play) -> None:
    """Another console takes the lock over, after its person has seen whose it was."""
    name = f"mc-lock.{play.scene.container}"
    _ask(play, "DELETE", f"/containers/{name}")
    labels = {
        "io.mirrorconsole.env": play.scene.identity,
        "io.mirrorconsole.role": "lock",
        "io.mirrorconsole.rollout": "another",
        "io.mirrorconsole.console": "another",
        "io.mirrorconsole.operator": "somebody else",
    }
    made = ask(
        play.case.engine,
        "POST",
        f"/containers/create?name={name}",
        {"Image": play.stage.images[OLD].tag, "Labels": labels},
    )
    seen = asked.inspected(play.case.engine, made["Id"])
    assert seen is not None
    play.case = replace(
        play.case,
        bystanders={**play.case.bystanders, made["Id"]: seen},
        since=asked.engine_time(play.case.engine),
        # Whatever stands aside by then is the other console's to put away.
        may_be_left=frozenset({name, f"{play.scene.container}.mc-next", f"{play.scene.container}.mc-older"}),
    )


def _after_lock(play: Play) -> list[Violation]:
    """Whoever lost the lock stops, renames and removes nothing any more."""
    told = asked.events(play.case.engine, play.case.since)
    names = {play.scene.container, f"{play.scene.container}.mc-next", f"{play.scene.container}.mc-prev"}
    return [
        Violation("who lost the lock changes nothing", f"{event['Action']} of {event['Actor']['Attributes']['name']}")
        for event in told
        if event["Action"] in {"kill", "rename", "destroy"} and event["Actor"]["Attributes"]["name"] in names
    ]


def _move_tag(play: Play) -> None:
    """The tag comes to mean another build, which calls itself by the same version."""
    repository = play.stage.images[GOOD].tag.rpartition(":")[0]
    play.stage.docker.run("tag", play.stage.images["other-build"].id, f"{repository}:2")


def _tag_back(play: Play) -> list[Violation]:
    repository = play.stage.images[GOOD].tag.rpartition(":")[0]
    play.stage.docker.run("tag", play.stage.images[GOOD].id, f"{repository}:2")
    return []


def _any_end(**more: Any) -> Callable[[Case], Case]:
    return lambda case: replace(case, may_end=ANY, **more)


def _by_hand(case: Case) -> Case:
    return replace(case, may_end=ANY, other_name=f"{case.container}.by-hand")


def _gone(case: Case) -> Case:
    """Where nothing is left to be put back, the new container that was made is left to a person."""
    left = frozenset({f"{case.container}.mc-next"})
    return replace(case, may_end=ANY, way_back_may_go=True, old_may_go=True, may_be_left=left)


FAULTS = (
    _fault("restarted", "somebody restarts our container", Meddling(_restart, WATCHED, change=_any_end())),
    _fault("stopped", "somebody stops our container", Meddling(_stop, WATCHED, change=_any_end())),
    _fault(
        "policy-changed",
        "somebody changes a restart policy",
        Meddling(_set_policy, WATCHED, roles=(KEPT, replace(KEPT, goal="exits-at-once"))),
        share=0.5,
    ),
    _fault("renamed", "somebody renames our container", Meddling(_rename, WATCHED, change=_by_hand)),
    _fault("new-removed", "somebody removes the new container", Meddling(_remove_new, ANYWHERE)),
    _fault("old-removed", "somebody removes the old container", Meddling(_remove_old, ANYWHERE, change=_gone)),
    _fault("pruned", "somebody prunes what doesn't run, our lock too", Meddling(_prune, ANYWHERE, change=_gone)),
    _fault(
        "name-taken",
        "somebody puts a container under our name",
        Meddling(_take_name, ("CREATE:sent", "STOP:intent"), change=_any_end(name_is_taken=True)),
        share=0.5,
    ),
    _fault(
        "lock-taken",
        "another console takes the lock over",
        Meddling(_take_lock, (*BEFORE_THE_STOP[2:], "COMMIT:intent"), change=_any_end(), after=_after_lock),
        share=0.5,
    ),
    _fault(
        "network-lost",
        "somebody takes the new container from its network",
        Meddling(_lose_network, ("START:sent",), roles=(Role(bridge=True),), engine=BRIDGE),
        share=0.3,
    ),
    _fault(
        "tag-moved",
        "the tag comes to mean another build",
        Meddling(_move_tag, ("LOCK:outcome", "LOCK:intent", "CREATE:intent"), after=_tag_back),
        share=0.3,
    ),
)
