"""What every page is handed: the console, its jobs, and the one home of theme, actions, notices and questions."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import shiboken6
from PySide6.QtCore import QObject, Signal

from mirror_console.domain.fleet import Grid
from mirror_console.domain.redaction import redacted
from mirror_console.domain.rollout import Rollout
from mirror_console.errors import ConsoleError
from mirror_console.jobs import Job, JobEvent, Jobs, JobState, Work
from mirror_console.operations.console import Console
from mirror_console.operations.local_time import local
from mirror_console.settings import Preferences
from mirror_console.ui.actions import Actions
from mirror_console.ui.icons import Icons
from mirror_console.ui.notices import Notice, Notices, Tone
from mirror_console.ui.questions import Questions
from mirror_console.ui.signals import Signals
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.words import tr

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Asked:
    owner: QObject | None
    done: Callable[[object], object] | None
    failed: Callable[[Exception], object] | None
    progress: Callable[[JobEvent], object] | None


class UiContext(QObject):
    """The window's parts, for its pages. Made once, by mirror_console.app.

    `grid` is the last survey of the fleet, None before the first; `grid_changed` carries each new one.
    `running` is the rollout that runs here, if one does.
    `wish_to_go` carries a page's id and what it is to show; the window follows it.
    """

    grid_changed = Signal(object)
    wish_to_go = Signal(str, object)
    wish_to_check = Signal(object, bool)
    preferences_changed = Signal(object)
    running_changed = Signal(object)
    said = Signal(str)

    def __init__(
        self,
        console: Console,
        jobs: Jobs,
        preferences: Preferences,
        theme: ThemeService,
        signals: Signals,
        questions: Questions | None = None,
        save_preferences: Callable[[Preferences], None] = lambda _preferences: None,
    ) -> None:
        super().__init__()
        self.console = console
        self.jobs = jobs
        self.preferences = preferences
        self.theme = theme
        self.signals = signals
        self.questions = questions or Questions()
        self.icons = Icons(theme)
        self.actions = Actions(self.icons)
        self.notices = Notices()
        self.grid: Grid | None = None
        self.running: Rollout | None = None
        self._save_preferences = save_preferences
        self._asked: dict[str, _Asked] = {}
        signals.job.connect(self._hear)

    def run(
        self,
        title: str,
        work: Callable[[Work], T],
        done: Callable[[T], object] | None = None,
        failed: Callable[[Exception], object] | None = None,
        lane: str | None = None,
        *,
        progress: Callable[[JobEvent], object] | None = None,
        owner: QObject | None = None,
    ) -> Job[T]:
        """Do `work` in the background, then call `done` or `failed` on the window's thread.

        Without `failed`, a ConsoleError becomes a notice, and anything else is told as a fault of the program. Once
        `owner` is gone nothing is called any more. A cancelled job calls neither.
        """
        job = self.jobs.submit(title, work, lane)
        # Events cross over by a queued signal, so none is heard before this line.
        self._asked[job.id] = _Asked(owner, done, failed, progress)  # type: ignore[arg-type]  # T is this job's own
        return job

    def now(self) -> datetime:
        """The time, in the time zone of this machine: what texts for the screen are reckoned with."""
        return local(self.console.clock())

    def go(self, page_id: str, **what: object) -> None:
        """Open a page, and have it show something: ``go("mirrors", application_id=…)``."""
        self.wish_to_go.emit(page_id, what)

    def check(self, engine_ids: Sequence[str] | None = None, *, thorough: bool = False) -> None:
        """Ask these engines, or all, what runs there. `thorough` inspects every container, not only changed ones."""
        self.wish_to_check.emit(None if engine_ids is None else tuple(engine_ids), thorough)

    def set_grid(self, grid: Grid) -> None:
        """Take a new survey and tell every page."""
        self.grid = grid
        self.grid_changed.emit(grid)

    def set_running(self, rollout: Rollout | None) -> None:
        """Take the latest of the rollout that runs; None once none does. Title, rail and status bar tell of it."""
        self.running = rollout
        self.running_changed.emit(rollout)

    def set_preferences(self, preferences: Preferences) -> None:
        """Take, save and tell what the person chose."""
        self.preferences = preferences
        self._save_preferences(preferences)
        self.preferences_changed.emit(preferences)

    def say(self, words: str) -> None:
        """Say something small in the status bar, for a moment: what was copied, what a check found."""
        self.said.emit(words)

    def tell(self, error: Exception, key: str) -> None:
        """Tell of a ConsoleError as a notice. A fault of the program was told when it was heard of."""
        if isinstance(error, ConsoleError):
            self.notices.error(error, key)

    def fault(self, title: str, error: BaseException) -> None:
        """Tell of a fault of the program: what was being done, and the trace for whoever mends it."""
        _log.error("%s failed", title, exc_info=error)
        self.notices.tell(
            Notice(
                Tone.ERROR,
                tr("{} ended with a fault of the program.").format(title),
                tr("What was done on engines up to then stands. Check again; if it recurs, copy the details."),
                key="fault",
                details=redacted("".join(traceback.format_exception(error))),
            )
        )

    def _hear(self, event: JobEvent) -> None:
        asked = self._asked.get(event.job_id)
        if asked is None:
            return
        if event.state in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}:
            del self._asked[event.job_id]
        if asked.owner is not None and not shiboken6.isValid(asked.owner):
            return
        if event.state is JobState.RUNNING and asked.progress is not None:
            asked.progress(event)
        elif event.state is JobState.DONE and asked.done is not None:
            asked.done(event.result)
        elif event.state is JobState.FAILED:
            self._fail(event, asked)

    def _fail(self, event: JobEvent, asked: _Asked) -> None:
        error = event.error
        if asked.failed is not None and isinstance(error, ConsoleError):
            asked.failed(error)
        elif isinstance(error, ConsoleError):
            self.notices.error(error, key=f"job:{event.title}")
        elif error is not None:
            self.fault(event.title, error)
            if asked.failed is not None and isinstance(error, Exception):
                asked.failed(error)
