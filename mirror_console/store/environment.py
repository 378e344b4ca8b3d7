"""Environments and their processes in the catalog."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import fields

import sqlalchemy as sa

from mirror_console.domain.environment import Environment, Process
from mirror_console.store.collection import Collection
from mirror_console.store.shape import Shape, in_bulk
from mirror_console.store.tables import environment, observation, process

_SHAPE = Shape(Environment, environment, {"processes": sa.null().label("processes")})
_PLACE = [field.name for field in fields(Environment)].index("processes")
_PROCESS = Shape(Process, process)


class Environments(Collection):
    """Environments of sources and of mirrors, in the order in which they came."""

    def all(self) -> list[Environment]:
        """All of them."""
        with in_bulk():
            return self._read(sa.true())

    def get(self, environment_id: str) -> Environment:
        """One of them. Raises KeyError."""
        found = self._read(environment.c.id == environment_id)
        if not found:
            raise KeyError(environment_id)
        return found[0]

    def of(self, application_id: str) -> list[Environment]:
        """Those of one application."""
        return self._read(environment.c.application_id == application_id)

    def on(self, engine_id: str) -> list[Environment]:
        """Those that are placed on one engine."""
        with in_bulk():
            chosen = _SHAPE.select.where(environment.c.engine_id == engine_id)
            return _SHAPE.read(self._connection.execute(chosen.order_by(sa.text("environment.rowid"))))

    def save(self, value: Environment) -> None:
        """Add it, or change the one of its identity. What was seen of a process that it no longer has is forgotten.

        Raises CatalogError where its application has another environment of that name; at the end of the transaction
        where its application or its engine isn't in the catalog.
        """
        self._changes("environments")
        self._connection.execute(_SHAPE.upsert, _SHAPE.values(value))
        mine = process.c.environment_id == value.id
        kept = self._connection.execute(_PROCESS.select.where(mine).order_by(process.c.place))
        before = tuple(_PROCESS.read(kept))
        if before == value.processes:
            return
        self._connection.execute(sa.delete(process).where(mine))
        rows = [
            {"environment_id": value.id, "place": place, **_PROCESS.values(one)}
            for place, one in enumerate(value.processes)
        ]
        if rows:
            self._connection.execute(sa.insert(process), rows)
        gone = {one.name for one in before} - {one.name for one in value.processes}
        if gone:
            self._changes("observations")
            seen = sa.delete(observation).where(observation.c.environment_id == value.id)
            self._connection.execute(seen.where(observation.c.process.in_(sorted(gone))))

    def remove(self, environment_id: str) -> None:
        """With what was seen of it, and with its releases. Rollouts keep their history."""
        self._changes("environments", "observations", "releases")
        self._connection.execute(sa.delete(environment).where(environment.c.id == environment_id))

    def _read(self, which: sa.ColumnElement[bool]) -> list[Environment]:
        """Environments with their processes in two queries, however many there are."""
        processes: defaultdict[str, list[Process]] = defaultdict(list)
        rows = self._connection.execute(
            sa.select(process.c.environment_id, process.c.name, process.c.container)
            .join(environment, environment.c.id == process.c.environment_id)
            .where(which)
            .order_by(process.c.environment_id, process.c.place)
        )
        for environment_id, name, container in rows.all():
            processes[environment_id].append(Process(name, container))
        found = self._connection.execute(_SHAPE.select.where(which).order_by(sa.text("environment.rowid")))
        return [Environment(*row[:_PLACE], tuple(processes[row.id]), *row[_PLACE + 1 :]) for row in found.all()]
