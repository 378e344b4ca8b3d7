"""Files are kept where the system keeps them, or all below one named folder."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mirror_console import paths

ALL = [paths.catalog_path, paths.state_dir, paths.log_dir, paths.config_dir, paths.preferences_path]


def test_by_default_each_kind_has_the_place_that_the_system_gives_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MIRROR_CONSOLE_HOME", raising=False)
    for variable in ("DATA", "STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{variable}_HOME", str(tmp_path / variable.lower()))

    assert paths.catalog_path() == tmp_path / "data/mirror-console/catalog.sqlite"
    assert paths.state_dir() == tmp_path / "state/mirror-console"
    assert paths.log_dir() == tmp_path / "state/mirror-console/log"
    assert paths.config_dir() == tmp_path / "config/mirror-console"
    assert paths.preferences_path() == tmp_path / "config/mirror-console/preferences.json"


def test_everything_is_below_a_named_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIRROR_CONSOLE_HOME", str(tmp_path / "sample"))

    assert paths.catalog_path() == tmp_path / "sample/catalog.sqlite"
    found = [place() for place in ALL]
    assert all(place.is_relative_to(tmp_path / "sample") for place in found)
    assert len(set(found)) == len(found)


def test_a_named_folder_may_be_relative_or_below_the_persons_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "person"))

    monkeypatch.setenv("MIRROR_CONSOLE_HOME", "here")
    assert paths.catalog_path() == tmp_path / "here/catalog.sqlite"
    monkeypatch.setenv("MIRROR_CONSOLE_HOME", "~/mirrors")
    assert paths.catalog_path() == tmp_path / "person/mirrors/catalog.sqlite"


def test_an_empty_name_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("MIRROR_CONSOLE_HOME", " ")

    assert paths.catalog_path() == tmp_path / "mirror-console/catalog.sqlite"


def test_the_resources_of_this_checkout_are_found() -> None:
    assert paths.resources().is_dir()
    assert paths.resources().name == "resources"


def test_a_private_folder_lets_nobody_else_in(tmp_path: Path) -> None:
    made = paths.private_folder(tmp_path / "one/two")

    assert made == tmp_path / "one/two"
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (made, made.parent)] == [0o700, 0o700]


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(mode=0o755)
    before = there.stat().st_mode

    paths.private_folder(there)

    assert there.stat().st_mode == before
