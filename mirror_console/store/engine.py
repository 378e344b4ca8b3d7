"""Engines in the catalog, the last attempt to reach each, and registries."""

from __future__ import annotations

import sqlalchemy as sa

from mirror_console.domain.engine import Address, Contact, Engine, Registry
from mirror_console.errors import CatalogError
from mirror_console.store.collection import Collection
from mirror_console.store.shape import Shape
from mirror_console.store.tables import application, contact, engine, environment, registry

_ENGINE = Shape(Engine, engine)
_CONTACT = Shape(Contact, contact)
_REGISTRY = Shape(Registry, registry)
# Every look at an engine asks these: built once.
_ENGINES = _ENGINE.select.order_by(engine.c.name)
_ONE = _ENGINE.select.where(engine.c.id == sa.bindparam("which"))
_ITS_CONTACT = _CONTACT.select.where(contact.c.engine_id == sa.bindparam("which"))
_KNOWN = sa.select(engine.c.id).where(engine.c.id == sa.bindparam("which"))


class EngineBook(Collection):
    """Engines, by name."""

    def all(self) -> list[Engine]:
        """All of them."""
        return _ENGINE.read(self._connection.execute(_ENGINES))

    def get(self, engine_id: str) -> Engine:
        """One of them. Raises KeyError."""
        found = _ENGINE.read(self._connection.execute(_ONE, {"which": engine_id}))
        if not found:
            raise KeyError(engine_id)
        return found[0]

    def by_name(self, name: str) -> Engine | None:
        """The one of that name."""
        found = _ENGINE.read(self._connection.execute(_ENGINE.select.where(engine.c.name == name)))
        return found[0] if found else None

    def save(self, value: Engine) -> None:
        """Add it, or change the one of its identity. Raises CatalogError where another one has its name."""
        self._changes("engines")
        self._connection.execute(_ENGINE.upsert, _ENGINE.values(value))

    def remember_key(self, engine_id: str, address: Address, key: str) -> None:
        """Keep the key that the server at an address was seen to have, where none is kept for it yet."""
        known = _ENGINE.read(self._connection.execute(_ONE, {"which": engine_id}))
        # Compared as an address: an earlier version may have written the same one in other words.
        if not known or known[0].address != address or known[0].server_key:
            return
        self._changes("engines")
        self._connection.execute(sa.update(engine).where(engine.c.id == engine_id).values(server_key=key))

    def remember_identity(self, engine_id: str, address: Address, identity: str) -> None:
        """Keep by what the daemon at an address knows itself, where nothing is kept for it yet."""
        known = _ENGINE.read(self._connection.execute(_ONE, {"which": engine_id}))
        if not known or known[0].address != address or known[0].identity:
            return
        self._changes("engines")
        self._connection.execute(sa.update(engine).where(engine.c.id == engine_id).values(identity=identity))

    def remove(self, engine_id: str) -> None:
        """With its contact. Raises CatalogError where environments are placed on it."""
        placed = self._connection.execute(
            sa.select(application.c.name, environment.c.name)
            .join(application, application.c.id == environment.c.application_id)
            .where(environment.c.engine_id == engine_id)
            .order_by(application.c.name, environment.c.name)
        ).all()
        if placed:
            named = ", ".join(f"{name} {environment_name}" for name, environment_name in placed[:3])
            more = f" and {len(placed) - 3} more" if len(placed) > 3 else ""
            raise CatalogError(
                f"This engine can't be removed: {named}{more} {'are' if len(placed) > 1 else 'is'} placed on it.",
                "Place them on another engine, or remove them first.",
            )
        self._changes("engines")
        self._connection.execute(sa.delete(engine).where(engine.c.id == engine_id))

    def contacts(self) -> dict[str, Contact]:
        """The last attempt to reach each engine, by the engine's identity; without those that were never tried."""
        return {found.engine_id: found for found in _CONTACT.read(self._connection.execute(_CONTACT.select))}

    def contact(self, engine_id: str) -> Contact | None:
        """The last attempt to reach one engine; None where it was never tried."""
        found = _CONTACT.read(self._connection.execute(_ITS_CONTACT, {"which": engine_id}))
        return found[0] if found else None

    def save_contact(self, value: Contact, *, news: bool = True) -> None:
        """Keep the outcome of an attempt. That of an engine that was removed in the meantime is left out.

        Without `news` only its times differ from the last one: then ``times`` has changed, not ``engines``.
        """
        self._changes("engines" if news else "times")
        if self._connection.scalar(_KNOWN, {"which": value.engine_id}) is not None:
            self._connection.execute(_CONTACT.upsert, _CONTACT.values(value))


class Registries(Collection):
    """Registries that ask for a password, by host."""

    def all(self) -> list[Registry]:
        """All of them."""
        return _REGISTRY.read(self._connection.execute(_REGISTRY.select.order_by(registry.c.host)))

    def by_host(self, host: str) -> Registry | None:
        """The one at that host."""
        found = _REGISTRY.read(self._connection.execute(_REGISTRY.select.where(registry.c.host == host)))
        return found[0] if found else None

    def save(self, value: Registry) -> None:
        """Add it, or change the one of its identity. Raises CatalogError where another one has its host."""
        self._changes("registries")
        self._connection.execute(_REGISTRY.upsert, _REGISTRY.values(value))

    def remove(self, registry_id: str) -> None:
        """Forget it. Its password in the keyring is not the catalog's business."""
        self._changes("registries")
        self._connection.execute(sa.delete(registry).where(registry.c.id == registry_id))
