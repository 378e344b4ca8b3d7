"""Which container serves an environment is told by its name, else by its labels."""

from __future__ import annotations

from mirror_console.domain.observation import Difference, Health, Listed, State, is_ours, of_environment
from tests.domain.parts import nothing_there, observation

OURS = {"io.mirrorconsole.env": "e1", "io.mirrorconsole.process": "web", "io.mirrorconsole.role": "app"}


def listed(name: str, state: State = State.RUNNING, **labels: str) -> Listed:
    """A container in a listing; labels without their namespace."""
    named = {f"io.mirrorconsole.{key}": value for key, value in labels.items()}
    return Listed(f"id-{name}", name, "image", "sha256:1", state, Health.NO_CHECK, named)


def served(*containers: Listed) -> str | None:
    """The name of the container that serves the process web of the environment e1, recorded as ``dunes``."""
    found = of_environment(containers, "e1", "web", "dunes")
    return found.name if found else None


def test_the_recorded_name_counts_first_whoever_made_it() -> None:
    assert served(listed("other", env="e1"), listed("dunes", State.EXITED)) == "dunes"


def test_else_the_labels_count_and_what_runs_before_what_does_not() -> None:
    stopped, running = listed("a", State.EXITED, env="e1", role="app"), listed("b", env="e1", role="app")

    assert served(stopped, running) == "b"
    assert served(stopped) == "a"
    assert served(listed("z", env="e1"), listed("y", env="e1")) == "y"


def test_what_is_not_ours_or_of_another_part_is_never_taken() -> None:
    assert served() is None
    assert served(listed("stranger"), listed("dunes2"), listed("xdunes")) is None
    assert served(listed("a", env="e2", role="app")) is None
    assert served(listed("a", env="e1", process="worker")) is None
    assert served(listed("mc-lock.e1", State.CREATED, env="e1", role="lock")) is None
    assert served(listed("once", env="e1", role="release")) is None


def test_while_nothing_has_the_name_what_a_rollout_left_serves() -> None:
    previous = listed("dunes.mc-prev", State.EXITED, env="e1", role="app")
    following = listed("dunes.mc-next", State.RUNNING, env="e1", role="app")

    assert served(previous, following) == "dunes.mc-next"
    assert served(previous, following, listed("dunes", State.EXITED)) == "dunes"


def test_ours_is_what_carries_the_environments_label() -> None:
    assert is_ours(OURS, "e1")
    assert not is_ours(OURS, "e2")
    assert not is_ours({}, "e1")


def test_an_observation_without_a_container_says_that_there_was_none() -> None:
    assert observation().present
    assert not nothing_there().present


def test_a_difference_reads_as_a_change() -> None:
    assert str(Difference("ports", "8080→80", "none")) == "ports: 8080→80 → none"
