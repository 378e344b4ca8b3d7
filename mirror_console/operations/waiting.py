"""Waiting: when a rollout and each of its targets waited for a person, by the audit and the journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.audit import AuditLine, Noun, paused_on
from mirror_console.domain.journal import JournalEntry
from mirror_console.domain.rollout import OVER, RolloutState, Target, TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.waits import Halted, Span, waited, waits
from mirror_console.operations.console import Console


@dataclass(frozen=True, slots=True)
class Waiting:
    """The spans in which the rollout as a whole waited, and in which single targets did, by environment."""

    whole: tuple[Span, ...]
    single: Mapping[str, tuple[Span, ...]]
    begun: Mapping[tuple[str, int], datetime]
    """When each attempt on an environment was begun, by the journal."""

    def of(self, target: Target) -> tuple[Span, ...]:
        """When a target waited: with the whole, or by itself. A start that was moved on by its wait counts none."""
        begun = self.begun.get((target.environment_id, target.attempt))
        if begun is not None and target.started_at is not None and target.started_at > begun:
            return ()
        return (*self.whole, *self.single.get(target.environment_id, ()))


NO_WAITS = Waiting((), {}, {})


def waiting(console: Console, rollout_id: str) -> Waiting:
    """When a rollout and its targets waited."""
    with console.catalog.read() as books:
        return spans_of(books.audit.of(rollout_id), books.journal.of(rollout_id))


def spans_of(lines: Sequence[AuditLine], journal: Sequence[JournalEntry]) -> Waiting:
    """When it waited. A catalog from before there was an audit knows of no waits."""
    halts: list[Halted] = []
    states: list[datetime] = []
    single: defaultdict[str, list[Halted]] = defaultdict(list)
    for line in lines:
        act = line.act
        if act.noun is Noun.ROLLOUT and "state" in act.after:
            states.append(line.at)
            if act.after["state"] in {RolloutState.PAUSED, RolloutState.INTERRUPTED}:
                halts.append(Halted(line.at, cut_off=act.after["state"] == RolloutState.INTERRUPTED))
        elif act.noun is Noun.TARGET and act.result not in _OVER:
            # Neither under way nor over: a person is asked what is to become of it.
            single[str(act.after.get("environment_id", ""))].append(Halted(line.at))
    # What it stays paused for counts from then on: something was done before, by which a wait ends.
    halts += [Halted(line.at) for line in paused_on(lines)]
    done: defaultdict[str, list[datetime]] = defaultdict(list)
    begun: dict[tuple[str, int], datetime] = {}
    for entry in journal:
        # An image may have been brought ahead, before its target was begun.
        if entry.step is not Step.PULL:
            begun.setdefault((entry.environment_id, entry.attempt), entry.at)
        done[entry.environment_id].append(entry.at)
    signs = sorted([*states, *(entry.at for entry in journal)])
    return Waiting(waits(halts, signs), {of: waits(several, done[of]) for of, several in single.items()}, begun)


_OVER = {*OVER, TargetState.UNKNOWN}


def worked(began: datetime | None, ended: datetime | None, spans: Iterable[Span]) -> float | None:
    """Seconds that were worked between two times; None where they aren't known."""
    if began is None or ended is None:
        return None
    return (ended - began).total_seconds() - waited(began, ended, spans)


def halted_of(began: datetime | None, ended: datetime | None, spans: Iterable[Span]) -> float:
    """Seconds between two times in which nothing was worked: it was waited for a person, or lay cut off."""
    return 0.0 if began is None or ended is None else waited(began, ended, spans)


def lay_of(began: datetime | None, ended: datetime | None, spans: Iterable[Span]) -> float:
    """Seconds between two times in which it lay cut off, until a person had it go on."""
    return halted_of(began, ended, [span for span in spans if span.cut_off])


def waiting_of(began: datetime | None, ended: datetime | None, spans: Iterable[Span]) -> float:
    """Seconds between two times in which it was waited for a person while the console was there."""
    several = tuple(spans)
    return halted_of(began, ended, several) - lay_of(began, ended, several)
