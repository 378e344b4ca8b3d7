"""The accounts that have a credential of their own on an engine: the list on its page, and the form for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from mirror_console.domain.alignment import Status
from mirror_console.domain.credential import Kept
from mirror_console.domain.engine import Engine, Way
from mirror_console.domain.secret import Secret
from mirror_console.errors import Problem
from mirror_console.operations.access import AccessInput
from mirror_console.operations.account_credentials import AccountCredential
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.tokens import SPACE_1, SPACE_2
from mirror_console.ui.widgets.editor import Editor
from mirror_console.ui.widgets.flow import FlowLayout
from mirror_console.ui.widgets.form import Field, Form, freeze, line_edit
from mirror_console.ui.widgets.secret_field import AskFile, SecretInput, ask_file
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import tr

ROWS_SHOWN = 5

_MARKS = {Kept.STORED: Status.ALIGNED, Kept.MISSING: Status.MISSING, Kept.UNKNOWN: Status.NOT_CHECKED}

Open = Callable[[Engine, AccountCredential | None], object]
"""Opens the form for an account's credential on an engine, or for a new one's."""


class AccountsPart(QWidget):
    """The accounts with a credential on the engine that is shown; it is there for engines that ask for certificates."""

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
        column.addWidget(label(tr("Accounts"), Look.HEADING))
        column.addWidget(self.says)
        column.addWidget(self.view)
        buttons = QWidget()
        row = FlowLayout(buttons, SPACE_1)
        for made in (self.add, self.replace, self.remove):
            row.addWidget(made)
        column.addWidget(buttons)
        self.view.cursor_changed.connect(lambda _key: self._offer())
        self.view.opened.connect(lambda _key: self._replace())
        self.hide()

    def show_engine(self, engine: Engine | None) -> None:
        """Show the accounts of an engine; of another one than before what was shown is forgotten."""
        if engine is None or self._engine is None or engine.id != self._engine.id:
            self.table.show([])
        self._engine = engine
        self.setVisible(engine is not None and engine.address.way is Way.TLS)
        if self.isHidden() or engine is None:
            return
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
        self.view.setVisible(bool(found))
        rows = min(len(found), ROWS_SHOWN)
        header = self.view.horizontalHeader().sizeHint().height()
        self.view.setFixedHeight(header + rows * self.view.verticalHeader().defaultSectionSize() + 4)
        none = tr("All environments are reached with the engine's own credential.")
        some = tr("Each environment is reached with its account's credential. Without one: no access.")
        self.says.setText(some if found else none)
        self._offer()

    def _offer(self) -> None:
        refusal = self._context.console.read_only
        chosen = self.current() is not None
        for made, on in ((self.add, True), (self.replace, chosen), (self.remove, chosen)):
            made.setEnabled(on and not refusal)
            made.setAccessibleDescription(refusal)
        for made in (self.replace, self.remove):
            made.setVisible(bool(self.table.rows))

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
        self.add.setFocus()


class AccessEditor(QWidget):
    """Give an account a credential on an engine, or replace it. `saved` carries the engine; `closed`: it was left."""

    saved = Signal(object)
    closed = Signal()

    def __init__(
        self,
        context: UiContext,
        operations: EngineOperations,
        engine: Engine,
        known: AccountCredential | None = None,
        ask: AskFile = ask_file,
    ) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self._engine = engine
        self._known = known
        parts = known.parts if known is not None else frozenset[str]()
        self.account = line_edit(known.account if known is not None else "")
        self.authority, self.certificate, self.key = (
            SecretInput(words, stored=name in parts, lines=3, from_file=True, required=name != "ca", ask=ask)
            for name, words in (
                ("ca", tr("CA certificate")),
                ("certificate", tr("Client certificate")),
                ("key", tr("Client key")),
            )
        )
        self.form = Form(self._judge)
        self._fill()
        title = tr("Give an account a credential on {}").format(engine.name)
        if known is not None:
            title = tr("Replace the credential of {} on {}").format(known.account, engine.name)
        self.editor = Editor(title, self.form, context.questions, refusal=context.console.read_only)
        self.editor.dirty = lambda: self.form.dirty
        self.editor.save_wished.connect(self.save)
        self.editor.closed.connect(self.closed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.editor)

    def input(self) -> AccessInput:
        """What stands in the form."""
        return AccessInput(
            self.account.text().strip(),
            self.authority.typed or "",
            self.certificate.typed or "",
            Secret(self.key.typed or ""),
        )

    def may_leave(self) -> bool:
        """Whether nothing would be lost, or the person lets it be lost."""
        return self.editor.may_leave()

    def begin(self) -> None:
        """Put the cursor into the first field that can be changed."""
        (self.account if self._known is None else self.certificate).setFocus()

    def save(self) -> None:
        """Save, or go to what is wrong."""
        if self._context.console.read_only or not self.form.accept():
            return
        save, console, engine, given = self._operations.save_access, self._context.console, self._engine, self.input()
        self.editor.working(tr("Saving…"))
        self._context.run(
            tr("Save the credential of {}").format(given.account),
            lambda _work: save(console, engine, given),
            lambda _access: self._saved(given.account),
            self._refused,
            owner=self,
        )

    def _saved(self, account: str) -> None:
        self.editor.working("")
        self.form.begin()
        words = tr("Saved the credential of {} on {}.").format(account, self._engine.name)
        self._context.notices.done(words, key="saved")
        self.saved.emit(self._engine)

    def _refused(self, error: Exception) -> None:
        self.editor.refused(error, self.form, self._context.notices)

    def _judge(self) -> Sequence[Problem]:
        return self._operations.access_problems(self._context.console, self._engine, self.input())

    def _fill(self) -> None:
        account = tr("As it stands at the mirrors. Their environments on this engine are then reached with this alone.")
        self.form.add(Field("account", tr("Account"), self.account, required=True, hint=account), wide=True)
        self.form.heading(tr("TLS"), tr("The texts go into the keyring, never into the catalog."))
        self.form.add(Field("certificate", tr("Client certificate"), self.certificate, required=True), wide=True)
        key = tr("PEM, without a passphrase.")
        self.form.add(Field("key", tr("Client key"), self.key, hint=key, required=True), wide=True)
        authority = tr("Only where it is another one than the engine's own.")
        self.form.add(Field("ca", tr("CA certificate"), self.authority, hint=authority), wide=True)
        self.form.end()
        if self._known is not None:
            freeze(self.account)
        if self._context.console.read_only:
            self.form.lock()
