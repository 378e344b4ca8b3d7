"""The shipped list of what is asked of an engine is exact: what is asked is on it, and what is on it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror_console import paths
from mirror_console.domain.environment import RestartPolicy, Settings, Volume
from mirror_console.domain.request import ContainerSpec, RegistryLogin
from mirror_console.domain.rollout import RolloutState
from mirror_console.domain.secret import Secret
from mirror_console.domain.swarm import ServiceChange, lock_config
from mirror_console.domain.way import REST, WaveSize, Way
from mirror_console.operations import connection
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.simulator import routes
from mirror_console.simulator.calls import Reply, Request
from mirror_console.simulator.state import EngineState
from tests.operations.fleet import Fleet, small_fleet

LISTED = [
    tuple(line.split())
    for line in (paths.resources() / "endpoints.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Every method and path that reaches a simulated engine, without the API's version."""
    heard: set[tuple[str, str]] = set()
    real = routes.answer

    def answer(state: EngineState, request: Request) -> Reply:
        path = request.target.partition("?")[0]
        heard.add((request.method, re.sub(r"^/v\d+\.\d+", "", path)))
        return real(state, request)

    monkeypatch.setattr("mirror_console.simulator.engine.answer", answer)
    return heard


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Mirrors a release behind."""
    with small_fleet(2) as made:
        made.publish("1.0")
        made.run_mirrors("1.0")
        refresh(made.console, made.jobs)
        made.publish("1.1")
        yield made


def test_what_is_asked_is_what_the_list_says(asked: set[tuple[str, str]], fleet: Fleet) -> None:
    console, jobs = fleet.console, fleet.jobs
    engine = console.engine("alpha")
    list(connection.test_connection(console, engine, None))
    refresh(console, jobs, inspect_all=True)
    way = Way(waves=(WaveSize(count=1), REST), bake=0.0, pause_after_canary=False)
    fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), volumes=(Volume("shop-data", "/data"),))
    made = plan(console, "live", [mirror.id for mirror in fleet.mirrors], way)
    checked = preflight(console, jobs, made)
    session = console.engines.session(engine)
    session.create_volume("shop-data", {})
    rollout = Conductor(console, jobs, start(console, made, checked, "a test")).run()
    assert rollout.state is RolloutState.COMPLETED, rollout
    # What a rollout asks where there is more to it than here.
    login = RegistryLogin("registry.test:5000", "deploy", Secret("fleet-password"))
    session.resolve("registry.test:5000/shop/webshop:1.1", login)
    for name in ("front", "back"):
        session.create_network(name, {})
    image = fleet.container("mirror-01-live").image.id
    two = session.create(ContainerSpec("two-networks", image, Settings(networks=("front", "back"))))
    session.logs(two, 10)
    session.endings(two, console.clock(), console.clock())
    session.set_restart(two, RestartPolicy.ALWAYS)
    assert session.volume_exists("shop-data")
    session.start(two)
    assert session.free_disk(session.facts(), two)
    front = next(network.id for network in session.networks() if network.name == "front")
    session.disconnect(two, front)
    session.stop(two, 1)
    session.remove(two)
    # What a relay asks.
    with session.save(image) as saving, session.load() as loading:
        for piece in saving:
            loading.send(piece)
        loading.finish(lambda _progress: None)
    session.tag(image, "carried:1")
    session.remove_image("carried:1")
    assert [listed.id for listed in session.images() if image == listed.id] == [image]

    # What a Swarm is asked.
    fleet.simulated.engines["alpha"].manage_swarm()
    fleet.simulated.engines["alpha"].serve("shop", image)
    (service,) = session.swarm_services()
    assert session.swarm_service("shop") == service
    assert session.swarm_tasks(service.id)
    assert [node.platform for node in session.swarm_nodes()] == [session.facts().platform]
    digest = session.resolve("registry.test:5000/shop/webshop:1.1", login).digest
    change = ServiceChange(f"registry.test:5000/shop/webshop@{digest}")
    session.update_service(service.id, service.version, change, login)
    lock = session.create_config(lock_config("shop"), {})
    (held,) = session.configs()
    session.set_config_labels(lock, held.version, {"beat": "1"})
    session.remove_config(lock)

    patterns = {(method, path): _pattern(path) for method, path in LISTED}
    hit: dict[tuple[str, str], tuple[str, str]] = {}
    for method, path in sorted(asked):
        on_it = [listed for listed, pattern in patterns.items() if listed[0] == method and pattern.fullmatch(path)]
        assert on_it, f"{method} {path} is asked of engines, but isn't in resources/endpoints.txt"
        hit[on_it[0]] = (method, path)
    assert set(patterns) - set(hit) == set(), "on the list, but never asked for"


def test_the_list_is_read_by_a_machine_too() -> None:
    assert len(LISTED) == len(set(LISTED))
    assert all(len(entry) == 2 and entry[0] in {"GET", "POST", "DELETE"} for entry in LISTED)
    assert Path(paths.resources() / "endpoints.txt").read_text("utf-8").startswith("# Everything")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(path.replace("{id}", "[^/]+").replace("{image}", ".+"))
