"""A new container that starts beside the old one, on the simulator: at each boundary of each step one is on the route,
and cut off at any of them it goes on, or goes back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count

import pytest

from mirror_console.domain.check import Check
from mirror_console.domain.environment import HealthTest, Settings
from mirror_console.domain.plan import Plan
from mirror_console.domain.recovery import Found
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.route import Route
from mirror_console.domain.steps import BESIDE_STEPS, Step
from mirror_console.domain.swap import Swap
from mirror_console.errors import CatalogError
from mirror_console.operations import recovery
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.scene import labelled_route, old_aliases
from mirror_console.operations.starting import start
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.container import Container
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, small_fleet

pytestmark = pytest.mark.slow

NAME, EDGE, ALIAS = "mirror-01-live", "edge", "shop-a"
ROUTE = Route(EDGE, ALIAS, 8080, drain=0.0, overlap=True)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with routed_fleet() as made:
        yield made


def routed_fleet(subnet: str = "10.9.0.0/24", route: Route = ROUTE) -> AbstractContextManager[Fleet]:
    """A fleet of one mirror that a proxy finds by an alias. `subnet` is what somebody chose for the proxy's network."""
    return small_fleet(mirrors=1, prepared=_preparing(subnet, route))


@cache
def _preparing(subnet: str, route: Route) -> Callable[[Fleet], None]:
    def prepare(fleet: Fleet) -> None:
        network = fleet.simulated.engines["alpha"].state.add_network(EDGE)
        network.subnet = subnet
        fleet.publish("26.8.2", health_interval=0.02)
        settings = {"ports": (), "networks": ("back",), "route": route}
        fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), **settings)
        refresh(fleet.console, fleet.jobs)
        ended = carried_out(fleet)
        assert (ended.state, ended.targets[0].planned.swap) == (RolloutState.COMPLETED, Swap.CREATE)
        fleet.publish("26.8.3", health_interval=0.02)
        refresh(fleet.console, fleet.jobs)

    return prepare


def planned(fleet: Fleet) -> Plan:
    return plan(fleet.console, "live", ["mirror-01"], QUICK)


def carried_out(fleet: Fleet, mark: Callable[[str], None] = lambda _boundary: None) -> Rollout:
    made = planned(fleet)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    return Conductor(replace(fleet.console, mark=mark), fleet.jobs, rollout).run()


def ours(fleet: Fleet) -> dict[str, Container]:
    state = fleet.simulated.engines["alpha"].state
    with state.lock:
        return {one.name: one for one in state.containers.values() if one.name.startswith(NAME)}


def on_route(fleet: Fleet) -> list[str]:
    """The running containers that the alias leads to."""
    return [
        name
        for name, one in ours(fleet).items()
        if one.is_running and EDGE in one.endpoints and ALIAS in (one.endpoints[EDGE].aliases or [])
    ]


class Watching:
    """Looks at every boundary whether the alias leads to somebody, and cuts off at one of them."""

    def __init__(self, fleet: Fleet, cut_at: str = "") -> None:
        self._fleet, self._cut_at = fleet, cut_at
        self.met: list[str] = []
        self.empty: list[str] = []

    def __call__(self, boundary: str) -> None:
        self.met.append(boundary)
        if not on_route(self._fleet):
            self.empty.append(boundary)
        if boundary == self._cut_at:
            raise CatalogError("The journal can't be written.", "A test says so.")


def version(fleet: Fleet) -> str:
    return fleet.version_of(NAME)


