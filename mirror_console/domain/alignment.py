"""Expected against observed: which image an environment should run, what it runs, and what that is called.

Four facts are kept apart: alignment, health, how much is known, and activity. One *status* is derived for display; what
is known only from long ago never counts as fine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, assert_never

from mirror_console.domain.application import Application, ImageSource
from mirror_console.domain.engine import Contact
from mirror_console.domain.environment import Environment
from mirror_console.domain.held import HeldImage
from mirror_console.domain.identity import (
    DIFFERENT,
    DIFFERENT_BY_DIGEST,
    DIFFERENT_BY_RECORD,
    UNREAD,
    Likeness,
    apart,
    identify,
    moved_on,
    release_of,
)
from mirror_console.domain.image import short
from mirror_console.domain.moment import age_aloud, day
from mirror_console.domain.observation import Difference, Health, Observation, State, of_process
from mirror_console.domain.release import Release, behind_by, wanted_of, wanted_since
from mirror_console.errors import FailureKind

AGEING_AFTER = timedelta(minutes=5)
STALE_AFTER = timedelta(minutes=30)


class Alignment(StrEnum):
    """Expected image against observed image."""

    ALIGNED = "aligned"
    BEHIND = "behind"
    AHEAD = "ahead"
    DRIFTED = "drifted"
    MISSING = "missing"
    NO_RELEASE = "no release"
    """No expectation: the source says nothing about what should run here."""
    UNKNOWN = "unknown"
    """Nothing was observed yet, or it can't be told whether it is what is expected."""


class Knowledge(StrEnum):
    """How much is known, and how fresh."""

    FRESH = "fresh"
    AGEING = "ageing"
    STALE = "stale"
    UNREACHABLE = "unreachable"
    NEVER = "never checked"
    NO_ACCESS = "no access"
    """Its account has no credential on an engine where accounts have theirs: it is neither asked nor guessed."""


class Activity(StrEnum):
    """What the console is doing there."""

    IDLE = "idle"
    QUEUED = "queued"
    ROLLING_OUT = "rolling out"
    INTERRUPTED = "interrupted"
    """A rollout was cut off here and waits for a person's decision."""
    LOCKED = "locked"
    """Another console holds the lock: what it does there isn't known here."""


class Status(StrEnum):
    """The one word that a cell shows, derived from the four facts."""

    ROLLING_OUT = "rolling out"
    UNREACHABLE = "unreachable"
    NO_ACCESS = "no access"
    NOT_CHECKED = "not checked"
    MISSING = "missing"
    UNHEALTHY = "unhealthy"
    DRIFTED = "drifted"
    BEHIND = "behind"
    AHEAD = "ahead"
    NO_RELEASE = "no release"
    ALIGNED = "aligned"
    NOT_APPLICABLE = "not applicable"


SEVERITY: tuple[Status, ...] = (
    Status.UNHEALTHY,
    Status.MISSING,
    Status.UNREACHABLE,
    Status.DRIFTED,
    Status.BEHIND,
    Status.NO_RELEASE,
    Status.NO_ACCESS,
    Status.NOT_CHECKED,
    Status.AHEAD,
    Status.ROLLING_OUT,
    Status.ALIGNED,
    Status.NOT_APPLICABLE,
)
"""Worst first: the order of the summary and of sorting by state."""

_UNKNOWN = {
    Knowledge.NO_ACCESS: Status.NO_ACCESS,
    Knowledge.UNREACHABLE: Status.UNREACHABLE,
    Knowledge.STALE: Status.NOT_CHECKED,
    Knowledge.NEVER: Status.NOT_CHECKED,
}
"""What a cell is called when too little is known of it to call it anything else."""

ATTENTION = frozenset({Status.UNHEALTHY, Status.MISSING, Status.UNREACHABLE, Status.DRIFTED})


class DriftKind(StrEnum):
    """In what way the observed differs from what was applied."""

    DIGEST = "digest ≠"
    """The tag is right, the content isn't."""
    FOREIGN = "foreign image"
    UNKNOWN_RELEASE = "unknown release"
    SETTINGS = "settings ≠"
    BY_HAND = "made by hand"
    """Somebody made the container anew since the console's rollout; settings may differ as well."""


SAME_IMAGE = frozenset({DriftKind.SETTINGS, DriftKind.BY_HAND})
"""Drift of what runs the expected image."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The image that an environment should run, and why. `fingerprint` is empty where only its digest is known."""

    fingerprint: str
    release: Release | None
    title: str
    why: str
    since: datetime | None = None
    back: bool = False
    """Whether the source went back to it from a newer release."""

    @property
    def identity(self) -> str:
        """What it is known by: its fingerprint, or its digest as long as that is all that is known."""
        return self.fingerprint or (self.release.identity if self.release is not None else "")


@dataclass(frozen=True, slots=True)
class NoExpectation:
    """That nothing is expected of an environment, and why."""

    why: str


