"""A stop rule that rolls back, on the simulator: what goes back, what is left, what a person or a crash makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.domain.plan import Plan
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.trip import Came
from mirror_console.domain.way import REST, OnFailure, OnTrip, WaveSize, Way, way_problems
from mirror_console.errors import CatalogError, InvalidInput
from mirror_console.jobs import Jobs
from mirror_console.operations import recovery
from mirror_console.operations.console import Console
from mirror_console.operations.evidence import evidence, evidence_text
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report import Format, report_text
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import resume, start
from mirror_console.operations.trips import is_due
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow

DONE, FAILED, PUT_BACK = TargetState.DONE, TargetState.FAILED, TargetState.PUT_BACK
ONE_BY_ONE = replace(QUICK, at_once=1, max_failed=0, on_trip=OnTrip.ROLL_BACK_ALL)
"""Mirror 01 alone, then 02, 03 and 04, of which none may fail."""
WAVE = replace(ONE_BY_ONE, on_trip=OnTrip.ROLL_BACK_WAVE)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.fall_behind) as made:
        yield made


def begun(fleet: Fleet, way: Way) -> Rollout:
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], way)
    return start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "release day")


class Room:
    """There is no room for a new container of some mirrors: they fail, and nothing of them is changed.

    Only where one target is carried out after the other.
    """

    def __init__(self, fleet: Fleet, *numbers: int) -> None:
        self._engines = fleet.simulated.engines
        self._names = {f"Mirror 0{number}" for number in numbers}

    def __call__(self, now: Rollout) -> None:
        for target in now.targets:
            if target.planned.application not in self._names:
                continue
            if target.state is TargetState.CHECKING:
                self._engines[target.planned.engine].misbehave(Fault.DISK_FULL, "/containers/create")
            elif target.state is FAILED:
                self._engines[target.planned.engine].behave()


def conducted(fleet: Fleet, rollout: Rollout, *failing: int) -> tuple[Rollout, Rollout | None]:
    """The rollout as its conductor leaves it, and the rollback that follows, carried out."""
    conductor = Conductor(fleet.console, fleet.jobs, rollout, Room(fleet, *failing))
    ended = conductor.run()
    follows = conductor.followed_by
    assert kept(fleet, ended) == ended
    return ended, Conductor(fleet.console, fleet.jobs, follows).run() if follows is not None else None


def kept(fleet: Fleet, rollout: Rollout) -> Rollout:
    with fleet.console.catalog.read() as books:
        return books.rollouts.get(rollout.id)


def rollouts(fleet: Fleet) -> int:
    with fleet.console.catalog.read() as books:
        return len(books.rollouts.all())


def states(rollout: Rollout) -> list[TargetState]:
    return [target.state for target in rollout.targets]


def versions(fleet: Fleet) -> list[str]:
    assert all(fleet.container(f"mirror-0{number}-live").is_running for number in range(1, 5))
    return [fleet.version_of(f"mirror-0{number}-live") for number in range(1, 5)]


RULE = "Stop rule: 1 of 3 targets of wave 2 failed; 0 may."


def test_the_wave_goes_back_and_the_rollout_waits_for_a_person(fleet: Fleet) -> None:
    rollout, back = conducted(fleet, begun(fleet, WAVE), 3)

    assert rollout.state is RolloutState.PAUSED
    assert states(rollout) == [DONE, DONE, FAILED, TargetState.QUEUED]
    assert back is not None
    assert back.state is RolloutState.COMPLETED
    assert [target.planned.application for target in back.targets] == ["Mirror 02"]
    assert back.plan.kind == f"rollback of {rollout.plan.fingerprint}, wave 2"
    assert versions(fleet) == ["26.8.3", "26.8.2", "26.8.2", "26.8.2"]
    (trip,) = rollout.trips
    assert (trip.came, trip.wave, trip.rollback_id, trip.rollback) == (Came.BEGUN, 1, back.id, back.plan.fingerprint)
    words = f"{RULE} Rollback {back.plan.fingerprint} of wave 2 was begun, as the plan says."
    assert rollout.paused_because == words
    assert back.why == (
        f"Stop rule of rollout {rollout.plan.fingerprint}: {trip.words} It was rolled out for: release day"
    )
    for form in Format:
        assert words in report_text(fleet.console, rollout.id, form).replace("\\", "").replace("**", ""), form
    # A person may go on all the same, and what was rolled back stays so.
    ended, again = conducted(fleet, resume(fleet.console, rollout.id))
    assert (ended.state, again) == (RolloutState.COMPLETED_WITH_FAILURES, None)
    assert versions(fleet) == ["26.8.3", "26.8.2", "26.8.2", "26.8.3"]


def test_the_rollout_ends_and_all_that_it_changed_goes_back(fleet: Fleet) -> None:
    rollout, back = conducted(fleet, begun(fleet, ONE_BY_ONE), 3)

    assert rollout.state is RolloutState.STOPPED
    assert rollout.ended_at is not None
    assert states(rollout) == [DONE, DONE, FAILED, TargetState.NOT_STARTED]
    assert rollout.targets[3].words == "the stop rule stopped the rollout before"
    assert back is not None
    assert states(back) == [DONE, DONE]
    assert versions(fleet) == ["26.8.2"] * 4
    assert "of everything that it changed was begun" in rollout.paused_because


def test_what_trips_at_the_very_last_target_is_rolled_back_too(fleet: Fleet) -> None:
    rollout, back = conducted(fleet, begun(fleet, WAVE), 4)
    assert rollout.state is RolloutState.COMPLETED_WITH_FAILURES
    assert back is not None
    assert [target.planned.application for target in back.targets] == ["Mirror 02", "Mirror 03"]
    assert versions(fleet) == ["26.8.3", "26.8.2", "26.8.2", "26.8.2"]


def test_the_rule_over_all_rolls_back_the_wave_in_which_it_tripped(fleet: Fleet) -> None:
    way = replace(WAVE, waves=(WaveSize(count=2), REST), max_failed=1, max_failed_in_all=1)
    rollout, back = conducted(fleet, begun(fleet, way), 2)
    # In the first of several waves none may fail.
    assert states(rollout) == [DONE, FAILED, TargetState.QUEUED, TargetState.QUEUED]
    assert back is not None
    rollout, back = conducted(fleet, resume(fleet.console, rollout.id), 4)
    assert rollout.trips[-1].words == "2 of 4 targets failed in all; 1 may."
    assert back is not None
    assert [target.planned.application for target in back.targets] == ["Mirror 03"]
    assert versions(fleet) == ["26.8.2"] * 4


def test_where_nothing_was_changed_nothing_is_rolled_back(fleet: Fleet) -> None:
    rollout, back = conducted(fleet, begun(fleet, WAVE), 1)
    assert back is None
    assert rollout.state is RolloutState.PAUSED
    assert rollout.trips[-1].came is Came.NOTHING
    assert rollout.paused_because.endswith("The plan says to roll back wave 1: there is nothing to roll back.")
    assert rollouts(fleet) == 1


def test_what_the_checks_of_the_rollback_block_is_told_and_left(fleet: Fleet) -> None:
    rollout = begun(fleet, WAVE)
    room = Room(fleet, 3)

    def lose_way_back(now: Rollout) -> None:
        room(now)
        if now.targets[2].state is FAILED:
            fleet.simulated.engines["berlin"].make_unreachable()

    conductor = Conductor(fleet.console, fleet.jobs, rollout, lose_way_back)
    ended = conductor.run()
    assert conductor.followed_by is None
    assert (ended.state, ended.trips[-1].came) == (RolloutState.PAUSED, Came.NOT_BEGUN)
    why = "it would change nothing, and leave out 1 target (1 unreachable)."
    assert ended.paused_because == f"{RULE} The plan says to roll back wave 2; that was not begun: {why}"
    assert rollouts(fleet) == 1
    # Once it answers again, a person does what the rule could not.
    fleet.simulated.engines["berlin"].make_reachable()
    made = plan_rollback(fleet.console, fleet.jobs, ended.id, Part.WAVE, 1)
    back = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "by hand")
    assert kept(fleet, ended).trips[-1].rollback_id == back.id
    assert Conductor(fleet.console, fleet.jobs, back).run().state is RolloutState.COMPLETED
    assert versions(fleet)[1] == "26.8.2"


def test_what_the_rollback_leaves_out_is_told_wherever_it_is_told_that_it_was_begun(fleet: Fleet) -> None:
    room = Room(fleet, 4)

    def lose_way_back(now: Rollout) -> None:
        room(now)
        if now.targets[3].state is FAILED:
            fleet.simulated.engines["berlin"].make_unreachable()

    conductor = Conductor(fleet.console, fleet.jobs, begun(fleet, ONE_BY_ONE), lose_way_back)
    ended = conductor.run()
    back = conductor.followed_by
    assert back is not None
    assert [target.planned.application for target in back.targets] == ["Mirror 01", "Mirror 03"]
    told = "It leaves out 1 target (1 unreachable)."
    assert (ended.trips[-1].came, ended.trips[-1].told) == (Came.BEGUN, told)
    assert ended.paused_because.endswith(
        f"Rollback {back.plan.fingerprint} of everything that it changed was begun, as the plan says. {told}"
    )
    assert told in report_text(fleet.console, ended.id, Format.JSON)


def test_what_the_checks_of_the_rollback_block_is_told_with_it(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    real = preflight

    def blocks_the_third(console: Console, jobs: Jobs, made: Plan) -> Checked:
        checked = real(console, jobs, made)
        (third,) = [target for target in made.targets if target.application == "Mirror 03"]
        no = CheckResult(Check.DISK, Answer.BLOCKED, "there is no room", environment_id=third.environment_id)
        return replace(checked, results=(*checked.results, no))

    monkeypatch.setattr("mirror_console.operations.ruled_rollback.preflight", blocks_the_third)
    ended, back = conducted(fleet, begun(fleet, ONE_BY_ONE), 4)
    assert back is not None
    assert states(back) == [DONE, DONE, TargetState.SKIPPED]
    assert ended.paused_because.endswith("was begun, as the plan says. Its checks block 1 target.")


def test_a_rollback_whose_own_rule_trips_only_pauses(fleet: Fleet) -> None:
    rollout = begun(fleet, replace(ONE_BY_ONE, waves=(REST,)))
    conductor = Conductor(fleet.console, fleet.jobs, rollout, Room(fleet, 4))
    conductor.run()
    back = conductor.followed_by
    assert back is not None
    assert back.plan.way.on_trip is OnTrip.PAUSE
    paused, again = conducted(fleet, back, 1)
    assert (paused.state, again) == (RolloutState.PAUSED, None)
    assert paused.trips[-1].came is Came.PAUSED
    assert "Look at why" in paused.paused_because


# --- a person was faster ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["pause", "stop", "abort"])
def test_who_has_it_pause_or_stop_before_the_rule_does_decides(fleet: Fleet, how: str) -> None:
    rollout = begun(fleet, WAVE)
    room = Room(fleet, 3)

    def ask(now: Rollout) -> None:
        room(now)
        if now.targets[2].state is TargetState.CHECKING:
            getattr(conductor, how)()

    conductor = Conductor(fleet.console, fleet.jobs, rollout, ask)
    ended = conductor.run()
    assert conductor.followed_by is None
    verb = "pause" if how == "pause" else "stop"
    assert (ended.trips[-1].came, ended.trips[-1].told) == (Came.NOT_BEGUN, f"operator had it {verb} before.")
    assert RULE in ended.paused_because
    assert not is_due(ended)
    assert versions(fleet)[1] == "26.8.3"


@pytest.mark.parametrize("how", ["pause", "stop"])
def test_who_pauses_it_while_the_rollback_is_checked_decides(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    conductor = Conductor(fleet.console, fleet.jobs, begun(fleet, ONE_BY_ONE), Room(fleet, 3))
    real = preflight

    def pressed_meanwhile(*given: object) -> object:
        getattr(conductor, how)()
        return real(*given)  # type: ignore[arg-type] # handed on as it is

    monkeypatch.setattr("mirror_console.operations.ruled_rollback.preflight", pressed_meanwhile)
    ended = conductor.run()
    assert conductor.followed_by is None
    assert (ended.trips[-1].came, ended.trips[-1].told) == (Came.NOT_BEGUN, f"operator had it {how} before.")
    assert rollouts(fleet) == 1


def test_who_ends_a_rollout_whose_rollback_is_due_is_asked_for_it_no_more(fleet: Fleet) -> None:
    due = killed_before_the_rollback(fleet, WAVE)
    conductor = Conductor(fleet.console, fleet.jobs, due)
    conductor.stop()
    ended = conductor.run()
    assert (ended.state, conductor.followed_by, is_due(ended)) == (RolloutState.STOPPED, None, False)
    assert (ended.trips[-1].came, ended.trips[-1].told) == (Came.NOT_BEGUN, "operator had it stop before.")
    assert RULE in ended.paused_because


def test_who_goes_on_in_spite_of_a_rollback_that_is_due_is_asked_for_it_no_more(fleet: Fleet) -> None:
    due = killed_before_the_rollback(fleet, WAVE)
    gone_on, back = conducted(fleet, resume(fleet.console, due.id))
    assert back is None
    assert [trip.came for trip in gone_on.trips] == [Came.IN_SPITE]
    assert not is_due(gone_on)


def test_who_tries_some_again_gets_no_rollback_unless_more_fail(fleet: Fleet) -> None:
    way = replace(WAVE, waves=(REST,), at_once=1)
    rollout, back = conducted(fleet, begun(fleet, replace(way, max_failed=1)), 2, 3)
    assert states(rollout) == [DONE, FAILED, FAILED, TargetState.QUEUED]
    assert back is not None
    assert versions(fleet) == ["26.8.2"] * 4
    # One more may fail than does: tried again, it pauses, and goes on with the rest once a person says so.
    again = retry(fleet.console, fleet.jobs, rollout.id, [rollout.targets[1].environment_id])
    tried, back = conducted(fleet, again)
    assert (states(tried), back) == ([DONE, DONE, FAILED, TargetState.QUEUED], None)
    ended, back = conducted(fleet, resume(fleet.console, rollout.id))
    assert (states(ended), back) == ([DONE, DONE, FAILED, DONE], None)


def test_what_its_checks_ask_to_look_at_is_told_as_nobody_looked(fleet: Fleet) -> None:
    for engine in fleet.simulated.engines.values():
        engine.set_clock_off(120.0)
    _rollout, back = conducted(fleet, begun(fleet, WAVE), 3)
    assert back is not None
    assert " asks for a look; nobody was asked. " in back.why or " ask for a look; nobody was asked. " in back.why


@pytest.mark.parametrize("waves", [(REST,), (WaveSize(count=3), REST)], ids=["nothing waits", "another waits"])
def test_what_is_well_once_it_was_tried_again_is_not_rolled_back_for_what_failed_before(
    fleet: Fleet, waves: tuple[WaveSize, ...]
) -> None:
    rollout = begun(fleet, replace(WAVE, waves=waves, at_once=4, at_once_per_engine=4))
    engines = fleet.simulated.engines.values()
    for engine in engines:
        engine.misbehave(Fault.DISK_FULL, "/containers/create")
    rollout, back = conducted(fleet, rollout)
    for engine in engines:
        engine.behave()
    assert (states(rollout)[:3], back) == ([FAILED] * 3, None)

    again = retry(fleet.console, fleet.jobs, rollout.id, [rollout.targets[0].environment_id])
    tried, back = conducted(fleet, again)
    assert (states(tried)[:3], back) == ([DONE, FAILED, FAILED], None)
    assert fleet.version_of("mirror-01-live") == "26.8.3"


def test_nothing_is_tried_again_nor_goes_on_while_what_was_changed_goes_back(fleet: Fleet) -> None:
    conductor = Conductor(fleet.console, fleet.jobs, begun(fleet, WAVE), Room(fleet, 3))
    ended = conductor.run()
    back = conductor.followed_by
    assert back is not None
    for goes_on in (partial(retry, fleet.console, fleet.jobs, ended.id), partial(resume, fleet.console, ended.id)):
        with pytest.raises(InvalidInput) as refused:
            goes_on()
        (problem,) = refused.value.problems
        assert problem.words == f"rollback {back.plan.fingerprint} of it is running"
    assert kept(fleet, ended) == ended
    assert Conductor(fleet.console, fleet.jobs, back).run().state is RolloutState.COMPLETED
    assert retry(fleet.console, fleet.jobs, ended.id).state is RolloutState.RUNNING


# --- killed ----------------------------------------------------------------------------------------------------------


def killed_before_the_rollback(fleet: Fleet, way: Way, monkeypatch: pytest.MonkeyPatch | None = None) -> Rollout:
    """The console ends after the rule has tripped, and before its rollback is begun."""

    class Killed(BaseException):
        """Nothing more is done."""

    def die(*_: object) -> Plan:
        raise Killed

    rollout = begun(fleet, way)
    patch = monkeypatch or pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setattr("mirror_console.operations.ruled_rollback.plan_rollback", die)
        with pytest.raises(Killed):
            Conductor(fleet.console, fleet.jobs, rollout, Room(fleet, 3)).run()
    return kept(fleet, rollout)


@pytest.mark.parametrize("way", [WAVE, ONE_BY_ONE])
def test_killed_between_the_trip_and_the_rollback_it_says_so_and_a_person_begins_it(fleet: Fleet, way: Way) -> None:
    due = killed_before_the_rollback(fleet, way)
    assert is_due(due)
    assert due.paused_because.endswith("that isn't begun yet.")
    assert recovery.interrupted(replace(fleet.console, run="another")) == ()
    assert versions(fleet) == ["26.8.3", "26.8.3", "26.8.2", "26.8.2"]

    part, wave = (Part.ALL, None) if way is ONE_BY_ONE else (Part.WAVE, 1)
    made = plan_rollback(fleet.console, fleet.jobs, due.id, part, wave)
    back = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "as the rule says")
    now = kept(fleet, due)
    assert (now.trips[-1].came, now.trips[-1].rollback_id, is_due(now)) == (Came.BEGUN, back.id, False)
    assert Conductor(fleet.console, fleet.jobs, back).run().state is RolloutState.COMPLETED
    assert versions(fleet) == ["26.8.2" if way is ONE_BY_ONE else "26.8.3", "26.8.2", "26.8.2", "26.8.2"]


def test_killed_before_the_trip_is_kept_the_rule_acts_once_a_person_goes_on(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = begun(fleet, ONE_BY_ONE)

    def fail(*_: object) -> Rollout:
        raise CatalogError("The journal can't be written.", "A test says so.")

    with monkeypatch.context() as patched:
        patched.setattr("mirror_console.operations.rollout.stop_by_rule", fail)
        with pytest.raises(CatalogError):
            Conductor(fleet.console, fleet.jobs, rollout, Room(fleet, 3)).run()
    (found,) = recovery.interrupted(fleet.console)
    assert found.rollout.trips == ()
    assert versions(fleet) == ["26.8.3", "26.8.3", "26.8.2", "26.8.2"]

    conductor = recovery.go_on(fleet.console, fleet.jobs, rollout.id)
    ended = conductor.run()
    assert states(ended) == [DONE, DONE, FAILED, TargetState.NOT_STARTED]
    assert conductor.followed_by is not None
    assert Conductor(fleet.console, fleet.jobs, conductor.followed_by).run().state is RolloutState.COMPLETED
    assert versions(fleet) == ["26.8.2"] * 4


def test_a_program_that_ends_meanwhile_leaves_the_rollback_due(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    conductor = Conductor(fleet.console, fleet.jobs, begun(fleet, WAVE), Room(fleet, 3))
    real = preflight

    def ends_meanwhile(*given: object) -> object:
        conductor._end_of_program()
        return real(*given)  # type: ignore[arg-type] # handed on as it is

    monkeypatch.setattr("mirror_console.operations.ruled_rollback.preflight", ends_meanwhile)
    ended = conductor.run()
    assert conductor.followed_by is None
    assert is_due(ended)
    assert rollouts(fleet) == 1


def test_what_is_unknown_is_read_again_before_anything_is_rolled_back(fleet: Fleet) -> None:
    def lose(now: Rollout) -> None:
        if now.targets[2].state is TargetState.VERIFYING:
            fleet.simulated.engines["alpha"].make_unreachable()

    conductor = Conductor(fleet.console, fleet.jobs, begun(fleet, WAVE), lose)
    ended = conductor.run()
    assert conductor.followed_by is None
    assert (ended.state, ended.trips) == (RolloutState.INTERRUPTED, ())
    fleet.simulated.engines["alpha"].make_reachable()
    gone_on = recovery.go_on(fleet.console, fleet.jobs, ended.id)
    assert gone_on.run().state is RolloutState.COMPLETED
    assert gone_on.followed_by is None


# --- what can't be asked for -----------------------------------------------------------------------------------------


def test_a_rule_that_rolls_back_waits_for_no_decision_about_a_target() -> None:
    for on_trip in (OnTrip.ROLL_BACK_WAVE, OnTrip.ROLL_BACK_ALL):
        (problem,) = way_problems(Way(on_trip=on_trip, on_failure=OnFailure.ASK))
        assert problem.field == "on trip"
        for on_failure in (OnFailure.PUT_BACK, OnFailure.LEAVE):
            assert way_problems(Way(on_trip=on_trip, on_failure=on_failure)) == []


def test_a_rule_that_only_pauses_keeps_its_trip_where_nothing_is_left_to_be_paused(fleet: Fleet) -> None:
    rollout, back = conducted(fleet, begun(fleet, replace(ONE_BY_ONE, on_trip=OnTrip.PAUSE)), 4)
    assert (rollout.state, back) == (RolloutState.COMPLETED_WITH_FAILURES, None)
    assert states(rollout) == [DONE, DONE, DONE, FAILED]
    (trip,) = rollout.trips
    assert (trip.came, trip.wave) == (Came.OVER, 1)
    words = f"{RULE} Nothing was left to be begun, so there was nothing to pause."
    assert rollout.paused_because == ""
    for form in Format:
        assert words in report_text(fleet.console, rollout.id, form).replace("\\", "").replace("**", ""), form
    assert not is_due(rollout)


def test_what_a_rule_did_stands_in_the_evidence_of_those_whose_mirrors_it_stopped_and_of_no_others(
    fleet: Fleet,
) -> None:
    with fleet.console.catalog.write() as books:
        for mirror, account in zip(fleet.mirrors[:3], ("ACC-1", "ACC-3", "ACC-2"), strict=True):
            books.applications.save(replace(mirror, account=account))
    chosen = [fleet.mirrors[0].id, fleet.mirrors[2].id]
    made = plan(fleet.console, "live", chosen, replace(ONE_BY_ONE, on_trip=OnTrip.ROLL_BACK_ALL))
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "release day")
    rollout, back = conducted(fleet, rollout, 3)
    assert back is not None

    for account, named in (("ACC-1", "Mirror 01 live"), ("ACC-2", "Mirror 03 live")):
        own = evidence(fleet.console, account)
        (line,) = [one for one in own.changes if one.what == "stop rule"]
        assert (line.mirror, line.outcome, line.rollout) == (named, "begun", rollout.id)
        assert line.words == (
            f"The stop rule stopped the rollout. Rollback {back.plan.fingerprint} of everything that it changed was "
            "begun, as the plan says."
        )
        assert line in own.exceptions
        for form in Format:
            assert "The stop rule stopped the rollout" in evidence_text(fleet.console, account, form), form
    assert not [one for one in evidence(fleet.console, "ACC-3").changes if one.what == "stop rule"]


def test_new_containers_that_were_left_go_back_with_the_wave(fleet: Fleet) -> None:
    fleet.publish("26.8.4", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    refresh(fleet.console, fleet.jobs)
    way = replace(WAVE, waves=(REST,), on_failure=OnFailure.LEAVE, max_failed=1)
    rollout, back = conducted(fleet, begun(fleet, way))
    assert states(rollout) == [TargetState.LEFT, TargetState.LEFT, TargetState.QUEUED, TargetState.QUEUED]
    assert back is not None
    assert back.state is RolloutState.COMPLETED
    assert versions(fleet) == ["26.8.2"] * 4
