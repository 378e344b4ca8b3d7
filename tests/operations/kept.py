"""What a fleet was made into once, kept for the tests after it that begin with the same: they roll out once, not each.

It is as if the program had been ended and started again: what engines hold, the catalog and the keyring are the same,
and nothing that a program has in its memory is there.
"""

from __future__ import annotations

import copy
import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirror_console.domain.application import Application
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.simulator.fleet import SimulatedFleet
from mirror_console.vault import MemoryVault
from tests.catalogs import put_back, whole_file

MOST_SECONDS = 60.0
"""How old it may be: what was seen so long ago is still taken for fresh."""
APART = frozenset({"lock", "changed", "events", "clock", "registries", "_pause"})
"""Of what an engine has, what belongs to the process that plays it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A fleet as it was at a moment. Its engines are known by sockets in `folder`: there it has to be put back."""

    folder: Path
    since: float
    simulated: bytes
    catalog: bytes
    secrets: Mapping[SecretReference, Secret]
    mirrors: tuple[Application, ...]

    @property
    def is_usable(self) -> bool:
        """Whether it is young enough, and nobody is where it has to be."""
        return time.monotonic() - self.since < MOST_SECONDS and not self.folder.exists()

    def put_back(self, simulated: SimulatedFleet, vault: MemoryVault, catalog: Path) -> None:
        """Make these what was kept, before anybody uses them."""
        engines, registry = pickle.loads(self.simulated)  # noqa: S301 - made below, in this process
        vars(simulated.registry).update(registry)
        for name, (state, ring) in engines.items():
            engine = simulated.engines[name].state
            vars(engine).update(state)
            engine.events._ring.extend(ring)
        vault._secrets.update(self.secrets)
        put_back(catalog, self.catalog)


def keep(
    folder: Path, simulated: SimulatedFleet, vault: MemoryVault, catalog: Path, mirrors: list[Application]
) -> Kept:
    """Keep all of a fleet, which may go on. Its engines have to behave."""
    engines: dict[str, tuple[dict[str, Any], list[Any]]] = {}
    for name, engine in simulated.engines.items():
        assert not engine._manners._told, f"{name} misbehaves: that isn't kept"
        with engine.state.lock:
            plain = {key: value for key, value in vars(engine.state).items() if key not in APART}
            # Copied at once: others change it as soon as it isn't locked.
            engines[name] = copy.deepcopy((plain, list(engine.state.events._ring)))
    registry = {key: value for key, value in vars(simulated.registry).items() if key not in {"_lock", "_clock"}}
    return Kept(
        folder,
        time.monotonic(),
        pickle.dumps((engines, registry)),
        whole_file(catalog),
        dict(vault._secrets),
        tuple(mirrors),
    )
