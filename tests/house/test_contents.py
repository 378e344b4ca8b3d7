"""The repository holds nothing that it shouldn't: addresses of downloads, paths of one machine, codes of elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import LONGEST

ROOT = Path(__file__).parents[2]

MADE = {"__pycache__", "build", "dist"}
"""Folders of what is made, not written; those that begin with a dot too."""

LOCK_FILES = {"poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "package-lock.json", "yarn.lock"}

# Built from pieces, so that this file doesn't hold what it looks for.
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w}.-])/" + r"(?:work|root/\.|opt/pypi|tmp/brief)\b"),
    "a document that isn't here": re.compile(
        r"\b(?:PRODUCT|ARCHITECTURE|ROLLOUT|RELIABILITY|UX|QUALITY|FACTS)" + r"\.md"
    ),
    "a code of a document that isn't here": re.compile(r"(?<![\w./+=-])(?:[SF]-\d{2}|[PMI]\d{2})(?![\w/+=-])"),
    "work that is left over": re.compile(r"\b(?:TO" + "DO|FIX" + r"ME|XX" + r"X)\b"),
}


def texts() -> Iterator[tuple[Path, str]]:
    """Every file written by hand, with its path from the root."""
    written = {".py", ".md", ".toml", ".yaml", ".yml", ".html", ".j2", ".sh", ".desktop", ""}
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name == ".ci" or (name[0] != "." and name not in MADE)]
        for path in (Path(folder, name) for name in sorted(names)):
            if path.suffix in written and path.is_file():
                yield path.relative_to(ROOT), path.read_text("utf-8")


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_file_holds(kind: str) -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if FORBIDDEN[kind].search(line)
    ]

    assert not found, "\n".join(found)


def test_the_forms_looked_for_are_found() -> None:
    """Each pattern finds an example of its kind, and leaves what only looks like one."""
    found = {
        "a path of one machine": "see /" + "work/notes",
        "a document that isn't here": "see UX" + ".md",
        "a code of a document that isn't here": "as S" + "-20 and P" + "12 say",
        "work that is left over": "# TO" + "DO later",
    }
    assert found.keys() == FORBIDDEN.keys()
    assert all(FORBIDDEN[kind].search(line) for kind, line in found.items())
    innocent = [
        "ruff's S101 and PLR2004",
        "F11 shows it full screen",
        "the network/P12abc",
        "sha256:abc/S-20/x",
        "framework/x",
        "{folder}/work",
    ]
    assert not [line for line in innocent if any(pattern.search(line) for pattern in FORBIDDEN.values())]


def test_there_is_no_lock_file_that_records_addresses() -> None:
    assert not [str(path) for path, _ in texts() if path.name in LOCK_FILES]


def test_packaging_is_no_package() -> None:
    """It would shadow the library of that name."""
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_the_files_that_begin_first_are_there() -> None:
    assert [file for file in LONGEST if not (ROOT / file).is_file()] == []
