"""Releases in the catalog."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from mirror_console.domain.release import Release
from mirror_console.store.collection import Collection
from mirror_console.store.columns import json_text
from mirror_console.store.shape import Shape, among
from mirror_console.store.tables import environment, release

_SHAPE = Shape(Release, release)


class Releases(Collection):
    """All images that source environments have had, in the order in which they were first seen."""

    def all(self) -> list[Release]:
        """All of them."""
        return _SHAPE.read(self._connection.execute(_SHAPE.select.order_by(release.c.first_seen)))

    def of(self, environment_ids: Iterable[str]) -> list[Release]:
        """Those of some environments."""
        chosen = _SHAPE.select.where(among(release.c.environment_id)).order_by(release.c.first_seen)
        return _SHAPE.read(self._connection.execute(chosen, {"ids": json_text(list(environment_ids))}))

    def of_digest(self, digest: str) -> list[Release]:
        """The same image by its digest, wherever it was a release."""
        chosen = _SHAPE.select.where(release.c.digest == digest).order_by(release.c.first_seen)
        return _SHAPE.read(self._connection.execute(chosen))

    def save(self, value: Release) -> None:
        """Add it, or change the one of its identity. That of an environment that was removed meanwhile is left out.

        Raises CatalogError where another release of the environment is the same image.
        """
        self._changes("releases", of=[value.environment_id])
        known = sa.select(environment.c.id).where(environment.c.id == value.environment_id)
        if self._connection.scalar(known) is not None:
            self._connection.execute(_SHAPE.upsert, _SHAPE.values(value))

    def remove(self, release_id: str) -> None:
        """Take one away that turned out to be another one."""
        self._changes("releases")
        self._connection.execute(sa.delete(release).where(release.c.id == release_id))
