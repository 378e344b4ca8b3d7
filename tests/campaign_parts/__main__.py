"""Plays the campaign: ``python -m tests.campaign_parts [--fault NAME…] [--points N] …``, called by tests/campaign."""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.campaign_parts.checker import Violation
from tests.campaign_parts.fault import Fault, Outcome
from tests.campaign_parts.faults import (
    command,
    console,
    container,
    damage,
    engine,
    hostile,
    keeping,
    keyring,
    late,
    others,
    ports,
    processes,
    registry,
    rule,
    services,
    two,
    way,
)
from tests.campaign_parts.log import Log
from tests.campaign_parts.mutant import Mutant
from tests.campaign_parts.mutants import BY_NAME, MUTANTS
from tests.campaign_parts.play import Point
from tests.campaign_parts.soak.soak import Size, soak
from tests.campaign_parts.table import counted, table
from tests.campaign_parts.world import World, opened_world
from tests.lab.programs import LabError

FAULTS: tuple[Fault, ...] = (
    *console.FAULTS,
    *engine.FAULTS,
    *ports.FAULTS,
    *way.FAULTS,
    *rule.FAULTS,
    *late.FAULTS,
    *registry.FAULTS,
    *container.FAULTS,
    *command.FAULTS,
    *processes.FAULTS,
    *services.FAULTS,
    *keeping.FAULTS,
    *damage.FAULTS,
    *keyring.FAULTS,
    *two.FAULTS,
    *others.FAULTS,
    *hostile.FAULTS,
)
POINTS = 20
PLAYABLE = "the point can be played"
"""Not a law: where a point can't be played, something is wrong with the campaign itself."""
MOST_FOR_A_MUTANT = 40
"""Points after which a mutant counts as not caught."""


