"""Schedule checks: whether a target may be changed now, by its hold, its maintenance windows and its freezes.

They are asked before a rollout starts, and again before the turn of each target: a window may have closed since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from mirror_console.domain.check import Answer, AnswerKey, Check, CheckResult
from mirror_console.domain.environment import Environment
from mirror_console.domain.longest_turn import LongestTurn, longest_turn
from mirror_console.domain.moment import day, moment
from mirror_console.domain.plan import Change, PlannedTarget
from mirror_console.domain.release_command import Preparation
from mirror_console.domain.rollout import Rollout, TargetState
from mirror_console.domain.schedule import Closed, Opening, Place, Schedule
from mirror_console.domain.way import Way
from mirror_console.operations.console import Console
from mirror_console.operations.due_commands import runs_commands
from mirror_console.operations.local_time import local
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.target_checks import said

CLOSES_SOON = timedelta(minutes=30)
"""Before a window closes: for so long it is said that not all may have its turn in it."""


def check_schedule(console: Console, targets: Sequence[PlannedTarget], way: Way) -> list[CheckResult]:
    """Three answers for each target, which is to be changed in this way. No engine is asked."""
    now = local(console.clock())
    with console.catalog.read() as books:
        schedule = books.schedule.all()
        accounts = {one.id: one.account for one in books.applications.all()} if schedule else {}
        placed = {one.id: one for one in books.environments.some([target.environment_id for target in targets])}
        turns = _Turns(books, way)
        results = []
        for target in targets:
            opening = schedule.opening(_place(target, accounts), now)
            results += [
                _hold(target, placed.get(target.environment_id), now),
                _window(target, opening, now, turns),
                _freeze(target, opening, now),
            ]
    return results


@dataclass(frozen=True, slots=True)
class _Turns:
    """How long turns may last: what was run already isn't counted, which is looked up only where it matters."""

    books: Books
    way: Way
    rollout_id: str = ""
    """Empty before it has begun."""
    _runs: dict[tuple[str, tuple[str, ...]], bool] = field(default_factory=dict)
    """Whether commands may be run yet, by their data and release: a whole group has the same."""

    def too_long(self, target: PlannedTarget, opening: Opening, now: datetime) -> LongestTurn | None:
        """How long a target's turn may last, where its window closes before that has passed; else None."""
        if opening.closed is not None or opening.until is None:
            return None
        most = longest_turn(target, self.way)
        if not opening.closes_within(now, most.seconds):
            return None
        if target.preparation is None or self._runs_commands(target, target.preparation):
            return most
        most = longest_turn(target, self.way, commands=False)
        return most if opening.closes_within(now, most.seconds) else None

    def _runs_commands(self, target: PlannedTarget, preparation: Preparation) -> bool:
        key = preparation.data, preparation.names
        if key not in self._runs:
            self._runs[key] = runs_commands(self.books, target, self.rollout_id)
        return self._runs[key]


def _place(target: PlannedTarget, accounts: Mapping[str, str]) -> Place:
    return Place(accounts.get(target.application_id, ""), target.application_id, target.environment)


def _hold(target: PlannedTarget, environment: Environment | None, now: datetime) -> CheckResult:
    hold = environment.hold if environment is not None else None
    if hold is None or not hold.active(now):
        return said(target, Check.HOLD, Answer.PASS, "It isn't held.")
    if target.change is Change.SETTINGS or hold.identity in {target.after_fingerprint, target.digest}:
        return said(target, Check.HOLD, Answer.PASS, f"It is held on what was planned: {hold.reason.rstrip('.')}.")
    until = f" until {day(hold.until, now)}" if hold.until else ""
    words = f"It is held on {hold.version or 'another image'}{until}: {hold.reason.rstrip('.')}."
    remedy = "Plan again, then it goes to what it is held on; or end the hold on the mirror's form."
    return replace(said(target, Check.HOLD, Answer.BLOCKED, words, remedy), ground=f"{hold.identity} {hold.reason}")


def _window(target: PlannedTarget, opening: Opening, now: datetime, turns: _Turns) -> CheckResult:
    if opening.is_outside(now):
        remedy = "Start it then; or change the window under Settings, or with 'mirror-console schedule'."
        frozen = opening.closed is Closed.FREEZE
        words = f"Outside its window ({opening.windows_words}), too." if frozen else _sentence(opening.words(now))
        return replace(said(target, Check.WINDOW, Answer.BLOCKED, words, remedy), ground=opening.windows_words)
    if opening.closed is Closed.FREEZE:
        return said(target, Check.WINDOW, Answer.PASS, "What matters is the freeze.")
    too_long = turns.too_long(target, opening, now)
    if too_long is not None:
        words = _sentence(_too_late(opening, now, too_long))
        remedy = "Start it in the next window, or with a shorter bake or shorter limits."
        return replace(said(target, Check.WINDOW, Answer.BLOCKED, words, remedy), ground=opening.windows_words)
    if opening.until is not None and opening.until - now <= CLOSES_SOON:
        words = f"It may be changed until {moment(opening.until, now)} only."
        return said(target, Check.WINDOW, Answer.WARNING, words, "What hasn't begun by then waits, and is not changed.")
    return said(target, Check.WINDOW, Answer.PASS, _sentence(opening.words(now)))


