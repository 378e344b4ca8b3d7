"""Keeps the survey of the fleet up to date: after each change of the catalog, as time passes, by watching engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from mirror_console.domain.ages import Ages
from mirror_console.domain.changes import Changes
from mirror_console.domain.fleet import Grid
from mirror_console.jobs import Job, JobEvent, Work
from mirror_console.operations.console import Console
from mirror_console.operations.refresh import Refreshed
from mirror_console.operations.status import Alignments
from mirror_console.operations.watch import Watch
from mirror_console.operations.watching import Watching
from mirror_console.ui.context import UiContext
from mirror_console.ui.words import tr

CLOCK = 15_000
"""Milliseconds between two looks at the clock: ages go on growing whether or not anything is heard of engines."""
SETTLE = 200
"""Milliseconds to wait for more changes of the catalog before it is read again."""
AGAIN = 30_000
"""Milliseconds until the watch is begun anew where a fault of the program has ended it."""
SURVEYED = frozenset(
    {
        "applications",
        "environments",
        "engines",
        "accesses",
        "accounts",
        "releases",
        "images",
        "observations",
        "rollouts",
        "registries",
        "tags",
    }
)


class Fleet(QObject):
    """Surveys and watches. `checked` carries what came of a check that has ended; `busy` whether one runs.

    `stands` carries how things stand after engines were looked at without anybody's asking. `ticked` is sent when ages
    are to be reckoned anew.
    """

    checked = Signal(object)
    stands = Signal(object)
    busy = Signal(bool)
    ticked = Signal()

    def __init__(self, context: UiContext, alignments: Callable[[Console], Alignments] = Alignments) -> None:
        super().__init__()
        self._context = context
        self._watched = True
        self.alignments = alignments(context.console)
        self._untell = context.console.catalog.subscribe(self.alignments.tell)
        self._surveying: Job[Grid] | None = None
        self._again = False
        self._changed_since = False
        """Whether the catalog changed since a grid was shown: pages read more of it than the grid has."""
        self._checking: Job[Refreshed] | None = None
        self._watch: Watch | None = None
        self._watching: Job[None] | None = None
        self._stopped = False
        self._woke: datetime | None = None
        self._times: Mapping[str, datetime] = {}
        self.live = 0
        """How many engines tell of changes by themselves."""
        self._settle = QTimer(self, singleShot=True, interval=SETTLE)
        self._settle.timeout.connect(self.survey)
        self._clock = QTimer(self, interval=CLOCK)
        self._clock.timeout.connect(self._tick)
        self._again_watch = QTimer(self, singleShot=True, interval=AGAIN)
        self._again_watch.timeout.connect(self._begin_watch)
        context.signals.catalog.connect(self._changed)
        context.wish_to_check.connect(lambda engine_ids, thorough: self.check(engine_ids, thorough=thorough))
        context.preferences_changed.connect(lambda _preferences: self._pace())

    def start(self) -> None:
        """Survey now, then watch the engines: the first looks are a check of all of them."""
        self._clock.start()
        self.survey()
        self._begin_watch()

    def stop(self) -> None:
        """Ask nothing more, whatever is still told."""
        self._stopped = True
        self._untell()
        for timer in (self._settle, self._clock, self._again_watch):
            timer.stop()
        for job in (self._surveying, self._checking, self._watching):
            if job is not None:
                job.cancel()
        # A cancelled job calls nobody.
        self._surveying = self._checking = self._watching = self._watch = None

    def watch(self, watched: bool) -> None:
        """Look often while somebody sees it, seldom while nobody does."""
        self._watched = watched
        self._pace()

    @property
    def checking(self) -> bool:
        """Whether engines are being asked."""
        return self._checking is not None

    @property
    def reading(self) -> bool:
        """Whether what is shown may be older than the catalog."""
        return self._surveying is not None

    def survey(self) -> None:
        """Take in what changed in the catalog, what was merely seen again and what time did, in the background.

        Asked while that is on, it is done once more after it.
        """
        if self._stopped:
            return
        if self._surveying is not None:
            self._again = True
            return
        preferences, times = self._context.preferences, self._times
        ages = Ages(preferences.ageing_after, preferences.stale_after, self._woke)
        changed, self._changed_since = self._changed_since, False

        def read(_work: Work) -> Grid:
            return self.alignments.grid(ages, times)

        self._surveying = self._context.run(
            tr("Read the catalog"), read, partial(self._surveyed, changed), self._survey_failed, owner=self
        )

    def check(self, engine_ids: Sequence[str] | None = None, *, thorough: bool = False) -> None:
        """Look at engines now, whatever failed before. While that is on, nothing more is done."""
        if self._stopped:
            return
        if self._watch is None:
            self._begin_watch()
        if self._checking is not None or self._watch is None:
            return
        wanted = self._watch.want(engine_ids, inspect_all=thorough)
        self._checking = self._context.run(
            tr("Check engines"), wanted.wait, self._checked, self._check_failed, "check", owner=self
        )
        self.busy.emit(True)

    def _begin_watch(self) -> None:
        if self._watching is not None:
            return
        self._watch = Watch(self._context.console, self._context.jobs, self._seconds)
        self._watching = self._context.run(
            tr("Watch engines"), self._watch.run, failed=self._watch_failed, progress=self._told, owner=self
        )
        self.check()

    def _changed(self, changes: Changes) -> None:
        if changes & SURVEYED:
            self._changed_since = True
            if not self._settle.isActive():
                self._settle.start()

    def _surveyed(self, changed: bool, grid: Grid) -> None:
        if self._stopped:
            return
        self._surveying = None
        if changed or grid is not self._context.grid:
            self._context.set_grid(grid)
        if self._again:
            self._again = False
            self.survey()

    def _survey_failed(self, error: Exception) -> None:
        self._surveying = None
        self._context.tell(error, "survey")

    def _told(self, event: JobEvent) -> None:
        told = event.body
        if not isinstance(told, Watching):
            return
        self.live = told.live
        if told.woke != self._woke or told.times is not self._times:
            self._woke, self._times = told.woke, told.times
            self.survey()
        if told.trouble is not None:
            self._context.tell(told.trouble, "watch")
        else:
            self._context.notices.take_back("watch")
        if self._checking is None:
            self.stands.emit(told.refreshed)

    def _watch_failed(self, error: Exception) -> None:
        self._watching = self._watch = None
        self._context.tell(error, "watch")
        self._again_watch.start()

    def _checked(self, refreshed: Refreshed) -> None:
        self._checking = None
        self._context.notices.take_back("check")
        self.busy.emit(False)
        self.checked.emit(refreshed)
        self.survey()

    def _check_failed(self, error: Exception) -> None:
        self._checking = None
        self.busy.emit(False)
        self._context.tell(error, "check")

    @property
    def _seconds(self) -> float:
        preferences = self._context.preferences
        return float(preferences.check_seconds if self._watched else preferences.background_seconds)

    def _pace(self) -> None:
        if self._watch is not None:
            self._watch.look_every(self._seconds)

    def _tick(self) -> None:
        if self._context.grid is None:
            return
        self.survey()
        self.ticked.emit()
