"""What the page of the engines asks of the operations: functions, handed in where it is tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mirror_console.domain.engine import Engine, Registry
from mirror_console.errors import Problem
from mirror_console.operations import engines
from mirror_console.operations.console import Console
from mirror_console.operations.engines import ConnectionStep, EngineInput, RegistryInput


@dataclass(frozen=True, slots=True)
class EngineOperations:
    """The operations behind the page. Testing and saving may take long, and belong in a job."""

    problems: Callable[[Console, EngineInput, str | None], Sequence[Problem]] = engines.engine_problems
    save: Callable[[Console, EngineInput, str | None], Engine] = engines.save_engine
    remove: Callable[[Console, str], None] = engines.remove_engine
    test_input: Callable[[Console, EngineInput, str | None], Iterator[ConnectionStep]] = engines.test_input
    registry_problems: Callable[[Console, RegistryInput, str | None], Sequence[Problem]] = engines.registry_problems
    save_registry: Callable[[Console, RegistryInput, str | None], Registry] = engines.save_registry
    remove_registry: Callable[[Console, str], None] = engines.remove_registry


def all_registries(console: Console) -> list[Registry]:
    """Every registry, by host."""
    with console.catalog.read() as books:
        return sorted(books.registries.all(), key=lambda registry: registry.host)
