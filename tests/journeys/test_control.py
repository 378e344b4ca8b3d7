"""Control on a real engine: failures by cause, tried again once mended, rolled back each to its own; an abort."""

from __future__ import annotations

import signal
from functools import partial
from typing import Any

import pytest

from tests.journeys.agency import SOURCE, Agency, mirror_entry, wait_until
from tests.journeys.console import Program
from tests.lab.asking import state_of
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.lab.images import Behaviour

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

SLUGS = ("alder", "birch", "cedar", "dogwood")
PORTS = {slug: 9300 + place for place, slug in enumerate(SLUGS)}
NEW_PORTS = {slug: port + 10 for slug, port in PORTS.items()}
HOST = ("--network", "host")


def entries(engine: LabEngine, ports: dict[str, int]) -> list[dict[str, Any]]:
    """The mirrors of an import file, each listening on its port of the host network."""
    return [
        mirror_entry(
            slug.title(), engine, f"{slug}-live", networks=["host"], restart="no", variables={"PORT": str(port)}
        )
        for slug, port in ports.items()
    ]


def as_it_serves(docker: Docker) -> dict[str, tuple[str, str, str]]:
    """What docker says of each mirror: the id of its image, its port, whether it runs."""
    look = docker.look()
    return {
        slug: (look.image_of(f"{slug}-live"), look.variables(f"{slug}-live")["PORT"], look.state(f"{slug}-live"))
        for slug in SLUGS
    }


def states(told: dict[str, Any]) -> list[str]:
    """The state of each target."""
    return [target["state"] for target in told["targets"]]


