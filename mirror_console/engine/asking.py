"""How one engine is asked: in our words, and twice where a connection broke in a read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TypeVar

from mirror_console.domain.engine import Engine
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.plain import clean
from mirror_console.engine.client import EngineClient
from mirror_console.engine.failures import in_our_words
from mirror_console.engine.link import Link
from mirror_console.errors import EngineError, FailureKind

T = TypeVar("T")


class Asking:
    """One engine, reached: what all its verbs stand on."""

    def __init__(self, engine: Engine, link: Link, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._link = link
        self._clock = clock

    def _words(self, doing: str, *, registry: bool = False) -> AbstractContextManager[None]:
        return in_our_words(self._engine.name, doing, registry=registry)

    @contextmanager
    def _lacking(self, doing: str) -> Iterator[None]:
        """What Podman has no place for is answered by its front door, in words that no engine uses."""
        try:
            with self._words(doing):
                yield
        except EngineError as error:
            if not (self._is_podman and error.kind is FailureKind.INVALID_REPLY):
                raise
            title = f"{self._engine.name} is Podman, which can't {doing}."
            raise EngineError(FailureKind.REJECTED, title, "Use a Docker engine for this.") from error

    @property
    def _is_podman(self) -> bool:
        return self._link.kind is EngineKind.PODMAN

    def _read(self, doing: str, ask: Callable[[EngineClient], T], *, registry: bool = False) -> T:
        try:
            with self._words(doing, registry=registry):
                return ask(self._link.calls)
        except EngineError as error:
            if error.kind is not FailureKind.DROPPED:
                raise
        # An idle connection may have been closed just as it was used again; and to read twice does no harm.
        try:
            with self._words(doing, registry=registry):
                return ask(self._link.calls)
        except EngineError as error:
            if error.kind is FailureKind.DROPPED:
                self._link.hear_out()
            raise

    def _found(self, doing: str, ask: Callable[[EngineClient], T]) -> T | None:
        try:
            return self._read(doing, ask)
        except EngineError as error:
            if error.kind in {FailureKind.NOT_FOUND, FailureKind.IMAGE_NOT_FOUND}:
                return None
            raise


def unfit(what: str, text: str) -> EngineError:
    """What is refused before it is asked, because it isn't what it should be: it would become part of a path."""
    return EngineError(FailureKind.REJECTED, f"'{clean(text, 120)}' is not {what}.", "Correct it and try again.")
