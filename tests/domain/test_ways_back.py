"""Of a mirror the worst way back is told, with where it is so; and the filter finds mirrors by theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.cell import Cell
from mirror_console.domain.filter_terms import WAYS, typed_word
from mirror_console.domain.fleet import Grid, Row
from mirror_console.domain.selection import BadFilter, Index, completions, matches, parse, select
from mirror_console.domain.way_back import KnownWay, WayBack
from mirror_console.domain.ways_back import NOT_TOLD, WORST_FIRST, Ways, mirror_way
from tests.domain.parts import NOW, cell, contact, environment, mirror, observation

COLUMNS = ("test", "staging", "live")
UP, DOWN = contact(), contact(answered=False)
told = st.sampled_from(WORST_FIRST)
mirrors = st.dictionaries(st.sampled_from(COLUMNS), st.tuples(told, st.booleans()), max_size=3)


def made(
    wanted: dict[str, tuple[WayBack | None, bool]], number: int = 0
) -> tuple[dict[str, Cell], dict[str, KnownWay]]:
    """A mirror's cells whose way back is such, and which can be reached or not; and what is known of them."""
    cells, known = {}, {}
    for name, (way_back, reached) in wanted.items():
        here = environment(name, f"mirror-{number}")
        cells[name] = cell(observation(), here=here, reached=UP if reached else DOWN)
        if way_back is not None:
            known[here.id] = KnownWay(way_back, f"{way_back} there.")
    return cells, known


@given(mirrors)
def test_a_mirror_tells_its_worst_and_names_where_it_is_so(wanted: dict[str, tuple[WayBack | None, bool]]) -> None:
    cells, known = made(wanted)
    way = mirror_way(cells, COLUMNS, Ways(known))
    if way is None:
        assert not wanted
        return
    worst = next(one for one in WORST_FIRST if one in {way_back for way_back, _ in wanted.values()})
    there = [name for name in COLUMNS if name in wanted and wanted[name][0] is worst]
    assert way.way_back is worst
    assert [one.environment.name for one in way.cells] == there
    assert way.where == ("" if len(there) == len(wanted) else ", ".join(there))
    assert way.words.endswith(way.word)
    assert way.old == any(not wanted[name][1] for name in there)


@given(mirrors, mirrors)
def test_the_worse_of_two_mirrors_stands_first(
    one: dict[str, tuple[WayBack | None, bool]], other: dict[str, tuple[WayBack | None, bool]]
) -> None:
    ways = [mirror_way(cells, COLUMNS, Ways(known)) for cells, known in (made(one), made(other))]
    first, second = ways
    if first is not None and second is not None and first.way_back is not second.way_back:
        before = WORST_FIRST.index(first.way_back) < WORST_FIRST.index(second.way_back)
        assert (first.rank < second.rank) is before


def test_what_nobody_may_tell_any_more_is_not_told() -> None:
    here = environment()
    ways = Ways({here.id: KnownWay(WayBack.GONE, "Gone.")})
    assert ways.of(cell(observation(), here=here)) == KnownWay(WayBack.GONE, "Gone.")
    assert ways.of(cell(None, here=here)) is None


def fleet(several: list[dict[str, tuple[WayBack | None, bool]]]) -> tuple[Grid, Ways]:
    """Mirrors with such ways back."""
    rows: list[Row] = []
    known: dict[str, KnownWay] = {}
    for number, wanted in enumerate(several):
        cells, of_them = made(wanted, number)
        known |= of_them
        rows.append(Row(mirror(f"Mirror {number}"), "Webshop", cells))
    return Grid(tuple(rows), COLUMNS, (), (), NOW), Ways(known)


@given(
    st.lists(mirrors, max_size=6),
    st.sampled_from(["", "live.", "test."]),
    st.lists(st.sampled_from(sorted(WAYS)), min_size=1, max_size=3),
    st.booleans(),
)
def test_the_filter_means_just_those_with_such_a_way_back(
    several: list[dict[str, tuple[WayBack | None, bool]]], before: str, words: list[str], negated: bool
) -> None:
    grid, ways = fleet(several)
    query = parse(f"{'-' * negated}{before}back:{','.join(map(typed_word, words))}", grid.columns)
    assert query.asks_for_ways
    wanted = {WAYS[word] for word in words}
    asked = [{way for name, (way, _) in one.items() if not before or f"{name}." == before} for one in several]
    meant = [bool(have & wanted) is not negated for have in asked]
    assert [matches(query, row, NOW, ways) for row in grid.rows] == meant
    index = Index(grid.rows)
    assert index.places(select(query, index, NOW, ways)) == [place for place, yes in enumerate(meant) if yes]


def test_a_filter_by_ways_back_that_were_not_read_means_nothing_at_all() -> None:
    grid, _ = fleet([{"live": (WayBack.KEPT, True)}])
    query = parse("back:yes", grid.columns)
    with pytest.raises(LookupError):
        matches(query, grid.rows[0], NOW)
    with pytest.raises(LookupError):
        select(query, Index(grid.rows), NOW)
    assert not parse("live:behind", grid.columns).asks_for_ways


def test_a_way_back_that_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadFilter) as wrong:
        parse("live.back:bloked", COLUMNS)
    assert (wrong.value.title, wrong.value.suggestion) == ("'bloked' is not a way back.", "blocked")
    with pytest.raises(BadFilter, match="is not a way back"):
        parse("back:xyz", COLUMNS)


def test_completions_have_counts_once_the_ways_back_are_read() -> None:
    grid, ways = fleet([{"live": (WayBack.PULL, True)}, {"live": (None, True), "test": (WayBack.PULL, True)}])
    everything = [(offer.text, offer.count) for offer in completions("back:", 5, grid)]
    assert ("pull", None) in everything
    assert {text for text, _ in everything} == {"blocked", "no", "pull", "nothing-before", typed_word(NOT_TOLD), "yes"}
    assert [(offer.text, offer.count) for offer in completions("back:", 5, grid, ways)] == [
        ("pull", 2),
        ("not-told", 1),
    ]
    assert [offer.text for offer in completions("live.ba", 7, grid)] == ["live.back:"]
    assert [(one.text, one.count) for one in completions("test.back:", 10, grid, ways)] == [("pull", 1)]
