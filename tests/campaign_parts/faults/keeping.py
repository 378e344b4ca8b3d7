"""Faults of what the console keeps: its catalog locked, on a full disk, read-only; and of its clock."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from tests.campaign_parts import asked
from tests.campaign_parts.checker import Violation
from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.faults.engine import PLACES
from tests.campaign_parts.making import played
from tests.campaign_parts.play import Play, Point, Role, go_on, is_stopped, kill
from tests.campaign_parts.world import HOST, World

ROLE = Role(kept=True)
CLOCK = (3600.0, -3600.0, 315_360_000.0, -315_360_000.0)
ERRORS = (errno.EROFS, errno.EIO, errno.ENOSPC)
DISK = "256m"
"""With less than this a rollout isn't begun, or only by a person who is asked."""
PIECES = (b"\0" * 1048576, b"\0" * 4096)


def locked(world: World, point: Point) -> Outcome:
    """Another program holds the file for writing: for a moment, or for longer than the console waits."""
    with _at(world, point, "catalog locked") as play, play.start(stop_at=_place(point)) as command:
        if is_stopped(command):
            with closing(sqlite3.connect(play.program.catalog, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                go_on(command)
                time.sleep(play.dice.choice((0.5, 2.0, 7.0)))
                other.execute("ROLLBACK")
        play.ended(command)
        play.note_cut_off()
        return outcome(play, play.recover())


def full(world: World, point: Point) -> Outcome:
    """Its disk is full from a boundary on: what can't be written down may not be done."""
    with _at(world, point, "catalog's disk full") as play, _small(play.program.home):
        filler = play.program.home / "filler"
        with play.start(stop_at=_place(point)) as command:
            if is_stopped(command):
                _fill(filler)
                go_on(command)
            play.ended(command)
        play.note_full()
        filler.unlink(missing_ok=True)
        told = play.recover()
        assert told != "not started", play.said
        return outcome(play, told)


def read_only(world: World, point: Point) -> Outcome:
    """Killed; then nothing of its folder can be written: recovering changes nothing on the engine, and says why."""
    with _at(world, point, "catalog read-only") as play:
        with play.start(stop_at=_place(point)) as command:
            if is_stopped(command):
                kill(command)
            play.ended(command)
        before = asked.picture(play.case.engine, play.scene.container)
        with _mounted(play.program.home, "--bind"):
            _run("mount", "-o", "remount,bind,ro", str(play.program.home))
            for choice in ("put-back", "continue"):
                with play.running("recover", choice) as command:
                    play.ended(command)
        if asked.differ(before, asked.picture(play.case.engine, play.scene.container)):
            play.wrong.append(Violation("what can't be written down isn't done", "it was recovered on the engine"))
        return outcome(play, play.recover())


def writes_fail(world: World, point: Point) -> Outcome:
    """From a boundary on its disk takes nothing more, as one does that became read-only, broke or is full."""
    number = point.one_of(ERRORS)
    with _at(world, point, f"writing fails with {errno.errorcode[number]}") as play:
        with play.start(stop_at=_place(point), writes_fail=number) as command:
            play.ended(command)
        play.note_full()
        return outcome(play, play.recover())


def clock_jumps(world: World, point: Point) -> Outcome:
    """The time of day jumps by an hour or ten years, forth or back, in the middle: it comes out as it would without."""
    with _at(world, point, "the clock jumps") as play:
        with play.start(stop_at=_place(point), clock_jumps=point.one_of(CLOCK)) as command:
            play.ended(command)
        play.case = replace(play.case, may_end=frozenset({"done"}))
        return outcome(play, play.recover())


def _place(point: Point) -> str:
    return PLACES[(point.number * 5 + point.seed) % len(PLACES)]


@contextmanager
def _at(world: World, point: Point, words: str) -> Iterator[Play]:
    with played(world, world.stage(HOST), point, ROLE) as play:
        play.place = f"{words}, at {_place(point)}"
        yield play


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as filling:
        for piece in PIECES:
            full = False
            while not full:
                try:
                    full = filling.write(piece) < len(piece)
                except OSError:
                    full = True


@contextmanager
def _small(home: Path) -> Iterator[None]:
    """The folder on a disk of its own that is soon full, with what was in it."""
    content = {file.name: file.read_bytes() for file in home.iterdir() if file.is_file()}
    with _mounted(home, "-t", "tmpfs", "-o", f"size={DISK},mode=700"):
        for name, written in content.items():
            (home / name).write_bytes(written)
            (home / name).chmod(0o600)
        yield


@contextmanager
def _mounted(folder: Path, *how: str) -> Iterator[None]:
    source = str(folder) if "--bind" in how else "campaign"
    _run("mount", *how, source, str(folder))
    try:
        yield
    finally:
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


FAULTS = (
    Fault("catalog-locked", "catalog locked by another program", locked, share=0.5),
    Fault("catalog-full", "catalog's disk full", full, share=0.5),
    Fault("catalog-read-only", "catalog read-only at the recovery", read_only, share=0.3),
    Fault("catalog-fails", "catalog's disk read-only or broken half way", writes_fail, share=0.5),
    Fault("clock-jumps", "the clock jumps by an hour or ten years", clock_jumps, share=0.3),
)
