"""What `--json` prints of images and relays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.held import HeldImage
from mirror_console.domain.relay import Relay
from mirror_console.domain.request import ListedImage


@dataclass(frozen=True, slots=True)
class ImageShape:
    """An image on an engine. `brought_by` is a rollout, ``prefetch`` or ``relay``; empty where it isn't ours."""

    id: str
    tags: Sequence[str]
    digests: Sequence[str]
    created: datetime | None
    size: int | None
    fingerprint: str
    brought_by: str


@dataclass(frozen=True, slots=True)
class RelayShape:
    """A relay that is over."""

    fingerprint: str
    source: str
    complete: bool
    words: str
    targets: Sequence[LegShape]


@dataclass(frozen=True, slots=True)
class LegShape:
    """What became of one engine of a relay. `bytes` were sent to it."""

    engine: str
    state: str
    words: str
    hint: str
    bytes: int
    image_id: str


def image_shape(listed: ListedImage, held: HeldImage | None) -> ImageShape:
    """An image on an engine."""
    return ImageShape(
        id=listed.id,
        tags=listed.tags,
        digests=listed.digests,
        created=listed.created,
        size=listed.size,
        fingerprint=held.fingerprint if held else "",
        brought_by=held.brought_by if held else "",
    )


def relay_shape(relay: Relay) -> RelayShape:
    """A relay."""
    legs = [LegShape(leg.engine, leg.state.value, leg.words, leg.hint, leg.octets, leg.image_id) for leg in relay.legs]
    return RelayShape(relay.fingerprint, relay.source, relay.complete, relay.sentence, legs)
