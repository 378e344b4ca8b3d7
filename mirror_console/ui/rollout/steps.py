"""The steps of one target as the journal tells them: what was done, how long it took, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from mirror_console.domain.journal import JournalEntry, Phase, Result, begun_at
from mirror_console.domain.rollout import Target
from mirror_console.domain.status import Status
from mirror_console.domain.steps import Step, steps_of
from mirror_console.ui.rollout.tables import PlainTable
from mirror_console.ui.rollout.words import took
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.tokens import SPACE_1, SPACE_2
from mirror_console.ui.widgets.scrolled import LEAST
from mirror_console.ui.widgets.table import Column, TableView
from mirror_console.ui.widgets.text import ElidedLabel, Look, button, label
from mirror_console.ui.words import tr


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of a target. `result` None: it is being done, or still to come where `begun` is None."""

    place: int
    step: Step
    begun: datetime | None = None
    ended: datetime | None = None
    result: Result | None = None
    words: str = ""
    process: str = ""
    """Whose step it is, where it isn't that of the process that serves."""

    @property
    def state(self) -> str:
        """The state in a word."""
        if self.result is not None:
            return str(self.result)
        return tr("working") if self.begun else ""

    @property
    def glyph(self) -> Status:
        """The shape before it."""
        match self.result:
            case Result.OK:
                return Status.ALIGNED
            case Result.FAILED:
                return Status.UNHEALTHY
            case Result.UNKNOWN:
                return Status.NOT_CHECKED
            case None:
                return Status.ROLLING_OUT if self.begun else Status.NOT_APPLICABLE


def step_lines(target: Target, journal: Sequence[JournalEntry]) -> list[StepLine]:
    """What the journal tells of a target, then the steps that are still to come while it isn't over."""
    lines: list[StepLine] = []
    ended: datetime | None = None
    for entry in journal:
        if entry.phase is Phase.INTENT:
            lines.append(StepLine(len(lines), entry.step, entry.at, words=entry.words, process=_beside(target, entry)))
            continue
        of = (entry.step, _beside(target, entry))
        open_line = next(
            (line for line in reversed(lines) if (line.step, line.process) == of and line.result is None), None
        )
        begun = begun_at(open_line.begun, ended) if open_line and open_line.begun else None
        ended = entry.at
        line = StepLine(
            open_line.place if open_line else len(lines), entry.step, begun, entry.at, entry.result, entry.words, of[1]
        )
        if open_line:
            lines[open_line.place] = line
        else:
            lines.append(line)
    for before, line in reversed(list(pairwise(lines))):
        if before.result is None and line.result is None and line.begun == before.begun:
            # It was announced together with the one before, which isn't over.
            lines[line.place] = replace(line, begun=None)
    if target.over:
        return lines
    seen = {line.step for line in lines if not line.process}
    steps = steps_of(target.planned)
    furthest = max((steps.index(step) for step in seen if step in steps), default=-1)
    # Steps that were passed over were done already, or have nothing to do here.
    return lines + [StepLine(len(lines) + place, step) for place, step in enumerate(steps[furthest + 1 :])]


def _beside(target: Target, entry: JournalEntry) -> str:
    """The process of a line of the journal, where it isn't the one that serves."""
    return entry.process if entry.process != target.planned.process else ""


class StepsPanel(QWidget):
    """The target that the cursor is on, and its steps. `commands_wished` asks for what was run for its release."""

    commands_wished = Signal()

    def __init__(self, theme: ThemeService) -> None:
        super().__init__()
        self._now: datetime | None = None
        self.title = ElidedLabel("", Look.HEADING)
        self.words = label("", Look.MUTED, wrap=True, select=True)
        self.commands = button(tr("Commands…"), self.commands_wished.emit)
        self.commands.setVisible(False)
        self.table = PlainTable[StepLine](self._columns(), lambda row: row.place)
        self.view = TableView(self.table, theme, tr("Steps of the target"))
        self.view.setSortingEnabled(False)
        self.view.setMinimumHeight(LEAST // 2)  # in a low window the words above it are seen whole
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_2, 0, 0, 0)
        column.setSpacing(SPACE_1)
        column.addWidget(self.title)
        column.addWidget(self.words)
        column.addWidget(self.commands, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.view, 1)

    def show_target(self, target: Target | None, journal: Sequence[JournalEntry], now: datetime) -> None:
        """Show a target with its part of the journal."""
        self._now = now
        self.commands.setVisible(target is not None and target.planned.preparation is not None)
        if target is None:
            self.title.say(tr("No target"))
            self.words.setText("")
            self.table.show([])
            return
        planned = target.planned
        self.title.say(f"{planned.application} · {planned.environment}")
        attempt = tr(" · attempt {}").format(target.attempt) if target.attempt > 1 else ""
        way = f"{planned.before_title or '—'} → {planned.after_title} · {planned.engine}{attempt}"
        self.words.setText("\n".join(part for part in (way, target.told) if part))
        self.table.show(step_lines(target, journal))

    def _columns(self) -> tuple[Column[StepLine], ...]:
        def tip(line: StepLine) -> str:
            return f"{tr(line.step)}\n{line.words}".strip()

        def words(line: StepLine) -> str:
            parts = [*([line.process] if line.process else []), tr(line.step)]
            if line.result is not Result.OK:
                parts += [part for part in (tr(line.state), line.words) if part]
            return ": ".join(parts)

        return (
            Column("step", tr("Step"), words, 180, status=lambda line: line.glyph, tip=tip, stretch=True),
            Column(
                "took",
                tr("Took"),
                lambda line: took(line.begun, line.ended or (self._now if line.begun else None)),
                56,
                right=True,
                muted=True,
            ),
        )
