"""Environments with several processes, on the simulator: all of them are of one version, wherever it is cut off."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from itertools import count

import msgspec
import pytest

from mirror_console.domain.cell import Cell
from mirror_console.domain.check import Check
from mirror_console.domain.companions import companions_words
from mirror_console.domain.environment import Environment, Limits, Process
from mirror_console.domain.journal import Result
from mirror_console.domain.observation import BESIDE, LABEL, Role
from mirror_console.domain.phrases import health_words
from mirror_console.domain.plan import Change, Plan, PlannedTarget, Reason
from mirror_console.domain.process import DeclaredProcess, with_processes
from mirror_console.domain.release_command import NO_COMMAND, ReleaseCommand
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.selection import matches, parse
from mirror_console.domain.several import process_lines
from mirror_console.domain.status import Status
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.domain.swap_words import swap_words
from mirror_console.domain.verdict import verdict
from mirror_console.errors import CatalogError, InvalidInput
from mirror_console.operations import recovery
from mirror_console.operations.accepting import accept, undo
from mirror_console.operations.adoption import adopt, adoption
from mirror_console.operations.cleanup import look
from mirror_console.operations.drift import drift_of
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report_content import report_content
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.status import survey
from mirror_console.operations.take_over import take_over, watch
from mirror_console.operations.where import where
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.changing import rename_container, update_container
from mirror_console.simulator.container import Container
from mirror_console.store.columns import json_text
from tests.catalogs import lose_journal
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, now, small_fleet
from tests.operations.test_locks import FAST, second_console

pytestmark = pytest.mark.slow

NAME = "mirror-01-live"
PROCESSES = (
    DeclaredProcess("web", serves=True),
    DeclaredProcess("worker", ("sleep", "900"), worker=True),
    DeclaredProcess("tail", ("sleep", "901")),
)
ALL = [NAME, f"{NAME}-worker", f"{NAME}-tail"]


@contextmanager
def fleet_of_several(release: ReleaseCommand = NO_COMMAND) -> Iterator[Fleet]:
    """One mirror with three processes, which run 26.8.2; 26.8.3 is there."""
    with small_fleet(mirrors=1, prepared=_preparing(release)) as fleet:
        yield fleet


@cache
def _preparing(release: ReleaseCommand | None) -> Callable[[Fleet], None]:
    def prepare(fleet: Fleet) -> None:
        with fleet.console.catalog.write() as books:
            source = replace(books.applications.get("source"), processes=PROCESSES, release_command=release)
            books.applications.save(source)
            environment = fleet.environment(fleet.mirrors[0], "live")
            books.environments.save(with_processes(environment, PROCESSES))
        fleet.publish("26.8.2", health_interval=0.02)
        refresh(fleet.console, fleet.jobs)
        ended = carried_out(fleet)
        assert ended.state is RolloutState.COMPLETED, ended.targets[0].words
        fleet.publish("26.8.3", health_interval=0.02)
        refresh(fleet.console, fleet.jobs)

    return prepare


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with fleet_of_several() as made:
        yield made


def planned(fleet: Fleet) -> Plan:
    return plan(fleet.console, "live", ["mirror-01"], QUICK)


def carried_out(
    fleet: Fleet, mark: Callable[[str], None] = lambda _boundary: None, made: Plan | None = None
) -> Rollout:
    made = made or planned(fleet)
    checked = preflight(fleet.console, fleet.jobs, made)
    rollout = start(fleet.console, made, checked, "a test")
    return Conductor(replace(fleet.console, mark=mark), fleet.jobs, rollout).run()


def ours(fleet: Fleet) -> dict[str, Container]:
    state = fleet.simulated.engines["alpha"].state
    with state.lock:
        return {one.name: one for one in state.containers.values() if one.name != "webshop-live"}


def running(fleet: Fleet) -> dict[str, str]:
    """The containers that run, with their versions."""
    return {name: fleet.version_of(name) for name, one in ours(fleet).items() if one.is_running}


def all_of(version: str) -> dict[str, str]:
    return dict.fromkeys(ALL, version)


def lines_of(fleet: Fleet, rollout: Rollout) -> list[tuple[str, Step]]:
    with fleet.console.catalog.read() as books:
        return [(one.process, one.step) for one in books.journal.of(rollout.id) if one.result is None]


def cell(fleet: Fleet) -> Cell:
    return survey(fleet.console).rows[0].cells["live"]


def declared_no_more(fleet: Fleet, container: str) -> None:
    """A fourth process runs, a worker, which its source declares no more. It goes with the next rollout."""
    engine, environment = fleet.simulated.engines["alpha"], fleet.environment(fleet.mirrors[0], "live")
    if f"{container}.mc-prev" in ours(fleet):
        engine.lose_container(f"{container}.mc-prev")
    labels = {LABEL + "env": environment.id, LABEL + "process": "mailer", LABEL + "role": str(Role.APPLICATION)}
    host = {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}}
    engine.run(container, f"{REPOSITORY}:26.8.2", labels={**labels, BESIDE: "yes"}, host=host)
    with fleet.console.catalog.write() as books:
        books.environments.save(replace(environment, going=(Process("mailer", container, ("true",), worker=True),)))


class Cut:
    """Cuts off at a boundary that is met for a certain time. Looks at each whether one process runs twice."""

    def __init__(self, fleet: Fleet, at: int = -1) -> None:
        self._fleet, self._at = fleet, at
        self.met: list[str] = []
        self.twice: list[str] = []

    def __call__(self, boundary: str) -> None:
        self.met.append(boundary)
        names = [name.removesuffix(".mc-next").removesuffix(".mc-prev") for name in running(self._fleet)]
        if len(set(names)) < len(names):
            self.twice.append(boundary)
        if len(self.met) - 1 == self._at:
            raise CatalogError("The journal can't be written.", "A test says so.")


def test_what_somebody_changes_of_the_others_while_it_bakes_is_set_right(fleet: Fleet) -> None:
    state, worker, tail = fleet.simulated.engines["alpha"].state, f"{NAME}-worker", f"{NAME}-tail"

    def change(boundary: str) -> None:
        if boundary == "BAKE:intent":
            rename_container(state, worker, f"{worker}.by-hand")
            for name in (f"{worker}.mc-prev", f"{tail}.mc-prev"):
                update_container(state, name, {"RestartPolicy": {"Name": "always"}})

    made = plan(fleet.console, "live", ["mirror-01"], replace(QUICK, bake=0.5))
    ended = carried_out(fleet, change, made)
    assert ended.targets[0].state is TargetState.DONE, ended.targets[0].words
    assert running(fleet) == all_of("26.8.3")
    assert {name: one.policy for name, one in ours(fleet).items() if name.endswith(".mc-prev")} == {
        f"{NAME}.mc-prev": "unless-stopped",
        f"{worker}.mc-prev": "no",
        f"{tail}.mc-prev": "no",
    }


def test_the_first_rollout_makes_all_of_them_and_only_one_serves(fleet: Fleet) -> None:
    assert running(fleet) == all_of("26.8.2")
    web, worker = fleet.container(NAME), fleet.container(f"{NAME}-worker")
    assert web.host["PortBindings"]
    assert not worker.host["PortBindings"]
    assert worker.config["Cmd"] == ["sleep", "900"]
    assert worker.config["Healthcheck"]["Test"] == ["NONE"]
    assert worker.config["Labels"]["io.mirrorconsole.process"] == "worker"
    assert cell(fleet).status is Status.BEHIND
    assert not any(found.differences for found in (cell(fleet).observation, *cell(fleet).beside) if found)


def test_a_release_replaces_all_of_them_in_one_turn_under_one_lock(fleet: Fleet) -> None:
    ended = carried_out(fleet)
    assert (ended.state, ended.targets[0].planned.swap) == (RolloutState.COMPLETED, Swap.RECREATE)
    assert running(fleet) == all_of("26.8.3")
    assert sorted(ours(fleet).keys() - running(fleet).keys()) == sorted(f"{name}.mc-prev" for name in ALL)
    lines = lines_of(fleet, ended)
    assert [process for process, step in lines if step is Step.CREATE] == ["web", "worker", "tail"]
    assert [process for process, step in lines if step is Step.STOP] == ["worker", "web", "tail"]
    assert [process for process, step in lines if step is Step.START] == ["web", "worker", "tail"]
    assert [step for _, step in lines].count(Step.LOCK) == 1
    # What is noted at the end, and what a look says afterwards.
    assert cell(fleet).status is Status.ALIGNED
    refresh(fleet.console, fleet.jobs)
    now = cell(fleet)
    assert (now.status, now.pending) == (Status.ALIGNED, False)
    assert [name for name, _, _ in process_lines(now)] == ["web", "worker", "tail"]
    assert not planned(fleet).targets
    # Once more: what is older than the ways back goes.
    fleet.publish("26.8.4", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    assert carried_out(fleet).state is RolloutState.COMPLETED
    assert running(fleet) == all_of("26.8.4")
    assert sorted(ours(fleet).keys() - running(fleet).keys()) == sorted(f"{name}.mc-prev" for name in ALL)


def test_workers_stop_before_the_release_command_and_come_back_where_it_fails() -> None:
    with fleet_of_several() as fleet:
        with fleet.console.catalog.write() as books:
            command = ReleaseCommand(("sh", "-c", "exit 3"), limit=20.0, reversible=True)
            books.applications.save(replace(books.applications.get("source"), release_command=command))
        at_release: list[dict[str, str]] = []

        def mark(boundary: str) -> None:
            if boundary == f"{Step.RELEASE.name}:before":
                at_release.append(running(fleet))

        ended = carried_out(fleet, mark)
        assert [sorted(one) for one in at_release] == [sorted([NAME, f"{NAME}-tail"])]
        assert ended.targets[0].state is TargetState.PUT_BACK
        assert running(fleet) == all_of("26.8.2")
        assert sorted(ours(fleet)) == sorted(ALL + [one for one in ours(fleet) if one.startswith("mc-rel.")])


def test_one_that_does_not_run_on_brings_all_back(fleet: Fleet) -> None:
    def mark(boundary: str) -> None:
        worker = ours(fleet).get(f"{NAME}-worker.mc-next")
        if worker is not None and worker.is_running:
            fleet.simulated.engines["alpha"].stop_container(worker.name)

    ended = carried_out(fleet, mark)
    assert ended.targets[0].state is TargetState.PUT_BACK
    assert "worker: " in ended.targets[0].words
    assert running(fleet) == all_of("26.8.2")
    assert sorted(ours(fleet)) == sorted(ALL)
    assert all(one.policy == "unless-stopped" for one in ours(fleet).values())


@pytest.mark.parametrize("good", [True, False])
def test_cut_off_at_any_boundary_all_come_to_one_version(good: bool) -> None:
    """Which of the two choices follows takes turns, and turns with the run's seed."""
    command = ReleaseCommand(("true",), limit=20.0, reversible=True)
    with fleet_of_several(command) as fleet:
        watching, mailer = Cut(fleet), f"{NAME}-mailer"
        declared_no_more(fleet, mailer)
        refresh(fleet.console, fleet.jobs)
        carried_out(fleet, watching)
        boundaries = [place for place, met in enumerate(watching.met) if met.endswith((":intent", ":sent"))]
        wrong, old, numbers = [], "26.8.3", count(4)
        assert not watching.twice
        turn = random.choice((0, 1))  # noqa: S311 - which one is no secret
        # Others each run; what fails goes back in the same way, wherever it does.
        boundaries = random.sample(boundaries, 16 if good else 6)
        for number, place in enumerate(boundaries):
            new = f"26.8.{next(numbers)}"
            behaviour = Behaviour.OK if good else Behaviour.NEVER_HEALTHY
            fleet.publish(new, health_interval=0.02, behaviour=behaviour)
            if mailer not in running(fleet):
                declared_no_more(fleet, mailer)
            refresh(fleet.console, fleet.jobs)
            cut = Cut(fleet, place)
            try:
                ended = carried_out(fleet, cut)
            except CatalogError:
                boundary = f"{place} {cut.met[-1]}"
                (found,) = recovery.interrupted(fleet.console)
                if (number // 2 + turn) % 2:
                    ended = recovery.go_on(fleet.console, fleet.jobs, found.rollout.id).run()
                else:
                    ended = recovery.put_back(fleet.console, fleet.jobs, found.rollout.id)
            else:
                boundary = f"{place} not met"
            told = ended.targets[0].state
            expected = new if told is TargetState.DONE else old
            extra = sorted(name for name in ours(fleet).keys() - running(fleet).keys() if not name.endswith(".mc-prev"))
            extra = [name for name in extra if not name.startswith("mc-rel.")]
            there = all_of(expected) | ({mailer: "26.8.2"} if told is not TargetState.DONE else {})
            if running(fleet) != there or extra or cut.twice or told is TargetState.STRANDED:
                wrong.append(f"{boundary}: {told} {ended.targets[0].words}, {running(fleet)}, {extra}, {cut.twice}")
                break
            old = expected
        assert not wrong, "\n".join(wrong)


def test_a_process_that_is_missing_or_ended_is_told_and_comes_back_with_a_rollout(fleet: Fleet) -> None:
    carried_out(fleet)
    engine = fleet.simulated.engines["alpha"]
    engine.stop_container(f"{NAME}-tail")
    refresh(fleet.console, fleet.jobs)
    assert cell(fleet).status is Status.UNHEALTHY
    assert health_words(cell(fleet)) == "its tail is stopped"
    assert process_lines(cell(fleet))[2] == ("tail", f"{NAME}-tail", "26.8.3, exited")
    for name in (f"{NAME}-tail", f"{NAME}-tail.mc-prev"):
        engine.lose_container(name)
    refresh(fleet.console, fleet.jobs)
    assert cell(fleet).status is Status.MISSING
    assert f"There is no container '{NAME}-tail'" in verdict(cell(fleet), now())
    made = planned(fleet)
    assert [one.change for one in made.targets] == [Change.REPLACE]
    assert carried_out(fleet, made=made).state is RolloutState.COMPLETED
    assert running(fleet) == all_of("26.8.3")


def test_a_rollback_takes_all_of_them_back(fleet: Fleet) -> None:
    ended = carried_out(fleet)
    back = plan_rollback(fleet.console, fleet.jobs, ended.id, Part.ALL)
    assert [one.name for one in back.targets[0].companions] == ["worker", "tail"]
    assert carried_out(fleet, made=back).state is RolloutState.COMPLETED
    assert running(fleet) == all_of("26.8.2")


def test_another_container_in_the_place_of_one_of_them_is_left_alone_and_blocks(fleet: Fleet) -> None:
    made = planned(fleet)
    engine = fleet.simulated.engines["alpha"]
    engine.lose_container(f"{NAME}-tail")
    checked = preflight(fleet.console, fleet.jobs, made)
    assert any("tail: The container" in one.words for one in checked.blocking)


def test_what_runs_for_a_process_that_is_not_known_and_what_is_taken_away_of_others_is_warned_of(fleet: Fleet) -> None:
    engine, environment = fleet.simulated.engines["alpha"], fleet.environment(fleet.mirrors[0], "live")
    labels = {LABEL + "env": environment.id, LABEL + "process": "cron", LABEL + "role": str(Role.APPLICATION)}
    engine.run(f"{NAME}-cron", f"{REPOSITORY}:26.8.2", labels=labels)
    (told,) = [one for one in preflight(fleet.console, fleet.jobs, planned(fleet)).warnings if one.check is Check.NAMES]
    assert told.words == f"'{NAME}-cron' runs for a process that this catalog doesn't know, and isn't touched."
    engine.lose_container(f"{NAME}-cron")
    engine.run(f"{NAME}-hand", f"{REPOSITORY}:26.8.2")
    with fleet.console.catalog.write() as books:
        books.environments.save(replace(environment, going=(Process("hand", f"{NAME}-hand"),)))
    refresh(fleet.console, fleet.jobs)
    (told,) = [one for one in preflight(fleet.console, fleet.jobs, planned(fleet)).warnings if one.check is Check.NAMES]
    assert told.words == f"hand: '{NAME}-hand' wasn't made by a rollout from here, and is taken away."


def declare(fleet: Fleet, *declared: DeclaredProcess) -> None:
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), processes=declared))
        books.environments.save(with_processes(fleet.environment(fleet.mirrors[0], "live"), declared))


