"""A table whose glyphs are pictures beside words of their own: the words alone are read aloud."""

from __future__ import annotations

from typing import Any, TypeVar

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt

from mirror_console.ui.widgets.table import Table

R = TypeVar("R")


class PlainTable(Table[R]):
    """The shapes of the fleet's states stand here for outcomes, answers and changes: their own words are said."""

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell says; for a screen reader without the name of the shape."""
        if role == Qt.ItemDataRole.AccessibleTextRole and index.isValid():
            column = self.columns[index.column()]
            return f"{column.title}: {column.text(self.row(index.row()))}"
        return super().data(index, role)
