"""The Engines page: every engine with its state and last answer, the registries, their forms, connection tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from mirror_console.domain.engine import Engine, Registry
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.fleet import EngineRow, Grid
from mirror_console.operations.engines import engine_input
from mirror_console.ui.actions import Declared, MenuName
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.details import EngineDetails, state_glyph, state_words
from mirror_console.ui.engines.editor import EngineEditor, RegistryEditor
from mirror_console.ui.engines.operations import EngineOperations, all_registries
from mirror_console.ui.tokens import SPACE_2, SPACE_4
from mirror_console.ui.widgets.editing_page import EditingPage
from mirror_console.ui.widgets.editor import page_head
from mirror_console.ui.widgets.empty import EmptyState
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import button
from mirror_console.ui.words import age, number, tr


class EnginesPage(EditingPage):
    """Table and details; a form takes the whole page while it is open."""

    id = "engines"
    title = "Engines"
    icon = "server"

    def __init__(self, context: UiContext, operations: EngineOperations | None = None) -> None:
        super().__init__(context)
        self._operations = operations or EngineOperations()
        self.table = Table[EngineRow](self._columns(), lambda row: row.engine.id)
        self.view = TableView(self.table, context.theme, tr("Engines"))
        self.registries = Table[Registry](_registry_columns(), lambda registry: registry.id)
        self.registries_view = TableView(self.registries, context.theme, tr("Registries"))
        self.nothing, self.no_registry = EmptyState(), EmptyState()
        self.details = EngineDetails(context, self.edit, self.test, self.remove)
        self.add_button = button(tr("Add an engine…"), self.add, look="primary")
        self.add_registry_button = button(tr("Add a registry…"), self.add_registry)
        self.edit_registry_button = button(tr("Edit…"), self.edit_registry)
        self.remove_registry_button = button(tr("Remove…"), self.remove_registry)
        self._lay_out()
        self._connect()
        self._declare()
        self._allow()
        self.read_registries()
        self._show_nothing()

    # --- what the window asks -----------------------------------------------------------------------------------

    def home(self) -> QWidget:
        """The table, or the way to fill it."""
        return self.view if self.table.rowCount() else self.add_button

    def refresh(self, grid: Grid) -> None:
        """A new survey."""
        self.table.show(grid.engines)
        self._show_nothing()
        self._show_details()

    def show_what(self, what: dict[str, object]) -> None:
        """Select an engine, edit it, or begin a new one."""
        if what.get("new"):
            self.add()
            return
        engine_id = what.get("engine_id")
        if isinstance(engine_id, str) and self.view.move_to(engine_id):
            self.tabs.setCurrentIndex(0)
            self.view.setFocus()
            if what.get("edit"):
                self.edit()

    # --- engines ------------------------------------------------------------------------------------------------

    def current(self) -> EngineRow | None:
        """The engine that the cursor is on."""
        key = self.view.current_key()
        return next((row for row in self.table.rows if row.engine.id == key), None)

    def add(self) -> None:
        """Open the form for a new engine."""
        if self.may_leave():
            self.open_editor(EngineEditor(self.context, self._operations))

    def edit(self) -> None:
        """Open the form of the current engine."""
        row = self.current()
        if row is not None:
            self.open_editor(EngineEditor(self.context, self._operations, row.engine))

    def test(self) -> None:
        """Test the connection of the current engine as it is saved."""
        row = self.current()
        if row is not None:
            engine, test, console = row.engine, self._operations.test_input, self.context.console
            self.details.connection.run(lambda: test(console, engine_input(engine), engine.id))

    def remove(self) -> None:
        """Remove the current engine from the catalog, after a question."""
        row = self.current()
        if row is None:
            return
        engine = row.engine
        words = tr(
            "It is taken from the catalog, and its credentials from the keyring. Nothing is changed on the engine."
        )
        if self.context.questions.confirm(tr("Remove {}?").format(engine.name), words, tr("Remove the engine")):
            self._remove(self._operations.remove, engine.id, engine.name)

    # --- registries ---------------------------------------------------------------------------------------------

    def read_registries(self) -> None:
        """Read the registries from the catalog."""
        console = self.context.console
        self.context.run(
            tr("Read the registries"), lambda _work: all_registries(console), self._take_registries, owner=self
        )

    def current_registry(self) -> Registry | None:
        """The registry that the cursor is on."""
        key = self.registries_view.current_key()
        return next((registry for registry in self.registries.rows if registry.id == key), None)

    def add_registry(self) -> None:
        """Open the form for a new registry."""
        if self.may_leave():
            self.open_editor(RegistryEditor(self.context, self._operations))

    def edit_registry(self) -> None:
        """Open the form of the current registry."""
        registry = self.current_registry()
        if registry is not None:
            self.open_editor(RegistryEditor(self.context, self._operations, registry))

    def remove_registry(self) -> None:
        """Remove the current registry, after a question."""
        registry = self.current_registry()
        if registry is None:
            return
        words = tr("Its user and password are forgotten. Images that need them can't be pulled any more.")
        if self.context.questions.confirm(tr("Remove {}?").format(registry.host), words, tr("Remove the registry")):
            self._remove(self._operations.remove_registry, registry.id, registry.host)

    def _remove(self, operation: Callable[..., None], which: str, name: str) -> None:
        console = self.context.console
        self.context.run(
            tr("Remove {}").format(name),
            lambda _work: operation(console, which),
            lambda _none: self.context.notices.done(tr("Removed {}.").format(name), key="saved"),
            owner=self,
        )

    def _take_registries(self, registries: Sequence[Registry]) -> None:
        self.registries.show(registries)
        self.tabs.setTabText(1, tr("Registries ({})").format(number(len(registries))))
        self._registry_stack.setCurrentIndex(1 if registries else 0)
        self._allow()

    @property
    def editor(self) -> EngineEditor | RegistryEditor | None:
        """The form that is open."""
        opened = self._open_editor
        return opened if isinstance(opened, EngineEditor | RegistryEditor) else None

    def was_saved(self, what: object) -> None:
        """The cursor goes to the engine that was saved; the registries are read again."""
        if isinstance(what, Registry):
            self.read_registries()
        elif isinstance(what, Engine):
            self.view.move_to(what.id)
            self.context.actions.refresh()

    # --- what is shown ------------------------------------------------------------------------------------------

    def _show_nothing(self) -> None:
        self._engine_stack.setCurrentIndex(1 if self.table.rowCount() else 0)
        self.tabs.setTabText(0, tr("Engines ({})").format(number(self.table.rowCount())))

    def _show_details(self) -> None:
        row = self.current()
        self.details.show_row(row)
        self._allow()

    def _allow(self) -> None:
        refusal = self.context.console.read_only
        row, registry = self.current(), self.current_registry()
        for made, on in (
            (self.add_button, True),
            (self.add_registry_button, True),
            (self.details.remove, row is not None),
            (self.remove_registry_button, registry is not None),
        ):
            made.setEnabled(on and not refusal)
            made.setAccessibleDescription(refusal)
        # Reading is never refused: the form opens, and says itself why it can't be saved.
        self.details.edit.setEnabled(row is not None)
        self.details.test.setEnabled(row is not None)
        self.edit_registry_button.setEnabled(registry is not None)

    def _columns(self) -> tuple[Column[EngineRow], ...]:
        def last(row: EngineRow) -> str:
            answered = row.contact.last_answer if row.contact else None
            return age(self.context.now() - answered) if answered else tr("never")

        def version(row: EngineRow) -> str:
            facts = row.contact.facts if row.contact else None
            if facts is None:
                return "—"
            if facts.kind is EngineKind.DOCKER:
                return f"{facts.version} · {facts.api}"
            return f"{facts.kind} {facts.version}"

        return (
            Column("name", tr("Name"), lambda row: row.engine.name, 84, strong=True),
            Column("state", tr("State"), state_words, 178, status=state_glyph),
            Column("address", tr("Address"), lambda row: str(row.engine.address), 170, stretch=True),
            Column("location", tr("Location"), lambda row: row.engine.location or "—", 84),
            Column("version", tr("Version · API"), version, 112, muted=True),
            Column(
                "environments",
                tr("Env."),
                lambda row: number(row.environments),
                56,
                order=lambda row: row.environments,
                right=True,
            ),
            Column("last", tr("Answered"), last, 92, muted=True),
        )

    def _connect(self) -> None:
        self.view.cursor_changed.connect(lambda _key: self._show_details())
        self.view.opened.connect(lambda _key: self.edit())
        self.registries_view.cursor_changed.connect(lambda _key: self._allow())
        self.registries_view.opened.connect(lambda _key: self.edit_registry())
        self.context.signals.catalog.connect(self._catalog_changed)

    def _catalog_changed(self, collections: frozenset[str]) -> None:
        if "registries" in collections:
            self.read_registries()

    def _declare(self) -> None:
        def unless_writing() -> str:
            return self.context.console.read_only

        def unless_current() -> str:
            return "" if self.current() else tr("no engine is chosen")

        page, menu = self.id, MenuName.EDIT
        self.context.actions.declare(
            Declared("engines.add", "Add an engine…", menu, self._go_and_add, icon="plus", refusal=unless_writing),
            Declared(
                "engines.edit", "Edit the engine…", menu, self.edit, icon="pencil", page=page, refusal=unless_current
            ),
            Declared(
                "engines.test", "Test the connection", menu, self.test, icon="plug", page=page, refusal=unless_current
            ),
            Declared(
                "engines.remove",
                "Remove the engine…",
                menu,
                self.remove,
                icon="trash-2",
                page=page,
                refusal=lambda: unless_writing() or unless_current(),
            ),
        )

    def _go_and_add(self) -> None:
        self.context.go(self.id, new=True)

    def _lay_out(self) -> None:
        head, _title = page_head(tr("Engines"), self.add_registry_button, self.add_button)
        self.context.icons.wear(self.add_button, "plus", "accent_text")
        self.nothing.say(
            tr("No engine yet"),
            tr("An engine is a Docker daemon that this console reaches. Everything else stands on it."),
            ((tr("Add an engine…"), self.add),),
        )
        self.no_registry.say(
            tr("No registry yet"),
            tr("Registries that ask for a name and a password are added here. Others need nothing."),
            ((tr("Add a registry…"), self.add_registry),),
        )
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(self.view)
        split.addWidget(self.details)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        split.setSizes([690, 252])
        self._engine_stack = QStackedWidget()
        self._engine_stack.addWidget(self.nothing)
        self._engine_stack.addWidget(split)
        self._registry_stack = QStackedWidget()
        self._registry_stack.addWidget(self.no_registry)
        self._registry_stack.addWidget(self._registry_list())
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self._engine_stack, tr("Engines"))
        self.tabs.addTab(self._registry_stack, tr("Registries"))
        main = QWidget()
        column = QVBoxLayout(main)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        inner = QVBoxLayout()
        inner.setContentsMargins(SPACE_4, 0, SPACE_4, SPACE_4)
        inner.addWidget(self.tabs)
        column.addLayout(inner, 1)
        self.stack.addWidget(main)

    def _registry_list(self) -> QWidget:
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(0, SPACE_2, 0, 0)
        column.setSpacing(SPACE_2)
        column.addWidget(self.registries_view, 1)
        row = QHBoxLayout()
        row.setSpacing(SPACE_2)
        row.addStretch(1)
        row.addWidget(self.edit_registry_button)
        row.addWidget(self.remove_registry_button)
        column.addLayout(row)
        return made


def _registry_columns() -> tuple[Column[Registry], ...]:
    return (
        Column("host", tr("Host"), lambda registry: registry.host, 260, strong=True),
        Column("user", tr("User"), lambda registry: registry.user, 180),
        Column(
            "password", tr("Password"), lambda _registry: tr("stored in the keyring"), 200, muted=True, stretch=True
        ),
    )
