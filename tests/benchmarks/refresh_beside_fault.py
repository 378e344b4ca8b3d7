"""refresh-beside-fault: how soon a well engine's part of a refresh is kept beside engines that are ill or well.

The well one has 1,000 containers. Those that are ill are reached through proxies, which are a process of their own, as
what they need isn't the console's. One swallows everything, one refuses, one floods, one sends a byte now and then, one
breaks off. The fit ones in their place have no containers.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mirror_console.domain.engine import Engine, parse_address
from mirror_console.operations.refresh import Refreshed, refresh
from tests.benchmarks.ground import ENGINE_ID, Ground, one_engine, seconds_since
from tests.benchmarks.harness import Benchmark, Bound, Goal, NotMeasured, Sides
from tests.benchmarks.refresh_one import put_mirrors
from tests.lab import faults
from tests.lab.proxy import Fault, proxy

FAULTS: dict[str, Fault] = {
    "silent": faults.silent,
    "flooding": faults.at("/containers/json", faults.flooding(200, told=False)),
    "trickling": faults.at("/containers/json", faults.trickling(0.05)),
    "broken": faults.closed_after(0),
}
REFUSING = "refusing"
ILL = (*FAULTS, REFUSING)
FIT = tuple(f"fit-{number}" for number in range(len(ILL)))
WITHOUT_CONTAINERS = faults.at("/containers/json", faults.answering(b"[]"))
TIMEOUT = 2.0
"""Seconds that the ill ones get."""


@contextmanager
def sides() -> Iterator[Sides]:
    """One well engine and the ill ones, all of them in the catalog."""
    with one_engine() as ground:
        put_mirrors(ground)
        folder = ground.docker.engine.folder / "ill"
        with _ill_engines(folder, ground.docker.engine.socket):
            with ground.console.catalog.write() as books:
                for name in (*ILL, *FIT):
                    address = parse_address(f"unix://{folder / name}")
                    books.engines.save(Engine(name, name, address, timeout=TIMEOUT))
            notes: list[str] = []
            yield Sides(lambda: _ours(ground, notes), lambda: _alternative(ground), notes)


def _ours(ground: Ground, notes: list[str]) -> float:
    took, refreshed = _kept_after(ground, ILL)
    if refreshed.answered != ("fast",):
        raise NotMeasured(refreshed.sentence)
    notes[:] = [refreshed.sentence]
    return took


def _alternative(ground: Ground) -> float:
    took, refreshed = _kept_after(ground, FIT)
    if refreshed.failed:
        raise NotMeasured(refreshed.sentence)
    return took


def _kept_after(ground: Ground, others: Sequence[str]) -> tuple[float, Refreshed]:
    """How many seconds after the beginning the well engine's part was kept, and what came of the whole."""
    kept: list[float] = []

    def report(words: str) -> None:
        if words.startswith("fast "):
            kept.append(seconds_since(began))

    began = time.perf_counter()
    refreshed = refresh(ground.console, ground.jobs, [ENGINE_ID, *others], report=report)
    return kept[0], refreshed


@contextmanager
def _ill_engines(folder: Path, engine: Path) -> Iterator[None]:
    """The proxies in a process of their own, which ends with its standard input."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.benchmarks.refresh_beside_fault", str(folder), str(engine)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise NotMeasured("the proxies didn't start")
        try:
            yield
        finally:
            process.communicate()


def _stand(folder: Path, engine: Path) -> None:
    with ExitStack() as standing:
        for name, fault in FAULTS.items():
            before = standing.enter_context(proxy(folder / name, engine))
            standing.enter_context(before.spoiling(fault))
        for name in FIT:
            before = standing.enter_context(proxy(folder / name, engine))
            standing.enter_context(before.spoiling(WITHOUT_CONTAINERS))
        standing.enter_context(standing.enter_context(proxy(folder / REFUSING, engine)).refusing())
        print("ready", flush=True)
        sys.stdin.read()


BENCHMARK = Benchmark(
    name="refresh-beside-fault",
    unit="s",
    ours="how soon 1,000 containers of a well engine are kept, while five others are ill",
    alternative="the same, while those five are well",
    goal=Goal(Bound.AT_MOST, 1.2),
    rounds=15,
    setup=sides,
)

if __name__ == "__main__":
    _stand(Path(sys.argv[1]), Path(sys.argv[2]))
