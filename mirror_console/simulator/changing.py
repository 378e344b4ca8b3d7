"""Changing and removing containers that are there, waiting for them, reading their output, running commands in them."""

from collections.abc import Callable, Iterator
from datetime import datetime

from mirror_console.simulator.commands import CommandAnswer, missing_program, run_command
from mirror_console.simulator.container import Container, Phase
from mirror_console.simulator.creation import check_limits, check_policy, reserve_name
from mirror_console.simulator.running import finish, forget, release, settle
from mirror_console.simulator.shapes import frame
from mirror_console.simulator.state import EngineState, Execution, document_of
from mirror_console.simulator.wire import Document, Refusal, stamp

_TICK_SECONDS = 0.02
_NOT_EXECUTABLE = 126
_PLAIN_LIMITS = ("CpuShares", "CpuPeriod", "CpuQuota", "CpusetCpus", "CpusetMems", "MemoryReservation", "BlkioWeight")


def rename_container(state: EngineState, reference: str, new_name: str) -> None:
    """Give it another name, atomically. Raises Refusal: 400 for its own or a bad name, 404, 409 for a taken one."""
    state.pause(state.timing.change)
    with state.lock:
        if not new_name:
            raise Refusal(400, "Neither old nor new names may be empty")
        container = state.find_container(reference)
        if container.name == new_name.removeprefix("/"):
            raise Refusal(400, "Renaming a container with the same name as its current name")
        old = container.name
        container.name = reserve_name(state, new_name, "Error when allocating new name: ")
        state.tell(container, "rename", state.clock(), {"oldName": f"/{old}"})


def update_container(state: EngineState, reference: str, body: Document) -> None:
    """Change limits and restart policy in place. What it doesn't know it ignores, and 0 means 'no change'.

    Of processes 0 and less take the limit away. Raises Refusal: 404, 400 for a value that isn't one, 409 for limits
    that contradict each other.
    """
    with state.lock:
        container = state.find_container(reference)
        host = container.host
        policy = document_of(body.get("RestartPolicy"))
        check_policy(policy)
        check_limits(body)
        memory, swap = body.get("Memory") or 0, body.get("MemorySwap") or 0
        trouble = f"Cannot update container {container.id}: "
        if memory and not swap and 0 < host["MemorySwap"] < memory:
            words = "Memory limit should be smaller than already set memoryswap limit"
            raise Refusal(409, f"{trouble}{words}, update the memoryswap at the same time")
        if (body.get("NanoCpus") or 0) < 0:
            raise Refusal(400, "Range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available")
        for key, name in (("CpuPeriod", "CPU Period"), ("CpuQuota", "CPU Quota")):
            if body.get(key) and host["NanoCpus"]:
                words = f"{name} cannot be updated as NanoCPUs has already been set"
                raise Refusal(409, f"{trouble}Conflicting options: {words}")
        limits = {"Memory": memory, "MemorySwap": swap, "NanoCpus": body.get("NanoCpus") or 0}
        limits |= {key: body.get(key) for key in _PLAIN_LIMITS}
        host |= {key: value for key, value in limits.items() if value}
        if (pids := body.get("PidsLimit")) is not None:
            host["PidsLimit"] = max(0, pids)
        if policy.get("Name"):
            host["RestartPolicy"] = {"Name": policy["Name"], "MaximumRetryCount": policy.get("MaximumRetryCount") or 0}
        state.tell(container, "update", state.clock(), {})


def remove_container(state: EngineState, reference: str, *, force: bool, volumes: bool = False) -> None:
    """Remove it. Raises Refusal: 404, or 409 while it runs and force is off."""
    state.pause(state.timing.change)
    with state.lock:
        container = state.find_container(reference)
        now = state.clock()
        if container.phase in (Phase.RUNNING, Phase.RESTARTING):
            if not force:
                words = f"You cannot remove a running container {container.id}."
                raise Refusal(409, f"{words} Stop the container before attempting removal or force remove")
            container.host["AutoRemove"] = False
            if container.is_running:
                state.tell(container, "kill", now, {"signal": "9"})
                finish(state, container, 137, now)
        release(state, container, now)
        forget(state, container, now)
        if volumes:
            _remove_nameless_volumes(state, container)


def prune_containers(state: EngineState) -> list[str]:
    """Remove every container that doesn't run, never-started ones included; their ids."""
    with state.lock:
        idle = [c for c in state.containers.values() if c.phase not in (Phase.RUNNING, Phase.RESTARTING)]
        for container in idle:
            forget(state, container, state.clock())
        return [container.id for container in idle]


