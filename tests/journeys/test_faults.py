"""Engines that fail or lie, seen by a person: the right words, and nothing that acts on the screen."""

from __future__ import annotations

import json
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPlainTextEdit, QTextEdit, QWidget
from pytestqt.qtbot import QtBot

from mirror_console.ui.engines.page import EnginesPage
from mirror_console.ui.grid.page import AlignmentPage
from mirror_console.ui.window import MainWindow
from tests.journeys.agency import Agency, mirror_entry
from tests.journeys.console import Program, cells
from tests.journeys.window import LONGEST, window_on_the_catalog
from tests.lab import faults
from tests.lab.engine import LabEngine
from tests.lab.proxy import EngineProxy, Exchange, proxy

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(600),
    pytest.mark.qt_log_ignore("^This plugin does not support ", extend=True),
]

MARKUP = "<b>bold</b>"
ACTING = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
"""What acts on a terminal or turns text round. Line breaks are ours."""
ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)


@dataclass(frozen=True)
class Seen:
    """The program on two engines: `local` behind the proxy with the source and a mirror, `paris` with a mirror."""

    program: Program
    proxy: EngineProxy


@pytest.fixture
def seen(
    program: Program,
    agency: Agency,
    local_engine: LabEngine,
    tls_engine: LabEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Seen]:
    published = agency.publish(local_engine, "26.8.1")
    agency.deploy(local_engine, published)
    for engine, name in ((local_engine, "alder-live"), (tls_engine, "birch-live")):
        agency.run_mirror(engine, published.reference, name)
    # The paths of sockets must be short.
    with (
        tempfile.TemporaryDirectory(prefix="mc-") as folder,
        proxy(Path(folder) / "p", local_engine.socket) as before,
    ):
        program.run(
            "catalog",
            "import",
            str(
                agency.write(
                    {
                        "engines": [
                            agency.engine_entry(local_engine, timeout=3) | {"address": before.address},
                            agency.engine_entry(tls_engine, timeout=3),
                        ],
                        "sources": [agency.source_entry(local_engine)],
                        "mirrors": [
                            mirror_entry("Alder", local_engine, "alder-live"),
                            mirror_entry("Birch", tls_engine, "birch-live"),
                        ],
                    }
                )
            ),
        )
        monkeypatch.setenv("MIRROR_CONSOLE_HOME", str(program.home))
        yield Seen(program, before)


def test_what_failed_and_what_to_do_is_said_until_it_is_over(seen: Seen) -> None:
    program = seen.program
    assert program.ask("check")["failed"] == []
    told: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "no answer in time": lambda: seen.proxy.spoiling(faults.silent),
        "connection lost": lambda: seen.proxy.spoiling(faults.closed_after(0)),
        "reply not understood": lambda: seen.proxy.spoiling(faults.bad_gateway()),
    }
    for why, fault in told.items():
        with fault():
            answer = program.ask("check", expect=1)
            assert (answer["answered"], answer["failed"]) == (["paris"], [{"engine": "local", "why": why}])
            status = program.ask("status", expect=1)
            found = cells(status)
            assert {slug: cell["status"] for slug, cell in found.items()} == {
                "alder": "unreachable",
                "birch": "aligned",
            }
            assert f"Alder live is unreachable now (local: {why}); last seen" in found["alder"]["answer"]
            engine = next(engine for engine in status["engines"] if engine["name"] == "local")
            # What happened, to what; and what to do, as a second sentence.
            assert "local" in engine["words"]
            assert re.search(r"\. (Check|The engine may be restarting\. Look)", engine["words"])
    assert program.ask("check")["failed"] == []
    assert {cell["status"] for cell in cells(program.ask("status")).values()} == {"aligned"}


# --- text that is more than text --------------------------------------------------------------------------------------


