"""Images come to engines before the first wave, on the simulator: what is written, what fails, what is cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from mirror_console.domain.check import Answer, Check
from mirror_console.domain.fetching import ARRIVED, FetchState, fetching_words
from mirror_console.domain.journal import Phase
from mirror_console.domain.plan import Plan
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.way import Way
from mirror_console.errors import CatalogError, InvalidInput
from mirror_console.operations import recovery
from mirror_console.operations.plan import plan
from mirror_console.operations.prefetch import of_plan, of_source, prefetch
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report import report_html, summary_text
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import resume, start
from mirror_console.operations.status import survey
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, small_fleet

pytestmark = pytest.mark.slow

DONE, QUEUED, FAILED = TargetState.DONE, TargetState.QUEUED, TargetState.FAILED
BUSY = "toomanyrequests: You have reached your pull rate limit"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Four mirrors on three engines. The source's new release is on the engine of the source alone."""
    with small_fleet(names=("alpha", "berlin", "chur"), prepared=Fleet.fall_behind) as made:
        yield made


def planned(fleet: Fleet, way: Way = QUICK) -> Plan:
    return plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], way)


def begun(fleet: Fleet, way: Way = QUICK) -> Rollout:
    made = planned(fleet, way)
    return start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")


def carried_out(fleet: Fleet, way: Way = QUICK) -> Rollout:
    return Conductor(fleet.console, fleet.jobs, begun(fleet, way)).run()


def states(rollout: Rollout) -> list[TargetState]:
    return [target.state for target in rollout.targets]


def fetched(rollout: Rollout) -> dict[str, FetchState]:
    return {fetch.engine: fetch.state for fetch in rollout.fetches}


def has(fleet: Fleet, engine: str, version: str = "26.8.3") -> bool:
    state = fleet.simulated.engines[engine].state
    with state.lock:
        images = [stored.image for stored in state.images.everything()]
    return any(image.config["Labels"]["org.opencontainers.image.version"] == version for image in images)


def pulls(fleet: Fleet, rollout: Rollout) -> list[tuple[str, Phase, str]]:
    with fleet.console.catalog.read() as books:
        lines = books.journal.of(rollout.id)
    engines = {target.environment_id: target.planned.engine for target in rollout.targets}
    return [(engines[line.environment_id], line.phase, line.words) for line in lines if line.step is Step.PULL]


def test_every_engine_has_the_image_before_anything_else_is_done(fleet: Fleet) -> None:
    rollout = carried_out(fleet)
    assert states(rollout) == [DONE] * 4
    there, already = FetchState.THERE, FetchState.ALREADY
    assert fetched(rollout) == {"alpha": already, "berlin": there, "chur": there}
    assert sum(fetch.targets for fetch in rollout.fetches) == 4
    with fleet.console.catalog.read() as books:
        lines = books.journal.of(rollout.id)
        held = {image.engine_id: image.brought_by for image in books.images.like(rollout.targets[0].after_fingerprint)}
        assert books.rollouts.get(rollout.id) == rollout
    assert [line.step for line in lines[:4]] == [Step.PULL] * 4, "an intent and an outcome for each of two engines"
    assert Step.PULL not in {line.step for line in lines[4:]}
    # What was there before isn't ours.
    assert held.get("alpha", "") == ""
    assert (held["berlin"], held["chur"]) == (rollout.id, rollout.id)
    told = "Images for 3 engines: 2 fetched, 1 there already."
    assert fetching_words(rollout.fetches) == told
    assert told in summary_text(fleet.console, rollout.id)
    assert told in report_html(fleet.console, rollout.id)


def test_where_no_more_than_one_pull_is_needed_it_is_done_in_its_own_turn(fleet: Fleet) -> None:
    fleet.simulated.engines["berlin"].pull(f"{REPOSITORY}:26.8.3", fleet.simulated.login)
    refresh(fleet.console, fleet.jobs)
    # Known there by its tag: the name by which it is planned is the digest's.
    rollout = carried_out(fleet)
    assert states(rollout) == [DONE] * 4
    assert rollout.fetches == ()
    assert [engine for engine, _, _ in pulls(fleet, rollout)] == ["chur", "chur"]


