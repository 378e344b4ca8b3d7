"""Settings in the terms of the Docker Engine API."""

from __future__ import annotations

from typing import Any

import pytest

from mirror_console.domain.environment import Limits, Port, RestartPolicy, Settings, Volume
from mirror_console.domain.request import ContainerSpec
from mirror_console.domain.secret import Secret
from mirror_console.engine import bodies

OLD, NEW = (1, 41), (1, 44)
IDS = {"front": "f" * 64, "back": "b" * 64}


def _body(settings: Settings, api: tuple[int, int] = OLD, **more: Any) -> bodies.CreateBody:
    return bodies.create_body(ContainerSpec("web", "sha256:1", settings, **more), IDS, api)


def test_the_least() -> None:
    body = _body(Settings())
    assert body.connect == ()
    assert body.content == {
        "Image": "sha256:1",
        "Env": [],
        "Labels": {},
        "ExposedPorts": {},
        "StopTimeout": 10,
        "HostConfig": {
            "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
            "PortBindings": {},
            "Mounts": [],
        },
    }


def test_everything() -> None:
    settings = Settings(
        variables={"DOMAIN": "a.example", "EMPTY": ""},
        ports=(Port(8080, 80), Port(8080, 0), Port(53, 53, "10.0.0.1", "udp")),
        volumes=(Volume("data", "/data"), Volume("/srv/conf", "/conf", read_only=True)),
        limits=Limits(memory=64 * 1024 * 1024, cpus=0.3, pids=50),
        stop_signal="SIGQUIT",
        stop_seconds=30,
        command=("/serve", "--all"),
        init=True,
        labels={"team": "blue", "a": "of the settings"},
    )
    body = _body(settings, secrets={"KEY": Secret("canary=1")}, labels={"a": "b"}, restart=RestartPolicy.ALWAYS)
    assert body.content == {
        "Image": "sha256:1",
        "Env": ["DOMAIN=a.example", "EMPTY=", "KEY=canary=1"],
        "Labels": {"team": "blue", "a": "b"},
        "ExposedPorts": {"8080/tcp": {}, "53/udp": {}},
        "StopTimeout": 30,
        "StopSignal": "SIGQUIT",
        "Cmd": ["/serve", "--all"],
        "HostConfig": {
            "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
            "PortBindings": {
                "8080/tcp": [{"HostIp": "", "HostPort": "80"}, {"HostIp": "", "HostPort": ""}],
                "53/udp": [{"HostIp": "10.0.0.1", "HostPort": "53"}],
            },
            "Mounts": [
                {"Type": "volume", "Source": "data", "Target": "/data", "ReadOnly": False},
                {"Type": "bind", "Source": "/srv/conf", "Target": "/conf", "ReadOnly": True},
            ],
            "Memory": 64 * 1024 * 1024,
            "MemorySwap": 64 * 1024 * 1024,
            "NanoCpus": 300_000_000,
            "PidsLimit": 50,
            "Init": True,
        },
    }


@pytest.mark.parametrize("name", ["host", "none", "bridge", "default"])
def test_networks_that_every_engine_has_go_by_their_names(name: str) -> None:
    body = _body(Settings(networks=(name,)))
    assert body.content["HostConfig"]["NetworkMode"] == name
    assert "NetworkingConfig" not in body.content


def test_several_networks_are_asked_for_at_once_where_the_engine_can() -> None:
    body = _body(Settings(networks=("front", "back")), NEW)
    assert body.content["HostConfig"]["NetworkMode"] == "front"
    assert body.content["NetworkingConfig"] == {"EndpointsConfig": {"front": {}, "back": {}}}
    assert body.connect == ()


def test_else_in_the_first_and_connected_to_the_others() -> None:
    body = _body(Settings(networks=("front", "back")), OLD)
    assert body.content["NetworkingConfig"] == {"EndpointsConfig": {IDS["front"]: {}}}
    assert body.connect == (IDS["back"],)
    assert _body(Settings(networks=("bridge", "back")), NEW).connect == (IDS["back"],)


def test_retries_count_with_on_failure_only() -> None:
    assert bodies.restart_policy(RestartPolicy.ON_FAILURE, 7) == {"Name": "on-failure", "MaximumRetryCount": 7}
    assert bodies.restart_policy(RestartPolicy.ALWAYS, 7) == {"Name": "always", "MaximumRetryCount": 0}
