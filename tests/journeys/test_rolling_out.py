"""Rollouts on real engines: in waves, put back, by HTTP, paused, stopped; afterwards docker says what status says."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Sequence
from typing import Any

import pytest

from tests import canaries
from tests.journeys.agency import HOST, SOURCE, Agency, body_of, its_port, mirror_entry, print_of, wait_until
from tests.journeys.canaries import leaks
from tests.journeys.console import Program, cells
from tests.lab.asking import state_of
from tests.lab.docker_cli import Docker, Reading
from tests.lab.engine import LabEngine
from tests.lab.images import Behaviour
from tests.lab.publish import Published

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

Engines = tuple[LabEngine, LabEngine, LabEngine]
SECRET = canaries.ROLLED_OUT
TIMES = frozenset({"StartedAt", "FinishedAt"})
QUICK = ("--way", "test environment", "--bake", "0")


def stranger(docker: Docker, image: str) -> str:
    """Start a container that is none of the console's business, with a name that could be taken for one of ours."""
    name, labels = "birch-live-backup", {"com.example.owner": "somebody"}
    return docker.start_container(image, name, *HOST, variables=its_port(name), labels=labels)


def as_it_is(docker: Reading, container: str) -> dict[str, Any]:
    """All that docker tells of a container, but for times of its state."""
    found = docker.container(container)
    found["State"] = {name: value for name, value in found["State"].items() if name not in TIMES}
    return found


def assert_docker_agrees(agency: Agency, program: Program, engines: Sequence[LabEngine]) -> dict[str, Any]:
    """Compare ``status --json`` with what each engine says; the lives of all mirrors as the console tells them."""
    told = cells(program.ask("status", expect=None))
    by_name = {engine.name: agency.docker(engine).look() for engine in engines}
    for slug, cell in told.items():
        docker = by_name[cell["engine"]]
        assert (slug, cell["running"]) == (slug, docker.version_of(cell["container"]))
        assert (slug, cell["health"] != "stopped") == (slug, docker.state(cell["container"]) == "running")
        same = print_of(docker, cell["container"]) == print_of(by_name[engines[0].name], SOURCE)
        assert (slug, cell["alignment"] == "aligned") == (slug, same), cell
    return told


def begin(
    program: Program, agency: Agency, engines: Sequence[LabEngine], *slugs: str, ports: bool = False, **settings: Any
) -> Published:
    """Have mirrors run 26.8.1 by hand, spread over the engines; the release that they run.

    They listen on 18100 and those after it, by published `ports` or in the host's network.
    """
    published = agency.publish(engines[0], "26.8.1")
    agency.deploy(engines[0], published)
    entries = []
    for place, slug in enumerate(slugs):
        engine, port = engines[place % len(engines)], 18100 + place
        where: dict[str, Any] = (
            {"ports": [{"host": port, "container": 8080}]}
            if ports
            else {"networks": ["host"], "variables": {"PORT": str(port)}}
        )
        entries.append(mirror_entry(slug.title(), engine, f"{slug}-live", **where, **settings))
        given = where.get("variables", {}) | ({"SECRET_KEY": SECRET} if "secrets" in settings else {})
        agency.run_mirror(engine, published.reference, f"{slug}-live", ports={port: 8080} if ports else None, **given)
    agency.fill(program, *engines, mirrors=entries)
    program.run("check")
    return published


