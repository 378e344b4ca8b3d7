"""The journal holds its chain, and shows every edit of a line."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mirror_console.store import Catalog
from tests.store import values

LINES = 6


@pytest.fixture
def written(catalog: Catalog) -> Catalog:
    """A catalog with some lines of journal."""
    with catalog.write() as books:
        books.rollouts.add(values.rollout([]))
        books.rollouts.add(values.rollout([], "rollout2"))
        for number in range(LINES):
            assert books.journal.append(values.line(words=f"line {number}")) == number + 1
    return catalog


def _broken_at(catalog: Catalog) -> int | None:
    with catalog.read() as books:
        return books.journal.broken_at()


def test_a_chain_as_it_was_written_holds(written: Catalog) -> None:
    assert _broken_at(written) is None
    with written.read() as books:
        assert [line.sequence for line in books.journal.of("rollout1")] == list(range(1, LINES + 1))


def test_the_lines_of_one_target_are_its_own(catalog: Catalog) -> None:
    own, other = values.line(), replace(values.line(words='it waits for "mirror0-live"'), environment_id="mirror1-live")
    with catalog.write() as books:
        books.rollouts.add(values.rollout([]))
        books.rollouts.add(values.rollout([], "rollout2"))
        books.journal.append(own, other, values.line("rollout2"), replace(own, words="pulled"))
    with catalog.read() as books:
        lines = books.journal.of_target("rollout1", "mirror0-live")
        assert [(line.sequence, line.words) for line in lines] == [(1, "about to pull"), (4, "pulled")]
        assert [line.sequence for line in books.journal.of_target("rollout1", "mirror1-live")] == [2]
        assert books.journal.of_target("rollout1", "mirror") == []


def test_a_number_that_was_rolled_back_is_given_again(written: Catalog) -> None:
    with pytest.raises(ZeroDivisionError), written.write() as books:
        assert books.journal.append(values.line()) / 0
    with written.write() as books:
        assert books.journal.append(values.line()) == LINES + 1
    assert _broken_at(written) is None


@pytest.mark.parametrize("statement", ["UPDATE journal SET entry = '{}'", "DELETE FROM journal"])
def test_a_line_can_not_be_changed_by_mistake(written: Catalog, place: Path, statement: str) -> None:
    with closing(sqlite3.connect(place)) as direct, pytest.raises(sqlite3.IntegrityError, match="only appended to"):
        direct.execute(statement)


@pytest.mark.parametrize(
    ("edit", "first"),
    [
        ("UPDATE journal SET entry = replace(entry, 'line 2', 'line 9') WHERE sequence = 3", 3),
        ("UPDATE journal SET rollout_id = 'rollout2' WHERE sequence = 4", 4),
        ("UPDATE journal SET hash = substr(hash, 2) || 'x'", 1),
        ("DELETE FROM journal WHERE sequence = 5", 5),
        ("DELETE FROM journal WHERE sequence = 6", 6),
        ("DELETE FROM journal", 1),
        ("UPDATE journal SET sequence = 9 WHERE sequence = 2", 2),
        ("UPDATE meta SET value = '00000000000000000000000000000000' WHERE key = 'id'", 1),
    ],
)
def test_an_edit_by_hand_is_found(written: Catalog, place: Path, edit: str, first: int) -> None:
    with closing(sqlite3.connect(place, isolation_level=None)) as direct:
        for trigger in ("journal_is_never_changed", "journal_is_never_cut"):
            direct.execute(f"DROP TRIGGER {trigger}")
        direct.execute(edit)
    assert _broken_at(written) == first
