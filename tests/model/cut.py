"""What the events of stories share: where a rollout is cut off, who meddles there, and how many boundaries were met.

Boundaries are counted, so that a story that is made up again is cut off at the same place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import Generic, TypeVar

from hypothesis import strategies as st

from mirror_console.errors import CatalogError

MOST_BOUNDARIES = 60
"""A rollout of one mirror and its recovery meet no more than about so many."""
ENOUGH = 12
"""Recoveries after which one that isn't cut off any more has to have ended."""


M = TypeVar("M", bound=StrEnum)
"""The ways to meddle that a kind of story knows."""


class Meddling(StrEnum):
    """What somebody else does, or the engine, in the middle."""

    NOTHING = "nothing"
    RESTART = "the engine restarts"
    CRASH = "the engine is killed and comes back"
    PRUNE = "somebody prunes what doesn't run"
    STOP = "somebody stops what serves"
    REMOVE = "somebody removes what serves"
    REMOVE_NEXT = "somebody removes the new one"
    RENAME = "somebody renames what serves"
    POLICY = "somebody changes a restart policy"


@dataclass(frozen=True, slots=True)
class Cut(Generic[M]):
    """What happens at which boundary: who meddles, and whether the program is cut off there."""

    at: int
    off: bool
    meddling: M
    journal_is_lost: bool


def never(nothing: M) -> Cut[M]:
    """Nobody meddles, and nothing is cut off."""
    return Cut(-1, off=False, meddling=nothing, journal_is_lost=False)


def cuts(nothing: M, most: int, quiet: int) -> st.SearchStrategy[Cut[M]]:
    """Cuts at the first `most` boundaries; so many of them `quiet`, for one with each way to meddle of its kind."""
    meddlings = st.sampled_from([nothing] * quiet + list(type(nothing)))
    return st.builds(Cut, st.integers(0, most), st.booleans(), meddlings, st.booleans())


NEVER = never(Meddling.NOTHING)
CUTS = cuts(Meddling.NOTHING, MOST_BOUNDARIES, quiet=3)


@dataclass(slots=True)
class Met:
    """Counts the boundaries that all stories met together."""

    count: int = 0
    stories: int = 0
    rollouts: int = 0
    rollbacks: int = 0
    lock: Lock = field(default_factory=Lock)

    def step(self) -> None:
        """One more boundary was met."""
        with self.lock:
            self.count += 1

    def story(self) -> None:
        """One more story began."""
        with self.lock:
            self.stories += 1

    def rollout(self, *, back: bool = False) -> None:
        """One more rollout began; `back` is whether it takes another one back."""
        with self.lock:
            self.rollouts += 1
            self.rollbacks += back


MET = Met()


_CUT = "The journal can't be written: a story says so."


def cut_off() -> CatalogError:
    """What cuts the program off: what can't be written may not be done."""
    return CatalogError(_CUT, "It goes on.")


def is_cut(error: CatalogError) -> bool:
    """Whether a story has cut the program off, and nothing else has failed."""
    return error.title == _CUT
