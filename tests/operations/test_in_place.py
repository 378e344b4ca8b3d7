"""Settings alone, and limits changed in place, on the simulator: what is planned, done, put back and told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.alignment import Alignment
from mirror_console.domain.applied import Applied
from mirror_console.domain.cell import Cell
from mirror_console.domain.environment import HealthTest, Limits, RestartPolicy
from mirror_console.domain.journal import Phase
from mirror_console.domain.plan import Change, Plan, Reason
from mirror_console.domain.recovery import Found
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.steps import IN_PLACE_STEPS, Step
from mirror_console.domain.swap import Swap
from mirror_console.domain.way_back import WayBack
from mirror_console.errors import CatalogError
from mirror_console.operations import recovery
from mirror_console.operations.drift import drift_of
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.status import survey
from mirror_console.operations.ways_back import ways_back
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.container import Container
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
SECRET = SecretReference("environment/1/SECRET_KEY")


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(2, prepared=_prepare) as made:
        yield made


def _prepare(made: Fleet) -> None:
    """Two mirrors whose live was rolled out by the console with limits; the source is one release further by now."""
    made.publish("26.8.2", health_interval=0.02)
    made.console.vault.put(SECRET, Secret("hidden"))
    for mirror in made.mirrors:
        limits = Limits(memory=256 * MIB, cpus=0.5, pids=100)
        made.with_settings(made.environment(mirror, "live"), limits=limits, secrets={"SECRET_KEY": SECRET})
    refresh(made.console, made.jobs)
    assert made.roll_out().state is RolloutState.COMPLETED
    made.publish("26.8.3", health_interval=0.02)
    look(made)


def look(fleet: Fleet) -> None:
    refresh(fleet.console, fleet.jobs, inspect_all=True)


def planned(fleet: Fleet, *, settings_only: bool = True) -> Plan:
    return plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], QUICK, settings_only=settings_only)


def carried_out(fleet: Fleet, made: Plan, mark: Callable[[str], None] = lambda _boundary: None) -> Rollout:
    console = replace(fleet.console, mark=mark)
    rollout = start(console, made, preflight(console, fleet.jobs, made), "a test")
    return Conductor(console, fleet.jobs, rollout).run()


def change(fleet: Fleet, number: int = 1, **settings: object) -> None:
    fleet.with_settings(fleet.environment(fleet.mirrors[number - 1], "live"), **settings)


def one(fleet: Fleet, number: int = 1) -> Container:
    return fleet.container(f"mirror-{number:02}-live")


def granted(fleet: Fleet, number: int = 1) -> tuple[int, int, int, str]:
    host = one(fleet, number).host
    return host["Memory"] // MIB, host["MemorySwap"] // MIB, host["PidsLimit"] or 0, host["RestartPolicy"]["Name"]


def cell(fleet: Fleet, number: int = 1) -> Cell:
    mirror = fleet.mirrors[number - 1]
    return next(row.cells["live"] for row in survey(fleet.console).rows if row.application.id == mirror.id)


def record(fleet: Fleet, number: int = 1) -> Applied:
    with fleet.console.catalog.read() as books:
        return books.applied.of([fleet.environment(fleet.mirrors[number - 1], "live").id])[0]


LARGER = Limits(memory=512 * MIB, cpus=1.0, pids=0)
BEFORE = (256, 256, 100, "unless-stopped")
AFTER = (512, 512, 0, "always")


def enlarge(fleet: Fleet) -> None:
    change(fleet, limits=LARGER, restart=RestartPolicy.ALWAYS, health=HealthTest(settle=0.0, limit=5.0))


def test_limits_are_changed_while_it_runs_and_told_as_applied(fleet: Fleet) -> None:
    enlarge(fleet)
    assert (cell(fleet).alignment, cell(fleet).pending) == (Alignment.BEHIND, True)
    before = one(fleet)
    kept = before.id, before.started, before.image.id

    made = planned(fleet)

    (target,) = made.targets
    assert made.kind == "settings only"
    assert [(left.application, left.reason) for left in made.left_out] == [("Mirror 02", Reason.NOTHING_TO_DO)]
    assert (target.change, target.swap, target.way_back) == (Change.SETTINGS, Swap.IN_PLACE, WayBack.KEPT)
    assert (target.before_title, target.after_title, target.reference) == ("26.8.2", "26.8.2", "")
    assert [str(change) for change in target.changes] == [
        "memory limit: 256 MiB → 512 MiB",
        "CPU limit: 0.5 → 1",
        "process limit: 100 → none",
        "restart policy: unless-stopped → always",
        "health: settles 0 s, waits 3 s → settles 0 s, waits 5 s",
    ]
    rollout = carried_out(fleet, made)

    (ended,) = rollout.targets
    assert (rollout.state, ended.state, ended.down_seconds) == (RolloutState.COMPLETED, TargetState.DONE, None)
    assert ended.words == "its health check says healthy; changed in place, without a restart"
    assert (one(fleet).id, one(fleet).started, one(fleet).image.id) == kept
    assert granted(fleet) == AFTER
    assert set(fleet.names("alpha")) == {"webshop-live", "mirror-01-live"}
    with fleet.console.catalog.read() as books:
        steps = [line.step for line in books.journal.of(rollout.id) if line.phase is Phase.OUTCOME]
    assert steps == [step for step in IN_PLACE_STEPS if step is not Step.BAKE]
    look(fleet)
    assert (cell(fleet).alignment, cell(fleet).pending, cell(fleet).differences) == (Alignment.BEHIND, False, ())
    assert (record(fleet).rollout_id, record(fleet).settings.limits) == (rollout.id, LARGER)
    assert planned(fleet).targets == ()


def test_a_console_with_a_catalog_of_its_own_says_what_is_true(fleet: Fleet) -> None:
    """It has nothing on record, and the container's label says what it was made of before its limits were changed."""
    enlarge(fleet)
    carried_out(fleet, planned(fleet))
    with fleet.console.catalog.write() as books:
        environment_id = fleet.environment(fleet.mirrors[0], "live").id
        books.applied.remove(environment_id, "web")
    look(fleet)
    assert (cell(fleet).pending, cell(fleet).differences) == (False, ())

    change(fleet, variables={"DOMAIN": "new.example"})
    look(fleet)
    assert cell(fleet).pending