def test_three_engines_in_waves_with_a_canary(program: Program, agency: Agency, three_engines: Engines) -> None:
    dockers = [agency.docker(engine) for engine in three_engines]
    slugs = ("alder", "birch", "cedar", "dogwood", "elm", "fir")
    (agency.folder / "secret").write_text(SECRET)
    old = begin(program, agency, three_engines, *slugs, secrets={"SECRET_KEY": {"file": "secret"}})
    strangers = [as_it_is(docker, stranger(docker, old.reference)) for docker in dockers]
    born: dict[str, str] = {}
    ids = {f"{slug}-live": dockers[place % 3].container(f"{slug}-live")["Id"] for place, slug in enumerate(slugs)}
    # What goes first has to tell that it is well.
    agency.deploy(three_engines[0], agency.publish(three_engines[0], "26.8.2", probe=0.5))

    plan = program.ask("rollout", "plan", "-e", "live", "--all", "--waves", "1,2,rest", "--bake", "0")
    assert plan["waves"] == [1, 2, 3]
    assert [target["mirror"].lower() for target in plan["targets"]] == list(slugs)
    # What was planned is what runs, whatever the source gets in between.
    agency.deploy(three_engines[0], agency.publish(three_engines[0], "26.8.3"))
    start = ("rollout", "start", "--plan", plan["fingerprint"], "--why", "release day", "--yes", "6")
    paused = program.ask(*start, expect=1)
    assert paused["state"] == "paused"
    assert [target["state"] for target in paused["targets"]] == ["done", *["queued"] * 5]
    ran = {name: docker.version_of(name) for docker in dockers for name in docker.running() if name.endswith("-live")}
    assert ran == {SOURCE: "26.8.3", "alder-live": "26.8.2"} | {f"{slug}-live": "26.8.1" for slug in slugs[1:]}
    done = program.ask("rollout", "resume")
    assert (done["state"], done["headline"]) == ("completed", "6 of 6 updated")

    for place, docker in enumerate(each.look() for each in dockers):
        mine = sorted(f"{slug}-live" for slug in slugs[place::3])
        kept = [f"{name}.mc-prev" for name in mine]
        others = ["birch-live-backup", *([SOURCE] if place == 0 else [])]
        assert docker.names() == sorted([*mine, *kept, *others])
        assert docker.running() == sorted([*mine, *others])
        for name in mine:
            assert docker.version_of(name) == "26.8.2"
            assert docker.container(f"{name}.mc-prev")["Id"] == ids[name]
            assert docker.state(f"{name}.mc-prev") == "exited"
            assert docker.container(name)["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
            assert docker.variables(name)["SECRET_KEY"] == SECRET
        assert as_it_is(docker, "birch-live-backup") == strangers[place]
        born |= {name: docker.container(name)["Created"] for name in mine}
    first, second, *third = (born[f"{slug}-live"] for slug in slugs)
    assert first < min(second, third[0])
    assert max(second, third[0]) < min(third[1:])
    assert body_of(three_engines[1], 18101) == "version 26.8.2"

    program.run("check")
    told = assert_docker_agrees(agency, program, three_engines)
    assert {(cell["status"], cell["behind"]) for cell in told.values()} == {("behind", 1)}
    report = agency.folder / "report.html"
    program.run("rollout", "report", "--html", str(report))
    text = report.read_text()
    assert all(slug.title() in text for slug in slugs)
    assert "release day" in text
    assert not re.search(r"<(script|link|img|iframe)\b|https?://", text)
    assert not leaks([SECRET, agency.lab.registry.password], report, program.home, program.tmp)
    # After a power cut the new ones come back, and the old ones don't come back beside them.
    three_engines[2].reboot()
    wait_until(lambda: dockers[2].running() == ["cedar-live", "fir-live"], "the new containers are back")
    assert body_of(three_engines[2], 18102) == "version 26.8.2"
    assert dockers[2].state("cedar-live.mc-prev") == "exited"


def test_what_never_gets_well_is_put_back_by_what_docker_checks_and_by_what_its_port_answers(
    program: Program, agency: Agency, tls_engine: LabEngine
) -> None:
    docker = agency.docker(tls_engine)
    begin(program, agency, [tls_engine], "alder", "birch", ports=True)
    before = {name: as_it_is(docker, name) for name in ("alder-live", "birch-live")}
    bad = agency.publish(tls_engine, "26.8.2", behaviour=Behaviour.NEVER_HEALTHY, probe=0.3)
    agency.deploy(tls_engine, bad)
    # At the source it gets well: what is ill there already isn't rolled out.
    docker.execute(SOURCE, "sh", "-c", "sed -i s/never-healthy/not-any-more/ /app/answer")

    waves = ("--waves", "1,rest", "--bake", "0")
    paused = program.ask("rollout", "start", "-e", "live", "--all", *waves, "--why", "try", "--yes", "2", expect=1)
    assert paused["state"] == "paused"
    assert [target["state"] for target in paused["targets"]] == ["put back", "queued"]
    assert "health check fails" in paused["targets"][0]["words"]
    assert docker.names() == docker.running() == ["alder-live", "birch-live", SOURCE]
    assert docker.container("alder-live")["Id"] == before["alder-live"]["Id"]
    assert docker.container("alder-live")["HostConfig"] == before["alder-live"]["HostConfig"]
    assert as_it_is(docker, "birch-live") == before["birch-live"]
    assert body_of(tls_engine, 18100) == "version 26.8.1"
    stopped = program.ask("rollout", "stop", expect=1)
    assert (stopped["state"], stopped["targets"][1]["state"]) == ("stopped", "not started")
    told = assert_docker_agrees(agency, program, [tls_engine])
    assert {slug: cell["status"] for slug, cell in told.items()} == {"alder": "behind", "birch": "behind"}
    assert as_it_is(docker, "birch-live") == before["birch-live"]

    # By HTTP, on the published port.
    well = {"health": {"path": "/health", "port": 8080, "limit": 60}}
    # The application knows no such page: it answers 404, which is no answer of a well application.
    ill = {"health": {"path": "/no-such-page", "port": 8080, "limit": 1.5}}
    change = [
        {"name": slug.title(), "environments": [{"name": "live", "settings": settings}]}
        for slug, settings in (("alder", well), ("birch", ill))
    ]
    program.run("catalog", "import", str(agency.write({"mirrors": change})))
    old = before["birch-live"]["Id"]
    agency.deploy(tls_engine, agency.publish(tls_engine, "26.8.3"))

    done = program.ask("rollout", "start", "-e", "live", "--all", *QUICK, "--why", "try", "--yes", "2", expect=1)
    assert done["state"] == "completed with failures"
    states = {target["mirror"]: (target["state"], target["words"]) for target in done["targets"]}
    assert states["Alder"] == ("done", "/health answered 200")
    assert states["Birch"][0] == "put back"
    assert states["Birch"][1].endswith("not well after 1.5 s: /no-such-page answered 404")
    assert docker.running() == ["alder-live", "birch-live", SOURCE]
    assert (docker.version_of("alder-live"), docker.version_of("birch-live")) == ("26.8.3", "26.8.1")
    assert docker.container("birch-live")["Id"] == old
    assert (body_of(tls_engine, 18100), body_of(tls_engine, 18101)) == ("version 26.8.3", "version 26.8.1")
    told = assert_docker_agrees(agency, program, [tls_engine])
    assert {slug: cell["status"] for slug, cell in told.items()} == {"alder": "aligned", "birch": "behind"}


def test_pause_finishes_what_is_in_flight_and_stop_leaves_the_rest(
    program: Program, agency: Agency, fast_engine: LabEngine
) -> None:
    docker = agency.docker(fast_engine)
    slugs = ("alder", "birch", "cedar")
    settings = {"networks": ["host"], "restart": "no"}
    first, second = agency.publish(fast_engine, "26.8.1"), agency.publish(fast_engine, "26.8.2")
    entries = []
    for place, slug in enumerate(("webshop", *slugs)):
        variables = {"PORT": str(9100 + place)}
        docker.start_container(first.reference, f"{slug}-live", "--network", "host", variables=variables)
        entries.append(mirror_entry(slug.title(), fast_engine, f"{slug}-live", variables=variables, **settings))
    agency.fill(program, fast_engine, mirrors=entries[1:])
    program.run("check")
    docker.remove(SOURCE)
    docker.start_container(second.reference, SOURCE, "--network", "host", variables={"PORT": "9100"})

    way = ("--waves", "rest", "--at-once", "1", "--bake", "2", "--no-pause")
    start = ("rollout", "start", "-e", "live", "--all", *way, "--why", "try", "--yes", "3", "--json")
    with program.running(*start) as running:
        wait_until(lambda: bool(state_of(docker.engine.socket, "alder-live.mc-prev")), "the first one is swapped")
        running.send_signal(signal.SIGINT)
        paused = running.end()
    assert paused.exit_code == 1, str(paused)
    assert "Pausing: what is in flight is finished." in paused.err
    assert paused.json["state"] == "paused"
    assert [target["state"] for target in paused.json["targets"]] == ["done", "queued", "queued"]
    assert [docker.version_of(f"{slug}-live") for slug in slugs] == ["26.8.2", "26.8.1", "26.8.1"]

    with program.running("rollout", "resume", "--json") as running:
        wait_until(lambda: bool(state_of(docker.engine.socket, "birch-live.mc-prev")), "the second one is swapped")
        for _ in range(2):
            running.send_signal(signal.SIGINT)
            time.sleep(0.1)  # two signals at once are one
        stopped = running.end()
    assert stopped.exit_code == 1, str(stopped)
    assert "Stopping: what is in flight is finished" in stopped.err
    assert stopped.json["state"] == "stopped"
    assert [target["state"] for target in stopped.json["targets"]] == ["done", "done", "not started"]
    assert [docker.version_of(f"{slug}-live") for slug in slugs] == ["26.8.2", "26.8.2", "26.8.1"]
    assert docker.running() == sorted(["alder-live", "birch-live", "cedar-live", SOURCE])
    assert sorted(set(docker.names()) - set(docker.running())) == ["alder-live.mc-prev", "birch-live.mc-prev"]
    told = assert_docker_agrees(agency, program, [fast_engine])
    assert {slug: cell["status"] for slug, cell in told.items()} == {
        "alder": "aligned",
        "birch": "aligned",
        "cedar": "behind",
    }


def test_what_was_cut_off_is_brought_to_its_end_though_ctrl_c_is_pressed(
    program: Program, agency: Agency, fast_engine: LabEngine
) -> None:
    docker = agency.docker(fast_engine)
    begin(program, agency, [fast_engine], "alder", "birch", restart="no")
    agency.deploy(fast_engine, agency.publish(fast_engine, "26.8.2"))
    way = ("--waves", "rest", "--at-once", "1", "--bake", "3", "--no-pause")
    with program.running("rollout", "start", "-e", "live", "--all", *way, "--why", "try", "--yes", "2") as killed:
        wait_until(lambda: bool(state_of(docker.engine.socket, "alder-live.mc-prev")), "the first one is swapped")
        killed.send_signal(signal.SIGKILL)
        killed.end()

    def shown() -> Any:
        return program.ask("rollout", "show", expect=None)

    assert shown()["state"] == "interrupted"
    with program.running("recover", "continue", "--json") as running:
        wait_until(lambda: bool(shown()["state"] == "running"), "others see that it is recovered")
        running.send_signal(signal.SIGINT)
        paused = running.end()
    assert paused.exit_code == 1, str(paused)
    assert "Pausing: what was cut off is brought to an end first" in paused.err
    assert paused.json["state"] == "paused"
    assert [target["state"] for target in paused.json["targets"]] == ["done", "queued"]
    assert [docker.version_of(f"{slug}-live") for slug in ("alder", "birch")] == ["26.8.2", "26.8.1"]
    said = program.run("rollout", "report").out
    assert "Gone on: what was cut off is brought to an end first." in said
    assert program.ask("rollout", "resume")["state"] == "completed"
