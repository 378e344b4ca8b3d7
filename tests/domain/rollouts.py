"""Rollouts for the tests of their rules, with any way and any engines."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from mirror_console.domain.environment import Settings
from mirror_console.domain.plan import Change, Plan, PlannedTarget
from mirror_console.domain.rollout import (
    Rollout,
    RolloutState,
    Target,
    TargetState,
)
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import REST, WaveSize, Way, wave_counts
from tests.domain.parts import NOW, print_of


def target(number: int, engine: str, wave: int) -> Target:
    """A queued target."""
    return Target(
        PlannedTarget(
            environment_id=f"e{number}",
            process="web",
            application_id=f"a{number}",
            application=f"Mirror {number}",
            environment="live",
            engine_id=engine,
            engine=engine,
            container=f"m{number}",
            change=Change.UPDATE,
            swap=Swap.RECREATE,
            before_title="1",
            before_fingerprint=print_of("1"),
            before_container_id="c",
            before_image_id="i",
            after_title="2",
            after_fingerprint=print_of("2"),
            reference="r@sha256:2",
            settings=Settings(),
            wave=wave,
        )
    )


def rollout(engines: list[str], way: Way) -> Rollout:
    """A rollout that has just begun, with one target on each of the engines named."""
    waves = [wave for wave, count in enumerate(wave_counts(way.waves, len(engines))) for _ in range(count)]
    targets = tuple(target(number, engine, waves[number]) for number, engine in enumerate(engines))
    plan = Plan("p", NOW, "operator", "live", tuple(one.planned for one in targets), (), way, "0000-0000")
    return Rollout("r", plan, RolloutState.RUNNING, "operator", "why", NOW, targets)


def become(before: Rollout, states: dict[str, TargetState]) -> Rollout:
    """The same rollout with other states of some targets."""
    targets = tuple(replace(one, state=states.get(one.environment_id, one.state)) for one in before.targets)
    return replace(before, targets=targets)


def states_of(before: Rollout, *states: TargetState) -> Rollout:
    """The same rollout with these states for its first targets."""
    return become(before, {f"e{number}": state for number, state in enumerate(states)})


WAYS = st.builds(
    Way,
    waves=st.lists(
        st.builds(WaveSize, count=st.integers(1, 6)) | st.builds(WaveSize, percent=st.integers(1, 60)), max_size=3
    ).map(lambda sizes: (*sizes, REST)),
    at_once=st.integers(1, 9),
    at_once_per_engine=st.integers(1, 4),
    max_failed=st.integers(0, 4),
    pause_after_canary=st.booleans(),
    max_failed_percent=st.sampled_from([0.0, 5.0, 34.0]),
    in_a_row=st.integers(0, 4),
    max_failed_in_all=st.none() | st.integers(0, 6),
    max_failed_in_all_percent=st.sampled_from([0.0, 0.0, 10.0, 34.0]),
    pause_after_every=st.booleans(),
    pause_after=st.lists(st.integers(1, 4), max_size=2).map(tuple),
)
ENGINES = st.lists(st.sampled_from(["fra-1", "fra-2", "ber-1"]), min_size=1, max_size=30)


AFTER_A_STOP = "Look at why; then resume in spite of it, or stop."
