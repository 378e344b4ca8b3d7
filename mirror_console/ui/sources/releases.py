"""The releases of a source: every image that its environments have had, who should run it, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from mirror_console.domain.application import notes_link
from mirror_console.domain.fleet import SourceEnvironment, SourceRow
from mirror_console.domain.image import short
from mirror_console.domain.release import Mark, Release
from mirror_console.domain.release_use import Use, stands_for, uses
from mirror_console.operations.tags import Looked
from mirror_console.ui.context import UiContext
from mirror_console.ui.sources.mark import MarkDialog
from mirror_console.ui.sources.operations import SourceOperations
from mirror_console.ui.tokens import SPACE_2, SPACE_3
from mirror_console.ui.where import ask_where
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import ElidedLabel, Look, button, label
from mirror_console.ui.words import moment, number, tr


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """A release of one environment."""

    environment: str
    release: Release
    current: bool
    """Whether the environment runs it."""
    wanted: bool
    """Whether its mirrors take it now."""
    use: Use = field(default_factory=Use)

    @property
    def now(self) -> str:
        """What it is to its environment now."""
        if self.current and self.wanted:
            return tr("current")
        if self.wanted:
            return tr("tag {}").format(self.release.tag)
        return tr("runs") if self.current else ""


class ReleasesPanel(QWidget):
    """Head with actions, what each environment stands for where it follows a tag, and the table."""

    def __init__(self, context: UiContext, operations: SourceOperations, open_link: Callable[[str], bool]) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self._open_link = open_link
        self._row: SourceRow | None = None
        self._looking = False
        self.table = Table[ReleaseLine](self._columns(), lambda line: line.release.id)
        self.view = TableView(self.table, context.theme, tr("Releases"))
        self.title = ElidedLabel("", Look.HEADING)
        self.words = label("", Look.MUTED, wrap=True)
        self.look_button = button(tr("Look up tags now"), self.look_up)
        self.where_button = button(tr("Where it runs…"), self.show_where)
        self.notes_button = button(tr("Release notes"), self.show_notes)
        self.mark_button = button(tr("Mark…"), self.mark)
        self._lay_out()
        self.view.opened.connect(lambda _key: self.mark())
        self.view.cursor_changed.connect(lambda _key: self._allow())

    def show_source(self, row: SourceRow | None) -> None:
        """Show the releases of a source, the newest first."""
        self._row = row
        grid = self._context.grid
        used: Mapping[str, Use] = uses(grid, row.application.id) if row is not None and grid is not None else {}
        lines = [
            ReleaseLine(
                one.environment.name,
                release,
                one.current is not None and one.current.id == release.id,
                (wanted := one.wanted) is not None and wanted.id == release.id,
                used.get(release.id, Use()),
            )
            for one in (row.environments if row else ())
            for release in one.releases
        ]
        self.table.show(sorted(lines, key=lambda line: line.release.first_seen, reverse=True))
        self.title.say(tr("Releases of {}").format(row.application.name) if row else tr("Releases"))
        self.words.setText(self._words(row, lines))
        self.words.setVisible(bool(self.words.text()))
        self._allow()

    # --- what a person may do -----------------------------------------------------------------------------------

    def look_up(self) -> None:
        """Ask the registries now what the tags point to that this source follows."""
        row = self._row
        if row is None or not self._followed():
            return
        console, jobs, look_up = self._context.console, self._context.jobs, self._operations.look_up
        references = [
            f"{row.application.repository}:{one.environment.follows.tag}"
            for one in self._followed()
            if one.environment.follows is not None
        ]
        self._looking = True
        self._allow()
        self._context.run(
            tr("Look up tags"), lambda _work: look_up(console, jobs, references), self._looked, self._failed, owner=self
        )

    def show_where(self) -> None:
        """List all that have the release: mirrors, sources, and engines that only hold it."""
        line = self._current()
        if line is not None:
            ask_where(self._context, self.window(), line.release.digest or line.release.fingerprint)

    def show_notes(self) -> None:
        """Open the notes of the release in the browser."""
        address = self._notes()
        if address and not self._open_link(address):
            self._context.say(tr("No browser took {}").format(address))

    def mark(self) -> None:
        """Say what may not be missed of the release."""
        line, row = self._current(), self._row
        if line is None or row is None or self._context.console.read_only:
            return
        dialog = MarkDialog(row.application.name, line.release, self)
        went = dialog.exec() == QDialog.DialogCode.Accepted
        marks, remark = dialog.marks, dialog.remark
        dialog.deleteLater()
        if went:
            self.keep_marks(line.release, marks, remark)

    def keep_marks(self, release: Release, marks: frozenset[Mark], remark: str) -> None:
        """Keep what was said of a release."""
        row = self._row
        if row is None:
            return
        console, mark, source_id = self._context.console, self._operations.mark, row.application.id
        self._context.run(
            tr("Mark the release"),
            lambda _work: mark(console, source_id, release.id, marks, remark),
            lambda _none: self._context.notices.done(tr("Saved the marks of {}.").format(release.title), key="saved"),
            owner=self,
        )

    # --- what is shown ------------------------------------------------------------------------------------------

    def _words(self, row: SourceRow | None, lines: list[ReleaseLine]) -> str:
        if row is None:
            return ""
        now = self._context.now()
        told = [f"{one.environment.name}: {stands_for(one, now)}" for one in self._followed()]
        if not lines and not told:
            return tr("None seen yet. A refresh notes what its environments run.")
        return "\n".join(told)

    def _followed(self) -> list[SourceEnvironment]:
        return [one for one in self._row.environments if one.environment.follows] if self._row else []

    def _current(self) -> ReleaseLine | None:
        key = self.view.current_key()
        return next((line for line in self.table.rows if line.release.id == key), None)

    def _notes(self) -> str:
        line, row = self._current(), self._row
        if line is None or row is None:
            return ""
        return notes_link(row.application.notes_url, line.release.version, line.release.revision)

    def _allow(self) -> None:
        refusal = self._context.console.read_only
        self.look_button.setVisible(bool(self._followed()))
        self.look_button.setEnabled(not self._looking)
        self.where_button.setEnabled(self._current() is not None)
        self.notes_button.setVisible(bool(self._row and self._row.application.notes_url))
        self.notes_button.setEnabled(bool(self._notes()))
        self.mark_button.setEnabled(self._current() is not None and not refusal)
        self.mark_button.setAccessibleDescription(refusal)

    def _looked(self, looked: list[Looked]) -> None:
        self._looking = False
        self._allow()
        said = [one.words for one in looked]
        self._context.say("; ".join(said) if said else tr("No tag is followed any more."))

    def _failed(self, error: Exception) -> None:
        self._looking = False
        self._allow()
        self._context.tell(error, "tags")

    def _columns(self) -> tuple[Column[ReleaseLine], ...]:
        def first(line: ReleaseLine) -> str:
            return moment(line.release.first_seen, self._context.now())

        def digest(line: ReleaseLine) -> str:
            return short(line.release.digest) or tr("no digest known")

        def marks(line: ReleaseLine) -> str:
            words = ", ".join(tr(mark) for mark in line.release.marks)
            return f"{words}: {line.release.remark}" if line.release.remark else words

        def others(line: ReleaseLine) -> str:
            return number(line.use.others) if line.use.others else ""

        return (
            Column("title", tr("Release"), lambda line: line.release.title, 120, strong=True),
            Column("environment", tr("Environment"), lambda line: line.environment, 108),
            Column("now", tr("Now"), lambda line: line.now, 76),
            Column(
                "expected",
                tr("As expected"),
                lambda line: line.use.as_expected,
                116,
                order=lambda line: line.use.expected,
                right=True,
                tip=lambda _line: tr("Environments of mirrors that have it, of those that should."),
            ),
            Column(
                "others",
                tr("Not expected"),
                others,
                120,
                order=lambda line: line.use.others,
                right=True,
                tip=lambda _line: tr("Environments of mirrors that have it, and should have another."),
            ),
            Column("marks", tr("Marks"), marks, 150, stretch=True, tip=marks),
            Column("first", tr("First seen"), first, 104, order=lambda line: line.release.first_seen, muted=True),
            Column(
                "revision",
                tr("Revision"),
                lambda line: short(line.release.revision),
                104,
                mono=True,
                muted=True,
                spare=True,
            ),
            Column("digest", tr("Digest"), digest, 112, mono=True, muted=True, tip=lambda line: line.release.digest),
        )

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, SPACE_3, 0, 0)
        column.setSpacing(SPACE_2)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(SPACE_2)
        head.addWidget(self.title, 1)
        for made in (self.look_button, self.where_button, self.notes_button, self.mark_button):
            head.addWidget(made)
        column.addLayout(head)
        column.addWidget(self.words)
        column.addWidget(self.view, 1)
