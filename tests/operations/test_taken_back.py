"""What a rollout says of targets that were rolled back since, on the simulator: wherever its targets are told."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.plan import Plan
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState, headline
from mirror_console.operations.evidence import evidence, evidence_text
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report import Format, report_csv, report_html, report_json, summary_text
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.standing import all_rollouts
from mirror_console.operations.starting import start
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.fall_behind) as made:
        yield made


def carried_out(fleet: Fleet, made: Plan) -> Rollout:
    checked = preflight(fleet.console, fleet.jobs, made)
    assert not checked.blocking, [result.words for result in checked.blocking]
    return Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test")).run()


def owned(fleet: Fleet, *accounts: str) -> None:
    """The first mirrors are these accounts'."""
    with fleet.console.catalog.write() as books:
        for mirror, account in zip(fleet.mirrors, accounts, strict=False):
            books.applications.save(replace(mirror, account=account))


def rolled_out(fleet: Fleet) -> Rollout:
    return carried_out(fleet, plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], QUICK))


def back(fleet: Fleet, rollout: Rollout, part: Part = Part.ALL, wave: int | None = None) -> Rollout:
    return carried_out(fleet, plan_rollback(fleet.console, fleet.jobs, rollout.id, part, wave))


def now(fleet: Fleet, rollout: Rollout) -> Rollout:
    """As the catalog has it; the list of all rollouts must say the same."""
    with fleet.console.catalog.read() as books:
        found = books.rollouts.get(rollout.id)
    assert found in all_rollouts(fleet.console)
    return found


def stands(rollout: Rollout) -> list[str]:
    return [target.stands for target in rollout.targets]


def test_every_form_says_that_a_wave_was_rolled_back_since_and_by_which_rollout(fleet: Fleet) -> None:
    rollout = rolled_out(fleet)
    first = back(fleet, rollout, Part.WAVE, 0)
    seen = now(fleet, rollout)

    by = f"rolled back by {first.plan.fingerprint}"
    assert headline(seen) == "3 of 4 updated, 1 rolled back since"
    assert stands(seen) == ["rolled back", "done", "done", "done"]
    assert seen.state is RolloutState.COMPLETED
    assert seen.targets[0].told.startswith(f"{by}; it was done before")
    html, markdown = report_html(fleet.console, rollout.id), summary_text(fleet.console, rollout.id)
    assert "<h1>3 of 4 updated, 1 rolled back since</h1>" in html
    assert f"1 target by rollout {first.plan.fingerprint}. What ran there before runs there again." in html
    assert "↩ rolled back</td>" in html
    assert html.count("✓ done</td>") == 3
    assert "Every target got what was planned" not in html
    assert "**3 of 4 updated, 1 rolled back since**" in markdown
    assert f"Rolled back since by rollout {first.plan.fingerprint}: 1 target" in markdown
    assert "(3)" in markdown
    rows = {
        row["mirror"]: row
        for row in csv.DictReader(io.StringIO(report_csv(fleet.console, rollout.id).lstrip("\ufeff")))
    }
    assert (rows["Mirror 01"]["outcome"], rows["Mirror 01"]["since"]) == ("done", by)
    assert rows["Mirror 02"]["since"] == ""
    told = {one["mirror"]: one for one in json.loads(report_json(fleet.console, rollout.id))["targets"]}
    one = told["Mirror 01"]
    assert (one["outcome"], one["state"], one["rolled_back_by"]) == ("rolled back", "done", first.plan.fingerprint)
    assert (told["Mirror 02"]["outcome"], told["Mirror 02"]["rollback_id"]) == ("done", "")
    assert "wave 1: 1 rolled back since" in [
        f"{group['name']}: {group['words']}" for group in json.loads(report_json(fleet.console, rollout.id))["waves"]
    ]


def test_the_evidence_says_of_no_target_that_was_put_back_how_its_new_container_was_verified(fleet: Fleet) -> None:
    fleet.publish("26.8.4", behaviour=Behaviour.HEALTHY_THEN_DIES, health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    owned(fleet, "ACC-1")
    made = plan(fleet.console, "live", [fleet.mirrors[0].id], replace(QUICK, bake=30.0))
    assert [target.state for target in carried_out(fleet, made).targets] == [TargetState.PUT_BACK]
    (line,) = (one for one in evidence(fleet.console, "ACC-1").changes if one.outcome == "put back")
    assert "while baking" in line.words
    assert not line.verified_by


def test_the_evidence_of_an_account_says_which_of_its_changes_were_rolled_back_since(fleet: Fleet) -> None:
    owned(fleet, "ACC-1", "ACC-1", "ACC-2", "ACC-2")
    rollout = rolled_out(fleet)
    first = back(fleet, rollout, Part.WAVE, 0)
    own = evidence(fleet.console, "ACC-1")

    told = [(one.mirror, one.outcome, one.since) for one in own.changes if one.rollout == rollout.id]
    by = f"rolled back by {first.plan.fingerprint}"
    assert sorted(told) == [("Mirror 01 live", "done", by), ("Mirror 02 live", "done", "")]
    assert [one.since for one in own.changes if one.rollout == first.id] == [""]
    assert own.rolled_back == 1
    for form in Format:
        assert by in evidence_text(fleet.console, "ACC-1", form).replace("\\", ""), form
        assert by not in evidence_text(fleet.console, "ACC-2", form).replace("\\", ""), form
    assert "1 rolled back since" in evidence_text(fleet.console, "ACC-1", Format.HTML)
    assert "1 rolled back since" in evidence_text(fleet.console, "ACC-1", Format.MARKDOWN)


def test_what_was_taken_forward_again_is_done_again(fleet: Fleet) -> None:
    rollout = rolled_out(fleet)
    first = back(fleet, rollout)
    assert headline(now(fleet, rollout)) == "0 of 4 updated, 4 rolled back since"
    back(fleet, first, Part.WAVE, 0)
    assert headline(now(fleet, rollout)) == "4 of 4 updated"
    assert headline(now(fleet, first)) == "0 of 4 taken back, 4 rolled back since"


def test_a_target_whose_rollback_failed_says_that_and_is_no_rolled_back_one(fleet: Fleet) -> None:
    rollout = rolled_out(fleet)
    made = plan_rollback(fleet.console, fleet.jobs, rollout.id, Part.WAVE, 0)
    begun = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    assert headline(now(fleet, rollout)) == "4 of 4 updated"

    def no_room(now: Rollout) -> None:
        if now.targets[0].state is TargetState.CHECKING:
            fleet.simulated.engines[now.targets[0].planned.engine].misbehave(Fault.DISK_FULL, "/containers/create")

    failed = Conductor(fleet.console, fleet.jobs, begun, no_room).run()
    assert failed.targets[0].state is TargetState.FAILED
    seen = now(fleet, rollout)

    assert headline(seen) == "4 of 4 updated"
    assert seen.targets[0].told.startswith(f"its rollback by {made.fingerprint} failed: failed, ")
    html = report_html(fleet.console, rollout.id)
    assert f"Its rollback failed. See what rollout {made.fingerprint} says of it." in html
    assert "Nothing needs a person" not in html