def test_it_can_be_left_out(fleet: Fleet) -> None:
    rollout = carried_out(fleet, replace(QUICK, prefetch=False))
    assert states(rollout) == [DONE] * 4
    assert rollout.fetches == ()


def test_an_engine_that_cannot_have_it_costs_its_own_targets_and_counts(fleet: Fleet) -> None:
    fleet.simulated.engines["chur"].fail_pulls("write /var/lib/docker: no space left on device")
    rollout = carried_out(fleet, replace(QUICK, max_failed=1))
    assert states(rollout) == [DONE, DONE, FAILED, DONE]
    assert rollout.state is RolloutState.COMPLETED_WITH_FAILURES
    failed = rollout.targets[2]
    assert failed.step is Step.PULL
    assert failed.started_at is None
    assert "no space left on device" in failed.words
    assert fleet.version_of("mirror-03-live") == "26.8.2"
    assert fetched(rollout)["chur"] is FetchState.FAILED
    assert "1 failed: chur could not pull" in fetching_words(rollout.fetches)
    assert [phase for engine, phase, _ in pulls(fleet, rollout) if engine == "chur"] == [Phase.INTENT, Phase.OUTCOME]


def test_a_rollout_that_loses_more_than_it_may_pauses_before_its_first_wave(fleet: Fleet) -> None:
    for engine in ("berlin", "chur"):
        fleet.simulated.engines[engine].fail_pulls("no space left on device")
    rollout = carried_out(fleet, replace(QUICK, max_failed=1))
    assert rollout.state is RolloutState.PAUSED
    assert rollout.paused_because.startswith("Stop rule: 2 of 3 targets of wave 2 failed; 1 may.")
    assert states(rollout) == [QUEUED, FAILED, FAILED, QUEUED]
    assert [fleet.version_of(f"mirror-0{number}-live") for number in range(1, 5)] == ["26.8.2"] * 4


def test_who_pauses_lets_what_comes_come_and_the_rest_goes_on_later(fleet: Fleet) -> None:
    rollout = begun(fleet, replace(QUICK, pulls_per_registry=1))
    conductor = _halted(fleet, rollout, lambda conductor: conductor.pause())
    paused = conductor.run()
    assert paused.state is RolloutState.PAUSED
    assert states(paused) == [QUEUED] * 4
    assert sorted(fetched(paused).values()) == [FetchState.THERE, FetchState.ALREADY, FetchState.WAITING]
    assert has(fleet, "berlin") != has(fleet, "chur")
    ended = Conductor(fleet.console, fleet.jobs, resume(fleet.console, rollout.id)).run()
    assert states(ended) == [DONE] * 4
    assert set(fetched(ended).values()) == ARRIVED
    assert {phase for _, phase, _ in pulls(fleet, ended)} == {Phase.INTENT, Phase.OUTCOME}


def test_who_stops_leaves_everything_as_it_was(fleet: Fleet) -> None:
    rollout = begun(fleet, replace(QUICK, pulls_per_registry=1))
    ended = _halted(fleet, rollout, lambda conductor: conductor.stop()).run()
    assert ended.state is RolloutState.STOPPED
    assert states(ended) == [TargetState.NOT_STARTED] * 4
    assert not (has(fleet, "berlin") and has(fleet, "chur"))
    assert [fetch.engine for fetch in ended.fetches if fetch.over] == ["alpha"]
    assert "the rollout was halted before the image had come" in {words for _, _, words in pulls(fleet, ended)}


def _halted(fleet: Fleet, rollout: Rollout, halt: Callable[[Conductor], None]) -> Conductor:
    """A conductor that is halted while the first image is on its way."""
    done = False

    def heard(now: Rollout) -> None:
        nonlocal done
        if not done and any(fetch.state is FetchState.FETCHING for fetch in now.fetches):
            done = True
            halt(conductor)

    conductor = Conductor(fleet.console, fleet.jobs, rollout, heard)
    return conductor


