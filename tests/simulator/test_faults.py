"""An engine that misbehaves does so on the requests it was told of, as often as it was told, and then no more."""

from __future__ import annotations

import http.client
import json
import socket
import time

import pytest

from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.faults import HOSTILE, Fault
from tests.simulator.conftest import IMAGE, HandClock


def ask(engine: SimulatedEngine, path: str = "/containers/json?all=1") -> tuple[int, str, bytes]:
    """Status, kind of content and body of a reply; raises what a broken one makes http.client raise."""
    connection = http.client.HTTPConnection("engine", timeout=10.0)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10.0)
        line.connect(engine.address.removeprefix("unix://"))
        connection.sock = line
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.headers.get("Content-Type", ""), reply.read()


def test_only_what_it_was_told_of_and_only_so_often(engine: SimulatedEngine) -> None:
    engine.misbehave(Fault.ERROR_PAGE, "/containers/json", times=2)
    assert ask(engine, "/_ping")[0] == 200
    for _ in range(2):
        status, kind, body = ask(engine)
        assert (status, kind) == (500, "text/html")
        assert b"<html>" in body
    assert ask(engine)[0] == 200


def test_half_a_reply_and_none_at_all(engine: SimulatedEngine) -> None:
    whole = ask(engine)[2]
    engine.misbehave(Fault.HALF_A_REPLY, times=1)
    with pytest.raises(http.client.IncompleteRead) as broken:
        ask(engine)
    assert broken.value.partial == whole[: len(whole) // 2]
    engine.misbehave(Fault.RESET, times=1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(engine)
    assert ask(engine)[2] == whole


def test_what_comes_late_comes_at_once_when_it_behaves_again(engine: SimulatedEngine) -> None:
    engine.misbehave(Fault.LATE, seconds=0.2, times=1)
    began = time.monotonic()
    assert ask(engine)[0] == 200
    assert time.monotonic() - began >= 0.2


def test_json_that_breaks_off_and_json_without_end(engine: SimulatedEngine) -> None:
    engine.misbehave(Fault.INVALID_JSON, times=1)
    with pytest.raises(json.JSONDecodeError):
        json.loads(ask(engine)[2])
    engine.misbehave(Fault.ENDLESS, times=1)
    assert len(ask(engine)[2]) > 200 * 1024 * 1024


def test_hostile_text_stands_where_people_give_names(engine: SimulatedEngine) -> None:
    engine.run("web", IMAGE, labels={"io.mirrorconsole.env": "e1"})
    engine.misbehave(Fault.HOSTILE_TEXT)
    listed = json.loads(ask(engine)[2])
    assert [item["Names"] for item in listed] == [["/web"], [f"/{HOSTILE}"]]
    assert listed[0]["Labels"]["io.mirrorconsole.env"] == "e1"
    assert HOSTILE in listed[0]["Labels"].values()
    assert max(len(value) for value in listed[0]["Labels"].values()) == 1024 * 1024


def test_a_clock_that_is_off_shows_in_everything_that_tells_the_time(engine: SimulatedEngine, clock: HandClock) -> None:
    engine.set_clock_off(300.0)
    told = json.loads(ask(engine, "/info")[2])["SystemTime"]
    assert told.startswith("2026-09-01T12:05:00")
    assert clock().minute == 0
