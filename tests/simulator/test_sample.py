"""The sample: what its file describes is what stands on the simulated engines."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from mirror_console.simulator.sample import Deviation, SampleFleet, describe_sample, sample_secret, start_sample
from mirror_console.simulator.state import AT_ONCE
from tests.simulator.conftest import Api, Connect, HandClock

pytestmark = pytest.mark.slow

FILE = Path(__file__).parents[2] / "resources/sample/webshop.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
DESCRIPTION = describe_sample(DOCUMENT)
ENVIRONMENTS = {environment.container: environment for environment in DESCRIPTION.environments}


@pytest.fixture
def sample(clock: HandClock, folder: Path) -> Iterator[SampleFleet]:
    with start_sample(
        folder / "s",
        clock,
        DESCRIPTION,
        password="right",
        labels=lambda environment: {"io.mirrorconsole.env": environment.name},
        timing=AT_ONCE,
        pause=clock.move,
    ) as made:
        yield made


@pytest.fixture
def containers(sample: SampleFleet, connect: Connect) -> dict[str, dict[str, Any]]:
    """Every container by name, as inspected."""
    found = {}
    for engine in sample.fleet.engines.values():
        api = connect(engine)
        for item in api.containers(all=True):
            found[item["Names"][0][1:]] = {**api.inspect_container(item["Id"]), "engine": engine.name}
    return found


def test_the_file_describes_what_the_sample_promises() -> None:
    deviations = {deviation.deviation for deviation in DESCRIPTION.sample.deviations}
    source_names = {environment.name for environment in DESCRIPTION.sources[0].environments}
    strange = [
        (mirror.image_source, environment.name)
        for mirror in DESCRIPTION.mirrors
        for environment in mirror.environments
        if environment.name not in source_names
    ]

    assert len(DESCRIPTION.mirrors) == 24
    assert len(DESCRIPTION.engines) == 4
    assert deviations >= set(Deviation)
    assert sum(bool(deviation.runs) for deviation in DESCRIPTION.sample.deviations) >= 4
    assert strange == [("matching", "staging")]
    assert {deviation.container for deviation in DESCRIPTION.sample.deviations} <= set(ENVIRONMENTS)


def test_names_places_and_ports_are_used_once() -> None:
    ports = [(e.engine, port.host) for e in DESCRIPTION.environments for port in e.settings.ports]
    domains = [domain for mirror in DESCRIPTION.mirrors for domain in mirror.domains]

    assert len(ENVIRONMENTS) == len(DESCRIPTION.environments)
    assert len(ports) == len(set(ports)) == len(ENVIRONMENTS)
    assert len(domains) == len(set(domains))
    assert {e.engine for e in DESCRIPTION.environments} == {engine.name for engine in DESCRIPTION.engines}
    assert all(domain.endswith(".example") for domain in domains)
    assert len({mirror.slug for mirror in DESCRIPTION.mirrors}) == 24


def test_every_container_is_where_and_what_it_should_be(containers: dict[str, dict[str, Any]]) -> None:
    never = {d.container for d in DESCRIPTION.sample.deviations if d.deviation is Deviation.NEVER_DEPLOYED}
    assert set(containers) == set(ENVIRONMENTS) - never
    for name, found in containers.items():
        environment = ENVIRONMENTS[name]
        deviation = DESCRIPTION.deviation_of(name)
        settings = environment.settings
        variables = dict(entry.partition("=")[::2] for entry in found["Config"]["Env"])
        assert found["engine"] == environment.engine
        assert found["Config"]["Labels"]["org.opencontainers.image.version"] == (deviation.runs or "26.8.3")
        assert found["Config"]["Labels"]["io.mirrorconsole.env"] == environment.name
        assert variables["SECRET_KEY"] == sample_secret(name, "SECRET_KEY")
        assert (deviation.variables or settings.variables).items() <= variables.items()
        assert found["HostConfig"]["Memory"] == (deviation.memory or settings.limits.memory)
        assert found["HostConfig"]["RestartPolicy"]["Name"] == settings.restart
        assert [mount["Name"] for mount in found["Mounts"]] == [volume.source for volume in settings.volumes]
        assert found["State"]["Status"] == ("exited" if deviation.deviation is Deviation.STOPPED else "running")
        if deviation.deviation not in (Deviation.STOPPED, Deviation.UNHEALTHY):
            assert found["State"]["Health"]["Status"] == "healthy"


def test_the_unhealthy_one_is_made_of_the_same_settings(containers: dict[str, dict[str, Any]]) -> None:
    (name,) = (d.container for d in DESCRIPTION.sample.deviations if d.deviation is Deviation.UNHEALTHY)

    assert containers[name]["State"]["Health"]["Status"] == "unhealthy"
    assert "APP_BEHAVIOUR=ok" in containers[name]["Config"]["Env"]


def test_containers_look_as_old_as_their_release(containers: dict[str, dict[str, Any]], clock: HandClock) -> None:
    ages = {release.version: release.days_ago for release in DESCRIPTION.sample.releases}
    for name, found in containers.items():
        age = clock.moment - clock.moment.fromisoformat(found["State"]["StartedAt"][:26] + "+00:00")
        expected = ages[DESCRIPTION.deviation_of(name).runs or "26.8.3"]
        assert age.days == int(expected - 0.25), name


def test_the_next_release_reaches_the_source_only(sample: SampleFleet, connect: Connect) -> None:
    apis: dict[str, Api] = {name: connect(engine) for name, engine in sample.fleet.engines.items()}
    (live,) = (e for e in DESCRIPTION.sources[0].environments if e.name == "live")
    before = apis[live.engine].inspect_container(live.container)
    mirrors = [item["ImageID"] for item in apis["alpha"].containers() if item["Names"] != [f"/{live.container}"]]
    release = sample.publish_next()

    after = apis[live.engine].inspect_container(live.container)
    assert release.version == "26.9.0"
    assert after["Id"] != before["Id"]
    assert after["Config"]["Labels"]["org.opencontainers.image.version"] == "26.9.0"
    assert f"{release.repository}@{release.digest}" in apis[live.engine].inspect_image(after["Image"])["RepoDigests"]
    assert [i["ImageID"] for i in apis["alpha"].containers() if i["Names"] != [f"/{live.container}"]] == mirrors
    asked = apis["alpha"].inspect_distribution(
        f"{release.repository}:live", auth_config={"username": "deploy", "password": "right"}
    )
    assert asked["Descriptor"]["digest"] == release.digest

    assert sample.publish_next("test", "live").version == "26.9.1"
    with pytest.raises(IndexError):
        sample.publish_next()


def test_engines_of_both_generations_play(sample: SampleFleet, connect: Connect) -> None:
    versions = {name: connect(engine).version()["ApiVersion"] for name, engine in sample.fleet.engines.items()}

    assert versions == {"alpha": "1.41", "berlin": "1.41", "cedar": "1.41", "delft": "1.44"}
    assert set(sample.addresses) == set(versions)


def test_a_mistake_in_the_file_is_said_with_its_place() -> None:
    broken = copy.deepcopy(DOCUMENT)
    broken["mirrors"][2]["environments"][0]["settings"]["ports"] = [{"host": "eighty", "container": 8080}]

    with pytest.raises(msgspec.ValidationError, match=r"mirrors\[2\]\.environments\[0\]\.settings\.ports"):
        describe_sample(broken)
