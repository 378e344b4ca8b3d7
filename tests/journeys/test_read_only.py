"""`--read-only` refuses all that changes an engine, the catalog or the keyring, and lets all else be looked at."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from mirror_console.app import cli_parts
from mirror_console.cli import ExitCode
from tests.cli.terminal import called
from tests.journeys.agency import Agency, mirror_entry
from tests.journeys.command_line import Command, commands
from tests.journeys.console import Program
from tests.journeys.window import window_on_the_catalog
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

LOOKS = {
    "status",
    "check",
    "where",
    "drift list",
    "images list",
    "locks list",
    "releases list",
    "release-commands list",
    "release-commands show",
    "rollout checks",
    "rollout list",
    "rollout show",
    "rollout report",
    "recover list",
    "schedule list",
    "engines list",
    "engines show",
    "engines test",
    "engines access",
    "engines contexts list",
    "credentials list",
    "credentials where",
    "audit list",
    "audit verify",
    "audit evidence",
    "catalog export",
    "catalog path",
    "catalog backup",
    "help",
}
"""Commands that change nothing but what was seen, as long as no more than their shortest call is given.

A new command either refuses or is named here.
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, which isn't there yet."""
    home = tmp_path / "home"
    monkeypatch.setenv("MIRROR_CONSOLE_HOME", str(home))
    return home


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_every_command_that_changes_something_refuses(command: Command, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    said = called(cli_parts(), ["--read-only", *command.shortest(file)])
    if command.name in LOOKS:
        assert said.code != ExitCode.NOT_ALLOWED, said.err
        return
    assert said.code == ExitCode.NOT_ALLOWED, said.err or said.out
    assert said.err == (
        "Nothing can be changed now.\nIt was started with --read-only. Start it without to change something.\n"
    )
    # Nothing was even opened: so a catalog that another console holds, or that is broken, makes no difference.
    assert not home.exists()


def test_what_looks_is_there() -> None:
    assert {command.name for command in commands()} >= LOOKS


def test_engines_and_catalog_are_as_before(program: Program, agency: Agency, local_engine: LabEngine) -> None:
    docker = agency.docker(local_engine)
    published = agency.publish(local_engine, "26.8.1")
    agency.fill(program, local_engine, mirrors=[mirror_entry("Dunes", local_engine, "dunes-live")])
    agency.run_mirror(local_engine, published.reference, "dunes-live")
    agency.deploy(local_engine, published)
    agency.deploy(local_engine, agency.publish(local_engine, "26.8.2"))
    program.run("check")
    plan = program.ask("rollout", "plan", "-e", "live", "--all")
    before = [docker.container(name) for name in docker.names()]
    catalog = shutil.copytree(program.home, program.tmp / "as-before")

    assert len(plan["targets"]) == 1
    started = ("rollout", "start", "--plan", plan["fingerprint"], "--why", "no", "--yes", "1")
    assert "--read-only" in program.refusal("--read-only", *started, exit_code=3)
    assert "--read-only" in program.refusal("--read-only", "engines", "remove", local_engine.name, "--yes", exit_code=3)
    assert same_content(program.catalog, catalog / "catalog.sqlite")
    checks = program.run("--read-only", "rollout", "checks", "--json", expect=1).json["results"]
    assert [check["check"] for check in checks if check["blocks"]] == ["console may write"]
    assert program.ask("--read-only", "check")["failed"] == []
    tried = {step["title"]: step for step in program.ask("--read-only", "engines", "test", local_engine.name)}
    assert tried["May create and pull"]["words"] == "not tried: the console is read-only"
    assert [docker.container(name) for name in docker.names()] == before


@pytest.mark.qt_log_ignore("^This plugin does not support ", extend=True)
def test_the_window_saves_nothing(home: Path, qtbot: QtBot) -> None:
    with window_on_the_catalog(qtbot, "Only for looking.") as window:
        assert "(read-only)" in window.windowTitle()
        for page_id in ("engines", "sources", "mirrors"):
            window.open_page(page_id)
            # Whatever way leads into a form: there, nothing can be saved.
            window.pages[page_id].show_what({"new": True})
            (save,) = (button for button in buttons(window) if button.text() == "Save")
            assert not save.isEnabled()
            assert not [line for line in window.findChildren(QLineEdit) if can_be_typed_into(line)]
        window.open_page("rollouts")
        changing = ("Plan", "Roll out", "Start", "Resume", "Put back", "Re-read")
        assert [button.text() for button in buttons(window) if button.text().startswith(changing)] == []
    assert content_of(home / "catalog.sqlite", "engine") == []


def buttons(window: QWidget) -> list[QAbstractButton]:
    """Those that are seen."""
    return [button for button in window.findChildren(QAbstractButton) if button.isVisible()]


def can_be_typed_into(line: QLineEdit) -> bool:
    """Whether what is typed there would stand there."""
    return line.isVisible() and line.isEnabled() and not line.isReadOnly()


def content_of(catalog: Path, table: str) -> list[tuple[object, ...]]:
    """The rows of a table, read past the program."""
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 # a name that stands here


def same_content(one: Path, other: Path) -> bool:
    """Whether two catalogs hold the same."""
    texts = []
    for path in (one, other):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            texts.append(list(connection.iterdump()))
    return texts[0] == texts[1]
