"""Progress: carry a rollout out while its state is drawn; Ctrl-C pauses it, and a second one stops it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import FrameType
from typing import TypeVar

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mirror_console.cli.output import Output, terminal_for_progress
from mirror_console.cli.rollout_words import print_rollout
from mirror_console.cli.session import ExitCode, Session
from mirror_console.cli.shapes.rollouts import rollout_shape
from mirror_console.domain.durations import Learned, left_words, slower_than_usual
from mirror_console.domain.fetching import fetching_words
from mirror_console.domain.plain import plain
from mirror_console.domain.rollout import OVER, SUCCEEDED, WORKING, Rollout, RolloutState, TargetState, headline
from mirror_console.jobs import Job, Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.durations import learned
from mirror_console.operations.late_calls import WATCHES
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.waiting import waiting

T = TypeVar("T")
Halts = Callable[[], bool]
"""Whether nothing more is to be begun."""
DRAWN_EVERY = 0.2
"""Seconds."""
SHOWN = 12
"""Targets that are drawn at the same time; all are counted."""
_RUNNING = (
    "Pausing: what is in flight is finished. Press Ctrl-C again to stop for good.",
    "Stopping: what is in flight is finished, the rest is left as it is.",
)
"""What a first and a second press are answered with: while a rollout runs."""
_GOING_ON = (
    "Pausing: what was cut off is brought to an end first; the rest waits to be resumed. Ctrl-C again: stop for good.",
    "Stopping: what was cut off is brought to an end first, the rest is left as it is.",
)
"""While what was cut off is settled, before the rest goes on."""
_PUTTING_BACK = (
    "What was cut off is put back first. With that the rollout ends; nothing more is begun.",
    "It is put back all the same, so that nothing is left half done.",
)
"""While what was cut off is put back, as a person chose."""
_DECIDING = (
    "Halting: what is in the middle is brought to its end first. Nothing more is begun: the rest waits for a decision.",
    "It is brought to its end all the same, so that nothing is left half done.",
)
"""While a decision about failed targets is carried out."""
_PUTTING_BACK_FIRST = (
    "Halting: what is in the middle is put back first. Nothing more is begun, and nothing is tried again.",
    _PUTTING_BACK[1],
)
"""While failed targets are put back, to be tried again."""
_ENDING = (
    "Halting: what is in the middle is put back first. Is more left, the rollout stays paused; else it ends.",
    _PUTTING_BACK[1],
)
"""While a paused rollout is stopped or aborted, which puts back what waits for a decision."""
_LEFT = "Ending at once: what is in the middle is left as it is. See what it left: mirror-console recover list"


def carry_out(out: Output, console: Console, jobs: Jobs, rollout: Rollout) -> Rollout:
    """Carry a rollout out until it ends or pauses."""
    watch = Watch(out, rollout, console)
    return conducted(out, console, jobs, Conductor(console, jobs, rollout, watch.tell), watch)


def conducted(out: Output, console: Console, jobs: Jobs, conductor: Conductor, watch: Watch) -> Rollout:
    """Run a conductor in a job and draw what it tells, and then the rollback that its stop rule began, if it did.

    What the first one came to is returned. A third Ctrl-C leaves what runs as it is, to be recovered.
    """
    with _counting_presses() as presses:
        rollout = _conducted(jobs, conductor, watch, presses)
    return _rolled_back(out, console, jobs, conductor, rollout)


def gone_on(out: Output, console: Console, jobs: Jobs, settle: Callable[[], Conductor], watch: Watch) -> Rollout:
    """Bring what was cut off to an end in a job, and carry out the rest, whose conductor that gives.

    Ctrl-C does what it does in a rollout: what is in the middle is brought to an end first, then it pauses or stops.
    """
    with _counting_presses() as presses:
        conductor = _settled(jobs, "Recover", settle, watch, presses, _GOING_ON)
        rollout = _rest_conducted(jobs, conductor, watch, presses)
    return _rolled_back(out, console, jobs, conductor, rollout)


def put_back(jobs: Jobs, work: Callable[[], Rollout], watch: Watch) -> Rollout:
    """Put back in a job what was cut off. Ctrl-C doesn't leave it half done: with that the rollout ends in any case."""
    with _counting_presses() as presses:
        return _settled(jobs, "Put back", work, watch, presses, _PUTTING_BACK)


