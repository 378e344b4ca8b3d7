"""Plays a soak: engines, environments and one console that lives on; a rollout, a nemesis, the laws, and again."""

from __future__ import annotations

import json
import random
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from tests.campaign_parts import asked, checker, noted
from tests.campaign_parts.checker import NOT_OURS, Case, Violation
from tests.campaign_parts.heard import Heard, nanoseconds
from tests.campaign_parts.inside import Orders, Scene
from tests.campaign_parts.making import old_container
from tests.campaign_parts.play import Play, Point, Role
from tests.campaign_parts.soak.living import Living
from tests.campaign_parts.soak.nemesis import ACTS, Ground, counted
from tests.campaign_parts.table import table
from tests.campaign_parts.world import GOOD, OLD, Image, World
from tests.journeys.console import Program
from tests.journeys.starter import ORDERS
from tests.lab.asking import ask
from tests.lab.engine import EngineSpec
from tests.lab.proxy import proxy

GOALS = (GOOD, OLD, GOOD, OLD, "exits-at-once", GOOD, OLD, "never-healthy")
"""The releases in turn: what is wrong with two of them is put back everywhere."""
ROLE = Role(scene={"timeout": 10.0, "limit": 4.0, "stop_seconds": 2})
LONGEST = 600.0
"""Seconds until a rollout counts as hanging."""
WARM = 0.25
"""The share of rollouts after which memory is compared with what it is at the end."""
MOST_GROWTH = 5.0
"""Percent."""
ENDS = "each rollout ends"
OWNED_UP = "something was left behind: the older container"
"""Said where the engine was away as the older way back was to go: the next rollout takes it away."""
NOT_STARTED = "not started"
LEFT_OUT = "already"
"""The end of what isn't in a plan, as it runs the release: the same as of one that turns out to."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large and how long a soak is."""

    minutes: float
    engines: int
    environments: int


@dataclass(frozen=True, slots=True)
class Round:
    """One rollout: what was done meanwhile, what is wrong, and what the console takes afterwards."""

    minute: float
    act: str
    ends: Mapping[str, int]
    wrong: tuple[Violation, ...]
    skipped: tuple[str, ...]
    """Why targets were left as they were, each reason once."""
    unheard: tuple[str, ...]
    """Engines of which it isn't known all that happened: there the laws of order prove nothing."""
    memory: float
    files: int
    threads: int


def soak(world: World, size: Size, seed: int, tell: Callable[[str], None], *, as_json: bool) -> int:
    """The exit code: 0 where no law was broken and the console hasn't grown."""
    dice = random.Random(f"{seed} soak")  # noqa: S311 - no secret
    rounds: list[Round] = []
    began = time.monotonic()
    with _grounds(world, size, seed) as grounds, _living(world, grounds) as (program, order):
        while time.monotonic() - began < size.minutes * 60:
            goal = GOALS[len(rounds) % len(GOALS)]
            one = _round(world, grounds, program, order, goal, dice, (time.monotonic() - began) / 60)
            rounds.append(one)
            ends = ", ".join(f"{count} {end}" for end, count in one.ends.items())
            took = f"{one.memory:.1f} MB, {one.files} files, {one.threads} threads"
            tell(f"{one.minute:5.1f} min  {goal}, {one.act}: {ends}; {took}; {len(one.wrong)} violations")
            for words in (*one.skipped, *one.wrong, *(f"not all was heard of {name}" for name in one.unheard)):
                tell(f"  {words}")
    return _tell(rounds, size, seed, as_json=as_json)


# --- one rollout ----------------------------------------------------------------------------------------------------


