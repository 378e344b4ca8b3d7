"""The audit in the catalog: appended to, never changed, each line chained to the one before by a hash."""

from __future__ import annotations

from datetime import UTC

import msgspec
import sqlalchemy as sa

from mirror_console.domain.audit import ALL, Act, AuditFilter, AuditLine, Author, Head
from mirror_console.store.chain import first_broken, last_of, linked
from mirror_console.store.collection import Changing, Collection
from mirror_console.store.columns import json_text
from mirror_console.store.failures import Unreadable
from mirror_console.store.tables import audit

# Written in nearly every change of the catalog: plain SQL, as in the journal.
_LAST = last_of(audit)
_APPEND = "INSERT INTO audit (sequence, line, hash) VALUES (?, ?, ?)"
_LINE = msgspec.json.Decoder(AuditLine)


class AuditTrail(Collection):
    """Every change that was made by this console.

    A hash runs over the hash before and the line's canonical JSON; before the first line stands the catalog's identity.
    So a line that was changed, moved or taken out is found. Against lines that were cut off at the end, and a rewrite
    of the whole, it takes a head that is kept elsewhere.
    """

    def __init__(self, connection: sa.Connection, changed: Changing | None, author: Author) -> None:
        super().__init__(connection, changed)
        self._author = author
        self._last: tuple[int, str] | None = None

    def append(self, *acts: Act) -> int:
        """Write lines and return the number of the last. Nobody but the store itself writes what rows tell."""
        self._changes("audit")
        return self.write(acts)

    def write(self, acts: tuple[Act, ...]) -> int:
        """The same, without telling: what the lines are about tells by itself that it changed."""
        if self._last is None:
            last = self._connection.exec_driver_sql(_LAST).one()
            self._last = (last.sequence or 0, last.hash or last.catalog)
        sequence, link = self._last
        by, at, rows = self._author, self._author.clock().astimezone(UTC), []
        for act in acts:
            sequence += 1
            text = json_text(AuditLine(sequence, at, by.person, by.machine, by.run, act))
            _LINE.decode(text)
            link = linked(link, text)
            rows.append((sequence, text, link))
        if rows:
            self._connection.exec_driver_sql(_APPEND, rows)
        self._last = sequence, link
        return sequence

    def lines(self, which: AuditFilter = ALL, most: int | None = None) -> list[AuditLine]:
        """The lines that are wanted, newest first; no more than `most`."""
        found: list[AuditLine] = []
        chosen = sa.select(audit.c.line).order_by(audit.c.sequence.desc())
        for text in self._connection.scalars(chosen):
            line = _read(text)
            if which.lets_pass(line):
                found.append(line)
                if most is not None and len(found) >= most:
                    break
        return found

    def of(self, *identities: str) -> list[AuditLine]:
        """The lines about some things, by their identities, oldest first."""
        wanted = set(identities)
        about = sa.func.json_extract(audit.c.line, "$.act.of")
        chosen = sa.select(audit.c.line).where(about.in_(sorted(wanted))).order_by(audit.c.sequence)
        return [_read(text) for text in self._connection.scalars(chosen)]

    def head(self) -> Head:
        """The last line; number 0 where there is none."""
        last = self._connection.exec_driver_sql(_LAST).one()
        return Head(last.sequence or 0, last.hash or "")

    def has(self, head: Head) -> bool:
        """Whether the line that was the last once is there, and is the same."""
        found = self._connection.scalar(sa.select(audit.c.hash).where(audit.c.sequence == head.sequence))
        return found == head.hash

    def broken_at(self) -> int | None:
        """The number of the first line that isn't as it was written, or is missing; None where the chain holds."""
        return first_broken(self._connection, audit, audit.c.line, lambda row: _read(row.line).sequence == row.sequence)


def _read(text: str) -> AuditLine:
    try:
        return _LINE.decode(text)
    except (msgspec.MsgspecError, ValueError):
        raise Unreadable("a line of the audit") from None