@pytest.mark.parametrize(
    "settings",
    [
        {"variables": {"DOMAIN": "new.example"}},
        {"limits": Limits(memory=512 * MIB, cpus=0.0, pids=100)},
        {"stop_seconds": 3, "limits": LARGER},
    ],
)
def test_what_an_engine_can_t_change_in_place_is_made_anew_with_the_image_that_runs(
    fleet: Fleet, settings: dict[str, object]
) -> None:
    environment = fleet.environment(fleet.mirrors[0], "live")
    fleet.with_settings(environment, **settings)
    made = planned(fleet)
    (target,) = made.targets
    assert (target.swap, target.after_title) == (Swap.RECREATE, "26.8.2")
    assert target.changes
    before = one(fleet).id

    assert carried_out(fleet, made).state is RolloutState.COMPLETED

    assert one(fleet).id != before
    assert fleet.version_of("mirror-01-live") == "26.8.2"
    look(fleet)
    assert not cell(fleet).pending


def test_a_secret_that_was_replaced_is_told_only_as_such_and_made_anew(fleet: Fleet) -> None:
    fleet.console.vault.put(SECRET, Secret("another-hidden"))
    change(fleet, limits=LARGER)

    made = planned(fleet)

    assert [target.swap for target in made.targets] == [Swap.RECREATE] * 2
    assert str(made.targets[0].changes[-1]) == "variable SECRET_KEY: as applied → replaced in the keyring"
    assert "hidden" not in repr(made)


def test_limits_that_were_changed_by_hand_are_set_right_in_place(fleet: Fleet) -> None:
    one(fleet).host |= {"Memory": 1024 * MIB, "MemorySwap": 1024 * MIB}
    change(fleet, limits=Limits(memory=256 * MIB, cpus=0.5, pids=50))
    look(fleet)

    (target,) = planned(fleet).targets

    assert [str(change) for change in target.changes] == [
        "process limit: 100 → 50",
        "memory limit: 1024 MiB → 256 MiB",
    ]
    assert target.swap is Swap.IN_PLACE


