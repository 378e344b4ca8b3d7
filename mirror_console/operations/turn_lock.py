"""The lock of a turn: taken before anything is changed, looked at before each change, let go at the end.

It is a never-started container, made from an image that is there: its name can exist only once on an engine. By its id
it is told from any other that comes to have the name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from mirror_console.domain.environment import Settings
from mirror_console.domain.lock import Pulse, felt
from mirror_console.domain.observation import LABEL, Container, Listed
from mirror_console.domain.request import ContainerSpec
from mirror_console.domain.steps import Step
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.fetch import Halting, PutAside
from mirror_console.operations.local_time import local
from mirror_console.operations.scene import (
    is_left_over,
    lock_labels,
    lock_name,
    lock_on,
    made_by,
    told_by_lock,
)
from mirror_console.operations.step_outcomes import LockGone, StepFailed, Superseded

if TYPE_CHECKING:
    from mirror_console.operations.turn import Turn

FIRST_PAUSE = 0.5
"""Seconds until a lock that another console holds is tried for again; then longer and longer."""


class TurnLock:
    """The lock on the environment of one turn. `id` is empty while it isn't held."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self.name = lock_name(turn.target.planned.container)
        self._read: tuple[float, datetime] | None = None
        self._retake: Callable[[], None] | None = None
        self.id = ""
        self.about: Mapping[str, str] = {}
        """What it tells of how the old containers were, as labels."""
        self.seen_with_it: Listed | None = None
        """The container that is to be replaced, as it was when the lock was seen to be held; None where it was gone."""

    def take(self, image_id: str, about: Mapping[str, str], *, instead_of: str = "") -> None:
        """Take it. One that another console holds is waited for. Raises StepFailed, naming the holder, and PutAside.

        `about` says how the old container was, as labels. `instead_of` is the id of a lock that goes for it: of those
        who take the same one over, one wins.
        """
        turn, self.about = self._turn, told_by_lock(about)
        labels = lock_labels(turn.console, turn.target.planned, turn.rollout_id, about)
        spec = ContainerSpec(self.name, image_id, Settings(), labels=labels)
        pulses: list[Pulse] = []
        made: list[str] = []

        def act() -> None:
            if instead_of:
                turn.session.remove(instead_of)
                made.append(turn.session.create(spec))
            else:
                made.append(self._create(spec, pulses))

        def done() -> str | None:
            at = turn.moment()
            held = self._look_with_old(made[-1] if made else "") or turn.session.inspect(self.name)
            if held is None:
                return "the lock could not be made"
            if not self._is_mine(held):
                return self._held_words(held, pulses[-1] if pulses else None)
            self._hold(held, at)
            return None

        # In the journal, too: somebody may prune it while the console is cut off.
        objects = {name.removeprefix(LABEL): value for name, value in self.about.items()}
        turn.step(Step.LOCK, act, done, guarded=False, objects=objects | ({"lock": instead_of} if instead_of else {}))
        self._retake = lambda: self.take(image_id, about)

    def _look_with_old(self, made: str) -> Listed | None:
        """Look at the lock that was `made`, and in the same request at what is to be replaced."""
        old = self._turn.target.planned.before_container_id
        seen = self._turn.look_together(made, old) if made else {}
        self.seen_with_it = seen.get(old)
        found = seen.get(made)
        return found if found is not None and found.name == self.name else None

    def _create(self, spec: ContainerSpec, pulses: list[Pulse]) -> str:
        """Make it, as soon as nobody else has it, and return its id; nothing where it isn't to be had, or was there.

        Notes what the holder's pulse is.

        With a heart that stands still, or once it was waited for long enough, it is for a person to decide.
        """
        turn, times = self._turn, self._turn.console.lock_times
        until = turn.console.monotonic() + times.wait
        pause = FIRST_PAUSE
        while True:
            try:
                return turn.session.create(spec)
            except EngineError as error:
                if error.kind is not FailureKind.CONFLICT:
                    raise
            held = turn.session.inspect(self.name)
            if held is not None:
                if self._is_mine(held):
                    return ""
                if is_left_over(turn.console, held.labels):
                    turn.session.remove(held.id)
                    continue
                lock = lock_on(held, turn.target.planned.container)
                pulse = felt(pulses[-1] if pulses else None, lock, turn.console.monotonic(), times)
                pulses.append(pulse)
                if pulse.stale(times):
                    return ""
                if turn.target.words != (words := f"waits for {lock.holder}, who holds the lock"):
                    turn.become(turn.target.state, words)
            if turn.console.monotonic() >= until:
                return ""
            if turn.halting() is not Halting.NOT:
                raise PutAside("the rollout was halted while another console held the lock")
            turn.keep()
            turn.console.sleep(pause)
            # No longer than what still counts as watching its heartbeat without a gap.
            pause = min(times.blind / 3, pause * 1.5)

    def _held_words(self, held: Container | Listed, pulse: Pulse | None) -> str:
        """Whose lock it is; of one that stands still, what a person can do."""
        turn = self._turn
        words = lock_on(held, turn.target.planned.container).words(local(turn.console.clock()))
        if pulse is not None and pulse.lock_id == held.id and pulse.stale(turn.console.lock_times):
            words += (
                f", and its heartbeat has stood still for {pulse.still:.0f} s: take it over if that console is gone"
            )
        return words

    def adopt(self, held: Container) -> bool:
        """Go on with a lock that an earlier run of this console left for this rollout. False where it isn't such."""
        labels, turn = held.labels, self._turn
        if not self._is_mine(held):
            return False
        self._hold(held, None)
        self.about = told_by_lock(labels)
        if turn.heart is not None:
            # Who watches it stand still since that run ended sees at once that it is held again.
            turn.heart.beat(held.id)
        # Pruned while it is gone on with, it is taken again, with what it told of the old container.
        self._retake = lambda: self.take(held.image_id, labels)
        return True

    def _hold(self, held: Container | Listed, read: tuple[float, datetime] | None) -> None:
        self.id, self._read = held.id, read
        if self._turn.heart is not None:
            # One that was only listed was made just now: it hasn't beaten yet.
            beat = held.restart_retries if isinstance(held, Container) else 0
            self._turn.heart.hold(held.id, self._turn.engine.id, self._turn.session, beat)

    def _is_mine(self, held: Container | Listed) -> bool:
        """Whether it is this rollout's: of this run, or of an earlier one, whose call may have arrived late."""
        labels, turn = held.labels, self._turn
        return (labels.get(LABEL + "catalog"), labels.get(LABEL + "rollout")) == (
            turn.console.catalog.id,
            turn.rollout_id,
        )

    def demand(self, *, anew: bool = True) -> None:
        """Look whether it still is ours; one that was pruned is taken again. Raises Superseded where it isn't.

        Unless it is to be read `anew`, a young look at it counts. Raises LockGone where somebody may have had it.
        """
        if not anew and self._turn.is_young(self._read):
            return
        at, self._read = self._turn.moment(), None
        held = self._turn.session.inspect(self.name)
        if held is not None and held.id == self.id:
            self._read = at
        elif held is None and self._retake is not None:
            self._take_again(self._retake)
        else:
            holder = lock_on(held, self._turn.target.planned.container).holder if held else "Nobody"
            raise Superseded(f"{holder} holds the lock now, not this rollout. Nothing more was changed here.")

    def seen_at(self, at: tuple[float, datetime], listed: Listed | None) -> None:
        """Note that it was looked at together with containers. Where it isn't as it should be, it is read anew."""
        self._read = at if listed is not None and (listed.id, listed.name) == (self.id, self.name) else None

    def _take_again(self, retake: Callable[[], None]) -> None:
        """Take it anew: somebody removed it who doesn't know what it is, or took it over and has let it go since.

        Nobody may take over what beat within the term. One that was silent for longer may have been taken over, and
        then what is there is another than this turn believes.
        """
        turn, self._retake = self._turn, None
        silent = turn.heart.silent_for(self.id) if turn.heart is not None else None
        if silent is not None and silent > turn.console.lock_times.term:
            self._forget()
            raise LockGone(
                f"The lock is gone, and for {silent:.0f} s this console gave no sign of life: somebody may have worked "
                "here meanwhile"
            )
        self._forget()
        retake()
        named = turn.session.inspect(turn.target.planned.container)
        mine = named is None or named.id == turn.target.planned.before_container_id
        if named is not None and not mine and not made_by(named, turn.target.planned, turn.rollout_id):
            self.release()
            raise Superseded(
                f"'{named.name}' is another container now: somebody worked here while the lock was gone. "
                "Nothing more was changed here."
            )

    def release(self) -> None:
        """Remove it, by id. One that can't be removed stays behind, and any console can see it.

        A call that was lost on its way is sent once more, after a look that says so.
        """
        lock_id, turn = self.id, self._turn

        def done() -> str | None:
            held = turn.session.inspect(self.name)
            return None if held is None or held.id != lock_id else "the lock is still there"

        def let_go() -> None:
            turn.step(Step.UNLOCK, lambda: turn.session.remove(lock_id), done, objects={"lock": lock_id}, guarded=False)

        try:
            let_go()
        except StepFailed:
            let_go()
        self._forget()

    def _forget(self) -> None:
        if self._turn.heart is not None:
            self._turn.heart.let_go(self.id)
        self.id, self._read = "", None
