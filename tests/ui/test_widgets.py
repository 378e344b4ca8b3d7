"""The pieces that pages are made of: tables that keep their place, plain text, questions that default to no."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QHelpEvent, QImage, QPainter
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from mirror_console.domain.status import Status
from mirror_console.errors import ConsoleError, InvalidInput, Problem
from mirror_console.ui.actions import Actions, Declared, MenuName
from mirror_console.ui.context import UiContext
from mirror_console.ui.notices import Notice, NoticeAction, NoticeBar, Tone
from mirror_console.ui.questions import Choice, ChoiceDialog, Question, QuestionDialog
from mirror_console.ui.widgets import column_widths
from mirror_console.ui.widgets.empty import EmptyState
from mirror_console.ui.widgets.filter_box import DEBOUNCE, FilterBox, Offer
from mirror_console.ui.widgets.flow import FlowLayout
from mirror_console.ui.widgets.summary import SummaryBar
from mirror_console.ui.widgets.table import Column, Table, TableView, blocks
from mirror_console.ui.widgets.text import ElidedLabel, Look, amp, icon_button, label, plain_tip

HOSTILE = "<b>bold</b><img src='x'>&amp;\nsecond line"


@dataclass(frozen=True)
class Thing:
    name: str
    size: int = 0


def _table() -> Table[Thing]:
    return Table(
        (
            Column("name", "Name", lambda thing: thing.name, status=lambda _thing: Status.BEHIND),
            Column("size", "Size", lambda thing: str(thing.size), order=lambda thing: thing.size, right=True),
        ),
        key=lambda thing: thing.name,
    )


def _things(*numbers: int) -> list[Thing]:
    return [Thing(f"thing {number:03}", number % 7) for number in numbers]


# --- the table ----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 50), unique=True), st.lists(st.integers(0, 50), unique=True))
def test_a_table_shows_what_it_was_given_and_finds_it_by_key(first: list[int], second: list[int]) -> None:
    table = _table()
    for numbers in (first, second):
        table.show(_things(*numbers))
        assert list(table.rows) == _things(*numbers)
        assert all(table.place(table.key(place)) == place for place in range(table.rowCount()))
    table.sort(1, Qt.SortOrder.DescendingOrder)
    sizes = [thing.size for thing in table.rows]
    assert sizes == sorted(sizes, reverse=True)


def test_a_table_is_a_sound_model(qtbot: QtBot) -> None:
    table = _table()
    QAbstractItemModelTester(table, QAbstractItemModelTester.FailureReportingMode.Fatal)
    table.show(_things(*range(5)))
    table.show(_things(3, 4, 9))
    table.sort(0, Qt.SortOrder.DescendingOrder)
    table.show([])


def test_only_what_changed_is_painted_again(qtbot: QtBot) -> None:
    table = _table()
    table.show(_things(*range(10)))
    changed: list[tuple[int, int]] = []
    resets: list[int] = []
    table.dataChanged.connect(lambda first, last: changed.append((first.row(), last.row())))
    table.modelReset.connect(lambda: resets.append(1))
    rows = _things(*range(10))
    rows[2], rows[3], rows[7] = Thing("thing 002", 99), Thing("thing 003", 99), Thing("thing 007", 99)
    table.show(rows)
    assert changed == [(2, 3), (7, 7)]
    assert not resets


def test_blocks_are_runs() -> None:
    assert blocks([1, 2, 3, 7]) == [(1, 3), (7, 7)]
    assert blocks([]) == []


def test_a_view_keeps_its_cursor_and_what_is_in_sight(qtbot: QtBot, context: UiContext) -> None:
    table = _table()
    view = TableView(table, context.theme, "Things")
    qtbot.addWidget(view)
    view.resize(400, 300)
    table.show(_things(*range(200)))
    view.show()
    view.move_to("thing 100")
    top = view.rowAt(0)
    assert top > 0
    moved: list[Hashable | None] = []
    view.cursor_changed.connect(moved.append)
    first_in_sight = table.key(top)
    table.show(_things(*range(5, 200)))
    assert view.current_key() == "thing 100"
    assert table.key(view.rowAt(0)) == first_in_sight
    assert not view.move_to("thing 001")


def test_the_same_rows_in_another_order_leave_the_scroll_and_take_the_cursor_with_them(
    qtbot: QtBot, context: UiContext
) -> None:
    table = _table()
    QAbstractItemModelTester(table, QAbstractItemModelTester.FailureReportingMode.Fatal)
    view = TableView(table, context.theme, "Things")
    qtbot.addWidget(view)
    view.resize(400, 300)
    table.show(_things(*range(200)))
    view.show()
    view.move_to("thing 001")
    moved: list[Hashable | None] = []
    view.cursor_changed.connect(moved.append)
    for scrolled in (0, 50):
        view.verticalScrollBar().setValue(scrolled)
        table.show(list(reversed(table.rows)))
        assert view.verticalScrollBar().value() == scrolled
        assert view.current_key() == "thing 001"
        assert [index.row() for index in view.selectionModel().selectedRows()] == [table.place("thing 001")]
    assert not moved


def _asking(asked: list[str]) -> Table[Thing]:
    def text(thing: Thing) -> str:
        asked.append(thing.name)
        return thing.name * (1 + thing.size)

    return Table((Column("name", "Name", text, 60),), key=lambda thing: thing.name)


def test_texts_that_nobody_sees_are_not_asked_for(qtbot: QtBot, context: UiContext) -> None:
    asked: list[str] = []
    table = _asking(asked)
    view = TableView(table, context.theme, "Things")
    qtbot.addWidget(view)
    view.resize(600, 200)
    table.show(_things(1, 2, 3))
    QApplication.processEvents()
    assert not asked
    view.show()
    assert view.columnWidth(0) > view.fontMetrics().horizontalAdvance("thing 003" * 4)


def test_while_texts_go_on_changing_they_are_not_measured_each_time(
    qtbot: QtBot, context: UiContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    table = _asking(asked)
    view = TableView(table, context.theme, "Things")
    qtbot.addWidget(view)
    view.resize(600, 200)
    rows = [Thing(f"thing {number:03}") for number in range(90)]
    table.show(rows)
    view.show()
    qtbot.waitExposed(view)
    QApplication.processEvents()
    width = view.columnWidth(0)
    monkeypatch.setattr(column_widths, "EVERY_MS", 3_600_000)
    asked.clear()
    for size in (2, 3):
        table.show([Thing("thing 000", size), *rows[1:]])
        QApplication.processEvents()
    assert "thing 000" in asked
    assert "thing 080" not in asked, "a row out of sight that didn't change"
    # Once its time has come, what has become longer has its room.
    monkeypatch.setattr(column_widths, "EVERY_MS", 0)
    view.resize(601, 200)
    table.show([Thing("thing 000", 4), *rows[1:]])
    qtbot.waitUntil(lambda: view.columnWidth(0) > view.fontMetrics().horizontalAdvance("thing 000" * 5))
    assert view.columnWidth(0) > width


def test_columns_are_as_wide_as_their_texts_where_there_is_room_and_as_declared_where_there_is_none(
    qtbot: QtBot, context: UiContext
) -> None:
    long = "a name that takes more room than was declared for it"
    table = Table[Thing](
        (
            Column("name", "Name", lambda thing: thing.name, 100),
            Column("size", "Size", lambda thing: str(thing.size), 80),
            Column("why", "Why", lambda thing: "because " * thing.size, 120, stretch=True),
        ),
        key=lambda thing: thing.name,
    )
    view = TableView(table, context.theme, "Things")
    qtbot.addWidget(view)
    view.resize(320, 200)
    view.show()
    qtbot.waitExposed(view)
    table.show([Thing(long, 3)])
    assert (view.columnWidth(0), view.columnWidth(1)) == (100, 80)
    view.resize(1200, 200)
    assert view.columnWidth(0) > view.fontMetrics().horizontalAdvance(long)
    assert view.columnWidth(1) == 80
    assert sum(view.columnWidth(place) for place in range(3)) == view.viewport().width()
    # What takes the room that is left over is read whole before others are widened.
    table.show([Thing(long, 40)])
    qtbot.waitUntil(lambda: view.columnWidth(0) == 100)
    # A width that a person has chosen stays.
    view.horizontalHeader().resizeSection(0, 60)
    table.show([Thing(long, 3), Thing("b", 1)])
    view.resize(1300, 200)
    assert view.columnWidth(0) == 60


def test_in_larger_type_short_words_are_whole_before_what_takes_the_room_that_is_left(
    qtbot: QtBot, context: UiContext
) -> None:
    table = Table[Thing](
        (
            Column("state", "State", lambda _thing: "rolled back", 96),
            Column("why", "Why", lambda thing: "because " * thing.size, 120, stretch=True),
        ),
        key=lambda thing: thing.name,
    )
    view = TableView(table, context.theme, "Things")
    qtbot.addWidget(view)
    font = view.font()
    font.setPointSizeF(font.pointSizeF() * 2)
    view.setFont(font)
    view.resize(500, 200)
    view.show()
    qtbot.waitExposed(view)
    table.show([Thing("a", 40)])
    assert view.columnWidth(0) > view.fontMetrics().horizontalAdvance("rolled back")
    assert view.columnWidth(0) + view.columnWidth(1) == view.viewport().width()
    # Where there is no room for it, all stays as it was declared.
    view.resize(230, 200)
    assert view.columnWidth(0) == 96


@pytest.mark.parametrize(
    ("room", "widths"),
    [(300, [200, 100]), (250, [160, 60]), (100, [100, 50])],
)
def test_declared_widths_grow_with_the_type_as_far_as_there_is_room(room: int, widths: list[int]) -> None:
    grown = column_widths.in_type([(100, 160), (50, 60)], room, lambda width: 2 * width)
    assert [least for least, _ in grown] == widths


def test_a_column_that_can_be_spared_is_left_out_where_others_would_be_shortened(
    qtbot: QtBot, context: UiContext
) -> None:
    table = Table[Thing](
        (
            Column("name", "Name", lambda thing: thing.name, 100),
            Column("size", "Size", lambda thing: str(thing.size), 80, spare=True),
            Column("why", "Why", lambda thing: "because " * thing.size, 120, stretch=True),
        ),
        key=lambda thing: thing.name,
    )
    view = TableView(table, context.theme, "Things")
    qtbot.addWidget(view)
    view.resize(330, 200)
    view.show()
    qtbot.waitExposed(view)
    table.show([Thing("short", 1)])
    assert not view.isColumnHidden(1)
    table.show([Thing("a name that is long", 1)])
    assert view.isColumnHidden(1)
    view.resize(600, 200)
    assert not view.isColumnHidden(1)
    # A text that no window has room for leaves nothing else out.
    table.show([Thing("a name that is long", 200)])
    assert not view.isColumnHidden(1)


def test_enter_opens_and_tab_leaves_a_table(qtbot: QtBot, context: UiContext) -> None:
    table = _table()
    view = TableView(table, context.theme, "Things")
    qtbot.addWidget(view)
    table.show(_things(1, 2, 3))
    view.show()
    view.move_to("thing 002")
    with qtbot.waitSignal(view.opened) as opened:
        QTest.keyClick(view, Qt.Key.Key_Return)
    assert opened.args == ["thing 002"]
    assert not view.tabKeyNavigation()
    assert view.accessibleName() == "Things"


def test_a_table_paints_hostile_text_as_it_stands(qtbot: QtBot, context: UiContext) -> None:
    table = _table()
    view = TableView(table, context.theme, "Things")
    qtbot.addWidget(view)
    table.show([Thing(HOSTILE)])
    view.resize(400, 120)
    image = QImage(view.size(), QImage.Format.Format_ARGB32)
    painter = QPainter(image)
    view.render(painter, QPoint())
    painter.end()
    tip = table.data(table.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert "<b>" not in tip
    assert "&lt;b&gt;" in tip


# --- text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", list(Look))
def test_labels_are_plain_text(qtbot: QtBot, look: Look) -> None:
    made = label(HOSTILE, look)
    qtbot.addWidget(made)
    assert made.textFormat() is Qt.TextFormat.PlainText


def test_a_shortened_label_tells_the_whole(qtbot: QtBot) -> None:
    made = ElidedLabel("a long sentence that does not fit into so little room")
    qtbot.addWidget(made)
    made.resize(60, 20)
    made.show()
    assert made.text().endswith("…")
    assert made.accessibleName() == made.whole() == "a long sentence that does not fit into so little room"
    made.say("short")
    made.resize(200, 20)
    assert made.text() == "short"


def test_a_tip_is_not_read_as_markup(qtbot: QtBot) -> None:
    assert plain_tip("") == ""
    assert "<b>" not in plain_tip(HOSTILE)
    button = QPushButton("x")
    qtbot.addWidget(button)
    button.setToolTip(plain_tip(HOSTILE))
    button.show()
    QApplication.sendEvent(button, QHelpEvent(QEvent.Type.ToolTip, QPoint(2, 2), button.mapToGlobal(QPoint(2, 2))))
    assert "&lt;b&gt;" in QToolTip.text()
    QToolTip.hideText()
    assert amp("R&D") == "R&&D"


def test_an_icon_button_says_what_it_does(qtbot: QtBot, context: UiContext) -> None:
    clicked: list[int] = []
    made = icon_button("Check all engines now", context.icons.icon("refresh-cw"), lambda: clicked.append(1), "F5")
    qtbot.addWidget(made)
    made.click()
    assert clicked == [1]
    assert made.accessibleName() == "Check all engines now"
    assert "F5" in made.toolTip()
    assert min(made.width(), made.height()) >= 24


def test_a_flow_goes_on_in_the_next_line(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    flow = FlowLayout(holder, 4)
    for _ in range(3):
        made = QLabel()
        made.setFixedSize(100, 20)
        flow.addWidget(made)
    assert flow.heightForWidth(400) == 20
    assert flow.heightForWidth(210) == 44
    assert flow.heightForWidth(90) == 68
    assert flow.itemAt(3) is None
    assert flow.count() == 3


# --- questions ----------------------------------------------------------------------------------------------------


def test_enter_and_escape_mean_cancel(qtbot: QtBot) -> None:
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Escape):
        dialog = QuestionDialog(Question("Stop the rollout?", "174 targets are not started.", "Stop"))
        qtbot.addWidget(dialog)
        dialog.show()
        QTest.keyClick(dialog, key)
        assert dialog.result() == 0
        assert not dialog.isVisible()


def test_the_exact_number_must_be_typed(qtbot: QtBot) -> None:
    dialog = QuestionDialog(Question("Roll out?", "", "Start rollout to 386", number=386))
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.number_field is not None
    for typed in ("", "38", "3860", "yes", "-386", "٣٨٦"):
        dialog.number_field.setText(typed)
        assert not dialog.go_button.isEnabled(), typed
    dialog.number_field.setText("38")
    assert dialog.number_field.accessibleDescription() == "386 expected"
    QTest.keyClick(dialog.number_field, Qt.Key.Key_Return)
    assert dialog.result() == 0
    dialog.number_field.setText(" 386 ")
    assert dialog.go_button.isEnabled()
    assert dialog.answer().number == 386


def test_a_reason_is_asked_for(qtbot: QtBot) -> None:
    dialog = QuestionDialog(Question("Roll out?", "", "Start", reason=True))
    qtbot.addWidget(dialog)
    assert dialog.reason_field is not None
    assert not dialog.go_button.isEnabled()
    dialog.reason_field.setText("  security fix ")
    assert dialog.go_button.isEnabled()
    assert dialog.answer().reason == "security fix"


def test_a_choice_is_made_by_its_button_alone(qtbot: QtBot) -> None:
    choices = (Choice("go on", "Re-read and continue", "Nothing is done twice."), Choice("back", "Put back"))
    dialog = ChoiceDialog("A rollout was interrupted", HOSTILE, choices)
    qtbot.addWidget(dialog)
    dialog.show()
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert dialog.chosen is None
    dialog.show()
    button = next(one for one in dialog.findChildren(QPushButton) if one.text() == "Put back")
    button.click()
    assert dialog.chosen == "back"


def test_questions_hold_no_markup(qtbot: QtBot) -> None:
    dialog = QuestionDialog(Question(HOSTILE, HOSTILE, "Go", details=HOSTILE, number=3, reason=True))
    qtbot.addWidget(dialog)
    assert all(one.textFormat() is Qt.TextFormat.PlainText for one in dialog.findChildren(QLabel))


def test_asking_waits_for_the_answer(qtbot: QtBot) -> None:
    from mirror_console.ui.questions import Questions

    questions = Questions()

    def press() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QuestionDialog)
        dialog.go_button.click()

    QTimer.singleShot(0, press)
    assert questions.confirm("Forget the key?", "It is taken out of the keyring.", "Forget")

    def close() -> None:
        dialog = QApplication.activeModalWidget()
        assert dialog is not None
        dialog.close()

    QTimer.singleShot(0, close)
    assert not questions.confirm("Forget the key?", "It is taken out of the keyring.", "Forget")


# --- notices ------------------------------------------------------------------------------------------------------


def test_notices_stand_in_the_layout_and_replace_their_like(qtbot: QtBot, context: UiContext) -> None:
    bar = NoticeBar(context.notices, context.theme, context.icons)
    qtbot.addWidget(bar)
    assert bar.isHidden()
    pressed: list[int] = []
    error = ConsoleError("Could not check 14 mirrors on fra-2.", "Open the engine and test the connection.")
    context.notices.error(error, "fra-2", NoticeAction("Test connection", lambda: pressed.append(1)))
    context.notices.error(error, "fra-2", NoticeAction("Test connection", lambda: pressed.append(1)))
    bar.show()
    QApplication.processEvents()
    assert len(context.notices.shown) == 1
    buttons = {one.text(): one for one in bar.findChildren(QPushButton) if one.isVisible()}
    buttons["Test connection"].click()
    assert pressed == [1]
    buttons["Copy details"].click()
    assert QGuiApplication.clipboard().text() == str(error)
    context.notices.take_back("fra-2")
    assert bar.isHidden()


def test_a_notice_tells_at_most_five_problems(qtbot: QtBot, context: UiContext) -> None:
    problems = [Problem(f"mirrors[{number}]", "a name is needed") for number in range(20)]
    context.notices.error(InvalidInput("The file was refused.", problems))
    hint = context.notices.shown[0].hint
    assert hint.count("a name is needed") == 5
    assert "15 more" in hint


def test_no_more_than_three_notices_at_once(context: UiContext) -> None:
    for number in range(5):
        context.notices.done(f"Saved {number}.")
    assert [notice.title for notice in context.notices.shown] == ["Saved 2.", "Saved 3.", "Saved 4."]
    context.notices.close(context.notices.shown[0])
    assert len(context.notices.shown) == 2


def test_notices_hold_no_markup(qtbot: QtBot, context: UiContext) -> None:
    bar = NoticeBar(context.notices, context.theme, context.icons)
    qtbot.addWidget(bar)
    context.notices.tell(Notice(Tone.WARNING, HOSTILE, HOSTILE))
    for one in bar.findChildren(QLabel):
        assert one.textFormat() is Qt.TextFormat.PlainText or not one.text()


# --- the filter box -----------------------------------------------------------------------------------------------


def _box(context: UiContext, qtbot: QtBot) -> FilterBox:
    box = FilterBox(
        "Filter", context.theme, context.icons, lambda text, _at: [Offer("engine:", 7, "engine:")] * bool(text)
    )
    qtbot.addWidget(box)
    box.show()
    return box


def test_typing_is_waited_for(qtbot: QtBot, context: UiContext) -> None:
    box = _box(context, qtbot)
    asked: list[str] = []
    box.wanted.connect(asked.append)
    QTest.keyClicks(box.line, "dunes")
    assert asked == []
    qtbot.waitUntil(lambda: asked == ["dunes"], timeout=DEBOUNCE * 20)


def test_escape_clears_and_then_leaves(qtbot: QtBot, context: UiContext) -> None:
    box = _box(context, qtbot)
    box.put("dunes")
    asked: list[str] = []
    box.wanted.connect(asked.append)
    QTest.keyClick(box.line, Qt.Key.Key_Escape)
    assert asked == [""]
    with qtbot.waitSignal(box.left):
        QTest.keyClick(box.line, Qt.Key.Key_Escape)


def test_what_is_wrong_is_said_below_and_to_screen_readers(qtbot: QtBot, context: UiContext) -> None:
    box = _box(context, qtbot)
    box.line.setText("statsu:x")
    box.show_error("'statsu' is not a filter. Did you mean status?", 0, 6)
    assert box.error.isVisible()
    assert box.line.accessibleDescription() == "'statsu' is not a filter. Did you mean status?"
    assert box.text() == "statsu:x"
    box.show_error("")
    assert box.error.isHidden()


def test_a_completion_is_taken_whole(qtbot: QtBot, context: UiContext) -> None:
    box = _box(context, qtbot)
    QTest.keyClicks(box.line, "eng")
    box._take("engine:")
    assert box.text() == "engine:"
    assert box.line.cursorPosition() == 7
    box.line.clear()
    QApplication.processEvents()


# --- summary and empty places -------------------------------------------------------------------------------------


def test_chips_tell_numbers_and_words_and_filter(qtbot: QtBot, context: UiContext) -> None:
    bar = SummaryBar(context.theme)
    qtbot.addWidget(bar)
    counts = {Status.UNHEALTHY: 2, Status.BEHIND: 139, Status.ALIGNED: 1370}
    bar.show_counts(counts, counts, 400)
    bar.show()
    assert bar.chips[Status.BEHIND].accessibleName() == "139 behind"
    assert bar.chips[Status.MISSING].isHidden()
    assert "90 % aligned" in bar.facts.text()
    assert "1,511 environments" in bar.facts.text()
    chosen: list[frozenset[Status]] = []
    bar.chosen.connect(chosen.append)
    bar.chips[Status.BEHIND].click()
    bar.chips[Status.BEHIND].click()
    assert chosen == [frozenset({Status.BEHIND}), frozenset()]
    bar.show_counts({Status.BEHIND: 12}, counts, 400)
    assert bar.chips[Status.BEHIND].accessibleName() == "12 of 139 behind"
    assert bar.chips[Status.BEHIND].height() >= 24


def test_an_empty_place_offers_the_next_step(qtbot: QtBot) -> None:
    state = EmptyState()
    qtbot.addWidget(state)
    pressed: list[str] = []
    state.say("No mirrors yet", "They stand here.", (("Add an engine", lambda: pressed.append("engine")),))
    next(one for one in state.findChildren(QPushButton)).click()
    assert pressed == ["engine"]
    state.say("No match", "None.")
    assert state.title() == "No match"
    QApplication.processEvents()


# --- actions ------------------------------------------------------------------------------------------------------


def test_actions_say_why_they_are_off(context: UiContext) -> None:
    actions = Actions(context.icons)
    done: list[str] = []
    refusals = [""]
    actions.declare(
        Declared("one", "Roll out…", MenuName.ROLLOUT, lambda: done.append("one"), refusal=lambda: refusals[0]),
        Declared("two", "Filter", MenuName.EDIT, lambda: done.append("two"), shortcut="Ctrl+F", page="alignment"),
    )
    actions.refresh()
    actions.run("one")
    refusals[0] = "read-only"
    actions.refresh()
    actions.run("one")
    action: QAction = actions.action("one")
    assert done == ["one"]
    assert not action.isEnabled()
    assert action.text() == "Roll out… (read-only)"
    assert not actions.action("two").isEnabled()
    actions.current_page = "alignment"
    actions.refresh()
    assert actions.action("two").isEnabled()


def test_an_action_is_declared_once_and_owns_its_keys(context: UiContext) -> None:
    actions = Actions(context.icons)
    actions.declare(Declared("one", "One", MenuName.FILE, lambda: None, shortcut="Ctrl+1", page="a"))
    actions.declare(Declared("other", "Other", MenuName.FILE, lambda: None, shortcut="Ctrl+1", page="b"))
    with pytest.raises(ValueError, match="declared twice"):
        actions.declare(Declared("one", "One", MenuName.FILE, lambda: None))
    with pytest.raises(ValueError, match=r"Ctrl\+1 is the shortcut"):
        actions.declare(Declared("third", "Third", MenuName.FILE, lambda: None, shortcut="Ctrl+1"))
