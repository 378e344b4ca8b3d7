"""An image that has arrived on an engine: proved by its fingerprint, named, and noted as ours."""

from __future__ import annotations

from mirror_console.domain.held import HeldImage
from mirror_console.domain.image import Image
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.console import Console
from mirror_console.operations.holding import Held


def proved(held: Held, names: tuple[str, ...], fingerprint: str) -> Image:
    """The image that was loaded under one of these names, if it is the one that was sent. Raises EngineError.

    Another one that wasn't there before is removed again.
    """
    found = [image for image in map(held.session.image, names) if image is not None]
    for image in found:
        if image.fingerprint == fingerprint:
            return image
    for image in found:
        if image.id not in held.ids:
            held.session.remove_image(image.id)
    title = (
        f"What arrived on {held.engine.name} is not the image that was sent."
        if found
        else f"{held.engine.name} took the image in, but hasn't got it."
    )
    raise EngineError(FailureKind.REJECTED, title, "Look at the engine: something else changes its images.")


def named(held: Held, image: Image, name: str) -> str:
    """Give it a name, unless that is another image's; words where it has not got it. Nothing for an empty name."""
    if not name or name in image.tags:
        return ""
    try:
        other = held.session.image(name)
        if other is not None:
            return "" if other.id == image.id else f"its name {name} is another image's there, and stays so"
        held.session.tag(image.id, name)
    except EngineError as error:
        return f"it could not be named: {error.title}"
    return ""


def record(console: Console, held: Held, image: Image, brought_by: str) -> None:
    """Note that the engine has it. `brought_by` is empty where it was there: who brought it then is known already."""
    with console.catalog.write() as books:
        if not brought_by and any(one.id == image.id for one in books.images.on(held.engine.id)):
            return
        books.images.save_all(
            [
                HeldImage(
                    engine_id=held.engine.id,
                    id=image.id,
                    fingerprint=image.fingerprint,
                    platform=image.platform,
                    seen_at=console.clock(),
                    tags=image.tags,
                    digests=image.digests,
                    version=image.version,
                    revision=image.revision,
                    size=image.size,
                    brought_by=brought_by,
                )
            ]
        )
