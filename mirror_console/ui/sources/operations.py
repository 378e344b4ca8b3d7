"""What the page of the sources asks of the operations: functions, handed in where it is tested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mirror_console.domain.application import Application
from mirror_console.errors import Problem
from mirror_console.operations import applications
from mirror_console.operations.application_input import SourceInput
from mirror_console.operations.console import Console


@dataclass(frozen=True, slots=True)
class SourceOperations:
    """The operations behind the page. Saving may take long, and belongs in a job."""

    read: Callable[[Console, str], SourceInput] = applications.source_input
    problems: Callable[[Console, SourceInput, str | None], Sequence[Problem]] = applications.problems
    save: Callable[[Console, SourceInput, str | None], Application] = applications.save_source
    remove: Callable[[Console, str], None] = applications.remove_application
