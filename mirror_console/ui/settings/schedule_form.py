"""The dialogs for a maintenance window and for a freeze: for whom, when, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimeZone
from PySide6.QtWidgets import QCompleter, QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from mirror_console.domain.fleet import Grid
from mirror_console.errors import InvalidInput
from mirror_console.operations.schedule import FreezeInput, ScopeInput, WindowInput
from mirror_console.ui.tokens import SPACE_3, SPACE_4, SPACE_6
from mirror_console.ui.widgets.form import Field, Form, choice, line_edit
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import tr


class ScheduleDialog(QDialog):
    """A form with Cancel as the default. `save` is called for its button: it closes the dialog, or has it refused.

    `fields` stand between for whom and in which time zone; the wide ones take a line of their own.
    """

    def __init__(
        self,
        title: str,
        words: str,
        fields: Sequence[tuple[Field, bool]],
        grid: Grid | None,
        save: Callable[[], object],
        parent: QWidget | None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.identity = ""
        self.title = label(title, Look.HEADING, wrap=True)
        self.setModal(True)
        self.setMinimumWidth(520)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        rows = grid.rows if grid else ()
        accounts = sorted({row.application.account for row in rows if row.application.account})
        self.account = choice([("", tr("Every account")), *((name, name) for name in accounts)])
        self.mirror = line_edit(placeholder=tr("Every mirror"))
        _complete(self.mirror, [row.application.slug for row in rows])
        names = grid.columns if grid else ()
        self.environment = choice([("", tr("Every environment")), *((name, name) for name in names)])
        self.zone = line_edit(bytes(QTimeZone.systemTimeZoneId().data()).decode())
        _complete(self.zone, [bytes(name.data()).decode() for name in QTimeZone.availableTimeZoneIds()])
        self.form = Form()
        self.form.add(Field("account", tr("Account"), self.account))
        self.form.add(Field("environment", tr("Environment"), self.environment))
        self.form.add(Field("mirror", tr("Mirror"), self.mirror, hint=tr("By its slug.")), wide=True)
        for field, wide in fields:
            self.form.add(field, wide=wide)
        self.form.add(Field("zone", tr("Time zone"), self.zone, hint=tr("Such as Europe/Berlin.")), wide=True)
        self.form.end()
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_4)
        column.setSpacing(SPACE_3)
        column.addWidget(self.title)
        column.addWidget(label(words, Look.MUTED, wrap=True))
        column.addWidget(self.form)
        # What room is left is for the words at a field that is wrong, not between the words above.
        column.addStretch(1)
        buttons = QDialogButtonBox()
        self.go_button = button(tr("Save"), save, look="primary")
        self.cancel_button = button(tr("Cancel"), self.reject)
        buttons.addButton(self.go_button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self.cancel_button, QDialogButtonBox.ButtonRole.RejectRole)
        self.cancel_button.setAutoDefault(True)
        self.cancel_button.setDefault(True)
        column.addWidget(buttons)

    def refused(self, error: InvalidInput) -> None:
        """Tell what is wrong at its field, and go there."""
        self.form.refuse(error.problems)

    def show_typed(self, typed: WindowInput | FreezeInput, title: str) -> None:
        """Show what is to be changed; saved, it takes the place of what it was."""
        self.identity = typed.id
        self.setWindowTitle(title)
        self.title.setText(title)
        self.mirror.setText(typed.scope.mirror)
        self.zone.setText(typed.zone)
        for field, value in ((self.account, typed.scope.account), (self.environment, typed.scope.environment)):
            if field.findData(value) < 0:
                # It may be gone from the catalog, or not be surveyed yet: it isn't made another silently.
                field.addItem(value, value)
            field.setCurrentIndex(field.findData(value))

    def scope(self) -> ScopeInput:
        """For whom it is to hold."""
        return ScopeInput(
            str(self.account.currentData()), self.mirror.text().strip(), str(self.environment.currentData())
        )


class WindowDialog(ScheduleDialog):
    """Hours of some days of the week."""

    def __init__(self, grid: Grid | None, save: Callable[[], object], parent: QWidget | None = None) -> None:
        self.days = line_edit(placeholder="sat, sun")
        self.begins, self.ends = line_edit(placeholder="02:00"), line_edit(placeholder="06:00")
        words = tr(
            "Changes may happen in these hours only. The windows of a mirror take the place of those of its account, "
            "and these the place of those of an environment."
        )
        days, later = tr("sat, sun, or mon-fri, or every day."), tr("Before From: on the next day.")
        fields = (
            (Field("days", tr("Days"), self.days, hint=days, required=True), True),
            (Field("from", tr("From"), self.begins, required=True), False),
            (Field("to", tr("To"), self.ends, hint=later, required=True), False),
        )
        super().__init__(tr("New maintenance window"), words, fields, grid, save, parent)
        self.days.setFocus()

    def change(self, typed: WindowInput) -> None:
        """Show a window that is to be changed."""
        self.show_typed(typed, tr("Change this maintenance window"))
        self.days.setText(typed.days)
        self.begins.setText(typed.begins)
        self.ends.setText(typed.ends)

    def input(self) -> WindowInput:
        """What is typed."""
        begins, ends = self.begins.text(), self.ends.text()
        return WindowInput(self.days.text(), begins, ends, self.zone.text(), self.scope(), self.identity)


class FreezeDialog(ScheduleDialog):
    """A time in which nobody changes anything."""

    def __init__(self, grid: Grid | None, save: Callable[[], object], parent: QWidget | None = None) -> None:
        self.begins = line_edit(placeholder="2026-12-20")
        self.ends = line_edit(placeholder="2027-01-06")
        self.reason = line_edit(placeholder=tr("Christmas business"))
        words = tr("Nobody changes anything in this time, whatever window is open.")
        day = tr("A day, or a day and a time: 2026-12-20 18:00.")
        fields = (
            (Field("from", tr("From"), self.begins, hint=day, required=True), False),
            (Field("until", tr("Until"), self.ends, hint=tr("Of a day, all of it."), required=True), False),
            (Field("reason", tr("Reason"), self.reason, required=True), True),
        )
        super().__init__(tr("New freeze"), words, fields, grid, save, parent)
        self.begins.setFocus()

    def change(self, typed: FreezeInput) -> None:
        """Show a freeze that is to be changed."""
        self.show_typed(typed, tr("Change this freeze"))
        self.begins.setText(typed.begins)
        self.ends.setText(typed.ends)
        self.reason.setText(typed.reason)

    def input(self) -> FreezeInput:
        """What is typed."""
        begins, ends, reason = self.begins.text(), self.ends.text(), self.reason.text()
        return FreezeInput(begins, ends, self.zone.text(), reason, self.scope(), self.identity)


def _complete(field: QLineEdit, words: Sequence[str]) -> None:
    completer = QCompleter(list(words), field)
    completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    completer.setFilterMode(Qt.MatchFlag.MatchContains)
    field.setCompleter(completer)
