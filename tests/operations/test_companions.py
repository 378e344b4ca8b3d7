"""Environments with several processes, on the simulator: all of them are of one version, wherever it is cut off."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import msgspec
import pytest

from mirror_console.domain.alignment import Cell, Status
from mirror_console.domain.check import Check
from mirror_console.domain.companions import companions_words
from mirror_console.domain.environment import Limits
from mirror_console.domain.phrases import health_words
from mirror_console.domain.plan import Change, Plan, PlannedTarget, Reason, Swap
from mirror_console.domain.process import DeclaredProcess, with_processes
from mirror_console.domain.release_command import ReleaseCommand
from mirror_console.domain.rollout import Result, Rollout, RolloutState, Step, TargetState
from mirror_console.domain.several import process_lines
from mirror_console.domain.swap_words import swap_words
from mirror_console.domain.verdict import verdict
from mirror_console.errors import CatalogError
from mirror_console.operations import recovery
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report_content import report_content
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.rollout import Conductor, start
from mirror_console.operations.status import survey
from mirror_console.operations.take_over import take_over, watch
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.container import Container
from mirror_console.store.columns import json_text
from tests.operations.fleet import QUICK, Fleet, now, small_fleet
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
def fleet_of_several(release: ReleaseCommand | None = None) -> Iterator[Fleet]:
    """One mirror with three processes, which run 26.8.2; 26.8.3 is there."""
    with small_fleet(mirrors=1) as fleet:
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
        yield fleet


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
        watching = Cut(fleet)
        carried_out(fleet, watching)
        boundaries = [place for place, met in enumerate(watching.met) if met.endswith((":intent", ":sent"))]
        wrong, old, numbers = [], "26.8.3", count(4)
        assert not watching.twice
        turn = random.choice((0, 1))  # noqa: S311 - which one is no secret
        if not good:
            # What fails goes back in the same way, wherever it does.
            boundaries = random.sample(boundaries, 20)
        for number, place in enumerate(boundaries):
            new = f"26.8.{next(numbers)}"
            behaviour = Behaviour.OK if good else Behaviour.NEVER_HEALTHY
            fleet.publish(new, health_interval=0.02, behaviour=behaviour)
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
            if running(fleet) != all_of(expected) or extra or cut.twice or told is TargetState.STRANDED:
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


def test_what_the_source_declares_no_more_and_still_runs_is_told(fleet: Fleet) -> None:
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), processes=PROCESSES[:2]))
        environment = fleet.environment(fleet.mirrors[0], "live")
        books.environments.save(with_processes(environment, PROCESSES[:2]))
    made = planned(fleet)
    (found,) = [one for one in preflight(fleet.console, fleet.jobs, made).warnings if one.check is Check.NAMES]
    assert f"'{NAME}-tail' runs for a process that its source declares no more" in found.words
    ended = carried_out(fleet, made=made)
    assert running(fleet) == {NAME: "26.8.3", f"{NAME}-worker": "26.8.3", f"{NAME}-tail": "26.8.2"}
    # Who was rolled out with it isn't who would go back with it.
    with fleet.console.catalog.write() as books:
        books.environments.save(with_processes(fleet.environment(fleet.mirrors[0], "live"), PROCESSES))
    back = plan_rollback(fleet.console, fleet.jobs, ended.id, Part.ALL)
    assert [one.reason for one in back.left_out] == [Reason.CHANGED_SINCE]


def test_limits_of_several_are_changed_by_making_them_anew(fleet: Fleet) -> None:
    carried_out(fleet)
    fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), limits=Limits(memory=64 * 1024 * 1024))
    assert cell(fleet).pending
    made = plan(fleet.console, "live", ["mirror-01"], QUICK, settings_only=True)
    assert [(one.swap, one.change) for one in made.targets] == [(Swap.RECREATE, Change.SETTINGS)]
    assert carried_out(fleet, made=made).state is RolloutState.COMPLETED
    assert {ours(fleet)[name].host["Memory"] for name in ALL} == {64 * 1024 * 1024}
    assert not cell(fleet).pending


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
        refresh(second.console, second.jobs)

        def mark(boundary: str) -> None:
            if boundary == f"{cut_at.name}:sent":
                raise CatalogError("The journal can't be written.", "A test says so.")

        refresh(first.console, first.jobs)
        with pytest.raises(CatalogError):
            carried_out(first, mark)
        place = second.environment(second.mirrors[0], "live").id
        ended = take_over(second.console, second.jobs, watch(second.console, place), "a test")
        assert [one.name for one in ended.targets[0].planned.companions] == ["tail", "worker"]
        assert running(first) == all_of(version), ended.targets[0].words
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


def test_the_steps_of_each_are_told_apart_in_reports(fleet: Fleet) -> None:
    told = report_content(fleet.console, carried_out(fleet).id).targets[0].steps
    assert [one.words for one in told if one.step is Step.START] == ["", "worker", "tail"]
    assert all(one.result is Result.OK for one in told)
