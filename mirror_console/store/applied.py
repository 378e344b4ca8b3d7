"""What was last applied to environments, in the catalog."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from mirror_console.domain.applied import Applied
from mirror_console.domain.bulk import in_bulk
from mirror_console.store.collection import Collection
from mirror_console.store.columns import json_text
from mirror_console.store.shape import Shape, among
from mirror_console.store.tables import applied, environment

_SHAPE = Shape(Applied, applied)
# Each target's end asks these: built once.
_OF = _SHAPE.select.where(among(applied.c.environment_id))
_KNOWN = sa.select(environment.c.id).where(environment.c.id == sa.bindparam("wanted"))


class AppliedBook(Collection):
    """What each process of each environment was last made of."""

    def all(self) -> list[Applied]:
        """All of them."""
        with in_bulk():
            return _SHAPE.read(self._connection.execute(_SHAPE.select))

    def of(self, environment_ids: Iterable[str]) -> list[Applied]:
        """Those of some environments."""
        return _SHAPE.read(self._connection.execute(_OF, {"ids": json_text(sorted(environment_ids))}))

    def save(self, value: Applied) -> None:
        """Keep it in place of the one before. That of an environment that was removed meanwhile is left out."""
        self._changes("applied")
        if self._connection.scalar(_KNOWN, {"wanted": value.environment_id}) is not None:
            self._connection.execute(_SHAPE.upsert, _SHAPE.values(value))

    def remove(self, environment_id: str, process: str) -> None:
        """Forget what was applied. That nothing was is fine."""
        self._changes("applied")
        of = (applied.c.environment_id == environment_id) & (applied.c.process == process)
        self._connection.execute(sa.delete(applied).where(of))
