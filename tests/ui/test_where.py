"""The dialog that says where a build runs: from a release, by what is typed, and on to the grid."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mirror_console.operations.refresh import refresh
from mirror_console.operations.status import survey
from mirror_console.ui.sources.page import SourcesPage
from mirror_console.ui.where import WhereDialog, ask_where
from tests.operations.fleet import Fleet, small_fleet
from tests.ui.conftest import Answers
from tests.ui.window_on import context_on, press


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Two mirrors run the release before the source's: one of them on its engine, one on another."""
    with small_fleet(2) as made:
        made.publish("26.8.2", health_interval=0.02)
        made.run_mirrors("26.8.2")
        made.publish("26.8.3", health_interval=0.02)
        made.simulated.engines["berlin"].pull(
            f"{made.simulated.registry.host}/shop/webshop:26.8.3", made.simulated.login
        )
        refresh(made.console, made.jobs, inspect_all=True)
        yield made


def rows(dialog: WhereDialog) -> list[tuple[str, str, str, str]]:
    return [(line.application, line.environment, line.engine, line.what) for line in dialog.table.rows]


def test_all_that_have_a_build_are_listed_by_any_name_of_it(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> None:
    with context_on(qapp, fleet, Answers()) as context:
        with context.theme.undressed():
            page = SourcesPage(context)
        qtbot.addWidget(page)
        page.resize(960, 600)
        page.show()
        qtbot.waitExposed(page)
        page.refresh(survey(context.console))
        newest = page.releases.table.rows[0].release
        press(page.releases.where_button)
        (dialog,) = page.findChildren(WhereDialog)
        assert dialog.line.text() == newest.digest
        qtbot.waitUntil(lambda: bool(dialog.table.rows))
        assert rows(dialog) == [
            ("Webshop (source)", "live", "alpha", "runs"),
            ("—", "—", "berlin", "holds it"),
        ]
        assert "runs in 1 environment on 1 engine; 1 other engine holds it without running it." in dialog.says.text()

        # What runs is found by its version too, and shown in the grid.
        dialog.line.selectAll()
        QTest.keyClicks(dialog.line, "26.8.2")
        qtbot.waitUntil(lambda: len(dialog.table.rows) == 2 and dialog.table.rows[0].application == "Mirror 01")
        assert [line[0] for line in rows(dialog)] == ["Mirror 01", "Mirror 02"]
        wished: list[tuple[str, object]] = []
        context.wish_to_go.connect(lambda page_id, what: wished.append((page_id, what)))
        press(dialog.show_button)
        assert wished == [("alignment", {"filter": "running:26.8.2"})]
        qtbot.waitUntil(lambda: not page.findChildren(WhereDialog))


def test_what_is_nowhere_is_said_and_enter_changes_nothing(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> None:
    with context_on(qapp, fleet, Answers()) as context:
        with context.theme.undressed():
            page = SourcesPage(context)
        qtbot.addWidget(page)
        page.show()
        dialog = ask_where(context, page)
        assert dialog.says.text().startswith("Digests, ids and revisions are found by seven digits")
        assert not dialog.show_button.isEnabled()
        QTest.keyClicks(dialog.line, "99.9")
        qtbot.waitUntil(lambda: dialog.says.text() == "No image that was seen goes by '99.9'.")
        assert dialog.table.rows == ()
        QTest.keyClick(dialog.line, Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda: not page.findChildren(WhereDialog))
