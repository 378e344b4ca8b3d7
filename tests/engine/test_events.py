"""The stream of events: nothing is missed from the call on, an end is told, and nothing hostile does harm."""

from __future__ import annotations

import json
import select
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mirror_console.domain.engine import Engine, TlsReferences, parse_address
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import ToSocket
from mirror_console.engine import DockerEngines
from mirror_console.engine.events import EventStream
from mirror_console.errors import EngineError, FailureKind
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.fleet import SimulatedFleet
from mirror_console.vault import MemoryVault
from tests.engine.ssh_parts import Desk
from tests.engine.stand_in import StandIn, stand_in
from tests.lab.engine import LabEngine
from tests.lab.images import ImageSpec, load
from tests.lab.lab import Lab

PATIENCE = 20.0
IMAGE = "registry.test:5000/shop/webshop:1"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
ID = "c" * 64


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


@pytest.fixture
def engines() -> Iterator[DockerEngines]:
    opened = DockerEngines(MemoryVault(), now)
    yield opened
    opened.close()


@pytest.fixture
def simulated() -> Iterator[SimulatedEngine]:
    with tempfile.TemporaryDirectory(prefix="mc-") as folder, SimulatedFleet(Path(folder), ["alpha"], now) as fleet:
        fleet.registry.publish("shop/webshop", "1", "1", "abc", health_interval=0.0)
        fleet.engines["alpha"].pull(IMAGE, fleet.login)
        yield fleet.engines["alpha"]


@pytest.fixture
def stream(engines: DockerEngines, simulated: SimulatedEngine) -> Iterator[EventStream]:
    opened = engines.session(Engine("e1", "alpha", parse_address(simulated.address), timeout=5.0)).events()
    yield opened
    opened.close()


def heard(stream: EventStream, wanted: int = 1) -> set[str]:
    """What is heard until so many containers were told of. Waits as a selector does."""
    found: set[str] = set()
    end = time.monotonic() + PATIENCE
    while len(found) < wanted:
        assert time.monotonic() < end, f"only {len(found)} of {wanted} were heard of"
        select.select([stream], [], [], 0.1)
        found |= stream.heard()
    return found


def hears_of(stream: EventStream, container: str) -> bool:
    """Whether it tells of a container, whatever else it tells of before."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        select.select([stream], [], [], 0.1)
        if container in stream.heard():
            return True
    return False


def calm(stream: EventStream) -> None:
    """Hear out what a real engine tells of before: of all of the second in which it was asked, at first."""
    stream.heard()
    while select.select([stream], [], [], 0.3)[0]:
        stream.heard()


def ended(stream: EventStream) -> EngineError:
    """The error that tells of its end."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        select.select([stream], [], [], 0.1)
        try:
            stream.heard()
        except EngineError as error:
            return error
    raise AssertionError("it doesn't end")


# --- on the simulator -----------------------------------------------------------------------------------------------


def test_what_happens_to_containers_is_heard_and_nothing_else(stream: EventStream, simulated: SimulatedEngine) -> None:
    assert stream.heard() == frozenset()
    made = [simulated.run(f"web-{number}", IMAGE) for number in range(3)]
    assert heard(stream, 3) == set(made)
    assert stream.heard() == frozenset()
    simulated.stop_container("web-1")
    assert heard(stream) == {made[1]}


def test_a_change_before_the_engine_listens_to_itself_is_heard(
    engines: DockerEngines, simulated: SimulatedEngine
) -> None:
    """The engine's head comes before it has subscribed: it is asked for everything since a moment before."""
    session = engines.session(Engine("e1", "alpha", parse_address(simulated.address)))
    follow = simulated.state.events.follow
    made: list[str] = []

    def late(*arguments: object) -> Iterator[bytes]:
        made.append(simulated.run("web", IMAGE))
        yield from follow(*arguments)  # type: ignore[arg-type]

    simulated.state.events.follow = late  # type: ignore[method-assign, assignment]
    stream = session.events()
    try:
        assert heard(stream) == set(made)
    finally:
        stream.close()


def test_a_clock_that_is_off_loses_nothing(engines: DockerEngines, simulated: SimulatedEngine) -> None:
    for seconds in (300.0, -300.0):
        simulated.set_clock_off(seconds)
        session = engines.session(Engine("e1", "alpha", parse_address(simulated.address)))
        stream = session.events()
        made = simulated.run(f"web-{seconds < 0}", IMAGE)
        # What was made while its clock was ahead counts as new to it, too, once it is set back.
        told = hears_of(stream, made)
        stream.close()
        assert told
        assert abs(session.facts().clock_offset - seconds) < 2.0


@pytest.mark.parametrize("how", ["restart", "end_streams", "make_unreachable"])
def test_an_end_in_order_is_told_as_an_end(stream: EventStream, simulated: SimulatedEngine, how: str) -> None:
    made = simulated.run("web", IMAGE)
    assert heard(stream) == {made}
    getattr(simulated, how)()
    assert ended(stream).kind is FailureKind.DROPPED


def test_lost_events_leave_the_stream_open(stream: EventStream, simulated: SimulatedEngine) -> None:
    simulated.lose_events()
    simulated.run("web-1", IMAGE)
    time.sleep(0.2)
    assert stream.heard() == frozenset()
    simulated.lose_events(lost=False)
    made = simulated.run("web-2", IMAGE)
    assert heard(stream) == {made}


