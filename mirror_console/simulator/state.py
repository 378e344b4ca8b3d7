"""Everything that a simulated engine holds, and how its things are found."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mirror_console.simulator.container import Container
from mirror_console.simulator.events import TICK_SECONDS, EventLog
from mirror_console.simulator.image_store import ImageStore
from mirror_console.simulator.networks import PREDEFINED, Network, Volume
from mirror_console.simulator.registry import SimulatedRegistry
from mirror_console.simulator.swarm import Swarm
from mirror_console.simulator.wire import Clock, Document, Pause, Refusal, hex_id, nanoseconds

ApiVersion = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that an engine takes for its work; all zero in most tests."""

    create: float = 0.010
    start: float = 0.050
    stop: float = 0.050
    change: float = 0.005
    connect: float = 0.030
    layer: float = 0.040


AT_ONCE = Timing(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Generation:
    """Which engine is played: its version and the oldest and newest API version that it speaks."""

    server: str
    oldest: ApiVersion
    newest: ApiVersion

    @property
    def newest_text(self) -> str:
        """The newest API version as it stands in headers."""
        return f"{self.newest[0]}.{self.newest[1]}"

    @property
    def oldest_text(self) -> str:
        """The oldest API version as it stands in replies."""
        return f"{self.oldest[0]}.{self.oldest[1]}"


DOCKER_20_10 = Generation("20.10.24", (1, 12), (1, 41))
DOCKER_25 = Generation("25.0.5", (1, 24), (1, 44))


@dataclass(slots=True)
class Execution:
    """A command run in a container by `exec`; forgotten when the engine restarts."""

    id: str
    container_id: str
    command: list[str]
    started: bool = False
    exit_code: int | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and hasn't ended."""
        return self.started and self.exit_code is None


class EngineState:
    """What one engine holds. `lock` guards all of it; nobody waits for time to pass while holding it.

    `agenda` is a heap of when which container does something by itself; entries may be out of date.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        registries: Iterable[SimulatedRegistry] = (),
        *,
        generation: Generation = DOCKER_20_10,
        timing: Timing = AT_ONCE,
        platform: str = "linux/amd64",
        pause: Pause = time.sleep,
        free_kilobytes: int = 80 * 1024 * 1024,
        tick: float = TICK_SECONDS,
    ) -> None:
        self.name = name
        self.identity = name
        """What its identity is made of: that of an engine that was set up anew is another one."""
        self.live_restore = False
        self.rootless = False
        self.warnings: list[str] = []
        self.clock = clock
        self._pause = pause
        self.timing = timing
        self.generation = generation
        self.platform = platform
        self.registries = {registry.host: registry for registry in registries}
        self.free_kilobytes = free_kilobytes
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.events = EventLog(self.changed, tick)
        self.is_heard = False
        """Whether somebody listens to its events, as far as the containers know."""
        self.images = ImageStore()
        self.containers: dict[str, Container] = {}
        self.networks: dict[str, Network] = {}
        self.volumes: dict[str, Volume] = {}
        self.executions: dict[str, Execution] = {}
        self.swarm: Swarm | None = None
        """The Swarm that it manages, where it does."""
        self.leaked_ports: set[int] = set()
        self.pull_failure = ""
        self.load_failure = ""
        self.started = clock()
        self._ids = 0
        self.agenda: list[tuple[datetime, str]] = []
        self.restless: set[str] = set()
        self._networks_made = 0
        for predefined in PREDEFINED:
            self.add_network(predefined, driver=predefined)

    def new_id(self) -> str:
        """An id that no other thing of any engine has."""
        with self.lock:
            self._ids += 1
            return hex_id(self.name, nanoseconds(self.started), self._ids)

    def add_network(self, name: str, driver: str = "bridge") -> Network:
        """Add a network and return it. The default bridge gets 172.17.0.0/16, each further one the next."""
        with self.lock:
            network = Network(self.new_id(), name, self.clock(), 15 + self._networks_made, driver)
            self._networks_made += 1
            self.networks[network.id] = network
        return network

    def pause(self, seconds: float) -> None:
        """Take so much time. None at all gives no other thread its turn, as time.sleep(0) would on a busy machine."""
        if seconds > 0:
            self._pause(seconds)

    def tell(self, container: Container, action: str, moment: datetime, further: Mapping[str, str]) -> None:
        """Record an event of a container, and note that what it does next must be worked out anew."""
        self.restless.add(container.id)
        labels: dict[str, str] = container.config.get("Labels") or {}
        attributes = {**labels, "image": container.image_reference, "name": container.name, **further}
        self.events.tell("container", action, container.id, attributes, moment)

    def find_container(self, reference: str) -> Container:
        """By id, name or a beginning of the id that fits one only. Raises Refusal (404, 400)."""
        exact = self.containers.get(reference)
        if exact is not None:
            return exact
        name = reference.removeprefix("/")
        for container in self.containers.values():
            if container.name == name:
                return container
        found = [
            container for container in self.containers.values() if reference and container.id.startswith(reference)
        ]
        if len(found) > 1:
            raise Refusal(400, f"Multiple IDs found with provided prefix: {reference}")
        if not found:
            raise Refusal(404, f"No such container: {reference}")
        return found[0]

    def find_network(self, reference: str) -> Network:
        """By id, then by name, then by a beginning of the id. Raises Refusal: 404, or 400 for a name had twice."""
        if reference in self.networks:
            return self.networks[reference]
        named = [network for network in self.networks.values() if network.name == reference]
        if len(named) > 1:
            raise Refusal(400, f"{len(named)} matches found based on name: network {reference} is ambiguous")
        found = named or [n for n in self.networks.values() if reference and n.id.startswith(reference)]
        if len(found) != 1:
            raise Refusal(404, f"network {reference} not found")
        return found[0]

    def volume_users(self, name: str) -> list[str]:
        """The ids of the containers that have the volume."""
        return [c.id for c in self.containers.values() if any(m.get("Name") == name for m in c.mounts)]

    def held_ports(self) -> set[tuple[str, str, int]]:
        """(address, protocol, port) of everything published now."""
        return {
            (binding["HostIp"], inner.partition("/")[2], int(binding["HostPort"]))
            for container in self.containers.values()
            if container.is_running
            for inner, bindings in container.published.items()
            for binding in bindings
        }


def document_of(value: object) -> Document:
    """The value as a document; an empty one for anything else."""
    return value if isinstance(value, dict) else {}
