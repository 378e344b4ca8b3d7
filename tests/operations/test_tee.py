"""One stream for several takers: all get all of it, in bounded memory, and none has to wait for one who hangs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mirror_console.operations.tee import Tee

PIECES = [bytes([number % 256]) * 1000 for number in range(200)]
ROOM = 10_000


def _tee(takers: str, patience: float = 30.0, monotonic: Callable[[], float] = time.monotonic) -> Tee[str]:
    return Tee(takers, ROOM, patience, monotonic)


def _put_all(tee: Tee[str], let_go: Callable[[str], None] = lambda _: None) -> int:
    """Returns how many were put in before nobody took any more."""
    for number, piece in enumerate(PIECES):
        if not tee.put(piece, let_go):
            return number
    tee.end()
    return len(PIECES)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Room for a reader and its takers."""
    with ThreadPoolExecutor(6) as pool:
        yield pool


def test_everybody_gets_everything_at_their_own_pace(threads: ThreadPoolExecutor) -> None:
    tee = _tee("abc")

    def take(taker: str, pause: float) -> list[bytes]:
        got = []
        for piece in tee.take(taker):
            got.append(piece)
            time.sleep(pause)
        return got

    taken = {taker: threads.submit(take, taker, pause) for taker, pause in (("a", 0), ("b", 0.0005), ("c", 0.001))}
    assert threads.submit(_put_all, tee).result(20.0) == len(PIECES)
    for taker, future in taken.items():
        assert future.result(20.0) == PIECES
        assert tee.whole(taker)


def test_no_more_is_held_than_there_is_room_for(threads: ThreadPoolExecutor) -> None:
    tee, put = _tee("ab"), list[bytes]()

    def put_all() -> None:
        for piece in PIECES:
            assert tee.put(piece, lambda _: None)
            put.append(piece)

    reading = threads.submit(put_all)
    ahead = tee.take("a")
    got = [next(ahead) for _ in range(ROOM // 1000)]
    time.sleep(0.1)
    # Nobody has anything for `b`, so nothing more is read, though `a` would take it.
    assert len(got) <= len(put) <= ROOM // 1000 + 1
    tee.leave("b")
    assert list(zip(ahead, PIECES[len(got) : 150], strict=False))
    tee.leave("a")
    assert reading.exception(20.0) is not None


def test_who_hangs_is_told_off_and_the_others_go_on(threads: ThreadPoolExecutor) -> None:
    tee, let_go = _tee("ab", patience=0.2), list[str]()
    hanging = tee.take("b")
    next_of_b = threads.submit(next, hanging)
    reading = threads.submit(_put_all, tee, let_go.append)
    assert next_of_b.result(20.0) == PIECES[0]
    assert list(tee.take("a")) == PIECES
    assert reading.result(20.0) == len(PIECES)
    assert let_go == ["b"]
    assert tee.was_told_off("b")
    assert not tee.was_told_off("a")
    assert tee.whole("a")
    assert list(hanging) == []
    assert not tee.whole("b")


def test_one_alone_may_take_its_time(threads: ThreadPoolExecutor) -> None:
    tee = _tee("a", patience=0.05)
    reading = threads.submit(_put_all, tee)
    taking = tee.take("a")
    got = [next(taking)]
    time.sleep(0.3)
    got += taking
    assert got == PIECES
    assert reading.result(20.0) == len(PIECES)
    assert not tee.was_told_off("a")


def test_where_all_hang_alike_nobody_is_to_blame(threads: ThreadPoolExecutor) -> None:
    now = [100.0]
    tee = _tee("ab", patience=30.0, monotonic=lambda: now[0])
    reading = threads.submit(_put_all, tee)
    both = [tee.take("a"), tee.take("b")]
    got = [[next(taking)] for taking in both]
    now[0] += 300.0
    assert not tee.was_told_off("a")
    first = threads.submit(list, both[0])
    # The one that goes on first has waited for the other only since then.
    time.sleep(0.2)
    assert not tee.was_told_off("b")
    second = threads.submit(list, both[1])
    assert [got[0] + first.result(20.0), got[1] + second.result(20.0)] == [PIECES, PIECES]
    assert reading.result(20.0) == len(PIECES)


def test_nobody_waits_for_the_sake_of_one_who_left(threads: ThreadPoolExecutor) -> None:
    now = [100.0]
    tee = _tee("abc", patience=30.0, monotonic=lambda: now[0])
    reading = threads.submit(_put_all, tee)
    rest = {taker: tee.take(taker) for taker in "abc"}
    assert [next(taking) for taking in rest.values()] == [PIECES[0]] * 3
    waiting = threads.submit(list, rest["a"])
    time.sleep(0.1)
    tee.leave("a")
    waiting.result(20.0)
    now[0] += 300.0
    first = threads.submit(list, rest["b"])
    time.sleep(0.2)
    assert not tee.was_told_off("c")
    second = threads.submit(list, rest["c"])
    assert [first.result(20.0), second.result(20.0)] == [PIECES[1:], PIECES[1:]]
    assert reading.result(20.0) == len(PIECES)


@pytest.mark.parametrize("ended", ["broken off", "left by all"])
def test_when_it_is_over_early_nobody_waits_on(threads: ThreadPoolExecutor, ended: str) -> None:
    tee = _tee("ab")
    reading = threads.submit(_put_all, tee)
    waiting = [threads.submit(list, tee.take(taker)) for taker in "ab"]
    if ended == "broken off":
        tee.break_off()
    else:
        tee.leave("a")
        tee.leave("b")
    assert reading.result(20.0) < len(PIECES)
    for future in waiting:
        future.result(20.0)