@pytest.mark.parametrize("phase", ["intent", "sent", "outcome"])
@pytest.mark.parametrize("choice", ["go on", "put back"])
def test_what_is_cut_off_says_so_and_is_gone_on_with(fleet: Fleet, phase: str, choice: str) -> None:
    cut = False

    def mark(boundary: str) -> None:
        nonlocal cut
        if boundary == f"PULL:{phase}" and not cut:
            cut = True
            raise CatalogError("The journal can't be written.", "A test says so.")

    rollout = begun(fleet, replace(QUICK, pulls_per_registry=1))
    with pytest.raises(CatalogError):
        Conductor(replace(fleet.console, mark=mark), fleet.jobs, rollout).run()
    (found,) = recovery.interrupted(fleet.console)
    if found.rollout.fetches_ahead:
        assert "Images were on their way to engines" in found.words
        assert "no target was begun" in found.words
    assert "0 in between, 4 waiting" in found.words
    assert recovery.examine(fleet.console, fleet.jobs, found.rollout) == ()
    if choice == "put back":
        ended = recovery.put_back(fleet.console, fleet.jobs, rollout.id)
        assert states(ended) == [TargetState.NOT_STARTED] * 4
        assert fleet.version_of("mirror-02-live") == "26.8.2"
    else:
        ended = recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()
        assert states(ended) == [DONE] * 4
        assert set(fetched(ended).values()) == ARRIVED


def test_a_target_whose_image_is_waited_for_is_put_aside_by_a_pause_and_gone_on_with(fleet: Fleet) -> None:
    berlin = fleet.simulated.engines["berlin"]
    berlin.fail_pulls(BUSY)
    rollout = begun(fleet, replace(QUICK, prefetch=False, max_failed=5))

    def heard(now: Rollout) -> None:
        if "try 2 in" in now.targets[1].words:
            conductor.pause()

    conductor = Conductor(fleet.console, fleet.jobs, rollout, heard)
    paused = conductor.run()
    assert paused.state is RolloutState.PAUSED
    assert states(paused)[1] is QUEUED
    assert paused.targets[1].started_at is None
    assert "mirror-02-live" in fleet.names("berlin")
    assert not [name for name in fleet.names("berlin") if name.startswith("mc-lock") or ".mc-" in name]
    berlin.fail_pulls("")
    ended = Conductor(fleet.console, fleet.jobs, resume(fleet.console, rollout.id)).run()
    assert states(ended) == [DONE] * 4


def test_what_it_took_stands_in_the_journal(fleet: Fleet) -> None:
    berlin = fleet.simulated.engines["berlin"]
    berlin.fail_pulls(BUSY)

    def heard(now: Rollout) -> None:
        if "too many requests; try 2 in" in fetching_words(now.fetches):
            berlin.fail_pulls("")

    rollout = Conductor(fleet.console, fleet.jobs, begun(fleet), heard).run()
    assert states(rollout) == [DONE] * 4
    (words,) = [
        words for engine, phase, words in pulls(fleet, rollout) if engine == "berlin" and phase is Phase.OUTCOME
    ]
    assert words.startswith("2 tries in ")
    assert words.endswith("too many requests")


# --- by itself --------------------------------------------------------------------------------------------------------


def test_by_itself_it_brings_what_the_mirrors_expect_and_nothing_else_changes(fleet: Fleet) -> None:
    before = {engine: fleet.names(engine) for engine in fleet.simulated.engines}
    told: list[str] = []
    errands = of_source(fleet.console, survey(fleet.console), "webshop", "live")
    assert {errand.fetch.engine: errand.fetch.targets for errand in errands} == {"alpha": 2, "berlin": 1, "chur": 1}
    fetches = prefetch(fleet.console, fleet.jobs, errands, Way(), lambda fetches: told.append(fetching_words(fetches)))
    assert [fetch.engine for fetch in fetches if fetch.state is FetchState.ALREADY] == ["alpha"]
    assert told[-1] == "Images for 3 engines: 2 fetched, 1 there already."
    assert has(fleet, "berlin")
    assert before == {engine: fleet.names(engine) for engine in fleet.simulated.engines}
    assert carried_out(fleet).fetches == ()


