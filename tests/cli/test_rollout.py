"""Rollouts from the command line: plan, checks, start, pause, stop, report; verdicts are read from the engines."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mirror_console.domain.lock import LockTimes
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.errors import CatalogError
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.faults import Fault
from mirror_console.store.rollout import Rollouts
from tests.cli.pressing import press_ctrl_c
from tests.cli.terminal import CommandLine
from tests.operations.fleet import QUICK, Fleet

pytestmark = pytest.mark.slow

ALL = ("-e", "live", "--all")
FAST = ("--waves", "1,rest", "--bake", "0")


def versions(fleet: Fleet) -> list[str]:
    """What each mirror's live really runs."""
    return [fleet.version_of(f"mirror-0{number}-live") for number in range(1, 5)]


def test_a_release_goes_out_and_the_report_says_so(call: CommandLine, fleet: Fleet, tmp_path: Path) -> None:
    fleet.publish("26.8.3", health_interval=0.02)

    planned = call("rollout", "plan", *ALL, *FAST)
    assert planned.code == 0
    assert "4 targets on 2 engines in 2 waves (1 + 3); 0 left out" in planned.out
    how = (
        "pause after the first · 8 at once, 2 per engine · images first, 6 pulls from a registry · no bake · "
        "canary stops at 1 of 1; then stops at 3 of 3; stops at 3 in a row · who fails: put back"
    )
    assert f"Way: {how}" in planned.out.splitlines()
    checked = call("rollout", "checks")
    assert checked.code == 0
    assert "0 of 4 targets blocked" in checked.out
    assert versions(fleet) == ["26.8.2"] * 4

    started = call("rollout", "start", *ALL, *FAST, "--no-pause", "--why", "the new release", "--yes", "4")
    assert started.code == 0, started.err
    assert "4 of 4 updated (completed)" in started.out
    assert started.err.count(" done") == 4
    assert versions(fleet) == ["26.8.3"] * 4

    assert "the new release" in call("rollout", "list").out
    shown = call("rollout", "show", "--json").json
    assert shown["state"] == "completed"
    assert {target["state"] for target in shown["targets"]} == {"done"}
    assert call("rollout", "show", shown["id"][:8]).code == 0
    assert call("rollout", "show", shown["fingerprint"]).code == 0
    assert call("rollout", "report").out.startswith("**4 of 4 updated**")
    assert call("rollout", "report", "--json").json["headline"] == "4 of 4 updated"
    assert call("rollout", "report", "--html", str(tmp_path / "report.html")).code == 0
    assert "<h1>4 of 4 updated</h1>" in (tmp_path / "report.html").read_text()
    assert call("rollout", "report", "--html", str(tmp_path / "no" / "folder.html")).code == 4


