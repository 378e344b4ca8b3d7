"""Failures by cause: each failed target has one, and what is each one's own makes no difference."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.causes import CAUSED, Cause, causes
from mirror_console.domain.environment import Port, Settings
from mirror_console.domain.release_command import Preparation, ReleaseCommand
from mirror_console.domain.rollout import Target, TargetState
from tests.domain.rollouts import target

WORDS = st.sampled_from(
    [
        "verify: not well after {seconds} s: /up answered 500",
        "verify: the new container ended with exit code 1",
        "verify: the new container ended with exit code 137",
        "pull: {engine} could not pull it. Tried 3 times in {seconds} s.",
        "start new: the new container runs, but its port {port} isn't bound",
        "lock: '{container}' is another container now than when it was planned",
        "create new: the container 3f4e5d6c7b8a is in the way",
        "skipped by operator after: health: /up answered 500",
    ]
)
STATES = st.sampled_from(TargetState)


def failed(number: int, state: TargetState, words: str) -> Target:
    """A target with its own names in the words of its failure."""
    made = target(number, f"engine-{number}", 0)
    own = {"seconds": number + 0.5, "engine": f"engine-{number}", "port": 9000 + number, "container": f"m{number}"}
    settings = Settings(ports=(Port(8080, 9000 + number),))
    return replace(made, planned=replace(made.planned, settings=settings), state=state, words=words.format(**own))


@given(st.lists(st.tuples(STATES, WORDS), max_size=30))
def test_each_target_that_failed_is_in_one_group_with_all_like_it(drawn: list[tuple[TargetState, str]]) -> None:
    targets = [failed(number, state, words) for number, (state, words) in enumerate(drawn, 1)]
    expected = Counter((state, words) for state, words in drawn if state in CAUSED)

    found = causes(targets)

    assert sorted(cause.count for cause in found) == sorted(expected.values())
    grouped = [one for cause in found for one in cause.environment_ids]
    assert sorted(grouped) == sorted(one.environment_id for one in targets if one.state in CAUSED)
    for cause in found:
        assert len({(one.state, drawn[int(one.environment_id[1:]) - 1][1]) for one in cause.targets}) == 1
        assert cause.words == cause.targets[0].words
    # What may not serve is at the top of every list, then what waits for a decision, and after all that failed what was
    # left out: last what a person left out.
    order = [rank(cause) for cause in found]
    assert order == sorted(order)
    for place in set(order):
        counts = [cause.count for cause in found if rank(cause) == place]
        assert counts == sorted(counts, reverse=True)


def rank(cause: Cause) -> int:
    """Where the causes of a kind stand in the list."""
    if cause.state is TargetState.SKIPPED:
        return 4 if cause.words.startswith("skipped by ") else 3
    return {TargetState.STRANDED: 0, TargetState.UNDECIDED: 1}.get(cause.state, 2)


def test_what_a_person_skipped_is_one_cause_if_what_failed_was() -> None:
    words = ("verify: the new container ended with exit code 1", "start new: the new container ended with exit code 1")
    skipped = [
        replace(target(n, "a", 0), state=TargetState.SKIPPED, words=f"skipped by operator after: {one}")
        for n, one in enumerate((*words, "back up: it ended with exit code 2"), 1)
    ]
    by_other = replace(skipped[0], words=f"skipped by another after: {words[0]}")
    assert [(cause.count, cause.decided) for cause in causes([*skipped, by_other])] == [(2, True), (1, True), (1, True)]


def test_a_name_that_is_part_of_another_word_is_no_name() -> None:
    one, other = (replace(target(1, "a", 0), state=TargetState.FAILED, words=words) for words in ("a b", "x b"))
    same_name = replace(other, planned=replace(other.planned, environment_id="e2", engine="x"))
    assert [cause.count for cause in causes([one, same_name])] == [2]
    assert [cause.count for cause in causes([one, replace(same_name, words="xx b")])] == [1, 1]


def grouped(*words: str, **planned: object) -> list[tuple[int, str]]:
    """How many causes failed targets with these words have, with how many targets each."""
    targets = [
        replace(made, state=TargetState.FAILED, words=one, planned=replace(made.planned, **planned))  # type: ignore[arg-type]
        for made, one in ((target(number, "a", 0), one) for number, one in enumerate(words, 1))
    ]
    return [(cause.count, cause.words) for cause in causes(targets)]


RAN = "run release command: it ended with exit code 7: 2026-11-27 19:31:09 ERROR boom"


@pytest.mark.parametrize(
    "other",
    [
        "run release command: it ended with exit code 7: 2026-11-27 19:31:11 ERROR boom",
        "run release command: it ended with exit code 7",
        "run release command: at Mirror 1 live: it ended with exit code 7: 2026-11-27 19:31:09 ERROR boom",
        "run release command: at Inn: by the sea live: it ended with exit code 7: relation exists",
        "run release command: at Left Alone live: it ended with exit code 7: of an earlier rollout",
    ],
)
def test_a_command_that_failed_is_one_cause_whatever_it_wrote_and_whoever_ran_it(other: str) -> None:
    inn = replace(target(3, "a", 0), state=TargetState.DONE)
    inn = replace(inn, planned=replace(inn.planned, application="Inn: by the sea"))
    second, first = (replace(target(n, "a", 0), state=TargetState.FAILED) for n in (1, 2))
    for several in ([RAN, other], [other, RAN]):
        made = [replace(second, words=several[0]), replace(first, words=several[1]), inn]
        (cause,) = causes(made)
        assert cause.count == 2
        # In the words of one that ran it.
        assert ": at " not in cause.words


@pytest.mark.parametrize(
    "other",
    [
        "run release command: it ended with exit code 8: 2026-11-27 19:31:09 ERROR boom",
        "run release command: it ran out of memory: 2026-11-27 19:31:09 ERROR boom",
        "run release command: it was stopped at its limit of 600 s: 2026-11-27 19:31:09 ERROR boom",
        "run release command: what came of it at Mirror 1 live isn't known: a person has to say",
        "run release command: at Mirror 1 live: it was not started",
        "back up: it ended with exit code 7: 2026-11-27 19:31:09 ERROR boom",
    ],
)
def test_another_end_of_a_command_is_another_cause(other: str) -> None:
    assert [times for times, _words in grouped(RAN, other)] == [1, 1]


def test_the_command_of_another_source_is_another_cause() -> None:
    one, other = (
        replace(made, state=TargetState.FAILED, words=RAN, planned=replace(made.planned, preparation=prepared))
        for made, prepared in (
            (target(1, "a", 0), Preparation("e1", ("fp1:2",), "", ReleaseCommand(("migrate",)))),
            (target(2, "a", 0), Preparation("e2", ("fp1:2",), "", ReleaseCommand(("upgrade",)))),
        )
    )
    assert [cause.count for cause in causes([one, other])] == [1, 1]


THERE = "run release command: at Mirror 1 live: "
IN_VAIN = "run release command: the release command of group 'books' was not run: the release command at {} isn't over"
IN_THE_DARK = "run release command: what came of it at {} isn't known: a person has to say"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "back up: it ended with exit code 1: disk full",
            f"{THERE}the backup before it failed: it ended with exit code 1: disk full",
        ),
        ("make the command's container: no such image", f"{THERE}make the command's container: no such image"),
        (IN_VAIN.format("A live"), IN_VAIN.format("B live")),
        (IN_THE_DARK.format("A live"), IN_THE_DARK.format("B live")),
    ],
)
def test_who_waited_in_vain_for_another_one_has_its_cause(one: str, other: str) -> None:
    assert grouped(one, other) == [(2, one)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-11-27 19:31:09 ERROR boom", "2026-11-28 02:01:59 ERROR boom"),
        ("2026-11-27T19:31:09.123Z boom", "2026-11-27T19:31:10,456+01:00 boom"),
        ("[27/Nov/2026:19:31:09 +0000] boom", "[28/Nov/2026:09:31:09 +0000] boom"),
        ("Nov 27 19:31:09 boom", "Dec  1 00:00:00 boom"),
        ("at 19:31:09 boom", "at 7:02:00 boom"),
        ("since 27 Nov 2026 19:31 boom", "since 1 Dec 2026 07:02 boom"),
    ],
)
def test_when_it_failed_makes_no_difference(one: str, other: str) -> None:
    words = [f"verify: its health check fails: {text}" for text in (one, other)]
    assert grouped(*words) == [(2, words[0])]


def test_what_differs_in_more_than_its_time_stays_apart() -> None:
    for one, other in (("10.0.0.1:80 refused", "10.0.0.2:80 refused"), ("took 2:30", "took 2:31"), ("a:1", "b:1")):
        assert [times for times, _words in grouped(f"verify: {one}", f"verify: {other}")] == [1, 1]
    # The times that a check names are why it says no.
    checked = [f"window closed: it may be changed from 2{day} Sep 2026 22:00:00 on" for day in (6, 7)]
    skipped = [replace(target(n, "a", 0), state=TargetState.SKIPPED, words=one) for n, one in enumerate(checked, 1)]
    assert [cause.count for cause in causes(skipped)] == [1, 1]
