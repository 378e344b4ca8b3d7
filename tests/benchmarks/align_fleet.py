"""align-10k: 10,000 mirrors × 3 environments after a new release of their source, against reckoning all of it plainly.

The release is in the catalog when the clock starts; measured is from there to the whole grid, with what has to be read
for it. The alternative reads everything and reckons each cell by itself. Each has to come to the same grid. The
containers were made by hand: to compare settings with those that were applied would only cost the alternative more.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mirror_console.domain.ages import Ages
from mirror_console.domain.application import Application, ImageSource, Kind
from mirror_console.domain.engine import Contact, Engine, parse_address
from mirror_console.domain.environment import Environment, HealthTest, Process, Settings
from mirror_console.domain.fleet import Grid
from mirror_console.domain.observation import Health, Observation, State
from mirror_console.domain.release import Release
from mirror_console.operations.console import Console
from mirror_console.operations.status import Alignments
from mirror_console.store import Catalog
from mirror_console.vault import MemoryVault
from tests.benchmarks.harness import Benchmark, Bound, Further, Goal, NotMeasured, Sides
from tests.plain_survey import plain_survey
from tests.ui.conftest import SilentEngines

ENGINES = 200
MIRRORS = 10_000
NAMES = ("test", "staging", "live")
CELLS = MIRRORS * len(NAMES)
EACH = CELLS // ENGINES
RELEASES = 40
"""That each environment of the source has had so far."""
LOOKS = 20
"""Changes of one engine that are measured."""
NOW = datetime(2026, 8, 30, 14, 21, tzinfo=UTC)
AGES = Ages()


@contextmanager
def sides() -> Iterator[Sides]:
    """A catalog with everything in it, and its alignments, reckoned once."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    catalog = Catalog.open(folder / "catalog.sqlite")
    console = Console(
        catalog, SilentEngines(), MemoryVault(), lambda: NOW, time.monotonic, time.sleep, "operator", "workstation"
    )
    try:
        fill(catalog)
        alignments = Alignments(console)
        catalog.subscribe(alignments.tell)
        first = _timed(lambda: alignments.grid(AGES))[0]
        notes = [f"All {CELLS} cells for the first time, with everything read from the catalog: {first:.0f} ms."]
        further: dict[str, list[float]] = {}
        walls: list[float] = []
        cpus: list[float] = []
        released = RELEASES

        def ours() -> float:
            nonlocal released
            _release(catalog, released)
            released += 1
            before = alignments.reckoned
            wall, cpu, grid = _timed(lambda: alignments.grid(AGES))
            if alignments.reckoned - before != CELLS or not all(_all_expect(grid, released - 1)):
                raise NotMeasured("not every cell was reckoned")
            walls.append(wall)
            cpus.append(cpu)
            return wall

        def alternative() -> float:
            wall, _cpu, grid = _timed(lambda: plain_survey(console))
            if grid != alignments.grid(AGES):
                raise NotMeasured("the two don't come to the same")
            return wall

        def afterwards() -> None:
            further["recomputed"] = [statistics.median(walls[1:])]
            notes.append(f"Of processor time that took {statistics.median(cpus[1:]):.0f} ms (median).")
            _one_engine(catalog, alignments, notes, further)

        yield Sides(ours, alternative, notes, further, afterwards)
    finally:
        catalog.close()
        shutil.rmtree(folder)


def _one_engine(catalog: Catalog, alignments: Alignments, notes: list[str], further: dict[str, list[float]]) -> None:
    """What a change of everything on one engine costs."""
    taken = []
    for number in range(LOOKS):
        with catalog.write() as books:
            seen = books.observations.on(f"engine-{number:03}")
            books.observations.save_all([replace(one, health=Health.FAILING) for one in seen])
        before = alignments.reckoned
        taken.append(_timed(lambda: alignments.grid(AGES))[0])
        if alignments.reckoned - before != EACH:
            raise NotMeasured(f"{alignments.reckoned - before} cells were reckoned for the {EACH} of one engine")
    further["one engine"] = [statistics.median(taken)]
    notes.append(f"A change of one engine's {EACH} containers reckons these {EACH} cells and no other.")


