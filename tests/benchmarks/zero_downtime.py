"""zero-downtime: how many requests fail behind a real proxy while a rollout replaces all mirrors, against recreate.

A client in a program of its own asks for each mirror 50 times a second through nginx, which tries nothing again and
looks the mirrors' aliases up every second. Its network has a subnet of its own, so that a container keeps its address
for as long as it drains. The alternative is the same rollout of mirrors whose copies may not overlap.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.environment import Environment, HealthTest, Process, Settings
from mirror_console.domain.image import fingerprint
from mirror_console.domain.release import Release
from mirror_console.domain.release_command import NO_COMMAND
from mirror_console.domain.rollout import RolloutState
from mirror_console.domain.route import Route
from mirror_console.domain.way import REST, Way
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from tests.benchmarks.ground import Ground, bridged_engine
from tests.benchmarks.harness import Benchmark, Bound, Goal, NotMeasured, Sides
from tests.lab import nginx

MIRRORS = 20
EACH = 50
"""Requests a second for each mirror."""
AT_ONCE = 2
DRAIN = 3.0
"""Seconds: longer than the proxy remembers an address, and than an answer takes."""
EDGE, BACK, PORT = "proxied", "behind", 8000
SUBNET = "10.221.0.0/16"


@contextmanager
def sides() -> Iterator[Sides]:
    """Running mirrors behind a proxy."""
    with bridged_engine() as ground:
        behind = Behind(ground, MIRRORS)
        notes: list[str] = []

        def failed(*, overlap: bool) -> float:
            told = behind.measure(overlap=overlap)
            how = "start beside" if overlap else "recreate"
            notes.append(
                f"{how}: {told['failed']} of {told['asked']} requests failed, "
                f"{told['asked'] / told['seconds'] / MIRRORS:.0f} a second for each mirror; the slowest answer took "
                f"{told['slowest'] * 1000:.0f} ms"
            )
            return float(told["failed"])

        yield Sides(lambda: failed(overlap=True), lambda: failed(overlap=False), notes)


class Behind:
    """So many mirrors, the proxy before them, and what rolls out to them."""

    def __init__(self, ground: Ground, mirrors: int) -> None:
        self._ground = ground
        self._mirrors = range(mirrors)
        self._done = 0
        docker = ground.docker
        docker.run("network", "create", "--subnet", SUBNET, EDGE)
        docker.run("network", "create", BACK)
        self._images = [self._published(version) for version in ("1", "2")]
        proxy = nginx.proxy(docker, f"{ground.registry}/bench/proxy:1", tries_next=False)
        docker.run("run", "--detach", "--name", "proxy", "--network", EDGE, "--publish", f"{PORT}:8080", proxy)
        self._fill()
        self._roll_out(self._images[0], overlap=True)

    def measure(self, *, overlap: bool) -> dict[str, float]:
        """Roll the other version out to all while the client asks; what came of its requests."""
        self._done += 1
        command = [sys.executable, "-m", "tests.benchmarks.asking_hosts", self._ground.host, str(PORT), str(EACH)]
        command += [_route(number).alias for number in self._mirrors]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            if client.stdout is None or client.stdout.readline() != "asking\n":
                raise NotMeasured("the client doesn't ask")
            self._roll_out(self._images[self._done % 2], overlap=overlap)
            told, _ = client.communicate()
        found: dict[str, float] = json.loads(told)
        if not found["asked"]:
            raise NotMeasured("nothing was asked")
        return found

    def _published(self, version: str) -> str:
        reference = f"{self._ground.registry}/bench/routed:{version}"
        nginx.application(self._ground.docker, reference)
        self._ground.docker.run("push", "--quiet", reference)
        return reference

    def _roll_out(self, image: str, *, overlap: bool) -> None:
        console, jobs = self._ground.console, self._ground.jobs
        self._release(image)
        with console.catalog.write() as books:
            for number in self._mirrors:
                (environment,) = books.environments.of(_slug(number))
                route = replace(_route(number), overlap=overlap)
                books.environments.save(replace(environment, settings=replace(environment.settings, route=route)))
        refresh(console, jobs)
        way = Way(
            waves=(REST,), at_once=AT_ONCE, at_once_per_engine=AT_ONCE, bake=0.0, max_failed=0, pause_after_canary=False
        )
        made = plan(console, "live", [_slug(number) for number in self._mirrors], way)
        rollout = start(console, made, preflight(console, jobs, made), "a benchmark", len(made.targets))
        ended = Conductor(console, jobs, rollout).run()
        if ended.state is not RolloutState.COMPLETED or len(ended.targets) != len(self._mirrors):
            words = sorted({f"{target.state}: {target.words}" for target in ended.targets})
            raise NotMeasured(f"the rollout ended as {ended.state} ({'; '.join(words)})")

    def _release(self, image: str) -> None:
        inspected = self._ground.docker.image(image)
        if inspected is None:
            raise NotMeasured(f"{image} is not on the engine")
        repository, _, version = image.rpartition(":")
        digest = next(one.partition("@")[2] for one in inspected["RepoDigests"] if one.startswith(f"{repository}@"))
        now = self._ground.console.clock()
        of = (f"release-{version}", "source-live", fingerprint(inspected), repository, digest, now, now)
        with self._ground.console.catalog.write() as books:
            books.releases.save(Release(*of, version=version))

    def _fill(self) -> None:
        with self._ground.console.catalog.write() as books:
            source = Application(
                "source", Kind.SOURCE, "Source", "source", repository="unused.test/web", release_command=NO_COMMAND
            )
            books.applications.save(source)
            none = (Process("web", "no-such"),)
            books.environments.save(Environment("source-live", "source", "live", self._ground.engine_id, none))
            for number in self._mirrors:
                slug = _slug(number)
                books.applications.save(Application(slug, Kind.MIRROR, slug.title(), slug, source_id="source"))
                settings = Settings(
                    networks=(BACK,), route=_route(number), health=HealthTest(settle=1.0, limit=30.0), stop_seconds=5
                )
                process = (Process("web", _container(number)),)
                identity = f"{number:08x}" + "0" * 24
                books.environments.save(Environment(identity, slug, "live", self._ground.engine_id, process, settings))


def _slug(number: int) -> str:
    return f"mirror-{number:03}"


def _container(number: int) -> str:
    return f"shop-{number:03}"


def _route(number: int) -> Route:
    return Route(EDGE, f"{_container(number)}.app", 8080, drain=DRAIN, overlap=True)


BENCHMARK = Benchmark(
    name="zero-downtime",
    unit="failed requests",
    ours=f"requests that fail through nginx while a rollout starts {MIRRORS} containers beside the old ones, "
    f"{EACH} a second for each mirror",
    alternative="the same requests while the same rollout recreates them",
    goal=Goal(Bound.AT_MOST, 0.0),
    rounds=2,
    setup=sides,
)
