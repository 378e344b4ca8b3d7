"""Connection test: the way to an engine in ten visible steps, stopped at the first that fails with cause and remedy."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from mirror_console.domain.engine import CLOCK_TOLERANCE, UNENCRYPTED_ACCEPTED, Engine, EngineFacts, Way
from mirror_console.domain.environment import Settings
from mirror_console.domain.request import ContainerSpec
from mirror_console.domain.secret import Secret
from mirror_console.domain.server_key import ServerKeyChanged
from mirror_console.domain.ssh import Hop, HostKey, HostKeyRefused, SignIn, SshError, Stage
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.console import Console
from mirror_console.operations.ports.engine import EngineSession

CONNECT_SECONDS = 5.0
_BY_PROGRAM = "a program of your own SSH settings stands for the network"
_NOTHING_TO_SIGN_IN_WITH = frozenset({FailureKind.NO_CREDENTIAL, FailureKind.KEYRING, FailureKind.NO_KEYRING})
_OF_CERTIFICATE = frozenset({FailureKind.CERTIFICATE, FailureKind.SERVER_KEY_CHANGED}) | _NOTHING_TO_SIGN_IN_WITH
NO_SUCH_IMAGE = "sha256:" + "0" * 64
"""An id that no image has: a container of it can't be made, so asking for one changes nothing."""

TITLES = (
    "Address understood",
    "Name resolved",
    "Reachable",
    "Certificate",
    "Signed in",
    "Docker API",
    "May list containers",
    "May create and pull",
    "Free disk",
    "Clock",
)


def titles(way: Way) -> tuple[str, ...]:
    """What the ten steps are called."""
    return tuple("Host key" if title == "Certificate" and way is Way.SSH else title for title in TITLES)