def test_failures_are_mended_and_tried_again_and_everything_goes_back_to_its_own(
    program: Program, agency: Agency, fast_engine: LabEngine
) -> None:
    docker = agency.docker(fast_engine)
    oldest, older = (agency.publish(fast_engine, version) for version in ("26.8.0", "26.8.1"))
    newest = agency.publish(fast_engine, "26.8.2", probe=0.5)
    for slug, port in PORTS.items():
        runs = oldest if slug in {"alder", "cedar"} else older
        docker.start_container(runs.reference, f"{slug}-live", *HOST, variables={"PORT": str(port)})
    for published in (oldest, older, newest):
        # Each was a release once, in this order.
        docker.remove(SOURCE)
        docker.start_container(published.reference, SOURCE, *HOST, variables={"PORT": "9299"})
        if published is oldest:
            agency.fill(program, fast_engine, mirrors=entries(fast_engine, PORTS))
        program.run("check")
    before = as_it_serves(docker)
    assert len({image for image, _, _ in before.values()}) == 2
    # With the new release each gets another port, and somebody holds those of two of them.
    changed = [
        {"name": slug.title(), "environments": [{"name": "live", "settings": {"variables": {"PORT": str(port)}}}]}
        for slug, port in NEW_PORTS.items()
    ]
    program.run("catalog", "import", str(agency.write({"mirrors": changed})))
    for slug in ("birch", "cedar"):
        docker.start_container(older.reference, f"{slug}-stranger", *HOST, variables={"PORT": str(NEW_PORTS[slug])})

    way = ("--waves", "1,rest", "--bake", "0", "--no-pause", "--max-failed", "0", "--per-engine", "2")
    paused = program.ask("rollout", "start", "-e", "live", "--all", *way, "--why", "x", "--yes", "4", expect=1)
    assert paused["state"] == "paused"
    assert states(paused) == ["done", "put back", "put back", "queued"]
    (cause,) = paused["causes"]
    assert (cause["count"], cause["mirrors"]) == (2, ["Birch", "Cedar"])
    assert "the new container ended with exit code" in cause["words"]
    now = as_it_serves(docker)
    assert {slug: now[slug] for slug in ("birch", "cedar")} == {slug: before[slug] for slug in ("birch", "cedar")}
    assert program.ask("status", expect=None)["mirrors"][0]["environments"][0]["way_back"] == "yes"

    for slug in ("birch", "cedar"):
        docker.remove(f"{slug}-stranger")
    alder = docker.container("alder-live")["Id"]
    tried = program.ask("rollout", "retry", expect=1)
    assert (tried["state"], states(tried)) == ("paused", ["done"] * 3 + ["queued"])
    assert tried["words"] == "Tried again: 2 done. 1 other waits: resume to go on with it."
    done = program.ask("rollout", "resume")
    assert (done["state"], states(done)) == ("completed", ["done"] * 4)
    assert [target["attempt"] for target in done["targets"]] == [1, 2, 2, 1]
    assert docker.container("alder-live")["Id"] == alder
    image = docker.image_of(SOURCE)
    after = {slug: (image, str(NEW_PORTS[slug]), "running") for slug in SLUGS}
    assert as_it_serves(docker) == after

    plan = program.ask("rollout", "rollback", "--all", "--preview")
    assert plan["kind"] == f"rollback of {done['fingerprint']}, all"
    assert [target["after"] for target in plan["targets"]] == ["26.8.0", "26.8.1", "26.8.0", "26.8.1"]
    assert as_it_serves(docker) == after
    back = program.ask("rollout", "rollback", "--all", "--why", "too early", "--yes", "4")
    assert (back["state"], back["headline"]) == ("completed", "4 of 4 taken back")
    assert as_it_serves(docker) == before
    told = program.ask("status", expect=None)
    look = docker.look()
    lives = {mirror["slug"]: mirror["environments"][0] for mirror in told["mirrors"]}
    assert {slug: cell["running"] for slug, cell in lives.items()} == {
        slug: look.version_of(f"{slug}-live") for slug in SLUGS
    }
    assert {cell["status"] for cell in lives.values()} == {"behind"}
    nothing = program.ask("rollout", "rollback", done["id"][:8], "--all", "--preview")
    assert nothing["targets"] == []
    assert {one["words"] for one in nothing["left_out"]} == {"it runs 26.8.0 again", "it runs 26.8.1 again"}

    # Forward once more, and aborted from another process while the first of them bake.
    forward = ("rollout", "start", "-e", "live", "--all", "--waves", "rest", "--bake", "60", "--per-engine", "2")
    with program.running(*forward, "--why", "x", "--yes", "4", "--json") as running:
        wait_until(
            lambda: all(state_of(fast_engine.socket, name) for name in ("alder-live", "alder-live.mc-older")),
            "the first one is swapped",
        )
        aborted = program.ask("rollout", "abort", "--yes", expect=1)
        ended = running.end()
    assert ended.exit_code == 1, str(ended)
    assert ended.json["words"] == aborted["words"]
    assert aborted["words"].startswith("Aborted by ")
    assert aborted["state"] == "stopped"
    assert set(states(aborted)) <= {"done", "put back", "failed", "not started"}
    serves = as_it_serves(docker)
    for slug, state in zip(SLUGS, states(aborted), strict=True):
        assert serves[slug] == (after if state == "done" else before)[slug], (slug, state)
    assert not [name for name in docker.names() if name.startswith("mc-lock") or name.endswith(".mc-next")]


def undecided(
    program: Program, agency: Agency, engine: LabEngine, *slugs: str, probe: float = 2.0
) -> tuple[Docker, dict[str, Any]]:
    """A paused rollout of which all targets wait for a decision: what reads its engine, and how it stands.

    Putting one back takes until the old one is well again, which tells so every `probe` seconds: so long is it in the
    middle.
    """
    docker = agency.docker(engine)
    old = agency.publish(engine, "26.8.1", probe=probe)
    agency.deploy(engine, old)
    ports = {slug: PORTS[slug] for slug in slugs}
    for slug, port in ports.items():
        docker.start_container(old.reference, f"{slug}-live", *HOST, variables={"PORT": str(port)})
    agency.fill(program, engine, mirrors=entries(engine, ports))
    program.run("check")
    bad = agency.publish(engine, "26.8.2", behaviour=Behaviour.NEVER_HEALTHY, probe=0.3)
    agency.deploy(engine, bad)
    # At the source it gets well: what is ill there already isn't rolled out.
    docker.execute(SOURCE, "sh", "-c", "sed -i s/never-healthy/not-any-more/ /app/answer")
    way = ("--waves", "rest", "--bake", "0", "--at-once", "1", "--max-failed", "9", "--in-a-row", "9")
    start = ("rollout", "start", "-e", "live", "--all", *way, "--on-failure", "ask", "--why", "x")
    asking = program.ask(*start, "--yes", str(len(slugs)), expect=1)
    assert (asking["state"], states(asking)) == ("paused", ["undecided"] * len(slugs))
    return docker, asking


