"""An engine whose disk is full once the new container serves well, on the simulator: what serves goes on serving."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.operations import recovery
from mirror_console.operations.full_disk import PAUSE
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.vigil import Vigil
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(mirrors=1, prepared=Fleet.fall_behind) as made:
        yield made


def rolled_out(fleet: Fleet, times: int | None, *, first: int = 0) -> Rollout:
    """With a disk that is full for so many renamings after the `first`; whoever waits doesn't wait long here."""
    alpha = fleet.simulated.engines["alpha"]

    def sleep(seconds: float) -> None:
        if seconds == PAUSE:
            slept.append(seconds)
        fleet.console.sleep(min(seconds, 0.05))

    slept: list[float] = []
    before = fleet.console.monotonic

    def mark(boundary: str) -> None:
        if boundary == ("COMMIT:outcome" if first else "VERIFY:outcome"):
            alpha.misbehave(Fault.DISK_FULL, "/rename", times=times)

    console = replace(fleet.console, sleep=sleep, monotonic=lambda: before() + sum(slept), mark=mark)
    made = plan(console, "live", ["mirror-01"], QUICK)
    return Conductor(console, fleet.jobs, start(console, made, preflight(console, fleet.jobs, made), "a test")).run()


def names(fleet: Fleet) -> dict[str, str]:
    return {name: state for name, state in fleet.names("alpha").items() if name != "webshop-live"}


def test_a_disk_that_has_room_again_soon_costs_nothing(fleet: Fleet) -> None:
    (target,) = rolled_out(fleet, 3).targets
    assert target.state is TargetState.DONE
    assert names(fleet) == {"mirror-01-live": "running", "mirror-01-live.mc-prev": "exited"}
    assert fleet.version_of("mirror-01-live") == "26.8.3"


@pytest.mark.parametrize("first", [0, 1], ids=["committing", "naming"])
def test_what_serves_well_is_left_serving_until_a_person_has_made_room(fleet: Fleet, first: int) -> None:
    rollout = rolled_out(fleet, None, first=first)

    (target,) = rollout.targets
    assert (rollout.state, target.state) == (RolloutState.INTERRUPTED, TargetState.UNKNOWN)
    assert target.words.startswith("The new container serves and is well, and is left so; but '")
    assert "no space left on device" in target.words
    assert rollout.paused_because == "A step could not be finished; what serves goes on serving."
    old = "mirror-01-live.mc-prev" if first else "mirror-01-live"
    assert names(fleet) == {old: "exited", "mirror-01-live.mc-next": "running", "mc-lock.mirror-01-live": "created"}

    # Meanwhile its lock beats: no other console takes it for abandoned. Another run of this one touches nothing.
    vigil = Vigil(fleet.console, fleet.jobs)
    assert vigil.keep(rollout) == 1
    vigil.close()
    assert Vigil(replace(fleet.console, run="another"), fleet.jobs).keep(rollout) == 0

    fleet.simulated.engines["alpha"].behave()
    ended = recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()

    assert (ended.state, ended.targets[0].state) == (RolloutState.COMPLETED, TargetState.DONE)
    assert names(fleet) == {"mirror-01-live": "running", "mirror-01-live.mc-prev": "exited"}


def test_what_was_left_serving_can_be_put_back_all_the_same(fleet: Fleet) -> None:
    rollout = rolled_out(fleet, None)
    fleet.simulated.engines["alpha"].behave()
    (target,) = recovery.put_back(fleet.console, fleet.jobs, rollout.id).targets
    assert target.state is TargetState.PUT_BACK
    assert names(fleet) == {"mirror-01-live": "running"}
    assert fleet.version_of("mirror-01-live") == "26.8.2"
