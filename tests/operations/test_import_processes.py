"""Imports of the processes that a source declares: they come to its mirrors, and are refused where they are none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror_console.domain.environment import Limits, Process
from mirror_console.domain.process import DeclaredProcess, settings_for
from mirror_console.operations.console import Console
from mirror_console.operations.imports import export_catalog, import_catalog
from tests.operations.desk import empty_console
from tests.operations.import_desk import SMALL, environment, refused, webshop

SEVERAL = """\
sources:
  - name: Webshop
    processes:
      - {name: web, serves: yes}
      - {name: worker, command: celery -A shop worker, worker: yes}
      - {name: scheduler, command: [celery, beat], limits: {memory: 64m, cpus: 0.5}}
"""


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with empty_console(tmp_path) as made:
        yield made


def processes(console: Console) -> list[tuple[str, str]]:
    return [(one.name, one.container) for one in environment(console, "dunes-bakery").processes]


def others(console: Console) -> tuple[Process, ...]:
    return environment(console, "dunes-bakery").processes[1:]


def test_processes_of_a_source_come_to_its_mirrors_and_are_written_out(console: Console, tmp_path: Path) -> None:
    import_catalog(console, SMALL)
    import_catalog(console, SEVERAL)
    assert webshop(console).processes == (
        DeclaredProcess("web", serves=True),
        DeclaredProcess("worker", ("celery", "-A", "shop", "worker"), worker=True),
        DeclaredProcess("scheduler", ("celery", "beat"), limits=Limits(64 * 1024 * 1024, 0.5)),
    )
    derived = [("web", "dunes-live"), ("worker", "dunes-live-worker"), ("scheduler", "dunes-live-scheduler")]
    assert processes(console) == derived
    assert environment(console, "dunes-bakery").processes[1].worker
    assert [one.name for one in environment(console, "webshop").processes] == ["web"], "a source is only watched"
    assert "containers:" not in export_catalog(console)
    own = "containers: {worker: dunes-jobs}, process_limits: {worker: {pids: 50}, scheduler: {memory: 0}}"
    import_catalog(console, f"mirrors: [{{name: Dunes Bakery, environments: [{{name: live, {own}}}]}}]")
    granted = [settings_for(environment(console, "dunes-bakery"), one).limits for one in others(console)]
    assert granted == [Limits(pids=50), Limits()]
    assert processes(console) == [derived[0], ("worker", "dunes-jobs"), derived[2]]
    with empty_console(tmp_path / "other") as other:
        import_catalog(other, export_catalog(console))
        assert processes(other) == processes(console)
        assert export_catalog(other) == export_catalog(console)
    # Which of them runs where isn't touched by a file that says nothing of it; where none is declared one is left.
    import_catalog(console, "mirrors: [{name: Dunes Bakery, environments: [{name: live, group: shop}]}]")
    assert processes(console) == [derived[0], ("worker", "dunes-jobs"), derived[2]]
    import_catalog(console, "sources: [{name: Webshop, processes: }]")
    assert processes(console) == derived[:1]
    # What is declared no more goes with the next rollout, and is the same again where it is declared again.
    assert [one.container for one in environment(console, "dunes-bakery").going] == ["dunes-jobs", derived[2][1]]
    import_catalog(console, SEVERAL)
    assert not environment(console, "dunes-bakery").going
    assert processes(console) == [derived[0], ("worker", "dunes-jobs"), derived[2]]
    assert others(console)[0].own_limits == Limits(pids=50)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("[{name: web}]", "exactly one process serves"),
        ("[{name: web, serves: yes}, {name: other, serves: yes}]", "exactly one process serves"),
        ("[{name: web, serves: yes}, {name: web, command: a}]", "declared twice"),
        ("[{name: web, serves: yes, command: serve}]", "stands in the settings"),
        ("[{name: web, serves: yes, worker: yes}]", "can't stop before"),
        ("[{name: web, serves: yes}, {name: worker}]", "say what 'worker' runs"),
        ("[{name: web, serves: yes}, {name: Worker, command: a}]", "is not a name"),
        ("[{name: web, serves: yes, limits: {pids: 1}}]", "limits of 'web', which serves, stand in the settings"),
        ("[{name: web, serves: yes}, {name: worker, command: a, limits: {memory: 1m}}]", "smallest memory limit"),
    ],
)
def test_processes_that_are_none_are_refused(console: Console, wrong: str, words: str) -> None:
    import_catalog(console, SMALL)
    found = refused(console, f"sources: [{{name: Webshop, processes: {wrong}}}]")
    assert any(words in one.words for one in found), found


def test_containers_of_processes_that_clash_or_are_none_are_refused(console: Console) -> None:
    import_catalog(console, SMALL)
    import_catalog(console, SEVERAL)
    mirror = "mirrors: [{{name: Dunes Bakery, environments: [{{name: live, containers: {{{}}}}}]}}]"
    (found,) = refused(console, mirror.format("jobs: dunes-jobs"))
    assert "'jobs' is none of the processes" in found.words
    (found,) = refused(console, mirror.format("worker: webshop-live"))
    assert "has the container 'webshop-live'" in found.words
    (found,) = refused(console, mirror.format("worker: dunes-live"))
    assert "two of its processes can't have one container" in found.words
