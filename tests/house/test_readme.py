"""The README is true: its commands are there, and it gives a reason for every dependency."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
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
