"""Drift on a real engine: what docker did by hand is told in the console's words, accepted, adopted, and corrected."""

from __future__ import annotations

from typing import Any

import pytest

from tests import canaries
from tests.journeys.agency import Agency, mirror_entry
from tests.journeys.canaries import leaks
from tests.journeys.console import Program, cells
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

SECRET, BY_HAND = canaries.ROLLED_OUT, canaries.BY_HAND
START = ("rollout", "start", "-e", "live", "--way", "test environment", "--bake", "0", "--why", "a journey")
SLUGS = ("alder", "birch")
PORTS = dict(zip(SLUGS, (18301, 18302), strict=True))
MIB = 1024**2


def drift(program: Program, slug: str) -> dict[str, Any]:
    """What the console tells of a mirror's live; nothing where it tells of none."""
    told = program.ask("drift", "list", slug, expect=None)
    assert len(told) <= 1
    return dict(told[0]) if told else {"differences": [], "pending": [], "not_compared": ""}


def differences(program: Program, slug: str) -> dict[str, tuple[str, str]]:
    """Each field that differs, as it was applied and as it is."""
    return {one["field"]: (one["applied"], one["observed"]) for one in drift(program, slug)["differences"]}


def pending(program: Program, slug: str) -> dict[str, tuple[str, str]]:
    """Each field that waits, as it was applied and as the catalog has it."""
    return {one["field"]: (one["applied"], one["catalog"]) for one in drift(program, slug)["pending"]}


def status(program: Program, slug: str) -> tuple[str, str, bool]:
    """State, kind of drift in the cell's words, and whether something waits."""
    cell = cells(program.ask("status", expect=None))[slug]
    return cell["status"], cell["drift_words"], cell["pending"]


def limits(docker: Docker, slug: str) -> tuple[int, str]:
    """Memory limit and restart policy, as docker says."""
    host = docker.container(f"{slug}-live")["HostConfig"]
    return host["Memory"], host["RestartPolicy"]["Name"]


def untouched(docker: Docker, name: str) -> dict[str, Any]:
    """All that docker says of a container, without what its health check leaves by itself."""
    seen = docker.container(name)
    state = {key: value for key, value in seen["State"].items() if key != "Health"}
    return {**seen, "State": state, "ExecIDs": None}


