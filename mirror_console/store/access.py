"""Accounts' credentials on engines in the catalog, and the last attempt to reach an engine with each."""

from __future__ import annotations

import sqlalchemy as sa

from mirror_console.domain.access import Access
from mirror_console.domain.engine import Contact
from mirror_console.store.collection import Collection
from mirror_console.store.shape import Shape
from mirror_console.store.tables import engine_access

_SHAPE = Shape(Access, engine_access)
_ON = _SHAPE.select.where(engine_access.c.engine_id == sa.bindparam("on")).order_by(engine_access.c.account)


class Accesses(Collection):
    """Access of accounts to engines, by engine and account."""

    def all(self) -> list[Access]:
        """All of them."""
        order = (engine_access.c.engine_id, engine_access.c.account)
        return _SHAPE.read(self._connection.execute(_SHAPE.select.order_by(*order)))

    def of(self, engine_id: str) -> list[Access]:
        """Those on one engine."""
        return _SHAPE.read(self._connection.execute(_ON, {"on": engine_id}))

    def save(self, value: Access) -> None:
        """Add it, or change the one of that account on that engine. What was learned with the old one is dropped."""
        self._changes("accesses")
        self._connection.execute(_SHAPE.upsert, _SHAPE.values(value))
        self._keep(value.engine_id, value.account, None)

    def remove(self, engine_id: str, account: str) -> None:
        """Forget it. What the keyring holds of it is not the catalog's business."""
        self._changes("accesses")
        self._connection.execute(sa.delete(engine_access).where(*_is(engine_id, account)))

    def contacts(self) -> dict[tuple[str, str], Contact]:
        """The last attempts, by engine and account; without those that were never made."""
        chosen = sa.select(engine_access.c.account, engine_access.c.contact)
        found = self._connection.execute(chosen).all()
        return {(contact.engine_id, account): contact for account, contact in found if contact is not None}

    def save_contact(self, account: str, contact: Contact) -> None:
        """Keep the outcome of an attempt. That with a credential that was removed in the meantime is left out."""
        self._changes("accesses")
        self._keep(contact.engine_id, account, contact)

    def _keep(self, engine_id: str, account: str, contact: Contact | None) -> None:
        self._connection.execute(sa.update(engine_access).where(*_is(engine_id, account)).values(contact=contact))


def _is(engine_id: str, account: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return engine_access.c.engine_id == engine_id, engine_access.c.account == account
