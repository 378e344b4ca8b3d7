"""refresh-one: a refresh of 1,000 containers on one engine, with the observations kept, against the bare listing call.

The containers are created and never started: to start 1,000 takes minutes, and a listing of those that don't run is as
long. Nothing changes between two refreshes, as is the rule between two rollouts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.environment import Environment, HealthTest, Process, Settings
from mirror_console.operations.refresh import refresh
from tests.benchmarks.ground import ENGINE_ID, Ground, one_engine, seconds_since
from tests.benchmarks.harness import Benchmark, Bound, Goal, NotMeasured, Sides

CONTAINERS = 1000
AT_ONCE = 4


@contextmanager
def sides() -> Iterator[Sides]:
    """1,000 mirrors in the catalog and their containers on the engine, all refreshed once."""
    with one_engine() as ground:
        put_mirrors(ground)
        first = _ours(ground)
        note = f"The first refresh, which inspects all {CONTAINERS} containers, took {first:.2f} s."
        yield Sides(lambda: _ours(ground), lambda: _alternative(ground), [note])


def put_mirrors(ground: Ground) -> None:
    """Mirrors in the catalog, and a container for each on the engine."""
    image = ground.publish("1", "refresh")
    environments = _fill(ground)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda environment: _create(ground, environment, image), environments))


def _ours(ground: Ground) -> float:
    began = time.perf_counter()
    refreshed = refresh(ground.console, ground.jobs)
    took = seconds_since(began)
    if refreshed.failed or refreshed.environments != CONTAINERS:
        raise NotMeasured(refreshed.sentence)
    return took


def _alternative(ground: Ground) -> float:
    began = time.perf_counter()
    listed = ground.bare.containers(all=True)
    took = seconds_since(began)
    if len(listed) != CONTAINERS:
        raise NotMeasured(f"{len(listed)} containers were listed")
    return took


def _fill(ground: Ground) -> list[Environment]:
    settings = Settings(networks=("host",), health=HealthTest(settle=0.0))
    environments = []
    with ground.console.catalog.write() as books:
        books.applications.save(Application("source", Kind.SOURCE, "Source", "source", repository="shop.test/web"))
        for number in range(CONTAINERS):
            slug = f"mirror-{number:04}"
            books.applications.save(Application(slug, Kind.MIRROR, slug.title(), slug, source_id="source"))
            process = Process("web", f"{slug}-live")
            identity = f"{number:08x}" + "0" * 24
            environment = Environment(
                identity, slug, "live", ENGINE_ID, (process,), _with(settings, 10000 + number, f"{slug}.example")
            )
            books.environments.save(environment)
            environments.append(environment)
    return environments


def _with(settings: Settings, port: int, domain: str) -> Settings:
    return Settings(variables={"PORT": str(port), "DOMAIN": domain}, networks=settings.networks, health=settings.health)


def _create(ground: Ground, environment: Environment, image: str) -> None:
    """A container as a rollout would have made it."""
    variables = dict(environment.settings.variables)
    ours = {
        "schema": "1",
        "role": "app",
        "env": environment.id,
        "process": "web",
        "rollout": "a" * 32,
        "mirror": environment.application_id,
        "environment": "live",
        "gen": "2",
        "from": "fp1:" + "b" * 64,
        "to": "fp1:" + "c" * 64,
        "spec": environment.settings.hash,
        "prev": "d" * 64,
        "prev-restart": "unless-stopped:0",
        "prev-running": "yes",
    }
    ground.bare.create_container(
        image,
        name=environment.container,
        environment=variables,
        labels={f"io.mirrorconsole.{name}": value for name, value in ours.items()},
        host_config=ground.bare.create_host_config(
            network_mode="host", restart_policy={"Name": "unless-stopped", "MaximumRetryCount": 0}
        ),
    )


BENCHMARK = Benchmark(
    name="refresh-one",
    unit="s",
    ours=f"a refresh of {CONTAINERS} containers on one engine, observations kept (created, never started)",
    alternative="the docker package's listing of the same engine, kept nowhere",
    goal=Goal(Bound.AT_MOST, 1.3),
    rounds=15,
    setup=sides,
)
