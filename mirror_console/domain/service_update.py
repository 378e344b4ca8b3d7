"""A service of a Swarm that is updated: how its tasks are judged, and what a look at it says after a cut.

What runs is told by its tasks alone. A Swarm that takes an update back puts the labels of the service back as well, so
that those say what is wanted of it, and never what came of that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from mirror_console.domain.counting import counted
from mirror_console.domain.health import Judged, Verdict
from mirror_console.domain.recovery import Found
from mirror_console.domain.swarm import FAILED, SwarmService, Task, UpdateState, digest_of

PREPARES = frozenset({"assigned", "accepted", "preparing", "ready"})
"""The states of a task whose node brings its image. Source: Docker Engine API, TaskState."""
STUCK_ON_THE_WAY_FORWARD = {
    UpdateState.PAUSED: "its Swarm has paused the update",
    UpdateState.ROLLBACK_STARTED: "its Swarm is taking the update back",
    UpdateState.ROLLBACK_PAUSED: "its Swarm was taking the update back, and has paused",
}
"""What a Swarm says of an update that doesn't come to its end."""
STUCK_ON_THE_WAY_BACK = {
    UpdateState.PAUSED: "its Swarm has paused",
    UpdateState.ROLLBACK_PAUSED: "its Swarm has paused while it took the update back",
}
"""The same of one that puts back."""
AT_WORK = frozenset({UpdateState.UPDATING, UpdateState.ROLLBACK_STARTED})


@dataclass(frozen=True, slots=True)
class Meant:
    """Which tasks are those that a rollout makes: of its image, and with its label."""

    image: str
    rollout: str

    def __call__(self, task: Task) -> bool:
        """Whether a task is one of them. A rollout that brings settings alone has the image of before."""
        return same_image(task.image, self.image) and task.rollout == self.rollout


@dataclass(frozen=True, slots=True)
class Before:
    """Which tasks are those of before: of its image; where the rollout brings no other, made by another rollout."""

    image: str
    after: str
    rollout: str

    def __call__(self, task: Task) -> bool:
        """Whether a task is one of them. Of another image it is, whatever its labels say."""
        if not same_image(task.image, self.image):
            return False
        return not same_image(self.image, self.after) or task.rollout != self.rollout


def same_image(one: str, other: str) -> bool:
    """Whether two references name one image: by their digests where both have one."""
    if digest_of(one) and digest_of(other):
        return digest_of(one) == digest_of(other)
    return bool(one) and one == other


def judge_tasks(
    service: SwarmService,
    tasks: Collection[Task],
    meant: Meant | Before,
    known: Collection[str] = (),
    *,
    back: bool = False,
) -> Judged:
    """Whether every place of a service runs a task that is meant, and nothing else, and its Swarm is at rest.

    One that runs beside another in its place is one too many. One that failed is told, unless it is among those that
    are `known` by their ids to have failed before. A task that runs has passed the health check of its image, where
    there is one.
    """
    failed = next((one for one in tasks if meant(one) and one.state in FAILED and one.id not in known), None)
    if failed is not None:
        why = failed.words or (f"exit code {failed.exit_code}" if failed.exit_code else "no reason is told")
        return Judged(Verdict.ILL, f"the task {_placed(failed)} {failed.state}: {why}")
    stuck = STUCK_ON_THE_WAY_BACK if back else STUCK_ON_THE_WAY_FORWARD
    if service.update in stuck:
        why = stuck[service.update]
        return Judged(Verdict.ILL, f"{why}: {service.update_words}" if service.update_words else why)
    wanted = [one for one in tasks if one.wanted]
    places = {one.place for one in wanted}
    wanted_places = service.replicas if service.replicas is not None else len(places)
    running = len({one.place for one in wanted if one.runs and meant(one)})
    others = [one for one in wanted if not meant(one)]
    words = f"{running} of {counted(wanted_places, 'task')} {'runs' if wanted_places == 1 else 'run'} it"
    if service.replicas == 0 and not back:
        # Nothing runs that could be seen to be well: nothing is proved by that.
        return Judged(Verdict.ILL, "somebody has scaled it to no task at all, so that nothing runs it")
    if others or running < wanted_places or (service.replicas is None and not places):
        waits = next((one for one in wanted if meant(one) and not one.runs), None)
        more = f"; {_placed(waits)} {waits.state}{': ' if waits.words else ''}{waits.words}" if waits else ""
        return Judged(Verdict.WAIT, words + more)
    if service.update in AT_WORK:
        return Judged(Verdict.WAIT, f"{words}; its Swarm watches them")
    if spare := too_many(service, wanted):
        return Judged(Verdict.WAIT, f"{words}; {spare} more {'runs' if spare == 1 else 'run'} than there should be")
    return Judged(Verdict.WELL, words)


