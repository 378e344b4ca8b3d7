"""Faults to survive, on real engines: what each costs, what is said of it, and that it is over when it is over.

To add a fault is to add a line to FAULTS: how it begins and ends, and the words that tell it.
"""

from __future__ import annotations

import gzip
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from mirror_console.domain.check import Check
from mirror_console.domain.environment import Settings
from mirror_console.domain.status import Knowledge, Status
from mirror_console.domain.verdict import answer, cell_texts, verdict
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.connection import test_connection as connection_steps
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from tests.lab import faults
from tests.lab.certificates import Authority
from tests.lab.docker_cli import Docker
from tests.lab.fixtures import BY_SSH, FIRST_TLS, LOCAL
from tests.lab.lab import Lab
from tests.lab.proxy import Exchange, Fault, Over, server_context
from tests.lab.ssh import make_key
from tests.operations.fleet import QUICK
from tests.operations.ill import ILL, WELL, Engines, Front, Ward, side_threads, ward

LONG_AGO = datetime(2021, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ill:
    """A fault: how it begins and ends, the word in the cell, and words of what is said of the engine.

    `lasting`: the engine is waited for until its time is up, so that what others said is kept long before.
    `unasked`: not one byte of a request gets through, as it isn't known who would hear it. `first`: the word where the
    engine was never reached before, if it is another. `{place}` in words is that of its SSH server.
    `also`: what else may have happened, each with its remedy, where that depends on the moment.
    """

    name: str
    front: Front
    begin: Callable[[Ward], AbstractContextManager[None]]
    kind: FailureKind
    happened: str
    remedy: str
    lasting: bool = False
    unasked: bool = False
    first: FailureKind | None = None
    also: tuple[tuple[str, str], ...] = ()


def spoil(fault: Fault) -> Callable[[Ward], AbstractContextManager[None]]:
    """Begin it at the proxy."""
    return lambda there: there.proxy.spoiling(fault)


def listed(fault: Fault) -> Fault:
    """Where containers are listed, and nowhere else."""
    return faults.at(r"/containers/json", fault)


def refuse(there: Ward) -> AbstractContextManager[None]:
    """Nobody listens any more."""
    return there.proxy.refusing()


@contextmanager
def show(make: Callable[[Ward], tuple[str, str, str]], there: Ward) -> Iterator[None]:
    """Another certificate with its key is shown, to clients of this authority; and who is connected is cut off."""
    certificate, key, authority = make(there)
    yield from _with_tls(there, server_context(certificate, key, authority))


@contextmanager
def speak_old_tls(there: Ward) -> Iterator[None]:
    """The engine has no version of TLS that is safe."""
    yield from _with_tls(there, faults.only_old_tls(there.good.certificate, there.good.key))


def _with_tls(there: Ward, context: object) -> Iterator[None]:
    before = there.proxy.tls
    there.proxy.tls = context  # type: ignore[assignment]
    with there.proxy.refusing():
        pass
    try:
        yield
    finally:
        there.proxy.tls = before


def expired(there: Ward) -> tuple[str, str, str]:
    """A certificate whose days are over."""
    made = there.engines.lab.authority.server("ill", "127.0.0.1", end=LONG_AGO)
    return made.certificate, made.key, there.engines.lab.authority.pem


def for_another_host(there: Ward) -> tuple[str, str, str]:
    """A good certificate, but not for this address."""
    made = there.engines.lab.authority.server("ill", "10.0.0.1")
    return made.certificate, made.key, there.engines.lab.authority.pem


def of_another_authority(there: Ward) -> tuple[str, str, str]:
    """A certificate for this address that somebody else has made."""
    made = Authority("Somebody else").server("ill", "127.0.0.1")
    return made.certificate, made.key, there.engines.lab.authority.pem


def for_clients_of_another_authority(there: Ward) -> tuple[str, str, str]:
    """The engine trusts other clients than ours."""
    return there.good.certificate, there.good.key, Authority("Somebody else").pem


@contextmanager
def frozen(there: Ward) -> Iterator[None]:
    """dockerd is stopped in its tracks."""
    there.engines.ill.freeze()
    try:
        yield
    finally:
        there.engines.ill.thaw()


@contextmanager
def unplugged(there: Ward) -> Iterator[None]:
    """Every packet to and from the engine's host is lost."""
    there.engines.ill.cut()
    try:
        yield
    finally:
        there.engines.ill.uncut()


@contextmanager
def another_key(there: Ward) -> Iterator[None]:
    """The SSH server lets somebody else's key in, and ours no longer; and who is connected is cut off."""
    with tempfile.TemporaryDirectory() as folder:
        there.server.allow(make_key(Path(folder) / "other").public)
    there.server.drop()
    try:
        yield
    finally:
        there.server.allow(there.server.key.public)


def changed(there: Ward) -> AbstractContextManager[None]:
    """Somebody else is where the SSH server was."""
    return there.server.another_key()


@contextmanager
def never_accepted(there: Ward) -> Iterator[None]:
    """No key of the SSH server was accepted."""
    with there.console.catalog.write() as books:
        before = books.engines.get(ILL)
        assert before.ssh is not None
        books.engines.save(replace(before, ssh=replace(before.ssh, host_keys=())))
    try:
        yield
    finally:
        with there.console.catalog.write() as books:
            books.engines.save(before)


def dropped(there: Ward) -> AbstractContextManager[None]:
    """All SSH connections end in the midst of a reply."""

    def drop(_exchange: Exchange) -> None:
        there.server.drop()
        raise Over

    return there.proxy.spoiling(faults.cut_after(300, drop))


@contextmanager
def server_stopped(there: Ward) -> Iterator[None]:
    """No SSH server any more."""
    there.server.stop()
    try:
        yield
    finally:
        there.server.start()


@contextmanager
def server_frozen(there: Ward) -> Iterator[None]:
    """The SSH server takes connections and answers nothing."""
    there.server.freeze()
    try:
        yield
    finally:
        there.server.thaw()


@contextmanager
def without_docker(there: Ward) -> Iterator[None]:
    """There is neither a docker command on the host nor somebody who listens at the socket."""
    there.server.configure("SetEnv PATH=/nonexistent")
    there.server.restart()
    with there.proxy.refusing():
        yield
    there.server.configure()
    there.server.restart()


NETWORK = "Check the network"
RESTARTING = "may be restarting"
STRAIGHT = "leads straight to a Docker engine"
CERTIFICATE = "Check the address, the certificate authority"
SILENCE = (FailureKind.TIMEOUT, "ill did not answer in time.", NETWORK, True)
SSH_SILENCE = (FailureKind.TIMEOUT, "The SSH server of ill did not answer in time.", NETWORK, True)
DROPPED_AGAIN = (
    # Before the server had said a word: so ends one that it turns away too.
    ("What answers at {place} for ill is no SSH server, or it turns connections away.", "try again."),
    ("The connection to the SSH server {place} of ill broke off before it showed its key.", "Check the network"),
    ("The connection to the SSH server {place} of ill broke off while 'deploy' signed in.", "Check the network"),
    ("The SSH connection to ill was lost.", "Look at it again."),
    # In between two of its steps, for which the library has no word.
    ("The connection to ill failed.", "Check the network"),
)
LOST = (FailureKind.DROPPED, "ill closed the connection before it answered.", RESTARTING)
UNTRUSTED = (FailureKind.CERTIFICATE, "The certificate that ill shows is not trusted", CERTIFICATE, False, True)
UNCLEAR = (FailureKind.INVALID_REPLY, "The reply of ill was not understood.", STRAIGHT)
BAD_GATEWAY = (FailureKind.INVALID_REPLY, "ill answered with status 502, and not as Docker does.", STRAIGHT)
BROKEN = (FailureKind.INVALID_REPLY, "ill answered with status 500, and not as Docker does.", STRAIGHT)
NO_DOCKER = FailureKind.NOT_DOCKER
REFUSED = (FailureKind.REFUSED, "Nothing accepts connections at the address of ill.", "Check that Docker runs there")
UNFIT_CLIENT = (FailureKind.SIGN_IN, "ill refused the client certificate.", "authority has issued them", False, True)

FAULTS = [
    Ill("refused", Front.PORT, refuse, *REFUSED),
    Ill("refused by a socket", Front.SOCKET, refuse, *REFUSED),
    Ill("black hole", Front.PORT, spoil(faults.silent), *SILENCE),
    Ill("black hole behind a socket", Front.SOCKET, spoil(faults.silent), *SILENCE),
    Ill("lost packets", Front.PORT, unplugged, *SILENCE),
    Ill("reset at once", Front.PORT, spoil(faults.reset_after(0)), *LOST),
    Ill("reset in mid-reply", Front.PORT, spoil(faults.reset_after(300)), *LOST),
    Ill("reset in mid-reply of a socket", Front.SOCKET, spoil(faults.reset_after(300)), *LOST),
    Ill("half-closed", Front.PORT, spoil(faults.half_closed_after(0)), *LOST),
    Ill("half-closed in mid-reply", Front.SOCKET, spoil(faults.half_closed_after(300)), *LOST),
    Ill("closed in mid-stream", Front.TLS, spoil(faults.closed_after(300)), *LOST),
    Ill("30 seconds late", Front.PORT, spoil(faults.late(30.0)), *SILENCE),
    Ill("one byte at a time by TLS", Front.PORT, spoil(faults.trickling(0.05)), *SILENCE),
    Ill("one byte at a time", Front.SOCKET, spoil(faults.trickling(0.02)), *SILENCE),
    Ill("a head without end", Front.SOCKET, spoil(faults.trickling_head(0.1)), *SILENCE),
    Ill("a chunk size without end", Front.SOCKET, spoil(faults.endless_chunk_size(0.1)), *SILENCE),
    Ill("expired", Front.TLS, partial(show, expired), *UNTRUSTED),
    Ill("wrong name", Front.TLS, partial(show, for_another_host), *UNTRUSTED),
    Ill("wrong authority", Front.TLS, partial(show, of_another_authority), *UNTRUSTED),
    Ill("client refused", Front.TLS, partial(show, for_clients_of_another_authority), *UNFIT_CLIENT),
    Ill(
        "TLS 1.0 and 1.1 alone",
        Front.TLS,
        speak_old_tls,
        FailureKind.TOO_OLD,
        "ill and this console have no version of TLS in common.",
        "Let the engine speak TLS 1.2 or newer",
        unasked=True,
    ),
    Ill("502 with HTML", Front.TLS, spoil(faults.bad_gateway()), *BAD_GATEWAY),
    Ill("500 with HTML", Front.SOCKET, spoil(faults.bad_gateway("500 Internal Server Error")), *BROKEN),
    Ill("200 with HTML", Front.SOCKET, spoil(faults.answering(faults.HTML)), *UNCLEAR, first=NO_DOCKER),
    Ill("invalid JSON", Front.SOCKET, spoil(faults.answering(b'[{"Id": }]')), *UNCLEAR, first=NO_DOCKER),
    Ill("deep JSON", Front.SOCKET, spoil(faults.answering(b"[" * 1_000_000)), *UNCLEAR, first=NO_DOCKER),
    Ill("half of the JSON", Front.SOCKET, spoil(listed(faults.truncating)), *UNCLEAR),
    Ill("another JSON", Front.SOCKET, spoil(listed(faults.rewriting(lambda _listing: {"a": 1}))), *UNCLEAR),
    Ill("200 MB", Front.SOCKET, spoil(listed(faults.flooding(200, told=True))), *UNCLEAR),
    Ill("200 MB without a length", Front.SOCKET, spoil(listed(faults.flooding(200, told=False))), *UNCLEAR),
    Ill("packed", Front.SOCKET, spoil(listed(faults.answering(b"\x1f\x8b\x08\0", Content_Encoding="gzip"))), *UNCLEAR),
    Ill(
        "redirected",
        Front.SOCKET,
        spoil(faults.answering(b"", "307 Temporary Redirect", Location="http://127.0.0.1:9/")),
        *UNCLEAR,
        first=NO_DOCKER,
    ),
    Ill("frozen", Front.PORT, frozen, *SILENCE),
    Ill("frozen behind a socket", Front.SOCKET, frozen, *SILENCE),
    Ill(
        "SSH key refused",
        Front.SSH,
        another_key,
        FailureKind.SIGN_IN,
        "The SSH server {place} of ill refused the SSH key of 'deploy'.",
        "Check the user's name, and that the SSH key is one that the server knows for this user.",
        unasked=True,
    ),
    Ill(
        "SSH host key changed",
        Front.SSH,
        changed,
        FailureKind.HOST_KEY_CHANGED,
        "The SSH server {place} of ill has another key than before: stored ssh-ed25519 SHA256:",
        "Somebody may be listening in.",
        unasked=True,
    ),
    Ill(
        "SSH host key unknown",
        Front.SSH,
        never_accepted,
        FailureKind.HOST_KEY_UNKNOWN,
        "The SSH server {place} of ill is not known yet. Its key is ssh-ed25519 SHA256:",
        "Compare the fingerprint with what stands on the server's console",
        unasked=True,
    ),
    # The request is sent again over a new connection, and that may be among those that end, at whatever it is.
    Ill("SSH dropped in mid-stream", Front.SSH, dropped, *LOST, also=DROPPED_AGAIN),
    Ill("SSH server frozen", Front.SSH, server_frozen, *SSH_SILENCE, unasked=True),
    Ill("SSH server cut off", Front.SSH, unplugged, *SSH_SILENCE, unasked=True),
    Ill(
        "SSH refused",
        Front.SSH,
        server_stopped,
        FailureKind.REFUSED,
        "Nothing accepts SSH connections at {place} for ill.",
        "Check the port, and that an SSH server runs there.",
        unasked=True,
    ),
    Ill(
        "no docker command and no socket by SSH",
        Front.SSH,
        without_docker,
        FailureKind.NOT_DOCKER,
        "There is no docker command on the host of ill.",
        "Install Docker's command line there",
        unasked=True,
        first=FailureKind.REFUSED,
    ),
    Ill(
        "no socket by SSH",
        Front.SSH,
        refuse,
        FailureKind.REFUSED,
        "Nothing listens at Docker's socket on the host of ill.",
        "Check that Docker runs there, and the path of its socket.",
        unasked=True,
    ),
    Ill("black hole behind SSH", Front.SSH, spoil(faults.silent), *SILENCE),
    Ill("reset in mid-reply behind SSH", Front.SSH, spoil(faults.reset_after(300)), *LOST),
    Ill("one byte at a time by SSH", Front.SSH, spoil(faults.trickling(0.02)), *SILENCE),
    Ill("a head without end by SSH", Front.SSH, spoil(faults.trickling_head(0.1)), *SILENCE),
    Ill("a chunk size without end by SSH", Front.SSH, spoil(faults.endless_chunk_size(0.1)), *SILENCE),
]


@pytest.fixture(scope="module")
def engines(lab: Lab) -> Iterator[Engines]:
    """All, with their containers, for all tests here: none of them changes anything there."""
    lab.start_registry()  # every engine trusts its address
    found = Engines(lab, lab.engine(LOCAL), lab.engine(FIRST_TLS), lab.engine(BY_SSH))
    for engine in found.all:
        engine.mend()
        Docker(engine).clear()
    found.put_container()
    yield found
    for engine in found.all:
        engine.mend()
        Docker(engine).clear()


@pytest.mark.parametrize("ill", FAULTS, ids=lambda ill: ill.name)
def test_it_costs_its_own_cells_and_passes(engines: Engines, ill: Ill) -> None:
    with ward(engines, ill.front) as there:
        before = there.cell(ILL)
        assert before.status is Status.ALIGNED

        asked = len(there.proxy.asked)
        with ill.begin(there):
            refreshed, kept_then = there.refresh_seen_by_the_well()
            told, well = there.cell(ILL), there.cell(WELL)
            if not ill.lasting:
                with pytest.raises(EngineError) as first:
                    there.try_out()
                assert first.value.kind is (ill.first or ill.kind)
        if ill.unasked:
            assert len(there.proxy.asked) == asked

        # The others: seen now, and kept before the ill one's time was up.
        assert (refreshed.answered, well.status) == ((WELL,), Status.ALIGNED)
        assert well.observation is not None
        assert before.observation is not None
        assert well.observation.at > before.observation.at
        if ill.lasting:
            assert kept_then.answered
        # The cell: unreachable, why, and what was known, which is still there.
        now = there.console.clock()
        assert refreshed.failed == ((ILL, ill.kind.value),)
        assert told.status is Status.UNREACHABLE
        assert cell_texts(told, now)[0] == "26.8.1"
        assert cell_texts(told, now)[1].startswith(f"{ill.kind}, ")
        assert f"Engine ill: {ill.kind}; it last answered" in verdict(told, now)
        assert f"is unreachable now (ill: {ill.kind}); last seen" in answer(told, now)
        assert "when it ran 26.8.1 (aligned" in answer(told, now)
        # The engine: what happened to what, and what to do.
        contact = told.contact
        assert contact is not None
        assert (contact.failure, contact.answered) == (ill.kind, False)
        place = f"{there.engines.ill.host}:22"
        said = [(ill.happened, ill.remedy), *ill.also]
        assert any(
            contact.words.startswith(happened.format(place=place)) and remedy in contact.words
            for happened, remedy in said
        ), contact.words
        assert before.contact is not None
        assert contact.last_answer == before.contact.at
        assert side_threads() == []

        # Over: the next refresh shows the truth, with the same console.
        assert there.refresh().failed == ()
        after = there.cell(ILL)
        assert after.status is Status.ALIGNED
        assert after.observation is not None
        assert after.observation.at > before.observation.at
        assert there.contact(ILL).words == ""


def test_lost_as_checks_are_asked_it_costs_its_own_target(engines: Engines) -> None:
    with ward(engines, Front.SOCKET) as there:
        console = there.console
        with console.catalog.write() as books:
            for environment in books.environments.some([f"{WELL}-live", f"{ILL}-live"]):
                books.environments.save(replace(environment, settings=Settings(variables={"STAGE": "live"})))
        refresh(console, there.jobs, inspect_all=True)
        made = plan(console, "live", [WELL, ILL], QUICK)
        assert {target.application_id for target in made.targets} == {ILL, WELL}
        # It answers what it is asked first, and goes when it is asked for the image.
        with there.proxy.spoiling(faults.at(r"/images/", faults.closed_after(0))):
            checked = preflight(console, there.jobs, made)
        assert {one.environment_id for one in checked.blocking} == {f"{ILL}-live"}
        assert {one.check for one in checked.blocking} == {Check.REACHABLE}
        assert not checked.blocks_all
        assert not preflight(console, there.jobs, made).blocking


# --- what is not a lack of an answer --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "most"),
    [
        (faults.flooding(200, told=True), 8),
        (faults.flooding(200, told=False), 80),
        (faults.answering(gzip.compress(bytes(200 * faults.MEGABYTE), 1), Content_Encoding="gzip"), 8),
        (faults.answering(b"[" * 8 * faults.MEGABYTE), 24),
        (faults.trickling(0.0), 8),
    ],
    ids=["a length beyond measure", "a flood", "a packed flood", "brackets without end", "byte by byte"],
)
def test_no_reply_takes_much_memory(engines: Engines, fault: Fault, most: int) -> None:
    """`most` is in megabytes, of what Python itself has taken: a body may have 64."""
    with ward(engines, Front.SOCKET, timeout=60.0) as there, there.proxy.spoiling(listed(fault)):
        tracemalloc.start()
        try:
            there.refresh()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < most * faults.MEGABYTE
        assert there.cell(WELL).status is Status.ALIGNED


