"""The image of each way back has a name of its own on its engine, and nobody takes that for a release's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.rollout import RolloutState, TargetState
from mirror_console.domain.way import OnFailure, Way
from mirror_console.operations.cleanup import look, remove
from mirror_console.operations.refresh import refresh
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, small_fleet

pytestmark = pytest.mark.slow
NAME = "mc-keep/mirror-01-live:prev"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(mirrors=1, names=("alpha",), prepared=Fleet.fall_behind) as made:
        yield made


def kept(fleet: Fleet) -> dict[str, str]:
    """By name: of which version the image is that has it, read past the program."""
    state = fleet.simulated.engines["alpha"].state
    with state.lock:
        return {
            tag: str(stored.image.config["Labels"]["org.opencontainers.image.version"])
            for stored in state.images.everything()
            for tag in stored.tags
            if tag.startswith("mc-keep/")
        }


def publish(fleet: Fleet, version: str, **how: object) -> None:
    fleet.publish(version, health_interval=0.02, **how)
    refresh(fleet.console, fleet.jobs)


def test_the_name_moves_on_with_the_way_back_and_there_is_one(fleet: Fleet) -> None:
    assert fleet.roll_out().state is RolloutState.COMPLETED
    assert kept(fleet) == {NAME: "26.8.2"} == {NAME: fleet.version_of("mirror-01-live.mc-prev")}
    publish(fleet, "26.8.4")
    assert fleet.roll_out(replace(QUICK, bake=0.1)).state is RolloutState.COMPLETED
    assert kept(fleet) == {NAME: "26.8.3"} == {NAME: fleet.version_of("mirror-01-live.mc-prev")}


@pytest.mark.parametrize("on_failure", [OnFailure.PUT_BACK, OnFailure.LEAVE])
def test_what_is_put_back_leaves_the_name_where_it_was_and_what_is_left_moves_it(
    fleet: Fleet, on_failure: OnFailure
) -> None:
    fleet.roll_out()
    publish(fleet, "26.8.4", behaviour=Behaviour.NEVER_HEALTHY)
    way: Way = replace(QUICK, on_failure=on_failure, health_limit=0.5)
    fleet.roll_out(way)
    is_left = on_failure is OnFailure.LEAVE
    assert fleet.version_of("mirror-01-live") == ("26.8.4" if is_left else "26.8.3")
    assert kept(fleet) == {NAME: "26.8.3" if is_left else "26.8.2"}


def test_an_engine_that_refuses_it_makes_no_failure_and_it_is_said(fleet: Fleet) -> None:
    fleet.simulated.engines["alpha"].misbehave(Fault.FORBIDDEN, on="/tag")
    (target,) = fleet.roll_out().targets
    assert target.state is TargetState.DONE
    assert "the image of before isn't kept from being pruned: " in target.words
    assert not kept(fleet)
    assert fleet.names("alpha").keys() == {"webshop-live", "mirror-01-live", "mirror-01-live.mc-prev"}


def test_it_is_no_name_of_a_release_and_goes_with_the_image(fleet: Fleet) -> None:
    fleet.roll_out()
    alpha = fleet.console.engine("alpha")
    session = fleet.console.engines.session(alpha)
    before, older = session.image(NAME), session.image(f"{REPOSITORY}:26.8.3")
    assert before is not None
    assert older is not None
    assert before.tags == (f"{REPOSITORY}:26.8.2",)
    listed = next(one for one in session.images() if one.id == before.id)
    assert (listed.tags, listed.kept_names) == (before.tags, (NAME,))
    # Two releases further on somebody names an older image so again, as an engine does that was put back.
    for version in ("26.8.4", "26.8.5"):
        publish(fleet, version)
        fleet.roll_out()
    session.tag(older.id, "mc-keep/somebody-else:prev")
    found = look(fleet.console, alpha)
    gone = next(item for item in found.goes if item.id == older.id)
    assert gone.kept_names == ("mc-keep/somebody-else:prev",)
    assert older.id in {item.id for item in remove(fleet.console, alpha, found.goes).removed}
    assert session.image(older.id) is None
    assert kept(fleet) == {NAME: "26.8.4"}
