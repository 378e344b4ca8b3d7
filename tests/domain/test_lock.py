"""Laws of a lock's heartbeat: what an observer may conclude from what it has watched, and from nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.alignment import Alignment
from mirror_console.domain.environment import OUR_LABELS
from mirror_console.domain.lock import Lock, LockTimes, Pulse, felt, lock_of
from mirror_console.domain.observation import Health, Observation
from mirror_console.domain.status import Activity, Knowledge, Status, activity_of, status

TIMES = LockTimes()
LOCK = Lock(
    "id", "dunes-live", "first-operator", "desk-7", "91bd0c11ff", "3f2a91bcff", datetime(2026, 9, 3, 12, 5, tzinfo=UTC)
)
Looks = list[tuple[float, int]]
"""Seconds since the look before, and by how much the heartbeat has gone on since."""
looks = st.lists(st.tuples(st.floats(0.0, 100.0), st.integers(0, 2)), min_size=1, max_size=40)


def watched(steps: Looks, lock: Lock = LOCK) -> list[tuple[Lock, Pulse]]:
    """What an observer knows after each look."""
    pulse, at, found = None, 1000.0, []
    for seconds, beats in steps:
        at, lock = at + seconds, replace(lock, beat=lock.beat + beats)
        pulse = felt(pulse, lock, at, TIMES)
        found.append((lock, pulse))
    return found


@given(looks)
def test_a_lock_is_stale_only_once_the_same_number_was_watched_for_the_term(steps: Looks) -> None:
    for place, (lock, pulse) in enumerate(watched(steps)):
        still = 0.0
        # Back from here to where it was last seen to change, or where nobody looked.
        for seconds, beats in reversed(steps[1 : place + 1]):
            if beats or seconds > TIMES.blind:
                break
            still += seconds
        assert pulse.still == pytest.approx(still)
        assert pulse.stale(TIMES) == (pulse.still >= TIMES.term)
        assert pulse.beat == lock.beat


@given(looks)
def test_a_holder_that_beats_in_time_is_never_stale_however_seldom_it_is_looked_at(steps: Looks) -> None:
    """Its own clock says when it beats, and whoever looks sees each beat that lies between two looks."""
    at, since, seen = 0.0, 0.0, []
    for seconds, _ in steps:
        at += seconds
        seen.append((seconds, int((at - since) // TIMES.every)))
        since += seen[-1][1] * TIMES.every
    assert not any(pulse.stale(TIMES) for _, pulse in watched(seen))


@given(looks)
def test_a_clock_that_is_set_back_and_another_lock_begin_anew(steps: Looks) -> None:
    _, pulse = watched(steps)[-1]
    lock = replace(LOCK, beat=pulse.beat)
    assert felt(pulse, lock, pulse.at - 5.0, TIMES).still == 0.0
    other = felt(pulse, replace(lock, id="another"), pulse.at + 1.0, TIMES)
    assert (other.still, other.moved) == (0.0, False)


def test_the_times_leave_a_holder_several_beats_within_the_term() -> None:
    assert TIMES.every * 4 <= TIMES.term
    assert TIMES.look_every < TIMES.blind
    assert TIMES.wait >= TIMES.term


def test_a_lock_says_whose_it_is_and_takes_whatever_its_labels_say() -> None:
    names = {"operator": "first-operator", "machine": "desk-7", "console": "91bd0c11ff", "rollout": "3f2a91bcff"}
    labels = {OUR_LABELS + name: value for name, value in names.items()}
    taken = LOCK.taken_at.isoformat() if LOCK.taken_at else ""
    assert lock_of("id", {**labels, OUR_LABELS + "taken": taken}, "dunes-live") == LOCK
    now = datetime(2026, 9, 3, 14, 0, tzinfo=UTC)
    assert LOCK.words(now) == "first-operator on desk-7 holds the lock since 12:05"
    assert LOCK.details == "rollout 3f2a91bc, console 91bd0c11"
    unknown = lock_of("id", {OUR_LABELS + "taken": "yesterday"}, "dunes-live")
    assert unknown.words(now) == "Somebody on an unknown computer holds the lock since an unknown time"
    assert unknown.details == "rollout unknown, console unknown"


def test_what_is_wrong_is_shown_before_the_lock_and_the_lock_before_alignment() -> None:
    locked = Activity.LOCKED
    assert status(Alignment.BEHIND, Health.HEALTHY, Knowledge.FRESH, locked) is Status.ROLLING_OUT
    assert status(Alignment.BEHIND, Health.STOPPED, Knowledge.FRESH, locked) is Status.UNHEALTHY
    assert status(Alignment.MISSING, Health.UNKNOWN, Knowledge.FRESH, locked) is Status.MISSING
    assert status(Alignment.ALIGNED, Health.HEALTHY, Knowledge.UNREACHABLE, locked) is Status.UNREACHABLE


def test_a_rollout_of_our_own_is_told_before_the_lock_of_others() -> None:
    seen = Observation("e", "web", "engine", datetime(2026, 9, 3, tzinfo=UTC), lock=LOCK)
    assert activity_of(None, seen) == (Activity.LOCKED, "locked by first-operator on desk-7")
    assert activity_of((Activity.QUEUED, "queued"), seen) == (Activity.QUEUED, "queued")
    assert activity_of(None, replace(seen, lock=None)) == activity_of(None, None) == (Activity.IDLE, "")
