"""`python -m tests.model --steps 100000`: stories until so many steps of the program were met, or a law is broken."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.campaign_parts.mutants import BY_NAME
from tests.model.story import MET, Story

STORIES_AT_ONCE = 20
"""How many stories are made up from one seed."""
RULES = 12
"""How many things happen in a story at most."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 where every law held; a broken one is raised with its story."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--steps", type=int, default=2_000, help="boundaries of steps to be met (2000)")
    parser.add_argument("--seed", type=int, help="with which the stories begin; chosen by chance where it isn't given")
    parser.add_argument("--shorten", action="store_true", help="shorten a story that breaks a law, which takes a while")
    parser.add_argument("--mutant", choices=sorted(BY_NAME), help="of the program, which should break a law")
    options = parser.parse_args(arguments)
    if options.mutant:
        BY_NAME[options.mutant].make()
    first = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    phases = [Phase.generate, *([Phase.shrink] if options.shorten else [])]
    how = settings(
        max_examples=STORIES_AT_ONCE,
        stateful_step_count=RULES,
        deadline=None,
        phases=phases,
        database=None,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.normal,
    )
    began, number = time.monotonic(), first
    while MET.count < options.steps:
        print(f"Seed {number}: {MET.count} of {options.steps} steps.", file=sys.stderr, flush=True)

        class Seeded(Story):
            pass

        run_state_machine_as_test(seed(number)(Seeded), settings=how)
        number += 1
    took = time.monotonic() - began
    print(
        f"{MET.stories} stories with {MET.rollouts} rollouts met {MET.count} steps in {took:.0f} s: every law held. "
        f"Seeds {first} to {number - 1}."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
