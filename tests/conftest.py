"""What holds for every test: no unexpected log record, no thread, window or timer left behind, nothing on a screen."""

from __future__ import annotations

import importlib.util
import os

import hypothesis
import pytest

# Before anything imports Qt: it reads this once.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

# Deadlines measure the machine. The blob repeats a failure elsewhere.
hypothesis.settings.register_profile("tests", deadline=None, print_blob=True, max_examples=60)
hypothesis.settings.register_profile("thorough", parent=hypothesis.settings.get_profile("tests"), max_examples=2000)
hypothesis.settings.load_profile("tests")

pytest_plugins = ["tests.strictness"]
if importlib.util.find_spec("tests.lab.fixtures"):
    pytest_plugins.append("tests.lab.fixtures")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories take longest and begin first, in whatever order they are: small tests fill what is left of the time."""
    items.sort(key=lambda item: item.get_closest_marker("journey") is None)