def test_a_release_and_settings_together_are_made_anew(fleet: Fleet) -> None:
    enlarge(fleet)
    made = planned(fleet, settings_only=False)
    assert [(target.change, target.swap) for target in made.targets] == [(Change.UPDATE, Swap.RECREATE)] * 2
    assert [len(target.changes) for target in made.targets] == [5, 0]


def test_the_way_back_is_what_was_granted_before_in_place(fleet: Fleet) -> None:
    enlarge(fleet)
    before = one(fleet).id, one(fleet).started
    rollout = carried_out(fleet, planned(fleet))
    environment_id = fleet.environment(fleet.mirrors[0], "live").id
    assert ways_back(fleet.console, [environment_id])[environment_id].way_back is WayBack.KEPT

    made = plan_rollback(fleet.console, fleet.jobs, rollout.id, Part.ALL)

    (target,) = made.targets
    assert (target.change, target.swap) == (Change.BACK, Swap.IN_PLACE)
    assert str(target.changes[0]) == "memory limit: 512 MiB → 256 MiB"
    assert carried_out(fleet, made).state is RolloutState.COMPLETED
    assert (one(fleet).id, one(fleet).started) == before
    assert granted(fleet) == BEFORE
    look(fleet)
    # The catalog still has what was taken back: it waits again.
    assert (cell(fleet).pending, cell(fleet).differences) == (True, ())
    (left,) = plan_rollback(fleet.console, fleet.jobs, rollout.id, Part.ALL).left_out
    assert (left.reason, left.words.startswith("rollout ")) == (Reason.CHANGED_SINCE, True)


def test_what_came_later_in_place_is_rolled_back_first(fleet: Fleet) -> None:
    change(fleet, variables={"DOMAIN": "new.example"})
    first = carried_out(fleet, planned(fleet))
    enlarge(fleet)
    later = carried_out(fleet, planned(fleet))

    (left,) = plan_rollback(fleet.console, fleet.jobs, first.id, Part.ALL).left_out

    assert left.words == f"rollout {later.plan.fingerprint} was here since: roll that one back first"


def test_what_isn_t_well_gets_back_what_it_had(fleet: Fleet) -> None:
    """The kernel ends it for lack of memory; the engine starts it again, and it isn't the same run any more."""
    change(fleet, limits=Limits(memory=8 * MIB, cpus=0.5, pids=100))
    made = planned(fleet)

    def killed(boundary: str) -> None:
        if boundary == "CHANGE:outcome":
            one(fleet).restart_count += 1

    rollout = carried_out(fleet, made, killed)

    (target,) = rollout.targets
    assert target.state is TargetState.PUT_BACK, target
    assert granted(fleet) == BEFORE
    assert set(fleet.names("alpha")) == {"webshop-live", "mirror-01-live"}
    look(fleet)
    assert (cell(fleet).pending, cell(fleet).differences) == (True, ())


def test_what_ended_under_its_new_limits_and_isn_t_well_with_the_old_ones_needs_a_person(fleet: Fleet) -> None:
    change(fleet, limits=Limits(memory=8 * MIB, cpus=0.5, pids=100))
    made = planned(fleet)

    def ends(boundary: str) -> None:
        if boundary == "CHANGE:outcome":
            fleet.simulated.engines["alpha"].stop_container("mirror-01-live")
            one(fleet).program = replace(one(fleet).program, behaviour=Behaviour.NEVER_HEALTHY)

    (target,) = carried_out(fleet, made, ends).targets

    assert target.state is TargetState.STRANDED
    assert "The old container runs again, but isn't well: its health check fails" in target.words
    assert granted(fleet) == BEFORE
    assert fleet.names("alpha")["mirror-01-live"] == "running"


