"""Connection test: the way to an engine in ten visible steps, stopped at the first that fails with cause and remedy."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mirror_console.domain.engine import Address, Engine, EngineFacts, Way
from mirror_console.domain.environment import Settings
from mirror_console.domain.request import ContainerSpec
from mirror_console.domain.secret import Secret
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.console import Console
from mirror_console.operations.ports import EngineSession

CONNECT_SECONDS = 5.0
CLOCK_DIFFERS = 60.0
"""Seconds between both clocks from which on times of the engine and of the console no longer tell one story."""
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


class StepState(StrEnum):
    """How a step of the test stands."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ConnectionStep:
    """One step, `number` from 1 to 10. It comes twice: while it runs, and with its outcome after `seconds`."""

    number: int
    title: str
    state: StepState
    words: str = ""
    seconds: float = 0.0
    remedy: str = ""


def test_connection(console: Console, engine: Engine, secrets: Mapping[str, Secret] | None) -> Iterator[ConnectionStep]:
    """Try the way to an engine and say each step. `secrets`, by reference name, go before those of the keyring.

    Nothing is changed on the engine. What comes after a failed step is skipped; all ten are told in any case.
    """
    test = _Test(console, engine, secrets or {})
    failed = False
    for number, (title, ask) in enumerate(zip(TITLES, test.steps, strict=True), 1):
        if failed:
            yield ConnectionStep(number, title, StepState.SKIPPED, "not tried")
            continue
        yield ConnectionStep(number, title, StepState.RUNNING)
        began = console.monotonic()
        outcome = ask()
        failed = outcome.state is StepState.FAILED
        took = console.monotonic() - began
        yield ConnectionStep(number, title, outcome.state, outcome.words, took, outcome.remedy)


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: StepState
    words: str
    remedy: str = ""


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
        return _ok(str(self._engine.address))

    def _name(self) -> _Outcome:
        if self._engine.address.way is Way.SOCKET:
            return _skipped("a local socket has no host name")
        return resolve(self._engine.address)

    def _reach(self) -> _Outcome:
        return reach(self._engine.address, min(CONNECT_SECONDS, self._engine.timeout))

    def _certificate(self) -> _Outcome:
        """Connects for all the steps up to the API: which of them it fails at, the kind of the failure tells."""
        try:
            self._session = self._console.engines.try_out(self._engine, self._secrets)
        except EngineError as error:
            self._refusal = error
        if self._engine.address.way is Way.SOCKET:
            return _skipped("a local socket shows no certificate")
        if self._refusal and _concerns_certificate(self._refusal):
            return _refused(self._refusal)
        return _ok("trusted by the authority of this engine")

    def _sign_in(self) -> _Outcome:
        if self._refusal and self._refusal.kind not in {FailureKind.NOT_DOCKER, FailureKind.TOO_OLD}:
            return _refused(self._refusal)
        if self._engine.address.way is Way.SOCKET:
            return _skipped("whoever may open the socket is signed in")
        return _ok("the client certificate was taken")

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
        return _skipped("not told by the engine")

    def _clock(self) -> _Outcome:
        offset = self._facts.clock_offset if self._facts else 0.0
        differs = f"differs by {abs(offset):.1f} s"
        if abs(offset) > CLOCK_DIFFERS:
            way = "ahead" if offset > 0 else "behind"
            return _failed(f"The engine's clock is {abs(offset):.0f} s {way}.", "Set both clocks by a time server.")
        return _ok(differs)

    @property
    def _opened(self) -> EngineSession:
        if self._session is None:
            raise RuntimeError("a step was asked for after one that failed")
        return self._session


def resolve(address: Address) -> _Outcome:
    """Look up the host of an address."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return _failed(
            f"The host name {address.host} is not known, so the engine can't be found.",
            "Check the address, the network and the VPN.",
        )
    return _ok(", ".join(dict.fromkeys(str(entry[4][0]) for entry in found)))


def reach(address: Address, seconds: float) -> _Outcome:
    """Open a connection and close it again; no byte is sent."""
    try:
        if address.way is Way.SOCKET:
            with socket.socket(socket.AF_UNIX) as local:
                local.settimeout(seconds)
                local.connect(address.path)
            return _ok(f"{address.path} accepts connections")
        with socket.create_connection((address.host, address.port), seconds):
            return _ok(f"port {address.port} accepts connections")
    except (FileNotFoundError, NotADirectoryError):
        return _failed(f"There is no socket {address.path}.", "Check its path, and that Docker runs.")
    except PermissionError:
        return _failed(
            f"This user may not open {address.path or address}.",
            "Ask for membership in the group that owns the socket, usually 'docker', and sign in again.",
        )
    except ConnectionRefusedError:
        return _failed(f"Nothing listens at {address}.", "Check that Docker runs there and listens at this address.")
    except TimeoutError:
        return _failed(
            f"{address} doesn't answer within {seconds:g} s.", "Check the network, the VPN and a firewall between."
        )
    except OSError as error:
        return _failed(f"{address} can't be reached: {error.strerror or error}.", "Check the network and the VPN.")


def _refused(error: EngineError) -> _Outcome:
    return _failed(error.title, error.hint)


def _concerns_certificate(error: EngineError) -> bool:
    if error.kind in {FailureKind.CERTIFICATE, FailureKind.NO_CREDENTIAL, FailureKind.KEYRING}:
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
