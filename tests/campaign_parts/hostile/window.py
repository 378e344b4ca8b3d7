"""The window on a catalog that a hostile engine has filled: whether any part of it would read a text as markup."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QTextEdit, QWidget

from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.status import survey
from mirror_console.settings import Preferences, Theme
from mirror_console.ui.context import UiContext
from mirror_console.ui.desktop import application
from mirror_console.ui.questions import Questions
from mirror_console.ui.signals import Signals
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.window import MainWindow, page_factories
from tests.campaign_parts.hostile.bodies import HTML

PAGES = ("alignment", "rollouts", "mirrors", "sources", "engines", "activity", "settings")
TAG = "<img"
MOST_ROWS = 30


def marked_up(console: Console) -> list[str]:
    """What would be read as markup on any page, in words."""
    running = application()
    signals = Signals()
    jobs = Jobs(signals.report_job)
    preferences = Preferences(theme=Theme.LIGHT)
    theme = ThemeService(running, preferences.theme, preferences.density)
    context = UiContext(console, jobs, preferences, theme, signals, Questions())
    context.set_grid(survey(console))
    window = MainWindow(context, page_factories())
    try:
        window.resize(1280, 800)
        window.show()
        found = []
        for page in PAGES:
            window.open_page(page, {})
            QApplication.processEvents()
            found += [f"{page}: {words}" for words in looked_through(window)]
        return found
    finally:
        window.close()
        signals.close()
        jobs.close()


def looked_through(window: QWidget) -> Iterator[str]:
    """Widgets of a window that hold the tag of a hostile text and may read it, in words."""
    for widget in [window, *window.findChildren(QWidget)]:
        name = f"{type(widget).__name__} {widget.objectName()}"
        if TAG in widget.toolTip() or TAG in widget.whatsThis():
            yield f"the tip of {name}"
        if isinstance(widget, QLabel) and TAG in widget.text() and widget.textFormat() is not Qt.TextFormat.PlainText:
            yield f"{name} reads {widget.text()[:80]!r}"
        if isinstance(widget, QTextEdit) and HTML in widget.toHtml() and TAG in widget.toHtml():
            yield f"{name} could read markup"
        if isinstance(widget, QAbstractItemView) and widget.isVisible() and widget.model() is not None:
            yield from _tips_of(widget, name)


def _tips_of(view: QAbstractItemView, name: str) -> Iterator[str]:
    model = view.model()
    for row in range(min(model.rowCount(), MOST_ROWS)):
        for column in range(model.columnCount()):
            tip = str(model.data(model.index(row, column), Qt.ItemDataRole.ToolTipRole) or "")
            if TAG in tip:
                yield f"the tip of a cell of {name}"
