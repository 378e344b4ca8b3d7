"""The activity page: what was done in the background since the window was opened, and the audit of all changes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QTabWidget, QVBoxLayout

from mirror_console.domain.status import Status
from mirror_console.jobs import JobEvent, JobState
from mirror_console.ui.activity.audit import AuditPart
from mirror_console.ui.context import UiContext
from mirror_console.ui.page import Page
from mirror_console.ui.tokens import SPACE_2, SPACE_3, SPACE_4
from mirror_console.ui.widgets.empty import EmptyState
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import Look, label
from mirror_console.ui.words import age, moment, tr

KEPT = 500
"""How many jobs are remembered."""
DRAW = 250
"""Milliseconds between two draws, however fast jobs report."""
QUIET = frozenset(
    {
        "Read the catalog",
        "Read the rollouts",
        "Look for interrupted rollouts",
        "Read the registries",
        "Count the ways back",
        "Keep the audit's last line",
        "Read the audit",
        "Read how long was waited",
    }
)
"""Titles of jobs that nobody asked for and that change nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One job, as it is known now."""

    id: str
    title: str
    state: JobState
    words: str
    began: datetime
    ended: datetime | None


_MARKS = {
    JobState.WAITING: Status.NOT_CHECKED,
    JobState.RUNNING: Status.ROLLING_OUT,
    JobState.DONE: Status.ALIGNED,
    JobState.FAILED: Status.UNHEALTHY,
    JobState.CANCELLED: Status.NOT_APPLICABLE,
}


class ActivityPage(Page):
    """A table of jobs. What rollouts did on engines is in their journals, on the page of rollouts."""

    id = "activity"
    title = "Activity"
    icon = "activity"

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self.table: Table[Entry] = Table(
            (
                Column("job", tr("What"), lambda entry: entry.title, 240, status=lambda entry: _MARKS[entry.state]),
                Column("state", tr("State"), lambda entry: tr(entry.state), 96),
                Column("began", tr("Began"), lambda entry: moment(entry.began, context.now()), 96,
                       order=lambda entry: entry.began, muted=True),
                Column("took", tr("Took"), self._took, 80, muted=True, right=True),
                Column("words", tr("What came of it"), lambda entry: entry.words, 320, stretch=True),
            ),
            key=lambda entry: entry.id,
        )  # fmt: skip
        self.view = TableView(self.table, context.theme, tr("Activity"))
        self.empty = EmptyState()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.view)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(SPACE_4, SPACE_3, SPACE_4, SPACE_2)
        head.addWidget(label(tr(self.title), Look.TITLE))
        head.addStretch(1)
        box.addLayout(head)
        self.audit = AuditPart(context)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName(tr(self.title))
        self.tabs.addTab(self.stack, tr("Since this window was opened"))
        self.tabs.addTab(self.audit, tr("Audit of all changes"))
        self.tabs.currentChanged.connect(lambda _place: self.shown())
        box.addWidget(self.tabs, 1)
        self._draw_soon = QTimer(self, singleShot=True, interval=DRAW)
        self._draw_soon.timeout.connect(self._draw_seen)
        context.signals.job.connect(self._hear)
        self._draw()

    def shown(self) -> None:
        """Keys go to the table."""
        self._draw()
        if self.tabs.currentWidget() is self.audit:
            self.audit.read()
            self.audit.view.setFocus()
        elif self._entries:
            self.view.setFocus()

    def _hear(self, event: JobEvent) -> None:
        if event.title in QUIET and event.state is not JobState.FAILED:
            return
        now = self.context.now()
        before = self._entries.get(event.job_id)
        over = event.state in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}
        self._entries[event.job_id] = Entry(
            event.job_id,
            event.title,
            event.state,
            _outcome(event),
            before.began if before else now,
            now if over else None,
        )
        while len(self._entries) > KEPT:
            self._entries.popitem(last=False)
        if not self._draw_soon.isActive():
            self._draw_soon.start()

    def _draw_seen(self) -> None:
        # It is drawn when it is shown.
        if self.isVisible():
            self._draw()

    def _draw(self) -> None:
        self.table.show(list(reversed(self._entries.values())))
        if not self._entries:
            words = tr("Checks, plans and rollouts are listed here while they run and after they have ended.")
            mark = self.context.icons.pixmap("activity", 40, self.devicePixelRatioF(), "border")
            self.empty.say(tr("Nothing has run yet"), words, mark=mark)
        self.stack.setCurrentWidget(self.view if self._entries else self.empty)

    def _took(self, entry: Entry) -> str:
        return age(entry.ended - entry.began) if entry.ended else ""


def _outcome(event: JobEvent) -> str:
    sentence = getattr(event.result, "sentence", "")
    if event.state is JobState.FAILED:
        return str(event.error)
    return sentence if isinstance(sentence, str) and sentence else event.words
