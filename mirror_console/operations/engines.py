"""Engines: keep what was typed for an engine, its credentials in the keyring, take it away, and try the way to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mirror_console.domain.engine import UNENCRYPTED_ACCEPTED, Engine, Way, identity_at, server_key_at
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.connection import ConnectionStep, StepState, test_connection, titles
from mirror_console.operations.console import Console
from mirror_console.operations.engine_input import (
    EngineDraft,
    EngineInput,
    clashes,
    draft_engine,
    engine_input,
    engine_references,
    missing_certificates,
)
from mirror_console.operations.keeping import forget, kept
from mirror_console.operations.registries import (
    RegistryInput,
    draft_registry,
    registry_problems,
    remove_registry,
    save_registry,
)
from mirror_console.operations.ssh_input import SshInput, missing_credentials
from mirror_console.operations.trust import (
    accept_host_key,
    accept_identity,
    accept_server_key,
    host_key_refusal,
    server_key_refusal,
)

__all__ = [
    "ConnectionStep",
    "EngineDraft",
    "EngineInput",
    "RegistryInput",
    "SshInput",
    "StepState",
    "accept_host_key",
    "accept_identity",
    "accept_server_key",
    "draft_engine",
    "draft_registry",
    "engine_input",
    "engine_problems",
    "host_key_refusal",
    "registry_problems",
    "remove_engine",
    "remove_registry",
    "save_engine",
    "save_registry",
    "server_key_refusal",
    "test_connection",
    "test_input",
]


def save_engine(console: Console, typed: EngineInput, engine_id: str | None = None) -> Engine:
    """Add an engine, or change the one of that identity. Open connections to it are closed.

    Raises InvalidInput with every problem, VaultError where the keyring refuses the credentials, NotAllowed.
    """
    console.demand_write()
    problems, draft, before = _judged(console, typed, engine_id)
    if problems or draft is None:
        raise InvalidInput("The engine was not saved.", problems)
    with kept(console, draft.secrets), console.catalog.write() as books:
        # Its server's key and its identity may have been seen since: that isn't lost.
        now = books.engines.get(draft.engine.id) if before is not None else None
        address = draft.engine.address
        engine = replace(draft.engine, server_key=server_key_at(address, now), identity=identity_at(address, now))
        books.engines.save(engine)
    console.engines.forget(engine.id)
    if before is not None:
        stays = engine_references(engine)
        forget(console, [reference for reference in engine_references(before) if reference not in stays])
    return engine


def engine_problems(console: Console, typed: EngineInput, engine_id: str | None = None) -> list[Problem]:
    """Everything wrong with what is typed, by itself and beside the engines in the catalog."""
    return _judged(console, typed, engine_id)[0]


def remove_engine(console: Console, engine_id: str) -> None:
    """Take an engine out of the catalog and its credentials out of the keyring. Nothing is changed on it.

    Raises CatalogError where environments are placed on it, KeyError where it isn't there.
    """
    console.demand_write()
    engine = console.engine(engine_id)
    with console.catalog.write() as books:
        accesses = books.accesses.of(engine_id)
        books.engines.remove(engine_id)
    console.engines.forget(engine_id)
    forget(console, [reference for access in accesses for reference in access.references.values()])
    forget(console, engine_references(engine))


def test_input(console: Console, typed: EngineInput, engine_id: str | None) -> Iterator[ConnectionStep]:
    """Try the way to an engine as it is typed, before it is saved. An address that can't be read fails step 1."""
    problems, draft, _ = _judged(console, typed, engine_id)
    # A name that is taken, or none yet, is no reason not to look whether the engine answers.
    problems = [problem for problem in problems if problem.field not in {"name", "at_once"}]
    if draft is not None and not problems:
        yield from test_connection(console, draft.engine, draft.secrets)
        return
    title, *others = titles(draft.engine.address.way if draft else Way.SOCKET)
    yield ConnectionStep(1, title, StepState.RUNNING)
    words = " ".join(f"{problem}." for problem in problems)
    yield ConnectionStep(1, title, StepState.FAILED, words, 0.0, "Correct it and test again.")
    for number, title in enumerate(others, 2):
        yield ConnectionStep(number, title, StepState.SKIPPED, "not tried")


def _judged(
    console: Console, typed: EngineInput, engine_id: str | None
) -> tuple[list[Problem], EngineDraft | None, Engine | None]:
    with console.catalog.read() as books:
        others = [engine for engine in books.engines.all() if engine.id != engine_id]
        before = books.engines.get(engine_id) if engine_id else None
    problems: list[Problem] = []
    draft = draft_engine(typed, before, problems)
    problems += clashes(typed.name, draft.engine if draft else None, others)
    if draft is None:
        return problems, None, before
    if draft.engine.address.way is Way.TLS and (before is None or before.tls is None):
        problems += missing_certificates(typed)
    if draft.engine.ssh is not None:
        problems += missing_credentials(draft.engine.ssh)
    if draft.engine.address.way is Way.PLAIN and not draft.engine.unencrypted_accepted:
        words = "whoever runs a program on this computer is root there, as nobody is asked who they are"
        problems.append(Problem("unencrypted", f"{words}: type '{UNENCRYPTED_ACCEPTED}'"))
    return problems, draft, before
