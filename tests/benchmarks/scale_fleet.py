"""scale-2000: one rollout over 2,000 targets in the open window, against one over a tenth of them on the same engines.

The engines are simulated, in a process of their own. Each target must cost as much among many as among few. Beside that
count what the program takes while it only waits, the journal, and how long the window's event loop stood still.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

# Before anything imports Qt: it reads this once.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QElapsedTimer, QEventLoop, Qt, QTimer

from mirror_console.app import awake_seconds, clock
from mirror_console.domain.application import Application, Kind
from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.environment import Environment, HealthTest, Process, Settings
from mirror_console.domain.release import Release
from mirror_console.domain.release_command import NO_COMMAND
from mirror_console.domain.rollout import Rollout, TargetState
from mirror_console.domain.way import REST, WaveSize, Way
from mirror_console.engine import DockerEngines
from mirror_console.hardening import harden
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.starting import start
from mirror_console.settings import Preferences
from mirror_console.store import Catalog
from mirror_console.ui.context import UiContext
from mirror_console.ui.desktop import application
from mirror_console.ui.rollout.page import RolloutsPage
from mirror_console.ui.signals import Signals
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.window import MainWindow
from mirror_console.vault import MemoryVault
from tests.benchmarks.fleet_server import IMAGE, container_name
from tests.benchmarks.ground import seconds_since
from tests.benchmarks.harness import Benchmark, Bound, Further, Goal, NotMeasured, Sides

ENGINES = 20
TARGETS = 2_000
EACH = TARGETS // ENGINES
FEW = TARGETS // 10
RELEASES = 12
"""Each rollout brings another one, so that every target has something to do."""
CANARY = AT_ONCE = 8
"""As many as it is unless it is set otherwise."""
IDLE = 20.0
"""Seconds for which the program only waits: the first targets bake, and all others are queued."""
FRAME = 16
"""Milliseconds between two pictures of a screen."""
SOURCE = "source-live"
LONGEST = 1_800.0


@dataclass(slots=True)
class Desk:
    """A console with its window open on the rollouts, and how it rolls out."""

    console: Console
    jobs: Jobs
    window: MainWindow
    page: RolloutsPage
    catalog: Path
    mirrors: Sequence[str]
    releases: Sequence[Release]
    brought: int = 0
    gaps: list[float] = field(default_factory=list)
    """Milliseconds between two turns of the event loop, one for each picture that could have been drawn."""

    def roll_out(self, mirrors: Sequence[str]) -> float:
        """Milliseconds for each target, from the plan's start to the end of the last one."""
        rollout = self._started(mirrors, bake=0.0)
        began = time.perf_counter()
        ended = self.until_ended(rollout)
        took = seconds_since(began)
        done = ended.count(TargetState.DONE)
        if done != len(mirrors):
            raise NotMeasured(f"{done} of {len(mirrors)} targets are done: {ended.state} {ended.paused_because}")
        return took * 1000 / len(mirrors)

    def until_ended(self, rollout: Rollout) -> Rollout:
        """Carry it out as the window does, and turn the event loop until it is over."""
        ended: list[Rollout] = []
        loop = QEventLoop()

        def over(told: Rollout) -> None:
            ended.append(told)
            loop.quit()

        self.page.runs.ended.connect(over)
        QTimer.singleShot(int(LONGEST * 1000), loop.quit)
        with self._watched_frames():
            self.window.open_page("rollouts", {"rollout_id": rollout.id})
            self.page.runs.carry_out(rollout)
            loop.exec()
        self.page.runs.ended.disconnect(over)
        if not ended:
            raise NotMeasured("the rollout doesn't end")
        return ended[-1]

    def idle(self) -> float:
        """Percent of a core while the first targets bake, and nothing else is to be done."""
        rollout = self._started(self.mirrors, bake=IDLE * 3)
        loop = QEventLoop()
        used: list[float] = []

        def begin() -> None:
            cpu, began = time.process_time(), time.perf_counter()

            def end() -> None:
                used.append(100.0 * (time.process_time() - cpu) / seconds_since(began))
                self.page.runs.abort(rollout)

            QTimer.singleShot(int(IDLE * 1000), end)

        def look(told: Rollout) -> None:
            if not waiting and told.count(TargetState.BAKING) == CANARY:
                waiting.append(True)
                # What came before is still being drawn.
                QTimer.singleShot(3000, begin)

        waiting: list[bool] = []
        self.page.runs.changed.connect(look)
        self.page.runs.ended.connect(lambda _told: loop.quit())
        QTimer.singleShot(int(LONGEST * 1000), loop.quit)
        self.page.runs.carry_out(rollout)
        loop.exec()
        return used[0]

    def _started(self, mirrors: Sequence[str], bake: float) -> Rollout:
        self.brought += 1
        release = self.releases[self.brought % len(self.releases)]
        with self.console.catalog.write() as books:
            books.releases.save(replace(release, current_since=self.console.clock()))
        way = Way(waves=(WaveSize(count=CANARY), REST), at_once=AT_ONCE, bake=bake, pause_after_canary=False)
        made = plan(self.console, "live", mirrors, way)
        if len(made.targets) != len(mirrors):
            raise NotMeasured(f"{len(made.targets)} targets are planned, not {len(mirrors)}")
        checked = preflight(self.console, self.jobs, made)
        return start(self.console, made, checked, "a benchmark", len(made.targets))

    @contextmanager
    def _watched_frames(self) -> Iterator[None]:
        """Note how long it takes from one turn of the event loop to the next."""
        timer, since = QTimer(), QElapsedTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.setInterval(FRAME)

        def note() -> None:
            self.gaps.append(since.nsecsElapsed() / 1e6)
            since.restart()

        timer.timeout.connect(note)
        since.start()
        timer.start()
        try:
            yield
        finally:
            timer.stop()


