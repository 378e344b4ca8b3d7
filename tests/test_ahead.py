"""One worker collects ahead on a fresh clone, and only there."""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path

import pytest

from tests.ahead import FEW, HERE, TAIL, not_compiled, one_ahead


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of tests of which none is compiled."""
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    for number in range(FEW + 1):
        (tmp_path / f"test_{number}.py").touch()
    return tmp_path


def _others_wait(tests: Path) -> bool:
    """Whether whoever comes now has to wait."""
    with (tests / "__pycache__" / "ahead").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_the_first_of_each_run_is_waited_for_and_no_other(fresh: Path) -> None:
    for run in ("one", "another"):
        with one_ahead(run, fresh):
            assert _others_wait(fresh)
        with one_ahead(run, fresh):
            assert not _others_wait(fresh)


def test_where_nearly_all_is_compiled_nobody_waits(fresh: Path) -> None:
    (fresh / "__pycache__").mkdir()
    (fresh / "__pycache__" / f"test_0{TAIL}").touch()
    assert len(not_compiled(fresh)) == FEW
    with one_ahead("one", fresh):
        assert not (fresh / "__pycache__" / "ahead").exists()


def test_what_pytest_has_compiled_is_found() -> None:
    """As this file is run, pytest has compiled it, unless Python was told to keep nothing."""
    assert sys.dont_write_bytecode or HERE / "test_ahead.py" not in not_compiled()
