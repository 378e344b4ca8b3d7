"""The README is true: its commands are there, and it gives a reason for every dependency."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def readme() -> str:
    """The text of the README."""
    return (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("command", ["packaging/demo", "tests/run"])
def test_the_two_commands_are_named_and_answer(readme: str, command: str) -> None:
    assert re.search(rf"^\s*{command}\b", readme, re.MULTILINE)
    assert os.access(ROOT / command, os.X_OK)
    told = subprocess.run([ROOT / command, "--help"], capture_output=True, text=True, timeout=30, check=False, cwd="/")
    assert told.returncode == 0
    assert command in told.stdout


def test_commands_of_the_house_that_it_names_exist(readme: str) -> None:
    named = set(re.findall(r"(?<![\w/.])((?:packaging|tests|\.ci)/[\w-]+)(?![\w/.-])", readme))

    assert {"packaging/demo", "tests/run"} <= named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_dependency_has_its_reason(readme: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [Requirement(line).name for line in project["dependencies"]]
    lines = [line for line in readme.splitlines() if re.match(r"\s*[-*|]", line)]

    assert [name for name in names if not any(name.lower() in line.lower() for line in lines)] == []


def test_every_file_of_the_map_is_there(readme: str) -> None:
    rows = [line for line in _section(readme, "Where things are").splitlines() if line.startswith("| ")]
    cells = [re.findall(r"`([^`]+)`", cell) for row in rows for cell in row.split("|")]
    named = [place for cell in cells for place in _places(cell)]

    assert len(named) > 200
    assert [
        place for place in named if not any(any(root.glob(place)) for root in (ROOT / "mirror_console", ROOT))
    ] == []


def _section(readme: str, title: str) -> str:
    return readme.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _places(cell: list[str]) -> Iterator[str]:
    """Files and folders of a cell of the map. A name alone stands in the folder of the one before it."""
    folder = ""
    for name in cell:
        if "/" in name:
            folder = name.rpartition("/")[0]
            yield name.rstrip("/")
        else:
            yield f"{folder}/{name}"
