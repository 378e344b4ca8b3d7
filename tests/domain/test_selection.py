"""The filter box means exactly what was typed, and says what it can't read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mirror_console.domain.alignment import Alignment, DriftKind
from mirror_console.domain.cell import Cell
from mirror_console.domain.environment import Hold
from mirror_console.domain.expectation import NoExpectation
from mirror_console.domain.filter_terms import KEYS, Words, typed_word
from mirror_console.domain.fleet import Grid, Row
from mirror_console.domain.observation import Difference, Health, State
from mirror_console.domain.selection import BadFilter, Completion, Index, Query, completions, matches, parse, select
from mirror_console.domain.status import Activity, Knowledge, Status
from mirror_console.errors import FailureKind
from tests.domain.parts import NOW, cell, contact, environment, mirror, nothing_there, observation, print_of

UP = contact()
DOWN = contact(engine_id="ber-1", answered=False, failure=FailureKind.TIMEOUT)
HOLD = Hold(print_of("26.8.2"), "26.8.2", "campaign", "operator", NOW, NOW + timedelta(days=20))
NO_QA = NoExpectation("the source has no environment 'qa'")


def row(name: str, source: str = "Webshop Core", changed: timedelta | None = None, **cells: Cell) -> Row:
    """A mirror of the grid below."""
    account, domains, tags = ABOUT[name]
    application = mirror(name, account=account, domains=domains, tags=tags)
    return Row(application, source, cells, NOW - changed if changed is not None else None)


def at(name: str, seen: Any, reached: Any = UP, **more: Any) -> Cell:
    """A cell of an environment of that name."""
    return cell(seen, reached=reached, here=environment(name, **more.pop("with_", {})), **more)


ABOUT: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "Dunes Bakery": ("Dunes GmbH", ("dunes.example", "www.dunes.example"), ("vip", "ring-1")),
    "Harbour Café": ("Harbour", ("harbour-cafe.example",), ("ring-1",)),
    "Mill, Old": ("Mill", ("mill.example",), ()),
    "Tower": ("Dunes GmbH", ("tower.example",), ("vip",)),
    "Orchard": ("Orchard", ("orchard.example",), ("VIP-2",)),
    "Quay": ("Quay", (), ()),
}
GRID = Grid(
    rows=(
        row(
            "Dunes Bakery",
            changed=timedelta(hours=2),
            test=at("test", observation()),
            live=at("live", observation("26.7.4"), pending=True),
        ),
        row(
            "Harbour Café",
            changed=timedelta(days=3),
            test=at("test", observation("26.8.9")),
            live=at("live", observation(health=Health.FAILING)),
        ),
        row("Mill, Old", live=at("live", nothing_there()), test=at("test", None, None)),
        row(
            "Tower",
            source="Blog",
            changed=timedelta(days=40),
            live=at("live", observation(ago=9000), DOWN, engine_name="ber-1"),
            qa=at("qa", observation(state=State.EXITED), expected=NO_QA),
        ),
        row(
            "Orchard",
            live=at("live", observation("26.8.2"), with_={"hold": HOLD, "protected": True}),
            test=at("test", observation(differences=(Difference("ports", "80", "none"),))),
        ),
        row(
            "Quay",
            live=at("live", observation("26.8.2"), activity=Activity.QUEUED, step="→ 26.8.3 queued"),
            test=at("test", observation(ago=90_000)),
        ),
    ),
    columns=("test", "qa", "live"),
    engines=(),
    sources=(),
    made_at=NOW,
)
INDEX = Index(GRID.rows)
NAMES = [row.application.name.split()[0].rstrip(",") for row in GRID.rows]
ALL = " ".join(NAMES)


def found(text: str) -> str:
    """The first words of the names of the mirrors that a filter means."""
    query = parse(text, GRID.columns)
    places = INDEX.places(select(query, INDEX, NOW))
    assert places == [place for place, row in enumerate(GRID.rows) if matches(query, row, NOW)]
    return " ".join(NAMES[place] for place in places)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", ALL),
        ("  ", ALL),
        # text: name, slug, account, domain, tag; case and place in the word don't count
        ("dunes", "Dunes Tower"),
        ("DUNES", "Dunes Tower"),
        ("unes.ex", "Dunes"),
        ("café", "Harbour"),
        ("cafe.", "Harbour"),
        ("dunes-bakery", "Dunes"),
        ("vip", "Dunes Tower Orchard"),
        ("dunes tower", "Tower"),
        ("dunes,mill", "Dunes Mill Tower"),
        ("-dunes", "Harbour Mill Orchard Quay"),
        ('"dunes bakery"', "Dunes"),
        ('"Mill, Old"', "Mill"),
        ('"mill, o"', "Mill"),
        ("d*ery", "Dunes"),
        ("dunes*harbour", ""),
        ("nowhere", ""),
        # an environment's name as a key
        ("live:behind", "Dunes Quay"),
        ("LIVE:Behind", "Dunes Quay"),
        ("live:behind,missing", "Dunes Mill Quay"),
        ("-live:behind", "Harbour Mill Tower Orchard"),
        ("live:aligned", "Harbour Orchard"),
        ("live:aligned health:failing", "Harbour"),
        ("live:unhealthy", "Harbour"),
        ("test:drifted", "Harbour Orchard"),
        ("test:not-checked", "Mill Quay"),
        ('test:"not checked"', "Mill Quay"),
        ("live:unreachable", "Tower"),
        ("live:rolling-out", "Quay"),
        ("live:queued", "Quay"),
        ("live:held", "Orchard"),
        ("qa:not-applicable", "Dunes Harbour Mill Orchard Quay"),
        ("-qa:*", "Dunes Harbour Mill Orchard Quay"),
        ("qa:*", "Tower"),
        ("qa:no-release", "Tower"),
        ("qa:stopped", "Tower"),
        # keys of an environment, of any or of one
        ("engine:fra-2", "Dunes Harbour Mill Tower Orchard Quay"),
        ("live.engine:fra-2", "Dunes Harbour Mill Orchard Quay"),
        ("engine:ber-*", "Tower"),
        ("engine:BER-1", "Tower"),
        ("engine:ber", ""),
        ("status:behind", "Dunes"),
        ("live.status:not-applicable", ""),
        ("qa.is:not-applicable", "Dunes Harbour Mill Orchard Quay"),
        ("live.status:aligned", "Orchard"),
        ("health:failing", "Harbour"),
        ("live.health:healthy", "Dunes Orchard Quay"),
        ("version:26.8.2", "Orchard Quay"),
        ("live.version:26.8*", "Harbour Tower Orchard Quay"),
        ("running:26.7.4", "Dunes"),
        (f"running:{print_of('26.7.4')[4:12]}*", "Dunes"),
        ("running:sha256:1d32362e372e34*", "Dunes"),
        ("running:*/webshop:26.7*", "Dunes"),
        ("was:aligned", "Dunes Tower Orchard Quay"),
        ("live.was:aligned", "Tower Orchard"),
        ("drift:settings", "Orchard"),
        ("drift:unknown-release,settings", "Harbour Orchard"),
        # keys of a mirror
        ("source:blog", "Tower"),
        ("source:webshop-core", "Dunes Harbour Mill Orchard Quay"),
        ('source:"Webshop Core"', "Dunes Harbour Mill Orchard Quay"),
        ("source:web", ""),
        ("tag:vip", "Dunes Tower"),
        ("tag:vip*", "Dunes Tower Orchard"),
        ("-tag:vip,ring-1", "Mill Orchard Quay"),
        ("account:dunes-gmbh", "Dunes Tower"),
        ('account:"dunes gmbh"', "Dunes Tower"),
        ("changed:today", "Dunes"),
        ("changed:7d", "Dunes Harbour"),
        ("changed:7d -changed:3h", "Harbour"),
        ("-changed:9999d", "Mill Orchard Quay"),
        # marks
        ("is:held", "Orchard"),
        ("hold:<1d", ""),
        ("hold:<30d", "Orchard"),
        ("live.hold:<30d,ended", "Orchard"),
        ("test.hold:<30d", ""),
        ("hold:ended", ""),
        ("is:pending", "Dunes"),
        ("is:protected", "Orchard"),
        ("is:never", "Mill"),
        ("is:stale", "Quay"),
        ("is:unreachable", "Tower"),
        ("is:attention", "Harbour Mill Tower Orchard"),
        ("is:drifted", "Harbour Orchard"),
        ("live:behind source:webshop-core -tag:vip", "Quay"),
    ],
)
def test_a_filter_means_what_was_typed(text: str, meant: str) -> None:
    assert found(text) == meant


@pytest.mark.parametrize(
    ("text", "bad", "title", "hint", "suggestion"),
    [
        ("statsu:behind", "statsu", "'statsu' is not a filter.", "Did you mean status?", "status"),
        ("dunes -engnie:fra", "engnie", "'engnie' is not a filter.", "Did you mean engine?", "engine"),
        ("live:behnid", "behnid", "'behnid' is not a state.", "Did you mean behind?", "behind"),
        ("live:behind,driftd", "driftd", "'driftd' is not a state.", "Did you mean drifted?", "drifted"),
        ("lvie:behind", "lvie", "'lvie' is not a filter.", "Did you mean live?", "live"),
        ("live.helth:failing", "helth", "'helth' is not a filter.", "Did you mean health?", "health"),
        ("is:stael", "stael", "'stael' is not a state.", "Did you mean stale?", "stale"),
        (":dunes", ":dunes", "':' is not a filter.", "Type a key before it", ""),
        (".live:behind", ".live:behind", "'.live:' is not a filter.", "Type a key before it", ""),
        ("live.:behind", "live.:behind", "'live.:' is not a filter.", "Type a key before it", ""),
        ("a -Größe:1", "Größe", "'Größe' is not a filter.", "Filters are", ""),
        ("tag:", "tag:", "'tag:' lacks a value.", "Type a value, or delete this part.", ""),
        ("live:", "live:", "'live:' lacks a value.", "Type a value, or delete this part.", ""),
        ("a tag:vip,", "tag:vip,", "A comma stands beside nothing.", "on both sides", ""),
        ("a,,b", "a,,b", "A comma stands beside nothing.", "on both sides", ""),
        ("dunes -", "-", "There is no word here.", "Type one", ""),
        ('""', '""', "There is no word here.", "Type one", ""),
        ('dunes "bak', '"bak', "A quote is opened and never closed.", "Put another", ""),
        ("live.tag:vip", "live.tag:vip", "'tag' belongs to the mirror, not to an environment.", "Write tag:", ""),
        ("is:not-applicable", "is:not-applicable", "Which environment is meant has to be said.", "Write live:", ""),
        ("version:<26.8", "<26.8", "Versions can't be compared here.", "Use a *", ""),
        ("hold:soon", "soon", "'soon' is no end of a hold.", "Type a span such as <7d", "<7d"),
        ("changed:soon", "soon", "'soon' is not a time.", "Type today", "today"),
        ("http://dunes.example", "http", "'http' is not a filter.", "put it in quotes", ""),
        ("prod:behind", "prod", "'prod' is not a filter.", "test, qa, live", ""),
        ("health:blue", "blue", "'blue' is not a health state.", "It is one of: failing, healthy", ""),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    text: str, bad: str, title: str, hint: str, suggestion: str
) -> None:
    with pytest.raises(BadFilter) as refusal:
        parse(text, GRID.columns)

    error = refusal.value
    assert text[error.start : error.end] == bad
    assert error.title == title
    assert hint in error.hint
    assert error.suggestion == suggestion


def test_a_colon_in_quotes_is_text() -> None:
    assert found('"dunes:example"') == ""
    assert found('"-vip"') == ""


def test_without_the_names_of_environments_any_name_may_be_one_but_a_slip_is_still_found() -> None:
    assert matches(parse("live:behind"), GRID.rows[0], NOW)
    assert not matches(parse("anything:behind"), GRID.rows[0], NOW)
    with pytest.raises(BadFilter, match="Did you mean status"):
        parse("statsu:behind")


SEEN = [None, nothing_there(), observation(), observation("26.7.4"), observation("26.8.2", image_id="sha256:other")]
FACTS: dict[str, list[Any]] = {
    "environment": [environment("live"), environment("live", protected=True)],
    "status": list(Status),
    "alignment": list(Alignment),
    "health": list(Health),
    "knowledge": list(Knowledge),
    "activity": list(Activity),
    "drift": [None, *DriftKind],
    "held": [False, True],
    "pending": [False, True],
    "observation": SEEN,
    "engine_name": ["fra-2", "ber-1", ""],
}
ONE_FACT = st.sampled_from([(name, value) for name, values in FACTS.items() for value in values])
ANY_CELL = st.lists(ONE_FACT, max_size=2).map(lambda facts: at("live", observation())._replace(**dict(facts)))
"""Cells that differ in a fact or two, also in ways that never come together: no filter may rely on that."""
ANY_ROW = st.builds(
    lambda name, cells, changed: replace(row(name, changed=changed), cells=cells),
    st.sampled_from(list(ABOUT)),
    st.dictionaries(st.sampled_from(GRID.columns), ANY_CELL),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=40)),
)
CELL_PARTS = [
    *(f"{key}:{typed_word(word)}" for key, kind in KEYS.items() if isinstance(kind, Words) for word in kind.tests),
    *("engine:ber*", "engine:fra-2", "version:26.8*", "running:26.7.4", "running:sha256:*", "running:*/webshop:26.8*"),
]
PARTS = [
    *(part for part in CELL_PARTS if not part.endswith(":not-applicable") or part.startswith("was:")),
    *(f"live.{part}" for part in CELL_PARTS),
    *("dunes", "d*ery", "vip,mill", "tag:vip*", "account:dunes-gmbh", "source:webshop-core"),
    *("changed:today", "changed:7d", "qa:*", "live:not-applicable,behind"),
]


def found_and_matched(rows: list[Row], index: Index, query: Query) -> tuple[list[int], list[int]]:
    """What the index finds for a filter, and what the filter matches, row by row."""
    matched = [place for place, row in enumerate(rows) if matches(query, row, NOW)]
    return index.places(select(query, index, NOW)), matched


QUERIES = [parse(part, GRID.columns) for part in PARTS]
ONE_FACT_EACH = [
    row("Quay", live=at("live", observation())._replace(**{name: value}))
    for name, values in FACTS.items()
    for value in values
]
"""Rows that are alike but for one fact."""
ONE_FACT_INDEX = Index(ONE_FACT_EACH)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.text)
def test_a_single_fact_is_enough_for_the_index_to_tell_rows_apart(query: Query) -> None:
    found, matched = found_and_matched(ONE_FACT_EACH, ONE_FACT_INDEX, query)
    assert found == matched


@given(st.lists(ANY_ROW, max_size=12), st.lists(st.tuples(st.booleans(), st.sampled_from(PARTS)), max_size=3))
def test_the_index_joins_parts_as_the_filter_does(rows: list[Row], parts: list[tuple[bool, str]]) -> None:
    query = parse(" ".join("-" * negated + part for negated, part in parts), GRID.columns)
    found, matched = found_and_matched(rows, Index(rows), query)
    assert found == matched


@given(st.lists(ANY_ROW, max_size=12), st.data())
def test_a_set_of_rows_is_made_counted_and_told(rows: list[Row], data: st.DataObject) -> None:
    index = Index(rows)
    places = data.draw(st.sets(st.sampled_from(range(len(rows))))) if rows else set()
    some = index.set_of(places)
    assert index.places(some) == sorted(places)
    assert list(index.marks(some)) == [place in places for place in range(len(rows))]
    chosen = [rows[place] for place in places]
    for name in GRID.columns:
        cells = [row.cells[name] for row in chosen if name in row.cells]
        assert index.counts(name, some) == GRID.counts(chosen, name)
        assert index.expected(name, some) == sorted({cell.expected_title for cell in cells} - {""})
        assert index.protected(name) == any(name in row.cells and row.cells[name].environment.protected for row in rows)


PIECES = st.sampled_from(
    [
        "dunes",
        "-",
        "live",
        ":",
        "behind",
        ",",
        '"',
        " ",
        "is",
        ".",
        "tag",
        "vip",
        "*",
        "engine",
        "fra-2",
        "<",
        "\\",
        "[",
    ]
)


def refusal_of(text: str) -> BadFilter | None:
    try:
        parse(text, GRID.columns)
    except BadFilter as error:
        return error
    return None


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=20))
def test_whatever_is_typed_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    refusal = refusal_of(text)
    if refusal is not None:
        assert 0 <= refusal.start < refusal.end <= len(text)
        assert refusal.title.endswith(".")
        assert refusal.hint.endswith((".", "?"))
    else:
        found(text)
        assert parse(text, GRID.columns).terms or text.strip() == ""


@given(st.sampled_from(["dunes", "live:behind", "is:held", "tag:vip", "qa:*", "changed:7d", "test:drifted,aligned"]))
def test_a_minus_turns_a_part_round(part: str) -> None:
    for row in GRID.rows:
        assert matches(parse(part, GRID.columns), row, NOW) != matches(parse(f"-{part}", GRID.columns), row, NOW)


def offered(text: str, cursor: int | None = None) -> list[tuple[str, int | None]]:
    return [(offer.text, offer.count) for offer in completions(text, len(text) if cursor is None else cursor, GRID)]


def test_keys_are_completed_environments_first() -> None:
    assert [text for text, _ in offered("")][:4] == ["test:", "qa:", "live:", "is:"]
    assert offered("li") == [("live:", None)]
    assert offered("-ta") == [("tag:", None)]
    assert offered("live.v") == [("live.version:", None)]
    assert offered("nowhere.v") == []
    assert completions("dunes -li", 9, GRID) == [Completion("live:", 7, 9)]


def test_values_are_those_that_there_are_with_their_counts() -> None:
    assert offered("engine:") == [("fra-2", 6), ("ber-1", 1)]
    assert offered("live.engine:b") == [("ber-1", 1)]
    assert offered("source:") == [('"Webshop Core"', 5), ("Blog", 1)]
    assert offered("tag:vip,R") == [("ring-1", 2)]
    assert ("behind", 2) in offered("live:")
    assert offered("live:dr") == []
    assert offered("test:dr") == [("drifted", 2)]
    assert offered("changed:") == [("today", 1), ("24h", 1), ("7d", 2), ("30d", 2)]
    assert offered("nonsense:") == []


def test_a_completion_replaces_just_what_was_begun() -> None:
    text = "dunes live:behind,dri tag:vip"
    cursor = text.index("dri") + 3

    (offer,) = completions(text.replace("live", "test"), cursor, GRID)

    assert text[: offer.start] + offer.text + text[offer.end :] == "dunes live:behind,drifted tag:vip"


@example("is::,", 5)
@given(st.lists(PIECES, max_size=10).map("".join), st.integers(0, 40))
def test_every_completion_of_a_value_can_be_read(text: str, cursor: int) -> None:
    cursor = min(cursor, len(text))
    for offer in completions(text, cursor, GRID):
        assert 0 <= offer.start <= offer.end <= len(text)
        if offer.count is not None:
            # A value may have colons of its own.
            key = (
                text[: offer.start]
                .rpartition(":")[0]
                .rpartition(" ")[2]
                .rpartition("-")[2]
                .strip('",')
                .partition(":")[0]
            )
            assert offer.text
            assert key == "" or parse(f"{key}:{offer.text}", GRID.columns).terms
