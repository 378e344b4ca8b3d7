"""`python -m tests.model --steps 100000`: stories until so many steps of the program were met, or a law is broken."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.campaign_parts.mutants import BY_NAME
from tests.model.cut import MET
from tests.model.mutants import CAUGHT_BY, MUTANTS
from tests.model.services import ServiceStory
from tests.model.story import Story
from tests.model.waves import WaveStory

STORIES_AT_ONCE = 20
"""How many stories are made up from one seed."""
RULES = 12
"""How many things happen in a story at most."""
KINDS: dict[str, type[RuleBasedStateMachine]] = {"one mirror": Story, "service": ServiceStory, "waves": WaveStory}
"""What stories are of."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 where every law held; a broken one is raised with its story."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--steps", type=int, default=2_000, help="boundaries of steps to be met (2000)")
    parser.add_argument("--of", choices=sorted(KINDS), help="what the stories are of; each in turn where it isn't said")
    parser.add_argument("--seed", type=int, help="with which the stories begin; chosen by chance where it isn't given")
    parser.add_argument("--shorten", action="store_true", help="shorten a story that breaks a law, which takes a while")
    parser.add_argument("--mutant", choices=sorted({*BY_NAME, *MUTANTS}), help="of the program, which breaks a law")
    parser.add_argument("--mutants", action="store_true", help="whether each mutant is caught within the steps")
    options = parser.parse_args(arguments)
    first = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    if options.mutants:
        return _play_mutants(options.steps, first)
    if options.mutant:
        (MUTANTS.get(options.mutant) or BY_NAME[options.mutant].make)()
    phases = [Phase.generate, *([Phase.shrink] if options.shorten else [])]
    how = settings(
        max_examples=STORIES_AT_ONCE,
        stateful_step_count=RULES,
        deadline=None,
        phases=phases,
        database=None,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.normal,
        report_multiple_bugs=False,  # one is enough
    )
    began, number = time.monotonic(), first
    while MET.count < options.steps:
        print(f"Seed {number}: {MET.count} of {options.steps} steps.", file=sys.stderr, flush=True)
        kind = options.of or list(KINDS)[number % len(KINDS)]
        seeded = type("Seeded", (KINDS[kind],), {})
        try:
            run_state_machine_as_test(seed(number)(seeded), settings=how)
        except AssertionError:
            print(f"A law was broken; {MET.count} steps were met.", file=sys.stderr, flush=True)
            raise
        number += 1
    took = time.monotonic() - began
    print(
        f"{MET.stories} stories with {MET.rollouts} rollouts, {MET.rollbacks} of them back, met {MET.count} steps in "
        f"{took:.0f} s: every law held. Seeds {first} to {number - 1}."
    )
    return 0


def _play_mutants(steps: int, first: int) -> int:
    """Each in a process of its own, which it changes. 0 where each was caught."""
    missed = 0
    for name, kind in CAUGHT_BY.items():
        story = ["--mutant", name, "--of", kind, "--steps", str(steps), "--seed", str(first)]
        command = [sys.executable, "-m", "tests.model", *story]
        played = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = played.stderr.splitlines()
        told = [line for line in lines if line.startswith(("AssertionError", "A law was broken"))]
        caught = played.returncode != 0 and len(told) > 1
        missed += not caught
        print(f"{name} ({kind}): {'caught' if caught else 'MISSED'}. {' '.join(told)}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
