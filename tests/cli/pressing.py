"""Ctrl-C in tests: pressed in the middle of a command, which doesn't go on before each press was answered."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace

import pytest

from mirror_console.cli.progress import Watch
from tests.cli.terminal import CommandLine

ANSWERED_WITHIN = 10.0
"""Seconds."""


def press_ctrl_c(call: CommandLine, monkeypatch: pytest.MonkeyPatch, presses: int) -> threading.Event:
    """Have the next command be pressed so often at the first step that it is about to do; set once it was."""
    answers = [threading.Event() for _ in range(presses)]
    say, pressed = Watch.say, threading.Event()

    def press(boundary: str) -> None:
        if boundary.endswith(":intent") and not pressed.is_set():
            pressed.set()
            for answer in answers:
                os.kill(os.getpid(), signal.SIGINT)
                assert answer.wait(ANSWERED_WITHIN), "nothing was said"

    def said_now(self: Watch, words: str) -> None:
        say(self, words)
        next(answer for answer in answers if not answer.is_set()).set()

    monkeypatch.setattr(Watch, "say", said_now)
    call.console = replace(call.console, mark=press)
    return pressed
