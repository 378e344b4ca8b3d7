"""Each law can fail: with a fault that is planted past the program, or with a mutant of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from mirror_console.domain.rollout import Rollout, Target, TargetState
from mirror_console.domain.way import OnFailure, OnTrip
from mirror_console.operations.refresh import refresh
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.changing import update_container
from mirror_console.simulator.engine import SimulatedEngine
from tests.model import mutants, services
from tests.model.cut import Meddling
from tests.model.hand import Watcher
from tests.model.laws import Found, demand_one_runs, demand_told, found_now
from tests.model.meddler import Meddler
from tests.model.services import ServiceStory
from tests.model.waves import QUIETLY, WaveStory, way_of
from tests.operations.fleet import Fleet, small_fleet

pytestmark = pytest.mark.slow

NAME = "mirror-01-live"


@dataclass
class Told:
    """A rollout of one mirror that is over, and how the mirror was when it came."""

    engine: SimulatedEngine
    meddler: Meddler
    found: Found
    rollout: Rollout

    @property
    def target(self) -> Target:
        """Its one target."""
        (target,) = self.rollout.targets
        return target

    def demand(self, state: TargetState | None = None) -> None:
        """Ask whether what is told of it is there; `state` is told instead of the true one."""
        target = self.target if state is None else replace(self.target, state=state)
        demand_told(self.rollout, target, self.meddler, self.found, ())


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(1, ("alpha",), Fleet.align) as made:
        yield made


def told(fleet: Fleet, behaviour: Behaviour = Behaviour.OK) -> Told:
    fleet.publish("26.8.3", health_interval=0.01, behaviour=behaviour)
    refresh(fleet.console, fleet.jobs)
    environment = fleet.environment(fleet.mirrors[0], "live")
    engine = fleet.simulated.engines["alpha"]
    meddler = Meddler(engine, NAME, environment.id)
    found = found_now(meddler)
    made = Told(engine, meddler, found, fleet.roll_out())
    made.demand()
    # Somebody meddled, and with nothing of it: what doesn't depend on that is asked for all the same.
    meddler.meddled = True
    made.demand()
    return made


def _lose(name: str) -> Callable[[Told], None]:
    return lambda made: made.engine.lose_container(name)


def _lock(made: Told) -> None:
    made.engine.run(f"mc-lock.{NAME}", "registry.test:5000/shop/webshop:26.8.2")


def _stop(made: Told) -> None:
    made.engine.stop_container(NAME)


def _nothing(_made: Told) -> None:
    """Only what is told is wrong."""


@pytest.mark.parametrize(
    ("plant", "state", "law"),
    [
        (_lose(f"{NAME}.mc-prev"), None, "what served before was removed"),
        (_lock, None, "its lock is left"),
        (_stop, None, "doesn't run"),
        (_lose(NAME), None, "nothing was made"),
        (_nothing, TargetState.FAILED, "is left"),
        (_nothing, TargetState.PUT_BACK, "is left"),
    ],
)
def test_of_what_is_done_a_fault_is_found_though_somebody_meddled(
    fleet: Fleet, plant: Callable[[Told], None], state: TargetState | None, law: str
) -> None:
    made = told(fleet)
    assert made.target.state is TargetState.DONE
    plant(made)
    with pytest.raises(AssertionError, match=law):
        made.demand(state)


def _arm_otherwise(made: Told) -> None:
    update_container(made.engine.state, NAME, {"RestartPolicy": {"Name": "always"}})


@pytest.mark.parametrize(
    ("plant", "state", "law"),
    [
        (_stop, None, "doesn't run"),
        (_arm_otherwise, None, "has another policy"),
        (_nothing, TargetState.FAILED, "it was changed"),
        (_nothing, TargetState.DONE, "nothing was made"),
    ],
)
def test_of_what_is_put_back_a_fault_is_found_though_somebody_meddled(
    fleet: Fleet, plant: Callable[[Told], None], state: TargetState | None, law: str
) -> None:
    made = told(fleet, Behaviour.NEVER_HEALTHY)
    assert made.target.state is TargetState.PUT_BACK
    plant(made)
    with pytest.raises(AssertionError, match=law):
        made.demand(state)


def test_what_somebody_touched_is_not_the_programs_fault(fleet: Fleet) -> None:
    made = told(fleet, Behaviour.NEVER_HEALTHY)
    for meddling in (Meddling.POLICY, Meddling.STOP, Meddling.REMOVE):
        made.meddler.meddle(meddling)
        made.demand()


def test_nothing_is_given_up_where_nobody_meddled(fleet: Fleet) -> None:
    made = told(fleet)
    made.meddler.meddled = False
    with pytest.raises(AssertionError, match="nobody meddled"):
        made.demand(TargetState.SUPERSEDED)


def test_two_that_run_are_found(fleet: Fleet) -> None:
    made = told(fleet)
    demand_one_runs(made.meddler, beside=False)
    made.engine.run(f"{NAME}.mc-next", "registry.test:5000/shop/webshop:26.8.3")
    demand_one_runs(made.meddler, beside=True)
    with pytest.raises(AssertionError, match="2 run"):
        demand_one_runs(made.meddler, beside=False)


@pytest.mark.parametrize(
    ("accepted", "asked", "found"),
    [
        ({}, False, ["Mirror 01 was begun beyond the stop rule"]),
        ({0: 1}, False, []),
        ({0: 1}, True, ["Mirror 01 was begun after a person said stop"]),
    ],
)
def test_what_is_begun_beyond_a_rule_or_a_word_is_found(
    fleet: Fleet, accepted: dict[int, int], found: list[str], *, asked: bool
) -> None:
    rollout = told(fleet).rollout
    (target,) = rollout.targets
    failed = replace(target, planned=replace(target.planned, environment_id="failed"), state=TargetState.FAILED)
    begun = replace(target, state=TargetState.CHECKING)
    strict = replace(rollout.plan, way=replace(rollout.plan.way, max_failed=0))
    watch = Watcher({target.environment_id: TargetState.QUEUED}, accepted, lambda _rollout: None, asked=asked)
    watch(replace(rollout, plan=strict, targets=(failed, begun)))
    assert watch.broken == found


# --- mutants ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def mutate(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a mutant of the program, for one test."""

    def put(place: Any, name: str, new: Any) -> None:
        monkeypatch.setattr(place, name, new)

    def make(name: str) -> None:
        monkeypatch.setattr(mutants, "put", put)
        mutants.MUTANTS[name]()

    return make