def test_without_a_client_certificate_nothing_is_sent(engines: Engines) -> None:
    with ward(engines, Front.TLS) as there:
        received = there.proxy.received
        with there.console.catalog.write() as books:
            books.engines.save(replace(books.engines.get(ILL), tls=None))
        assert there.refresh().failed == ((ILL, FailureKind.NO_CREDENTIAL.value),)
        assert there.proxy.received == received
        told = there.cell(ILL)
        assert cell_texts(told, there.console.clock())[1].startswith("credential missing")
        assert "Give the authority's certificate, the client certificate and its key" in there.contact(ILL).words


def test_a_clock_that_is_off_is_told_and_makes_nothing_older_or_newer(engines: Engines) -> None:
    with ward(engines, Front.SOCKET) as there:
        with there.proxy.refusing():
            there.refresh()
        with there.proxy.spoiling(faults.clock_off(timedelta(minutes=5))):
            # What an engine says of itself is asked when it is back.
            assert there.refresh().failed == ()
            contact, cell = there.contact(ILL), there.cell(ILL)
            with there.console.catalog.read() as books:
                engine = books.engines.get(ILL)
            clock_step = list(connection_steps(there.console, engine, None))[-1]
        assert contact.facts is not None
        assert contact.facts.clock_offset == pytest.approx(300.0, abs=5.0)
        assert clock_step.words == "The engine's clock is 300 s ahead."
        assert clock_step.remedy == "Set both clocks by a time server."
        assert (cell.status, cell.knowledge) == (Status.ALIGNED, Knowledge.FRESH)
        assert "Checked 0 s ago." in verdict(cell, there.console.clock())