def test_what_was_changed_by_hand_is_told_and_decided_about(
    program: Program, agency: Agency, local_engine: LabEngine
) -> None:
    docker = agency.docker(local_engine)
    published = agency.publish(local_engine, "26.8.1", probe=0.3)
    agency.deploy(local_engine, published)
    (agency.folder / "secret").write_text(SECRET)
    common: dict[str, Any] = {
        "secrets": {"SECRET_KEY": {"file": "secret"}},
        "limits": {"memory": "64 MiB"},
        "labels": {"com.example.team": "blue"},
    }
    entries = [
        mirror_entry(
            slug.title(),
            local_engine,
            f"{slug}-live",
            **common,
            variables={"DOMAIN": f"{slug}.example"},
            ports=[f"{PORTS[slug]}:8080"],
        )
        for slug in SLUGS
    ]
    template = {"limits": {"memory": "64 MiB"}, "labels": {"com.example.team": "blue"}}
    source = agency.source_entry(local_engine, template=template)
    agency.fill(program, local_engine, mirrors=entries, sources=[source])
    program.run(*START, "--all", "--yes", "2")

    # Right after a rollout nothing differs and nothing waits; docker has what the catalog says.
    program.run("check", "--inspect")
    for slug in SLUGS:
        assert drift(program, slug) == {"differences": [], "pending": [], "not_compared": ""}
        assert status(program, slug) == ("aligned", "", False)
        assert limits(docker, slug) == (64 * MIB, "unless-stopped")
        assert docker.labels(f"{slug}-live")["com.example.team"] == "blue"
        assert docker.container(f"{slug}-live")["Config"]["StopTimeout"] == 3
    applied = {slug: docker.container(f"{slug}-live")["Id"] for slug in SLUGS}

    # Changed in place.
    docker.run("update", "--memory", "96m", "--memory-swap", "96m", "--restart", "always", "alder-live")
    program.run("check", "--inspect")
    assert limits(docker, "alder") == (96 * MIB, "always")
    assert differences(program, "alder") == {
        "memory limit": ("64 MiB", "96 MiB"),
        "restart policy": ("unless-stopped", "always"),
    }
    assert status(program, "alder") == ("drifted", "2 settings ≠: memory limit, …", False)

    # Made anew by hand: another port, variable and label, another value of the secret.
    docker.remove("birch-live")
    docker.start_container(
        published.reference,
        "birch-live",
        *("--restart", "unless-stopped", "--memory", "64m", "--memory-swap", "64m"),
        variables={"DOMAIN": "birch.example", "SECRET_KEY": BY_HAND, "STAGE": "debug"},
        ports={18309: 8080},
        labels={"com.example.team": "red"},
    )
    program.run("check")
    assert differences(program, "birch") == {
        "container": ("made by a rollout", "made by hand"),
        "ports": ("18302→8080", "18309→8080"),
        "variable SECRET_KEY": ("as applied", "another value"),
        "variable STAGE": ("not set", "set"),
        "label com.example.team": ("blue", "red"),
    }
    assert status(program, "birch") == ("drifted", "made by hand, 4 settings ≠", False)
    assert docker.container("birch-live")["Id"] != applied["birch"]

    # One is accepted, one is adopted: the other mirror follows the template, and its container is left alone.
    program.run("drift", "accept", "alder", "live", "--field", "restart policy")
    assert set(differences(program, "alder")) == {"memory limit"}
    before = untouched(docker, "birch-live")
    said = program.run("drift", "adopt", "alder", "live", "--field", "memory limit", "--yes")
    assert "1 other environment follows the template here, and will be pending." in said.out
    program.run("check", "--inspect")
    assert drift(program, "alder") == {"differences": [], "pending": [], "not_compared": ""}
    assert status(program, "alder") == ("aligned", "", False)
    assert pending(program, "birch") == {"memory limit": ("64 MiB", "96 MiB")}
    assert untouched(docker, "birch-live") == before
    assert docker.container("alder-live")["Id"] == applied["alder"], "the console changed an engine"

    # The rest is corrected: a rollout of one target, with its confirmation.
    refused = program.run("drift", "adopt", "birch", "live", "--field", "ports", "--yes", expect=2)
    assert "ports belong to the engine that it runs on" in refused.err
    corrected = program.run(
        "drift", "correct", "birch", "live", "--why", "back to ours", "--way", "test environment", "--yes", "1"
    )
    assert (
        "What became different there is lost by this rollout: container: made by a rollout → made by hand"
        in corrected.out
    )
    found = docker.container("birch-live")
    assert limits(docker, "birch") == (96 * MIB, "unless-stopped")
    assert found["HostConfig"]["PortBindings"] == {"8080/tcp": [{"HostIp": "", "HostPort": "18302"}]}
    assert docker.labels("birch-live")["com.example.team"] == "blue"
    assert {name: docker.variables("birch-live").get(name) for name in ("SECRET_KEY", "STAGE")} == {
        "SECRET_KEY": SECRET,
        "STAGE": None,
    }
    assert drift(program, "birch") == {"differences": [], "pending": [], "not_compared": ""}

    # The tag was moved to another image, and the container made anew from it.
    other = agency.publish(local_engine, "26.8.1", revision="another content")
    assert other.reference == published.reference
    docker.remove("alder-live")
    docker.start_container(other.reference, "alder-live", variables={"DOMAIN": "alder.example"})
    program.run("check")
    assert docker.image_of("alder-live") != docker.image_of("birch-live")
    assert docker.version_of("alder-live") == docker.version_of("birch-live") == "26.8.1"
    state, words, _ = status(program, "alder")
    assert (state, words) == ("drifted", "digest ≠")
    assert differences(program, "alder")["variable SECRET_KEY"] == ("a secret", "not set")

    assert leaks([SECRET, BY_HAND], program.home) == []