def test_an_engine_that_answers_no_stream_in_time(engines: DockerEngines, simulated: SimulatedEngine) -> None:
    session = engines.session(Engine("e1", "alpha", parse_address(simulated.address), timeout=0.3))
    simulated.pause_answers()
    with pytest.raises(EngineError) as caught:
        session.events()
    assert caught.value.kind is FailureKind.TIMEOUT
    simulated.resume_answers()
    session.events().close()


# --- bytes as a hostile or broken engine sends them -----------------------------------------------------------------


def _event(container: str = ID) -> bytes:
    return json.dumps({"Type": "container", "Action": "die", "Actor": {"ID": container}}).encode() + b"\n"


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def _says(server: StandIn, content: bytes, engines: DockerEngines) -> EventStream:
    """A stream that says this and stays open. A stand-in answers once a connection, so it closes after the ping."""
    server.answers.append(HEAD + content)
    return engines.session(server.engine).events()


def test_an_event_in_pieces_is_put_together(engines: DockerEngines) -> None:
    with stand_in() as server:
        whole = _event()
        stream = _says(server, b"".join(_chunk(whole[at : at + 7]) for at in range(0, len(whole), 7)), engines)
        assert heard(stream) == {ID}
        assert ended(stream).kind is FailureKind.DROPPED
        assert b"%22type%22%3A%5B%22container%22%2C%22service%22%5D" in server.asked[0]
        stream.close()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"0\r\n\r\n", FailureKind.DROPPED),
        (b"zz\r\n", FailureKind.INVALID_REPLY),
        (b"fffffffffff\r\n", FailureKind.INVALID_REPLY),
        (_chunk(b"<html>\n"), FailureKind.INVALID_REPLY),
        (_chunk(b"x" * 3_000_000), FailureKind.INVALID_REPLY),
        (b"f" * 3_000_000, FailureKind.INVALID_REPLY),
        (_chunk(_event("../" + ID)), FailureKind.DROPPED),
        (_chunk(b"\n\n"), FailureKind.DROPPED),
    ],
)
def test_what_is_no_stream_ends_it(engines: DockerEngines, content: bytes, kind: FailureKind) -> None:
    with stand_in() as server:
        stream = _says(server, content, engines)
        assert ended(stream).kind is kind
        stream.close()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", FailureKind.DROPPED),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n", FailureKind.INVALID_REPLY),
        (b"HTTP/1.1 500 No\r\nContent-Type: text/html\r\n\r\n<html>", FailureKind.INVALID_REPLY),
        (b'HTTP/1.1 403 No\r\n\r\n{"message": "not for you"}', FailureKind.PERMISSION),
        (b"HTTP/1.1 204 Nothing\r\n\r\n", FailureKind.INVALID_REPLY),
        (b"X: y\r\n" * 20_000, FailureKind.INVALID_REPLY),
    ],
)
def test_a_stream_that_is_refused(engines: DockerEngines, answer: bytes, kind: FailureKind) -> None:
    with stand_in() as server:
        server.answers.append(answer)
        session = engines.session(server.engine)
        with pytest.raises(EngineError) as caught:
            session.events()
        assert caught.value.kind is kind


# --- by TLS, on a real engine ---------------------------------------------------------------------------------------


def test_real_engines_tell_by_socket_and_by_tls(engines: DockerEngines, lab: Lab, tls_engine: LabEngine) -> None:
    docker = lab.docker(tls_engine)
    image = load(docker, ImageSpec("events.test/web", "1", probe=1.0))
    parts = {"ca": tls_engine.client.ca, "certificate": tls_engine.client.certificate, "key": tls_engine.client.key}
    references = TlsReferences(*(SecretReference(f"engine/e1/{part}") for part in parts))
    secrets = {f"engine/e1/{part}": Secret(text) for part, text in parts.items()}
    by_tls = engines.try_out(Engine("e1", "paris", parse_address(tls_engine.tls_url), tls=references), secrets)
    by_socket = engines.session(Engine("e2", "paris", parse_address(tls_engine.unix_url)))
    streams = [by_tls.events(), by_socket.events()]
    try:
        for stream in streams:
            calm(stream)
        one = docker.start_container(image, "web")
        assert [heard(stream) for stream in streams] == [{one}, {one}]
        docker.run("update", "--memory", "32m", "--memory-swap", "32m", "web")
        docker.run("exec", "web", "true")
        assert heard(streams[0]) == {one}
        tls_engine.restart()
        assert {ended(stream).kind for stream in streams} == {FailureKind.DROPPED}
    finally:
        for stream in streams:
            stream.close()


@pytest.mark.parametrize("to_socket", list(ToSocket))
def test_a_real_engine_tells_by_ssh(lab: Lab, ssh_engine: LabEngine, tmp_path: Path, to_socket: ToSocket) -> None:
    docker = lab.docker(ssh_engine)
    image = load(docker, ImageSpec("events.test/web", "1"))
    desk = Desk(ssh_engine, tmp_path)
    try:
        stream = desk.engines.session(desk.engine(to_socket=to_socket)).events()
        calm(stream)
        one = docker.start_container(image, "web")
        assert heard(stream) == {one}
        docker.run("exec", "web", "true")
        docker.remove("web")
        assert heard(stream) == {one}
        desk.server.stop()
        assert ended(stream).kind is FailureKind.DROPPED
        stream.close()
    finally:
        desk.engines.close()
        desk.server.start()


def test_a_stream_is_closed_from_another_thread(engines: DockerEngines, simulated: SimulatedEngine) -> None:
    stream = engines.session(Engine("e1", "alpha", parse_address(simulated.address))).events()
    closing = threading.Timer(0.1, stream.close)
    closing.start()
    closing.join()
    with pytest.raises(EngineError):
        stream.heard()