def test_what_the_source_declares_no_more_is_taken_away_and_made_again_by_a_rollback(fleet: Fleet) -> None:
    carried_out(fleet)
    declare(fleet, *PROCESSES[:2])
    assert (cell(fleet).status, cell(fleet).pending) == (Status.ALIGNED, True)
    assert process_lines(cell(fleet))[2] == ("tail", f"{NAME}-tail", "26.8.3, runs; a rollout takes it away")
    report = drift_of(fleet.console, cell(fleet).environment.id)
    assert [str(one) for one in report.pending] == ["process tail: declared → taken away"]
    made = plan(fleet.console, "live", ["mirror-01"], QUICK, settings_only=True)
    assert [str(one) for one in made.targets[0].changes] == ["process tail: declared → taken away"]
    assert companions_words(made.targets)[-1] == "At 1 target tail is taken away."
    assert swap_words(made.targets[0]).endswith("; with worker; tail is taken away")
    ended = carried_out(fleet, made=made)
    assert running(fleet) == {NAME: "26.8.3", f"{NAME}-worker": "26.8.3"}
    assert ours(fleet)[f"{NAME}-tail.mc-prev"].id == made.targets[0].companions[1].before_container_id
    of_tail = [step for process, step in lines_of(fleet, ended) if process == "tail"]
    assert of_tail == [Step.STOP, Step.SHELVE, Step.COMMIT, Step.RETIRE]
    # The catalog knows it no more: nothing waits, and its way back is for a clean-up to take.
    assert not cell(fleet).environment.going
    refresh(fleet.console, fleet.jobs)
    assert (cell(fleet).status, cell(fleet).pending) == (Status.ALIGNED, False)
    assert not planned(fleet).targets
    with fleet.console.catalog.read() as books:
        assert {one.process for one in books.applied.of([cell(fleet).environment.id])} == {"web", "worker"}
        alpha = books.engines.get("alpha")
    assert f"{NAME}-tail.mc-prev" in [one.name for one in look(fleet.console, alpha).goes]
    # Back it comes as it was, and goes once more with the next rollout.
    back = plan_rollback(fleet.console, fleet.jobs, ended.id, Part.ALL)
    assert [(one.name, one.change) for one in back.targets[0].companions] == [("worker", "replace"), ("tail", "create")]
    assert carried_out(fleet, made=back).state is RolloutState.COMPLETED
    assert running(fleet) == all_of("26.8.3")
    assert [one.name for one in cell(fleet).environment.going] == ["tail"]
    assert carried_out(fleet).state is RolloutState.COMPLETED
    assert sorted(running(fleet)) == [NAME, f"{NAME}-worker"]
    # Who was rolled out with it isn't who would go back with it.
    declare(fleet, *PROCESSES)
    again = plan_rollback(fleet.console, fleet.jobs, ended.id, Part.ALL)
    assert [one.reason for one in again.left_out] == [Reason.CHANGED_SINCE]


