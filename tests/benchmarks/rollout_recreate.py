"""rollout-recreate: 100 small containers replaced on one engine by a rollout, against a bare loop over the same calls.

The image is there already, nothing bakes, health is judged by the running state without settling; the lock and the
whole journal are on, and the checks that are asked again before a wave count too. The bare loop creates a new container
beside the old one, stops the old, starts the new and removes the old, as many at once, and looks at nothing. Both go
back and forth between two versions, so that each round has the same to do. Ours keeps the old container as the way
back and removes the one before it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.environment import Environment, HealthTest, Process, Settings
from mirror_console.domain.image import fingerprint
from mirror_console.domain.plan import REST, Way
from mirror_console.domain.release import Release
from mirror_console.domain.rollout import RolloutState
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor, start
from tests.benchmarks.ground import ENGINE_ID, Ground, one_engine, seconds_since
from tests.benchmarks.harness import Benchmark, Bound, Goal, Sides

CONTAINERS = 100
AT_ONCE = 2
STOP_SECONDS = 5
OURS_FROM, BARE_FROM = 20000, 21000
WAY = Way(waves=(REST,), at_once=AT_ONCE, at_once_per_engine=AT_ONCE, bake=0.0, max_failed=0, pause_after_canary=False)


@contextmanager
def sides() -> Iterator[Sides]:
    """Twice as many running containers: one half in the catalog, the other for the bare loop."""
    with one_engine() as ground:
        images = [ground.publish(version, "rollout") for version in ("1", "2")]
        numbers = range(CONTAINERS)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda number: _begin(ground, f"ours-{number:03}", OURS_FROM + number, images[0]), numbers))
            ids = list(
                pool.map(lambda number: _begin(ground, f"bare-{number:03}", BARE_FROM + number, images[0]), numbers)
            )
        _fill(ground)
        refresh(ground.console, ground.jobs)
        rollouts, loop = _Rollouts(ground, images), _BareLoop(ground, images, ids)
        yield Sides(rollouts.measure, loop.measure)


# --- ours -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Rollouts:
    """Rollouts of one version after the other."""

    ground: Ground
    images: list[str]
    done: int = 0

    def measure(self) -> float:
        """Containers a second of one rollout."""
        self.done += 1
        ground = self.ground
        console, jobs = ground.console, ground.jobs
        self._release(self.images[self.done % 2])
        made = plan(console, "live", [f"mirror-{number:03}" for number in range(CONTAINERS)], WAY)
        rollout = start(console, made, preflight(console, jobs, made), "a benchmark", len(made.targets))
        began = time.perf_counter()
        ended = Conductor(console, jobs, rollout).run()
        took = seconds_since(began)
        if ended.state is not RolloutState.COMPLETED or len(ended.targets) != CONTAINERS:
            words = sorted({f"{target.state}: {target.words}" for target in ended.targets})
            raise RuntimeError(f"the rollout ended as {ended.state} ({'; '.join(words)})")
        return CONTAINERS / took

    def _release(self, image: str) -> None:
        inspected = self.ground.docker.image(image)
        if inspected is None:
            raise RuntimeError(f"{image} is not on the engine")
        repository, _, version = image.rpartition(":")
        digest = next(one.partition("@")[2] for one in inspected["RepoDigests"] if one.startswith(f"{repository}@"))
        now = self.ground.console.clock()
        release = Release(
            f"release-{version}", "source-live", fingerprint(inspected), repository, digest, now, now, version=version
        )
        with self.ground.console.catalog.write() as books:
            books.releases.save(release)


def _fill(ground: Ground) -> None:
    with ground.console.catalog.write() as books:
        books.applications.save(Application("source", Kind.SOURCE, "Source", "source", repository="unused.test/web"))
        books.environments.save(Environment("source-live", "source", "live", ENGINE_ID, (Process("web", "no-such"),)))
        for number in range(CONTAINERS):
            slug = f"mirror-{number:03}"
            books.applications.save(Application(slug, Kind.MIRROR, slug.title(), slug, source_id="source"))
            settings = Settings(
                variables={"PORT": str(OURS_FROM + number)},
                networks=("host",),
                health=HealthTest(settle=0.0, limit=10.0),
                stop_seconds=STOP_SECONDS,
            )
            process = Process("web", f"ours-{number:03}")
            identity = f"{number:08x}" + "0" * 24
            books.environments.save(Environment(identity, slug, "live", ENGINE_ID, (process,), settings))


# --- the alternative ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _BareLoop:
    """The same calls without anything else."""

    ground: Ground
    images: list[str]
    ids: list[str]
    done: int = 0

    def measure(self) -> float:
        """Containers a second of one time round."""
        self.done += 1
        image = self.images[self.done % 2]
        began = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            self.ids = list(pool.map(lambda place: self._replace(place, image), range(CONTAINERS)))
        return CONTAINERS / seconds_since(began)

    def _replace(self, place: int, image: str) -> str:
        bare, old = self.ground.bare, self.ids[place]
        new = _create(self.ground, f"bare-{place:03}.{self.done}", BARE_FROM + place, image)
        bare.stop(old, timeout=STOP_SECONDS)
        bare.start(new)
        bare.remove_container(old)
        return new


def _begin(ground: Ground, name: str, port: int, image: str) -> str:
    made = _create(ground, name, port, image)
    ground.bare.start(made)
    return made


def _create(ground: Ground, name: str, port: int, image: str) -> str:
    bare = ground.bare
    made = bare.create_container(
        image,
        name=name,
        environment={"PORT": str(port)},
        host_config=bare.create_host_config(
            network_mode="host", restart_policy={"Name": "unless-stopped", "MaximumRetryCount": 0}
        ),
    )
    return str(made["Id"])


BENCHMARK = Benchmark(
    name="rollout-recreate",
    unit="a second",
    ours=f"a rollout over {CONTAINERS} running containers on one engine, {AT_ONCE} at once, with lock and journal",
    alternative="a bare loop of create, stop, start and remove with the docker package, as many at once",
    goal=Goal(Bound.AT_LEAST, 0.8),
    rounds=3,
    setup=sides,
)
