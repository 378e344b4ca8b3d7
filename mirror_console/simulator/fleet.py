"""Several simulated engines with one registry, for as long as a context lasts."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType

from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.events import TICK_SECONDS
from mirror_console.simulator.registry import Login, SimulatedRegistry
from mirror_console.simulator.state import AT_ONCE, DOCKER_20_10, Generation, Timing
from mirror_console.simulator.wire import Clock, Pause

REGISTRY_HOST = "registry.test:5000"


class SimulatedFleet:
    """Engines by name, each on a socket of its own in one folder that only its owner may enter."""

    def __init__(
        self,
        folder: Path,
        names: Iterable[str],
        clock: Clock,
        *,
        registry_host: str = REGISTRY_HOST,
        login: Login | None = None,
        generations: Mapping[str, Generation] = MappingProxyType({}),
        timing: Timing = AT_ONCE,
        pause: Pause = time.sleep,
        tick: float = TICK_SECONDS,
    ) -> None:
        """The folder is made if it isn't there. Engines not in `generations` play Docker 20.10."""
        self.folder = folder
        self.login = login or Login()
        self.registry = SimulatedRegistry(registry_host, clock, self.login.username, self.login.password)
        self.engines = {
            name: SimulatedEngine(
                name,
                clock,
                socket_path=folder / f"{name}.sock",
                registries=(self.registry,),
                generation=generations.get(name, DOCKER_20_10),
                timing=timing,
                pause=pause,
                tick=tick,
            )
            for name in names
        }

    def __enter__(self) -> "SimulatedFleet":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Open every engine's socket."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for engine in self.engines.values():
            engine.start()

    def stop(self) -> None:
        """Close every socket; no thread is left."""
        for engine in self.engines.values():
            engine.stop()
