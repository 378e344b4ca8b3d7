"""The form for an account's credential on an engine: by TLS a certificate and its key, by SSH a key or a password."""

from __future__ import annotations

from collections.abc import Container, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from mirror_console.domain.engine import Engine, Way
from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import SignIn
from mirror_console.errors import Problem
from mirror_console.operations.access import AccessInput
from mirror_console.operations.account_credentials import AccountCredential
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.widgets.editor import Editor
from mirror_console.ui.widgets.form import Field, Form, choice, freeze, line_edit
from mirror_console.ui.widgets.secret_field import AskFile, SecretInput, ask_file
from mirror_console.ui.words import tr


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
        self.form = Form(self._judge)
        hint = tr("As it stands at the mirrors. Their environments on this engine are then reached with this alone.")
        self.form.add(Field("account", tr("Account"), self.account, required=True, hint=hint), wide=True)
        self.part: TlsPart | SshPart
        if engine.address.way is Way.SSH:
            self.part = SshPart(self.form, engine, parts, known.user if known is not None else "", ask)
        else:
            self.part = TlsPart(self.form, parts, ask)
        self.form.end()
        if known is not None:
            freeze(self.account)
        if context.console.read_only:
            self.form.lock()
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
        return self.part.input(self.account.text().strip())

    def may_leave(self) -> bool:
        """Whether nothing would be lost, or the person lets it be lost."""
        return self.editor.may_leave()

    def begin(self) -> None:
        """Put the cursor into the first field that can be changed."""
        (self.account if self._known is None else self.part.first).setFocus()

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


class TlsPart:
    """What an account has on an engine by TLS. `parts` are the fields that the keyring has something of."""

    def __init__(self, form: Form, parts: Container[str], ask: AskFile) -> None:
        self.authority, self.certificate, self.key = (
            SecretInput(words, stored=name in parts, lines=3, from_file=True, required=name != "ca", ask=ask)
            for name, words in (
                ("ca", tr("CA certificate")),
                ("certificate", tr("Client certificate")),
                ("key", tr("Client key")),
            )
        )
        self.first: QWidget = self.certificate
        form.heading(tr("TLS"), tr("The texts go into the keyring, never into the catalog."))
        form.add(Field("certificate", tr("Client certificate"), self.certificate, required=True), wide=True)
        key = tr("PEM, without a passphrase.")
        form.add(Field("key", tr("Client key"), self.key, hint=key, required=True), wide=True)
        authority = tr("Only where it is another one than the engine's own.")
        form.add(Field("ca", tr("CA certificate"), self.authority, hint=authority), wide=True)

    def input(self, account: str) -> AccessInput:
        """What stands in it, for an account."""
        return AccessInput(
            account, self.authority.typed or "", self.certificate.typed or "", Secret(self.key.typed or "")
        )


class SshPart:
    """What an account has on an engine by SSH: as whom it signs in, and with a key or a password.

    `parts` are the fields that the keyring has something of; `user` is empty where it is that of the engine's address.
    """

    def __init__(self, form: Form, engine: Engine, parts: Container[str], user: str, ask: AskFile) -> None:
        ways = ((SignIn.KEY, tr("A private key")), (SignIn.PASSWORD, tr("A password")))
        self.user = line_edit(user, placeholder=engine.address.user)
        self.sign_in = choice(ways, SignIn.PASSWORD if "ssh_password" in parts else SignIn.KEY)
        self.key = SecretInput(tr("Private key"), stored="ssh_key" in parts, lines=3, from_file=True, ask=ask)
        self.passphrase = SecretInput(tr("Passphrase of the key"), stored="ssh_passphrase" in parts, required=False)
        self.password = SecretInput(tr("Password"), stored="ssh_password" in parts)
        self.first: QWidget = self.user
        form.heading(
            tr("SSH"), tr("Keys and passwords go into the keyring, never into the catalog, and only to known servers.")
        )
        own = tr("Empty: as the engine's address says.")
        form.add(Field("user", tr("User"), self.user, hint=own))
        form.add(Field("sign_in", tr("Sign in with"), self.sign_in, hint=tr("The same goes for jump hosts.")))
        self._key = form.add(Field("ssh_key", tr("Private key"), self.key, required=True), wide=True)
        passphrase = tr("Only where the key has one. A new key needs its own again.")
        self._passphrase = form.add(
            Field("ssh_passphrase", tr("Passphrase of the key"), self.passphrase, hint=passphrase), wide=True
        )
        self._password = form.add(Field("ssh_password", tr("Password"), self.password, required=True), wide=True)
        self.sign_in.currentIndexChanged.connect(lambda _place: self._show())
        self._show()

    def input(self, account: str) -> AccessInput:
        """What stands in it, for an account: of the credentials only those of the chosen sign-in."""
        user, by = self.user.text().strip(), SignIn(self.sign_in.currentData())
        if by is SignIn.PASSWORD:
            return AccessInput(account, user=user, sign_in=by, ssh_password=Secret(self.password.typed or ""))
        return AccessInput(
            account,
            user=user,
            sign_in=by,
            ssh_key=Secret(self.key.typed or ""),
            ssh_passphrase=Secret(self.passphrase.typed or ""),
        )

    def _show(self) -> None:
        by_key = self.sign_in.currentData() == SignIn.KEY
        self._key.setVisible(by_key)
        self._passphrase.setVisible(by_key)
        self._password.setVisible(not by_key)
