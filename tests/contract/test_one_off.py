"""One-off containers: they run a command, end by themselves, and tell what it wrote and how it ended."""

from __future__ import annotations

import pytest

from mirror_console.domain.environment import Settings
from mirror_console.domain.observation import Container, State
from mirror_console.domain.request import Written
from mirror_console.errors import EngineError, FailureKind
from tests.contract.stage import NOWHERE, Stage, until

MOST = 4096


def begun(stage: Stage, *command: str) -> str:
    made = stage.create(Settings(command=command, stop_seconds=1))
    stage.session.start(made)
    return made


def ended(stage: Stage, container_id: str) -> Container:
    found: list[Container] = []

    def is_over() -> bool:
        seen = stage.session.inspect(container_id)
        assert seen is not None
        found.append(seen)
        return seen.state is State.EXITED

    until(is_over, "the end of a command")
    return found[-1]


def test_a_command_ends_with_its_code_and_what_it_wrote(stage: Stage) -> None:
    made = begun(stage, "sh", "-c", "echo one; echo two; exit 7")
    assert ended(stage, made).exit_code == 7
    assert stage.session.output(made, MOST) == Written("one\ntwo\n")
    quiet = begun(stage, "true")
    assert ended(stage, quiet).exit_code == 0
    assert stage.session.output(quiet, MOST) == Written("")


def test_of_much_output_only_the_beginning_and_the_end_are_read(stage: Stage) -> None:
    made = begun(stage, "busybox", "seq", "1", "100000")
    ended(stage, made)
    written = stage.session.output(made, MOST)
    assert len(written.beginning) == len(written.end) == MOST
    assert written.beginning.startswith("1\n2\n3\n")
    assert written.end.endswith("\n99999\n100000\n")
    lines = written.end.splitlines()[1:]
    assert [int(line) for line in lines] == list(range(100001 - len(lines), 100001))


def test_one_that_runs_is_stopped_and_tells_so(stage: Stage) -> None:
    made = begun(stage, "sh", "-c", "echo begun; sleep 600")
    # Before that it is still the runtime that would hear the signal, and end in a way of its own.
    until(lambda: bool(stage.session.logs(made, 10)), "output")
    seen = stage.session.inspect(made)
    assert seen is not None
    assert seen.running
    stage.session.stop(made, 1)
    assert ended(stage, made).exit_code in {137, 143}
    # Read as before: its output outlives it, until it is removed.
    assert stage.session.output(made, MOST) == Written("begun\n")
    stage.session.remove(made)
    with pytest.raises(EngineError) as refused:
        stage.session.output(made, MOST)
    assert refused.value.kind is FailureKind.NOT_FOUND


def test_one_without_its_program_is_refused_and_was_never_started(stage: Stage) -> None:
    made = stage.create(Settings(command=("/no/such/program",)))
    with pytest.raises(EngineError):
        stage.session.start(made)
    seen = stage.session.inspect(made)
    assert seen is not None
    assert seen.started_at is None
    assert seen.state is State.CREATED


def test_nothing_that_is_there_has_no_output(stage: Stage) -> None:
    with pytest.raises(EngineError) as refused:
        stage.session.output(NOWHERE, MOST)
    assert refused.value.kind is FailureKind.NOT_FOUND
