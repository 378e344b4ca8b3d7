"""The way back that was kept so far steps aside: also where a rollout that was cut off has left one there already."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from mirror_console.domain.environment import Settings
from mirror_console.domain.journal import Phase
from mirror_console.domain.request import ContainerSpec
from mirror_console.domain.rollout import RolloutState, TargetState
from mirror_console.domain.steps import Step
from mirror_console.operations.refresh import refresh
from tests.operations.fleet import Fleet, small_fleet

NAME = "mirror-01-live"


def leave_older(fleet: Fleet, labels: dict[str, str]) -> None:
    """Put a container where the way back that was kept so far steps aside to."""
    with fleet.console.catalog.read() as books:
        session = fleet.console.engines.session(books.engines.get("alpha"))
    image_id = fleet.container(f"{NAME}.mc-prev").image.id
    session.create(ContainerSpec(f"{NAME}.mc-older", image_id, Settings(), labels=labels))


def test_what_a_rollout_left_there_goes_first() -> None:
    with small_fleet(mirrors=1, prepared=Fleet.roll_out_twice) as fleet:
        fleet.publish("26.8.4", health_interval=0.02)
        refresh(fleet.console, fleet.jobs)
        leave_older(fleet, dict(fleet.container(f"{NAME}.mc-prev").config["Labels"]))
        ended = fleet.roll_out()
        assert ended.state is RolloutState.COMPLETED
        assert set(fleet.names("alpha")) & {NAME, f"{NAME}.mc-prev", f"{NAME}.mc-older"} == {NAME, f"{NAME}.mc-prev"}
        assert (fleet.version_of(NAME), fleet.version_of(f"{NAME}.mc-prev")) == ("26.8.4", "26.8.3")
        with fleet.console.catalog.read() as books:
            lines = books.journal.of(ended.id)
        # What was announced and refused is said again: each intent has its one outcome.
        phases = Counter(line.phase for line in lines)
        assert phases[Phase.INTENT] == phases[Phase.OUTCOME]
        assert sum(line.step is Step.COMMIT and line.phase is Phase.INTENT for line in lines) == 2


def test_what_is_not_ours_there_is_left_and_the_old_one_serves() -> None:
    with small_fleet(mirrors=1, prepared=Fleet.roll_out_twice) as fleet:
        fleet.publish("26.8.4", health_interval=0.02)
        refresh(fleet.console, fleet.jobs)

        def mark(boundary: str) -> None:
            # The checks would have said so before.
            if boundary == "STOP:outcome":
                leave_older(fleet, {})

        fleet.console = replace(fleet.console, mark=mark)
        ended = fleet.roll_out()
        assert ended.targets[0].state is TargetState.PUT_BACK
        assert "isn't ours" in ended.targets[0].words
        assert fleet.version_of(NAME) == "26.8.3"
        assert {f"{NAME}.mc-older", f"{NAME}.mc-prev"} <= fleet.names("alpha").keys()
