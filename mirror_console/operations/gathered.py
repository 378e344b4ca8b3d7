"""Gathered: what looks gave that is no news, kept all at once and not engine by engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mirror_console.operations.console import Console
from mirror_console.operations.look import Seen
from mirror_console.operations.refresh import Listing, keep_unchanged

GATHER = 1.0
"""Seconds for which what hasn't changed is gathered before it is kept, all at once."""
AWAY_EVERY = 60.0
"""Seconds after which it is kept in any case that engines are still away."""


class Gathered:
    """Engines that are as they were, and those that are still away, by what the watch knows them by."""

    def __init__(self, console: Console) -> None:
        self.times: Mapping[str, datetime] = {}
        """When engines were looked at last where nothing was new. A new one each time that something is kept: whoever
        is told of it sees by that whether there is anything to do."""
        self._console = console
        self._unchanged: dict[str, Listing] = {}
        self._away: dict[str, datetime] = {}
        self._since = float("-inf")

    @property
    def waits(self) -> bool:
        """Whether something is to be kept before long."""
        return bool(self._unchanged)

    def take(self, key: str, seen: Seen, now: float) -> None:
        """What a look gave. Where that is news, it stands in the place of what was gathered of this engine."""
        if seen.error is not None:
            self._unchanged.pop(key, None)
            if seen.away is not None:
                self._begin(now)
                self._away[key] = seen.away
            return
        self._away.pop(key, None)
        if seen.listing is not None:
            self._begin(now)
            self._unchanged[key] = seen.listing
        if seen.environments is not None:
            self._unchanged.pop(key, None)

    def may_grow(self, now: float) -> bool:
        """Whether it is too early to keep it: more is likely to come soon."""
        return self.waits and now - self._since < GATHER

    def keep(self, now: float) -> None:
        """Keep what is to be kept by now. Raises CatalogError; it isn't tried again then."""
        if not self._unchanged and not (self._away and now - self._since > AWAY_EVERY):
            return
        unchanged, self._unchanged = self._unchanged, {}
        away, self._away = self._away, {}
        self.times = {**self.times, **{key: listing.at for key, listing in unchanged.items()}}
        keep_unchanged(self._console, unchanged, away)

    def _begin(self, now: float) -> None:
        if not (self._unchanged or self._away):
            self._since = now
