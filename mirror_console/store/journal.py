"""The journal in the catalog: appended to, never changed, each line chained to the one before by a hash."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import sqlalchemy as sa

from mirror_console.domain.journal import JournalEntry
from mirror_console.store.chain import first_broken, last_of, linked
from mirror_console.store.collection import Collection
from mirror_console.store.columns import json_text
from mirror_console.store.connection import raw
from mirror_console.store.failures import Unreadable
from mirror_console.store.tables import journal

# Written twice for each step of a rollout: plain SQL, as the making of a statement costs more than its execution.
_LAST = last_of(journal)
_APPEND = "INSERT INTO journal (sequence, rollout_id, entry, hash) VALUES (?, ?, ?, ?)"
_ENTRY = msgspec.json.Decoder(JournalEntry)


class Journal(Collection):
    """What steps were about to do, and what came of them.

    A hash runs over the hash before and the line's canonical JSON; before the first line stands the catalog's identity.
    So a line that was changed, moved or taken out is found. Against a rewrite of the whole file it is no help.
    """

    _last: tuple[int, str] | None = None
    """Number and hash of the last line, once this transaction has asked: nobody else writes until it ends."""

    def append(self, *entries: JournalEntry) -> int:
        """Write lines and return the number of the last.

        Raises CatalogError at the end where the rollout of one isn't in the catalog.
        """
        self._changes("journal")
        if self._last is None:
            number, last, catalog = raw(self._connection).execute(_LAST).fetchone()
            self._last = (number or 0, last or catalog)
        sequence, link = self._last
        rows = []
        for entry in entries:
            sequence += 1
            text = json_text(replace(entry, sequence=sequence))
            _ENTRY.decode(text)
            link = linked(link, text)
            rows.append((sequence, entry.rollout_id, text, link))
        if rows:
            raw(self._connection).executemany(_APPEND, rows)
        self._last = sequence, link
        return sequence

    def of(self, rollout_id: str) -> list[JournalEntry]:
        """The lines of a rollout, oldest first."""
        chosen = sa.select(journal.c.entry).where(journal.c.rollout_id == rollout_id).order_by(journal.c.sequence)
        return [_read(text) for text in self._connection.scalars(chosen)]

    def of_target(self, rollout_id: str, environment_id: str) -> list[JournalEntry]:
        """The lines of one target of a rollout, oldest first.

        SQLite passes over those that don't name it, without holding up the program's other threads: a large rollout has
        tens of thousands, and a window that follows one target asks twice a second.
        """
        chosen = (
            sa.select(journal.c.entry)
            .where(journal.c.rollout_id == rollout_id, sa.func.instr(journal.c.entry, json_text(environment_id)))
            .order_by(journal.c.sequence)
        )
        entries = (_read(text) for text in self._connection.scalars(chosen))
        return [entry for entry in entries if entry.environment_id == environment_id]

    def newest(self, most: int) -> list[JournalEntry]:
        """The last lines of all rollouts, oldest first."""
        chosen = sa.select(journal.c.entry).order_by(journal.c.sequence.desc()).limit(most)
        return [_read(text) for text in reversed(self._connection.scalars(chosen).all())]

    def end_holds(self, most: int) -> bool:
        """Whether so many last lines are as they were written, and nothing was cut off after them.

        What is older is looked at by `broken_at`, which reads all of it.
        """
        chosen = sa.select(journal).order_by(journal.c.sequence.desc()).limit(most + 1)
        rows = self._connection.execute(chosen).all()[::-1]
        written = self._connection.exec_driver_sql(_LAST).one().sequence or 0
        if (rows[-1].sequence if rows else 0) != written:
            return False
        return all(
            row.sequence == before.sequence + 1 and row.hash == linked(before.hash, row.entry) and _fits(row)
            for before, row in pairwise(rows)
        )

    def broken_at(self) -> int | None:
        """The number of the first line that isn't as it was written, or is missing; None where the chain holds."""
        return first_broken(self._connection, journal, journal.c.entry, _fits)


def _fits(row: sa.Row[Any]) -> bool:
    entry = _read(row.entry)
    return (entry.sequence, entry.rollout_id) == (row.sequence, row.rollout_id)


def _read(text: str) -> JournalEntry:
    try:
        return _ENTRY.decode(text)
    except (msgspec.MsgspecError, ValueError):
        raise Unreadable("a line of the journal") from None