class Verdict(NamedTuple):
    """What comes of comparing an environment with what is expected of it: the same for all that look the same."""

    alignment: Alignment
    status: Status
    expected: Expected | NoExpectation
    behind: int | None = None
    drift: DriftKind | None = None
    likeness: Likeness | None = None
    """Whether its image is the expected one, and how sure that is; None where there is nothing to compare."""


def title_of(seen: Observation) -> str:
    """What the image of a container that was seen is called: its version, or the start of its identity."""
    return seen.version or short(seen.fingerprint or seen.recorded or seen.image_id)


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
    def running_title(self) -> str:
        """The version that runs, or the start of its identity; empty if nothing does."""
        seen = self.observation
        return title_of(seen) if seen is not None and seen.present else ""

    @property
    def expected_title(self) -> str:
        """The version that is expected; empty if nothing is."""
        return self.expected.title if isinstance(self.expected, Expected) else ""


_VERDICT = Cell._fields.index(Verdict._fields[0])
_AFTER = _VERDICT + len(Verdict._fields)
_new = tuple.__new__


def expect(
    application: Application,
    environment: Environment,
    source_environments: Sequence[Environment],
    releases: Sequence[Release],
    now: datetime,
) -> Expected | NoExpectation:
    """What an environment should run now.

    `source_environments` are those of the mirror's source, `releases` all that they have had. A source's own
    environments are watched, not deployed: of them nothing is expected.
    """
    hold = environment.hold
    if hold is not None and hold.active(now):
        until = f" until {day(hold.until, now)}" if hold.until else ""
        held = [release for release in releases if release.is_image(hold.identity)]
        # The same image may have been a release of several environments: one with a digest can be pulled.
        release = max(held, key=lambda release: (bool(release.digest), release.first_seen), default=None)
        fingerprint = hold.fingerprint or (release.fingerprint if release else "")
        title = hold.version or (release.title if release else short(hold.identity))
        soon = f", ends in {age_aloud(hold.until - now)}" if hold.until and hold.ends_soon(now) else ""
        return Expected(fingerprint, release, title, f"held{until}{soon}: {hold.reason}{_withdrawn(release)}")
    if not application.is_mirror:
        return NoExpectation("a source's own environment: it is watched, and deployed by whoever develops")
    match application.image_source:
        case ImageSource.ALWAYS_LIVE:
            wanted = "live"
        case ImageSource.MATCHING:
            wanted = environment.name
        case _:
            assert_never(application.image_source)
    ended = f"; its hold ended {day(hold.until, now)}" if hold is not None and hold.until else ""
    origin = next((candidate for candidate in source_environments if candidate.name == wanted), None)
    if origin is None:
        return NoExpectation(f"the source has no environment '{wanted}'{ended}")
    own = [candidate for candidate in releases if candidate.environment_id == origin.id]
    release = wanted_of(origin, own)
    if release is None:
        return NoExpectation(f"{_never(origin)}{ended}")
    back = any(other.first_seen > release.first_seen and wanted_since(origin, other) for other in own)
    why = f"{_has(origin, back=back)} ({application.image_source}){_withdrawn(release)}{ended}"
    return Expected(release.fingerprint, release, release.title, why, wanted_since(origin, release), back)


def _never(origin: Environment) -> str:
    """That a source's environment stands for no image yet."""
    if origin.follows is not None:
        return f"the source's {origin.name} follows the tag '{origin.follows.tag}', which was never read"
    return f"the source's {origin.name} never had an image"


def _has(origin: Environment, *, back: bool) -> str:
    """In what way a source's environment stands for a release: it has it, went back to it, or its tag points there."""
    if origin.follows is not None:
        how = "went back to it" if back else "points to it"
        return f"{origin.name} of the source follows the tag '{origin.follows.tag}', which {how}"
    return f"{origin.name} of the source {'went back to it' if back else 'has it'}"


def _withdrawn(release: Release | None) -> str:
    """That a release was withdrawn, and why."""
    if release is None or not release.withdrawn:
        return ""
    return f"; it is withdrawn{f': {release.remark}' if release.remark else ''}"


@dataclass(frozen=True, slots=True)
class Compared:
    """The outcome of comparing expected with observed."""

    alignment: Alignment
    behind: int | None = None
    drift: DriftKind | None = None
    likeness: Likeness | None = None


