"""Releases that no registry is known to have, on the simulator: given by the engine on which they were loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.check import Answer, Check, Checked
from mirror_console.domain.environment import Hold
from mirror_console.domain.fetching import FetchState, fetching_words
from mirror_console.domain.plan import Plan, Reason
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.way import Way
from mirror_console.operations.plan import plan
from mirror_console.operations.prefetch import of_plan, of_source, prefetch
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.status import survey
from mirror_console.simulator.calls import Reply, Request
from mirror_console.simulator.image_store import StoredImage
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, small_fleet

pytestmark = pytest.mark.slow

DONE = TargetState.DONE


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Mirrors on three engines; the source's new release was loaded on its engine from a file, and pushed nowhere."""
    with small_fleet(names=("alpha", "berlin", "chur"), prepared=Fleet.align) as made:
        made.publish("26.8.3", health_interval=0.02)
        for engine in made.simulated.engines.values():
            engine.state.registries.clear()
        stored(made, "alpha", "26.8.3").digests.clear()
        refresh(made.console, made.jobs)
        yield made


def stored(fleet: Fleet, engine: str, version: str) -> StoredImage:
    """An image on an engine, past the program."""
    everything = fleet.simulated.engines[engine].state.images.everything()
    return next(one for one in everything if one.image.config["Labels"]["org.opencontainers.image.version"] == version)


def planned(fleet: Fleet, way: Way = QUICK) -> Plan:
    return plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], way)


def told(checked: Checked, check: Check = Check.PULLABLE) -> dict[str, tuple[Answer, str]]:
    return {one.engine_id: (one.answer, one.words) for one in checked.results if one.check is check}


