"""Locks between two consoles with catalogs of their own, on the simulator: heartbeat, waiting, taking over, losing."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mirror_console.domain.cell_words import cell_texts
from mirror_console.domain.check import Check
from mirror_console.domain.environment import Limits, RestartPolicy
from mirror_console.domain.lock import LockTimes
from mirror_console.domain.plan import Change
from mirror_console.domain.release_command import ReleaseCommand
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.status import Activity, Status
from mirror_console.domain.steps import Step
from mirror_console.domain.verdict import verdict
from mirror_console.domain.way import OnFailure
from mirror_console.engine import DockerEngines
from mirror_console.errors import CatalogError, InvalidInput, NotAllowed
from mirror_console.jobs import Jobs
from mirror_console.operations import recovery
from mirror_console.operations.console import Console
from mirror_console.operations.deciding import Decision, decide_on
from mirror_console.operations.late_calls import WATCHES
from mirror_console.operations.locks import all_locks
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.status import survey
from mirror_console.operations.take_over import Found, Watched, standing_words, take_over, watch
from mirror_console.operations.vigil import Vigil
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.vault import MemoryVault
from tests.catalogs import opened_catalog
from tests.operations.fleet import QUICK, Fleet, _fill, now, small_fleet
from tests.operations.other_console import foreign_lock

pytestmark = pytest.mark.slow

FAST = LockTimes(term=1.0, every=0.2, look_every=0.05, blind=0.8, wait=4.0, grace=0.3)
LIVE = "mirror-01-live"
LOCK = f"mc-lock.{LIVE}"
BACK = {LIVE: "running"}
DONE = {LIVE: "running", f"{LIVE}.mc-prev": "exited"}


@dataclass(frozen=True, slots=True)
class Two:
    """Two consoles on one fleet. What the first has begun, the second comes upon."""

    first: Fleet
    second: Fleet

    @property
    def alpha(self) -> dict[str, str]:
        """What is there of the first mirror."""
        names = self.first.names("alpha")
        return {name: state for name, state in names.items() if LIVE in name}

    @property
    def place(self) -> str:
        """The environment, as the second knows it."""
        return self.second.environment(self.second.mirrors[0], "live").id


@pytest.fixture
def two() -> Iterator[Two]:
    with small_fleet(mirrors=1) as first, second_console(first) as second:
        first.console = replace(first.console, lock_times=FAST, person="first-operator", machine="desk-7")
        for fleet in (first, second):
            fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), stop_seconds=0)
        first.publish("26.8.2", health_interval=0.02)
        first.run_mirrors("26.8.2")
        refresh(first.console, first.jobs)
        first.publish("26.8.3", health_interval=0.02)
        for fleet in (first, second):
            refresh(fleet.console, fleet.jobs)
        yield Two(first, second)


@contextmanager
def second_console(first: Fleet) -> Iterator[Fleet]:
    """Another console with a catalog of its own, on the engines of the first."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = opened_catalog(Path(folder) / "catalog" / "catalog.sqlite")
        vault, jobs = MemoryVault(), Jobs()
        engines = DockerEngines(vault, now)
        console = Console(
            catalog, engines, vault, now, time.monotonic, time.sleep, "second-operator", "desk-8", lock_times=FAST
        )
        fleet = Fleet(console, jobs, first.simulated, Path(folder))
        _fill(fleet, 1)
        try:
            yield fleet
        finally:
            jobs.close()
            engines.close()
            catalog.close()


def begun(fleet: Fleet) -> Rollout:
    made = plan(fleet.console, "live", ["mirror-01"], QUICK)
    return start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")


def at(boundary: str, act: Callable[[], object]) -> Callable[[str], None]:
    def mark(here: str) -> None:
        if here == boundary:
            act()

    return mark


def cut_off(fleet: Fleet, step: Step) -> Rollout:
    """Begin a rollout whose journal can't be written any more once a step's call was sent: nothing is done after it."""

    def fail() -> None:
        raise CatalogError("The journal can't be written.", "A test says so.")

    rollout = begun(fleet)
    with pytest.raises(CatalogError, match="journal"):
        Conductor(replace(fleet.console, mark=at(f"{step.name}:sent", fail)), fleet.jobs, rollout).run()
    return rollout


