"""Late calls, on the simulator: an engine carries out what the console gave up on, and what serves goes on serving."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.environment import RestartPolicy
from mirror_console.domain.lock import LockTimes
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.errors import ConsoleError
from mirror_console.operations import recovery
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, Fleet, small_fleet
from tests.operations.test_recovery import BACK, alpha

pytestmark = pytest.mark.slow

NAME = "mirror-01-live"
TIMEOUT, STOPS, GRACE = 0.4, 1, 0.5
"""Seconds until a call is given up on, besides what a stop may take, and that one may be on its way after that."""
LATE = TIMEOUT + STOPS + 0.8


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """A mirror that is behind, on an engine that is soon given up on."""
    monkeypatch.setattr("mirror_console.operations.turn.LOOK_FOR", 0.0)
    with small_fleet(mirrors=1, prepared=Fleet.fall_behind) as made:
        made.console = replace(made.console, lock_times=LockTimes(grace=GRACE))
        with made.console.catalog.write() as books:
            books.engines.save(replace(books.engines.get("alpha"), timeout=TIMEOUT))
        yield made


def test_what_is_put_back_is_started_once_more_where_the_first_call_was_lost(fleet: Fleet) -> None:
    fleet.publish("26.8.4", health_interval=0.02, behaviour=Behaviour.EXITS_AT_ONCE)
    refresh(fleet.console, fleet.jobs)
    old = fleet.container(NAME).id
    fleet.simulated.engines["alpha"].misbehave(Fault.RESET, f"/{old}/start", times=1)
    rollout = fleet.roll_out()
    assert [one.state for one in rollout.targets] == [TargetState.PUT_BACK]
    assert fleet.container(NAME).id == old
    assert fleet.container(NAME).is_running
    assert fleet.container(NAME).policy == "unless-stopped"


def late_stop(fleet: Fleet, boundary: str) -> None:
    if boundary == "STOP:intent":
        fleet.simulated.engines["alpha"].misbehave(Fault.LATE, "/stop", times=1, seconds=LATE)


def rolled_out(fleet: Fleet, also: Callable[[str], None] = lambda _boundary: None) -> Rollout:
    """The stop of the old container comes late. What the checks asked before was answered."""

    def mark(boundary: str) -> None:
        late_stop(fleet, boundary)
        also(boundary)

    console, fleet.console = fleet.console, replace(fleet.console, mark=mark)
    try:
        return fleet.roll_out()
    finally:
        fleet.console = console


def watched(fleet: Fleet, act: Callable[[Conductor], None]) -> Rollout:
    """The same, and something is done to the rollout once it watches for the late call."""

    def report(now: Rollout) -> None:
        if now.targets[0].words.startswith("watches for") and not done:
            done.append(now)
            act(conductor)

    done: list[Rollout] = []
    console = replace(fleet.console, mark=lambda boundary: late_stop(fleet, boundary))
    made = plan(console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    rollout = start(console, made, preflight(console, fleet.jobs, made), "a test")
    conductor = Conductor(console, fleet.jobs, rollout, report)
    try:
        return conductor.run()
    finally:
        assert done, "it didn't watch"


@pytest.mark.parametrize("what", ["stop", "abort", "two looks without an answer"])
def test_nothing_but_the_end_of_the_program_ends_a_watch(fleet: Fleet, what: str) -> None:
    """Whoever stops or aborts lets what is in flight be finished; an engine may leave looks without an answer, too."""

    def act(conductor: Conductor) -> None:
        match what:
            case "stop":
                conductor.stop()
            case "abort":
                conductor.abort()
            case _:
                fleet.simulated.engines["alpha"].misbehave(Fault.RESET, "/json", times=2)

    ended = watched(fleet, act)
    assert ended.targets[0].state in {TargetState.FAILED, TargetState.PUT_BACK}
    assert alpha(fleet) == BACK
    assert starts(fleet) == 2, "it was never stopped: the call came too early, or not at all"


def test_where_the_program_ends_meanwhile_whoever_recovers_goes_on_watching(fleet: Fleet) -> None:
    def end(_conductor: Conductor) -> None:
        ends.append(True)

    ends: list[bool] = []
    fleet.console, console = replace(fleet.console, lock_times=LockTimes(grace=3.0)), fleet.console
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Conductor, "_ends", lambda _conductor: bool(ends))
        with pytest.raises(ConsoleError):
            watched(fleet, end)
    fleet.console = replace(console, lock_times=LockTimes(grace=3.0))
    (left,) = recovery.interrupted(fleet.console)
    recovery.put_back(fleet.console, fleet.jobs, left.rollout.id)
    assert alpha(fleet) == BACK
    assert starts(fleet) == 2, "it was never stopped: the call came too early, or not at all"


def starts(fleet: Fleet) -> int:
    return fleet.container(NAME).starts


def test_what_was_put_back_is_started_again_where_a_stop_comes_late(fleet: Fleet) -> None:
    ended = rolled_out(fleet)
    assert ended.targets[0].state in {TargetState.FAILED, TargetState.PUT_BACK}
    assert alpha(fleet) == BACK
    assert (fleet.version_of(NAME), starts(fleet)) == ("26.8.2", 2), "it was never stopped: the call came too early"
    assert fleet.container(NAME).policy == RestartPolicy.UNLESS_STOPPED


def test_whoever_recovers_after_contact_was_lost_waits_for_it_too(fleet: Fleet) -> None:
    def mark(boundary: str) -> None:
        if boundary == "STOP:sent":
            # The look at what became of it, which is asked a second time.
            fleet.simulated.engines["alpha"].misbehave(Fault.RESET, "/json", times=2)

    ended = rolled_out(fleet, mark)
    assert (ended.state, ended.targets[0].state) == (RolloutState.INTERRUPTED, TargetState.UNKNOWN)
    recovery.put_back(fleet.console, fleet.jobs, ended.id)
    assert alpha(fleet) == BACK
    assert starts(fleet) == 2, "it was never stopped: the call came too early, or not at all"
