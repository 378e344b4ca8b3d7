"""What commands say of times beyond a change of the clocks, in Berlin: in winter of summer, and before the change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.cli.terminal import CommandLine
from tests.operations.fleet import Fleet

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_berlin")]


def at(call: CommandLine, moment: datetime) -> CommandLine:
    call.console = replace(call.console, clock=lambda: moment)
    return call


def test_a_freeze_in_summer_is_told_in_november_as_it_was_typed(call: CommandLine) -> None:
    at(call, datetime(2026, 11, 20, 9, tzinfo=UTC))
    said = call(
        "schedule", "freeze", "--from", "2027-06-01", "--until", "2027-06-30", "--zone", "Europe/Berlin",
        "--reason", "an audit", "-e", "live",
    )  # fmt: skip
    assert said.out.startswith("Frozen from 1 Jun 2027 00:00 until 1 Jul 2027 00:00: live.")
    assert "1 Jun 2027 00:00 – 1 Jul 2027 00:00" in " ".join(call("schedule", "list").out.split())


def test_a_window_behind_the_change_is_told_as_its_clock_will_show_it(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3")
    at(call, datetime(2027, 3, 26, 11, tzinfo=UTC))
    window = ("--days", "sun", "--from", "22:00", "--to", "24:00", "--zone", "Europe/Berlin", "-e", "live")
    assert call("schedule", "window", *window).code == 0

    start = ("rollout", "start", "-e", "live", "-m", "mirror-01", "--bake", "0", "--why", "x", "--yes", "1")
    said = call(*start)
    assert "it may be changed from 28 Mar 22:00 on" in " ".join((said.out + said.err).split())


def test_a_hold_ends_with_its_last_day_before_the_change_and_after(call: CommandLine) -> None:
    at(call, datetime(2026, 11, 20, 9, tzinfo=UTC))
    hold = ("hold", "mirror-01", "live", "--reason", "an audit", "--until", "2027-06-30")
    assert call(*hold, "--json").json["until"] == "2027-06-30T21:59:59Z"

    assert " until 30 Jun 2027: an audit." in call(*hold).out
    at(call, datetime(2027, 6, 1, tzinfo=UTC))
    assert " until 30 Jun: an audit." in call(*hold).out
