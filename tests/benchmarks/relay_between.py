"""relay: an image of 200 MB between two engines of this machine, against `docker save | docker load` between them.

The image has layers that nothing makes smaller. It is taken away from the targets after each time, so that it is always
brought as a whole. Memory is that of this program, which is the console, sampled while it carries.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mirror_console.app import awake_seconds, clock
from mirror_console.domain.engine import Engine, parse_address
from mirror_console.engine import DockerEngines
from mirror_console.hardening import harden
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.relay import Asked, relay
from mirror_console.store import Catalog
from mirror_console.vault import MemoryVault
from tests.benchmarks.ground import seconds_since
from tests.benchmarks.harness import Benchmark, Bound, Further, Goal, NotMeasured, Sides
from tests.lab.engine import EngineSpec, LabEngine
from tests.lab.lab import Lab, ending_on_signals
from tests.lab.programs import base_environment, find

MEGABYTE = 1_000_000
LAYERS = 4
SIZE = 200 * MEGABYTE
REFERENCE = "bench/relayed:1"
SAMPLED_EVERY = 0.02
"""Seconds."""
PAIRS = 3
"""How often one and four targets are measured in turn."""

MEMORY = Further("memory above idle", "MB", Goal(Bound.AT_MOST, 150.0))
FOUR = Further("to four engines, by the time of one", "×", Goal(Bound.AT_MOST, 2.5))


@contextmanager
def sides() -> Iterator[Sides]:
    """Five engines without a bridge, of which the first has the image, and a console that has them all."""
    with TemporaryDirectory(prefix="bench-") as folder, ending_on_signals():
        place = Path(folder)
        with Lab.start(place / "lab", registry=False, keyring=False, owner=(0, 0)) as lab:
            engines = [lab.engine(EngineSpec(name, bridge=False)) for name in ("one", "two", "three", "four", "five")]
            _load(lab, engines[0], place)
            with _console(place / "home", engines) as (console, jobs):
                carrying = _Carrying(lab, engines, console, jobs)
                made = Sides(carrying.ours, carrying.alternative, carrying.notes, carrying.further, carrying.to_four)
                yield made


class _Carrying:
    """Both ways of carrying it."""

    def __init__(self, lab: Lab, engines: Sequence[LabEngine], console: Console, jobs: Jobs) -> None:
        self._lab = lab
        self._engines = engines
        self._console = console
        self._jobs = jobs
        image = console.engines.session(console.engine("one")).image(REFERENCE)
        if image is None or not image.size:
            raise NotMeasured("the image isn't there")
        self._image = image
        self.notes: list[str] = []
        self.further: dict[str, list[float]] = {MEMORY.name: [], FOUR.name: []}

    def ours(self) -> float:
        """MB a second, to one engine."""
        with _memory() as sampled:
            seconds = self._relayed("two")
        self.further[MEMORY.name].append(max(sampled) / MEGABYTE)
        return self._speed(seconds)

    def alternative(self) -> float:
        """MB a second by the command line."""
        source, target = self._engines[:2]
        began = time.perf_counter()
        docker, environment = find("docker"), base_environment(source.folder / "docker-config")
        with subprocess.Popen(
            [docker, "--host", source.unix_url, "save", REFERENCE], stdout=subprocess.PIPE, env=environment
        ) as saving:
            load = [docker, "--host", target.unix_url, "load", "--quiet"]
            subprocess.run(load, stdin=saving.stdout, stdout=subprocess.DEVNULL, env=environment, check=True)
        seconds = seconds_since(began)
        self._take_away("two")
        return self._speed(seconds)

    def to_four(self) -> None:
        """How much longer it takes to four engines than to one, one after the other in turn."""
        ratios, seconds = [], []
        for _ in range(PAIRS):
            one, four = self._relayed("two"), self._relayed("two", "three", "four", "five")
            ratios.append(four / one)
            seconds.append((one, four))
        self.further[FOUR.name].append(statistics.median(ratios))
        told = ", ".join(f"{one:.1f} s and {four:.1f} s" for one, four in seconds)
        self.notes.append(f"To one engine and to four: {told}.")

    def _relayed(self, *names: str) -> float:
        source, *targets = (self._console.engine(name) for name in ("one", *names))
        began = time.perf_counter()
        asked = Asked(self._image.fingerprint, REFERENCE)
        outcome = relay(self._console, self._jobs, asked, [source], targets)
        seconds = seconds_since(began)
        if not outcome.complete or not all(leg.octets > SIZE for leg in outcome.legs):
            raise NotMeasured(f"it was not brought: {outcome.sentence}")
        self._take_away(*names)
        return seconds

    def _take_away(self, *names: str) -> None:
        for engine in self._engines:
            if engine.name in names:
                self._lab.docker(engine).forget_image(REFERENCE)

    def _speed(self, seconds: float) -> float:
        return (self._image.size or 0) / MEGABYTE / seconds


def _load(lab: Lab, engine: LabEngine, folder: Path) -> None:
    """Make the image on the first engine, by a build from files: none of it is ever in this program's memory."""
    context = folder / "context"
    context.mkdir()
    lines = ["FROM scratch"]
    for number in range(LAYERS):
        with (context / f"layer{number}").open("wb") as file:
            for piece in range(SIZE // LAYERS // MEGABYTE):
                file.write(hashlib.shake_256(f"{number}/{piece}".encode()).digest(MEGABYTE))
        lines.append(f"COPY layer{number} /")
    lines.append(f"LABEL made={json.dumps(REFERENCE)}")
    (context / "Dockerfile").write_text("\n".join(lines))
    lab.docker(engine).run("build", "--tag", REFERENCE, str(context), timeout=300.0)


@contextmanager
def _memory() -> Iterator[list[float]]:
    """Octets of memory above those at the beginning, sampled as long as it lasts."""
    idle, sampled, over = _resident(), [0.0], threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLED_EVERY):
            sampled.append(_resident() - idle)

    sampling = threading.Thread(target=sample)  # noqa: TID251 # beside the program, not in it
    sampling.start()
    try:
        yield sampled
    finally:
        over.set()
        sampling.join()


def _resident() -> float:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return float(text.partition("VmRSS:")[2].split()[0]) * 1024


@contextmanager
def _console(home: Path, lab_engines: Sequence[LabEngine]) -> Iterator[tuple[Console, Jobs]]:
    harden()
    home.mkdir(mode=0o700)
    catalog, vault, jobs = Catalog.open(home / "catalog.sqlite"), MemoryVault(), Jobs()
    engines = DockerEngines(vault, clock)
    try:
        with catalog.write() as books:
            for one in lab_engines:
                books.engines.save(Engine(one.name, one.name, parse_address(one.unix_url), timeout=60.0))
        yield Console(catalog, engines, vault, clock, awake_seconds, time.sleep, "operator", "desk"), jobs
    finally:
        jobs.close()
        engines.close()
        catalog.close()


BENCHMARK = Benchmark(
    "relay",
    "MB/s",
    "an image of 200 MB from engine to engine through the console, proved and recorded",
    "docker save | docker load between the same engines, by the command line",
    Goal(Bound.AT_LEAST, 0.8),
    5,
    sides,
    (MEMORY, FOUR),
)
