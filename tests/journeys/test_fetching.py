"""Images on their way to real engines: ahead of a rollout that is killed, by command, in spite of a registry's faults.

What engines have is read by the docker command line; what the registry was asked, from the registry.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.agency import HOST, REPOSITORY, SOURCE, Agency, its_port, mirror_entry, wait_until
from tests.journeys.console import Program
from tests.lab.asking import pull
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.lab.fault_registry import BLOBS, MANIFESTS, Fault, FaultRegistry, Rule, fault_registry
from tests.lab.images import ImageSpec, load
from tests.lab.lab import Lab
from tests.lab.registry import LabRegistry

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

Engines = tuple[LabEngine, LabEngine, LabEngine]
SLUGS = ("alder", "birch", "cedar")
QUICK = ("--way", "test environment", "--waves", "rest", "--bake", "0")


@pytest.fixture
def registry(lab: Lab, lab_registry: LabRegistry) -> Iterator[FaultRegistry]:
    """The agency's registry, which will misbehave."""
    with fault_registry(lab.network) as made:
        yield made


@pytest.fixture
def dockers(agency: Agency, three_engines: Engines, registry: FaultRegistry, tmp_path: Path) -> list[Docker]:
    """The docker command line on each engine, knowing the password for the registry in front."""
    logins = json.loads((agency.lab.registry.docker_config / "config.json").read_text())
    (login,) = logins["auths"].values()
    folder = tmp_path / "docker-config"
    folder.mkdir(mode=0o700)
    (folder / "config.json").write_text(json.dumps({"auths": {registry.address: login}}))
    local, paris, oslo = three_engines
    return [Docker(engine, folder) for engine in (paris, oslo, local)]


def released(agency: Agency, registry: FaultRegistry, dockers: list[Docker], version: str) -> str:
    """Publish a release and deploy it to the source's live, on the first engine. What it is pulled by."""
    published = agency.publish(dockers[0].engine, version, payload=300_000)
    reference = f"{registry.address}/{REPOSITORY}:{version}"
    pull(dockers[0].engine.socket, reference, agency.lab.registry.login)
    deploy_by(dockers[0], reference)
    return f"{registry.address}/{REPOSITORY}@{published.digest}"


def deploy_by(docker: Docker, reference: str) -> None:
    """Start the source's container anew, as the agency's pipeline does."""
    docker.remove(SOURCE)
    docker.start_container(reference, SOURCE, *HOST, "--restart", "no", variables=its_port(SOURCE))


def begin(program: Program, agency: Agency, registry: FaultRegistry, dockers: list[Docker]) -> None:
    """A source on the first engine and a mirror on each, which runs what the source does."""
    pinned = released(agency, registry, dockers, "26.8.1")
    entries = []
    for docker, slug in zip(dockers, SLUGS, strict=True):
        pull(docker.engine.socket, pinned, agency.lab.registry.login)
        docker.start_container(pinned, f"{slug}-live", "--restart", "unless-stopped", "--network", "host")
        entries.append(
            mirror_entry(slug.title(), docker.engine, f"{slug}-live", networks=["host"], health={"settle": 0})
        )
    document = {
        "engines": [agency.engine_entry(docker.engine, timeout=3) for docker in dockers],
        "registries": [{**agency.registry_entry(), "host": registry.address}],
        "sources": [agency.source_entry(dockers[0].engine, repository=f"{registry.address}/{REPOSITORY}")],
        "mirrors": entries,
    }
    program.run("catalog", "import", str(agency.write(document)))
    program.run("check")


def versions(dockers: list[Docker]) -> list[str]:
    return [docker.version_of(f"{slug}-live") for docker, slug in zip(dockers, SLUGS, strict=True)]


def ids(dockers: list[Docker]) -> list[str]:
    return [docker.container(f"{slug}-live")["Id"] for docker, slug in zip(dockers, SLUGS, strict=True)]


def fetched(told: Any) -> dict[str, tuple[str, str]]:
    return {fetch["engine"]: (fetch["state"], fetch["words"]) for fetch in told["fetches"]}