def test_the_way_is_told_before_the_question_and_after(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    way = ("--waves", "1,rest", "--bake", "30", "--max-failed", "1", "--in-a-row", "2", "--on-failure", "ask")
    made = call("rollout", "plan", *ALL, *way, "--max-failed-in-all", "50%", "--json").json
    told = made["way"]
    assert told["waves"] == [
        {"wave": 1, "targets": 1, "stops_at": 1, "pauses_after": True},
        {"wave": 2, "targets": 3, "stops_at": 2, "pauses_after": False},
    ]
    assert (told["bake"], told["max_failed"], told["in_a_row"], told["on_failure"]) == (30, 1, 2, "ask")
    in_all = ("max_failed_in_all", "max_failed_in_all_percent", "stops_at_in_all")
    assert tuple(told[name] for name in in_all) == (None, 50, 3)
    assert (told["at_once"], told["at_once_per_engine"], told["pulls_per_registry"]) == (8, 2, 6)
    asked = call("rollout", "start", "--plan", made["fingerprint"], "--why", "x", typed="n\n")
    how = told["words"].removeprefix("1 + 3 in 2 waves · ")
    assert f"Way: {how}" in asked.out.splitlines()
    assert "then stops at 2 of 3; stops at 3 of 4 in all; stops at 2 in a row · who fails: ask" in how

    assert call("rollout", "start", *ALL, *FAST, "--no-pause", "--why", "x", "--yes", "4").code == 0
    shown = call("rollout", "show")
    gone = call("rollout", "show", "--json").json["way"]
    assert (gone["max_failed_in_all"], gone["stops_at_in_all"]) == (4, None)
    unruled = call("rollout", "plan", *ALL, "--max-failed-in-all", "none", "--json").json["way"]
    assert (unruled["max_failed_in_all"], unruled["stops_at_in_all"]) == (None, None)
    wrong = call("rollout", "plan", *ALL, "--max-failed-in-all", "some")
    assert (wrong.code, "max failed in all: 'some' is neither a count nor a share" in wrong.err) == (2, True)
    assert f"Way: {gone['words']}" in shown.out.splitlines()
    assert "stops at 3 of 3; stops at 3 in a row" in gone["words"]


def test_what_is_not_there_is_told_with_where_to_look(call: CommandLine) -> None:
    for words, way_out in (
        (("show", "nope"), "mirror-console rollout list"),
        (("start", "--plan", "ABCD", "--why", "x"), "mirror-console rollout plan"),
    ):
        told = call("rollout", *words)
        assert (told.code, told.err.rstrip().endswith(way_out)) == (2, True), told.err


def test_a_plan_that_was_made_can_be_started(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    made = call("rollout", "plan", "-e", "live", "-m", "mirror-02", *FAST, "--json").json
    assert [target["mirror"] for target in made["targets"]] == ["Mirror 02"]
    said = call("rollout", "start", "--plan", made["fingerprint"], "--why", "x", "--yes", "1", "--json")
    assert said.code == 0, said.err
    assert said.json["headline"] == "1 of 1 updated"
    assert versions(fleet) == ["26.8.2", "26.8.3", "26.8.2", "26.8.2"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("-m", "mirror-02"), "--mirror"),
        (("--waves", "1,rest", "--on-trip", "roll back the wave"), "--waves, --on-trip"),
        (("--way", "careful", "--bake", "1"), "--way, --bake"),
        (("--all", "--no-pause"), "--all, --no-pause"),
    ],
)
def test_what_a_plan_says_is_not_said_beside_it(
    call: CommandLine, fleet: Fleet, more: tuple[str, ...], told: str
) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    made = call("rollout", "plan", *ALL, *FAST, "--json").json
    refused = call("rollout", "start", "--plan", made["fingerprint"], "--why", "x", "--yes", "4", *more)
    assert refused.code == 2
    assert f"{told}: not beside --plan: its targets and its way are those of the plan" in refused.err
    assert versions(fleet) == ["26.8.2"] * 4


def test_all_is_said_alone(call: CommandLine) -> None:
    for more in (("-m", "mirror-02"), ("--filter", "mirror")):
        refused = call("rollout", "plan", *ALL, *more)
        assert (refused.code, "say --all alone, or which mirrors" in refused.err) == (2, True), refused