def taken(two: Two) -> Rollout:
    watched = watch(two.second.console, two.place)
    assert watched.found is Found.STILL
    return take_over(two.second.console, two.second.jobs, watched, "a test")


def test_a_held_lock_beats_until_it_is_let_go(two: Two) -> None:
    beats: list[int] = []

    def count() -> None:
        time.sleep(3.5 * FAST.every)
        policy = two.first.container(LOCK).host["RestartPolicy"]
        beats.append(policy["MaximumRetryCount"] if policy["Name"] == "on-failure" else 0)

    console = replace(two.first.console, mark=at(f"{Step.VERIFY.name}:sent", count))
    ended = Conductor(console, two.first.jobs, begun(two.first)).run()
    assert ended.state is RolloutState.COMPLETED
    assert beats[0] >= 2
    assert two.alpha == DONE


def test_a_lock_whose_heart_beats_is_waited_for_and_then_taken(two: Two) -> None:
    shown: list[str] = []

    def hold() -> None:
        lock_id = foreign_lock(two.first)
        session = two.first.console.engines.session(two.first.console.engine("alpha"))

        def beat() -> None:
            for number in range(1, 9):
                time.sleep(FAST.every)
                session.set_restart(lock_id, RestartPolicy.ON_FAILURE, number)
            session.remove(lock_id)

        two.first.jobs.submit("The heart of another console", lambda _work: beat())

    console = replace(two.first.console, mark=at(f"{Step.LOCK.name}:intent", hold))

    def show(rollout: Rollout) -> None:
        shown.append(rollout.targets[0].words)

    ended = Conductor(console, two.first.jobs, begun(two.first), show).run()
    assert ended.targets[0].state is TargetState.DONE, ended.targets[0].words
    assert "waits for third-operator on desk-9, who holds the lock" in shown
    assert two.alpha == DONE


def test_a_lock_that_stands_still_is_for_a_person_to_take_over(two: Two) -> None:
    before = two.first.container(LIVE).id
    locks: list[str] = []
    mark = at(f"{Step.LOCK.name}:intent", lambda: locks.append(foreign_lock(two.first)))
    ended = Conductor(replace(two.first.console, mark=mark), two.first.jobs, begun(two.first)).run()
    (target,) = ended.targets
    assert target.state is TargetState.FAILED
    assert "third-operator on desk-9 holds the lock since" in target.words
    assert "take it over if that console is gone" in target.words
    assert (two.first.container(LOCK).id, two.first.container(LIVE).id) == (locks[0], before)


def test_a_lock_of_others_is_seen_named_by_checks_and_gone_again(two: Two) -> None:
    lock_id = foreign_lock(two.first)
    fleet = two.second
    refresh(fleet.console, fleet.jobs)
    cell = survey(fleet.console).row("mirror-01").cells["live"]
    assert (cell.activity, cell.status) == (Activity.LOCKED, Status.ROLLING_OUT)
    assert cell_texts(cell, now())[1] == "locked by third-operator on desk-9"
    assert verdict(cell, now()).startswith("Live is locked by third-operator on desk-9: another console works there.")
    (found,) = all_locks(fleet.console, fleet.jobs).found
    assert (found.lock.id, found.mirror, found.environment, found.own) == (lock_id, "mirror-01", "live", False)
    made = plan(fleet.console, "live", ["mirror-01"], QUICK)
    checked = preflight(fleet.console, fleet.jobs, made)
    (blocking,) = checked.blocking
    assert (blocking.check, "third-operator on desk-9 holds the lock" in blocking.words) == (Check.LOCK, True)
    fleet.simulated.engines["alpha"].lose_container(LOCK)
    refresh(fleet.console, fleet.jobs)
    assert survey(fleet.console).row("mirror-01").cells["live"].activity is Activity.IDLE


