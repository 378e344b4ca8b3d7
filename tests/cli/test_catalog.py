"""The catalog from the command line: in, out, where, and a copy."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mirror_console.paths import resources
from mirror_console.store import Catalog
from tests.cli.terminal import CommandLine

pytestmark = pytest.mark.slow

SAMPLE = str(resources() / "sample" / "webshop.yaml")


def test_a_file_fills_an_empty_catalog(empty: CommandLine) -> None:
    said = empty("catalog", "import", SAMPLE)
    assert said.code == 0, said.err
    assert said.out.startswith("Imported 4 engines, 1 registry, 1 source, 24 mirrors and ")
    assert "notes more; --json lists all." in said.out
    again = empty("catalog", "import", SAMPLE, "--json").json
    assert (again["new"], again["changed"], again["counts"]["mirror"]) == (0, 0, 24)
    assert "24 of 24 mirrors" in empty("status").out


def test_what_goes_out_comes_in_again(empty: CommandLine, tmp_path: Path) -> None:
    empty("catalog", "import", SAMPLE)
    printed = empty("catalog", "export")
    assert empty("catalog", "export", str(tmp_path / "out.yaml")).code == 0
    assert (tmp_path / "out.yaml").read_text() == printed.out
    assert ": 0 new, 0 changed." in empty("catalog", "import", "-", typed=printed.out).out


def test_what_goes_out_as_json_comes_in_again_too(empty: CommandLine, tmp_path: Path) -> None:
    empty("catalog", "import", SAMPLE)
    printed = empty("catalog", "export", "--json")
    assert (printed.code, len(printed.json["mirrors"])) == (0, 24)
    assert ": 0 new, 0 changed." in empty("catalog", "import", "-", typed=printed.out).out
    file = tmp_path / "out.yaml"
    assert empty("catalog", "export", str(file), "--json").json == {"path": str(file)}
    assert yaml.safe_load(file.read_text()) == printed.json


def test_mistakes_are_told_with_their_lines_and_nothing_is_taken(empty: CommandLine, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("engines:\n  - {name: a, adress: /x}\nmirrors:\n  - {source: none}\n")
    said = empty("catalog", "import", str(bad))
    assert said.code == 2
    assert "line 2: engines[0].adress: 'adress' is not known here; did you mean 'address'?" in said.err
    assert "line 4: mirrors[0].source: there is no source 'none'" in said.err
    assert "Nothing was changed." in said.err
    as_json = empty("catalog", "import", str(bad), "--json")
    assert (as_json.code, as_json.err) == (2, said.err)
    assert as_json.json["words"] in said.err
    problems = as_json.json["problems"]
    told = [f"  - line {one['line']}: {one['place']}: {one['words']}" for one in problems]
    assert told == said.err.splitlines()[1:-1]
    adress = "'adress' is not known here; did you mean 'address'?"
    assert {"line": 2, "place": "engines[0].adress", "words": adress} in problems
    assert empty("engines", "list", "--json").json["engines"] == []


def test_files_that_cannot_be_read_are_named(empty: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for name in ("nothing.yaml", "bytes", "."):
        said = empty("catalog", "import", str(tmp_path / name))
        assert said.code == 2
        assert "can't be read" in said.err


def test_the_place_is_told_without_opening_anything(empty: CommandLine) -> None:
    place = empty("catalog", "path")
    assert place.out.strip() == str(empty.folder / "catalog.sqlite")
    assert not empty.opened
    assert empty("catalog", "path", "--json").json["exists"] is False


def test_a_backup_is_a_catalog(empty: CommandLine, tmp_path: Path) -> None:
    empty("catalog", "import", SAMPLE)
    assert empty("catalog", "backup", str(tmp_path / "copy.sqlite")).code == 0
    copy = Catalog.open(tmp_path / "copy.sqlite", read_only=True)
    try:
        with copy.read() as books:
            assert len(books.applications.all()) == 25
    finally:
        copy.close()


def test_read_only_takes_nothing(empty: CommandLine) -> None:
    assert empty("--read-only", "catalog", "import", SAMPLE).code == 3
    assert not empty.opened
    assert empty("--read-only", "catalog", "export").code == 0