def asked_of(fleet: Fleet, engine: str, ending: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What an engine is asked from now on that ends so."""
    asked: list[str] = []
    manners = fleet.simulated.engines[engine]._manners
    answer = manners.reply

    def reply(request: Request, well: Callable[[Request], Reply]) -> Reply:
        if request.target.endswith(ending):
            asked.append(request.target)
        return answer(request, well)

    monkeypatch.setattr(manners, "reply", reply)
    return asked


@pytest.mark.parametrize("ahead", [True, False], ids=["ahead", "in its turn"])
def test_what_was_loaded_on_one_engine_is_given_to_the_others(
    fleet: Fleet, ahead: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = planned(fleet, replace(QUICK, prefetch=ahead))
    assert made.left_out == ()
    assert {(target.engine, bool(target.image_id), target.reference) for target in made.targets} == {
        ("alpha", True, ""),
        ("berlin", False, ""),
        ("chur", False, ""),
    }
    checked = preflight(fleet.console, fleet.jobs, made)
    assert checked.blocking == ()
    given = (Answer.PASS, "No registry is known to have it; alpha has, and gives it through this computer.")
    there = (Answer.PASS, "The image is on the engine already.")
    assert told(checked) == {"alpha": there, "berlin": given, "chur": given}
    assert {answer for answer, _ in told(checked, Check.PLATFORM).values()} == {Answer.PASS}

    given_away = asked_of(fleet, "alpha", "/get", monkeypatch)
    rollout = Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test")).run()
    assert [target.state for target in rollout.targets] == [DONE] * 4
    if ahead:
        assert len(given_away) == 1, "it was read once for both"
        assert {fetch.engine: (fetch.state, fetch.words) for fetch in rollout.fetches} == {
            "berlin": (FetchState.THERE, "taken from alpha"),
            "chur": (FetchState.THERE, "taken from alpha"),
        }
    for mirror in fleet.mirrors:
        assert fleet.version_of(f"{mirror.slug}-live") == "26.8.3"
    # It has the name by which the source's engine knows it, and is ours to remove.
    for engine in ("berlin", "chur"):
        assert stored(fleet, engine, "26.8.3").tags == [f"{REPOSITORY}:26.8.3"]
    with fleet.console.catalog.read() as books:
        held = {one.engine_id: one.brought_by for one in books.images.like(made.targets[0].after_fingerprint)}
    assert held == {"alpha": "", "berlin": rollout.id, "chur": rollout.id}
    refresh(fleet.console, fleet.jobs)
    assert {cell.alignment for row in survey(fleet.console).rows for cell in row.cells.values()} == {"aligned"}


def test_it_is_brought_ahead_by_itself_and_once(fleet: Fleet) -> None:
    errands = of_source(fleet.console, survey(fleet.console), "webshop", "live")
    fetches = prefetch(fleet.console, fleet.jobs, errands, Way())
    assert fetching_words(fetches) == "Images for 3 engines: 2 fetched, 1 there already."
    refresh(fleet.console, fleet.jobs)
    made = planned(fleet)
    assert {bool(target.image_id) for target in made.targets} == {True}
    assert of_plan(made) == ()


def test_a_hold_on_what_was_never_a_release_is_rolled_out_where_an_engine_has_it(fleet: Fleet) -> None:
    with fleet.console.catalog.write() as books:
        own = next(one for one in books.images.on("alpha") if one.version == "26.8.2")
        for release in books.releases.all():
            if release.version == "26.8.2":
                books.releases.remove(release.id)
        mirror = fleet.environment(fleet.mirrors[1], "live")
        hold = Hold(own.fingerprint, "26.8.2", "waits", "operator", fleet.console.clock())
        books.environments.save(mirror.with_hold(hold))
    with fleet.console.catalog.read() as books:
        seen = books.observations.of(mirror.id)
    assert [one.fingerprint for one in seen] == [own.fingerprint]
    fleet.simulated.engines["berlin"].lose_container("mirror-02-live")
    refresh(fleet.console, fleet.jobs)
    made = plan(fleet.console, "live", [fleet.mirrors[1].id], QUICK)
    (target,) = made.targets
    assert (target.after_title, target.reference, bool(target.image_id)) == ("26.8.2", "", True)
    rollout = Conductor(
        fleet.console, fleet.jobs, start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    ).run()
    assert rollout.targets[0].state is DONE
    assert fleet.version_of("mirror-02-live") == "26.8.2"


def test_where_nobody_has_it_that_is_said(fleet: Fleet) -> None:
    with fleet.console.catalog.write() as books:
        for engine in fleet.simulated.engines:
            books.images.remove(engine, [one.id for one in books.images.on(engine)])
    made = planned(fleet)
    assert made.targets == ()
    assert {one.reason for one in made.left_out} == {Reason.NO_DIGEST}
    assert "no engine is known to have it" in made.left_out[0].words


def test_an_engine_that_lost_it_since_the_plan_is_said_before_anything_is_changed(fleet: Fleet) -> None:
    made = planned(fleet)
    with fleet.console.catalog.write() as books:
        held = books.images.like(made.targets[0].after_fingerprint)
        books.images.remove("alpha", [one.id for one in held])
        for seen in books.observations.all():
            books.observations.save_all([replace(seen, fingerprint="fp1:other")])
    checked = preflight(fleet.console, fleet.jobs, made)
    assert {engine for engine, (answer, _) in told(checked).items() if answer is Answer.BLOCKED} == {"berlin", "chur"}
    assert "no other engine is known to have it" in told(checked)["berlin"][1]


def test_a_digest_that_the_registry_does_not_have_is_given_by_an_engine_that_has_it(fleet: Fleet) -> None:
    """An engine with a store of manifests makes a digest up for what was loaded; and registries throw old ones away."""
    for engine in fleet.simulated.engines.values():
        engine.state.registries[fleet.simulated.registry.host] = fleet.simulated.registry
    made_up = f"{REPOSITORY}@sha256:{'7' * 64}"
    stored(fleet, "alpha", "26.8.3").digests.append(made_up)
    refresh(fleet.console, fleet.jobs, inspect_all=True)
    with fleet.console.catalog.write() as books:
        for release in books.releases.all():
            if release.version == "26.8.3":
                books.releases.save(replace(release, digest=made_up.rpartition("@")[2]))
    made = planned(fleet)
    assert {target.reference for target in made.targets} == {made_up}
    checked = preflight(fleet.console, fleet.jobs, made)
    assert checked.blocking == ()
    answer, words = told(checked)["chur"]
    assert answer is Answer.WARNING
    assert "its registry doesn't have it" in words
    rollout = Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test")).run()
    assert [target.state for target in rollout.targets] == [DONE] * 4
    assert {fetch.words for fetch in rollout.fetches if fetch.engine != "alpha"} == {
        f"taken from {giver}, as the registry doesn't have it" for giver in ("alpha", "berlin", "chur")
    } & {fetch.words for fetch in rollout.fetches}
