"""recreate-gap: how long nothing answers while a container is replaced, against a bare stop, rename and start.

A client in a program of its own asks every container 50 times a second from beginning to end, and 200 times while it
isn't answered. Both sides replace as many at once, on the same engine, in turn. What is compared is the median over the
containers.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.benchmarks.ground import one_engine
from tests.benchmarks.harness import Benchmark, Bound, Goal, NotMeasured, Sides
from tests.benchmarks.replacing import BARE_FROM, OURS_FROM, KeepingLoop, Rollouts, settled

CONTAINERS = 8
AT_ONCE = 2
TRIES = 3


@contextmanager
def sides() -> Iterator[Sides]:
    """Twice as many running containers: one half in the catalog, the other for the bare loop."""
    with one_engine() as ground:
        fleet = settled([ground], "gap", CONTAINERS, AT_ONCE)
        rollouts, loop = Rollouts(fleet), KeepingLoop(fleet)
        yield Sides(
            lambda: _median_gap(ground.host, OURS_FROM, rollouts.measure),
            lambda: _median_gap(ground.host, BARE_FROM, loop.measure),
        )


def _median_gap(host: str, first_port: int, replace_all: Callable[[], float]) -> float:
    """Milliseconds, over the containers that listen from that port on.

    A client that was kept from asking, as others had the processors, saw nothing of some: all are replaced once more.
    """
    ports = [str(first_port + number) for number in range(CONTAINERS)]
    unseen: list[str] = []
    for _try in range(TRIES):
        gaps = _gaps(host, ports, replace_all)
        unseen = [port for port in ports if not gaps.get(port)]
        if not unseen:
            return statistics.median(gaps.values()) * 1000
    raise NotMeasured(f"no gap was seen at {', '.join(unseen)}: the client asks too seldom, or of nobody")


def _gaps(host: str, ports: Sequence[str], replace_all: Callable[[], float]) -> dict[str, float]:
    """The longest gap of each port in seconds, as a client sees it meanwhile."""
    command = [sys.executable, "-m", "tests.benchmarks.asking_ports", host, *ports]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        if client.stdout is None or client.stdout.readline() != "asking\n":
            raise NotMeasured("the client doesn't ask")
        replace_all()
        told, _ = client.communicate()
    gaps: dict[str, float] = json.loads(told)
    return gaps


BENCHMARK = Benchmark(
    name="recreate-gap",
    unit="ms",
    ours=f"for how long a client isn't answered while a rollout replaces {CONTAINERS} containers, {AT_ONCE} at once",
    alternative="the gap of a bare stop, rename and start with the docker package, as many at once on the same engine",
    goal=Goal(Bound.AT_MOST, 1.5),
    rounds=5,
    setup=sides,
)
