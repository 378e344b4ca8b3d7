"""What a Swarm does by itself: it starts tasks, ends them, replaces those that failed, and updates slot by slot."""

from __future__ import annotations

from datetime import datetime

from mirror_console.simulator.container import Container
from mirror_console.simulator.creation import make_container
from mirror_console.simulator.pulling import bring_image
from mirror_console.simulator.registry import read_login
from mirror_console.simulator.running import bring_up, finish, signal_number
from mirror_console.simulator.state import EngineState, document_of
from mirror_console.simulator.swarm import NODE_MEMORY, Service, Swarm, Task, stop_span
from mirror_console.simulator.wire import Document, Refusal

_MOST_ROUNDS = 100
_KILLED = 137


def settle_swarm(state: EngineState, now: datetime) -> None:
    """Let everything happen in its Swarm that is due."""
    with state.lock:
        swarm = state.swarm
        if swarm is None:
            return
        for _ in range(_MOST_ROUNDS):
            if not _round(state, swarm, now):
                return


def _round(state: EngineState, swarm: Swarm, now: datetime) -> bool:
    before = _picture(swarm)
    for task in list(swarm.tasks.values()):
        _look(state, task, now)
    for service in list(swarm.services.values()):
        _fill(swarm, service, now)
        _update(swarm, service, now)
    for task in list(swarm.tasks.values()):
        if task.service_id not in swarm.services:
            task.desired = "shutdown"
        _act(state, swarm, task, now)
    return _picture(swarm) != before


def _picture(swarm: Swarm) -> object:
    return (
        [(task.id, task.state, task.desired, task.error) for task in swarm.tasks.values()],
        [(service.id, service.status, service.updating) for service in swarm.services.values()],
    )


# --- tasks ------------------------------------------------------------------------------------------------------------


def _look(state: EngineState, task: Task, now: datetime) -> None:
    """What has become of its container."""
    if not task.container_id or task.ended:
        return
    container = state.containers.get(task.container_id)
    if container is None or not container.is_running:
        code = container.exit_code if container is not None else _KILLED
        _ended(task, code, container.finished if container is not None and container.finished else now)
    elif container.health is not None and container.health.status == "unhealthy":
        finish(state, container, _KILLED, now)
        _ended(task, _KILLED, now, ": dockerexec: unhealthy container")
    elif task.state != "running" and (container.health is None or container.health.status == "healthy"):
        task.become("running", "started", now)
        task.ran_since = now


def _ended(task: Task, code: int, now: datetime, words: str = "") -> None:
    task.exit_code = code
    if task.desired == "shutdown":
        task.become("shutdown", "shutdown", now)
        return
    state = "failed" if code or words else "complete"
    error = f"task: non-zero exit ({code}){words}" if state == "failed" else ""
    task.become(state, "started" if task.ran_since else "starting", now, error)
    task.desired, task.failed_at = "shutdown", now


def _act(state: EngineState, swarm: Swarm, task: Task, now: datetime) -> None:
    """Do what is wanted of it."""
    if task.ended:
        return
    if task.desired == "shutdown":
        _stop(state, task, now)
    elif not task.container_id:
        _start(state, swarm, task, now)


def _stop(state: EngineState, task: Task, now: datetime) -> None:
    container = state.containers.get(task.container_id)
    if container is None or not container.is_running:
        task.become("shutdown", "shutdown", now)
        return
    signal = signal_number(container.config.get("StopSignal") or "SIGTERM")
    if container.program.ends_on(signal):
        finish(state, container, 128 + signal, now)
    elif task.stops_at is None:
        task.stops_at = now + stop_span(task)
        return
    elif now < task.stops_at:
        return
    else:
        finish(state, container, _KILLED, now)
    _ended(task, container.exit_code, now)


