"""Plays a fleet of simulated engines in a process of its own, so that what the console needs is measured alone.

``python -m tests.benchmarks.fleet_server FOLDER ENGINES CONTAINERS DEAD [RELEASES]`` says "ready" once all sockets are
open, and ends when its standard input does. Of the dead engines one third take connections and answer nothing, one
third refuse them, and one third reset them.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.faults import Fault
from mirror_console.simulator.fleet import SimulatedFleet

IMAGE = "shop/webshop"
TICK = 2.0
"""Seconds: nothing is due by itself on these engines."""


def main(folder: Path, engines: int, containers: int, dead: int, releases: int = 1) -> None:
    """Serve until standard input ends. The first engines are the dead ones; all hold the images of all releases."""
    names = [f"engine-{number:03}" for number in range(engines)]
    fleet = SimulatedFleet(folder, names, lambda: datetime.fromtimestamp(time.time(), UTC), tick=TICK)
    for number in range(1, releases + 1):
        fleet.registry.publish(IMAGE, str(number), str(number), "abc", health_interval=0.0)
    with fleet:
        for place, engine in enumerate(fleet.engines.values()):
            _fill(engine, fleet, place, containers // engines, releases)
            if place < dead:
                _kill(engine, place)
        print("ready", flush=True)
        sys.stdin.read()


def _fill(engine: SimulatedEngine, fleet: SimulatedFleet, place: int, count: int, releases: int) -> None:
    reference = f"{fleet.registry.host}/{IMAGE}:1"
    for number in range(1, releases + 1):
        engine.pull(f"{fleet.registry.host}/{IMAGE}:{number}", fleet.login)
    for number in range(count):
        engine.run(container_name(place, number), reference, host={"RestartPolicy": {"Name": "unless-stopped"}})


def _kill(engine: SimulatedEngine, place: int) -> None:
    match place % 3:
        case 0:
            engine.pause_answers()
        case 1:
            engine.make_unreachable()
        case _:
            engine.misbehave(Fault.RESET)


def container_name(engine: int, number: int) -> str:
    """The name of a container of the fleet."""
    return f"mirror-{engine:03}-{number:03}-live"


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(text) for text in sys.argv[2:]))