def decided(jobs: Jobs, decide: Callable[[Halts], Rollout], watch: Watch) -> Rollout:
    """Carry a decision about failed targets out in a job. After a Ctrl-C none of them is begun any more: what is in the
    middle is brought to its end, and the rest waits for a decision still."""
    with _counting_presses() as presses:
        return _settled(jobs, "Decide", partial(decide, presses.any_heeded), watch, presses, _DECIDING)


def tried_again(out: Output, console: Console, jobs: Jobs, retry: Callable[[Halts], Rollout], watch: Watch) -> Rollout:
    """Put back in a job what has to be before it is tried again, and carry the new attempts out.

    After a Ctrl-C before they begin, nothing is tried again; later it does what it does in a rollout.
    """
    with _counting_presses() as presses:
        rollout = _settled(jobs, "Try again", partial(retry, presses.any_heeded), watch, presses, _PUTTING_BACK_FIRST)
        if rollout.state is not RolloutState.RUNNING:
            return rollout
        # Each attempt is told anew.
        watch = Watch(out, rollout, console)
        conductor = Conductor(console, jobs, rollout, watch.tell)
        rollout = _rest_conducted(jobs, conductor, watch, presses)
    return _rolled_back(out, console, jobs, conductor, rollout)


def ended(jobs: Jobs, conductor: Conductor, watch: Watch) -> Rollout:
    """End a paused rollout in a job, by a conductor that was told to stop or abort.

    What waits for a decision is put back with that. After a Ctrl-C no more of it: the rollout stays paused then.
    """

    def heed(number: int) -> None:
        conductor.put_no_more_back()
        watch.say(_ENDING[number > 1])

    with _counting_presses() as presses:
        return _watched(jobs.submit("Stop", conductor.run), watch, presses, heed)


def _rolled_back(out: Output, console: Console, jobs: Jobs, conductor: Conductor, rollout: Rollout) -> Rollout:
    back = conductor.followed_by
    if back is not None:
        out.note(rollout.paused_because, "yellow")
        done = carry_out(out, console, jobs, back)
        out.note(f"Rollback {done.plan.fingerprint}: {headline(done)} ({done.state}).")
        # What was rolled back isn't told as done.
        with console.catalog.read() as books:
            rollout = books.rollouts.get(rollout.id)
    return rollout


def _conducted(jobs: Jobs, conductor: Conductor, watch: Watch, presses: _Presses) -> Rollout:
    def heed(number: int) -> None:
        _heed(conductor, number)
        watch.say(_RUNNING[number > 1])

    return _watched(jobs.submit("Rollout", conductor.run), watch, presses, heed)


def _rest_conducted(jobs: Jobs, conductor: Conductor, watch: Watch, presses: _Presses) -> Rollout:
    """What was pressed already is heeded before it runs: of the rest nothing is begun then."""
    for number in range(1, presses.heeded + 1):
        _heed(conductor, number)
    return _conducted(jobs, conductor, watch, presses)


def _heed(conductor: Conductor, number: int) -> None:
    if number == 1:
        conductor.pause()
    else:
        conductor.stop()


def _settled(
    jobs: Jobs, title: str, work: Callable[[], T], watch: Watch, presses: _Presses, told: tuple[str, str]
) -> T:
    """Settle in a job what was cut off; what it gives. A press is answered with what is told, and breaks nothing off:
    what is settled would be left in the middle once more."""
    job = jobs.submit(title, lambda _work: work())
    return _watched(job, watch, presses, lambda number: watch.say(told[number > 1]))


def _watched(job: Job[T], watch: Watch, presses: _Presses, heed: Callable[[int], None]) -> T:
    """Draw until a job is over, and have presses heeded, each with its number; what it gives."""
    with watch.drawn():
        try:
            while True:
                try:
                    return job.result(DRAWN_EVERY)
                except TimeoutError:
                    watch.draw()
                for number in presses.unheeded():
                    heed(number)
        except KeyboardInterrupt:
            watch.say(_LEFT)
            raise


def tell_outcome(session: Session, rollout: Rollout, *, as_json: bool) -> None:
    """Say how a rollout stands when the command ends, and end with the exit code for it."""
    if as_json:
        session.out.json(rollout_shape(rollout))
    else:
        with session.console() as (console, _):
            waits = waiting(console, rollout.id)
        print_rollout(session.out, rollout, waits)
    if rollout.state is not RolloutState.COMPLETED:
        raise typer.Exit(ExitCode.ATTENTION)


