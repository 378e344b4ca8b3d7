"""A page of applications, mirrors or sources: a table of them, in which one is chosen, edited and taken out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from PySide6.QtWidgets import QPushButton, QWidget

from mirror_console.domain.application import Application
from mirror_console.operations.console import Console
from mirror_console.ui.actions import Declared, MenuName
from mirror_console.ui.context import UiContext
from mirror_console.ui.widgets.editing_page import EditingPage, OpenEditor
from mirror_console.ui.widgets.table import Table, TableView
from mirror_console.ui.words import tr


class OfApplication(Protocol):
    """A row of the table."""

    @property
    def application(self) -> Application: ...


R = TypeVar("R", bound=OfApplication)
T = TypeVar("T")


class ApplicationsPage(EditingPage, Generic[R]):
    """Table and form. Whoever fills it makes `table`, `view` and the buttons first."""

    table: Table[R]
    view: TableView
    add_button: QPushButton
    edit_button: QPushButton
    remove_button: QPushButton

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self._wanted = ""

    def home(self) -> QWidget:
        """The table, or the way to fill it."""
        return self.view if self.table.rowCount() else self.add_button

    def current(self) -> R | None:
        """The one that the cursor is on."""
        key = self.view.current_key()
        return next((row for row in self.table.rows if row.application.id == key), None)

    def was_saved(self, what: object) -> None:
        """The cursor goes to the one that was saved, once the survey has it."""
        if isinstance(what, Application):
            self._wanted = what.id
            self.move_to_saved()

    def move_to_saved(self) -> None:
        """The table has been filled anew: perhaps with the one that was saved."""
        if self._wanted and self.view.move_to(self._wanted):
            self._wanted = ""

    def read_and_edit(
        self, title: str, read: Callable[[Console, str], T], form: Callable[[T, str], OpenEditor]
    ) -> None:
        """Open the form of the current one with what the catalog has of it."""
        row = self.current()
        if row is None:
            return
        application_id, console = row.application.id, self.context.console

        def take(given: T) -> None:
            self.open_editor(form(given, application_id))

        self.context.run(title, lambda _work: read(console, application_id), take, owner=self)

    def take_out(self, row: R, words: str, go: str, remove: Callable[[Console, str], None]) -> None:
        """Take one out of the catalog, after a question."""
        name, application_id = row.application.name, row.application.id
        if not self.context.questions.confirm(tr("Remove {}?").format(name), words, go):
            return
        console = self.context.console
        self.context.run(
            tr("Remove {}").format(name),
            lambda _work: remove(console, application_id),
            lambda _none: self.context.notices.done(tr("Removed {}.").format(name), key="saved"),
            owner=self,
        )

    def edit(self) -> None:
        """Open the form of the current one."""
        raise NotImplementedError

    def remove(self) -> None:
        """Take the current one out of the catalog, after a question."""
        raise NotImplementedError

    def allow(self) -> None:
        """The buttons are for what can be done now. Reading is never refused: the form says itself why it can't be
        saved."""
        refusal, current = self.context.console.read_only, self.current() is not None
        self.add_button.setEnabled(not refusal)
        self.remove_button.setEnabled(current and not refusal)
        self.edit_button.setEnabled(current)
        for made in (self.add_button, self.remove_button):
            made.setAccessibleDescription(refusal)

    def declare(self, add: str, edit: str, remove: str, none_chosen: str) -> None:
        """The actions of the page, by their words; `none_chosen` says why one can't be done where it takes a row."""

        def unless_writing() -> str:
            return self.context.console.read_only

        def unless_current() -> str:
            return "" if self.current() else none_chosen

        page, menu = self.id, MenuName.EDIT
        self.context.actions.declare(
            Declared(
                f"{page}.add",
                add,
                menu,
                lambda: self.context.go(page, new=True),
                icon="plus",
                refusal=unless_writing,
            ),
            Declared(f"{page}.edit", edit, menu, self.edit, icon="pencil", page=page, refusal=unless_current),
            Declared(
                f"{page}.remove",
                remove,
                menu,
                self.remove,
                icon="trash-2",
                page=page,
                refusal=lambda: unless_writing() or unless_current(),
            ),
        )
