"""A stop rule and a console that is killed: what failed before counts for whoever goes on; nothing more is begun."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from threading import Lock
from types import MappingProxyType
from typing import Any

from tests.campaign_parts import asked, noted
from tests.campaign_parts.checker import Violation
from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.inside import Scene
from tests.campaign_parts.making import old_container, played
from tests.campaign_parts.play import CONTINUE, Play, Point, Role, is_stopped
from tests.campaign_parts.world import HOST, OLD, Stage, World
from tests.lab.asking import ask

FELLOWS = 3
"""Mirrors beside the one of a play: all of them get an image that isn't well."""
MAY_FAIL = 1
START = (
    *("rollout", "start", "-e", "live", "--all", "--way", "test environment", "--why", "campaign"),
    *("--yes", str(FELLOWS + 1), "--waves", "rest", "--at-once", "1", "--max-failed", str(MAY_FAIL), "--bake", "0.2"),
)
LAW = "nothing is begun once the stop rule has tripped"
_uncut = Lock()


def killed(world: World, point: Point) -> Outcome:
    """Killed at any boundary from the second target's first one on, recovered, and killed again while it is."""
    with _uncut:
        first, count = _whole(world)
    with _played(world, point) as play:
        place = play.dice.randrange(first, count)
        with play.running(*START, stop_at=str(place)) as command:
            if is_stopped(command):
                command.send_signal(signal.SIGKILL)
            play.ended(command)
        met = play.met()
        play.place = f"killed at {met[-1] if met else 'nothing'}, when {len(_begun(play))} were begun"
        play.note_cut_off()
        return _ended(play, play.recover(kills=play.dice.randint(0, 1), choice=CONTINUE))


@cache
def _whole(world: World) -> tuple[int, int]:
    """Which boundary is the first of the second target where nothing happens, and how many there are."""
    with _played(world, Point("uncut rule", 0, 0)) as play:
        with play.running(*START) as command:
            play.ended(command)
        met = play.met()
        wrong = _ended(play, play.recover()).violations
        assert not wrong, f"without any fault: {wrong}"
        assert len(_begun(play)) == MAY_FAIL + 1, _begun(play)
    return met.index(met[0], 1), len(met)


def _ended(play: Play, told: str) -> Outcome:
    """Judge it: the fellows too, of which the checker knows nothing."""
    begun = _begun(play)
    if len(begun) > MAY_FAIL + 1:
        play.wrong.append(Violation(LAW, f"{MAY_FAIL} may fail, all do, and {len(begun)} were begun: {begun}"))
    ((state, because),) = noted.rows(play.program.catalog, "SELECT state, paused_because FROM rollout")
    if state != "paused" or not because.startswith("Stop rule: "):
        play.wrong.append(Violation("the stop rule says that it has tripped", f"{state}: {because}"))
    for name, _ in play.scene.fellows:
        found = asked.inspected(play.case.engine, name)
        if found is None or not found["State"]["Running"] or found["Config"]["Labels"].get("was") != "there":
            play.wrong.append(Violation("what fails is put back", f"the container of before doesn't run as '{name}'"))
    return outcome(play, told)


def _begun(play: Play) -> list[str]:
    """The mirrors whose lock was ever taken, by the engine alone: none is begun without."""
    made = {
        event["Actor"]["Attributes"].get("name", "")
        for event in asked.events(play.case.engine, play.case.since)
        if event["Action"] == "create"
    }
    names = [play.scene.container, *(name for name, _ in play.scene.fellows)]
    return [name for name in names if f"mc-lock.{name}" in made]


