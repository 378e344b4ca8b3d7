"""The credentials part of the settings page: the keyring's state with its way out, and each credential with its use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mirror_console.domain.credential import Credential, Kept
from mirror_console.domain.secret import VaultState
from mirror_console.domain.status import Status
from mirror_console.jobs import Work
from mirror_console.operations.credentials import credentials, forget_credential
from mirror_console.ui.context import UiContext
from mirror_console.ui.questions import Question
from mirror_console.ui.tokens import SPACE_2
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import tr

KEYRING_WORDS = {
    VaultState.UNLOCKED: "Unlocked.",
    VaultState.LOCKED: "Locked. Engines that need a credential can't be reached before it is unlocked.",
    VaultState.DISMISSED: "Locked: its question was dismissed, and isn't asked again before you choose Unlock.",
    VaultState.ABSENT: "None was found. Start your desktop's keyring (GNOME Keyring or KWallet), then come back here.",
}
MEMORY_WORDS = "In memory, for this run only."
ROWS_SHOWN = 8

_MARKS = {Kept.STORED: Status.ALIGNED, Kept.MISSING: Status.MISSING, Kept.UNKNOWN: Status.NOT_CHECKED}


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a look at the keyring brought."""

    state: VaultState
    found: tuple[Credential, ...]


class CredentialsPart(QWidget):
    """Each state of the keyring has its words and one button that helps. Values of credentials are never shown.

    Locked or dismissed, the button is Unlock; where there is no keyring, it is memory for this run only.
    """

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self._context = context
        self.state = label(tr("Not asked yet."), wrap=True, select=True)
        self.unlock = button(tr("Unlock…"), self._unlock, look="primary")
        self.memory = button(tr("Keep credentials for this run only…"), self._keep_for_this_run_only)
        self.table: Table[Credential] = Table(
            (
                Column("uses", tr("Used by"), _uses, 320, stretch=True, tip=_uses),
                Column("kept", tr("Keyring"), lambda one: tr(one.kept), 100, status=lambda one: _MARKS[one.kept]),
                Column("reference", tr("Reference"), _name, 140, mono=True, muted=True, tip=_name),
            ),
            key=lambda one: one.reference.name,
        )
        self.view = TableView(self.table, context.theme, tr("Credentials"))
        self.forget = button(tr("Forget…"), self._forget)
        self.says = label("", Look.MUTED, wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_2)
        column.addWidget(self.state)
        column.addWidget(_row(self.unlock, self.memory))
        column.addWidget(self.view)
        column.addWidget(_row(self.forget, self.says))
        for hidden in (self.unlock, self.memory, self.view, self.forget):
            hidden.hide()
        self.view.selectionModel().currentChanged.connect(lambda *_: self._offer())

    def look(self) -> None:
        """Ask the keyring how it is and what it has. It shows no question of its own."""
        vault = self._context.console.vault
        self._ask(tr("Looking at the keyring"), lambda _work: vault.state())

    def _ask(self, title: str, work: Callable[[Work], VaultState]) -> None:
        """Do something with the keyring off the window's thread: it may ask the person, and wait for the answer."""
        console = self._context.console

        def ask(job: Work) -> _Looked:
            state = work(job)
            return _Looked(state, tuple(credentials(console)))

        self._context.run(title, ask, self._show, self._failed, lane="keyring", owner=self)

    def _unlock(self) -> None:
        vault = self._context.console.vault
        self._ask(tr("Unlock the keyring"), lambda _work: vault.unlock())

    def _keep_for_this_run_only(self) -> None:
        question = tr("Keep credentials in memory for this run only?")
        text = tr(
            "Keys and passwords that you enter from now on are gone when the console is closed. "
            "They are never written to a file."
        )
        if not self._context.questions.confirm(question, text, tr("Keep for this run only")):
            return
        vault = self._context.console.vault

        def choose(_work: Work) -> VaultState:
            vault.keep_for_this_run_only()
            return vault.state()

        self._ask(tr("Keeping credentials in memory"), choose)

    def _forget(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        question = Question(
            tr("Forget this credential?"),
            tr("It is taken out of the keyring. What uses it stays, and can't be reached or rolled out without it."),
            tr("Forget"),
            details=_uses(chosen),
        )
        if not self._context.questions.ask(question).go:
            return
        console, name = self._context.console, chosen.reference.name

        def take_out(_work: Work) -> VaultState:
            forget_credential(console, name)
            return console.vault.state()

        self._ask(tr("Forgetting a credential"), take_out)

    def _chosen(self) -> Credential | None:
        place = self.view.currentIndex().row()
        return self.table.row(place) if 0 <= place < len(self.table.rows) else None

    def _show(self, looked: _Looked) -> None:
        memory_only = self._context.console.vault.for_this_run_only
        self.state.setText(tr(MEMORY_WORDS) if memory_only else tr(KEYRING_WORDS[looked.state]))
        self.unlock.setVisible(looked.state in {VaultState.LOCKED, VaultState.DISMISSED})
        self.memory.setVisible(looked.state is VaultState.ABSENT)
        self.table.show(looked.found)
        self.view.setVisible(bool(looked.found))
        self.forget.setVisible(bool(looked.found))
        rows = min(len(looked.found), ROWS_SHOWN)
        header = self.view.horizontalHeader().sizeHint().height()
        self.view.setFixedHeight(header + rows * self.view.verticalHeader().defaultSectionSize() + 4)
        self._offer()

    def _offer(self) -> None:
        """Forgetting is for what is chosen and there, and for who may change something."""
        chosen = self._chosen()
        may = not self._context.console.read_only
        self.forget.setEnabled(may and chosen is not None and chosen.kept is Kept.STORED)
        self.says.setText("" if may else tr("The console is read-only."))

    def _failed(self, error: Exception) -> None:
        self.state.setText(str(error))


def _name(credential: Credential) -> str:
    return credential.reference.name


def _uses(credential: Credential) -> str:
    return "; ".join(str(use) for use in credential.uses)


def _row(*widgets: QWidget) -> QWidget:
    """Widgets side by side, from the left."""
    row = QWidget()
    box = QHBoxLayout(row)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(SPACE_2)
    for widget in widgets:
        box.addWidget(widget)
    box.addStretch(1)
    return row
