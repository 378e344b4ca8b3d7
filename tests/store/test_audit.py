"""The audit: whatever changes the catalog has its line in the same transaction, and every edit of a line shows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mirror_console.domain.audit import Act, AuditFilter, Author, Doing, Head, Noun, differing_words, doing_words
from mirror_console.domain.release import Mark, Release
from mirror_console.domain.rollout import RolloutState, TargetState
from mirror_console.store import Catalog, heard
from mirror_console.store.audit_acts import NOUNS
from mirror_console.store.tables import metadata
from tests.catalogs import opened_catalog
from tests.store import values

AT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
LINES = 6


@pytest.fixture
def catalog(place: Path) -> Iterator[Catalog]:
    opened = opened_catalog(place, Author(lambda: AT, "operator", "desk-7", "run-1"))
    yield opened
    opened.close()


def acts(catalog: Catalog) -> list[Act]:
    """What stands in the audit, oldest first."""
    with catalog.read() as books:
        return [line.act for line in reversed(books.audit.lines())]


def test_every_table_is_heard_or_has_a_reason_not_to_be() -> None:
    """A new table has to be sorted: what a person decides is heard."""
    listened = {watched.table.name for watched in heard.WATCHED}
    assert listened | heard.UNHEARD.keys() == metadata.tables.keys()
    assert not listened & heard.UNHEARD.keys()
    assert all(heard.UNHEARD.values())
    assert NOUNS.keys() == {watched.table.name for watched in heard.WATCHED if not watched.part_of}


def test_no_column_of_a_heard_table_is_left_out_by_its_name_alone() -> None:
    for watched in heard.WATCHED:
        assert watched.without <= {column.name for column in watched.table.c}


def test_a_change_past_the_collections_has_its_line_too(catalog: Catalog) -> None:
    """It is SQLite that hears it: an operation can't forget."""
    with catalog.write() as books:
        values.fleet(books, 1)
    before = len(acts(catalog))
    with catalog.write() as books:
        connection = books.engines._connection
        connection.exec_driver_sql("UPDATE engine SET location = 'Bern' WHERE name = (SELECT min(name) FROM engine)")
    (act,) = acts(catalog)[before:]
    assert (act.noun, act.doing, act.after) == (Noun.ENGINE, Doing.CHANGED, {"location": "Bern"})


def test_it_says_who_where_when_what_and_how_it_was(catalog: Catalog) -> None:
    with catalog.write() as books:
        values.fleet(books, 1)
        engine = books.engines.all()[0]
    with catalog.write() as books:
        books.engines.save(replace(engine, location="Bern", often_offline=not engine.often_offline))
    with catalog.read() as books:
        line = books.audit.lines(most=1)[0]
    assert (line.person, line.machine, line.run, line.at) == ("operator", "desk-7", "run-1", AT)
    assert (line.act.of, line.act.title) == (engine.id, engine.name)
    assert doing_words(line.act) == "engine changed: location, often_offline"
    assert f"location: {engine.location or 'nothing'} → Bern" in differing_words(line.act)


def test_what_was_saved_as_it_is_has_no_line(catalog: Catalog) -> None:
    with catalog.write() as books:
        values.fleet(books, 2)
    before = len(acts(catalog))
    with catalog.write() as books:
        for engine in books.engines.all():
            books.engines.save(engine)
        for application in books.applications.all():
            books.applications.save(application)
        for environment in books.environments.all():
            books.environments.save(environment)
    assert len(acts(catalog)) == before


def test_what_is_rolled_back_has_no_line(catalog: Catalog) -> None:
    with pytest.raises(ZeroDivisionError), catalog.write() as books:
        assert len(values.fleet(books, 2)) / 0
    with catalog.write() as books:
        values.fleet(books, 1)
    with catalog.read() as books:
        assert books.audit.broken_at() is None
        assert len({line.act.of for line in books.audit.lines(AuditFilter(noun=Noun.APPLICATION))}) == len(
            books.applications.all()
        )


