"""Whether an engine has an image: looked up by what is known of it there, else found among all that it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from mirror_console.domain.engine import Engine
from mirror_console.domain.held import HeldImage
from mirror_console.domain.image import Image
from mirror_console.domain.request import ListedImage
from mirror_console.operations.console import Console
from mirror_console.operations.ports.engine import EngineSession

MOST_LOOKED_AT = 50
"""Images of an engine that are looked at for layers in common."""


class Wanted(Protocol):
    """Which image is looked for."""

    @property
    def fingerprint(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Held:
    """One look at one engine: `listed` is all that it had then; `platform` is empty if unknown."""

    engine: Engine
    session: EngineSession
    image: Image | None
    listed: tuple[ListedImage, ...]
    platform: str = ""

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the images that it had."""
        return frozenset(item.id for item in self.listed)


def holding(console: Console, engine: Engine, wanted: Wanted) -> Held:
    """Look for an image by its fingerprint. Raises EngineError.

    What was read of an image on this engine is not read again: ids never change their meaning there.
    """
    with console.catalog.read() as books:
        known = books.images.on(engine.id)
        contact = books.engines.contact(engine.id)
    session = console.engines.session(engine)
    listed = session.images()
    image = _found(session, frozenset(item.id for item in listed), known, wanted)
    platform = contact.facts.platform if contact is not None and contact.facts is not None else ""
    return Held(engine, session, image, tuple(listed), platform)


def layers_there(held: Held, name: str) -> list[tuple[str, ...]]:
    """The layers of images that an engine has, those first that are called like `name`, of some. Raises EngineError."""
    repository = name.rpartition(":")[0]
    ordered = sorted(held.listed, key=lambda item: not any(tag.startswith(f"{repository}:") for tag in item.tags))
    there = (held.session.image(item.id) for item in ordered[:MOST_LOOKED_AT])
    return [image.layers for image in there if image is not None]


def _found(session: EngineSession, ids: frozenset[str], known: Iterable[HeldImage], wanted: Wanted) -> Image | None:
    prints = {held.id: held.fingerprint for held in known}
    for name in _names(ids, prints, wanted):
        image = session.image(name)
        if image is not None and image.fingerprint == wanted.fingerprint:
            return image
    return None


def _names(ids: frozenset[str], prints: dict[str, str], wanted: Wanted) -> Iterator[str]:
    """By what it may be found, the most likely first."""
    yield from (identity for identity in sorted(ids) if prints.get(identity) == wanted.fingerprint)
    if wanted.name:
        yield wanted.name
    yield from (identity for identity in sorted(ids) if identity not in prints)