def test_a_list_is_as_long_as_asked(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    for mirror in ("mirror-01", "mirror-02", "mirror-03"):
        begin = ("rollout", "start", "-e", "live", "-m", mirror, *FAST, "--why", f"for {mirror}", "--yes", "1")
        assert call(*begin).code == 0
    for most, more in ((1, "the newest alone is shown"), (2, "the newest 2 are shown"), (3, "")):
        listed = call("rollout", "list", "--most", str(most))
        assert [f"for mirror-0{number}" in listed.out for number in (3, 2, 1)] == [place < most for place in range(3)]
        assert (more in listed.err, "There are more" in listed.err) == (True, bool(more))
    assert len(call("rollout", "list", "--most", "1", "--json").json) == 3


def test_a_plan_that_was_seen_is_not_listed_again_when_it_is_started(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    planned = call("rollout", "plan", "-e", "live", "-m", "mirror-02", *FAST).out
    title, counts, way = planned.splitlines()[:3]
    assert "way back" in planned
    said = call("rollout", "start", "--plan", title.split()[1], "--why", "x").out
    assert said.startswith(f"{title}\n{counts}\n{way}\n\nChecks: ")


def test_nothing_starts_without_a_clear_word(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    begin = ("rollout", "start", *FAST, "--why", "x")
    for words in (
        (*begin, *ALL),
        (*begin, *ALL, "--yes", "3"),
        (*begin, "-e", "live"),
        (*begin, "-e", "stagin", "--all", "--yes", "4"),
        (*begin, "-e", "live", "-m", "nobody", "--yes", "1"),
        begin,
        (*begin, *ALL, "--plan", "x"),
        (*begin, "--plan", "nothing"),
        ("rollout", "start", *ALL, "--why", "x"),
        (*begin, *ALL, "--yes", "4", "--waves", "rest,1"),
        (*begin, *ALL, "--yes", "4", "--at-once", "0"),
        (*begin, *ALL, "--yes", "4", "--bake", "-1"),
        (*begin, *ALL, "--yes", "4", "--pause-after", "3"),
    ):
        said = call(*words)
        assert said.code == 2, (words, said)
        assert said.err
    assert versions(fleet) == ["26.8.2"] * 4
    assert call("rollout", "list").out == "There was no rollout yet.\n"


def test_what_is_not_everyday_work_wants_a_reason(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    first = fleet.environment(fleet.mirrors[0], "live")
    with fleet.console.catalog.write() as books:
        books.environments.save(replace(first, protected=True))
    # It is the name that counts, as in the window: mirror-02's own isn't protected.
    begin = ("rollout", "start", "-e", "live", "-m", "mirror-02", *FAST, "--yes", "1")
    for words in (begin, (*begin, "--why", "  ")):
        said = call(*words)
        assert said.code == 2
        assert "why: say why it is rolled out, for the report: a reason is wanted, as live is protected" in said.err
        assert 'Give the reason with --why "…".' in said.err
    assert versions(fleet) == ["26.8.2"] * 4
    assert call(*begin, "--why", " a fix ").code == 0
    assert call("rollout", "show", "--json").json["why"] == "a fix"
    back = ("rollout", "rollback", "--all", "--yes", "1")
    assert "live is protected" in call(*back).err
    with fleet.console.catalog.write() as books:
        books.environments.save(first)
    done = call(*back, "--json")
    assert (done.code, done.json["why"]) == (0, done.json["kind"])


def test_a_number_that_is_wrong_is_told_with_its_cause(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    begin = ("rollout", "start", *FAST, "--why", "x", "-e", "live")
    assert "4 targets would change, not 3\n" in call(*begin, "--all", "--yes", "3").err
    fleet.simulated.engines["alpha"].make_unreachable()

    said = call(*begin, "-m", "mirror-01", "--yes", "1")

    assert said.code == 2
    assert "Mirror 01 is left out, unreachable: " in said.err
    assert "not 1" not in said.err
    assert "2 targets would change, not 4 (left out: 2 unreachable)\n" in call(*begin, "--all", "--yes", "4").err
    assert versions(fleet) == ["26.8.2"] * 4


def test_an_engine_that_is_lost_as_checks_are_asked_is_left_out_with_its_reason(
    call: CommandLine, fleet: Fleet
) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    made = call("rollout", "plan", *ALL, *FAST, "--no-pause", "--json").json["fingerprint"]
    fleet.simulated.engines["berlin"].misbehave(Fault.RESET, "/images/")
    lost = "berlin closed the connection before it answered."

    checked = call("rollout", "checks", made)
    assert checked.code == 1, checked.err
    assert "2 of 4 targets blocked" in checked.out
    assert lost in checked.out
    blocking = [one for one in call("rollout", "checks", made, "--json").json["results"] if one["blocks"]]
    assert [(one["id"], one["mirror"]) for one in blocking] == [("reachable", "Mirror 02"), ("reachable", "Mirror 04")]

    start = ("rollout", "start", "--plan", made, "--why", "x", "--yes")
    assert "2 targets would change, not 4" in call(*start, "4").err
    started = call(*start, "2")
    assert "2 of 4 updated, 2 skipped" in started.out, started.err
    assert versions(fleet) == ["26.8.3", "26.8.2"] * 2
    targets = call("rollout", "show", "--json").json["targets"]
    assert [lost in target["words"] for target in targets] == [False, True] * 2


@pytest.mark.parametrize("typed", ["\n", "n\n", "no\n"])
def test_cancel_is_the_default(call: CommandLine, fleet: Fleet, typed: str) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    call.interactive = True
    said = call("rollout", "start", *ALL, *FAST, "--why", "x", typed=typed)
    assert said.code == 1
    assert "Nothing was started." in said.err
    assert versions(fleet) == ["26.8.2"] * 4


def test_a_person_is_asked_before_the_start_and_after_the_canary(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    call.interactive = True
    said = call("rollout", "start", *ALL, *FAST, "--why", "x", typed="y\nn\n")
    assert said.code == 1
    assert "Paused after the canary" in said.err
    assert "rollout resume" in said.out
    stop = "Stop rule from here on, wave 2: 0 failed; stops at 3 of 3, or at 3 in a row (now 0); unreachable counts"
    assert stop in call("rollout", "show").out.splitlines()
    assert versions(fleet) == ["26.8.3", "26.8.2", "26.8.2", "26.8.2"]
    resumed = call("rollout", "resume", typed="y\n")
    assert resumed.code == 0, resumed.err
    assert versions(fleet) == ["26.8.3"] * 4


def test_a_paused_rollout_can_be_ended(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    assert call("rollout", "start", *ALL, *FAST, "--why", "x", "--yes", "4").code == 1
    # What it waits with is left out of others, which say whose it is.
    name = call("rollout", "show", "--json").json["fingerprint"]
    others = call("rollout", "plan", *ALL, *FAST).out
    assert others.count(f"rollout {name} is paused here") == 3
    stopped = call("rollout", "stop", "--json")
    assert stopped.code == 1
    assert stopped.json["state"] == "stopped"
    assert [target["state"] for target in stopped.json["targets"]] == ["done", *["not started"] * 3]
    assert call("rollout", "stop").code == 2
    assert call("rollout", "resume").code == 2
    assert versions(fleet) == ["26.8.3", "26.8.2", "26.8.2", "26.8.2"]


def test_failures_are_told_first_and_by_the_exit_code(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    said = call("rollout", "start", "-e", "live", "-m", "mirror-01", *FAST, "--why", "x", "--yes", "1")
    assert said.code == 1
    assert "0 of 1 updated, 1 put back" in said.out
    assert versions(fleet)[0] == "26.8.2"
    assert "Not as planned" in call("rollout", "report").out


def test_what_checks_block_is_told(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    call("rollout", "plan", *ALL)
    fleet.simulated.engines["berlin"].make_unreachable()
    said = call("rollout", "checks", "--json")
    assert said.code == 1
    blocked = {result["mirror"] for result in said.json["results"] if result["blocks"]}
    assert blocked == {"Mirror 02", "Mirror 04"}


def test_read_only_refuses_every_change(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    call("rollout", "plan", *ALL)
    for words in (
        ("plan", *ALL),
        ("start", *ALL, "--why", "x", "--yes", "4"),
        ("resume",),
        ("stop",),
    ):
        assert call("--read-only", "rollout", *words).code == 3
    assert call("--read-only", "check").code == 0
    assert call("--read-only", "rollout", "list").code == 0
    assert versions(fleet) == ["26.8.2"] * 4


def test_ctrl_c_pauses_and_a_second_one_stops(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    begun = ("rollout", "start", *ALL, "--waves", "1,1,rest", "--bake", "1", "--no-pause", "--why", "x", "--yes", "4")

    with pressing_ctrl_c_while_baking(fleet, times=1):
        said = call(*begun)
    assert said.code == 1
    assert "Press Ctrl-C again to stop for good." in said.err
    assert call("rollout", "show", "--json").json["state"] == "paused"
    assert versions(fleet).count("26.8.3") == 1

    with pressing_ctrl_c_while_baking(fleet, times=2):
        stopped = call("rollout", "resume")
    assert stopped.code == 1
    assert "(stopped)" in stopped.out
    assert versions(fleet) == ["26.8.3", "26.8.3", "26.8.2", "26.8.2"]


@contextmanager
def pressing_ctrl_c_while_baking(fleet: Fleet, times: int) -> Iterator[None]:
    """Press Ctrl-C once a target bakes, which takes a second, and again shortly after."""
    pressed = threading.Event()

    def press() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    again = threading.Timer(0.4, press)

    def look(changed: frozenset[str]) -> None:
        if "rollouts" not in changed or pressed.is_set():
            return
        with fleet.console.catalog.read() as books:
            baking = any(target.state is TargetState.BAKING for target in books.rollouts.all()[0].targets)
        if baking:
            pressed.set()
            press()
            if times > 1:
                again.start()

    end = fleet.console.catalog.subscribe(look)
    try:
        yield
        assert pressed.is_set()
    finally:
        end()
        again.cancel()
        if times > 1:
            again.join()


# --- recovery -------------------------------------------------------------------------------------------------------


def cut_off(fleet: Fleet) -> None:
    """A rollout that a console began which is gone: nothing of it was done yet."""
    gone = replace(fleet.console, run="0" * 32)
    made = plan(gone, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    start(gone, made, preflight(gone, fleet.jobs, made), "cut off")


def test_what_was_interrupted_is_told_and_goes_on_when_asked(call: CommandLine, fleet: Fleet) -> None:
    assert call("recover", "list").out == "No rollout was interrupted.\n"
    fleet.publish("26.8.3", health_interval=0.02)
    call("check")
    cut_off(fleet)
    told = call("recover", "list")
    assert told.code == 1
    assert "was interrupted: 0 done, 0 in between, 4 waiting. Nothing is changed until you choose." in told.out
    (left,) = call("recover", "list", "--json").json
    assert left["rollout"]["state"] == "interrupted"
    refused_all = (
        ("stop",),
        ("abort", "--yes"),
        ("resume",),
        ("retry",),
        ("rollback", "--all", "--preview"),
        ("decide", "leave", "-m", "mirror-01"),
    )
    for words in refused_all:
        refused = call("rollout", *words)
        assert (refused.code, "was interrupted" in refused.err) == (2, True), refused
        for way_out in ("list", f"continue {left['rollout']['id'][:8]}", f"put-back {left['rollout']['id'][:8]}"):
            assert f"mirror-console recover {way_out}" in refused.err
    again = call("rollout", "start", *ALL, *FAST, "--why", "x")
    assert again.code == 2
    assert "The plan changes nothing: 4 another rollout works here. Let the other rollout end" in again.err
    assert versions(fleet) == ["26.8.2"] * 4
    assert call("--read-only", "recover", "continue").code == 3
    assert call("recover", "continue").code == 0
    assert versions(fleet) == ["26.8.3"] * 4
    assert call("recover", "continue").code == 2


def test_what_runs_elsewhere_is_told_from_what_was_cut_off(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    call("check")
    cut_off(fleet)
    alive = CommandLine(replace(fleet.console, holder=lambda: "0" * 32), fleet.jobs, fleet.folder)
    assert {cell["activity"] for cell in lives(alive)} == {"queued"}
    assert alive("rollout", "show", "--json").json["state"] == "running"
    assert "was interrupted" not in alive("status").err

    # None of them was begun: what waits for its turn is queued, whatever became of its rollout.
    assert {cell["activity"] for cell in lives(call)} == {"queued"}
    assert call("rollout", "list", "--json").json[0]["state"] == "interrupted"
    shown = call("rollout", "show")
    assert "The console ended in the middle." in shown.out
    assert "Decide: mirror-console recover continue" in shown.out
    assert "interrupted" in call("rollout", "report").out
    status = call("--read-only", "status")
    assert status.code == 1
    assert "to live was interrupted. See what it left, and decide: mirror-console recover list" in status.err
    with fleet.console.catalog.read() as books:
        assert books.rollouts.all()[0].state is RolloutState.RUNNING, "looking has written it"


def test_one_is_found_by_its_name_and_no_other_is_read(
    call: CommandLine, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    call("check")
    ended = call("rollout", "start", *ALL, *FAST, "--no-pause", "--why", "first", "--yes", "4", "--json").json
    fleet.publish("26.8.4", health_interval=0.02)
    call("check")
    cut_off(fleet)
    read, get = [], Rollouts.get

    def counting(self: Rollouts, rollout_id: str) -> Rollout:
        read.append(rollout_id)
        return get(self, rollout_id)

    monkeypatch.setattr(Rollouts, "get", counting)
    monkeypatch.setattr(Rollouts, "all", lambda _self: pytest.fail("all of them were read"))
    for name in (ended["id"][:8], ended["fingerprint"].lower()):
        read.clear()
        assert call("rollout", "show", name, "--json").json["state"] == "completed"
        assert read == [ended["id"]]
    assert call("rollout", "show", "--json").json["state"] == "interrupted"
    # That the newer one was cut off is known before it is read.
    assert "recover continue" in call("rollout", "resume").err
    assert call("rollout", "rollback", ended["id"][:8], "--all", "--preview").code == 0
    assert "there is no rollout 'nobody'" in call("rollout", "show", "nobody").err


def lives(call: CommandLine) -> list[dict[str, str]]:
    """Every mirror's live, as the status tells it."""
    return [cell for mirror in call("status", "--json").json["mirrors"] for cell in mirror["environments"]]


@pytest.mark.parametrize("choice", ["put-back", "continue"])
def test_for_what_it_watches_while_it_recovers_is_told(call: CommandLine, fleet: Fleet, choice: str) -> None:
    """The console was cut off at the stop of an old container: the engine may carry that out yet."""

    def cut(boundary: str) -> None:
        if boundary == "STOP:intent":
            raise CatalogError("The journal can't be written.", "A test says so.")

    fleet.publish("26.8.3", health_interval=0.02)
    call("check")
    at = call.console.clock()
    call.console = replace(call.console, clock=lambda: at, lock_times=LockTimes(grace=0.2))
    console = replace(call.console, mark=cut)
    made = plan(console, "live", [fleet.mirrors[0].id], QUICK)
    rollout = start(console, made, preflight(console, fleet.jobs, made), "cut off")
    with pytest.raises(CatalogError):
        Conductor(console, fleet.jobs, rollout).run()
    assert "'stop old' or 'start new' may be carried out yet, for 1 s" in call("recover", "list").out
    said = call("recover", choice)
    assert "Mirror 01 live watches for 1 s whether 'stop old', which had no answer, is still carried out" in said.err
    assert said.code == (0 if choice == "continue" else 1)


def test_what_was_interrupted_is_put_back_when_asked(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    call("check")
    cut_off(fleet)
    said = call("recover", "put-back", "--json")
    assert said.code == 1
    assert {target["state"] for target in said.json["targets"]} == {"not started"}
    assert versions(fleet) == ["26.8.2"] * 4


@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.parametrize("choice", ["continue", "put-back"])
def test_ctrl_c_leaves_nothing_half_done_while_it_recovers(
    call: CommandLine, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, choice: str, presses: int
) -> None:
    """It is pressed while the one that was cut off is brought to an end, which doesn't go on before that is told."""

    def cut(boundary: str) -> None:
        if boundary == "START:sent":
            raise CatalogError("The journal can't be written.", "A test says so.")

    fleet.publish("26.8.3", health_interval=0.02)
    call("check")
    console = replace(fleet.console, mark=cut)
    made = plan(console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    rollout = start(console, made, preflight(console, fleet.jobs, made), "cut off")
    with pytest.raises(CatalogError):
        Conductor(console, fleet.jobs, rollout).run()
    pressed = press_ctrl_c(call, monkeypatch, presses)

    said = call("recover", choice, "--json")
    assert (said.code, pressed.is_set()) == (1, True)
    states = [target["state"] for target in said.json["targets"]]
    if choice == "put-back":
        assert "What was cut off is put back first. With that the rollout ends" in said.err
        assert ("It is put back all the same" in said.err) == (presses > 1)
        assert states == ["put back", *["not started"] * 3]
        assert versions(fleet) == ["26.8.2"] * 4
        return
    assert "Pausing: what was cut off is brought to an end first; the rest waits to be resumed." in said.err
    assert versions(fleet) == ["26.8.3", *["26.8.2"] * 3]
    if presses > 1:
        assert "Stopping: what was cut off is brought to an end first" in said.err
        assert (said.json["state"], states) == ("stopped", ["done", *["not started"] * 3])
        return
    assert (said.json["state"], states) == ("paused", ["done", *["queued"] * 3])
    assert call("rollout", "resume").code == 0
    assert versions(fleet) == ["26.8.3"] * 4


def test_images_are_fetched_ahead_by_a_command_of_their_own(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    assert call("check").code == 0
    told = call("images", "prefetch", "webshop")
    assert told.code == 0
    assert told.out.startswith("Images for 2 engines: 1 fetched, 1 there already.")
    assert versions(fleet) == ["26.8.2"] * 4
    again = call("images", "prefetch", "webshop", "--release", "26.8.3", "--engine", "berlin", "--json").json
    assert [(one["engine"], one["state"], one["words"]) for one in again["fetches"]] == [
        ("berlin", "there already", "")
    ]
    assert again["words"] == "There already on 1 engine."
    fleet.publish("26.8.4", health_interval=0.02)
    assert call("check").code == 0
    fleet.simulated.engines["berlin"].fail_pulls("no space left on device")
    failed = call("images", "prefetch", "webshop")
    assert failed.code == 1
    assert "1 there already, 1 failed: berlin could not pull" in failed.out
    assert call("images", "prefetch", "webshop", "--per-registry", "0").code == 2
    assert "there is no engine 'oslo'" in call("images", "prefetch", "webshop", "--engine", "oslo").err