def test_at_every_boundary_one_is_on_the_route_and_both_run_only_in_between(fleet: Fleet) -> None:
    watching = Watching(fleet)
    running: dict[str, int] = {}

    def mark(boundary: str) -> None:
        watching(boundary)
        running[boundary] = sum(one.is_running for one in ours(fleet).values())

    ended = carried_out(fleet, mark)
    target = ended.targets[0]
    assert (ended.state, target.planned.swap, target.down_seconds) == (RolloutState.COMPLETED, Swap.BESIDE, None)
    assert watching.empty == []
    assert on_route(fleet) == [NAME]
    assert version(fleet) == "26.8.3"
    steps = [boundary.partition(":")[0] for boundary in watching.met]
    assert set(steps) <= {step.name for step in BESIDE_STEPS}
    two = [boundary for boundary, number in running.items() if number > 1]
    assert (two[0], two[-1]) == ("START:sent", "STOP:intent")
    # Compared with its settings it doesn't differ, and where it isn't is said.
    refresh(fleet.console, fleet.jobs)
    assert not planned(fleet).targets


def test_what_was_taken_from_the_route_keeps_its_address_without_a_name(fleet: Fleet) -> None:
    before = ours(fleet)[NAME].endpoints[EDGE].address
    seen: list[tuple[str, list[str] | None]] = []

    def mark(boundary: str) -> None:
        if boundary == f"{Step.DISCONNECT.name}:outcome":
            place = ours(fleet)[NAME].endpoints[EDGE]
            seen.append((place.address, place.aliases))

    carried_out(fleet, mark)
    identity = ours(fleet)[f"{NAME}.mc-prev"].id[:12]
    assert seen == [(before, [identity])]


def test_where_nobody_chose_the_subnet_it_leaves_altogether_and_that_is_told() -> None:
    with routed_fleet(subnet="") as fleet:
        left: list[bool] = []

        def mark(boundary: str) -> None:
            if boundary == f"{Step.DISCONNECT.name}:outcome":
                left.append(EDGE not in ours(fleet)[NAME].endpoints)

        ended = carried_out(fleet, mark)
        assert ended.targets[0].state is TargetState.DONE
        assert left == [True]
        with fleet.console.catalog.read() as books:
            told = [line.words for line in books.journal.of(ended.id) if line.step is Step.DISCONNECT and line.result]
        assert "lets no address be chosen" in told[0]


def boundaries(fleet: Fleet) -> list[str]:
    """Those from the new one's start on, before and after each call. What comes before is as in a recreate."""
    watching = Watching(fleet)
    carried_out(fleet, watching)
    met = [one for one in dict.fromkeys(watching.met) if one.endswith((":intent", ":sent"))]
    return met[met.index("START:intent") :]


@pytest.mark.parametrize("good", [True, False])
def test_cut_off_at_any_boundary_one_is_on_the_route_and_it_comes_to_its_end(good: bool) -> None:
    """Which of the two choices follows takes turns, and turns with the run's seed."""
    with routed_fleet() as fleet:
        wrong: list[str] = []
        old, numbers = "26.8.3", count(4)
        turn = random.choice((0, 1))  # noqa: S311 - which one is no secret
        for place, boundary in enumerate(boundaries(fleet)):
            new = f"26.8.{next(numbers)}"
            behaviour = Behaviour.OK if good else Behaviour.NEVER_HEALTHY
            fleet.publish(new, health_interval=0.02, behaviour=behaviour)
            refresh(fleet.console, fleet.jobs)
            watching = Watching(fleet, boundary)
            try:
                ended = carried_out(fleet, watching)
            except CatalogError:
                (found,) = recovery.interrupted(fleet.console)
                console = replace(fleet.console, mark=watching)
                watching._cut_at = ""
                if (place // 2 + turn) % 2:
                    ended = recovery.go_on(console, fleet.jobs, found.rollout.id).run()
                else:
                    ended = recovery.put_back(console, fleet.jobs, found.rollout.id)
            told, runs = ended.targets[0].state, version(fleet)
            expected = new if told in {TargetState.DONE, TargetState.ALREADY} else old
            left = sorted(fleet.names("alpha").keys() - {"webshop-live", NAME, f"{NAME}.mc-prev"})
            if watching.empty or left or runs != expected or on_route(fleet) != [NAME] or told is TargetState.STRANDED:
                wrong.append(f"{boundary}: {told} {runs}, left {left}, {on_route(fleet)}, empty at {watching.empty}")
            if not good and told is TargetState.DONE:
                wrong.append(f"{boundary}: done with what is never well")
            old = runs
        assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("cut_at", "found"),
    [
        ("VERIFY:outcome", Found.HALF_DONE),
        ("CONNECT:sent", Found.ROUTED),
        ("DISCONNECT:sent", Found.ROUTED),
        ("STOP:sent", Found.UNVERIFIED),
        ("COMMIT:sent", Found.COMMITTED),
    ],
)
def test_what_was_cut_off_is_told_by_who_is_on_the_route_alone(fleet: Fleet, cut_at: str, found: Found) -> None:
    with pytest.raises(CatalogError):
        carried_out(fleet, Watching(fleet, cut_at))
    (cut,) = recovery.interrupted(fleet.console)
    (finding,) = recovery.examine(fleet.console, fleet.jobs, cut.rollout)
    assert (finding.found, finding.down) == (found, False)


