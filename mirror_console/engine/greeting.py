"""The first words with an engine: whether it is one, of which kind, and the API version to speak with it."""

from __future__ import annotations

from dataclasses import dataclass

from mirror_console.domain.engine import OLDEST_API, Engine, is_api_version, spoken_api
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.plain import clean
from mirror_console.engine import translate
from mirror_console.engine.client import EngineClient
from mirror_console.engine.failures import Refusal, in_our_words
from mirror_console.errors import EngineError, FailureKind

PODMAN_HEADER = "Libpod-Api-Version"


@dataclass(frozen=True, slots=True)
class Greeting:
    """What an engine said of itself before anything was asked of it."""

    api: str
    """The API version to speak."""
    kind: EngineKind


def greet(engine: Engine, client: EngineClient) -> Greeting:
    """Ping an engine. Raises EngineError where no engine of a supported age answers.

    A proxy in between may take the headers away that tell the version: then the engine is asked for it.
    """
    offered, kind = _by_ping(engine, client)
    if not offered:
        offered, kind = _by_version(engine, client)
    version = spoken_api(offered)
    if version is not None:
        return Greeting(version, kind)
    if not is_api_version(offered):
        title = f"What answers at the address of {engine.name} is not a Docker engine."
        raise EngineError(FailureKind.NOT_DOCKER, title, "Check the address.", detail=clean(offered))
    oldest = "{}.{}".format(*OLDEST_API)
    title = f"{engine.name} is too old: it speaks Docker API {clean(offered)}, and {oldest} is needed."
    raise EngineError(FailureKind.TOO_OLD, title, "Bring it to Docker 20.10 or newer.")


def _by_ping(engine: Engine, client: EngineClient) -> tuple[str, EngineKind]:
    try:
        with in_our_words(engine.name, "answer a ping"):
            headers = client.greet().headers
    except EngineError as error:
        # What stands before an engine and can't reach it says so (502, 503): the address is right.
        before_it = isinstance(error.__cause__, Refusal) and error.__cause__.status >= 500
        if error.kind is not FailureKind.INVALID_REPLY or before_it:
            raise
        # No engine answers so: its next reply would tell nothing else.
        return "-", EngineKind.DOCKER
    kind = EngineKind.PODMAN if PODMAN_HEADER in headers else EngineKind.DOCKER
    return headers.get("Api-Version", ""), kind


def _by_version(engine: Engine, client: EngineClient) -> tuple[str, EngineKind]:
    """From a reply that no proxy takes for its own to change."""
    try:
        with in_our_words(engine.name, "tell its version"):
            return translate.offered(client.introduce().content)
    except EngineError as error:
        if error.kind not in {FailureKind.INVALID_REPLY, FailureKind.NOT_FOUND, FailureKind.REJECTED}:
            raise
        return "", EngineKind.DOCKER
