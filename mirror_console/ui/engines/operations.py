"""What the page of the engines asks of the operations: functions, handed in where it is tested."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mirror_console.domain.access import Access
from mirror_console.domain.cleanup import CleanUp, Item
from mirror_console.domain.engine import Engine, Registry
from mirror_console.domain.ssh import HostKey
from mirror_console.errors import Problem
from mirror_console.operations import access, cleanup, contexts, engines
from mirror_console.operations.access import AccessInput
from mirror_console.operations.account_credentials import AccountCredential, account_credentials
from mirror_console.operations.cleanup import Cleaned
from mirror_console.operations.console import Console
from mirror_console.operations.contexts import DockerContext
from mirror_console.operations.engines import ConnectionStep, EngineInput, RegistryInput


@dataclass(frozen=True, slots=True)
class EngineOperations:
    """The operations behind the page. Testing and saving may take long, and belong in a job."""

    problems: Callable[[Console, EngineInput, str | None], Sequence[Problem]] = engines.engine_problems
    save: Callable[[Console, EngineInput, str | None], Engine] = engines.save_engine
    remove: Callable[[Console, str], None] = engines.remove_engine
    test_input: Callable[[Console, EngineInput, str | None], Iterator[ConnectionStep]] = engines.test_input
    trust: Callable[[Console, str, HostKey], Engine] = engines.accept_host_key
    trust_server_key: Callable[[Console, str, str], Engine] = engines.accept_server_key
    accept_identity: Callable[[Console, str, str], Engine] = engines.accept_identity
    accounts: Callable[[Console, Engine], Sequence[AccountCredential]] = account_credentials
    access_problems: Callable[[Console, Engine, AccessInput], Sequence[Problem]] = access.access_problems
    save_access: Callable[[Console, Engine, AccessInput], Access] = access.save_access
    remove_access: Callable[[Console, Engine, str], None] = access.remove_access
    look: Callable[[Console, Engine], CleanUp] = cleanup.look
    clean: Callable[[Console, Engine, Sequence[Item], Callable[[str], None]], Cleaned] = cleanup.remove
    home: Callable[[], Path] = Path.home
    """Where the person's own Docker set-up is looked for."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    registry_problems: Callable[[Console, RegistryInput, str | None], Sequence[Problem]] = engines.registry_problems
    save_registry: Callable[[Console, RegistryInput, str | None], Registry] = engines.save_registry
    remove_registry: Callable[[Console, str], None] = engines.remove_registry

    def found_contexts(self, console: Console) -> list[tuple[DockerContext, list[Problem]]]:
        """Every engine of the person's Docker set-up, with what stands against importing it."""
        found = contexts.contexts(self.home(), self.environment)
        return [(one, contexts.context_problems(console, one)) for one in found]

    def import_context(self, console: Console, name: str) -> Engine:
        """Add the engine of a context."""
        return contexts.import_context(console, self.home(), self.environment, name)


def all_registries(console: Console) -> list[Registry]:
    """Every registry, by host."""
    with console.catalog.read() as books:
        return sorted(books.registries.all(), key=lambda registry: registry.host)
