"""The Sources page: every source with its environments and what they have released, and the form for one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from mirror_console.domain.fleet import Grid, SourceRow
from mirror_console.operations.application_input import SourceInput
from mirror_console.ui.context import UiContext
from mirror_console.ui.links import open_link
from mirror_console.ui.sources.editor import SourceEditor
from mirror_console.ui.sources.operations import SourceOperations
from mirror_console.ui.sources.releases import ReleasesPanel
from mirror_console.ui.tokens import SPACE_4
from mirror_console.ui.widgets.applications_page import ApplicationsPage
from mirror_console.ui.widgets.editor import page_head
from mirror_console.ui.widgets.empty import EmptyState
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import button
from mirror_console.ui.words import number, tr


class SourcesPage(ApplicationsPage[SourceRow]):
    """Table and releases; the form takes the whole page while it is open."""

    id = "sources"
    title = "Sources"
    icon = "package"

    def __init__(
        self,
        context: UiContext,
        operations: SourceOperations | None = None,
        open_link: Callable[[str], bool] = open_link,
    ) -> None:
        super().__init__(context)
        self._operations = operations or SourceOperations()
        self.table = Table[SourceRow](self._columns(), lambda row: row.application.id)
        self.view = TableView(self.table, context.theme, tr("Sources"))
        self.releases = ReleasesPanel(context, self._operations, open_link)
        self.add_button = button(tr("Add a source…"), self.add, look="primary")
        self.edit_button = button(tr("Edit…"), self.edit)
        self.remove_button = button(tr("Remove…"), self.remove)
        self.mirrors_button = button(tr("Show its mirrors"), self.show_mirrors)
        self.settings_button = button(tr("Roll out settings…"), self.roll_out_settings)
        self.nothing = EmptyState()
        self._lay_out()
        self.view.opened.connect(lambda _key: self.edit())
        self.view.cursor_changed.connect(lambda _key: self._show_releases())
        self.declare("Add a source…", "Edit the source…", "Remove the source…", tr("no source is chosen"))
        self._show_releases()

    # --- what the window asks -----------------------------------------------------------------------------------

    def refresh(self, grid: Grid) -> None:
        """A new survey."""
        self.table.show(grid.sources)
        self._list.setCurrentIndex(1 if grid.sources else 0)
        self.move_to_saved()
        self._show_releases()

    def show_what(self, what: dict[str, object]) -> None:
        """Select a source, edit it, or begin a new one."""
        if what.get("new"):
            self.add()
            return
        application_id = what.get("application_id")
        if isinstance(application_id, str) and self.view.move_to(application_id):
            self.view.setFocus()
            if what.get("edit"):
                self.edit()

    # --- what a person may do -----------------------------------------------------------------------------------

    def add(self) -> None:
        """Open the form for a new source."""
        if self.may_leave():
            self.open_editor(SourceEditor(self.context, self._operations))

    def edit(self) -> None:
        """Open the form of the current source."""

        def form(given: SourceInput, application_id: str) -> SourceEditor:
            return SourceEditor(self.context, self._operations, given, application_id)

        self.read_and_edit(tr("Read the source"), self._operations.read, form)

    def remove(self) -> None:
        """Take the current source out of the catalog, after a question."""
        row = self.current()
        if row is not None:
            words = tr("It is taken from the catalog with its releases. A source that mirrors still name stays.")
            self.take_out(row, words, tr("Remove the source"), self._operations.remove)

    def show_mirrors(self) -> None:
        """Go to the alignment page, filtered by this source."""
        row = self.current()
        if row is not None:
            self.context.go("alignment", filter=f"source:{row.application.slug}")

    def roll_out_settings(self) -> None:
        """Begin a rollout of settings alone to all its mirrors: to the environment of which most wait for one."""
        row, grid = self.current(), self.context.grid
        if row is None or grid is None or self._why_no_rollout():
            return
        own = [one for one in grid.rows if one.application.source_id == row.application.id]
        waits = Counter(name for one in own for name, cell in one.cells.items() if cell.pending)
        environment = max(grid.columns, key=lambda name: waits[name]) if waits else ""
        ids = [one.application.id for one in own if not environment or environment in one.cells]
        self.context.go("rollouts", environment=environment, application_ids=ids, settings_only=True)

    def _why_no_rollout(self) -> str:
        if self.context.console.read_only:
            return self.context.console.read_only
        row = self.current()
        if row is None:
            return tr("no source is chosen")
        return "" if row.mirrors else tr("It has no mirrors.")

    @property
    def editor(self) -> SourceEditor | None:
        """The form that is open."""
        opened = self._open_editor
        return opened if isinstance(opened, SourceEditor) else None

    # --- what is shown ------------------------------------------------------------------------------------------

    def _show_releases(self) -> None:
        self.releases.show_source(self.current())
        self.allow()

    def allow(self) -> None:
        """The buttons are for what can be done now."""
        super().allow()
        self.mirrors_button.setEnabled(self.current() is not None)
        why = self._why_no_rollout()
        self.settings_button.setEnabled(not why)
        self.settings_button.setAccessibleDescription(why)

    def _columns(self) -> tuple[Column[SourceRow], ...]:
        def environments(row: SourceRow) -> str:
            return ", ".join(one.environment.name for one in row.environments) or tr("none")

        def now(row: SourceRow) -> str:
            told = [f"{one.environment.name} {found.title}" for one in row.environments if (found := one.wanted)]
            return ", ".join(told) or "—"

        return (
            Column("name", tr("Name"), lambda row: row.application.name, 150, strong=True),
            Column("now", tr("Has now"), now, 190),
            Column("environments", tr("Environments"), environments, 120, muted=True),
            Column("repository", tr("Image repository"), lambda row: row.application.repository, 220, stretch=True),
            Column(
                "mirrors", tr("Mirrors"), lambda row: number(row.mirrors), 70, order=lambda row: row.mirrors, right=True
            ),
        )

    def _lay_out(self) -> None:
        head, _title = page_head(
            tr("Sources"),
            self.mirrors_button,
            self.settings_button,
            self.remove_button,
            self.edit_button,
            self.add_button,
        )
        self.context.icons.wear(self.add_button, "plus", "accent_text")
        self.nothing.say(
            tr("No source yet"),
            tr("A source is the application whose releases the mirrors run. It is watched here, never deployed."),
            ((tr("Add a source…"), self.add),),
        )
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(self.view)
        split.addWidget(self.releases)
        split.setSizes([180, 320])
        # Of a higher window the releases have more.
        split.setStretchFactor(0, 0)
        split.setStretchFactor(1, 1)
        self._list = QStackedWidget()
        self._list.addWidget(self.nothing)
        self._list.addWidget(split)
        main = QWidget()
        column = QVBoxLayout(main)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        holder = QVBoxLayout()
        holder.setContentsMargins(SPACE_4, 0, SPACE_4, SPACE_4)
        holder.addWidget(self._list)
        column.addLayout(holder, 1)
        self.stack.addWidget(main)