def test_removing_an_application_tells_of_its_environments_by_their_names(catalog: Catalog) -> None:
    with catalog.write() as books:
        values.fleet(books, 1)
        mirror = next(one for one in books.applications.all() if one.is_mirror)
        names = {f"{mirror.name} {one.name}" for one in books.environments.of(mirror.id)}
    with catalog.write() as books:
        books.applications.remove(mirror.id)
    gone = [act for act in acts(catalog) if act.doing is Doing.REMOVED]
    assert {act.title for act in gone if act.noun is Noun.ENVIRONMENT} == names
    assert {act.account for act in gone} == {mirror.account}


def test_of_a_variable_only_its_name_is_told(catalog: Catalog) -> None:
    with catalog.write() as books:
        values.fleet(books, 1)
        environment = books.environments.all()[0]
        settings = replace(environment.settings, variables={"TOKEN_BY_MISTAKE": "hunter2-hunter2"})
        books.environments.save(replace(environment, settings=settings))
    with catalog.write() as books:
        settings = replace(environment.settings, variables={"TOKEN_BY_MISTAKE": "hunter3-hunter3"})
        books.environments.save(replace(environment, settings=settings))
    with catalog.read() as books:
        told = books.audit.lines(most=1)[0].act
    assert told.after == {"settings.variables.TOKEN_BY_MISTAKE": "•••"}
    with closing(sqlite3.connect(catalog.path)) as direct:
        assert direct.execute("SELECT count(*) FROM audit WHERE line LIKE '%hunter%'").fetchone() == (0,)


def test_a_mark_is_heard_and_a_release_that_was_seen_is_not(catalog: Catalog) -> None:
    with catalog.write() as books:
        (*_, live) = values.fleet(books, 1)
        release = Release("release1", live.id, "fp1:a", "shop/webshop", "sha256:a", AT, AT, version="26.8.3")
        books.releases.save(release)
        books.releases.save(replace(release, size=4711))
    assert not [act for act in acts(catalog) if act.noun is Noun.RELEASE]
    with catalog.write() as books:
        books.releases.save(replace(release, marks=(Mark.WITHDRAWN,), remark="loses orders"))
    told = [act for act in acts(catalog) if act.noun is Noun.RELEASE]
    assert [(act.title, act.after["marks"], act.why) for act in told] == [
        ("26.8.3", [Mark.WITHDRAWN.value], "loses orders")
    ]


def test_a_rollout_is_heard_from_its_start_to_the_end_of_each_target(catalog: Catalog) -> None:
    with catalog.write() as books:
        rollout = values.rollout(values.fleet(books, 1)[-1:])
        books.rollouts.add(rollout)
        target = rollout.targets[0]
        for state in (TargetState.SWAPPING, TargetState.VERIFYING, TargetState.PUT_BACK):
            books.rollouts.save_target(rollout.id, replace(target, state=state, words=f"it {state}"))
    with catalog.write() as books:
        books.rollouts.save_head(replace(rollout, state=RolloutState.PAUSED, paused_because="the canary"))
    told = [(act.noun, act.doing) for act in acts(catalog)]
    assert told.count((Noun.TARGET, Doing.ENDED)) == 1
    assert told.count((Noun.ROLLOUT, Doing.ADDED)) == 1
    ended = next(act for act in acts(catalog) if act.noun is Noun.TARGET)
    assert (ended.result, ended.of, ended.why) == ("put back", rollout.id, rollout.why)
    assert doing_words(acts(catalog)[-1]) == "rollout paused"


@pytest.fixture
def written(catalog: Catalog) -> Catalog:
    """A catalog with some lines of audit, each in a transaction of its own."""
    for number in range(LINES):
        with catalog.write() as books:
            books.audit.append(Act(Noun.RELAY, Doing.BEGAN, f"of {number}", f"line {number}"))
    return catalog


def look(catalog: Catalog, head: Head) -> tuple[int | None, bool]:
    with catalog.read() as books:
        return books.audit.broken_at(), books.audit.has(head)


def head_of(catalog: Catalog) -> Head:
    with catalog.read() as books:
        return books.audit.head()


def test_a_chain_as_it_was_written_holds(written: Catalog) -> None:
    assert look(written, head_of(written)) == (None, True)


@pytest.mark.parametrize("statement", ["UPDATE audit SET line = '{}'", "DELETE FROM audit"])
def test_a_line_can_not_be_changed_by_mistake(written: Catalog, place: Path, statement: str) -> None:
    with closing(sqlite3.connect(place)) as direct, pytest.raises(sqlite3.IntegrityError, match="only appended to"):
        direct.execute(statement)


