"""The status bar: what was last said, how fresh everything is, the engines, the rollout that runs, and the mode."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal, SignalInstance
from PySide6.QtWidgets import QPushButton, QStatusBar, QWidget

from mirror_console.domain.fleet import Grid
from mirror_console.domain.rollout import OVER, Rollout
from mirror_console.ui.context import UiContext
from mirror_console.ui.widgets.text import ElidedLabel, Look, amp, button, label, plain_tip
from mirror_console.ui.words import count, tr

SAID_FOR = 8_000
"""Milliseconds that a small message stays before the freshness comes back."""


class StatusLine(QStatusBar):
    """`engines_wanted` and `rollout_wanted` are sent when their parts are clicked."""

    engines_wanted = Signal()
    rollout_wanted = Signal()

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self._context = context
        self._standing = ""
        self.setSizeGripEnabled(False)
        self.setAccessibleName(tr("Status"))
        self.words = ElidedLabel("", Look.BODY)
        self.rollout = _flat(self.rollout_wanted)
        self.engines = _flat(self.engines_wanted)
        self.mode = label("", Look.MUTED)
        self.mode.setContentsMargins(8, 0, 12, 0)
        self.addWidget(_padded(self.words), 1)
        for one in (self.rollout, self.engines, self.mode):
            self.addPermanentWidget(one)
        self.rollout.hide()
        self.mode.setText(tr("Read-only") if context.console.read_only else "")
        self.mode.setToolTip(plain_tip(context.console.read_only))
        self._quiet = QTimer(self, singleShot=True, interval=SAID_FOR)
        self._quiet.timeout.connect(lambda: self.words.say(self._standing))
        context.said.connect(self._say)
        context.running_changed.connect(self._run)
        context.grid_changed.connect(self.show_grid)

    def stand(self, words: str) -> None:
        """What is said as long as nothing newer is: how the last check went."""
        self._standing = words
        if not self._quiet.isActive():
            self.words.say(words)

    def show_grid(self, grid: Grid) -> None:
        """How many engines there are, and how many of them don't answer."""
        silent = [row for row in grid.engines if row.contact is not None and not row.contact.answered]
        words = count(len(grid.engines), "engine", "engines")
        if silent:
            words += f" · {len(silent)} {tr('unreachable')}"
        self.engines.setText(words)
        self.engines.setAccessibleName(words)
        why = "\n".join(
            f"{row.engine.name}: {row.contact.failure or row.contact.words}" for row in silent if row.contact
        )
        self.engines.setToolTip(plain_tip(why or tr("All engines answered.")))
        self.engines.setVisible(bool(grid.engines))

    def _say(self, words: str) -> None:
        self.words.say(words)
        self._quiet.start()

    def _run(self, rollout: Rollout | None) -> None:
        self.rollout.setVisible(rollout is not None)
        if rollout is not None:
            done, total = rollout.count(*OVER), len(rollout.targets)
            words = f"{rollout.plan.environment}: {done} {tr('of')} {total} · {tr(rollout.state)}"
            self.rollout.setText(amp(words))
            self.rollout.setAccessibleName(f"{tr('Rollout')} {words}")


def _flat(signal: SignalInstance) -> QPushButton:
    made = button("", look="quiet")
    made.setFixedHeight(max(24, made.fontMetrics().height() + 6))
    made.setStyleSheet("QPushButton { min-height: 22px; }")
    made.clicked.connect(lambda _checked=False: signal.emit())
    return made


def _padded(widget: QWidget) -> QWidget:
    widget.setContentsMargins(12, 0, 0, 0)
    return widget
