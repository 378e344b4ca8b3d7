"""One SSH connection for all requests: how many there are, how they are lost, and how they come back by themselves."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import paramiko
import pytest

from mirror_console.domain.request import RegistryLogin
from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import SshError, ToSocket
from mirror_console.engine import ssh_wire
from mirror_console.errors import EngineError, FailureKind
from tests.engine.ssh_parts import Desk, answers, at_once, until
from tests.lab.engine import LabEngine
from tests.lab.images import ImageSpec
from tests.lab.lab import Lab
from tests.lab.publish import pushed

ROOT = Path(__file__).parents[2]


@pytest.fixture
def desk(ssh_engine: LabEngine, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(ssh_engine, tmp_path, timeout=3.0)
    yield made
    made.engines.close()


NUMBERS = itertools.count(1)
TRIES = 5


@pytest.fixture
def published(desk: Desk, lab: Lab) -> str:
    """An image that the registry has and the engine hasn't: a new one each time, and large enough to be on its way."""
    version = f"26.8.{next(NUMBERS)}"
    pushed(lab, ImageSpec("shop/by-ssh", version, payload=8_000_000))
    return f"{lab.registry.address}/shop/by-ssh:{version}"


@pytest.fixture
def login(lab: Lab) -> RegistryLogin:
    return RegistryLogin(lab.registry.address, lab.registry.user, Secret(lab.registry.password))


# --- how many -----------------------------------------------------------------------------------------------------


def test_a_hundred_calls_at_once_are_one_connection(desk: Desk) -> None:
    engine = desk.engine()
    before = desk.server.connections()
    at_once(lambda: desk.engines.session(engine).list_containers(), 100)
    assert desk.server.connections() == before + 1
    assert len(desk.server.commands("docker system dial-stdio")) <= 16, "a shell and a command for each of eight"


def test_replies_that_last_have_a_connection_of_their_own(desk: Desk, published: str, login: RegistryLogin) -> None:
    session = desk.engines.session(desk.engine())
    before = desk.server.connections()
    session.pull(published, login, lambda _progress: None, lambda: False)
    assert session.image(published) is not None
    assert desk.server.connections() == before + 1


def test_a_server_that_allows_fewer_sessions_is_met(desk: Desk) -> None:
    desk.server.configure("MaxSessions 3")
    desk.server.restart()
    before = desk.server.said("no more sessions")
    engine = desk.engine()
    at_once(lambda: desk.engines.session(engine).list_containers(), 60, threads=16)
    assert desk.server.said("no more sessions") > before, "the limit was really met"


def test_a_server_that_allows_no_session_at_all(desk: Desk) -> None:
    desk.server.configure("MaxSessions 0")
    desk.server.restart()
    error = desk.refusal(desk.engine())
    assert error.kind is FailureKind.TOO_MANY
    assert "allows no more sessions" in error.title
    assert desk.engines.session(desk.engine(to_socket=ToSocket.SOCKET)).list_containers() == []


def test_nothing_is_left_on_the_host_when_it_is_closed(desk: Desk) -> None:
    engine = desk.engine()
    at_once(lambda: desk.engines.session(engine).list_containers(), 20)
    assert desk.server.commands("dial-stdio")
    desk.engines.close()
    until(lambda: desk.server.commands("dial-stdio") == [], "the commands end")


_CONSOLE = """
import pathlib, sys, time
from tests.engine.ssh_parts import Desk
from tests.lab.lab import Lab
lab = Lab.attach(pathlib.Path(sys.argv[1]))
desk = Desk(lab.engine(sys.argv[2]), pathlib.Path(sys.argv[3]))
desk.engines.session(desk.engine()).list_containers()
print("ready", flush=True)
time.sleep(60)
"""