@dataclass(frozen=True, slots=True)
class Played:
    """One fault, played so many times."""

    fault: Fault
    points: int
    failed: tuple[tuple[Point, Outcome], ...]
    seconds: float
    ends: dict[str, int]

    @property
    def violations(self) -> int:
        """How many laws were found broken, at all points."""
        return sum(len(outcome.violations) for _, outcome in self.failed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 without a violation, or with every mutant caught; 1 else; 2 for a wrong call."""
    options = _parser().parse_args(arguments)
    faults = {fault.name: fault for fault in FAULTS}
    unknown = [name for name in options.fault if name not in faults]
    if unknown:
        print(f"There is no fault {', '.join(unknown)}. There are: {', '.join(faults)}.", file=sys.stderr)
        return 2
    if options.mutant and options.mutant not in BY_NAME:
        print(f"There is no mutant {options.mutant}. There are: {', '.join(BY_NAME)}.", file=sys.stderr)
        return 2
    seed = random.SystemRandom().randrange(100_000) if options.seed is None else options.seed
    chosen = [faults[name] for name in options.fault] or list(FAULTS)
    tell = partial(print, file=sys.stderr, flush=True)
    tell(f"Seed {seed}.")
    try:
        with opened_world() as world:
            if options.soak:
                size = Size(options.soak, options.engines, options.environments)
                return soak(world, size, seed, tell, as_json=options.json)
            if options.mutants:
                mutants = [mutant for mutant in MUTANTS if options.mutant in {"", mutant.name}]
                return _hunt(world, mutants, faults, seed, Log(options.log), as_json=options.json)
            played, log = [], Log(options.log)
            for fault in chosen:
                numbers = [options.point] if options.point is not None else list(range(_count(fault, options.points)))
                points = [Point(fault.name, seed, number, options.mutant) for number in numbers]
                played.append(play_all(world, fault, points, tell, log))
    except LabError as failure:
        print(failure, file=sys.stderr)
        return 1
    _tell_played(played, seed, as_json=options.json)
    return 1 if any(one.failed for one in played) else 0


def _count(fault: Fault, points: int) -> int:
    return max(1, math.ceil(points * fault.share))


def play_all(
    world: World, fault: Fault, points: Sequence[Point], tell: Callable[[str], None], log: Log | None = None
) -> Played:
    """Play a fault at these points, as many at once as it allows; but not those that the log knows of."""
    failed = []
    ends: dict[str, int] = {}
    seconds = 0.0
    with ThreadPoolExecutor(fault.at_once) as pool:
        works = [pool.submit(_logged, world, fault, point, log or Log()) for point in points]
        try:
            for point, work in zip(points, works, strict=True):
                outcome, lasted = work.result()
                seconds += lasted
                ends[outcome.told] = ends.get(outcome.told, 0) + 1
                if outcome.violations:
                    failed.append((point, outcome))
                    tell(_words(point, outcome))
        except KeyboardInterrupt:
            # What is under way is brought to its end, and taken away; the rest isn't begun.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Played(fault, len(points), tuple(failed), seconds, ends)


def _logged(world: World, fault: Fault, point: Point, log: Log) -> tuple[Outcome, float]:
    known = log.known(point)
    if known is not None:
        return known
    began = time.monotonic()
    outcome = _play(world, fault, point)
    lasted = time.monotonic() - began
    log.keep(point, outcome, lasted)
    return outcome, lasted


def _play(world: World, fault: Fault, point: Point) -> Outcome:
    try:
        return fault.play(world, point)
    except Exception:  # noqa: BLE001 - whatever goes wrong at one point is told with how to play it again
        return Outcome((Violation(PLAYABLE, traceback.format_exc()),), "")


def _words(point: Point, outcome: Outcome) -> str:
    laws = "\n".join(f"  {violation}" for violation in outcome.violations)
    return f"{outcome.place or point.fault}:\n{laws}\n  again: {point.replay}"


# --- mutants --------------------------------------------------------------------------------------------------------


def _hunt(
    world: World, mutants: Sequence[Mutant], faults: dict[str, Fault], seed: int, log: Log, *, as_json: bool
) -> int:
    missed = 0
    rows = []
    for mutant in mutants:
        began = time.monotonic()
        points, found = hunt(world, mutant, faults, seed, log)
        missed += found is None
        caught = found.violations[0].law if found else "NOT CAUGHT"
        rows.append((mutant.name, mutant.words, points, caught, time.monotonic() - began))
        if as_json:
            names = ("mutant", "words", "points", "law", "seconds")
            print(json.dumps(dict(zip(names, rows[-1], strict=True)) | {"caught": found is not None}), flush=True)
        else:
            print(f"{mutant.name}: {caught}, after {points} points", file=sys.stderr, flush=True)
    if not as_json:
        shown = [(name, words, count, caught) for name, words, count, caught, _ in rows]
        print(table(("mutant", "what is wrong with it", "points", "the law that caught it"), shown))
        print(f"\n{len(mutants) - missed} of {len(mutants)} mutants were caught. Seed {seed}.")
    return 1 if missed else 0


def hunt(
    world: World, mutant: Mutant, faults: dict[str, Fault], seed: int, log: Log | None = None
) -> tuple[int, Outcome | None]:
    """Play a mutant's faults until a law is broken: how many points that took, and what was found."""
    points = 0
    for number in range(MOST_FOR_A_MUTANT):
        for name in mutant.faults:
            points += 1
            found, _ = _logged(world, faults[name], Point(name, seed, number, mutant.name), log or Log())
            if any(violation.law != PLAYABLE for violation in found.violations):
                return points, found
    return points, None


# --- telling --------------------------------------------------------------------------------------------------------


def _tell_played(played: Sequence[Played], seed: int, *, as_json: bool) -> None:
    if as_json:
        for one in played:
            line = {
                "fault": one.fault.name,
                "words": one.fault.words,
                "points": one.points,
                "violations": one.violations,
                "seconds": round(one.seconds, 1),
                "ends": one.ends,
                "seed": seed,
                "failed": [[point.replay, [str(law) for law in outcome.violations]] for point, outcome in one.failed],
            }
            print(json.dumps(line))
        return
    rows = [
        (
            one.fault.name,
            one.fault.words,
            one.points,
            one.violations,
            f"{one.seconds / one.points:.1f}",
            counted(one.ends),
        )
        for one in played
    ]
    print(table(("fault", "what it is", "points", "violations", "s each", "ends"), rows))
    total, wrong = sum(one.points for one in played), sum(one.violations for one in played)
    print(f"\n{total} points, {wrong} violations. Seed {seed}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests/campaign", description="Faults on real engines, and the laws after each."
    )
    parser.add_argument(
        "--fault", nargs="+", action="extend", default=[], metavar="NAME", help="which; all, unless named"
    )
    parser.add_argument(
        "--points", type=_positive, default=POINTS, metavar="N", help="how many of each (slow ones: less)"
    )
    parser.add_argument("--seed", type=int, metavar="S", help="what chance decides by; else any, and told")
    parser.add_argument("--point", type=int, metavar="N", help="this point alone, as a failure tells it")
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="a line for each point; one that stands there isn't played again"
    )
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="one console for so long instead")
    parser.add_argument("--engines", type=_positive, default=3, metavar="N", help="of a soak")
    parser.add_argument("--environments", type=_positive, default=200, metavar="N", help="of a soak, on all engines")
    parser.add_argument("--mutants", action="store_true", help="play mutants of the program: each must be caught")
    parser.add_argument("--mutant", default="", metavar="NAME", help="play this mutant")
    parser.add_argument("--json", action="store_true", help="a line of JSON each, instead of a table")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    sys.exit(main())