def test_a_rollback_takes_away_what_its_rollout_has_made(fleet: Fleet) -> None:
    declare(fleet, *PROCESSES, DeclaredProcess("extra", ("sleep", "902")))
    refresh(fleet.console, fleet.jobs)
    ended = carried_out(fleet)
    assert len(running(fleet)) == 4
    back = plan_rollback(fleet.console, fleet.jobs, ended.id, Part.ALL)
    assert back.targets[0].companions[-1].change == "take away"
    assert carried_out(fleet, made=back).state is RolloutState.COMPLETED
    assert running(fleet) == all_of("26.8.2")
    # It is declared all the same: a rollout makes it again.
    assert cell(fleet).status is Status.MISSING
    assert carried_out(fleet).state is RolloutState.COMPLETED
    assert len(running(fleet)) == 4


def test_limits_of_several_are_changed_by_making_them_anew(fleet: Fleet) -> None:
    carried_out(fleet)
    fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), limits=Limits(memory=64 * 1024 * 1024))
    assert cell(fleet).pending
    made = plan(fleet.console, "live", ["mirror-01"], QUICK, settings_only=True)
    assert [(one.swap, one.change) for one in made.targets] == [(Swap.RECREATE, Change.SETTINGS)]
    assert carried_out(fleet, made=made).state is RolloutState.COMPLETED
    assert {ours(fleet)[name].host["Memory"] for name in ALL} == {64 * 1024 * 1024}
    assert not cell(fleet).pending
    # One that its source grants something else, and its environment something else again.
    granted = replace(PROCESSES[1], limits=Limits(pids=50)), replace(PROCESSES[2], limits=Limits(pids=60))
    declare(fleet, PROCESSES[0], *granted)
    environment = fleet.environment(fleet.mirrors[0], "live")
    own = (*environment.processes[:2], replace(environment.processes[2], own_limits=Limits(cpus=0.5)))
    with fleet.console.catalog.write() as books:
        books.environments.save(replace(environment, processes=own))
    assert cell(fleet).pending
    made = plan(fleet.console, "live", ["mirror-01"], QUICK, settings_only=True)
    assert [str(one) for one in made.targets[0].changes] == [
        "worker: memory limit: 64 MiB → none",
        "worker: process limit: none → 50",
        "tail: memory limit: 64 MiB → none",
        "tail: CPU limit: none → 0.5",
    ]
    assert made.targets[0].changes == drift_of(fleet.console, environment.id).pending
    carried_out(fleet, made=made)
    assert [ours(fleet)[name].host["PidsLimit"] for name in ALL[:2]] == [None, 50]
    assert ours(fleet)[ALL[2]].host["NanoCpus"] == 500_000_000
    assert not cell(fleet).pending


