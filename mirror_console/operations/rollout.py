"""Rollout: carry one out, wave by wave, under its caps and its stop rule."""

from __future__ import annotations

import logging
import queue
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto

from mirror_console.domain.check import Check
from mirror_console.domain.moment import moment
from mirror_console.domain.recovery import NOT_LOCKED
from mirror_console.domain.rollout import (
    ENDED,
    SUCCEEDED,
    WORKING,
    Rollout,
    RolloutState,
    Target,
    TargetState,
    end_state,
)
from mirror_console.domain.stop_rule import (
    Tripped,
    rolls_back,
    stopped_words,
    trip_at_end,
    trip_of,
    tripped,
    tripped_words,
    with_trip,
)
from mirror_console.domain.trip import Came, open_trip, trip_words, with_last
from mirror_console.domain.undecided import halted_words, not_put_back_words
from mirror_console.domain.what_next import Begin, Complete, Halt, Wait, decide, none_failed_again, waits_words
from mirror_console.errors import CatalogError, ConsoleError
from mirror_console.jobs import Jobs, Work
from mirror_console.operations.console import Console
from mirror_console.operations.deciding import Decision, settle_undecided
from mirror_console.operations.fetch import Halting
from mirror_console.operations.fetching import Fetcher
from mirror_console.operations.first_fetch import fetch_first, is_due
from mirror_console.operations.giving import Giver
from mirror_console.operations.heartbeat import Heartbeat
from mirror_console.operations.local_time import local
from mirror_console.operations.recheck import blocking_words, recheck
from mirror_console.operations.ruled_rollback import roll_back_as_ruled
from mirror_console.operations.running import Running
from mirror_console.operations.schedule_checks import Openings
from mirror_console.operations.taking_turns import take_turn
from mirror_console.operations.trips import note_halted, stop_by_rule
from mirror_console.operations.turn import ImageLooks
from mirror_console.operations.wishing import LOOK_FOR_WISHES, Heeded, Wish

LOST = "Contact was lost in mid-step."
NOT_FINISHED = "A step could not be finished; what serves goes on serving."
UNLOCKED = "A lock could not be taken again: nothing was changed there, and what was cut off may be down."

logger = logging.getLogger(__name__)


