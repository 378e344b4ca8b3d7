"""The dialog in which a person says what may not be missed of a release: marks, and why."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from mirror_console.domain.release import Mark, Release
from mirror_console.errors import Problem
from mirror_console.operations.marks import LONGEST_REMARK
from mirror_console.ui.tokens import SPACE_1, SPACE_3, SPACE_4, SPACE_6
from mirror_console.ui.widgets.dialog_foot import dialog_foot
from mirror_console.ui.widgets.form import Field, Form, line_edit, tick
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import tr

_MEANINGS = {
    Mark.STOP_HERE: "No rollout skips it: who is behind it goes to it first.",
    Mark.MIGRATION: "Rollouts to it, over it or back from it warn.",
    Mark.WITHDRAWN: "No rollout goes to it any more.",
}


class MarkDialog(QDialog):
    """Cancel is the default. `marks` and `remark` are what was chosen."""

    def __init__(self, source: str, release: Release, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Mark {}").format(release.title))
        self.setModal(True)
        self.setMinimumWidth(460)
        self.ticks = {mark: tick(_titled(mark), mark in release.marks) for mark in Mark}
        self.remark_field = line_edit(release.remark)
        self.form = Form(self._judge, columns=1)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_4)
        column.setSpacing(SPACE_3)
        column.addWidget(label(tr("Mark {} {}").format(source, release.title), Look.HEADING, wrap=True))
        for mark, made in self.ticks.items():
            box = QVBoxLayout()
            box.setSpacing(SPACE_1)
            meaning = label(tr(_MEANINGS[mark]), Look.MUTED, wrap=True)
            meaning.setIndent(SPACE_6)
            made.setAccessibleDescription(tr(_MEANINGS[mark]))
            box.addWidget(made)
            box.addWidget(meaning)
            column.addLayout(box)
        hint = tr("Shown wherever the mark is. It holds for the same image in every environment of the source.")
        self.form.add(Field("remark", tr("Why"), self.remark_field, hint=hint))
        self.form.end()
        column.addWidget(self.form)
        column.addStretch(1)
        self.go_button = button(tr("Save"), self._go, look="primary")
        self.cancel_button = button(tr("Cancel"), self.reject)
        column.addLayout(dialog_foot(self.go_button, self.cancel_button))
        next(iter(self.ticks.values())).setFocus()

    @property
    def marks(self) -> frozenset[Mark]:
        """What is ticked."""
        return frozenset(mark for mark, made in self.ticks.items() if made.isChecked())

    @property
    def remark(self) -> str:
        """Why; nothing where no mark is left to explain."""
        return self.remark_field.text().strip() if self.marks else ""

    def _go(self) -> None:
        if self.form.accept():
            self.accept()

    def _judge(self) -> list[Problem]:
        if len(self.remark_field.text().strip()) > LONGEST_REMARK:
            return [Problem("remark", tr("{} characters at most.").format(LONGEST_REMARK))]
        return []


def _titled(mark: Mark) -> str:
    words = tr(mark)
    return words[:1].upper() + words[1:]
