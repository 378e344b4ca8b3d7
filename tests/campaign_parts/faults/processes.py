"""Faults of environments with several processes: the console is killed at a boundary of a step, of whichever process.

Each has one that serves, a worker, and another worker that its source declares no more, and a release command.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from threading import Lock

from tests.campaign_parts import asked, checker, several
from tests.campaign_parts.checker import Violation
from tests.campaign_parts.fault import Fault, Outcome
from tests.campaign_parts.faults.command import LASTS
from tests.campaign_parts.faults.console import MOST_KILLS
from tests.campaign_parts.inside import BESIDE, boundaries
from tests.campaign_parts.making import played
from tests.campaign_parts.play import Play, Point, Role, is_stopped, kill
from tests.campaign_parts.several import Other, Several
from tests.campaign_parts.world import GOOD, HOST, OLD, World
from tests.lab.asking import ask

SCENE = {"command": LASTS, "several": True}
ROLES = (Role(scene=SCENE), Role(policy="unless-stopped", scene=SCENE), Role(goal="exits-at-once", scene=SCENE))
DISARMED = (
    "DISARM:sent",
    "STOP:intent",
    "STOP:sent",
    "RELEASE:intent",
    "START:intent",
    "VERIFY:intent",
    "COMMIT:intent",
)
"""Where a restart policy was taken from an old container, if not yet from each of them."""
_uncut = Lock()


@contextmanager
def _played(world: World, point: Point, role: Role) -> Iterator[tuple[Play, Several]]:
    """A play of which the other processes run already, taken away at the end."""
    stage, others = world.stage(HOST), list[Other]()

    def run_others(case: checker.Case) -> checker.Case:
        for process, goes in (("worker", False), ("mailer", True)):
            name = f"{case.container}-{process}"
            host = {"RestartPolicy": {"Name": role.policy}, "NetworkMode": "host"}
            body = {"Image": stage.images[OLD].tag, "Cmd": list(BESIDE), "HostConfig": host}
            made = ask(case.engine, "POST", f"/containers/create?name={name}", body)
            ask(case.engine, "POST", f"/containers/{made['Id']}/start")
            seen = asked.inspected(case.engine, made["Id"])
            assert seen is not None
            others.append(Other(process, name, seen, worker=True, goes=goes))
        return replace(case, since=asked.engine_time(case.engine))

    with played(world, stage, point, role, change=run_others) as play:
        case = play.case
        try:
            yield play, Several(case.engine, case.since, case.new_image, others, case.command)
        finally:
            for other in others:
                for name in asked.containers_of(case.engine, other.container):
                    ask(case.engine, "DELETE", f"/containers/{name}?force=1&v=1")


@cache
def _whole(world: World, role_place: int) -> tuple[str, ...]:
    """The boundaries that such a play meets when nothing happens to it."""
    role = ROLES[role_place]
    with _played(world, Point("uncut", 0, role_place), role) as (play, case):
        with play.start() as command:
            play.ended(command)
        met = boundaries(play.record)
        told = play.recover()
        wrong = [*play.judge(told), *several.judge(case, told)]
        assert not wrong, f"without any fault: {told} {wrong}"
        assert told == ("done" if role.goal == GOOD else "put back"), told
        return tuple(name for _, name in met)


def at_boundary(world: World, point: Point) -> Outcome:
    """Killed at a boundary, and recovered, half of the times without the journal; the recovery is killed as well."""
    place = point.number % len(ROLES)
    role = ROLES[place]
    with _uncut:
        met = _whole(world, place)
    order = list(range(len(met)))
    Point(point.fault, point.seed, -1).dice.shuffle(order)
    stop_at = order[point.number // len(ROLES) % len(met)]
    with _played(world, point, role) as (play, case):
        with play.start(stop_at=str(stop_at)) as command:
            if is_stopped(command):
                kill(command)
            play.ended(command)
        play.place = f"several to {role.goal}, killed at {(play.met() or ['nothing'])[-1]}"
        play.wrong += several.without_intent(case, play.program.catalog)
        before = several.pictures(case)
        play.note_cut_off()
        if any(asked.differ(*both) for both in zip(before, several.pictures(case), strict=True)):
            play.wrong.append(Violation("nothing changes before a person chose", "another process did"))
        if play.dice.random() < 0.5:
            play.delete_journal()
        told = play.recover(kills=play.dice.randint(0, MOST_KILLS))
        violations = [*play.judge(told), *several.judge(case, told)]
        return Outcome(tuple(violations), f"{play.place} ({play.words})", told)


def pruned(world: World, point: Point) -> Outcome:
    """Killed once something was stopped; then the lock is pruned, and each second time what was never started too.

    Who recovers it knows how the old ones were by what is left: the new containers, or the journal.
    """
    role = ROLES[point.number % len(ROLES)]
    with _played(world, point, role) as (play, case):
        stop_at = play.dice.choice(DISARMED)
        with play.start(stop_at=stop_at) as command:
            if is_stopped(command):
                kill(command)
            play.ended(command)
        play.place = f"several to {role.goal}, killed at {(play.met() or ['nothing'])[-1]}, and the lock was pruned"
        all_of_it = play.dice.random() < 0.5
        _prune(play, case, all_of_it=all_of_it)
        if not all_of_it and play.dice.random() < 0.5:
            play.delete_journal()
        told = play.recover(kills=play.dice.randint(0, 1))
        violations = [*play.judge(told), *several.judge(case, told)]
        return Outcome(tuple(violations), f"{play.place} ({play.words})", told)


def _prune(play: Play, case: Several, *, all_of_it: bool) -> None:
    """The lock goes, and with `all_of_it` whatever was made for the swap and never started."""
    engine, names = case.engine, (play.scene.container, *(other.container for other in case.others))
    for found in (asked.containers_of(engine, name) for name in names):
        for name, one in found.items():
            never = not one["State"]["Running"] and one["State"]["StartedAt"].startswith("0001")
            if name.startswith("mc-lock.") or (all_of_it and never and name.endswith(".mc-next")):
                ask(engine, "DELETE", f"/containers/{name}")
    for name in play.commands_left() if all_of_it else ():
        seen = asked.inspected(engine, name)
        if seen is not None and not seen["State"]["Running"]:
            ask(engine, "DELETE", f"/containers/{name}")


# One after the other: an engine remembers its last 256 events, and each play of several makes many.
FAULTS = (
    Fault("kill-several", "kill -9 where several processes are replaced", at_boundary, share=0.5),
    Fault("pruned-several", "kill -9 of the console, and somebody prunes its lock", pruned, share=0.3),
)
