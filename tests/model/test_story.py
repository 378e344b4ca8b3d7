"""A few stories; `python -m tests.model` plays many."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.story import Story

pytestmark = pytest.mark.slow


def test_whatever_happens_to_a_rollout_the_laws_hold() -> None:
    few = settings(
        max_examples=12,
        stateful_step_count=8,
        deadline=None,
        derandomize=True,  # always the same few: what changes is the program
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Story, settings=few)
