"""Well again: whether the old container that was put back answers, looked at before it is told that it serves.

A start that an engine calls done says nothing of that: what broke the new container, as a database or a full disk, may
have broken the old one too. Looking changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mirror_console.domain.environment import HealthTest
from mirror_console.domain.health import Judged, Verdict, is_tested
from mirror_console.domain.observation import Container
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.operations.containers import LOOK_EVERY, answer_of, judge_now
from mirror_console.operations.late_calls import rest
from mirror_console.operations.scene import ILL_BEFORE, old_ran, old_started, old_was_ill
from mirror_console.operations.turn import StepFailed, Turn

RUNS_BUT = "The old container runs again, but isn't well: "
AS_BEFORE = "The old container runs again, and isn't well, as it wasn't before: "
FELL_LATELY = 60.0
"""Seconds. An engine lets pass no more than as many until it starts again what keeps falling. Source: moby's restart
manager, whose pause doubles up to a minute."""
REMOVED = "The old container was removed by somebody"


@dataclass(frozen=True, slots=True)
class WellAgain:
    """What came of looking: `words` are empty where the old container is well, or never stopped serving."""

    words: str = ""
    stranded: bool = False
    """Whether it was well before the rollout came, and isn't now."""


def ill_before(turn: Turn, old: Container) -> Mapping[str, str]:
    """What a lock tells of an old container that isn't well already, before anything is changed; else nothing.

    It falls again and again, or doesn't answer. What its own check says is known from the look at it.
    """
    test = _test_of(turn)
    if old.running and _keeps_falling(turn, old):
        return ILL_BEFORE
    if not old.running or is_tested(HealthTest(), old) or not test.path:
        return {}
    answer = answer_of(turn, old, test)
    well = answer is not None and answer.status is not None and test.answers_from <= answer.status <= test.answers_to
    return {} if well else ILL_BEFORE


def _keeps_falling(turn: Turn, old: Container) -> bool:
    """Whether its engine had to start it again, and did so just now: it runs between two falls."""
    if not old.restart_count or old.started_at is None:
        return False
    return 0 <= (turn.console.clock() - old.started_at).total_seconds() < FELL_LATELY


def note_started(turn: Turn, old_id: str, labels: Mapping[str, str]) -> None:
    """The old container was started: where no look can tell more of it, or it wasn't well before, it serves again."""
    seen = turn.last_look(old_id)
    if seen is None or old_was_ill(labels) or not is_tested(_test_of(turn), seen):
        turn.serves_again()


def look_once(turn: Turn, old_id: str) -> None:
    """Look whether the old container is well by now, and if so, note that it serves again."""
    seen = turn.inspect(old_id) if turn.is_down else None
    if seen is not None and judge_now(turn, seen, seen, _test_of(turn), "old").verdict is Verdict.WELL:
        turn.serves_again()


def await_well(turn: Turn, before: Container, labels: Mapping[str, str]) -> WellAgain:
    """Wait until the old container is well, as it was waited for the new one. `before` is how it was found.

    Only where it was stopped and started again: what never stopped serving, or didn't run, isn't waited for. However
    little time the rollout gave the new one, it has what its settings say. What wasn't well before is looked at once:
    nobody waits for what is not to be expected. Raises Stopped where the program ends.
    """
    first = turn.inspect(before.id)
    if not old_ran(labels):
        return WellAgain()
    if first is None:
        return WellAgain(REMOVED, stranded=True)
    if before.running and _stayed_up(labels, first):
        if old_started(labels):
            turn.never_went_down()
        return WellAgain()
    test, ill = _test_of(turn), old_was_ill(labels)
    limit = max(turn.health_limit, test.limit)
    until = turn.console.monotonic() + limit
    last: list[Judged] = []

    def well() -> str | None:
        seen: Container | None = first
        while True:
            judged = judge_now(turn, first, seen, test, "old")
            last.append(judged)
            if judged.verdict is Verdict.WELL:
                turn.serves_again()
                return None
            if judged.verdict is Verdict.ILL or ill:
                return judged.words
            if turn.console.monotonic() >= until:
                return f"not well after {limit:g} s: {judged.words}"
            if judged.words != turn.target.words:
                turn.become(TargetState.PUTTING_BACK, judged.words)
            rest(turn, LOOK_EVERY)
            seen = turn.inspect(first.id)

    try:
        # Without a look at the lock: nothing is changed.
        turn.step(
            Step.VERIFY_OLD,
            lambda: None,
            well,
            objects={"old": first.id},
            guarded=False,
            words=lambda: last[-1].words,
        )
    except StepFailed as failed:
        return WellAgain((AS_BEFORE if ill else RUNS_BUT) + failed.words, stranded=not ill)
    return WellAgain()


def _stayed_up(labels: Mapping[str, str], now: Container) -> bool:
    """Whether it runs as it did. Where nobody has recorded since when it ran, what was found running counts as such."""
    since = old_started(labels)
    return not since or (now.started_at is not None and now.started_at.isoformat() == since)


def _test_of(turn: Turn) -> HealthTest:
    """By what the old container is judged: by the test of the settings that it was made from."""
    return (turn.planned.before_settings or turn.planned.settings).health
