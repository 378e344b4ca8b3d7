"""The alignment page as a person uses it: by keyboard alone, by mouse, and by what is painted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QAccessible, QColor, QContextMenuEvent, QGuiApplication, QImage, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QWidget
from pytestqt.qtbot import QtBot

from mirror_console.domain.alignment import Alignment
from mirror_console.domain.fleet import severity
from mirror_console.domain.status import Status
from mirror_console.domain.verdict import answer
from mirror_console.settings import Density, Theme
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.mirror_header import NAME_AT, TICK_AT
from mirror_console.ui.grid.page import FOLLOW, AlignmentPage
from mirror_console.ui.where import WhereDialog
from tests.ui.conftest import ContextMaker
from tests.ui.sample import cell, every_state, grid_of, mirror, sample_grid


def _settle() -> None:
    for _ in range(5):
        QApplication.processEvents()


class _Paints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._times = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint:
            self._times += 1
        return False

    def taken(self) -> int:
        """How often since it was last asked."""
        times, self._times = self._times, 0
        return times


def _page(context: UiContext, qtbot: QtBot, *, many: int = 48) -> AlignmentPage:
    with context.theme.undressed():
        page = AlignmentPage(context)
    qtbot.addWidget(page)
    context.actions.current_page = page.id
    page.resize(1200, 700)
    page.refresh(sample_grid(many))
    page.show()
    page.shown()
    return page


@pytest.fixture
def page(context: UiContext, qtbot: QtBot) -> Iterator[AlignmentPage]:
    """The page with a usual fleet."""
    made = _page(context, qtbot)
    yield made
    made.close()
    QApplication.processEvents()


def _type(page: AlignmentPage, qtbot: QtBot, text: str) -> None:
    QTest.keyClicks(page.filter.line, text)
    qtbot.waitUntil(lambda: page.model.filter_text == text)
    # Without a screen, a list of completions that has gone leaves no window active.
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)


# --- by keyboard alone --------------------------------------------------------------------------------------------


def test_a_mirror_is_found_and_its_answer_copied_without_a_mouse(page: AlignmentPage, qtbot: QtBot) -> None:
    QTest.keyClick(page.view, Qt.Key.Key_Slash)
    assert page.filter.line.hasFocus()
    _type(page, qtbot, "harbour-books")
    QTest.keyClick(page.filter.line, Qt.Key.Key_Return)
    assert page.view.hasFocus()
    assert page.model.rowCount() == 1
    QTest.keyClick(page.view, Qt.Key.Key_Return)
    assert page.detail.isVisible()
    page.context.actions.run("grid.copy_answer")
    found = page.view.cursor_cell()
    assert found is not None
    assert found.application.name == "Harbour Books"
    assert QGuiApplication.clipboard().text() == answer(found, page.context.now())
    assert page.detail.verdict.text().startswith("Live is")


def test_mirrors_are_ticked_and_sent_to_a_rollout_without_a_mouse(page: AlignmentPage, qtbot: QtBot) -> None:
    wishes: list[tuple[str, object]] = []
    page.context.wish_to_go.connect(lambda where, what: wishes.append((where, what)))
    _type(page, qtbot, "live:behind")
    behind = [row.application.id for row in page.model.shown]
    QTest.keyClick(page.filter.line, Qt.Key.Key_Return)
    page.context.actions.run("grid.tick_shown")
    assert set(page.model.ticked.ids) == set(behind)
    assert page.selection.isVisible()
    page.context.actions.run("grid.roll_out_ticked")
    assert wishes == []
    assert not page.selection.roll_out.isEnabled()
    QTest.keyClicks(page.selection.environment, "live")
    assert page.selection.roll_out.isEnabled()
    QTest.keyClick(page.selection.roll_out, Qt.Key.Key_Space)
    assert wishes == [("rollouts", {"environment": "live", "application_ids": tuple(behind)})]


def test_space_ticks_and_shift_space_ticks_a_range(page: AlignmentPage, qtbot: QtBot) -> None:
    QTest.keyClick(page.view, Qt.Key.Key_Space)
    for _ in range(4):
        QTest.keyClick(page.view, Qt.Key.Key_Down)
    QTest.keyClick(page.view, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert len(page.model.ticked.ids) == 5
    QTest.keyClick(page.view, Qt.Key.Key_Space)
    assert len(page.model.ticked.ids) == 4


def test_n_goes_from_trouble_to_trouble(page: AlignmentPage, qtbot: QtBot) -> None:
    troubles = []
    for _ in range(3):
        QTest.keyClick(page.view, Qt.Key.Key_N)
        found = page.view.cursor_cell()
        assert found is not None
        troubles.append((found.application.name, found.status))
    assert all(
        status in {Status.UNHEALTHY, Status.MISSING, Status.UNREACHABLE, Status.DRIFTED} for _, status in troubles
    )
    QTest.keyClick(page.view, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    back = page.view.cursor_cell()
    assert back is not None
    assert (back.application.name, back.status) == troubles[1]


def test_brackets_go_from_environment_to_environment(page: AlignmentPage, qtbot: QtBot) -> None:
    page.view.move_to(page.model.row_at(0).application.id, "test")
    QTest.keyClick(page.view, Qt.Key.Key_BracketRight)
    assert page.view.cursor_column() == "live"
    QTest.keyClick(page.view, Qt.Key.Key_BracketLeft)
    assert page.view.cursor_column() == "test"


def test_escape_backs_out_step_by_step_and_never_clears_ticks(page: AlignmentPage, qtbot: QtBot) -> None:
    page.model.toggle(2)
    page.open_detail()
    page.filter_by("dunes")
    page.view.setFocus()
    QTest.keyClick(page.view, Qt.Key.Key_Escape)
    assert page.filter.text() == ""
    assert page.detail.isVisible()
    QTest.keyClick(page.view, Qt.Key.Key_Escape)
    assert page.detail.isHidden()
    QTest.keyClick(page.view, Qt.Key.Key_Escape)
    assert len(page.model.ticked.ids) == 1


def test_letters_are_no_search_in_the_table_and_tab_leaves_it(page: AlignmentPage, qtbot: QtBot) -> None:
    before = page.view.currentIndex()
    QTest.keyClicks(page.view, "wz")
    assert page.view.currentIndex() == before
    assert not page.view.tabKeyNavigation()
    page.view.setFocus()
    QTest.keyClick(page.view, Qt.Key.Key_Tab)
    assert not page.view.hasFocus()


# --- filters ------------------------------------------------------------------------------------------------------


def test_a_bad_filter_keeps_the_last_good_one(page: AlignmentPage, qtbot: QtBot) -> None:
    page.filter_by("live:behind")
    shown = [row.application.id for row in page.model.shown]
    page.filter_by("live:behind statsu:x")
    assert [row.application.id for row in page.model.shown] == shown
    assert page.filter.error.text().startswith("'statsu' is not a filter. Did you mean status?")
    page.filter_by("")
    assert page.filter.error.isHidden()
    assert page.model.rowCount() == 48


def test_a_chip_filters_by_its_state_and_is_told_on(page: AlignmentPage) -> None:
    page.filter_by("engine:fra-1")
    page.summary.chips[Status.BEHIND].click()
    assert page.filter.text() == "engine:fra-1 status:behind"
    assert page.summary.chips[Status.BEHIND].isChecked()
    assert all(any(one.status is Status.BEHIND for one in row.cells.values()) for row in page.model.shown)
    page.summary.chips[Status.BEHIND].click()
    assert page.filter.text() == "engine:fra-1"


def test_a_filter_paints_the_rows_once(context: UiContext, qtbot: QtBot) -> None:
    # So many that every filter leaves more than fit: a scroll bar that goes is a reason to paint again.
    page = _page(context, qtbot, many=960)
    _settle()
    painted = _Paints(page.view.viewport())
    for text in ("live:behind", "books", ""):
        page.filter_by(text)
        _settle()
        assert painted.taken() == 1, text


def test_completions_offer_keys_and_values_with_their_counts(page: AlignmentPage) -> None:
    offers = {offer.shown: offer.text for offer in page._offers("live:behind engine:", 19)}
    assert any(shown.startswith("fra-1") and "(" in shown for shown in offers)
    assert "live:behind engine:fra-1" in offers.values()


def test_no_match_says_so_and_offers_the_way_back(page: AlignmentPage) -> None:
    page.filter_by("zebra")
    assert page.stack.currentWidget() is page.empty
    assert page.empty.title() == "No mirror matches “zebra”"
    page.context.actions.run("grid.back_out")
    assert page.stack.currentWidget() is page.view


def test_all_well_tells_when_that_was_checked(page: AlignmentPage) -> None:
    page.refresh(grid_of([every_state()["aligned"]]))
    page.filter_by("is:attention")
    assert page.empty.title() == "Nothing needs attention"
    assert "checked" in page.empty._words.text()


def test_an_empty_catalog_says_what_belongs_here(page: AlignmentPage) -> None:
    wishes: list[str] = []
    page.context.wish_to_go.connect(lambda where, _what: wishes.append(where))
    page.refresh(grid_of([]))
    assert page.empty.title() == "No mirrors yet"
    assert page.summary.isHidden()
    assert not page.filter.isEnabled()
    page.refresh(sample_grid(3))
    assert page.stack.currentWidget() is page.view
    assert page.filter.isEnabled()


def test_a_filter_from_the_cell(page: AlignmentPage) -> None:
    page.view.next_attention(1)
    found = page.view.cursor_cell()
    assert found is not None
    page.context.actions.run("grid.only_this_state")
    assert page.filter.text() == f"live:{str(found.status).replace(' ', '-')}"
    page.context.actions.run("grid.only_this_engine")
    assert page.filter.text() == f"engine:{found.engine_name}"
    page.context.actions.run("grid.only_this_version")
    assert page.filter.text() == f"live.version:{found.running_title}"
    assert found in [row.cells["live"] for row in map(page.model.row_at, range(page.model.rowCount()))]
    page.context.actions.run("grid.only_this_source")
    assert page.filter.text() == f"source:{page.model.row_at(0).source_name}"


def test_where_a_build_runs_is_listed_from_the_cell(page: AlignmentPage, qtbot: QtBot) -> None:
    page.view.next_attention(1)
    found = page.view.cursor_cell()
    assert found is not None
    page.context.actions.run("grid.where_it_runs")
    (dialog,) = page.window().findChildren(WhereDialog)
    assert dialog.line.text().startswith("sha256:")
    # What the catalog knows, which in this window is empty.
    qtbot.waitUntil(lambda: dialog.says.text() == f"No image that was seen goes by '{dialog.line.text()}'.")
    assert not dialog.show_button.isEnabled()
    dialog.reject()


def test_where_nothing_runs_no_build_can_be_looked_for(page: AlignmentPage) -> None:
    page.refresh(grid_of([every_state()["missing"]]))
    page.view.move_to(page.model.row_at(0).application.id, "live")
    assert page.context.actions.refusal("grid.where_it_runs") == "nothing runs there"


def test_what_is_like_the_cell_is_left_out_of_what_is_shown(page: AlignmentPage, qtbot: QtBot) -> None:
    _type(page, qtbot, "is:attention")
    page.view.setFocus()
    for what in ("state", "version", "engine"):
        page.view.move_to(page.model.row_at(0).application.id, "live")
        page.view.next_attention(1)
        found, mirror_id, before = page.view.cursor_cell(), page.view.cursor_mirror(), page.filter.text()
        assert found is not None
        assert mirror_id is not None
        many = page.model.rowCount()
        page.context.actions.run(f"grid.not_this_{what}")
        state = str(found.status).replace(" ", "-")
        asked = {"state": f"live:{state}", "version": f"live.version:{found.running_title}"}
        assert page.filter.text() == f"{before} -{asked.get(what, f'engine:{found.engine_name}')}"
        assert 0 < page.model.rowCount() < many
        assert page.model.place_of(mirror_id) is None


def test_the_filters_of_a_cell_are_chosen_from_its_menu_by_the_keyboard(page: AlignmentPage, qtbot: QtBot) -> None:
    page.view.next_attention(1)
    page.view.setFocus()
    at = page.view.visualRect(page.view.currentIndex()).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, at, page.view.viewport().mapToGlobal(at))
    QApplication.sendEvent(page.view.viewport(), event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    (inner,) = menu.findChildren(QMenu)
    told = [one.text() for one in inner.actions() if not one.isSeparator()]
    assert told == [
        f"{word} this {what}" for word in ("Only", "Not") for what in ("state", "version", "engine", "source")
    ]
    menu.setActiveAction(inner.menuAction())
    QTest.keyClick(menu, Qt.Key.Key_Right)
    qtbot.waitUntil(inner.isVisible)
    QTest.keyClick(inner, Qt.Key.Key_Down)
    QTest.keyClick(inner, Qt.Key.Key_Return)
    cell_there = page.view.cursor_cell()
    assert cell_there is not None
    assert page.filter.text() == f"live.version:{cell_there.running_title}"
    # Where nothing runs there is no version to ask for.
    page.filter_by("live:missing")
    page.view.move_to(page.model.row_at(0).application.id, "live")
    page.context.actions.refresh()
    assert page.context.actions.action("grid.not_this_version").text() == "Not this version (nothing runs there)"
    assert page.context.actions.action("grid.not_this_source").isEnabled()


def test_keys_go_to_the_grid_once_there_is_one_also_in_a_window_that_was_not_active(
    context: UiContext, qtbot: QtBot
) -> None:
    with context.theme.undressed():
        page = AlignmentPage(context)
    qtbot.addWidget(page)
    context.actions.current_page = page.id
    page.shown()
    assert page.focusWidget() is page.filter.line
    assert not page.filter.line.hasFocus(), "the window is active"
    page.refresh(sample_grid())
    assert page.focusWidget() is page.view
    page.show()
    page.activateWindow()
    qtbot.waitUntil(page.view.hasFocus)
    page.close()


def test_a_survey_takes_the_keys_from_nobody_who_types(page: AlignmentPage, qtbot: QtBot) -> None:
    page.filter.focus()
    _type(page, qtbot, "zebra")
    page.refresh(sample_grid())
    assert page.focusWidget() is page.filter.line


# --- the place that is looked at ----------------------------------------------------------------------------------


def test_a_survey_moves_neither_cursor_nor_scroll_nor_filter(page: AlignmentPage, qtbot: QtBot) -> None:
    page.filter_by("-engine:ber-9")
    page.view.move_to(page.model.row_at(40).application.id, "live")
    page.view.verticalScrollBar().setValue(12)
    cursor = page.view.cursor_mirror()
    first = page.model.row_at(page.view.rowAt(0)).application.id
    grid = sample_grid(48)
    page.refresh(replace(grid, rows=grid.rows[3:]))
    assert page.view.cursor_mirror() == cursor
    assert page.view.cursor_column() == "live"
    assert page.model.row_at(page.view.rowAt(0)).application.id == first
    assert page.filter.text() == "-engine:ber-9"


def test_a_valid_cursor_as_long_as_there_are_rows(page: AlignmentPage) -> None:
    for text in ("dunes", "zebra", "", "live:behind"):
        page.filter_by(text)
        assert page.view.currentIndex().isValid() is bool(page.model.rowCount())


def test_the_panel_follows_the_cursor_after_a_moment(page: AlignmentPage, qtbot: QtBot) -> None:
    page.open_detail()
    QTest.keyClick(page.view, Qt.Key.Key_Down)
    name = page.model.row_at(1).application.name
    assert page.detail.name.whole() != name
    qtbot.waitUntil(lambda: page.detail.name.whole() == name, timeout=FOLLOW * 10)


@pytest.mark.parametrize("name", list(every_state()))
def test_the_panel_shows_every_state_in_plain_text(page: AlignmentPage, name: str) -> None:
    row = every_state()[name]
    page.refresh(grid_of([row]))
    page.view.move_to(row.application.id, "live")
    page.open_detail()
    assert page.detail.verdict.text()
    for one in page.detail.findChildren(QLabel):
        assert one.textFormat() is Qt.TextFormat.PlainText
    if name == "drifted settings":
        assert any("512 MiB → 1 GiB" in one.text() for one in page.detail.findChildren(QLabel))


def test_the_strip_goes_to_another_environment(page: AlignmentPage) -> None:
    row = next(row for row in page.model.shown if len(row.cells) == 2)
    page.view.move_to(row.application.id, "live")
    page.open_detail()
    page.detail.environment_wanted.emit("test")
    assert page.view.cursor_column() == "test"
    assert page.detail.shown is row.cells["test"]


# --- by mouse -----------------------------------------------------------------------------------------------------


def test_a_tick_is_clicked_in_the_sticky_column(page: AlignmentPage, qtbot: QtBot) -> None:
    header = page.view.mirrors
    y = header.sectionViewportPosition(2) + 10
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(TICK_AT + 4, y))
    assert page.model.ticked.ids == (page.model.row_at(2).application.id,)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(NAME_AT + 20, y))
    assert page.view.currentIndex().row() == 2
    assert len(page.model.ticked.ids) == 1


def test_the_corner_ticks_what_is_shown(page: AlignmentPage, qtbot: QtBot) -> None:
    corner = page.view.corner
    assert corner.check_state() is Qt.CheckState.Unchecked
    page.model.toggle(0)
    assert corner.check_state() is Qt.CheckState.PartiallyChecked
    assert "1 of 48 mirrors shown" in corner.accessibleDescription()
    QTest.mouseClick(corner, Qt.MouseButton.LeftButton, pos=QPoint(16, 16))
    assert corner.check_state() is Qt.CheckState.Checked
    corner.click()
    assert corner.check_state() is Qt.CheckState.Unchecked


def test_a_click_on_an_environment_orders_by_severity(page: AlignmentPage) -> None:
    column = page.model.column_of("live")
    assert column is not None
    page.view.environments.sectionClicked.emit(column)
    worst = [row.cells["live"].status for row in page.model.shown]
    assert worst[0] is Status.UNHEALTHY
    page.view.environments.sectionClicked.emit(column)
    assert [row.cells["live"].status for row in page.model.shown] == sorted(worst, key=severity, reverse=True)
    page.view.environments.sectionClicked.emit(column)
    assert page.model.sorted_by is None


# --- what is allowed ----------------------------------------------------------------------------------------------


def test_read_only_leaves_looking_and_refuses_rollouts(make_context: ContextMaker, qtbot: QtBot) -> None:
    context = make_context(read_only="Started with --read-only.")
    page = _page(context, qtbot, many=12)
    page.model.toggle(0)
    page.selection.environment.setCurrentIndex(1)
    assert not page.selection.roll_out.isEnabled()
    assert page.selection.roll_out.accessibleDescription() == "Started with --read-only."
    assert context.actions.refusal("grid.roll_out_this") == "read-only"
    assert context.actions.refusal("grid.copy_answer") == ""
    menu = context.actions.context_menu(("grid.roll_out_this",), page)
    assert menu.actions()[0].text() == "Roll out this environment… (read-only)"


def test_a_choice_for_one_selection_says_nothing_about_the_next(page: AlignmentPage) -> None:
    page.model.toggle(0)
    page.selection.environment.setCurrentIndex(2)
    assert page.selection.chosen_environment() == "live"
    page.model.clear_ticks()
    assert page.selection.isHidden()
    page.model.toggle(1)
    assert page.selection.chosen_environment() == ""


def test_the_selection_bar_counts_what_the_filter_hides(page: AlignmentPage) -> None:
    page.model.tick_shown()
    page.filter_by("dunes")
    hidden = 48 - page.model.rowCount()
    assert page.selection.words.whole().startswith(f"48 mirrors selected · {hidden} hidden by the current filter")
    page.selection.show_button.click()
    assert page.model.rowCount() == 48
    page.filter_by("dunes")
    page.selection.drop_button.click()
    assert len(page.model.ticked.ids) == page.model.rowCount()
    page.selection.clear_button.click()
    assert page.selection.isHidden()


def test_where_a_rollout_works_another_is_refused(page: AlignmentPage) -> None:
    page.refresh(grid_of([every_state()["rolling out"]]))
    page.view.move_to(page.model.row_at(0).application.id, "live")
    assert page.context.actions.refusal("grid.roll_out_this") == "a rollout works here"


# --- what is painted ----------------------------------------------------------------------------------------------


def _image(page: AlignmentPage) -> QImage:
    return page.view.viewport().grab().toImage()


def _colours(image: QImage, x: int, width: int, y: int, height: int) -> set[str]:
    return {image.pixelColor(at, down).name() for at in range(x, x + width) for down in range(y, y + height)}


@pytest.mark.parametrize(
    ("theme", "density"),
    [(Theme.LIGHT, Density.COMPACT), (Theme.DARK, Density.COMFORTABLE), (Theme.LIGHT, Density.TALL)],
)
def test_every_state_is_painted_in_its_colours(
    make_context: ContextMaker, qtbot: QtBot, theme: Theme, density: Density
) -> None:
    context = make_context(theme=theme)
    context.theme.choose_density(density)
    page = _page(context, qtbot, many=0)
    page.refresh(grid_of(list(every_state().values())))
    page.resize(1200, 1400)
    page.detail.hide()
    QApplication.processEvents()
    image = _image(page)
    column = page.model.column_of("live")
    assert column is not None
    x, height = page.view.columnViewportPosition(column), page.view.rowHeight(0)
    for place, row in enumerate(page.model.shown):
        status = row.cells["live"].status if "live" in row.cells else Status.NOT_APPLICABLE
        painted = context.theme.colours.status[status]
        found = _colours(image, x, 40, page.view.rowViewportPosition(place), height)
        assert QColor(painted.glyph).name() in found, f"{row.application.name}: no glyph"
        if painted.tint:
            assert QColor(painted.tint).name() in found, f"{row.application.name}: no tint"


def test_the_cursor_is_seen_and_seen_better_with_the_focus(page: AlignmentPage) -> None:
    page.detail.hide()
    ring = QColor(page.context.theme.colours.focus).name()
    page.view.setFocus()
    QApplication.processEvents()
    rect = page.view.visualRect(page.view.currentIndex())
    assert ring in _colours(_image(page), rect.x(), rect.width(), rect.y(), rect.height())
    page.filter.line.setFocus()
    QApplication.processEvents()
    assert ring not in _colours(_image(page), rect.x(), rect.width(), rect.y(), rect.height())


def test_hostile_words_are_painted_as_they_stand(page: AlignmentPage) -> None:
    wild = mirror(700, "<img src=x> & <b>bold</b>\nnext", account="<a href='x'>")
    row = replace(every_state()["aligned"], application=wild, cells={"live": cell(wild, alignment=Alignment.ALIGNED)})
    page.refresh(grid_of([row]))
    page.open_detail()
    _image(page)
    page.view.mirrors.viewport().grab()
    assert page.detail.name.textFormat() is Qt.TextFormat.PlainText
    assert page.model.headerData(0, Qt.Orientation.Vertical) == wild.name


# --- for screen readers -------------------------------------------------------------------------------------------


def test_every_control_of_the_page_has_a_name(page: AlignmentPage) -> None:
    page.model.toggle(0)
    page.open_detail()
    nameless = []
    for one in page.findChildren(QWidget):
        if one.isVisible() and one.focusPolicy() & Qt.FocusPolicy.TabFocus:
            said = QAccessible.queryAccessibleInterface(one)
            if not said.text(QAccessible.Text.Name).strip():
                nameless.append(f"{type(one).__name__} {one.objectName()}")
    assert not nameless


def test_a_cell_tells_mirror_environment_and_state(page: AlignmentPage) -> None:
    table = QAccessible.queryAccessibleInterface(page.view)
    assert table.text(QAccessible.Text.Name) == "Alignment of all mirrors"
    columns = page.model.columnCount()
    live = page.model.column_of("live")
    assert live is not None
    child = table.child(1 * (columns + 1) + live + 1)
    said = child.text(QAccessible.Text.Name)
    assert page.model.row_at(0).application.name in said
    assert "live" in said


def test_many_surveys_while_a_screen_reader_listens(page: AlignmentPage, qtbot: QtBot) -> None:
    QAccessible.setActive(True)
    try:
        for step in range(20):
            page.refresh(sample_grid((step * 7) % 40))
            table = QAccessible.queryAccessibleInterface(page.view)
            if table.childCount():
                table.child((step * 13) % table.childCount()).text(QAccessible.Text.Name)
            QApplication.sendEvent(
                page.view, QKeyEvent(QKeyEvent.Type.KeyPress, Qt.Key.Key_Down, Qt.KeyboardModifier.NoModifier)
            )
    finally:
        QAccessible.setActive(False)
