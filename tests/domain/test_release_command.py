"""Release commands: whose turn it is, what came of a run, what is kept of what it wrote, and what a plan says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.environment import Limits, Port, RestartPolicy, Settings, Volume
from mirror_console.domain.observation import Container, Health, State
from mirror_console.domain.release_command import (
    FIRST_KEPT,
    LAST_KEPT,
    LEFT_OUT,
    BackupCommand,
    CommandRun,
    Due,
    Preparation,
    ReleaseCommand,
    RunKind,
    RunState,
    Said,
    backup_problems,
    due,
    kept_output,
    outcome,
    preparation_words,
    release_command_problems,
    run_name,
    settings_of_run,
)
from mirror_console.domain.request import Written

NOW = datetime(2026, 8, 29, 21, 0, tzinfo=UTC)
HERE, THERE = "r1", "r0"
RUN = CommandRun(
    id="1",
    kind=RunKind.RELEASE,
    data="shop",
    release="fp1:a",
    rollout_id=HERE,
    environment_id="e1",
    title="Alder live",
    engine_id="porto",
    container="mc-rel.e1.r1",
    command=("migrate",),
    limit=60.0,
    idempotent=False,
    reversible=False,
    state=RunState.STARTED,
    begun_at=NOW,
)
SEEN = Container("1", "mc-rel.e1.r1", "shop:2", "sha256:2", State.EXITED, Health.STOPPED, NOW, started_at=NOW)


@pytest.mark.parametrize(
    ("state", "rollout", "again", "word", "expected"),
    [
        (RunState.CLAIMED, HERE, True, None, Due.WAIT),
        (RunState.STARTED, THERE, True, None, Due.WAIT),
        (RunState.SUCCEEDED, THERE, False, None, Due.DONE),
        (RunState.SUCCEEDED, THERE, False, Said.MAY_RUN_AGAIN, Due.NOW),
        (RunState.FAILED, HERE, True, None, Due.REFUSED),
        (RunState.FAILED, THERE, True, None, Due.NOW),
        (RunState.FAILED, THERE, False, None, Due.REFUSED),
        (RunState.FAILED, HERE, False, Said.COUNTS_AS_RUN, Due.DONE),
        (RunState.NOT_RUN, HERE, False, None, Due.REFUSED),
        (RunState.NOT_RUN, THERE, False, None, Due.NOW),
        (RunState.UNKNOWN, THERE, True, None, Due.REFUSED),
        (RunState.UNKNOWN, HERE, True, Said.MAY_RUN_AGAIN, Due.NOW),
    ],
)
def test_whether_it_is_to_be_run_now(
    state: RunState, rollout: str, again: bool, word: Said | None, expected: Due
) -> None:
    last = replace(RUN, state=state, rollout_id=rollout, idempotent=again, word=word, words="why")
    assert due([replace(RUN, state=RunState.UNKNOWN), last], HERE)[0] is expected
    assert due([], HERE) == (Due.NOW, "")


def test_a_word_is_needed_where_nobody_knows_and_where_it_may_not_run_again() -> None:
    states = {state for state in RunState if replace(RUN, state=state).needs_a_word}
    assert states == {RunState.UNKNOWN, RunState.FAILED}
    assert {state for state in RunState if replace(RUN, state=state, idempotent=True).needs_a_word} == {
        RunState.UNKNOWN
    }
    assert not replace(RUN, state=RunState.UNKNOWN, word=Said.COUNTS_AS_RUN).needs_a_word
    assert not replace(RUN, state=RunState.UNKNOWN, kind=RunKind.BACKUP).needs_a_word


@pytest.mark.parametrize(
    ("seen", "stopped", "expected"),
    [
        (None, False, RunState.UNKNOWN),
        (SEEN, False, RunState.SUCCEEDED),
        (SEEN, True, RunState.FAILED),
        (replace(SEEN, exit_code=1), False, RunState.FAILED),
        (replace(SEEN, exit_code=137, oom_killed=True), False, RunState.FAILED),
        (replace(SEEN, state=State.CREATED, started_at=None), False, RunState.NOT_RUN),
        (replace(SEEN, state=State.RUNNING), True, RunState.UNKNOWN),
    ],
)
def test_what_came_of_it_is_what_a_look_says(seen: Container | None, stopped: bool, expected: RunState) -> None:
    state, code, words = outcome(RUN, seen, stopped=stopped)
    assert state is expected
    assert (code == 0) == (expected is RunState.SUCCEEDED or (stopped and code == 0))
    assert bool(words) == (expected is not RunState.SUCCEEDED)
    assert outcome(replace(RUN, state=RunState.CLAIMED), None, stopped=False)[0] is RunState.NOT_RUN


def test_memory_that_ran_out_is_said() -> None:
    assert "out of memory" in outcome(RUN, replace(SEEN, exit_code=137, oom_killed=True), stopped=False)[2]


@given(st.text(max_size=2 * (FIRST_KEPT + LAST_KEPT)), st.text(max_size=100))
def test_what_is_kept_is_bounded_and_begins_and_ends_as_it_was_written(beginning: str, end: str) -> None:
    kept = kept_output(Written(beginning, end), lambda text: text)
    assert len(kept) <= FIRST_KEPT + LAST_KEPT + len(LEFT_OUT) + 2
    assert "\x1b" not in kept
    if kept_output(Written(end), lambda text: text):
        assert LEFT_OUT in kept


def test_a_secret_that_is_cut_off_is_taken_out_before() -> None:
    text = "x" * (FIRST_KEPT - 4) + "password" + "y" * LAST_KEPT
    kept = kept_output(Written(text, text), lambda text: text.replace("password", "•"))
    assert "pass" not in kept


def test_its_container_serves_nothing_and_reaches_the_data() -> None:
    settings = Settings(
        variables={"A": "1"},
        ports=(Port(80, 8080),),
        volumes=(Volume("data", "/data"),),
        networks=("back",),
        limits=Limits(memory=64 << 20),
        restart=RestartPolicy.ALWAYS,
        labels={"traefik.enable": "true"},
        command=("serve",),
    )
    made = settings_of_run(settings, ("migrate",))
    assert (made.variables, made.volumes, made.networks) == (settings.variables, settings.volumes, settings.networks)
    assert (made.ports, made.labels, made.restart, made.command) == ((), {}, RestartPolicy.NO, ("migrate",))


def test_its_name_is_of_its_environment_and_rollout() -> None:
    assert run_name(RunKind.RELEASE, "a" * 32, "b" * 32) == "mc-rel.aaaaaaaa.bbbbbbbb"
    assert run_name(RunKind.BACKUP, "a" * 32, "b" * 32) == "mc-bak.aaaaaaaa.bbbbbbbb"


def test_a_plan_says_how_often_and_that_it_is_not_undone() -> None:
    migrate = ReleaseCommand(("manage.py", "migrate"), reversible=True)
    alone = [Preparation(f"e{number}", ("fp",), release=migrate) for number in range(3)]
    group = [Preparation("s/shop", ("fp",), "shop", migrate)] * 2
    words = preparation_words([*alone, *group])
    assert words == (
        "'manage.py migrate' is run once for each of 3 targets and once for 1 group (shop), unless it was run already. "
        "Putting back doesn't undo it; the older release works on what it leaves."
    )
    backed = replace(alone[0], release=replace(migrate, reversible=False), backup=BackupCommand(("dump",)))
    assert "a backup before it" in preparation_words([backed])
    assert "no way back" in preparation_words([backed])
    assert preparation_words([replace(backed, release=None)]) == "A backup is made once for each of 1 target: 'dump'."
    shell = replace(migrate, command=("sh", "-c", "test -w /media"))
    assert "“sh -c 'test -w /media'” is run once" in preparation_words([replace(alone[0], release=shell)])
    assert preparation_words([]) == ""


def test_what_is_wrong_with_them_is_said_at_its_field() -> None:
    assert release_command_problems(None, "at") == release_command_problems(ReleaseCommand(), "at") == []
    wrong = release_command_problems(ReleaseCommand(("a\0",), 0.5), "at")
    assert [one.field for one in wrong] == ["at.limit", "at.command"]
    wrong = backup_problems(BackupCommand((), 2e5, "not a reference!"), "at")
    assert [one.field for one in wrong][:3] == ["at.limit", "at.command", "at.image"]
    assert backup_problems(None, "at") == backup_problems(BackupCommand(("dump",), image="tools/dump:1"), "at") == []