@contextmanager
def sides() -> Iterator[Sides]:
    """A fleet in another process, and a window on a catalog that knows all of it."""
    harden()
    folder = Path(tempfile.mkdtemp(prefix="mc-"))
    command = [sys.executable, "-m", "tests.benchmarks.fleet_server", str(folder / "e")]
    numbers = [str(number) for number in (ENGINES, TARGETS, 0, RELEASES)]
    server = subprocess.Popen([*command, *numbers], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        if server.stdout.readline().strip() != "ready":
            raise NotMeasured("the fleet didn't start")
        with _desk(folder) as desk:
            notes: list[str] = []
            further: dict[str, list[float]] = {}

            def ours() -> float:
                before = _journal(desk)
                desk.gaps.clear()
                each = desk.roll_out(desk.mirrors)
                further.setdefault("journal", []).append(_journal(desk) - before)
                _note_gaps(desk, notes, further)
                return each

            def afterwards() -> None:
                further["idle CPU"] = [desk.idle()]
                size = desk.catalog.stat().st_size / 1e6
                notes.append(f"The whole catalog has {size:.0f} MB after {desk.brought} rollouts.")

            yield Sides(ours, lambda: desk.roll_out(desk.mirrors[:FEW]), notes, further, afterwards)
    finally:
        if server.stdin is not None:
            server.stdin.close()
        server.wait(60)
        if server.stdout is not None:
            server.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


def _note_gaps(desk: Desk, notes: list[str], further: dict[str, list[float]]) -> None:
    """One late picture in a thousand nobody sees; one that is late for long everybody does."""
    ranked = sorted(desk.gaps)
    late = sum(gap > 2 * FRAME + 1 for gap in ranked) / len(ranked)
    further.setdefault("longest gap", []).append(ranked[-1])
    notes.append(
        f"Of {len(ranked)} turns of the event loop the median came after {ranked[len(ranked) // 2]:.1f} ms, 99 of 100 "
        f"within {ranked[int(len(ranked) * 0.99)]:.1f} ms; {100 * late:.1f} % missed a picture at 60 Hz."
    )


def _journal(desk: Desk) -> float:
    """Megabytes that the journals of all rollouts take."""
    with closing(sqlite3.connect(f"file:{desk.catalog}?mode=ro", uri=True)) as connection:
        (octets,) = connection.execute("SELECT coalesce(sum(length(entry) + length(hash)), 0) FROM journal").fetchone()
    return float(octets) / 1e6


@contextmanager
def _desk(folder: Path) -> Iterator[Desk]:
    home = folder / "home"
    home.mkdir(mode=0o700)
    place = home / "catalog.sqlite"
    catalog, vault, signals = Catalog.open(place), MemoryVault(), Signals()
    jobs, engines, qt = Jobs(signals.report_job), DockerEngines(vault, clock), application()
    console = Console(catalog, engines, vault, clock, awake_seconds, time.sleep, "operator", "desk")
    unsubscribe = catalog.subscribe(signals.report_catalog)
    try:
        mirrors = _fill(catalog, folder)
        refresh(console, jobs)
        preferences = Preferences()
        theme = ThemeService(qt, preferences.theme, preferences.density)
        context = UiContext(console, jobs, preferences, theme, signals)
        window = MainWindow(context)
        window.resize(1400, 1000)
        window.show()
        window.start()
        page = window.pages["rollouts"]
        assert isinstance(page, RolloutsPage)
        yield Desk(console, jobs, window, page, place, mirrors, _releases(console))
        window.fleet.stop()
        window.deleteLater()
    finally:
        unsubscribe()
        signals.close()
        jobs.close()
        engines.close()
        catalog.close()


def _fill(catalog: Catalog, folder: Path) -> list[str]:
    """Engines, and mirrors whose environments run the first release. The mirrors' identities, engine by engine."""
    settings, mirrors = Settings(health=HealthTest(settle=0.0), stop_seconds=1), []
    with catalog.write() as books:
        books.applications.save(
            Application(
                "source",
                Kind.SOURCE,
                "Source",
                "source",
                repository=f"registry.test:5000/{IMAGE}",
                release_command=NO_COMMAND,
            )
        )
        for place in range(ENGINES):
            name = f"engine-{place:03}"
            address = parse_address(f"unix://{folder / 'e' / name}.sock")
            books.engines.save(Engine(name, name, address, timeout=30.0, simulated=True))
        books.environments.save(Environment(SOURCE, "source", "live", "engine-000", (Process("web", "no-such"),)))
        for number in range(EACH):
            for place in range(ENGINES):
                slug = f"mirror-{place:03}-{number:03}"
                books.applications.save(Application(slug, Kind.MIRROR, slug.title(), slug, source_id="source"))
                process = Process("web", container_name(place, number))
                identity = f"{place * EACH + number:08x}" + "0" * 24
                engine = f"engine-{place:03}"
                books.environments.save(Environment(identity, slug, "live", engine, (process,), settings=settings))
                mirrors.append(slug)
    return mirrors


def _releases(console: Console) -> list[Release]:
    """All releases, as an engine holds them."""
    with console.catalog.read() as books:
        session = console.engines.session(books.engines.get("engine-000"))
    found = []
    for number in range(1, RELEASES + 1):
        image = session.image(f"registry.test:5000/{IMAGE}:{number}")
        assert image is not None
        repository, _, digest = image.digests[0].partition("@")
        now = console.clock()
        found.append(
            Release(f"r{number}", SOURCE, image.fingerprint, repository, digest, now, now, version=str(number))
        )
    return found


BENCHMARK = Benchmark(
    name="scale-2000",
    unit="ms a target",
    ours=f"one rollout over {TARGETS} targets on {ENGINES} engines, {AT_ONCE} at once, in the open window",
    alternative=f"one over {FEW} of them",
    goal=Goal(Bound.AT_MOST, 1.3),
    rounds=1,
    setup=sides,
    further=(
        Further("idle CPU", "% of a core", Goal(Bound.AT_MOST, 2.0)),
        Further("journal", "MB", Goal(Bound.AT_MOST, 50.0)),
        Further("longest gap", "ms", Goal(Bound.AT_MOST, 250.0)),
    ),
)
