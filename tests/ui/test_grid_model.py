"""The model of the alignment page: ticks that nothing but a person changes, and rows that stay where they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from mirror_console.domain.alignment import Alignment
from mirror_console.domain.fleet import Grid, Row, severity
from mirror_console.domain.selection import parse
from mirror_console.domain.status import Status
from mirror_console.ui.grid.columns import CHANGE, TAGS
from mirror_console.ui.grid.model import GridModel
from tests.ui.sample import NOW, cell, every_state, grid_of, sample_grid

GRID = sample_grid(48)
IDS = [row.application.id for row in GRID.rows]
FILTERS = ["", "dunes", "live:behind", "tag:vip", "-live:aligned", "engine:fra-1", "zebra", "is:attention"]


def _model(grid: Grid = GRID) -> GridModel:
    model = GridModel(lambda: NOW)
    model.take(grid)
    return model


def _filter(model: GridModel, text: str) -> None:
    model.filter(parse(text) if text else None, text)


ticks = st.sets(st.sampled_from(IDS))
changes = st.lists(
    st.one_of(
        st.tuples(st.just("filter"), st.sampled_from(FILTERS)),
        st.tuples(st.just("sort"), st.sampled_from(["live", "test", CHANGE, TAGS, ""])),
        st.tuples(st.just("take"), st.integers(0, 48)),
        st.tuples(st.just("clock"), st.none()),
        st.tuples(st.just("again"), st.none()),
    ),
    max_size=8,
)


@given(ticks, changes)
def test_nothing_but_a_person_changes_ticks(ticked: set[str], several: list[tuple[str, object]]) -> None:
    model = _model()
    model.tick(sorted(ticked), True)
    for what, value in several:
        match what, value:
            case "filter", str(text):
                _filter(model, text)
            case "sort", str(column):
                model.sort_by(column)
            case "take", int(many):
                model.take(replace(GRID, rows=GRID.rows[:many]))
            case "clock", _:
                model.tick_clock()
            case "again", _:
                model.sort_again()
        told = model.ticked
        assert set(told.ids) == ticked
        assert len(told.ids) == told.hidden + told.gone + model.shown_ticked


@given(st.sampled_from(FILTERS), st.sampled_from(["live", "test", CHANGE, TAGS, ""]), st.booleans())
def test_a_filter_and_an_order_show_each_row_once(text: str, column: str, turned: bool) -> None:
    model = _model()
    _filter(model, text)
    model.sort_by(column, turned=turned)
    shown = [row.application.id for row in model.shown]
    assert len(shown) == len(set(shown))
    assert all(model.place_of(one) == place for place, one in enumerate(shown))
    assert model.rowCount() == len(shown)


def test_the_model_is_sound(qtbot: QtBot) -> None:
    model = GridModel(lambda: NOW)
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    for many in (24, 3, 0, 48):
        model.take(sample_grid(many))
        _filter(model, "live:behind")
        model.sort_by("live")
        model.tick_shown()
        _filter(model, "")
        model.tick_clock()


def test_the_worst_comes_first() -> None:
    model = _model()
    model.sort_by("live")
    ranks = [severity(row.cells["live"].status) for row in model.shown]
    assert ranks == sorted(ranks)
    assert model.shown[0].cells["live"].status is Status.UNHEALTHY


def test_a_survey_moves_no_row_until_the_person_asks() -> None:
    model = _model()
    model.sort_by("live")
    before = [row.application.id for row in model.shown]
    last = before[-1]
    row = GRID.row(last)
    worse = replace(row, cells={**row.cells, "live": cell(row.application, running=None, alignment=Alignment.MISSING)})
    rows = tuple(worse if one.application.id == last else one for one in GRID.rows)
    model.take(replace(GRID, rows=rows))
    assert [one.application.id for one in model.shown] == before
    assert model.order_is_old
    model.sort_again()
    assert [one.application.id for one in model.shown].index(last) < 6
    assert not model.order_is_old


def test_ticking_what_is_shown_is_recorded_and_fixed() -> None:
    model = _model()
    _filter(model, "live:behind")
    many = len(model.shown)
    model.tick_shown()
    assert f"{many} mirrors that matched “live:behind”" in model.ticked.note
    worse = {row.application.id: row for row in GRID.rows}
    first = GRID.rows[0]
    worse[first.application.id] = replace(
        first, cells={"live": cell(first.application, running=2, alignment=Alignment.BEHIND)}
    )
    model.take(replace(GRID, rows=tuple(worse.values())))
    assert len(model.ticked.ids) == many


def test_a_range_is_ticked_from_the_last_tick() -> None:
    model = _model()
    model.toggle(3)
    model.tick_range(6)
    assert [place for place in range(10) if model.is_ticked(model.row_at(place).application.id)] == [3, 4, 5, 6]
    model.untick_shown()
    assert not model.ticked.ids


def test_the_ticked_can_be_shown_alone_and_the_hidden_dropped() -> None:
    model = _model()
    model.toggle(0)
    model.toggle(1)
    model.show_only_ticked(True)
    assert model.rowCount() == 2
    first = model.row_at(0).application.name
    _filter(model, f'"{first}"')
    assert not model.only_ticked
    model.drop_hidden()
    assert len(model.ticked.ids) == 1
    model.clear_ticks()
    assert not model.ticked.ids


def test_only_what_changed_is_painted_again() -> None:
    model = _model()
    changed: list[tuple[int, int]] = []
    resets: list[int] = []
    model.dataChanged.connect(lambda first, last: changed.append((first.row(), last.row())))
    model.modelReset.connect(lambda: resets.append(1))
    rows = list(GRID.rows)
    rows[5] = replace(rows[5], cells={"live": cell(rows[5].application, running=1, alignment=Alignment.BEHIND)})
    model.take(replace(GRID, rows=tuple(rows)))
    assert changed == [(5, 5)]
    assert not resets


def test_the_next_that_needs_attention_goes_around() -> None:
    model = _model()
    column = model.column_of("live")
    assert column is not None
    places = []
    at: tuple[int, int] | None = (0, 0)
    for _ in range(100):
        assert at is not None
        at = model.next_attention(*at, 1)
        if at in places:
            break
        assert at is not None
        places.append(at)
    wanted = {Status.UNHEALTHY, Status.MISSING, Status.UNREACHABLE, Status.DRIFTED}
    all_places = [
        (place, at)
        for place, row in enumerate(model.shown)
        for at, one in enumerate(model.columns)
        if one.id in row.cells and row.cells[one.id].status in wanted
    ]
    assert sorted(places) == all_places
    assert model.next_attention(*places[1], -1) == places[0]
    assert _model(grid_of([every_state()["aligned"]])).next_attention(0, 0, 1) is None


@pytest.mark.parametrize("name", list(every_state()))
def test_what_a_screen_reader_says_of_a_cell(name: str) -> None:
    row: Row = every_state()[name]
    model = _model(grid_of([row]))
    column = model.column_of("live")
    assert column is not None
    said = model.data(model.index(0, column), Qt.ItemDataRole.AccessibleTextRole)
    assert row.application.name in said
    assert "live" in said
    status = row.cells["live"].status if "live" in row.cells else Status.NOT_APPLICABLE
    assert str(status) in said
    if "live" in row.cells and row.cells["live"].running_title:
        assert row.cells["live"].running_title in said
    assert model.headerData(0, Qt.Orientation.Vertical) == row.application.name
    assert model.headerData(column, Qt.Orientation.Horizontal) == "live"
    model.toggle(0)
    assert model.data(model.index(0, column), Qt.ItemDataRole.AccessibleTextRole).endswith("ticked")
