"""The dialog that keeps an environment on what runs there now: a reason, and an end date if there is one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from mirror_console.errors import Problem
from mirror_console.ui.tokens import SPACE_3, SPACE_4, SPACE_6
from mirror_console.ui.widgets.form import Field, Form, line_edit
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import tr


class HoldDialog(QDialog):
    """Cancel is the default. `reason` and `until` are what was typed."""

    def __init__(self, what: str, version: str, today: date, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._today = today
        self.setWindowTitle(tr("Hold {}").format(what))
        self.setModal(True)
        self.setMinimumWidth(440)
        self.reason_field, self.until_field = line_edit(), line_edit(placeholder="2026-09-30")
        self.form = Form(self._judge, columns=1)
        self.form.add(Field("reason", tr("Reason"), self.reason_field, required=True))
        self.form.add(Field("until", tr("Until"), self.until_field, hint=tr("Year-month-day. Empty: without an end.")))
        self.form.end()
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_4)
        column.setSpacing(SPACE_3)
        column.addWidget(label(tr("Hold {}?").format(what), Look.HEADING, wrap=True))
        words = tr("It stays on {} whatever its image source says. Rollouts to it bring it back to that.")
        column.addWidget(label(words.format(version or tr("what runs there now")), wrap=True))
        column.addWidget(self.form)
        # What room is left is for the words at a field that is wrong, not between the words above.
        column.addStretch(1)
        buttons = QDialogButtonBox()
        self.go_button = button(tr("Hold it"), self._go, look="primary")
        self.cancel_button = button(tr("Cancel"), self.reject)
        buttons.addButton(self.go_button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self.cancel_button, QDialogButtonBox.ButtonRole.RejectRole)
        self.cancel_button.setAutoDefault(True)
        self.cancel_button.setDefault(True)
        column.addWidget(buttons)
        self.reason_field.setFocus()

    @property
    def reason(self) -> str:
        """Why."""
        return self.reason_field.text().strip()

    @property
    def until(self) -> datetime | None:
        """The end of the last day, None without one."""
        end = read_day(self.until_field.text())
        return datetime.combine(end, time(23, 59, 59), UTC) if end else None

    def _go(self) -> None:
        if self.form.accept():
            self.accept()

    def _judge(self) -> list[Problem]:
        found = []
        if not self.reason:
            found.append(Problem("reason", tr("Say why: whoever looks at it later will ask.")))
        text = self.until_field.text().strip()
        end = read_day(text)
        if text and end is None:
            found.append(Problem("until", tr("Type a day such as 2026-09-30, or nothing.")))
        elif end is not None and end < self._today:
            found.append(Problem("until", tr("This day has passed.")))
        return found


def read_day(text: str) -> date | None:
    """A day that was typed as year-month-day; None where it is none."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
