"""Keeps the survey of the fleet up to date: after each change of the catalog, as time passes, and by asking engines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from PySide6.QtCore import QObject, QTimer, Signal

from mirror_console.domain.fleet import Grid
from mirror_console.jobs import Job, JobEvent, Work
from mirror_console.operations.refresh import Refreshed, refresh
from mirror_console.operations.status import survey
from mirror_console.ui.ageing import aged
from mirror_console.ui.context import UiContext
from mirror_console.ui.words import tr

CLOCK = 15_000
"""Milliseconds between two looks at the clock: ages go on growing whether or not anything is heard of engines."""
SETTLE = 200
"""Milliseconds to wait for more changes of the catalog before it is read again."""
SURVEYED = frozenset(
    {
        "applications",
        "environments",
        "engines",
        "accesses",
        "accounts",
        "releases",
        "observations",
        "rollouts",
        "registries",
    }
)


class Fleet(QObject):
    """Surveys and checks. `checked` carries what came of a check that has ended; `busy` whether one runs.

    `ticked` is sent when ages are to be reckoned anew.
    """

    checked = Signal(object)
    busy = Signal(bool)
    ticked = Signal()

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self._context = context
        self._watched = True
        self._surveying: Job[Grid] | None = None
        self._again = False
        self._checking: Job[Refreshed] | None = None
        self.progress = ""
        self._looked_at = context.console.clock()
        self._settle = QTimer(self, singleShot=True, interval=SETTLE)
        self._settle.timeout.connect(self.survey)
        self._clock = QTimer(self, interval=CLOCK)
        self._clock.timeout.connect(self._tick)
        self._next_check = QTimer(self, singleShot=True)
        self._next_check.timeout.connect(self.check)
        context.signals.catalog.connect(self._changed)
        context.wish_to_check.connect(lambda engine_ids, thorough: self.check(engine_ids, thorough=thorough))
        context.preferences_changed.connect(lambda _preferences: self._plan_check())

    def start(self) -> None:
        """Survey now, then ask the engines, and go on doing so."""
        self._clock.start()
        self.survey()
        self.check()

    def stop(self) -> None:
        """Ask nothing more."""
        for timer in (self._settle, self._clock, self._next_check):
            timer.stop()
        for job in (self._surveying, self._checking):
            if job is not None:
                job.cancel()
        # A cancelled job calls nobody.
        self._surveying = self._checking = None

    def watch(self, watched: bool) -> None:
        """Ask often while somebody looks, seldom while nobody does."""
        if watched != self._watched:
            self._watched = watched
            self._plan_check()

    @property
    def checking(self) -> bool:
        """Whether engines are being asked."""
        return self._checking is not None

    def survey(self) -> None:
        """Read the catalog again, in the background. Asked while it is being read, it is read once more after that."""
        if self._surveying is not None:
            self._again = True
            return
        preferences, console = self._context.preferences, self._context.console

        def read(_work: Work) -> Grid:
            return survey(console, preferences.ageing_after, preferences.stale_after)

        self._surveying = self._context.run(
            tr("Reading the catalog"), read, self._surveyed, self._survey_failed, owner=self
        )

    def check(self, engine_ids: Sequence[str] | None = None, *, thorough: bool = False) -> None:
        """Ask engines. While they are being asked already, nothing more is done."""
        if self._checking is not None:
            return
        self._next_check.stop()
        console, jobs = self._context.console, self._context.jobs

        def ask(work: Work) -> Refreshed:
            return refresh(console, jobs, engine_ids, inspect_all=thorough, report=work.report)

        self._checking = self._context.run(
            tr("Checking engines"), ask, self._checked, self._check_failed, "check", progress=self._told, owner=self
        )
        self.busy.emit(True)

    def _changed(self, collections: frozenset[str]) -> None:
        if collections & SURVEYED and not self._settle.isActive():
            self._settle.start()

    def _surveyed(self, grid: Grid) -> None:
        self._surveying = None
        self._context.set_grid(grid)
        if self._again:
            self._again = False
            self.survey()

    def _survey_failed(self, error: Exception) -> None:
        self._surveying = None
        self._context.tell(error, "survey")

    def _told(self, event: JobEvent) -> None:
        self.progress = event.words

    def _checked(self, refreshed: Refreshed) -> None:
        self._checking = None
        self._context.notices.take_back("check")
        self.busy.emit(False)
        self.checked.emit(refreshed)
        self._plan_check()
        self.survey()

    def _check_failed(self, error: Exception) -> None:
        self._checking = None
        self.busy.emit(False)
        self._context.tell(error, "check")
        self._plan_check()

    def _plan_check(self) -> None:
        if self._checking is None and self._clock.isActive():
            preferences = self._context.preferences
            seconds = preferences.check_seconds if self._watched else preferences.background_seconds
            self._next_check.start(seconds * 1000)

    def _tick(self) -> None:
        grid, preferences = self._context.grid, self._context.preferences
        now = self._context.console.clock()
        slept = now - self._looked_at > timedelta(milliseconds=3 * CLOCK)
        self._looked_at = now
        if slept:
            # The computer was asleep: nothing that was known can be trusted to be still so.
            self.check()
        if grid is None:
            return
        older = aged(grid, now, preferences.ageing_after, preferences.stale_after)
        if older is not grid:
            self._context.set_grid(older)
        self.ticked.emit()
