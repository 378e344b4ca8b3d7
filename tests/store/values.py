"""Values to keep: any value of a frozen dataclass of the domain, by the kinds of its fields, and a small fleet."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.engine import Address, Engine, Way
from mirror_console.domain.environment import Environment, Process, Settings
from mirror_console.domain.journal import JournalEntry, Phase
from mirror_console.domain.observation import Health, Observation, State
from mirror_console.domain.plan import Change, Plan, PlannedTarget
from mirror_console.domain.rollout import Rollout, RolloutState, Target
from mirror_console.domain.secret import SecretReference
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import Way as RolloutWay
from mirror_console.store.books import Books

NOW = datetime(2026, 8, 30, 14, 21, 7, 250_000, tzinfo=UTC)

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_WHOLE = st.integers(-(2**62), 2**62)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: _TEXT,
    int: _WHOLE,
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    type(None): st.none(),
    SecretReference: st.from_regex(r"[a-z0-9]{1,8}/[a-z0-9]{1,12}", fullmatch=True).map(SecretReference),
}


def anything(kind: Any, **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any value of a kind; `given` are strategies for some fields of a dataclass."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, parts = get_origin(kind), get_args(kind)
    if origin in {types.UnionType, Union}:
        return st.one_of(*(anything(part) for part in parts))
    if origin is tuple:
        return st.lists(anything(parts[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return st.dictionaries(_TEXT, anything(parts[1]), max_size=3)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(kind)
    assert isinstance(kind, type)
    assert is_dataclass(kind)
    hints = get_type_hints(kind)
    chosen = {
        name: given[name] if name in given else anything(hints[name]) for name in (field.name for field in fields(kind))
    }
    return st.builds(kind, **chosen)


def engine(number: int = 0) -> Engine:
    """An engine reached by a local socket."""
    return Engine(f"engine{number}", f"fra-{number}", Address(Way.SOCKET, "/run/docker.sock"))


def source() -> Application:
    """A source."""
    return Application("source", Kind.SOURCE, "Webshop", "webshop", repository="registry.example/shop/webshop")


def mirror(number: int) -> Application:
    """A mirror of the source."""
    return Application(
        f"mirror{number}",
        Kind.MIRROR,
        f"Mirror {number}",
        f"mirror-{number}",
        tags=("de", "gold"),
        domains=(f"m{number}.example",),
        source_id="source",
    )


def environment(application: Application, name: str = "live", engine_id: str = "engine0") -> Environment:
    """An environment of an application on the first engine."""
    settings = Settings(variables={"LANGUAGE": "de"}, secrets={"DB": SecretReference("app/db")})
    container = f"{application.slug}-{name}"
    identity = f"{application.id}-{name}"
    return Environment(identity, application.id, name, engine_id, (Process("web", container),), settings)


def observation(of: Environment, version: str = "26.8.3", at: datetime = NOW) -> Observation:
    """A healthy container, seen in an environment."""
    return Observation(
        of.id,
        "web",
        of.engine_id,
        at,
        "c" * 64,
        of.container,
        version=version,
        state=State.RUNNING,
        health=Health.HEALTHY,
    )


def fleet(books: Books, mirrors: int) -> list[Environment]:
    """A source and so many mirrors with two environments each, all seen."""
    books.engines.save(engine())
    books.applications.save(source())
    placed = [environment(source(), name) for name in ("test", "live")]
    for number in range(mirrors):
        books.applications.save(mirror(number))
        placed += [environment(mirror(number), name) for name in ("test", "live")]
    for one in placed:
        books.environments.save(one)
    books.observations.save_all([observation(one) for one in placed])
    return placed


def planned(of: Environment) -> PlannedTarget:
    """An update of an environment."""
    return PlannedTarget(
        of.id,
        "web",
        of.application_id,
        "Mirror",
        of.name,
        of.engine_id,
        "fra-0",
        of.container,
        Change.UPDATE,
        Swap.RECREATE,
        "26.8.2",
        "fp1:" + "a" * 64,
        "c" * 64,
        "sha256:" + "d" * 64,
        "26.8.3",
        "fp1:" + "b" * 64,
        "registry.example/shop/webshop@sha256:" + "e" * 64,
        of.settings,
    )


def rollout(of: list[Environment], identity: str = "rollout1", started_at: datetime = NOW) -> Rollout:
    """A running rollout over some environments."""
    targets = tuple(planned(one) for one in of)
    plan = Plan(f"plan-{identity}", NOW, "operator", "live", targets, (), RolloutWay(), "ABCD-1234")
    return Rollout(
        identity,
        plan,
        RolloutState.RUNNING,
        "operator",
        "release day",
        started_at,
        tuple(Target(one) for one in targets),
    )


def line(rollout_id: str = "rollout1", words: str = "about to pull") -> JournalEntry:
    """A line of the journal."""
    return JournalEntry(
        rollout_id, "mirror0-live", "web", 1, Step.PULL, Phase.INTENT, NOW, objects={"old": "c" * 64}, words=words
    )