class Conductor:
    """Carries a running rollout out until it ends or pauses. One conductor for one rollout at a time.

    `report` is called with the whole rollout after each change, on the thread where it happened.
    """

    def __init__(
        self, console: Console, jobs: Jobs, rollout: Rollout, report: Callable[[Rollout], None] = lambda _rollout: None
    ) -> None:
        self._console = console
        self._jobs = jobs
        self._running = Running(console, rollout, report)
        self._news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        self._in_flight = 0
        self._checked_waves: set[int] = set()
        self._pause_because = ""
        self._stopping = False
        self._puts_no_more_back = False
        self._not_put_back = ""
        """What a stop could not put back, and how that is brought on."""
        self._aborting: tuple[str, ...] | None = None
        """The targets that were in flight when it was aborted."""
        self._could_hold_back = False
        """Whether something was left then that wasn't begun, or waited for a decision."""
        self._cut_off = False
        self._rules = False
        """Whether it was stopped by its stop rule, which asks for a rollback."""
        self._openings = Openings(console, rollout)
        self._waits = ""
        """What it says while it waits for a window to open."""
        self._broken: ConsoleError | None = None
        self._followed_by: Rollout | None = None
        self._image_looks: defaultdict[str, ImageLooks] = defaultdict(dict)
        self._heart = Heartbeat(console, jobs, rollout.plan.engine_ids)
        self._wishes = Heeded(console, rollout.id)
        self._fetcher = Fetcher(console, rollout.plan.way, self._how_halting, relay=Giver(console, jobs, rollout.id))

    @property
    def rollout(self) -> Rollout:
        """How it stands now."""
        return self._running.rollout

    @property
    def followed_by(self) -> Rollout | None:
        """The rollback that its stop rule asked for, once it is begun: to be carried out by a conductor of its own."""
        return self._followed_by

    @property
    def halting(self) -> bool:
        """Whether nothing more is begun, though targets may still be in flight."""
        return bool(self._pause_because or self._stopping or self._broken)

    def pause(self, because: str = "") -> None:
        """Begin nothing more; what is in flight is finished."""
        self._pause_because = because or f"Paused by {self._console.person}."
        self._news.put(_News.ASKED)

    def stop(self) -> None:
        """Begin nothing more, finish what is in flight, and leave the rest as it is."""
        self._stopping = True
        self._news.put(_News.ASKED)

    def abort(self) -> None:
        """Begin nothing more, and end what is in flight at its next safe point: put back what isn't committed yet."""
        if self._aborting is None:
            now = self.rollout
            self._could_hold_back = now.count(TargetState.QUEUED, TargetState.UNDECIDED) > 0
            self._aborting = tuple(one.environment_id for one in now.targets if one.state in WORKING)
        self.stop()

    def put_no_more_back(self) -> None:
        """Halt a stop while it puts back what waits for a decision: what is in the middle is put back, and no more.

        Where that was all, the rollout ends as it was to. Else it is paused, and the rest waits for a decision still.
        """
        self._puts_no_more_back = True

    def heed(self, wish: Wish) -> None:
        """Do what a command of this person wished, that could not do it itself while this console has the catalog."""
        match wish:
            case Wish.PAUSE:
                self.pause()
            case Wish.STOP:
                self.stop()
            case Wish.ABORT:
                self.abort()

    def run(self, work: Work | None = None) -> Rollout:
        """Work until the rollout ends or pauses; a cancelled `work` leaves it as it is, to be recovered.

        Raises CatalogError where the journal can't be written any more.
        """
        with nullcontext() if work is None else work.closing(self._end_of_program), self._heart:
            ended = self._run()
            return self._rolled_back_as_ruled() if self._rules else ended

    def _run(self) -> Rollout:
        if is_due(self.rollout):
            self._fetch_first()
        while not self._cut_off:
            if not self.halting and (ended := self._next()) is not None:
                return ended
            if self.halting and not self._in_flight:
                return self._halted()
            match self._heard():
                case _News.OVER:
                    self._in_flight -= 1
                case _News.CUT_OFF | _News.ASKED | None:
                    pass
        if self._waits and not self._in_flight:
            # Nothing is in between: whoever starts the program again has nothing to recover.
            return self._paused(f"The program ended. {self._waits}")
        return self.rollout

    def _next(self) -> Rollout | None:
        """Do what comes next; the rollout where it has ended or pauses, None where it goes on."""
        closed = self._closed()
        while not self.halting:
            match decide(self.rollout, closed):
                case Begin(environment_ids):
                    self._opened()
                    if self._check_wave(self.rollout.current_wave):
                        closed = self._closed()
                        continue
                    for environment_id in environment_ids:
                        self._begin(environment_id)
                case Halt(closed=True) if self.rollout.plan.way.resumes and self._openings.opens_at:
                    self._tell_closed(closed)
                    self._wait_for_opening(closed, self._openings.opens_at)
                case Halt() | Complete() if not self._in_flight and self._ended_by_wish():
                    return None
                # What had failed before some were tried again, the rule has acted on then: what came of them is told.
                case Halt() if not none_failed_again(self.rollout) and (found := tripped(self.rollout)) is not None:
                    return self._stopped_by_rule(found)
                case Halt(why, closed=for_window):
                    self._tell_closed(closed)
                    return self._paused(f"{why}{self._from_when()}" if for_window else why)
                case Complete() if not self._in_flight:
                    return self._ended()
                case Complete() | Wait():
                    pass
            return None
        return None

    def _heard(self) -> _News | None:
        """What came next; None where nothing came for a while. What another command wishes is done meanwhile."""
        try:
            return self._news.get(timeout=LOOK_FOR_WISHES)
        except queue.Empty:
            self._heed()
            return None

    def _heed(self) -> None:
        if (wished := self._wishes.next()) is not None:
            self.heed(wished)

    def _ended_by_wish(self) -> bool:
        """Whether somebody had it stop or abort since the last look, now that it ends or pauses: nobody looks later.

        That it pauses was wished for, too, and is no news then.
        """
        wished = self._wishes.now()
        if wished is not None and wished is not Wish.PAUSE:
            self.heed(wished)
        return self._stopping

    def _end_of_program(self) -> None:
        self._cut_off = True
        self._news.put(_News.CUT_OFF)

    def _how_halting(self) -> Halting:
        """What whoever waits for an image is to do."""
        self._heed()
        if self._stopping or self._cut_off or self._broken:
            return Halting.STOPPING
        return Halting.PAUSING if self._pause_because else Halting.NOT

    # --- how it ends --------------------------------------------------------------------------------------------

    def _halted(self) -> Rollout:
        if self._broken is not None:
            self._mark_broken(self._broken)
            raise self._broken
        self._note_trip()
        if all(target.over for target in self.rollout.targets):
            return self._ended()
        if self._stopping:
            if self._put_back_undecided():
                meanwhile = "stopped" if self._aborting is None else "aborted"
                halted = f"Paused by {self._console.person} while it was {meanwhile}."
                return self._paused(f"{halted} {halted_words(self._undecided())}")
            for target in self.rollout.targets:
                if not target.over and target.state is not TargetState.UNDECIDED:
                    self._running.keep(
                        replace(target, state=TargetState.NOT_STARTED, words="the rollout was stopped before")
                    )
            if self._undecided():
                return self._paused(self._stopped_words())
            return self._ended()
        return self._paused(" ".join(filter(None, (self._pause_because, self._trip_told()))))

    def _undecided(self) -> list[Target]:
        return [target for target in self.rollout.targets if target.state is TargetState.UNDECIDED]

    def _put_back_undecided(self) -> bool:
        """Put back what waits for a decision, as it is stopped; whether that was halted before it had come to all."""
        asking = self._undecided()
        left = settle_undecided(
            self._console, self._jobs, self._running, asking, Decision.PUT_BACK, lambda: self._puts_no_more_back
        )
        self._not_put_back = not_put_back_words([self.rollout.target(one.environment_id) for one in asking])
        return bool(left)

    def _mark_broken(self, error: ConsoleError) -> None:
        """Say that it waits for a person; where the catalog can't be written, recovery finds it still running."""
        try:
            self._running.keep_head(state=RolloutState.INTERRUPTED, paused_because=error.title)
        except CatalogError as full:
            logger.info("the interruption could not be noted: %s", full.title)

    def _paused(self, why: str) -> Rollout:
        """A target that is unknown is read again before anything else: then it is an interruption, not a pause."""
        if self.rollout.count(TargetState.UNKNOWN):
            words = f"{self._unsettled()} {why}"
            return self._running.keep_head(state=RolloutState.INTERRUPTED, paused_because=words, only=frozenset())
        return self._running.keep_head(state=RolloutState.PAUSED, paused_because=why, only=frozenset())

    def _closed(self) -> Mapping[str, str]:
        """Whom a window or a freeze keeps from being begun now."""
        try:
            return self._openings.closed(self.rollout)
        except CatalogError as error:
            # Whether they may be changed can't be told: then nothing more is begun.
            self._broken = error
            return {}

    def _wait_for_opening(self, closed: Mapping[str, str], opens_at: datetime) -> None:
        """Wait, as was wished when it was started: it goes on by itself. Pausing and stopping are heard meanwhile."""
        words = waits_words(self.rollout, closed, self._from(opens_at))
        if words != self._waits:
            self._waits = words
            self._running.keep_head(paused_because=words)

    def _opened(self) -> None:
        """It goes on after such a wait: what was checked before it may be another by now."""
        if self._waits:
            self._waits = ""
            self._checked_waves.discard(self.rollout.current_wave)
            self._running.keep_head(paused_because="")

    def _from_when(self) -> str:
        opens_at = self._openings.opens_at
        return f" The first of them may be changed {self._from(opens_at)}." if opens_at else ""

    def _from(self, opens_at: datetime) -> str:
        return f"from {moment(opens_at, local(self._console.clock()))} on"

    def _tell_closed(self, closed: Mapping[str, str]) -> None:
        """Say of each target that may not be changed now why that is, and until when."""
        for target in self.rollout.targets:
            words = closed.get(target.environment_id, "")
            if target.state is TargetState.QUEUED and target.words != words:
                self._running.keep(replace(target, words=words))

    def _stopped_by_rule(self, found: Tripped) -> Rollout:
        if self.rollout.count(TargetState.UNKNOWN):
            # What it counts as failed may yet be found to be well: then the rule hasn't tripped.
            return self._paused(tripped_words(self.rollout))
        stopped = stop_by_rule(self._console, self._running, found)
        self._rules = stopped.trips[-1].came is Came.DUE
        return stopped

    def _rolled_back_as_ruled(self) -> Rollout:
        """Begin what the stop rule asks for, and tell what came of it."""
        rollout_id = self.rollout.id
        self._console.mark("TRIP:kept")
        begun = roll_back_as_ruled(self._console, self._jobs, self.rollout, lambda: self._cut_off or self.halting)
        self._followed_by = begun
        self._console.mark("TRIP:acted")
        if begun is None and self.halting and not self._cut_off:
            note_halted(self._console, rollout_id, self._first())
        with self._console.catalog.read() as books:
            return self._running.take(books.rollouts.get(rollout_id))

    def _first(self) -> str:
        """Who was faster than the stop rule."""
        return f"{self._console.person} had it {'stop' if self._stopping else 'pause'} before."

    def _note_trip(self) -> None:
        """A person had it pause or stop before the stop rule did: what the rule would have done is theirs to do."""
        found = tripped(self.rollout)
        if found is None or self.rollout.count(TargetState.UNKNOWN):
            return
        over = all(target.over for target in self.rollout.targets)
        if (self._stopping or over) and not rolls_back(self.rollout):
            return  # the rule would have paused it, and there is nothing to be paused any more
        trip = trip_of(self.rollout, found, self._console.clock(), self._first())
        trips = with_trip(self.rollout, trip)
        if trip.came is Came.DUE:
            # What a killed console left due: who ends the rollout instead has decided about it.
            trips = (*trips[:-1], with_last(trips, Came.NOT_BEGUN, self._first()))
        if trips != self.rollout.trips:
            self._running.keep_head(trips=trips)

    def _trip_told(self) -> str:
        """What the stop rule has to say beside a person's word; empty where it hasn't tripped."""
        return stopped_words(self.rollout.trips[-1]) if self.rollout.trips and tripped(self.rollout) else ""

    def _ended(self) -> Rollout:
        trips = self.rollout.trips
        found = tripped(self.rollout) if not self.rollout.count(TargetState.UNKNOWN) else None
        if found is not None and not self.halting and rolls_back(self.rollout):
            return self._stopped_by_rule(found)
        if found is not None and not rolls_back(self.rollout) and not self.rollout.count(TargetState.NOT_STARTED):
            trips = with_trip(self.rollout, trip_at_end(self.rollout, found, self._console.clock()))
        state = end_state(self.rollout)
        ended_at = self._console.clock() if state in ENDED else None
        asks = open_trip(self.rollout.trips)
        told = [self._stopped_words(), trip_words(asks) if asks else ""]
        if state is RolloutState.INTERRUPTED:
            told = [self._unsettled(), self._stopped_words() if self._not_put_back else ""]
        because = " ".join(filter(None, told))
        return self._running.keep_head(
            state=state, ended_at=ended_at, paused_because=because, trips=trips, only=frozenset()
        )

    def _unsettled(self) -> str:
        """Why a target is to be read again before anything else."""
        unknown = [target.words for target in self.rollout.targets if target.state is TargetState.UNKNOWN]
        if any(words.startswith(NOT_LOCKED) for words in unknown):
            return UNLOCKED
        return NOT_FINISHED if unknown and not any("ontact was lost" in words for words in unknown) else LOST

    def _stopped_words(self) -> str:
        """Who aborted it, or who stopped it where something could not be put back: what that was."""
        stopped = f"Stopped by {self._console.person}." if self._not_put_back and self._aborting is None else ""
        return " ".join(filter(None, (stopped, self._aborted_words(), self._not_put_back)))

    def _aborted_words(self) -> str:
        """What was in between when it was aborted, and what came of each; empty where it wasn't.

        Where all was committed by then, it is told that nothing was stopped by it.
        """
        if self._aborting is None:
            return ""
        between = [self.rollout.target(one) for one in self._aborting]
        late = not self._could_hold_back and all(target.state in SUCCEEDED for target in between)
        words = f"Aborted by {self._console.person}{', too late to hold anything back' if late else ''}"
        if not between:
            return f"{words}: every target was over." if late else f"{words}. Nothing was in between."
        came = ", ".join(f"{target.planned.application} {target.state}" for target in between)
        return f"{words}. In between when it was: {came}."

    # --- before the first wave ----------------------------------------------------------------------------------

    def _fetch_first(self) -> None:
        if self.halting:
            return
        try:
            fetch_first(self._console, self._jobs, self._running, self._fetcher)
        except CatalogError as error:
            self._broken = error

    # --- a wave and its targets ---------------------------------------------------------------------------------

    def _check_wave(self, wave: int) -> bool:
        """Ask the checks of a wave's targets again, right before the wave; true where that was done just now."""
        if wave in self._checked_waves:
            return False
        self._checked_waves.add(wave)
        queued = [target for target in self.rollout.wave(wave) if self.rollout.may_begin(target)]
        for target, blocking in recheck(self._console, self._jobs, queued, self.rollout.overrides):
            unreachable = any(result.check in {Check.REACHABLE, Check.API} for result in blocking)
            state = TargetState.FAILED if unreachable else TargetState.SKIPPED
            self._running.keep(
                replace(target, state=state, words=blocking_words(blocking), ended_at=self._console.clock())
            )
        return True

    def _begin(self, environment_id: str) -> None:
        target = replace(
            self.rollout.target(environment_id), state=TargetState.CHECKING, started_at=self._console.clock(), words=""
        )
        # Nothing is done yet that had to be kept: that is written together with the first line of the journal.
        self._running.show(target)
        self._in_flight += 1
        title = f"{target.planned.application} {target.planned.environment} → {target.planned.after_title}"
        self._jobs.submit(title, lambda _work: self._carry_out(target))

    def _carry_out(self, target: Target) -> None:
        try:
            looks = self._image_looks[target.planned.engine_id]
            heart, breaks_off = self._heart, self._breaks_off
            take_turn(self._console, self._running, target, looks, self._fetcher, heart, breaks_off, self._ends)
        except CatalogError as error:
            # What can't be written may not be done: nothing more is begun, and the next start reads everything again.
            self._broken = error
        finally:
            now = self.rollout.target(target.environment_id)
            at_rest = now.over or now.state in {TargetState.QUEUED, TargetState.UNDECIDED}
            if not at_rest and self._broken is None:
                words = f"{target.planned.application} ended without an outcome."
                self._broken = ConsoleError(words, "Choose 're-read and continue' on the Rollouts page.")
            self._news.put(_News.OVER)

    def _breaks_off(self) -> bool:
        return self._aborting is not None

    def _ends(self) -> bool:
        return self._cut_off or self._jobs.cancelled_here


class _News(Enum):
    OVER = auto()
    """A target's turn has ended."""
    ASKED = auto()
    """Somebody asked to pause or stop."""
    CUT_OFF = auto()
    """The program ends."""
