"""Pulls and output of containers, read from streams."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from mirror_console.domain.request import PullProgress
from mirror_console.engine import streams
from mirror_console.engine.failures import Oversized, Refusal, in_our_words
from mirror_console.errors import EngineError, FailureKind
from tests.engine.recorded import ENGINES, recorded

every_engine = pytest.mark.parametrize("engine", ENGINES)


def _read(body: bytes) -> list[PullProgress]:
    pull = streams.Pull()
    return [pull.read(line) for line in streams.lines([body])]


@every_engine
def test_a_pull_to_its_end(engine: str) -> None:
    progress = _read(recorded(engine, "pull-tag-of-index").body)
    assert progress[0].words == "Pulling from shop/app14172 live"
    assert progress[-1].words.startswith("Status: Downloaded newer image")
    assert progress[-1].done == progress[-1].total
    assert [step.done for step in progress] == sorted(step.done for step in progress)


def test_the_progress_of_all_layers_is_added_up() -> None:
    last = _read(recorded("20.10-classic/v1.41", "pull-tag-of-index").body)[-1]
    assert last.total == 1064343 + 3391 + 112


@every_engine
def test_an_image_that_is_there_already(engine: str) -> None:
    assert "up to date" in _read(recorded(engine, "pull-up-to-date").body)[-1].words


@every_engine
def test_a_platform_that_is_missing_fails_wherever_it_is_said(engine: str) -> None:
    reply = recorded(engine, "pull-wrong-platform")

    def pull() -> None:
        if reply.status >= 400:
            raise Refusal(reply.status, reply.message)
        _read(reply.body)

    with pytest.raises(EngineError) as caught, in_our_words("fra-1", "pull", registry=True):
        pull()
    assert caught.value.kind is FailureKind.PLATFORM


@pytest.mark.parametrize("line", [{"errorDetail": {"message": "boom"}}, {"error": "boom"}, {"errorDetail": {}}])
def test_any_sign_of_an_error_is_one(line: dict[str, object]) -> None:
    with pytest.raises(Refusal):
        _read(json.dumps(line).encode())


def test_figures_that_lie_do_no_harm() -> None:
    body = b"".join(
        json.dumps({"id": name, "status": "Downloading", "progressDetail": detail}).encode() + b"\n"
        for name, detail in [
            ("a", {"current": -5, "total": 10}),
            ("a", {"current": 50, "total": 10}),
            ("b", {"current": 5, "total": 0}),
            ("c", {"current": 5, "total": -1}),
        ]
    )
    assert [(step.done, step.total) for step in _read(body)] == [(0, 10), (10, 10), (10, 10), (10, 10)]


def test_lines_come_whole_however_they_were_cut() -> None:
    pieces = [b'{"a"', b":1}\r\n\r\n{", b'"b":2}', b"\n", b'{"c":3}']
    assert list(streams.lines(pieces)) == [b'{"a":1}', b'{"b":2}', b'{"c":3}']


def test_a_line_without_end_is_given_up() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 65536

    with pytest.raises(Oversized):
        list(streams.lines(endless()))
    assert read * 65536 <= streams.LONGEST_LINE + 65536


def test_layers_with_names_without_end_are_not_kept() -> None:
    line = {"status": "Downloading", "id": "x" * 100_000, "progressDetail": {"current": 1, "total": 10}}
    (step,) = _read(json.dumps(line).encode())
    assert (step.words, step.new_layers) == ("Downloading", 0)


def test_of_much_output_the_end_is_looked_at() -> None:
    assert streams.output(b"\n" * 20_000_000 + b"one\ntwo\n", terminal=True, last=2) == ["one", "two"]


def test_output_of_a_container_with_and_without_a_terminal() -> None:
    framed = b"\x01\0\0\0\0\0\0\x06one\r\nt" + b"\x02\0\0\0\0\0\0\x09wo\n\x1b[1m3\n" + b"\x01\0\0\0\0\0\xff\xffcut"
    assert streams.output(framed, terminal=False) == ["one", "two", "3", "cut"]
    assert streams.output(b"one\r\n\xff\x00two", terminal=True) == ["one", "\ufffdtwo"]


@every_engine
@pytest.mark.parametrize("case", ["pull-tag-of-index", "pull-tag-moved", "pull-platform-manifest-digest"])
def test_the_share_of_a_pull_never_goes_back(engine: str, case: str) -> None:
    progress = _read(recorded(engine, case).body)
    shares = [step.share for step in progress]
    assert shares == sorted(shares)
    assert [step.came for step in progress] == sorted(step.came for step in progress)
    assert 0 <= min(shares) <= max(shares) <= 1


def test_layers_that_are_there_count_for_nothing_and_those_to_come_are_estimated() -> None:
    lines = [
        {"id": "a", "status": "Already exists"},
        {"id": "b", "status": "Pulling fs layer"},
        {"id": "c", "status": "Pulling fs layer"},
        {"id": "c", "status": "Waiting"},
        {"id": "b", "status": "Downloading", "progressDetail": {"current": 50, "total": 100}},
        {"id": "b", "status": "Download complete"},
        {"id": "b", "status": "Extracting", "progressDetail": {"current": 100, "total": 100}},
        {"id": "c", "status": "Downloading", "progressDetail": {"current": 0, "total": 300}},
        {"id": "c", "status": "Retrying in 5 seconds"},
        {"id": "c", "status": "Retrying in 4 seconds"},
        {"id": "c", "status": "Downloading", "progressDetail": {"current": 150, "total": 300}},
        {"id": "c", "status": "Download complete"},
        {"id": "b", "status": "Pull complete"},
        {"id": "c", "status": "Pull complete"},
    ]
    progress = _read(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    assert [round(step.share, 3) for step in progress] == [0, 0, 0, 0, 0.25, *[0.5] * 5, 0.625, 1, 1, 1]
    assert [step.new_layers for step in progress] == [0, 1, *[2] * 12]
    assert [step.unpacking for step in progress] == [False] * 11 + [True] * 3
    # That the engine tries again by itself is no sign that something came.
    assert [step.came for step in progress] == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 9, 10, 11, 12]