def test_what_an_own_rollout_left_that_is_over_is_nobodys_lock(two: Two) -> None:
    """Its console was killed right before it let it go: it is ours, so nobody is asked."""
    fleet = two.first
    rollout = cut_off(fleet, Step.LOCK)
    with fleet.console.catalog.write() as books:
        books.rollouts.save_head(replace(rollout, state=RolloutState.STOPPED))
    fleet.console = replace(fleet.console, run="another-run")
    refresh(fleet.console, fleet.jobs)
    assert survey(fleet.console).row("mirror-01").cells["live"].activity is Activity.IDLE
    ended = Conductor(fleet.console, fleet.jobs, begun(fleet)).run()
    assert ended.targets[0].state is TargetState.DONE, ended.targets[0].words
    assert two.alpha == DONE


@pytest.mark.parametrize(
    ("step", "state", "left"),
    [
        (Step.CREATE, TargetState.FAILED, BACK),
        (Step.STOP, TargetState.PUT_BACK, BACK),
        (Step.VERIFY, TargetState.PUT_BACK, BACK),
        (Step.COMMIT, TargetState.DONE, DONE),
    ],
)
def test_what_another_console_left_is_brought_to_an_end(
    two: Two, step: Step, state: TargetState, left: dict[str, str]
) -> None:
    """Committed it goes forward, else back. The console that comes back later finds it so, and does nothing to it."""
    left_behind = cut_off(two.first, step)
    ended = taken(two)
    (target,) = ended.targets
    assert (target.state, target.planned.change) == (state, Change.TAKE_OVER), target.words
    assert "The lock of first-operator on desk-7 was taken over" in ended.why
    assert two.alpha == left
    assert two.first.container(LIVE).policy == "unless-stopped"
    assert two.first.version_of(LIVE) == ("26.8.3" if state is TargetState.DONE else "26.8.2")
    refresh(two.second.console, two.second.jobs)
    assert not survey(two.second.console).row("mirror-01").cells["live"].differences
    recovery.interrupted(two.first.console)
    recovery.put_back(two.first.console, two.first.jobs, left_behind.id)
    assert two.first.container(LIVE).is_running
    assert LOCK not in two.alpha


def test_a_take_over_that_is_cut_off_is_recovered_like_a_rollout(two: Two) -> None:
    cut_off(two.first, Step.STOP)

    def fail() -> None:
        raise CatalogError("The journal can't be written.", "A test says so.")

    watched = watch(two.second.console, two.place)
    console = replace(two.second.console, mark=at(f"{Step.START_OLD.name}:intent", fail))
    with pytest.raises(CatalogError):
        take_over(console, two.second.jobs, watched, "a test")
    assert two.alpha[LIVE] == "exited"
    (left,) = recovery.interrupted(two.second.console)
    ended = recovery.go_on(two.second.console, two.second.jobs, left.rollout.id).run()
    assert ended.targets[0].state is TargetState.PUT_BACK
    assert two.alpha == BACK


def test_what_is_removed_while_late_calls_are_outlasted_needs_a_person(two: Two) -> None:
    """It was put back, and somebody takes it away: that is no lock that was left behind, and none is."""

    def report(now: Rollout) -> None:
        if now.targets[0].words.startswith(WATCHES) and LIVE in two.alpha:
            two.first.simulated.engines["alpha"].lose_container(LIVE)

    cut_off(two.first, Step.CREATE)
    watched = watch(two.second.console, two.place)
    ended = take_over(two.second.console, two.second.jobs, watched, "a test", report)
    assert ended.targets[0].state is TargetState.STRANDED, ended.targets[0].words
    assert LOCK not in two.alpha


