"""What a form asks for to get into an engine: by its address nothing, the TLS or SSH part, or a sentence."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QWidget

from mirror_console.domain.engine import UNENCRYPTED_ACCEPTED, Engine, Way, parse_address
from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import SignIn, ToSocket
from mirror_console.errors import InvalidInput
from mirror_console.operations.engines import EngineInput, SshInput, engine_input
from mirror_console.ui.engines.host_keys import HostKeys
from mirror_console.ui.widgets.form import Field, Form, choice, line_edit
from mirror_console.ui.widgets.secret_field import AskFile, SecretInput
from mirror_console.ui.words import tr

_SCHEMES = {"tcp": Way.TLS, "https": Way.TLS, "ssh": Way.SSH, "http": Way.PLAIN, "unix": Way.SOCKET}


def way_of(address: str) -> Way | None:
    """Which way an address goes, also one that isn't finished yet; None where nothing tells."""
    try:
        return parse_address(address).way
    except InvalidInput:
        return _SCHEMES.get(address.strip().partition(":")[0].lower())


class SignInParts:
    """The parts of a form for each way; only that of the address's way is shown, and only that is taken."""

    def __init__(self, form: Form, engine: Engine | None, ask: AskFile) -> None:
        self.way: Way | None = None
        self.tls = TlsPart(form, engine, ask)
        self.ssh = SshPart(form, engine, ask)
        self.plain = PlainPart(form, engine)
        self.show_for(str(engine.address) if engine is not None else "")

    def show_for(self, address: str) -> None:
        """Show what this address needs. As long as it tells nothing, what was shown before stays."""
        way = way_of(address)
        if way is None and address.strip():
            return
        self.way = way
        self.tls.show(on=way is Way.TLS)
        self.ssh.show(on=way is Way.SSH)
        self.plain.show(on=way is Way.PLAIN)


class TlsPart:
    """Certificates for an address by TLS."""

    def __init__(self, form: Form, engine: Engine | None, ask: AskFile) -> None:
        stored = engine is not None and engine.tls is not None
        self.authority = SecretInput(tr("CA certificate"), stored=stored, lines=3, from_file=True, ask=ask)
        self.certificate = SecretInput(tr("Client certificate"), stored=stored, lines=3, from_file=True, ask=ask)
        self.key = SecretInput(tr("Client key"), stored=stored, lines=3, from_file=True, ask=ask)
        self._parts: tuple[QWidget, ...] = (
            form.heading(tr("TLS"), tr("The texts go into the keyring, never into the catalog.")),
            form.add(Field("ca", tr("CA certificate"), self.authority, required=True), wide=True),
            form.add(Field("certificate", tr("Client certificate"), self.certificate, required=True), wide=True),
            form.add(
                Field("key", tr("Client key"), self.key, hint=tr("PEM, without a passphrase."), required=True),
                wide=True,
            ),
        )

    def show(self, *, on: bool) -> None:
        """Show or hide it."""
        for part in self._parts:
            part.setVisible(on)


