"""Control from the command line: pause, stop and abort what runs elsewhere, decide, try again, roll back."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.cli.finding import find_rollout
from mirror_console.cli.rollout_words import next_steps
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.way import REST, OnFailure, OnTrip, WaveSize
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.wishing import Heeded
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.store import Wishes
from tests.cli.pressing import press_ctrl_c
from tests.cli.terminal import CommandLine
from tests.operations.fleet import QUICK, Fleet
from tests.operations.test_report import Shifted

pytestmark = pytest.mark.slow

BEGIN = ("rollout", "start", "-e", "live", "--all", "--bake", "0", "--no-pause", "--why", "x")


def versions(fleet: Fleet) -> list[str]:
    """What each mirror's live really runs."""
    return [fleet.version_of(f"mirror-0{number}-live") for number in range(1, 5)]


def begun(fleet: Fleet, **way: object) -> Rollout:
    """A rollout of 26.8.3 to all mirrors."""
    refresh(fleet.console, fleet.jobs)
    made = plan(fleet.console, "live", [one.id for one in fleet.mirrors], replace(QUICK, **way))  # type: ignore[arg-type]
    return start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")


@contextmanager
def carried_out_elsewhere(fleet: Fleet, call: CommandLine, rollout: Rollout) -> Iterator[list[Rollout]]:
    """The rollout is carried out by a window, which has the catalog; in the block its first target bakes."""
    wishes = Wishes(fleet.folder / "catalog" / "catalog.sqlite")
    elsewhere = replace(fleet.console, wishes=wishes)
    call.console = replace(
        fleet.console, wishes=wishes, holder=lambda: call.other and rollout.console, run="another run"
    )
    call.other = "a window"
    bakes = threading.Event()
    ended: list[Rollout] = []

    def tell(now: Rollout) -> None:
        if now.targets[0].state is TargetState.BAKING:
            bakes.set()

    def carry_out() -> None:
        ended.append(Conductor(elsewhere, fleet.jobs, rollout, tell).run())

    job = fleet.jobs.submit("elsewhere", lambda _work: carry_out())
    assert bakes.wait(20)
    yield ended
    job.result()
    call.other = ""


@pytest.mark.parametrize(
    ("words", "state", "first", "rest"),
    [
        (("pause",), "paused", "done", "queued"),
        (("stop",), "stopped", "done", "not started"),
        (("abort", "--yes"), "stopped", "done", "not started"),
    ],
)
def test_a_window_is_asked_and_waited_for(
    call: CommandLine, fleet: Fleet, words: tuple[str, ...], state: str, first: str, rest: str
) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    bake = 60.0 if "abort" in words else 1.5
    one_by_one = (*[WaveSize(count=1)] * 3, REST)
    with carried_out_elsewhere(fleet, call, begun(fleet, bake=bake, waves=one_by_one, prefetch=False)):
        said = call("rollout", *words, "--json")
    assert said.code == 1, said.err
    states = [target["state"] for target in said.json["targets"]]
    assert (said.json["state"], states[0], states[-1]) == (state, first, rest)
    if "abort" in words:
        assert said.json["words"] == "Aborted by operator. In between when it was: Mirror 01 done."
    assert versions(fleet) == [{"done": "26.8.3"}.get(one, "26.8.2") for one in states]
    assert call("rollout", "pause").code == 2


