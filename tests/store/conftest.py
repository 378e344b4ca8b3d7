"""A catalog of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror_console.store import Catalog
from tests.catalogs import opened_catalog


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the test's catalog stands, or will."""
    return tmp_path / "home" / "catalog.sqlite"


@pytest.fixture
def catalog(place: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    opened = opened_catalog(place)
    yield opened
    opened.close()