def test_ctrl_c_halts_what_puts_back_at_the_next_target(
    program: Program, agency: Agency, fast_engine: LabEngine
) -> None:
    """The one in the middle is put back, the others wait for a decision as before, and nothing false is told of any."""
    docker, asking = undecided(program, agency, fast_engine, *SLUGS)
    why = {target["words"] for target in asking["targets"]}

    def serve() -> list[str]:
        running = docker.running()
        return [slug for slug in SLUGS if f"{slug}-live" in running]

    def halted(*command: str, after: int) -> tuple[dict[str, Any], str]:
        """What a command has said that was halted while it put back the next one `after` those that are."""
        with program.running("rollout", *command, "--json") as running:
            wait_until(lambda: len(serve()) > after, "the next one is being put back")
            running.send_signal(signal.SIGINT)
            ended = running.end()
        assert ended.exit_code == 1, str(ended)
        assert serve() == list(SLUGS[: after + 1])
        assert states(ended.json) == ["put back"] * (after + 1) + ["undecided"] * (3 - after)
        assert {target["words"] for target in ended.json["targets"]} == why
        assert program.run("recover", "list").out == "No rollout was interrupted.\n"
        return ended.json, ended.err

    told, said = halted("decide", "retry", after=0)
    assert (
        "Halting: what is in the middle is put back first. Nothing more is begun, and nothing is tried again." in said
    )
    assert (told["state"], {target["attempt"] for target in told["targets"]}) == ("paused", {1})
    told, said = halted("decide", "put-back", "--cause", "1", after=1)
    assert "Nothing more is begun: the rest waits for a decision." in said
    assert told["state"] == "paused"
    told, said = halted("stop", after=2)
    assert "Is more left, the rollout stays paused; else it ends." in said
    assert told["state"] == "paused"
    assert told["words"] == (
        "Paused by operator while it was stopped. 1 failed target waits for a decision still (Dogwood). "
        "Stop the rollout again, or say what is to become of the target."
    )
    told, said = halted("abort", "--yes", after=3)
    assert "Is more left, the rollout stays paused; else it ends." in said
    assert told["state"] == "completed with failures"
    assert docker.names() == sorted([*(f"{slug}-live" for slug in SLUGS), SOURCE])


def test_a_third_ctrl_c_ends_at_once_and_what_it_left_is_recovered(
    program: Program, agency: Agency, fast_engine: LabEngine
) -> None:
    docker, _ = undecided(program, agency, fast_engine, "alder", probe=4.0)
    said = ("Halting: what is in the middle", "brought to its end all the same", "Ending at once: ")
    with program.running("rollout", "decide", "put-back", "--cause", "1") as running:
        wait_until(lambda: "alder-live" in docker.running(), "it is being put back")
        for words in said:
            running.send_signal(signal.SIGINT)
            wait_until(partial(lambda words: words in running.err_so_far(), words), f"it says '{words}'")
        ended = running.end()
    assert (ended.exit_code, "mirror-console recover list" in ended.err) == (130, True), str(ended)
    assert "was interrupted: 0 done, 1 in between" in program.run("recover", "list", expect=1).out
    back = program.ask("recover", "put-back", expect=1)
    assert (states(back), back["targets"][0]["words"]) == (["put back"], "cut off, and put back as you chose")
    assert docker.names() == docker.running() == ["alder-live", SOURCE]
