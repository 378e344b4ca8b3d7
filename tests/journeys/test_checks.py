"""Checks on real engines: what docker made is found and said; with nothing the matter a rollout asks for no look."""

from __future__ import annotations

from typing import Any

import pytest

from mirror_console.domain.secret import HIDDEN
from tests.journeys.agency import Agency, mirror_entry
from tests.journeys.console import Program
from tests.lab.asking import ask
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


def answers(program: Program, *, blocked: bool) -> dict[str, list[dict[str, Any]]]:
    """Each check of a new plan with its answers."""
    plan = program.ask("rollout", "plan", "-e", "live", "--all", "--bake", "0")["fingerprint"]
    told = program.ask("rollout", "checks", plan, expect=1 if blocked else 0)["results"]
    found: dict[str, list[dict[str, Any]]] = {}
    for one in told:
        found.setdefault(one["check"], []).append(one)
    return found


def worst(several: list[dict[str, Any]]) -> dict[str, Any]:
    order = ["pass", "information", "warning", "unknown", "blocked"]
    return max(several, key=lambda one: order.index(one["answer"]))


def test_what_docker_shows_is_said(program: Program, agency: Agency, tls_engine: LabEngine) -> None:
    docker = agency.docker(tls_engine)
    old = agency.publish(tls_engine, "26.8.1", probe=1.0)
    data = ["shop-alder:/data"]
    alder = mirror_entry(
        "Alder", tls_engine, "alder-live", volumes=data, networks=["shop"], limits={"memory": "64 MiB"}
    )
    birch = mirror_entry("Birch", tls_engine, "birch-live", volumes=["shop-birch:/data"])
    media = {"name": "media", "command": "sh -c 'test -d /data'"}
    source = agency.source_entry(tls_engine, services=[media])
    agency.fill(program, tls_engine, mirrors=[alder, birch], sources=[source])
    docker.run("network", "create", "shop")
    agency.run_mirror(tls_engine, old.reference, "alder-live", "-v", data[0], "--network", "shop", "-m", "64m")
    agency.run_mirror(tls_engine, old.reference, "birch-live", "-v", "shop-birch:/data")
    # Taken from the registry again: so there is something to fetch, and room for it is looked for.
    new = agency.publish(tls_engine, "26.8.2", probe=1.0)
    agency.deploy(tls_engine, new)
    program.run("check")

    told = answers(program, blocked=False)
    quiet = {"pass", "information"}
    assert [one for several in told.values() for one in several if one["answer"] not in quiet] == []
    assert worst(told["same engine as before"])["words"] == f"{tls_engine.name} is the engine that was there before."
    assert "valid until" in worst(told["credentials valid"])["words"]
    assert "created, started, stopped" in worst(told["engine may be changed"])["words"]
    assert worst(told["clocks agree"])["answer"] == "pass"
    assert "Webshop live has run it for" in worst(told["source runs it well"])["words"]
    assert any("of memory 67 MB are granted" in one["words"] for one in told["limits fit the host"])
    assert {one["words"] for one in told["volumes are there"]} == {"There: shop-alder.", "There: shop-birch."}
    assert "There, once: shop." in {one["words"] for one in told["networks are there, once"]}
    assert "The image has a health check; 60 s are waited for it." in worst(told["health is checked"])["words"]

    assert {one["words"] for one in told["services answer"]} == {"media answers."}

    elsewhere = {"PORT": "8090"}
    lent = "container:alder-live"
    sidecar = docker.start_container(old.reference, "sidecar", "--network", lent, variables=elsewhere)
    docker.start_container(old.reference, "copier", "--volumes-from", "alder-live", variables=elsewhere)
    docker.start_container(old.reference, "cron", "-v", "shop-birch:/backup")
    docker.run("stop", "--time", "1", "birch-live")
    docker.remove("birch-live")
    agency.run_mirror(
        tls_engine,
        old.reference,
        "birch-live",
        "-v",
        data[0],
        "--pid",
        "container:" + sidecar,
        "-e",
        "API_TOKEN=tell-nobody",
    )
    # As programs make one that don't ask whether there is one of that name.
    ask(tls_engine.socket, "POST", "/v1.41/networks/create", {"Name": "shop", "CheckDuplicate": False})
    silent = {"name": "database", "command": ["sh", "-c", "echo no response to $API_TOKEN; exit 2"]}
    needs = [media, silent, {"name": "search", "command": "curl -fsS http://search", "optional": True}]
    program.run("catalog", "import", str(agency.write({"sources": [{"name": "Webshop", "services": needs}]})))
    program.run("check", expect=None)
    told = answers(program, blocked=True)
    assert "'copier', 'sidecar', which would be cut off" in worst(told["container can be made again"])["words"]
    assert "PID mode" in " ".join(one["words"] for one in told["container can be made again"])
    assert "gets 'shop-birch'" in worst(told["volumes are there"])["words"]
    assert worst(told["data stays apart"])["words"] == ("Its data isn't its own: 'shop-alder' is also with Birch live.")
    assert "2 networks 'shop'" in worst(told["networks are there, once"])["words"]
    services = {(one["answer"], one["words"]) for one in told["services answer"]}
    ended = "database doesn't answer: “sh -c 'echo no response to $API_TOKEN; exit 2'” ended with 2: no response to"
    search = (
        "Whether search answers isn't known: 'curl -fsS http://search' can't be run in the container, and ended with"
    )
    code = next(words for answer, words in services if answer == "unknown").removeprefix(search)
    assert code in {" 126.", " 127."}
    token = "That is with the settings of now; this rollout changes variable API_TOKEN."
    assert services == {
        ("pass", "media answers."),
        ("information", f"media answers. {token}"),
        ("blocked", f"{ended}."),
        ("blocked", f"{ended} {HIDDEN}. {token}"),
        ("unknown", search + code),
    }
    assert {one["mirror"] for one in told["data stays apart"] if one["blocks"]} == {"Alder"}
