"""An environment with several processes on a real engine: a worker never works while its data is migrated.

What happened in which order is told by what each of them wrote into the volume that they share.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.journeys.agency import Agency, mirror_entry, wait_until
from tests.journeys.console import Program
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

DATA, LIVE = "several-data", "several-live"
WORKS = (
    "trap 'echo \"worker $APP_VERSION off\" >> /data/log; exit 0' TERM; "
    'echo "worker $APP_VERSION on" >> /data/log; while :; do sleep 1 & wait $!; done'
)
PROCESSES = [
    {"name": "web", "serves": True},
    {"name": "worker", "command": ["sh", "-c", WORKS], "worker": True},
    {"name": "ticker", "command": ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"]},
]
ALL = [LIVE, f"{LIVE}-ticker", f"{LIVE}-worker"]
QUICK = ("--way", "test environment", "--bake", "0", "--waves", "rest")


def told(docker: Docker, folder: Path) -> list[str]:
    """What was written into the volume."""
    docker.run("cp", f"{LIVE}:/data/log", str(folder / "log"))
    return (folder / "log").read_text().splitlines()


def ours(docker: Docker) -> list[str]:
    return sorted(name for name in docker.running() if name.startswith(LIVE))


def test_all_of_them_are_of_one_version_and_no_worker_works_during_a_release_command(
    program: Program, agency: Agency, local_engine: LabEngine
) -> None:
    docker = agency.docker(local_engine)
    first = agency.publish(local_engine, "26.8.1")
    agency.deploy(local_engine, first)
    migrate = 'echo "migrates $APP_VERSION" >> /data/log; sleep 2; echo "migrated $APP_VERSION" >> /data/log'
    command = {"command": ["sh", "-c", migrate], "limit": "60 s", "reversible": True, "idempotent": True}
    source = agency.source_entry(local_engine, processes=PROCESSES, release_command=command)
    settings = {"volumes": [{"source": DATA, "target": "/data"}], "ports": ["18931:8080"]}
    entry = mirror_entry("Several", local_engine, LIVE, **settings)
    agency.fill(program, local_engine, mirrors=[entry], sources=[source])
    start = ("rollout", "start", "-e", "live", "--all", "--why", "a release", "--yes", "1", *QUICK)

    # The first containers of all, then another release.
    program.run("check")
    program.run(*start)
    assert ours(docker) == ALL
    assert told(docker, agency.folder) == ["migrates 26.8.1", "migrated 26.8.1", "worker 26.8.1 on"]
    agency.deploy(local_engine, agency.publish(local_engine, "26.8.2"))
    program.run("check")
    done = program.ask(*start)
    assert [one["name"] for one in done["targets"][0]["processes"]] == ["worker", "ticker"]
    assert ours(docker) == ALL
    assert [docker.version_of(name) for name in ALL] == ["26.8.2"] * 3
    assert told(docker, agency.folder)[3:] == [
        "worker 26.8.1 off",
        "migrates 26.8.2",
        "migrated 26.8.2",
        "worker 26.8.2 on",
    ]
    environment = program.ask("status", "several")["mirrors"][0]["environments"][0]
    assert environment["status"] == "aligned"
    assert [one["name"] for one in environment["processes"]] == ["web", "worker", "ticker"]
    assert not any(docker.container(name)["HostConfig"]["PortBindings"] for name in ALL[1:])

    # Killed while it migrates: the worker is down. Put back, it works again, in the old version.
    agency.deploy(local_engine, agency.publish(local_engine, "26.8.3"))
    program.run("check")
    with program.running(*start) as killed:
        log = local_engine.volume(DATA) / "log"
        wait_until(lambda: "migrates 26.8.3" in log.read_text(), "it migrates")
        assert ours(docker) == ALL[:2]
        killed.send_signal(signal.SIGKILL)
        killed.end()
    back = program.ask("recover", "put-back", expect=1)
    assert [target["state"] for target in back["targets"]] == ["put back"]
    assert ours(docker) == ALL
    assert [docker.version_of(name) for name in ALL] == ["26.8.2"] * 3
    assert told(docker, agency.folder).count("worker 26.8.2 on") == 2

    # All of them go back, too.
    program.run("check")
    program.run("rollout", "rollback", done["id"][:8], "--all", "--why", "too early", "--yes", "1")
    assert [docker.version_of(name) for name in ALL] == ["26.8.1"] * 3
    assert ours(docker) == ALL
    assert not [name for name in docker.names() if name.startswith("mc-lock.") or name.endswith(".mc-next")]

    # What its source declares no more goes with the next release, and is kept, stopped, as the way back.
    fewer = agency.source_entry(local_engine, processes=PROCESSES[:2], release_command=command)
    agency.fill(program, local_engine, mirrors=[entry], sources=[fewer])
    agency.deploy(local_engine, agency.publish(local_engine, "26.8.4"))
    program.run("check")
    went = program.ask(*start)["targets"][0]["processes"]
    assert [(one["name"], one["change"]) for one in went] == [("worker", "replace"), ("ticker", "take away")]
    assert ours(docker) == [LIVE, f"{LIVE}-worker"]
    assert docker.version_of(f"{LIVE}-ticker.mc-prev") == "26.8.1"
