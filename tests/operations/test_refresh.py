"""Refresh on the simulator: what is asked, what is kept, and what a dead engine costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from mirror_console.domain.alignment import Alignment
from mirror_console.domain.engine import Engine
from mirror_console.domain.status import Knowledge, Status
from mirror_console.errors import FailureKind
from mirror_console.operations.refresh import INSPECTS_AT_ONCE, refresh
from mirror_console.operations.status import survey
from tests.operations.fleet import Fleet, small_fleet

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.align) as made:
        yield made


@dataclass
class Counting:
    """The way to the engines, counting the verbs that are called."""

    engines: Any
    before: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    """What happens just before a verb is called."""
    called: list[str] = field(default_factory=list)

    def session(self, engine: Engine) -> Any:
        return _CountingSession(self.engines.session(engine), self.before, self.called)


@dataclass
class _CountingSession:
    session: Any
    before: Mapping[str, Callable[[], object]]
    called: list[str]

    def __getattr__(self, verb: str) -> Any:
        self.called.append(verb)
        if verb in self.before:
            self.before[verb]()
        return getattr(self.session, verb)


def counted(fleet: Fleet, before: Mapping[str, Callable[[], object]] | None = None) -> tuple[Counting, Any]:
    counting = Counting(fleet.console.engines, before or {})
    way: Any = counting
    return counting, replace(fleet.console, engines=way)


def test_what_did_not_change_costs_one_listing_an_engine(fleet: Fleet) -> None:
    refresh(fleet.console, fleet.jobs)  # health has settled by now
    counting, console = counted(fleet)
    refresh(console, fleet.jobs)
    assert counting.called == ["list_containers"] * 2


def test_only_what_changed_is_inspected(fleet: Fleet) -> None:
    refresh(fleet.console, fleet.jobs)
    fleet.simulated.engines["alpha"].stop_container("mirror-01-live")
    counting, console = counted(fleet)
    refresh(console, fleet.jobs)
    assert sorted(counting.called) == ["image", "inspect", "list_containers", "list_containers"]
    assert survey(fleet.console).row("mirror-01").cells["live"].status is Status.UNHEALTHY


def test_what_a_swap_notes_after_the_listing_stays(fleet: Fleet) -> None:
    """The listing showed the old container, stopped; before it is looked into, the swap ends."""
    refresh(fleet.console, fleet.jobs)
    with fleet.console.catalog.read() as books:
        (seen,) = books.observations.of(next(one.id for one in books.environments.of("mirror-01")))
    fleet.simulated.engines["alpha"].stop_container("mirror-01-live")

    def note() -> None:
        with fleet.console.catalog.write() as books:
            books.observations.save_all([replace(seen, container_id="f" * 64, at=fleet.console.clock())])

    _, console = counted(fleet, {"inspect": note})
    refresh(console, fleet.jobs)
    with fleet.console.catalog.read() as books:
        (now,) = books.observations.of(seen.environment_id)
    assert (now.container_id, now.state) == ("f" * 64, seen.state)
    # The next look is later than the note.
    refresh(fleet.console, fleet.jobs)
    assert survey(fleet.console).row("mirror-01").cells["live"].status is Status.UNHEALTHY


def test_a_dead_engine_costs_its_own_cells_and_its_last_state_stays(fleet: Fleet) -> None:
    fleet.simulated.engines["berlin"].make_unreachable()
    found = refresh(fleet.console, fleet.jobs)
    assert found.answered == ("alpha",)
    assert [name for name, _ in found.failed] == ["berlin"]
    assert "1 engine unreachable (berlin: " in found.sentence
    grid = survey(fleet.console)
    for mirror in ("mirror-02", "mirror-04"):
        cell = grid.row(mirror).cells["live"]
        assert cell.status is Status.UNREACHABLE
        assert cell.running_title == "26.8.2"
        assert cell.contact is not None
        assert cell.contact.failure in set(FailureKind)
    assert grid.row("mirror-01").cells["live"].knowledge is Knowledge.FRESH


def test_who_did_not_answer_last_time_is_asked_last(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mirror_console.operations.refresh.AT_ONCE", 1)
    asked: list[str] = []
    fleet.simulated.engines["alpha"].make_unreachable()
    refresh(fleet.console, fleet.jobs)
    fleet.simulated.engines["alpha"].make_reachable()
    for _ in range(2):
        refresh(fleet.console, fleet.jobs, report=asked.append)
    assert asked == ["berlin answered", "alpha answered", "alpha answered", "berlin answered"]


def test_an_engine_that_is_lost_while_it_is_inspected_is_not_asked_for_the_rest() -> None:
    with small_fleet(mirrors=40) as fleet:
        fleet.publish("26.8.2")
        fleet.run_mirrors("26.8.2")
        berlin = fleet.simulated.engines["berlin"]
        counting, console = counted(fleet, before={"inspect": berlin.make_unreachable})
        found = refresh(console, fleet.jobs, ["berlin"])
        assert [name for name, _ in found.failed] == ["berlin"]
        assert 1 <= counting.called.count("inspect") <= INSPECTS_AT_ONCE


def test_an_engine_that_comes_back_is_known_again(fleet: Fleet) -> None:
    fleet.simulated.engines["berlin"].make_unreachable()
    refresh(fleet.console, fleet.jobs)
    fleet.simulated.engines["berlin"].make_reachable()
    assert not refresh(fleet.console, fleet.jobs).failed
    assert survey(fleet.console).row("mirror-02").cells["live"].knowledge is Knowledge.FRESH


def test_what_was_seen_long_ago_is_never_called_aligned(fleet: Fleet) -> None:
    assert survey(fleet.console).row("mirror-01").cells["live"].alignment is Alignment.ALIGNED
    later = replace(fleet.console, clock=lambda: fleet.console.clock() + timedelta(hours=1))
    cell = survey(later).row("mirror-01").cells["live"]
    assert cell.status is Status.NOT_CHECKED
    assert cell.knowledge is Knowledge.STALE


def test_a_container_that_is_gone_is_missing(fleet: Fleet) -> None:
    fleet.simulated.engines["alpha"].lose_container("mirror-01-live")
    refresh(fleet.console, fleet.jobs)
    assert survey(fleet.console).row("mirror-01").cells["live"].status is Status.MISSING


def test_every_image_of_the_source_becomes_a_release_once(fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    refresh(fleet.console, fleet.jobs)
    (source,) = survey(fleet.console).sources
    assert [release.version for release in source.environments[0].releases] == ["26.8.3", "26.8.2"]
    cell = survey(fleet.console).row("mirror-01").cells["live"]
    assert (cell.status, cell.behind) == (Status.BEHIND, 1)


def test_a_source_that_goes_back_leaves_its_mirrors_ahead(fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    fleet.run_again("26.8.3")
    refresh(fleet.console, fleet.jobs)
    assert survey(fleet.console).row("mirror-01").cells["live"].status is Status.ALIGNED
    fleet.publish("26.8.2", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    cell = survey(fleet.console).row("mirror-01").cells["live"]
    assert (cell.status, cell.behind, cell.expected_title) == (Status.AHEAD, -1, "26.8.2")


def test_running_since_survives_a_restart_and_ends_with_another_image(fleet: Fleet) -> None:
    before = survey(fleet.console).row("mirror-01").cells["live"].observation
    fleet.simulated.engines["alpha"].stop_container("mirror-01-live")
    refresh(fleet.console, fleet.jobs)
    stopped = survey(fleet.console).row("mirror-01").cells["live"].observation
    assert before is not None
    assert stopped is not None
    assert stopped.running_since == before.running_since
    fleet.publish("26.8.3", health_interval=0.02)
    fleet.run_again("26.8.3")
    refresh(fleet.console, fleet.jobs)
    renewed = survey(fleet.console).row("mirror-01").cells["live"].observation
    assert renewed is not None
    assert renewed.running_since is not None
    assert before.running_since is not None
    assert renewed.running_since > before.running_since
