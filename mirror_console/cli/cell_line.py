"""A cell as a line on a terminal."""

from __future__ import annotations

from datetime import datetime

from mirror_console.domain.cell import Cell
from mirror_console.domain.status import Status
from mirror_console.domain.verdict import cell_texts


def cell_line(cell: Cell, now: datetime) -> tuple[str, str]:
    """A cell as text, and its style."""
    glyph, style = GLYPHS[cell.status]
    running, more = cell_texts(cell, now)
    more = more.removeprefix(f"{cell.status}: ")
    return f"{glyph} {cell.status} {running}{f' ({more})' if more else ''}", style


GLYPHS = {
    Status.ALIGNED: ("✓", "green"),
    Status.BEHIND: ("▼", "yellow"),
    Status.AHEAD: ("▲", "cyan"),
    Status.DRIFTED: ("◆", "magenta"),
    Status.MISSING: ("◌", "red"),
    Status.UNHEALTHY: ("✕", "red"),
    Status.UNREACHABLE: ("⊘", "red"),
    Status.NO_ACCESS: ("⚷", "bright_black"),
    Status.NOT_CHECKED: ("?", "bright_black"),
    Status.NO_RELEASE: ("□", "bright_black"),
    Status.ROLLING_OUT: ("↻", "blue"),
    Status.NOT_APPLICABLE: ("–", "bright_black"),
}
"""The characters that come closest to the window's glyphs."""
