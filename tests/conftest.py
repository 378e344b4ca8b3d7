"""What holds for every test: no unexpected log record, no thread, window or timer left behind, nothing on a screen."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import nullcontext

import hypothesis
import pytest

from tests.ahead import one_ahead
from tests.compiled import keep_compiled

# Before anything imports Qt: it reads this once.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

# Deadlines measure the machine. The blob repeats a failure elsewhere.
hypothesis.settings.register_profile("tests", deadline=None, print_blob=True, max_examples=60)
hypothesis.settings.register_profile("thorough", parent=hypothesis.settings.get_profile("tests"), max_examples=2000)
hypothesis.settings.load_profile("tests")

keep_compiled()

pytest_plugins = ["tests.strictness"]
if importlib.util.find_spec("tests.lab.fixtures"):
    pytest_plugins.append("tests.lab.fixtures")


LONGEST = (
    "tests/journeys/test_kill.py",
    "tests/journeys/test_swarm.py",
    "tests/journeys/test_swarm_nodes.py",
    "tests/journeys/test_ways.py",
    "tests/journeys/test_rolling_out.py",
    "tests/journeys/test_rollout_window.py",
    "tests/operations/test_faults.py",
    "tests/lab/test_lab.py",
    "tests/contract/test_contract.py",
    "tests/contract/test_swarm.py",
    "tests/engine/test_ssh_connection.py",
    "tests/operations/test_watch.py",
    "tests/operations/test_release_command.py",
    "tests/operations/test_companions.py",
    "tests/operations/test_beside.py",
    "tests/operations/test_locks.py",
    "tests/operations/test_service_update.py",
    "tests/operations/test_service_cut_off.py",
)
"""Files that take more than half a minute: begun late, one worker would be alone with it in the end."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Nothing that is collected is garbage: looking for some would be a sixth of the work."""
    worker = getattr(session.config, "workerinput", None)
    gc.disable()
    try:
        with one_ahead(worker["testrunuid"]) if worker else nullcontext():
            return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories begin first, then what else waits for the lab, then whole rollouts on the simulator; of each the longest
    files before others in any order.

    Small tests that wait for nothing fill what is left of the time.
    """
    ranks: dict[str, tuple[int, int]] = {}
    for item in items:
        ranks[_file(item)] = min(_rank(item), ranks.get(_file(item), (sys.maxsize, 0)))
    items.sort(key=lambda item: ranks[_file(item)])


def _rank(item: pytest.Item) -> tuple[int, int]:
    if item.get_closest_marker("journey"):
        group = 0
    elif item.get_closest_marker("lab"):
        group = 1
    else:
        group = 2 if _file(item).startswith("tests/operations/") else 3
    return group, LONGEST.index(_file(item)) if _file(item) in LONGEST else len(LONGEST)


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


@pytest.fixture
def in_berlin() -> Iterator[None]:
    """This computer stands in Berlin, whose clocks are put forward and back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()
