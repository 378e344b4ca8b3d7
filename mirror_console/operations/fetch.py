"""A fetch, for those who ask for one: what is wanted where, how far it is, how it ended, when it is halted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from mirror_console.domain.fetching import FetchState, pulled
from mirror_console.domain.image import HUB, Image, parse_reference
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.releases_seen import note_held


class Halting(Enum):
    """Whether it is gone on with."""

    NOT = auto()
    PAUSING = auto()
    """Nothing more is begun; what comes is let come."""
    STOPPING = auto()
    """What comes is broken off too: nothing was changed yet."""


class PutAside(Exception):
    """A fetch was given up as the rollout pauses or stops. Nothing was changed; it can be begun anew."""

    def __init__(self, words: str = "the rollout was halted before the image had come") -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True, slots=True)
class HowFar:
    """How far a fetch is: for whoever waits for it."""

    state: FetchState
    share: float = 0.0
    words: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An image was brought. `words` tells what it took, where it took more than one pull.

    `brought` says that this fetch is what put it there and that nobody has noted that yet: it is ours to remove.
    `image` is what to look for it by: where it came from another engine the registry's name for it isn't known there.
    """

    words: str = ""
    brought: bool = False
    image: str = ""


@dataclass(frozen=True, slots=True)
class Want:
    """What is to be brought where, and whose way into engines is taken."""

    engine_id: str
    engine: str
    reference: str
    """The fingerprint where no registry is known to have it."""
    fingerprint: str
    application_id: str
    title: str = ""
    """What people call the image."""

    @property
    def pulled(self) -> str:
        """What a registry is asked for; empty where none is known to have it, and another engine gives it."""
        return pulled(self.reference)

    @property
    def registry(self) -> str:
        """The registry that it comes from, where one is known to have it."""
        return parse_reference(self.pulled).registry or HUB


Relays = Callable[[Want, Callable[[HowFar], None], Callable[[], bool]], Arrival | None]
"""Brings an image from another engine that has it: None where none has. The last parameter is whether to break off.

Raises EngineError where that failed, and PutAside.
"""


def nobody(_want: Want, _say: Callable[[HowFar], None], _stopped: Callable[[], bool]) -> Arrival | None:
    return None


def note_brought(books: Books, console: Console, engine_id: str, image: Image, brought_by: str) -> None:
    """Keep that an image was brought to an engine by us, unless it was there before and came otherwise.

    Only what is noted so is ever ours to remove.
    """
    known = next((held for held in books.images.on(engine_id) if held.id == image.id), None)
    if known is None or known.brought_by:
        note_held(books, engine_id, [image], console.clock(), brought_by)


def known_as(console: Console, engine_id: str, fingerprint: str) -> list[str]:
    """The ids under which an image was seen on an engine.

    An image that was loaded, or came from another engine, isn't known by the name that a registry has for it.
    """
    with console.catalog.read() as books:
        return [held.id for held in books.images.like(fingerprint) if held.engine_id == engine_id]
