"""Trust: the keys of the servers on the way to an engine, by SSH and by TLS, and what a person decides about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mirror_console.domain.audit import Act, Doing, Noun
from mirror_console.domain.engine import Engine, Way
from mirror_console.domain.secret import Secret
from mirror_console.domain.server_key import ServerKeyChanged, parse_fingerprint
from mirror_console.domain.ssh import HostKey, HostKeyRefused, SshError, Stage, with_host_key
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.ports.engine import EngineSession

LONGEST_IDENTITY = 256


def accept_host_key(console: Console, engine_id: str, key: HostKey) -> Engine:
    """A person has compared the key that an SSH server shows: from now on it is the one of its host and port.

    What was accepted for that host and port before is no longer. Raises InvalidInput where the engine isn't reached by
    SSH, KeyError where it isn't there, NotAllowed.
    """
    console.demand_write()
    engine = console.engine(engine_id)
    if engine.ssh is None:
        problem = Problem("host_keys", f"{engine.name} is not reached by SSH")
        raise InvalidInput("The host key was not accepted.", [problem])
    trusting = replace(engine, ssh=replace(engine.ssh, host_keys=with_host_key(engine.ssh, key)))
    with console.catalog.write() as books:
        books.engines.save(trusting)
    console.engines.forget(engine_id)
    return trusting


def host_key_refusal(
    console: Console, engine: Engine, secrets: Mapping[str, Secret] | None = None
) -> HostKeyRefused | None:
    """The key on the way to an engine that a person has to decide on; None where all of them are accepted.

    Nothing of the sign-in is sent to a server whose key isn't. Raises EngineError where the way fails before it shows
    its key; what fails after doesn't matter here.
    """
    try:
        console.engines.try_out(engine, secrets or {})
    except HostKeyRefused as refusal:
        return refusal
    except SshError as error:
        if error.stage is Stage.HOST_KEY:
            raise
    return None


def remember(books: Books, engine: Engine, session: EngineSession, identity: str = "") -> None:
    """Keep the key that an engine's server was seen to have, and its identity, after it answered for the first time.

    Whoever keeps what was seen keeps this too; a console that keeps nothing looks at no less, for as long as it runs.
    """
    if engine.address.way is Way.TLS and not engine.server_key and session.server_key:
        books.engines.remember_key(engine.id, engine.address, session.server_key)
    if identity and not engine.identity:
        books.engines.remember_identity(engine.id, engine.address, identity)


def meet(console: Console, engine: Engine) -> Engine:
    """Connect to an engine anew; the key of its server is remembered if none is. Raises EngineError, NotAllowed."""
    console.demand_write()
    session = console.engines.try_out(engine, {})
    with console.catalog.write() as books:
        remember(books, engine, session)
        return books.engines.get(engine.id)


def server_key_refusal(
    console: Console, engine: Engine, secrets: Mapping[str, Secret] | None = None
) -> ServerKeyChanged | None:
    """The key of an engine's server that a person has to decide on; None where it is the remembered one, or the first.

    Nothing is asked of a server whose key isn't. Raises EngineError where the way fails otherwise.
    """
    try:
        console.engines.try_out(engine, secrets or {})
    except ServerKeyChanged as refusal:
        return refusal
    return None


def accept_identity(console: Console, engine_id: str, identity: str) -> Engine:
    """A person knows that the daemon of an engine was set up anew: from now on this identity is the right one.

    Raises InvalidInput where it is none, KeyError where the engine isn't there, NotAllowed.
    """
    console.demand_write()
    identity = identity.strip()
    if not identity or not identity.isprintable() or len(identity) > LONGEST_IDENTITY:
        problem = Problem("identity", "it is what 'docker info' tells as ID on the engine's host")
        raise InvalidInput("The engine's identity was not accepted.", [problem])
    with console.catalog.write() as books:
        before = books.engines.get(engine_id)
        accepted = replace(before, identity=identity)
        books.engines.save(accepted)
        books.audit.append(
            Act(
                Noun.ENGINE,
                Doing.CHANGED,
                engine_id,
                before.name,
                before={"identity": before.identity},
                after={"identity": identity},
            )
        )
    return accepted


def accept_server_key(console: Console, engine_id: str, key: str) -> Engine:
    """A person has compared the fingerprint of the key that an engine's server shows: from now on it is the right one.

    The one before no longer is. Raises InvalidInput where it is no fingerprint or the engine isn't reached by TLS,
    KeyError where it isn't there, NotAllowed.
    """
    console.demand_write()
    try:
        fingerprint = parse_fingerprint(key)
    except ValueError as error:
        raise InvalidInput("The key was not accepted.", [Problem("server_key", str(error))]) from None
    with console.catalog.write() as books:
        engine = books.engines.get(engine_id)
        if engine.address.way is not Way.TLS:
            problem = Problem("server_key", f"{engine.name} is not reached by TLS")
            raise InvalidInput("The key was not accepted.", [problem])
        trusting = replace(engine, server_key=fingerprint)
        books.engines.save(trusting)
    console.engines.forget(engine_id)
    return trusting