def test_of_two_who_take_over_one_wins(two: Two) -> None:
    cut_off(two.first, Step.STOP)
    with second_console(two.first) as third:
        watched = {fleet.console.run: watch(fleet.console, two.place) for fleet in (two.second, third)}

        def take(fleet: Fleet) -> Callable[[], Rollout]:
            return lambda: take_over(fleet.console, fleet.jobs, watched[fleet.console.run], "a race")

        works = {fleet.console.run: take(fleet) for fleet in (two.second, third)}
        outcomes = list(two.first.jobs.side_by_side(works, at_once=2).values())
    (won,) = [one for one in outcomes if isinstance(one, Rollout)]
    (lost,) = [one for one in outcomes if isinstance(one, InvalidInput)]
    assert won.targets[0].state is TargetState.PUT_BACK
    assert lost.title == "The lock was not taken over."
    assert two.alpha == BACK


def test_nobody_takes_a_lock_whose_holder_lives_or_came_back(two: Two) -> None:
    found: list[Watched] = []
    mark = at(f"{Step.VERIFY.name}:sent", lambda: found.append(watch(two.second.console, two.place)))
    ended = Conductor(replace(two.first.console, mark=mark), two.first.jobs, begun(two.first)).run()
    assert ended.state is RolloutState.COMPLETED
    (alive,) = found
    assert alive.found is Found.ALIVE
    assert "Its heart beats" in standing_words(alive, now())
    with pytest.raises(InvalidInput) as refused:
        take_over(two.second.console, two.second.jobs, alive, "a test")
    assert "Its heart beats" in str(refused.value.problems[0])
    assert watch(two.second.console, two.place).found is Found.NOBODY
    # One that was seen to stand still, and has beaten since.
    lock_id = foreign_lock(two.first)
    still = watch(two.second.console, two.place)
    session = two.first.console.engines.session(two.first.console.engine("alpha"))
    session.set_restart(lock_id, RestartPolicy.ON_FAILURE, 1)
    with pytest.raises(InvalidInput) as refused:
        take_over(two.second.console, two.second.jobs, still, "a test")
    assert "third-operator on desk-9 is at work again" in str(refused.value.problems[0])
    with pytest.raises(NotAllowed):
        take_over(replace(two.second.console, read_only="looking"), two.second.jobs, still, "a test")
    assert two.first.container(LOCK).id == lock_id


def test_who_lost_its_lock_changes_nothing_more_and_says_who_has_it(two: Two) -> None:
    """Its heart doesn't beat, as of a computer that sleeps; it wakes in the middle of the other's work."""
    ended: list[Rollout] = []
    console = replace(
        two.first.console,
        lock_times=replace(FAST, every=60.0),
        mark=at(f"{Step.STOP.name}:intent", lambda: ended.append(taken(two))),
    )
    kept: list[str] = []
    watch_kept = replace(two.second.console, mark=at(f"{Step.UNLOCK.name}:intent", lambda: kept.append("asked")))
    two.second.console = watch_kept
    mine = Conductor(console, two.first.jobs, begun(two.first)).run()
    (target,) = mine.targets
    # The other has let it go by then: what is there is to be read anew before anything is said.
    assert target.state is TargetState.UNKNOWN, target.words
    assert "gave no sign of life" in target.words
    assert mine.state is RolloutState.INTERRUPTED
    assert ended[0].targets[0].state is TargetState.FAILED
    assert kept == ["asked"]
    assert two.alpha == BACK


def test_superseded_while_the_other_still_holds_it(two: Two) -> None:
    def replaced() -> None:
        two.first.simulated.engines["alpha"].lose_container(LOCK)
        foreign_lock(two.first)

    console = replace(two.first.console, mark=at(f"{Step.STOP.name}:intent", replaced))
    ended = Conductor(console, two.first.jobs, begun(two.first)).run()
    (target,) = ended.targets
    assert target.state is TargetState.SUPERSEDED
    assert target.words.startswith("third-operator on desk-9 holds the lock now, not this rollout.")
    assert two.alpha == {LIVE: "running", f"{LIVE}.mc-next": "created", LOCK: "created"}


