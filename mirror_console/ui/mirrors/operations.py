"""What the page of the mirrors asks of the operations: functions, handed in where it is tested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.application import Application
from mirror_console.domain.environment import Environment
from mirror_console.domain.release import Release
from mirror_console.errors import Problem
from mirror_console.operations import applications
from mirror_console.operations.application_input import MirrorInput
from mirror_console.operations.console import Console
from mirror_console.operations.hold import clear_hold, set_hold


@dataclass(frozen=True, slots=True)
class MirrorOperations:
    """The operations behind the page. Saving may take long, and belongs in a job."""

    read: Callable[[Console, str], MirrorInput] = applications.mirror_input
    problems: Callable[[Console, MirrorInput, str | None], Sequence[Problem]] = applications.problems
    save: Callable[[Console, MirrorInput, str | None], Application] = applications.save_mirror
    remove: Callable[[Console, str], None] = applications.remove_application
    hold: Callable[[Console, str, str, datetime | None, Release | None], Environment] = set_hold
    clear_hold: Callable[[Console, str], Environment] = clear_hold
