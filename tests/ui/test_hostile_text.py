"""Text of others on every page: whatever engines, registries and files say is shown as it stands."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html import unescape

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QLabel,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from mirror_console.domain.fleet import Grid
from mirror_console.errors import ConsoleError, EngineError, FailureKind
from mirror_console.ui.context import UiContext
from mirror_console.ui.questions import Question, QuestionDialog
from mirror_console.ui.window import MainWindow, page_factories
from tests.ui.sample import every_state, grid_of

pytestmark = pytest.mark.slow


@pytest.fixture
def beacon() -> Iterator[list[str]]:
    """The address of a server of pictures, and then whoever asked it: whom markup that is read would reach."""
    heard: list[str] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                heard.append("somebody")

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        heard.append(f"http://127.0.0.1:{listener.getsockname()[1]}/x")
        serving = threads.submit(serve, listener)
        try:
            yield heard
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            serving.result(5)


def hostile(address: str) -> str:
    """A text that fetches a picture, offers a link and hides the rest, for whoever reads it as markup."""
    return f"<img src='{address}'><a href='{address}'>a</a><b>x</b>&amp;"


def hostile_grid(text: str) -> Grid:
    """The sample in every state, with that text wherever an engine, a registry or a file can put one."""
    rows = []
    for number, row in enumerate(every_state().values()):
        application = replace(
            row.application, name=f"{number} {text}", account=text, notes=text, tags=(text,), domains=(text,)
        )
        cells = {}
        for name, cell in row.cells.items():
            seen = cell.observation
            if seen is not None:
                texts = dict.fromkeys(("container_name", "image", "version", "revision", "health_output"), text)
                seen = replace(seen, **texts)  # type: ignore[arg-type] # each is a text
            contact = replace(cell.contact, words=text) if cell.contact else None
            cells[name] = cell._replace(
                application=application, observation=seen, contact=contact, engine_name=text, step=text
            )
        rows.append(replace(row, application=application, source_name=text, cells=cells))
    grid = grid_of(rows)
    engines = tuple(
        replace(
            one,
            engine=replace(one.engine, name=f"{one.engine.name} {text}", location=text, notes=text),
            contact=replace(one.contact, words=text) if one.contact else None,
        )
        for one in grid.engines
    )
    sources = tuple(
        replace(one, application=replace(one.application, name=text, notes=text, repository=text))
        for one in grid.sources
    )
    return replace(grid, engines=engines, sources=sources)


def test_no_page_reads_it_as_markup(context: UiContext, qtbot: QtBot, beacon: list[str]) -> None:
    text = hostile(beacon[0])
    window = MainWindow(context, page_factories())
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    context.set_grid(hostile_grid(text))
    context.notices.error(ConsoleError(text, text), key="one")
    context.notices.error(EngineError(FailureKind.REJECTED, text, text, detail=text), key="two")
    context.say(text)
    shown = 0
    for page_id in ("alignment", "rollouts", "mirrors", "sources", "engines", "activity", "settings"):
        window.open_page(page_id, {})
        qtbot.wait(50)
        for view in window.findChildren(QAbstractItemView):
            if view.isVisible() and view.model() is not None and view.model().rowCount():
                view.setCurrentIndex(view.model().index(0, 0))
        qtbot.wait(50)
        shown += _looked_through(window, text)
    assert shown > 10, "the text is nowhere on the pages: nothing was looked at"
    assert beacon[1:] == [], "somebody fetched the picture"


def test_no_question_reads_it_as_markup(qtbot: QtBot, beacon: list[str]) -> None:
    text = hostile(beacon[0])
    dialog = QuestionDialog(Question(text, text, text, text, details=text, reason=True))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.wait(50)
    assert _looked_through(dialog, text) >= 2
    assert beacon[1:] == []


def _looked_through(window: QWidget, text: str) -> int:
    """How many widgets show the text. Fails for one that may read it as markup."""
    shown = 0
    for widget in [window, *window.findChildren(QWidget)]:
        tip = widget.toolTip()
        if "<img" in unescape(tip):
            assert "<img" not in tip, f"the tip of {widget!r} is markup"
            _point_at(widget)
            shown += 1
        assert "<img" not in widget.whatsThis()
        if isinstance(widget, QLabel) and "<img" in widget.text():
            assert widget.textFormat() is Qt.TextFormat.PlainText, (
                f"{widget.objectName()} reads markup: {widget.text()}"
            )
            shown += 1
        if isinstance(widget, QAbstractButton) and text.replace("&", "&&") in widget.text():
            shown += 1
        assert not isinstance(widget, QTextEdit), f"{widget!r} could read markup"
        if isinstance(widget, QAbstractItemView) and widget.isVisible() and widget.model() is not None:
            shown += _tips_of(widget)
    return shown


def _tips_of(view: QAbstractItemView) -> int:
    """Cells that show the text; their tips hold it escaped."""
    shown, model = 0, view.model()
    for row in range(min(model.rowCount(), 30)):
        for column in range(model.columnCount()):
            index = model.index(row, column)
            tip = str(model.data(index, Qt.ItemDataRole.ToolTipRole) or "")
            assert "<img" not in tip, f"the tip of a cell is markup: {tip}"
            shown += "<img" in str(model.data(index, Qt.ItemDataRole.DisplayRole) or "")
    return shown


def _point_at(widget: QWidget) -> None:
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, QPoint(1, 1), widget.mapToGlobal(QPoint(1, 1))))
