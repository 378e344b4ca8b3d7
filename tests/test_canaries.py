"""The search for secrets after a run finds one wherever it was planted, and takes what a test handed over for that."""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.canaries import CANARIES, SSH_PASSPHRASE, VARIABLE, left_in, main, shown_by_processes
from tests.lab.certificates import Authority


@pytest.fixture
def planted() -> Iterator[Path]:
    """A folder for what is to be found, gone after the test: the search after the whole run would find it too."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_no_two_are_one_and_none_is_found_by_chance() -> None:
    assert len(set(CANARIES)) == len(CANARIES)
    assert all(len(canary) > 16 for canary in CANARIES)
    assert not any(one in other for one in CANARIES for other in CANARIES if one is not other)


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("before", ["", "a:", "ab:"])
def test_one_in_a_log_or_a_header_is_found(planted: Path, canary: str, before: str) -> None:
    (planted / "deep" / "er").mkdir(parents=True)
    (planted / "fine.log").write_text("a canary target\n")
    log, header = planted / "deep" / "console.log", planted / "deep" / "er" / "header.bin"
    log.write_text(f"it was {before}{canary} in the end\n")
    header.write_bytes(b"\0\xffX-Registry-Auth: " + base64.b64encode(f"{before}{canary}{before}".encode()))
    assert set(left_in(planted)) == {log, header}


def test_one_in_a_catalog_or_its_write_ahead_log_is_found(planted: Path) -> None:
    with closing(sqlite3.connect(planted / "catalog.sqlite")) as catalog:
        catalog.execute("PRAGMA journal_mode=WAL")
        catalog.execute("CREATE TABLE note (words TEXT)")
        catalog.execute("INSERT INTO note VALUES (?)", (VARIABLE,))
        catalog.commit()
        assert [file.name for file in left_in(planted)] == ["catalog.sqlite-wal"]


def test_a_private_key_within_something_else_is_found(planted: Path) -> None:
    key = Authority().client("console").key
    (planted / "export.yaml").write_text(json.dumps({"key": key}))
    (planted / "report.html").write_text(f"<pre>{key}</pre>")
    assert {file.name for file in left_in(planted)} == {"export.yaml", "report.html"}


def test_what_is_handed_over_and_what_belongs_to_a_lab_is_none(planted: Path) -> None:
    client = Authority().client("console")
    (planted / "key.pem").write_text(client.key)
    (planted / "both.pem").write_text(client.certificate + client.key)
    (planted / "passphrase").write_text(SSH_PASSPHRASE + "\n")
    (planted / "lab-x1").mkdir()
    (planted / "lab-x1" / "keyring").write_text(f"password: {VARIABLE}")
    assert list(left_in(planted)) == []


def test_a_process_that_shows_one_is_named() -> None:
    words = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    with subprocess.Popen(
        [*words, VARIABLE], env={"TOKEN": SSH_PASSPHRASE}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        named = {place for place in shown_by_processes(Path("/proc")) if place.endswith(f" {process.pid}")}
        process.communicate()
    assert named == {f"the {part} of process {process.pid}" for part in ("cmdline", "environ")}


def test_the_command_names_the_file_and_says_no(planted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (planted / "log").write_text(f"x {VARIABLE}")
    assert main(planted) == 1
    assert str(planted / "log") in capsys.readouterr().err


def test_the_whole_run_is_searched() -> None:
    """After the tests, and before their folders are taken away."""
    run = (Path(__file__).parent / "run").read_text()
    assert 0 < run.index('step "tests"') < run.index('tests.canaries "$own"')
    assert "trap 'take_folders_away' EXIT" in run


def test_a_folder_that_is_not_there_is_no_clean_one(planted: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        main(planted / "gone")