def edited(place: Path, *statements: str) -> None:
    with closing(sqlite3.connect(place, isolation_level=None)) as direct:
        for trigger in ("audit_is_never_changed", "audit_is_never_cut"):
            direct.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            direct.execute(statement)


@pytest.mark.parametrize(
    ("edit", "first"),
    [
        ("UPDATE audit SET line = replace(line, 'line 2', 'line 9') WHERE sequence = 3", 3),
        ("UPDATE audit SET hash = substr(hash, 2) || 'x'", 1),
        ("DELETE FROM audit WHERE sequence = 5", 5),
        ("DELETE FROM audit WHERE sequence = 6", 6),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET sequence = 9 WHERE sequence = 2", 2),
        ("UPDATE meta SET value = '00000000000000000000000000000000' WHERE key = 'id'", 1),
    ],
)
def test_an_edit_by_hand_is_found(written: Catalog, place: Path, edit: str, first: int) -> None:
    edited(place, edit)
    assert look(written, head_of(written))[0] == first


def test_lines_that_change_places_are_found(written: Catalog, place: Path) -> None:
    swap = (
        "UPDATE audit SET sequence = -2 WHERE sequence = 2",
        "UPDATE audit SET sequence = 2 WHERE sequence = 3",
        "UPDATE audit SET sequence = 3 WHERE sequence = -2",
    )
    edited(place, *swap)
    assert look(written, head_of(written))[0] == 2


def test_lines_cut_off_with_care_are_found_by_the_head_that_is_kept_elsewhere(written: Catalog, place: Path) -> None:
    kept = head_of(written)
    edited(place, "DELETE FROM audit WHERE sequence > 4", "UPDATE sqlite_sequence SET seq = 4 WHERE name = 'audit'")
    assert look(written, kept) == (None, False)


def test_an_audit_made_anew_is_found_by_the_head_that_is_kept_elsewhere(written: Catalog, place: Path) -> None:
    kept = head_of(written)
    edited(place, "DELETE FROM audit", "DELETE FROM sqlite_sequence WHERE name = 'audit'")
    for number in range(LINES):
        with written.write() as books:
            books.audit.append(Act(Noun.RELAY, Doing.BEGAN, f"of {number}", f"another {number}"))
    assert head_of(written).sequence == kept.sequence
    assert look(written, kept) == (None, False)


def test_a_line_says_the_same_in_the_same_order_of_keys(written: Catalog, place: Path) -> None:
    with closing(sqlite3.connect(place)) as direct:
        (text,) = direct.execute("SELECT line FROM audit WHERE sequence = 1").fetchone()
    told = json.loads(text)
    assert text == json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_lines_are_chosen_by_person_time_noun_and_words(catalog: Catalog) -> None:
    with catalog.write() as books:
        values.fleet(books, 2)
    with catalog.read() as books:
        every = books.audit.lines()
        assert books.audit.lines(AuditFilter(person="nobody")) == []
        assert books.audit.lines(AuditFilter(since=AT)) == every
        assert books.audit.lines(AuditFilter(until=AT)) == []
        engines = books.audit.lines(AuditFilter(noun=Noun.ENGINE))
        assert {line.act.noun for line in engines} == {Noun.ENGINE}
        title = engines[0].act.title
        assert books.audit.lines(AuditFilter(about=title.upper()))[0].act.title == title
        assert len(books.audit.lines(most=2)) == 2


@given(timeout=st.floats(allow_nan=False, allow_infinity=False))
@example(timeout=1.7976931348623151e308)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_number_is_too_large_or_too_small_to_be_told(catalog: Catalog, timeout: float) -> None:
    with catalog.write() as books:
        books.engines.save(replace(values.engine(), timeout=5.0))
    with catalog.write() as books:
        books.engines.save(replace(values.engine(), timeout=timeout))
        assert books.engines.get(values.engine().id).timeout == timeout
    told = acts(catalog)[-1]
    assert told.doing is Doing.ADDED or told.after["timeout"] == pytest.approx(timeout, rel=1e-14, abs=0)
