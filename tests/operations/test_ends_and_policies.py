"""Restart policies in a swap, on the simulator: why what restarts ended is told, what others change is put right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror_console.domain.environment import HealthTest, Limits
from mirror_console.domain.rollout import TargetState
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report import Format, report_text
from mirror_console.simulator.behaviour import Behaviour
from tests.operations.fleet import QUICK, Fleet, small_fleet
from tests.operations.test_recovery import BACK, DONE, alpha

pytestmark = pytest.mark.slow

NAME = "mirror-01-live"


def set_policy(fleet: Fleet, name: str, policy: str) -> None:
    """By hand, as with docker update."""
    fleet.container(name).host["RestartPolicy"] = {"Name": policy, "MaximumRetryCount": 0}


def test_in_the_end_policies_are_as_planned_whoever_changed_them() -> None:
    with small_fleet(mirrors=1, prepared=Fleet.fall_behind) as fleet:

        def mark(boundary: str) -> None:
            if boundary == "VERIFY:sent":
                set_policy(fleet, NAME, "always")
            if boundary == "NAME:outcome":
                set_policy(fleet, NAME, "no")

        fleet.console = replace(fleet.console, mark=mark)
        assert fleet.roll_out(replace(QUICK, bake=0.1)).targets[0].state is TargetState.DONE
        assert alpha(fleet) == DONE
        # With the engine neither would the way back come up beside the new one, nor would that stay down.
        assert (fleet.container(f"{NAME}.mc-prev").policy, fleet.container(NAME).policy) == ("no", "unless-stopped")


def test_that_memory_was_lacking_is_told_of_one_that_was_started_again() -> None:
    with small_fleet(mirrors=1, prepared=Fleet.fall_behind) as fleet:
        environment = fleet.environment(fleet.mirrors[0], "live")
        fleet.with_settings(
            environment,
            variables={**environment.settings.variables, "APP_DELAY": "0.2"},
            limits=Limits(memory=64 * 1024 * 1024),
            health=HealthTest(settle=2.0, limit=5.0),
        )
        fleet.publish("26.8.4", behaviour=Behaviour.EATS_MEMORY)
        refresh(fleet.console, fleet.jobs)
        ended = fleet.roll_out()
        assert ended.targets[0].state is TargetState.PUT_BACK
        why = "the new container restarts over and over: it was killed for lack of memory (it may take 64 MiB)"
        assert why in ended.targets[0].words
        assert why in report_text(fleet.console, ended.id, Format.MARKDOWN)
        assert alpha(fleet) == BACK
