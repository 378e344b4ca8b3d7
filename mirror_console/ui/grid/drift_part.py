"""The part of the details that tells drift and pending changes, each with what can be done about it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QLayout, QPushButton, QVBoxLayout, QWidget

from mirror_console.domain.alignment import SAME_IMAGE
from mirror_console.domain.applied import LAST_APPLIED, Applied, basis
from mirror_console.domain.cell import Cell
from mirror_console.domain.observation import Difference
from mirror_console.domain.pending import pending_words
from mirror_console.domain.phrases import drift_words
from mirror_console.domain.taking import not_acceptable, not_adoptable
from mirror_console.operations.drift import DriftReport
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.drift_actions import DriftActions
from mirror_console.ui.tokens import SPACE_1, SPACE_2
from mirror_console.ui.widgets.flow import FlowLayout
from mirror_console.ui.widgets.text import Look, button, label, line, plain_tip
from mirror_console.ui.words import on_or_at, tr


class DriftPart(QWidget):
    """Hidden while nothing differs and nothing waits. Drawn anew only when that has changed: the focus stays.

    `emptied` says that the focus was in it, and nothing is left in it to press.
    """

    emptied = Signal()

    def __init__(self, context: UiContext, actions: DriftActions) -> None:
        super().__init__()
        self._context = context
        self._actions = actions
        self._cell: Cell | None = None
        self._drawn: Hashable = None
        self._report: DriftReport | None = None
        self._asked = False
        """Whether a person asked to compare secrets with the keyring."""
        self.setAccessibleName(tr("Drift"))
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(SPACE_2)
        self.hide()

    def show_cell(self, cell: Cell | None) -> None:
        """Show what differs there; what was last applied is read from the catalog beside that."""
        before, self._cell = self._cell, cell
        if cell is None or before is None or before.environment.id != cell.environment.id:
            self._report, self._asked = None, False
        has_more = cell is not None and bool(cell.differences or cell.pending or cell.environment.settings.secrets)
        if not has_more:
            self._report = None
        self._draw()
        if has_more:
            self._read(ask_keyring=self._asked)

    def compare_secrets(self) -> None:
        """Look whether secrets were replaced in the keyring since they were applied: because a person asks."""
        self._read(ask_keyring=True)

    def _read(self, *, ask_keyring: bool) -> None:
        cell = self._cell
        if cell is None:
            return
        self._asked = ask_keyring
        work, console, environment_id = self._actions.operations.report, self._context.console, cell.environment.id
        self._context.run(
            tr("Look at drift"), lambda _work: work(console, environment_id, ask_keyring), self._take, owner=self
        )

    def _take(self, report: DriftReport | None) -> None:
        if self._cell is not None and report is not None and report.environment.id == self._cell.environment.id:
            self._report = report
            self._draw()

    # --- drawing ----------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        cell, report = self._cell, self._report
        differences = cell.differences if cell else ()
        pending = report.pending if report else ()
        seen = cell.observation if cell else None
        not_compared = seen.not_compared if seen else ""
        has_secrets = bool(cell and cell.environment.settings.secrets and report and report.record)
        record = report.record if report else None
        refusal, no_rollout = self._actions.refusal(), self._actions.correct_refusal()
        # Said as drift only as long as it is that: what is merely behind is none.
        image = drift_words(cell) if cell and cell.drift and cell.drift not in SAME_IMAGE else ""
        what = (
            cell.environment.id if cell else "",
            differences,
            pending,
            not_compared,
            has_secrets,
            (record.at, record.by) if record else None,
            (refusal, no_rollout, image),
            self._asked,
        )
        if what == self._drawn:
            return
        self._drawn = what
        focused = QApplication.focusWidget()
        had_focus = focused is not None and self.isAncestorOf(focused)
        _clear(self._box)
        if cell is not None and (differences or image):
            self._head(tr("Drift"))
            if image:
                self._draw_image(image)
            if differences:
                self._draw_settings(cell, differences, record, refusal)
            self._draw_for_all(bool(differences), refusal, no_rollout)
        if not_compared:
            words = tr("Secrets {}.").format(not_compared)
            self._box.addWidget(label(words, Look.MUTED, wrap=True, select=True))
        if pending or has_secrets:
            self._draw_pending(pending, can_compare=has_secrets)
        self.setVisible(bool(differences or image or pending or not_compared or has_secrets))
        if had_focus:
            # Once what was made is there: a widget that isn't shown yet takes no focus.
            QTimer.singleShot(0, self, self._focus_again)

    def _focus_again(self) -> None:
        """What had the focus is gone: the next that can be pressed has it, or else what comes after this part."""
        first = next((one for one in self.findChildren(QPushButton) if one.isEnabled() and one.isVisible()), None)
        if first is not None:
            first.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.emptied.emit()

    def _draw_image(self, words: str) -> None:
        self._box.addWidget(label(tr("image"), Look.STRONG))
        self._box.addWidget(label(f"{words[:1].upper()}{words[1:]}.", wrap=True, select=True))
        told = tr("To keep it, hold this environment on the mirror's form. A template has no image.")
        self._box.addWidget(label(told, Look.MUTED, wrap=True))

    def _draw_settings(
        self, cell: Cell, differences: Sequence[Difference], record: Applied | None, refusal: str
    ) -> None:
        when = (
            tr(", {} by {}").format(on_or_at(record.at, self._context.now()), record.by) if record and record.by else ""
        )
        unrecorded = cell.observation is not None and cell.observation.unrecorded
        # As long as the record is being read, what was seen tells whether there is one.
        from_what = basis(record) if record or unrecorded or self._report else LAST_APPLIED
        words = tr("Differs from {}{}:").format(tr(from_what), when)
        self._box.addWidget(label(words, Look.MUTED, wrap=True))
        for difference in differences:
            self._box.addWidget(self._one(cell, difference, refusal))

    def _draw_for_all(self, has_settings: bool, refusal: str, no_rollout: str) -> None:
        correct = self._button(tr("Correct…"), tr("Correct by a rollout to this environment alone"), no_rollout)
        correct.clicked.connect(lambda _on=False: self._actions.correct())
        self._box.addSpacing(SPACE_1)
        if has_settings:
            accept = self._button(tr("Accept all"), tr("Accept all differences for this mirror"), refusal)
            accept.clicked.connect(lambda _on=False: self._actions.accept())
            self._row([accept, correct])
            words = tr("Accept: this mirror keeps it. Adopt: the template has it too.") + " "
        else:
            self._row([correct])
            words = ""
        words += tr("Correct: a rollout brings back the catalog's settings and the expected image.")
        told = f"{no_rollout[:1].upper()}{no_rollout[1:]}." if no_rollout else words
        self._box.addWidget(label(told, Look.MUTED, wrap=True))

    def _one(self, cell: Cell, difference: Difference, refusal: str) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, SPACE_1, 0, 0)
        column.setSpacing(SPACE_1)
        column.addWidget(label(str(difference), wrap=True, select=True))
        fields = (difference.field,)
        no_place = refusal or not_acceptable(difference.field)
        accept = self._button(tr("Accept"), tr("Accept {} for this mirror").format(difference.field), no_place)
        accept.clicked.connect(partial(self._accept, fields))
        why = refusal or not_adoptable(difference.field, cell.environment.settings)
        adopt = self._button(tr("Adopt…"), tr("Adopt {} into the template").format(difference.field), why)
        adopt.clicked.connect(partial(self._adopt, fields))
        buttons = QWidget()
        flow = FlowLayout(buttons, SPACE_2)
        flow.addWidget(accept)
        flow.addWidget(adopt)
        column.addWidget(buttons)
        return holder

    def _draw_pending(self, pending: Sequence[Difference], *, can_compare: bool) -> None:
        self._head(tr("Pending"))
        words = pending_words(len(pending)) if pending else tr("Nothing waits for a rollout.")
        self._box.addWidget(label(words[:1].upper() + words[1:], wrap=True, select=True))
        for difference in pending:
            self._box.addWidget(label(str(difference), wrap=True, select=True))
        if can_compare:
            words = tr("Compared with the keyring just now.") if self._asked else ""
            compare = self._button(tr("Compare secrets"), tr("Compare secrets with the keyring"), "")
            compare.clicked.connect(lambda _on=False: self.compare_secrets())
            self._row([compare])
            if words:
                self._box.addWidget(label(words, Look.MUTED, wrap=True))

    def _accept(self, fields: tuple[str, ...], _on: bool = False) -> None:
        self._actions.accept(fields)

    def _adopt(self, fields: tuple[str, ...], _on: bool = False) -> None:
        self._actions.adopt(fields)

    def _button(self, words: str, name: str, refusal: str) -> QPushButton:
        made = button(words)
        made.setAccessibleName(f"{name} ({refusal})" if refusal else name)
        made.setToolTip(plain_tip(f"{name}: {refusal}" if refusal else name))
        made.setEnabled(not refusal)
        return made

    def _head(self, title: str) -> None:
        self._box.addWidget(line())
        self._box.addWidget(label(title, Look.STRONG))

    def _row(self, buttons: Sequence[QPushButton]) -> None:
        holder = QWidget()
        flow = FlowLayout(holder, SPACE_2)
        for one in buttons:
            flow.addWidget(one)
        self._box.addWidget(holder)


def _clear(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
