"""Preferences come back as they were saved, and a bad file costs only what is bad in it."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.way import OnTrip, Way, way_problems
from mirror_console.errors import ConsoleError, Problem
from mirror_console.settings import (
    WAYS,
    Density,
    Preferences,
    Theme,
    WayPreset,
    load,
    preference_problems,
    save,
    way_named,
)

SENSIBLE = st.builds(
    Preferences,
    theme=st.sampled_from(Theme),
    density=st.sampled_from(Density),
    ageing_minutes=st.integers(1, 60),
    stale_minutes=st.integers(61, 10080),
    check_seconds=st.integers(10, 3600),
    background_seconds=st.integers(60, 86400),
    way=st.sampled_from(WayPreset),
)


@given(SENSIBLE)
def test_what_was_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, preferences: Preferences) -> None:
    path = tmp_path_factory.mktemp("settings") / "preferences.json"
    said: list[Problem] = []

    save(path, preferences)

    assert load(path, said.append) == preferences
    assert said == []


def test_without_a_file_they_are_the_defaults_and_nothing_is_said(tmp_path: Path) -> None:
    said: list[Problem] = []

    assert load(tmp_path / "none.json", said.append) == Preferences()
    assert said == []
    assert preference_problems(Preferences()) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"7", b'"text"', b"\xff\xfe", b"null", b"[" * 100_000],
    ids=["empty", "cut off", "list", "number", "text", "not UTF-8", "null", "deep"],
)
def test_a_file_that_holds_no_preferences_gives_the_defaults_and_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "preferences.json"
    path.write_bytes(content)
    said: list[Problem] = []

    assert load(path, said.append) == Preferences()
    assert [str(path) in problem.words and "defaults" in problem.words for problem in said] == [True]


def test_a_file_that_cannot_be_read_gives_the_defaults_and_says_so(tmp_path: Path) -> None:
    said: list[Problem] = []

    assert load(tmp_path, said.append) == Preferences()
    assert [problem.words for problem in said] == [
        f"The preferences in {tmp_path} can't be read (Is a directory); the defaults are used."
    ]


@pytest.mark.parametrize(
    ("written", "expected", "fields"),
    [
        ({"theme": "pink", "check_seconds": 30}, Preferences(check_seconds=30), ["theme"]),
        ({"check_seconds": "often", "density": "tall"}, Preferences(density=Density.TALL), ["check_seconds"]),
        ({"check_seconds": 0, "theme": "dark"}, Preferences(theme=Theme.DARK), ["check_seconds"]),
        ({"check_seconds": True}, Preferences(), ["check_seconds"]),
        ({"ageing_minutes": None}, Preferences(), ["ageing_minutes"]),
        ({"ageing_minutes": 20, "stale_minutes": 10}, Preferences(ageing_minutes=20), ["stale_minutes"]),
        ({"ageing_minutes": 50, "stale_minutes": 40}, Preferences(), ["stale_minutes", "ageing_minutes"]),
        ({"ageing_minutes": 50, "stale_minutes": 10**9}, Preferences(), ["stale_minutes", "ageing_minutes"]),
        ({"way": "careful", "of a later version": 1}, Preferences(way=WayPreset.CAREFUL), []),
        ({"theme": "x" * 10_000}, Preferences(), ["theme"]),
    ],
)
def test_one_bad_field_costs_only_itself(
    tmp_path: Path, written: dict[str, object], expected: Preferences, fields: list[str]
) -> None:
    path = tmp_path / "preferences.json"
    path.write_text(json.dumps(written))
    said: list[Problem] = []

    assert load(path, said.append) == expected
    assert [problem.field for problem in said] == fields
    assert all("the default is used" in problem.words and len(problem.words) < 120 for problem in said)


@given(st.dictionaries(st.sampled_from(list(Preferences.__slots__)), st.integers() | st.text() | st.none()))
def test_whatever_is_in_the_file_what_is_loaded_makes_sense(
    tmp_path_factory: pytest.TempPathFactory, written: dict[str, object]
) -> None:
    path = tmp_path_factory.mktemp("settings") / "preferences.json"
    path.write_text(json.dumps(written))

    assert preference_problems(load(path)) == []


def test_saving_replaces_the_file_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new/preferences.json"

    save(path, Preferences())
    save(path, Preferences(theme=Theme.DARK))

    assert load(path).theme is Theme.DARK
    assert [file.name for file in path.parent.iterdir()] == ["preferences.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_saving_where_nothing_can_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConsoleError) as refusal:
        save(tmp_path / "file/preferences.json", Preferences())

    assert "could not be saved" in refusal.value.title
    assert str(tmp_path / "file/preferences.json") in refusal.value.hint


def test_a_way_that_was_kept_has_its_rule_over_all_and_what_that_does_and_an_older_one_has_none(tmp_path: Path) -> None:
    path = tmp_path / "preferences.json"
    ruled = Way(max_failed_in_all=8, on_trip=OnTrip.ROLL_BACK_ALL)
    shared = Way(max_failed_in_all_percent=2.5, on_trip=OnTrip.ROLL_BACK_WAVE)
    save(path, Preferences(ways={"ruled": ruled, "shared": shared}))
    assert load(path).ways == {"ruled": ruled, "shared": shared}
    path.write_text('{"ways": {"older": {"max_failed": 3, "in_a_row": 2}}}')
    assert load(path).ways == {"older": Way(max_failed=3, in_a_row=2)}
    older = load(path).ways["older"]
    assert (older.allowed_in_all(500), older.on_trip) == (None, OnTrip.PAUSE)
    said: list[Problem] = []
    path.write_text('{"ways": {"asks": {"on_trip": "roll back the wave", "on_failure": "ask"}}}')
    assert load(path, said.append).ways == {}
    assert "waits for nobody" in said[0].words


def test_every_preset_is_a_way_that_can_be_gone() -> None:
    assert set(WAYS) == set(WayPreset)
    assert {preset: way_problems(way) for preset, way in WAYS.items()} == {preset: [] for preset in WayPreset}
    # A careful way never does more at once, nor allows more failures, than the usual one.
    careful, normal = WAYS[WayPreset.CAREFUL], WAYS[WayPreset.NORMAL]
    assert careful.at_once <= normal.at_once
    assert careful.max_failed <= normal.max_failed
    for size in (1, 20, 386, 5000):
        in_all = [way.allowed_in_all(size) for way in (careful, normal, WAYS[WayPreset.TEST])]
        assert in_all == sorted(one for one in in_all if one is not None)
    assert careful.bake >= normal.bake


def test_the_way_for_a_test_environment_is_found_by_the_word_that_people_say() -> None:
    own = replace(WAYS[WayPreset.NORMAL], at_once=3)
    assert way_named("test", {}) == way_named("test environment", {}) == WAYS[WayPreset.TEST]
    assert way_named("test", {"test": own}) == own
    with pytest.raises(KeyError):
        way_named("tests", {})
