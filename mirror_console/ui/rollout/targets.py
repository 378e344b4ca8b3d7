"""The first step of the assistant: which environment of which mirrors, and in which way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from mirror_console.domain.cell import Cell
from mirror_console.domain.fleet import Grid
from mirror_console.domain.plan import Change, LeftOut, PlannedTarget, Reason
from mirror_console.domain.planning import planned
from mirror_console.domain.settings_plan import settings_alone
from mirror_console.domain.status import Status
from mirror_console.domain.verdict import age
from mirror_console.domain.way import Way
from mirror_console.errors import ConsoleError
from mirror_console.ui.context import UiContext
from mirror_console.ui.rollout.way_form import WayForm
from mirror_console.ui.tokens import SPACE_2, SPACE_3, SPACE_4
from mirror_console.ui.widgets.empty import EmptyState
from mirror_console.ui.widgets.form import choice
from mirror_console.ui.widgets.scrolled import Paper, scrolled, type_width
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import count, number, tr

SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mirror that was asked for: its environment as it is known now, and what a plan would make of it."""

    application_id: str
    name: str
    cell: Cell | None
    fate: PlannedTarget | LeftOut | None

    @property
    def eligible(self) -> bool:
        """Whether a plan would change it."""
        return isinstance(self.fate, PlannedTarget)

    @property
    def words(self) -> str:
        """What a plan would make of it."""
        if isinstance(self.fate, PlannedTarget):
            before = self.fate.before_title or "—"
            settings = self.fate.change is Change.SETTINGS
            return tr("apply settings") if settings else f"{self.fate.change}: {before} → {self.fate.after_title}"
        if isinstance(self.fate, LeftOut):
            return f"{tr(self.fate.reason)}: {self.fate.words}"
        return tr("it has no such environment")