def _all_of(*events: Callable[[], None]) -> None:
    for event in events:
        event()


@pytest.mark.parametrize(
    ("mutant", "law"),
    [
        ("rule-leaves-one", "isn't rolled back"),
        ("rule-never-back", "isn't rolled back"),
        ("back-to-now", "it went back to"),
    ],
)
def test_a_stop_rule_that_does_not_roll_all_back_is_caught(
    mutate: Callable[[str], None], mutant: str, law: str
) -> None:
    story = WaveStory()
    story.opens()
    try:
        mutate(mutant)
        way = way_of(1, OnTrip.ROLL_BACK_ALL, OnFailure.LEAVE, 0, pauses=False)
        with pytest.raises(AssertionError, match=law):
            _all_of(
                lambda: story.rolls_out(way=way, ill={1}, roomless=set(), event=QUIETLY),
                story.what_is_told_is_there,
            )
    finally:
        story.teardown()


@pytest.mark.parametrize(
    ("mutant", "law", "behaviour"),
    [
        ("stack-forgotten", "what its stack decides was changed", Behaviour.OK),
        ("stays-updated", "stranded", Behaviour.EXITS_AT_ONCE),
    ],
)
def test_a_service_that_is_not_as_it_is_told_is_caught(
    mutate: Callable[[str], None], mutant: str, law: str, behaviour: Behaviour
) -> None:
    story = ServiceStory()
    story.opens()
    try:
        mutate(mutant)
        with pytest.raises(AssertionError, match=law):
            _all_of(
                lambda: story.rolls_out(cut=services.NEVER, behaviour=behaviour),
                story.at_no_boundary_a_law_was_broken,
                story.what_is_told_is_there,
            )
    finally:
        story.teardown()
