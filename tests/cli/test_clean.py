"""Clean-up from the command line: it shows, asks, and without an answer removes nothing."""

from __future__ import annotations

import pytest

from mirror_console.domain.rollout import RolloutState
from tests.cli.terminal import CommandLine
from tests.operations.fleet import REPOSITORY, Fleet

pytestmark = pytest.mark.slow
OLD = f"{REPOSITORY}:26.8.2"


@pytest.fixture
def rolled_out(fleet: Fleet, call: CommandLine) -> CommandLine:
    """Four mirrors that were rolled out to twice."""
    for version in ("26.8.3", "26.8.4"):
        fleet.publish(version, health_interval=0.02)
        assert call("check").code == 0
        assert fleet.roll_out().state is RolloutState.COMPLETED
    return call


def test_what_goes_is_shown_and_removed_once_a_person_agrees(rolled_out: CommandLine, fleet: Fleet) -> None:
    call = rolled_out
    there = fleet.names("alpha")
    refused = call("--read-only", "clean")
    assert (refused.code, "--read-only" in refused.err) == (3, True)
    shown = call("clean", "berlin")
    assert shown.code == 2
    assert "berlin: 2 ways back kept, 1 image" in shown.out
    assert next(line for line in shown.out.splitlines() if line.startswith("goes")).split()[1:3] == ["image", OLD]
    assert "nobody can be asked here" in shown.err
    call.interactive = True
    kept = call("clean", "berlin", typed="\n")
    assert (kept.code, kept.err.endswith("Nothing was removed.\n")) == (1, True)
    assert "Remove 1 image, up to " in kept.err
    assert call("clean", "berlin", "--json", typed="y\n").code == 2, "what asks can't be read by a program"
    done = call("clean", "berlin", typed="y\n")
    assert done.code == 0
    assert "Removed 1 image from berlin; that frees up to " in done.out
    call.interactive = False
    both = {one["engine"]: one for one in call("clean", "--yes", "--json").json}
    assert (both["berlin"]["goes"], both["berlin"]["ways_back"]["containers"]) == ([], 2)
    assert [one["name"] for one in both["alpha"]["goes"]] == [OLD]
    assert both["alpha"]["removed"] == [one["id"] for one in both["alpha"]["goes"]]
    assert "There is nothing to clean up." in call("clean").out
    assert fleet.names("alpha") == there
    assert call("clean", "nobody").code == 2
    assert "2 ways back kept, 1 image" in call("engines", "show", "alpha").out


def test_an_engine_that_does_not_answer_keeps_the_others_from_nothing(rolled_out: CommandLine, fleet: Fleet) -> None:
    fleet.simulated.engines["berlin"].make_unreachable()
    told = rolled_out("clean", "--yes")
    assert told.code == 1
    assert "Removed 1 image from alpha" in told.out
    assert "berlin couldn't be asked: " in told.err
