"""A simulated engine: what it holds, the socket it answers on, and what a rehearsal may do to it from outside."""

import copy
import dataclasses
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType

from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.calls import Reply, Request
from mirror_console.simulator.container import Container, Phase
from mirror_console.simulator.creation import create_container
from mirror_console.simulator.events import TICK_SECONDS
from mirror_console.simulator.faults import Fault, Manners, Misbehaviour
from mirror_console.simulator.images import Image
from mirror_console.simulator.pulling import pull_image
from mirror_console.simulator.references import parse_reference
from mirror_console.simulator.registry import Login, SimulatedRegistry, write_login
from mirror_console.simulator.routes import answer
from mirror_console.simulator.running import (
    bring_up,
    finish,
    forget,
    found,
    release,
    settle,
    start_container,
    stop_container,
)
from mirror_console.simulator.server import EngineServer
from mirror_console.simulator.state import AT_ONCE, DOCKER_20_10, EngineState, Generation, Timing
from mirror_console.simulator.swarm import Service, Swarm
from mirror_console.simulator.swarm_changes import create_service, managed, update_service
from mirror_console.simulator.swarm_tasks import settle_swarm
from mirror_console.simulator.wire import Clock, Document, Pause, Refusal


class SimulatedEngine:
    """One engine. Use it as a context, or call `start` and `stop`; every method may be called from any thread."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        *,
        socket_path: Path | None = None,
        registries: Iterable[SimulatedRegistry] = (),
        generation: Generation = DOCKER_20_10,
        timing: Timing = AT_ONCE,
        pause: Pause = time.sleep,
        tick: float = TICK_SECONDS,
    ) -> None:
        """Without `socket_path` it answers on a free port of 127.0.0.1. `tick` is that of its event streams."""
        self.name = name
        self.state = EngineState(name, clock, registries, generation=generation, timing=timing, pause=pause, tick=tick)
        self._clock = clock
        self._manners = Manners()
        self._server = EngineServer(self._answer, socket_path, self._headers)

    def __enter__(self) -> "SimulatedEngine":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """The address for a client, unix:///… or tcp://127.0.0.1:…"""
        return self._server.address

    def start(self) -> None:
        """Answer from now on."""
        self._server.start()

    def stop(self) -> None:
        """End every connection, stream and thread; what it holds stays. From then on it behaves well."""
        self._manners.behave()
        self.state.events.forget()
        self._server.stop()

    def make_unreachable(self) -> None:
        """Close the socket and cut every connection; containers go on."""
        self._server.stop()

    def make_reachable(self) -> None:
        """Open the socket again."""
        self._server.start()

    def pause_answers(self) -> None:
        """Take connections and answer nothing, like a process that was stopped in its tracks."""
        self._server.pause_answers()

    def resume_answers(self) -> None:
        """Answer again, also what has been asked meanwhile."""
        self._server.resume_answers()

    def restart(self, *, killed: bool = False) -> None:
        """Restart the engine itself, gracefully or after a SIGKILL, with what that does to its containers.

        Streams end, events and exec instances are forgotten. `always` comes back even when a person stopped it,
        `on-failure` when its exit code says so; `unless-stopped` comes back after a graceful restart only.
        Ports leaked by a kill are free again after a graceful restart.
        """
        settle(self.state)
        was_listening = self._server.is_listening
        self.stop()
        with self.state.lock:
            now = self.state.clock()
            self.state.executions.clear()
            if not killed:
                self.state.leaked_ports.clear()
            for container in list(self.state.containers.values()):
                self._restart_container(container, killed)
            self.state.started = now
        self.state.events.forget()
        if was_listening:
            self._server.start()

    def run(
        self,
        name: str,
        image: str,
        *,
        labels: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        ports: Mapping[int, int] | None = None,
        host: Document | None = None,
        behaviour: Behaviour | None = None,
    ) -> str:
        """Create and start a container, without waiting for the engine's usual time; its id.

        `ports` maps ports of the container to host ports; `host` is the HostConfig of the engine API beside it.
        `behaviour` is how the application behaves here, where that isn't as its image says.
        Raises Refusal with what the engine would have answered.
        """
        bindings = {f"{inner}/tcp": [{"HostPort": str(outer)}] for inner, outer in (ports or {}).items()}
        body: Document = {
            "Image": image,
            "Labels": dict(labels or {}),
            "Env": [f"{key}={value}" for key, value in (variables or {}).items()],
            "HostConfig": {"PortBindings": bindings, **(host or {})},
        }
        with self._at_once():
            container = create_container(self.state, name, body, self.state.generation.newest)
            if behaviour is not None:
                container.program = dataclasses.replace(container.program, behaviour=behaviour)
            start_container(self.state, container.id)
        return container.id

    def manage_swarm(self) -> Swarm:
        """Be the manager, and the only node, of a Swarm from now on."""
        with self.state.lock:
            if self.state.swarm is None:
                self.state.swarm = Swarm(self.name)
            return self.state.swarm

    def serve(
        self,
        name: str,
        image: str,
        *,
        replicas: int | None = 1,
        labels: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        login: Login | None = None,
        monitor: float = 0.0,
        delay: float = 5.0,
        further: Document | None = None,
    ) -> str:
        """Make a service of the Swarm, as a stack would, and have its tasks start; its id. Raises Refusal.

        `monitor` is for how long an update watches a new task, `delay` how long a slot waits after one that failed;
        `replicas` None means one on each node. `further` is what else its specification has.
        """
        container: Document = {"Image": image, "Env": [f"{key}={value}" for key, value in (variables or {}).items()]}
        spec: Document = {
            "Name": name,
            "Labels": dict(labels or {}),
            "TaskTemplate": {
                "ContainerSpec": container,
                "Resources": {"Limits": {}, "Reservations": {}},
                "RestartPolicy": {"Condition": "any", "Delay": round(delay * 1e9)},
                "ForceUpdate": 0,
            },
            "Mode": {"Global": {}} if replicas is None else {"Replicated": {"Replicas": replicas}},
            "UpdateConfig": {"Parallelism": 1, "Monitor": round(monitor * 1e9) or 1, "Order": "stop-first"},
            "RollbackConfig": {"Parallelism": 1, "Monitor": round(monitor * 1e9) or 1, "Order": "stop-first"},
            **(further or {}),
        }
        made = create_service(self.state, spec, write_login(login) if login is not None else "")
        settle_swarm(self.state, settle(self.state))
        return made.id

    def service(self, name: str) -> Service:
        """The service as it is now, for looking at. Raises Refusal (404, 503)."""
        with self.state.lock:
            settle_swarm(self.state, settle(self.state))
            return managed(self.state).service(name)

    def service_runs(self, name: str) -> list[str]:
        """The images that the tasks of a service run now, a slot each, read past its specification."""
        with self.state.lock:
            service = self.service(name)
            running = [task for task in managed(self.state).tasks_of(service) if task.state == "running"]
            return [self.state.containers[task.container_id].image_reference for task in running]

    def update_by_hand(self, name: str, **container: object) -> None:
        """Change something of what a service's containers are made of, as a person would. Raises Refusal."""
        service = self.service(name)
        spec = copy.deepcopy(service.spec)
        spec["TaskTemplate"]["ContainerSpec"] |= container
        update_service(self.state, service.id, service.index, spec, "", back=False)

    def drain(self, *, drained: bool = True) -> None:
        """From now on its node takes no new tasks: none can be scheduled. Those that run go on."""
        with self.state.lock:
            managed(self.state).drained = drained

    def pull(self, image: str, login: Login) -> str:
        """Bring an image from its registry at once; its id. Raises Refusal."""
        with self._at_once():
            failed = [line["error"] for line in pull_image(self.state, image, "", "", login) if "error" in line]
        if failed:
            raise Refusal(500, failed[0])
        return self.state.images.find(image).image.id

    def add_image(self, reference: str, image: Image) -> str:
        """Put an image here that comes from no registry; its id."""
        with self.state.lock:
            self.state.images.name(image, parse_reference(reference), "", self.state.clock())
        return image.id

    def container(self, name: str) -> Container:
        """The container as it is now, for looking at. Raises Refusal (404)."""
        return found(self.state, name)

    def lose_container(self, name: str) -> None:
        """Take the container away as a person with `docker rm -f` would."""
        with self.state.lock:
            container = self.state.find_container(name)
            if container.is_running:
                finish(self.state, container, 137, self.state.clock())
            if container.id in self.state.containers:
                forget(self.state, container, self.state.clock())

    def stop_container(self, name: str) -> None:
        """Stop the container at once, as a person would."""
        with self._at_once():
            stop_container(self.state, name, 0)

    def make_unhealthy(self, name: str) -> None:
        """From now on its health check fails, without any setting of it being changed."""
        self._change_behaviour(name, Behaviour.NEVER_HEALTHY)

    def make_healthy(self, name: str) -> None:
        """From now on its health check passes."""
        self._change_behaviour(name, Behaviour.OK)

    def leave_dead(self, name: str) -> None:
        """Leave it 'dead', as a removal cut short by an engine's end does: it keeps its name and can be deleted."""
        with self.state.lock:
            container = self.state.find_container(name)
            if container.is_running:
                finish(self.state, container, 137, self.state.clock())
            container.phase = Phase.DEAD

    def leak_port(self, port: int) -> None:
        """Keep a host port taken that no container has, until the next graceful restart of the engine."""
        with self.state.lock:
            self.state.leaked_ports.add(port)

    def fail_pulls(self, words: str) -> None:
        """From now on pulls fail in the middle of their stream with these words; empty ends it."""
        self.state.pull_failure = words

    def fail_loads(self, words: str) -> None:
        """From now on images that are loaded are refused with these words; empty ends it."""
        self.state.load_failure = words

    # --- misbehaving ----------------------------------------------------------------------------------------------

    def misbehave(self, fault: Fault, on: str = "", *, times: int | None = None, seconds: float = 0.0) -> None:
        """From now on the replies to requests whose path holds `on` have this fault; the next `times` of them, or all.

        `seconds` is how late a late one comes.
        """
        self._manners.misbehave(Misbehaviour(fault, on, times, seconds))

    def behave(self) -> None:
        """Behave well again."""
        self._manners.behave()

    def lose_events(self, *, lost: bool = True) -> None:
        """From now on open streams say nothing of what happens, and nothing of it is remembered."""
        self.state.events.lose(lost=lost)

    def end_streams(self) -> None:
        """End every open stream in order, as a proxy does that thinks it was idle for too long."""
        self.state.events.end_streams()

    def set_clock_off(self, seconds: float) -> None:
        """Its clock is ahead of the true time by this much from now on, or behind."""
        true = self._clock
        self.state.clock = lambda: true() + timedelta(seconds=seconds)

    def _answer(self, request: Request) -> Reply:
        return self._manners.reply(request, lambda asked: answer(self.state, asked))

    def _headers(self) -> dict[str, str]:
        generation = self.state.generation
        return {
            "Api-Version": generation.newest_text,
            "Docker-Experimental": "false",
            "Ostype": "linux",
            "Server": f"Docker/{generation.server} (linux)",
            "Date": format_datetime(self.state.clock(), usegmt=True),
        }

    def _change_behaviour(self, name: str, behaviour: Behaviour) -> None:
        with self.state.lock:
            container = found(self.state, name)
            container.program = dataclasses.replace(container.program, behaviour=behaviour)
            self.state.restless.add(container.id)

    def _restart_container(self, container: Container, killed: bool) -> None:
        now = self.state.clock()
        ran = container.phase in (Phase.RUNNING, Phase.RESTARTING)
        if container.is_running:
            finish(self.state, container, 137 if killed else 143, now, by_person=killed)
        elif ran:
            container.phase, container.restart_at = Phase.EXITED, None
        release(self.state, container, now)
        match container.policy:
            case "always":
                back = container.starts > 0
            case "unless-stopped":
                back = ran and not killed
            case "on-failure":
                back = container.starts > 0 and (ran or container.exit_code != 0)
            case _:
                back = False
        if back and container.phase is not Phase.DEAD and container.id in self.state.containers:
            bring_up(self.state, container, now)
            container.restart_count = 0

    def _at_once(self) -> "_Hurry":
        return _Hurry(self.state)


class _Hurry:
    """While it lasts the engine takes no time for its work."""

    def __init__(self, state: EngineState) -> None:
        self._state = state
        self._timing = state.timing

    def __enter__(self) -> None:
        self._state.timing = AT_ONCE

    def __exit__(self, *error: object) -> None:
        self._state.timing = self._timing
