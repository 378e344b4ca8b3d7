"""The Engines page: every engine with its state and last answer, the registries, their forms, connection tests."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from mirror_console.domain.engine import Engine, Registry, Way
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.fleet import EngineRow, Grid
from mirror_console.domain.ssh import HostKey
from mirror_console.operations.account_credentials import AccountCredential
from mirror_console.operations.engines import engine_input
from mirror_console.ui.actions import Declared, MenuName
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.access_editor import AccessEditor
from mirror_console.ui.engines.contexts import ContextsEditor
from mirror_console.ui.engines.details import EngineDetails, state_glyph, state_words
from mirror_console.ui.engines.editor import EngineEditor
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.engines.registries import RegistriesPart
from mirror_console.ui.engines.registry_editor import RegistryEditor
from mirror_console.ui.engines.server_keys import keep_key
from mirror_console.ui.tokens import SPACE_4
from mirror_console.ui.widgets.editing_page import EditingPage, OpenEditor
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
        self._saved_id = ""
        self._test_saved = False
        self.nothing = EmptyState()
        self.details = EngineDetails(context, self._operations, self.edit, self.test, self.remove, self.edit_access)
        self.details.connection.trusted.connect(self._trust)
        self.details.connection.server_key_trusted.connect(self._trust_server_key)
        self.add_button = button(tr("Add an engine…"), self.add, look="primary")
        self.import_button = button(tr("Import from Docker…"), self.import_contexts)
        self.add_registry_button = button(tr("Add a registry…"), self.add_registry)
        self.registries = RegistriesPart(context, self._operations, self.add_registry, self.edit_registry)
        self._lay_out()
        self._connect()
        self._declare()
        self._allow()
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
        self._go_to_saved()

    def show_what(self, what: dict[str, object]) -> None:
        """Select an engine, edit it, or begin a new one."""
        if what.get("new"):
            self.add()
            return
        if what.get("contexts"):
            self.import_contexts()
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
            self._test(row.engine)

    def _test(self, engine: Engine) -> None:
        test, console = self._operations.test_input, self.context.console
        self.details.connection.run(lambda: test(console, engine_input(engine), engine.id))

    def _trust(self, key: HostKey) -> None:
        """Keep a host key that a person compared, and test the engine with it."""
        trust, row = self._operations.trust, self.current()
        if row is not None:
            engine_id = row.engine.id
            keep_key(self.context, key.place, lambda console: trust(console, engine_id, key), self._test_again, self)

    def _trust_server_key(self, key: str) -> None:
        """Keep an engine's TLS key that a person compared, and test the engine with it."""
        trust, row = self._operations.trust_server_key, self.current()
        if row is not None:
            engine = row.engine
            keep_key(self.context, engine.name, lambda console: trust(console, engine.id, key), self._test_again, self)

    def _test_again(self, engine: Engine) -> None:
        current = self.current()
        if current is not None and current.engine.id == engine.id:
            self.details.test.setFocus()
            self._test(engine)

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
            remove, console = self._operations.remove, self.context.console
            self.context.run(
                tr("Remove {}").format(engine.name),
                lambda _work: remove(console, engine.id),
                lambda _none: self.context.notices.done(tr("Removed {}.").format(engine.name), key="saved"),
                owner=self,
            )

    def edit_access(self, engine: Engine, known: AccountCredential | None) -> None:
        """Open the form for an account's credential on an engine."""
        if self.may_leave():
            self.open_editor(AccessEditor(self.context, self._operations, engine, known))

    def import_contexts(self) -> None:
        """Show the engines of the person's own Docker set-up, to be imported."""
        if self.may_leave():
            editor = ContextsEditor(self.context, self._operations)
            editor.saved.connect(self._test_when_shown)
            self.open_editor(editor)

    def _test_when_shown(self, engine: Engine) -> None:
        """By SSH, a person has to decide on the server's key before anything else: the test asks."""
        self._test_saved = engine.address.way is Way.SSH

    # --- registries ---------------------------------------------------------------------------------------------

    def add_registry(self) -> None:
        """Open the form for a new registry."""
        if self.may_leave():
            self.open_editor(RegistryEditor(self.context, self._operations))

    def edit_registry(self, registry: Registry) -> None:
        """Open the form of a registry."""
        self.open_editor(RegistryEditor(self.context, self._operations, registry))

    def _count_registries(self, many: int) -> None:
        self.tabs.setTabText(1, tr("Registries ({})").format(number(many)))

    @property
    def editor(self) -> OpenEditor | None:
        """The form that is open."""
        return self._open_editor

    def was_saved(self, what: object) -> None:
        """The cursor goes to the engine that was saved; one that came by SSH from Docker is tested at once."""
        if isinstance(what, Registry):
            self.registries.read()
        elif isinstance(what, Engine):
            self._saved_id = what.id
            self._go_to_saved()
            self.context.actions.refresh()

    def _go_to_saved(self) -> None:
        """An engine that was just added is there with the next survey: then the cursor goes to it."""
        if self._saved_id and self.view.move_to(self._saved_id):
            engine, self._saved_id = self.current(), ""
            if engine is not None:
                self.details.accounts.show_engine(engine.engine)
                if self._test_saved:
                    self._test(engine.engine)
            self._test_saved = False

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
        row = self.current()
        for made, on in (
            (self.add_button, True),
            (self.import_button, True),
            (self.add_registry_button, True),
            (self.details.remove, row is not None),
        ):
            made.setEnabled(on and not refusal)
            made.setAccessibleDescription(refusal)
        # Reading is never refused: the form opens, and says itself why it can't be saved.
        self.details.edit.setEnabled(row is not None)
        self.details.test.setEnabled(row is not None)

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
            Column("location", tr("Location"), lambda row: row.engine.location or "—", 84, spare=True),
            Column("version", tr("Version · API"), version, 112, muted=True, spare=True),
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
        self.registries.counted.connect(self._count_registries)

    def _declare(self) -> None:
        def unless_writing() -> str:
            return self.context.console.read_only

        def unless_current() -> str:
            return "" if self.current() else tr("no engine is chosen")

        page, menu = self.id, MenuName.EDIT
        self.context.actions.declare(
            Declared("engines.add", "Add an engine…", menu, self._go_and_add, icon="plus", refusal=unless_writing),
            Declared("engines.import", "Import from Docker…", menu, self._go_and_import, refusal=unless_writing),
            Declared(
                "engines.edit", "Edit the engine…", menu, self.edit, icon="pencil", page=page, refusal=unless_current
            ),
            Declared(
                "engines.test", "Test the connection", menu, self.test, icon="plug", page=page, refusal=unless_current
            ),
            Declared(
                "engines.clean",
                "Clean up the engine…",
                menu,
                self.details.clean_up.clean,
                page=page,
                refusal=lambda: unless_writing() or unless_current(),
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

    def _go_and_import(self) -> None:
        self.context.go(self.id, contexts=True)

    def _lay_out(self) -> None:
        head, _title = page_head(tr("Engines"), self.import_button, self.add_registry_button, self.add_button)
        self.context.icons.wear(self.add_button, "plus", "accent_text")
        self.nothing.say(
            tr("No engine yet"),
            tr("An engine is a Docker daemon that this console reaches. Everything else stands on it."),
            ((tr("Add an engine…"), self.add), (tr("Import from Docker…"), self.import_contexts)),
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
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self._engine_stack, tr("Engines"))
        self.tabs.addTab(self.registries, tr("Registries"))
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
