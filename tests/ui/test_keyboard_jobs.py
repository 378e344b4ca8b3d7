"""By keyboard alone: marking a release, holding an environment, cleaning up an engine; and the focus is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot

from mirror_console.domain.release import Mark
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.page import EnginesPage
from mirror_console.ui.mirrors.hold import HoldDialog
from mirror_console.ui.mirrors.page import MirrorsPage
from mirror_console.ui.page import Page
from mirror_console.ui.questions import Question, QuestionDialog, Questions
from mirror_console.ui.sources.mark import MarkDialog
from mirror_console.ui.sources.page import SourcesPage
from tests.operations.fleet import Fleet, small_fleet
from tests.ui.window_on import context_on, press, tab_to, when_asked

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """One mirror that was rolled out to twice: its engine has an image that nothing needs any more."""
    with small_fleet(1, prepared=Fleet.roll_out_twice) as made:
        yield made


@pytest.fixture
def context(qapp: QApplication, fleet: Fleet) -> Iterator[UiContext]:
    """A window's parts, whose questions are really asked."""
    with context_on(qapp, fleet, Questions()) as made:
        yield made


def shown(qtbot: QtBot, page: Page) -> None:
    qtbot.addWidget(page)
    page.resize(1100, 640)
    page.show()
    qtbot.waitExposed(page)
    context = page.context
    assert context.grid is not None
    page.refresh(context.grid)


def when_open(over: QObject, kind: type[QDialog], act: Callable[[QDialog], None]) -> None:
    """Press keys in the next dialog of a kind; whatever goes wrong there, it is closed."""

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, kind):
            QTimer.singleShot(20, over, look)
            return
        try:
            act(dialog)
        finally:
            if dialog.isVisible():
                dialog.reject()

    QTimer.singleShot(20, over, look)


def test_a_release_is_chosen_and_marked(qtbot: QtBot, context: UiContext, fleet: Fleet) -> None:
    with context.theme.undressed():
        page = SourcesPage(context)
    shown(qtbot, page)
    tab_to(page.releases.view)
    QTest.keyClick(page.releases.view, Qt.Key.Key_Down)
    assert page.releases.view.current_key() == page.releases.table.rows[1].release.id

    def mark(dialog: QDialog) -> None:
        assert isinstance(dialog, MarkDialog)
        press(dialog.ticks[Mark.MIGRATION])
        tab_to(dialog.remark_field)
        QTest.keyClicks(dialog.remark_field, "new index")
        press(dialog.go_button)

    when_open(page, MarkDialog, mark)
    press(page.releases.mark_button)

    def marked() -> dict[str, tuple[tuple[Mark, ...], str]]:
        with fleet.console.catalog.read() as books:
            return {one.version: (one.marks, one.remark) for one in books.releases.of(["source-live"])}

    qtbot.waitUntil(lambda: marked()["26.8.2"] == ((Mark.MIGRATION,), "new index"))
    assert page.focusWidget() is page.releases.mark_button, "the focus is back where it was"
    # From the table itself as well.
    when_open(page, MarkDialog, lambda dialog: QTest.keyClick(dialog, Qt.Key.Key_Escape))
    tab_to(page.releases.view)
    QTest.keyClick(page.releases.view, Qt.Key.Key_Return)
    assert marked()["26.8.2"] == ((Mark.MIGRATION,), "new index"), "Escape leaves it as it was"
    page.close()


def test_an_environment_is_held_on_another_release(qtbot: QtBot, context: UiContext, fleet: Fleet) -> None:
    with context.theme.undressed():
        page = MirrorsPage(context)
    shown(qtbot, page)
    page.view.move_to("mirror-01")
    tab_to(page.view)
    QTest.keyClick(page.view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.editor is not None)
    editor = page.editor
    assert editor is not None

    def hold(dialog: QDialog) -> None:
        assert isinstance(dialog, HoldDialog)
        tab_to(dialog.image_field)
        for _ in range(2):
            QTest.keyClick(dialog.image_field, Qt.Key.Key_Down)
        assert dialog.image_field.currentText().startswith("26.8.2, first seen ")
        tab_to(dialog.reason_field)
        QTest.keyClicks(dialog.reason_field, "campaign")
        press(dialog.go_button)

    when_open(page, HoldDialog, hold)
    press(editor.environments.forms[0].hold_button)

    def held() -> str:
        hold = fleet.environment(fleet.mirrors[0], "live").hold
        return hold.version if hold else ""

    qtbot.waitUntil(lambda: held() == "26.8.2")
    press(editor.environments.forms[0].clear_button)
    qtbot.waitUntil(lambda: not held())
    editor.form.begin()
    page.close()


def test_an_engine_is_cleaned_up(qtbot: QtBot, context: UiContext) -> None:
    with context.theme.undressed():
        page = EnginesPage(context)
    shown(qtbot, page)
    page.view.move_to("alpha")
    part = page.details.clean_up
    went: list[bool] = []

    def enter(dialog: QuestionDialog) -> None:
        QTest.keyClick(dialog, Qt.Key.Key_Return)
        went.append(dialog.result() == QDialog.DialogCode.Accepted)

    when_asked(page, enter)
    press(part.button)
    qtbot.waitUntil(lambda: went == [False], timeout=20_000)
    assert not context.notices.shown, "Enter removes nothing"
    when_asked(page, lambda dialog: press(dialog.go_button))
    press(part.button)
    qtbot.waitUntil(lambda: bool(context.notices.shown), timeout=20_000)
    assert context.notices.shown[-1].title.startswith("Removed 1 image from alpha.")
    page.close()


@pytest.mark.parametrize("page_type", [SourcesPage, EnginesPage])
def test_what_has_the_focus_is_seen(qtbot: QtBot, context: UiContext, page_type: type[Page]) -> None:
    page = page_type(context)
    shown(qtbot, page)
    parts: list[QWidget] = []
    if isinstance(page, SourcesPage):
        parts = [page.releases.view, page.releases.mark_button, page.view]
        page.releases.view.move_to(page.releases.table.rows[0].release.id)
    elif isinstance(page, EnginesPage):
        parts = [page.details.clean_up.button]
        page.view.move_to("alpha")
    ring = QColor(context.theme.colours.focus).rgb()
    for part in parts:
        tab_to(part)
        with_focus = _count(part, ring)
        QTest.keyClick(part, Qt.Key.Key_Tab)
        assert with_focus - _count(part, ring) >= 2 * 24, part.accessibleName()
    page.close()


def _count(widget: QWidget, colour: int) -> int:
    """How many of a widget's points have a colour."""
    image = widget.grab().toImage()
    return sum(image.pixel(x, y) == colour for x in range(image.width()) for y in range(image.height()))


@pytest.mark.usefixtures("context")
def test_what_asks_for_a_number_is_answered_by_tab_and_the_space_bar(qtbot: QtBot) -> None:
    """In a window with its style: without one Qt goes another way."""
    dialog = QuestionDialog(Question("Roll out?", "To 21 targets.", go="Roll out", number=21, reason=True))
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.reason_field is not None
    assert dialog.number_field is not None
    tab_to(dialog.reason_field)
    QTest.keyClicks(dialog.reason_field, "a fix")
    tab_to(dialog.number_field)
    QTest.keyClicks(dialog.number_field, "21")
    press(dialog.go_button)
    assert dialog.result() == QDialog.DialogCode.Accepted
