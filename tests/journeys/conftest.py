"""What journeys share: the program on an empty data folder, with the lab's keyring or without any, and an agency."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.agency import Agency
from tests.journeys.console import Program
from tests.journeys.starter import Starter
from tests.lab.keyring import LabKeyring
from tests.lab.lab import Lab
from tests.lab.registry import LabRegistry


@pytest.fixture(scope="session")
def starter() -> Iterator[Starter]:
    """Starts the program, all through the run."""
    with tempfile.TemporaryDirectory(prefix="starter-") as folder:
        made = Starter(Path(folder))
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def lonely(starter: Starter, tmp_path: Path) -> Program:
    """The program where there is no keyring and no engine. Its catalog isn't made yet."""
    return Program(tmp_path / "home", tmp_path / "tmp", {}, starter=starter)


@pytest.fixture
def program(lonely: Program, lab_keyring: LabKeyring) -> Program:
    """The program of a person with a keyring. Its catalog isn't made yet."""
    return lonely.but(keyring=lab_keyring.environment)


@pytest.fixture
def agency(lab: Lab, lab_registry: LabRegistry, tmp_path: Path) -> Agency:
    """An agency with the lab's registry, which runs."""
    assert lab_registry.running()
    folder = tmp_path / "files"
    folder.mkdir(mode=0o700)
    return Agency(lab, folder)
