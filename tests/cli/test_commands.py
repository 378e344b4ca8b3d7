"""The command line as a whole: what holds of each of its commands."""

from __future__ import annotations

from tests.journeys.command_line import commands


def test_every_command_prints_json() -> None:
    """What the README and the help promise, for programs, of all of them."""
    without = [
        command.name for command in commands() if "--json" not in {parameter.flag for parameter in command.parameters}
    ]
    assert without == []
