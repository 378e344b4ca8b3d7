"""The list of all rollouts, newest first: what came of each, who started it, and why."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from mirror_console.domain.rollout import Rollout, headline
from mirror_console.ui.context import UiContext
from mirror_console.ui.rollout.tables import PlainTable
from mirror_console.ui.rollout.words import ROLLOUT_GLYPHS, plan_title
from mirror_console.ui.tokens import SPACE_4
from mirror_console.ui.widgets.editor import page_head
from mirror_console.ui.widgets.empty import EmptyState
from mirror_console.ui.widgets.table import Column, TableView
from mirror_console.ui.widgets.text import button
from mirror_console.ui.words import moment, tr


class RolloutList(QWidget):
    """The rollouts. `opened` carries a rollout's id; `new_wished` asks for a new one."""

    opened = Signal(str)
    new_wished = Signal()

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self._context = context
        self._rollouts: dict[str, Rollout] = {}
        self.new = button(tr("New rollout…"), self.new_wished.emit, look="primary")
        context.icons.wear(self.new, "rocket", "accent_text")
        refusal = context.console.read_only
        self.new.setEnabled(not refusal)
        self.new.setAccessibleDescription(refusal)
        head, self.title = page_head(tr("Rollouts"), self.new)
        self.table = PlainTable[Rollout](self._columns(), lambda rollout: rollout.id)
        self.view = TableView(self.table, context.theme, tr("Rollouts"))
        self.view.opened.connect(lambda key: self.opened.emit(str(key)))
        self.nothing = EmptyState()
        self.nothing.say(
            tr("No rollout yet"),
            tr("Tick mirrors on the Alignment page and press “Roll out…”. Each rollout stays here with its report."),
            ((tr("Go to Alignment"), lambda: context.go("alignment")),),
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(self.nothing)
        self._stack.addWidget(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        holder = QVBoxLayout()
        holder.setContentsMargins(SPACE_4, 0, SPACE_4, SPACE_4)
        holder.addWidget(self._stack)
        column.addLayout(holder, 1)

    def show_rollouts(self, rollouts: Sequence[Rollout]) -> None:
        """Show these rollouts, newest first."""
        self._rollouts = {rollout.id: rollout for rollout in rollouts}
        self._tell()

    def take(self, rollout: Rollout) -> None:
        """One of them has changed, or is new."""
        new = rollout.id not in self._rollouts
        changed = {rollout.id: rollout}
        self._rollouts = {**changed, **self._rollouts} if new else {**self._rollouts, **changed}
        self._tell()

    @property
    def rollouts(self) -> tuple[Rollout, ...]:
        """All of the list."""
        return tuple(self._rollouts.values())

    def rollout(self, rollout_id: str) -> Rollout | None:
        """A rollout of the list; None where it isn't in it."""
        return self._rollouts.get(rollout_id)

    def _tell(self) -> None:
        self.table.show(list(self._rollouts.values()))
        self._stack.setCurrentIndex(1 if self._rollouts else 0)

    def _columns(self) -> tuple[Column[Rollout], ...]:
        def started(rollout: Rollout) -> str:
            return moment(rollout.started_at, self._context.console.clock())

        return (
            Column("started", tr("Started"), started, 104, order=lambda rollout: rollout.started_at),
            Column("title", tr("Rollout"), lambda rollout: plan_title(rollout.plan), 140, strong=True),
            Column(
                "state",
                tr("State"),
                lambda rollout: tr(rollout.state),
                204,
                status=lambda rollout: ROLLOUT_GLYPHS[rollout.state],
            ),
            Column("headline", tr("What came of it"), headline, 220, stretch=True),
            Column("who", tr("Who"), lambda rollout: rollout.started_by, 84, muted=True),
            Column("why", tr("Why"), lambda rollout: rollout.why or "—", 150, muted=True),
        )
