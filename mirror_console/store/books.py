"""One transaction on the catalog, with a collection for each noun."""

from __future__ import annotations

from sqlalchemy import Connection

from mirror_console.domain.audit import Author
from mirror_console.store.access import Accesses
from mirror_console.store.account import Accounts
from mirror_console.store.application import Applications
from mirror_console.store.applied import AppliedBook
from mirror_console.store.audit import AuditTrail
from mirror_console.store.collection import Changing
from mirror_console.store.commands import Commands
from mirror_console.store.engine import EngineBook, Registries
from mirror_console.store.environment import Environments
from mirror_console.store.held import HeldImages
from mirror_console.store.journal import Journal
from mirror_console.store.observation import Observations
from mirror_console.store.plan import Plans
from mirror_console.store.release import Releases
from mirror_console.store.rollout import Rollouts
from mirror_console.store.schedule import ScheduleBook
from mirror_console.store.tag import Tags


class Books:
    """All collections on one connection. `changed` gathers what changes; None for a transaction that only reads.

    `author` is who changes it.
    """

    def __init__(self, connection: Connection, changed: Changing | None, author: Author) -> None:
        self.applications = Applications(connection, changed)
        self.environments = Environments(connection, changed)
        self.engines = EngineBook(connection, changed)
        self.accesses = Accesses(connection, changed)
        self.registries = Registries(connection, changed)
        self.accounts = Accounts(connection, changed)
        self.releases = Releases(connection, changed)
        self.tags = Tags(connection, changed)
        self.images = HeldImages(connection, changed)
        self.observations = Observations(connection, changed)
        self.applied = AppliedBook(connection, changed)
        self.plans = Plans(connection, changed)
        self.rollouts = Rollouts(connection, changed)
        self.commands = Commands(connection, changed)
        self.journal = Journal(connection, changed)
        self.schedule = ScheduleBook(connection, changed)
        self.audit = AuditTrail(connection, changed, author)
