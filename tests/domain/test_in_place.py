"""What an engine can change while a container runs, how that is noted on a lock, and how a look at it is read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror_console.domain.environment import HealthTest, Limits, RestartPolicy, Settings
from mirror_console.domain.in_place import (
    EARLIER,
    Granted,
    earlier,
    earlier_label,
    fixed_hash,
    goes_in_place,
    granted_by,
)
from mirror_console.domain.pending import settings_changes
from mirror_console.domain.recovery import Found, classify_in_place

MIB = 1024 * 1024
BEFORE = Settings(limits=Limits(256 * MIB, 0.5, 100))


@pytest.mark.parametrize(
    ("changed", "in_place"),
    [
        ({"limits": Limits(512 * MIB, 2.0, 0)}, True),
        ({"limits": Limits(256 * MIB, 0.5, 0), "restart": RestartPolicy.ALWAYS}, True),
        ({"health": HealthTest(limit=90.0)}, True),
        # Neither is taken away in place.
        ({"limits": Limits(0, 0.5, 100)}, False),
        ({"limits": Limits(256 * MIB, 0.0, 100)}, False),
        ({"limits": Limits(512 * MIB, 0.5, 100), "stop_seconds": 30}, False),
        ({"variables": {"DOMAIN": "new.example"}}, False),
    ],
)
def test_what_goes_in_place_goes_back_in_place_too(changed: dict[str, object], in_place: bool) -> None:
    after = replace(BEFORE, **changed)  # type: ignore[arg-type]  # names of its own fields
    assert goes_in_place(settings_changes(BEFORE, after)) is in_place
    assert goes_in_place(settings_changes(after, BEFORE)) is in_place
    # The hash of what is fixed changes with exactly what makes a container anew; limits alone are judged by themselves.
    only_granted = set(changed) <= {"limits", "restart", "health"}
    assert (fixed_hash(after) == fixed_hash(BEFORE)) is only_granted
    assert fixed_hash(BEFORE) != BEFORE.hash


@pytest.mark.parametrize(
    "granted",
    [
        Granted(Limits(), RestartPolicy.NO),
        Granted(Limits(512 * MIB, 1 / 3, 77), RestartPolicy.ON_FAILURE, 5),
        Granted(Limits(6 * MIB, 0.01, 1), RestartPolicy.UNLESS_STOPPED),
    ],
)
def test_a_lock_tells_what_was_granted(granted: Granted) -> None:
    read = earlier(earlier_label(granted))
    assert read is not None
    assert (read.differs_from(granted), read.retries) == (None, granted.retries)


@pytest.mark.parametrize("text", ["", "1:2:3", "a:b:c:no:0", "1:0.5:3:sometimes:0", "1:0.5:3:no:many"])
def test_what_a_lock_tells_wrongly_is_not_believed(text: str) -> None:
    assert earlier({EARLIER: text}) is None
    assert earlier({}) is None


def test_a_look_says_how_far_it_came() -> None:
    before = granted_by(BEFORE)
    after = replace(before, limits=Limits(512 * MIB, 0.5, 100))
    other = replace(before, restart=RestartPolicy.ALWAYS)
    for now, locked, found in (
        (None, True, Found.LOST),
        (before, True, Found.NOT_BEGUN),
        (before, False, Found.NOT_BEGUN),
        (after, True, Found.CHANGED),
        (after, False, Found.FINISHED),
        (other, True, Found.HALF_DONE),
    ):
        assert classify_in_place(now, before, after, locked=locked) is found
    # Nothing differs on the engine, as where only the health test was changed.
    assert classify_in_place(before, before, before, locked=True) is Found.NOT_BEGUN
    assert classify_in_place(before, before, before, locked=False) is Found.FINISHED
    assert after.differs_from(before) == "the memory limit is 512 MiB, not 256 MiB"
