"""Faults of services of a Swarm: the console is killed at a boundary of a step or at any instant; so is its recovery.

Its Swarm goes on meanwhile with what it was told last: half way through an update is where nothing stands still.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

from tests.campaign_parts import services
from tests.campaign_parts.checker import Case
from tests.campaign_parts.fault import Fault, Outcome
from tests.campaign_parts.faults.console import MOST_KILLS
from tests.campaign_parts.inside import FIRST, boundaries
from tests.campaign_parts.making import played
from tests.campaign_parts.play import ARRIVES, Play, Point, Role, go_on, is_stopped
from tests.campaign_parts.services import ServiceCase
from tests.campaign_parts.violation import Violation
from tests.campaign_parts.world import GOOD, MANAGER, OLD, Stage, World
from tests.lab.asking import ask
from tests.lab.swarm import begin_swarm, manages_swarm

SECOND = 1_000_000_000
BYSTANDER = "of-others"
STARTS_WITHIN = 60.0
SCENE = {"swarm": True}
ROLES = (Role(old=None, scene=SCENE), Role(goal="exits-at-once", old=None, scene=SCENE))
REPLICAS = 2
ORDERS = ("stop-first", "start-first")
_uncut, _making = Lock(), Lock()


def _serve(stage: Stage, name: str, order: str = "stop-first") -> None:
    """A service as a stack makes it, once all of its tasks run."""
    way = {"Parallelism": 1, "Order": order, "Monitor": SECOND // 2, "FailureAction": "pause"}
    spec = {
        "Name": name,
        "Labels": {"stack": "shop"},
        "TaskTemplate": {
            "ContainerSpec": {"Image": stage.images[OLD].reference, "StopGracePeriod": 3 * SECOND},
            "RestartPolicy": {"Condition": "any", "Delay": SECOND // 2},
        },
        "Mode": {"Replicated": {"Replicas": REPLICAS}},
        "UpdateConfig": way,
        "RollbackConfig": way,
    }
    ask(stage.engine.socket, "POST", "/services/create", spec)
    until = time.monotonic() + STARTS_WITHIN
    listing = ("service", "ls", "--filter", f"name={name}", "--format", "{{.Name}} {{.Replicas}}")
    while f"{name} {REPLICAS}/{REPLICAS}" not in stage.docker.run(*listing).splitlines():
        assert time.monotonic() < until, f"{name} didn't start"
        time.sleep(0.1)


def _manager(world: World) -> Stage:
    stage = world.stage(MANAGER)
    with _making:
        if not manages_swarm(stage.engine.socket):
            begin_swarm(stage.engine)
            _serve(stage, BYSTANDER)
    return stage


@contextmanager
def _played(world: World, point: Point, role: Role, order: str) -> Iterator[tuple[Play, ServiceCase]]:
    """A play whose service runs already, taken away at the end."""
    stage, made = _manager(world), list[ServiceCase]()

    def serve(case: Case) -> Case:
        _serve(stage, case.container, order)
        before, others = (services.service(stage.docker, name) for name in (case.container, BYSTANDER))
        images = stage.images[OLD], stage.images[role.goal]
        made.append(ServiceCase(stage.docker, case.container, REPLICAS, before, *images, BYSTANDER, others))
        return case

    try:
        with played(world, stage, point, role, change=serve) as play:
            try:
                yield play, made[0]
            finally:
                # Before its containers are taken away: its Swarm would start others.
                _take_away(stage, made[0])
    finally:
        if made and any(name == made[0].name for name in _names(stage)):
            _take_away(stage, made[0])


def _names(stage: Stage) -> list[str]:
    return stage.docker.run("service", "ls", "--format", "{{.Name}}").split()


def _take_away(stage: Stage, case: ServiceCase) -> None:
    if case.name in _names(stage):
        ask(stage.engine.socket, "DELETE", f"/services/{case.name}")
    for name in services.locks(case):
        ask(stage.engine.socket, "DELETE", f"/configs/{name}")
    # Its Swarm takes the containers away by itself, and nobody else may at the same time.
    until = time.monotonic() + STARTS_WITHIN
    while any(name.startswith(f"{case.name}.") for name in stage.docker.names()) and time.monotonic() < until:
        time.sleep(0.1)


@cache
def _whole(world: World, place: int) -> tuple[tuple[str, ...], float]:
    """The boundaries that such a play meets when nothing happens to it, and its seconds from the first to the last."""
    role = ROLES[place]
    with _played(world, Point("uncut service", 0, place), role, ORDERS[0]) as (play, case):
        with play.start() as command:
            play.ended(command)
        met = boundaries(play.record)
        told = play.recover()
        wrong = [*play.wrong, *_judged(play, case, told)]
        assert not wrong, f"without any fault: {told} {wrong}"
        assert told == ("done" if role.goal == GOOD else "put back"), told
        return tuple(name for _, name in met), met[-1][0] - met[0][0]


def _judged(play: Play, case: ServiceCase, told: str) -> list[Violation]:
    deleted = play.case.journal_was_deleted
    return services.judge(case, told, play.program.catalog, journal_was_deleted=deleted)


def killed(world: World, point: Point) -> Outcome:
    """Killed at a boundary, and with the next round of points at any instant from the first boundary on.

    The points go through all boundaries, in an order that the seed gives.
    """
    place, turn = point.number % len(ROLES), point.number // len(ROLES)
    with _uncut:
        met, seconds = _whole(world, place)
    order = list(range(len(met)))
    Point(point.fault, point.seed, -1).dice.shuffle(order)
    at_instant = turn % 2 == 1
    with _played(world, point, ROLES[place], point.dice.choice(ORDERS)) as (play, case):
        after = play.dice.uniform(0.0, seconds * 1.1)
        stop_at = FIRST if at_instant else str(order[turn // 2 % len(met)])
        with play.start(stop_at=stop_at) as command:
            if is_stopped(command):
                if at_instant:
                    go_on(command)
                    time.sleep(after)
                command.send_signal(signal.SIGKILL)
            play.ended(command)
        here = play.met()
        play.place = f"service update to {play.role.goal}, killed at {here[-1] if here else 'nothing'}"
        _note_cut_off(play, case)
        if play.dice.random() < 0.5:
            play.delete_journal()
        told = play.recover(kills=play.dice.randint(0, MOST_KILLS))
        violations = [*play.wrong, *_judged(play, case, told)]
        return Outcome(tuple(violations), f"{play.place} ({play.words})", told)


def _note_cut_off(play: Play, case: ServiceCase) -> None:
    """What the manager shows must have been announced, and nothing may change before a person has chosen."""
    # What was sent to an engine so near was there when it was killed.
    play.grace = ARRIVES - play.scene.stop_seconds
    play.wrong += services.without_intent(case, play.program.catalog)
    if play.dice.random() < 0.5:
        before = services.picture(case)
        with play.running("recover", "list") as command:
            play.ended(command)
        if services.picture(case) != before:
            play.wrong.append(Violation("nothing changes before a person chose", f"{case.name} did"))


FAULTS = (Fault("kill-service", "kill -9 of the console: service update of a Swarm", killed, share=0.5, at_once=5),)
