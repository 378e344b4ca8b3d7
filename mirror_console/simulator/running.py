"""Starting and ending containers, and the passing of time over them."""

import heapq
from datetime import datetime

from mirror_console.simulator.behaviour import SIGNALS
from mirror_console.simulator.container import Container, Endpoint, Phase
from mirror_console.simulator.state import EngineState
from mirror_console.simulator.wire import Document, Refusal, hex_id

_NO_SIGNAL_EXIT = 128
_NO_PROGRAM_EXIT = 127
_DEFAULT_STOP_SECONDS = 10
_FIRST_FREE_PORT = 49_153
_EVERYWHERE = ["0.0.0.0", "::"]  # noqa: S104 - how Docker shows a port without an address; nothing is bound here


def settle(state: EngineState) -> datetime:
    """Let everything happen that is due, and tell the time.

    While nobody listens to the engine's events, health checks that change nothing wait until somebody asks for them: to
    play each of them when it is due would be most of a large fleet's work.
    """
    now = state.clock()
    with state.lock:
        _heed_listeners(state, now)
        _note_restless(state)
        while state.agenda and state.agenda[0][0] <= now:
            moment, container_id = heapq.heappop(state.agenda)
            container = state.containers.get(container_id)
            if container is not None and container.due() == moment:
                container.advance(now, state.tell, lambda again, moment: _restart_for_policy(state, again, moment))
                _tidy_ended(state, container, now)
            _note_restless(state)
    return now


def found(state: EngineState, reference: str) -> Container:
    """A container with all that its health checks found until now. Raises Refusal (404, 400)."""
    with state.lock:
        now = settle(state)
        container = state.find_container(reference)
        if not state.is_heard:
            container.catch_up(now)
        return container


def _heed_listeners(state: EngineState, now: datetime) -> None:
    """From when somebody listens every health check is told of when it is due."""
    if state.is_heard == state.events.is_followed:
        return
    state.is_heard = state.events.is_followed
    if state.is_heard:
        for container in state.containers.values():
            container.catch_up(now)
        state.restless |= state.containers.keys()


def _note_restless(state: EngineState) -> None:
    while state.restless:
        container = state.containers.get(state.restless.pop())
        if container is None or (container.is_quiet and not state.is_heard):
            continue
        if (due := container.due()) is not None:
            heapq.heappush(state.agenda, (due, container.id))


def start_container(state: EngineState, reference: str) -> bool:
    """Start it; False if it runs already. Raises Refusal: 404, or 500 when a port is taken."""
    with state.lock:
        if state.find_container(reference).is_running:
            return False
    state.pause(state.timing.start)
    with state.lock:
        container = state.find_container(reference)
        if container.is_running:
            return False
        if container.phase is Phase.DEAD:
            raise Refusal(409, "container is marked for removal and cannot be started")
        container.restart_count = 0
        try:
            bring_up(state, container, state.clock())
        except Refusal as refusal:
            container.error = refusal.message
            container.exit_code = _NO_PROGRAM_EXIT if container.program.missing else _NO_SIGNAL_EXIT
            raise
    settle(state)
    return True


def bring_up(state: EngineState, container: Container, now: datetime) -> None:
    """Join its networks, publish its ports and start its process. Raises Refusal, the container then as before."""
    container.sandbox = container.sandbox or hex_id(container.id, "sandbox")
    networks = [(endpoint, state.find_network(name)) for name, endpoint in container.endpoints.items()]
    for endpoint, network in networks:
        endpoint.network_id = network.id
    published = _publish(state, container)
    if container.program.missing:
        words = "failed to create shim task: OCI runtime create failed: runc create failed"
        raise Refusal(400, f"{words}: {container.program.missing}")
    for endpoint, _ in networks:
        attach(state, container, endpoint, now)
    container.published = published
    container.begin(now, state.tell)


def attach(state: EngineState, container: Container, endpoint: Endpoint, now: datetime) -> None:
    """Give the endpoint of a running container its address."""
    network = state.networks[endpoint.network_id]
    endpoint.endpoint_id = hex_id(container.id, network.id, container.starts)
    endpoint.address, endpoint.mac = network.place(endpoint.wanted) if endpoint.wanted else network.next_address()
    endpoint.gateway = network.gateway
    attributes = {"container": container.id, "name": network.name, "type": network.driver}
    state.events.tell("network", "connect", network.id, attributes, now)


def detach(state: EngineState, container: Container, endpoint: Endpoint, now: datetime) -> None:
    """Take the endpoint's address away."""
    if endpoint.endpoint_id and endpoint.network_id in state.networks:
        network = state.networks[endpoint.network_id]
        attributes = {"container": container.id, "name": network.name, "type": network.driver}
        state.events.tell("network", "disconnect", network.id, attributes, now)
    endpoint.endpoint_id = endpoint.address = endpoint.gateway = endpoint.mac = ""