def test_a_new_container_that_dies_while_the_old_one_drains_goes_back_and_nobody_was_without() -> None:
    with routed_fleet(route=replace(ROUTE, drain=0.3)) as fleet:
        watching = Watching(fleet)

        def mark(boundary: str) -> None:
            watching(boundary)
            if boundary == f"{Step.DRAIN.name}:intent":
                fleet.simulated.engines["alpha"].make_unhealthy(f"{NAME}.mc-next")

        ended = carried_out(fleet, mark)
        assert ended.targets[0].state is TargetState.PUT_BACK
        assert "while the old one drained" in ended.targets[0].words
        assert (on_route(fleet), version(fleet), watching.empty) == ([NAME], "26.8.2", [])
        assert ours(fleet)[NAME].policy == "unless-stopped"


def test_what_took_over_serves_until_the_old_one_is_well_again(fleet: Fleet) -> None:
    """The old one takes a moment to start: whoever asks meanwhile is answered by the new one, which then goes."""
    with pytest.raises(CatalogError):
        carried_out(fleet, Watching(fleet, "NAME:sent"))
    (cut,) = recovery.interrupted(fleet.console)
    old = ours(fleet)[f"{NAME}.mc-prev"]
    old.config = {**old.config, "Healthcheck": {**old.config["Healthcheck"], "Interval": 500_000_000}}
    well: dict[str, str] = {}
    watching = Watching(fleet)

    def mark(boundary: str) -> None:
        watching(boundary)
        health = fleet.simulated.engines["alpha"].container(old.id).health
        well[boundary] = health.status if health is not None else ""

    ended = recovery.put_back(replace(fleet.console, mark=mark), fleet.jobs, cut.rollout.id)
    assert ended.targets[0].state is TargetState.PUT_BACK
    assert (well["START_OLD:outcome"], well["DISCONNECT_NEW:before"]) == ("starting", "healthy")
    assert (on_route(fleet), version(fleet), watching.empty) == ([NAME], "26.8.2", [])


def test_by_labels_nothing_joins_or_leaves_and_both_get_requests_for_a_moment() -> None:
    with routed_fleet(route=Route(convention="traefik", drain=0.05, overlap=True)) as fleet:
        watching = Watching(fleet)
        ended = carried_out(fleet, watching)
        assert (ended.state, ended.targets[0].planned.swap) == (RolloutState.COMPLETED, Swap.BESIDE)
        steps = {boundary.partition(":")[0] for boundary in watching.met}
        assert not steps & {Step.CONNECT.name, Step.DISCONNECT.name}
        assert Step.DRAIN.name in steps