def _timed(work: Callable[[], Grid]) -> tuple[float, float, Grid]:
    """Milliseconds by the clock, milliseconds of processor time, and what came of it."""
    began, cpu = time.perf_counter(), time.thread_time()
    grid = work()
    return (time.perf_counter() - began) * 1000, (time.thread_time() - cpu) * 1000, grid


def _all_expect(grid: Grid, number: int) -> Iterator[bool]:
    title = _version(number)
    return (cell.expected_title == title for row in grid.rows for cell in row.cells.values())


def fill(catalog: Catalog) -> None:
    """A source with its releases, and mirrors that all run one of the last three."""
    settings = Settings(variables={"STAGE": "live"}, health=HealthTest(settle=0.0))
    seen = []
    with catalog.write() as books:
        books.applications.save(
            Application("source", Kind.SOURCE, "Webshop", "source", repository="registry.test/shop")
        )
        for number in range(ENGINES):
            engine = Engine(f"engine-{number:03}", f"engine-{number:03}", parse_address(f"unix:///run/{number}.sock"))
            books.engines.save(engine)
            books.engines.save_contact(Contact(engine.id, NOW, True, 0.01, None, "", NOW))
        for name in NAMES:
            books.environments.save(
                Environment(f"source-{name}", "source", name, "engine-000", (Process("web", f"source-{name}"),))
            )
        for number in range(MIRRORS):
            slug = f"mirror-{number:05}"
            rule = ImageSource.MATCHING if number % 3 == 0 else ImageSource.ALWAYS_LIVE
            books.applications.save(
                Application(slug, Kind.MIRROR, slug.title(), slug, source_id="source", image_source=rule)
            )
            for place, name in enumerate(NAMES):
                engine_id = f"engine-{number % ENGINES:03}"
                one = f"{slug}-{name}"
                process = Process("web", one)
                books.environments.save(Environment(one, slug, name, engine_id, (process,), settings))
                seen.append(_seen(one, engine_id, RELEASES - 1 - (number + place) % 3))
        books.observations.save_all(seen)
    for number in range(RELEASES):
        _release(catalog, number)


def _seen(one: str, engine_id: str, number: int) -> Observation:
    return Observation(
        one,
        "web",
        engine_id,
        NOW - timedelta(seconds=40),
        f"{hash(one) & 0xFFFF:064x}",
        one,
        f"registry.test/shop:{_version(number)}",
        f"sha256:{number:064x}",
        _fingerprint(number),
        _version(number),
        state=State.RUNNING,
        health=Health.HEALTHY,
        started_at=NOW - timedelta(days=3),
        running_since=NOW - timedelta(days=3),
    )


def _release(catalog: Catalog, number: int) -> None:
    """Another image in each environment of the source."""
    at = NOW - timedelta(days=400) + timedelta(hours=number)
    with catalog.write() as books:
        for name in NAMES:
            identity = f"{name}-{number}"
            digest = f"sha256:{number + 4096:064x}"
            books.releases.save(
                Release(
                    identity,
                    f"source-{name}",
                    _fingerprint(number),
                    "registry.test/shop",
                    digest,
                    at,
                    at,
                    _version(number),
                )
            )


def _version(number: int) -> str:
    return f"26.{number // 10}.{number % 10}"


def _fingerprint(number: int) -> str:
    return f"fp1:{number:064x}"


BENCHMARK = Benchmark(
    name="align-10k",
    unit="ms",
    ours=f"alignment of {MIRRORS} mirrors × 3 environments after a new release, with all {CELLS} cells reckoned anew",
    alternative="everything is read, and each cell reckoned by itself",
    goal=Goal(Bound.AT_MOST, 0.25),
    rounds=9,
    setup=sides,
    further=(
        Further("recomputed", "ms", Goal(Bound.AT_MOST, 150.0)),
        Further("one engine", "ms", Goal(Bound.AT_MOST, 20.0)),
    ),
)
