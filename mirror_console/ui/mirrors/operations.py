"""What the page of the mirrors asks of the operations: functions, handed in where it is tested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.application import Application
from mirror_console.domain.environment import Environment
from mirror_console.errors import Problem
from mirror_console.operations import applications
from mirror_console.operations.application_input import MirrorInput
from mirror_console.operations.console import Console


def hold(console: Console, environment_id: str, reason: str, until: datetime | None) -> Environment:
    """Keep an environment on what runs there now."""
    return applications.set_hold(console, environment_id, reason, until)


@dataclass(frozen=True, slots=True)
class MirrorOperations:
    """The operations behind the page. Saving may take long, and belongs in a job."""

    read: Callable[[Console, str], MirrorInput] = applications.mirror_input
    problems: Callable[[Console, MirrorInput, str | None], Sequence[Problem]] = applications.problems
    save: Callable[[Console, MirrorInput, str | None], Application] = applications.save_mirror
    remove: Callable[[Console, str], None] = applications.remove_application
    hold: Callable[[Console, str, str, datetime | None], Environment] = hold
    clear_hold: Callable[[Console, str], Environment] = applications.clear_hold
