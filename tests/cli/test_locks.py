"""Locks from the command line: who holds which, and taking one over, which a person says with the holder's name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror_console.domain.lock import LockTimes
from tests.cli.terminal import CommandLine
from tests.operations.fleet import Fleet
from tests.operations.other_console import HOLDER, foreign_lock

pytestmark = pytest.mark.slow

TAKE = ("locks", "take-over", "mirror-01", "live", "--why", "its computer is broken")


def test_a_lock_is_listed_and_taken_over_by_typing_whose_it_is(fleet: Fleet, call: CommandLine) -> None:
    times = LockTimes(term=0.4, every=0.2, look_every=0.05, blind=0.4, wait=1.0, grace=0.1)
    call.console = replace(call.console, lock_times=times)
    fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), stop_seconds=0)
    assert call("locks", "list").out == "Nobody holds a lock.\n"
    assert "Nobody holds the lock of Mirror 01 live" in call(*TAKE).err
    lock_id = foreign_lock(fleet)
    listed = call("locks", "list")
    assert (listed.code, "mirror-01 live" in listed.out, HOLDER in listed.out) == (0, True, True)
    (one,) = call("locks", "list", "--json").json["locks"]
    assert (one["mirror"], one["environment"], one["person"], one["own"]) == (
        "mirror-01",
        "live",
        "third-operator",
        False,
    )
    call("check")
    (environment,) = call("status", "--json").json["mirrors"][0]["environments"]
    assert (environment["activity"], environment["locked_by"]) == ("locked", HOLDER)
    assert "Mirror 01" in call("status", "is:locked").out

    refused = call(*TAKE)
    assert (refused.code, "nobody can be asked here" in refused.err) == (2, True)
    call.interactive = True
    wrong = call(*TAKE, typed="somebody\n")
    assert (wrong.code, f"that isn't '{HOLDER}'" in wrong.err) == (2, True)
    assert "has stood still for" in wrong.err
    assert call("locks", "take-over", "mirror-01", "live", "--why", " ").code == 2
    assert fleet.container("mc-lock.mirror-01-live").id == lock_id
    taken = call(*TAKE, typed=f"{HOLDER}\n")
    assert taken.code == 1, "it says so where a rollout didn't do all that was planned"
    assert "left in the middle by third-operator on desk-9" in taken.out
    assert fleet.names("alpha").keys() == {"webshop-live", "mirror-01-live", "mirror-03-live"}
    assert call("locks", "list").out == "Nobody holds a lock.\n"

    call.interactive = False
    foreign_lock(fleet)
    told = call(*TAKE, "--yes", "--json").json
    assert [target["state"] for target in told["targets"]] == ["failed"]


def test_an_engine_that_does_not_answer_is_said(fleet: Fleet, call: CommandLine) -> None:
    fleet.simulated.engines["berlin"].make_unreachable()
    listed = call("locks", "list")
    assert (listed.code, "Not asked, as they don't answer: berlin" in listed.err) == (1, True)