def test_a_wish_that_nobody_heeded_any_more_is_said_and_taken_back(
    call: CommandLine, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    # It comes after the last look.
    for looks in ("next", "now"):
        monkeypatch.setattr(Heeded, looks, lambda _heeded: None)
    rollout = begun(fleet, bake=1.0, waves=(REST,), prefetch=False)
    with carried_out_elsewhere(fleet, call, rollout):
        said = call("rollout", "abort", "--yes", "--json")
    assert (said.code, said.json["state"], said.json["words"]) == (0, "completed", "")
    assert "Too late to abort it: it is completed." in said.err
    assert call.console.wishes.take(rollout.console, rollout.id) == ""


def test_of_a_pause_after_failures_all_ways_on_are_told(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    rollout = begun(fleet, waves=(WaveSize(count=2), REST))
    fleet.simulated.engines["berlin"].make_unreachable()
    paused = Conductor(fleet.console, fleet.jobs, rollout).run()
    name = rollout.id[:8]
    told = [
        f"Go on: mirror-console rollout resume {name}. Or end it: mirror-console rollout stop {name}",
        f"Try again what failed: mirror-console rollout retry {name}",
        f"Skip what failed: mirror-console rollout decide skip {name} --cause 1",
    ]
    assert paused.state is RolloutState.PAUSED
    assert next_steps(paused) == told
    lines = call("rollout", "show").out.splitlines()
    assert set(told) <= set(lines)
    # What the rule did, and then what it may do yet.
    did = lines.index(paused.paused_because)
    assert lines[did].startswith("Stop rule: 1 of 2 targets of wave 1 failed")
    assert lines[did + 1].startswith("Stop rule from here on, wave 1: 1 failed; ")
    well, failed, *rest = paused.targets
    left = replace(paused, targets=(well, replace(failed, state=TargetState.LEFT), *rest))
    back = f"Take back what failed and may not run what it ran: mirror-console rollout rollback {name} --failed"
    assert next_steps(left) == [*told[:2], back]
    assert next_steps(replace(paused, targets=(well, *rest))) == told[:1]
    # What is offered does it.
    assert call("rollout", "decide", "skip", name, "--cause", "1").code == 1
    assert next_steps(find_rollout(fleet.console, name))[:1] == told[:1]


def test_the_cause_that_is_offered_for_a_decision_is_the_one_that_waits_for_it(fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    rollout = begun(fleet)
    first, second, *rest = rollout.targets
    targets = (replace(first, state=TargetState.UNDECIDED), replace(second, state=TargetState.STRANDED), *rest)
    paused = replace(rollout, state=RolloutState.PAUSED, targets=targets)
    assert next_steps(paused) == [
        f"Decide: mirror-console rollout decide retry|put-back|leave|skip {paused.id[:8]} --cause 2",
        f"Or put back all that waits, and end it: mirror-console rollout stop {paused.id[:8]}",
    ]


def test_failures_are_grouped_decided_about_and_tried_again(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    rollout = begun(fleet, waves=QUICK.waves[1:], max_failed=9)
    fleet.simulated.engines["berlin"].make_unreachable()
    Conductor(fleet.console, fleet.jobs, rollout).run()
    shown = call("rollout", "show", "--json").json
    (cause,) = shown["causes"]
    assert (cause["number"], cause["count"], cause["state"]) == (1, 2, "failed")
    assert cause["mirrors"] == ["Mirror 02", "Mirror 04"]
    assert "rollout retry" in call("rollout", "show").out

    skipped = call("rollout", "decide", "skip", "-m", "mirror-04", "--json")
    assert skipped.code == 1
    assert [target["state"] for target in skipped.json["targets"]] == ["done", "failed", "done", "skipped"]
    shown_words, reported_beside = call("rollout", "show").out, call("rollout", "report").err
    assert call("rollout", "report", "--json").err == ""
    for told in (
        f"Try again what failed: mirror-console rollout retry {rollout.id[:8]}\n",
        f"mirror-console rollout retry {rollout.id[:8]} --cause 2\n",
    ):
        assert told in shown_words
        assert told in reported_beside
    assert "rollback" not in shown_words
    for words in (
        ("retry", "--cause", "9"),
        ("retry", "-m", "nobody"),
        ("decide", "skip"),
        ("decide", "leave", "-m", "mirror-02"),
        ("decide", "mend"),
    ):
        assert call("rollout", *words).code == 2, words

    fleet.simulated.engines["berlin"].make_reachable()
    again = call("rollout", "retry", "--json")
    assert again.code == 1  # one was skipped
    assert [target["state"] for target in again.json["targets"]] == ["done", "done", "done", "skipped"]
    assert [target["attempt"] for target in again.json["targets"]] == [1, 2, 1, 1]
    assert versions(fleet) == ["26.8.3"] * 3 + ["26.8.2"]
    reported = call("rollout", "report", "--json").json["targets"]
    assert {target["mirror"]: target["attempt"] for target in reported}["Mirror 02"] == 2
    assert call("rollout", "retry").code == 2


@pytest.mark.parametrize("words", [("retry",), ("decide", "retry")])
def test_what_is_tried_again_in_a_paused_rollout_goes_alone(
    call: CommandLine, fleet: Fleet, words: tuple[str, ...]
) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    rollout = begun(fleet, waves=(WaveSize(count=1), WaveSize(count=1), REST), max_failed=0, prefetch=False)
    fleet.simulated.engines["berlin"].make_unreachable()
    assert Conductor(fleet.console, fleet.jobs, rollout).run().state is RolloutState.PAUSED
    fleet.simulated.engines["berlin"].make_reachable()

    said = call("rollout", *words, "--cause", "1", "--json")
    assert (said.code, said.json["state"]) == (1, "paused")
    assert [target["state"] for target in said.json["targets"]] == ["done", "done", "queued", "queued"]
    told = "Tried again: 1 done. 2 others wait: resume to go on with them."
    assert said.json["words"] == told
    assert told in call("rollout", "show").out
    assert versions(fleet) == ["26.8.3"] * 2 + ["26.8.2"] * 2
    assert call("rollout", "resume").code == 0
    assert versions(fleet) == ["26.8.3"] * 4


def test_what_waits_for_a_decision_is_told_with_the_command(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    Conductor(
        fleet.console, fleet.jobs, begun(fleet, waves=QUICK.waves[1:], max_failed=9, on_failure=OnFailure.ASK)
    ).run()
    shown = call("rollout", "show").out
    assert "wait for a decision" in shown
    assert "rollout decide" in shown
    decided = call("rollout", "decide", "put-back", "--cause", "1", "--json")
    assert decided.json["state"] == "completed with failures"
    assert versions(fleet) == ["26.8.2"] * 4


@pytest.mark.parametrize(
    ("command", "first", "presses"),
    [
        (("decide", "put-back", "--cause", "1"), "put back", 1),
        (("decide", "leave", "--cause", "1"), "left", 2),
        (("decide", "skip", "--cause", "1"), "skipped", 1),
        (("decide", "retry", "--cause", "1"), "put back", 2),
        (("stop",), "put back", 2),
        (("abort", "--yes"), "put back", 1),
    ],
)
def test_ctrl_c_lets_what_is_in_the_middle_end_and_begins_nothing_more(
    call: CommandLine,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    first: str,
    presses: int,
) -> None:
    fleet.publish("26.8.3", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    Conductor(
        fleet.console, fleet.jobs, begun(fleet, waves=(REST,), at_once=1, max_failed=9, on_failure=OnFailure.ASK)
    ).run()
    before = call("rollout", "show", "--json").json
    assert [target["state"] for target in before["targets"]] == ["undecided"] * 4
    pressed = press_ctrl_c(call, monkeypatch, presses)

    said = call("rollout", *command, "--json")
    assert (said.code, pressed.is_set()) == (1, True)
    assert "Halting: what is in the middle is" in said.err
    assert ("all the same, so that nothing is left half done." in said.err) == (presses > 1)
    assert said.json["state"] == "paused"
    assert [target["state"] for target in said.json["targets"]] == [first, *["undecided"] * 3]
    assert said.json["targets"][1:] == before["targets"][1:]
    assert call("recover", "list").out == "No rollout was interrupted.\n"
    call("rollout", "stop")
    assert versions(fleet) == ["26.8.3" if first == "left" else "26.8.2", *["26.8.2"] * 3]


def test_a_stop_that_could_not_put_everything_back_says_what_is_left_and_how_to_go_on(
    call: CommandLine, fleet: Fleet
) -> None:
    fleet.publish("26.8.3", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    Conductor(fleet.console, fleet.jobs, begun(fleet, waves=(REST,), max_failed=9, on_failure=OnFailure.ASK)).run()
    fleet.simulated.engines["berlin"].make_unreachable()
    said = call("rollout", "stop")
    assert said.code == 1
    left = "2 failed targets could not be put back, and wait for a decision still (Mirror 02, Mirror 04: The socket of "
    assert f"\nStopped by operator. {left}berlin isn't there). Once the cause is gone, stop the rollout" in said.out
    name = call("rollout", "show", "--json").json["id"][:8]
    assert f": mirror-console rollout stop {name}\n" in said.out
    assert call("rollout", "show").out == said.out
    fleet.simulated.engines["berlin"].make_reachable()
    ended = call("rollout", "stop", name)
    assert "0 of 4 updated, 4 put back (completed with failures)" in ended.out
    assert "Stopped by" not in ended.out
    assert versions(fleet) == ["26.8.2"] * 4


def test_what_was_left_is_told_to_be_tried_again_or_taken_back(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    rollout = begun(fleet, waves=QUICK.waves[1:], max_failed=9, on_failure=OnFailure.LEAVE)
    Conductor(fleet.console, fleet.jobs, rollout).run()
    shown = call("rollout", "show").out
    assert f": mirror-console rollout retry {rollout.id[:8]}\n" in shown
    assert f": mirror-console rollout rollback {rollout.id[:8]} --failed\n" in shown
    assert call("rollout", "rollback", rollout.id[:8], "--failed", "--preview").code == 0


def test_of_what_was_left_and_taken_back_since_nothing_is_to_be_decided(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    rollout = begun(fleet, waves=QUICK.waves[1:], max_failed=9, on_failure=OnFailure.LEAVE)
    Conductor(fleet.console, fleet.jobs, rollout).run()
    name = rollout.id[:8]
    assert len(call("rollout", "show", name, "--json").json["causes"]) == 1
    words = "verify: its health check fails"
    assert words in call("rollout", "report", name, "--format", "html").out
    assert call("rollout", "rollback", name, "--failed", "--yes", "4").code == 0
    assert versions(fleet) == ["26.8.2"] * 4

    shown = call("rollout", "show", name).out
    assert "0 of 4 updated, 4 rolled back since" in shown
    # Neither a cause to decide about, nor anything to try again or to take back.
    assert not [line for line in shown.splitlines() if line.startswith("cause ") or "mirror-console rollout" in line]
    assert call("rollout", "show", name, "--json").json["causes"] == []
    again = call("rollout", "retry", name)
    assert (again.code, "none of them failed and wasn't rolled back since" in again.err) == (2, True)
    # The report goes on telling why they failed.
    told = call("rollout", "report", name, "--json").json["causes"]
    assert [(cause["name"], cause["targets"]) for cause in told] == [(words, 4)]


RULED = ("--waves", "rest", "--bake", "0", "--at-once", "1", "--max-failed", "1", "--on-failure", "leave")


@pytest.mark.parametrize(
    ("action", "state", "part"),
    [("roll back the wave", "paused", "wave 1"), ("roll back the rollout", "stopped", "everything that it changed")],
)
def test_a_stop_rule_rolls_back_as_the_plan_says_before_the_start(
    call: CommandLine, fleet: Fleet, action: str, state: str, part: str
) -> None:
    fleet.publish("26.8.3", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    way = ("-e", "live", "--all", *RULED, "--on-trip", action)
    made = call("rollout", "plan", *way)
    assert f"if the rule stops it: {action}" in made.out
    assert "is rolled back without another question" in made.out
    asked = call("rollout", "start", *way, "--why", "x", typed="n\n")
    assert "is rolled back without another question" in asked.out

    said = call("rollout", "start", *way, "--why", "release day", "--yes", "4", "--json")
    assert said.code == 1
    told = said.json
    assert (told["state"], told["way"]["on_trip"]) == (state, action)
    (trip,) = told["trips"]
    assert (trip["came"], trip["wave"], trip["action"]) == ("begun", 1, action)
    assert trip["words"] == told["words"]
    assert re.fullmatch(
        rf"Stop rule: 2 of 4 targets of wave 1 failed; 1 may\. Rollback \S+ of {part} was begun, as the plan says\.",
        told["words"],
    )
    assert "2 of 2 taken back (completed)" in said.err
    assert versions(fleet) == ["26.8.2"] * 4
    shown = call("rollout", "show", told["id"][:8]).out
    assert told["words"] in shown
    assert f"See the rollback: mirror-console rollout show {trip['rollback'][:8]}" in shown
    back = call("rollout", "show", trip["rollback"][:8], "--json").json
    assert (back["state"], back["way"]["on_trip"]) == ("completed", "pause")
    assert back["why"].startswith(
        f"Stop rule of rollout {told['fingerprint']}: 2 of 4 targets of wave 1 failed; 1 may."
    )
    assert back["why"].endswith("It was rolled out for: release day")
    assert told["words"] in call("rollout", "report", told["id"][:8], "--format", "html").out


def left_due(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Rollout:
    """A rollout whose rule asks for a rollback, and whose console was gone before it was begun."""
    fleet.publish("26.8.3", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    way: dict[str, object] = {"waves": QUICK.waves[1:], "at_once": 1, "max_failed": 1, "on_failure": OnFailure.LEAVE}
    rollout = begun(fleet, **way, on_trip=OnTrip.ROLL_BACK_ALL)
    with monkeypatch.context() as patched:
        patched.setattr(Conductor, "_rolled_back_as_ruled", lambda conductor: conductor.rollout)
        Conductor(fleet.console, fleet.jobs, rollout).run()
    return rollout


def test_a_rollback_that_a_killed_console_left_is_told_and_begun_by_a_person(
    call: CommandLine, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = left_due(fleet, monkeypatch)
    assert versions(fleet) == ["26.8.3", "26.8.3", "26.8.2", "26.8.2"]
    name = rollout.id[:8]

    told = call("recover", "list")
    assert (told.code, "that isn't begun yet." in told.out) == (1, True)
    assert f"Roll back: mirror-console rollout rollback {name} --all\n" in told.out
    (left,) = call("recover", "list", "--json").json
    assert (left["rollout"]["trips"][0]["came"], left["findings"]) == ("due", [])
    assert f"Leave it as it is: mirror-console recover leave {name}\n" in told.out
    assert call("rollout", "rollback", name, "--all", "--why", "as the rule says", "--yes", "2").code == 0
    assert versions(fleet) == ["26.8.2"] * 4
    assert call("recover", "list").out == "No rollout was interrupted.\n"
    assert call("rollout", "show", name, "--json").json["trips"][0]["came"] == "begun"


def test_what_a_stop_rule_asks_to_roll_back_may_be_left_as_it_is(
    call: CommandLine, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = left_due(fleet, monkeypatch)
    left = call("recover", "leave", rollout.id[:8], "--json")
    assert (left.code, left.json["trips"][0]["came"]) == (1, "not begun")
    assert left.json["words"].endswith("that was not begun: operator left it as it is.")
    assert call("recover", "list").out == "No rollout was interrupted.\n"
    again = call("recover", "leave", rollout.id[:8])
    assert (again.code, "no stop rule asks for a rollback" in again.err) == (2, True)


def test_a_rule_that_rolls_back_leaves_nothing_to_be_asked(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    wrong = call("rollout", "plan", "-e", "live", "--all", "--on-failure", "ask", "--on-trip", "roll back the wave")
    assert (wrong.code, "on trip: a rule that rolls back waits for nobody" in wrong.err) == (2, True)


def test_a_rollout_is_rolled_back_by_a_plan_of_its_own(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    done = call(*BEGIN, "--waves", "1,rest", "--yes", "4", "--json").json
    assert {target["way_back"] for target in done["targets"]} == {"yes"}
    told = call("status", "--json").json["mirrors"][0]["environments"][0]
    assert (told["way_back"], told["way_back_words"]) == ("yes", "26.8.2 is kept on alpha.")

    previewed = call("rollout", "rollback", "--wave", "1", "--preview", "--json").json
    assert previewed["kind"] == f"rollback of {done['fingerprint']}, wave 1"
    assert [(target["change"], target["after"]) for target in previewed["targets"]] == [("roll back", "26.8.2")]
    assert versions(fleet) == ["26.8.3"] * 4
    assert "way back" in call("rollout", "rollback", "--wave", "1", "--preview").out

    for words in ((), ("--all", "--failed"), ("--wave", "3"), ("--all",), ("--all", "--yes", "3")):
        assert call("rollout", "rollback", *words).code == 2, words
    call.interactive = True
    asked = call("rollout", "rollback", "--all", typed="n\n")
    assert (asked.code, "Roll back 4 live targets?" in asked.err) == (1, True)
    call.interactive = False
    back = call("rollout", "rollback", done["id"][:8], "--all", "--yes", "4", "--json")
    assert back.code == 0, back.err
    assert (back.json["state"], back.json["kind"]) == ("completed", f"rollback of {done['fingerprint']}, all")
    assert back.json["why"] == back.json["kind"]
    assert versions(fleet) == ["26.8.2"] * 4
    assert f"rollback of {done['fingerprint']}" in call("rollout", "list").out
    assert "0 of 4 updated, 4 rolled back since" in call("rollout", "list").out
    shown = call("rollout", "show", done["id"][:8])
    assert (shown.code, shown.out.count(f"rolled back by {back.json['fingerprint']}")) == (0, 4)
    for target in call("rollout", "show", done["id"][:8], "--json").json["targets"]:
        assert (target["state"], target["rolled_back_by"]["rollout"]) == ("done", back.json["id"])
    assert {target["rolled_back_by"] for target in back.json["targets"]} == {None}
    assert f"rollback of {done['fingerprint']}" in call("rollout", "report").out


def test_the_time_that_it_lay_cut_off_is_not_what_it_took(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    done = call(*BEGIN, "--waves", "rest", "--yes", "4", "--json").json
    assert "lay cut off" not in call("rollout", "show").out
    clock = Shifted(fleet.console.catalog)
    with fleet.console.catalog.read() as books:
        rollout = books.rollouts.get(done["id"])
    for later, state in ((7200, RolloutState.INTERRUPTED), (7260, RolloutState.RUNNING)):
        with clock.later(later) as catalog, catalog.write() as books:
            books.rollouts.save_head(replace(rollout, state=state, ended_at=None))
    ended = rollout.started_at + timedelta(seconds=7262)
    with clock.later(7262) as catalog, catalog.write() as books:
        books.rollouts.save_head(replace(rollout, ended_at=ended))
        books.rollouts.save_target(rollout.id, replace(rollout.targets[0], ended_at=ended))
    shown = call("rollout", "show").out
    assert ", lay cut off for 2 h 1 min." in shown
    line = next(line for line in shown.splitlines() if rollout.targets[0].planned.application in line)
    assert not re.search(r"\b2 h\b", line), line


def test_read_only_refuses_every_change(call: CommandLine, fleet: Fleet) -> None:
    for words in (
        ("pause",),
        ("stop",),
        ("abort", "--yes"),
        ("decide", "skip", "--cause", "1"),
        ("retry",),
        ("rollback", "--all"),
    ):
        assert call("--read-only", "rollout", *words).code == 3, words
    assert versions(fleet) == ["26.8.2"] * 4


def test_nobody_is_asked_about_an_abort_that_could_not_answer(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    paused = Conductor(fleet.console, fleet.jobs, begun(fleet, pause_after_canary=True)).run()
    assert paused.state is RolloutState.PAUSED
    assert call("rollout", "abort").code == 2
    aborted = call("rollout", "abort", "--yes", "--json")
    assert (aborted.code, aborted.json["state"]) == (1, "stopped")
    assert aborted.json["words"] == "Aborted by operator. Nothing was in between."
