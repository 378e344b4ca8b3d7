"""Cells: of one environment after the other, what it should run, what it runs, and what that is called.

What tens of thousands of environments have in common is reckoned once: what a source expects, how an image compares
with that, what four facts are called in one word. What follows from time alone is kept until its time comes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from operator import attrgetter

from mirror_console.domain.access import shut_out
from mirror_console.domain.ages import Ages
from mirror_console.domain.alignment import compare
from mirror_console.domain.application import Application, ImageSource
from mirror_console.domain.cell import Cell, Verdict
from mirror_console.domain.engine import Contact
from mirror_console.domain.environment import Environment, Settings
from mirror_console.domain.expectation import Expected, NoExpectation, expect
from mirror_console.domain.held import HeldImage
from mirror_console.domain.observation import Health, Observation
from mirror_console.domain.process import settings_for
from mirror_console.domain.release import Release
from mirror_console.domain.service_settings import as_compared
from mirror_console.domain.several import worst_compared, worst_health
from mirror_console.domain.status import Activity, Knowledge, activity_of, health_of, status
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
_DUE = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)


_Kin = tuple[ImageSource, str]
"""An image source and the name of an environment: of all that have both in common a source expects the same."""


class Cells:
    """Makes cells of what is known, and knows when each is to be made anew."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.made = 0
        """How many were reckoned so far, whether or not anything came of it."""
        self._turns: dict[str, datetime] = {}
        self._soonest = _NEVER
        """No turn comes before."""
        self._expectations: dict[str, dict[_Kin, _Expectation]] = {}
        self._former: dict[str, dict[_Kin, _Expectation]] = {}
        self._holds: dict[str, _Expectation] = {}
        """What is expected of environments that are kept on an image."""
        self._hashes: dict[str, tuple[Settings, bool, str]] = {}
        self._shut_out: dict[tuple[str, str], Contact] = {}
        self._kinds: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """By mirror and name of the environment."""
        self._numbers: dict[object, int] = {}
        """What verdicts follow from, each kind with a number: it is looked up faster than all that it stands for."""

    def due(self, now: datetime) -> set[str]:
        """The environments whose cells time alone may have changed."""
        # Of a hold its end, and how that is told, depend on time as well; they are few.
        found = set(self._holds)
        if self._soonest <= now:
            found |= {one for one, turn in self._turns.items() if turn <= now}
            self._soonest = min(self._turns.values(), default=_NEVER)
        return found

    def forget_times(self, environment_ids: Iterable[str]) -> None:
        """What follows from time is reckoned anew: other ages count, or the clock was set back."""
        self._turns = dict.fromkeys(environment_ids, _DUE)
        self._soonest = _DUE

    def forget_source(self, source_id: str) -> None:
        """A source expects something else."""
        self._former[source_id] = self._expectations.pop(source_id, {})

    def forget_mirror(self, application_id: str) -> None:
        """A mirror is gone."""
        self._kinds.pop(application_id, None)

    def forget(self, environment_id: str) -> None:
        """An environment is gone."""
        self._turns.pop(environment_id, None)
        self._hashes.pop(environment_id, None)
        self._holds.pop(environment_id, None)

    def make(
        self, application: Application, environment: Environment, before: Cell | None, now: datetime, ages: Ages
    ) -> Cell:
        """The cell of a mirror's environment: the very same as before where nothing in it is new."""
        self.made += 1
        known, one_id, hold = self._known, environment.id, environment.hold
        seen = known.seen.get(one_id)
        contact, may_look = known.reach.of(environment.engine_id, application.account)
        if not may_look:
            # What was seen before its account lost its access is nobody's to tell now.
            seen, contact = None, self._kept_out(environment.engine_id, application.account, now)
        beside = known.beside(environment) if seen is not None else (None,) * (len(environment.processes) - 1)
        going = known.going(environment) if seen is not None else ()
        expectation = self._expectation(application, environment, now)
        if before is None or before.observation is not seen or before.beside != beside:
            health, how = worst_health(health_of(seen), beside), None
        else:
            health = before.health
            same = before.contact is contact and self._turns.get(one_id, _NEVER) > now
            how = before.knowledge if same else None
        if how is None:
            how = ages.knowledge(seen, contact, now)
            if None in beside and how in {Knowledge.FRESH, Knowledge.AGEING}:
                # A process that was never looked at.
                how = Knowledge.NEVER
            self._note_turn(one_id, ages.until(seen, contact, now))
        activity, step = activity_of(known.activity.get(one_id), seen)
        held = self._held(seen)
        self._kinds[application.id][environment.name] = kind = self._kind(seen, held, health, how, activity, beside)
        verdict = expectation.verdicts.get(kind)
        if verdict is None:
            verdict = expectation.judge(kind, seen, held, health, how, activity, beside, self._held)
        engine = known.engines.get(environment.engine_id)
        made = Cell(
            application,
            environment,
            health,
            how,
            activity,
            seen,
            contact,
            *verdict,
            engine.name if engine is not None else "",
            engine.at_once if engine is not None else 1,
            seen is not None and (bool(going) or self._is_pending(environment, seen, beside)),
            step,
            hold is not None and hold.active(now),
            known.names.get(seen.fingerprint or seen.recorded, ()) if seen is not None else (),
            beside,
            going,
        )
        if before is not None and before.expected is made.expected and before == made:
            return before
        return made

    def expect_again(self, application: Application, shown: Mapping[str, Cell], now: datetime) -> Mapping[str, Cell]:
        """The cells of a mirror, by name, of which nothing may be new but what its source expects; the very same where
        that isn't new either. It is the common case, by tens of thousands."""
        self.made += len(shown)
        # Where anything else is new the cells are made, and so they are where one has a hold.
        kinds, rule = self._kinds[application.id], application.image_source
        expectations = self._expectations.get(application.source_id, {})
        again: dict[str, Cell] = {}
        same = True
        for name, cell in shown.items():
            expectation = expectations.get((rule, name))
            if expectation is None:
                expectation = self._expectation(application, cell.environment, now)
            verdict = expectation.verdicts.get(kinds[name])
            if verdict is None:
                seen = cell.observation
                verdict = expectation.judge(
                    kinds[name],
                    seen,
                    self._held(seen),
                    cell.health,
                    cell.knowledge,
                    cell.activity,
                    cell.beside,
                    self._held,
                )
            made = cell.judged(verdict)
            if cell.expected is made.expected and cell == made:
                made = cell
            else:
                same = False
            again[name] = made
        return shown if same else again

    def _held(self, seen: Observation | None) -> HeldImage | None:
        """What an engine was seen to hold under the id of the image that was seen to run."""
        return self._known.held[seen.engine_id].get(seen.image_id) if seen is not None else None

    def _kind(
        self,
        seen: Observation | None,
        held: HeldImage | None,
        health: Health,
        how: Knowledge,
        activity: Activity,
        beside: tuple[Observation | None, ...],
    ) -> int:
        """The same for all of which the verdict is the same, whatever is expected."""
        image = _image(seen, held)
        kind: tuple[object, ...] = (image, health, how, activity)
        if beside:
            kind = (*kind, tuple(_image(one, self._held(one)) for one in beside))
        return self._numbers.setdefault(kind, len(self._numbers))

    def _note_turn(self, environment_id: str, turn: datetime | None) -> None:
        if turn is None:
            self._turns.pop(environment_id, None)
        else:
            self._turns[environment_id] = turn
            self._soonest = min(self._soonest, turn)

    def _is_pending(self, environment: Environment, seen: Observation, beside: tuple[Observation | None, ...]) -> bool:
        if bool(seen.settings_hash) and self._pending(environment, seen):
            return True
        return any(
            one is not None
            and one.present
            and bool(one.settings_hash)
            and one.settings_hash != settings_for(environment, process).hash
            for process, one in zip(environment.processes[1:], beside, strict=True)
        )

    def _pending(self, environment: Environment, seen: Observation) -> bool:
        if not seen.present:
            return False
        settings = environment.settings
        hashed = self._hashes.get(environment.id)
        if hashed is None or hashed[0] is not settings or hashed[1] is not environment.swarm:
            compared = as_compared(settings, swarm=environment.swarm)
            hashed = self._hashes[environment.id] = (settings, environment.swarm, compared.hash)
        return seen.settings_hash != hashed[2]

    def _kept_out(self, engine_id: str, account: str, now: datetime) -> Contact:
        made = self._shut_out.get((engine_id, account))
        if made is None:
            made = self._shut_out[engine_id, account] = shut_out(engine_id, account, now)
        return made

    def _expectation(self, application: Application, environment: Environment, now: datetime) -> _Expectation:
        if environment.hold is not None:
            former = self._holds.get(environment.id)
            made = self._holds[environment.id] = _expectation(self._known, application, environment, now, former)
            return made
        self._holds.pop(environment.id, None)
        # Without a hold it follows from the image source and the name alone.
        kin, of_source = (application.image_source, environment.name), application.source_id
        several = self._expectations.setdefault(of_source, {})
        if kin not in several:
            former = self._former.get(of_source, {}).get(kin)
            several[kin] = _expectation(self._known, application, environment, now, former)
        return several[kin]