def too_many(service: SwarmService, tasks: Iterable[Task]) -> int:
    """How many tasks are to run beyond one for each place.

    Where a task fails in the moment in which an update is taken back, a Swarm may begin two in its place, and leaves
    them until it is told something of the service again: a slot of several tasks is looked at by updates alone. Source:
    swarmkit, manager/orchestrator; seen on Docker 20.10 under load.
    """
    wanted = [one for one in tasks if one.wanted]
    places = {one.place for one in wanted}
    return max(0, len(wanted) - (service.replicas if service.replicas is not None else len(places)))


def progress(service: SwarmService, tasks: Iterable[Task]) -> frozenset[object]:
    """What is another thing as soon as anything moves: tasks, their states, and what the Swarm says of its update."""
    return frozenset({service.update, *((one.id, one.state, one.desired) for one in tasks)})


def brings_image(tasks: Iterable[Task]) -> bool:
    """Whether a node may be bringing an image now, which takes as long as it takes."""
    return any(one.wanted and one.state in PREPARES for one in tasks)


def runs_any(tasks: Iterable[Task]) -> bool:
    """Whether any task runs, of whatever image: then something serves."""
    return any(one.runs for one in tasks)


def failures(tasks: Iterable[Task], meant: Meant | None = None) -> frozenset[str]:
    """The ids of the tasks that failed by now, without those that are `meant`: these an update answers for."""
    return frozenset(one.id for one in tasks if one.state in FAILED and not (meant is not None and meant(one)))


def classify_service(
    service: SwarmService | None, tasks: Collection[Task], image: str, rollout: str, *, locked: bool
) -> Found:
    """Read what is there of a service that `rollout` was to give an `image`.

    Its specification says whether it has the update. Where it has not, tasks that are still wanted and run it tell
    that it had.
    """
    if service is None:
        return Found.LOST
    if is_updated(service, image, rollout):
        return Found.UPDATED if locked else Found.FINISHED
    left = any(one.wanted and same_image(one.image, image) and one.rollout == rollout for one in tasks)
    return Found.HALF_DONE if left or service.update is UpdateState.ROLLBACK_STARTED else Found.NOT_BEGUN


def is_updated(service: SwarmService, image: str, rollout: str) -> bool:
    """Whether a service is to be what a rollout made of it."""
    return service.rollout == rollout and same_image(service.image, image)


def at_rest_words(service: SwarmService) -> str:
    """Why a service may not be updated now; empty where it may."""
    if service.job:
        return "it is a job, whose tasks are to end"
    match service.update:
        case None | UpdateState.COMPLETED | UpdateState.ROLLBACK_COMPLETED:
            return ""
        case UpdateState.UPDATING:
            return "another update of it is under way"
        case UpdateState.ROLLBACK_STARTED:
            return "its Swarm is taking an update back"
        case UpdateState.PAUSED:
            return "an update of it is paused half way"
        case UpdateState.ROLLBACK_PAUSED:
            return "taking an update back is paused half way"


def goes_words(service: SwarmService) -> str:
    """How its tasks are exchanged: ``2 tasks, one at a time, the old one first: something serves all the time``."""
    if service.replicas == 0:
        return "it is to have no task, so that nothing serves"
    # Of a global service it isn't known here on how many nodes it runs.
    at_once = service.parallelism or (service.replicas or 0)
    many = "all at once" if not service.parallelism else f"{at_once} at a time"
    tasks = counted(service.replicas, "task") if service.replicas is not None else "one task on each node"
    first = "the new one is started first" if service.start_first else "the old one is stopped first"
    if service.replicas is None and not service.start_first and service.parallelism:
        return f"{tasks}, {many}; {first}: something serves where there are more than {counted(at_once, 'node')}"
    serves = service.start_first or (service.replicas is not None and service.replicas > at_once > 0)
    noticed = "something serves all the time" if serves else "it is down while they are exchanged"
    return f"{tasks}, {many}; {first}: {noticed}"


def _placed(task: Task) -> str:
    return f"in slot {task.slot}" if task.slot else f"on node {task.node_id[:12]}"
