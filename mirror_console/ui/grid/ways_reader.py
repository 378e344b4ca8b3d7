"""Reads the ways back of the fleet, all at once and in the background, only while somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from mirror_console.domain.changes import Changes
from mirror_console.domain.way_back import KnownWay
from mirror_console.domain.ways_back import Ways
from mirror_console.jobs import Job, Work
from mirror_console.operations.console import Console
from mirror_console.operations.ways_back import ways_back
from mirror_console.ui.context import UiContext
from mirror_console.ui.words import tr

SETTLE = 500
"""Milliseconds to wait for more changes before they are read again: the end of a rollout is many."""
SHARE, LONGEST = 5, 15_000
"""A rollout changes the catalog all the time: a reading waits so many times as long as the last one took, and so many
milliseconds at most."""
FOLLOWS_FROM = frozenset({"rollouts", "images", "observations", "releases", "applications", "environments"})
"""The collections that ways back follow from."""

Read = Callable[[Console, Collection[str]], Mapping[str, KnownWay]]


class WaysReader(QObject):
    """Keeps the ways back up to date while they are wanted.

    `arrived` carries new ones; `stands` is sent when `note` says something else.
    """

    arrived = Signal(object)
    stands = Signal()

    def __init__(
        self,
        context: UiContext,
        environment_ids: Callable[[], Collection[str]],
        seen: Callable[[], bool],
        read: Read = ways_back,
    ) -> None:
        super().__init__()
        self._context = context
        self._environment_ids = environment_ids
        self._seen = seen
        self.read = read
        self._wanted: set[str] = set()
        self._due = True
        self._job: Job[Ways] | None = None
        self.failed = False
        """Whether the last reading failed. It is tried again with the next change, and as time passes."""
        self.note = ""
        """What is to be known of what is shown: that it is being read, or couldn't be. Empty: it is as it should be."""
        self._timer = QTimer(self, singleShot=True, interval=SETTLE)
        self._timer.timeout.connect(self.look)
        context.signals.catalog.connect(self._changed)

    def want(self, who: str, wanted: bool) -> None:
        """Somebody wants to know the ways back, or no longer does."""
        if not wanted:
            self._wanted.discard(who)
        elif who not in self._wanted:
            self._wanted.add(who)
            self.look()

    def look(self) -> None:
        """Read them now, if they are wanted, to be seen, and not read since what they follow from has changed."""
        ids = self._environment_ids()
        if not (self._due and self._wanted and ids and self._seen()) or self._job is not None:
            return
        if self._context.jobs.closed:
            return
        self._due = False
        self._timer.stop()
        self._say(tr("being read…"))
        begun = self._context.console.monotonic()
        console, read = self._context.console, self.read

        def work(_work: Work) -> Ways:
            return Ways(read(console, ids))

        self._job = self._context.run(
            tr("Read the ways back"), work, partial(self._done, begun), self._failed, "ways back", owner=self
        )

    def look_again(self) -> None:
        """What was read may have changed without a word: another program changes a catalog that is only read here."""
        self._due = True
        self.look()

    def _changed(self, changes: Changes) -> None:
        if not changes & FOLLOWS_FROM:
            return
        self._due = True
        if self._wanted and self._seen() and not self._timer.isActive():
            self._say(tr("being read…"))
            self._timer.start()

    def _done(self, begun: float, ways: Ways) -> None:
        self._job, self.failed = None, False
        took = round((self._context.console.monotonic() - begun) * 1000)
        self._timer.setInterval(max(SETTLE, min(LONGEST, SHARE * took)))
        self._context.notices.take_back("ways back")
        if self._due:
            self._timer.start()
        else:
            self._say("")
        self.arrived.emit(ways)

    def _failed(self, error: Exception) -> None:
        self._job, self._due, self.failed = None, True, True
        self._say(tr("couldn't be read"))
        self._context.tell(error, "ways back")

    def _say(self, note: str) -> None:
        if note != self.note:
            self.note = note
            self.stands.emit()
