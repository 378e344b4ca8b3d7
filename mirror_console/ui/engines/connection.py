"""The test of a connection: ten steps, each with its time, and where one fails the cause and the remedy.

A host key that nobody has accepted, or another one than before, is decided on at the step that shows it, and so is
another TLS key than before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from mirror_console.domain.status import Status
from mirror_console.jobs import Job, JobEvent, Work
from mirror_console.operations.engines import ConnectionStep, StepState
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.host_keys import trust_question
from mirror_console.ui.engines.server_keys import server_key_question
from mirror_console.ui.glyphs import glyph
from mirror_console.ui.notices import announce
from mirror_console.ui.tokens import GLYPH, SPACE_1, SPACE_2, SPACE_3
from mirror_console.ui.widgets.scrolled import Paper, into_sight, scrolled
from mirror_console.ui.widgets.text import Look, breakable, button, label
from mirror_console.ui.words import tr

Steps = Callable[[], Iterator[ConnectionStep]]

_GLYPHS = {
    StepState.OK: Status.ALIGNED,
    StepState.FAILED: Status.UNHEALTHY,
    StepState.RUNNING: Status.ROLLING_OUT,
    StepState.SKIPPED: Status.NOT_APPLICABLE,
}


class ConnectionPanel(QWidget):
    """Runs a test and shows its steps as they come. `ended` says whether all of them were fine.

    `trusted` carries a host key that a person decided to accept, `server_key_trusted` the fingerprint of an engine's
    TLS key: whoever shows the panel keeps it, and tests again.
    """

    ended = Signal(bool)
    trusted = Signal(object)
    server_key_trusted = Signal(str)

    def __init__(self, context: UiContext, *, scrolls: bool = True) -> None:
        super().__init__()
        self._context = context
        self._job: Job[tuple[ConnectionStep, ...]] | None = None
        self._steps: tuple[ConnectionStep, ...] = ()
        self._lines: list[_StepLine] = []
        self.setAccessibleName(tr("Connection test"))
        self.title = label(tr("Connection"), Look.HEADING)
        self.says = label(
            tr("Not tested yet. The test changes nothing, and works before saving."), Look.MUTED, wrap=True
        )
        self.copy = button(tr("Copy result"), self._copy, look="quiet")
        self.copy.hide()
        paper = Paper()
        self._box = QVBoxLayout(paper)
        self._box.setContentsMargins(0, 0, SPACE_2, 0)
        self._box.setSpacing(SPACE_2)
        self._box.addStretch(1)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_2)
        column.addLayout(head)
        column.addWidget(self.says)
        # What lies in something that scrolls doesn't scroll by itself.
        column.addWidget(scrolled(paper) if scrolls else paper, 1)
        context.theme.changed.connect(self._draw)

    @property
    def running(self) -> bool:
        """Whether a test is under way."""
        return self._job is not None

    @property
    def steps(self) -> tuple[ConnectionStep, ...]:
        """The steps that are shown."""
        return self._steps

    def run(self, steps: Steps) -> None:
        """Test, and show each step as it comes."""
        self.forget()
        self.says.setText(tr("Testing…"))

        def work(work: Work) -> tuple[ConnectionStep, ...]:
            known: dict[int, ConnectionStep] = {}
            for step in steps():
                work.check()
                known[step.number] = step
                work.report(step.title, step.number, 10, tuple(known.values()))
            return tuple(known.values())

        self._job = self._context.run(
            tr("Test the connection"), work, self._end, self._fail, progress=self._progress, owner=self
        )

    def forget(self) -> None:
        """Show nothing, and end a test that is under way."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._steps = ()
        self.copy.hide()
        self.says.setText(tr("Not tested yet. The test changes nothing, and works before saving."))
        self._draw()

    def _progress(self, event: JobEvent) -> None:
        if self._job is not None and event.job_id == self._job.id and isinstance(event.body, tuple):
            self._show(event.body)

    def _show(self, steps: Sequence[ConnectionStep]) -> None:
        self._steps = tuple(sorted(steps, key=lambda step: step.number))
        self._draw()

    def _end(self, steps: tuple[ConnectionStep, ...]) -> None:
        self._job = None
        self._show(steps)
        self.copy.show()
        failed = next((step for step in steps if step.state is StepState.FAILED), None)
        took = sum(step.seconds for step in steps)
        if failed is None:
            words = tr("The connection works. It took {:.1f} s.").format(took)
        elif failed.offered is not None:
            words = tr("It ends at step {}: the key of {} needs your decision.")
            words = words.format(failed.number, failed.offered.place)
        elif failed.asks:
            words = tr("It ends at step {}: the engine's TLS key needs your decision.").format(failed.number)
        else:
            words = tr("It ends at step {}: {}").format(failed.number, failed.words)
        self.says.setText(breakable(words))
        announce(self, words, urgent=failed is not None)
        if failed is not None:
            into_sight(self._lines[self._steps.index(failed)])
        self.ended.emit(failed is None)

    def _fail(self, _error: Exception) -> None:
        self._job = None
        self.says.setText(tr("The test could not be carried out."))
        self.ended.emit(False)

    def _draw(self) -> None:
        for place, step in enumerate(self._steps):
            if place == len(self._lines):
                made = _StepLine()
                made.decide.clicked.connect(partial(self._decide, made))
                self._lines.append(made)
                self._box.insertWidget(place, made)
            colour = self._context.theme.colours.status[_GLYPHS[step.state]].glyph
            self._lines[place].show_step(step, colour, self._refusal(step))
        for spare in self._lines[len(self._steps) :]:
            self._box.removeWidget(spare)
            spare.hide()
            spare.deleteLater()
        del self._lines[len(self._steps) :]

    def _refusal(self, step: ConnectionStep) -> str:
        """Why a key can't be decided on now; empty where it can."""
        return self._context.console.read_only if step.asks else ""

    def _decide(self, line: _StepLine, _checked: bool = False) -> None:
        step, questions = line.step, self._context.questions
        if step is None:
            return
        if step.offered is not None:
            if questions.ask(trust_question(step.offered, step.accepted)).go:
                self.trusted.emit(step.offered)
        elif questions.ask(server_key_question(step.server_key, step.remembered)).go:
            self.server_key_trusted.emit(step.server_key)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(result_text(self._steps))
        self._context.notices.done(tr("The result is on the clipboard."), key="connection")


