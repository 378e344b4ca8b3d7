"""What all collections share: the connection of their transaction, and word of what changed in it."""

from __future__ import annotations

from sqlalchemy import Connection


class Collection:
    """One noun in one transaction. `changed` gathers the names of collections that changed; None where none may."""

    def __init__(self, connection: Connection, changed: set[str] | None) -> None:
        self._connection = connection
        self._changed = changed

    def _changes(self, *collections: str) -> None:
        """Say, before a change, which collections it changes. Raises RuntimeError in a transaction that only reads."""
        if self._changed is None:
            raise RuntimeError("a change was asked for in a transaction that only reads")
        self._changed.update(collections)
