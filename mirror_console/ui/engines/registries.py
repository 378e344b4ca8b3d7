"""The registries that ask for a password: their list on the page of the engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from mirror_console.domain.engine import Registry
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.operations import EngineOperations, all_registries
from mirror_console.ui.tokens import SPACE_2
from mirror_console.ui.widgets.empty import EmptyState
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import button
from mirror_console.ui.words import tr


class RegistriesPart(QStackedWidget):
    """Lists registries, or says how the first one is added. `counted` tells how many there are."""

    counted = Signal(int)

    def __init__(
        self,
        context: UiContext,
        operations: EngineOperations,
        add: Callable[[], object],
        edit: Callable[[Registry], object],
    ) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self._edits = edit
        self.table = Table[Registry](_columns(), lambda registry: registry.id)
        self.view = TableView(self.table, context.theme, tr("Registries"))
        self.edit_button = button(tr("Edit…"), self.edit)
        self.remove_button = button(tr("Remove…"), self.remove)
        nothing = EmptyState()
        nothing.say(
            tr("No registry yet"),
            tr("Registries that ask for a name and a password are added here. Others need nothing."),
            ((tr("Add a registry…"), add),),
        )
        self.addWidget(nothing)
        self.addWidget(self._list())
        self.view.cursor_changed.connect(lambda _key: self._allow())
        self.view.opened.connect(lambda _key: self.edit())
        context.signals.catalog.connect(self._catalog_changed)
        self.read()

    def current(self) -> Registry | None:
        """The registry that the cursor is on."""
        key = self.view.current_key()
        return next((registry for registry in self.table.rows if registry.id == key), None)

    def read(self) -> None:
        """Read the registries from the catalog."""
        console = self._context.console
        self._context.run(tr("Read the registries"), lambda _work: all_registries(console), self.take, owner=self)

    def take(self, registries: Sequence[Registry]) -> None:
        """Show these."""
        self.table.show(registries)
        self.setCurrentIndex(1 if registries else 0)
        self.counted.emit(len(registries))
        self._allow()

    def edit(self) -> None:
        """Open the form of the current registry."""
        registry = self.current()
        if registry is not None:
            self._edits(registry)

    def remove(self) -> None:
        """Remove the current registry, after a question."""
        registry = self.current()
        if registry is None:
            return
        words = tr("Its user and password are forgotten. Images that need them can't be pulled any more.")
        if not self._context.questions.confirm(
            tr("Remove {}?").format(registry.host), words, tr("Remove the registry")
        ):
            return
        remove, console, which = self._operations.remove_registry, self._context.console, registry
        self._context.run(
            tr("Remove {}").format(which.host),
            lambda _work: remove(console, which.id),
            lambda _none: self._context.notices.done(tr("Removed {}.").format(which.host), key="saved"),
            owner=self,
        )

    def _allow(self) -> None:
        refusal, there = self._context.console.read_only, self.current() is not None
        self.edit_button.setEnabled(there)
        self.remove_button.setEnabled(there and not refusal)
        self.remove_button.setAccessibleDescription(refusal)

    def _catalog_changed(self, collections: frozenset[str]) -> None:
        if "registries" in collections:
            self.read()

    def _list(self) -> QWidget:
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(0, SPACE_2, 0, 0)
        column.setSpacing(SPACE_2)
        column.addWidget(self.view, 1)
        row = QHBoxLayout()
        row.setSpacing(SPACE_2)
        row.addStretch(1)
        row.addWidget(self.edit_button)
        row.addWidget(self.remove_button)
        column.addLayout(row)
        return made


def _columns() -> tuple[Column[Registry], ...]:
    return (
        Column("host", tr("Host"), lambda registry: registry.host, 260, strong=True),
        Column("user", tr("User"), lambda registry: registry.user, 180),
        Column(
            "password", tr("Password"), lambda _registry: tr("stored in the keyring"), 200, muted=True, stretch=True
        ),
    )
