"""The health gate: when a new container counts as well."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mirror_console.domain.environment import HealthTest
from mirror_console.domain.observation import Container, Health, State
from mirror_console.domain.setting_words import memory_words

OVER_AND_OVER = "the {} container restarts over and over"


class Verdict(StrEnum):
    """What one look at a container says."""

    WELL = "well"
    WAIT = "wait"
    ILL = "ill"


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict and its reason in words."""

    verdict: Verdict
    words: str


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What an HTTP probe got: a status code, or no answer and why."""

    status: int | None
    words: str = ""


def ended_words(seen: Container) -> str:
    """How a container ended, or did last: with its exit code, or killed by the kernel at its limit."""
    if not seen.oom_killed:
        return f"ended with exit code {seen.exit_code}"
    most = seen.limits.memory
    return "was killed for lack of memory" + (f" (it may take {memory_words(most)})" if most else "")


def is_tested(test: HealthTest, seen: Container) -> bool:
    """Whether more is known of a container that runs than that it runs: its own check, or an address that is asked."""
    return bool(test.path) or seen.health not in {Health.NO_CHECK, Health.UNKNOWN}


def judge(
    test: HealthTest,
    seen: Container,
    first: Container,
    probe: ProbeAnswer | None,
    ran: float,
    part: str = "new",
) -> Judged:
    """What a look says of a container that was just started. `first` is how it looked right after its start.

    `part` is its part in the swap, for the words. `ran` is for how many seconds it was seen to run: by one clock alone,
    as an engine may have another time of day.
    A container that ended, or was restarted since, is ill whatever its check says.
    """
    if seen.state in {State.EXITED, State.DEAD, State.REMOVING}:
        return Judged(Verdict.ILL, f"the {part} container {ended_words(seen)}")
    if seen.state is State.RESTARTING:
        return Judged(Verdict.ILL, f"{OVER_AND_OVER.format(part)}: it {ended_words(seen)}")
    if seen.restart_count > first.restart_count or seen.started_at != first.started_at:
        return Judged(Verdict.ILL, OVER_AND_OVER.format(part))
    if seen.state is not State.RUNNING:
        return Judged(Verdict.WAIT, f"the {part} container is {seen.state}")
    if seen.health is Health.FAILING:
        output = seen.health_output.strip()
        return Judged(Verdict.ILL, "its health check fails" + (f": {output}" if output else ""))
    if seen.health is Health.STARTING:
        return Judged(Verdict.WAIT, "waits for its health check")
    if seen.health is Health.HEALTHY:
        return Judged(Verdict.WELL, "its health check says healthy")
    if test.path:
        return _judge_probe(test, probe)
    if ran >= test.settle:
        return Judged(Verdict.WELL, f"it ran {test.settle:g} s without restarting; nothing else could be verified")
    return Judged(Verdict.WAIT, f"has run {ran:.0f} of {test.settle:g} s")


def _judge_probe(test: HealthTest, probe: ProbeAnswer | None) -> Judged:
    if probe is None or probe.status is None:
        return Judged(Verdict.WAIT, f"{test.path} doesn't answer yet" + (f": {probe.words}" if probe else ""))
    if test.answers_from <= probe.status <= test.answers_to:
        return Judged(Verdict.WELL, f"{test.path} answered {probe.status}")
    return Judged(Verdict.WAIT, f"{test.path} answered {probe.status}")
