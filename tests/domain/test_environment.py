"""Settings with a fault are told every one of them; the same settings have the same hash."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.environment import (
    HealthTest,
    Hold,
    Limits,
    Port,
    Process,
    RestartPolicy,
    Settings,
    Volume,
    environment_problems,
    settings_problems,
)
from mirror_console.domain.secret import SecretReference
from tests.domain.parts import NOW, environment

FULL = Settings(
    variables={"STAGE": "live", "DOMAIN": "dunes.example"},
    secrets={"SECRET_KEY": SecretReference("variable/a")},
    ports=(Port(80, 8080), Port(53, 5353, protocol="udp")),
    volumes=(Volume("media", "/media"), Volume("/etc/hosts", "/etc/hosts", read_only=True)),
    networks=("front",),
    limits=Limits(64 * 1024 * 1024, 0.5, 100),
    health=HealthTest("/health", 80),
)


def test_sound_settings_have_no_problems() -> None:
    assert settings_problems(FULL) == []
    assert settings_problems(Settings()) == []
    assert environment_problems(environment(settings=FULL)) == []


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"variables": {"1A": ""}}, "variables"),
        ({"variables": {"A B": ""}}, "variables"),
        ({"variables": {"": ""}}, "variables"),
        ({"variables": {"SECRET_KEY": "clear"}}, "variables"),
        ({"ports": (Port(0, 80),)}, "ports"),
        ({"ports": (Port(80, 65536),)}, "ports"),
        ({"ports": (Port(80, -1),)}, "ports"),
        ({"ports": (Port(80, 80, protocol="sctp"),)}, "ports"),
        ({"ports": (Port(80, 8080), Port(81, 8080))}, "ports"),
        ({"volumes": (Volume("media", "media"),)}, "volumes"),
        ({"limits": Limits(memory=1024)}, "limits.memory"),
        ({"limits": Limits(cpus=-1)}, "limits"),
        ({"limits": Limits(pids=-1)}, "limits"),
        ({"stop_seconds": -1}, "stop_seconds"),
        ({"stop_seconds": 3601}, "stop_seconds"),
        ({"health": HealthTest(answers_from=400, answers_to=399)}, "health.answers"),
        ({"health": HealthTest(answers_from=99)}, "health.answers"),
        ({"health": HealthTest("health", 80)}, "health.path"),
        ({"health": HealthTest("/health", 81)}, "health.port"),
        ({"health": HealthTest("/health", 0), "networks": ("host",)}, "health.port"),
    ],
)
def test_each_fault_is_told_at_its_field(fault: dict[str, Any], field: str) -> None:
    wrong = replace(Settings(secrets=FULL.secrets, ports=(Port(80, 8080),)), **fault)
    if "health" not in fault:
        wrong = replace(wrong, health=HealthTest())

    assert [problem.field for problem in settings_problems(wrong)] == [f"settings.{field}"]


def test_ports_that_the_engine_chooses_and_other_protocols_do_not_collide() -> None:
    free = Settings(ports=(Port(80, 0), Port(81, 0), Port(53, 53), Port(53, 53, protocol="udp")))

    assert settings_problems(free) == []


def test_in_the_network_of_the_host_a_port_needn_t_be_published_to_be_asked() -> None:
    assert settings_problems(Settings(networks=("host",), health=HealthTest("/health", 8081))) == []


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"name": "Live"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "-live"}, "name"),
        ({"name": "x" * 64}, "name"),
        ({"processes": ()}, "container"),
        ({"processes": (Process("web", "a"),)}, "container"),
        ({"processes": (Process("web", "-ab"),)}, "container"),
        ({"processes": (Process("web", "a b"),)}, "container"),
        ({"processes": (Process("web", "dunes.mc-next"),)}, "container"),
        ({"processes": (Process("web", "dunes.mc-prev"),)}, "container"),
    ],
)
def test_each_fault_of_an_environment_is_told_at_its_field(fault: dict[str, Any], field: str) -> None:
    assert [problem.field for problem in environment_problems(environment(**fault), "e")] == [f"e.{field}"]


@pytest.mark.parametrize(
    "other",
    [
        {"variables": {"STAGE": "test", "DOMAIN": "dunes.example"}},
        {"variables": {"STAGE": "live"}},
        {"secrets": {}},
        {"secrets": {"OTHER": SecretReference("variable/a")}},
        {"ports": FULL.ports[:1]},
        {"ports": (Port(80, 8081), FULL.ports[1])},
        {"volumes": FULL.volumes[:1]},
        {"networks": ("back",)},
        {"limits": Limits(64 * 1024 * 1024, 0.6, 100)},
        {"restart": RestartPolicy.ALWAYS},
        {"health": HealthTest("/health", 80, settle=4)},
        {"stop_signal": "SIGINT"},
        {"stop_seconds": 11},
        {"command": ("serve",)},
        {"init": True},
    ],
    ids=lambda other: next(iter(other)),
)
def test_other_settings_have_another_hash(other: dict[str, Any]) -> None:
    assert replace(FULL, **other).hash != FULL.hash


def test_the_same_settings_have_the_same_hash_however_they_are_written() -> None:
    again = replace(
        FULL,
        variables=dict(reversed(list(FULL.variables.items()))),
        ports=FULL.ports[::-1],
        volumes=FULL.volumes[::-1],
        # Where a secret is kept, and its value, is no property of the container.
        secrets={"SECRET_KEY": SecretReference("variable/b")},
    )
    assert again.hash == FULL.hash
    assert Settings(limits=Limits(cpus=1)).hash == Settings(limits=Limits(cpus=1.0)).hash
    assert Settings(health=HealthTest(settle=3, limit=60)).hash == Settings().hash


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=5)), st.dictionaries(st.text(max_size=5), st.text(max_size=5))
)
def test_hashes_are_equal_exactly_when_variables_are(one: dict[str, str], other: dict[str, str]) -> None:
    assert (Settings(variables=one).hash == Settings(variables=other).hash) == (one == other)


def test_a_hold_ends_at_its_end() -> None:
    endless = Hold("fp1:x", "1", "why", "operator", NOW)
    ending = replace(endless, until=NOW + timedelta(hours=1))

    assert endless.active(NOW + timedelta(days=4000))
    assert ending.active(NOW)
    assert not ending.active(NOW + timedelta(hours=1))
    assert environment().with_hold(ending).hold == ending
    assert environment(hold=ending).with_hold(None).hold is None
