"""The settings page: looks, intervals, and where the catalog and the credentials are kept. Each counts at once."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QFrame,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from mirror_console import paths
from mirror_console.errors import ConsoleError
from mirror_console.settings import Density, Preferences, Theme, preference_problems
from mirror_console.ui.context import UiContext
from mirror_console.ui.page import Page
from mirror_console.ui.settings.credentials import CredentialsPart
from mirror_console.ui.settings.schedule import SchedulePart
from mirror_console.ui.tokens import SPACE_2, SPACE_3, SPACE_4, SPACE_6, TOOL_HEIGHT
from mirror_console.ui.widgets.scrolled import type_width
from mirror_console.ui.widgets.text import Look, label
from mirror_console.ui.words import tr


class SettingsPage(Page):
    """Choices that are saved when they are made; nothing has to be confirmed."""

    id = "settings"
    title = "Settings"
    icon = "settings"

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self.error = label("", Look.ERROR, wrap=True)
        self.error.hide()
        self.credentials = CredentialsPart(context)
        self.schedule = SchedulePart(context)
        inside = QWidget()
        inside.setMaximumWidth(760)
        self._box = QVBoxLayout(inside)
        self._box.setContentsMargins(SPACE_4, SPACE_2, SPACE_4, SPACE_6)
        self._box.setSpacing(SPACE_3)
        self.theme = _choice(tr("Theme"), Theme, context.preferences.theme)
        self.density = _choice(tr("Density of rows"), Density, context.preferences.density)
        spin = _Spin
        chosen = context.preferences
        self.check = spin(tr("Check every, in seconds"), 10, 3600, " s", chosen.check_seconds)
        self.background = spin(
            tr("Check in the background every, in seconds"), 60, 86400, " s", chosen.background_seconds
        )
        self.ageing = spin(tr("Ageing after, in minutes"), 1, 1440, " min", chosen.ageing_minutes)
        self.stale = spin(tr("Stale after, in minutes"), 1, 10080, " min", chosen.stale_minutes)
        self._section(tr("Appearance"), "", (tr("Theme"), self.theme), (tr("Density of rows"), self.density))
        self._section(
            tr("Checking"),
            tr("What was seen shows its age once it is ageing. Once it is stale it no longer counts as aligned."),
            (tr("Check every"), self.check),
            (tr("In the background every"), self.background),
            (tr("Ageing after"), self.ageing),
            (tr("Stale after"), self.stale),
        )
        self._box.addWidget(self.error)
        self._section(
            tr("Windows and freezes"),
            tr("When mirrors may be changed. Checks ask it before a rollout, and before the turn of each target."),
            ("", self.schedule),
        )
        self._section(
            tr("Places"),
            "",
            (tr("Catalog"), _path(str(paths.catalog_path()))),
            (tr("Preferences"), _path(str(paths.preferences_path()))),
            (tr("Logs"), _path(str(paths.log_dir()))),
        )
        self._section(
            tr("Credentials"),
            tr("Client keys and registry passwords are in the keyring of this computer, never in the catalog."),
            (tr("Keyring"), self.credentials),
        )
        self._box.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        title = label(tr(self.title), Look.TITLE)
        title.setContentsMargins(SPACE_4, SPACE_3, SPACE_4, SPACE_2)
        outer.addWidget(title)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        outer.addWidget(scroll, 1)
        self._connect()

    def shown(self) -> None:
        """Keys go to the first choice; the keyring is looked at anew."""
        self.theme.setFocus()
        self.credentials.look()
        self.schedule.look()

    def _connect(self) -> None:
        self.theme.currentIndexChanged.connect(lambda: self._take(theme=Theme(self.theme.currentData())))
        self.density.currentIndexChanged.connect(lambda: self._take(density=Density(self.density.currentData())))
        self.check.valueChanged.connect(lambda value: self._take(check_seconds=value))
        self.background.valueChanged.connect(lambda value: self._take(background_seconds=value))
        self.ageing.valueChanged.connect(lambda value: self._take(ageing_minutes=value))
        self.stale.valueChanged.connect(lambda value: self._take(stale_minutes=value))

    def _take(self, **changed: Any) -> None:
        wanted: Preferences = replace(self.context.preferences, **changed)
        # Minutes are looked at together as they stand in the fields: one alone may have been refused before.
        wanted = replace(wanted, ageing_minutes=self.ageing.value(), stale_minutes=self.stale.value())
        problems = preference_problems(wanted)
        said = [f"{tr(_FIELDS.get(problem.field, ''))}: {problem.words.rstrip('.')}." for problem in problems]
        self.error.setText("\n".join(said))
        self.error.setVisible(bool(problems))
        self.stale.setAccessibleDescription(self.error.text())
        if problems:
            return
        try:
            self.context.set_preferences(wanted)
        except ConsoleError as error:
            self.context.notices.error(error, key="preferences")

    def _section(self, title: str, words: str, *fields: tuple[str, QWidget]) -> None:
        card = QFrame()
        card.setProperty("class", "card")
        box = QVBoxLayout(card)
        box.setContentsMargins(SPACE_4, SPACE_3, SPACE_4, SPACE_4)
        box.setSpacing(SPACE_2)
        box.addWidget(label(title, Look.HEADING))
        if words:
            box.addWidget(label(words, Look.MUTED, wrap=True))
        form = QFormLayout()
        form.setHorizontalSpacing(SPACE_6)
        form.setVerticalSpacing(SPACE_2)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for name, field in fields:
            if not name:
                # The section says what it is: it has all of the width.
                form.addRow(field)
                continue
            said = label(name)
            said.setMinimumWidth(168)
            # So that the words stand in the middle of their field.
            said.setMinimumHeight(min(TOOL_HEIGHT, field.sizeHint().height()))
            said.setBuddy(field)
            form.addRow(said, field)
        box.addLayout(form)
        self._box.addWidget(card)


_FIELDS = {
    "ageing_minutes": "Ageing after",
    "stale_minutes": "Stale after",
    "check_seconds": "Check every",
    "background_seconds": "In the background every",
}


class _Spin(QSpinBox):
    """A number with its unit. The wheel scrolls the page unless the field has the focus."""

    def __init__(self, name: str, least: int, most: int, unit: str, value: int) -> None:
        super().__init__()
        self.setRange(least, most)
        self.setSuffix(unit)
        self.setValue(value)
        self.setAccessibleName(name)
        self.lineEdit().setAccessibleName(name)
        self.lineEdit().setTextMargins(SPACE_2, 0, 0, 0)
        self.setFixedWidth(type_width(self, 128))
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: Any) -> None:
        """Nothing changes by accident."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def _choice(name: str, kinds: type[StrEnum], chosen: StrEnum) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(name)
    made.setFixedWidth(type_width(made, 176))
    for kind in kinds:
        made.addItem(tr(str(kind)).capitalize(), str(kind))
    made.setCurrentIndex(made.findData(str(chosen)))
    return made


def _path(text: str) -> QWidget:
    return label(text, Look.MONO, wrap=True, select=True)
