"""Recorded replies of three kinds of engine become the same values."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from mirror_console.domain.environment import Limits, Port, RestartPolicy, Volume
from mirror_console.domain.image import Image
from mirror_console.domain.observation import Container, Ending, Health, State
from mirror_console.engine import replies, translate
from mirror_console.engine.failures import Malformed, Oversized
from tests.engine.recorded import ENGINES, recorded

FIRST_RELEASE = (
    "image-pulled-by-tag-of-index",
    "image-by-index-digest",
    "image-by-platform-digest",
    "image-pulled-by-tag-of-manifest",
    "image-of-container-whose-tag-moved",
    "image-loaded",
    "image-loaded-and-retagged",
)

every_engine = pytest.mark.parametrize("engine", ENGINES)


def _image(engine: str, case: str) -> Image:
    return translate.image(*translate.parse_image(recorded(engine, case).body))


def _container(engine: str, case: str, given: str = "image-pulled-by-tag-of-index") -> Container:
    config = translate.parse_image(recorded(engine, given).body)[0].config
    return translate.container(translate.parse_container(recorded(engine, case).body), config)


def _changed(engine: str, case: str, change: dict[str, Any]) -> bytes:
    content = recorded(engine, case).content
    for path, value in change.items():
        *parents, last = path.split(".")
        part = content
        for parent in parents:
            part = part[parent]
        part[last] = value
    return json.dumps(content).encode()


# --- images -------------------------------------------------------------------------------------------------------


def test_one_image_in_all_its_guises_has_one_fingerprint_everywhere() -> None:
    seen = {_image(engine, case).fingerprint for engine in ENGINES for case in FIRST_RELEASE}
    assert len(seen) == 1


def test_the_next_release_has_another_fingerprint_but_one_everywhere() -> None:
    first = _image(ENGINES[0], FIRST_RELEASE[0]).fingerprint
    second = {_image(engine, "image-after-tag-moved").fingerprint for engine in ENGINES}
    assert len(second) == 1
    assert first not in second


@every_engine
def test_an_image_tells_version_platform_and_what_it_gives(engine: str) -> None:
    image = _image(engine, "image-pulled-by-tag-of-index")
    assert (image.version, image.revision) == ("26.1.0", "abababab" * 4 + "ababab11")
    assert image.platform == "linux/amd64"
    assert image.has_health_check
    assert image.command == ("/bin/httpd", "-f", "-p", "8080")
    assert image.exposed_ports == ("8080/tcp",)
    assert image.stop_signal == "SIGKILL"
    assert "APP_VERSION=1" in image.environment
    assert image.size
    assert image.digest_in("127.0.0.1:5055/shop/app14172").startswith("sha256:")


# --- containers ---------------------------------------------------------------------------------------------------


@every_engine
@pytest.mark.parametrize(
    ("case", "state", "health"),
    [
        ("container-starting", State.RUNNING, Health.STARTING),
        ("container-unhealthy", State.RUNNING, Health.FAILING),
        ("container-healthy", State.RUNNING, Health.HEALTHY),
        ("container-exited", State.EXITED, Health.STOPPED),
        ("container-created-by-digest", State.CREATED, Health.STOPPED),
    ],
)
def test_state_and_health_of_a_container(engine: str, case: str, state: State, health: Health) -> None:
    container = _container(engine, case, "image-after-tag-moved" if "digest" in case else "image-loaded")
    assert (container.state, container.health) == (state, health)


@every_engine
def test_a_container_in_full(engine: str) -> None:
    container = _container(engine, "container-healthy")
    assert container.name == "rec-one"
    assert container.image == "127.0.0.1:5055/shop/app14172:live"
    assert container.restart is RestartPolicy.UNLESS_STOPPED
    assert container.limits == Limits(memory=64 * 1024 * 1024, cpus=0.5)
    assert container.networks == ("host",)
    assert container.network_mode == "host"
    assert container.variables["SECRET"] == "canary"
    assert "canary" not in repr(container)
    assert container.command == ("/bin/httpd", "-f", "-p", "8080")
    assert container.started_at is not None
    assert container.started_at.tzinfo is UTC
    assert container.started_at > container.created_at
    assert container.finished_at is None
    assert container.health_output == ""


@every_engine
def test_a_label_of_someone_else_is_read_and_no_obstacle(engine: str) -> None:
    labelled = _container(engine, "container-healthy")
    assert labelled.labels["mc.environment"] == "e1"
    assert labelled.unsupported == ()
    assert _container(engine, "container-of-loaded-image").unsupported == ()


@every_engine
def test_a_stopped_container_tells_when_and_how_it_ended(engine: str) -> None:
    container = _container(engine, "container-exited")
    assert container.finished_at is not None
    assert container.exit_code == 137


@every_engine
def test_a_listing(engine: str) -> None:
    listed = {item.name: item for item in translate.listing(recorded(engine, "list").body).values()}
    one, two = listed["rec-one"], listed["rec-two"]
    assert (one.state, one.health) == (State.RUNNING, Health.HEALTHY)
    assert (two.state, two.health) == (State.CREATED, Health.STOPPED)
    assert one.labels["mc.environment"] == "e1"
    assert one.image == one.image_id, "its tag has moved to the next release"
    assert two.image.startswith("127.0.0.1:5055/shop/app14172@sha256:")


def test_what_was_told_in_the_same_words_before_is_not_read_again() -> None:
    recorded_two = recorded("20.10-classic/v1.41", "list").content
    items = [*recorded_two, recorded_two[1] | {"Id": "a" * 64}, recorded_two[1] | {"Id": "b" * 64}]
    before = translate.listing(json.dumps(items).encode())
    ended = items[0] | {"State": "exited", "Status": "Exited (1) 2 seconds ago"}
    after = translate.listing(json.dumps([ended, *items[1:-1]]).encode(), before)
    old, new = list(before.values()), list(after.values())
    assert new[0].state is State.EXITED
    assert len(new) == len(items) - 1, "what isn't there any more is forgotten"
    assert all(one is same for one, same in zip(new[1:], old[1:-1], strict=True))


@pytest.mark.parametrize(
    ("text", "health"),
    [
        ("Up 6 seconds (healthy)", Health.HEALTHY),
        ("Up About a minute (unhealthy)", Health.FAILING),
        ("Up Less than a second (health: starting)", Health.STARTING),
        ("Up 3 weeks", Health.NO_CHECK),
    ],
)
def test_health_from_the_text_of_a_listing(text: str, health: Health) -> None:
    item = recorded("20.10-classic/v1.41", "list").content[1]
    reply = json.dumps([item | {"Status": text, "State": "running"}]).encode()
    assert next(iter(translate.listing(reply).values())).health is health


@pytest.mark.parametrize(
    ("state", "health"),
    [
        ("restarting", Health.FAILING),
        ("paused", Health.STOPPED),
        ("dead", Health.STOPPED),
        ("removing", Health.STOPPED),
    ],
)
def test_what_does_not_run_is_not_healthy_whatever_its_check_said(state: str, health: Health) -> None:
    item = recorded("20.10-classic/v1.41", "list").content[1]
    listed = next(iter(translate.listing(json.dumps([item | {"State": state}]).encode()).values()))
    inspected = translate.parse_container(_changed("20.10-classic/v1.41", "container-healthy", {"State.Status": state}))
    assert listed.health is health
    assert translate.container(inspected, None).health is health


def test_ports_of_a_listing_are_told_once_for_both_kinds_of_address() -> None:
    ports = [
        {"IP": translate.ANY_ADDRESS, "PrivatePort": 8080, "PublicPort": 80, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 8080, "PublicPort": 80, "Type": "tcp"},
        {"PrivatePort": 9000, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 53, "PublicPort": 5353, "Type": "udp"},
    ]
    item = recorded("20.10-classic/v1.41", "list").content[1] | {"Ports": ports}
    listed = next(iter(translate.listing(json.dumps([item]).encode()).values()))
    assert listed.host_ports == (Port(53, 5353, "::", "udp"), Port(8080, 80))


def test_the_name_of_a_container_that_others_link_to() -> None:
    item = recorded("20.10-classic/v1.41", "list").content[1] | {"Names": ["/other/db", "/web-live"]}
    assert next(iter(translate.listing(json.dumps([item]).encode()).values())).name == "web-live"


def test_ports_and_mounts_of_a_container() -> None:
    reply = _changed(
        "20.10-classic/v1.41",
        "container-healthy",
        {
            "HostConfig.PortBindings": {
                "8080/tcp": [{"HostIp": "", "HostPort": "80"}],
                "53/udp": [{"HostIp": "10.0.0.1", "HostPort": ""}],
            },
            "NetworkSettings.Ports": {
                "8080/tcp": [{"HostIp": translate.ANY_ADDRESS, "HostPort": "80"}, {"HostIp": "::", "HostPort": "80"}],
                "53/udp": None,
            },
            "Mounts": [
                {"Type": "volume", "Name": "data", "Source": "/var/lib/x", "Destination": "/data", "RW": True},
                {"Type": "bind", "Source": "/srv/c", "Destination": "/conf", "RW": False, "Propagation": "rprivate"},
                {"Type": "volume", "Name": "ab" * 32, "Source": "/y", "Destination": "/cache", "RW": True},
            ],
        },
    )
    container = translate.container(translate.parse_container(reply), None)
    assert container.declared_ports == (Port(53, 0, "10.0.0.1", "udp"), Port(8080, 80))
    assert container.bound_ports == (Port(8080, 80),)
    assert container.volumes == (Volume("/srv/c", "/conf", read_only=True), Volume("data", "/data"))
    assert container.unsupported == ("an unnamed volume at /cache, whose content would stay behind",)


# --- the engine and its registries --------------------------------------------------------------------------------


@every_engine
def test_facts(engine: str) -> None:
    now = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
    version, info = recorded(engine, "version").body, recorded(engine, "info").body
    facts = translate.facts(version, info, api="1.44", now=now)
    assert facts.version.startswith(engine.partition(".")[0].partition("-")[0])
    assert facts.platform == "linux/amd64"
    assert (facts.name, facts.cpus, facts.memory, facts.api) == ("host", 2, 25276502016, "1.44")
    assert facts.store == ("containerd" if "containerd" in engine else "classic")
    assert 36 * 60 < facts.clock_offset < 37 * 60


@every_engine
def test_what_a_registry_says_of_a_reference(engine: str) -> None:
    resolved = translate.resolved(recorded(engine, "distribution-ok").body)
    assert resolved.digest.startswith("sha256:")
    assert resolved.platforms == ("linux/amd64", "linux/arm64")


def test_attestations_are_no_platforms() -> None:
    content = recorded("20.10-classic/v1.41", "distribution-ok").content
    content["Platforms"].append({"architecture": "unknown", "os": "unknown"})
    assert translate.resolved(json.dumps(content).encode()).platforms == ("linux/amd64", "linux/arm64")


# --- replies that lie ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", ["../../images", "abc", "A" * 64, "", "0" * 63 + "\n"])
def test_an_id_that_is_none_is_refused(identity: str) -> None:
    reply = _changed("20.10-classic/v1.41", "container-healthy", {"Id": identity})
    with pytest.raises(Malformed):
        translate.parse_container(reply)
    with pytest.raises(Malformed):
        translate.created(json.dumps({"Id": identity}).encode())
    with pytest.raises(Malformed):
        translate.networks(json.dumps([{"Id": identity, "Name": "x"}]).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"State.Status": "levitating"},
        {"Created": "yesterday"},
        {"Created": ""},
        {"HostConfig.RestartPolicy": {"Name": "sometimes"}},
        {"HostConfig.PortBindings": {"http": [{"HostPort": "1"}]}},
        {"Config": None},
        {"State": "running"},
    ],
)
def test_a_container_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    reply = _changed("20.10-classic/v1.41", "container-healthy", change)
    with pytest.raises((Malformed, msgspec.ValidationError)):
        translate.container(translate.parse_container(reply), None)


def test_an_image_that_makes_no_sense_is_refused() -> None:
    for change in ({"Id": "sha256:.."}, {"Config": ["x"]}, {"RootFS": {"Layers": "x"}}, {"Os": 3}):
        with pytest.raises((Malformed, msgspec.ValidationError)):
            translate.parse_image(_changed("20.10-classic/v1.41", "image-loaded", change))


def test_words_of_an_image_and_a_container_are_made_plain() -> None:
    labels = {"org.opencontainers.image.version": "\x1b[31m26.1\x1b[0m\u202e\n" + "9" * 500}
    reply = _changed("20.10-classic/v1.41", "image-loaded", {"Config.Labels": labels})
    version = translate.image(*translate.parse_image(reply)).version
    assert version.startswith("26.1\ufffd 999")
    assert len(version) == translate.LONGEST_LABEL
    log = [{"ExitCode": 1, "Output": "bad\x1b]0;title\x07\r\nworse\x00"}]
    reply = _changed("20.10-classic/v1.41", "container-unhealthy", {"State.Health.Log": log})
    assert translate.container(translate.parse_container(reply), None).health_output == "bad worse"


def test_a_check_that_was_taken_away_is_none() -> None:
    assert not translate.has_check(replies.HealthCheck(test=["NONE"]))
    assert not translate.has_check(None)
    assert translate.has_check(replies.HealthCheck(test=["CMD", "/check"]))


@pytest.mark.parametrize("code", ["9" * 5000, "\u0663", "\u00b2", "-1", "", "many"])
def test_an_exit_code_that_is_no_number_is_none(code: str) -> None:
    line = {"Action": "die", "Actor": {"Attributes": {"exitCode": code}}}
    assert translate.endings(json.dumps(line).encode()) == (Ending(0, False),)


@pytest.mark.parametrize("read", [translate.listing, translate.images, translate.networks, translate.volumes])
def test_a_listing_of_more_than_any_engine_has_is_not_read(read: Callable[[bytes], object]) -> None:
    with pytest.raises(Oversized):
        read(b"[" + b"1," * translate.MOST_PARTS + b"1]")


@pytest.mark.parametrize(
    ("change", "joins"),
    [
        ({}, ()),
        ({"NetworkMode": "container:abc", "PidMode": "container:abc", "IpcMode": "container:def"}, ("abc", "def")),
        ({"VolumesFrom": ["shop:ro", "blog"]}, ("shop", "blog")),
        ({"Links": ["/shop:/own/database"]}, ("shop",)),
        ({"PidMode": "host", "VolumesFrom": [], "Links": None}, ()),
    ],
)
def test_what_a_container_cannot_do_without(change: dict[str, Any], joins: tuple[str, ...]) -> None:
    changes = {f"HostConfig.{name}": value for name, value in change.items()}
    body = _changed("20.10-classic/v1.41", "container-of-loaded-image", changes)
    assert translate.container(translate.parse_container(body), None).joins == joins


@pytest.mark.parametrize(("options", "rootless"), [(None, False), (["name=seccomp"], False), (["name=rootless"], True)])
def test_an_engine_tells_that_it_runs_without_root(options: list[str] | None, rootless: bool) -> None:
    info = json.dumps({"ID": "x", "SecurityOptions": options}).encode()
    version = json.dumps({"Version": "29.7.2", "ApiVersion": "1.55", "Os": "linux", "Arch": "amd64"}).encode()
    assert translate.facts(version, info, api="1.44", now=datetime(2026, 11, 20, tzinfo=UTC)).rootless is rootless
