"""Release commands on the simulator: once for the data that they change, before anything that serves."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from mirror_console.domain.causes import causes
from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.environment import Process
from mirror_console.domain.image import parse_reference
from mirror_console.domain.journal import Phase, Result
from mirror_console.domain.overriding import may_be_overridden
from mirror_console.domain.plan import Plan, Reason
from mirror_console.domain.release_command import (
    FIRST_KEPT,
    LAST_KEPT,
    LEFT_OUT,
    NO_COMMAND,
    BackupCommand,
    CommandRun,
    ReleaseCommand,
    RunKind,
    RunState,
    Said,
)
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.secret import HIDDEN, Secret, SecretReference
from mirror_console.domain.steps import Step
from mirror_console.domain.way import REST, Way
from mirror_console.domain.way_back import WayBack
from mirror_console.errors import CatalogError, InvalidInput, NotAllowed
from mirror_console.operations import recovery
from mirror_console.operations.command_checks import left_out_of_groups
from mirror_console.operations.left_commands import say
from mirror_console.operations.overriding import override
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.ways_back import ways_back
from mirror_console.simulator.behaviour import Behaviour
from tests.operations.fleet import QUICK, Fleet, small_fleet
from tests.operations.other_console import foreign_lock

pytestmark = pytest.mark.slow

TOGETHER = replace(QUICK, waves=(REST,), max_failed=9)
WORKS = ReleaseCommand(("sh", "-c", "echo migrating; echo 3 tables changed"), limit=20.0, reversible=True)
FAILS = replace(WORKS, command=("sh", "-c", "echo cannot connect; exit 7"))
HANGS = replace(WORKS, command=("sleep", "600"), limit=1.0)
LASTS = replace(WORKS, command=("sleep", "1"))


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.fall_behind) as made:
        for engine in made.simulated.engines.values():
            # An engine remembers 256 events; a stream that nobody reads, all of them.
            engine.state.events._streams.insert(0, deque())
        yield made


def declare(fleet: Fleet, command: ReleaseCommand | None, backup: BackupCommand | None = None, group: str = "") -> None:
    """Have the source declare them, and its mirrors share their data where a group is named."""
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), release_command=command, backup=backup))
        for mirror in fleet.mirrors:
            for environment in books.environments.of(mirror.id):
                books.environments.save(replace(environment, group=group))


def planned(fleet: Fleet, count: int | None = None, way: Way = TOGETHER) -> Plan:
    return plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors[:count]], way)


def begun(fleet: Fleet, count: int | None = None, way: Way = TOGETHER) -> Rollout:
    made = planned(fleet, count, way)
    checked = preflight(fleet.console, fleet.jobs, made)
    unsaved = [one for one in checked.blocking if one.check is Check.BACKUP]
    if unsaved:
        checked = override(fleet.console, checked, unsaved, "backed up by hand")
    return start(fleet.console, made, checked, "a test", len(made.targets) if unsaved else None)


def carried_out(fleet: Fleet, count: int | None = None, way: Way = TOGETHER) -> Rollout:
    return Conductor(fleet.console, fleet.jobs, begun(fleet, count, way)).run()


def runs(fleet: Fleet) -> list[CommandRun]:
    with fleet.console.catalog.read() as books:
        return [books.commands.get(run.id) for run in books.commands.all()]


def states(rollout: Rollout) -> list[TargetState]:
    return [target.state for target in rollout.targets]


def started(fleet: Fleet) -> list[str]:
    """The names of containers of commands, once for each time that an engine started one."""
    found = []
    for engine in fleet.simulated.engines.values():
        for event in engine.state.events._streams[0]:
            name = event["Actor"]["Attributes"].get("name", "")
            if event["Action"] == "start" and name.startswith(("mc-rel.", "mc-bak.")):
                found.append(name)
    return found


def left_behind(fleet: Fleet) -> list[str]:
    names = [*fleet.names("alpha"), *fleet.names("berlin")]
    return [name for name in names if name.startswith("mc-") or name.endswith(".mc-next")]


def at(boundary: str, act: Callable[[], object]) -> Callable[[str], None]:
    def mark(here: str) -> None:
        if here == boundary:
            act()

    return mark


def marked(fleet: Fleet, boundary: str, act: Callable[[], object], count: int = 1) -> Rollout:
    console = replace(fleet.console, mark=at(boundary, act))
    return Conductor(console, fleet.jobs, begun(fleet, count)).run()


# --- what it is run in, and when -------------------------------------------------------------------------------------


def test_it_runs_once_in_a_container_of_the_new_image_before_anything_that_serves_is_changed(fleet: Fleet) -> None:
    declare(fleet, WORKS)
    fleet.with_settings(
        fleet.environment(fleet.mirrors[0], "live"), labels={"traefik.enable": "true"}, stop_signal="SIGINT"
    )
    seen: dict[str, Any] = {}

    def look() -> None:
        name = next(name for name in fleet.names("alpha") if name.startswith("mc-rel."))
        seen["made"] = fleet.container(name)
        seen["serves"] = fleet.version_of("mirror-01-live"), fleet.container("mirror-01-live").is_running

    ended = marked(fleet, "RELEASE:sent", look)
    assert states(ended) == [TargetState.DONE]
    made = seen["made"]
    assert seen["serves"] == ("26.8.2", True)
    assert made.image.config["Labels"]["org.opencontainers.image.version"] == "26.8.3"
    assert "DOMAIN=mirror-01.example" in made.config["Env"]
    assert made.config["Cmd"] == list(WORKS.command)
    assert made.config["Labels"]["io.mirrorconsole.role"] == "release"
    assert "traefik.enable" not in made.config["Labels"], "a proxy would send requests to it"
    assert not made.host["PortBindings"]
    assert made.policy == "no"
    (run,) = runs(fleet)
    assert (run.kind, run.state, run.exit_code) == (RunKind.RELEASE, RunState.SUCCEEDED, 0)
    assert (run.output, run.words) == ("migrating\n3 tables changed", "3 tables changed")
    assert not left_behind(fleet)
    with fleet.console.catalog.read() as books:
        steps = [entry.step for entry in books.journal.of(ended.id) if entry.phase is Phase.OUTCOME]
    order = [Step.CREATE, Step.MAKE_COMMAND, Step.RELEASE, Step.REMOVE_COMMAND, Step.STOP, Step.START]
    assert [step for step in steps if step in order] == order


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (FAILS, "run release command: it ended with exit code 7: cannot connect"),
        (HANGS, "run release command: it was stopped at its limit of 1 s"),
        (replace(WORKS, command=("/no/such/program",)), "no such file"),
    ],
)
def test_where_it_fails_the_environment_is_untouched(fleet: Fleet, command: ReleaseCommand, words: str) -> None:
    declare(fleet, command)
    before = fleet.container("mirror-01-live")
    ended = carried_out(fleet, 1)
    assert states(ended) == [TargetState.FAILED]
    assert words in ended.targets[0].words
    after = fleet.container("mirror-01-live")
    assert (after.id, after.starts, after.is_running) == (before.id, before.starts, True)
    assert not left_behind(fleet)


def test_one_that_prints_without_an_end_costs_neither_memory_nor_catalog(fleet: Fleet) -> None:
    declare(fleet, replace(WORKS, command=("seq", "1", "100000")))
    assert states(carried_out(fleet, 1)) == [TargetState.DONE]
    (run,) = runs(fleet)
    lines = run.output.splitlines()
    assert len(run.output) <= FIRST_KEPT + LAST_KEPT + len(LEFT_OUT) + 2
    assert (lines[0], lines[-1]) == ("1", "100000")
    between = lines.index(LEFT_OUT)
    assert [int(line) for line in lines[:between]] == list(range(1, between + 1))
    assert all(line.isdigit() for line in lines[between + 1 :])


def test_secrets_are_taken_out_of_what_it_writes(fleet: Fleet) -> None:
    reference = SecretReference("environment/01/DATABASE_PASSWORD")
    fleet.console.vault.put(reference, Secret("abcdef"))
    environment = fleet.environment(fleet.mirrors[0], "live")
    fleet.with_settings(environment, secrets={"DATABASE_PASSWORD": reference})
    # So that what is kept is cut off in the middle of one.
    filler = "x" * (FIRST_KEPT - 3)
    script = f"echo {filler}abcdef; seq 1 20000; echo postgres://shop:abcdef@db/shop; exit 1"
    declare(fleet, replace(WORKS, command=("sh", "-c", script)))
    ended = carried_out(fleet, 1)
    (run,) = runs(fleet)
    assert "abc" not in run.output
    assert f"postgres://shop:{HIDDEN}@db/shop" in run.output
    assert "abcdef" not in ended.targets[0].words


def test_nothing_is_run_where_only_settings_change_or_it_goes_back(fleet: Fleet) -> None:
    carried_out(fleet)
    declare(fleet, WORKS, BackupCommand(("true",)))
    fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), variables={"DOMAIN": "other.example"})
    assert states(carried_out(fleet, 1)) == [TargetState.DONE]
    fleet.publish("26.8.2", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    made = planned(fleet, 1)
    assert [target.preparation for target in made.targets] == [None]
    assert runs(fleet) == []


# --- once ------------------------------------------------------------------------------------------------------------


def test_a_group_that_shares_its_data_runs_it_once_and_the_others_wait(fleet: Fleet) -> None:
    declare(fleet, LASTS, group="shop")
    ended = carried_out(fleet)
    assert states(ended) == [TargetState.DONE] * 4
    assert len(started(fleet)) == 1
    assert len(runs(fleet)) == 1
    assert not left_behind(fleet)


def test_where_it_fails_for_a_group_all_of_it_fails_untouched(fleet: Fleet) -> None:
    declare(fleet, replace(LASTS, command=("sh", "-c", "sleep 1; echo at 19:31:09 it gave up; exit 3")), group="shop")
    before = {number: fleet.container(f"mirror-0{number}-live").id for number in range(1, 5)}
    ended = carried_out(fleet)
    assert states(ended) == [TargetState.FAILED] * 4
    assert len(started(fleet)) == 1
    assert {number: fleet.container(f"mirror-0{number}-live").id for number in before} == before
    assert not left_behind(fleet)
    holder = runs(fleet)[0].title
    others = [target.words for target in ended.targets if f"{target.planned.application} live" != holder]
    assert all(f"at {holder}: it ended with exit code 3" in words for words in others), others
    # It is one cause, told in the words of the one that ran it.
    assert [(one.count, one.words) for one in causes(ended.targets)] == [
        (4, "run release command: it ended with exit code 3: at 19:31:09 it gave up")
    ]


def test_a_group_in_several_waves_is_warned_of(fleet: Fleet) -> None:
    declare(fleet, WORKS, group="shop")
    checked = preflight(fleet.console, fleet.jobs, planned(fleet, way=QUICK))
    (warning,) = [one for one in checked.warnings if one.check is Check.RELEASE_COMMAND]
    assert "Group 'shop' shares its data and is in 2 waves" in warning.words
    checked = preflight(fleet.console, fleet.jobs, planned(fleet))
    assert not [one for one in checked.warnings if one.check is Check.RELEASE_COMMAND]
    assert states(carried_out(fleet, way=QUICK)) == [TargetState.DONE] * 4
    assert len(started(fleet)) == 1


def seen_there(fleet: Fleet, environment_id: str) -> None:
    """Have the catalog know that an older release runs there."""
    live = fleet.environment(fleet.mirrors[0], "live")
    with fleet.console.catalog.write() as books:
        (seen,) = books.observations.of(live.id)
        books.observations.save_all([replace(seen, environment_id=environment_id)])


def test_members_of_a_group_that_stay_behind_on_changed_data_are_warned_of(fleet: Fleet) -> None:
    gone_for_good, backup = replace(WORKS, reversible=False), BackupCommand(("true",), limit=20.0)

    def warned(count: int | None) -> list[str]:
        checked = preflight(fleet.console, fleet.jobs, planned(fleet, count))
        return [one.words for one in checked.warnings if one.check is Check.RELEASE_COMMAND and not one.environment_id]

    declare(fleet, gone_for_good, backup, group="shop")
    names = [f"{mirror.name} live" for mirror in fleet.mirrors]
    (words,) = warned(2)
    assert f"{names[2]}, {names[3]} are not in this plan" in words
    assert warned(None) == []
    # One of another name shares it as well, once something runs there.
    live = fleet.environment(fleet.mirrors[0], "live")
    test = replace(live, id="e" * 32, name="preview", processes=(Process("web", "mirror-01-preview"),))
    with fleet.console.catalog.write() as books:
        books.environments.save(test)
    assert warned(None) == []
    seen_there(fleet, test.id)
    (words,) = warned(None)
    assert f"{fleet.mirrors[0].name} preview is not in this plan" in words
    with fleet.console.catalog.write() as books:
        books.environments.remove(test.id)
    # The source says that what they run works on the changed data, or they don't share it.
    declare(fleet, WORKS, backup, group="shop")
    assert warned(2) == []
    declare(fleet, gone_for_good, backup)
    assert warned(2) == []
    # They run the release already.
    declare(fleet, gone_for_good, backup, group="shop")
    assert states(carried_out(fleet, 2)) == [TargetState.DONE] * 2
    made = planned(fleet)
    assert len(made.targets) == 2
    assert [one.words for one in left_out_of_groups(fleet.console, made)] == []


def test_a_command_has_the_time_that_it_took_itself(fleet: Fleet) -> None:
    declare(fleet, WORKS, BackupCommand(("sleep", "1"), limit=20.0))
    carried_out(fleet, 1)
    backup, command = sorted(runs(fleet), key=lambda run: run.begun_at)
    assert (backup.kind, command.kind) == (RunKind.BACKUP, RunKind.RELEASE)
    assert backup.ended_at is not None
    assert backup.ended_at <= command.begun_at


def test_what_was_run_for_a_release_is_not_run_for_it_again(fleet: Fleet) -> None:
    declare(fleet, WORKS)
    publish_ill(fleet)
    first = carried_out(fleet, 1)
    assert states(first) == [TargetState.PUT_BACK]
    made = planned(fleet, 1)
    found = [one for one in preflight(fleet.console, fleet.jobs, made).results if one.check is Check.RELEASE_COMMAND]
    assert found[0].words == "It was run for 26.8.4 already, at Mirror 01 live."
    assert states(carried_out(fleet, 1)) == [TargetState.PUT_BACK]
    assert len(started(fleet)) == 1
    # Somebody restored the backup from before it: what to do then is told, and has it run once more.
    assert "restored" in found[0].remedy
    assert "may run again" in found[0].remedy
    say(fleet.console, runs(fleet)[0].id, Said.MAY_RUN_AGAIN)
    assert states(carried_out(fleet, 1)) == [TargetState.PUT_BACK]
    assert len(started(fleet)) == 2


def publish_ill(fleet: Fleet) -> None:
    fleet.publish("26.8.4", behaviour=Behaviour.EXITS_AT_ONCE, health_interval=0.02)
    refresh(fleet.console, fleet.jobs)


def test_what_failed_runs_again_when_a_person_tries_again_and_it_may(fleet: Fleet) -> None:
    declare(fleet, replace(FAILS, idempotent=True))
    ended = carried_out(fleet, 1)
    declare(fleet, replace(WORKS, idempotent=True))
    # What was planned is what is tried again: the command of then.
    again = Conductor(fleet.console, fleet.jobs, retry(fleet.console, fleet.jobs, ended.id)).run()
    assert states(again) == [TargetState.FAILED]
    assert len(started(fleet)) == 2
    assert states(carried_out(fleet, 1)) == [TargetState.DONE]
    assert len(started(fleet)) == 3


def test_what_failed_and_may_not_run_again_waits_for_a_word(fleet: Fleet) -> None:
    declare(fleet, FAILS)
    ended = carried_out(fleet, 1)
    again = Conductor(fleet.console, fleet.jobs, retry(fleet.console, fleet.jobs, ended.id)).run()
    assert states(again) == [TargetState.SKIPPED]
    blocked = checks(fleet, Check.RELEASE_COMMAND)
    assert blocked.answer is Answer.BLOCKED
    assert not may_be_overridden(blocked)
    assert "failed: it ended with exit code 7" in blocked.words
    with pytest.raises(InvalidInput, match="not started"):
        begun(fleet, 1)
    assert len(started(fleet)) == 1
    (run,) = runs(fleet)
    assert run.needs_a_word
    said = say(fleet.console, run.id, Said.COUNTS_AS_RUN)
    assert (said.word, said.said_by, said.output) == (Said.COUNTS_AS_RUN, "operator", run.output)
    assert states(carried_out(fleet, 1)) == [TargetState.DONE]
    assert len(started(fleet)) == 1
    with fleet.console.catalog.read() as books:
        assert [line.act.title for line in books.audit.of(run.id)] == ["Mirror 01 live"]


def checks(fleet: Fleet, check: Check) -> CheckResult:
    made = planned(fleet, 1)
    (found,) = [one for one in preflight(fleet.console, fleet.jobs, made).results if one.check is check]
    return found


def test_one_whose_container_is_gone_is_never_run_again_by_itself(fleet: Fleet) -> None:
    declare(fleet, replace(LASTS, idempotent=True))

    def lose() -> None:
        for name in [name for name in fleet.names("alpha") if name.startswith("mc-rel.")]:
            fleet.simulated.engines["alpha"].lose_container(name)

    ended = marked(fleet, "RELEASE:sent", lose)
    assert states(ended) == [TargetState.FAILED]
    assert "nobody can tell what came of it" in ended.targets[0].words
    again = Conductor(fleet.console, fleet.jobs, retry(fleet.console, fleet.jobs, ended.id)).run()
    assert states(again) == [TargetState.SKIPPED]
    assert len(started(fleet)) == 1
    (run,) = runs(fleet)
    assert run.state is RunState.UNKNOWN
    say(fleet.console, run.id, Said.MAY_RUN_AGAIN)
    assert states(carried_out(fleet, 1)) == [TargetState.DONE]
    assert len(started(fleet)) == 2


def test_of_what_is_not_over_and_of_backups_nothing_is_said(fleet: Fleet) -> None:
    declare(fleet, WORKS, BackupCommand(("true",)))
    refused: list[str] = []

    def try_to_say() -> None:
        for run in runs(fleet):
            try:
                say(fleet.console, run.id, Said.COUNTS_AS_RUN)
            except (InvalidInput, NotAllowed) as error:
                refused.append(error.title)

    marked(fleet, "RELEASE:sent", try_to_say)
    assert refused == ["Nothing was said.", "A backup is made anew by every rollout."]


# --- the backup before it --------------------------------------------------------------------------------------------


def test_a_backup_is_made_first_and_where_it_fails_nothing_else_is_done(fleet: Fleet) -> None:
    declare(fleet, WORKS, BackupCommand(("sh", "-c", "echo 12.4 MB written"), 20.0))
    assert states(carried_out(fleet, 1)) == [TargetState.DONE]
    release, backup = runs(fleet)
    assert (backup.kind, backup.state, backup.words) == (RunKind.BACKUP, RunState.SUCCEEDED, "12.4 MB written")
    assert [name[:7] for name in started(fleet)] == ["mc-bak.", "mc-rel."]
    assert release.state is RunState.SUCCEEDED
    declare(fleet, WORKS, BackupCommand(("false",)), group="shop")
    ended = carried_out(fleet)
    assert states(ended) == [TargetState.FAILED] * 3
    assert len(started(fleet)) == 3
    assert {run.state for run in runs(fleet)[2:]} == {RunState.FAILED, RunState.NOT_RUN}
    assert [(one.count, one.words) for one in causes(ended.targets)] == [(3, "back up: it ended with exit code 1")]
    assert not left_behind(fleet)
    # A new rollout makes a new one.
    declare(fleet, WORKS, BackupCommand(("true",)), group="shop")
    assert states(carried_out(fleet)) == [TargetState.DONE] * 3


def test_a_backup_in_an_image_of_its_own_brings_it(fleet: Fleet) -> None:
    tool = fleet.simulated.registry.publish("tools/dump", "1", "1", "rev")
    declare(fleet, NO_COMMAND, BackupCommand(("true",), image="registry.test:5000/tools/dump:1"))
    seen: list[str] = []

    def look() -> None:
        name = next(name for name in fleet.names("alpha") if name.startswith("mc-bak."))
        seen.append(fleet.container(name).image_reference)

    assert states(marked(fleet, "BACK_UP:sent", look)) == [TargetState.DONE]
    image = fleet.simulated.engines["alpha"].state.images.find("registry.test:5000/tools/dump:1")
    assert any(tool.digest in digest for digest in image.digests)
    assert seen == [image.image.id] or parse_reference(seen[0]).repository.endswith("tools/dump")


# --- the way back ----------------------------------------------------------------------------------------------------


def test_one_that_cant_be_undone_blocks_the_way_back(fleet: Fleet) -> None:
    declare(fleet, replace(WORKS, reversible=False))
    made = planned(fleet, 1)
    assert made.targets[0].way_back is WayBack.BLOCKED
    assert "Putting back doesn't undo it" in checks(fleet, Check.RELEASE_COMMAND).words
    assert checks(fleet, Check.BACKUP).answer is Answer.BLOCKED
    ended = carried_out(fleet, 1)
    rollback = plan_rollback(fleet.console, fleet.jobs, ended.id, Part.ALL)
    (left,) = rollback.left_out
    assert left.reason is Reason.MIGRATION
    assert "the release command of 26.8.3 can't be undone" in left.words
    known = ways_back(fleet.console, [ended.targets[0].environment_id])[ended.targets[0].environment_id]
    assert known.way_back is WayBack.BLOCKED


def test_one_that_the_older_release_can_live_with_leaves_the_way_back(fleet: Fleet) -> None:
    declare(fleet, WORKS)
    assert checks(fleet, Check.BACKUP).answer is Answer.PASS
    ended = carried_out(fleet, 1)
    rollback = plan_rollback(fleet.console, fleet.jobs, ended.id, Part.ALL)
    assert [target.preparation for target in rollback.targets] == [None]


def test_where_it_is_declared_that_there_is_none_nobody_is_bothered(fleet: Fleet) -> None:
    declare(fleet, NO_COMMAND)
    found = [checks(fleet, Check.RELEASE_COMMAND), checks(fleet, Check.BACKUP)]
    assert [one.answer for one in found] == [Answer.PASS] * 2
    assert found[0].words == "Its source declares that there is none: nothing is run."
    assert states(carried_out(fleet, 1)) == [TargetState.DONE]
    assert runs(fleet) == []


@pytest.mark.parametrize("backup", [None, BackupCommand(("true",))])
def test_where_nothing_is_declared_a_person_has_to_say_so(fleet: Fleet, backup: BackupCommand | None) -> None:
    declare(fleet, None, backup)
    made = planned(fleet, 1)
    checked = preflight(fleet.console, fleet.jobs, made)
    (silent,) = checked.blocking
    assert (silent.check, silent.answer) == (Check.RELEASE_COMMAND, Answer.UNKNOWN)
    assert "say there that there is none" in silent.remedy
    with pytest.raises(InvalidInput, match="doesn't say whether a release has to run something"):
        start(fleet.console, made, checked, "a test")
    said = override(fleet.console, checked, [silent], "this one changes a text")
    ended = Conductor(fleet.console, fleet.jobs, start(fleet.console, made, said, "a test", typed=1)).run()
    assert states(ended) == [TargetState.DONE]
    # What goes back asks nobody: no newer release comes to its data.
    assert not preflight(
        fleet.console, fleet.jobs, plan_rollback(fleet.console, fleet.jobs, ended.id, Part.ALL)
    ).blocking


# --- cut off ---------------------------------------------------------------------------------------------------------


def cut_off(fleet: Fleet, boundary: str) -> Rollout:
    def fail() -> None:
        raise CatalogError("The journal can't be written.", "A test says so.")

    with pytest.raises(CatalogError, match="journal"):
        marked(fleet, boundary, fail)
    (found,) = recovery.interrupted(fleet.console)
    return found.rollout


BOUNDARIES = [
    *(f"{step}:{phase}" for step in ("MAKE_COMMAND", "RELEASE") for phase in ("intent", "sent", "outcome")),
    "COMMAND:kept",
    "REMOVE_COMMAND:sent",
]


@pytest.mark.parametrize("command", [LASTS, FAILS], ids=["good", "failing"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_cut_off_anywhere_it_is_found_again_and_never_run_twice(
    fleet: Fleet, boundary: str, command: ReleaseCommand
) -> None:
    declare(fleet, command)
    if command is FAILS and boundary == "RELEASE:outcome":
        boundary = "RELEASE:sent"
    rollout = cut_off(fleet, boundary)
    ended = recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()
    assert states(ended) == [TargetState.DONE if command is LASTS else TargetState.FAILED]
    assert len(started(fleet)) == 1
    (run,) = runs(fleet)
    assert run.state is (RunState.SUCCEEDED if command is LASTS else RunState.FAILED)
    assert not left_behind(fleet)
    assert fleet.version_of("mirror-01-live") == ("26.8.3" if command is LASTS else "26.8.2")


@pytest.mark.parametrize("boundary", ["MAKE_COMMAND:sent", "RELEASE:sent", "COMMAND:kept"])
def test_put_back_waits_for_what_runs_and_keeps_what_came_of_it(fleet: Fleet, boundary: str) -> None:
    declare(fleet, LASTS)
    ended = recovery.put_back(fleet.console, fleet.jobs, cut_off(fleet, boundary).id)
    assert states(ended) == [TargetState.FAILED]
    assert [run.state for run in runs(fleet)] == ([] if boundary.startswith("MAKE") else [RunState.SUCCEEDED])
    assert not left_behind(fleet)
    assert fleet.version_of("mirror-01-live") == "26.8.2"


def test_cut_off_and_its_container_gone_a_person_decides(fleet: Fleet) -> None:
    declare(fleet, replace(LASTS, idempotent=True))
    rollout = cut_off(fleet, "RELEASE:sent")
    for name in [name for name in fleet.names("alpha") if name.startswith("mc-rel.")]:
        fleet.simulated.engines["alpha"].lose_container(name)
    ended = recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()
    assert states(ended) == [TargetState.FAILED]
    assert [run.state for run in runs(fleet)] == [RunState.UNKNOWN]
    assert not left_behind(fleet)


def test_an_abort_before_it_runs_leaves_it_to_the_next(fleet: Fleet) -> None:
    declare(fleet, WORKS)
    conductors: list[Conductor] = []

    def abort() -> None:
        conductors[0].abort()

    console = replace(fleet.console, mark=at("MAKE_COMMAND:outcome", abort))
    conductors.append(Conductor(console, fleet.jobs, begun(fleet, 1)))
    assert states(conductors[0].run()) == [TargetState.FAILED]
    assert (runs(fleet), started(fleet), left_behind(fleet)) == ([], [], [])
    assert states(carried_out(fleet, 1)) == [TargetState.DONE]


def test_an_engine_that_is_lost_while_it_runs_costs_no_second_run(fleet: Fleet) -> None:
    declare(fleet, LASTS)
    engine = fleet.simulated.engines["alpha"]
    times = [0.0]
    console = replace(
        fleet.console,
        mark=at("RELEASE:sent", engine.make_unreachable),
        monotonic=lambda: times[0],
        sleep=lambda seconds: times.__setitem__(0, times[0] + max(seconds, 0.01)),
    )
    ended = Conductor(console, fleet.jobs, begun(fleet, 1)).run()
    assert states(ended) == [TargetState.UNKNOWN]
    assert ended.state is RolloutState.INTERRUPTED
    assert [run.state for run in runs(fleet)] == [RunState.UNKNOWN]
    engine.make_reachable()
    again = recovery.go_on(fleet.console, fleet.jobs, ended.id).run()
    assert states(again) == [TargetState.DONE]
    assert len(started(fleet)) == 1
    with fleet.console.catalog.read() as books:
        results = {entry.result for entry in books.journal.of(ended.id) if entry.step is Step.RELEASE}
    assert Result.UNKNOWN in results


def test_who_lost_the_lock_before_it_ran_says_that_it_was_not_run(fleet: Fleet) -> None:
    declare(fleet, WORKS)

    def lose() -> None:
        fleet.simulated.engines["alpha"].lose_container("mc-lock.mirror-01-live")
        foreign_lock(fleet)

    ended = marked(fleet, "RELEASE:intent", lose)
    assert states(ended) == [TargetState.SUPERSEDED]
    assert [run.state for run in runs(fleet)] == [RunState.NOT_RUN]
    assert started(fleet) == []


def test_what_was_cut_off_says_that_its_command_was_begun(fleet: Fleet) -> None:
    declare(fleet, LASTS)
    (finding,) = recovery.examine(fleet.console, fleet.jobs, cut_off(fleet, "RELEASE:sent"))
    assert finding.words == "not begun; the release command was begun: it is waited for, and not run again"
