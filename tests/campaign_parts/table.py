"""Tables of a campaign, in Markdown: what was done how often, what came of it, and which mutants were found out."""

from __future__ import annotations

from collections.abc import Sequence


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows below their heads, each column as wide as its widest cell."""
    cells = [[str(cell).replace("|", "/") for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    rule = " | ".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in (lines[0], rule, *lines[1:]))


def counted(ends: dict[str, int]) -> str:
    """How often each end was met, the most frequent first."""
    ranked = sorted(ends.items(), key=lambda end: (-end[1], end[0]))
    return ", ".join(f"{count} {end or 'not played'}" for end, count in ranked)
