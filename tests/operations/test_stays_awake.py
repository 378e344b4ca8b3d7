"""This computer stays awake while a rollout, its recovery or a decision's locks are at work; and its check's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.power import Power, Supply
from mirror_console.domain.rollout import Rollout, TargetState
from mirror_console.domain.way import OnFailure
from mirror_console.errors import CatalogError
from mirror_console.operations import recovery
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.vigil import Vigil
from mirror_console.simulator.behaviour import Behaviour
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow


@dataclass(slots=True)
class Kept:
    """A computer that counts how often it is kept awake now, and was told to be."""

    now: int = 0
    times: int = 0
    told: Power = field(default_factory=lambda: Power(Supply.NO_BATTERY))

    @contextmanager
    def awake(self) -> Iterator[None]:
        self.now += 1
        self.times += 1
        try:
            yield
        finally:
            self.now -= 1

    def power(self) -> Power:
        return self.told


@pytest.fixture
def computer() -> Kept:
    return Kept()


@pytest.fixture
def fleet(computer: Kept) -> Iterator[Fleet]:
    with small_fleet(mirrors=1, prepared=Fleet.fall_behind) as made:
        made.console = replace(made.console, computer=computer)
        yield made


def begun(fleet: Fleet, on_failure: OnFailure = OnFailure.PUT_BACK) -> Rollout:
    made = plan(fleet.console, "live", ["mirror-01"], replace(QUICK, on_failure=on_failure, max_failed=9))
    return start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")


def cut_off(fleet: Fleet, computer: Kept) -> Rollout:
    """A rollout that fell over in the middle. The computer was kept awake until then."""

    def mark(here: str) -> None:
        assert computer.now == 1
        if here == "CREATE:sent":
            raise CatalogError("The journal can't be written.", "A test says so.")

    rollout = begun(fleet)
    with pytest.raises(CatalogError, match="journal"):
        Conductor(replace(fleet.console, mark=mark), fleet.jobs, rollout).run()
    (found,) = recovery.interrupted(fleet.console)
    return found.rollout


def gone_on(fleet: Fleet, rollout: Rollout) -> Rollout:
    return recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()


def put_back(fleet: Fleet, rollout: Rollout) -> Rollout:
    return recovery.put_back(fleet.console, fleet.jobs, rollout.id)


def test_at_each_step_of_a_rollout_and_no_longer(fleet: Fleet, computer: Kept) -> None:
    at: dict[str, int] = {}
    console = replace(fleet.console, mark=lambda here: at.update({here: computer.now}))
    ended = Conductor(console, fleet.jobs, begun(fleet)).run()
    assert ended.targets[0].state is TargetState.DONE
    assert len(at) > 5
    assert set(at.values()) == {1}
    assert computer.now == 0


@pytest.mark.parametrize("choose", [gone_on, put_back])
def test_while_what_was_cut_off_is_recovered(
    fleet: Fleet, computer: Kept, choose: Callable[[Fleet, Rollout], Rollout]
) -> None:
    rollout = cut_off(fleet, computer)
    assert computer.now == 0
    at: list[int] = []
    fleet.console = replace(fleet.console, mark=lambda _here: at.append(computer.now))
    choose(fleet, rollout)
    assert at
    assert set(at) == {1}
    assert computer.now == 0


def test_while_locks_wait_for_a_decision(fleet: Fleet, computer: Kept) -> None:
    fleet.publish("26.8.4", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    refresh(fleet.console, fleet.jobs)
    asking = Conductor(fleet.console, fleet.jobs, begun(fleet, OnFailure.ASK)).run()
    assert asking.targets[0].state is TargetState.UNDECIDED
    assert computer.now == 0
    vigil = Vigil(fleet.console, fleet.jobs)
    for _ in range(2):
        assert vigil.keep(asking) == 1
        assert computer.now == 1
    vigil.close()
    assert computer.now == 0


def told(fleet: Fleet, computer: Kept, power: Power) -> CheckResult:
    computer.told = power
    made = plan(fleet.console, "live", ["mirror-01"], QUICK)
    checked = preflight(fleet.console, fleet.jobs, made)
    assert not checked.blocking
    (one,) = [result for result in checked.results if result.check is Check.STAYS_AWAKE]
    return one


def test_what_its_check_answers(fleet: Fleet, computer: Kept) -> None:
    for supply, answer, words, remedy in (
        (Supply.NO_BATTERY, Answer.PASS, "It is kept from falling asleep", ""),
        (Supply.MAINS, Answer.PASS, "It is plugged in, and kept from falling asleep", ""),
        (Supply.UNTOLD, Answer.PASS, "Whether it is plugged in isn't told here.", ""),
        (Supply.BATTERY, Answer.WARNING, "It runs on its battery.", "Plug it in, and leave it open."),
    ):
        one = told(fleet, computer, Power(supply))
        assert one.answer is answer
        assert words in one.words
        assert one.remedy.startswith(remedy)
        assert ("Closing a laptop" in f"{one.words} {one.remedy}") is (supply is not Supply.NO_BATTERY)


def test_what_its_check_answers_where_it_cannot_be_kept_awake(fleet: Fleet, computer: Kept) -> None:
    for supply in Supply:
        one = told(fleet, computer, Power(supply, "no logind answers here"))
        assert one.words.startswith("It can't be kept from falling asleep: no logind answers here.")
        server = supply is Supply.NO_BATTERY
        assert one.answer is (Answer.INFORMATION if server else Answer.WARNING)
        assert ("nothing is lost" in one.remedy) is not server
    # Asking doesn't keep it awake.
    assert computer.times == 0
