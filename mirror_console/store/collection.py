"""What all collections share: the connection of their transaction, and word of what changed in it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

Changing = dict[str, set[str] | None]
"""What a transaction changes: collections, each with the parts of it; None where it may be anything in it."""


class Collection:
    """One noun in one transaction. `changed` gathers what changed, by collection; None where nothing may."""

    def __init__(self, connection: Connection, changed: Changing | None) -> None:
        self._connection = connection
        self._changed = changed

    def _changes(self, *collections: str, of: Iterable[str] | None = None) -> None:
        """Say, before a change, which collections it changes; with `of`, the parts of them that Changes tells of.

        Raises RuntimeError in a transaction that only reads.
        """
        if self._changed is None:
            raise RuntimeError("a change was asked for in a transaction that only reads")
        parts = None if of is None else list(of)
        for collection in collections:
            known = self._changed.setdefault(collection, set())
            if parts is None:
                self._changed[collection] = None
            elif known is not None:
                known.update(parts)