def test_what_was_changed_by_hand_at_another_process_is_accepted_adopted_or_corrected(fleet: Fleet) -> None:
    carried_out(fleet)
    granted = Limits(memory=64 * 1024 * 1024)

    def change() -> None:
        worker = ours(fleet)[f"{NAME}-worker"]
        worker.host["Memory"] = granted.memory
        worker.config["Cmd"] = ["sleep", "99"]
        refresh(fleet.console, fleet.jobs, inspect_all=True)

    def now_() -> Environment:
        return fleet.environment(fleet.mirrors[0], "live")

    change()
    before, told = now_(), ["worker: memory limit", "worker: command"]
    assert cell(fleet).status is Status.DRIFTED
    assert sorted(one.field for one in cell(fleet).differences) == sorted(told)
    assert drift_of(fleet.console, before.id).drift == cell(fleet).differences
    # What it runs is for its source to say; its limits are its own.
    with pytest.raises(InvalidInput) as refused:
        accept(fleet.console, before.id)
    assert [str(one) for one in refused.value.problems] == ["worker: command: its source declares what it runs"]
    taken = accept(fleet.console, before.id, ["worker: memory limit"])
    assert (now_().processes[1].own_limits, now_().settings) == (granted, before.settings)
    assert [one.field for one in cell(fleet).differences] == ["worker: command"]
    undo(fleet.console, taken)
    assert now_() == before
    assert sorted(one.field for one in cell(fleet).differences) == sorted(told)
    wished = adoption(fleet.console, before.id)
    adopt(fleet.console, wished)
    with fleet.console.catalog.read() as books:
        declared = books.applications.get("source").processes[1]
    assert declared == replace(PROCESSES[1], command=("sleep", "99"), limits=granted)
    assert (now_().processes[1].own_limits, now_().processes[1].limits) == (None, granted)
    assert (cell(fleet).status, cell(fleet).pending) == (Status.ALIGNED, False)
    # Corrected by a rollout, which tells what it changes.
    ours(fleet)[f"{NAME}-tail"].host["Memory"] = granted.memory
    refresh(fleet.console, fleet.jobs, inspect_all=True)
    made = planned(fleet)
    assert [str(one) for one in made.targets[0].changes] == ["tail: memory limit: 64 MiB → none"]
    carried_out(fleet, made=made)
    assert cell(fleet).status is Status.ALIGNED


