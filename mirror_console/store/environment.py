"""Environments and their processes in the catalog."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from mirror_console.domain.bulk import in_bulk
from mirror_console.domain.environment import Environment, Placed, Process
from mirror_console.store.collection import Collection
from mirror_console.store.columns import json_text
from mirror_console.store.shape import Shape, among
from mirror_console.store.tables import environment, observation, process

_SHAPE = Shape(Environment, environment, {"processes": sa.null().label("processes"), "going": sa.null().label("going")})
_FIELDS = [field.name for field in fields(Environment)]
_PLACE, _GOING = _FIELDS.index("processes"), _FIELDS.index("going")
_PROCESS = Shape(Process, process)
_COLUMNS = [process.c.going, *(process.c[field.name] for field in fields(Process))]
_MINE = sa.select(*_COLUMNS).where(process.c.environment_id == sa.bindparam("of")).order_by(process.c.place)
_PLACED = (
    sa.select(environment.c.id, environment.c.application_id, process.c.name, process.c.container, environment.c.swarm)
    .select_from(process)
    .join(environment, environment.c.id == process.c.environment_id)
    .where(environment.c.engine_id == sa.bindparam("on"))
    .order_by(sa.text("environment.rowid"), process.c.place)
)

_OF_SWARMS = sa.select(environment.c.engine_id).where(environment.c.swarm.is_(sa.true())).distinct()

_WHICH = {
    "of them all": None,
    "by id": environment.c.id == sa.bindparam("which"),
    "of one application": environment.c.application_id == sa.bindparam("which"),
    "of several ids": among(environment.c.id),
}
"""Which environments are read. All statements are made once: to make one anew takes longer than to carry it out."""


@functools.cache
def _reading(which: str) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """How such environments are read, and how their processes are."""
    chosen = _SHAPE.select.order_by(sa.text("environment.rowid"))
    parts = sa.select(process.c.environment_id, *_COLUMNS).order_by(process.c.environment_id, process.c.place)
    condition = _WHICH[which]
    if condition is not None:
        chosen = chosen.where(condition)
        parts = parts.join(environment, environment.c.id == process.c.environment_id).where(condition)
    return chosen, parts


class Environments(Collection):
    """Environments of sources and of mirrors, in the order in which they came."""

    def all(self) -> list[Environment]:
        """All of them."""
        return self._read("of them all")

    def get(self, environment_id: str) -> Environment:
        """One of them. Raises KeyError."""
        found = self._read("by id", {"which": environment_id})
        if not found:
            raise KeyError(environment_id)
        return found[0]

    def of(self, application_id: str) -> list[Environment]:
        """Those of one application."""
        return self._read("of one application", {"which": application_id})

    def following(self) -> list[Environment]:
        """Those that follow a registry's tag. One question where there are none."""
        follows = environment.c.follows.is_not(sa.null())
        ids = list(self._connection.scalars(sa.select(environment.c.id).where(follows)))
        return self.some(ids) if ids else []

    def in_groups(self, groups: Iterable[str]) -> list[Environment]:
        """Those that share their data under one of these names, whatever their source."""
        named = environment.c.group.in_(sorted(groups))
        ids = list(self._connection.scalars(sa.select(environment.c.id).where(named)))
        return self.some(ids) if ids else []

    def some(self, environment_ids: Iterable[str]) -> list[Environment]:
        """Those of these that are there."""
        return self._read("of several ids", {"ids": json_text(sorted(environment_ids))})

    def placed_on(self, engine_id: str) -> list[Placed]:
        """The processes that are placed on one engine."""
        with in_bulk():
            return [Placed(*row) for row in self._connection.execute(_PLACED, {"on": engine_id}).all()]

    def swarm_engines(self) -> frozenset[str]:
        """The engines on which environments are placed that are services of a Swarm, by their identities."""
        return frozenset(self._connection.scalars(_OF_SWARMS))

    def save(self, value: Environment) -> None:
        """Add it, or change the one of its identity. What was seen of a process that it no longer has is forgotten.

        Raises CatalogError where its application has another environment of that name; at the end of the transaction
        where its application or its engine isn't in the catalog.
        """
        self._changes("environments", of=[value.id])
        self._connection.execute(_SHAPE.upsert, _SHAPE.values(value))
        there = self._connection.execute(_MINE, {"of": value.id}).all()
        before = [(going, Process(*one)) for going, *one in there]
        now = [*((False, one) for one in value.processes), *((True, one) for one in value.going)]
        if before == now:
            return
        if before:
            self._connection.execute(sa.delete(process).where(process.c.environment_id == value.id))
        rows = [
            {"environment_id": value.id, "place": place, "going": going, **_PROCESS.values(one)}
            for place, (going, one) in enumerate(now)
        ]
        if rows:
            self._connection.execute(_PROCESS.insert, rows)
        gone = {one.name for _, one in before} - {one.name for _, one in now}
        if gone:
            self._changes("observations", of=())
            seen = sa.delete(observation).where(observation.c.environment_id == value.id)
            self._connection.execute(seen.where(observation.c.process.in_(sorted(gone))))

    def remove(self, environment_id: str) -> None:
        """With what was seen of it, and with its releases. Rollouts keep their history."""
        self._changes("environments", of=[environment_id])
        # What belongs to it goes with it: nothing else of these has changed.
        self._changes("observations", "releases", of=())
        self._connection.execute(sa.delete(environment).where(environment.c.id == environment_id))

    def _read(self, which: str, parameters: Mapping[str, str] | None = None) -> list[Environment]:
        """Environments with their processes in two queries, however many there are."""
        chosen, parts = _reading(which)
        processes: dict[str, tuple[Process, ...]] = {}
        leaving: dict[str, tuple[Process, ...]] = {}
        with in_bulk():
            for environment_id, going, *of_process in self._connection.execute(parts, parameters).all():
                where = leaving if going else processes
                where[environment_id] = (*where.get(environment_id, ()), Process(*of_process))
            make: Callable[..., Environment] = Environment
            return [
                make(
                    *row[:_PLACE],
                    processes.get(row[0], ()),
                    *row[_PLACE + 1 : _GOING],
                    leaving.get(row[0], ()),
                    *row[_GOING + 1 :],
                )
                for row in self._connection.execute(chosen, parameters).all()
            ]
