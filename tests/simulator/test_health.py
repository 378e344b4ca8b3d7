"""Health checks and restart policies as time passes, and what an engine's own restart does."""

from __future__ import annotations

import pytest

from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.registry import Login
from tests.simulator.conftest import IMAGE, Api, HandClock, Publish


def health(api: Api, name: str = "web") -> tuple[str, int]:
    """Status and failing streak."""
    found = api.inspect_container(name)["State"]["Health"]
    return found["Status"], found["FailingStreak"]


def test_a_container_is_healthy_after_its_first_probe(engine: SimulatedEngine, api: Api, clock: HandClock) -> None:
    engine.run("web", IMAGE)
    assert health(api) == ("starting", 0)
    clock.move(0.9)
    assert health(api) == ("starting", 0)

    clock.move(0.2)
    assert health(api) == ("healthy", 0)
    assert api.containers()[0]["Status"] == "Up 1 second (healthy)"


def test_one_that_is_never_healthy_fails_after_its_retries(engine: SimulatedEngine, api: Api, clock: HandClock) -> None:
    engine.run("web", IMAGE, variables={"APP_BEHAVIOUR": "never-healthy"})
    clock.move(1)
    assert health(api) == ("starting", 1)

    clock.move(1)
    assert health(api) == ("unhealthy", 2)
    log = api.inspect_container("web")["State"]["Health"]["Log"]
    assert [entry["ExitCode"] for entry in log] == [1, 1]


def test_a_slow_start_becomes_healthy_in_its_time(engine: SimulatedEngine, api: Api, clock: HandClock) -> None:
    engine.run("web", IMAGE, variables={"APP_BEHAVIOUR": "slow-start", "APP_DELAY": "5"})
    clock.move(4.5)
    assert health(api)[0] == "unhealthy"

    clock.move(1)
    assert health(api) == ("healthy", 0)
    assert len(api.inspect_container("web")["State"]["Health"]["Log"]) == 5


def test_one_that_dies_ends_by_itself(engine: SimulatedEngine, api: Api, clock: HandClock) -> None:
    engine.run("web", IMAGE, ports={8080: 18080}, variables={"APP_BEHAVIOUR": "healthy-then-dies", "APP_DELAY": "3"})
    clock.move(2)
    assert health(api)[0] == "healthy"

    clock.move(2)
    state = api.inspect_container("web")["State"]
    assert (state["Status"], state["ExitCode"], state["Health"]["Status"]) == ("exited", 1, "unhealthy")
    engine.run("another", IMAGE, ports={8080: 18080})


def test_a_changed_health_shows_without_any_setting_changed(
    engine: SimulatedEngine, api: Api, clock: HandClock
) -> None:
    engine.run("web", IMAGE)
    clock.move(2)
    before = api.inspect_container("web")["Config"]
    engine.make_unhealthy("web")
    clock.move(2)
    assert health(api)[0] == "unhealthy"

    engine.make_healthy("web")
    clock.move(1)
    assert health(api)[0] == "healthy"
    assert api.inspect_container("web")["Config"] == before


def test_months_of_probes_are_not_played_one_by_one(engine: SimulatedEngine, api: Api, clock: HandClock) -> None:
    engine.run("web", IMAGE, variables={"APP_BEHAVIOUR": "never-healthy"})
    month = 30 * 24 * 3600
    clock.move(month)

    assert health(api) == ("unhealthy", month)
    assert api.containers()[0]["Status"] == "Up 4 weeks (unhealthy)"


def test_without_a_health_check_there_is_no_health(
    engine: SimulatedEngine, api: Api, publish: Publish, login: Login
) -> None:
    publish("bare", health_interval=0)
    engine.pull("registry.test:5000/shop/webshop:bare", login)
    engine.run("web", "registry.test:5000/shop/webshop:bare")
    off = api.create_container(IMAGE, healthcheck={"test": ["NONE"]})["Id"]
    api.start(off)

    for name in ("web", off):
        assert "Health" not in api.inspect_container(name)["State"]
    assert api.containers()[0]["Status"] == "Up Less than a second"


