"""macOS: caffeinate, which comes with it. It watches the console's process, and ends with it however that ends."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from mirror_console.awake.hold import NotHeld, Release

CAFFEINATE = Path("/usr/bin/caffeinate")
LONGEST = 2.0
"""Seconds that it may take to end."""


def hold(program: Path = CAFFEINATE) -> Release:
    """Start it, with nothing of the console's environment, in a session of its own: Ctrl-C is for the rollout.

    Raises NotHeld.
    """
    try:
        process = subprocess.Popen(
            [program, "-i", "-w", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
        )
    except OSError as error:
        raise NotHeld("caffeinate can't be started") from error

    def release() -> None:
        process.terminate()
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    return release
