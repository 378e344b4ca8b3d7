"""How long a turn may last: every limit of what is done in it, and of putting it back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror_console.domain.environment import HealthTest, Settings
from mirror_console.domain.longest_turn import longest_turn
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.process import PlannedProcess
from mirror_console.domain.release_command import BackupCommand, Preparation, ReleaseCommand
from mirror_console.domain.route import Route
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import Way
from tests.domain.rollouts import target as queued

WAY = Way(bake=60.0)
RELEASE = ReleaseCommand(("migrate",), limit=3600.0)
BACKUP = BackupCommand(("dump",), limit=600.0)
SLOW_TO_STOP = Settings(stop_seconds=30, health=HealthTest(limit=90.0))


def target(swap: Swap = Swap.RECREATE, **more: object) -> PlannedTarget:
    return replace(queued(1, "fra-2", 0).planned, swap=swap, **more)  # type: ignore[arg-type]


def test_it_counts_commands_stop_health_bake_and_putting_back() -> None:
    planned = target(preparation=Preparation("data", ("fp",), release=RELEASE, backup=BACKUP))

    assert longest_turn(planned, WAY).parts == (
        ("backup", 600.0),
        ("release command", 3600.0),
        ("stop", 10.0),
        ("health", 60.0),
        ("bake", 60.0),
        ("putting back", 70.0),
    )
    assert longest_turn(planned, WAY).seconds == 4400.0
    assert str(longest_turn(planned, WAY)) == (
        "74 min: backup 10 min, release command 60 min, stop 10 s, health 60 s, bake 60 s, putting back 70 s"
    )
    assert longest_turn(planned, WAY, commands=False).seconds == 200.0


def test_the_old_one_stops_and_is_waited_for_as_its_own_settings_say() -> None:
    parts = dict(longest_turn(target(before_settings=SLOW_TO_STOP), replace(WAY, health_limit=5.0)).parts)

    assert parts["stop"] == 30.0
    assert parts["health"] == 5.0
    # However little time the new one is given.
    assert parts["putting back"] == 10.0 + 90.0


@pytest.mark.parametrize(
    ("swap", "seconds"),
    [
        (Swap.CREATE, {"health": 60.0, "putting back": 10.0}),
        (Swap.IN_PLACE, {"health": 60.0, "putting back": 60.0}),
        # Its Swarm stops the old task, and watches the new one for three seconds.
        (Swap.SERVICE, {"health": 73.0, "putting back": 73.0}),
    ],
)
def test_what_a_swap_does_not_do_is_not_counted(swap: Swap, seconds: dict[str, float]) -> None:
    assert dict(longest_turn(target(swap), replace(WAY, bake=0.0)).parts) == seconds


def test_beside_the_old_one_it_drains_both_ways_and_the_proxy_is_asked() -> None:
    route = Route("edge", "shop", 80, drain=20.0, overlap=True, proof="http://shop.example/")
    planned = replace(target(Swap.BESIDE), settings=Settings(route=route))
    by_labels = replace(planned, settings=Settings(route=Route(convention="traefik", drain=20.0, overlap=True)))

    assert dict(longest_turn(planned, WAY).parts) == {
        "stop": 10.0, "health": 60.0, "proxy": 120.0, "drain": 20.0, "bake": 60.0, "putting back": 90.0,
    }  # fmt: skip
    # By labels the new one isn't taken from a route before it stops.
    assert dict(longest_turn(by_labels, WAY).parts)["putting back"] == 70.0


def test_other_processes_stop_and_are_waited_for_one_after_the_other() -> None:
    worker = PlannedProcess("worker", "shop-worker", SLOW_TO_STOP, True, "old", before_settings=Settings())
    goes = PlannedProcess("mailer", "shop-mailer", Settings(stop_seconds=7), before_container_id="gone", goes=True)
    new = PlannedProcess("queue", "shop-queue", Settings())
    parts = dict(longest_turn(target(companions=(worker, goes, new)), WAY).parts)

    assert parts["stop"] == 10.0 + 10.0 + 7.0
    assert parts["health"] == 60.0 + 90.0 + 60.0
    assert parts["putting back"] == 10.0 + 30.0 + 10.0 + 60.0
