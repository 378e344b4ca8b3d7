"""Maintenance windows and freezes in the catalog."""

from __future__ import annotations

import sqlalchemy as sa

from mirror_console.domain.schedule import Freeze, Schedule, Window
from mirror_console.store.collection import Collection
from mirror_console.store.shape import Shape
from mirror_console.store.tables import freeze, maintenance_window

_WINDOW = Shape(Window, maintenance_window)
_FREEZE = Shape(Freeze, freeze)
_WINDOWS = _WINDOW.select.order_by(maintenance_window.c.id)
_FREEZES = _FREEZE.select.order_by(freeze.c.begins_at, freeze.c.id)


class ScheduleBook(Collection):
    """When environments may be changed. What belongs to a mirror goes with it."""

    def all(self) -> Schedule:
        """All windows and freezes, those of the past too."""
        windows, freezes = self._connection.execute(_WINDOWS), self._connection.execute(_FREEZES)
        return Schedule(tuple(_WINDOW.read(windows)), tuple(_FREEZE.read(freezes)))

    def save_window(self, value: Window) -> None:
        """Add it, or change the one of its identity. Raises CatalogError at the end where its mirror isn't there."""
        self._changes("schedule")
        self._connection.execute(_WINDOW.upsert, _WINDOW.values(value))

    def save_freeze(self, value: Freeze) -> None:
        """Add it, or change the one of its identity. Raises CatalogError at the end where its mirror isn't there."""
        self._changes("schedule")
        self._connection.execute(_FREEZE.upsert, _FREEZE.values(value))

    def remove(self, identity: str) -> None:
        """Take a window or a freeze away. That it isn't there is fine."""
        self._changes("schedule")
        for table in (maintenance_window, freeze):
            self._connection.execute(sa.delete(table).where(table.c.id == identity))
