"""The dialog that shows what was run for a target before its release took over, and takes a person's word on it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from mirror_console.domain.release_command import CommandRun, RunKind, Said
from mirror_console.domain.rollout import Target
from mirror_console.operations.command_checks import counts
from mirror_console.ui.context import UiContext
from mirror_console.ui.rollout.operations import runs_of, say_of_run
from mirror_console.ui.tokens import SPACE_2, SPACE_3, SPACE_4, SPACE_6
from mirror_console.ui.widgets.dialog_foot import dialog_foot
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import tr

_MEANING = (
    "No rollout of this release goes on here until you say what is to become of it. Look at what it wrote, and at the "
    "data."
)


_DONE = (
    "It counts as run for this release, and no rollout of it runs it again. Once the data is as it was before, such as "
    "from a restored backup, say that it may run again: else the new release would come to data that isn't made for it."
)


class CommandDialog(QDialog):
    """Close is the default. `said` is the word of the person, if any was chosen, on the run that it is `about`: the one
    that waits for a word, or else the one that counts as run."""

    def __init__(self, title: str, runs: Sequence[CommandRun], *, may_say: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.said: Said | None = None
        waiting = next((run for run in reversed(runs) if run.needs_a_word), None)
        done = next((run for run in reversed(runs) if run.kind is RunKind.RELEASE and counts(run)), None)
        self.about = waiting or done
        self.setWindowTitle(tr("Commands of {}").format(title))
        self.setModal(True)
        self.setMinimumSize(620, 420)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_4)
        column.setSpacing(SPACE_3)
        column.addWidget(label(tr("Commands of {}").format(title), Look.HEADING, wrap=True))
        if not runs:
            column.addWidget(label(tr("Nothing was run for it yet."), Look.MUTED, wrap=True))
        for run in runs:
            column.addWidget(label(_head(run, title), Look.STRONG, wrap=True, select=True))
            column.addWidget(label(run.line, Look.MUTED, wrap=True, select=True))
            self.written = QPlainTextEdit(run.output or tr("It wrote nothing."))
            self.written.setReadOnly(True)
            self.written.setAccessibleName(tr("What the {} wrote").format(tr(run.kind)))
            column.addWidget(self.written, 1)
        self.close_button = button(tr("Close"), self.reject)
        self.again_button = button(tr("It may run again"), lambda: self._say(Said.MAY_RUN_AGAIN))
        self.counts_button = button(tr("It counts as run"), lambda: self._say(Said.COUNTS_AS_RUN))
        if self.about is not None:
            column.addWidget(label(tr(_MEANING if waiting is not None else _DONE), wrap=True))
        foot = dialog_foot(self.counts_button, self.close_button)
        foot.insertWidget(1, self.again_button)
        foot.setSpacing(SPACE_2)
        column.addLayout(foot)
        self.again_button.setVisible(self.about is not None)
        self.counts_button.setVisible(waiting is not None)
        for made in (self.again_button, self.counts_button):
            made.setEnabled(may_say)
        self.close_button.setFocus()

    def _say(self, word: Said) -> None:
        self.said = word
        self.accept()


def show_runs(context: UiContext, target: Target, owner: QWidget) -> None:
    """Read what was run for a target, show it, and keep what a person says of it."""
    console, planned = context.console, target.planned

    def show(runs: tuple[CommandRun, ...]) -> None:
        title = f"{planned.application} {planned.environment}"
        dialog = CommandDialog(title, runs, may_say=not console.read_only, parent=owner.window())
        dialog.exec()
        word, run = dialog.said, dialog.about
        dialog.deleteLater()
        if word is not None and run is not None:
            context.run(
                tr("Say what becomes of a command"),
                lambda _work: say_of_run(console, run.id, word),
                lambda said: context.say(f"{said.title}: {said.word}."),
                owner=owner,
            )

    context.run(tr("Read what was run"), lambda _work: runs_of(console, planned), show, owner=owner)


def _head(run: CommandRun, title: str) -> str:
    kind = tr(run.kind)
    elsewhere = tr(" at {}").format(run.title) if run.title != title else ""
    words = f"{kind[:1].upper()}{kind[1:]} {tr(run.state)}{elsewhere}"
    if run.words:
        words += f": {run.words}"
    return words if run.word is None else tr("{}. {}: {}").format(words, run.said_by, tr(run.word))