def test_images_come_ahead_in_spite_of_the_registry_and_of_a_kill(
    program: Program, agency: Agency, registry: FaultRegistry, dockers: list[Docker], lab: Lab
) -> None:
    begin(program, agency, registry, dockers)
    _, oslo, local = dockers
    before = ids(dockers)

    # Killed while images are on their way, nothing is half done, and it is gone on with.
    second = released(agency, registry, dockers, "26.8.2")
    program.run("check")
    start = ("rollout", "start", "-e", "live", "--all", *QUICK, "--why", "release day", "--yes", "3", "--no-refresh")
    stalls = Rule(Fault.STALL, on=BLOBS, at_least=100_000)
    with registry.misbehaving(stalls), program.running(*start) as command:
        wait_until(lambda: registry.spoilt >= 2, "two engines wait for a layer")
        command.send_signal(signal.SIGKILL)
        command.end()
    assert ids(dockers) == before
    assert oslo.image(second) is None
    (found,) = program.ask("recover", "list", expect=1)
    assert "Images were on their way to engines (1 of 3 there); no target was begun" in found["words"]
    assert found["findings"] == []
    done = program.ask("recover", "continue")
    assert (done["state"], done["headline"]) == ("completed", "3 of 3 updated")
    assert fetched(done) == {"paris": ("there already", ""), "oslo": ("there", ""), "local": ("there", "")}
    assert versions(dockers) == ["26.8.2"] * 3
    assert [len(docker.names()) for docker in dockers] == [3, 2, 2], "each with its way back, and no lock"
    held = program.ask("images", "list", "oslo")
    assert {image["brought_by"] for image in held if second in image["digests"]} == {done["id"]}

    # Too many requests, twice: it is waited for, told, and kept.
    released(agency, registry, dockers, "26.8.3")
    program.run("check")
    plan = program.ask("rollout", "plan", "-e", "live", "--all", *QUICK, "--no-refresh")
    with registry.misbehaving(Rule(Fault.TOO_MANY, times=4, retry_after=1)):
        again = program.ask("rollout", "start", "--plan", plan["fingerprint"], "--why", "again", "--yes", "3")
        assert registry.pulls(MANIFESTS) >= 4
    assert again["headline"] == "3 of 3 updated"
    waited = [words for _, words in fetched(again).values() if "too many requests" in words]
    assert waited
    assert all(" tries in " in words for words in waited)
    report = program.ask("rollout", "report", again["id"][:8])
    steps = [step for target in report["targets"] for step in target["steps"] if step["step"] == "pull"]
    assert sorted(step["words"] for step in steps if step["words"]) == sorted(waited)
    assert {step["result"] for step in steps} == {"ok"}
    assert report["fetched"] == "Images for 3 engines: 2 fetched, 1 there already."

    # By command, for later: refused for good it is told without waiting; and an engine that has no way to the registry
    # is given the image by another. No container is touched.
    released(agency, registry, dockers, "26.8.4")
    program.run("check")
    before = ids(dockers)
    with registry.misbehaving(Rule(Fault.UNAUTHORIZED)):
        refused = program.ask("images", "prefetch", "webshop", "--engine", "oslo", expect=1)
    assert fetched(refused)["oslo"][0] == "failed"
    assert "unauthorized" in fetched(refused)["oslo"][1]
    with lab.network.no_way(local.engine.place, registry.host):
        told = program.ask("images", "prefetch", "webshop")
    assert told["words"] == "Images for 3 engines: 2 fetched, 1 there already."
    assert fetched(told)["oslo"] == ("there", "")
    assert fetched(told)["local"] in {
        ("there", f"taken from {giver}, as the registry could not be reached") for giver in ("paris", "oslo")
    }
    assert {version_label(docker, "26.8.4") for docker in dockers} == {True}
    assert ids(dockers) == before

    # Loaded on the source's engine and pushed nowhere: that engine gives it to the others.
    spec = ImageSpec(REPOSITORY, "26.8.5")
    load(dockers[0], spec)
    deploy_by(dockers[0], spec.reference)
    image = dockers[0].image(spec.reference)
    assert image is not None
    assert image["RepoDigests"] == []
    program.run("check")
    with registry.misbehaving():
        unpushed = program.ask("rollout", "start", "-e", "live", "--all", *QUICK, "--why", "by file", "--yes", "3")
        assert registry.asked == []
    assert unpushed["headline"] == "3 of 3 updated"
    assert fetched(unpushed) == dict.fromkeys(("oslo", "local"), ("there", "taken from paris"))
    assert versions(dockers) == ["26.8.5"] * 3
    for docker in (oslo, local):
        there = docker.image(f"{registry.address}/{REPOSITORY}:26.8.5")
        assert there is not None, "it can be found by its name"
        assert there["Id"] == image["Id"]


def version_label(docker: Docker, version: str) -> bool:
    """Whether an engine has an image of that version, under whatever name."""
    label = f"label=org.opencontainers.image.version={version}"
    return bool(docker.run("images", "--quiet", "--filter", label))