def test_an_ssh_server_that_was_restarted_costs_nothing(engines: Engines) -> None:
    with ward(engines, Front.SSH) as there:
        for end in (there.server.restart, there.server.drop):
            end()
            before = there.server.connections()  # whether it answers again was asked by a connection too
            assert there.refresh().failed == ()
            assert there.server.connections() == before + 1
            assert there.cell(ILL).status is Status.ALIGNED


def test_an_engine_that_was_restarted_or_killed_shows_what_became_of_its_containers(engines: Engines) -> None:
    docker = engines.lab.docker(engines.ill)
    with ward(engines, Front.PORT) as there:
        engines.ill.restart()
        assert there.refresh().failed == ()
        assert there.cell(ILL).status is Status.ALIGNED
        engines.ill.kill()
        assert there.refresh().failed == ((ILL, FailureKind.DROPPED.value),)
        engines.ill.start()
        assert there.refresh().failed == ()
        # One that was killed leaves its containers stopped, whatever their restart policy.
        assert docker.state("web-live") == "exited"
        cell = there.cell(ILL)
        assert cell.status is Status.UNHEALTHY
        assert "is unhealthy: it is stopped (exit code" in answer(cell, there.console.clock())
        docker.run("start", "web-live")
        assert there.refresh().failed == ()
        assert there.cell(ILL).status is Status.ALIGNED
