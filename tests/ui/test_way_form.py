"""The form for a way: presets with their contents in sight, rules with their arithmetic, and ways of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from mirror_console.domain.canary import Canary
from mirror_console.domain.durations import Lasted, Learned
from mirror_console.domain.plan import Change
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.way import OnFailure, OnTrip, Way
from mirror_console.settings import WAYS, WayPreset
from mirror_console.ui.context import UiContext
from mirror_console.ui.rollout.operations import RolloutOperations
from mirror_console.ui.rollout.preview import PlanPreview
from mirror_console.ui.rollout.running import RunView
from mirror_console.ui.rollout.runs import Runs
from mirror_console.ui.rollout.way_form import THESE, WayForm
from tests.ui import sample_rollout as sample
from tests.ui.sample import NOW

PLAN = sample.plan_of(sample.behind_fleet())
USUAL = Learned(tuple(Lasted("live", "any", change, 20.0) for change in Change for _ in range(10)))


class Kept:
    """What was kept last."""

    ways: Mapping[str, Way] = {}

    def keep(self, ways: Mapping[str, Way]) -> None:
        self.ways = ways


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def form(qtbot: QtBot, context: UiContext, kept: Kept) -> Iterator[WayForm]:
    made = WayForm(WayPreset.NORMAL, {"Friday": Way(bake=1.0)}, kept.keep)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.show_targets(386)
    yield made
    made.close()


def type_anew(field: QLineEdit, text: str) -> None:
    field.setFocus(Qt.FocusReason.TabFocusReason)
    field.selectAll()
    QTest.keyClicks(field, text) if text else QTest.keyClick(field, Qt.Key.Key_Delete)


@pytest.mark.parametrize("preset", list(WayPreset))
def test_the_contents_of_a_preset_are_in_sight(form: WayForm, preset: WayPreset) -> None:
    form.preset.setCurrentIndex(form.preset.findData(str(preset)))
    assert form.way() == WAYS[preset]
    assert form.at_once.text() == str(WAYS[preset].at_once)
    assert form.preset.currentData() == preset


def test_the_arithmetic_follows_what_is_typed(form: WayForm) -> None:
    told = "Canary stops at 1 of 1; then stops at 3 of 20, 3 of 97, 3 of 268; stops at 5 of 386 in all; "
    told += "stops at 3 in a row; unreachable counts."
    assert form.rule.text() == told
    assert form.pausing.text() == "Pause after the first."

    type_anew(form.max_failed, "5%")
    type_anew(form.in_a_row, "")
    type_anew(form.in_all, "2%")
    form.pauses.setFocus()
    QTest.keyClick(form.pauses, Qt.Key.Key_End)
    assert form.pauses.currentData() == THESE
    assert form.pause_waves.isVisible()
    type_anew(form.pause_waves, "2, 3")

    assert form.rule.text() == (
        "Canary stops at 1 of 1; then stops at 2 of 20, 5 of 97, 14 of 268; stops at 8 of 386 in all; "
        "unreachable counts."
    )
    assert form.pausing.text() == "Pause after wave 2, 3."
    # It isn't the preset any more.
    assert form.preset.currentData() == ""
    type_anew(form.canary, "tag:early")
    type_anew(form.health_limit, "2 min")
    way = form.way()
    assert (way.canary, way.health_limit, way.pause_after) == (Canary(tag="early"), 120.0, (2, 3))


def test_what_the_rule_does_is_chosen_and_said_in_full(form: WayForm) -> None:
    assert "rolled back" not in form.rule.text()
    form.on_trip.setFocus()
    QTest.keyClick(form.on_trip, Qt.Key.Key_Down)
    assert form.way().on_trip is OnTrip.ROLL_BACK_WAVE
    told = (
        "If the stop rule stops it, the rollout pauses, and what its last wave changed is rolled back without another"
    )
    assert told in form.rule.text()
    QTest.keyClick(form.on_trip, Qt.Key.Key_Down)
    assert "the rollout ends, and everything that it changed is rolled back" in form.rule.text()
    # Nobody would be there to say what becomes of a target.
    form.on_failure.setCurrentIndex(form.on_failure.findData(str(OnFailure.ASK)))
    assert not form.accept()
    assert "waits for nobody" in form.form.fields["on_trip"].problem


def test_what_cannot_be_read_is_told_at_its_field(form: WayForm) -> None:
    type_anew(form.canary, "tag:")
    type_anew(form.max_failed, "some")
    type_anew(form.in_all, "all")
    assert not form.accept()
    assert "is not one tag" in form.form.fields["canary"].problem
    assert "neither a count nor a share" in form.form.fields["max_failed"].problem
    assert "neither a count nor a share" in form.form.fields["in_all"].problem
    assert form.numbers.text() == "This can't be read yet."


def test_a_way_of_ones_own_is_kept_chosen_and_forgotten_with_the_keyboard(form: WayForm, kept: Kept) -> None:
    assert not form.kept.name.isVisible()
    type_anew(form.at_once, "3")
    assert form.kept.name.isVisible()
    assert not form.kept.keep_button.isEnabled()
    type_anew(form.kept.name, "Saturday  night")
    QTest.keyClick(form.kept.name, Qt.Key.Key_Return)

    assert sorted(kept.ways) == ["Friday", "Saturday night"]
    assert kept.ways["Saturday night"] == replace(WAYS[WayPreset.NORMAL], at_once=3)
    assert form.preset.currentText() == "Saturday night"
    form.preset.setCurrentIndex(form.preset.findData("Friday"))
    assert form.way() == Way(bake=1.0)
    assert form.kept.forget_button.isVisible()
    form.kept.forget_button.setFocus()
    QTest.keyClick(form.kept.forget_button, Qt.Key.Key_Space)
    assert sorted(kept.ways) == ["Saturday night"]
    assert form.preset.findData("Friday") == -1
    # What was typed stays, without a name.
    assert form.way() == Way(bake=1.0)
    form.preset.setCurrentIndex(form.preset.findData(str(WayPreset.CAREFUL)))
    assert not form.kept.forget_button.isVisible()


def test_the_plan_says_how_long_it_takes_and_who_goes_first(qtbot: QtBot, context: UiContext) -> None:
    preview = PlanPreview(context)
    qtbot.addWidget(preview)
    preview.show_plan(PLAN, NOW)
    assert preview.way.text().startswith("Amber Hotel goes first: the first that runs well · ")
    preview.show_learned(PLAN, Learned())
    assert preview.lasts.text() == "How long it takes isn't known: no earlier rollout to learn from."
    preview.show_learned(PLAN, USUAL)
    assert preview.lasts.text() == "About 10–11 min; pauses and fetching images not counted."


def test_what_is_left_is_told_and_who_is_slow(qtbot: QtBot, context: UiContext) -> None:
    operations = RolloutOperations(learned=lambda _console: USUAL)
    view = RunView(context, Runs(context, operations))
    qtbot.addWidget(view)
    running = sample.running(PLAN)
    view.show_rollout(running)
    assert view.lasts.text() == "about 4 min left"
    verifying = next(target for target in running.targets if target.state is TargetState.VERIFYING)
    qtbot.waitUntil(lambda: "slower than usual" in view.outcomes.text())
    since = replace(verifying, started_at=NOW - timedelta(minutes=3))
    targets = tuple(since if target is verifying else target for target in running.targets)
    view.show_rollout(replace(running, targets=targets))

    words = [
        view.targets.data(view.targets.index(row, 2), Qt.ItemDataRole.DisplayRole)
        for row in range(view.targets.rowCount())
    ]
    assert "slower than usual: 3:00, usually up to 1:20 · waits for its health check, 21 of 60 s" in words
    view.show_rollout(sample.paused(PLAN))
    assert view.lasts.text() == ""