def wait_for_container(state: EngineState, reference: str, condition: str) -> Iterator[int | None]:
    """None at every tick while the condition isn't met, then the exit code. Raises Refusal (404, 400) at once."""
    if condition not in ("", "not-running", "next-exit", "removed"):
        raise Refusal(400, f'Invalid condition: "{condition}"')
    with state.lock:
        container = state.find_container(reference)
        before = container.finished

    def is_met() -> bool:
        gone = container.id not in state.containers
        match condition:
            case "removed":
                return gone
            case "next-exit":
                return gone or container.finished != before
            case _:
                return gone or container.phase not in (Phase.RUNNING, Phase.RESTARTING)

    return _ticks(state, container, is_met)


def _ticks(state: EngineState, container: Container, is_met: Callable[[], bool]) -> Iterator[int | None]:
    while True:
        settle(state)
        with state.lock:
            if is_met():
                yield container.exit_code
                return
            state.changed.wait(_TICK_SECONDS)
        yield None


def read_output(
    state: EngineState, reference: str, *, streams: set[str], follow: bool, tail: int | None, timestamps: bool
) -> Iterator[bytes]:
    """Frames of what the container printed; with `follow` until it ends. Raises Refusal (400, 404) at once."""
    if not streams:
        raise Refusal(400, "Bad parameters: you must choose at least one stream")
    settle(state)
    with state.lock:
        container = state.find_container(reference)
        first = max(0, len(container.lines) - tail) if tail is not None else 0
    return _output(state, container, first if "stdout" in streams else None, follow, timestamps)


def _output(
    state: EngineState, container: Container, first: int | None, follow: bool, timestamps: bool
) -> Iterator[bytes]:
    shown = len(container.lines) if first is None else first
    while True:
        settle(state)
        with state.lock:
            ready = container.lines[shown:] if first is not None else []
            shown += len(ready)
            goes_on = follow and container.is_running and container.id in state.containers
            if goes_on and not ready:
                state.changed.wait(_TICK_SECONDS)
        yield b"".join(frame(_stamped(moment, text, timestamps)) for moment, text in ready)
        if not goes_on:
            return


def create_execution(state: EngineState, reference: str, body: Document) -> Execution:
    """Prepare a command in a running container. Raises Refusal: 404, 409 when it doesn't run, 400 without command."""
    with state.lock:
        container = state.find_container(reference)
        command = [str(word) for word in body.get("Cmd") or []]
        if not command:
            raise Refusal(400, "No exec command specified")
        if not container.is_running:
            raise Refusal(409, f"Container {container.id} is not running")
        execution = Execution(state.new_id(), container.id, command)
        state.executions[execution.id] = execution
        state.tell(container, f"exec_create: {' '.join(command)}", state.clock(), {"execID": execution.id})
        return execution


def find_execution(state: EngineState, execution_id: str) -> Execution:
    """Raises Refusal (404) for one that isn't known, or was forgotten in an engine's restart."""
    execution = state.executions.get(execution_id)
    if execution is None:
        raise Refusal(404, f"No such exec instance: {execution_id}")
    return execution


def start_execution(state: EngineState, execution_id: str) -> bytes:
    """Run the command and return its output in frames. Raises Refusal: 404, 409 when the container doesn't run."""
    with state.lock:
        execution = find_execution(state, execution_id)
        container = state.find_container(execution.container_id)
        if not container.is_running:
            raise Refusal(409, f"Container {container.id} is not running")
        if execution.started:
            return frame(f"Error: Exec command {execution.id} has already run\r\n")
        execution.started = True
        answer = run_command(execution.command, state.free_kilobytes)
        if missing := missing_program(execution.command):
            answer = CommandAnswer(f"OCI runtime exec failed: exec failed: {missing}\r\n", _NOT_EXECUTABLE)
        identity = {"execID": execution.id}
        state.tell(container, f"exec_start: {' '.join(execution.command)}", state.clock(), identity)
    state.pause(answer.seconds)
    with state.lock:
        execution.exit_code = answer.exit_code
        state.tell(container, "exec_die", state.clock(), {**identity, "exitCode": str(answer.exit_code)})
    return frame(answer.output) if answer.output else b""


def _remove_nameless_volumes(state: EngineState, container: Container) -> None:
    for mount in container.mounts:
        name = str(mount.get("Name", ""))
        if len(name) == 64 and not state.volume_users(name):
            state.volumes.pop(name, None)


def _stamped(moment: datetime, text: str, timestamps: bool) -> str:
    return f"{stamp(moment)} {text}" if timestamps else text
