"""From an empty catalog to a first mirror that runs: engines, a registry, an import, a rollout, all of it real."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.agency import SOURCE, Agency, body_of, mirror_entry, print_of
from tests.journeys.canaries import kept, leaks
from tests.journeys.console import Program, cells
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

SECRET = "first-mirror-secret-6f1c"
MIRROR = "dunes-live"


def settings_of_the_mirror() -> dict[str, Any]:
    return {
        "variables": {"DOMAIN": "dunes.example", "GREETING": "good day: ünï", "STAGE": "live"},
        "secrets": {"SECRET_KEY": {"file": "secret.txt"}},
        "ports": [{"host": 18080, "container": 8080}],
        "volumes": [{"source": "dunes-media", "target": "/media"}],
        "limits": {"memory": "64 MiB", "cpus": 0.5, "pids": 64},
        "restart": "unless-stopped",
        "stop_signal": "SIGINT",
        "stop_seconds": 4,
    }


def test_from_an_empty_catalog_to_a_first_mirror(
    program: Program, agency: Agency, local_engine: LabEngine, tls_engine: LabEngine
) -> None:
    # Started as people start it where it first makes and asks something; so are an import and a rollout elsewhere.
    by_hand = program.but(starter=None)
    pem, registry = tls_engine.client_folder, agency.lab.registry
    (agency.folder / "secret.txt").write_text(SECRET + "\n")
    assert not program.catalog.exists()

    by_hand.run("engines", "add", local_engine.name, local_engine.unix_url)
    program.run(
        *("engines", "add", tls_engine.name, tls_engine.tls_url, "--ca", str(pem / "ca.pem")),
        *("--cert", str(pem / "cert.pem"), "--key", str(pem / "key.pem")),
    )
    program.run(
        "engines", "add-registry", agency.registry, registry.user, "--password-file", "-", feed=registry.password
    )
    steps = program.ask("engines", "test", tls_engine.name)
    assert [step["state"] for step in steps if step["title"] != "Free disk"] == ["ok"] * 9, steps
    assert agency.docker(tls_engine).names() == []

    document = {
        "sources": [agency.source_entry(local_engine, required_variables=["DOMAIN", "SECRET_KEY"])],
        "mirrors": [mirror_entry("Dunes Bakery", tls_engine, MIRROR, **settings_of_the_mirror())],
    }
    program.run("catalog", "import", str(agency.write(document)))
    published = agency.publish(local_engine, "26.8.1", probe=2.0)
    agency.docker(tls_engine).forget_image(published.reference, published.pinned, published.image_id)
    agency.deploy(local_engine, published)
    assert by_hand.ask("check")["failed"] == []
    assert cells(program.ask("status", expect=1))["dunes-bakery"]["status"] == "missing"

    plan = program.ask("rollout", "plan", "--environment", "live", "--all", "--way", "test environment", "--bake", "0")
    assert [(target["change"], target["after"]) for target in plan["targets"]] == [("create", "26.8.1")]
    assert agency.docker(tls_engine).names() == []
    done = program.ask("rollout", "start", "--plan", plan["fingerprint"], "--why", "first", "--yes", "1")
    assert done["state"] == "completed"

    told = cells(program.ask("status"))["dunes-bakery"]
    assert (told["status"], told["running"], told["engine"]) == ("aligned", "26.8.1", tls_engine.name)
    assert_it_runs_as_the_catalog_says(agency, local_engine, tls_engine)
    assert agency.docker(local_engine).names() == [SOURCE]
    secret = kept(program.catalog)[f"environment/{told['id']}/SECRET_KEY"]
    assert secret == agency.docker(tls_engine).variables(MIRROR)["SECRET_KEY"] == SECRET
    assert not leaks([SECRET, registry.password, tls_engine.client.key], program.home, program.tmp)


def assert_it_runs_as_the_catalog_says(agency: Agency, local: LabEngine, engine: LabEngine) -> None:
    """By what docker and the port say, nothing else."""
    docker = agency.docker(engine)
    assert docker.names() == docker.running() == [MIRROR]
    assert print_of(docker, MIRROR) == print_of(agency.docker(local), SOURCE)
    assert docker.health(MIRROR) == "healthy"
    found = docker.container(MIRROR)
    host, config = found["HostConfig"], found["Config"]
    assert {"DOMAIN": "dunes.example", "GREETING": "good day: ünï", "STAGE": "live"}.items() <= docker.variables(
        MIRROR
    ).items()
    assert [(port, [bound["HostPort"] for bound in several]) for port, several in host["PortBindings"].items()] == [
        ("8080/tcp", ["18080"])
    ]
    assert [(mount["Type"], mount["Name"], mount["Destination"]) for mount in found["Mounts"]] == [
        ("volume", "dunes-media", "/media")
    ]
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (64 * 1024**2, 500_000_000, 64)
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert (config["StopSignal"], config["StopTimeout"]) == ("SIGINT", 4)
    assert docker.run("volume", "ls", "--quiet").split() == ["dunes-media"]
    said = body_of(engine, 18080).splitlines()
    assert said == ["version 26.8.1", "DOMAIN=dunes.example", "GREETING=good day: ünï", "STAGE=live"]