def test_each_of_them_is_found_by_a_filter_and_where_a_build_runs(fleet: Fleet) -> None:
    carried_out(fleet)
    engine = fleet.simulated.engines["alpha"]
    engine.lose_container(f"{NAME}-tail")
    engine.run(f"{NAME}-tail", f"{REPOSITORY}:26.8.2")
    refresh(fleet.console, fleet.jobs)
    row = survey(fleet.console).rows[0]
    for text, fits in (("container:*-worker", True), ("container:other", False), ("version:26.8.2", True)):
        assert matches(parse(text), row, now()) is fits, text
    assert matches(parse("running:26.8.2"), row, now())
    places = [one for build in where(fleet.console, "26.8.2").builds for one in build.places]
    assert [(one.application, one.processes) for one in places] == [("Mirror 01", ("tail",))]
    places = [one for build in where(fleet.console, "26.8.3").builds for one in build.places if one.is_mirror]
    assert [one.processes for one in places] == [("web", "worker")]


def test_it_is_told_of_the_plan_who_is_replaced_with_it(fleet: Fleet) -> None:
    made = planned(fleet)
    (words,) = companions_words(made.targets)
    assert words.startswith(
        "At 1 target worker, tail are replaced with what serves, and down until the new release serves"
    )
    assert words.endswith("; of these worker from before the release command on.")
    assert swap_words(made.targets[0]).endswith("; with worker, tail")
    text = json_text(made.targets[0])
    assert msgspec.json.decode(text, type=PlannedTarget) == made.targets[0]


