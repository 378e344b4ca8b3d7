"""Faults of published ports: an engine that is killed keeps one for nobody, or somebody takes one in mid-swap.

Either way nothing can be started on it any more, the old container neither. Then the target must be told to need a
person, and once that person has freed the port, trying again must bring it to serve.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tests.campaign_parts import asked
from tests.campaign_parts.checker import RUNS_NEW, RUNS_OLD, Violation
from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.making import played
from tests.campaign_parts.play import Play, Point, Role, go_on, is_stopped
from tests.campaign_parts.world import BRIDGE, OLD, World
from tests.lab.asking import ask
from tests.lab.programs import LabError

SERVES = RUNS_NEW | RUNS_OLD
STRANDED = "stranded"
AROUND = ("STOP:sent", "START:intent", "START:sent", "STOP:intent", "VERIFY:intent")
WITHIN = 0.25
"""Seconds after such a boundary in which the engine is killed."""
FREE_AT = ("STOP:sent", "STOP:outcome", "START:intent")
ROLE = Role(bridge=True, bake=0.3, scene={"timeout": 5.0})


def killed(world: World, point: Point) -> Outcome:
    """The engine is killed where it binds or frees a port, and started again. It may hold the port for a dead one."""
    stage = world.stage(BRIDGE)
    place = point.one_of(AROUND)
    role = replace(ROLE, policy=point.dice.choice(("always", "unless-stopped")))
    with played(world, stage, point, role, change=partial(replace, engine_fell=True, may_end=SERVES)) as play:
        play.place = f"engine killed, at {place}"
        with play.start(stop_at=place) as command:
            if is_stopped(command):
                go_on(command)
                time.sleep(play.dice.uniform(0.0, WITHIN))
                stage.engine.kill()
                stage.engine.start()
            play.ended(command)
        told = play.recover()
        return outcome(play, _freed(play, told, stage.engine.restart))


def stolen(world: World, point: Point) -> Outcome:
    """Between stop and start a container of somebody else takes the port."""
    place = point.one_of(FREE_AT)
    with played(world, world.stage(BRIDGE), point, ROLE, change=partial(replace, may_end=SERVES)) as play:
        play.place = f"the port is taken, at {place}"
        thief = f"thief-{play.scene.container}"
        try:
            with play.start(stop_at=place) as command:
                if is_stopped(command):
                    _steal(play, thief)
                    go_on(command)
                play.ended(command)
            told = play.recover()
            return outcome(play, _freed(play, told, partial(_remove, play, thief)))
        finally:
            _remove(play, thief)


def _freed(play: Play, told: str, free: Callable[[], None]) -> str:
    """Where it is told to need a person for its port, that person frees it and tries again. How it ends then."""
    if told != STRANDED:
        return told
    if not any(word in play.words for word in ("port", str(play.scene.port))):
        play.wrong.append(Violation("the reason is told", f"no word of the port in: {play.words}"))
    play.place += ", and its port isn't free"
    free()
    with play.running("rollout", "retry") as command:
        play.ended(command)
    return play.recover()


def _steal(play: Play, thief: str) -> None:
    bound = {"8080/tcp": [{"HostPort": str(play.scene.port)}]}
    body: dict[str, object] = {"Image": play.stage.images[OLD].tag, "HostConfig": {"PortBindings": bound}}
    made = ask(play.case.engine, "POST", f"/containers/create?name={thief}", body)
    ask(play.case.engine, "POST", f"/containers/{made['Id']}/start")
    assert asked.inspected(play.case.engine, made["Id"]) is not None


def _remove(play: Play, thief: str) -> None:
    try:
        ask(play.case.engine, "DELETE", f"/containers/{thief}?force=1")
    except LabError:
        return  # it is gone, or was never made


FAULTS = (
    Fault("port-leaked", "SIGKILL of the engine as it binds a port", killed, share=0.5),
    Fault("port-stolen", "somebody takes the port in mid-swap", stolen, share=0.3),
)