def test_the_behaviour_is_the_images(engine: SimulatedEngine, api: Api, publish: Publish, login: Login) -> None:
    publish("bad", Behaviour.EXITS_AT_ONCE)
    engine.pull("registry.test:5000/shop/webshop:bad", login)
    engine.run("web", "registry.test:5000/shop/webshop:bad")

    assert api.inspect_container("web")["State"]["ExitCode"] == 1


@pytest.mark.parametrize(
    ("policy", "comes_back"), [("no", False), ("always", True), ("unless-stopped", True), ("on-failure", True)]
)
def test_one_that_ended_comes_back_by_its_policy(
    engine: SimulatedEngine, api: Api, clock: HandClock, policy: str, comes_back: bool
) -> None:
    engine.run(
        "web",
        IMAGE,
        variables={"APP_BEHAVIOUR": "healthy-then-dies", "APP_DELAY": "3"},
        host={"RestartPolicy": {"Name": policy}},
    )
    clock.move(3.05)
    assert api.inspect_container("web")["State"]["Status"] == ("restarting" if comes_back else "exited")

    clock.move(0.1)
    after = api.inspect_container("web")
    assert after["State"]["Running"] is comes_back
    assert after["RestartCount"] == (1 if comes_back else 0)


def test_on_failure_gives_up_after_its_count(engine: SimulatedEngine, api: Api, clock: HandClock) -> None:
    engine.run(
        "web",
        IMAGE,
        variables={"APP_BEHAVIOUR": "exits-at-once"},
        host={"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}},
    )
    clock.move(600)

    after = api.inspect_container("web")
    assert (after["State"]["Status"], after["RestartCount"]) == ("exited", 3)


def test_restarts_wait_longer_each_time(engine: SimulatedEngine, api: Api, clock: HandClock) -> None:
    engine.run("web", IMAGE, variables={"APP_BEHAVIOUR": "exits-at-once"}, host={"RestartPolicy": {"Name": "always"}})
    clock.move(0.75)
    assert api.inspect_container("web")["RestartCount"] == 3

    clock.move(0.8)
    assert api.inspect_container("web")["RestartCount"] == 4
    assert api.inspect_container("web")["State"]["Restarting"]
    api.stop("web")
    clock.move(60)
    assert api.inspect_container("web")["State"]["Status"] == "exited"


AFTER_GRACEFUL = {
    "run-no": False,
    "run-always": True,
    "run-unless-stopped": True,
    "run-on-failure": True,
    "stopped-no": False,
    "stopped-always": True,
    "stopped-unless-stopped": False,
    "stopped-on-failure": True,
    "created-no": False,
    "created-always": False,
    "created-unless-stopped": False,
    "created-on-failure": False,
    "done-on-failure": False,
}


@pytest.mark.parametrize("killed", [False, True])
def test_an_engines_restart_brings_back_what_a_real_one_does(engine: SimulatedEngine, api: Api, killed: bool) -> None:
    """Measured on Docker 20.10.24: `always` and `on-failure` come back though they were stopped by a person."""
    for policy in ("no", "always", "unless-stopped", "on-failure"):
        host = {"RestartPolicy": {"Name": policy}}
        engine.run(f"run-{policy}", IMAGE, host=host)
        engine.run(f"stopped-{policy}", IMAGE, host=host)
        api.stop(f"stopped-{policy}")
        api.create_container(IMAGE, name=f"created-{policy}", host_config=host)
    host = api.create_host_config(restart_policy={"Name": "on-failure"})
    api.start(api.create_container(IMAGE, ["/bin/true"], name="done-on-failure", host_config=host)["Id"])
    engine.restart(killed=killed)

    running = {name: api.inspect_container(name)["State"]["Running"] for name in AFTER_GRACEFUL}
    assert running == AFTER_GRACEFUL | ({"run-unless-stopped": False} if killed else {})
    assert api.inspect_container("stopped-no")["State"]["ExitCode"] == 143
    if killed:
        assert api.inspect_container("run-unless-stopped")["State"]["ExitCode"] == 137