@pytest.mark.parametrize(("cut_at", "version"), [(Step.RELEASE, "26.8.2"), (Step.NAME, "26.8.4")])
def test_another_console_that_takes_over_brings_all_of_them_to_an_end(cut_at: Step, version: str) -> None:
    """It knows of them by their labels alone: in its own catalog the environment has one process."""
    command = ReleaseCommand(("true",), limit=20.0, reversible=True)
    with fleet_of_several(command) as first, second_console(first) as second:
        first.console = replace(first.console, lock_times=FAST)
        first.publish("26.8.4", health_interval=0.02)
        declared_no_more(first, mailer := f"{NAME}-mailer")
        refresh(second.console, second.jobs)

        def mark(boundary: str) -> None:
            if boundary == f"{cut_at.name}:sent":
                raise CatalogError("The journal can't be written.", "A test says so.")

        refresh(first.console, first.jobs)
        with pytest.raises(CatalogError):
            carried_out(first, mark)
        place = second.environment(second.mirrors[0], "live").id
        ended = take_over(second.console, second.jobs, watch(second.console, place), "a test")
        assert [one.name for one in ended.targets[0].planned.companions] == ["tail", "worker", "mailer"]
        there = {mailer: "26.8.2"} if cut_at is Step.RELEASE else {}
        assert running(first) == all_of(version) | there, ended.targets[0].words
        assert not [name for name in ours(first) if name.endswith(".mc-next") or name.startswith("mc-lock.")]