def _start(state: EngineState, swarm: Swarm, task: Task, now: datetime) -> None:
    if no_place := _no_place(swarm, task):
        task.become("pending", "pending task scheduling", task.at, no_place)
        return
    task.node = swarm.node
    if task.state == "pending":
        task.become("ready", "prepared", now)
    if task.starts_at is not None and now >= task.starts_at:
        task.starts_at, task.desired = None, "running"
    if task.desired != "running":
        return
    service = swarm.services[task.service_id]
    template = document_of(task.spec.get("ContainerSpec"))
    image = str(template.get("Image", ""))
    try:
        _bring(state, image, service.login)
    except Refusal:
        _rejected(task, f"No such image: {image}", now)
        return
    try:
        name = f"{service.name}.{task.slot or swarm.node}.{task.id}"
        container = make_container(state, name, _body(swarm, service, task), state.generation.newest)
    except Refusal as refusal:
        _rejected(task, refusal.message, now)
        return
    task.container_id = container.id
    _run(state, task, container, now)


def _run(state: EngineState, task: Task, container: Container, now: datetime) -> None:
    try:
        bring_up(state, container, now)
    except Refusal as refusal:
        task.become("failed", "starting", now, f"starting container failed: {refusal.message}")
        task.desired, task.failed_at = "shutdown", now
        return
    task.become("starting", "starting", now)


def _rejected(task: Task, words: str, now: datetime) -> None:
    task.become("rejected", "preparing", now, words)
    task.desired, task.failed_at = "shutdown", now


def _no_place(swarm: Swarm, task: Task) -> str:
    if swarm.drained:
        return "no suitable node (1 node not available for new tasks)"
    reserved = document_of(document_of(task.spec.get("Resources")).get("Reservations"))
    if (reserved.get("MemoryBytes") or 0) > NODE_MEMORY:
        return "no suitable node (insufficient resources on 1 node)"
    return ""


def _bring(state: EngineState, image: str, login: str) -> None:
    """Have the image here, from its registry where it isn't. Raises Refusal."""
    try:
        state.images.find(image)
    except Refusal:
        # What names a tag beside its digest is found by the digest.
        name, _, digest = image.partition("@")
        tagged = digest and ":" in name.rpartition("/")[2]
        bring_image(state, f"{name.rpartition(':')[0]}@{digest}" if tagged else image, read_login(login))


def _body(swarm: Swarm, service: Service, task: Task) -> Document:
    template = document_of(task.spec.get("ContainerSpec"))
    limits = document_of(document_of(task.spec.get("Resources")).get("Limits"))
    labels = {
        **(template.get("Labels") or {}),
        "com.docker.swarm.node.id": swarm.node,
        "com.docker.swarm.service.id": service.id,
        "com.docker.swarm.service.name": service.name,
        "com.docker.swarm.task": "",
        "com.docker.swarm.task.id": task.id,
        "com.docker.swarm.task.name": f"{service.name}.{task.slot or swarm.node}.{task.id}",
    }
    body: Document = {
        "Image": template.get("Image"),
        "Labels": labels,
        "Env": template.get("Env") or [],
        "HostConfig": {
            "Memory": limits.get("MemoryBytes") or 0,
            "NanoCpus": limits.get("NanoCPUs") or 0,
            "PidsLimit": limits.get("Pids") or None,
            "Init": bool(template.get("Init")),
        },
    }
    for ours, theirs in (("Args", "Cmd"), ("Command", "Entrypoint"), ("StopSignal", "StopSignal")):
        if template.get(ours):
            body[theirs] = template[ours]
    return body


# --- services ---------------------------------------------------------------------------------------------------------


def _fill(swarm: Swarm, service: Service, now: datetime) -> None:
    """Each slot has a task that is wanted, and no slot has one that isn't there any more."""
    slots = service.slots
    mine = swarm.tasks_of(service)
    for task in mine:
        if task.wanted and task.slot not in slots:
            task.desired = "shutdown"
    for slot in slots:
        here = [task for task in mine if task.slot == slot]
        if any(task.wanted for task in here):
            continue
        failed = next((task for task in reversed(here) if task.failed_at is not None), None)
        task = swarm.add_task(service, slot, now)
        if failed is not None and here[-1] is failed:
            task.starts_at = (failed.failed_at or now) + service.restart_delay
            if failed.id in service.made:
                service.made.add(task.id)
        else:
            task.desired = "running"


