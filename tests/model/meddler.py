"""Whoever else works on an engine: what they do to a mirror's containers, and which of these they touched.

Of what nobody touched all laws hold, whatever was done to the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mirror_console.simulator.changing import prune_containers, rename_container, update_container
from mirror_console.simulator.container import Container
from mirror_console.simulator.engine import SimulatedEngine
from tests.model.cut import Meddling

LABEL = "io.mirrorconsole."
How = tuple[object, ...]
"""How a container is: its name, whether it runs and since when, its restart policy, and its places in networks."""


def how(one: Container) -> How:
    """How a container is now."""
    places = sorted((name, tuple(place.aliases or ())) for name, place in one.endpoints.items())
    return one.name, one.phase, one.started, one.policy, tuple(places)


@dataclass(slots=True)
class Meddler:
    """Meddles with the containers of one environment, past the program, and remembers what was touched."""

    engine: SimulatedEngine
    name: str
    environment_id: str
    meddled: bool = False
    touched: set[str] = field(default_factory=set)
    """Containers that are another way by what was done to them or to their engine."""
    gone: set[str] = field(default_factory=set)
    """Those that were taken away."""

    def forget(self) -> None:
        """Whatever was done is how it is from now on."""
        self.meddled = False
        self.touched.clear()
        self.gone.clear()

    def ours(self) -> dict[str, Container]:
        """The environment's containers, its lock among them, by their names."""
        with self.engine.state.lock:
            return {one.name: one for one in self.engine.state.containers.values() if self._is_ours(one)}

    def _is_ours(self, one: Container) -> bool:
        return self.name in one.name or one.config.get("Labels", {}).get(LABEL + "env") == self.environment_id

    def hows(self) -> dict[str, How]:
        """How each of the environment's containers is, by its id."""
        return {one.id: how(one) for one in self.ours().values()}

    def meddle(self, meddling: Meddling) -> None:
        """Do something to them, or to their engine."""
        if meddling is Meddling.NOTHING:
            return
        self.watched(lambda: self._do(meddling))

    def watched(self, do: Callable[[], None]) -> None:
        """Do something past the program, and note what it did to the environment."""
        before = self.hows()
        do()
        after = self.hows()
        self.meddled = True
        self.gone |= before.keys() - after.keys()
        self.touched |= {one for one, was in before.items() if after.get(one) != was}

    def _do(self, meddling: Meddling) -> None:
        running = [name for name, one in self.ours().items() if one.is_running]
        match meddling:
            case Meddling.RESTART | Meddling.CRASH:
                self.engine.restart(killed=meddling is Meddling.CRASH)
            case Meddling.PRUNE:
                prune_containers(self.engine.state)
            case Meddling.STOP if running:
                self.engine.stop_container(running[0])
            case Meddling.REMOVE if running:
                self.engine.lose_container(running[0])
            case Meddling.REMOVE_NEXT if f"{self.name}.mc-next" in self.ours():
                self.engine.lose_container(f"{self.name}.mc-next")
            case Meddling.RENAME if running:
                rename_container(self.engine.state, running[0], f"{running[0]}-renamed-{len(self.ours())}")
            case Meddling.POLICY if running:
                update_container(self.engine.state, running[0], {"RestartPolicy": {"Name": "on-failure"}})
            case _:
                pass
