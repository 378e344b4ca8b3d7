"""The stop rule under load: a thousand targets, fifty at once, and failures that come in bursts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from threading import Lock
from typing import Any

import pytest

from mirror_console.domain.rollout import COUNTS_AS_FAILED, OVER, WORKING, Rollout, RolloutState, Target, TargetState
from mirror_console.domain.way import REST, WaveSize, Way
from mirror_console.jobs import Jobs
from mirror_console.operations import rollout as rollout_module
from mirror_console.operations.running import Running
from tests.domain.rollouts import rollout
from tests.operations.fleet import Fleet, small_fleet

pytestmark = pytest.mark.slow

TARGETS, AT_ONCE = 1000, 50
BURST = 12
"""About so many fail one after the other, once something is wrong."""


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(mirrors=0) as made:
        yield made


class Turns:
    """Stands in for turns: each ends at once, well or not, by chance and in bursts. Nothing is asked of an engine."""

    def __init__(self, seed: int, share: float) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - no secret
        self._share, self._left = share, 0
        self._lock = Lock()

    def __call__(self, _console: Any, running: Running, target: Target, *_more: Any) -> None:
        with self._lock:
            if not self._left and self._dice.random() < self._share:
                self._left = self._dice.randint(1, BURST)
            failed = self._left > 0
            self._left -= failed
            bad = self._dice.choice((TargetState.FAILED, TargetState.PUT_BACK, TargetState.STRANDED))
        running.keep(replace(target, state=bad if failed else TargetState.DONE))


class Watching:
    """Hears of each change of the rollout, as it is told, and how it stood when the rule was broken first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.in_flight: int | None = None
        """How many were in flight at that moment."""
        self.begun_after = 0
        self._begun: set[str] = set()
        self._lock = Lock()

    def __call__(self, now: Rollout) -> None:
        with self._lock:
            begun = {one.environment_id for one in now.targets if one.state in WORKING | OVER}
            if self.in_flight is not None:
                self.begun_after += len(begun - self._begun)
            self._begun |= begun
            failed = sum(one.state in COUNTS_AS_FAILED for one in now.targets)
            if self.in_flight is None and failed > self._most:
                self.in_flight = now.count(*WORKING)


@pytest.mark.parametrize("in_all", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_however_failures_come_no_more_are_begun_than_were_in_flight(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, seed: int, in_all: bool
) -> None:
    most = (0, 5, 30)[seed % 3]
    way = Way(
        waves=(REST,) if seed < 3 else (WaveSize(count=1), REST),
        at_once=AT_ONCE,
        at_once_per_engine=AT_ONCE,
        max_failed=TARGETS if in_all else most,
        max_failed_in_all=most if in_all else None,
        pause_after_canary=False,
        bake=0.0,
        prefetch=False,
    )
    monkeypatch.setattr(rollout_module, "take_turn", Turns(seed, share=0.01))
    monkeypatch.setattr(rollout_module, "recheck", lambda *_about: ())
    begun = rollout(["a", "b", "c", "d"] * (TARGETS // 4), way)
    with fleet.console.catalog.write() as books:
        books.rollouts.add(begun)
    watching = Watching(most)
    jobs = Jobs()
    try:
        ended = rollout_module.Conductor(fleet.console, jobs, begun, watching).run()
    finally:
        jobs.close()

    failed = ended.count(*COUNTS_AS_FAILED)
    left = ended.count(TargetState.QUEUED)
    assert ended.count(TargetState.DONE) + failed + left == TARGETS
    assert ended.count(*WORKING) == 0
    if ended.state is RolloutState.PAUSED:
        assert watching.in_flight is not None
        assert watching.begun_after + watching.in_flight <= AT_ONCE
        assert failed <= most + AT_ONCE
        assert left > 0
    else:
        assert failed <= most
    # What is kept is what was told: a console that is started again counts the same.
    with fleet.console.catalog.read() as books:
        kept = books.rollouts.get(ended.id)
    assert [one.state for one in kept.targets] == [one.state for one in ended.targets]
