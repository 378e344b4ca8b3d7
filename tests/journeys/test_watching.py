"""Watching real engines in the window: what is done outside shows by itself, whatever happened to the way there."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from mirror_console.domain.status import Status
from mirror_console.ui.window import MainWindow
from tests.journeys.agency import Agency, mirror_entry, wait_until
from tests.journeys.console import Program
from tests.journeys.window import LONGEST, window_on_the_catalog
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

Engines = tuple[LabEngine, LabEngine, LabEngine]


@pytest.fixture
def window(
    program: Program, agency: Agency, three_engines: Engines, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    """The window on three engines with a mirror each; all of them tell by themselves what happens."""
    published = agency.publish(three_engines[0], "26.8.1")
    agency.deploy(three_engines[0], published)
    entries = []
    for slug, engine in zip(("alder", "birch", "cedar"), three_engines, strict=True):
        agency.run_mirror(engine, published.reference, f"{slug}-live", DOMAIN=f"{slug}.example")
        variables = {"DOMAIN": f"{slug}.example"}
        entries.append(mirror_entry(slug.title(), engine, f"{slug}-live", variables=variables))
    agency.fill(program, *three_engines, mirrors=entries)
    monkeypatch.setenv("MIRROR_CONSOLE_HOME", str(program.home))
    with window_on_the_catalog(qtbot) as made:
        until(qtbot, lambda: shown(made) == dict.fromkeys(("alder", "birch", "cedar"), Status.ALIGNED), "all is fine")
        until(qtbot, lambda: made.fleet.live == 3, "all three engines tell")
        yield made


def shown(window: MainWindow) -> dict[str, Status]:
    """The state of every mirror's live, as the grid's model has it."""
    grid = window.context.grid
    return {row.application.slug: row.cells["live"].status for row in grid.rows} if grid else {}


def until(qtbot: QtBot, holds: Callable[[], bool], what: str) -> float:
    """Wait for what the window does by itself, and say how many seconds it took."""
    began = time.monotonic()
    qtbot.waitUntil(holds, timeout=LONGEST)
    return time.monotonic() - began


def test_what_is_done_outside_and_to_engines_shows_by_itself(
    window: MainWindow, qtbot: QtBot, agency: Agency, three_engines: Engines, record_property: Callable[..., None]
) -> None:
    image = agency.docker(three_engines[0]).container("alder-live")["Config"]["Image"]

    def again(slug: str, engine: LabEngine) -> None:
        """A mirror's container is made anew, by hand, as the catalog has it."""
        agency.docker(engine).remove(f"{slug}-live")
        agency.run_mirror(engine, image, f"{slug}-live", DOMAIN=f"{slug}.example")
        until(qtbot, lambda: shown(window)[slug] is Status.ALIGNED, "it is back")

    what_is_done_outside(window, qtbot, agency, three_engines, record_property)
    again("alder", three_engines[0])
    again("birch", three_engines[1])
    an_engine_that_is_started_anew(window, qtbot, agency, three_engines)
    again("alder", three_engines[0])
    again("birch", three_engines[1])
    a_frozen_engine(window, qtbot, agency, three_engines)


def what_is_done_outside(
    window: MainWindow, qtbot: QtBot, agency: Agency, three_engines: Engines, record_property: Callable[..., None]
) -> None:
    """Stopped, removed, started, changed: by the socket and by TLS."""
    took = {}

    def is_shown(slug: str, status: Status) -> Callable[[], bool]:
        return lambda: shown(window)[slug] is status

    for slug, engine in zip(("alder", "birch"), three_engines, strict=False):
        docker = agency.docker(engine)
        image = docker.container(f"{slug}-live")["Config"]["Image"]
        docker.run("stop", "--time", "1", f"{slug}-live")
        took[f"{slug} stopped"] = until(qtbot, is_shown(slug, Status.UNHEALTHY), "it is stopped")
        docker.remove(f"{slug}-live")
        took[f"{slug} gone"] = until(qtbot, is_shown(slug, Status.MISSING), "it is gone")
        agency.run_mirror(engine, image, f"{slug}-live", DOMAIN=f"{slug}.example")
        took[f"{slug} added"] = until(qtbot, is_shown(slug, Status.ALIGNED), "it is back")
        docker.run("update", "--memory", "48m", "--memory-swap", "48m", f"{slug}-live")
        took[f"{slug} changed"] = until(qtbot, is_shown(slug, Status.DRIFTED), "it is changed")
    for what, seconds in took.items():
        record_property(what, f"{seconds:.2f} s")
        print(f"{what}: {seconds:.2f} s")


def an_engine_that_is_started_anew(window: MainWindow, qtbot: QtBot, agency: Agency, three_engines: Engines) -> None:
    """It is watched again."""
    paris = three_engines[1]
    paris.stop()
    until(qtbot, lambda: shown(window)["birch"] is Status.UNREACHABLE, "the end of the stream is a reason to look")
    assert shown(window)["alder"] is shown(window)["cedar"] is Status.ALIGNED
    agency.docker(three_engines[0]).remove("alder-live")
    until(qtbot, lambda: shown(window)["alder"] is Status.MISSING, "the others are watched on")
    paris.start()
    until(qtbot, lambda: shown(window)["birch"] is Status.ALIGNED, "it is found again by itself")
    until(qtbot, lambda: window.fleet.live == 3, "it tells again")
    agency.docker(paris).remove("birch-live")
    until(qtbot, lambda: shown(window)["birch"] is Status.MISSING, "what happens then is seen")


def a_frozen_engine(window: MainWindow, qtbot: QtBot, agency: Agency, three_engines: Engines) -> None:
    """It costs its own cells until it is thawed."""
    oslo = three_engines[2]
    oslo.freeze()
    window.fleet.check()
    until(qtbot, lambda: shown(window)["cedar"] is Status.UNREACHABLE, "it doesn't answer")
    assert shown(window)["alder"] is shown(window)["birch"] is Status.ALIGNED
    agency.docker(three_engines[0]).remove("alder-live")
    until(qtbot, lambda: shown(window)["alder"] is Status.MISSING, "the others are watched on")
    oslo.thaw()
    until(qtbot, lambda: shown(window)["cedar"] is Status.ALIGNED, "it is found again by itself")
    agency.docker(oslo).remove("cedar-live")
    until(qtbot, lambda: shown(window)["cedar"] is Status.MISSING, "what happens then is seen")


def test_the_command_line_shows_what_changes(program: Program, agency: Agency, local_engine: LabEngine) -> None:
    published = agency.publish(local_engine, "26.8.1")
    agency.deploy(local_engine, published)
    agency.run_mirror(local_engine, published.reference, "alder-live", DOMAIN="alder.example")
    entry = mirror_entry("Alder", local_engine, "alder-live", variables={"DOMAIN": "alder.example"})
    agency.fill(program, local_engine, mirrors=[entry])
    with program.running("status", "--watch", "--json") as command:

        def told() -> list[str]:
            text = command.out_so_far()
            return [json.loads(line)["status"] for line in text.splitlines() if line.endswith("}")]

        wait_until(lambda: told() == ["aligned"], "it shows what is there")
        agency.docker(local_engine).remove("alder-live")
        wait_until(lambda: told() == ["aligned", "missing"], "it shows what changed")
        command.send_signal(signal.SIGINT)
        ended = command.end()
    assert ended.exit_code == 0
