"""The detail panel: the verdict on one environment, what to tell on the phone, and what runs against what should."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from mirror_console.domain.cell import Cell
from mirror_console.domain.expectation import Expected
from mirror_console.domain.fleet import Row
from mirror_console.domain.image import short
from mirror_console.domain.several import process_lines
from mirror_console.domain.verdict import verdict
from mirror_console.ui.context import UiContext
from mirror_console.ui.glyphs import glyph_icon
from mirror_console.ui.grid.drift_actions import DriftActions
from mirror_console.ui.grid.drift_part import DriftPart
from mirror_console.ui.grid.lock_actions import LockActions, LockOperations
from mirror_console.ui.grid.lock_part import LockPart
from mirror_console.ui.grid.operations import DriftOperations
from mirror_console.ui.grid.way_back import WayBackLine
from mirror_console.ui.theme import lead
from mirror_console.ui.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4
from mirror_console.ui.widgets.flow import FlowLayout
from mirror_console.ui.widgets.text import ElidedLabel, Look, amp, button, icon_button, label, line, plain_tip
from mirror_console.ui.words import age, moment, tr

WIDTH = 380
_SIGNS = {True: "=", False: "≠", None: "?"}
_ALOUD = {True: "the same", False: "differs", None: "can't be told"}


class DetailPanel(QWidget):
    """Shows one environment of one mirror.

    `environment_wanted` carries the name of another environment of the same mirror; `closed` that the panel is to go.
    """

    environment_wanted = Signal(str)
    closed = Signal()

    def __init__(
        self,
        context: UiContext,
        run: Callable[[str], None],
        operations: DriftOperations | None = None,
        locks: LockOperations | None = None,
    ) -> None:
        super().__init__()
        self._context = context
        self._row: Row | None = None
        self._cell: Cell | None = None
        self._scheduled = ""
        self.setProperty("class", "paper")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(tr("Details"))
        self.setMinimumWidth(300)
        self.name = ElidedLabel("", Look.HEADING)
        self.account = ElidedLabel("", Look.MUTED)
        self.close_button = icon_button(tr("Close the details"), context.icons.icon("x"), self.closed.emit, "Esc")
        context.icons.wear(self.close_button, "x")
        self.verdict = label("", wrap=True, select=True)
        self.verdict.setFont(lead(self.verdict.font()))
        self.copy_button = button(tr("Copy answer"), lambda: run("grid.copy_answer"), look="primary")
        self.check_button = button(tr("Check now"), lambda: run("grid.check_this"))
        self.roll_button = button(tr("Roll out…"), lambda: run("grid.roll_out_this"))
        self.copy_button.setToolTip(plain_tip(tr("A sentence for phone, ticket or chat") + " (Ctrl+Shift+C)"))
        self._strip_holder = QWidget()
        self._strip = FlowLayout(self._strip_holder, SPACE_1)
        self.drift_actions = DriftActions(context, lambda: self._cell, operations)
        self.drift = DriftPart(context, self.drift_actions)
        self.drift.emptied.connect(lambda: self.check_button.setFocus(Qt.FocusReason.OtherFocusReason))
        self.lock_actions = LockActions(context, lambda: self._cell, locks)
        self.lock = LockPart(context, self.lock_actions)
        self._sections = QVBoxLayout()
        self._sections.setSpacing(SPACE_2)
        self._build()
        context.theme.changed.connect(self._draw)

    def _build(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(SPACE_4, SPACE_3, SPACE_2, SPACE_2)
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self.name)
        names.addWidget(self.account)
        head.addLayout(names, 1)
        head.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        outer.addLayout(head)
        outer.addWidget(line())
        inside = QWidget()
        inside.setProperty("class", "paper")
        box = QVBoxLayout(inside)
        box.setContentsMargins(SPACE_4, SPACE_3, SPACE_4, SPACE_4)
        box.setSpacing(SPACE_3)
        box.addWidget(self._strip_holder)
        box.addWidget(self.verdict)
        actions = QWidget()
        flow = FlowLayout(actions, SPACE_2)
        for one in (self.copy_button, self.check_button, self.roll_button):
            flow.addWidget(one)
        box.addWidget(actions)
        box.addWidget(self.lock)
        box.addWidget(self.drift)
        box.addLayout(self._sections)
        box.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        outer.addWidget(scroll, 1)

    def sizeHint(self) -> QSize:
        """Wide enough for the two columns of running and expected."""
        return QSize(WIDTH, 400)

    @property
    def shown(self) -> Cell | None:
        """The environment that is shown."""
        return self._cell

    def show_cell(self, row: Row | None, cell: Cell | None) -> None:
        """Show an environment of a mirror; of a mirror without it, say so."""
        same = row is self._row and cell is self._cell and cell is not None
        if same and cell is not None and self._scheduled == self._schedule(cell, self._context.now()):
            self.say_again()
            return
        self._row, self._cell = row, cell
        self._draw()

    def say_again(self) -> None:
        """Reckon the ages in the verdict anew."""
        if self._cell is not None:
            self.verdict.setText(verdict(self._cell, self._context.now()))

    def _draw(self) -> None:
        row, cell = self._row, self._cell
        _empty(self._sections)
        _empty(self._strip)
        self.lock.show_cell(cell)
        self.drift.show_cell(cell)
        known = cell is not None
        for one in (self.copy_button, self.check_button, self.roll_button):
            one.setVisible(known)
        if row is None:
            self.name.say(tr("No mirror"))
            self.account.say("")
            self.verdict.setText(tr("Choose a cell of the grid to see what runs there and what should."))
            return
        application = row.application
        self.name.say(application.name)
        self.account.say(" · ".join(part for part in (application.account, *application.domains) if part))
        self._draw_strip(row, cell)
        if cell is None:
            self.verdict.setText(tr("This mirror has no such environment."))
            return
        self.say_again()
        self._draw_compared(cell)
        self._draw_facts(cell)
        if cell.observation and cell.observation.health_output:
            of_service = cell.environment.swarm
            self._section(tr("Tasks of the service") if of_service else tr("Last output of the health check"))
            self._sections.addWidget(_block(cell.observation.health_output))

    def _draw_strip(self, row: Row, cell: Cell | None) -> None:
        names = self._context.grid.columns if self._context.grid else tuple(row.cells)
        for name in names:
            other = row.cells.get(name)
            if other is None:
                continue
            made = QPushButton(amp(f"{name}  {other.running_title or '—'}"))
            made.setProperty("class", "chip")
            made.setCheckable(True)
            made.setChecked(cell is not None and other is cell)
            made.setIcon(glyph_icon(other.status, self._context.theme.colours.status[other.status].glyph, 14, 4))
            made.setIconSize(QSize(18, 14))
            made.setAccessibleName(f"{name}: {other.status}, {other.running_title or tr('nothing runs')}")
            made.clicked.connect(lambda _on, which=name: self.environment_wanted.emit(which))
            self._strip.addWidget(made)

    def _draw_compared(self, cell: Cell) -> None:
        seen = cell.observation
        wanted = cell.expected if isinstance(cell.expected, Expected) else None
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE_3)
        grid.setVerticalSpacing(SPACE_1)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        grid.addWidget(label(tr("Running"), Look.SMALL), 0, 1)
        grid.addWidget(label(tr("Expected"), Look.SMALL), 0, 2)
        running_mark = short(seen.fingerprint) if seen and seen.fingerprint else "—"
        wanted_mark = short(wanted.identity) if wanted else "—"
        lines = [
            (tr("Version"), cell.running_title or "—", wanted.title if wanted else tr("no release"), Look.BODY),
            (tr("Image"), running_mark, wanted_mark, Look.MONO),
        ]
        for place, (name, running, expected, look) in enumerate(lines, start=1):
            alike = _alike(cell, running, expected)
            differs = alike is False
            grid.addWidget(label(name, Look.MUTED), place, 0)
            left, right = ElidedLabel(running, look), ElidedLabel(f"{_SIGNS[alike]} {expected}", look)
            for one in (left, right):
                if differs and look is Look.BODY:
                    font = one.font()
                    font.setWeight(font.Weight.DemiBold)
                    one.setFont(font)
            right.setAccessibleName(f"{tr('expected')} {expected}, {tr(_ALOUD[alike])}")
            grid.addWidget(left, place, 1)
            grid.addWidget(right, place, 2)
        self._section(tr("Running and expected"))
        holder = QWidget()
        holder.setLayout(grid)
        self._sections.addWidget(holder)
        why = cell.expected.why
        self._sections.addWidget(label(f"{tr('Why')}: {why}", Look.MUTED, wrap=True, select=True))

    def _draw_facts(self, cell: Cell) -> None:
        now, seen = self._context.now(), cell.observation
        self._section(tr("Placement"))
        kind = tr("Service") if cell.environment.swarm else tr("Container")
        facts = [(tr("Engine"), cell.engine_name), (kind, cell.environment.container)]
        for name, container, words in process_lines(cell):
            # A container's name is read in full: it stands in a line of its own.
            facts += [(name, words)] if container == cell.environment.container else [(name, words), ("", container)]
        if seen and seen.present:
            facts.append((tr("Health"), str(cell.health)))
            if seen.started_at:
                facts.append((tr("Started"), f"{moment(seen.started_at, now)} ({age(now - seen.started_at)})"))
            if seen.restart_count:
                facts.append((tr("Restarts"), str(seen.restart_count)))
            facts.append((tr("Reference"), seen.image))
        self._scheduled = self._schedule(cell, now)
        if self._scheduled:
            facts.append((tr("May be changed"), self._scheduled))
        if cell.contact and not cell.contact.answered:
            facts.append((tr("Engine says"), cell.contact.words or str(cell.contact.failure or "")))
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE_3)
        grid.setVerticalSpacing(SPACE_1)
        grid.setColumnStretch(1, 1)
        for place, (name, said) in enumerate(facts):
            grid.addWidget(label(name, Look.MUTED), place, 0)
            long = name == tr("May be changed")
            grid.addWidget(label(said, wrap=True) if long else ElidedLabel(said or "—"), place, 1)
        if seen and seen.present:
            grid.addWidget(label(tr("Way back"), Look.MUTED), len(facts), 0)
            grid.addWidget(WayBackLine(self._context, cell), len(facts), 1)
        holder = QWidget()
        holder.setLayout(grid)
        self._sections.addWidget(holder)

    def _schedule(self, cell: Cell, now: datetime) -> str:
        """When it may be changed; empty where that is at any time."""
        fleet = self._context.grid
        if fleet is None or not fleet.schedule:
            return ""
        opening = fleet.opening(cell, now)
        if opening.closed is None and opening.until is None:
            return ""
        return f"{tr('no') if opening.closed else tr('yes')}, {opening.words(now)}"

    def _section(self, title: str) -> None:
        self._sections.addSpacing(SPACE_2)
        self._sections.addWidget(line())
        self._sections.addWidget(label(title, Look.STRONG))


def _block(text: str) -> QLabel:
    made = label(text, Look.MONO, wrap=True, select=True)
    made.setProperty("class", "output")
    return made


def _alike(cell: Cell, running: str, expected: str) -> bool | None:
    """Whether a line of what runs and what is expected is alike; None where that can't be told.

    On another platform, or by our record, the same image has another mark; and a fingerprint is no digest.
    """
    if running == expected or not isinstance(cell.expected, Expected):
        return True
    if cell.likeness is not None and cell.likeness.same is not False:
        return cell.likeness.same
    return False


def _empty(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
