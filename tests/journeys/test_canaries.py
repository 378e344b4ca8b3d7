"""Known secrets go through all that the program does, and turn up nowhere but in the keyring and the container."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.canaries import NEW_VARIABLE, VARIABLE
from tests.journeys.agency import Agency, mirror_entry
from tests.journeys.canaries import Seen, kept, leaks
from tests.journeys.console import Program
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

GIVEN_SECRETS = {("catalog", "import"), ("rollout", "start")}


def test_no_canary_is_left_by_anything_that_is_done(program: Program, agency: Agency, tls_engine: LabEngine) -> None:
    """Every command as a process of its own, looked at from outside while it runs. Those that are given a secret are
    started as people start them: so their command lines and variables are seen from their beginning on.
    """
    client, password = tls_engine.client, agency.lab.registry.password
    secrets = [VARIABLE, NEW_VARIABLE, password, client.key]
    seen, said = Seen(), ""

    def do(*words: str, expect: tuple[int, ...] = (0,)) -> str:
        nonlocal said
        started = program.but(starter=None) if words[:2] in GIVEN_SECRETS else program
        with started.running(*words) as command:
            seen.watch(command.pid)
            ended = command.end()
        assert ended.exit_code in expect, str(ended)
        said += ended.said
        return ended.out

    old = agency.publish(tls_engine, "26.8.1")
    agency.deploy(tls_engine, old)
    agency.run_mirror(tls_engine, old.reference, "dunes-live", SECRET_KEY=VARIABLE)
    (agency.folder / "value").write_text(VARIABLE)
    dunes = mirror_entry("Dunes", tls_engine, "dunes-live", secrets={"SECRET_KEY": {"file": "value"}})
    document = {
        "engines": [agency.engine_entry(tls_engine, timeout=5)],
        "registries": [agency.registry_entry()],
        "sources": [agency.source_entry(tls_engine)],
        "mirrors": [dunes | {"account": "DUNES"}],
    }
    do("catalog", "import", str(agency.write(document)))
    pem = tls_engine.client_folder
    do(
        *("engines", "access", tls_engine.name, "--account", "DUNES"),
        *("--cert", str(pem / "cert.pem"), "--key", str(pem / "key.pem")),
    )
    do("check")
    agency.deploy(tls_engine, agency.publish(tls_engine, "26.8.2"))
    do("check")
    do("engines", "test", tls_engine.name)
    do(
        "rollout",
        "start",
        "-e",
        "live",
        "--all",
        "--way",
        "test environment",
        "--bake",
        "0",
        "--why",
        "it",
        "--yes",
        "1",
    )
    report = program.tmp / "report.html"
    do("rollout", "report", "--html", str(report))
    do("catalog", "export", str(program.tmp / "export.yaml"))
    do("catalog", "backup", str(program.tmp / "backup.sqlite"))
    do("credentials", "list", "--json")
    reference = next(name for name in kept(program.catalog) if name.endswith("SECRET_KEY"))
    (agency.folder / "new").write_text(NEW_VARIABLE)
    do("credentials", "rotate", reference, "--file", str(agency.folder / "new"))
    (agency.folder / "wrong").write_text("x" * 8)
    registry = next(name for name in kept(program.catalog) if name.startswith("registry/"))
    do("credentials", "rotate", registry, "--file", str(agency.folder / "wrong"), expect=(4,))
    do("status", "--json", expect=(0, 1))

    opened = [Path(file) for file in seen.files if Path(file).is_file() and not file.startswith("/proc/")]
    handed_over = (agency.folder, pem)
    elsewhere = (file for file in opened if not any(file.is_relative_to(folder) for folder in handed_over))
    assert leaks(secrets, *elsewhere) == []
    assert leaks(secrets, program.home, program.tmp, Path(program.keyring["HOME"])) == []
    lines = [line for secret in secrets for line in secret.splitlines() if not line.startswith("-----")]
    assert not [line for line in lines if line in said]
    assert seen.looks > 50, "nothing was seen of the processes"
    assert not [line for line in lines if any(line.encode() in words for words in seen.words)]
    assert kept(program.catalog)[reference] == NEW_VARIABLE
    docker = agency.docker(tls_engine)
    assert docker.variables("dunes-live")["SECRET_KEY"] == VARIABLE
    told = docker.inspect("dunes-live")
    assert told is not None
    assert VARIABLE not in str({**told, "Config": {**told["Config"], "Env": []}})
    for file in (program.catalog, *program.catalog.parent.glob("*"), *(program.home / "log").glob("*")):
        assert file.is_dir() or not file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), file
