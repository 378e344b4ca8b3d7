"""Running: a rollout while it is carried out, shown at once to whoever watches, kept for whoever comes after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from mirror_console.domain.fetching import Fetch
from mirror_console.domain.journal import JournalEntry
from mirror_console.domain.rollout import Rollout, Target
from mirror_console.operations.console import Console


class Running:
    """One rollout that is carried out now, shared by the threads of its targets.

    `report` is called with the whole rollout after each change, on the thread where it happened.
    """

    def __init__(self, console: Console, rollout: Rollout, report: Callable[[Rollout], None]) -> None:
        self._console = console
        self._rollout = rollout
        self._report = report
        self._lock = threading.Lock()
        self._places = {target.environment_id: place for place, target in enumerate(rollout.targets)}
        """Where each target stands among all: that stays as it was planned."""

    @property
    def rollout(self) -> Rollout:
        """How it stands now."""
        with self._lock:
            return self._rollout

    def show(self, target: Target) -> None:
        """Show where a target stands. Whoever changed it keeps it."""
        with self._lock:
            targets = list(self._rollout.targets)
            targets[self._places[target.environment_id]] = target
            self._rollout = now = replace(self._rollout, targets=tuple(targets))
        self._report(now)

    def keep(self, target: Target) -> None:
        """Keep where a target stands, and show it. Raises CatalogError."""
        with self._console.catalog.write() as books:
            books.rollouts.save_target(self._rollout.id, target)
        self.show(target)

    def keep_all(self, targets: Sequence[Target], **changes: object) -> Rollout:
        """Keep where targets and the rollout as a whole stand, all in one go. Raises CatalogError."""
        with self._lock:
            now = replace(self._rollout, **changes)  # type: ignore[arg-type] # names of Rollout's own fields
        with self._console.catalog.write() as books:
            for target in targets:
                books.rollouts.save_target(now.id, target)
            books.rollouts.save_head(now)
        with self._lock:
            changed = {target.environment_id: target for target in targets}
            kept = tuple(changed.get(target.environment_id, target) for target in now.targets)
            self._rollout = now = replace(now, targets=kept)
        self._report(now)
        return now

    def take(self, rollout: Rollout) -> Rollout:
        """Show what was kept of the rollout by another hand."""
        with self._lock:
            self._rollout = rollout
        self._report(rollout)
        return rollout

    def show_fetch(self, fetch: Fetch) -> None:
        """Show how far an image is on its way to an engine. Where it stands at last is kept."""
        self._show_fetches([fetch])

    def keep_fetches(
        self, fetches: Sequence[Fetch], targets: Sequence[Target] = (), entries: Sequence[JournalEntry] = ()
    ) -> None:
        """Keep where it stands that images are brought ahead, what becomes of targets by it, and lines of the journal.

        All in one go. Raises CatalogError.
        """
        with self._console.catalog.write() as books:
            if entries:
                books.journal.append(*entries)
            books.rollouts.save_fetches(self._rollout.id, fetches)
            for target in targets:
                books.rollouts.save_target(self._rollout.id, target)
        self._show_fetches(fetches)
        for target in targets:
            self.show(target)

    def _show_fetches(self, fetches: Sequence[Fetch]) -> None:
        with self._lock:
            known = {(fetch.engine_id, fetch.reference): fetch for fetch in self._rollout.fetches}
            known |= {(fetch.engine_id, fetch.reference): fetch for fetch in fetches}
            self._rollout = now = replace(self._rollout, fetches=tuple(known.values()))
        self._report(now)

    def keep_head(self, **changes: object) -> Rollout:
        """Keep where the rollout as a whole stands, and show it. Raises CatalogError."""
        with self._lock:
            self._rollout = replace(self._rollout, **changes)  # type: ignore[arg-type] # names of Rollout's own fields
            now = self._rollout
        with self._console.catalog.write() as books:
            books.rollouts.save_head(now)
        self._report(now)
        return now