def test_what_an_engine_takes_without_doing_it_is_found_out_by_reading_it_back(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    enlarge(fleet)
    made = planned(fleet)
    monkeypatch.setattr("mirror_console.engine.bodies.update_body", lambda _wanted, _now: {})

    (target,) = carried_out(fleet, made).targets

    assert target.state is TargetState.FAILED
    assert target.words == "change in place: of the same container the memory limit is 256 MiB, not 512 MiB"
    assert granted(fleet) == BEFORE


# --- cut off --------------------------------------------------------------------------------------------------------

BOUNDARIES = ("LOCK:sent", "CHANGE:intent", "CHANGE:sent", "VERIFY:sent", "UNLOCK:intent", "UNLOCK:sent")


def cut_off(fleet: Fleet, boundary: str, memory: int) -> Rollout:
    """A rollout in place whose journal can't be written any more from a boundary on."""

    def fail(here: str) -> None:
        if here == boundary:
            raise CatalogError("The journal can't be written.", "A test says so.")

    change(fleet, limits=Limits(memory=memory * MIB, cpus=0.5, pids=memory))
    with pytest.raises(CatalogError, match="journal"):
        carried_out(fleet, planned(fleet), fail)
    (found,) = recovery.interrupted(fleet.console)
    return found.rollout


def test_cut_off_anywhere_it_is_gone_on_with(fleet: Fleet) -> None:
    """Also where somebody pruned the lock meanwhile, which tells what the container was granted before."""
    before = one(fleet).id, one(fleet).started
    cuts = [(boundary, False) for boundary in BOUNDARIES] + [("CHANGE:intent", True), ("CHANGE:sent", True)]
    for memory, (boundary, pruned) in enumerate(cuts, 300):
        rollout = cut_off(fleet, boundary, memory)
        if pruned:
            fleet.simulated.engines["alpha"].lose_container("mc-lock.mirror-01-live")
        (finding,) = recovery.examine(fleet.console, fleet.jobs, rollout)
        expected = Found.CHANGED if boundary in {"CHANGE:sent", "VERIFY:sent", "UNLOCK:intent"} else Found.NOT_BEGUN
        expected = Found.FINISHED if boundary == "UNLOCK:sent" or (pruned and expected is Found.CHANGED) else expected
        assert (finding.found, finding.down) == (expected, False), boundary

        ended = recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()

        assert ended.state is RolloutState.COMPLETED, ended
        assert (one(fleet).id, one(fleet).started) == before
        assert granted(fleet) == (memory, memory, memory, "unless-stopped"), boundary
        assert set(fleet.names("alpha")) == {"webshop-live", "mirror-01-live"}
        assert record(fleet).rollout_id == rollout.id


def test_cut_off_anywhere_it_is_put_back_and_the_journal_agrees(fleet: Fleet) -> None:
    before, had = (one(fleet).id, one(fleet).started), 256
    cuts = [(boundary, False) for boundary in BOUNDARIES] + [("CHANGE:intent", True), ("CHANGE:sent", True)]
    for memory, (boundary, pruned) in enumerate(cuts, 300):
        rollout = cut_off(fleet, boundary, memory)
        if pruned:
            fleet.simulated.engines["alpha"].lose_container("mc-lock.mirror-01-live")

        (target,) = recovery.put_back(fleet.console, fleet.jobs, rollout.id).targets

        done = boundary == "UNLOCK:sent" or (pruned and boundary == "CHANGE:sent")
        touched = boundary in {"CHANGE:sent", "VERIFY:sent", "UNLOCK:intent"}
        state = TargetState.DONE if done else TargetState.PUT_BACK if touched else TargetState.FAILED
        assert target.state is state, boundary
        had = memory if done else had
        assert granted(fleet)[0] == had, boundary
        assert (one(fleet).id, one(fleet).started) == before
        assert set(fleet.names("alpha")) == {"webshop-live", "mirror-01-live"}
        look(fleet)
        assert (cell(fleet).differences, cell(fleet).pending) == ((), not done)


def test_drift_is_told_in_the_report_of_settings(fleet: Fleet) -> None:
    enlarge(fleet)
    carried_out(fleet, planned(fleet))
    one(fleet).host |= {"Memory": 1024 * MIB, "MemorySwap": 1024 * MIB}
    look(fleet)
    report = drift_of(fleet.console, fleet.environment(fleet.mirrors[0], "live").id)
    assert [str(difference) for difference in report.drift] == ["memory limit: 512 MiB → 1024 MiB"]
