"""What a hostile engine is asked about: a source and mirrors on one engine, and the catalog that knows of them."""

from __future__ import annotations

from dataclasses import replace

from mirror_console.domain.application import Application, ImageSource, Kind
from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.environment import Environment, HealthTest, Port, Process, Settings
from mirror_console.domain.release_command import NO_COMMAND
from mirror_console.domain.way import REST, WaveSize, Way
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.refresh import refresh
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.registry import Login, SimulatedRegistry
from mirror_console.simulator.wire import Clock

ENGINE, MIRRORS = "hostile", 4
TIMEOUT = 0.25
"""Seconds that a hostile engine gets for an answer; one that is honest still gets more, as the machine may be busy."""
HOST, REPOSITORY = "registry.test:5000", "registry.test:5000/shop/webshop"
IMAGE, SPARE = f"{REPOSITORY}:1", "spare"
WAY = Way(waves=(WaveSize(count=1), REST), bake=0.0, pause_after_canary=False)


def simulated(clock: Clock) -> SimulatedEngine:
    """An engine on which the source runs the next release already. It is on no socket yet."""
    registry = SimulatedRegistry(HOST, clock, "", "")
    engine = SimulatedEngine(ENGINE, clock, registries=(registry,), tick=0.02)
    for version in ("1", "2"):
        registry.publish("shop/webshop", version, version, f"rev-{version}", health_interval=0.02)
        engine.pull(f"{REPOSITORY}:{version}", Login())
    engine.run("webshop-live", f"{REPOSITORY}:2", ports={8080: 10080})
    for number in range(1, MIRRORS + 1):
        engine.run(f"mirror-{number}-live", IMAGE, ports={8080: 11000 + number})
    # Renamed, stopped and whatever else by who asks for everything: it is nobody's.
    engine.run(SPARE, IMAGE)
    return engine


def fill(console: Console, jobs: Jobs, socket: str) -> Engine:
    """Fill the catalog, and look at the engine once while it tells the truth."""
    engine = Engine(ENGINE, ENGINE, parse_address(f"unix://{socket}"), timeout=10.0)
    source = Application("source", Kind.SOURCE, "Webshop", "webshop", repository=REPOSITORY, release_command=NO_COMMAND)
    with console.catalog.write() as books:
        books.engines.save(engine)
        books.applications.save(source)
        books.environments.save(
            Environment("source-live", source.id, "live", ENGINE, (Process("web", "webshop-live"),))
        )
        for number in range(1, MIRRORS + 1):
            mirror = Application(f"mirror-{number}", Kind.MIRROR, f"Mirror {number}", f"mirror-{number}")
            books.applications.save(replace(mirror, source_id=source.id, image_source=ImageSource.ALWAYS_LIVE))
            settings = Settings(
                ports=(Port(8080, 11000 + number),), health=HealthTest(settle=0.0, limit=2.0), stop_seconds=1
            )
            process = Process("web", f"mirror-{number}-live")
            books.environments.save(
                Environment(f"{number:032x}", mirror.id, "live", ENGINE, (process,), settings=settings)
            )
    refresh(console, jobs)
    return engine
