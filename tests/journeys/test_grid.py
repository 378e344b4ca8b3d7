"""Support staff find a mirror by a piece of its domain and read the answer off, in the window and as a command."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mirror_console.ui.grid.page import AlignmentPage
from tests.journeys.agency import Agency, mirror_entry
from tests.journeys.console import Program
from tests.journeys.window import LONGEST, press, window_on_the_catalog
from tests.lab.engine import LabEngine

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(600),
    pytest.mark.qt_log_ignore("^This plugin does not support ", extend=True),
]


@pytest.fixture
def fleet(
    program: Program,
    agency: Agency,
    local_engine: LabEngine,
    tls_engine: LabEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> Program:
    """Four mirrors on two engines: one current, one behind, one stopped, one never deployed."""
    first, second = agency.publish(local_engine, "26.8.1"), agency.publish(local_engine, "26.8.2")
    placed = {"Dunes Bakery": tls_engine, "Harbour Bikes": tls_engine, "Linden Optics": local_engine}
    mirrors = [mirror_entry(name, engine, f"{name.partition(' ')[0].lower()}-live") for name, engine in placed.items()]
    mirrors.append(mirror_entry("Elm Cafe", local_engine, "elm-live"))
    agency.fill(program, local_engine, tls_engine, mirrors=mirrors)
    agency.deploy(local_engine, first)
    program.run("check", "--engine", local_engine.name)
    agency.deploy(local_engine, second)
    agency.run_mirror(tls_engine, first.reference, "dunes-live")
    agency.run_mirror(tls_engine, second.reference, "harbour-live")
    agency.run_mirror(local_engine, second.reference, "linden-live")
    agency.docker(local_engine).run("stop", "linden-live")
    monkeypatch.setenv("MIRROR_CONSOLE_HOME", str(program.home))
    return program


def test_a_mirror_is_found_by_a_piece_of_its_domain(
    fleet: Program, agency: Agency, tls_engine: LabEngine, qtbot: QtBot
) -> None:
    docker = agency.docker(tls_engine)
    with window_on_the_catalog(qtbot) as window:
        page = window.pages["alignment"]
        assert isinstance(page, AlignmentPage)
        line = page.filter.line
        line.setFocus()
        QTest.keyClicks(line, "nes-bak")
        qtbot.waitUntil(lambda: page.model.rowCount() == 1, timeout=LONGEST)
        QTest.keyClick(line, Qt.Key.Key_Return)
        press(page, "Copy answer")
        copied = QApplication.clipboard().text()
        # A key that isn't known is said, and the last filter stays.
        line.setFocus()
        line.clear()
        QTest.keyClicks(line, "engin:paris")
        qtbot.waitUntil(lambda: bool(line.accessibleDescription()), timeout=LONGEST)
        assert "'engin' is not a filter" in line.accessibleDescription()

    version = docker.version_of("dunes-live")
    assert version == "26.8.1"
    assert copied.startswith(f"Dunes Bakery live runs {version} (1 release behind 26.8.2) since ")
    said = fleet.run("status", "nes-bak", "--answer").out
    # The window has checked it at the same time as what the command line reads.
    assert said.strip() == copied
    answers = fleet.run("status", ".example", "--answer", expect=1).out.splitlines()
    assert [line.partition(" live ")[0] for line in answers] == [
        "Dunes Bakery",
        "Elm Cafe",
        "Harbour Bikes",
        "Linden Optics",
    ]
    assert answers[1].startswith("Elm Cafe live is missing: no container was found (26.8.2 is expected)")
    assert answers[2].startswith("Harbour Bikes live runs 26.8.2 (current) since ")
    assert answers[3].startswith("Linden Optics live is unhealthy: ")
    assert fleet.run("status", "nothing-like-it", "--answer").out == ""
