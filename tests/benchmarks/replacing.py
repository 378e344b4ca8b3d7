"""What the benchmarks of rollouts have in common: containers of the console, and as many for a bare loop.

Both sides go back and forth between two versions, so that each round has the same to do. The images are there already,
nothing bakes, health is judged by the running state without settling; the lock and the whole journal are on, and the
checks that are asked again before a wave count too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.environment import Environment, HealthTest, Process, Settings
from mirror_console.domain.image import fingerprint
from mirror_console.domain.release import Release
from mirror_console.domain.release_command import NO_COMMAND
from mirror_console.domain.rollout import RolloutState
from mirror_console.domain.way import REST, Way
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from tests.benchmarks.ground import Ground, seconds_since
from tests.benchmarks.harness import NotMeasured

STOP_SECONDS = 5
OURS_FROM, BARE_FROM = 20000, 21000
"""The ports on each engine."""


@dataclass(slots=True)
class Fleet:
    """Engines with the two images. On each are `each` containers of either side, `at_once` of them replaced at once."""

    grounds: Sequence[Ground]
    images: Sequence[str]
    each: int
    at_once: int
    bare_ids: dict[tuple[int, int], str] = field(default_factory=dict)
    """What serves in the bare loop's places, each an engine and a number."""

    @property
    def containers(self) -> int:
        """How many each side replaces in one time round."""
        return len(self.grounds) * self.each

    @property
    def places(self) -> list[tuple[int, int]]:
        """One engine's after the other's."""
        return [(engine, number) for engine in range(len(self.grounds)) for number in range(self.each)]

    def side_by_side(self, work: Callable[[int, int], None]) -> None:
        """Do the work at each place, as many at once on each engine as may be."""
        with ExitStack() as open_:
            pools = [open_.enter_context(ThreadPoolExecutor(self.at_once)) for _ in self.grounds]
            begun = [pools[engine].submit(work, engine, number) for engine, number in self.places]
            for one in begun:
                one.result()


def settled(grounds: Sequence[Ground], name: str, each: int, at_once: int) -> Fleet:
    """A fleet whose containers all run the first version, and which the console has seen."""
    images = []
    for ground in grounds:
        images = [ground.publish(version, name) for version in ("1", "2")]
    fleet = Fleet(grounds, images, each, at_once)

    def begin(engine: int, number: int) -> None:
        ground = grounds[engine]
        ours, bare = f"ours-{number:03}", f"bare-{number:03}"
        ground.bare.start(create(ground, ours, OURS_FROM + number, images[0]))
        fleet.bare_ids[engine, number] = create(ground, bare, BARE_FROM + number, images[0])
        ground.bare.start(fleet.bare_ids[engine, number])

    fleet.side_by_side(begin)
    _fill(fleet)
    refresh(grounds[0].console, grounds[0].jobs)
    return fleet


def create(ground: Ground, name: str, port: int, image: str) -> str:
    """Make a container as the console's settings make theirs. Its id."""
    made = ground.bare.create_container(
        image,
        name=name,
        environment={"PORT": str(port)},
        host_config=ground.bare.create_host_config(
            network_mode="host", restart_policy={"Name": "unless-stopped", "MaximumRetryCount": 0}
        ),
    )
    return str(made["Id"])


