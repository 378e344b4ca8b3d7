"""The lock of a catalog: one holder, named to everybody else, gone with its program."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mirror_console.errors import CatalogError, NotAllowed
from mirror_console.store import CatalogLock, Holder

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 8, 30, 14, 21, tzinfo=UTC)


def lock(place: Path, person: str = "operator") -> CatalogLock:
    return CatalogLock(place, person=person, machine="desk-7", run=f"{person}'s run", clock=lambda: NOW)


def test_one_holds_it_and_the_other_is_told_who(place: Path) -> None:
    first, second = lock(place), lock(place, "another")
    assert first.holder() is None
    first.acquire("window")
    first.acquire("window")
    held = Holder("window", "operator", "desk-7", os.getpid(), "operator's run", NOW)
    assert second.holder() == first.holder() == held
    words = rf"a window of operator on desk-7 \(process {os.getpid()}, since 30 Aug 2026 14:21 UTC\)"
    with pytest.raises(NotAllowed, match=words):
        second.acquire("command")
    first.release()
    first.release()
    assert second.holder() is None
    second.acquire("command")
    assert first.holder() == Holder("command", "another", "desk-7", os.getpid(), "another's run", NOW)
    second.release()


def test_its_file_is_for_its_owner_alone(place: Path) -> None:
    mine = lock(place)
    mine.acquire("window")
    file = place.with_name("catalog.sqlite.lock")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    mine.release()


def test_looking_who_holds_it_never_keeps_anybody_out(place: Path) -> None:
    mine, others = lock(place), [lock(place) for _ in range(20)]
    for _ in range(50):
        mine.acquire("window")
        assert all(other.holder() is not None for other in others)
        mine.release()
        assert all(other.holder() is None for other in others)


def test_a_killed_holder_leaves_it_free(place: Path) -> None:
    code = f"""
import datetime, pathlib, sys
from mirror_console.store import CatalogLock
now = datetime.datetime(2026, 8, 30, 9, 0, tzinfo=datetime.UTC)
lock = CatalogLock(pathlib.Path({str(place)!r}), person="Eve", machine="desk-8", run="1", clock=lambda: now)
lock.acquire("command")
print("held", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "held\n"
        mine = lock(place)
        with pytest.raises(NotAllowed, match=rf"a command of Eve on desk-8 \(process {program.pid}, since"):
            mine.acquire("window")
        program.send_signal(signal.SIGKILL)
        program.wait(timeout=10)
    assert mine.holder() is None
    mine.acquire("window")
    mine.release()


def test_a_holder_that_can_not_be_read_is_still_a_holder(place: Path) -> None:
    mine = lock(place)
    mine.acquire("window")
    place.with_name("catalog.sqlite.lock").write_bytes(b"\xff{not json")
    with pytest.raises(NotAllowed, match="has not said which"):
        lock(place).acquire("window")
    mine.release()


def test_a_lock_that_can_not_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CatalogError, match="not a folder"):
        lock(tmp_path / "file" / "catalog.sqlite").acquire("window")
    (tmp_path / "catalog.sqlite.lock").symlink_to(tmp_path / "file")
    with pytest.raises(CatalogError, match="can't be reached"):
        lock(tmp_path / "catalog.sqlite").acquire("window")
