"""Laws of watching: waits are bounded, a wish comes first, talk doesn't hurry, and a sleep is told from slowness."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.watching import (
    DEBOUNCE,
    LONGEST_WAIT,
    REST,
    SHORTEST_WAIT,
    SLEPT,
    Appointment,
    answered,
    failed,
    heard,
    lost,
    slept,
    wanted,
    within,
)

seconds = st.floats(0, 1e6)
luck = st.floats(0, 1, exclude_max=True)
appointments = st.builds(
    Appointment, at=seconds, failures=st.integers(0, 5000), breaks=st.integers(0, 5000), looked=seconds
)


@given(appointments, seconds, luck)
def test_an_engine_that_fails_is_tried_again_within_bounds(before: Appointment, now: float, chance: float) -> None:
    after = failed(before, now, chance)
    assert after.at - now + 1e-6 >= SHORTEST_WAIT / 2
    assert after.at - now <= LONGEST_WAIT + 1e-6
    assert after.failures == before.failures + 1


@given(luck)
def test_waits_double_up_to_the_longest(chance: float) -> None:
    appointment, waits = Appointment(0.0), []
    for _ in range(8):
        appointment = failed(appointment, 0.0, chance)
        waits.append(appointment.at / (1 - chance / 2))
    assert [round(wait, 6) for wait in waits] == [1, 2, 4, 8, 16, 32, 60, 60]


@given(appointments, seconds, luck)
def test_an_answer_and_a_wish_forget_failures(before: Appointment, now: float, chance: float) -> None:
    after = answered(before, now, 60.0)
    assert (after.failures, after.breaks, after.looked) == (0, before.breaks, now)
    assert 30.0 <= after.at - now <= 90.0
    assert within(after, 60.0) == after
    assert within(after, 10.0).at <= now + 15.0
    assert (wanted(before, now).at, wanted(before, now).failures) == (now, 0)
    assert failed(wanted(before, now), now, chance).at <= now + SHORTEST_WAIT


@given(appointments, seconds)
def test_talk_brings_a_look_forward_but_not_closer_than_a_rest(before: Appointment, now: float) -> None:
    after = heard(before, now)
    assert after.at <= before.at
    assert after.at >= min(before.at, now + DEBOUNCE)
    assert after.at >= min(before.at, before.looked + REST)
    assert after.at <= max(now + DEBOUNCE, before.looked + REST)
    assert heard(after, now) == after


@given(appointments, seconds, luck)
def test_a_stream_that_lasted_is_opened_anew_soon_and_one_that_flaps_later_and_later(
    before: Appointment, now: float, chance: float
) -> None:
    lasting = lost(before, now, 3600.0, chance)
    assert lasting.at == max(now + DEBOUNCE, before.looked + REST)
    assert lasting.breaks == 0
    flapping = lost(before, now, 1.0, chance)
    assert now + SHORTEST_WAIT / 2 - 1e-6 <= flapping.at <= now + LONGEST_WAIT + 1e-6
    assert flapping.breaks == before.breaks + 1


@given(st.floats(0, 15), st.floats(0, SLEPT))
def test_slowness_is_no_sleep_and_a_clock_that_was_set_back_neither(meant: float, late: float) -> None:
    assert not slept(meant, meant + late - 1e-6, -1e9)
    assert not slept(meant, 0.0, meant + late - 1e-6)


def test_a_sleep_shows_on_whichever_clock_went_on() -> None:
    assert slept(15.0, 15.0 + SLEPT + 1, 15.0 + SLEPT + 1)
    assert slept(15.0, 15.0, 3600.0)
    assert slept(15.0, 3600.0, 15.0)
