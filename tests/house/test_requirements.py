"""The pins are what pyproject.toml asks for: every package once, in bounds, with hashes, and no address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PINS = (ROOT / "packaging" / "requirements.txt").read_text("utf-8")
_PIN = re.compile(r'\S+==\S+(?: ; \S+ == "\S+")? \\|    --hash=sha256:[0-9a-f]{64}(?: \\)?|')


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def pinned() -> dict[str, Version]:
    """The version of each pinned package."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", PINS, re.MULTILINE)
    assert len(found) == len({name for name, _ in found})
    return {canonicalize_name(name): Version(version) for name, version in found}


def test_every_dependency_is_pinned_within_its_bounds(project: dict[str, Any], pinned: dict[str, Version]) -> None:
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["tests"],
        *project["build-system"]["requires"],
    ]
    for requirement in map(Requirement, wanted):
        if requirement.marker is None or requirement.marker.evaluate():
            assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_every_dependency_has_an_upper_bound(project: dict[str, Any]) -> None:
    for requirement in map(Requirement, project["project"]["dependencies"]):
        assert any(part.operator == "<" for part in requirement.specifier), requirement


def test_every_pin_has_hashes_and_no_line_has_an_address() -> None:
    blocks = re.split(r"^(?=[A-Za-z0-9._-]+==)", PINS, flags=re.MULTILINE)[1:]

    assert len(blocks) > 20
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    lines = [line for line in PINS.splitlines() if not line.lstrip().startswith("#")]
    assert [line for line in lines if not _PIN.fullmatch(line)] == []
    assert not re.search(r"://|www\.|\.org\b|\.com\b", PINS)