def compare(
    expected: Expected | NoExpectation,
    observed: Observation | None,
    releases: Sequence[Release],
    elsewhere: Sequence[Release] = (),
    held: HeldImage | None = None,
) -> Compared:
    """Whether what was observed is what is expected, and how sure that is.

    `releases` are those of the environment that the expectation comes from, `elsewhere` those of the source's other
    environments: a newer one of them, such as what its test has, is ahead. `held` is what its engine was seen to hold
    under the id of its image.
    """
    if observed is None:
        return Compared(Alignment.UNKNOWN)
    if isinstance(expected, NoExpectation):
        return Compared(Alignment.NO_RELEASE)
    if not observed.present:
        return Compared(Alignment.MISSING)
    release = expected.release
    likeness = identify(expected.fingerprint, release, observed, held)
    if likeness.same:
        if observed.differences:
            kind = DriftKind.BY_HAND if observed.remade else DriftKind.SETTINGS
            return Compared(Alignment.DRIFTED, None, kind, likeness)
        return Compared(Alignment.ALIGNED, 0, None, likeness)
    if likeness is UNREAD:
        return Compared(Alignment.UNKNOWN, likeness=likeness)
    running = release_of(releases, observed, held)
    if likeness.same is None:
        # What runs may be known by its own release, and that to be another than the expected one.
        if running is not None and moved_on(running, release):
            likeness = DIFFERENT_BY_DIGEST
        elif running is None or not apart(running, release):
            return Compared(Alignment.UNKNOWN, likeness=likeness)
        else:
            likeness = DIFFERENT if observed.fingerprint else DIFFERENT_BY_RECORD
    behind = behind_by(releases, running.identity, expected.identity) if running is not None else None
    if behind is not None and behind != 0:
        return Compared(Alignment.BEHIND if behind > 0 else Alignment.AHEAD, behind, None, likeness)
    found = observed.fingerprint or observed.recorded
    if release is not None and any(
        found in other.fingerprints and other.first_seen > release.first_seen for other in elsewhere
    ):
        return Compared(Alignment.AHEAD, None, None, likeness)
    return Compared(Alignment.DRIFTED, None, _drift_kind(expected, observed), likeness)


def _drift_kind(expected: Expected, observed: Observation) -> DriftKind:
    release = expected.release
    if release is None:
        return DriftKind.UNKNOWN_RELEASE
    if observed.version and observed.version == release.version:
        return DriftKind.DIGEST
    # An image is named by repository and tag, by repository and digest, or, once its tag moved on, by a bare id.
    repository = observed.image.partition("@")[0].rpartition(":")[0] or observed.image
    if observed.image.startswith("sha256:") or not release.repository or repository == release.repository:
        return DriftKind.UNKNOWN_RELEASE
    if observed.image.partition("@")[0] == release.repository:
        return DriftKind.UNKNOWN_RELEASE
    return DriftKind.FOREIGN


def knowledge(
    observed: Observation | None,
    contact: Contact | None,
    now: datetime,
    ageing_after: timedelta = AGEING_AFTER,
    stale_after: timedelta = STALE_AFTER,
    trusted_since: datetime | None = None,
) -> Knowledge:
    """How much is known. An engine whose last attempt failed makes its cells unreachable, however fresh they are.

    What was seen before `trusted_since` is not fresh, however young it is: the computer slept since.
    """
    if contact is not None and not contact.answered:
        return Knowledge.NO_ACCESS if contact.failure is FailureKind.NO_ACCESS else Knowledge.UNREACHABLE
    if observed is None:
        return Knowledge.NEVER
    # What was seen in the future comes of a clock that was set back: how old it is isn't known, so it isn't fresh.
    age = abs(now - observed.at)
    if age > stale_after:
        return Knowledge.STALE
    if age > ageing_after or (trusted_since is not None and observed.at < trusted_since):
        return Knowledge.AGEING
    return Knowledge.FRESH


def health_of(observed: Observation | None) -> Health:
    """How the container is: a process that doesn't run, or restarts over and over, is not healthy whatever was said."""
    if observed is None or not observed.present:
        return Health.UNKNOWN
    match observed.state:
        case State.RUNNING:
            return observed.health
        case State.RESTARTING:
            return Health.FAILING
        case State.EXITED | State.DEAD | State.CREATED | State.PAUSED | State.REMOVING:
            return Health.STOPPED
        case None:
            return Health.UNKNOWN
        case _:
            assert_never(observed.state)


def activity_of(own: tuple[Activity, str] | None, observed: Observation | None) -> tuple[Activity, str]:
    """What is done there, and in words: by a rollout of this console's `own`, else by another that holds the lock."""
    if own is not None:
        return own
    if observed is not None and observed.lock is not None:
        return Activity.LOCKED, f"locked by {observed.lock.holder}"
    return Activity.IDLE, ""


def status(alignment: Alignment, health: Health, known: Knowledge, activity: Activity) -> Status:
    """The one word for a cell. What is known only from long ago outranks everything that was known then."""
    if activity in {Activity.ROLLING_OUT, Activity.QUEUED, Activity.INTERRUPTED}:
        return Status.ROLLING_OUT
    if known in _UNKNOWN:
        return _UNKNOWN[known]
    if alignment is Alignment.MISSING:
        return Status.MISSING
    if health in {Health.FAILING, Health.STOPPED}:
        return Status.UNHEALTHY
    if activity is Activity.LOCKED:
        # After what is wrong: nobody knows whether that console still lives.
        return Status.ROLLING_OUT
    match alignment:
        case Alignment.DRIFTED:
            return Status.DRIFTED
        case Alignment.BEHIND:
            return Status.BEHIND
        case Alignment.AHEAD:
            return Status.AHEAD
        case Alignment.NO_RELEASE:
            return Status.NO_RELEASE
        case Alignment.UNKNOWN:
            return Status.NOT_CHECKED
        case Alignment.ALIGNED:
            return Status.ALIGNED
        case _:
            assert_never(alignment)