class SshPart:
    """Sign-in, jump hosts, the way to the socket and the accepted host keys, for an address by SSH."""

    def __init__(self, form: Form, engine: Engine | None, ask: AskFile) -> None:
        given = engine_input(engine).ssh if engine is not None else SshInput()
        kept = engine.ssh if engine is not None else None
        self._on = False
        ways = (
            (SignIn.KEY, tr("A private key")),
            (SignIn.PASSWORD, tr("A password")),
            (SignIn.OWN, tr("My own agent and ~/.ssh/config")),
        )
        sockets = (
            (ToSocket.COMMAND, tr("The docker command there")),
            (ToSocket.SOCKET, tr("Straight to the socket")),
        )
        self.sign_in = choice(ways, given.sign_in)
        self.key = SecretInput(tr("Private key"), stored=bool(kept and kept.key), lines=3, from_file=True, ask=ask)
        self.passphrase = SecretInput(
            tr("Passphrase of the key"), stored=bool(kept and kept.passphrase), required=False
        )
        self.password = SecretInput(tr("Password"), stored=bool(kept and kept.password))
        self.jumps = line_edit(given.jumps, placeholder="deploy@jump.example:22")
        self.to_socket = choice(sockets, given.to_socket)
        self.host_keys = HostKeys(given.host_keys)
        heading = form.heading(
            tr("SSH"), tr("Keys and passwords go into the keyring, never into the catalog, and only to known servers.")
        )
        self._sign_in = form.add(Field("sign_in", tr("Sign in with"), self.sign_in))
        to_socket = form.add(Field("to_socket", tr("Way to the socket"), self.to_socket))
        self._key = form.add(Field("ssh_key", tr("Private key"), self.key, required=True), wide=True)
        passphrase = tr("Only where the key has one. A new key needs its own again.")
        self._passphrase = form.add(
            Field("ssh_passphrase", tr("Passphrase of the key"), self.passphrase, hint=passphrase), wide=True
        )
        self._password = form.add(Field("ssh_password", tr("Password"), self.password, required=True), wide=True)
        hops = tr("Between commas, in their order: user@host:port. Empty: straight to the engine's host.")
        jumps = form.add(Field("jumps", tr("Jump hosts"), self.jumps, hint=hops), wide=True)
        keys = form.add(Field("host_keys", tr("Accepted host keys"), self.host_keys), wide=True)
        self._always: tuple[QWidget, ...] = (heading, self._sign_in, to_socket, jumps, keys)
        self.sign_in.currentIndexChanged.connect(lambda _place: self.show(on=self._on))
        self.to_socket.currentIndexChanged.connect(lambda _place: self._explain(to_socket))
        self._explain(to_socket)

    def input(self) -> SshInput:
        """What stands in it."""
        sign_in = SignIn(self.sign_in.currentData())
        return SshInput(
            sign_in=sign_in,
            key=Secret(self.key.typed or ""),
            passphrase=Secret(self.passphrase.typed or ""),
            password=Secret(self.password.typed or ""),
            jumps=self.jumps.text().strip(),
            to_socket=ToSocket(self.to_socket.currentData()),
            host_keys=self.host_keys.keys,
        )

    def show(self, *, on: bool) -> None:
        """Show or hide it; of the credentials only those of the chosen sign-in."""
        self._on = on
        chosen = self.sign_in.currentData()
        for part in self._always:
            part.setVisible(on)
        self._key.setVisible(on and chosen == SignIn.KEY)
        self._passphrase.setVisible(on and chosen == SignIn.KEY)
        self._password.setVisible(on and chosen == SignIn.PASSWORD)
        own = tr("Your agent, ~/.ssh/config, known_hosts and keys are used as they are; nothing is kept.")
        one = tr("The same goes for jump hosts.")
        self._sign_in.hint(own if chosen == SignIn.OWN else one)

    def _explain(self, field: Field) -> None:
        command = tr("docker system dial-stdio; the user may use docker.")
        straight = tr("Needs no program there. Another path stands in the address: ssh://user@host/path.")
        field.hint(straight if self.to_socket.currentData() == ToSocket.SOCKET else command)


class PlainPart:
    """The sentence that accepts an address without encryption, typed by whoever answers for it."""

    def __init__(self, form: Form, engine: Engine | None) -> None:
        accepted = engine is not None and engine.unencrypted_accepted
        self.sentence = line_edit()
        risk = tr(
            "Whoever runs a program on this computer is root in this engine, as nobody is asked who they are, and"
            " whoever is root there can become root on its host. Prefer the local socket, SSH or TLS."
        )
        hint = tr("Type: {}").format(UNENCRYPTED_ACCEPTED)
        if accepted:
            hint = tr("It was accepted for the address as it was saved. For another one, type: {}").format(
                UNENCRYPTED_ACCEPTED
            )
        self._parts: tuple[QWidget, ...] = (
            form.heading(tr("Without encryption"), risk),
            form.add(
                Field("unencrypted", tr("I know what this means"), self.sentence, hint=hint, required=not accepted),
                wide=True,
            ),
        )

    def show(self, *, on: bool) -> None:
        """Show or hide it."""
        for part in self._parts:
            part.setVisible(on)


def with_sign_in(typed: EngineInput, parts: SignInParts) -> EngineInput:
    """What is typed, with what the part of its way has: what another one has is left alone, and not sent along."""
    match parts.way:
        case Way.TLS:
            return replace(
                typed,
                ca=parts.tls.authority.typed or "",
                certificate=parts.tls.certificate.typed or "",
                key=Secret(parts.tls.key.typed or ""),
            )
        case Way.SSH:
            return replace(typed, ssh=parts.ssh.input())
        case Way.PLAIN:
            return replace(typed, unencrypted=parts.plain.sentence.text())
        case _:
            return typed
