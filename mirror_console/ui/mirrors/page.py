"""The Mirrors page: every mirror with its account, its source and its environments, and the form for one."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from mirror_console.domain.fleet import Grid, Row, severity
from mirror_console.domain.status import Status
from mirror_console.operations.application_input import MirrorInput
from mirror_console.ui.context import UiContext
from mirror_console.ui.mirrors.editor import MirrorEditor
from mirror_console.ui.mirrors.operations import MirrorOperations
from mirror_console.ui.tokens import SPACE_2, SPACE_4
from mirror_console.ui.widgets.applications_page import ApplicationsPage
from mirror_console.ui.widgets.editor import page_head
from mirror_console.ui.widgets.empty import EmptyState
from mirror_console.ui.widgets.form import line_edit
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import ElidedLabel, Look, button
from mirror_console.ui.words import count, number, tr


class MirrorsPage(ApplicationsPage[Row]):
    """Table; the form takes the whole page while it is open."""

    id = "mirrors"
    title = "Mirrors"
    icon = "copy"

    def __init__(self, context: UiContext, operations: MirrorOperations | None = None) -> None:
        super().__init__(context)
        self._operations = operations or MirrorOperations()
        self._rows: tuple[Row, ...] = ()
        self.table = Table[Row](_columns(), lambda row: row.application.id)
        self.view = TableView(self.table, context.theme, tr("Mirrors"))
        self.search = line_edit(placeholder=tr("Name, domain, account or tag"))
        self.search.setAccessibleName(tr("Find a mirror"))
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(320)
        self.counted = ElidedLabel("", Look.MUTED)
        self.add_button = button(tr("Add a mirror…"), self.add, look="primary")
        self.edit_button = button(tr("Edit…"), self.edit)
        self.remove_button = button(tr("Remove…"), self.remove)
        self.show_button = button(tr("Show in Alignment"), self.show_in_grid)
        self.nothing = EmptyState()
        self._lay_out()
        self.search.textChanged.connect(lambda _text: self._filter())
        self.view.opened.connect(lambda _key: self.edit())
        self.view.cursor_changed.connect(lambda _key: self.allow())
        self.declare("Add a mirror…", "Edit the mirror…", "Remove the mirror…", tr("no mirror is chosen"))
        self._filter()

    # --- what the window asks -----------------------------------------------------------------------------------

    def refresh(self, grid: Grid) -> None:
        """A new survey."""
        self._rows = grid.rows
        self._filter()

    def show_what(self, what: dict[str, object]) -> None:
        """Select a mirror, edit it, or begin a new one."""
        if what.get("new"):
            self.add()
            return
        application_id = what.get("application_id")
        if not isinstance(application_id, str):
            return
        if not self.view.move_to(application_id):
            self.search.clear()
            self.view.move_to(application_id)
        self.view.setFocus()
        if what.get("edit"):
            self.edit()

    # --- what a person may do -----------------------------------------------------------------------------------

    def add(self) -> None:
        """Open the form for a new mirror."""
        if self.may_leave():
            self.open_editor(MirrorEditor(self.context, self._operations))

    def edit(self) -> None:
        """Open the form of the current mirror."""

        def form(given: MirrorInput, application_id: str) -> MirrorEditor:
            return MirrorEditor(self.context, self._operations, given, application_id)

        self.read_and_edit(tr("Read the mirror"), self._operations.read, form)

    def remove(self) -> None:
        """Take the current mirror out of the catalog, after a question."""
        row = self.current()
        if row is not None:
            words = tr("It is taken from the catalog with {}. Its containers are left as they are.")
            told = words.format(count(len(row.cells), "environment", "environments"))
            self.take_out(row, told, tr("Remove the mirror"), self._operations.remove)

    def show_in_grid(self) -> None:
        """Go to the mirror's row on the alignment page."""
        row = self.current()
        if row is not None:
            self.context.go("alignment", application_id=row.application.id)

    @property
    def editor(self) -> MirrorEditor | None:
        """The form that is open."""
        opened = self._open_editor
        return opened if isinstance(opened, MirrorEditor) else None

    # --- what is shown ------------------------------------------------------------------------------------------

    def _filter(self) -> None:
        words = self.search.text().casefold().split()
        shown = [row for row in self._rows if all(word in _text(row) for word in words)]
        self.table.show(shown)
        whole = count(len(self._rows), "mirror", "mirrors")
        self.counted.say(tr("{} of {}").format(number(len(shown)), whole) if words else whole)
        if not self._rows:
            self.nothing.say(
                tr("No mirror yet"),
                tr("A mirror runs a source's releases. Add a source first, then its mirrors; or import them."),
                ((tr("Add a mirror…"), self.add), (tr("Go to Sources"), lambda: self.context.go("sources"))),
            )
        elif not shown:
            self.nothing.say(
                tr("No mirror matches “{}”").format(self.search.text().strip()),
                tr("Names, domains, accounts and tags were looked through."),
                ((tr("Clear the search"), self.search.clear),),
            )
        self._list.setCurrentIndex(1 if shown else 0)
        self.move_to_saved()
        self.allow()

    def allow(self) -> None:
        """The buttons are for what can be done now."""
        super().allow()
        self.show_button.setEnabled(self.current() is not None)

    def _lay_out(self) -> None:
        head, _title = page_head(tr("Mirrors"), self.show_button, self.remove_button, self.edit_button, self.add_button)
        self.context.icons.wear(self.add_button, "plus", "accent_text")
        main = QWidget()
        column = QVBoxLayout(main)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        bar = QHBoxLayout()
        bar.setContentsMargins(SPACE_4, 0, SPACE_4, SPACE_2)
        bar.setSpacing(SPACE_2)
        bar.addWidget(self.search, 2)
        bar.addWidget(self.counted, 1)
        column.addLayout(bar)
        self._list = QStackedWidget()
        self._list.addWidget(self.nothing)
        self._list.addWidget(self.view)
        inner = QVBoxLayout()
        inner.setContentsMargins(SPACE_4, 0, SPACE_4, SPACE_4)
        inner.addWidget(self._list)
        column.addLayout(inner, 1)
        self.stack.addWidget(main)


def _text(row: Row) -> str:
    application = row.application
    parts = (application.name, application.slug, application.account, *application.domains, *application.tags)
    return " ".join(parts).casefold()


def _columns() -> tuple[Column[Row], ...]:
    def environments(row: Row) -> str:
        return ", ".join(f"{name} {cell.status}" for name, cell in row.cells.items()) or tr("none")

    def worst(row: Row) -> Status | None:
        return row.worst() if row.cells else None

    return (
        Column("name", tr("Name"), lambda row: row.application.name, 170, strong=True),
        Column(
            "environments", tr("Environments"), environments, 210, status=worst, order=lambda row: severity(row.worst())
        ),
        Column("source", tr("Source"), lambda row: row.source_name or "—", 96),
        Column("rule", tr("Image source"), lambda row: tr(row.application.image_source), 116, muted=True),
        Column("account", tr("Account"), lambda row: row.application.account or "—", 110),
        Column(
            "domains",
            tr("Domains"),
            lambda row: ", ".join(row.application.domains) or "—",
            160,
            muted=True,
            stretch=True,
        ),
        Column("tags", tr("Tags"), lambda row: ", ".join(row.application.tags) or "—", 80, muted=True),
    )