def test_nothing_is_left_on_the_host_when_the_console_is_killed(desk: Desk, lab: Lab, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _CONSOLE, str(lab.folder), desk.lab.name, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as console:
        assert console.stdout is not None
        assert console.stdout.readline() == "ready\n"
        assert desk.server.commands("dial-stdio")
        os.kill(console.pid, signal.SIGKILL)
    until(lambda: desk.server.commands("dial-stdio") == [], "the commands end")


# --- how it is lost, and comes back --------------------------------------------------------------------------------


def test_a_connection_that_was_dropped_is_made_anew_by_the_next_request(desk: Desk) -> None:
    session = desk.engines.session(desk.engine())
    for _ in range(3):
        assert session.list_containers() == []
        desk.server.drop()
    at_once(session.list_containers, 20, threads=8)


def test_a_connection_that_is_lost_as_a_channel_is_opened_is_made_anew_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = desk.engines.session(desk.engine())
    assert session.list_containers() == []
    opens = ssh_wire.LineTransport.open_session
    lost: list[ssh_wire.LineTransport] = []

    def lose(transport: ssh_wire.LineTransport, **how: Any) -> paramiko.Channel:
        if not lost:
            lost.append(transport)
            raise EOFError
        return opens(transport, **how)

    monkeypatch.setattr(ssh_wire.LineTransport, "open_session", lose)
    desk.server.drop()
    assert session.list_containers() == []
    assert len(lost) == 1
    assert not lost[0].is_active()


def test_a_server_that_is_killed_and_started_again(desk: Desk) -> None:
    session = desk.engines.session(desk.engine())
    desk.server.stop()
    with pytest.raises(EngineError) as caught:
        session.list_containers()
    assert caught.value.kind is FailureKind.REFUSED
    assert "Nothing accepts SSH connections" in caught.value.title
    desk.server.start()
    at_once(session.list_containers, 20, threads=8)


def test_whoever_waits_for_a_connection_meets_the_same_failure(desk: Desk) -> None:
    session = desk.engines.session(desk.engine())
    desk.server.freeze()
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: answers(session), range(8))) == [False] * 8
    assert time.monotonic() - began < 3 * desk.timeout, "eight don't wait eight times"
    desk.server.thaw()
    until(lambda: answers(session), "it answers again")


def test_dropped_in_mid_stream(desk: Desk, lab: Lab, published: str, login: RegistryLogin) -> None:
    """On a busy machine all of it may have come before the first progress is looked at: then it is pulled once more."""
    session = desk.engines.session(desk.engine())
    dropped: list[EngineError] = []
    for _ in range(TRIES):
        try:
            session.pull(published, login, lambda _progress: desk.server.drop(), lambda: False)
        except EngineError as error:
            dropped.append(error)
            break
        assert lab.docker(desk.lab).image(published) is not None, "it was dropped, and told as brought"
        lab.docker(desk.lab).forget_image(published)
    assert [error.kind for error in dropped] == [FailureKind.DROPPED]
    assert session.list_containers() == []
    session.pull(published, login, lambda _progress: None, lambda: False)


@pytest.mark.slow
def test_a_cable_that_is_pulled_costs_the_timeout_and_what_comes_after_works(desk: Desk) -> None:
    session = desk.engines.session(desk.engine())
    desk.lab.cut()
    began = time.monotonic()
    with pytest.raises(EngineError) as caught:
        session.list_containers()
    assert caught.value.kind is FailureKind.TIMEOUT
    assert time.monotonic() - began < 2 * desk.timeout
    assert not answers(session)
    # The connection of before was in doubt and given up: nothing waits until TCP has sent all of it again.
    desk.lab.uncut()
    assert answers(session)
    at_once(session.list_containers, 20, threads=8)


@pytest.mark.slow
def test_after_a_sleep_a_connection_that_is_gone_is_noticed_before_it_is_used(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing answers on the old connection, and nothing refuses: as after hours behind a router that forgot it."""
    session = desk.engines.session(desk.engine())
    before = desk.server.connections()
    desk.server.freeze(server=False)
    monkeypatch.setattr(ssh_wire, "SILENCE_SECONDS", 0.2)
    time.sleep(0.3)
    assert session.list_containers() == [], "not even the first request fails"
    assert desk.server.connections() == before + 1


def test_a_connection_that_was_only_silent_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    session = desk.engines.session(desk.engine())
    before = desk.server.connections()
    monkeypatch.setattr(ssh_wire, "SILENCE_SECONDS", 0.2)
    time.sleep(0.3)
    assert session.list_containers() == []
    assert desk.server.connections() == before


@pytest.mark.slow
def test_a_server_that_is_frozen_costs_the_timeout(desk: Desk) -> None:
    desk.server.freeze()
    began = time.monotonic()
    error = desk.refusal(desk.engine())
    assert isinstance(error, SshError)
    assert error.kind is FailureKind.TIMEOUT
    assert time.monotonic() - began < 2 * desk.timeout
    desk.server.thaw()
    assert desk.engines.session(desk.engine()).list_containers() == []


@pytest.mark.slow
def test_an_engine_that_restarts_behind_its_ssh_server(desk: Desk) -> None:
    session = desk.engines.session(desk.engine())
    desk.lab.kill()
    with pytest.raises(EngineError) as caught:
        session.list_containers()
    assert caught.value.kind is FailureKind.REFUSED
    desk.lab.start()
    assert session.list_containers() == []
