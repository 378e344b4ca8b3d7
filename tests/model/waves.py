"""A story of several mirrors: rollouts that their stop rules stop, and what persons make of them.

Rules pause, or roll back the wave or all of it; persons pause, stop, abort, resume, try again, decide and roll back;
the program is cut off at any boundary of all that, and others meddle with one mirror. All targets that nobody meddled
with are held to all laws after each event, whoever brought them where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mirror_console.domain.environment import Environment
from mirror_console.domain.rollout import ENDED, OVER, Rollout, RolloutState, Target, TargetState
from mirror_console.domain.trip import Came
from mirror_console.domain.way import REST, OnFailure, OnTrip, WaveSize, Way
from mirror_console.errors import CatalogError, InvalidInput
from mirror_console.operations import recovery, trips
from mirror_console.operations.console import Console
from mirror_console.operations.deciding import Decision, decide_on
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.retrying import FAILED, retry
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import resume, start
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.faults import Fault
from tests.catalogs import lose_journal
from tests.model.cut import ENOUGH, MET, NEVER, Cut, Meddling, cut_off, cuts, is_cut
from tests.model.hand import Hand, Watcher, failures, tripped_in
from tests.model.laws import Found, demand_old_kept, demand_one_runs, demand_told, found_now
from tests.model.meddler import Meddler
from tests.operations.fleet import CATALOG, QUICK, Fleet, small_fleet

MIRRORS = 3
BEHAVES = "APP_BEHAVIOUR"
CHANGED = frozenset({TargetState.DONE, TargetState.LEFT})
AT_REST = OVER | {TargetState.QUEUED, TargetState.UNDECIDED}


@dataclass(frozen=True, slots=True)
class Event:
    """What happens in the middle of something: to which mirror, and what a person does at which boundary."""

    cut: Cut[Meddling]
    mirror: int
    hand: Hand
    at: int
    """The boundary at which the person does it."""


CUTS = cuts(Meddling.NOTHING, most=90, quiet=8)
EVENTS = st.builds(
    Event,
    st.one_of(st.just(NEVER), CUTS),
    st.integers(0, MIRRORS - 1),
    st.sampled_from([Hand.NOTHING] * 3 + list(Hand)),
    st.integers(0, 60),
)
QUIETLY = Event(NEVER, 0, Hand.NOTHING, -1)
MIRROR_SETS = st.sets(st.integers(0, MIRRORS - 1))


def way_of(waves: int, on_trip: OnTrip, on_failure: OnFailure, may_fail: int, *, pauses: bool) -> Way:
    """One target after the other: then it is known which of them a refusal meets."""
    asks = on_failure is OnFailure.ASK
    return replace(
        QUICK,
        waves=(REST,) if waves == 1 else (WaveSize(count=1), REST),
        at_once=1,
        max_failed=may_fail,
        on_trip=OnTrip.PAUSE if asks else on_trip,
        on_failure=on_failure,
        pause_after_canary=pauses,
    )


WAYS = st.builds(
    way_of,
    st.integers(1, 2),
    st.sampled_from([OnTrip.ROLL_BACK_ALL, OnTrip.ROLL_BACK_WAVE, OnTrip.PAUSE]),
    st.sampled_from([OnFailure.PUT_BACK, OnFailure.PUT_BACK, OnFailure.LEAVE, OnFailure.ASK]),
    st.integers(0, 1),
    pauses=st.sampled_from([False, False, True]),
)


def prepared(fleet: Fleet) -> None:
    """Every mirror runs 1.0.0, and the source has 1.0.1."""
    fleet.publish("1.0.0", health_interval=0.01)
    fleet.run_mirrors("1.0.0")
    fleet.publish("1.0.1", health_interval=0.01)
    refresh(fleet.console, fleet.jobs)


class WaveStory(RuleBasedStateMachine):
    """One story. Its invariants are looked at after each of its steps."""

    def __init__(self) -> None:
        super().__init__()
        self._left = ExitStack()
        self._released = 1
        self._found: dict[str, dict[str, Found]] = {}
        self._attempts: dict[tuple[str, str], int] = {}
        """The attempt that found an environment so, by rollout and environment."""
        """How each environment was when a rollout came to it."""
        self._owner: dict[str, str] = {}
        """The rollout that an environment was in last."""
        self._accepted: dict[str, dict[int, int]] = {}
        """The failures of each wave of a rollout that a person has gone on in spite of."""
        self._roomless: set[int] = set()
        """The mirrors for whose new containers there is no room."""
        self._broken: AssertionError | None = None
        """The law that was broken in the middle."""
        self._press: Callable[[], None] = _nobody
        """What a person does in the middle."""
        self._others = ""

    @initialize()
    def opens(self) -> None:
        """Two engines with the mirrors on them, and somebody else's container beside them."""
        MET.story()
        self.fleet = self._left.enter_context(small_fleet(MIRRORS, ("alpha", "berlin"), prepared))
        environments = [self.fleet.environment(mirror, "live") for mirror in self.fleet.mirrors]
        self.environment_ids = [one.id for one in environments]
        self.meddlers = {
            one.id: Meddler(self.fleet.simulated.engines[one.engine_id], one.container, one.id) for one in environments
        }
        self._engine.run("bystander", "registry.test:5000/shop/webshop:1.0.0")
        self._others = repr(self._bystander())

    def teardown(self) -> None:
        """Take the engines away."""
        self._left.close()

    # --- what happens -----------------------------------------------------------------------------------------------

    @precondition(lambda self: self._open() is None)
    @rule(way=WAYS, ill=MIRROR_SETS, roomless=MIRROR_SETS, event=EVENTS)
    def rolls_out(self, way: Way, ill: set[int], roomless: set[int], event: Event) -> None:
        """Another release, to all mirrors: some never get well of it, and for some there is no room."""
        self._released += 1
        self.fleet.publish(f"1.0.{self._released}", health_interval=0.01)
        for number in range(MIRRORS):
            self._behaves(number, Behaviour.NEVER_HEALTHY if number in ill else Behaviour.OK)
        self._look()
        made = plan(self.fleet.console, "live", [mirror.id for mirror in self.fleet.mirrors], way)
        checked = preflight(self.fleet.console, self.fleet.jobs, made)
        with suppress(InvalidInput):  # where checks block all of it
            rollout = start(self.fleet.console, made, checked, "a story")
            self._roomless = roomless
            self._begins(rollout)
            self._conduct(rollout, event, fresh=True)

    @precondition(lambda self: self._paused() is not None)
    @rule(event=EVENTS)
    def goes_on(self, event: Event) -> None:
        """A person lets a paused rollout go on, in spite of what failed."""
        paused = self._paused()
        assert paused is not None
        with suppress(InvalidInput):  # while it is rolled back
            rollout = resume(self.fleet.console, paused.id)
            self._accepted[rollout.id] = failures(rollout)
            self._begins(rollout)
            self._conduct(rollout, event)

    @precondition(lambda self: self._paused() is not None)
    @rule(event=EVENTS, hand=st.sampled_from([Hand.STOP, Hand.ABORT]))
    def is_ended(self, event: Event, hand: Hand) -> None:
        """A person ends a paused rollout."""
        paused = self._paused()
        assert paused is not None
        self._conduct(paused, replace(event, hand=hand, at=-1), asked=True)

    @precondition(lambda self: self._newest_settled() is not None)
    @rule(event=EVENTS, roomless=MIRROR_SETS)
    def is_tried_again(self, event: Event, roomless: set[int]) -> None:
        """A person tries again what failed, and nothing else."""
        newest = self._newest_settled()
        assert newest is not None
        self._roomless = roomless
        failed = {one.environment_id for one in newest.targets if one.state in FAILED}
        with self._untouched(newest, but=failed), self._cuts(event) as (console, _watch):
            try:
                rollout = retry(console, self.fleet.jobs, newest.id)
            except (InvalidInput, CatalogError):
                return
        if rollout.state is RolloutState.RUNNING:
            self._begins(rollout)
            with self._untouched(rollout, but=failed, all_over=True):
                self._conduct(rollout, event)

    @precondition(lambda self: self._undecided())
    @rule(event=EVENTS, decision=st.sampled_from([Decision.PUT_BACK, Decision.LEAVE, Decision.SKIP]))
    def is_decided(self, event: Event, decision: Decision) -> None:
        """A person says what becomes of those that wait for it."""
        paused = self._paused()
        if paused is None:
            return
        asking = {one.environment_id for one in paused.targets if one.state is TargetState.UNDECIDED}
        untouched, refused = self._untouched(paused, but=asking), suppress(CatalogError, InvalidInput)
        with self._cuts(event) as (console, _watch), untouched, refused:
            decide_on(console, self.fleet.jobs, paused.id, asking, decision)
        self._after(event)

    @precondition(lambda self: self._newest_settled() is not None)
    @rule(event=EVENTS, part=st.sampled_from(list(Part)), wave=st.integers(0, 1), roomless=MIRROR_SETS)
    def is_rolled_back(self, event: Event, part: Part, wave: int, roomless: set[int]) -> None:
        """A person rolls back what failed, a wave, or everything."""
        newest = self._newest_settled()
        assert newest is not None
        try:
            made = plan_rollback(
                self.fleet.console, self.fleet.jobs, newest.id, part, wave if part is Part.WAVE else None
            )
            back = start(self.fleet.console, made, preflight(self.fleet.console, self.fleet.jobs, made), "a story")
        except InvalidInput:
            return
        self._roomless = roomless
        self._begins(back)
        self._conduct(back, event)

    @precondition(lambda self: self._due() is not None)
    @rule()
    def is_left_as_it_is(self) -> None:
        """A person leaves what a stop rule asks to roll back."""
        due = self._due()
        assert due is not None
        assert trips.leave(self.fleet.console, due.id).trips[-1].came is Came.NOT_BEGUN

    @precondition(lambda self: self._interrupted() is not None)
    @rule(event=EVENTS, goes_on=st.booleans())
    def recovers(self, event: Event, *, goes_on: bool) -> None:
        """A person chooses, and is cut off again, or not."""
        self._recover(event, goes_on=goes_on)

    @precondition(lambda self: self._interrupted() is not None)
    @rule(goes_on=st.booleans())
    def is_brought_to_its_end(self, *, goes_on: bool) -> None:
        """Chosen until it has ended, and never cut off again: it ends."""
        self._roomless = set()
        for _ in range(ENOUGH):
            if self._interrupted() is None:
                return
            self._recover(QUIETLY, goes_on=goes_on)
        raise AssertionError(f"it doesn't end: {self._interrupted()}")

    @precondition(lambda self: self._interrupted() is None)
    @rule(mirror=st.integers(0, MIRRORS - 1), meddling=st.sampled_from([Meddling.STOP, Meddling.REMOVE]))
    def meddles(self, mirror: int, meddling: Meddling) -> None:
        """Somebody does something while nothing is carried out."""
        self._meddle(mirror, meddling)

    # --- laws -------------------------------------------------------------------------------------------------------

    @invariant()
    def others_are_left_alone(self) -> None:
        """What isn't ours is as it was."""
        if self._others:
            assert repr(self._bystander()) == self._others

    @invariant()
    def what_is_told_is_there(self) -> None:
        """Of each environment, the last rollout that it was in tells how it is."""
        for environment_id, rollout_id in self._owner.items():
            rollout, meddler = self._get(rollout_id), self.meddlers[environment_id]
            target = rollout.target(environment_id)
            if target.state not in AT_REST or target.state is TargetState.UNKNOWN:
                continue
            demand_one_runs(meddler, beside=False)
            ill = self._is_ill(target)
            assert not (ill and target.state is TargetState.DONE), "what never gets well was told as done"
            demand_told(rollout, target, meddler, self._found[rollout_id][environment_id], ())
            self._demand_back(rollout, target)

    @invariant()
    def in_the_middle_no_law_was_broken(self) -> None:
        """Nothing is begun beyond the stop rule or a person's word; what served isn't removed; no two run."""
        if self._broken is not None:
            raise self._broken

    def _demand_back(self, rollout: Rollout, target: Target) -> None:
        """What a rollback has done runs what ran before the rollout that it takes back."""
        of = rollout.plan.rollback_of
        if of is None or target.state is not TargetState.DONE or self.meddlers[target.environment_id].meddled:
            return
        before = self._found[of.rollout_id][target.environment_id].runs
        now = found_now(self.meddlers[target.environment_id]).runs
        assert now == before, f"it went back to {now}, and ran {before}"

    def _demand_trip(self, rollout: Rollout, followed_by: Rollout | None, *, halted: bool) -> None:
        """Where the stop rule has tripped, its rollback is begun, and has all in it that is to go back."""
        wave = tripped_in(rollout, self._accepted.get(rollout.id, {}))
        if wave is None or halted or rollout.count(TargetState.UNKNOWN) or rollout.plan.rollback_of is not None:
            assert followed_by is None or wave is not None, "a rollback was begun, and no rule has tripped"
            return
        action = rollout.plan.way.on_trip
        if action is OnTrip.PAUSE:
            assert followed_by is None, "the rule pauses, and a rollback was begun"
            # At the very last target there is nothing left to be paused.
            told = all(one.over for one in rollout.targets) or rollout.trips[-1].came is Came.PAUSED
            assert told, "more have failed than may, and no trip is kept"
            return
        assert rollout.trips, "more have failed than may, and no trip is kept"
        part = rollout.targets if action is OnTrip.ROLL_BACK_ALL else rollout.wave(wave)
        # What had no container before has nowhere to go back to.
        changed = {one.environment_id for one in part if one.state in CHANGED and one.planned.before_container_id}
        goes = {one for one in changed if not self.meddlers[one].meddled}
        back = {one.environment_id for one in followed_by.plan.targets} if followed_by is not None else set()
        assert goes <= back, f"of {sorted(changed)}, {sorted(goes - back)} isn't rolled back: {rollout.trips[-1]}"
        assert back <= changed, f"{sorted(back - changed)} is rolled back, and wasn't changed"

    # --- carrying out -----------------------------------------------------------------------------------------------

    def _conduct(self, rollout: Rollout, event: Event, *, fresh: bool = False, asked: bool = False) -> None:
        """Carry a rollout out, with what happens meanwhile, and the rollback that its stop rule asks for."""
        follows: Rollout | None = None
        with self._cuts(event, rollout) as (console, watch):
            conductor = Conductor(console, self.fleet.jobs, rollout, watch)
            follows = self._run(conductor, watch, event, fresh=fresh, asked=asked)
        if follows is not None:
            self._begins(follows)
            with self._cuts(event, follows) as (console, watch):
                second = Conductor(console, self.fleet.jobs, follows, watch)
                self._run(second, watch, event, fresh=True)
                assert second.followed_by is None, "a rollback is rolled back by a rule"
        self._after(event)

    def _run(
        self, conductor: Conductor, watch: Watcher, event: Event, *, fresh: bool, asked: bool = False
    ) -> Rollout | None:
        def press() -> None:
            watch.asked = True
            getattr(conductor, event.hand)()

        self._press = press
        if asked:
            press()
        try:
            conductor.run()
        except CatalogError as error:
            if not is_cut(error):
                raise AssertionError(f"it broke off by itself: {error}") from error
            return None
        finally:
            self._press = _nobody
            for engine in self.fleet.simulated.engines.values():
                engine.behave()
        if fresh:
            self._demand_trip(self._get(conductor.rollout.id), conductor.followed_by, halted=watch.asked)
        return conductor.followed_by

    def _recover(self, event: Event, *, goes_on: bool) -> None:
        rollout = self._interrupted()
        assert rollout is not None
        before = [one.hows() for one in self.meddlers.values()]
        self._are_begun_anew(rollout)
        recovery.examine(self.fleet.console, self.fleet.jobs, rollout)
        assert before == [one.hows() for one in self.meddlers.values()], "looking changed something"
        conductor: Conductor | None = None
        follows: Rollout | None = None
        with self._cuts(event, rollout) as (console, watch), suppress(CatalogError, InvalidInput):
            if goes_on:
                conductor = recovery.go_on(console, self.fleet.jobs, rollout.id, watch)
                self._are_begun_anew(conductor.rollout)
                follows = self._run(conductor, watch, event, fresh=False)
            else:
                recovery.put_back(console, self.fleet.jobs, rollout.id)
        if follows is not None:
            self._begins(follows)
            self._conduct(follows, QUIETLY)
        self._after(event)

    def _after(self, event: Event) -> None:
        if event.cut.journal_is_lost and self._interrupted() is not None:
            lose_journal(self.fleet.folder / CATALOG)

    def _begins(self, rollout: Rollout) -> None:
        """From now on this rollout tells how those environments are that wait in it, or were left out of it."""
        new = rollout.id not in self._found
        if new:
            MET.rollout(back=rollout.plan.rollback_of is not None)
        self._found.setdefault(rollout.id, {})
        for target in rollout.targets:
            if new or target.state is TargetState.QUEUED:
                self.meddlers[target.environment_id].forget()
                self._finds(rollout, target)

    def _finds(self, rollout: Rollout, target: Target) -> None:
        """The next attempt of this target finds it as it is now."""
        environment_id = target.environment_id
        self._found[rollout.id][environment_id] = found_now(self.meddlers[environment_id])
        self._attempts[rollout.id, environment_id] = target.attempt
        self._owner[environment_id] = rollout.id

    def _are_begun_anew(self, rollout: Rollout) -> None:
        """What a recovery has put back, so that it is begun anew, is as it was found, but for since when it runs."""
        for target in rollout.targets:
            attempt = self._attempts[rollout.id, target.environment_id]
            if target.state is TargetState.QUEUED and target.attempt > attempt:
                meddler, found = self.meddlers[target.environment_id], self._found[rollout.id][target.environment_id]
                demand_told(rollout, replace(target, state=TargetState.PUT_BACK), meddler, found, ())
                self._finds(rollout, target)

    @contextmanager
    def _untouched(self, rollout: Rollout, but: Collection[str], *, all_over: bool = False) -> Iterator[None]:
        """Of a rollout only these targets are touched, whatever is done; those that wait may be begun."""
        ids = {
            one.environment_id
            for one in rollout.targets
            if one.environment_id not in but and (one.state is not TargetState.QUEUED or not all_over)
        }
        before = {one: self.meddlers[one].hows() for one in ids}
        yield
        for one in ids:
            if not self.meddlers[one].meddled and self._owner.get(one) == rollout.id:
                assert self.meddlers[one].hows() == before[one], "what was not chosen was touched"

    @contextmanager
    def _cuts(self, event: Event, rollout: Rollout | None = None) -> Iterator[tuple[Console, Watcher]]:
        """A console to which an event happens, and who hears of each change of a rollout."""
        met = 0
        befores = {
            target.environment_id: target.planned.before_container_id
            for target in (rollout.targets if rollout is not None else ())
            if target.planned.before_container_id in self.meddlers[target.environment_id].hows()
        }
        states = {one.environment_id: one.state for one in rollout.targets} if rollout is not None else {}
        accepted = self._accepted.get(rollout.id, {}) if rollout is not None else {}
        watch = Watcher(states, accepted, self._room)

        def mark(_boundary: str) -> None:
            nonlocal met
            MET.step()
            if self._broken is None:
                try:
                    for environment_id, meddler in self.meddlers.items():
                        demand_old_kept(meddler, befores.get(environment_id, ""))
                        demand_one_runs(meddler, beside=False)
                except AssertionError as broken:
                    self._broken = broken
            here, met = met, met + 1
            if here == event.at and event.hand is not Hand.NOTHING:
                self._press()
            if here == event.cut.at:
                self._meddle(event.mirror, event.cut.meddling)
                if event.cut.off:
                    raise cut_off()

        yield replace(self.fleet.console, mark=mark), watch
        if watch.broken and self._broken is None:
            self._broken = AssertionError("; ".join(watch.broken))

    def _room(self, rollout: Rollout) -> None:
        """While a mirror without room has its turn, its engine has no room for a new container."""
        for target in rollout.targets:
            number = self.environment_ids.index(target.environment_id)
            engine = self.fleet.simulated.engines[target.planned.engine]
            if number in self._roomless and target.state is TargetState.CHECKING:
                engine.misbehave(Fault.DISK_FULL, "/containers/create")
            elif number in self._roomless and target.state in AT_REST:
                engine.behave()

    def _meddle(self, mirror: int, meddling: Meddling) -> None:
        """An engine that restarts does so to all that is on it."""
        chosen = self.meddlers[self.environment_ids[mirror]]
        if meddling is Meddling.NOTHING:
            return
        others = [one for one in self.meddlers.values() if one.engine is chosen.engine and one is not chosen]

        def do(rest: list[Meddler]) -> None:
            if rest:
                rest[0].watched(lambda: do(rest[1:]))
            else:
                chosen.meddle(meddling)

        do(others if meddling in {Meddling.RESTART, Meddling.CRASH, Meddling.PRUNE} else [])
        if chosen.engine is self._engine and self._others:
            self._others = repr(self._bystander())

    # --- parts ------------------------------------------------------------------------------------------------------

    @property
    def _engine(self) -> SimulatedEngine:
        return self.fleet.simulated.engines["alpha"]

    def _bystander(self) -> tuple[object, ...]:
        one = self._engine.container("bystander")
        return one.id, one.name, one.policy, one.phase, one.started, sorted(one.endpoints)

    def _environment(self, number: int) -> Environment:
        return self.fleet.environment(self.fleet.mirrors[number], "live")

    def _behaves(self, number: int, behaviour: Behaviour) -> None:
        environment = self._environment(number)
        variables = {name: value for name, value in environment.settings.variables.items() if name != BEHAVES}
        if behaviour is not Behaviour.OK:
            variables[BEHAVES] = behaviour
        self.fleet.with_settings(environment, variables=variables)

    @staticmethod
    def _is_ill(target: Target) -> bool:
        return BEHAVES in target.planned.settings.variables

    def _look(self) -> None:
        refresh(self.fleet.console, self.fleet.jobs, inspect_all=True)

    def _get(self, rollout_id: str) -> Rollout:
        with self.fleet.console.catalog.read() as books:
            return books.rollouts.get(rollout_id)

    def _all(self) -> list[Rollout]:
        if not self._others:
            return []
        with self.fleet.console.catalog.read() as books:
            return sorted(books.rollouts.all(), key=lambda one: one.started_at)

    def _open(self) -> Rollout | None:
        """One that isn't over."""
        return next((one for one in self._all() if one.state not in ENDED), None)

    def _paused(self) -> Rollout | None:
        if self._interrupted() is not None:
            return None
        return next((one for one in self._all() if one.state is RolloutState.PAUSED), None)

    def _newest_settled(self) -> Rollout | None:
        """The newest that takes none back, where nothing is in between."""
        if self._interrupted() is not None:
            return None
        forth = [one for one in self._all() if one.plan.rollback_of is None]
        return forth[-1] if forth else None

    def _undecided(self) -> bool:
        paused = self._paused()
        return paused is not None and paused.count(TargetState.UNDECIDED) > 0

    def _due(self) -> Rollout | None:
        return next((one for one in self._all() if trips.is_due(one)), None)

    def _interrupted(self) -> Rollout | None:
        if not self._others:
            return None
        found = recovery.interrupted(self.fleet.console)
        return found[0].rollout if found else None


def _nobody() -> None:
    """Nobody says anything."""
