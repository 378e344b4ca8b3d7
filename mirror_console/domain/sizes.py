"""Sizes for people, in units of a thousand."""

from __future__ import annotations


def size_text(octets: int | None) -> str:
    """A size: ``184 MB``; empty where it isn't known."""
    if octets is None:
        return ""
    size = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
