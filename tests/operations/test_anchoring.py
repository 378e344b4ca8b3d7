"""The audit's last line goes into the keyring at the end of a run and once a minute, never by a run that only looks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mirror_console.domain.account import Account
from mirror_console.domain.audit import AnchorState
from mirror_console.jobs import Jobs
from mirror_console.operations.anchoring import EVERY, Anchoring
from mirror_console.operations.audit import verify
from mirror_console.operations.console import Console
from mirror_console.vault import MemoryVault
from tests.operations.desk import empty_console


class Ring(MemoryVault):
    """A keyring that outlasts the run."""

    for_this_run_only = False


class Clock:
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def console(tmp_path: Path, clock: Clock) -> Iterator[Console]:
    with empty_console(tmp_path) as made:
        yield replace(made, vault=Ring(), monotonic=clock)


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.close()


def change(console: Console, name: str) -> None:
    with console.catalog.write() as books:
        books.accounts.save(Account(name))


def test_at_the_end_of_a_run_the_last_line_is_kept(console: Console, jobs: Jobs) -> None:
    anchoring = Anchoring(console, jobs)
    change(console, "ACC-1")
    assert verify(console).anchor is AnchorState.NONE
    anchoring.end()
    assert (verify(console).anchor, verify(console).anchored) == (AnchorState.HOLDS, 1)


def test_while_changes_are_made_it_is_kept_once_a_minute(console: Console, jobs: Jobs, clock: Clock) -> None:
    anchoring = Anchoring(console, jobs)
    change(console, "ACC-1")
    clock.now = EVERY
    change(console, "ACC-2")
    change(console, "ACC-3")
    until = time.monotonic() + 10
    while not verify(console).anchored and time.monotonic() < until:
        time.sleep(0.01)
    assert verify(console).anchored in {2, 3}
    anchoring.end()


def test_a_run_in_which_nothing_was_changed_leaves_the_keyring_alone(console: Console, jobs: Jobs) -> None:
    change(console, "ACC-1")
    Anchoring(console, jobs).end()
    assert verify(console).anchor is AnchorState.NONE


def test_who_only_looks_writes_nothing_to_the_keyring(console: Console, jobs: Jobs) -> None:
    anchoring = Anchoring(replace(console, read_only="Only to look."), jobs)
    change(console, "ACC-1")
    anchoring.end()
    assert verify(console).anchor is AnchorState.NONE
