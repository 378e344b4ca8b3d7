"""Overriding: which answers may be, and that a person's word counts for the very answer that it was said of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.domain.overriding import (
    RULES,
    may_be_overridden,
    overridable,
    overrides_of,
    rule_words,
    together,
    together_words,
)
from mirror_console.domain.plan import number_to_type

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
NEVER = {
    Check.PLAN_CURRENT,
    Check.SOMETHING_TO_DO,
    Check.MAY_WRITE,
    Check.OTHER_ROLLOUT,
    Check.REACHABLE,
    Check.API,
    Check.ENGINE_KIND,
    Check.SETTINGS,
    Check.NAMES,
    Check.PORTS,
    Check.SHAPE,
    Check.LOCK,
    Check.RELEASE_ORDER,
}
"""What protects from losing something, or can't work anyhow."""


def held(environment_id: str = "a", words: str = "It is held on 26.8.2: campaign.") -> CheckResult:
    return CheckResult(Check.HOLD, Answer.BLOCKED, words, "End the hold.", environment_id, "e", ground="1 campaign")


def said(*results: CheckResult, reason: str = "agreed") -> Checked:
    return Checked(results, overrides_of(results, reason, "operator", NOW))


def test_every_check_has_its_rule() -> None:
    missing = [check.name for check in Check if check not in RULES]
    assert not missing, f"say in domain/overriding.py whether these may be overridden, and why: {missing}"
    assert set(RULES) == set(Check)
    for check, rule in RULES.items():
        assert rule.why.endswith("."), check
        assert not rule.answers - {Answer.BLOCKED, Answer.UNKNOWN}, f"{check}: only what blocks can be overridden"


@pytest.mark.parametrize("check", sorted(NEVER))
def test_what_protects_or_cannot_work_is_never_overridden(check: Check) -> None:
    for answer in Answer:
        assert not may_be_overridden(CheckResult(check, answer, "no"))
    assert rule_words(check).startswith("It can't be overridden. ")


def test_some_answers_are_a_matter_of_judgement() -> None:
    assert may_be_overridden(held())
    assert may_be_overridden(CheckResult(Check.PULLABLE, Answer.UNKNOWN, "no answer"))
    # The registry has said no: it can't work.
    assert not may_be_overridden(CheckResult(Check.PULLABLE, Answer.BLOCKED, "not found"))
    assert not may_be_overridden(CheckResult(Check.HOLD, Answer.PASS, "fine"))
    assert rule_words(Check.HOLD).startswith(
        "It may be overridden with a reason where the answer is unknown or blocked"
    )
    assert (
        rule_words(Check.DRIFT, [Answer.PASS, Answer.WARNING]) == "It blocks nothing, so there is nothing to override."
    )
    assert rule_words(Check.PULLABLE, [Answer.PASS, Answer.BLOCKED]).startswith("It can't be overridden. ")


def test_what_is_overridden_blocks_no_more() -> None:
    other = CheckResult(Check.LOCK, Answer.BLOCKED, "held", environment_id="a")
    checked = replace(said(held()), results=(held(), held("b"), other))
    assert checked.blocking == (held("b"), other)
    assert checked.blocked(["a", "b"]) == {"a", "b"}
    assert overridable(checked) == (held("b"),)
    word = checked.override_of(held())
    assert word is not None
    assert (word.reason, word.person, word.at, word.words) == ("agreed", "operator", NOW, held().words)
    assert checked.override_of(held("b")) is None
    whole = CheckResult(Check.FREEZE, Answer.BLOCKED, "frozen")
    assert not said(whole).blocks_all
    assert Checked((whole,)).blocks_all


@pytest.mark.parametrize(
    "otherwise",
    [
        replace(held(), ground="2 campaign"),
        replace(held(), environment_id="b"),
        replace(held(), answer=Answer.UNKNOWN),
        replace(held(), check=Check.FREEZE),
    ],
)
def test_another_answer_counts_again(otherwise: CheckResult) -> None:
    checked = replace(said(held()), results=(otherwise,))
    assert checked.blocking == (otherwise,)
    assert checked.override_of(otherwise) is None


def test_words_that_tell_the_time_change_nothing() -> None:
    later = held(words="It is held on 26.8.2 until yesterday's day: campaign.")
    assert replace(said(held()), results=(later,)).blocking == ()
    # Where nothing is said of what it rests on, it rests on its words.
    plainly = replace(held(), ground="")
    assert replace(said(plainly), results=(plainly,)).blocking == ()
    assert replace(said(plainly), results=(replace(plainly, words="other"),)).blocking


def test_figures_that_are_others_each_time_change_nothing() -> None:
    full = CheckResult(Check.DISK, Answer.BLOCKED, "The image takes 2 GB; 812 MB are free.", environment_id="a")
    later = replace(full, words="The image takes 2 GB; 809 MB are free.")
    assert replace(said(full), results=(later,)).blocking == ()
    assert replace(said(full), results=(replace(later, environment_id="b"),)).blocking


def test_a_word_over_what_passes_changes_nothing() -> None:
    fine = replace(held(), answer=Answer.PASS)
    assert said(fine).override_of(fine) is None
    warned = CheckResult(Check.DRIFT, Answer.WARNING, "look", environment_id="a")
    assert said(warned).warnings == (warned,)


def test_the_same_word_over_alike_answers_is_told_once() -> None:
    of = (held("a"), held("b"), held("c", "It is held on 26.8.1: campaign."), replace(held("d"), environment_id=""))
    found = together(said(*of).overrides)
    assert [one.environment_ids for one in found] == [("a", "b"), ("c",)]
    names = {"a": "Dunes", "b": "Harbour"}
    assert together_words(found[0], names) == (
        "Overridden: “no hold against it” of Dunes, Harbour (blocked: It is held on 26.8.2: campaign). Why: agreed"
    )
    many = together(said(*(held(str(place)) for place in range(5))).overrides)
    assert " of 0, 1, 2 and 2 more (" in together_words(many[0], {})


def test_whoever_overrides_types_the_number() -> None:
    assert number_to_type(3) is None
    assert number_to_type(3, overridden=True) == 3
    assert number_to_type(0, overridden=True) is None
