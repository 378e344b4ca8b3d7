"""Rolling back on the simulator: each target to its own image and settings of before, without a registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.check import Answer, Check
from mirror_console.domain.plan import Change, Plan, Reason
from mirror_console.domain.release import Mark
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import REST, OnFailure, Way
from mirror_console.domain.way_back import WayBack
from mirror_console.errors import InvalidInput, NotAllowed
from mirror_console.operations.overriding import override
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.ways_back import ways_back
from mirror_console.simulator.behaviour import Behaviour
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=_prepare) as made:
        yield made


def _prepare(made: Fleet) -> None:
    """Mirrors 01 and 02 run 26.8.1, the others 26.8.2; the source has 26.8.3."""
    everybody = made.mirrors
    for version, mirrors in (("26.8.1", everybody[:2]), ("26.8.2", everybody[2:])):
        made.publish(version, health_interval=0.02)
        made.mirrors = mirrors
        made.run_mirrors(version)
        refresh(made.console, made.jobs)
    made.mirrors = everybody
    made.publish("26.8.3", health_interval=0.02)
    refresh(made.console, made.jobs)


BEFORE = ["26.8.1", "26.8.1", "26.8.2", "26.8.2"]


def versions(fleet: Fleet) -> list[str]:
    assert all(fleet.container(f"mirror-0{number}-live").is_running for number in range(1, 5))
    return [fleet.version_of(f"mirror-0{number}-live") for number in range(1, 5)]


UNDONE = (Check.WAY_BACK, Check.BACKUP)


def carried_out(fleet: Fleet, made: Plan) -> Rollout:
    checked = preflight(fleet.console, fleet.jobs, made)
    assert not checked.blocking, [result.words for result in checked.blocking]
    return Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test")).run()


def rolled_out(fleet: Fleet, way: Way = QUICK) -> Rollout:
    return carried_out(fleet, plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], way))


def back(fleet: Fleet, rollout: Rollout, part: Part = Part.ALL, wave: int | None = None) -> Plan:
    return plan_rollback(fleet.console, fleet.jobs, rollout.id, part, wave)


def test_everything_goes_back_to_its_own_image_and_settings_without_a_registry(fleet: Fleet) -> None:
    first = fleet.environment(fleet.mirrors[0], "live")
    fleet.with_settings(first, variables={"DOMAIN": "new.example"})
    rollout = rolled_out(fleet)
    assert versions(fleet) == ["26.8.3"] * 4
    assert "DOMAIN=new.example" in fleet.container("mirror-01-live").config["Env"]
    for engine in fleet.simulated.engines.values():
        engine.fail_pulls("there is no registry any more")

    made = back(fleet, rollout)
    assert made.kind == f"rollback of {rollout.plan.fingerprint}, all"
    assert {target.change for target in made.targets} == {Change.BACK}
    assert [target.after_title for target in made.targets] == BEFORE
    assert {target.before_title for target in made.targets} == {"26.8.3"}
    assert {target.way_back for target in made.targets} == {WayBack.KEPT}
    done = carried_out(fleet, made)

    assert done.state is RolloutState.COMPLETED
    assert versions(fleet) == BEFORE
    assert fleet.version_of("mirror-01-live.mc-prev") == "26.8.3"
    with fleet.console.catalog.read() as books:
        assert books.rollouts.get(done.id).plan == made


def test_settings_go_back_with_the_image(fleet: Fleet) -> None:
    first = rolled_out(fleet)
    assert first.state is RolloutState.COMPLETED
    environment = fleet.environment(fleet.mirrors[1], "live")
    fleet.with_settings(environment, variables={"DOMAIN": "new.example"})
    changed = rolled_out(fleet)
    assert [target.planned.change for target in changed.targets] == [Change.SETTINGS]
    assert "DOMAIN=new.example" in fleet.container("mirror-02-live").config["Env"]

    done = carried_out(fleet, back(fleet, changed))
    assert "DOMAIN=mirror-02.example" in fleet.container("mirror-02-live").config["Env"]
    assert versions(fleet) == ["26.8.3"] * 4

    # And forward again: a rollback is a rollout, and can itself be rolled back.
    again = back(fleet, done)
    assert again.kind == f"rollback of {done.plan.fingerprint}, all"
    carried_out(fleet, again)
    assert "DOMAIN=new.example" in fleet.container("mirror-02-live").config["Env"]


def test_a_rollback_after_a_rollback_finds_nothing_and_its_own_goes_forward(fleet: Fleet) -> None:
    rollout = rolled_out(fleet)
    went_back = carried_out(fleet, back(fleet, rollout))
    twice = back(fleet, rollout)
    assert twice.targets == ()
    assert [(one.reason, one.words) for one in twice.left_out] == [
        (Reason.NOTHING_TO_DO, f"it runs {version} again") for version in BEFORE
    ]
    forward = back(fleet, went_back)
    assert {target.after_title for target in forward.targets} == {"26.8.3"}
    carried_out(fleet, forward)
    assert versions(fleet) == ["26.8.3"] * 4


def test_one_wave_goes_back_and_no_other(fleet: Fleet) -> None:
    rollout = rolled_out(fleet)
    made = back(fleet, rollout, Part.WAVE, 0)
    assert (made.kind, [target.application for target in made.targets]) == (
        f"rollback of {rollout.plan.fingerprint}, wave 1",
        ["Mirror 01"],
    )
    carried_out(fleet, made)
    assert versions(fleet) == ["26.8.1", "26.8.3", "26.8.3", "26.8.3"]
    for wave in (None, 2, -1):
        with pytest.raises(InvalidInput, match="one of the waves 1 to 2"):
            back(fleet, rollout, Part.WAVE, wave)


def test_failed_ones_go_back_where_the_new_container_was_left(fleet: Fleet) -> None:
    fleet.publish("26.8.4", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    refresh(fleet.console, fleet.jobs)
    left = rolled_out(fleet, replace(QUICK, waves=QUICK.waves[1:], on_failure=OnFailure.LEAVE, max_failed=9))
    assert {target.state for target in left.targets} == {TargetState.LEFT}
    done = carried_out(fleet, back(fleet, left, Part.FAILED))
    assert done.state is RolloutState.COMPLETED
    assert versions(fleet) == BEFORE


def test_the_way_back_waits_for_health_as_each_environment_says_however_little_the_way_forward_did(
    fleet: Fleet,
) -> None:
    # What they run needs longer to be well than the rollout gives, and less than their settings do.
    fleet.publish("26.8.4", health_interval=0.8)
    refresh(fleet.console, fleet.jobs)
    assert rolled_out(fleet).state is RolloutState.COMPLETED
    fleet.publish("26.8.5", health_interval=0.02, behaviour=Behaviour.SLOW_START)
    refresh(fleet.console, fleet.jobs)
    hasty = replace(QUICK, waves=QUICK.waves[1:], on_failure=OnFailure.LEAVE, max_failed=9, health_limit=0.3)
    left = rolled_out(fleet, hasty)
    assert {target.state for target in left.targets} == {TargetState.LEFT}

    made = back(fleet, left, Part.FAILED)
    assert made.way.health_limit == 0.0
    done = carried_out(fleet, made)
    assert done.state is RolloutState.COMPLETED
    assert versions(fleet) == ["26.8.4"] * 4


def test_what_came_later_is_rolled_back_first(fleet: Fleet) -> None:
    first = rolled_out(fleet)
    fleet.publish("26.8.4", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    second = rolled_out(fleet)
    told = {one.words for one in back(fleet, first).left_out}
    assert told == {f"rollout {second.plan.fingerprint} was here since: roll that one back first"}
    carried_out(fleet, back(fleet, second))
    # What the second one had found is there again, but the first one's containers aren't.
    assert versions(fleet) == ["26.8.3"] * 4


def test_no_target_is_left_out_without_a_word(fleet: Fleet) -> None:
    fleet.simulated.engines["alpha"].lose_container("mirror-01-live")
    refresh(fleet.console, fleet.jobs)
    rollout = rolled_out(fleet)
    created = next(one.planned for one in rollout.targets if one.planned.application == "Mirror 01")
    assert (created.swap, created.way_back) == (Swap.CREATE, WayBack.NOTHING_BEFORE)
    alpha = fleet.simulated.engines["alpha"]
    # The way back of the third is taken away, and nobody knows any more how to pull it.
    kept = fleet.container("mirror-03-live.mc-prev").image.id
    alpha.lose_container("mirror-03-live.mc-prev")
    alpha.state.images.remove(kept, {}, force=True)
    fleet.simulated.engines["berlin"].make_unreachable()
    with fleet.console.catalog.write() as books:
        for release in books.releases.all():
            books.releases.save(replace(release, digest="") if release.version == "26.8.2" else release)

    reasons = {one.application: one.reason for one in back(fleet, rollout).left_out}
    assert reasons == {
        "Mirror 01": Reason.NO_WAY_BACK,
        "Mirror 02": Reason.UNREACHABLE,
        "Mirror 03": Reason.NO_WAY_BACK,
        "Mirror 04": Reason.UNREACHABLE,
    }
    assert ways_back(fleet.console, [one.environment_id for one in rollout.targets])


def test_what_isn_t_kept_is_pulled(fleet: Fleet) -> None:
    rollout = rolled_out(fleet)
    alpha = fleet.simulated.engines["alpha"]
    alpha.lose_container("webshop-live")
    for number in (1, 3):
        kept = fleet.container(f"mirror-0{number}-live.mc-prev").image.id
        alpha.lose_container(f"mirror-0{number}-live.mc-prev")
        alpha.state.images.remove(kept, {}, force=True)
    made = back(fleet, rollout)
    assert [target.image_id == "" for target in made.targets] == [True, False, True, False]
    carried_out(fleet, made)
    assert versions(fleet) == BEFORE


def test_a_migration_blocks_the_way_back(fleet: Fleet) -> None:
    with fleet.console.catalog.write() as books:
        for release in books.releases.all():
            if release.version == "26.8.3":
                books.releases.save(replace(release, marks=(Mark.MIGRATION,)))
    planned = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    assert {target.way_back for target in planned.targets} == {WayBack.BLOCKED}
    # The checks say no other of it than the plan does, and nothing backs the data up.
    checked = preflight(fleet.console, fleet.jobs, planned)
    told = {check: {one.answer for one in checked.results if one.check is check} for check in UNDONE}
    assert told == {Check.WAY_BACK: {Answer.WARNING}, Check.BACKUP: {Answer.BLOCKED}}
    checked = override(fleet.console, checked, checked.blocking, "backed up by hand")
    rollout = start(fleet.console, planned, checked, "a test", len(planned.targets))
    rollout = Conductor(fleet.console, fleet.jobs, rollout).run()
    refresh(fleet.console, fleet.jobs)
    assert {one.reason for one in back(fleet, rollout).left_out} == {Reason.MIGRATION}
    known = ways_back(fleet.console, [target.environment_id for target in rollout.targets])
    assert {one.way_back for one in known.values()} == {WayBack.BLOCKED}


def test_it_is_refused_where_it_could_not_be_meant(fleet: Fleet) -> None:
    paused = rolled_out(fleet, replace(QUICK, pause_after_canary=True))
    assert paused.state is RolloutState.PAUSED
    with pytest.raises(InvalidInput, match="stop it first"):
        back(fleet, paused)
    assert len(back(fleet, paused, Part.WAVE, 0).targets) == 1
    with pytest.raises(NotAllowed):
        plan_rollback(replace(fleet.console, read_only="no"), fleet.jobs, paused.id, Part.WAVE, 0)


def test_what_was_left_and_replaced_since_goes_back_to_the_settings_that_it_was_left_with(fleet: Fleet) -> None:
    fleet.publish("26.8.4", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    refresh(fleet.console, fleet.jobs)
    first = fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), variables={"DOMAIN": "left.example"})
    left = rolled_out(fleet, replace(QUICK, on_failure=OnFailure.LEAVE, waves=(REST,), max_failed=4))
    assert {target.state for target in left.targets} == {TargetState.LEFT}

    fleet.publish("26.8.5", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    fleet.with_settings(first, variables={"DOMAIN": "later.example"})
    made = back(fleet, rolled_out(fleet))
    (of_first,) = [target for target in made.targets if target.environment_id == first.id]
    assert of_first.after_title == "26.8.4"
    assert dict(of_first.settings.variables) == {"DOMAIN": "left.example"}


def test_that_what_is_taken_back_is_not_well_is_no_warning(fleet: Fleet) -> None:
    rollout = fleet.roll_out()
    for engine in fleet.simulated.engines.values():
        if any(container.name == "mirror-01-live" for container in engine.state.containers.values()):
            engine.stop_container("mirror-01-live")
    refresh(fleet.console, fleet.jobs)
    back = plan_rollback(fleet.console, fleet.jobs, rollout.id, Part.ALL, None)
    checked = preflight(fleet.console, fleet.jobs, back)
    told = [one for one in checked.results if one.check is Check.HEALTHY_NOW and one.answer is not Answer.PASS]
    assert [(one.answer, one.words) for one in told] == [
        (Answer.INFORMATION, "The container is exited now, and is to be replaced.")
    ]
