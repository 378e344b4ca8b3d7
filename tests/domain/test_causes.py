"""Failures by cause: each failed target has one, and what is each one's own makes no difference."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.causes import CAUSED, causes
from mirror_console.domain.environment import Port, Settings
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
    # What may not serve is at the top of every list, then what waits for a decision.
    order = [cause.state for cause in found]
    urgent = [state for state in (TargetState.STRANDED, TargetState.UNDECIDED) for _ in range(order.count(state))]
    assert order[: len(urgent)] == urgent
    rest = [cause.count for cause in found[len(urgent) :]]
    assert rest == sorted(rest, reverse=True)


def test_a_name_that_is_part_of_another_word_is_no_name() -> None:
    one, other = (replace(target(1, "a", 0), state=TargetState.FAILED, words=words) for words in ("a b", "x b"))
    same_name = replace(other, planned=replace(other.planned, environment_id="e2", engine="x"))
    assert [cause.count for cause in causes([one, same_name])] == [2]
    assert [cause.count for cause in causes([one, replace(same_name, words="xx b")])] == [1, 1]