@contextmanager
def _played(
    world: World, point: Point, goal: str = "exits-at-once", scene: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[Play]:
    stage = world.stage(HOST)
    fellows = [(f"p{port}", port) for port in (world.port() for _ in range(FELLOWS))]
    role = Role(goal=goal, scene={"fellows": fellows, **scene})
    with _running(stage, role, fellows), played(world, stage, point, role) as play:
        yield play


@contextmanager
def _running(stage: Stage, role: Role, fellows: Sequence[tuple[str, int]]) -> Iterator[None]:
    """The fellows' containers of before, taken away at the end with all that was made of them."""
    socket = stage.engine.socket
    try:
        for name, port in fellows:
            old_container(stage, role, Scene("", "", name, port, "", "", "", role.policy), {"was": "there"})
        yield
    finally:
        for name, _ in fellows:
            for left in asked.containers_of(socket, name):
                ask(socket, "DELETE", f"/containers/{left}?force=1&v=1")
            ask(socket, "DELETE", f"/volumes/{name}-media?force=1")


# --- a rule that rolls back ------------------------------------------------------------------------------------------

BACK = (*START, "--on-failure", "leave", "--on-trip", "roll back the rollout")
ILL = {"limit": 1.0}
KEPT, ACTED = "TRIP:kept", "TRIP:acted"


def killed_at_rollback(world: World, point: Point) -> Outcome:
    """Killed around the instant at which the rule acts, or in its rollback; what is due then, a person begins."""
    with _uncut:
        met = _whole_rollback(world)
    with _played(world, point, "never-healthy", ILL) as play:
        trip = met.index(KEPT)
        places = (
            str(trip),
            str(trip + 1),
            str(play.dice.randrange(trip + 2, len(met))),
            str(play.dice.randrange(trip)),
        )
        with play.running(*BACK, stop_at=point.one_of(places)) as command:
            if is_stopped(command):
                command.send_signal(signal.SIGKILL)
            play.ended(command)
        seen = play.met()
        play.place = f"killed at {seen[-1] if seen else 'nothing'}"
        # In a rollback the new container is the old one, of which the checker knows nothing.
        play.note_cut_off(intents=ACTED not in seen)
        told = play.recover(choice=CONTINUE)
        if _came(play) == ["due"]:
            play.place += ", begun by a person"
            count = noted.rows(play.program.catalog, "SELECT count(*) FROM target WHERE state = 'left'")[0][0]
            begun = ("rollout", "rollback", "--all", "--why", "campaign", "--yes", str(count))
            with play.running(*begun) as command:
                play.ended(command)
            told = play.recover(choice=CONTINUE)
        return _went_back(play, told)


@cache
def _whole_rollback(world: World) -> tuple[str, ...]:
    """The boundaries that such a rollout and its rollback meet where nothing happens."""
    with _played(world, Point("uncut rollback", 0, 0), "never-healthy", ILL) as play:
        with play.running(*BACK) as command:
            play.ended(command)
        met = play.met()
        wrong = _went_back(play, play.recover()).violations
        assert not wrong, f"without any fault: {wrong} {play.said}"
    return tuple(met)


def _came(play: Play) -> list[str]:
    """What came of the times that the rule has tripped, as the catalog has it of the rollout that isn't a rollback."""
    question = "SELECT trips FROM rollout ORDER BY started_at"
    return [trip["came"] for trip in json.loads(noted.rows(play.program.catalog, question)[0][0])]


def _went_back(play: Play, told: str) -> Outcome:
    """Each mirror runs its image of before, by one rollback and no more, and nothing is left on the engine."""
    states = [state for (state,) in noted.rows(play.program.catalog, "SELECT state FROM rollout ORDER BY started_at")]
    if states != ["stopped", "completed"]:
        play.wrong.append(Violation("one trip, one rollback", f"the rollouts are {states}"))
    if _came(play) != ["begun"]:
        play.wrong.append(Violation("one trip, one rollback", f"of the trips it is kept: {_came(play)}"))
    if len(begun := _begun(play)) > MAY_FAIL + 1:
        play.wrong.append(Violation(LAW, f"{MAY_FAIL} may fail, all do, and {len(begun)} were begun: {begun}"))
    before = play.stage.images[OLD].id
    for name in (play.scene.container, *(name for name, _ in play.scene.fellows)):
        found = asked.containers_of(play.case.engine, name)
        serving = found.get(name)
        if serving is None or not serving["State"]["Running"] or serving["Image"] != before:
            play.wrong.append(Violation("what failed is rolled back", f"'{name}' doesn't run its image of before"))
        left = set(found) - {name, f"{name}.mc-prev"}
        play.wrong += [Violation("nothing is left over", one) for one in left]
    return Outcome(tuple(play.wrong), play.place, told)


FAULTS = (
    Fault("rule-killed", "kill -9 after a failure that a stop rule counts", killed, share=0.5),
    Fault("rule-back-killed", "kill -9 around a stop rule's rollback", killed_at_rollback, share=0.5),
)
