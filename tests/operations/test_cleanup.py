"""Clean-up on the simulator: what rollouts left goes once it was agreed to, and every way back stays."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.cleanup import Item, Thing
from mirror_console.domain.engine import Engine
from mirror_console.domain.environment import Hold
from mirror_console.domain.fetching import FetchState
from mirror_console.domain.way import Way
from mirror_console.errors import NotAllowed
from mirror_console.operations.cleanup import look, remove
from mirror_console.operations.prefetch import of_source, prefetch
from mirror_console.operations.refresh import refresh
from mirror_console.operations.status import survey
from tests.operations.fleet import REPOSITORY, Fleet, now, small_fleet

pytestmark = pytest.mark.slow


@pytest.fixture
def rolled_out() -> Iterator[Fleet]:
    with small_fleet(mirrors=2, prepared=Fleet.roll_out_twice) as made:
        yield made


def engine(fleet: Fleet, name: str = "berlin") -> Engine:
    return fleet.console.engine(name)


def names(items: tuple[Item, ...]) -> dict[str, str]:
    return {item.name: item.why for item in items}


def test_of_two_rollouts_the_first_image_goes_and_the_way_back_stays(
    rolled_out: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    fleet, berlin = rolled_out, engine(rolled_out)
    found = look(fleet.console, berlin)
    assert names(found.goes) == {f"{REPOSITORY}:26.8.1": "of a rollout, and nothing needs it any more"}
    assert found.frees > 0
    assert names(found.stays)["mirror-02-live.mc-prev"] == "the way back of Mirror 02 live"
    assert (found.ways_back.containers, found.ways_back.images) == (1, 1)
    assert found.ways_back.size > 0
    reading = replace(fleet.console, read_only="This one only reads.")
    assert look(reading, berlin) == found
    with pytest.raises(NotAllowed, match="changed now"):
        remove(reading, berlin, found.goes)
    with caplog.at_level(logging.INFO, "mirror_console.operations.cleanup"):
        done = remove(fleet.console, berlin, found.goes)
    assert names(done.removed).keys() == {f"{REPOSITORY}:26.8.1"}
    assert not done.left
    assert done.frees == found.frees
    assert "operator removed the image" in caplog.text
    assert look(fleet.console, berlin).goes == ()
    assert fleet.names("berlin") == {"mirror-02-live": "running", "mirror-02-live.mc-prev": "exited"}
    assert fleet.version_of("mirror-02-live.mc-prev") == "26.8.2"


def test_what_comes_to_be_needed_between_the_look_and_its_turn_stays(rolled_out: Fleet) -> None:
    fleet, alpha = rolled_out, engine(rolled_out, "alpha")
    found = look(fleet.console, alpha)
    (image,) = found.goes
    environment = fleet.environment(fleet.mirrors[0], "live")
    with fleet.console.catalog.read() as books:
        first = min(books.releases.all(), key=lambda release: release.first_seen)
    hold = Hold(first.fingerprint, first.version, "a campaign", "operator", now())
    with fleet.console.catalog.write() as books:
        books.environments.save(environment.with_hold(hold))
    done = remove(fleet.console, alpha, found.goes)
    assert not done.removed
    assert names(done.left) == {image.name: "Mirror 01 live should run it"}
    with fleet.console.catalog.write() as books:
        books.environments.save(environment)
    assert look(fleet.console, alpha).goes == found.goes
    # Made after the last look: the engine itself says no, and the rest goes on.
    simulated = fleet.simulated.engines["alpha"]
    simulated.run("by-hand", f"{REPOSITORY}:26.8.1", ports={})
    done = remove(fleet.console, alpha, found.goes)
    assert names(done.left) == {image.name: "by-hand is made of it"}
    simulated.lose_container("by-hand")


def test_an_image_with_two_names_of_ours_goes_with_both(rolled_out: Fleet) -> None:
    fleet, alpha = rolled_out, engine(rolled_out, "alpha")
    session = fleet.console.engines.session(alpha)
    (image,) = look(fleet.console, alpha).goes
    session.tag(image.id, f"{REPOSITORY}:first")
    session.tag(image.id, "registry.test:5000/others/shop:1")
    assert not look(fleet.console, alpha).goes
    session.remove_image("registry.test:5000/others/shop:1")
    found = look(fleet.console, alpha)
    assert [(item.thing, len(item.tags)) for item in found.goes] == [(Thing.IMAGE, 2)]
    assert len(remove(fleet.console, alpha, found.goes).removed) == 1
    assert session.image(image.id) is None


def test_what_was_fetched_ahead_stays_while_it_may_still_be_rolled_out_and_goes_once_a_newer_one_is_out(
    rolled_out: Fleet,
) -> None:
    fleet, berlin = rolled_out, engine(rolled_out)
    title = f"{REPOSITORY} "
    for version, goes in (("26.8.4", False), ("26.8.5", True)):
        fleet.publish(version, health_interval=0.02)
        refresh(fleet.console, fleet.jobs)
        if goes:
            found = names(look(fleet.console, berlin).goes)
            assert [why for name, why in found.items() if name.startswith(title)] == [
                "fetched ahead, and a newer release is out"
            ]
        else:
            errands = of_source(fleet.console, survey(fleet.console), "webshop", "live", engines=["berlin"])
            assert prefetch(fleet.console, fleet.jobs, errands, Way())[0].state is FetchState.THERE
            found = names(look(fleet.console, berlin).stays)
            assert "Mirror 02 live should run it" in [why for name, why in found.items() if name.startswith(title)]
