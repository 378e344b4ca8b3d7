"""Ways back on the simulator: of each environment from its last rollout, in as many queries for one as for all."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from mirror_console.domain.way_back import KnownWay, WayBack
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.ways_back import ways_back
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow


@contextmanager
def statements() -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    try:
        yield asked
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", hear)


def roll_out(fleet: Fleet, version: str, numbers: Collection[int]) -> None:
    """Bring mirrors to a new release, by a rollout."""
    fleet.publish(version, health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    made = plan(fleet.console, "live", [fleet.mirrors[number - 1].id for number in numbers], QUICK)
    checked = preflight(fleet.console, fleet.jobs, made)
    assert not checked.blocking, [result.words for result in checked.blocking]
    Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test")).run()


def test_each_goes_back_to_what_its_last_rollout_found(fleet: Fleet) -> None:
    ids = [fleet.environment(mirror, "live").id for mirror in fleet.mirrors]

    def known() -> list[KnownWay | None]:
        return list(map(ways_back(fleet.console, ids).get, ids))

    assert known() == [None] * 4
    roll_out(fleet, "26.8.3", (1, 2, 3))
    first = known()
    assert [one and one.way_back for one in first] == [WayBack.KEPT] * 3 + [None]
    roll_out(fleet, "26.8.4", (1, 3))
    second = known()
    assert second[1] == first[1]
    assert [one and one.words.split()[0] for one in second] == ["26.8.3", "26.8.2", "26.8.3", None]
    with statements() as of_all:
        ways_back(fleet.console, ids)
    with statements() as of_one:
        ways_back(fleet.console, ids[:1])
    # Mirrors are on two engines by turns; of each engine its images are asked for.
    assert len(of_all) == len(of_one) + 1
    assert len(of_all) < 10

    # What another person starts there by hand was made by no rollout.
    fleet.mirrors = fleet.mirrors[1:2]
    fleet.run_again("26.8.2")
    refresh(fleet.console, fleet.jobs)
    assert known()[1] is None


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Four mirrors that run 26.8.2, on two engines by turns."""
    with small_fleet(prepared=Fleet.align) as made:
        yield made
