"""Sources and mirrors in the catalog."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.bulk import in_bulk
from mirror_console.errors import CatalogError
from mirror_console.store.collection import Collection
from mirror_console.store.columns import Json, json_text
from mirror_console.store.shape import Shape, among
from mirror_console.store.tables import application, application_domain, application_tag

_LIST = "(SELECT json_group_array({0}) FROM (SELECT {0} FROM {1} WHERE application_id = application.id ORDER BY place))"

_SHAPE = Shape(
    Application,
    application,
    {
        "tags": sa.literal_column(_LIST.format("tag", "application_tag"), Json(tuple[str, ...])),
        "domains": sa.literal_column(_LIST.format("domain", "application_domain"), Json(tuple[str, ...])),
    },
)
_LISTS = {
    column: (sa.delete(table).where(table.c.application_id == sa.bindparam("of")), sa.insert(table))
    for column, table in (("tag", application_tag), ("domain", application_domain))
}
"""How the lists of an application are cleared and filled, by the column that holds their items."""


_ALL = _SHAPE.select.order_by(sa.text("application.rowid"))
_SOURCES = _ALL.where(application.c.kind == Kind.SOURCE)
_SOME = _ALL.where(among(application.c.id))
_ONE = _SHAPE.select.where(application.c.id == sa.bindparam("which"))


class Applications(Collection):
    """Sources and mirrors, in the order in which they came."""

    def all(self) -> list[Application]:
        """All of them."""
        with in_bulk():
            return _SHAPE.read(self._connection.execute(_ALL))

    def sources(self) -> list[Application]:
        """The sources alone."""
        return _SHAPE.read(self._connection.execute(_SOURCES))

    def some(self, application_ids: Iterable[str]) -> list[Application]:
        """Those of these that are there."""
        return _SHAPE.read(self._connection.execute(_SOME, {"ids": json_text(sorted(application_ids))}))

    def get(self, application_id: str) -> Application:
        """One of them. Raises KeyError."""
        found = _SHAPE.read(self._connection.execute(_ONE, {"which": application_id}))
        if not found:
            raise KeyError(application_id)
        return found[0]

    def by_slug(self, slug: str) -> Application | None:
        """The one with that slug."""
        found = _SHAPE.read(self._connection.execute(_SHAPE.select.where(application.c.slug == slug)))
        return found[0] if found else None

    def save(self, value: Application) -> None:
        """Add it, or change the one of its identity. Raises CatalogError where another one has its slug."""
        self._changes("applications", of=[value.id])
        self._connection.execute(_SHAPE.upsert, _SHAPE.values(value))
        for column, items in (("tag", value.tags), ("domain", value.domains)):
            clear, add = _LISTS[column]
            self._connection.execute(clear, {"of": value.id})
            rows = [{"application_id": value.id, "place": place, column: item} for place, item in enumerate(items)]
            if rows:
                self._connection.execute(add, rows)

    def remove(self, application_id: str) -> None:
        """With its environments and what was seen of them. Raises CatalogError where it is the source of mirrors."""
        mirrors = self._connection.scalars(
            sa.select(application.c.name)
            .where(application.c.source_id == application_id, application.c.id != application_id)
            .order_by(application.c.name)
        ).all()
        if mirrors:
            named = ", ".join(mirrors[:3]) + (f" and {len(mirrors) - 3} more" if len(mirrors) > 3 else "")
            raise CatalogError(
                f"This source can't be removed: it is the source of {named}.",
                "Give these mirrors another source, or remove them first.",
            )
        self._changes("applications", of=[application_id])
        # What belongs to it goes with it: nothing else of these has changed.
        self._changes("environments", "observations", "releases", of=())
        self._connection.execute(sa.delete(application).where(application.c.id == application_id))
