"""The dialog that says where a build runs: every environment and engine that has it, by any name that it goes by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from mirror_console.domain.filter_text import quoted
from mirror_console.domain.where import Build, Whereabouts
from mirror_console.operations.where import where
from mirror_console.ui.context import UiContext
from mirror_console.ui.notices import announce
from mirror_console.ui.tokens import SPACE_3, SPACE_4, SPACE_6
from mirror_console.ui.widgets.dialog_foot import dialog_foot
from mirror_console.ui.widgets.form import line_edit
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import button, label
from mirror_console.ui.words import age, tr

PAUSE = 250
"""Milliseconds without a key after which it is looked for: the whole catalog is asked."""


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """A place that has a build: an environment, or an engine that only holds it."""

    key: str
    build: str
    application: str
    environment: str
    engine: str
    what: str
    seen_at: datetime


class WhereDialog(QDialog):
    """Looks for what is typed, and lists where it is. Nothing is asked of engines: the catalog knows."""

    def __init__(self, context: UiContext, over: QWidget | None = None, text: str = "") -> None:
        super().__init__(over)
        self._context = context
        self.setWindowTitle(tr("Where does a build run?"))
        self.resize(880, 520)
        self.line = line_edit(text, placeholder=tr("Digest, tag, revision, version or image id, or how it begins"))
        self.line.setAccessibleName(tr("Which build"))
        self.says = label("", wrap=True, select=True)
        self.table = Table[PlaceLine](self._columns(), lambda line: line.key)
        self.view = TableView(self.table, context.theme, tr("Where it is"))
        self.show_button = button(tr("Show in the grid"), self.show_in_grid)
        self.close_button = button(tr("Close"), self.reject)
        self._soon = QTimer(self, singleShot=True, interval=PAUSE)
        self._soon.timeout.connect(self.look)
        self.line.textChanged.connect(lambda _text: self._soon.start())
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_4)
        column.setSpacing(SPACE_3)
        column.addWidget(self.line)
        column.addWidget(self.says)
        column.addWidget(self.view, 1)
        column.addLayout(dialog_foot(self.show_button, self.close_button))
        self.look()

    def look(self) -> None:
        """Look for what is typed."""
        asked, console = self.line.text().strip(), self._context.console
        if not asked:
            self._say(tr("Digests, ids and revisions are found by seven digits, a tag by its name or with a *."), ())
            return
        self._context.run(
            tr("Look where a build runs"), lambda _work: where(console, asked), self._found, lane="where", owner=self
        )

    def show_in_grid(self) -> None:
        """Filter the grid by it: only mirrors are there."""
        self._context.go("alignment", filter=f"running:{quoted(self.line.text().strip())}")
        self.accept()

    def _found(self, found: Whereabouts) -> None:
        # What was typed since is looked for as well, and told then.
        if found.asked == self.line.text().strip():
            self._say(found.sentence, lines_of(found))

    def _say(self, words: str, lines: tuple[PlaceLine, ...]) -> None:
        self.says.setText(words)
        announce(self, words)
        self.table.show(lines)
        self.show_button.setEnabled(bool(lines))

    def _columns(self) -> tuple[Column[PlaceLine], ...]:
        def seen(line: PlaceLine) -> str:
            return tr("{} ago").format(age(self._context.now() - line.seen_at))

        return (
            Column("application", tr("Application"), lambda line: line.application, 180, strong=True, stretch=True),
            Column("environment", tr("Environment"), lambda line: line.environment, 108),
            Column("engine", tr("Engine"), lambda line: line.engine, 130),
            Column("what", tr("State"), lambda line: line.what, 96),
            Column("build", tr("Image"), lambda line: line.build, 200),
            Column("seen", tr("Seen"), seen, 90, order=lambda line: line.seen_at, muted=True),
        )


def lines_of(found: Whereabouts) -> tuple[PlaceLine, ...]:
    """Of each build first who runs it, then who only holds it."""
    lines = []
    for build in found.builds:
        title = _title(build)
        for place in build.places:
            name = place.application if place.is_mirror else tr("{} (source)").format(place.application)
            what = tr("runs") if place.running else tr("stopped")
            key = f"{build.fingerprint} {name} {place.environment}"
            lines.append(PlaceLine(key, title, name, place.environment, place.engine, what, place.seen_at))
        for one in build.holding:
            key = f"{build.fingerprint} {one.engine}"
            lines.append(PlaceLine(key, title, "—", "—", one.engine, tr("holds it"), one.seen_at))
    return tuple(lines)


def _title(build: Build) -> str:
    return ", ".join(part for part in (f"{build.title} ({build.identity})", build.platform) if part)


def ask_where(context: UiContext, over: QWidget, text: str = "") -> WhereDialog:
    """Open the dialog, with a build to begin with or without one. It goes by itself once it is closed."""
    dialog = WhereDialog(context, over, text)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    dialog.line.setFocus()
    dialog.line.selectAll()
    return dialog
