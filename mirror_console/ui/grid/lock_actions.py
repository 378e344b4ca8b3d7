"""What a person does about the lock of another console: watch whether it lives, and take it over where it is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from mirror_console.domain.cell import Cell
from mirror_console.domain.lock import Lock, Pulse
from mirror_console.domain.rollout import OVER, SUCCEEDED, Rollout, TargetState
from mirror_console.jobs import JobEvent, Jobs, Work
from mirror_console.operations import take_over as taking
from mirror_console.operations.console import Console
from mirror_console.operations.take_over import Found, Watched, standing_words
from mirror_console.ui.context import UiContext
from mirror_console.ui.notices import Notice, NoticeAction, Tone
from mirror_console.ui.questions import Question
from mirror_console.ui.words import tr

T = TypeVar("T")

KEY = "lock"
"""Of the notices that tell what was done about locks."""
_WELL = SUCCEEDED | {TargetState.PUT_BACK, TargetState.FAILED}
"""How an environment ends whose lock was taken over: finished, put back, or never touched."""


@dataclass(frozen=True, slots=True)
class LockOperations:
    """The operations behind it. Both take minutes, and belong in a job."""

    watch: Callable[[Console, str, Callable[[Lock, Pulse], None], Work], Watched] = taking.watch
    take_over: Callable[[Console, Jobs, Watched, str, Callable[[Rollout], None], Work], Rollout] = taking.take_over


class LockActions(QObject):
    """Acts on the environment that `cell` gives. `changed` says that `doing` has another answer for one."""

    changed = Signal()

    def __init__(
        self, context: UiContext, cell: Callable[[], Cell | None], operations: LockOperations | None = None
    ) -> None:
        super().__init__()
        self._context = context
        self._cell = cell
        self._operations = operations or LockOperations()
        self._doing: dict[str, str] = {}

    def doing(self, environment_id: str) -> str:
        """What is done about the lock of an environment now, in words; empty where nothing is."""
        return self._doing.get(environment_id, "")

    def refusal(self) -> str:
        """Why no lock can be taken over there now; empty where one can."""
        cell = self._cell()
        if self._context.console.read_only:
            return tr("read-only")
        if cell is None:
            return tr("no environment is chosen")
        if cell.environment.id in self._doing:
            return tr("it is being looked at")
        held = cell.observation is not None and cell.observation.lock is not None
        return "" if held else tr("no other console holds its lock")

    def take_over(self) -> None:
        """Watch whether its holder lives; where it doesn't, ask with what was seen, and take it over."""
        cell = self._cell()
        if cell is None or self.refusal():
            return
        watch, console, environment_id = self._operations.watch, self._context.console, cell.environment.id
        term = console.lock_times.term

        def work(work: Work) -> Watched:
            def report(_lock: Lock, pulse: Pulse) -> None:
                words = tr("Watches its heartbeat: still for {:.0f} of {:.0f} s").format(pulse.still, term)
                work.report(words, int(pulse.still), int(term))

            return watch(console, environment_id, report, work)

        self._say(environment_id, tr("Watches its heartbeat"))
        self._run(tr("Watch a lock"), environment_id, work, self._decide)

    def _decide(self, watched: Watched) -> None:
        context, words = self._context, standing_words(watched, self._context.now())
        if watched.found is not Found.STILL or watched.lock is None:
            context.check(None)
            tone = Tone.NOTE if watched.found is Found.ALIVE else Tone.DONE
            context.notices.tell(Notice(tone, words, key=KEY))
            return
        question = Question(
            tr("Take the lock of {} over?").format(watched.title),
            words
            + " "
            + tr(
                "Ask there first, where you can. What that console verified is finished, all else is put back; it may "
                "change nothing here any more. It takes about two minutes."
            ),
            tr("Take over"),
            reason=True,
        )
        answer = context.questions.ask(question)
        if answer.go:
            self._take(watched, answer.reason)

    def _take(self, watched: Watched, why: str) -> None:
        take_over, context = self._operations.take_over, self._context

        def work(work: Work) -> Rollout:
            def report(rollout: Rollout) -> None:
                (target,) = rollout.targets
                if target.words and target.state not in OVER:
                    work.report(tr("Takes it over: {}").format(target.words))

            return take_over(context.console, context.jobs, watched, why, report, work)

        self._say(watched.environment_id, tr("Takes it over"))
        self._run(
            tr("Take a lock over"), watched.environment_id, work, lambda rollout: self._tell(watched.title, rollout)
        )

    def _tell(self, title: str, rollout: Rollout) -> None:
        (target,) = rollout.targets
        self._context.check((target.planned.engine_id,))
        words = tr("The lock of {} was taken over; it is {}.").format(title, tr(target.state))
        show = NoticeAction(tr("Show"), lambda: self._context.go("rollouts", rollout_id=rollout.id))
        tone = Tone.DONE if target.state in _WELL else Tone.WARNING
        self._context.notices.tell(Notice(tone, words, target.words, KEY, actions=(show,)))

    def _run(self, title: str, environment_id: str, work: Callable[[Work], T], done: Callable[[T], None]) -> None:
        def ended(outcome: T) -> None:
            self._say(environment_id, "")
            done(outcome)

        def failed(error: Exception) -> None:
            self._say(environment_id, "")
            self._context.tell(error, KEY)

        def progress(event: JobEvent) -> None:
            self._say(environment_id, event.words)

        self._context.run(title, work, ended, failed, f"lock:{environment_id}", progress=progress, owner=self)

    def _say(self, environment_id: str, words: str) -> None:
        if words:
            self._doing[environment_id] = words
        else:
            self._doing.pop(environment_id, None)
        self.changed.emit()
