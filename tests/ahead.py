"""On a fresh clone one worker collects ahead, and the others find compiled what it compiled.

All of them collect all tests. Each would rewrite the assertions of the same 250 files, and look through the whole
program on behalf of hypothesis: with that alone, five of them kept two cores busy for half a minute.
"""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FEW = 20
"""Files that each worker may as well compile for itself."""
TAIL = f".{sys.implementation.cache_tag}-pytest-{pytest.__version__}.pyc"
"""How pytest names what it has compiled of a test file."""


@contextmanager
def one_ahead(run: str, tests: Path = HERE) -> Iterator[None]:
    """Within, a worker of this run collects: at once where nearly all is compiled, else as the first, or after it."""
    if sys.dont_write_bytecode or len(not_compiled(tests)) <= FEW:
        yield
        return
    compiled = tests / "__pycache__"
    compiled.mkdir(exist_ok=True)
    with (compiled / "ahead").open("a+") as ahead:
        fcntl.flock(ahead, fcntl.LOCK_EX)
        ahead.seek(0)
        if ahead.read() == run:
            fcntl.flock(ahead, fcntl.LOCK_UN)
        else:
            ahead.truncate(0)
            ahead.write(run)
            ahead.flush()
        yield


def not_compiled(tests: Path = HERE) -> list[Path]:
    """The test files that were changed since pytest compiled them, or were never compiled."""
    return [file for file in tests.rglob("test_*.py") if not _is_compiled(file)]


def _is_compiled(file: Path) -> bool:
    compiled = file.parent / "__pycache__" / f"{file.stem}{TAIL}"
    return compiled.exists() and compiled.stat().st_mtime >= file.stat().st_mtime