def _freeze(target: PlannedTarget, opening: Opening, now: datetime) -> CheckResult:
    if opening.closed is not Closed.FREEZE:
        return said(target, Check.FREEZE, Answer.PASS, "Nothing is frozen here.")
    who = ", ".join(dict.fromkeys(freeze.person for freeze in opening.freezes))
    remedy = f"Start it then, or ask {who}: freezes are under Settings, and in 'mirror-console schedule list'."
    answer = said(target, Check.FREEZE, Answer.BLOCKED, _sentence(opening.words(now)), remedy)
    return replace(answer, ground=opening.freezes_words)


def counted_then(console: Console, targets: Sequence[PlannedTarget]) -> dict[str, str]:
    """Which windows and freezes count for targets now, in words, by environment: for the report of a rollout."""
    now = local(console.clock())
    with console.catalog.read() as books:
        schedule = books.schedule.all()
        ids = {target.application_id for target in targets} if schedule else set()
        accounts = {one.id: one.account for one in books.applications.some(ids)}
    openings = {target.environment_id: schedule.opening(_place(target, accounts), now) for target in targets}
    return {one: opening.words(now) for one, opening in openings.items() if opening.windows or opening.freezes}


class Openings:
    """What may not be changed now of a rollout that is carried out."""

    def __init__(self, console: Console, rollout: Rollout) -> None:
        self._console = console
        self._ids = {target.planned.application_id for target in rollout.targets}
        self._accounts: dict[str, str] | None = None
        self.opens_at: datetime | None = None
        """When the first of those may be changed that may not be now; None where that isn't foreseen."""

    def closed(self, rollout: Rollout) -> dict[str, str]:
        """Of the targets that wait for their turn, those that may not be changed now, by environment, and why.

        What a person overrides keeps nobody waiting, as long as the same window or freeze would.
        """
        with self._console.catalog.read() as books:
            schedule = books.schedule.all()
            if not schedule:
                self.opens_at = None
                return {}
            if self._accounts is None:
                self._accounts = {one.id: one.account for one in books.applications.all() if one.id in self._ids}
            waiting = (target.planned for target in rollout.targets if target.state is TargetState.QUEUED)
            now = local(self._console.clock())
            overridden = {override.key for override in rollout.overrides}
            turns = _Turns(books, rollout.plan.way, rollout.id)
            found = list(_closed(schedule, waiting, self._accounts, now, overridden, turns))
        self.opens_at = min((until for _, _, until in found if until is not None), default=None)
        return {environment_id: words for environment_id, words, _ in found}


def _closed(
    schedule: Schedule,
    targets: Iterable[PlannedTarget],
    accounts: Mapping[str, str],
    now: datetime,
    overridden: Collection[AnswerKey],
    turns: _Turns,
) -> Iterable[tuple[str, str, datetime | None]]:
    """The environments that may not be changed now, why, and when they may again where that is foreseen."""
    openings: dict[Place, Opening] = {}
    for target in targets:
        place = _place(target, accounts)
        if place not in openings:
            openings[place] = schedule.opening(place, now)
        opening = openings[place]
        for check, ground, words in _closing(target, opening, now, turns):
            if (check, target.environment_id, Answer.BLOCKED, ground) not in overridden:
                # In spite of a freeze it is the window alone that is waited for.
                alone = opening.closed is Closed.FREEZE and check is Check.WINDOW
                until = replace(schedule, freezes=()).opening(place, now).until if alone else opening.until
                if opening.closed is None and opening.until is not None:
                    until = schedule.opening(place, opening.until).until
                yield target.environment_id, words, until
                break


def _closing(target: PlannedTarget, opening: Opening, now: datetime, turns: _Turns) -> Iterable[tuple[Check, str, str]]:
    """What closes an environment: the check that says so, what it rests on, and the words for whoever waits."""
    too_long = turns.too_long(target, opening, now)
    if too_long is not None:
        yield Check.WINDOW, opening.windows_words, f"{Closed.WINDOW}: {_too_late(opening, now, too_long)}"
    if opening.closed is Closed.FREEZE:
        yield Check.FREEZE, opening.freezes_words, f"{opening.closed}: {opening.words(now)}"
    if opening.is_outside(now):
        told = (
            opening.words(now) if opening.closed is Closed.WINDOW else f"outside its window ({opening.windows_words})"
        )
        yield Check.WINDOW, opening.windows_words, f"{Closed.WINDOW}: {told}"


def _too_late(opening: Opening, now: datetime, turn: LongestTurn) -> str:
    until = f" until {moment(opening.until, now)} only" if opening.until else ""
    return f"it may be changed{until}, and its turn may last up to {turn}"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