@pytest.fixture
def lure() -> Iterator[socket.socket]:
    """A port of this machine that an image in a hostile text points to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def lying(text: str) -> Callable[[Exchange], None]:
    """An engine that writes this wherever it may write what it wants."""

    def of_container(told: dict[str, Any]) -> dict[str, Any]:
        told["Config"]["Labels"] = dict.fromkeys(told["Config"]["Labels"] or {}, text) | {text: text}
        told["Config"]["Image"] = text
        told["State"]["Health"] = {"Status": "unhealthy", "Log": [{"ExitCode": 1, "Output": text}]}
        mount = {"Type": "bind", "Source": f"/{text}", "Destination": f"/{text}", "RW": True}
        return told | {"Mounts": [mount]}

    def of_image(told: dict[str, Any]) -> dict[str, Any]:
        labels = ("org.opencontainers.image.version", "org.opencontainers.image.revision")
        told["Config"]["Labels"] = dict.fromkeys(labels, text)
        return told | {"RepoTags": [text], "Architecture": text}

    def of_list(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one | {"Image": text, "Labels": {text: text}, "Status": f"{text} (unhealthy)"} for one in told]

    def lie(exchange: Exchange) -> None:
        path = exchange.asked.path if exchange.asked else ""
        changes: dict[str, Callable[[Any], Any]] = {
            r"/containers/json": of_list,
            r"/containers/[0-9a-f]+/json": of_container,
            r"/images/.*/json": of_image,
            r"/info$": lambda told: told | {"Name": text},
            r"/version$": lambda told: told | {"Version": text, "Os": text},
        }
        for pattern, change in changes.items():
            if re.search(pattern, path):
                faults.rewriting(change)(exchange)
        exchange.relay()

    return lie


def _texts(window: MainWindow) -> Iterator[str]:
    """All that the window says, in whatever way; markup only where it was escaped into it."""
    for widget in (window, *window.findChildren(QWidget)):
        tip = widget.toolTip()
        assert MARKUP not in tip, tip
        yield from (tip, widget.accessibleName(), widget.accessibleDescription(), widget.windowTitle())
        match widget:
            case QLabel():
                assert widget.textFormat() is Qt.TextFormat.PlainText or not widget.text(), widget.text()
                yield widget.text()
            case QAbstractButton():
                yield widget.text()
            case QPlainTextEdit():
                yield widget.toPlainText()
            case QTextEdit():
                assert MARKUP not in widget.toHtml()
    for model in window.findChildren(QAbstractItemModel):
        for row in range(model.rowCount()):
            for column in range(model.columnCount()):
                for role in ROLES:
                    said = model.data(model.index(row, column), role)
                    if isinstance(said, str):
                        assert role != Qt.ItemDataRole.ToolTipRole or MARKUP not in said, said
                        yield said


def test_hostile_text_is_text_in_the_window_and_on_a_terminal(seen: Seen, lure: socket.socket, qtbot: QtBot) -> None:
    program = seen.program
    hostile = faults.HOSTILE.replace(":9/", f":{lure.getsockname()[1]}/")
    with ExitStack() as lasting:
        lasting.enter_context(seen.proxy.spoiling(lying(hostile)))
        assert program.ask("check", "--inspect")["failed"] == []
        commands = (
            ("status",),
            ("status", "alder", "--answer"),
            ("check",),
            ("engines", "list"),
            ("engines", "test", "local"),
        )
        said = {command: program.run(*command, expect=None).said for command in commands}
        told = program.run("status", "--json", expect=None).out
        with window_on_the_catalog(qtbot) as window:
            page, engines = window.pages["alignment"], window.pages["engines"]
            assert isinstance(page, AlignmentPage)
            assert isinstance(engines, EnginesPage)
            qtbot.waitUntil(lambda: page.model.rowCount() == 2, timeout=LONGEST)
            alder = next(row for row in window.context.grid.rows if row.application.slug == "alder")  # type: ignore[union-attr]
            live = alder.cells["live"].environment
            shown: list[str] = []
            for one, what in (
                (page, {"application_id": alder.application.id, "environment": "live"}),
                (engines, {"engine_id": live.engine_id}),
            ):
                window.open_page(one.id, what)
                QApplication.processEvents()
                assert not window.grab().isNull()
                shown += list(_texts(window))

    for command, words in said.items():
        assert not ACTING.search(words), (command, words)
    assert MARKUP in re.sub(r"\s+", "", said["status", "alder", "--answer"])
    assert MARKUP in said["engines", "test", "local"]
    assert MARKUP in told
    assert not ACTING.search(" ".join(_strings(json.loads(told))))
    assert sum(MARKUP in text for text in shown) >= 3
    for text in shown:
        assert not ACTING.search(text), text
    with pytest.raises(BlockingIOError):
        lure.accept()


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for one in value:
                yield from _strings(one)
        case dict():
            for one in (*value, *value.values()):
                yield from _strings(one)
