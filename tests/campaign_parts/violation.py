"""A violation: a law that was found broken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that was broken, and how."""

    law: str
    words: str

    def __str__(self) -> str:
        return f"{self.law}: {self.words}"