def _image(seen: Observation | None, held: HeldImage | None) -> object:
    return None if seen is None else (seen.container_id == "", _IMAGE(seen), held and _HELD(held))


@dataclass(slots=True)
class _Expectation:
    """What a source expects of environments of one name, and the verdicts on what was compared with it so far."""

    expected: Expected | NoExpectation
    origin: Sequence[Release]
    releases: Sequence[Release]
    verdicts: dict[int, Verdict] = field(default_factory=dict)

    def judge(
        self,
        kind: int,
        seen: Observation | None,
        held: HeldImage | None,
        health: Health,
        how: Knowledge,
        activity: Activity,
        beside: tuple[Observation | None, ...],
        held_of: Callable[[Observation | None], HeldImage | None],
    ) -> Verdict:
        """The verdict on a kind that wasn't met before."""
        compared = compare(self.expected, seen, self.origin, self.releases, held)
        if beside:
            others = [
                compare(self.expected, one, self.origin, self.releases, held_of(one))
                for one in beside
                if one is not None
            ]
            compared = worst_compared(compared, others)
        word = status(compared.alignment, health, how, activity)
        verdict = Verdict(compared.alignment, word, self.expected, compared.behind, compared.drift, compared.likeness)
        self.verdicts[kind] = verdict
        return verdict


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