class StepState(StrEnum):
    """How a step of the test stands."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ConnectionStep:
    """One step, `number` from 1 to 10. It comes twice: while it runs, and with its outcome after `seconds`.

    Where an SSH server shows a key that isn't accepted, `offered` is that key and `accepted` those of before: a person
    compares it, and then it is accepted (mirror_console.operations.trust.accept_host_key, or SshInput.host_keys).
    """

    number: int
    title: str
    state: StepState
    words: str = ""
    seconds: float = 0.0
    remedy: str = ""
    offered: HostKey | None = None
    accepted: tuple[HostKey, ...] = ()
    server_key: str = ""
    """Where an engine shows another TLS key than the remembered one: the fingerprint of what it shows.

    `remembered` is that of the one before. A person compares them, and then the new one is accepted
    (mirror_console.operations.trust.accept_server_key).
    """
    remembered: str = ""
    command: str = ""
    """What does on the command line what the remedy says."""

    @property
    def asks(self) -> bool:
        """Whether it shows a key that a person has to decide on."""
        return self.offered is not None or bool(self.server_key)


def test_connection(console: Console, engine: Engine, secrets: Mapping[str, Secret] | None) -> Iterator[ConnectionStep]:
    """Try the way to an engine and say each step. `secrets`, by reference name, go before those of the keyring.

    Nothing is changed on the engine. What comes after a failed step is skipped; all ten are told in any case.
    """
    test = _Test(console, engine, secrets or {})
    failed = False
    for number, (title, ask) in enumerate(zip(titles(engine.address.way), test.steps, strict=True), 1):
        if failed:
            yield ConnectionStep(number, title, StepState.SKIPPED, "not tried")
            continue
        yield ConnectionStep(number, title, StepState.RUNNING)
        began = console.monotonic()
        outcome = ask()
        failed = outcome.state is StepState.FAILED
        took = console.monotonic() - began
        command = outcome.refusal.command if outcome.refusal else ""
        step = ConnectionStep(number, title, outcome.state, outcome.words, took, outcome.remedy, command=command)
        match outcome.refusal:
            case HostKeyRefused() as shown:
                yield replace(step, offered=shown.offered, accepted=shown.accepted)
            case ServerKeyChanged() as shown:
                yield replace(step, server_key=shown.offered, remembered=shown.accepted)
            case _:
                yield step


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: StepState
    words: str
    remedy: str = ""
    refusal: EngineError | None = None


def _ok(words: str) -> _Outcome:
    return _Outcome(StepState.OK, words)


def _skipped(words: str) -> _Outcome:
    return _Outcome(StepState.SKIPPED, words)


def _failed(words: str, remedy: str) -> _Outcome:
    return _Outcome(StepState.FAILED, words, remedy)


class _Test:
    """The steps of one test, each of which leaves what the next one needs."""

    def __init__(self, console: Console, engine: Engine, secrets: Mapping[str, Secret]) -> None:
        self._console = console
        self._engine = engine
        self._secrets = secrets
        self._session: EngineSession | None = None
        self._refusal: EngineError | None = None
        self._facts: EngineFacts | None = None
        self._entrance: Hop | None = None
        self.steps: tuple[Callable[[], _Outcome], ...] = (
            self._address,
            self._name,
            self._reach,
            self._certificate,
            self._sign_in,
            self._api,
            self._list,
            self._create,
            self._disk,
            self._clock,
        )

    def _address(self) -> _Outcome:
        address = self._engine.address
        if address.way is Way.PLAIN and not self._engine.unencrypted_accepted:
            words = "It is not encrypted, and whoever runs a program on this computer is root there."
            return _failed(words, f"Use SSH or TLS, or type '{UNENCRYPTED_ACCEPTED}'.")
        return _ok(str(address))

    def _name(self) -> _Outcome:
        if self._engine.address.way is Way.SOCKET:
            return _skipped("a local socket has no host name")
        try:
            self._entrance = self._console.engines.entrance(self._engine)
        except EngineError as error:
            return _refused(error)
        if self._entrance is None:
            return _skipped(_BY_PROGRAM)
        return resolve(self._entrance)

    def _reach(self) -> _Outcome:
        seconds = min(CONNECT_SECONDS, self._engine.timeout)
        if self._engine.address.way is Way.SOCKET:
            return reach_socket(self._engine.address.path, seconds)
        return reach(self._entrance, seconds) if self._entrance else _skipped(_BY_PROGRAM)

    def _certificate(self) -> _Outcome:
        """Connects for all the steps up to the API: which of them it fails at, the kind of the failure tells."""
        try:
            self._session = self._console.engines.try_out(self._engine, self._secrets)
        except EngineError as error:
            self._refusal = error
        match self._engine.address.way:
            case Way.SOCKET:
                return _skipped("a local socket shows no certificate")
            case Way.PLAIN:
                return _skipped("there is none without encryption, as was accepted for this address")
            case Way.SSH:
                return self._host_key()
            case Way.TLS:
                if self._refusal and _concerns_certificate(self._refusal):
                    return _refused(self._refusal)
                return _ok(self._trusted())

    def _trusted(self) -> str:
        words = "trusted by the authority of this engine"
        if self._session is None:
            return words
        known = "as remembered" if self._engine.server_key else "which is remembered from the first refresh on"
        return f"{words}; its key is {self._session.server_key}, {known}"

    def _host_key(self) -> _Outcome:
        refusal = self._refusal
        if isinstance(refusal, SshError) and refusal.stage is Stage.HOST_KEY:
            return _refused(refusal)
        if refusal is not None and refusal.kind in _NOTHING_TO_SIGN_IN_WITH:
            return _skipped("not looked at, as there is nothing to sign in with")
        if self._session is not None and self._session.host_key is not None:
            return _ok(f"{self._session.host_key.words}, as accepted")
        return _ok("as accepted")

    def _sign_in(self) -> _Outcome:
        if self._engine.address.way is Way.SSH:
            return self._sign_in_by_ssh()
        if self._refusal and self._refusal.kind not in {FailureKind.NOT_DOCKER, FailureKind.TOO_OLD}:
            return _refused(self._refusal)
        if self._engine.address.way is Way.SOCKET:
            return _skipped("whoever may open the socket is signed in")
        if self._engine.address.way is Way.PLAIN:
            return _skipped("whoever runs a program on this computer is signed in")
        return _ok("the client certificate was taken")

    def _sign_in_by_ssh(self) -> _Outcome:
        refusal = self._refusal
        if refusal is not None and not (isinstance(refusal, SshError) and refusal.stage is Stage.SOCKET):
            return _refused(refusal)
        user = self._engine.address.user
        how = self._engine.ssh.sign_in if self._engine.ssh else SignIn.OWN
        return _ok(f"as '{user}' by {how}" if user else f"by {how}")

    def _api(self) -> _Outcome:
        if self._refusal:
            return _refused(self._refusal)
        try:
            facts = self._facts = self._opened.facts()
        except EngineError as error:
            return _refused(error)
        return _ok(". ".join([f"{facts.title}, {facts.platform}", *(limit.rstrip(".") for limit in facts.limits)]))

    def _list(self) -> _Outcome:
        try:
            count = len(self._opened.list_containers())
        except EngineError as error:
            return _refused(error)
        return _ok(f"{count} container{'' if count == 1 else 's'}")

    def _create(self) -> _Outcome:
        if self._console.read_only:
            return _skipped("not tried: the console is read-only")
        spec = ContainerSpec(f"mirror-console-test-{self._console.run[:8]}", NO_SUCH_IMAGE, Settings())
        try:
            made = self._opened.create(spec)
        except EngineError as error:
            if error.kind in {FailureKind.IMAGE_NOT_FOUND, FailureKind.NOT_FOUND}:
                return _ok("may create; whether it can pull shows with the checks of a rollout")
            return _refused(error)
        # An engine that makes a container of an image that can't be there: take it away, and don't trust it.
        self._opened.remove(made)
        return _failed("It made a container of an image that doesn't exist.", "Check what answers at this address.")

    def _disk(self) -> _Outcome:
        room = self._opened.free_disk(self._facts) if self._facts else None
        return _skipped("not told by the engine") if room is None else _ok(f"{room.free / 1e9:.1f} GB free for images")

    def _clock(self) -> _Outcome:
        offset = self._facts.clock_offset if self._facts else 0.0
        differs = f"differs by {abs(offset):.1f} s"
        if abs(offset) > CLOCK_TOLERANCE:
            way = "ahead" if offset > 0 else "behind"
            return _failed(f"The engine's clock is {abs(offset):.0f} s {way}.", "Set both clocks by a time server.")
        return _ok(differs)

    @property
    def _opened(self) -> EngineSession:
        if self._session is None:
            raise RuntimeError("a step was asked for after one that failed")
        return self._session


def resolve(hop: Hop) -> _Outcome:
    """Look up a host."""
    try:
        found = socket.getaddrinfo(hop.host, hop.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return _failed(
            f"The host name {hop.host} is not known, so the engine can't be found.",
            "Check the address, the network and the VPN.",
        )
    return _ok(", ".join(dict.fromkeys(str(entry[4][0]) for entry in found)))


def reach_socket(path: str, seconds: float) -> _Outcome:
    """Open a local socket and close it again; no byte is sent."""
    try:
        with socket.socket(socket.AF_UNIX) as local:
            local.settimeout(seconds)
            local.connect(path)
    except (FileNotFoundError, NotADirectoryError):
        return _failed(f"There is no socket {path}.", "Check its path, and that Docker runs.")
    except OSError as error:
        return _unreached(path, seconds, error)
    return _ok(f"{path} accepts connections")


def reach(hop: Hop, seconds: float) -> _Outcome:
    """Open a connection and close it again; no byte is sent."""
    try:
        with socket.create_connection((hop.host, hop.port), seconds):
            return _ok(f"port {hop.port} accepts connections")
    except OSError as error:
        return _unreached(hop.place, seconds, error)


def _unreached(address: str, seconds: float, error: OSError) -> _Outcome:
    match error:
        case PermissionError():
            return _failed(
                f"This user may not open {address}.",
                "Ask for membership in the group that owns the socket, usually 'docker', and sign in again.",
            )
        case ConnectionRefusedError():
            hint = "Check that Docker (or its SSH server) runs there and listens at this address."
            return _failed(f"Nothing listens at {address}.", hint)
        case TimeoutError():
            return _failed(
                f"{address} doesn't answer within {seconds:g} s.", "Check the network, the VPN and a firewall between."
            )
        case _:
            return _failed(f"{address} can't be reached: {error.strerror or error}.", "Check the network and the VPN.")


def _refused(error: EngineError) -> _Outcome:
    return _Outcome(StepState.FAILED, error.title, error.hint, error)


def _concerns_certificate(error: EngineError) -> bool:
    if error.kind in _OF_CERTIFICATE:
        return True
    # A refused client is told so by an alert; whatever else breaks the handshake came before it was looked at.
    return error.kind is not FailureKind.SIGN_IN and _broke_in_handshake(error)


def _broke_in_handshake(error: BaseException) -> bool:
    """Whether no TLS connection came about: then nothing was seen of a certificate."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        if isinstance(cause, ssl.SSLError):
            return True
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return False
