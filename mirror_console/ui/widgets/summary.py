"""The summary bar: how many environments are in which state, as a picture and as buttons that filter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

from mirror_console.domain.status import SEVERITY, Status
from mirror_console.ui.glyphs import glyph_icon
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.tokens import SPACE_1, SPACE_2, TARGET
from mirror_console.ui.widgets.flow import FlowLayout
from mirror_console.ui.widgets.shares import draw_shares
from mirror_console.ui.widgets.text import Look, label, plain_tip
from mirror_console.ui.words import count, number, tr

ALWAYS = frozenset({Status.ALIGNED, Status.BEHIND})
"""States that are told also when there are none."""


GAP = 4


class OutcomeBar(QWidget):
    """A bar with a part for each state. A picture: the chips carry what it says."""

    def __init__(self, theme: ThemeService) -> None:
        super().__init__()
        self._theme = theme
        self._counts: dict[Status, int] = {}
        self.setFixedHeight(8)
        theme.changed.connect(self.update)

    def show_counts(self, counts: Mapping[Status, int]) -> None:
        """Paint these."""
        if counts == self._counts and self.accessibleName():
            return
        self._counts = dict(counts)
        said = ", ".join(f"{number(many)} {status}" for status, many in counts.items())
        self.setAccessibleName(tr("States of all environments: {}").format(said or tr("none")))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The parts, worst first."""
        painter = QPainter(self)
        draw_shares(painter, self.rect(), self._counts, self._theme.colours)
        painter.end()


class SummaryBar(QWidget):
    """The bar and its chips. `chosen` carries the states whose chips are on now."""

    chosen = Signal(object)

    def __init__(self, theme: ThemeService) -> None:
        super().__init__()
        self._theme = theme
        self._active: frozenset[Status] = frozenset()
        self._counts: dict[Status, int] = {}
        self._all: dict[Status, int] = {}
        self.chips: dict[Status, QPushButton] = {}
        self.bar = OutcomeBar(theme)
        self.facts = label("", Look.MUTED)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(SPACE_2)
        box.addWidget(self.bar)
        holder = QWidget()
        self._flow = FlowLayout(holder, SPACE_1)
        box.addWidget(holder)
        for status in SEVERITY:
            if status is not Status.NOT_APPLICABLE:
                self.chips[status] = self._chip(status)
        self.facts.setMinimumHeight(TARGET)
        self.facts.setContentsMargins(SPACE_2, 0, 0, 0)
        self._flow.addWidget(self.facts)
        self._wear()
        self._draw()
        theme.changed.connect(self._wear)

    def show_counts(self, shown: Mapping[Status, int], everything: Mapping[Status, int], mirrors: int) -> None:
        """Tell the states of what the filter lets through, and of everything."""
        self._counts, self._all = dict(shown), dict(everything)
        total = sum(everything.values())
        aligned = everything.get(Status.ALIGNED, 0)
        share = f"{100 * aligned // total} % {tr('aligned')} · " if total else ""
        targets = count(total, "environment", "environments")
        facts = f"{share}{count(mirrors, 'mirror', 'mirrors')} · {targets}"
        # Words that are set again are laid out again, though they are the same.
        if facts != self.facts.text():
            self.facts.setText(facts)
        self.bar.show_counts(everything)
        self._draw()

    def set_active(self, states: Iterable[Status]) -> None:
        """Outline the chips of these states: the filter asks for them."""
        active = frozenset(states)
        if active != self._active:
            self._active = active
            self._draw()

    def _chip(self, status: Status) -> QPushButton:
        chip = QPushButton()
        chip.setProperty("class", "chip")
        chip.setCheckable(True)
        chip.setAutoDefault(False)
        chip.setMinimumHeight(TARGET)
        chip.setIconSize(QSize(14 + GAP, 14))
        chip.clicked.connect(lambda: self._click(status))
        self._flow.addWidget(chip)
        return chip

    def _click(self, status: Status) -> None:
        adds = bool(QApplication.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier)
        if status in self._active:
            wanted = self._active - {status}
        else:
            wanted = self._active | {status} if adds else frozenset({status})
        self.set_active(wanted)
        self.chosen.emit(wanted)

    def _wear(self) -> None:
        for status, chip in self.chips.items():
            chip.setIcon(glyph_icon(status, self._theme.colours.status[status].glyph, 14, GAP))

    def _draw(self) -> None:
        filtered = self._counts != self._all
        for status, chip in self.chips.items():
            shown, total = self._counts.get(status, 0), self._all.get(status, 0)
            active = status in self._active
            many = f"{number(shown)} {tr('of')} {number(total)}" if filtered and total else number(total)
            words = f"{many} {tr(status)}" + ("  ✕" if active else "")
            if words != chip.text():
                chip.setText(words)
                chip.setAccessibleName(f"{many} {tr(status)}")
            hint = tr("Show everything again") if active else tr("Show only mirrors with this state")
            tip = plain_tip(hint)
            if tip != chip.toolTip():
                chip.setToolTip(tip)
            chip.setChecked(active)
            chip.setVisible(bool(total) or status in ALWAYS or active)
