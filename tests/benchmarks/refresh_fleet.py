"""refresh-fleet: 200 engines with 10,000 containers, 20 of them dead, until all that live are shown; the idle after.

The engines are simulated, in a process of their own. What is measured is the watch as the window begins it, with a
survey after each change of the catalog as the window makes it, up to the survey in which every living engine's
environments are fresh. The alternative is the same with the dead engines taken out of the catalog.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mirror_console.app import awake_seconds, clock
from mirror_console.domain.ages import Ages
from mirror_console.domain.application import Application, Kind
from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.environment import Environment, HealthTest, Process, Settings
from mirror_console.domain.fleet import Grid
from mirror_console.engine import DockerEngines
from mirror_console.hardening import harden
from mirror_console.jobs import JobEvent, Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.status import Alignments
from mirror_console.operations.watch import Watch
from mirror_console.operations.watching import Watching
from mirror_console.store import Catalog
from mirror_console.vault import MemoryVault
from tests.benchmarks.fleet_server import container_name
from tests.benchmarks.ground import seconds_since
from tests.benchmarks.harness import Benchmark, Bound, Further, Goal, NotMeasured, Sides

ENGINES = 200
CONTAINERS = 10_000
DEAD = 20
EACH = CONTAINERS // ENGINES
TIMEOUT = 10.0
"""Seconds that an engine gets for an answer: what engines get that nobody has changed."""
EVERY = 60.0
"""Seconds between two looks at an engine, as the window has it while it is seen."""
IDLE = 60.0
"""Seconds for which idle is measured: long enough to hold one look at every engine."""
SETTLE = 0.2
"""Seconds that the window waits for more changes before it reads the catalog again."""
LONGEST = 300.0
SURVEYED = frozenset({"applications", "environments", "engines", "releases", "observations"})
"""Collections whose change makes the window read the catalog."""


@contextmanager
def sides() -> Iterator[Sides]:
    """A fleet in another process, and two catalogs: one with all engines, one with those that live."""
    harden()
    folder = Path(tempfile.mkdtemp(prefix="mc-"))
    command = [sys.executable, "-m", "tests.benchmarks.fleet_server", str(folder / "e")]
    numbers = [str(number) for number in (ENGINES, CONTAINERS, DEAD)]
    server = subprocess.Popen([*command, *numbers], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        if server.stdout.readline().strip() != "ready":
            raise NotMeasured("the fleet didn't start")
        with _desk(folder, "all", 0) as everything, _desk(folder, "living", DEAD) as living:
            notes: list[str] = []
            further: dict[str, list[float]] = {}
            first = everything.shown()
            notes.append(
                f"The very first time, when each of the {CONTAINERS} containers is inspected, it took {first:.1f} s."
            )
            yield Sides(everything.shown, living.shown, notes, further, lambda: _idle(everything, notes, further))
    finally:
        if server.stdin is not None:
            server.stdin.close()
        server.wait(30)
        if server.stdout is not None:
            server.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Desk:
    """A console on a catalog, as a window has it."""

    console: Console
    jobs: Jobs
    alignments: Alignments
    living: int
    changed: threading.Event = field(default_factory=threading.Event)
    grid: Grid | None = None
    times: Mapping[str, datetime] = field(default_factory=dict)

    def tell(self, event: JobEvent) -> None:
        """What the window does with what the watch tells."""
        if isinstance(event.body, Watching) and self.grid is not None and event.body.times is not self.times:
            self.times = event.body.times
            self.survey()

    def survey(self) -> Grid:
        """Reckon what changed, as the window does."""
        grid = self.grid = self.alignments.grid(Ages(), self.times)
        return grid

    def shown(self) -> float:
        """Begin to watch, and end once all that live are shown; seconds."""
        with self.watching() as began:
            self.until_shown(began[0])
            return seconds_since(began[1])

    @contextmanager
    def watching(self) -> Iterator[tuple[datetime, float]]:
        """A watch from its beginning; nothing is open before."""
        self.console.engines.renew()
        watch = Watch(self.console, self.jobs, EVERY)
        at, began = self.console.clock(), time.perf_counter()
        job = self.jobs.submit("Watching engines", watch.run)
        try:
            yield at, began
        finally:
            job.cancel()
            if not job.over_within(30.0):
                raise NotMeasured("the watch doesn't end")

    def until_shown(self, since: datetime) -> None:
        """Survey after each change, until every environment of a living engine was seen since."""
        end = time.monotonic() + LONGEST
        wanted = self.living * EACH
        while self.survey_after_change(end):
            grid = self.survey()
            cells = [cell for row in grid.rows for cell in row.cells.values()]
            if sum(cell.observation is not None and cell.observation.at >= since for cell in cells) >= wanted:
                return
        raise NotMeasured("not everything was shown in time")

    def survey_after_change(self, end: float) -> bool:
        """Wait for a change and for what comes with it; False at the end of patience."""
        if not self.changed.wait(max(0.0, end - time.monotonic())):
            return False
        time.sleep(SETTLE)
        self.changed.clear()
        return time.monotonic() < end


def _idle(desk: Desk, notes: list[str], further: dict[str, list[float]]) -> None:
    """Watch on while nothing happens, surveying as the window does; what that costs."""
    with desk.watching() as (at, _began):
        desk.until_shown(at)
        time.sleep(5.0)
        cpu, began = time.process_time(), time.perf_counter()
        while (left := IDLE - seconds_since(began)) > 0:
            if desk.changed.wait(left):
                time.sleep(SETTLE)
                desk.changed.clear()
                desk.survey()
        further["idle CPU"] = [100.0 * (time.process_time() - cpu) / seconds_since(began)]
        notes.append(f"{threading.active_count()} threads, of which one waits for all {desk.living} streams.")
    further["memory"] = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]


@contextmanager
def _desk(folder: Path, name: str, first: int) -> Iterator[Desk]:
    home = folder / name
    home.mkdir(mode=0o700)
    catalog, vault = Catalog.open(home / "catalog.sqlite"), MemoryVault()
    desks: list[Desk] = []

    def tell(event: JobEvent) -> None:
        for desk in desks:
            desk.tell(event)

    jobs = Jobs(tell)
    engines = DockerEngines(vault, clock)
    try:
        _fill(catalog, folder, first)
        console = Console(catalog, engines, vault, clock, awake_seconds, time.sleep, "operator", "desk")
        desk = Desk(console, jobs, Alignments(console), ENGINES - DEAD)
        desks.append(desk)
        catalog.subscribe(desk.alignments.tell)
        catalog.subscribe(lambda changed: desk.changed.set() if changed & SURVEYED else None)
        yield desk
    finally:
        jobs.close()
        engines.close()
        catalog.close()


def _fill(catalog: Catalog, folder: Path, first: int) -> None:
    settings = Settings(health=HealthTest(settle=0.0))
    with catalog.write() as books:
        books.applications.save(
            Application("source", Kind.SOURCE, "Source", "source", repository="registry.test:5000/shop/webshop")
        )
        for place in range(first, ENGINES):
            engine = f"engine-{place:03}"
            address = parse_address(f"unix://{folder / 'e' / engine}.sock")
            books.engines.save(Engine(engine, engine, address, timeout=TIMEOUT, simulated=True))
            for number in range(EACH):
                slug = f"mirror-{place:03}-{number:03}"
                books.applications.save(Application(slug, Kind.MIRROR, slug.title(), slug, source_id="source"))
                process = Process("web", container_name(place, number))
                identity = f"{place * EACH + number:08x}" + "0" * 24
                books.environments.save(Environment(identity, slug, "live", engine, (process,), settings))


BENCHMARK = Benchmark(
    name="refresh-fleet",
    unit="s",
    ours=f"{ENGINES} engines with {CONTAINERS} containers, {DEAD} of them dead, until all that live are shown",
    alternative=f"the same without the {DEAD} dead engines",
    goal=Goal(Bound.AT_MOST, 1.5),
    rounds=5,
    setup=sides,
    further=(
        Further("idle CPU", "% of a core", Goal(Bound.AT_MOST, 2.0)),
        Further("memory", "MB", Goal(Bound.AT_MOST, 400.0)),
    ),
)
