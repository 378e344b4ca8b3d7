"""Anchoring: have the keyring keep the audit's last line, from time to time while changes are made, and at the end."""

from __future__ import annotations

from mirror_console.domain.changes import Changes
from mirror_console.jobs import Jobs, Work
from mirror_console.operations.audit import anchor
from mirror_console.operations.console import Console

EVERY = 60.0
"""Seconds between two calls of the keyring: so many of the last changes may be taken away unseen after a kill."""
TITLE = "Keep the audit's last line"


class Anchoring:
    """Watches the catalog of a console that changes it, from when it is made until `end`."""

    def __init__(self, console: Console, jobs: Jobs) -> None:
        self._console = console
        self._jobs = jobs
        self._last = console.monotonic()
        self._due = False
        self._leave = console.catalog.subscribe(self._hear)

    def end(self) -> None:
        """Have what was changed since kept; waits for the keyring. No job may run any more."""
        self._leave()
        if self._due and not self._console.read_only:
            anchor(self._console)

    def _hear(self, changes: Changes) -> None:
        if changes <= SEEN or self._console.read_only:
            return
        self._due = True
        now = self._console.monotonic()
        if now - self._last >= EVERY:
            self._last = now
            self._jobs.submit(TITLE, self._keep, lane=TITLE)

    def _keep(self, _work: Work) -> None:
        self._due = False
        if not anchor(self._console):
            self._due = True


SEEN = frozenset({"observations", "images", "tags", "times", "contacts"})
"""Collections that change by being looked at; then there may be nothing new in the audit."""
