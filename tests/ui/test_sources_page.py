"""The sources page: releases, the form with its environments, and reading only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mirror_console.domain.environment import Limits, Process, Settings, TagRule
from mirror_console.domain.process import DeclaredProcess
from mirror_console.domain.release import Mark
from mirror_console.domain.release_command import BackupCommand, ReleaseCommand
from mirror_console.domain.service import Service
from mirror_console.operations.refresh import refresh
from mirror_console.operations.status import survey
from mirror_console.ui.context import UiContext
from mirror_console.ui.questions import Answer
from mirror_console.ui.sources.mark import MarkDialog
from mirror_console.ui.sources.page import SourcesPage
from tests.operations.fleet import Fleet, small_fleet
from tests.ui.conftest import Answers
from tests.ui.window_on import context_on, press


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(2, prepared=_prepare) as made:
        yield made


def _prepare(made: Fleet) -> None:
    for version in ("26.8.2", "26.8.3"):
        made.publish(version, health_interval=0.02)
        refresh(made.console, made.jobs)


def shown(qtbot: QtBot, context: UiContext) -> SourcesPage:
    with context.theme.undressed():
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
    assert [line.release.title for line in page.releases.table.rows] == ["26.8.3", "26.8.2"]
    assert [line.current for line in page.releases.table.rows] == [True, False]
    assert page.table.rows[0].mirrors == 2


def test_settings_of_a_whole_source_are_rolled_out_from_here(page: SourcesPage) -> None:
    gone: list[tuple[str, dict[str, object]]] = []
    page.context.wish_to_go.connect(lambda where, what: gone.append((where, what)))
    page.context.set_grid(survey(page.context.console))
    press(page.settings_button)
    assert gone == [
        ("rollouts", {"environment": "", "application_ids": ["mirror-01", "mirror-02"], "settings_only": True})
    ]


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


# --- releases: who has them, what is said of them, and tags that are followed ---------------------------------------


def follow(fleet: Fleet) -> None:
    with fleet.console.catalog.write() as books:
        source = books.applications.get("source")
        books.applications.save(replace(source, notes_url="https://webshop.example/{version}?r={revision}"))
        live = books.environments.get("source-live")
        books.environments.save(replace(live, follows=TagRule("live")))
    fleet.simulated.registry.publish("shop/webshop", "live", "26.8.4", "rev-26.8.4")


def choose(page: SourcesPage, version: str) -> None:
    line = next(line for line in page.releases.table.rows if line.release.version == version)
    page.releases.view.move_to(line.release.id)


def test_who_has_a_release_is_counted(qtbot: QtBot, page: SourcesPage, fleet: Fleet) -> None:
    fleet.run_mirrors("26.8.2")
    refresh(fleet.console, fleet.jobs)
    page.context.set_grid(survey(fleet.console))
    page.refresh(survey(fleet.console))
    assert [(one.release.version, one.use.expected, one.use.runs, one.now) for one in page.releases.table.rows] == [
        ("26.8.3", 2, 0, "current"),
        ("26.8.2", 0, 2, ""),
    ]


def test_a_release_is_marked_by_a_dialog(qtbot: QtBot, page: SourcesPage, fleet: Fleet) -> None:
    choose(page, "26.8.2")

    def fill() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, MarkDialog):
            QTimer.singleShot(20, page, fill)
            return
        dialog.ticks[Mark.STOP_HERE].setChecked(True)
        QTest.keyClicks(dialog.remark_field, "new search index")
        dialog.go_button.click()

    QTimer.singleShot(20, page, fill)
    press(page.releases.mark_button)

    def marked() -> list[tuple[tuple[Mark, ...], str]]:
        with fleet.console.catalog.read() as books:
            return [(one.marks, one.remark) for one in books.releases.of(["source-live"])]

    qtbot.waitUntil(lambda: marked() == [((Mark.STOP_HERE,), "new search index"), ((), "")])


def test_the_notes_of_a_release_are_opened_in_the_browser(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> None:
    follow(fleet)
    opened: list[str] = []

    def browser(address: str) -> bool:
        opened.append(address)
        return True

    with context_on(qapp, fleet, Answers()) as context:
        with context.theme.undressed():
            page = SourcesPage(context, open_link=browser)
        qtbot.addWidget(page)
        page.show()
        qtbot.waitExposed(page)
        page.refresh(survey(context.console))
        choose(page, "26.8.2")
        press(page.releases.notes_button)
        assert opened == ["https://webshop.example/26.8.2?r=rev-26.8.2"]
        page.close()


def test_tags_are_looked_up_now_and_both_are_told(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> None:
    follow(fleet)
    with context_on(qapp, fleet, Answers()) as context:
        page = shown(qtbot, context)
        assert page.releases.words.text() == "live: tag live never read, runs 26.8.3; not looked up yet"
        press(page.releases.look_button)
        qtbot.waitUntil(page.releases.look_button.isEnabled)
        page.refresh(survey(context.console))
        newest = page.releases.table.rows[0]
        assert (newest.now, newest.release.tag, newest.use.expected) == ("tag live", "live", 0)
        words = f"live: tag live → sha256:{newest.release.title}, runs 26.8.3; looked up 0 s ago"
        assert page.releases.words.text() == words
        page.close()


def test_a_tag_is_typed_tried_and_kept(qtbot: QtBot, page: SourcesPage, fleet: Fleet) -> None:
    digest = fleet.simulated.registry.publish("shop/webshop", "stable", "26.8.4", "rev-26.8.4").digest
    page.edit()
    qtbot.waitUntil(lambda: page.editor is not None)
    editor = page.editor
    assert editor is not None
    live = editor.environments.forms[0]
    assert not live.tag.isVisible()
    live.origin.setCurrentIndex(live.origin.findData("tag"))
    assert live.tag.isVisible()
    # A tag is needed, a span has to be one, and an address of notes starts with https.
    live.every.setText("often")
    editor.notes_url.setText("http://webshop.example/{version}")
    press(editor.editor.save)
    assert page.editor is editor
    assert (live.form.fields["tag"].problem, live.form.fields["every"].problem) != ("", "")
    assert "https" in editor.form.fields["notes_url"].problem
    live.tag.setText("stable")
    live.every.setText("1 h")
    editor.notes_url.setText("https://webshop.example/{version}")
    press(live.look_button)
    qtbot.waitUntil(lambda: digest in live.answer.text())
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    with fleet.console.catalog.read() as books:
        assert books.environments.get("source-live").follows == TagRule("stable", 3600)
        assert books.applications.get("source").notes_url == "https://webshop.example/{version}"


def test_a_release_command_and_a_backup_are_typed_and_kept(qtbot: QtBot, page: SourcesPage, fleet: Fleet) -> None:
    page.edit()
    qtbot.waitUntil(lambda: page.editor is not None)
    editor = page.editor
    assert editor is not None
    commands = editor.commands
    commands.release.setText("manage.py migrate")
    commands.limit.setText("soon")
    commands.none.setChecked(True)
    commands.backup_image.setText("tools/dump:1")
    press(editor.editor.save)
    assert page.editor is editor
    wrong = ("release_command.limit", "release_command.none", "backup.command")
    assert all(editor.form.fields[name].problem for name in wrong)
    commands.limit.setText("15 min")
    commands.none.setChecked(False)
    commands.idempotent.setChecked(True)
    commands.backup.setText("/app/backup")
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    with fleet.console.catalog.read() as books:
        source = books.applications.get("source")
    assert source.release_command == ReleaseCommand(("manage.py", "migrate"), 900.0, idempotent=True)
    assert source.backup == BackupCommand(("/app/backup",), 600.0, "tools/dump:1")


def test_processes_are_typed_one_a_line_and_come_to_the_mirrors(qtbot: QtBot, page: SourcesPage, fleet: Fleet) -> None:
    page.edit()
    qtbot.waitUntil(lambda: page.editor is not None)
    editor = page.editor
    assert editor is not None
    editor.processes.lines.setPlainText("web\nother\nworker = sleep 900")
    editor.processes.workers.setText("worker, jobs")
    editor.processes.limits.setPlainText("worker = much")
    press(editor.editor.save)
    assert page.editor is editor
    assert "exactly one process serves" in editor.form.fields["processes"].problem.lower()
    assert "'jobs' is none" in editor.form.fields["processes.worker"].problem
    assert "'much' is not a size" in editor.form.fields["processes.limits"].problem
    editor.processes.lines.setPlainText("web\nworker = sleep 900")
    editor.processes.workers.setText("worker")
    editor.processes.limits.setPlainText("worker = 0.5 cpus, 64m, 20 processes")
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    limits = Limits(64 * 1024 * 1024, 0.5, 20)
    worker = DeclaredProcess("worker", ("sleep", "900"), worker=True, limits=limits)
    declared = (DeclaredProcess("web", serves=True), worker)
    with fleet.console.catalog.read() as books:
        assert books.applications.get("source").processes == declared
        mirrors = [one for one in books.environments.all() if one.application_id != "source"]
    assert mirrors
    assert all(
        one.processes[1] == Process("worker", f"{one.container}-worker", ("sleep", "900"), True, limits)
        for one in mirrors
    )
    page.edit()
    qtbot.waitUntil(lambda: page.editor is not None)
    assert page.editor is not None
    assert page.editor.processes.lines.toPlainText() == "web\nworker = sleep 900"
    assert page.editor.processes.limits.toPlainText() == "worker = 64 MiB, 0.5 CPUs, 20 processes"


def test_services_are_typed_one_a_line(qtbot: QtBot, page: SourcesPage, fleet: Fleet) -> None:
    page.edit()
    qtbot.waitUntil(lambda: page.editor is not None)
    editor = page.editor
    assert editor is not None
    editor.services.lines.setPlainText("database = pg_isready -t 3\nsearch =")
    editor.services.limits.setPlainText("search = soon")
    editor.services.optional.setText("search, queue")
    press(editor.editor.save)
    assert page.editor is editor
    assert "which command asks 'search'" in editor.form.fields["services"].problem
    assert "'soon' is not a span" in editor.form.fields["services.limit"].problem
    assert "'queue' is none" in editor.form.fields["services.optional"].problem
    script = "sh -c 'curl -fsS http://$SEARCH'"
    editor.services.lines.setPlainText(f"database = pg_isready -t 3\nsearch = {script}")
    editor.services.limits.setPlainText("search = 20 s")
    editor.services.optional.setText("search")
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    with fleet.console.catalog.read() as books:
        assert books.applications.get("source").services == (
            Service("database", ("pg_isready", "-t", "3")),
            Service("search", ("sh", "-c", "curl -fsS http://$SEARCH"), 20.0, optional=True),
        )
    page.edit()
    qtbot.waitUntil(lambda: page.editor is not None)
    assert page.editor is not None
    assert page.editor.services.lines.toPlainText() == f"database = pg_isready -t 3\nsearch = {script}"
    assert page.editor.services.limits.toPlainText() == "search = 20 s"
    assert page.editor.services.optional.text() == "search"
