"""Networks and volumes that several targets of an engine need at once are made once; on the simulator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from mirror_console.domain.environment import Volume
from mirror_console.domain.rollout import Rollout, TargetState
from mirror_console.domain.way import REST
from mirror_console.engine.session import DockerSession
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow

AT_ONCE = replace(QUICK, waves=(REST,), at_once=2, at_once_per_engine=2)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Two mirrors on one engine, which hasn't got the network and the volumes that they are to have."""
    with small_fleet(mirrors=2, names=("alpha",), prepared=Fleet.fall_behind) as made:
        for mirror in made.mirrors:
            environment = made.environment(mirror, "live")
            made.with_settings(environment, volumes=(Volume(f"{mirror.slug}-media", "/media"),), networks=("shop",))
        yield made


def rolled_out(fleet: Fleet) -> Rollout:
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], AT_ONCE)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    return Conductor(fleet.console, fleet.jobs, rollout).run()


def networks(engine: SimulatedEngine) -> list[str]:
    return [network.name for network in engine.state.networks.values() if network.name == "shop"]


def ends(rollout: Rollout) -> list[tuple[TargetState, str]]:
    return [(target.state, "" if target.state is TargetState.DONE else target.words) for target in rollout.targets]


def test_two_that_need_one_network_at_once_ask_for_it_once(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, real = fleet.simulated.engines["alpha"], DockerSession.create_network
    asked: list[str] = []

    def create_network(session: DockerSession, name: str, labels: Mapping[str, str]) -> None:
        asked.append(name)
        real(session, name, labels)

    monkeypatch.setattr(DockerSession, "create_network", create_network)
    # So slowly that both have looked before the first is made.
    alpha.misbehave(Fault.LATE, "/networks/create", seconds=0.5)
    assert ends(rolled_out(fleet)) == [(TargetState.DONE, "")] * 2
    # An engine of before API 1.44 may make another one each time that it is asked.
    assert asked == networks(alpha) == ["shop"]


def test_one_that_somebody_else_makes_just_now_is_taken(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, real = fleet.simulated.engines["alpha"], DockerSession.create_network

    def create_network(session: DockerSession, name: str, labels: Mapping[str, str]) -> None:
        with alpha.state.lock:
            alpha.state.add_network(name, "bridge")
        real(session, name, labels)

    monkeypatch.setattr(DockerSession, "create_network", create_network)
    assert ends(rolled_out(fleet)) == [(TargetState.DONE, "")] * 2
    assert networks(alpha) == ["shop"]
    assert {f"{mirror.slug}-media" for mirror in fleet.mirrors} <= alpha.state.volumes.keys()