def stop_container(state: EngineState, reference: str, seconds: int | None) -> bool:
    """Stop it by its signal, after so many seconds by SIGKILL; False if it doesn't run. Raises Refusal (404)."""
    with state.lock:
        container = state.find_container(reference)
        if container.phase is Phase.RESTARTING:
            container.phase, container.restart_at, container.stopped_by_person = Phase.EXITED, None, True
            return True
        if not container.is_running:
            return False
        limit = container.config.get("StopTimeout", _DEFAULT_STOP_SECONDS) if seconds is None else seconds
        signal = signal_number(container.config.get("StopSignal") or "SIGTERM")
        started = container.started
        heeds = container.program.ends_on(signal)
        state.tell(container, "kill", state.clock(), {"signal": str(signal)})
    state.pause(state.timing.stop if heeds else limit)
    with state.lock:
        if container.started != started or container.phase is not Phase.RUNNING:
            return True
        now = state.clock()
        if not heeds:
            state.tell(container, "kill", now, {"signal": str(SIGNALS["SIGKILL"])})
        finish(state, container, 128 + (signal if heeds else SIGNALS["SIGKILL"]), now)
        state.tell(container, "stop", now, {})
    return True


def kill_container(state: EngineState, reference: str, signal_name: str) -> None:
    """Send a signal. Raises Refusal: 404, 409 when it doesn't run, 400 for a signal that isn't one."""
    signal = signal_number(signal_name)
    with state.lock:
        container = state.find_container(reference)
        if not container.is_running:
            words = f"Container {container.id} is not running"
            raise Refusal(409, f"Cannot kill container: {reference}: {words}")
        now = state.clock()
        state.tell(container, "kill", now, {"signal": str(signal)})
        if container.program.ends_on(signal):
            finish(state, container, 128 + signal, now)


def restart_container(state: EngineState, reference: str, seconds: int | None) -> None:
    """Stop it if it runs, and start it. Raises Refusal."""
    stop_container(state, reference, seconds)
    start_container(state, reference)
    with state.lock:
        state.tell(state.find_container(reference), "restart", state.clock(), {})


def finish(state: EngineState, container: Container, exit_code: int, now: datetime, *, by_person: bool = True) -> None:
    """End the process for good, and free what it held."""
    container.end(now, exit_code, state.tell)
    container.stopped_by_person = by_person
    release(state, container, now)
    if container.host["AutoRemove"]:
        forget(state, container, now)


def release(state: EngineState, container: Container, now: datetime) -> None:
    """Free the ports and addresses of a container that doesn't run any more."""
    container.published = {}
    for endpoint in container.endpoints.values():
        detach(state, container, endpoint, now)


def forget(state: EngineState, container: Container, now: datetime) -> None:
    """Remove the container."""
    del state.containers[container.id]
    state.tell(container, "destroy", now, {})
    state.changed.notify_all()


def signal_number(name: str) -> int:
    """The number of a signal by name or number. Raises Refusal (400)."""
    text = name.upper()
    number = int(text) if text.isdigit() else SIGNALS.get(text if text.startswith("SIG") else f"SIG{text}", 0)
    if not 0 < number < 65:
        raise Refusal(400, f"Invalid signal: {name}")
    return number


def _tidy_ended(state: EngineState, container: Container, now: datetime) -> None:
    """Free what a container held that ended by itself."""
    if container.is_running or not any(endpoint.endpoint_id for endpoint in container.endpoints.values()):
        return
    release(state, container, container.finished or now)
    if container.host["AutoRemove"] and container.phase is Phase.EXITED:
        forget(state, container, now)


def _restart_for_policy(state: EngineState, container: Container, moment: datetime) -> None:
    try:
        release(state, container, moment)
        bring_up(state, container, moment)
    except Refusal as refusal:
        container.phase, container.restart_at = Phase.EXITED, None
        container.error, container.exit_code = refusal.message, _NO_SIGNAL_EXIT


def _publish(state: EngineState, container: Container) -> dict[str, list[Document]]:
    held = state.held_ports() if container.host["PortBindings"] else set()
    published: dict[str, list[Document]] = {inner: [] for inner in container.config.get("ExposedPorts") or {}}
    for inner, bindings in (container.host["PortBindings"] or {}).items():
        protocol = inner.partition("/")[2] or "tcp"
        for binding in bindings:
            wanted = binding["HostPort"]
            port = int(wanted) if wanted and wanted != "0" else _free_port(held)
            addresses = [binding["HostIp"]] if binding["HostIp"] else _EVERYWHERE
            if port in state.leaked_ports or _is_held(held, addresses, protocol, port):
                words = f"endpoint {container.name} ({hex_id(container.id, 'endpoint')})"
                reason = f"Bind for {addresses[0]}:{port} failed: port is already allocated"
                raise Refusal(500, f"driver failed programming external connectivity on {words}: {reason}")
            held |= {(address, protocol, port) for address in addresses}
            published.setdefault(inner, []).extend({"HostIp": a, "HostPort": str(port)} for a in addresses)
    host_network = container.host["NetworkMode"] == "host"
    return {} if host_network else published


def _is_held(held: set[tuple[str, str, int]], addresses: list[str], protocol: str, port: int) -> bool:
    everywhere = set(_EVERYWHERE)
    holders = {address for address, kind, number in held if kind == protocol and number == port}
    return bool(holders) and bool(holders & set(addresses) or holders & everywhere or set(addresses) & everywhere)


def _free_port(held: set[tuple[str, str, int]]) -> int:
    taken = {port for _, _, port in held}
    return next(port for port in range(_FIRST_FREE_PORT, 65_536) if port not in taken)
