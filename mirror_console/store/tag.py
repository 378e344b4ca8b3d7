"""Looks at registries' tags in the catalog."""

from __future__ import annotations

import sqlalchemy as sa

from mirror_console.domain.tag import TagLook
from mirror_console.store.collection import Collection
from mirror_console.store.shape import Shape
from mirror_console.store.tables import tag

_SHAPE = Shape(TagLook, tag)


class Tags(Collection):
    """The last look at each tag that somebody follows."""

    def all(self) -> list[TagLook]:
        """All of them, by reference."""
        return _SHAPE.read(self._connection.execute(_SHAPE.select.order_by(tag.c.reference)))

    def of(self, reference: str) -> TagLook | None:
        """The last look at one."""
        found = _SHAPE.read(self._connection.execute(_SHAPE.select.where(tag.c.reference == reference)))
        return found[0] if found else None

    def save(self, value: TagLook) -> None:
        """Keep it in place of the one before."""
        self._changes("tags")
        self._connection.execute(_SHAPE.upsert, _SHAPE.values(value))

    def remove(self, reference: str) -> None:
        """Forget it: nobody follows the tag any more."""
        self._changes("tags")
        self._connection.execute(sa.delete(tag).where(tag.c.reference == reference))
