"""Drift in the details of the grid: what is told, and accepting, adopting and correcting by keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from mirror_console.domain.environment import Limits, Settings
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.operations.refresh import refresh
from mirror_console.operations.status import survey
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.page import AlignmentPage
from mirror_console.ui.questions import Answer
from tests.operations.fleet import Fleet, small_fleet
from tests.ui.conftest import Answers
from tests.ui.sample import every_state, grid_of
from tests.ui.window_on import context_on, press, tab_to

MIB = 1024 * 1024
PORTS = "ports: 11001→8080 → 11999→8080"
LIMIT = "memory limit: none → 512 MiB"
SECRET = SecretReference("environment/1/SECRET_KEY")


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(2, prepared=_prepare) as made:
        yield made


def _prepare(made: Fleet) -> None:
    """Two mirrors that were rolled out; then somebody gave the first another limit and another published port."""
    made.publish("26.8.2", health_interval=0.02)
    made.console.vault.put(SECRET, Secret("hidden-and-applied"))
    made.with_settings(made.environment(made.mirrors[0], "live"), secrets={"SECRET_KEY": SECRET})
    refresh(made.console, made.jobs)
    made.roll_out()
    host = made.container("mirror-01-live").host
    host |= {"Memory": 512 * MIB, "MemorySwap": 512 * MIB}
    host["PortBindings"] = {"8080/tcp": [{"HostIp": "", "HostPort": "11999"}]}
    refresh(made.console, made.jobs, inspect_all=True)


@pytest.fixture
def answers() -> Answers:
    return Answers(Answer(True))


def shown(qtbot: QtBot, context: UiContext) -> AlignmentPage:
    with context.theme.undressed():
        page = AlignmentPage(context)
    qtbot.addWidget(page)
    page.resize(1100, 640)
    page.show()
    qtbot.waitExposed(page)
    context.grid_changed.connect(page.refresh)
    context.signals.catalog.connect(lambda _changed: context.set_grid(survey(context.console)))
    context.actions.current_page = "alignment"
    page.refresh(survey(context.console))
    page.view.move_to("mirror-01", "live")
    page.open_detail()
    return page


@pytest.fixture
def page(qapp: QApplication, qtbot: QtBot, fleet: Fleet, answers: Answers) -> Iterator[AlignmentPage]:
    with context_on(qapp, fleet, answers) as context:
        made = shown(qtbot, context)
        qtbot.waitUntil(lambda: named(made, "Compare secrets with the keyring") is not None)
        yield made
        made.close()


def named(page: AlignmentPage, name: str) -> QPushButton | None:
    found = [one for one in page.detail.drift.findChildren(QPushButton) if one.accessibleName() == name]
    return next((one for one in found if one.isVisible()), None)


def the(page: AlignmentPage, name: str) -> QPushButton:
    found = named(page, name)
    assert found is not None, [one.accessibleName() for one in page.detail.drift.findChildren(QPushButton)]
    return found


def texts(page: AlignmentPage) -> list[str]:
    return [one.text() for one in page.detail.drift.findChildren(QLabel) if one.isVisible()]


def focus_within(page: AlignmentPage) -> bool:
    """Whether the focus is on a button of the part, though the one that was pressed is gone."""
    focused = QApplication.focusWidget()
    return focused is not None and page.detail.drift.isAncestorOf(focused)


def settings(fleet: Fleet, number: int = 1) -> Settings:
    return fleet.environment(fleet.mirrors[number - 1], "live").settings


def test_each_difference_is_listed_with_what_can_be_done(page: AlignmentPage) -> None:
    told = texts(page)

    assert PORTS in told
    assert LIMIT in told
    assert any(words.startswith("Differs from what was last applied, at ") for words in told)
    assert "Nothing waits for a rollout." in told
    assert the(page, "Accept memory limit for this mirror").isEnabled()
    assert the(page, "Adopt memory limit into the template").isEnabled()
    refused = the(page, "Adopt ports into the template (ports belong to the engine that it runs on)")
    assert not refused.isEnabled()


def test_the_tip_of_the_cell_tells_the_same(page: AlignmentPage) -> None:
    tip = str(page.model.data(page.view.currentIndex(), Qt.ItemDataRole.ToolTipRole))

    assert "Live has drifted: 2 settings were changed by hand (ports, memory limit)." in tip
    assert "memory limit: none → 512 MiB" in tip
    assert "&lt;" not in tip


def test_one_is_accepted_by_keyboard_without_a_question_and_undone(
    page: AlignmentPage, qtbot: QtBot, fleet: Fleet, answers: Answers
) -> None:
    press(the(page, "Accept memory limit for this mirror"))
    qtbot.waitUntil(lambda: LIMIT not in texts(page) and PORTS in texts(page))

    assert settings(fleet).limits == Limits(memory=512 * MIB)
    assert answers.asked == []
    qtbot.waitUntil(lambda: focus_within(page))
    notice = page.context.notices.shown[-1]
    assert notice.title == "Accepted for Mirror 01 live: memory limit."

    notice.actions[0].run()
    qtbot.waitUntil(lambda: LIMIT in texts(page))

    assert settings(fleet).limits == Limits()


def test_adopting_asks_with_the_number_of_those_that_follow(
    page: AlignmentPage, qtbot: QtBot, fleet: Fleet, answers: Answers
) -> None:
    answers.answer = Answer(False)
    press(the(page, "Adopt memory limit into the template"))
    qtbot.waitUntil(lambda: len(answers.asked) == 1)
    assert answers.asked[0].title == "Adopt memory limit into the template of Webshop?"
    assert "1 other environment follows the template here, and will be pending." in answers.asked[0].text
    assert settings(fleet, 2).limits == Limits()

    answers.answer = Answer(True)
    press(the(page, "Adopt memory limit into the template"))
    qtbot.waitUntil(lambda: settings(fleet, 2).limits == Limits(memory=512 * MIB))

    qtbot.waitUntil(lambda: named(page, "Accept memory limit for this mirror") is None)
    page.view.move_to("mirror-02", "live")
    qtbot.waitUntil(lambda: "Pending: 1 change waits for a rollout" in texts(page))
    assert "memory limit: none → 512 MiB" in texts(page)


def test_correcting_opens_the_rollout_for_this_environment_alone(page: AlignmentPage) -> None:
    went: list[tuple[str, object]] = []
    page.context.wish_to_go.connect(lambda where, what: went.append((where, what)))

    press(the(page, "Correct by a rollout to this environment alone"))

    assert went == [("rollouts", {"environment": "live", "application_ids": ("mirror-01",)})]


def test_secrets_are_compared_when_a_person_asks(page: AlignmentPage, qtbot: QtBot, fleet: Fleet) -> None:
    fleet.console.vault.put(SECRET, Secret("hidden-and-other"))
    assert "Nothing waits for a rollout." in texts(page)

    press(the(page, "Compare secrets with the keyring"))

    qtbot.waitUntil(lambda: "variable SECRET_KEY: as applied → replaced in the keyring" in texts(page))
    assert "Pending: 1 change waits for a rollout" in texts(page)
    assert not any("hidden" in words for words in texts(page))


def test_a_new_survey_leaves_the_focus_where_it_is(page: AlignmentPage) -> None:
    button = the(page, "Accept memory limit for this mirror")
    tab_to(button)

    page.refresh(survey(page.context.console))

    assert button.hasFocus()


def test_another_image_is_told_too_and_can_only_be_corrected_or_held(page: AlignmentPage, qtbot: QtBot) -> None:
    row = every_state()["drifted content"]
    page.context.grid_changed.disconnect()
    page.refresh(grid_of([row]))
    page.view.move_to(row.application.id, "live")
    page.open_detail()
    qtbot.waitUntil(lambda: "image" in texts(page))

    assert any("it is not that release" in words for words in texts(page))
    assert any("hold this environment" in words for words in texts(page))
    assert the(page, "Correct by a rollout to this environment alone").isEnabled()
    assert named(page, "Accept all differences for this mirror") is None
    assert page.drift.refusal() == "only its image differs: hold it to keep it"
    assert page.drift.correct_refusal() == ""


def test_the_menu_has_what_the_panel_has(page: AlignmentPage, qtbot: QtBot, fleet: Fleet) -> None:
    page.context.actions.run("grid.accept_drift")

    qtbot.waitUntil(lambda: settings(fleet).limits == Limits(memory=512 * MIB))
    assert [port.host for port in settings(fleet).ports] == [11999]
    qtbot.waitUntil(lambda: page.drift.refusal() == "nothing differs from what was applied")


def test_read_only_shows_and_refuses(qapp: QApplication, qtbot: QtBot, fleet: Fleet, answers: Answers) -> None:
    with context_on(qapp, fleet, answers, read_only="support") as context:
        page = shown(qtbot, context)
        assert LIMIT in texts(page)
        assert not any("no rollout is on record" in words for words in texts(page)), (
            "before the record was read as well"
        )
        for name in ("Accept memory limit for this mirror", "Correct by a rollout to this environment alone"):
            assert not the(page, f"{name} (read-only)").isEnabled()
        assert page.drift.refusal() == "read-only"
        page.close()
