"""Unused images: which ones without a container an engine has no more, and which ones nobody knows of yet."""

from __future__ import annotations

from collections.abc import Set

from mirror_console.domain.cleanup import repositories_of
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.console import Console
from mirror_console.operations.ports.engine import EngineSession

MOST_LOOKED_AT = 100
"""Images of which nothing is known that are read in one thorough look at an engine."""
_TELLS_NOTHING = frozenset({FailureKind.PERMISSION, FailureKind.REJECTED})
"""What a proxy before an engine answers that lets nobody list images: then what is known stays as it is."""


def unused_images(
    console: Console, session: EngineSession, held: Set[str], in_use: Set[str], *, thorough: bool
) -> tuple[list[str], list[str]]:
    """The ids of images that are gone, and of those that are to be read. Raises EngineError.

    `held` is what the engine was seen to hold; what is `in_use` by a container is there. So the engine is seldom asked.
    With `thorough` it is, for what may be a source's: what is in its repository, or has no name.
    """
    unused = held - in_use
    if not unused and not thorough:
        return [], []
    try:
        there = {image.id: repositories_of(image) for image in session.images()}
    except EngineError as error:
        if error.kind in _TELLS_NOTHING:
            return [], []
        raise
    gone = sorted(unused - there.keys())
    if not thorough:
        return gone, []
    with console.catalog.read() as books:
        ours = {source.repository for source in books.applications.sources()}
    unknown = (one for one in sorted(there.keys() - held) if not there[one] or there[one] & ours)
    return gone, list(unknown)[:MOST_LOOKED_AT]
