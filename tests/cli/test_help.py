"""The help of each command: what stands for what is typed reads as a word, not as a program's type."""

from __future__ import annotations

import re

from tests.cli.terminal import CommandLine
from tests.journeys.command_line import commands

_OF_A_PROGRAM = re.compile(r"\{[a-z_]+\}|\.\.\.\]?\.\.\.|--[a-z-]+ <list|^ {2}[a-z_]+ <", re.MULTILINE)


def test_what_is_typed_is_named_by_a_word(empty: CommandLine) -> None:
    found = {
        command.name: marks
        for command in commands()
        if (marks := _OF_A_PROGRAM.findall(empty(*command.words, "--help").out))
    }
    assert found == {}
