"""What blocks: a blocked answer, and one that isn't known unless its check may go unanswered."""

from __future__ import annotations

import pytest

from mirror_console.domain.check import UNKNOWN_ONLY_WARNS, Answer, Check, Checked, CheckResult


@pytest.mark.parametrize("check", Check)
def test_an_unknown_answer_blocks_unless_the_check_may_go_unanswered(check: Check) -> None:
    assert CheckResult(check, Answer.UNKNOWN, "?").blocks == (check not in UNKNOWN_ONLY_WARNS)
    assert CheckResult(check, Answer.BLOCKED, "no").blocks
    assert not CheckResult(check, Answer.WARNING, "hm").blocks
    assert not CheckResult(check, Answer.PASS, "yes").blocks


WHOLE = CheckResult(Check.PLAN_CURRENT, Answer.PASS, "yes")
RESULTS = (
    WHOLE,
    CheckResult(Check.REACHABLE, Answer.PASS, "yes", environment_id="a"),
    CheckResult(Check.DRIFT, Answer.WARNING, "look", environment_id="a"),
    CheckResult(Check.DISK, Answer.UNKNOWN, "?", environment_id="a"),
    CheckResult(Check.PORTS, Answer.BLOCKED, "taken", environment_id="b"),
    CheckResult(Check.PULLABLE, Answer.UNKNOWN, "?", environment_id="c"),
)


def test_a_blocked_target_costs_only_itself() -> None:
    checked = Checked(RESULTS)

    assert checked.blocked(["a", "b", "c", "d"]) == {"b", "c"}
    assert checked.blocked(["a"]) == frozenset()
    assert not checked.blocks_all
    assert checked.blocking == RESULTS[4:]
    assert checked.of("a") == RESULTS[1:4]


def test_a_blocked_rollout_costs_all() -> None:
    refused = CheckResult(Check.MAY_WRITE, Answer.BLOCKED, "read-only")

    assert Checked((*RESULTS, refused)).blocks_all
    assert not Checked(()).blocks_all


def test_what_asks_for_a_look_is_told_apart_from_what_blocks() -> None:
    assert Checked(RESULTS).warnings == RESULTS[2:4]
