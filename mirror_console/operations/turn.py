"""A target's turn: how each step is carried out, so that it can be cut off at any instant and understood afterwards.

Every step is written to the journal as an intent, guarded, called, looked at, and written as an outcome. What a step
did is what a look at the engine says, never what a reply said. A call without an answer is unknown until it was looked
at, and is not sent again before. That a step was done is written together with what comes next, before that is begun;
steps that come in one go are announced, and their intents written together before the first of them acts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from mirror_console.domain.engine import Engine
from mirror_console.domain.image import Image
from mirror_console.domain.journal import Result
from mirror_console.domain.late import UNANSWERED, Late, arrives_within
from mirror_console.domain.observation import Container
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.rollout import Target, TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.domain.swarm import SwarmService
from mirror_console.errors import EngineError
from mirror_console.operations.breaking_off import BEFORE_COMMIT, BrokenOff, never
from mirror_console.operations.console import Console
from mirror_console.operations.fetch import Halting, PutAside
from mirror_console.operations.heartbeat import Heartbeat
from mirror_console.operations.lines import Lines
from mirror_console.operations.looking import ImageLooks, Looking, Moment
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.step_outcomes import LockGone, OutcomeUnknown, StepFailed, Superseded
from mirror_console.operations.turn_lock import TurnLock

__all__ = ["ImageLooks", "OutcomeUnknown", "StepFailed", "Superseded", "Turn"]

LOOK_FOR = 30.0
"""Seconds for which a call without an answer is looked after before the target is called unknown."""
READ_LOCK_ANEW = frozenset(Step) - {
    Step.PULL,
    Step.PROVIDE,
    Step.CREATE,
    Step.START,
    Step.ARM,
    Step.VERIFY,
    Step.SHELVE,
    Step.NAME,
    Step.BAKE,
    Step.KEEP,
    Step.RETIRE,
}
"""Steps before which the lock is always read; before the others a young look at it counts."""
KEPT_WITH_NEXT_LINE = frozenset(
    {
        TargetState.FETCHING,
        TargetState.BACKING_UP,
        TargetState.RELEASING,
        TargetState.SWAPPING,
        TargetState.VERIFYING,
        TargetState.BAKING,
        TargetState.PUTTING_BACK,
    }
)
"""States between two steps: they are kept in one go with the next line of the journal."""


@dataclass(slots=True)
class Turn(Looking):
    """One target being worked on. Each change of it is kept in the catalog, and shown by `show` at once."""

    console: Console
    engine: Engine
    """As it is reached."""
    session: EngineSession
    rollout_id: str
    target: Target
    show: Callable[[Target], None]
    bake: float = 0.0
    """Seconds for which the new container is watched after it took over."""
    health_limit: float = 0.0
    """Seconds for which health is waited for; 0 for what the environment's settings say."""
    heart: Heartbeat | None = None
    """What shows others that the lock is held by somebody who lives."""
    halting: Callable[[], Halting] = lambda: Halting.NOT
    """Whether whoever waits is to go on waiting."""
    breaks_off: Callable[[], bool] = never
    """Whether the rollout was aborted: asked at every safe point."""
    ends: Callable[[], bool] = never
    """Whether the program ends: asked by whoever waits for what may take long."""
    images: dict[str, Image | None] = field(default_factory=dict)
    """What was read of images, by id: ids never change their meaning on one engine."""
    image_looks: ImageLooks = field(default_factory=dict)
    seen_running: dict[str, float] = field(default_factory=dict)
    """Since when a new container is seen to run, in monotonic seconds, by its id."""
    _down_since: float | None = None
    """Since when nothing serves, in monotonic seconds; None where something does, or nobody knows since when."""
    _served_again: bool = False
    """Whether it was down in this turn, and then served."""
    _looks: dict[str, tuple[Moment, Container]] = field(default_factory=dict)
    _moved: bool = False
    """Whether the target was moved to a state that isn't kept yet."""
    _companion: PlannedTarget | None = None
    """The process beside the one that serves whose steps are carried out now."""
    late: Late = field(default_factory=Late)
    """What may reach the engine yet: calls that were given up on, or in which an earlier run was cut off."""
    late_of_others: float = 0.0
    """Seconds for which calls of another console may arrive once all is done, where its lock was taken over."""
    past_commit: bool = False
    """Whether the one that serves took over for good: what is left for the others is gone through with."""
    service_before: SwarmService | None = None
    """Of a service of a Swarm: what it was right before this turn updated it; kept nowhere but here, with secrets."""
    _lines: Lines = field(init=False)
    lock: TurnLock = field(init=False)

    def __post_init__(self) -> None:
        self.lock = TurnLock(self)
        self._lines = Lines(self.rollout_id, self.planned, self.console.clock)

    @property
    def planned(self) -> PlannedTarget:
        """What was planned for it; while a companion's steps are carried out, for that one."""
        return self._companion or self.target.planned

    @property
    def of_companion(self) -> bool:
        """Whether the steps are those of a process beside the one that serves."""
        return self._companion is not None

    @property
    def has_companions(self) -> bool:
        """Whether other processes are replaced in this turn, or go in it."""
        return bool(self.target.planned.companions)

    @contextmanager
    def of(self, companion: PlannedTarget) -> Iterator[None]:
        """Meanwhile its steps are those of another process of the environment, under the same lock.

        The journal has them under its name. What is wrong with one is said with it.
        """
        self._lines.pass_over()
        self._companion, self._lines.process = companion, companion.process
        try:
            yield
        except StepFailed as failed:
            raise StepFailed(failed.step, f"{companion.process}: {failed.words}", failed.kind) from failed
        finally:
            self._companion, self._lines.process = None, self.target.planned.process

    def become(
        self,
        state: TargetState,
        words: str = "",
        *,
        note: Callable[[Books], None] | None = None,
        **changes: object,
    ) -> None:
        """Move the target to a state and show it.

        Its end is kept at once, in one go with the rest of the journal, and with what `note` has to say.
        """
        self.target = replace(self.target, state=state, words=words, **changes)  # type: ignore[arg-type]
        self._moved = True
        if state not in KEPT_WITH_NEXT_LINE:
            self._lines.pass_over()
            self.keep(note)
        self.show(self.target)

    def keep(self, note: Callable[[Books], None] | None = None) -> None:
        """Write what isn't written yet: lines of the journal, where the target stands, and what `note` has to say."""
        if not self._lines.unwritten and not self._moved:
            return
        with self.console.catalog.write() as books:
            if self._lines.unwritten:
                books.journal.append(*self._lines.unwritten)
            if self._moved:
                books.rollouts.save_target(self.rollout_id, self.target)
            if note is not None:
                note(books)
        self._lines.unwritten.clear()
        self._moved = False

    def step(
        self,
        step: Step,
        act: Callable[[], object],
        done: Callable[[], str | None],
        *,
        objects: Mapping[str, str] | None = None,
        guarded: bool = True,
        words: Callable[[], str] = lambda: "",
    ) -> None:
        """Carry out one step. `done` looks at the engine: None where the step is done, else what is wrong, in words.

        `words` are asked for what there is to say of a step that was done.
        Raises StepFailed, OutcomeUnknown, Superseded or BrokenOff; PutAside where `act` does.
        """
        mark = self.console.mark
        mark(f"{step.name}:before")
        self.demand_going_on(step)
        self._begin(step, objects)
        mark(f"{step.name}:intent")
        refusal: EngineError | None = None
        try:
            if guarded:
                self.demand_lock(anew=step in READ_LOCK_ANEW)
            act()
        except EngineError as error:
            refusal = error
        except Superseded:
            self._lines.give_up()
            raise
        except LockGone as gone:
            self._end(step, Result.FAILED, gone.words, objects)
            raise OutcomeUnknown(step, gone.words) from gone
        except PutAside as aside:
            self._end(step, Result.FAILED, aside.words, objects)
            raise
        mark(f"{step.name}:sent")
        try:
            wrong = self._look(step, done, refusal)
        except BrokenOff as off:
            self._end(step, Result.FAILED, off.words, objects)
            raise
        if wrong is None:
            self._end(step, Result.OK, words(), objects)
            mark(f"{step.name}:outcome")
            return
        unanswered = refusal is not None and refusal.outcome_unknown
        if unanswered:
            self.late = self.late.expecting({step}, self.console.monotonic() + self.grace)
        why = _told(refusal) if refusal and not unanswered else wrong
        self._end(step, Result.FAILED, why + UNANSWERED if unanswered else why, objects)
        raise StepFailed(step, why, refusal.kind if refusal is not None else None)

    def _look(self, step: Step, done: Callable[[], str | None], refusal: EngineError | None) -> str | None:
        """Ask whether a step is done. After a call without an answer keep asking: it may still be on its way."""
        patient = refusal is not None and refusal.outcome_unknown
        until = self.console.monotonic() + LOOK_FOR
        pause = 0.1
        while True:
            began = self.console.monotonic()
            try:
                wrong = done()
            except EngineError as error:
                # A look such as the wait for health may last for minutes: patience begins with the first that fails.
                until = max(until, began + LOOK_FOR) if pause == 0.1 else until
                if not error.outcome_unknown and not error.unreachable:
                    return _told(error)
                if self.console.monotonic() >= until:
                    words = f"Contact was lost during '{step}': {error.title}"
                    self._end(step, Result.UNKNOWN, words)
                    raise OutcomeUnknown(step, words) from error
            else:
                if wrong is None or not patient or self.console.monotonic() >= until:
                    return wrong
            self.keep()
            self.console.sleep(pause)
            pause = min(2.0, pause * 1.5)

    @property
    def grace(self) -> float:
        """Seconds for which a call may be on its way to the engine after it was decided."""
        return arrives_within(self.target.planned, self.console.lock_times)

    def demand_going_on(self, step: Step) -> None:
        """Raises BrokenOff at a safe point before the commit point, once the rollout was aborted."""
        if step in BEFORE_COMMIT and not self.past_commit and self.breaks_off():
            self._lines.give_up()
            raise BrokenOff(step)

    def announce(self, steps: Mapping[Step, Mapping[str, str]]) -> None:
        """Write down the steps that come next, with the containers that each concerns, before the first of them acts.

        One commit for all: for steps that follow each other without anything to decide or to wait for in between. What
        was announced with steps before it isn't written twice.
        """
        if self._lines.announces(steps):
            return
        self._lines.announce(self.target.attempt, steps)
        self.target = replace(self.target, step=next(iter(steps)))
        self.keep()

    def give_up(self) -> None:
        """What was announced and isn't begun isn't begun any more: what comes now puts back."""
        self._lines.give_up()

    def _begin(self, step: Step, objects: Mapping[str, str] | None) -> None:
        """Write that a step begins. What can't be written may not be done: an error here ends the turn.

        That it is verified, which changes nothing, waits until something has to be waited for.
        """
        unwritten = self._lines.begin(step, self.target.attempt, objects)
        self.target = replace(self.target, step=step)
        if unwritten and step is not Step.VERIFY:
            self.keep()

    def _end(self, step: Step, result: Result, words: str = "", objects: Mapping[str, str] | None = None) -> None:
        """Write what came of a step.

        That it was done waits for the next intent, or for the end of the turn, and is written in one go with it: cut
        off in between, the step is one whose call was sent, and is looked at.
        """
        self._lines.end(step, self.target.attempt, result, words, objects)
        if result is not Result.OK:
            self.keep()

    # --- how long it is down ------------------------------------------------------------------------------------

    # From the stop of what served until the first look that found well what serves then. Where nothing but that it runs
    # can be known of a container, it serves as soon as it runs. Since when it is down is kept with the line that says
    # that the old one is stopped: whoever goes on with it later, in another process too, counts on from there.

    @property
    def is_down(self) -> bool:
        """Whether nothing serves, as far as this turn knows."""
        return self._down_since is not None

    def counts_on(self, *, down: bool, held: bool) -> None:
        """Go on from an earlier turn. `down` is whether a look finds nothing that runs, `held` whether it was known to
        be ill and was held as it stood until a person decided: then it was down all the time, by this computer's clock.

        Else something may have served unseen: nobody knows for how long it was down, and no shorter span is told.
        """
        now, since = self.console.clock(), self.target.down_since
        if since is not None and since <= now and (down or held):
            self._down_since = self.console.monotonic() - (now - since).total_seconds()
        elif since is None and down and (self.target.verified_by or self.target.down_seconds is not None):
            # What had served fell when nobody looked.
            self.target = replace(self.target, down_since=now)
            self._moved = True

    def goes_down(self) -> None:
        """From here on nothing serves, unless nothing did before. What had no container before doesn't go down."""
        if self.target.down_since is None and self._companion is None and self.planned.swap is not Swap.CREATE:
            self._down_since = self.console.monotonic()
            self.target = replace(self.target, down_since=self.console.clock())
            self._moved = True

    def goes_down_again(self) -> None:
        """What took over is ill, or is put out of service. Of what wasn't down before nobody knows since when."""
        if self._served_again or (self.target.verified_by and self.target.down_seconds is not None):
            self.goes_down()

    def serves_again(self) -> None:
        """A container serves again: the new one, or the old one that was put back. The longest span counts."""
        if self._down_since is not None and self._companion is None:
            down = max(self.console.monotonic() - self._down_since, self.target.down_seconds or 0.0)
            self._down_since, self._served_again = None, True
            self.target = replace(self.target, down_seconds=down, down_since=None)
            self._moved = True

    def never_went_down(self) -> None:
        """It was to be stopped, and a look proves that it never was."""
        if self.target.down_since is not None and self._companion is None:
            self._down_since = None
            self.target = replace(self.target, down_since=None)
            self._moved = True

    # --- the lock -------------------------------------------------------------------------------------------------

    @property
    def lock_id(self) -> str:
        """The id of the lock that is held; empty where none is."""
        return self.lock.id

    def take_lock(self, image_id: str, about: Mapping[str, str]) -> None:
        """Take the environment's lock on its engine; see TurnLock.take."""
        self.lock.take(image_id, about)

    def demand_lock(self, *, anew: bool = True) -> None:
        """Look whether the lock still is ours; see TurnLock.demand."""
        self.lock.demand(anew=anew)

    def release_lock(self) -> None:
        """Remove the lock; see TurnLock.release."""
        self.lock.release()

    def let_go(self) -> str:
        """Remove the lock, where it is held, once all else is settled; what stays behind, in words to add to others."""
        try:
            if self.lock_id:
                self.release_lock()
        except (StepFailed, OutcomeUnknown, EngineError) as left_over:
            return f"; the lock was left behind: {left_over}"
        return ""


def _told(error: EngineError) -> str:
    """An engine's refusal in words, its own where they say more."""
    return error.title if error.detail in error.title else f"{error.title} {error.detail}"
