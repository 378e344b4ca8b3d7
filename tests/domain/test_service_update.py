"""Services of a Swarm: what their tasks say, and how a look at one is read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror_console.domain.health import Verdict
from mirror_console.domain.recovery import Found
from mirror_console.domain.service_update import (
    Before,
    Meant,
    at_rest_words,
    classify_service,
    failures,
    goes_words,
    judge_tasks,
    same_image,
)
from mirror_console.domain.swarm import SwarmService, Task, UpdateState

ROLLOUT = "our-rollout"
OLD, NEW = (f"shop/web:1@sha256:{digit * 64}" for digit in "12")
SERVICE = SwarmService("s" * 25, "shop", 7, NEW, container_labels={"io.mirrorconsole.rollout": ROLLOUT}, replicas=2)
MEANT = Meant(NEW, ROLLOUT)


def task(slot: int, state: str = "running", image: str = NEW, rollout: str = ROLLOUT, **how: object) -> Task:
    made = Task(f"task {slot} {state} {image[-1]} {rollout}", SERVICE.id, slot, "node", state, "running")
    return replace(made, image=image, rollout=rollout, **how)  # type: ignore[arg-type]


def old(slot: int, **how: str) -> Task:
    return task(slot, image=OLD, rollout="", **how)


def test_what_runs_nothing_is_never_well() -> None:
    assert judge_tasks(replace(SERVICE, replicas=0), [], MEANT).verdict is Verdict.ILL


def test_it_is_well_once_each_slot_runs_a_task_of_the_rollout_and_the_swarm_is_at_rest() -> None:
    both = [task(1), task(2), old(1, desired="shutdown")]
    assert judge_tasks(SERVICE, both, MEANT).verdict is Verdict.WELL
    assert judge_tasks(replace(SERVICE, update=UpdateState.COMPLETED), both, MEANT).words == "2 of 2 tasks run it"
    watched = judge_tasks(replace(SERVICE, update=UpdateState.UPDATING), both, MEANT)
    assert (watched.verdict, watched.words) == (Verdict.WAIT, "2 of 2 tasks run it; its Swarm watches them")


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ([], "0 of 2 tasks run it"),
        ([task(1), old(2)], "1 of 2 tasks run it"),
        ([task(1), task(2), old(2)], "2 of 2 tasks run it"),
        ([task(1), task(2, rollout="another")], "1 of 2 tasks run it"),
        ([task(1), task(2, image=OLD)], "1 of 2 tasks run it"),
        ([task(1), task(2), replace(task(2), id="another")], "2 of 2 tasks run it; 1 more runs than there should be"),
        (
            [task(1), task(2, state="pending", words="no suitable node")],
            "1 of 2 tasks run it; in slot 2 pending: no suitable node",
        ),
    ],
)
def test_what_isn_t_there_yet_is_waited_for(tasks: list[Task], words: str) -> None:
    """Neither the image alone proves a task, nor the label: a Swarm takes labels back, and settings bring no image."""
    judged = judge_tasks(SERVICE, tasks, MEANT)
    assert (judged.verdict, judged.words) == (Verdict.WAIT, words)


def test_a_task_that_failed_is_told_but_for_one_that_had_failed_before() -> None:
    failed = task(1, state="failed", desired="shutdown", words="task: non-zero exit (3)")
    tasks = [failed, task(1), task(2)]
    judged = judge_tasks(SERVICE, tasks, MEANT)
    assert (judged.verdict, judged.words) == (Verdict.ILL, "the task in slot 1 failed: task: non-zero exit (3)")
    assert judge_tasks(SERVICE, tasks, MEANT, failures([failed])).verdict is Verdict.WELL
    # What failed of another rollout says nothing of this one.
    assert judge_tasks(SERVICE, [replace(failed, rollout="another"), task(1), task(2)], MEANT).verdict is Verdict.WELL


@pytest.mark.parametrize(
    ("state", "back", "verdict"),
    [
        (UpdateState.PAUSED, False, Verdict.ILL),
        (UpdateState.ROLLBACK_STARTED, False, Verdict.ILL),
        (UpdateState.ROLLBACK_STARTED, True, Verdict.WAIT),
        (UpdateState.ROLLBACK_PAUSED, True, Verdict.ILL),
        (UpdateState.ROLLBACK_COMPLETED, True, Verdict.WELL),
    ],
)
def test_what_its_swarm_says_of_the_update_counts(state: UpdateState, verdict: Verdict, *, back: bool) -> None:
    assert judge_tasks(replace(SERVICE, update=state), [task(1), task(2)], MEANT, back=back).verdict is verdict


def test_one_on_each_node_is_as_many_as_there_are_places() -> None:
    everywhere = replace(SERVICE, replicas=None)
    nodes = [replace(task(0), id=name, node_id=name) for name in ("one", "two")]
    assert judge_tasks(everywhere, [], MEANT).verdict is Verdict.WAIT
    assert judge_tasks(everywhere, nodes, MEANT).verdict is Verdict.WELL
    assert judge_tasks(everywhere, [nodes[0], replace(nodes[1], state="starting")], MEANT).verdict is Verdict.WAIT


def test_what_ran_before_is_told_by_its_image_whatever_its_labels_say() -> None:
    before = Before(OLD, NEW, ROLLOUT)
    assert before(old(1))
    assert before(task(1, image=OLD))
    assert not before(task(1))
    settings_alone = Before(NEW, NEW, ROLLOUT)
    assert settings_alone(task(1, rollout="another"))
    assert not settings_alone(task(1))


def test_two_references_are_one_image_by_their_digests() -> None:
    assert same_image(OLD, OLD.replace(":1@", "@"))
    assert not same_image(OLD, NEW)
    assert same_image("shop/web:1", "shop/web:1")
    assert not same_image("shop/web:1", OLD)
    assert not same_image("", "")


def test_a_look_says_how_far_it_got() -> None:
    def found(service: SwarmService | None, *tasks: Task, locked: bool = True) -> Found:
        return classify_service(service, tasks, NEW, ROLLOUT, locked=locked)

    untouched = replace(SERVICE, image=OLD, container_labels={})
    assert found(None) is Found.LOST
    assert found(SERVICE) is Found.UPDATED
    assert found(SERVICE, locked=False) is Found.FINISHED
    assert found(untouched, old(1)) is Found.NOT_BEGUN
    assert found(untouched, old(1), task(2)) is Found.HALF_DONE
    assert found(replace(untouched, update=UpdateState.ROLLBACK_STARTED), old(1)) is Found.HALF_DONE
    assert found(replace(untouched, update=UpdateState.ROLLBACK_COMPLETED), old(1)) is Found.NOT_BEGUN
    by_hand = replace(SERVICE, image=OLD)
    assert found(by_hand, old(1), old(2)) is Found.NOT_BEGUN


@pytest.mark.parametrize("state", UpdateState)
def test_only_a_service_at_rest_is_updated(state: UpdateState) -> None:
    rests = state in {UpdateState.COMPLETED, UpdateState.ROLLBACK_COMPLETED}
    assert (at_rest_words(replace(SERVICE, update=state)) == "") is rests
    assert at_rest_words(replace(SERVICE, job=True)) == "it is a job, whose tasks are to end"


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (SERVICE, "2 tasks, 1 at a time; the old one is stopped first: something serves all the time"),
        (replace(SERVICE, replicas=1), "1 task, 1 at a time; the old one is stopped first: it is down while"),
        (replace(SERVICE, replicas=1, start_first=True), "the new one is started first: something serves all the time"),
        (replace(SERVICE, parallelism=0), "2 tasks, all at once; the old one is stopped first: it is down while"),
        (replace(SERVICE, replicas=None), "one task on each node, 1 at a time"),
        (replace(SERVICE, replicas=None), "something serves where there are more than 1 node"),
        (replace(SERVICE, replicas=None, parallelism=0), "all at once; the old one is stopped first: it is down while"),
        (replace(SERVICE, replicas=0), "it is to have no task, so that nothing serves"),
    ],
)
def test_how_its_tasks_are_exchanged_is_told(service: SwarmService, words: str) -> None:
    assert words in goes_words(service)
