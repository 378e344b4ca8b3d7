"""What was cut off in the middle, on the simulator: seen again, gone on with or put back, whatever else happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from mirror_console.domain.applied import Applied
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.steps import Step
from mirror_console.errors import CatalogError, VaultError
from mirror_console.operations import recovery
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.changing import rename_container
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(mirrors=1, prepared=Fleet.fall_behind) as made:
        yield made


def begun(fleet: Fleet) -> Rollout:
    made = plan(fleet.console, "live", ["mirror-01"], QUICK)
    return start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")


def at(boundary: str, act: Callable[[], object]) -> Callable[[str], None]:
    def mark(here: str) -> None:
        if here == boundary:
            act()

    return mark


def carried_out(fleet: Fleet, boundary: str, act: Callable[[], object]) -> Rollout:
    console = replace(fleet.console, mark=at(boundary, act))
    return Conductor(console, fleet.jobs, begun(fleet)).run()


def cut_off(fleet: Fleet, step: Step, phase: str = "sent") -> Rollout:
    """Begin a rollout whose journal can't be written any more at a boundary: nothing is done after it."""

    def fail() -> None:
        raise CatalogError("The journal can't be written.", "A test says so.")

    with pytest.raises(CatalogError, match="journal"):
        carried_out(fleet, f"{step.name}:{phase}", fail)
    (found,) = recovery.interrupted(fleet.console)
    return found.rollout


def gone_on(fleet: Fleet, rollout: Rollout) -> Rollout:
    return recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()


def alpha(fleet: Fleet) -> dict[str, str]:
    return {name: state for name, state in fleet.names("alpha").items() if name != "webshop-live"}


def applied(fleet: Fleet) -> list[Applied]:
    with fleet.console.catalog.read() as books:
        return books.applied.all()


STEPS = (Step.LOCK, Step.CREATE, Step.STOP, Step.START, Step.VERIFY, Step.COMMIT, Step.NAME)
DONE = {"mirror-01-live": "running", "mirror-01-live.mc-prev": "exited"}
BACK = {"mirror-01-live": "running"}


@pytest.mark.parametrize(
    "step", [Step.LOCK, Step.CREATE, Step.STOP, Step.START, Step.VERIFY, Step.COMMIT, Step.NAME, Step.UNLOCK]
)
def test_a_rollout_broken_in_this_run_can_be_recovered_in_it(fleet: Fleet, step: Step) -> None:
    rollout = cut_off(fleet, step)
    assert rollout.state is RolloutState.INTERRUPTED
    assert recovery.examine(fleet.console, fleet.jobs, rollout)
    ended = gone_on(fleet, rollout)
    assert ended.state is RolloutState.COMPLETED
    assert alpha(fleet) == DONE
    assert fleet.version_of("mirror-01-live") == "26.8.3"
    (record,) = applied(fleet)
    assert (record.container_id, record.rollout_id) == (fleet.container("mirror-01-live").id, rollout.id)


@pytest.mark.parametrize("step", STEPS)
def test_put_back_brings_the_old_one_back_from_wherever_it_is(fleet: Fleet, step: Step) -> None:
    ended = recovery.put_back(fleet.console, fleet.jobs, cut_off(fleet, step).id)
    assert ended.targets[0].state in {TargetState.PUT_BACK, TargetState.FAILED}
    assert alpha(fleet) == BACK
    assert fleet.version_of("mirror-01-live") == "26.8.2"
    assert fleet.container("mirror-01-live").policy == "unless-stopped"
    assert ended.ended_at is not None
    assert applied(fleet) == [], "what was put back counts as applied"


def test_a_new_container_that_somebody_renames_before_it_has_its_name_is_not_left_running(fleet: Fleet) -> None:
    def rename() -> None:
        rename_container(fleet.simulated.engines["alpha"].state, "mirror-01-live.mc-next", "mine")

    ended = carried_out(fleet, f"{Step.NAME.name}:intent", rename)
    assert ended.targets[0].state in {TargetState.PUT_BACK, TargetState.DONE}
    assert alpha(fleet) == (BACK if ended.targets[0].state is TargetState.PUT_BACK else DONE)