class _StepLine(QWidget):
    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, SPACE_3, 0)
        row.setSpacing(SPACE_2)
        self.step: ConnectionStep | None = None
        self._mark = QLabel()
        self._mark.setFixedWidth(GLYPH)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        head = QHBoxLayout()
        self._title = label("", Look.STRONG, wrap=True)
        self._took = label("", Look.MUTED)
        head.addWidget(self._title, 1)
        head.addWidget(self._took, 0, Qt.AlignmentFlag.AlignTop)
        words.addLayout(head)
        self._says = label("", Look.MUTED, wrap=True, select=True)
        self._remedy = label("", wrap=True, select=True)
        self.decide = button("")
        for part in (self._says, self._remedy):
            words.addWidget(part)
        words.addWidget(self.decide, 0, Qt.AlignmentFlag.AlignLeft)
        words.setContentsMargins(0, 0, 0, SPACE_1)
        row.addLayout(words, 1)

    def show_step(self, step: ConnectionStep, colour: str, refusal: str = "") -> None:
        """Show one step; with a refusal its key can't be decided on."""
        self.step = step
        self.decide.setVisible(step.asks)
        remedy = step.remedy
        if step.asks:
            known = bool(step.accepted or step.remembered)
            self.decide.setText(tr("Replace key…") if known else tr("Trust this key…"))
            remedy = " ".join([remedy, tr("For that use “{}”, below.").format(self.decide.text())])
            self.decide.setEnabled(not refusal)
            shown = step.offered.words if step.offered is not None else step.server_key
            self.decide.setAccessibleDescription(refusal or shown)
        self._mark.setPixmap(glyph(_GLYPHS[step.state], GLYPH, self.devicePixelRatioF(), colour))
        self._mark.setAccessibleName(tr(step.state))
        self._title.setText(f"{step.number}  {step.title}")
        self._says.setText(breakable(step.words))
        self._says.setVisible(bool(step.words))
        self._remedy.setText(breakable(remedy))
        self._remedy.setVisible(bool(remedy))
        timed = step.state in {StepState.OK, StepState.FAILED}
        self._took.setText(f"{step.seconds:.2f} s" if timed else tr(step.state))
        self.setAccessibleName(f"{step.number} {step.title}: {tr(step.state)}. {step.words} {remedy}".strip())


def result_text(steps: Sequence[ConnectionStep]) -> str:
    """The steps as text, for a ticket."""
    lines = []
    for step in steps:
        words = ". ".join(part.rstrip(".") for part in (step.words, step.remedy) if part)
        lines.append(
            f"{step.number:>2} {step.state:<8} {step.seconds:6.2f} s  {step.title}{f': {words}.' if words else ''}"
        )
    return "\n".join(lines)
