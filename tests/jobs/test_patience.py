"""Calls that may never come back are given up, and what hangs refuses the next ones at once."""

from __future__ import annotations

import threading
import time

import pytest

from mirror_console.jobs import Patience


def test_what_comes_back_is_given_and_what_it_raises_is_raised() -> None:
    patience = Patience()
    assert patience(lambda: 7, 5) == 7
    with pytest.raises(ZeroDivisionError):
        patience(lambda: 1 // 0, 5)


def test_what_hangs_is_given_up_and_the_next_one_does_not_wait() -> None:
    patience, go_on = Patience(), threading.Event()
    try:
        with pytest.raises(TimeoutError, match="within"):
            patience(go_on.wait, 0.05)
        began = time.monotonic()
        with pytest.raises(TimeoutError, match="earlier call"):
            patience(lambda: 7, 60)
        assert time.monotonic() - began < 5
    finally:
        go_on.set()
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            assert patience(lambda: 7, 5) == 7
            return
        except TimeoutError:
            time.sleep(0.01)
    raise AssertionError("it never answers again")
