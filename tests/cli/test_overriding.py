"""Overriding a check, and reading about it, from the command line."""

from __future__ import annotations

import pytest

from mirror_console.simulator.faults import Fault
from tests.cli.terminal import CommandLine
from tests.operations.fleet import Fleet

pytestmark = pytest.mark.slow

ALL = ("-e", "live", "--all", "--waves", "1,rest", "--bake", "0", "--no-pause")
BEGIN = ("rollout", "start", *ALL, "--why", "x")


@pytest.fixture
def silent(fleet: Fleet) -> Fleet:
    """Berlin's registry gives no sensible answer: whether its two mirrors can have the image isn't known."""
    fleet.publish("26.8.3", health_interval=0.02)
    fleet.simulated.engines["berlin"].misbehave(Fault.INVALID_JSON, "/distribution/")
    return fleet


def test_a_rollout_goes_on_in_spite_of_a_check(call: CommandLine, silent: Fleet) -> None:
    made = call("rollout", "plan", *ALL, "--json").json["fingerprint"]
    checked = call("rollout", "checks", made)
    assert checked.code == 1
    assert f"rollout start --plan {made} --why WHY --override pullable=REASON" in checked.out
    assert "mirror-console help pullable" in checked.out
    blocking = [one for one in call("rollout", "checks", made, "--json").json["results"] if one["blocks"]]
    assert [(one["id"], one["overridable"], one["answer"]) for one in blocking] == [("pullable", True, "unknown")] * 2

    start = ("rollout", "start", "--plan", made, "--why", "the release")
    one = call(*start, "--override", "pullable@mirror-02=it is there", "--override", "hold=to be sure", "--yes", "4")
    assert one.code == 2
    assert "3 targets would change, not 4" in one.err
    assert "nothing that 'hold' answers can be overridden" in one.err
    assert "unknown, overridden" in one.out
    assert "Overridden by operator: it is there" in one.out

    done = call(*start, "--override", "Pullable=it is there", "--yes", "4")
    assert done.code == 0, done.err
    assert "1 blocks" not in done.out
    shown = call("rollout", "show")
    assert "Overridden: “image can be had” of Mirror 02, Mirror 04 (unknown: " in shown.out
    assert "Why: it is there (operator, " in shown.out
    told = call("rollout", "show", "--json").json["overrides"]
    assert [(one["id"], one["mirror"], one["reason"], one["person"]) for one in told] == [
        ("pullable", "Mirror 02", "it is there", "operator"),
        ("pullable", "Mirror 04", "it is there", "operator"),
    ]
    assert "check overridden: image can be had" in call("audit", "list").out
    assert "Overridden by operator" in call("rollout", "report").out


def test_what_a_check_left_out_is_tried_again_in_spite_of_it(call: CommandLine, silent: Fleet) -> None:
    assert call(*BEGIN, "--yes", "2").code == 1
    assert silent.version_of("mirror-02-live") == "26.8.2"
    again = ("rollout", "retry", "--mirror", "mirror-02", "--override")
    assert "there is no target 'mirror-04'" in call(*again, "pullable@mirror-04=it is there").err
    done = call(*again, "pullable=it is there")
    assert "3 of 4 updated, 1 skipped" in done.out, done.err
    assert silent.version_of("mirror-02-live") == "26.8.3"
    assert silent.version_of("mirror-04-live") == "26.8.2"
    told = call("rollout", "show", "--json").json["overrides"]
    assert [(one["mirror"], one["reason"]) for one in told] == [("Mirror 02", "it is there")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lock=I am sure", "override lock: It can't be overridden. Somebody else works on it"),
        ("pullable=", "override pullable: say why, after '='"),
        ("pullable", "override pullable: say why, after '='"),
        ("nothing=x", "there is no check 'nothing': see 'mirror-console help checks'"),
        ("pullable@nobody=x", "there is no target 'nobody'"),
    ],
)
def test_what_cannot_be_overridden_so_is_refused(call: CommandLine, silent: Fleet, text: str, words: str) -> None:
    said = call(*BEGIN, "--override", text, "--yes", "4")
    assert said.code == 2
    assert words in said.err
    assert call("rollout", "list").out == "There was no rollout yet.\n"


def test_the_help_is_read(call: CommandLine) -> None:
    listed = call("help")
    assert listed.code == 0
    assert "In trouble" in listed.out
    assert "way-back " in listed.out
    assert "interrupted-rollout" in listed.out
    assert "interrupted-rollout" not in call("help", "checks").out
    page = call("help", "window")
    assert page.out.startswith("Inside its window\n\nMay the environment be changed")
    assert "\n  mirror-console schedule list\n" in page.out
    found = call("help", "window", "--json").json
    assert (found["id"], found["about"], found["title"]) == ("window", "checks", "Inside its window")
    assert {"id": "window", "about": "checks", "title": "Inside its window"} in call("help", "--json").json
    assert call("help", "nothing").code == 2
