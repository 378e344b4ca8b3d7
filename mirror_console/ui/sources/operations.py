"""What the page of the sources asks of the operations: functions, handed in where it is tested."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from mirror_console.domain.application import Application
from mirror_console.domain.release import Mark, Release
from mirror_console.domain.request import Resolved
from mirror_console.errors import Problem
from mirror_console.jobs import Jobs
from mirror_console.operations import applications, marks, tags
from mirror_console.operations.application_input import SourceInput
from mirror_console.operations.console import Console


def look_up(console: Console, jobs: Jobs, references: Collection[str]) -> list[tags.Looked]:
    """Look at these tags now, due or not."""
    return tags.look_up(console, jobs, forced=True, references=references)


@dataclass(frozen=True, slots=True)
class SourceOperations:
    """The operations behind the page. Saving may take long, and belongs in a job."""

    read: Callable[[Console, str], SourceInput] = applications.source_input
    problems: Callable[[Console, SourceInput, str | None], Sequence[Problem]] = applications.problems
    save: Callable[[Console, SourceInput, str | None], Application] = applications.save_source
    remove: Callable[[Console, str], None] = applications.remove_application
    look_up: Callable[[Console, Jobs, Collection[str]], list[tags.Looked]] = look_up
    try_tag: Callable[[Console, str | None, str, str, str], Resolved] = tags.try_tag
    mark: Callable[[Console, str, str, Collection[Mark], str], list[Release]] = marks.mark_release
