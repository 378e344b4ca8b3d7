"""Lines: what a turn has to write in the journal, step by step, or for several steps that come in one go.

Steps with nothing to decide in between are announced: their intents are written in one commit, before the first acts.
Whatever becomes of them, each intent gets its outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from mirror_console.domain.journal import JournalEntry, Phase, Result
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.steps import Step

YOUNG = 5.0
"""Seconds after which a step that was announced isn't taken any more for one that was begun with its announcement."""
NOT_LEFT = "there was nothing left to do"
NOT_BEGUN = "not begun"


class Lines:
    """The lines of one turn. `unwritten` are those that aren't in the journal yet."""

    def __init__(self, rollout_id: str, planned: PlannedTarget, clock: Callable[[], datetime]) -> None:
        self._rollout_id = rollout_id
        self._planned = planned
        self.process = planned.process
        """Whose steps are carried out."""
        self._clock = clock
        self._announced: dict[Step, JournalEntry] = {}
        """The intents that are there of steps that aren't begun."""
        self.unwritten: list[JournalEntry] = []

    def announce(self, attempt: int, steps: Mapping[Step, Mapping[str, str]]) -> None:
        """Several steps come next, in this order, each with the ids of the containers that it concerns.

        Their lines have one time, by which whoever reads them knows that they were written together.
        """
        self.pass_over()
        at = self._clock()
        for step, objects in steps.items():
            self._announced[step] = self._add(step, attempt, Phase.INTENT, at, objects=objects)

    def announces(self, steps: Collection[Step]) -> bool:
        """Whether the intents of all these are there, and none of them is begun."""
        return set(steps) <= self._announced.keys()

    def begin(self, step: Step, attempt: int, objects: Mapping[str, str] | None) -> bool:
        """A step begins: whether that has to be written before it acts.

        Its intent may be there, as it was announced; those that were announced before it had nothing to do. Where that
        is a while ago, how far it got is written: the last line tells since when a call may be on its way. Announced
        for another container, as for a lock that was pruned since, it is another intent.
        """
        announced = self._announced.get(step)
        if announced is not None:
            coming = list(self._announced)
            self._close(coming[: coming.index(step)], Result.OK, NOT_LEFT)
            if objects and announced.objects and announced.objects != objects:
                self._close([step], Result.FAILED, NOT_BEGUN)
                announced = None
            else:
                del self._announced[step]
        if announced is None:
            self._add(step, attempt, Phase.INTENT, self._clock(), objects=objects)
            return True
        return abs((self._clock() - announced.at).total_seconds()) > YOUNG

    def end(
        self, step: Step, attempt: int, result: Result, words: str = "", objects: Mapping[str, str] | None = None
    ) -> None:
        """A step was looked at. Where it isn't done, what was announced after it isn't begun."""
        self._add(step, attempt, Phase.OUTCOME, self._clock(), result, words, objects)
        if result is not Result.OK:
            self.give_up()

    def taken(self) -> list[JournalEntry]:
        """The lines that aren't in the journal yet, for whoever writes them now."""
        lines, self.unwritten = self.unwritten, []
        return lines

    def pass_over(self) -> None:
        """What was announced and isn't begun had nothing to do."""
        self._close(list(self._announced), Result.OK, NOT_LEFT)

    def give_up(self) -> None:
        """Nothing of what was announced is begun any more."""
        self._close(list(self._announced), Result.FAILED, NOT_BEGUN)

    def _close(self, steps: list[Step], result: Result, words: str) -> None:
        for step in steps:
            self._add(step, self._announced.pop(step).attempt, Phase.OUTCOME, self._clock(), result, words)

    def _add(
        self,
        step: Step,
        attempt: int,
        phase: Phase,
        at: datetime,
        result: Result | None = None,
        words: str = "",
        objects: Mapping[str, str] | None = None,
    ) -> JournalEntry:
        entry = JournalEntry(
            rollout_id=self._rollout_id,
            environment_id=self._planned.environment_id,
            process=self.process,
            attempt=attempt,
            step=step,
            phase=phase,
            at=at,
            result=result,
            objects=dict(objects) if objects else None,
            words=words,
        )
        self.unwritten.append(entry)
        return entry
