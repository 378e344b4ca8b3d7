"""The sources page: releases, the form with its environments, and reading only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mirror_console.domain.environment import Limits, Settings
from mirror_console.operations.refresh import refresh
from mirror_console.operations.status import survey
from mirror_console.ui.context import UiContext
from mirror_console.ui.questions import Answer
from mirror_console.ui.sources.page import SourcesPage
from tests.operations.fleet import Fleet, small_fleet
from tests.ui.conftest import Answers
from tests.ui.window_on import context_on, press


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(2) as made:
        for version in ("26.8.2", "26.8.3"):
            made.publish(version, health_interval=0.02)
            refresh(made.console, made.jobs)
        yield made


def shown(qtbot: QtBot, context: UiContext) -> SourcesPage:
    page = SourcesPage(context)
    qtbot.addWidget(page)
    page.resize(960, 600)
    page.show()
    qtbot.waitExposed(page)
    page.refresh(survey(context.console))
    return page


@pytest.fixture
def page(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> Iterator[SourcesPage]:
    with context_on(qapp, fleet, Answers(Answer(True))) as context:
        made = shown(qtbot, context)
        yield made
        made.close()


def test_the_releases_are_listed_newest_first_and_the_current_one_marked(page: SourcesPage) -> None:
    assert [line.release.title for line in page.releases.rows] == ["26.8.3", "26.8.2"]
    assert [line.current for line in page.releases.rows] == [True, False]
    assert page.table.rows[0].mirrors == 2


def test_a_source_is_added_with_its_environments(qtbot: QtBot, page: SourcesPage) -> None:
    press(page.add_button)
    editor = page.editor
    assert editor is not None
    QTest.keyClicks(editor.name, "Blog")
    editor.repository.setText("registry.test:5000/blog")
    editor.required.setText("DATABASE_URL")
    press(editor.environments.add_button)
    live = editor.environments.forms[0]
    live.name.setText("live")
    live.engine.setCurrentIndex(live.engine.findData("alpha"))
    live.container.setText("blog-live")
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    with page.context.console.catalog.read() as books:
        blog = books.applications.by_slug("blog")
        assert blog is not None
        assert blog.required_variables == ("DATABASE_URL",)
        assert [one.container for one in books.environments.of(blog.id)] == ["blog-live"]


def test_the_template_is_edited_and_what_the_form_does_not_show_of_it_stays(
    qtbot: QtBot, page: SourcesPage, fleet: Fleet
) -> None:
    template = Settings(stop_seconds=7, labels={"team": "blue"})
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), template=template))
    page.refresh(survey(page.context.console))
    page.edit()
    qtbot.waitUntil(lambda: page.editor is not None)
    editor = page.editor
    assert editor is not None
    assert editor.template.labels.toPlainText() == "team=blue"
    editor.template.memory.setText("a lot")
    editor.template.labels.setPlainText("no sign")
    press(editor.editor.save)
    assert editor.form.fields["memory"].problem
    assert editor.form.fields["labels"].problem
    editor.template.memory.setText("128m")
    editor.template.labels.setPlainText("team=red")
    editor.template.variables.setPlainText("STAGE=live")
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    with fleet.console.catalog.read() as books:
        kept = books.applications.get("source").template
    limits = Limits(memory=128 * 1024 * 1024)
    assert kept == replace(template, limits=limits, labels={"team": "red"}, variables={"STAGE": "live"})


def test_a_source_without_a_template_stays_without(qtbot: QtBot, page: SourcesPage, fleet: Fleet) -> None:
    page.edit()
    qtbot.waitUntil(lambda: page.editor is not None)
    assert page.editor is not None
    page.editor.required.setText("DATABASE_URL")
    press(page.editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    with fleet.console.catalog.read() as books:
        assert books.applications.get("source").template is None


def test_a_repository_that_is_none_is_told_at_its_field(page: SourcesPage) -> None:
    page.add()
    editor = page.editor
    assert editor is not None
    editor.name.setText("Blog")
    editor.repository.setText("Not A Repository")
    press(editor.editor.save)
    assert page.editor is editor
    assert editor.form.fields["repository"].problem
    assert page.focusWidget() is editor.repository


def test_a_source_that_mirrors_name_stays_and_says_why(qtbot: QtBot, page: SourcesPage, fleet: Fleet) -> None:
    page.remove()
    qtbot.waitUntil(lambda: bool(page.context.notices.shown))
    with fleet.console.catalog.read() as books:
        assert books.applications.by_slug("webshop") is not None


def test_read_only_opens_the_form_and_says_why(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> None:
    with context_on(qapp, fleet, Answers(), read_only="Reading only.") as context:
        page = shown(qtbot, context)
        page.edit()
        qtbot.waitUntil(lambda: page.editor is not None)
        assert page.editor is not None
        assert not page.editor.editor.save.isEnabled()
        assert page.editor.editor.says.whole() == "Reading only."
        page.close()
