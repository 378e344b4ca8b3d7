"""Cells: of one environment after the other, what it should run, what it runs, and what that is called.

What tens of thousands of environments have in common is reckoned once: what a source expects, how an image compares
with that, what four facts are called in one word. What follows from time alone is kept until its time comes.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from operator import attrgetter

from mirror_console.domain.access import shut_out
from mirror_console.domain.ages import Ages
from mirror_console.domain.alignment import (
    Cell,
    Compared,
    Expected,
    NoExpectation,
    activity_of,
    compare,
    expect,
    health_of,
    status,
)
from mirror_console.domain.application import Application
from mirror_console.domain.engine import Contact
from mirror_console.domain.environment import Environment, Settings
from mirror_console.domain.held import HeldImage
from mirror_console.domain.observation import Observation
from mirror_console.domain.release import Release
from mirror_console.operations.known import Known

_OF_ONE = frozenset(
    {
        "environment_id",
        "process",
        "engine_id",
        "at",
        "container_id",
        "container_name",
        "state",
        "health",
        "started_at",
        "exit_code",
        "restart_count",
        "running_since",
        "settings_hash",
        "health_output",
        "lock",
    }
)
"""What tells of one container alone, and nothing of its image."""
_IMAGE = attrgetter(*(one.name for one in fields(Observation) if one.name not in _OF_ONE))
"""What an observation is compared by: the same for all that run the same image."""
_HELD = attrgetter(*(one.name for one in fields(HeldImage) if one.name not in {"engine_id", "seen_at", "brought_by"}))
_status = functools.cache(status)


_DUE = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)
_status = functools.cache(status)


class Cells:
    """Makes cells of what is known, by the identity of their environment, and knows when each is to be made anew."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.cells: dict[str, Cell] = {}
        self.made = 0
        """How many were reckoned so far, whether or not anything came of it."""
        self._turns: dict[str, datetime] = {}
        self._expectations: dict[str, dict[object, _Expectation]] = {}
        self._former: dict[str, dict[object, _Expectation]] = {}
        self._hashes: dict[str, tuple[Settings, str]] = {}
        self._shut_out: dict[tuple[str, str], Contact] = {}
        self._kinds: dict[str, int] = {}
        self._numbers: dict[object, int] = {}
        """What was seen of images, each kind with a number: it is looked up faster than all that it stands for."""

    def due(self, now: datetime) -> set[str]:
        """The environments whose cells time alone may have changed."""
        return {one for one, turn in self._turns.items() if turn <= now}

    def forget_times(self) -> None:
        """What follows from time is reckoned anew: other ages count, or the clock was set back."""
        self._turns = dict.fromkeys(self.cells, _DUE)

    def forget_source(self, source_id: str) -> None:
        """A source expects something else."""
        self._former[source_id] = self._expectations.pop(source_id, {})

    def forget(self, environment_id: str) -> None:
        """An environment is gone."""
        self.cells.pop(environment_id, None)
        self._turns.pop(environment_id, None)
        self._hashes.pop(environment_id, None)
        self._kinds.pop(environment_id, None)

    def make(self, application: Application, environment: Environment, now: datetime, ages: Ages) -> Cell:
        """The cell of a mirror's environment: the very same as before where nothing in it is new."""
        self.made += 1
        known, one_id, hold = self._known, environment.id, environment.hold
        before = self.cells.get(one_id)
        seen = known.seen.get(one_id)
        contact, may_look = known.reach.of(environment.engine_id, application.account)
        if not may_look:
            # What was seen before its account lost its access is nobody's to tell now.
            seen, contact = None, self._kept_out(environment.engine_id, application.account, now)
        expectation = self._expectation(application, environment, now)
        held = known.held[seen.engine_id].get(seen.image_id) if seen is not None else None
        self._kinds[one_id] = kind = self._kind(seen, held)
        compared = expectation.compare(kind, seen, held)
        if before is None or before.observation is not seen:
            health, how = health_of(seen), None
        else:
            health = before.health
            same = before.contact is contact and self._turns.get(one_id, _NEVER) > now
            how = before.knowledge if same else None
        if how is None:
            how = ages.knowledge(seen, contact, now)
            self._note_turn(environment, ages.until(seen, contact, now), now)
        activity, step = activity_of(known.activity.get(one_id), seen)
        engine = known.engines.get(environment.engine_id)
        made = Cell(
            application,
            environment,
            compared.alignment,
            health,
            how,
            activity,
            _status(compared.alignment, health, how, activity),
            expectation.expected,
            seen,
            contact,
            engine.name if engine is not None else "",
            engine.at_once if engine is not None else 1,
            compared.behind,
            compared.drift,
            seen is not None and bool(seen.settings_hash) and self._pending(environment, seen),
            step,
            hold is not None and hold.active(now),
            compared.likeness,
            known.names.get(seen.fingerprint or seen.recorded, ()) if seen is not None else (),
        )
        if before is not None and before.expected is made.expected and before == made:
            return before
        self.cells[one_id] = made
        return made

    def expect_again(self, before: Cell, now: datetime) -> Cell:
        """The cell, of which nothing may be new but what its source expects: the common case, by tens of thousands."""
        self.made += 1
        expectation = self._expectation(before.application, before.environment, now)
        seen = before.observation
        # Where another image is seen or held, the cell is made, which says so here.
        kind = self._kinds[before.environment.id]
        compared = expectation.compared.get(kind)
        if compared is None:
            held = self._known.held[seen.engine_id].get(seen.image_id) if seen is not None else None
            compared = expectation.compare(kind, seen, held)
        made = Cell(
            before.application,
            before.environment,
            compared.alignment,
            before.health,
            before.knowledge,
            before.activity,
            _status(compared.alignment, before.health, before.knowledge, before.activity),
            expectation.expected,
            seen,
            before.contact,
            before.engine_name,
            before.engine_at_once,
            compared.behind,
            compared.drift,
            before.pending,
            before.step,
            before.held,
            compared.likeness,
            before.names,
        )
        if before.expected is made.expected and before == made:
            return before
        self.cells[before.environment.id] = made
        return made

    def _kind(self, seen: Observation | None, held: HeldImage | None) -> int:
        """The same for all that compare alike with whatever is expected."""
        key = None if seen is None else (seen.container_id == "", _IMAGE(seen), held and _HELD(held))
        return self._numbers.setdefault(key, len(self._numbers))

    def _note_turn(self, environment: Environment, turn: datetime | None, now: datetime) -> None:
        if environment.hold is not None:
            # Its end, and how that is told, depend on time as well; they are few.
            turn = now
        if turn is None:
            self._turns.pop(environment.id, None)
        else:
            self._turns[environment.id] = turn

    def _pending(self, environment: Environment, seen: Observation) -> bool:
        if not seen.present:
            return False
        settings = environment.settings
        hashed = self._hashes.get(environment.id)
        if hashed is None or hashed[0] is not settings:
            hashed = self._hashes[environment.id] = (settings, settings.hash)
        return seen.settings_hash != hashed[1]

    def _kept_out(self, engine_id: str, account: str, now: datetime) -> Contact:
        made = self._shut_out.get((engine_id, account))
        if made is None:
            made = self._shut_out[engine_id, account] = shut_out(engine_id, account, now)
        return made

    def _expectation(self, application: Application, environment: Environment, now: datetime) -> _Expectation:
        of_source = self._expectations.setdefault(application.source_id, {})
        # Without a hold it follows from the image source and the name alone.
        key: object = (application.image_source, environment.name)
        if environment.hold is not None:
            key = environment.id
        made = of_source.get(key)
        if made is None or environment.hold is not None:
            former = made or self._former.get(application.source_id, {}).get(key)
            made = of_source[key] = _expectation(self._known, application, environment, now, former)
        return made


@dataclass(slots=True)
class _Expectation:
    """What a source expects of environments of one name, and how images were found to compare with it."""

    expected: Expected | NoExpectation
    origin: Sequence[Release]
    releases: Sequence[Release]
    compared: dict[int, Compared] = field(default_factory=dict)

    def compare(self, kind: int, seen: Observation | None, held: HeldImage | None) -> Compared:
        """How what was seen compares with it; `held` is what its engine has under the id of its image."""
        known = self.compared.get(kind)
        if known is None:
            known = self.compared[kind] = compare(self.expected, seen, self.origin, self.releases, held)
        return known


def _expectation(
    known: Known, application: Application, environment: Environment, now: datetime, former: _Expectation | None
) -> _Expectation:
    of_source = list(known.of_application.get(application.source_id, {}).values())
    releases = [release for one in of_source for release in known.releases.get(one.id, ())]
    expected = expect(application, environment, of_source, releases, now)
    if former is not None and former.expected == expected:
        expected = former.expected
    origin: Sequence[Release] = releases
    if isinstance(expected, Expected) and expected.release is not None:
        origin = known.releases.get(expected.release.environment_id, releases)
    return _Expectation(expected, origin, releases)