class TargetsStep(QWidget):
    """The frozen list of mirrors at the left, the way at the right. `changed` is sent on every change."""

    changed = Signal()

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self._context = context
        self._ids: tuple[str, ...] = ()
        self._candidates: tuple[Candidate, ...] = ()
        self.environment = choice([], ask=tr("Choose…"))
        self.environment.setMinimumWidth(type_width(self, 130))
        self.environment.setAccessibleName(tr("Environment"))
        self.environment.currentIndexChanged.connect(self._look)
        self.what = choice([("", tr("Release and settings")), (SETTINGS, tr("Settings only"))])
        self.what.setMinimumContentsLength(14)
        self.what.setAccessibleName(tr("What is rolled out"))
        self.what.setToolTip(tr("Settings only: the image that runs stays, what waits for a rollout is applied."))
        self.what.currentIndexChanged.connect(self._look)
        self.take_all = button("", self._take_all)
        self.summary = label("", Look.MUTED, wrap=True)
        self.table = Table[Candidate](self._columns(), lambda row: row.application_id)
        self.view = TableView(self.table, context.theme, tr("Chosen mirrors"))
        self.nothing = EmptyState()
        self.nothing.say(
            tr("No mirror is chosen"),
            tr("Tick mirrors on the Alignment page and press Roll out…, or choose an environment and take all."),
            ((tr("Go to Alignment"), lambda: context.go("alignment")),),
        )
        self.way = WayForm(context.preferences.way, context.preferences.ways, self._keep_ways)
        self.way.changed.connect(self.changed)
        self._lay_out()
        self._look()

    @property
    def environment_name(self) -> str:
        """The environment that was chosen; empty before."""
        name = self.environment.currentData()
        return name if isinstance(name, str) else ""

    @property
    def settings_only(self) -> bool:
        """Whether images stay, and only settings are applied."""
        return bool(self.what.currentData() == SETTINGS)

    @property
    def application_ids(self) -> tuple[str, ...]:
        """The mirrors that were chosen: a fixed list, in the order in which they were chosen."""
        return self._ids

    @property
    def refusal(self) -> str:
        """Why no plan can be made yet; empty where one can."""
        if not self.environment_name:
            return tr("Choose an environment.")
        if not self._ids:
            return tr("Choose mirrors.")
        if not any(candidate.eligible for candidate in self._candidates):
            return tr("None of these can be rolled out; the list says why.")
        return ""

    def choose(self, environment: str, application_ids: Sequence[str], *, settings_only: bool | None = None) -> None:
        """Take these mirrors. The list stays as it is until others are chosen; so does whether images stay."""
        if settings_only is not None:
            self.what.setCurrentIndex(self.what.findData(SETTINGS if settings_only else ""))
        self._ids = tuple(dict.fromkeys(application_ids))
        self._fill_environments(environment)
        self._look()

    def refresh(self, grid: Grid) -> None:
        """What is known of the mirrors has changed; which ones they are has not."""
        self._fill_environments(self.environment_name)
        self._look()

    def _fill_environments(self, wanted: str) -> None:
        grid = self._context.grid
        names = grid.columns if grid else ()
        shown = [self.environment.itemData(place) for place in range(1, self.environment.count())]
        self.environment.blockSignals(True)
        if shown != list(names):
            while self.environment.count() > 1:
                self.environment.removeItem(1)
            for name in names:
                self.environment.addItem(name, name)
        self.environment.setCurrentIndex(max(0, self.environment.findData(wanted)) if wanted else 0)
        self.environment.blockSignals(False)

    def _keep_ways(self, ways: Mapping[str, Way]) -> None:
        try:
            self._context.set_preferences(replace(self._context.preferences, ways=ways))
        except ConsoleError as error:
            self._context.notices.error(error, key="preferences")

    def _take_all(self) -> None:
        grid = self._context.grid
        name = self.environment_name
        if grid is not None and name:
            self.choose(name, [row.application.id for row in grid.rows if name in row.cells])

    def _look(self) -> None:
        grid, name = self._context.grid, self.environment_name
        rows = {row.application.id: row for row in grid.rows} if grid else {}
        fate = settings_alone if self.settings_only else planned
        found = []
        for application_id in self._ids:
            row = rows.get(application_id)
            cell = row.cells.get(name) if row else None
            title = row.application.name if row else tr("a mirror that is gone")
            found.append(Candidate(application_id, title, cell, fate(cell) if cell else None))
        self._candidates = tuple(found)
        self.table.show(sorted(found, key=self._place) if name else found)
        self.view.setVisible(bool(found))
        self.nothing.setVisible(not found)
        self._tell(grid, name)
        self.changed.emit()

    def _place(self, candidate: Candidate) -> int:
        """What can't be included stands first: it is what the person may want to do something about.

        Of settings alone there is nothing to be done for most: these stand last.
        """
        if isinstance(candidate.fate, LeftOut) and candidate.fate.reason is Reason.NOTHING_TO_DO:
            return 2 if self.settings_only else 0
        return int(candidate.eligible)

    def _tell(self, grid: Grid | None, name: str) -> None:
        eligible = [candidate for candidate in self._candidates if candidate.eligible]
        others = Counter(
            str(candidate.fate.reason) if isinstance(candidate.fate, LeftOut) else tr("no such environment")
            for candidate in self._candidates
            if not candidate.eligible
        )
        words = ""
        if not name:
            words = tr("Choose the environment that is to be rolled out.")
        elif self._candidates:
            words = tr("{} will be considered").format(count(len(eligible), "mirror", "mirrors"))
            if others:
                told = ", ".join(f"{number(times)} {tr(reason)}" for reason, times in others.most_common())
                words += " · " + tr("{} can't be included: {}").format(number(sum(others.values())), told)
        self.summary.setText(words)
        everyone = sum(name in row.cells for row in grid.rows) if grid and name else 0
        self.take_all.setText(tr("Take all {} that have it").format(number(everyone)))
        self.take_all.setVisible(bool(everyone) and everyone != len(self._ids))
        self.way.show_targets(len(eligible))

    def _columns(self) -> tuple[Column[Candidate], ...]:
        def now() -> datetime:
            return self._context.console.clock()

        def status(row: Candidate) -> Status | None:
            return row.cell.status if row.cell else None

        def checked(row: Candidate) -> str:
            seen = row.cell.observation if row.cell else None
            return age(now() - seen.at) if seen else tr("never")

        return (
            Column("mirror", tr("Mirror"), lambda row: row.name, 170, strong=True),
            Column("now", tr("Now"), lambda row: str(row.cell.status) if row.cell else "—", 120, status=status),
            Column("fate", tr("What a plan makes of it"), lambda row: row.words, 220, stretch=True),
            Column("checked", tr("Checked"), checked, 74, muted=True),
        )

    def _lay_out(self) -> None:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(SPACE_4, SPACE_2, SPACE_3, SPACE_2)
        column.setSpacing(SPACE_2)
        row = QHBoxLayout()
        row.setSpacing(SPACE_2)
        title = label(tr("Environment"), Look.STRONG)
        title.setBuddy(self.environment)
        row.addWidget(title)
        row.addWidget(self.environment)
        row.addWidget(self.what)
        row.addStretch(1)
        column.addLayout(row)
        told = QHBoxLayout()
        told.setSpacing(SPACE_2)
        told.addWidget(self.summary, 1)
        told.addWidget(self.take_all)
        column.addLayout(told)
        column.addWidget(self.view, 1)
        column.addWidget(self.nothing, 1)
        paper = Paper()
        inner = QVBoxLayout(paper)
        inner.setContentsMargins(SPACE_3, SPACE_2, SPACE_4, SPACE_2)
        inner.addWidget(self.way)
        right = scrolled(paper)
        right.setMinimumWidth(type_width(self, 280))
        right.setMaximumWidth(type_width(self, 380))
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(left)
        split.addWidget(right)
        split.setStretchFactor(0, 1)
        split.setSizes([560, 290])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(split)
