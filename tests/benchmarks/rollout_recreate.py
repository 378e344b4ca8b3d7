"""rollout-recreate: 100 small containers replaced on one engine by a rollout, against a bare loop over the same calls.

The bare loop creates a new container beside the old one, stops the old, starts the new and removes the old, as many at
once, and looks at nothing. Ours keeps the old container as the way back and removes the one before it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks.ground import one_engine, seconds_since
from tests.benchmarks.harness import Benchmark, Bound, Goal, Sides
from tests.benchmarks.replacing import BARE_FROM, STOP_SECONDS, Fleet, Rollouts, create, settled

CONTAINERS = 100
AT_ONCE = 2


@contextmanager
def sides() -> Iterator[Sides]:
    """Twice as many running containers: one half in the catalog, the other for the bare loop."""
    with one_engine() as ground:
        fleet = settled([ground], "rollout", CONTAINERS, AT_ONCE)
        yield Sides(Rollouts(fleet).measure, _BareLoop(fleet).measure)


@dataclass(slots=True)
class _BareLoop:
    """The same calls without anything else."""

    fleet: Fleet
    done: int = 0

    def measure(self) -> float:
        """Containers a second of one time round."""
        self.done += 1
        began = time.perf_counter()
        self.fleet.side_by_side(self._replace)
        return self.fleet.containers / seconds_since(began)

    def _replace(self, engine: int, number: int) -> None:
        ground, old = self.fleet.grounds[engine], self.fleet.bare_ids[engine, number]
        new = create(ground, f"bare-{number:03}.{self.done}", BARE_FROM + number, self.fleet.images[self.done % 2])
        ground.bare.stop(old, timeout=STOP_SECONDS)
        ground.bare.start(new)
        ground.bare.remove_container(old)
        self.fleet.bare_ids[engine, number] = new


BENCHMARK = Benchmark(
    name="rollout-recreate",
    unit="a second",
    ours=f"a rollout over {CONTAINERS} running containers on one engine, {AT_ONCE} at once, with lock and journal",
    alternative="a bare loop of create, stop, start and remove with the docker package, as many at once",
    goal=Goal(Bound.AT_LEAST, 0.8),
    rounds=3,
    setup=sides,
)
