"""Neighbours: engines that hold an image which another engine can't get from its registry."""

from __future__ import annotations

from mirror_console.domain.engine import Engine
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.access import reached_now
from mirror_console.operations.console import Console


def neighbours(console: Console, fingerprint: str, but: str, application_id: str) -> list[Engine]:
    """Engines that were seen to hold an image, or to run it, as an application's account reaches them.

    Those that answered last come first. Not those to which it has no access, nor the one with the id `but`.
    """
    if not fingerprint:
        return []
    with console.catalog.read() as books:
        ids = {held.engine_id for held in books.images.like(fingerprint)}
        ids |= {seen.engine_id for seen in books.observations.all() if seen.present and seen.fingerprint == fingerprint}
        contacts = books.engines.contacts()
        known = [engine.id for engine in books.engines.all() if engine.id in ids - {but}]
    found = []
    for engine_id in sorted(known, key=lambda one: one not in contacts or not contacts[one].answered):
        try:
            found.append(reached_now(console, engine_id, application_id))
        except EngineError as error:
            if error.kind is not FailureKind.NO_ACCESS:
                raise
    return found
