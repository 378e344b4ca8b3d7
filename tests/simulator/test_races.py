"""Many clients at once: who asks first gets it, and nobody waits for another engine."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import repeat
from pathlib import Path
from threading import Barrier

import pytest
from docker.errors import APIError

from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.fleet import SimulatedFleet
from mirror_console.simulator.registry import Login
from mirror_console.simulator.state import Timing
from tests.simulator.conftest import IMAGE, Api, Connect, HandClock
from tests.simulator.test_containers import create

pytestmark = pytest.mark.slow


def status_of(barrier: Barrier, api: Api, path: str, body: object = None) -> int:
    """The status of a request sent when everybody is ready."""
    barrier.wait(timeout=10)
    status: int = api.post(f"{api.base_url}/v1.41{path}", json=body).status_code
    return status


@pytest.mark.parametrize("attempt", range(5))
def test_a_name_is_given_once(engine: SimulatedEngine, connect: Connect, attempt: int) -> None:
    clients, barrier = [connect(engine) for _ in range(8)], Barrier(8)
    path = f"/containers/create?name=mc-lock.{attempt}"
    with ThreadPoolExecutor(8) as racers:
        found = list(racers.map(status_of, repeat(barrier), clients, repeat(path), repeat({"Image": IMAGE})))

    assert sorted(found) == [201] + 7 * [409]


def test_a_lock_is_deleted_by_one_only(engine: SimulatedEngine, connect: Connect) -> None:
    clients, barrier = [connect(engine) for _ in range(8)], Barrier(8)
    made = create(clients[0], "mc-lock.1")

    def delete(api: Api) -> int:
        barrier.wait(timeout=10)
        status: int = api.delete(f"{api.base_url}/v1.41/containers/{made}").status_code
        return status

    with ThreadPoolExecutor(8) as racers:
        assert sorted(racers.map(delete, clients)) == [204] + 7 * [404]


def test_a_port_is_given_once(engine: SimulatedEngine, connect: Connect) -> None:
    clients, barrier = [connect(engine) for _ in range(8)], Barrier(8)
    paths = [f"/containers/{create(api, f'web-{number}', 18080)}/start" for number, api in enumerate(clients)]
    with ThreadPoolExecutor(8) as racers:
        found = list(racers.map(status_of, repeat(barrier), clients, paths))

    assert sorted(found) == [204] + 7 * [500]


def test_a_volume_keeps_its_first_creators_labels(engine: SimulatedEngine, connect: Connect) -> None:
    clients = [connect(engine) for _ in range(8)]
    with ThreadPoolExecutor(8) as racers:
        found = list(racers.map(lambda n: clients[n].create_volume("v", labels={"by": str(n)})["Labels"], range(8)))

    assert all(labels == found[0] for labels in found)


def test_engines_work_side_by_side(fleet: SimulatedFleet, connect: Connect, login: Login) -> None:
    fleet.registry.publish("shop/webshop", "1", "1", "c0ffee")
    clients = {name: connect(engine) for name, engine in fleet.engines.items()}

    def lifes(name: str) -> int:
        fleet.engines[name].pull(IMAGE, login)
        for number in range(20):
            made = create(clients[name], f"web-{number}", 18000 + number)
            clients[name].start(made)
        return len(clients[name].containers())

    with ThreadPoolExecutor(3) as workers:
        assert list(workers.map(lifes, fleet.engines)) == [20, 20, 20]


def test_a_slow_step_keeps_nobody_else_waiting(
    clock: HandClock, folder: Path, engine: SimulatedEngine, connect: Connect
) -> None:
    image = engine.state.images.find(IMAGE).image
    with SimulatedEngine("slow", clock, socket_path=folder / "s.sock", timing=Timing(start=0.5)) as slow:
        slow.add_image(IMAGE, image)
        api, other = connect(slow), connect(slow)
        made = create(api, "web")
        with ThreadPoolExecutor(1) as worker:
            started = worker.submit(api.start, made)
            time.sleep(0.1)
            before = time.monotonic()
            other.inspect_container(made)
            took = time.monotonic() - before
            assert not started.done()

    assert took < 0.3


def test_everything_at_once_ends_in_one_truth(engine: SimulatedEngine, connect: Connect) -> None:
    """Clients create, start, rename, stop and remove the same few names; afterwards every name belongs to one."""
    clients = [connect(engine) for _ in range(6)]
    refusals: list[APIError] = []

    def work(number: int) -> None:
        api = clients[number]
        for turn in range(15):
            name = f"web-{turn % 3}"
            for step in (
                partial(create, api, name, 18000 + turn % 3),
                partial(api.start, name),
                partial(api.rename, name, f"{name}.mc-prev"),
                partial(api.stop, f"{name}.mc-prev", timeout=0),
                partial(api.remove_container, f"{name}.mc-prev", force=True),
            ):
                try:
                    step()
                except APIError as error:
                    refusals.append(error)

    with ThreadPoolExecutor(6) as workers:
        list(workers.map(work, range(6)))

    statuses = {error.response.status_code for error in refusals if error.response is not None}
    assert statuses <= {404, 409, 500}
    names = [item["Names"][0] for item in clients[0].containers(all=True)]
    assert len(names) == len(set(names))
    ports = [port["PublicPort"] for item in clients[0].containers() for port in item["Ports"] if ":" in port["IP"]]
    assert len(ports) == len(set(ports))