@dataclass(slots=True)
class _Presses:
    """How often Ctrl-C was pressed."""

    count: int = 0
    heeded: int = 0

    def any_heeded(self) -> bool:
        """Whether it was pressed, and that was answered."""
        return self.heeded > 0

    def unheeded(self) -> Iterator[int]:
        """Those since the last look, by their number."""
        while self.heeded < self.count:
            self.heeded += 1
            yield self.heeded

    def hear(self, _number: int, _frame: FrameType | None) -> None:
        """Count it; the third one ends the command."""
        self.count += 1
        if self.count > 2:
            raise KeyboardInterrupt


@contextmanager
def _counting_presses() -> Iterator[_Presses]:
    """Ctrl-C is counted, and heeded at the next look.

    Raised where it comes, a second one could break off what the first one set about, and the rollout with it.
    """
    presses = _Presses()
    before = signal.signal(signal.SIGINT, presses.hear)
    try:
        yield presses
    finally:
        signal.signal(signal.SIGINT, before)


class Watch:
    """Draws a rollout on a terminal, or says a line for each target that is over where there is none."""

    def __init__(self, out: Output, rollout: Rollout, console: Console) -> None:
        self._out = out
        self._clock = console.clock
        self._usual = learned(console)
        self._rollout = rollout
        self._said: dict[str, TargetState] = {target.environment_id: target.state for target in rollout.targets}
        self._waits: dict[str, str] = {}
        """What was said that targets watch for."""
        self._fetched = not rollout.fetches_ahead
        self._live: Live | None = None

    def tell(self, rollout: Rollout) -> None:
        """Take the newest snapshot; from any thread."""
        self._rollout = rollout

    def say(self, words: str) -> None:
        """A sentence beside the picture."""
        self._out.note(words, "yellow")

    def draw(self) -> None:
        """Show the newest snapshot."""
        rollout = self._rollout
        if self._live is not None:
            self._live.update(self._picture(), refresh=True)
            return
        if rollout.fetches and rollout.fetches_ahead == self._fetched:
            # Said when it begins, and once more when all of it has ended.
            self._fetched = not rollout.fetches_ahead
            self._out.note(fetching_words(rollout.fetches))
        for target in rollout.targets:
            if target.state in OVER and self._said[target.environment_id] is not target.state:
                words = f": {target.words}" if target.words and target.state not in SUCCEEDED else ""
                self._out.note(f"{target.planned.application} {target.planned.environment} {target.state}{words}")
            elif target.words.startswith(WATCHES) and self._waits.get(target.environment_id) != target.words:
                self._waits[target.environment_id] = target.words
                self._out.note(f"{target.planned.application} {target.planned.environment} {target.words}")
            self._said[target.environment_id] = target.state

    def _picture(self) -> RenderableType:
        return picture(self._rollout, self._usual, self._clock())

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Around the rollout: the last snapshot is drawn at the end."""
        if not self._out.live:
            try:
                yield
            finally:
                self.draw()
            return
        with Live(self._picture(), console=terminal_for_progress(), auto_refresh=False) as live:
            self._live = live
            try:
                yield
            finally:
                self.draw()
                self._live = None


def picture(rollout: Rollout, usual: Learned, now: datetime) -> RenderableType:
    """How far a rollout is and how long it takes: what fails first, then what works now."""
    lasts = left_words(rollout, usual, now)
    over = rollout.count(*OVER)
    head = Text(
        f"{rollout.plan.environment}: {over} of {len(rollout.targets)}, wave {rollout.current_wave + 1} of "
        f"{rollout.waves}. {plain(headline(rollout))}{f'. {lasts}' if lasts else ''}",
        "bold",
    )
    failed = [target for target in rollout.targets if target.state in OVER and target.state not in SUCCEEDED]
    working = [target for target in rollout.targets if target.state in WORKING]
    table = Table(box=None, show_header=False, pad_edge=False)
    for target in [*failed, *working][:SHOWN]:
        style = "red" if target.state in OVER else ""
        slow = slower_than_usual(target, rollout.plan.way, usual, now)
        step = slow or target.words or (str(target.step) if target.step else "")
        table.add_row(
            Text(plain(target.planned.application)), Text(str(target.state), style), Text(plain(step), "bright_black")
        )
    if rollout.fetches_ahead:
        return Group(head, Text(plain(fetching_words(rollout.fetches))), table)
    return Group(head, table)
