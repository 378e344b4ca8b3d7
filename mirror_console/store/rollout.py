"""Rollouts and their targets in the catalog."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from mirror_console.domain.bulk import in_bulk
from mirror_console.domain.check import Override
from mirror_console.domain.environment import Settings
from mirror_console.domain.fetching import Fetch
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.rollout import ENDED, Rollout, RolloutHead, RolloutState, Target, TargetState
from mirror_console.domain.service_settings import as_compared
from mirror_console.domain.swap import Swap
from mirror_console.domain.taken_back import Key, TakenBack, taken_back
from mirror_console.store.collection import Collection
from mirror_console.store.columns import json_text
from mirror_console.store.connection import raw
from mirror_console.store.failures import Unreadable
from mirror_console.store.plan import SHAPE as PLAN
from mirror_console.store.plan import Plans
from mirror_console.store.shape import Shape, T, among, binders
from mirror_console.store.tables import fetch, override, plan, rollout, target
from mirror_console.store.taken_back import rollbacks_of

_Parts = defaultdict[str, list[T]]

_TARGET = Shape(Target, target, {"taken_back": sa.null().label("taken_back")})
_FETCH = Shape(Fetch, fetch)
_OVERRIDE = Shape(Override, override)
_HEAD = Shape(
    Rollout,
    rollout,
    {
        "plan": rollout.c.plan_id.label("plan"),
        "targets": sa.null().label("targets"),
        "fetches": sa.null().label("fetches"),
        "overrides": sa.null().label("overrides"),
        "only": sa.null().label("only"),  # never kept
    },
)
_NEWEST_FIRST = (rollout.c.started_at.desc(), sa.text("rollout.rowid DESC"))
_UNFINISHED = rollout.c.state.in_([state for state in RolloutState if state not in ENDED])
_IDS = sa.select(rollout.c.id).order_by(*_NEWEST_FIRST)
_COUNTS = (
    sa.select(target.c.rollout_id, target.c.state, sa.func.count())
    .where(among(target.c.rollout_id))
    .group_by(target.c.rollout_id, target.c.state)
)
_BACK = sa.select(rollout.c.rolls_back).where(rollout.c.rolls_back.is_not(None))
_NEVER_ROLLED_BACK = sa.select(rollout.c.id, rollout.c.state, rollout.c.ended_at, rollout.c.trips).where(
    among(rollout.c.id), rollout.c.id.not_in(_BACK)
)
_NOTHING: Mapping[str, str] = MappingProxyType({})

# Written several times for each target while it is carried out: made once, as that costs more than to execute it.
_STANDING = binders(target, [field.name for field in fields(Target) if field.name not in {"planned", "taken_back"}])
_KEY = ("rollout_id", "environment_id", "process")
_SAVE_TARGET = (
    sa.update(target)
    .values({name: sa.bindparam(name) for name in _STANDING})
    .where(*(target.c[name] == sa.bindparam(f"key_{name}") for name in _KEY))
    .compile(dialect=SQLiteDialect(paramstyle="named"))
)


class Rollouts(Collection):
    """Rollouts with their plans and targets, newest first."""

    def all(self, known: Iterable[Rollout] = (), most: int | None = None) -> list[Rollout]:
        """All of them, or the newest `most`.

        Of those that are `known` already, which have ended and are as they were aren't read again: to read all of a
        year's takes seconds.
        """
        same = {one.id: one for one in self._as_they_were(known)}
        if not same and most is None:
            return self._read(sa.true())
        ids: list[str] = list(self._connection.scalars(_IDS.limit(most)))
        others = self._read(among(rollout.c.id), {"ids": json_text([one for one in ids if one not in same])})
        found = same | {one.id: one for one in others}
        if not found.keys() >= set(ids):
            raise Unreadable("a rollout that is not where it is listed")
        return [found[one] for one in ids]

    def tripped(self) -> list[Rollout]:
        """Those in which a stop rule came true."""
        return self._read(rollout.c.trips != ())

    def heads(self) -> list[RolloutHead]:
        """What tells them apart, of all of them, newest first: in a year they are too long to be read whole for one."""
        chosen = (
            sa.select(rollout.c.id, plan.c.fingerprint, rollout.c.state, rollout.c.console)
            .join(plan, plan.c.id == rollout.c.plan_id)
            .order_by(*_NEWEST_FIRST)
        )
        return [RolloutHead(*row) for row in self._connection.execute(chosen)]

    def get(self, rollout_id: str) -> Rollout:
        """One of them. Raises KeyError."""
        found = self._read(rollout.c.id == rollout_id)
        if not found:
            raise KeyError(rollout_id)
        return found[0]

    def unfinished(self) -> list[Rollout]:
        """Those that run, are paused, or were interrupted."""
        return self._read(_UNFINISHED)

    def add(self, value: Rollout) -> None:
        """The rollout, its plan and its targets. Raises CatalogError where its plan was saved with another content."""
        self._changes("rollouts")
        Plans(self._connection, self._changed).save(value.plan)
        of = value.plan.rollback_of
        more = {"plan_id": value.plan.id, "rolls_back": of.rollout_id if of is not None else None}
        self._connection.execute(_HEAD.insert, {**more, **_HEAD.values(value)})
        rows = [
            {
                "rollout_id": value.id,
                "place": place,
                "environment_id": one.planned.environment_id,
                "process": one.planned.process,
                **_TARGET.values(one),
            }
            for place, one in enumerate(value.targets)
        ]
        if rows:
            self._connection.execute(_TARGET.insert, rows)
        if value.fetches:
            self.save_fetches(value.id, value.fetches)
        self.add_overrides(value.id, value.overrides)

    def save_head(self, value: Rollout) -> None:
        """State, pause, gates and end of the rollout; not its targets. Raises KeyError where it was never added."""
        self._changes("rollouts")
        changed = sa.update(rollout).where(rollout.c.id == value.id).values(_HEAD.values(value))
        if self._connection.execute(changed).rowcount != 1:
            raise KeyError(value.id)

    def save_target(self, rollout_id: str, value: Target) -> None:
        """Where a target stands; not what was planned for it. Raises KeyError where the rollout hasn't got it."""
        self._changes("rollouts")
        values = {name: bind(getattr(value, name)) for name, bind in _STANDING.items()}
        of = (rollout_id, value.planned.environment_id, value.planned.process)
        values |= {f"key_{name}": part for name, part in zip(_KEY, of, strict=True)}
        if raw(self._connection).execute(_SAVE_TARGET.string, values).rowcount != 1:
            raise KeyError(f"{rollout_id} {value.environment_id}")

    def save_fetches(self, rollout_id: str, values: Sequence[Fetch]) -> None:
        """Where it stands that images are brought ahead; with one that isn't there yet, it is added at the end."""
        self._changes("rollouts")
        of_rollout = sa.select(fetch.c.engine_id, fetch.c.reference, fetch.c.place).where(
            fetch.c.rollout_id == rollout_id
        )
        places = {(engine, reference): place for engine, reference, place in self._connection.execute(of_rollout)}
        for value in values:
            place = places.setdefault((value.engine_id, value.reference), len(places))
            row = {"rollout_id": rollout_id, "place": place, **_FETCH.values(value)}
            self._connection.execute(_FETCH.upsert, row)

    def add_overrides(self, rollout_id: str, values: Sequence[Override]) -> None:
        """More answers that a rollout goes on in spite of. What a person has said is never changed."""
        self._changes("rollouts")
        of_rollout = sa.select(sa.func.count()).select_from(override).where(override.c.rollout_id == rollout_id)
        first = self._connection.scalar(of_rollout) or 0
        rows = [
            {"rollout_id": rollout_id, "place": place, **_OVERRIDE.values(value)}
            for place, value in enumerate(values, first)
        ]
        if rows:
            self._connection.execute(_OVERRIDE.insert, rows)

    def done(self, rollout_ids: Iterable[str]) -> dict[tuple[str, str], PlannedTarget]:
        """Targets of these rollouts that ended well, by rollout and environment."""
        chosen = sa.select(target.c.rollout_id, target.c.environment_id, target.c.planned).where(
            among(target.c.rollout_id), target.c.state == TargetState.DONE
        )
        with in_bulk():
            rows = self._connection.execute(chosen, {"ids": json_text(sorted(rollout_ids))}).all()
        return {(rollout_id, environment_id): planned for rollout_id, environment_id, planned in rows}

    def taken_back(self, rollout_ids: Iterable[str]) -> dict[str, dict[Key, TakenBack]]:
        """By rollout and target, which rollback took it back last, or failed to."""
        asked = set(rollout_ids)
        rollbacks = rollbacks_of(self._connection, asked)
        return {one: taken_back(one, rollbacks) for one in asked} if rollbacks else {}

    def last_settings(self, environment_id: str, settings_hash: str) -> Settings | None:
        """The settings with that hash that a rollout planned last for an environment: those that were applied."""
        chosen = (
            sa.select(target.c.planned)
            .join(rollout, rollout.c.id == target.c.rollout_id)
            .where(target.c.environment_id == environment_id)
            .order_by(*_NEWEST_FIRST)
        )
        for planned in self._connection.scalars(chosen):
            settings: Settings = planned.settings
            if as_compared(settings, swarm=planned.swap is Swap.SERVICE).hash == settings_hash:
                return settings
        return None

    def last_changes(self, environment_ids: Iterable[str]) -> dict[str, Target]:
        """What a rollout changed last of each environment, where one did: its target that is done, or was left."""
        # Of a year of rollouts only the last of each environment is read whole: the plans of targets are long.
        latest = sa.func.row_number().over(
            partition_by=target.c.environment_id,
            order_by=(rollout.c.started_at.desc(), sa.text("rollout.rowid DESC"), target.c.place.desc()),
        )
        ranked = (
            sa.select(target.c.rollout_id, target.c.place, latest.label("latest"))
            .join(rollout, rollout.c.id == target.c.rollout_id)
            .where(among(target.c.environment_id), target.c.state.in_([TargetState.DONE, TargetState.LEFT]))
            .subquery()
        )
        chosen = _TARGET.select.join(
            ranked, sa.and_(ranked.c.rollout_id == target.c.rollout_id, ranked.c.place == target.c.place)
        ).where(ranked.c.latest == 1)
        with in_bulk():
            found = _TARGET.read_in_parts(self._connection.execute(chosen, {"ids": json_text(sorted(environment_ids))}))
        return {one.environment_id: one for one in found}

    def _as_they_were(self, known: Iterable[Rollout]) -> Iterator[Rollout]:
        """Of these, those that ended and are as they were. What a rollback may have changed since isn't asked: of all
        that were ever rolled back none is told."""
        ended = {one.id: one for one in known if one.state in ENDED}
        if not ended:
            return
        counts: dict[str, dict[TargetState, int]] = defaultdict(dict)
        asked = {"ids": json_text(sorted(ended))}
        for rollout_id, state, count in self._connection.execute(_COUNTS, asked):
            counts[rollout_id][state] = count
        for rollout_id, *head in self._connection.execute(_NEVER_ROLLED_BACK, asked):
            one = ended[rollout_id]
            if [one.state, one.ended_at, one.trips] == head and counts[rollout_id] == Counter(
                target.state for target in one.targets
            ):
                yield one

    def _read(self, which: sa.ColumnElement[bool], asked: Mapping[str, str] = _NOTHING) -> list[Rollout]:
        """Rollouts in six queries, and some more where any was rolled back; in one where there is none, as is nearly
        always asked."""
        with in_bulk():
            heads = self._connection.execute(_HEAD.select.where(which).order_by(*_NEWEST_FIRST), asked).all()
            if not heads:
                return []
            of_plans = PLAN.select.where(among(plan.c.id))
            found = self._connection.execute(of_plans, {"ids": json_text(sorted({head.plan for head in heads}))})
            plans = {one.id: one for one in PLAN.read(found)}
            ids = json_text([head.id for head in heads])
            targets = self._parts(_TARGET, target, Target, ids)
            fetches = self._parts(_FETCH, fetch, Fetch, ids)
            overrides = self._parts(_OVERRIDE, override, Override, ids)
            rollbacks = rollbacks_of(self._connection, [head.id for head in heads])
            rollouts = []
            for head in heads:
                if head.plan not in plans:
                    raise Unreadable("a rollout without its plan")
                whole = {
                    **head._mapping,
                    "plan": plans[head.plan],
                    "targets": _as_since(targets[head.id], taken_back(head.id, rollbacks)),
                    "fetches": tuple(fetches[head.id]),
                    "overrides": tuple(overrides[head.id]),
                    "only": frozenset[str](),
                }
                rollouts.append(Rollout(**whole))
            return rollouts

    def _parts(self, shape: Shape[T], table: sa.Table, make: Callable[..., T], ids: str) -> _Parts[T]:
        """What each of these rollouts has in a table of its own, in its order, by the rollout's identity."""
        found: _Parts[T] = defaultdict(list)
        rows = self._connection.execute(
            shape.select.add_columns(table.c.rollout_id)
            .where(among(table.c.rollout_id))
            .order_by(table.c.rollout_id, table.c.place),
            {"ids": ids},
        )
        for *values, rollout_id in rows:
            found[rollout_id].append(make(*values))
        return found


def _as_since(targets: Sequence[Target], back: Mapping[Key, TakenBack]) -> tuple[Target, ...]:
    """The targets of a rollout, with what rollbacks did to them since."""
    if not back:
        return tuple(targets)
    return tuple(replace(one, taken_back=back.get((one.environment_id, one.planned.process))) for one in targets)
