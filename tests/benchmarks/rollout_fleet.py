"""rollout-500: 500 small containers on four engines replaced by a rollout, against a bare loop at the same caps.

The bare loop ends with what the rollout ends with, and looks at nothing; it has a pool of threads for each engine.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.ground import several_engines
from tests.benchmarks.harness import Benchmark, Bound, Goal, Sides
from tests.benchmarks.replacing import KeepingLoop, Rollouts, settled

ENGINES = 4
EACH = 125
AT_ONCE = 2
"""An engine, as it is unless it is set otherwise."""


@contextmanager
def sides() -> Iterator[Sides]:
    """Twice as many running containers: one half in the catalog, the other for the bare loop."""
    with several_engines(ENGINES) as grounds:
        fleet = settled(grounds, "fleet", EACH, AT_ONCE)
        rollouts, loop, notes = Rollouts(fleet), KeepingLoop(fleet), list[str]()

        def afterwards() -> None:
            ours, bare = statistics.median(rollouts.cpu[1:]), statistics.median(loop.cpu[1:])
            notes.append(
                f"Of this program's processor time a container takes {ours:.1f} ms, {bare:.1f} ms in the loop."
            )

        yield Sides(rollouts.measure, loop.measure, notes, afterwards=afterwards)


BENCHMARK = Benchmark(
    name="rollout-500",
    unit="a second",
    ours=f"a rollout over {ENGINES * EACH} running containers on {ENGINES} engines, {AT_ONCE} at once on each, with "
    "all its looks, lock and journal",
    alternative="a bare loop with the docker package that creates, stops, renames, starts, renames and removes, as "
    "many at once",
    goal=Goal(Bound.AT_LEAST, 0.9),
    rounds=3,
    setup=sides,
)
