"""Plans in the catalog."""

from __future__ import annotations

from mirror_console.domain.bulk import in_bulk
from mirror_console.domain.plan import Plan
from mirror_console.errors import CatalogError
from mirror_console.store.collection import Collection
from mirror_console.store.shape import Shape
from mirror_console.store.tables import plan

SHAPE = Shape(Plan, plan)


class Plans(Collection):
    """Plans that were made, started or not, newest first."""

    def all(self) -> list[Plan]:
        """All of them."""
        with in_bulk():
            return SHAPE.read(self._connection.execute(SHAPE.select.order_by(plan.c.made_at.desc())))

    def get(self, plan_id: str) -> Plan:
        """One of them. Raises KeyError."""
        found = SHAPE.read(self._connection.execute(SHAPE.select.where(plan.c.id == plan_id)))
        if not found:
            raise KeyError(plan_id)
        return found[0]

    def save(self, value: Plan) -> None:
        """Keep it. A saved plan never changes: raises CatalogError where one of its identity says something else."""
        try:
            kept = self.get(value.id)
        except KeyError:
            self._changes("plans")
            self._connection.execute(SHAPE.insert, SHAPE.values(value))
            return
        if kept != value:
            raise CatalogError("A saved plan can't be changed.", "Make a new plan. Nothing was changed.")
