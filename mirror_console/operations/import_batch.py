"""Import batch: what the catalog has before an import, and what would be saved by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mirror_console.domain.access import Access
from mirror_console.domain.account import Account
from mirror_console.domain.application import Application
from mirror_console.domain.engine import Engine, Registry
from mirror_console.domain.environment import Environment
from mirror_console.domain.schedule import NO_SCHEDULE, Schedule
from mirror_console.domain.secret import Secret
from mirror_console.errors import Problem
from mirror_console.operations.import_schedule import ScheduleBatch
from mirror_console.operations.ports.catalog import Books


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog has before an import."""

    engines: Sequence[Engine]
    registries: Sequence[Registry]
    accounts: Sequence[Account]
    accesses: Sequence[Access]
    applications: Sequence[Application]
    environments: Sequence[Environment]
    schedule: Schedule

    @classmethod
    def of(cls, books: Books) -> Known:
        """Read it."""
        return cls(
            books.engines.all(),
            books.registries.all(),
            books.accounts.all(),
            books.accesses.all(),
            books.applications.all(),
            books.environments.all(),
            books.schedule.all(),
        )

    def account(self, name: str) -> Account:
        """The one of that name, or a new one."""
        return next((account for account in self.accounts if account.name == name), Account(name))


@dataclass(slots=True)
class Batch:
    """What would be saved, in the order of the file, and everything wrong with it."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    engines: dict[str, Engine] = field(default_factory=dict)
    engine_names: set[str] = field(default_factory=set)
    """Names of engines in the file, of those too that can't be read otherwise; without regard to case."""
    unread: set[str] = field(default_factory=set)
    """Lists of the file, such as ``engines``, in which something has no name that can be read: any may be meant."""
    slugs: set[str] = field(default_factory=set)
    """What an application of the file with a mistaken slug may be called once it is corrected."""
    registries: dict[str, Registry] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    accesses: list[Access] = field(default_factory=list)
    applications: dict[str, Application] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    """The path in the file, by the identity of an environment."""
    secrets: dict[str, Secret] = field(default_factory=dict)
    schedule: ScheduleBatch = field(default_factory=lambda: ScheduleBatch(NO_SCHEDULE))

    def may_be_meant(self, slug: str, kinds: str) -> bool:
        """Whether a slug that isn't found may be of one of the file's ``sources`` or ``mirrors`` that has a mistake."""
        return slug in self.slugs or kinds in self.unread