@dataclass(slots=True)
class KeepingLoop:
    """A bare loop that leaves the containers that a rollout leaves: a new one under its name, the old one, stopped.

    It creates the new one beside the old, stops the old, renames it away, starts and names the new, and removes what
    was kept before. `downs` are the seconds from before the stop to after the start.
    """

    fleet: Fleet
    done: int = 0
    cpu: list[float] = field(default_factory=list)
    """Milliseconds of this program's processor time for a container, round by round."""
    downs: list[float] = field(default_factory=list)
    _kept: dict[tuple[int, int], str] = field(default_factory=dict)

    def measure(self) -> float:
        """Containers a second of one time round."""
        self.done += 1
        began, cpu = time.perf_counter(), time.process_time()
        self.fleet.side_by_side(self._replace)
        took = seconds_since(began)
        self.cpu.append((time.process_time() - cpu) * 1000 / self.fleet.containers)
        return self.fleet.containers / took

    def _replace(self, engine: int, number: int) -> None:
        place, ground = (engine, number), self.fleet.grounds[engine]
        bare, old, name = ground.bare, self.fleet.bare_ids[place], f"bare-{number:03}"
        new = create(ground, f"{name}.next", BARE_FROM + number, self.fleet.images[self.done % 2])
        began = time.perf_counter()
        bare.stop(old, timeout=STOP_SECONDS)
        bare.rename(old, f"{name}.{self.done}")
        bare.start(new)
        self.downs.append(seconds_since(began))
        bare.rename(new, name)
        kept = self._kept.get(place)
        if kept is not None:
            bare.remove_container(kept)
        self._kept[place], self.fleet.bare_ids[place] = old, new


@dataclass(slots=True)
class Rollouts:
    """Rollouts of one version after the other."""

    fleet: Fleet
    done: int = 0
    cpu: list[float] = field(default_factory=list)
    """Milliseconds of this program's processor time for a container, round by round."""

    def measure(self) -> float:
        """Containers a second of one rollout."""
        self.done += 1
        fleet, ground = self.fleet, self.fleet.grounds[0]
        console, jobs = ground.console, ground.jobs
        self._release(fleet.images[self.done % 2])
        way = Way(
            waves=(REST,),
            at_once=fleet.at_once * len(fleet.grounds),
            at_once_per_engine=fleet.at_once,
            bake=0.0,
            max_failed=0,
            pause_after_canary=False,
        )
        made = plan(console, "live", [_slug(*place) for place in fleet.places], way)
        rollout = start(console, made, preflight(console, jobs, made), "a benchmark", len(made.targets))
        began, cpu = time.perf_counter(), time.process_time()
        ended = Conductor(console, jobs, rollout).run()
        took = seconds_since(began)
        self.cpu.append((time.process_time() - cpu) * 1000 / fleet.containers)
        if ended.state is not RolloutState.COMPLETED or len(ended.targets) != fleet.containers:
            words = sorted({f"{target.state}: {target.words}" for target in ended.targets})
            raise NotMeasured(f"the rollout ended as {ended.state} ({'; '.join(words)})")
        return fleet.containers / took

    def _release(self, image: str) -> None:
        ground = self.fleet.grounds[0]
        inspected = ground.docker.image(image)
        if inspected is None:
            raise NotMeasured(f"{image} is not on the engine")
        repository, _, version = image.rpartition(":")
        digest = next(one.partition("@")[2] for one in inspected["RepoDigests"] if one.startswith(f"{repository}@"))
        now = ground.console.clock()
        release = Release(
            f"release-{version}", "source-live", fingerprint(inspected), repository, digest, now, now, version=version
        )
        with ground.console.catalog.write() as books:
            books.releases.save(release)


def _slug(engine: int, number: int) -> str:
    return f"mirror-{engine}-{number:03}"


def _fill(fleet: Fleet) -> None:
    first = fleet.grounds[0]
    with first.console.catalog.write() as books:
        books.applications.save(
            Application(
                "source", Kind.SOURCE, "Source", "source", repository="unused.test/web", release_command=NO_COMMAND
            )
        )
        process = Process("web", "no-such")
        books.environments.save(Environment("source-live", "source", "live", first.engine_id, (process,)))
        for engine, number in fleet.places:
            slug = _slug(engine, number)
            books.applications.save(Application(slug, Kind.MIRROR, slug.title(), slug, source_id="source"))
            settings = Settings(
                variables={"PORT": str(OURS_FROM + number)},
                networks=("host",),
                health=HealthTest(settle=0.0, limit=10.0),
                stop_seconds=STOP_SECONDS,
            )
            process = Process("web", f"ours-{number:03}")
            identity = f"{engine * fleet.each + number:08x}" + "0" * 24
            placed = fleet.grounds[engine].engine_id
            books.environments.save(Environment(identity, slug, "live", placed, (process,), settings))