def _round(
    world: World,
    grounds: Sequence[Ground],
    program: Program,
    order: Callable[[Mapping[str, str]], dict[str, Any]],
    goal: str,
    dice: random.Random,
    minute: float,
) -> Round:
    for ground in grounds:
        image = ground.stage.images[goal]
        for name, play in ground.plays.items():
            ground.plays[name] = replace(play, case=_case(play, image))
        ground.heard.forget(_since(ground))
    ground, act = dice.choice(grounds), dice.choice(ACTS)
    first = grounds[0].stage.images[goal]
    wanted = {"release": goal, "reference": first.reference, "fingerprint": first.fingerprint, "version": first.version}
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(order, wanted)
        time.sleep(dice.uniform(1.0, 6.0))
        act.do(ground, dice)
        told = answer.result(LONGEST)
    heard = {ground.name: ground.heard.told(_since(ground)) for ground in grounds}
    wrong = [*_judged(grounds, told, heard), *noted.chain(program.catalog), *noted.audited(program.catalog)]
    ends = [end for end, _ in told.get("ends", {}).values()]
    return Round(
        minute,
        act.name,
        {end: ends.count(end) for end in dict.fromkeys(ends)},
        tuple(wrong),
        tuple(dict.fromkeys([*told.get("refused", "").splitlines()[:1], *_skipped(told)])),
        tuple(name for name, all_of_it in heard.items() if all_of_it is None),
        told["memory"],
        int(told["files"]),
        int(told["threads"]),
    )


def _skipped(told: Mapping[str, Any]) -> list[str]:
    return [words for end, words in told.get("ends", {}).values() if end == "skipped"]


def _case(play: Play, image: Image) -> Case:
    """What is to be judged from here on."""
    engine = play.stage.engine.socket
    case = Case(
        engine,
        play.scene.container,
        play.case.address,
        play.role.policy,
        asked.inspected(engine, play.scene.container),
        image.id,
        (),
        asked.engine_time(engine),
        play.stage.bystanders,
        play.scene.variables,
    )
    runs_it = case.old is not None and case.old["Image"] == image.id
    left = {f"{case.container}.mc-older"} & asked.containers_of(engine, case.container).keys()
    # Who runs it already is left as it is: then its way back is that of another rollout.
    return replace(case, way_back_may_go=runs_it, may_be_left=frozenset(left))


def _judged(
    grounds: Sequence[Ground], told: Mapping[str, Any], heard: Mapping[str, Sequence[Mapping[str, Any]] | None]
) -> Iterator[Violation]:
    # What was refused before it began, as its engine just fell, has changed nothing.
    otherwise = NOT_STARTED if "refused" in told else LEFT_OUT
    if told.get("unfinished"):
        yield Violation(ENDS, str(told))
    for ground in grounds:
        happened = heard[ground.name]
        for name, play in ground.plays.items():
            end, words = told.get("ends", {}).get(name, (otherwise, told.get("refused", "")))
            mine = None if happened is None else _of(play.case, happened)
            case = replace(play.case, started_by_others=happened is None, heard=mine)
            if OWNED_UP in words:
                case = replace(case, may_be_left=case.may_be_left | {f"{name}.mc-older"})
            for violation in checker.judge(case, end):
                yield Violation(violation.law, f"{name} on {ground.name}, '{end}' ({words}): {violation.words}")
            if end in NOT_OURS:
                _make_anew(play)


def _since(ground: Ground) -> str:
    return min((play.case.since for play in ground.plays.values()), key=nanoseconds)


