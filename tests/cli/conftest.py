"""Command lines on a small simulated fleet, and on an empty catalog."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror_console.jobs import Jobs
from tests.cli.terminal import CommandLine
from tests.operations.desk import empty_console
from tests.operations.fleet import Fleet, small_fleet


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Four mirrors that run 26.8.2, as the source does."""
    with small_fleet(prepared=Fleet.align) as made:
        yield made


@pytest.fixture
def call(fleet: Fleet) -> CommandLine:
    """The command line on that fleet."""
    return CommandLine(fleet.console, fleet.jobs, fleet.folder)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[CommandLine]:
    """The command line on an empty catalog."""
    jobs = Jobs()
    try:
        with empty_console(tmp_path) as console:
            yield CommandLine(console, jobs, tmp_path)
    finally:
        jobs.close()
