"""The tables of a rollout under way: its waves, and its targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.rollout import COUNTS_AS_FAILED, Rollout, Target, TargetState
from mirror_console.domain.status import Status
from mirror_console.ui.rollout.words import STATE_GLYPHS, state_glyph, took, urgency
from mirror_console.ui.widgets.table import Column
from mirror_console.ui.words import number, tr


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave in the list: how many of its targets are over, and how many of those failed."""

    place: int
    name: str
    over: int
    total: int
    failed: int
    current: bool
    serve: bool = False
    """Whether those that failed were all put back, and serve as before."""

    @property
    def glyph(self) -> Status:
        """What came of it. Before its turn it has none, although images may have failed to come ahead of it."""
        if not self.current and self.over < self.total:
            return Status.NOT_APPLICABLE
        if self.failed:
            return Status.BEHIND if self.serve else Status.UNHEALTHY
        return Status.ALIGNED if self.over == self.total else Status.ROLLING_OUT


def waves_of(rollout: Rollout) -> list[Wave]:
    """The waves of a rollout, in their order."""
    waves = []
    for place in range(rollout.waves):
        targets = rollout.wave(place)
        canary = place == 0 and rollout.waves > 1
        name = tr("{} canary").format(place + 1) if canary else number(place + 1)
        over = sum(target.over for target in targets)
        failed = [target.state for target in targets if target.state in COUNTS_AS_FAILED]
        serve = all(STATE_GLYPHS[state] is Status.BEHIND for state in failed)
        waves.append(Wave(place, name, over, len(targets), len(failed), place == rollout.current_wave, serve))
    return waves


def wave_columns() -> tuple[Column[Wave], ...]:
    """The columns of waves."""
    return (
        Column("wave", tr("Wave"), lambda wave: wave.name, 90, status=lambda wave: wave.glyph, stretch=True),
        Column("count", tr("Over"), lambda wave: f"{number(wave.over)}/{number(wave.total)}", 60, right=True),
    )


def target_columns(now: Callable[[], datetime], slow: Callable[[Target], str]) -> tuple[Column[Target], ...]:
    """The columns of targets. `slow` is what is said of one that takes longer than usual; empty for others."""

    def lasted(target: Target) -> str:
        at_rest = target.over or target.started_at is None or target.state is TargetState.UNDECIDED
        return took(target.started_at, target.ended_at or (None if at_rest else now()))

    def words(target: Target) -> str:
        if told := slow(target):
            return " · ".join(part for part in (told, target.words) if part)
        return target.told or (tr("wave {}").format(target.planned.wave + 1) if not target.started_at else "")

    return (
        Column("mirror", tr("Target"), lambda target: target.planned.application, 150, strong=True),
        Column(
            "state",
            tr("State"),
            lambda target: tr(target.stands),
            116,
            order=urgency,
            status=state_glyph,
        ),
        Column("words", tr("Why"), words, 160, stretch=True),
        Column("took", tr("Took"), lasted, 58, right=True, muted=True),
    )
