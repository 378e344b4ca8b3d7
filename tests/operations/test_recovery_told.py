"""A recovery is told while it works: others see that it is carried out, and one that is cut off itself is told too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.errors import CatalogError, InvalidInput
from mirror_console.operations import recovery
from mirror_console.operations.console import Console
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.report_content import report_content
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.standing import CUT_OFF, standing
from mirror_console.operations.starting import resume, start
from mirror_console.operations.wishing import Wish, wish
from mirror_console.store.wishes import Wishes
from tests.catalogs import has_no_room_while
from tests.operations.fleet import QUICK, Fleet, now, small_fleet
from tests.operations.test_report import Shifted

pytestmark = pytest.mark.slow

INTERRUPTED = f"Interrupted: {CUT_OFF}"


class Killed(BaseException):
    """The program is gone: nothing is written any more by whoever was at work."""


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.fall_behind) as made:
        yield made


def once(boundary: str, act: Callable[[], object]) -> Callable[[str], None]:
    """Do something the first time that a boundary is met."""
    left = [act]

    def mark(here: str) -> None:
        if here == boundary and left:
            left.pop()()

    return mark


def kill() -> None:
    raise Killed


def fail() -> None:
    raise CatalogError("The journal can't be written.", "A test says so.")


def cut_off(fleet: Fleet) -> Rollout:
    """A rollout whose console ended when the first of four was started, and is marked by the next one."""
    gone = replace(fleet.console, run="0" * 32, mark=once("START:sent", fail))
    made = plan(gone, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    rollout = start(gone, made, preflight(gone, fleet.jobs, made), "a test")
    with pytest.raises(CatalogError):
        Conductor(gone, fleet.jobs, rollout).run()
    return rollout


def kept(console: Console, rollout: Rollout) -> Rollout:
    """How it stands to whoever looks from here."""
    with console.catalog.read() as books:
        return standing(console, books.rollouts.get(rollout.id))


def test_others_see_that_it_is_recovered_and_can_have_it_pause(fleet: Fleet) -> None:
    rollout = cut_off(fleet)
    wishes = Wishes(fleet.folder / "catalog.sqlite")
    other = replace(fleet.console, run="1" * 32, holder=lambda: fleet.console.run, wishes=wishes)
    seen = []

    def look() -> None:
        seen.append(kept(other, rollout))
        wish(other, seen[0], Wish.PAUSE)

    console = replace(fleet.console, wishes=wishes, mark=once("VERIFY:intent", look))
    recovery.interrupted(console)
    paused = recovery.go_on(console, fleet.jobs, rollout.id).run()
    assert [(one.state, one.paused_because) for one in seen] == [(RolloutState.RUNNING, recovery.GOES_ON)]
    assert (paused.state, paused.paused_because) == (RolloutState.PAUSED, "Paused by operator.")
    assert [target.state for target in paused.targets] == [TargetState.DONE, *[TargetState.QUEUED] * 3]
    ended = Conductor(fleet.console, fleet.jobs, resume(fleet.console, rollout.id)).run()
    assert ended.state is RolloutState.COMPLETED


def test_what_was_wished_before_it_was_cut_off_does_not_have_it_pause(fleet: Fleet) -> None:
    rollout = cut_off(fleet)
    console = replace(fleet.console, wishes=Wishes(fleet.folder / "catalog.sqlite"))
    recovery.interrupted(console)
    console.wishes.leave(console.run, rollout.id, Wish.STOP)
    assert recovery.go_on(console, fleet.jobs, rollout.id).run().state is RolloutState.COMPLETED


@pytest.mark.parametrize("choice", ["continue", "put back"])
def test_one_that_is_cut_off_itself_is_interrupted_again_and_both_times_are_told(fleet: Fleet, choice: str) -> None:
    rollout = cut_off(fleet)
    shifted = Shifted(fleet.console.catalog)

    def recover(seconds: float, mark: Callable[[str], None] = lambda _boundary: None) -> None:
        with shifted.later(seconds) as catalog:
            console = replace(
                fleet.console,
                catalog=catalog,
                clock=lambda: now() + timedelta(seconds=seconds),
                run=f"{seconds:032}",
                mark=mark,
            )
            (found,) = recovery.interrupted(console)
            if choice == "continue":
                recovery.go_on(console, fleet.jobs, found.rollout.id).run()
            else:
                recovery.put_back(console, fleet.jobs, found.rollout.id)

    with pytest.raises(Killed):
        recover(700, once("VERIFY:intent" if choice == "continue" else "REMOVE_NEW:intent", kill))
    left = kept(fleet.console, rollout)
    assert (left.state, left.paused_because) == (RolloutState.INTERRUPTED, CUT_OFF)
    recover(5000)
    told = report_content(fleet.console, rollout.id)
    chosen, end = recovery.GOES_ON, []
    if choice != "continue":
        chosen, end = recovery.PUTS_BACK, ["Stopped"]
    assert [one.words for one in told.decisions][1:] == [chosen, INTERRUPTED, chosen, *end]
    assert told.lay_seconds == pytest.approx(5000, abs=60)
    assert told.seconds is not None
    assert told.seconds < 120


@pytest.mark.parametrize("recover", [recovery.go_on, recovery.put_back])
def test_one_that_breaks_off_is_interrupted_again_and_says_why(fleet: Fleet, recover: Callable[..., object]) -> None:
    rollout = cut_off(fleet)
    console = replace(fleet.console, mark=lambda boundary: fail() if boundary.endswith(":intent") else None)
    recovery.interrupted(console)
    reported: list[Rollout] = []
    with pytest.raises(CatalogError):
        recover(console, fleet.jobs, rollout.id, reported.append)
    left = kept(fleet.console, rollout)
    assert (left.state, left.paused_because) == (RolloutState.INTERRUPTED, "The journal can't be written.")
    assert (reported[0].state, reported[-1].state) == (RolloutState.RUNNING, RolloutState.INTERRUPTED)
    assert recovery.go_on(fleet.console, fleet.jobs, rollout.id).run().state is RolloutState.COMPLETED


def test_what_broke_off_is_marked_once_the_catalog_can_be_written_and_nothing_else_is(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = cut_off(fleet)
    recovery.interrupted(fleet.console)
    full: list[bool] = []
    has_no_room_while(full, monkeypatch)
    monkeypatch.setattr(recovery, "MARK_AGAIN", 0.01)
    console = replace(fleet.console, mark=once("VERIFY:intent", lambda: full.append(True)))
    with pytest.raises(CatalogError, match="disk is full"):
        recovery.go_on(console, fleet.jobs, rollout.id)
    assert kept(fleet.console, rollout).state is RolloutState.RUNNING
    job = fleet.jobs.submit(
        "mark", lambda work: recovery.mark_once_there_is_room(console, rollout.id, "The disk was full.", work)
    )
    assert not job.over_within(0.1)
    full.clear()
    marked = job.result(10)
    assert (marked.state, marked.paused_because) == (RolloutState.INTERRUPTED, "The disk was full.")
    assert kept(fleet.console, rollout) == marked
    ended = recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()
    assert ended.state is RolloutState.COMPLETED
    assert recovery.mark_broken_off(fleet.console, rollout.id, "It is over.").state is RolloutState.COMPLETED


def test_nobody_recovers_what_is_recovered_already(fleet: Fleet) -> None:
    rollout = cut_off(fleet)
    refused = []

    def again() -> None:
        with pytest.raises(InvalidInput, match="Only an interrupted rollout") as refusal:
            recovery.put_back(fleet.console, fleet.jobs, rollout.id)
        refused.append(refusal.value)

    console = replace(fleet.console, mark=once("VERIFY:intent", again))
    recovery.interrupted(console)
    assert recovery.go_on(console, fleet.jobs, rollout.id).run().state is RolloutState.COMPLETED
    assert len(refused) == 1
