"""The accounts that have a credential of their own on an engine: the list on its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from mirror_console.domain.credential import Kept
from mirror_console.domain.engine import Engine
from mirror_console.domain.status import Status
from mirror_console.operations.access import takes_none
from mirror_console.operations.account_credentials import AccountCredential
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.tokens import SPACE_1, SPACE_2
from mirror_console.ui.widgets.flow import FlowLayout
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import Look, breakable, button, label, line
from mirror_console.ui.words import tr

ROWS_SHOWN = 5

_MARKS = {Kept.STORED: Status.ALIGNED, Kept.MISSING: Status.MISSING, Kept.UNKNOWN: Status.NOT_CHECKED}

Open = Callable[[Engine, AccountCredential | None], object]
"""Opens the form for an account's credential on an engine, or for a new one's."""


class AccountsPart(QWidget):
    """The accounts with a credential on the engine that is shown.

    Of an engine that takes none it says why, and lets what accounts had there from before be taken away.
    """

    def __init__(self, context: UiContext, operations: EngineOperations, opens: Open) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self._opens = opens
        self._engine: Engine | None = None
        self.table = Table[AccountCredential](
            (
                Column("account", tr("Account"), lambda one: one.account, 96, strong=True, stretch=True),
                Column("kept", tr("Keyring"), lambda one: tr(one.kept), 96, status=lambda one: _MARKS[one.kept]),
            ),
            key=lambda one: one.account,
        )
        self.view = TableView(self.table, context.theme, tr("Accounts with a credential of their own"))
        self.says = label("", Look.MUTED, wrap=True)
        self.add = button(tr("Add an account…"), self._add)
        self.replace = button(tr("Replace…"), self._replace)
        self.remove = button(tr("Remove…"), self._remove)
        self.replace.setAccessibleName(tr("Replace the account's credential"))
        self.remove.setAccessibleName(tr("Remove the account's credential"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_2)
        column.addWidget(line())
        column.addWidget(label(tr("Accounts"), Look.HEADING))
        column.addWidget(self.says)
        column.addWidget(self.view)
        self.buttons = QWidget()
        row = FlowLayout(self.buttons, SPACE_1)
        for made in (self.add, self.replace, self.remove):
            row.addWidget(made)
        column.addWidget(self.buttons)
        self.view.cursor_changed.connect(lambda _key: self._offer())
        self.view.opened.connect(lambda _key: self._replace())
        self.hide()

    @property
    def engine(self) -> Engine | None:
        """The engine that is shown."""
        return self._engine

    def show_engine(self, engine: Engine | None) -> None:
        """Show the accounts of an engine; of another one than before what was shown is forgotten."""
        if engine is None or self._engine is None or engine.id != self._engine.id:
            self.table.show([])
        self._engine = engine
        self.setVisible(engine is not None)
        if engine is None:
            return
        self._tell(engine)
        console, accounts, here = self._context.console, self._operations.accounts, engine
        self._context.run(
            tr("Look who has a credential on {}").format(engine.name),
            lambda _work: accounts(console, here),
            lambda found: self._show(here, found),
            lane="keyring",
            owner=self,
        )

    def current(self) -> AccountCredential | None:
        """The account that the cursor is on."""
        key = self.view.current_key()
        return next((one for one in self.table.rows if one.account == key), None)

    def _show(self, engine: Engine, found: Sequence[AccountCredential]) -> None:
        if self._engine is None or self._engine.id != engine.id:
            return
        self.table.show(found)
        rows = min(len(found), ROWS_SHOWN)
        header = self.view.horizontalHeader().sizeHint().height()
        self.view.setFixedHeight(header + rows * self.view.verticalHeader().defaultSectionSize() + 4)
        self._tell(engine)

    def _tell(self, engine: Engine) -> None:
        """Say who is reached with what, or why no account can have a credential; show what there is to be done."""
        some, why_none = bool(self.table.rows), takes_none(engine)
        words = tr("All environments are reached with the engine's own credential.")
        if some:
            words = tr("Each environment is reached with its account's credential. Without one: no access.")
        self.says.setText(breakable(f"{why_none}." if why_none else words))
        self.view.setVisible(some)
        self.buttons.setVisible(some or not why_none)
        self.add.setVisible(not why_none)
        self.replace.setVisible(some and not why_none)
        self.remove.setVisible(some)
        self._offer()

    def _offer(self) -> None:
        refusal = self._context.console.read_only
        chosen = self.current() is not None
        for made, on in ((self.add, True), (self.replace, chosen), (self.remove, chosen)):
            made.setEnabled(on and not refusal)
            made.setAccessibleDescription(refusal)

    def _add(self) -> None:
        if self._engine is not None:
            self._opens(self._engine, None)

    def _replace(self) -> None:
        chosen = self.current()
        if self._engine is not None and chosen is not None:
            self._opens(self._engine, chosen)

    def _remove(self) -> None:
        engine, chosen = self._engine, self.current()
        if engine is None or chosen is None:
            return
        words = tr("It is taken out of the keyring. What belongs to this account can't be reached on {} any more.")
        if len(self.table.rows) == 1:
            words = tr("It is taken out of the keyring. All on {} is reached with the engine's own credential again.")
        title = tr("Remove the credential of {}?").format(chosen.account)
        if not self._context.questions.confirm(title, words.format(engine.name), tr("Remove the credential")):
            return
        remove, console, account = self._operations.remove_access, self._context.console, chosen.account
        self._context.run(
            tr("Remove the credential of {}").format(account),
            lambda _work: remove(console, engine, account),
            lambda _none: self._removed(engine, account),
            owner=self,
        )

    def _removed(self, engine: Engine, account: str) -> None:
        words = tr("Removed the credential of {} on {}.").format(account, engine.name)
        self._context.notices.done(words, key="saved")
        self.show_engine(engine)
        if self.add.isVisible():
            self.add.setFocus()