def test_a_new_worker_that_was_pruned_during_the_release_command_still_tells_that_the_old_one_ran() -> None:
    command = ReleaseCommand(("true",), limit=20.0, reversible=True)
    with fleet_of_several(command) as fleet:
        engine = fleet.simulated.engines["alpha"]

        def mark(boundary: str) -> None:
            if boundary == f"{Step.RELEASE.name}:sent":
                engine.lose_container(f"{NAME}-worker.mc-next")
            worker = ours(fleet).get(f"{NAME}-worker.mc-next")
            if worker is not None and worker.is_running:
                engine.stop_container(worker.name)

        ended = carried_out(fleet, mark)
        assert ended.targets[0].state is TargetState.PUT_BACK
        assert running(fleet) == all_of("26.8.2")


def test_a_lock_that_is_taken_again_tells_how_the_other_processes_were(fleet: Fleet) -> None:
    """Somebody pruned it and the journal is lost: what the new ones told would be gone with them."""

    def cut_at(boundary: str) -> Callable[[str], None]:
        def mark(met: str) -> None:
            if met == boundary:
                raise CatalogError("The journal can't be written.", "A test says so.")

        return mark

    with pytest.raises(CatalogError):
        carried_out(fleet, cut_at("START:intent"))
    lock = f"mc-lock.{NAME}"
    for _time in range(2):
        told = {
            name: value
            for name, value in ours(fleet)[lock].config["Labels"].items()
            if name.startswith(LABEL + "prev.")
        }
        assert told.keys() == {f"{LABEL}prev.worker", f"{LABEL}prev.tail"}
        fleet.simulated.engines["alpha"].lose_container(lock)
        lose_journal(fleet.folder / "catalog" / "catalog.sqlite")
        (found,) = recovery.interrupted(fleet.console)
        with pytest.raises(CatalogError):
            recovery.put_back(replace(fleet.console, mark=cut_at("STOP_NEW:intent")), fleet.jobs, found.rollout.id)
    ended = recovery.put_back(fleet.console, fleet.jobs, found.rollout.id)
    assert ended.targets[0].state is TargetState.PUT_BACK
    assert running(fleet) == all_of("26.8.2")


def test_the_steps_of_each_are_told_apart_in_reports(fleet: Fleet) -> None:
    told = report_content(fleet.console, carried_out(fleet).id).targets[0].steps
    assert [one.words for one in told if one.step is Step.START] == ["", "worker", "tail"]
    assert all(one.result is Result.OK for one in told)
