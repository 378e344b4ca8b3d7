"""From an empty catalog to a first mirror through the window's forms: engines, a registry, a source, a mirror."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel, QTabWidget, QWidget
from pytestqt.qtbot import QtBot

from mirror_console.ui.widgets.editing_page import EditingPage
from mirror_console.ui.window import MainWindow
from tests.journeys.agency import REPOSITORY, SOURCE, Agency, body_of, print_of
from tests.journeys.canaries import kept, leaks
from tests.journeys.console import Program, cells
from tests.journeys.window import LONGEST, environments, fill, press, tick, window_on_the_catalog
from tests.lab.engine import LabEngine

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(600),
    pytest.mark.qt_log_ignore("^This plugin does not support ", extend=True),
]

MIRROR = "dunes-live"


def test_from_an_empty_catalog_to_a_first_mirror_in_the_window(
    program: Program,
    agency: Agency,
    local_engine: LabEngine,
    tls_engine: LabEngine,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIRROR_CONSOLE_HOME", str(program.home))
    with window_on_the_catalog(qtbot) as window:
        add_engine(qtbot, window, local_engine)
        add_engine(qtbot, window, tls_engine)
        add_registry(qtbot, window, agency)
        add_source(qtbot, window, agency, local_engine)
        add_mirror(qtbot, window, tls_engine)

    client = tls_engine.client
    assert set(kept(program.catalog).values()) == {
        *(client.ca, client.certificate, client.key),
        agency.lab.registry.password,
    }
    assert not leaks([client.key, agency.lab.registry.password], program.home)
    agency.deploy(local_engine, agency.publish(local_engine, "26.8.1"))
    start = ("rollout", "start", "-e", "live", "--all", "--bake", "0", "--why", "first", "--yes", "1")
    assert program.ask(*start)["state"] == "completed"
    docker = agency.docker(tls_engine)
    assert docker.names() == docker.running() == [MIRROR]
    assert print_of(docker, MIRROR) == print_of(agency.docker(local_engine), SOURCE)
    assert docker.variables(MIRROR)["GREETING"] == "hello"
    assert body_of(tls_engine, 18080) == "version 26.8.1\nGREETING=hello"
    assert cells(program.ask("status"))["dunes-bakery"]["status"] == "aligned"


def opened_form(qtbot: QtBot, window: MainWindow, page_id: str, button: str) -> QWidget:
    """The page with an empty form on it."""
    window.open_page(page_id)
    page = window.pages[page_id]
    press(page, button)
    return page


def saved(qtbot: QtBot, window: MainWindow, page: QWidget, name: str) -> None:
    """Save, and wait until the form is gone and the window knows of what was saved."""
    press(page, "Save")

    def known() -> bool:
        if form_open(page):
            return False
        grid = window.context.grid
        assert grid is not None
        names = {row.engine.name for row in grid.engines} | {row.application.name for row in grid.sources}
        return name in names | {row.application.name for row in grid.rows}

    qtbot.waitUntil(known, timeout=LONGEST)


def form_open(page: QWidget) -> bool:
    """Whether a form is still there: it is in the catalog a moment before, and leaving then asks what to discard."""
    assert isinstance(page, EditingPage)
    return page.stack.currentIndex() != 0


def add_engine(qtbot: QtBot, window: MainWindow, engine: LabEngine) -> None:
    page = opened_form(qtbot, window, "engines", "Add an engine…")
    fill(page, "Name", engine.name)
    fill(page, "Address", engine.url)
    if engine.spec.tls:
        fill(page, "CA certificate", engine.client.ca)
        fill(page, "Client certificate", engine.client.certificate)
        fill(page, "Client key", engine.client.key)
    press(page, "Test connection")
    qtbot.waitUntil(lambda: "The connection works." in texts(page), timeout=LONGEST)
    saved(qtbot, window, page, engine.name)


def add_registry(qtbot: QtBot, window: MainWindow, agency: Agency) -> None:
    window.open_page("engines")
    page = window.pages["engines"]
    show_tab(page, "Registries")
    press(page, "Add a registry…")
    fill(page, "Host", agency.registry)
    fill(page, "User", agency.lab.registry.user)
    fill(page, "Password", agency.lab.registry.password)
    press(page, "Save")

    qtbot.waitUntil(lambda: not form_open(page), timeout=LONGEST)
    with window.context.console.catalog.read() as books:
        assert books.registries.by_host(agency.registry) is not None


def add_source(qtbot: QtBot, window: MainWindow, agency: Agency, engine: LabEngine) -> None:
    page = opened_form(qtbot, window, "sources", "Add a source…")
    fill(page, "Name", "Webshop")
    fill(page, "Image repository", f"{agency.registry}/{REPOSITORY}")
    press(page, "Add an environment")
    live = environments(page)
    fill(live, "Name", "live")
    fill(live, "Engine", engine.name)
    fill(live, "Container", SOURCE)
    tick(page, "It has no release command")
    saved(qtbot, window, page, "Webshop")


def add_mirror(qtbot: QtBot, window: MainWindow, engine: LabEngine) -> None:
    page = opened_form(qtbot, window, "mirrors", "Add a mirror…")
    fill(page, "Name", "Dunes Bakery")
    fill(page, "Source", "Webshop")
    press(page, "Add an environment")
    live = environments(page)
    fill(live, "Name", "live")
    fill(live, "Engine", engine.name)
    fill(live, "Container", MIRROR)
    fill(live, "Ports", "18080:8080")
    fill(live, "Variables", "GREETING=hello")
    saved(qtbot, window, page, "Dunes Bakery")


def texts(within: QWidget) -> str:
    """Everything that labels say."""
    return "\n".join(label.text() for label in within.findChildren(QLabel))


def show_tab(within: QWidget, words: str) -> None:
    """Go to a tab."""
    for tabs in within.findChildren(QTabWidget):
        for place in range(tabs.count()):
            if tabs.tabText(place) == words:
                tabs.setCurrentIndex(place)