def test_without_leave_to_overlap_it_is_replaced_and_is_on_its_route_again() -> None:
    with routed_fleet(route=replace(ROUTE, overlap=False)) as fleet:
        ended = carried_out(fleet)
        assert (ended.state, ended.targets[0].planned.swap) == (RolloutState.COMPLETED, Swap.RECREATE)
        assert on_route(fleet) == [NAME]


def test_a_container_that_somebody_took_from_its_route_differs(fleet: Fleet) -> None:
    del ours(fleet)[NAME].endpoints[EDGE]
    refresh(fleet.console, fleet.jobs, inspect_all=True)
    with fleet.console.catalog.read() as books:
        (seen,) = books.observations.of(fleet.environment(fleet.mirrors[0], "live").id)
    assert [str(one) for one in seen.differences] == [f"route: {ALIAS} in {EDGE} → none"]


@pytest.mark.parametrize("verb", ["connect", "disconnect"])
def test_an_engine_that_lets_no_container_be_switched_over_is_found_before(fleet: Fleet, verb: str) -> None:
    made = planned(fleet)
    assert not preflight(fleet.console, fleet.jobs, made).blocking
    fleet.simulated.engines["alpha"].misbehave(Fault.FORBIDDEN, f"/{verb}")
    (refused,) = preflight(fleet.console, fleet.jobs, made).blocking
    assert refused.check is Check.PERMISSION
    assert f"refuses to {verb} containers" in refused.words


def test_what_is_not_known_by_the_alias_yet_is_said_before(fleet: Fleet) -> None:
    assert REPOSITORY
    place = ours(fleet)[NAME].endpoints[EDGE]
    place.aliases = [ours(fleet)[NAME].id[:12]]
    made = planned(fleet)
    words = [result.words for result in preflight(fleet.console, fleet.jobs, made).warnings]
    assert any("isn't known as shop-a in edge" in one for one in words)


def test_the_lock_tells_other_consoles_on_which_route_it_was(fleet: Fleet) -> None:
    with pytest.raises(CatalogError):
        carried_out(fleet, Watching(fleet, "DISCONNECT:sent"))
    for name in (f"mc-lock.{NAME}", f"{NAME}.mc-next"):
        labels = fleet.container(name).config["Labels"]
        assert labelled_route(labels, Settings()) == Route(EDGE, ALIAS, overlap=True)
        assert old_aliases(labels) == (ALIAS,)
    assert labelled_route({}, Settings(route=ROUTE)) is None


@pytest.fixture
def proxy() -> Iterator[_Proxy]:
    with _Proxy() as made, ThreadPoolExecutor(1) as pool:
        serving = pool.submit(made.serve_forever, 0.02)
        yield made
        made.shutdown()
        serving.result()


class _Proxy(HTTPServer):
    """Answers with one status whatever it is asked, and remembers for whom."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.status, self.asked = 200, list[str]()


class _Answer(BaseHTTPRequestHandler):
    server: _Proxy

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.headers['Host']}{self.path}")
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Says nothing."""


@pytest.mark.parametrize(("status", "state"), [(200, TargetState.DONE), (503, TargetState.PUT_BACK)])
def test_the_proxy_is_asked_before_the_old_one_leaves(proxy: _Proxy, status: int, state: TargetState) -> None:
    port = proxy.server_port
    route = replace(ROUTE, drain=0.05, proof=f"http://shop.example:{port}/up")
    with routed_fleet(route=route) as fleet:
        environment = fleet.environment(fleet.mirrors[0], "live")
        fleet.with_settings(environment, health=HealthTest(settle=0.0, limit=0.4))
        proxy.status = status
        watching = Watching(fleet)
        ended = carried_out(fleet, watching)
        assert (ended.targets[0].state, watching.empty, on_route(fleet)) == (state, [], [NAME])
        assert set(proxy.asked) == {f"shop.example:{port}/up"}
        left = any(boundary.startswith("DISCONNECT:") for boundary in watching.met)
        assert left == (status == 200)
        if status != 200:
            assert "/up answered 503" in ended.targets[0].words
