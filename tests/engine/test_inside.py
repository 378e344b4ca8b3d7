"""A command in a container, asked of what isn't as it should be: it has its time, and no more is held than asked."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable

import pytest

from mirror_console.domain.request import Ran
from mirror_console.engine import DockerEngines
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.vault import MemoryVault
from tests.contract.stage import now
from tests.engine.stand_in import StandIn, reply, stand_in

CONTAINER, EXECUTION = "c" * 64, "e" * 64
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
PREPARED = reply(json.dumps({"Id": EXECUTION}).encode(), "201 Created")


def frame(content: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


def seen(*, running: bool, code: int | None) -> bytes:
    return reply(json.dumps({"ID": EXECUTION, "Running": running, "ExitCode": code}).encode())


def ran(server: StandIn, limit: float = 0.4) -> Ran:
    engines = DockerEngines(MemoryVault(), now)
    session: EngineSession = engines.session(server.engine)
    try:
        return session.run_inside(CONTAINER, ("pg_isready", "-t", "3"), 1000, limit)
    finally:
        engines.close()


def test_how_it_ended_is_known_a_moment_after_its_output_ended() -> None:
    with stand_in() as server:
        looks = [seen(running=True, code=None), seen(running=True, code=None), seen(running=False, code=2)]
        server.answers = [PREPARED, STREAM + frame(b"no ") + frame(b"response\n", 2), *looks]
        assert ran(server) == Ran(2, "no response\n")
        create, start, *_ = server.asked
    assert create.startswith(f"POST /v1.41/containers/{CONTAINER}/exec ".encode())
    assert start.startswith(f"POST /v1.41/exec/{EXECUTION}/start ".encode())
    assert json.loads(start.partition(b"\r\n\r\n")[2]) == {"Detach": False, "Tty": False}


def silent(connection: socket.socket) -> None:
    connection.sendall(STREAM)
    connection.recv(1)


def without_a_word(connection: socket.socket) -> None:
    connection.recv(1)


def with_empty_frames(connection: socket.socket) -> None:
    connection.sendall(STREAM)
    while True:
        connection.sendall(frame(b""))
        time.sleep(0.01)


def with_all_it_has(connection: socket.socket) -> None:
    connection.sendall(STREAM)
    while True:
        connection.sendall(frame(b"x" * 60_000))


@pytest.mark.parametrize("answer", [silent, without_a_word, with_empty_frames, with_all_it_has])
def test_one_that_does_not_end_is_left_behind_when_its_time_is_over(answer: Callable[[socket.socket], None]) -> None:
    with stand_in() as server:
        server.answers = [PREPARED, answer, seen(running=True, code=None)]
        began = time.monotonic()
        told = ran(server)
        took = time.monotonic() - began
    assert (told.exit_code, told.in_time) == (None, False)
    assert len(told.written) <= 1000
    assert 0.4 <= took < 2.0


def test_one_that_ended_while_something_else_holds_its_output_has_ended() -> None:
    with stand_in() as server:
        server.answers = [PREPARED, silent, seen(running=False, code=0)]
        assert ran(server) == Ran(0, "")


def test_one_that_the_engine_could_not_start_has_no_code() -> None:
    with stand_in() as server:
        words = b"cannot exec in a stopped state\r\n"
        server.answers = [PREPARED, STREAM + frame(words), seen(running=False, code=None)]
        assert ran(server) == Ran(None, words.decode())


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([reply(b'{"message":"Container c is paused"}', "409 Conflict")], FailureKind.CONFLICT),
        ([reply(b"<html>403</html>", "403 Forbidden")], FailureKind.INVALID_REPLY),
        ([reply(b'{"Id":"../../images"}', "201 Created")], FailureKind.INVALID_REPLY),
        ([PREPARED, reply(b'{"message":"no"}', "404 Not Found")], FailureKind.NOT_FOUND),
        ([PREPARED, b"220 smtp.example\r\n\r\n"], FailureKind.INVALID_REPLY),
        ([PREPARED, STREAM, reply(b'{"Running":"perhaps"}')], FailureKind.INVALID_REPLY),
        ([PREPARED, STREAM, reply(b'{"message":"no such exec"}', "404 Not Found")], FailureKind.NOT_FOUND),
    ],
)
def test_what_is_refused_or_makes_no_sense_is_told(answers: list[bytes], kind: FailureKind) -> None:
    with stand_in() as server:
        server.answers = [*answers]
        with pytest.raises(EngineError) as refused:
            ran(server)
    assert refused.value.kind is kind
