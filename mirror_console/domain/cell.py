"""A cell: everything that is said of one environment."""

from __future__ import annotations

from typing import NamedTuple

from mirror_console.domain.alignment import Alignment, DriftKind
from mirror_console.domain.application import Application
from mirror_console.domain.engine import Contact
from mirror_console.domain.environment import Environment
from mirror_console.domain.expectation import Expected, NoExpectation
from mirror_console.domain.identity import Likeness
from mirror_console.domain.image import short
from mirror_console.domain.observation import Difference, Health, Observation, of_process
from mirror_console.domain.status import ATTENTION, Activity, Knowledge, Status


class Cell(NamedTuple):
    """Everything that the grid, the detail panel and the command line say of one environment.

    A named tuple, since a new release makes tens of thousands of them at once: it costs a fifth of a frozen dataclass.
    The fields of its verdict stand together, in their order, so that another one is put in their place as a whole.
    """

    application: Application
    environment: Environment
    health: Health
    knowledge: Knowledge
    activity: Activity
    observation: Observation | None
    contact: Contact | None
    alignment: Alignment
    status: Status
    expected: Expected | NoExpectation
    behind: int | None = None
    drift: DriftKind | None = None
    likeness: Likeness | None = None
    engine_name: str = ""
    engine_at_once: int = 16
    pending: bool = False
    """The catalog's settings differ from those that the container was made with: a change that waits for a rollout."""
    step: str = ""
    """What a rollout does here now, in words."""
    held: bool = False
    names: tuple[str, ...] = ()
    """All that its image is called anywhere: digests, tags, revision, ids, version."""
    beside: tuple[Observation | None, ...] = ()
    """What was seen of its other processes, in their order; the observation is that of the one that serves."""
    going: tuple[Observation, ...] = ()
    """What is there still of processes that its source declares no more."""

    def judged(self, verdict: Verdict) -> Cell:
        """The same cell, of which something else is expected."""
        return _new(Cell, self[:_VERDICT] + verdict + self[_AFTER:])

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What was changed by hand, that of other processes with their names."""
        own = self.observation.differences if self.observation else ()
        if not self.beside:
            return own
        others = [of_process(one.process, each) for one in self.beside if one is not None for each in one.differences]
        return (*own, *others)

    @property
    def changed_beside(self) -> bool:
        """Whether it was changed by hand and its status tells of something else: of the release that it runs."""
        return self.status in _OF_RELEASE and bool(self.differences)

    @property
    def needs_attention(self) -> bool:
        """Whether a person should look at it: something is wrong, or a rollout would undo what somebody did by hand."""
        return self.status in ATTENTION or self.changed_beside

    @property
    def running_title(self) -> str:
        """The version that runs, or the start of its identity; empty if nothing does."""
        seen = self.observation
        return title_of(seen) if seen is not None and seen.present else ""

    @property
    def expected_title(self) -> str:
        """The version that is expected; empty if nothing is."""
        return self.expected.title if isinstance(self.expected, Expected) else ""


class Verdict(NamedTuple):
    """What comes of comparing an environment with what is expected of it: the same for all that look the same."""

    alignment: Alignment
    status: Status
    expected: Expected | NoExpectation
    behind: int | None = None
    drift: DriftKind | None = None
    likeness: Likeness | None = None
    """Whether its image is the expected one, and how sure that is; None where there is nothing to compare."""


_OF_RELEASE = frozenset({Status.BEHIND, Status.AHEAD, Status.NO_RELEASE})
_VERDICT = Cell._fields.index(Verdict._fields[0])
_AFTER = _VERDICT + len(Verdict._fields)
_new = tuple.__new__


def title_of(seen: Observation) -> str:
    """What the image of a container that was seen is called: its version, or the start of its identity."""
    return seen.version or short(seen.fingerprint or seen.recorded or seen.image_id)
