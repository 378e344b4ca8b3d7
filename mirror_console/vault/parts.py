"""How one secret lies in a keyring: whole in one entry, or split where the keyring's entries are too short.

The entry of a secret holds ``=`` and the value, or ``+``, a generation (a or b), a colon and the number of parts.
Part 3 of generation a has an entry of its own, named after the secret's with ``#a3`` behind it. A new value is
written as parts of the generation that isn't in use; then the one write of the secret's entry makes it the value;
then what isn't in use is removed. So there is the old value or the new one, whole, wherever that is broken off.
Parts are written upwards and removed downwards: what is left over of a generation always starts at 0 without gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mirror_console.domain.secret import Secret
from mirror_console.vault.rings import Ring

_ONE_UNIT = "\uffff"
"""The last character that is one unit of UTF-16, in which Windows counts; those beyond have two."""

_WHOLE = "="
_SPLIT = "+"
Generation = Literal["a", "b"]
_GENERATIONS: tuple[Generation, Generation] = ("a", "b")


class Incomplete:
    """What is read when an entry is there, but not of this form or without all of its parts."""


@dataclass(frozen=True, slots=True)
class _Split:
    """The header of a split secret."""

    generation: Generation
    count: int

    def __str__(self) -> str:
        return f"{_SPLIT}{self.generation}:{self.count}"


def write(ring: Ring, service: str, secret: Secret) -> None:
    """Make `secret` the value of this entry."""
    whole = Secret(_WHOLE + secret.reveal())
    if ring.limit is None:
        ring.write(service, whole)
        return
    if _length(whole) <= ring.limit:
        ring.write(service, whole)
        in_use = None
    else:
        before = _header(ring.read(service))
        pieces = _cut(secret, ring.limit)
        in_use = _Split("b" if before and before.generation == "a" else "a", len(pieces))
        for number, piece in enumerate(pieces):
            ring.write(_part(service, in_use.generation, number), piece)
        ring.write(service, Secret(str(in_use)))
    _sweep(ring, service, in_use)


def read(ring: Ring, service: str) -> Secret | Incomplete | None:
    """The value of this entry, or None when there is none."""
    entry = ring.read(service)
    while entry is not None:
        if entry.reveal().startswith(_WHOLE):
            return Secret(entry.reveal().removeprefix(_WHOLE))
        header = _header(entry)
        if header is None:
            return Incomplete()
        pieces = [ring.read(_part(service, header.generation, number)) for number in range(header.count)]
        if None not in pieces:
            return Secret("".join(piece.reveal() for piece in pieces if piece is not None))
        # Another console may have replaced the value while its parts were read here: then the header has changed.
        unchanged, entry = entry, ring.read(service)
        if entry == unchanged:
            return Incomplete()
    return None


def remove(ring: Ring, service: str) -> None:
    """Remove the value of this entry with all its parts, and whatever an earlier write left behind."""
    ring.remove(service)
    if ring.limit is not None:
        _sweep(ring, service, None)


def _sweep(ring: Ring, service: str, in_use: _Split | None) -> None:
    """Remove all parts but those in use."""
    for generation in _GENERATIONS:
        first = end = in_use.count if in_use and in_use.generation == generation else 0
        while ring.read(_part(service, generation, end)) is not None:
            end += 1
        for number in reversed(range(first, end)):
            ring.remove(_part(service, generation, number))


def _header(entry: Secret | None) -> _Split | None:
    if entry is None or not entry.reveal().startswith(_SPLIT):
        return None
    generation, _, count = entry.reveal().removeprefix(_SPLIT).partition(":")
    if not (count.isascii() and count.isdecimal()):
        return None
    return next((_Split(known, int(count)) for known in _GENERATIONS if known == generation), None)


def _part(service: str, generation: Generation, number: int) -> str:
    return f"{service}#{generation}{number}"


def _cut(secret: Secret, limit: int) -> list[Secret]:
    """The value in pieces of at most `limit` UTF-16 units, no character divided."""
    pieces = [""]
    length = 0
    for character in secret.reveal():
        units = 1 + (character > _ONE_UNIT)
        if length + units > limit:
            pieces.append("")
            length = 0
        pieces[-1] += character
        length += units
    return [Secret(piece) for piece in pieces]


def _length(secret: Secret) -> int:
    """The length in UTF-16 units."""
    return sum(1 + (character > _ONE_UNIT) for character in secret.reveal())
