"""Images that engines hold, in the catalog."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from mirror_console.domain.bulk import in_bulk
from mirror_console.domain.held import HeldImage
from mirror_console.store.collection import Collection
from mirror_console.store.columns import json_text
from mirror_console.store.shape import Shape, among
from mirror_console.store.tables import engine, held_image

_SHAPE = Shape(HeldImage, held_image)
_ON = _SHAPE.select.where(held_image.c.engine_id == sa.bindparam("on"))
_LIKE = _SHAPE.select.where(held_image.c.fingerprint == sa.bindparam("like"))
_KNOWN = sa.select(engine.c.id).where(among(engine.c.id))


class HeldImages(Collection):
    """What engines were seen to hold, by engine and id."""

    def all(self) -> list[HeldImage]:
        """All of them."""
        with in_bulk():
            return _SHAPE.read(self._connection.execute(_SHAPE.select))

    def on(self, engine_id: str) -> list[HeldImage]:
        """Those on one engine."""
        return _SHAPE.read(self._connection.execute(_ON, {"on": engine_id}))

    def like(self, fingerprint: str) -> list[HeldImage]:
        """The same image on all engines that were seen to hold it."""
        return _SHAPE.read(self._connection.execute(_LIKE, {"like": fingerprint}))

    def of_digest(self, digest: str) -> list[HeldImage]:
        """Those that an engine has under a digest, in whatever repository, or as their id."""
        # Digests are kept as a list of texts, in JSON: each ends with a quotation mark.
        among_digests = sa.func.instr(sa.cast(held_image.c.digests, sa.Text), f'@{digest}"') > 0
        return _SHAPE.read(self._connection.execute(_SHAPE.select.where(among_digests | (held_image.c.id == digest))))

    def save_all(self, images: Iterable[HeldImage]) -> None:
        """Keep them in place of what was known of each. Of engines that were removed meanwhile nothing is kept."""
        seen = list(images)
        self._changes("images", of={one.engine_id for one in seen})
        ids = json_text(sorted({one.engine_id for one in seen}))
        known = set(self._connection.scalars(_KNOWN, {"ids": ids}))
        rows = [_SHAPE.values(one) for one in seen if one.engine_id in known]
        if rows:
            self._connection.execute(_SHAPE.upsert, rows)

    def remove(self, engine_id: str, image_ids: Iterable[str]) -> None:
        """They are gone from an engine."""
        self._changes("images", of=[engine_id])
        gone = sa.delete(held_image).where(held_image.c.engine_id == engine_id, among(held_image.c.id))
        self._connection.execute(gone, {"ids": json_text(sorted(image_ids))})