def _of(case: Case, happened: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What happened since it is judged."""
    since = nanoseconds(case.since)
    return [event for event in happened if event["timeNano"] >= since]


def _make_anew(play: Play) -> None:
    """Where a person is needed: here it is one who begins from the beginning. What it has in its volume stays."""
    for one in asked.containers_of(play.case.engine, play.scene.container).values():
        ask(play.case.engine, "DELETE", f"/containers/{one['Id']}?force=1")
    old_container(play.stage, play.role, play.scene)


# --- what is there --------------------------------------------------------------------------------------------------


@contextmanager
def _grounds(world: World, size: Size, seed: int) -> Iterator[list[Ground]]:
    """Engines, each with its share of environments that run the old release."""
    grounds = []
    with ExitStack() as open_:
        for place in range(1, size.engines + 1):
            stage = world.stage(EngineSpec(f"soak-{place}", bridge=False))
            way = open_.enter_context(proxy(world.folder / f"soak-{place}", stage.engine.socket))
            grounds.append(Ground(f"soak-{place}", stage, way, open_.enter_context(Heard(stage.engine.socket))))
        for number in range(size.environments):
            ground = grounds[number % len(grounds)]
            play = _made(world, ground, Point("soak", seed, number))
            ground.plays[play.scene.container] = play
        yield grounds


def _made(world: World, ground: Ground, point: Point) -> Play:
    port, stage = world.port(), ground.stage
    image = stage.images[OLD]
    scene = Scene(
        str(world.folder / "soak"),
        ground.name,
        f"p{port}",
        port,
        image.reference,
        image.fingerprint,
        image.version,
        ROLE.policy,
        **ROLE.scene,
    )
    old = old_container(stage, ROLE, scene)
    address = (stage.engine.host, port)
    case = Case(stage.engine.socket, scene.container, address, ROLE.policy, old, image.id, (), "", {}, {})
    return Play(world, stage, point, ROLE, scene, world.program(world.folder / "soak"), case, point.dice)


@contextmanager
def _living(
    world: World, grounds: Sequence[Ground]
) -> Iterator[tuple[Program, Callable[[Mapping[str, str]], dict[str, Any]]]]:
    """The console, and how it is told to roll out."""
    home = world.folder / "soak"
    home.mkdir(mode=0o700)
    place = world.folder / "soak.sock"
    engines = {ground.name: ground.way.address for ground in grounds}
    environments = [(ground.name, asdict(play.scene)) for ground in grounds for play in ground.plays.values()]
    program = world.program(home)
    orders = Orders(gone=True, soak=asdict(Living(str(place), engines, environments))).text()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen(1)
        listener.settimeout(60.0)
        with program.but(keyring={ORDERS: orders}).running("status") as command:
            line, _ = listener.accept()
            with line, line.makefile("rw", encoding="utf-8") as told:

                def order(wanted: Mapping[str, str]) -> dict[str, Any]:
                    told.write(json.dumps(wanted) + "\n")
                    told.flush()
                    answer = told.readline()
                    if not answer:
                        raise AssertionError(f"the console ended: {command.end()}")
                    return dict(json.loads(answer))

                yield program, order
            line.close()
            command.end()


# --- telling --------------------------------------------------------------------------------------------------------


def _tell(rounds: Sequence[Round], size: Size, seed: int, *, as_json: bool) -> int:
    wrong = sum(len(one.wrong) for one in rounds)
    warm = rounds[int(len(rounds) * WARM) :]
    part = max(1, len(warm) // 4)
    before, after = (statistics.median(one.memory for one in some) for some in (warm[:part], warm[-part:]))
    growth = 100 * (after / before - 1)
    ends: dict[str, int] = {}
    for one in rounds:
        for end, count in one.ends.items():
            ends[end] = ends.get(end, 0) + count
    figures = {
        "minutes": round(size.minutes, 1),
        "engines": size.engines,
        "environments": size.environments,
        "rollouts": len(rounds),
        "violations": wrong,
        "engines of which not all was heard": sum(len(one.unheard) for one in rounds),
        "memory after warm-up, MB": round(before, 1),
        "memory at the end, MB": round(after, 1),
        "growth, %": round(growth, 1),
        "open files": f"{warm[0].files}–{max(one.files for one in warm)}, {warm[-1].files} at the end",
        "threads": f"{warm[0].threads}–{max(one.threads for one in warm)}, {warm[-1].threads} at the end",
        "ends": ", ".join(f"{count} {end}" for end, count in ends.items()),
        "what was done": ", ".join(f"{n} {name}" for name, n in counted([one.act for one in rounds]).items()),
    }
    if as_json:
        print(json.dumps(figures | {"seed": seed}, ensure_ascii=False))
    else:
        print(table(("what", "figure"), list(figures.items())))
        print(f"\nSeed {seed}.")
    return 1 if wrong or growth > MOST_GROWTH else 0