def test_put_back_finds_a_new_container_that_somebody_renamed(fleet: Fleet) -> None:
    rollout = cut_off(fleet, Step.START)
    rename_container(fleet.simulated.engines["alpha"].state, "mirror-01-live.mc-next", "mine")
    ended = recovery.put_back(fleet.console, fleet.jobs, rollout.id)
    assert ended.targets[0].state is TargetState.PUT_BACK
    assert alpha(fleet) == BACK


@pytest.mark.parametrize("phase", ["before", "outcome"])
@pytest.mark.parametrize("goes_on", [False, True])
def test_what_was_put_back_but_for_its_lock_is_not_told_as_never_changed(
    fleet: Fleet, phase: str, *, goes_on: bool
) -> None:
    fleet.publish("26.8.4", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    refresh(fleet.console, fleet.jobs)
    began = fleet.container("mirror-01-live").started
    rollout = cut_off(fleet, Step.UNLOCK, phase)
    assert fleet.container("mirror-01-live").started != began

    if goes_on:
        # Begun anew it is a turn of its own, which is told as what came of it.
        (target,) = gone_on(fleet, rollout).targets
        assert (target.state, target.attempt) == (TargetState.PUT_BACK, 2)
    else:
        (target,) = recovery.put_back(fleet.console, fleet.jobs, rollout.id).targets
        assert (target.state, target.words) == (TargetState.PUT_BACK, "cut off, and put back as you chose")
    assert alpha(fleet) == {"mirror-01-live": "running"}


@pytest.mark.parametrize("step", [Step.STOP_NEW, Step.START_OLD, Step.VERIFY_OLD, Step.UNLOCK])
def test_what_was_put_back_is_told_so_where_its_engine_was_lost_meanwhile(fleet: Fleet, step: Step) -> None:
    fleet.publish("26.8.4", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    refresh(fleet.console, fleet.jobs)
    rollout = cut_off(fleet, step, "before")
    fleet.simulated.engines["alpha"].make_unreachable()
    (target,) = recovery.put_back(fleet.console, fleet.jobs, rollout.id).targets
    assert target.state is TargetState.UNKNOWN
    fleet.simulated.engines["alpha"].make_reachable()
    (target,) = recovery.put_back(fleet.console, fleet.jobs, rollout.id).targets
    assert (target.state, target.words) == (TargetState.PUT_BACK, "cut off, and put back as you chose")


def test_one_that_is_being_carried_out_is_not_interrupted(fleet: Fleet) -> None:
    rollout = begun(fleet)
    assert recovery.interrupted(fleet.console, [rollout.id]) == ()
    assert [found.rollout.id for found in recovery.interrupted(fleet.console)] == [rollout.id]


@pytest.mark.parametrize("phase", ["intent", "sent", "outcome"])
def test_an_old_container_that_is_pruned_during_the_health_wait_never_costs_the_new_one(
    fleet: Fleet, phase: str
) -> None:
    old = fleet.container("mirror-01-live").id

    def prune() -> None:
        fleet.simulated.engines["alpha"].lose_container(
            next(name for name in fleet.names("alpha") if fleet.container(name).id == old)
        )

    ended = carried_out(fleet, f"{Step.VERIFY.name}:{phase}", prune)
    assert ended.targets[0].state is TargetState.DONE
    assert "no way back" in ended.targets[0].words
    assert alpha(fleet) == {"mirror-01-live": "running"}
    assert fleet.version_of("mirror-01-live") == "26.8.3"


@pytest.mark.parametrize("step", [Step.COMMIT, Step.NAME])
def test_put_back_leaves_the_new_one_running_where_the_old_one_is_gone(fleet: Fleet, step: Step) -> None:
    rollout = cut_off(fleet, step)
    fleet.simulated.engines["alpha"].lose_container("mirror-01-live.mc-prev")
    ended = recovery.put_back(fleet.console, fleet.jobs, rollout.id)
    assert ended.targets[0].state is TargetState.STRANDED
    assert "left as it is" in ended.targets[0].words
    assert "running" in alpha(fleet).values()


def test_a_stranger_under_a_name_that_rollouts_use_is_never_touched(fleet: Fleet) -> None:
    image = fleet.container("mirror-01-live").image.id
    fleet.simulated.engines["alpha"].run("mirror-01-live.mc-older", image)
    made = plan(fleet.console, "live", ["mirror-01"], QUICK)
    checked = preflight(fleet.console, fleet.jobs, made)
    assert ["isn't ours" in result.words for result in checked.blocking] == [True]
    fleet.simulated.engines["alpha"].lose_container("mirror-01-live.mc-older")
    stranger: list[str] = []

    def arrive() -> None:
        fleet.simulated.engines["alpha"].run("mirror-01-live.mc-older", image)
        stranger.append(fleet.container("mirror-01-live.mc-older").id)

    carried_out(fleet, f"{Step.STOP.name}:outcome", arrive)
    assert fleet.container("mirror-01-live.mc-older").id == stranger[0]
    assert fleet.container("mirror-01-live.mc-older").is_running


def test_a_lock_that_is_pruned_between_the_crash_and_the_choice_is_taken_again(fleet: Fleet) -> None:
    rollout = cut_off(fleet, Step.STOP)

    def prune() -> None:
        fleet.simulated.engines["alpha"].lose_container("mc-lock.mirror-01-live")

    console = replace(fleet.console, mark=at(f"{Step.START_OLD.name}:intent", prune))
    ended = recovery.put_back(console, fleet.jobs, rollout.id)
    assert ended.targets[0].state is TargetState.PUT_BACK
    assert alpha(fleet) == BACK


def test_a_target_that_is_lost_leaves_no_lock(fleet: Fleet) -> None:
    rollout = cut_off(fleet, Step.COMMIT)
    for name in ("mirror-01-live.mc-prev", "mirror-01-live.mc-next"):
        fleet.simulated.engines["alpha"].lose_container(name)
    ended = gone_on(fleet, rollout)
    assert ended.targets[0].state is TargetState.STRANDED
    assert alpha(fleet) == {}


class _Locking:
    """A keyring that is open when the rollout is checked, and locked once `locked` is set."""

    def __init__(self, vault: Any) -> None:
        self._vault = vault
        self.locked = False

    def get(self, reference: SecretReference) -> Secret:
        if self.locked:
            raise VaultError("The keyring is locked.", "Unlock it.")
        found: Secret = self._vault.get(reference)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vault, name)


def test_a_keyring_that_locks_in_the_middle_fails_the_target_and_nothing_else() -> None:
    with small_fleet(mirrors=2, prepared=Fleet.fall_behind) as fleet:
        vault: Any = _Locking(fleet.console.vault)
        made = plan(fleet.console, "live", ["mirror-02"], QUICK)
        rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
        lock = at(f"{Step.LOCK.name}:outcome", lambda: setattr(vault, "locked", True))
        ended = Conductor(replace(fleet.console, vault=vault, mark=lock), fleet.jobs, rollout).run()
        assert ended.state is RolloutState.COMPLETED_WITH_FAILURES
        assert ended.targets[0].state is TargetState.FAILED
        assert "keyring is locked" in ended.targets[0].words
        assert fleet.names("berlin") == {"mirror-02-live": "running"}


def test_contact_that_is_lost_in_mid_step_is_an_interruption_and_not_a_pause(fleet: Fleet) -> None:
    engine = fleet.simulated.engines["alpha"]
    clock = iter(range(0, 10_000_000, 40))
    hurried = replace(fleet.console, monotonic=lambda: float(next(clock)))
    console = replace(hurried, mark=at(f"{Step.STOP.name}:sent", engine.make_unreachable))
    ended = Conductor(console, fleet.jobs, begun(fleet)).run()
    assert ended.targets[0].state is TargetState.UNKNOWN
    assert ended.state is RolloutState.INTERRUPTED
    assert ended.paused_because == "Contact was lost in mid-step."
    engine.make_reachable()
    assert gone_on(fleet, ended).targets[0].state is TargetState.DONE
    assert alpha(fleet) == DONE


def test_a_stop_rule_that_trips_on_lost_contact_says_both() -> None:
    with small_fleet(mirrors=2) as fleet:
        fleet.publish("26.8.2", health_interval=0.02)
        fleet.run_mirrors("26.8.2")
        fleet.publish("26.8.3", health_interval=0.02)
        refresh(fleet.console, fleet.jobs)
        ended = lost_in_the_canary(fleet)
    assert ended.state is RolloutState.INTERRUPTED
    assert ended.paused_because.startswith("Contact was lost in mid-step. Stop rule: 1 of 1 targets of wave 1 failed;")


def lost_in_the_canary(fleet: Fleet) -> Rollout:
    engine = fleet.simulated.engines["alpha"]
    clock = iter(range(0, 10_000_000, 40))
    hurried = replace(fleet.console, monotonic=lambda: float(next(clock)))
    console = replace(hurried, mark=at(f"{Step.STOP.name}:sent", engine.make_unreachable))
    made = plan(console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    return Conductor(console, fleet.jobs, start(console, made, preflight(console, fleet.jobs, made), "x")).run()


def test_down_time_counts_until_something_serves_again(fleet: Fleet) -> None:
    fleet.publish("26.8.4", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    refresh(fleet.console, fleet.jobs)
    seconds = iter(range(1_000_000))
    console = replace(fleet.console, monotonic=lambda: next(seconds) / 10)
    ended = Conductor(console, fleet.jobs, begun(fleet)).run()
    assert ended.targets[0].state is TargetState.PUT_BACK
    well = Conductor(console, fleet.jobs, _next_good(fleet)).run()
    assert ended.targets[0].down_seconds is not None
    assert well.targets[0].down_seconds is not None
    assert ended.targets[0].down_seconds > well.targets[0].down_seconds


def _next_good(fleet: Fleet) -> Rollout:
    fleet.publish("26.8.5", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    return begun(fleet)


@pytest.mark.parametrize("choose", [gone_on, lambda fleet, cut: recovery.put_back(fleet.console, fleet.jobs, cut.id)])
def test_a_container_that_somebody_made_meanwhile_is_left_alone(
    fleet: Fleet, choose: Callable[[Fleet, Rollout], Rollout]
) -> None:
    rollout = cut_off(fleet, Step.CREATE)
    image = fleet.container("mirror-01-live").image.id
    fleet.simulated.engines["alpha"].lose_container("mirror-01-live")
    fleet.simulated.engines["alpha"].run("mirror-01-live", image)
    theirs = fleet.container("mirror-01-live").id
    (finding,) = recovery.examine(fleet.console, fleet.jobs, rollout)
    assert "doesn't know" in finding.words
    assert choose(fleet, rollout).targets[0].state is TargetState.SUPERSEDED
    assert alpha(fleet) == {"mirror-01-live": "running"}
    assert fleet.container("mirror-01-live").id == theirs


@pytest.mark.parametrize("phase", ["intent", "sent", "outcome"])
@pytest.mark.parametrize("first", [False, True])
def test_cut_off_while_fetching_nothing_was_changed_and_it_goes_on(phase: str, first: bool) -> None:
    with small_fleet(mirrors=2) as fleet:
        fleet.publish("26.8.2", health_interval=0.02)
        fleet.run_mirrors("26.8.2")
        if first:
            fleet.simulated.engines["berlin"].lose_container("mirror-02-live")
        refresh(fleet.console, fleet.jobs)
        fleet.publish("26.8.3", health_interval=0.02)
        refresh(fleet.console, fleet.jobs)
        before = fleet.names("berlin")
        made = plan(fleet.console, "live", ["mirror-02"], QUICK)
        rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")

        def fail() -> None:
            raise CatalogError("The journal can't be written.", "A test says so.")

        with pytest.raises(CatalogError):
            Conductor(replace(fleet.console, mark=at(f"PULL:{phase}", fail)), fleet.jobs, rollout).run()
        there = {name: state for name, state in fleet.names("berlin").items() if not name.startswith("mc-lock")}
        assert there == before
        (found,) = recovery.interrupted(fleet.console)
        assert gone_on(fleet, found.rollout).state is RolloutState.COMPLETED
        assert fleet.version_of("mirror-02-live") == "26.8.3"
        assert not [name for name in fleet.names("berlin") if name.startswith("mc-lock")]
