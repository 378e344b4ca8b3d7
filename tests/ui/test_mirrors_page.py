"""The mirrors page: finding, the form with its environments and preview, holds, and reading only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from mirror_console.domain.environment import Hold, Limits, Settings
from mirror_console.operations.local_time import local
from mirror_console.operations.status import survey
from mirror_console.ui.context import UiContext
from mirror_console.ui.mirrors.editor import MirrorEditor
from mirror_console.ui.mirrors.hold import HoldDialog
from mirror_console.ui.mirrors.page import MirrorsPage
from tests.operations.fleet import Fleet, small_fleet
from tests.ui.conftest import Answers, ContextMaker
from tests.ui.sample import NOW, release, sample_grid
from tests.ui.window_on import context_on, press, tab_to


def shown(qtbot: QtBot, context: UiContext) -> MirrorsPage:
    with context.theme.undressed():
        page = MirrorsPage(context)
    context.wish_to_go.connect(lambda _page, what: page.show_what(what))
    qtbot.addWidget(page)
    page.resize(960, 600)
    page.show()
    qtbot.waitExposed(page)
    page.refresh(context.grid or survey(context.console))
    context.actions.current_page = "mirrors"
    return page


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(2, prepared=Fleet.fall_behind) as made:
        yield made


@pytest.fixture
def page(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> Iterator[MirrorsPage]:
    with context_on(qapp, fleet, Answers()) as context:
        made = shown(qtbot, context)
        yield made
        made.close()


def opened(qtbot: QtBot, page: MirrorsPage, mirror: str = "mirror-01") -> MirrorEditor:
    page.view.move_to(mirror)
    page.edit()
    qtbot.waitUntil(lambda: page.editor is not None)
    assert page.editor is not None
    return page.editor


def test_a_mirror_is_found_by_a_piece_of_its_domain(page: MirrorsPage) -> None:
    tab_to(page.search)
    QTest.keyClicks(page.search, "02.exam")
    assert [row.application.name for row in page.table.rows] == ["Mirror 02"]
    assert page.counted.whole() == "1 of 2 mirrors"
    QTest.keyClicks(page.search, "zzz")
    assert page.nothing.isVisible()
    assert page.nothing.title() == "No mirror matches “02.examzzz”"


def test_a_mirror_is_added_with_its_environment(qtbot: QtBot, page: MirrorsPage) -> None:
    press(page.add_button)
    editor = page.editor
    assert editor is not None
    QTest.keyClicks(editor.name, "Dunes Bakery")
    assert editor.slug.text() == "dunes-bakery"
    assert editor.source.currentData() == "webshop"
    press(editor.environments.add_button)
    live = editor.environments.forms[0]
    assert live.name.hasFocus()
    QTest.keyClicks(live.name, "live")
    live.engine.setCurrentIndex(live.engine.findData("berlin"))
    live.container.setText("dunes-live")
    live.ports.setText("11077:8080")
    live.variables.setPlainText("DOMAIN=dunes.example\nSTAGE=live")
    live.secrets.add()
    name, value = live.secrets.findChildren(QLineEdit)[:2]
    name.setText("SECRET_KEY")
    value.setText("very-secret")
    live.memory.setText("64m")
    qtbot.waitUntil(lambda: "26.8.3 is expected" in editor.editor.says.whole())
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None, timeout=5000)
    console = page.context.console
    with console.catalog.read() as books:
        made = books.applications.by_slug("dunes-bakery")
        assert made is not None
        environment = books.environments.of(made.id)[0]
    assert environment.engine_id == "berlin"
    assert environment.settings.limits.memory == 64 * 1024 * 1024
    assert dict(environment.settings.variables) == {"DOMAIN": "dunes.example", "STAGE": "live"}
    assert console.vault.get(environment.settings.secrets["SECRET_KEY"]).reveal() == "very-secret"


def test_a_new_environment_starts_from_the_template_of_its_source(
    qtbot: QtBot, page: MirrorsPage, fleet: Fleet
) -> None:
    template = Settings(limits=Limits(memory=128 * 1024 * 1024), labels={"traefik.enable": "true"}, stop_seconds=7)
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), template=template))
    page.context.set_grid(survey(page.context.console))
    press(page.add_button)
    editor = page.editor
    assert editor is not None
    QTest.keyClicks(editor.name, "Dunes Bakery")
    press(editor.environments.add_button)
    live = editor.environments.forms[0]
    assert (live.memory.text(), live.labels.toPlainText()) == ("128 MiB", "traefik.enable=true")
    live.name.setText("live")
    live.engine.setCurrentIndex(live.engine.findData("berlin"))
    live.container.setText("dunes-live")
    live.labels.setPlainText("traefik.enable=false\nio.mirrorconsole.env=x")
    press(editor.editor.save)
    assert page.editor is editor
    assert "one of the console's own" in live.form.fields["labels"].problem
    live.labels.setPlainText("traefik.enable=false")
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None, timeout=5000)
    with fleet.console.catalog.read() as books:
        made = books.applications.by_slug("dunes-bakery")
        assert made is not None
        own = books.environments.of(made.id)[0].settings
    assert own == replace(template, labels={"traefik.enable": "false"})


def test_save_goes_to_the_first_problem_also_in_an_environment(qtbot: QtBot, page: MirrorsPage) -> None:
    editor = opened(qtbot, page)
    live = editor.environments.forms[0]
    live.ports.setText("http")
    live.variables.setPlainText("no equals sign")
    press(editor.editor.save)
    assert page.editor is editor
    assert live.form.fields["ports"].problem
    assert live.form.fields["variables"].problem
    assert page.focusWidget() in {live.ports, live.variables}
    assert editor.form.fields["name"].problem == ""


def test_a_problem_of_the_mirror_itself_comes_before_those_of_its_environments(qtbot: QtBot, page: MirrorsPage) -> None:
    editor = opened(qtbot, page)
    editor.name.clear()
    editor.environments.forms[0].container.setText("!")
    press(editor.editor.save)
    assert page.focusWidget() is editor.name
    assert editor.environments.forms[0].form.fields["container"].problem


def test_the_preview_says_what_it_would_show(qtbot: QtBot, page: MirrorsPage) -> None:
    editor = opened(qtbot, page)
    assert editor.editor.says.whole() == "Live would show: behind, 26.8.2 → 26.8.3."
    editor.environments.forms[0].name.setText("staging")
    editor.image_source.setCurrentIndex(editor.image_source.findData("matching"))
    expected = "Staging would show: no release, because the source has no environment 'staging'."
    qtbot.waitUntil(lambda: editor.editor.says.whole() == expected)


def test_a_hold_is_set_and_ended(qtbot: QtBot, page: MirrorsPage, fleet: Fleet) -> None:
    editor = opened(qtbot, page)
    live = editor.environments.forms[0]
    editor.hold(live.given.id, "campaign", None)
    qtbot.waitUntil(lambda: live.hold is not None)
    assert fleet.environment(fleet.mirrors[0], "live").hold is not None
    press(live.clear_button)
    qtbot.waitUntil(lambda: live.hold is None)
    assert fleet.environment(fleet.mirrors[0], "live").hold is None
    editor.form.begin()


def test_the_dialog_for_a_hold_asks_for_a_reason_and_a_day_to_come(qtbot: QtBot) -> None:
    dialog = HoldDialog("Dunes Bakery live", "26.8.2", (), NOW)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.cancel_button.isDefault()
    dialog.go_button.click()
    assert dialog.isVisible()
    assert dialog.form.fields["reason"].problem.startswith("Say why")
    dialog.reason_field.setText("campaign")
    dialog.until_field.setText("2026-09-01")
    dialog.go_button.click()
    assert dialog.form.fields["until"].problem == "This day has passed."
    dialog.until_field.setText("2026-09-30")
    assert dialog.until is not None
    assert dialog.until.date() == date(2026, 9, 30)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


@pytest.mark.usefixtures("in_berlin")
def test_a_hold_that_is_looked_at_beyond_a_change_of_the_clocks_keeps_its_last_day(qtbot: QtBot) -> None:
    winter, summer = (local(datetime(2027, month, 1, tzinfo=UTC)) for month in (1, 6))
    first = HoldDialog("Dunes Bakery live", "26.8.2", (), winter)
    qtbot.addWidget(first)
    first.until_field.setText("2027-06-30")
    held = Hold("", "26.8.2", "a fair", "somebody", winter, first.until)
    again = HoldDialog("Dunes Bakery live", "26.8.2", (), summer, held)
    qtbot.addWidget(again)

    assert again.until_field.text() == "2027-06-30"
    assert again.until == first.until


def test_a_hold_is_on_any_release_of_the_source_and_begins_with_the_one_that_is_there(
    qtbot: QtBot, page: MirrorsPage, fleet: Fleet
) -> None:
    editor = opened(qtbot, page)
    live = editor.environments.forms[0]
    dialog = editor.hold_dialog(live.given.id)
    offered = [dialog.image_field.itemText(place) for place in range(dialog.image_field.count())]
    assert offered[0] == "What runs there now: 26.8.2"
    assert [words.split(",")[0] for words in offered[1:]] == ["26.8.3", "26.8.2"]
    assert dialog.image_field.currentIndex() == 0
    dialog.image_field.setCurrentIndex(1)
    wanted = dialog.release
    assert wanted is not None
    editor.hold(live.given.id, "a fair", None, wanted)
    qtbot.waitUntil(lambda: live.hold is not None)
    held = fleet.environment(fleet.mirrors[0], "live").hold
    assert held is not None
    assert (held.version, held.identity) == ("26.8.3", wanted.identity)
    again = HoldDialog("Dunes Bakery live", "26.8.2", [wanted], NOW, held)
    qtbot.addWidget(again)
    assert (again.release, again.reason, again.until) == (wanted, "a fair", None)
    editor.form.begin()


def test_where_nothing_was_seen_running_a_hold_asks_for_a_release(qtbot: QtBot) -> None:
    dialog = HoldDialog("Dunes Bakery live", "", [release(4), replace(release(4), id="test", digest="")], NOW)
    qtbot.addWidget(dialog)
    dialog.reason_field.setText("campaign")
    dialog.go_button.click()
    assert dialog.form.fields["image"].problem.startswith("Choose a release")
    assert dialog.image_field.count() == 2, "one image of two environments is offered once"
    dialog.image_field.setCurrentIndex(1)
    assert dialog.release == release(4)


def test_an_environment_that_is_removed_goes_when_saved(qtbot: QtBot, page: MirrorsPage, fleet: Fleet) -> None:
    editor = opened(qtbot, page)
    press(editor.environments.remove_button)
    assert editor.environments.forms == ()
    with fleet.console.catalog.read() as books:
        assert len(books.environments.of("mirror-01")) == 1
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    with fleet.console.catalog.read() as books:
        assert books.environments.of("mirror-01") == []
    assert "mirror-01-live" in fleet.names("alpha")


def test_every_field_has_a_name_and_tab_reaches_it(qtbot: QtBot, page: MirrorsPage) -> None:
    editor = opened(qtbot, page)
    kinds = (QLineEdit, QPlainTextEdit, QPushButton)
    parts = [part for kind in kinds for part in editor.findChildren(kind) if part.isVisible()]
    nameless = [part for part in parts if not (part.accessibleName() or getattr(part, "text", str)())]
    assert not nameless, nameless
    seen: set[QWidget] = set()
    part: QWidget | None = editor.name
    while part is not None and part not in seen:
        seen.add(part)
        part = part.nextInFocusChain()
    unreachable = [part for part in parts if part not in seen and part.objectName() != "qt_spinbox_lineedit"]
    assert not unreachable, unreachable


def test_read_only_opens_the_form_and_says_why_it_cannot_be_saved(
    qapp: QApplication, qtbot: QtBot, fleet: Fleet
) -> None:
    with context_on(qapp, fleet, Answers(), read_only="Reading only.") as context:
        page = shown(qtbot, context)
        editor = opened(qtbot, page)
        assert not editor.editor.save.isEnabled()
        assert editor.editor.says.whole() == "Reading only."
        assert editor.name.isReadOnly()
        assert not editor.environments.forms[0].hold_button.isEnabled()
        assert not page.remove_button.isEnabled()
        page.close()


def test_a_wish_selects_a_mirror(qtbot: QtBot, make_context: ContextMaker) -> None:
    context = make_context()
    context.set_grid(sample_grid())
    page = shown(qtbot, context)
    page.search.setText("nothing like it")
    page.show_what({"application_id": "mirror-5"})
    assert page.view.current_key() == "mirror-5"
    page.close()


def test_beside_secrets_it_says_who_sees_them_in_the_container(qtbot: QtBot, page: MirrorsPage) -> None:
    editor = opened(qtbot, page)
    said = [label.text() for label in editor.findChildren(QLabel)]
    assert sum("seen by everyone who may ask its engine" in words for words in said) == 1


def test_a_service_of_a_swarm_is_asked_for_what_comes_to_it_alone(
    qtbot: QtBot, page: MirrorsPage, fleet: Fleet
) -> None:
    editor = opened(qtbot, page)
    live = editor.environments.forms[0]
    fields = live.form.fields
    of_containers = {"ports", "volumes", "networks", "restart", "path", "labels", "settings.route.alias"}
    of_both = {"variables", "secrets", "memory", "stop_seconds", "command", "limit", "protected"}
    assert all(fields[name].isVisibleTo(live.form) for name in of_containers | of_both)
    live.ports.setText("no port at all")
    live.runs_as.control.setCurrentIndex(live.runs_as.control.findData("service"))
    assert not any(fields[name].isVisibleTo(live.form) for name in of_containers)
    assert all(fields[name].isVisibleTo(live.form) for name in of_both)
    assert live.container.accessibleName() == "Service"
    live.container.setText("no.service")
    press(editor.editor.save)
    assert page.editor is editor
    assert "not the name of a service" in fields["container"].problem
    live.container.setText("mirror_web")
    before = fleet.environment(fleet.mirrors[0], "live")
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None, timeout=5000)
    # What isn't asked of a service stays as it was, whatever was typed before.
    after = fleet.environment(fleet.mirrors[0], "live")
    assert (after.swarm, after.container, after.settings) == (True, "mirror_web", before.settings)
    editor = opened(qtbot, page)
    assert editor.environments.forms[0].runs_as.swarm
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None, timeout=5000)
    assert fleet.environment(fleet.mirrors[0], "live").swarm
