"""Observations in the catalog."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from mirror_console.domain.bulk import in_bulk
from mirror_console.domain.observation import Observation
from mirror_console.store.collection import Collection
from mirror_console.store.columns import json_text
from mirror_console.store.shape import among, in_parts
from mirror_console.store.tables import environment, observation

_NEW = insert(observation)
_SAVE = _NEW.on_conflict_do_update(
    index_elements=["environment_id", "process"],
    set_={"engine_id": _NEW.excluded.engine_id, "seen": _NEW.excluded.seen},
)
_TOUCH = sa.text("UPDATE observation SET seen = json_set(seen, '$.at', json(:at)) WHERE engine_id = :engine_id")
_TOUCH_SOME = sa.text(
    "UPDATE observation SET seen = json_set(seen, '$.at', json(:at)) "
    "WHERE engine_id = :engine_id AND environment_id IN (SELECT value FROM json_each(:ids))"
)
_KNOWN = sa.select(environment.c.id).where(among(environment.c.id))


class Observations(Collection):
    """What was last seen, one for each environment and process."""

    def all(self) -> list[Observation]:
        """All of them."""
        with in_bulk():
            return list(self._connection.scalars(sa.select(observation.c.seen)).all())

    def of(self, environment_id: str) -> list[Observation]:
        """Those of one environment."""
        chosen = sa.select(observation.c.seen).where(observation.c.environment_id == environment_id)
        return list(self._connection.scalars(chosen.order_by(observation.c.process)).all())

    def of_all(self, environment_ids: Iterable[str]) -> list[Observation]:
        """Those of several environments, in one query."""
        chosen = sa.select(observation.c.seen).where(among(observation.c.environment_id))
        with in_bulk():
            found = self._connection.execute(chosen, {"ids": json_text(sorted(environment_ids))})
            return [seen for (seen,) in in_parts(found)]

    def on(self, engine_id: str) -> list[Observation]:
        """Those that were made on one engine."""
        with in_bulk():
            chosen = sa.select(observation.c.seen).where(observation.c.engine_id == engine_id)
            return list(self._connection.scalars(chosen).all())

    def touch(
        self, engine_id: str, at: datetime, environment_ids: Iterable[str] | None = None, *, news: bool = True
    ) -> None:
        """Everything on an engine was seen again at that time, unchanged. One statement, however many they are.

        With `environment_ids`, these alone: those that were asked for with one account's credential. Without `news`
        the engine's contact has none either: then ``times`` has changed, not ``observations``.
        """
        self._changes("observations" if news else "times", of=[engine_id])
        asked = {"at": json_text(at), "engine_id": engine_id}
        if environment_ids is None:
            self._connection.execute(_TOUCH, asked)
        else:
            self._connection.execute(_TOUCH_SOME, {**asked, "ids": json_text(list(environment_ids))})

    def save_all(self, observations: Iterable[Observation]) -> None:
        """Keep what was seen in place of what was seen before. Of environments removed meanwhile nothing is kept."""
        seen = list(observations)
        self._changes("observations", of={one.engine_id for one in seen})
        ids = json_text(sorted({one.environment_id for one in seen}))
        known = set(self._connection.scalars(_KNOWN, {"ids": ids}))
        rows = [
            {"environment_id": one.environment_id, "process": one.process, "engine_id": one.engine_id, "seen": one}
            for one in seen
            if one.environment_id in known
        ]
        if rows:
            self._connection.execute(_SAVE, rows)
