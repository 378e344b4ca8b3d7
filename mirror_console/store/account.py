"""Accounts in the catalog."""

from __future__ import annotations

from mirror_console.domain.account import Account
from mirror_console.store.collection import Collection
from mirror_console.store.shape import Shape
from mirror_console.store.tables import account

_SHAPE = Shape(Account, account)


class Accounts(Collection):
    """Accounts, by name."""

    def all(self) -> list[Account]:
        """All of them."""
        return _SHAPE.read(self._connection.execute(_SHAPE.select.order_by(account.c.name)))

    def save(self, value: Account) -> None:
        """Add it, or change the one of its name."""
        self._changes("accounts")
        self._connection.execute(_SHAPE.upsert, _SHAPE.values(value))
