"""A few stories of each kind; `python -m tests.model` plays many."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.model.services import ServiceStory
from tests.model.story import Story
from tests.model.waves import WaveStory

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("story", "stories", "events"), [(Story, 3, 7), (WaveStory, 2, 6), (ServiceStory, 1, 2)])
def test_whatever_happens_to_a_rollout_the_laws_hold(
    story: type[RuleBasedStateMachine], stories: int, events: int
) -> None:
    few = settings(
        max_examples=stories,
        stateful_step_count=events,
        deadline=None,
        derandomize=True,  # always the same few: what changes is the program
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(story, settings=few)