def _update(swarm: Swarm, service: Service, now: datetime) -> None:
    """Bring the next slots to what the service is to be, as many at once as it says, and judge those that were."""
    mine = swarm.tasks_of(service)
    if service.updating:
        _leave_one(service, mine)
    current = {task.slot: task for task in mine if task.wanted}
    dirty = [task for task in current.values() if task.spec != service.template]
    if not service.updating:
        return
    if not dirty and not service.made:
        # Nothing of its tasks is another: there is nothing to tell of.
        service.updating = False
        return
    if service.status is None:
        service.say("updating", "update in progress", now)
    failed = next((task for task in mine if task.id in service.made and _counts(service, task)), None)
    if failed is not None and not _goes_on(swarm, service, failed, now):
        return
    for task in mine:
        _change_over(service, task, mine)
    busy = sum(task.id in service.made and task.wanted and task.state != "running" for task in mine)
    most = int(service.way.get("Parallelism", 1)) or len(current)
    for old in sorted(dirty, key=lambda task: task.slot)[: max(0, most - busy)]:
        new = swarm.add_task(service, old.slot, now)
        service.made.add(new.id)
        if service.way.get("Order") == "start-first":
            new.desired = "running"
        else:
            old.desired = "shutdown"
    if not dirty and all(_proved(service, task, now) for task in current.values() if task.id in service.made):
        _over(swarm, service, now)


def _leave_one(service: Service, mine: list[Task]) -> None:
    """Of several tasks in a slot that are what the service is to be, and run, one stays: seen to by updates alone."""
    kept: set[int] = set()
    for task in mine:
        if task.wanted and task.state == "running" and task.spec == service.template:
            if task.slot in kept:
                task.desired = "shutdown"
            kept.add(task.slot)


def _counts(service: Service, task: Task) -> bool:
    """Whether it failed while it was watched."""
    if task.failed_at is None:
        return False
    return task.ran_since is None or task.failed_at - task.ran_since < service.monitor


def _goes_on(swarm: Swarm, service: Service, failed: Task, now: datetime) -> bool:
    """What becomes of an update in which a task failed: whether it goes on."""
    action = service.way.get("FailureAction") or "pause"
    why = f"due to failure or early termination of task {failed.id}"
    if action == "continue":
        return True
    service.updating = False
    service.index = swarm.next_index()
    if action == "rollback" and not service.back and service.previous is not None:
        # Of what its Swarm goes back to by itself nothing is kept.
        service.spec, service.previous, service.back, service.updating = service.previous, None, True, True
        service.made = set()
        service.status = None
        service.say("rollback_started", f"update rolled back {why}", now)
        return True
    state = "rollback_paused" if service.back else "paused"
    service.say(state, f"{'rollback' if service.back else 'update'} paused {why}", now)
    return False


def _change_over(service: Service, task: Task, mine: list[Task]) -> None:
    """Of a slot with two tasks, the new one runs once the old one has ended; or this one ends once that one runs."""
    if task.id not in service.made or not task.wanted:
        return
    others = [one for one in mine if one.slot == task.slot and one is not task and not one.ended]
    if task.desired == "ready" and task.starts_at is None and not others:
        task.desired = "running"
    if task.state == "running":
        for one in others:
            one.desired = "shutdown"


def _proved(service: Service, task: Task, now: datetime) -> bool:
    return task.state == "running" and task.ran_since is not None and now - task.ran_since >= service.monitor


def _over(swarm: Swarm, service: Service, now: datetime) -> None:
    service.updating = False
    service.index = swarm.next_index()
    if service.back:
        service.say("rollback_completed", "rollback completed", now, ends=True)
    else:
        service.say("completed", "update completed", now, ends=True)
