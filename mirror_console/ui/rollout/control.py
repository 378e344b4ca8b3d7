"""Retry and roll back: two buttons that a rollout has once it is paused or has ended, and what they ask."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from mirror_console.domain.rollout import CHANGED, ENDED, Rollout, RolloutState, TargetState
from mirror_console.operations.retrying import FAILED
from mirror_console.operations.rollback import Part
from mirror_console.ui.context import UiContext
from mirror_console.ui.questions import Choice
from mirror_console.ui.rollout.words import plan_title, titled
from mirror_console.ui.tokens import SPACE_2
from mirror_console.ui.widgets.text import button
from mirror_console.ui.words import count, number, tr


class ControlBar(QWidget):
    """`retry_wished` asks for a new attempt of all that failed, `rollback_wished` for a part and a wave, or none."""

    retry_wished = Signal()
    rollback_wished = Signal(object, object)

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self._context = context
        self._rollout: Rollout | None = None
        self.retry = button(tr("Retry failed"), self.retry_wished.emit)
        self.roll_back = button(tr("Roll back…"), self._ask)
        context.icons.wear(self.retry, "refresh-cw")
        context.icons.wear(self.roll_back, "arrow-left")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_2)
        row.addWidget(self.retry)
        row.addWidget(self.roll_back)

    def show_rollout(self, rollout: Rollout, refusal: str) -> None:
        """Offer what can be done with a rollout; `refusal` is why nothing may be done now."""
        self._rollout = rollout
        failed = sum(target.state in FAILED and not target.rolled_back for target in rollout.targets)
        may = (rollout.state is RolloutState.PAUSED or rollout.state in ENDED) and not refusal
        self.retry.setText(tr("Retry failed ({})").format(number(failed)))
        self.retry.setVisible(may and bool(failed))
        self.roll_back.setVisible(may and bool(parts_of(rollout)))

    def _ask(self) -> None:
        rollout = self._rollout
        if rollout is None:
            return
        words = tr("{}. Each target goes back to its own image and settings of before, by a plan that you see first.")
        chosen = self._context.questions.choose(
            tr("Roll back how much?"), words.format(titled(plan_title(rollout.plan))), parts_of(rollout)
        )
        if chosen is None:
            return
        part, _, wave = chosen.partition(":")
        self.rollback_wished.emit(Part(part), int(wave) if wave else None)


def parts_of(rollout: Rollout) -> tuple[Choice, ...]:
    """How much of a rollout can be taken back: what failed and was left, each wave that changed something, or all."""
    changed = [target for target in rollout.targets if target.state in CHANGED and not target.rolled_back]
    failed = [target for target in changed if target.state is not TargetState.DONE]
    offered = []
    if failed:
        words = tr("{} that failed and may not run what it ran.").format(count(len(failed), "target", "targets"))
        offered.append(Choice(str(Part.FAILED), tr("Failed only"), words))
    if rollout.waves > 1:
        for wave in range(rollout.waves):
            several = [target for target in changed if target.planned.wave == wave]
            if several:
                words = tr("{} changed by this wave.").format(count(len(several), "target", "targets"))
                offered.append(Choice(f"{Part.WAVE}:{wave}", tr("Wave {}").format(number(wave + 1)), words))
    if changed and rollout.state in ENDED:
        words = tr("{} changed by this rollout.").format(count(len(changed), "target", "targets"))
        offered.append(Choice(str(Part.ALL), tr("Everything"), words))
    return tuple(offered)
