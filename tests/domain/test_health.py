"""A new container counts as well only when its health check, its answer or its endurance says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.environment import HealthTest
from mirror_console.domain.health import ProbeAnswer, Verdict, judge
from mirror_console.domain.observation import Container, Health, State
from mirror_console.operations.steps import not_serving
from tests.domain.parts import NOW

STARTED = NOW - timedelta(seconds=1)
FIRST = Container("c", "dunes", "i", "sha256:1", State.RUNNING, Health.NO_CHECK, STARTED, started_at=STARTED)
PLAIN, PROBED = HealthTest(settle=3), HealthTest("/health", 80)


def seen(state: State = State.RUNNING, health: Health = Health.NO_CHECK, **more: Any) -> Container:
    """A later look at the container."""
    return replace(FIRST, state=state, health=health, **more)


def test_one_that_restarts_right_after_its_start_says_how_it_ended() -> None:
    told = not_serving(seen(State.RESTARTING, exit_code=78, health_output="no DATABASE_URL"), "new")
    assert told == "the new container is restarting: it ended with exit code 78: no DATABASE_URL"
    killed = not_serving(seen(State.RESTARTING, exit_code=137, oom_killed=True), "new")
    assert killed == "the new container is restarting: it was killed for lack of memory"
    assert not_serving(seen(State.PAUSED, exit_code=0), "new") == "the new container is paused"


@pytest.mark.parametrize(
    ("test", "look", "probe", "verdict", "words"),
    [
        # the image's own health check decides where there is one
        (PLAIN, seen(health=Health.HEALTHY), None, Verdict.WELL, "its health check says healthy"),
        (PLAIN, seen(health=Health.STARTING), None, Verdict.WAIT, "waits for its health check"),
        (PLAIN, seen(health=Health.FAILING), None, Verdict.ILL, "its health check fails"),
        (
            PLAIN,
            seen(health=Health.FAILING, health_output=" HTTP 500\n"),
            None,
            Verdict.ILL,
            "its health check fails: HTTP 500",
        ),
        (PROBED, seen(health=Health.FAILING), ProbeAnswer(200), Verdict.ILL, "its health check fails"),
        (PROBED, seen(health=Health.STARTING), ProbeAnswer(200), Verdict.WAIT, "waits for its health check"),
        # else the answer of its port
        (PROBED, seen(), ProbeAnswer(200), Verdict.WELL, "/health answered 200"),
        (PROBED, seen(), ProbeAnswer(399), Verdict.WELL, "/health answered 399"),
        (PROBED, seen(), ProbeAnswer(404), Verdict.WAIT, "/health answered 404"),
        (PROBED, seen(), ProbeAnswer(500), Verdict.WAIT, "/health answered 500"),
        (PROBED, seen(), ProbeAnswer(199), Verdict.WAIT, "/health answered 199"),
        (PROBED, seen(), ProbeAnswer(None, "refused"), Verdict.WAIT, "/health doesn't answer yet: refused"),
        (PROBED, seen(), None, Verdict.WAIT, "/health doesn't answer yet"),
        (HealthTest("/", 80, 404, 404), seen(), ProbeAnswer(404), Verdict.WELL, "/ answered 404"),
        # else its endurance
        (PLAIN, seen(), None, Verdict.WAIT, "has run 1 of 3 s"),
        (HealthTest(settle=1), seen(), None, Verdict.WELL, "nothing else could be verified"),
        (HealthTest(settle=0), seen(), None, Verdict.WELL, "nothing else could be verified"),
        # whatever a check says: what ended or restarts is ill, what doesn't run yet isn't well
        (PROBED, seen(State.EXITED, exit_code=3), ProbeAnswer(200), Verdict.ILL, "ended with exit code 3"),
        (PLAIN, seen(State.EXITED, Health.HEALTHY), None, Verdict.ILL, "ended with exit code 0"),
        (PLAIN, seen(State.EXITED, exit_code=137, oom_killed=True), None, Verdict.ILL, "for lack of memory"),
        (PLAIN, seen(State.DEAD), None, Verdict.ILL, "ended"),
        (PLAIN, seen(State.REMOVING), None, Verdict.ILL, "ended"),
        (PLAIN, seen(State.RESTARTING), None, Verdict.ILL, "restarts over and over"),
        (PLAIN, seen(health=Health.HEALTHY, restart_count=1), None, Verdict.ILL, "restarts over and over"),
        (PLAIN, seen(health=Health.HEALTHY, started_at=NOW), None, Verdict.ILL, "restarts over and over"),
        (PLAIN, seen(State.CREATED), None, Verdict.WAIT, "is created"),
        (PLAIN, seen(State.PAUSED, Health.HEALTHY), None, Verdict.WAIT, "is paused"),
    ],
)
def test_one_look(test: HealthTest, look: Container, probe: ProbeAnswer | None, verdict: Verdict, words: str) -> None:
    judged = judge(test, look, FIRST, probe, 1.0)

    assert judged.verdict is verdict
    assert words in judged.words


@given(
    st.sampled_from([PLAIN, PROBED, HealthTest(settle=0)]),
    st.builds(seen, st.sampled_from(State), st.sampled_from(Health), restart_count=st.integers(0, 2)),
    st.none() | st.builds(ProbeAnswer, st.none() | st.integers(100, 599)),
)
def test_well_is_only_what_runs_untroubled(test: HealthTest, look: Container, probe: ProbeAnswer | None) -> None:
    judged = judge(test, look, FIRST, probe, 1.0)

    assert judged.words
    if judged.verdict is Verdict.WELL:
        assert look.running
        assert look.restart_count == 0
        assert look.health not in {Health.FAILING, Health.STARTING}
