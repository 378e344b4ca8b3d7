"""Pruned locks, on the simulator: the console is cut off, and what told how the old containers were is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mirror_console.domain.environment import Process, RestartPolicy
from mirror_console.domain.release_command import ReleaseCommand
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.way import OnFailure
from mirror_console.errors import CatalogError
from mirror_console.operations import recovery
from mirror_console.operations.deciding import Decision, decide_on
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.simulator.faults import Fault
from tests.catalogs import lose_journal
from tests.operations.fleet import QUICK, Fleet, small_fleet
from tests.operations.test_companions import (
    NAME,
    all_of,
    carried_out,
    declared_no_more,
    fleet_of_several,
    ours,
    running,
)

pytestmark = pytest.mark.slow

MAILER = f"{NAME}-mailer"
"""It is declared no more, and had the policy ``always``."""


def prune(fleet: Fleet) -> None:
    """What an operator's cron does: whatever doesn't run goes, the lock among it. But the old ones, as it happens."""
    with fleet.console.catalog.read() as books:
        planned = books.rollouts.all()[0].targets[0].planned
    old = {planned.before_container_id, *(one.before_container_id for one in planned.companions)}
    for name, one in ours(fleet).items():
        if not one.is_running and one.id not in old and not name.endswith(".mc-prev"):
            fleet.simulated.engines["alpha"].lose_container(name)


def cut_off(fleet: Fleet, when: Callable[[], bool]) -> Rollout:
    """Cut off at the first boundary at which that is so, and pruned."""

    def mark(_boundary: str) -> None:
        if when():
            raise CatalogError("The journal can't be written.", "A test says so.")

    with pytest.raises(CatalogError, match="journal"):
        carried_out(fleet, mark)
    prune(fleet)
    (found,) = recovery.interrupted(fleet.console)
    return found.rollout


def disarmed(fleet: Fleet) -> bool:
    return ours(fleet)[MAILER].policy == "no"


def goes(fleet: Fleet, *, worker: bool) -> None:
    declared_no_more(fleet, MAILER)
    environment = fleet.environment(fleet.mirrors[0], "live")
    with fleet.console.catalog.write() as books:
        books.environments.save(replace(environment, going=(Process("mailer", MAILER, ("true",), worker=worker),)))
    refresh(fleet.console, fleet.jobs)


def test_what_is_taken_away_comes_back_with_its_restart_policy_by_the_journal_or_without() -> None:
    """The new container that serves tells of it as well: no other is made that would."""
    with fleet_of_several() as fleet:
        goes(fleet, worker=False)
        for journal in (True, False):
            rollout = cut_off(fleet, lambda: disarmed(fleet))
            assert f"{NAME}.mc-next" in running(fleet)
            if not journal:
                lose_journal(fleet.folder / "catalog" / "catalog.sqlite")
            ended = recovery.put_back(fleet.console, fleet.jobs, rollout.id)
            assert ended.targets[0].state is TargetState.PUT_BACK
            assert running(fleet) == all_of("26.8.2") | {MAILER: "26.8.2"}
            assert ours(fleet)[MAILER].policy == "always"
            assert not [name for name in ours(fleet) if name.startswith("mc-lock.")]


def test_where_no_new_container_tells_of_it_either_the_journal_does() -> None:
    """Workers stop before the release command, when nothing new has run yet: all that is new can go with the lock."""
    with fleet_of_several(ReleaseCommand(("true",), limit=20.0, reversible=True)) as fleet:
        goes(fleet, worker=True)
        rollout = cut_off(fleet, lambda: disarmed(fleet))
        assert f"{NAME}.mc-next" not in ours(fleet)
        recovery.put_back(fleet.console, fleet.jobs, rollout.id)
        assert running(fleet) == all_of("26.8.2") | {MAILER: "26.8.2"}
        assert ours(fleet)[MAILER].policy == "always"
        # What serves has only now such a policy that is taken from it.
        fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), restart=RestartPolicy.ALWAYS)
        assert carried_out(fleet).state is RolloutState.COMPLETED
        fleet.publish("26.8.4", health_interval=0.02)
        refresh(fleet.console, fleet.jobs)
        rollout = cut_off(fleet, lambda: ours(fleet)[NAME].policy == "no")
        ended = recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()
        assert ended.state is RolloutState.COMPLETED, ended.targets[0].words
        assert running(fleet) == all_of("26.8.4")
        assert {ours(fleet)[name].policy for name in running(fleet)} == {"always"}


def test_what_was_stopped_before_and_not_begun_is_begun_anew() -> None:
    """Only its lock told that the old one hadn't run: without it, it isn't taken for one that was stopped by us."""
    with small_fleet(mirrors=2, prepared=Fleet.fall_behind) as fleet:
        # On the engine without the new image, which is pulled under the lock.
        name, fleet.mirrors = "mirror-02-live", fleet.mirrors[1:]
        with fleet.console.catalog.read() as books:
            session = fleet.console.engines.session(books.engines.get("berlin"))
        stopped = session.inspect(name)
        assert stopped is not None
        session.stop(stopped.id, 1)
        refresh(fleet.console, fleet.jobs)

        def mark(boundary: str) -> None:
            if boundary == "PULL:sent":
                raise CatalogError("The journal can't be written.", "A test says so.")

        console, fleet.console = fleet.console, replace(fleet.console, mark=mark)
        with pytest.raises(CatalogError, match="journal"):
            fleet.roll_out()
        fleet.console = console
        fleet.simulated.engines["berlin"].lose_container(f"mc-lock.{name}")
        (found,) = recovery.interrupted(fleet.console)
        again = recovery.go_on(fleet.console, fleet.jobs, found.rollout.id)
        assert again.rollout.targets[0].state is TargetState.QUEUED
        ended = again.run()
        assert ended.targets[0].state is TargetState.DONE
        assert f"mc-lock.{name}" not in fleet.names("berlin")


@pytest.mark.parametrize("goes_on", [True, False])
def test_what_is_down_is_not_said_to_run_what_it_ran_where_its_lock_can_not_be_taken_again(*, goes_on: bool) -> None:
    """Without the lock nothing is changed: it is unknown until a recovery gets it, and then nothing is left of it."""
    with small_fleet(mirrors=1, prepared=Fleet.fall_behind) as fleet:
        alpha = fleet.simulated.engines["alpha"]

        def cut(boundary: str) -> None:
            if boundary == "START:intent":
                raise CatalogError("The journal can't be written.", "A test says so.")

        console, fleet.console = fleet.console, replace(fleet.console, mark=cut)
        with pytest.raises(CatalogError, match="journal"):
            fleet.roll_out()
        fleet.console = console
        alpha.lose_container("mc-lock.mirror-01-live")
        alpha.misbehave(Fault.DISK_FULL, "/containers/create")

        def recovered() -> Rollout:
            (found,) = recovery.interrupted(fleet.console)
            if goes_on:
                return recovery.go_on(fleet.console, fleet.jobs, found.rollout.id).run()
            return recovery.put_back(fleet.console, fleet.jobs, found.rollout.id)

        left = recovered()
        assert (left.state, left.targets[0].state) == (RolloutState.INTERRUPTED, TargetState.UNKNOWN)
        assert left.targets[0].words.startswith("its lock could not be taken again: alpha could not make the container")
        assert not left.paused_because.endswith("what serves goes on serving.")
        assert fleet.names("alpha")["mirror-01-live"] == "exited"
        alpha.behave()
        ended = recovered()
        assert ended.targets[0].state is (TargetState.DONE if goes_on else TargetState.PUT_BACK)
        assert fleet.version_of("mirror-01-live") == ("26.8.3" if goes_on else "26.8.2")
        assert not [name for name in fleet.names("alpha") if name.startswith("mc-lock.")]


@pytest.mark.parametrize("decision", [Decision.PUT_BACK, Decision.SKIP, Decision.LEAVE])
def test_what_waits_for_a_decision_waits_on_where_its_lock_can_not_be_taken_again(decision: Decision) -> None:
    way = replace(QUICK, on_failure=OnFailure.ASK, max_failed=9, health_limit=0.3)
    with small_fleet(mirrors=1, prepared=Fleet.fall_behind_what_is_ill) as fleet:
        alpha = fleet.simulated.engines["alpha"]
        asking = fleet.roll_out(way)
        why = asking.targets[0].words
        alpha.lose_container("mc-lock.mirror-01-live")
        alpha.misbehave(Fault.DISK_FULL, "/containers/create")
        ids = [asking.targets[0].environment_id]

        left = decide_on(fleet.console, fleet.jobs, asking.id, ids, decision)
        assert (left.state, left.targets[0].state) == (RolloutState.PAUSED, TargetState.UNDECIDED)
        assert left.targets[0].words.startswith(f"{why}. It could not be decided about now: alpha could not make")
        conductor = Conductor(fleet.console, fleet.jobs, left)
        conductor.stop()
        stopped = conductor.run()
        assert (stopped.state, stopped.targets[0].state) == (RolloutState.PAUSED, TargetState.UNDECIDED)
        assert "no space left on device). Once the cause is gone, stop the rollout again" in stopped.paused_because
        alpha.behave()
        ended = decide_on(fleet.console, fleet.jobs, asking.id, ids, decision)
        assert ended.state is RolloutState.COMPLETED_WITH_FAILURES
        assert fleet.version_of("mirror-01-live") == ("26.8.3" if decision is Decision.LEAVE else "26.8.2")
        assert not [name for name in fleet.names("alpha") if name.startswith("mc-lock.")]