def test_a_release_of_old_and_one_engine_can_be_named(fleet: Fleet) -> None:
    grid = survey(fleet.console)
    for word in ("26.8.2", "rev-26.8.2"):
        (errand,) = of_source(fleet.console, grid, "webshop", "live", word, ["chur"])
        assert (errand.fetch.title, errand.fetch.engine) == ("26.8.2", "chur")
    (fetch,) = prefetch(fleet.console, fleet.jobs, [errand], Way())
    assert fetch.state is FetchState.ALREADY


def test_a_plan_tells_what_it_needs_on_its_engines(fleet: Fleet) -> None:
    made = planned(fleet)
    assert [(errand.fetch.engine, errand.fetch.targets) for errand in of_plan(made)] == [
        ("alpha", 2),
        ("berlin", 1),
        ("chur", 1),
    ]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("nobody", "live"), "there is no source 'nobody' (there are: webshop)"),
        (("mirror-01", "live"), "there is no source 'mirror-01' (there are: webshop)"),
        (("webshop", "live", "99"), "there is no release '99' (there are: 26.8.2, 26.8.3)"),
        (("webshop", "tset"), "no mirror of Webshop has an environment 'tset'"),
        (("webshop", "live", "", ["dunes"]), "that expects a release on dunes"),
    ],
)
def test_what_is_not_there_is_told(fleet: Fleet, asked: tuple[Any, ...], words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        of_source(fleet.console, survey(fleet.console), *asked)
    assert words in str(refused.value)


# --- from another engine ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [True, False], ids=["ahead", "in its turn"])
def test_an_engine_cut_off_from_the_registry_is_given_the_image_by_another(fleet: Fleet, ahead: bool) -> None:
    chur = fleet.simulated.engines["chur"]
    chur.state.registries.clear()
    made = planned(fleet, replace(QUICK, prefetch=ahead))
    checked = preflight(fleet.console, fleet.jobs, made)
    assert not checked.blocking
    warned = [result for result in checked.warnings if result.check is Check.PULLABLE]
    assert [(result.engine_id, result.answer) for result in warned] == [("chur", Answer.WARNING)]
    assert "taken from alpha" in warned[0].remedy
    rollout = Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test")).run()
    assert states(rollout) == [DONE] * 4
    assert fleet.version_of("mirror-03-live") == "26.8.3"
    told = {engine: words for engine, phase, words in pulls(fleet, rollout) if phase is Phase.OUTCOME}
    assert told["chur"] in {
        f"taken from {giver}, as the registry could not be reached" for giver in ("alpha", "berlin")
    }
    with fleet.console.catalog.read() as books:
        held = {image.engine_id: image for image in books.images.like(rollout.targets[0].after_fingerprint)}
    assert held["chur"].brought_by == rollout.id
    if ahead:
        assert told["chur"] in report_html(fleet.console, rollout.id)


def test_where_no_engine_has_it_the_registry_must_be_reached(fleet: Fleet) -> None:
    for engine in fleet.simulated.engines.values():
        engine.state.registries.clear()
    with fleet.console.catalog.write() as books:
        for seen in books.observations.all():
            books.observations.save_all([replace(seen, fingerprint="fp1:other")])
        for name in fleet.simulated.engines:
            books.images.remove(name, [held.id for held in books.images.on(name)])
    made = planned(fleet)
    checked = preflight(fleet.console, fleet.jobs, made)
    assert {result.engine_id for result in checked.blocking if result.check is Check.PULLABLE} == {"berlin", "chur"}


def test_a_registry_that_is_asked_too_much_is_no_reason_not_to_start(fleet: Fleet) -> None:
    made = planned(fleet)
    fleet.simulated.registry.refuse("toomanyrequests: You have reached your pull rate limit")
    checked = preflight(fleet.console, fleet.jobs, made)
    assert not checked.blocking
    fleet.simulated.registry.refuse("received unexpected HTTP status: 503 Service Unavailable")
    assert {result.check for result in preflight(fleet.console, fleet.jobs, made).blocking} == {Check.PULLABLE}
