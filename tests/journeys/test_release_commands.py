"""Release commands on a real engine: once for the data that mirrors share, failing, hanging, and cut off in the middle.

How often one ran is counted by what it left in a volume, and read by the docker command line.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests import canaries
from tests.journeys.agency import Agency, mirror_entry, wait_until
from tests.journeys.canaries import leaks
from tests.journeys.console import Program
from tests.lab.asking import ask
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

SECRET = canaries.ROLLED_OUT
QUICK = ("--way", "test environment", "--bake", "0", "--waves", "rest")
SHOP, ALONE = "shop-data", "cedar-data"
NOTES = 'echo "$APP_VERSION" >> /data/migrated; '
FLOOD = "busybox yes 0123456789012345678901234567890123456789 | busybox head -c 20971520; "


def migrated(docker: Docker, container: str, folder: Path) -> list[str]:
    """The versions whose release command ran on a container's data, once for each time."""
    docker.run("cp", f"{container}:/data/migrated", str(folder / "migrated"))
    return (folder / "migrated").read_text().split()


def declare(agency: Agency, program: Program, engine: LabEngine, script: str, **more: Any) -> None:
    command = {"command": ["sh", "-c", script], "limit": "60 s", "reversible": True, **more}
    entry = agency.source_entry(engine, release_command=command)
    program.run("catalog", "import", str(agency.write({"sources": [entry]}, "source.yaml")))


def serving(docker: Docker) -> dict[str, str]:
    """The ids of all containers of mirrors, and since when each runs."""
    found = {name: one for name, one in docker.look().containers.items() if not name.startswith("webshop")}
    return {name: f"{one['Id']} {one['State']['StartedAt']}" for name, one in found.items()}


def runs_one(engine: LabEngine) -> bool:
    """Whether a release command runs."""
    running = ask(engine.socket, "GET", "/containers/json")
    return any(one["Names"][0].startswith("/mc-rel.") for one in running)


def test_once_failing_hanging_and_cut_off(program: Program, agency: Agency, local_engine: LabEngine) -> None:
    docker, folder = agency.docker(local_engine), agency.folder
    (folder / "secret").write_text(SECRET)
    old = agency.publish(local_engine, "26.8.1")
    agency.deploy(local_engine, old)
    entries = []
    for slug, volume in (("alder", SHOP), ("birch", SHOP), ("cedar", ALONE)):
        settings = {
            "volumes": [{"source": volume, "target": "/data"}],
            "secrets": {"SECRET_KEY": {"file": "secret"}},
        }
        entry = mirror_entry(slug.title(), local_engine, f"{slug}-live", **settings)
        if volume == SHOP:
            entry["environments"][0]["group"] = "shop"
        entries.append(entry)
        options = ("-v", f"{volume}:/data")
        agency.run_mirror(local_engine, old.reference, f"{slug}-live", *options, SECRET_KEY=SECRET)
    agency.fill(program, local_engine, mirrors=entries)

    # Once for both that share their data, once for the one that doesn't; much, and a secret, is printed.
    declare(agency, program, local_engine, f'{NOTES}echo "dsn $SECRET_KEY"; {FLOOD}echo; echo "with $SECRET_KEY done"')
    agency.deploy(local_engine, agency.publish(local_engine, "26.8.2"))
    program.run("check")
    done = program.ask("rollout", "start", "-e", "live", "--all", "--why", "a release", "--yes", "3", *QUICK)
    assert [target["state"] for target in done["targets"]] == ["done"] * 3
    assert migrated(docker, "alder-live", folder) == migrated(docker, "cedar-live", folder) == ["26.8.2"]
    runs = program.ask("release-commands", "list")
    assert [(run["state"], run["exit_code"], run["needs_a_word"]) for run in runs] == [("succeeded", 0, False)] * 2
    written = program.ask("release-commands", "show", runs[0]["id"])["output"]
    assert len(written) < 40_000
    assert (written.splitlines()[0], written.splitlines()[-1]) == ("dsn •••", "with ••• done")
    assert leaks([SECRET], program.home) == []

    # It fails: nothing is touched, and a person has to say before anybody goes on.
    ids = serving(docker)
    declare(agency, program, local_engine, f"{NOTES}echo cannot connect >&2; exit 7")
    agency.deploy(local_engine, agency.publish(local_engine, "26.8.3"))
    program.run("check")
    start = ("rollout", "start", "-e", "live", "--mirror", "alder", "--mirror", "birch", "--why", "another", *QUICK)
    failed = program.ask(*start, "--yes", "2", expect=1)
    assert [target["state"] for target in failed["targets"]] == ["failed"] * 2
    assert all("it ended with exit code 7: cannot connect" in target["words"] for target in failed["targets"])
    assert serving(docker) == ids
    assert migrated(docker, "alder-live", folder) == ["26.8.2", "26.8.3"]
    assert "every target is blocked by a check" in program.run(*start, "--yes", "2", expect=2).err
    (waiting,) = [run for run in program.ask("release-commands", "list") if run["needs_a_word"]]
    assert program.ask("release-commands", "say", waiting["id"][:8], "may-run-again")["said"] == "may run again"

    # It hangs: its limit ends it.
    declare(agency, program, local_engine, f"{NOTES}sleep 600", limit="2 s")
    hung = program.ask(*start, "--yes", "2", expect=1)
    assert all("it was stopped at its limit of 2 s" in target["words"] for target in hung["targets"])
    assert migrated(docker, "alder-live", folder) == ["26.8.2", "26.8.3", "26.8.3"]
    (waiting,) = [run for run in program.ask("release-commands", "list") if run["needs_a_word"]]
    program.run("release-commands", "say", waiting["id"], "may-run-again")

    # The console is killed while it runs: it isn't run a second time.
    declare(agency, program, local_engine, f"{NOTES}sleep 3; echo done")
    with program.running(*start, "--yes", "2") as command:
        wait_until(lambda: runs_one(local_engine), "it runs")
        command.send_signal(signal.SIGKILL)
        command.end()
    recovered = program.ask("recover", "continue")
    assert [target["state"] for target in recovered["targets"]] == ["done"] * 2
    assert migrated(docker, "alder-live", folder) == ["26.8.2", "26.8.3", "26.8.3", "26.8.3"]
    assert docker.version_of("alder-live") == docker.version_of("birch-live") == "26.8.3"
    assert not [name for name in docker.names() if name.startswith("mc-") or name.endswith(".mc-next")]
    assert "release command: 1 succeeded" in program.run("rollout", "report").out