def test_a_lock_that_was_pruned_and_an_environment_that_others_changed_since(two: Two) -> None:
    def worked_here() -> None:
        alpha = two.first.simulated.engines["alpha"]
        alpha.lose_container(LOCK)
        image = two.first.container(LIVE).image.id
        alpha.lose_container(LIVE)
        alpha.run(LIVE, image, ports={8080: 11001})

    console = replace(two.first.console, mark=at(f"{Step.STOP.name}:intent", worked_here))
    ended = Conductor(console, two.first.jobs, begun(two.first)).run()
    (target,) = ended.targets
    assert target.state is TargetState.SUPERSEDED, target.words
    assert "another container now" in target.words
    assert two.first.container(LIVE).is_running
    assert LOCK not in two.alpha


def test_what_waits_for_a_decision_beats_on_as_long_as_its_console_lives(two: Two) -> None:
    two.first.publish("26.8.4", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    refresh(two.first.console, two.first.jobs)
    way = replace(QUICK, on_failure=OnFailure.ASK, max_failed=9)
    made = plan(two.first.console, "live", ["mirror-01"], way)
    checked = preflight(two.first.console, two.first.jobs, made)
    asking = Conductor(two.first.console, two.first.jobs, start(two.first.console, made, checked, "a test")).run()
    assert asking.targets[0].state is TargetState.UNDECIDED
    assert watch(two.second.console, two.place).found is Found.STILL

    vigil = Vigil(two.first.console, two.first.jobs)
    assert vigil.keep(asking) == 1
    assert watch(two.second.console, two.place).found is Found.ALIVE
    # Asked again, as on every look at the list, it goes on with one heart.
    assert vigil.keep(asking) == 1
    vigil.leave(asking.id)
    assert watch(two.second.console, two.place).found is Found.STILL

    vigil.keep(asking)
    decided = decide_on(
        two.first.console, two.first.jobs, asking.id, [asking.targets[0].environment_id], Decision.PUT_BACK
    )
    vigil.close()
    assert decided.targets[0].state is TargetState.PUT_BACK
    assert two.alpha == BACK
    assert vigil.keep(decided) == 0


def test_what_was_changed_in_place_goes_back_for_whoever_takes_it_over(two: Two) -> None:
    """The lock alone says what the container was granted: the other console has none of it on record."""
    assert two.first.roll_out().state is RolloutState.COMPLETED
    environment = two.first.environment(two.first.mirrors[0], "live")
    two.first.with_settings(environment, limits=Limits(pids=50), restart=RestartPolicy.ALWAYS)
    made = plan(two.first.console, "live", ["mirror-01"], QUICK, settings_only=True)
    rollout = start(two.first.console, made, preflight(two.first.console, two.first.jobs, made), "a test")
    before = two.first.container(LIVE)

    def fail() -> None:
        raise CatalogError("The journal can't be written.", "A test says so.")

    with pytest.raises(CatalogError, match="journal"):
        Conductor(replace(two.first.console, mark=at("CHANGE:sent", fail)), two.first.jobs, rollout).run()
    assert (before.host["PidsLimit"], before.policy) == (50, "always")
    started = before.started

    ended = taken(two)

    assert ended.targets[0].state is TargetState.PUT_BACK
    after = two.first.container(LIVE)
    assert (after.id, after.started, after.host["PidsLimit"], after.policy) == (before.id, started, 0, "unless-stopped")
    assert LOCK not in two.alpha


def test_a_command_that_the_other_console_left_is_told_of_and_stays_there(two: Two) -> None:
    with two.first.console.catalog.write() as books:
        source = books.applications.get("source")
        command = ReleaseCommand(("sh", "-c", "exit 3"), 20.0, reversible=True)
        books.applications.save(replace(source, release_command=command))
    cut_off(two.first, Step.RELEASE)
    ended = taken(two)
    (target,) = ended.targets
    assert target.state is TargetState.FAILED
    assert "its release command ended with exit code 3, in 'mc-rel." in target.words
    assert two.alpha == BACK
    # Whoever comes back there reads what came of it, and changes nothing more.
    (found,) = recovery.interrupted(two.first.console)
    assert recovery.put_back(two.first.console, two.first.jobs, found.rollout.id).targets[0].state in {
        TargetState.FAILED,
        TargetState.SUPERSEDED,
    }
