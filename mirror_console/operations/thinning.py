"""Thinning: leave out of an image's archive the layers that its target has already, while the archive passes by.

Docker's classic image store takes an image in without the files of layers that it has under the same chain, and refuses
it whole where one is missing (measured on 20.10). Which file is which layer is never guessed: it is proved by a digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

BLOCK = 512
MOST_KEPT = 256 * 1024
"""Bytes of a small file that are read along; longer ones pass by unread."""
_REGULAR = frozenset({b"0", b"\0"})
_EXTENDED, _LONG_NAME = b"x", b"L"


_decode_old_layer = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
"""What Docker before 25 writes beside each layer, in a folder that is called by its id."""
_OF_EVERY_LAYER = ("container_config", "created")
"""What goes into the id of a layer that isn't the uppermost; of that one all goes in that is told."""


def shared(layers: Sequence[str], others: Iterable[Sequence[str]]) -> int:
    """How many layers of an image, from its base up, another image has too: as many needn't be sent."""
    return max((_common(layers, other) for other in others), default=0)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    for place, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine != theirs:
            return place
    return min(len(one), len(other))


class Thinner:
    """Takes an archive in pieces, gives it back without the files of the first `held` layers.

    What isn't understood passes by as it is: then more is sent than is needed, and nothing is missing.
    """

    def __init__(self, layers: Sequence[str], held: int) -> None:
        needed = set(layers[held:])
        # One that comes again further up is still to be read there.
        self._unneeded = [layer for layer in layers[:held] if layer not in needed]
        self._chains = _chains(layers)[:held] if len(self._unneeded) == held else []
        self._names = {name for layer in self._unneeded for name in _file_names(layer.removeprefix("sha256:"))}
        self._head = b""
        self._entry: _Entry | None = None
        self._left = 0
        self._read: bytearray | None = None
        self._before: list[bytes] = []
        """Heads that only say more of the entry that follows, with their content."""
        self._name = ""
        self._size: int | None = None
        self._blind = not self._unneeded
        self.left_out = 0
        """Bytes that were left out."""

    def feed(self, piece: bytes) -> bytes:
        """What is left of a piece; may be nothing."""
        return piece if self._blind else self._parsed(piece)

    def _parsed(self, piece: bytes) -> bytes:
        out: list[bytes] = []
        at = 0
        while at < len(piece):
            if self._blind:
                out.append(piece[at:])
                break
            if self._entry is not None:
                part = piece[at : at + self._left]
                at += len(part)
                self._pass_on(self._entry, part, out)
                continue
            head = piece[at : at + BLOCK - len(self._head)]
            at += len(head)
            self._head += head
            if len(self._head) == BLOCK:
                self._begin(out)
        return b"".join(out)

    def _begin(self, out: list[bytes]) -> None:
        head, self._head = self._head, b""
        entry = _entry(head)
        if entry is None:
            # The end of the archive, or no archive as we know it: the rest is none of our business.
            self._blind = True
            out += [*self._before, head]
            return
        if entry.kind not in {_EXTENDED, _LONG_NAME}:
            entry = _Entry(self._name or entry.name, entry.kind, entry.size if self._size is None else self._size)
            self._name, self._size = "", None
        self._entry = entry
        self._left = -(-entry.size // BLOCK) * BLOCK
        self._read = bytearray() if self._is_read_along(entry) else None
        if entry.kind in {_EXTENDED, _LONG_NAME}:
            if self._read is None:
                self._blind = True
                out += [*self._before, head]
                return
            self._before.append(head)
        elif self._is_left_out(entry):
            self.left_out += entry.size
            self._before.clear()
        else:
            out += [*self._before, head]
            self._before.clear()
        if not self._left:
            self._end()

    def _pass_on(self, entry: _Entry, part: bytes, out: list[bytes]) -> None:
        self._left -= len(part)
        if self._read is not None:
            self._read += part
        if entry.kind in {_EXTENDED, _LONG_NAME}:
            self._before.append(part)
        elif not self._is_left_out(entry):
            out.append(part)
        if not self._left:
            self._end()

    def _end(self) -> None:
        entry, self._entry = self._entry, None
        content, self._read = self._read, None
        if entry is None or content is None:
            return
        text = bytes(content[: entry.size])
        if entry.kind == _LONG_NAME:
            self._name = text.rstrip(b"\0").decode("utf-8", "replace")
        elif entry.kind == _EXTENDED:
            self._more_of_next(text)
        else:
            self._learn(entry.name, text)

    def _more_of_next(self, text: bytes) -> None:
        """Source: POSIX, pax Extended Header: records of 'length key=value'."""
        for line in text.split(b"\n"):
            key, _, value = line.partition(b" ")[2].partition(b"=")
            if key == b"path":
                self._name = value.decode("utf-8", "replace")
            elif key == b"size" and value.isdigit():
                self._size = int(value)

    def _learn(self, name: str, text: bytes) -> None:
        """Whether the folder of a layer's description holds one that isn't needed: its id proves it."""
        try:
            told = _decode_old_layer(text)
        except (msgspec.DecodeError, UnicodeError):
            return
        folder = name.removesuffix("/json")
        if any(folder in _old_ids(told, chain) for chain in self._chains):
            self._names.add(f"{folder}/layer.tar")

    def _is_left_out(self, entry: _Entry) -> bool:
        return entry.kind in _REGULAR and entry.name in self._names

    def _is_read_along(self, entry: _Entry) -> bool:
        if entry.size > MOST_KEPT:
            return False
        return entry.kind in {_EXTENDED, _LONG_NAME} or (entry.kind in _REGULAR and entry.name.endswith("/json"))


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the head of an entry of an archive says."""

    name: str
    kind: bytes
    size: int


def _entry(head: bytes) -> _Entry | None:
    """None for the end of an archive, and for what isn't one. Source: POSIX, ustar Interchange Format."""
    told = head[148:156].replace(b"\0", b" ").strip()
    try:
        if not told or int(told, 8) != sum(head) - sum(head[148:156]) + 8 * 0x20:
            return None
        size = int.from_bytes(head[125:136], "big") if head[124] & 0x80 else int(head[124:136].strip(b" \0") or b"0", 8)
    except ValueError:
        return None
    name = head[:100].rstrip(b"\0").decode("utf-8", "replace")
    prefix = head[345:500].rstrip(b"\0").decode("utf-8", "replace") if head[257:262] == b"ustar" else ""
    return _Entry(f"{prefix}/{name}" if prefix and head[263:265] == b"00" else name, head[156:157], size)


def _file_names(digits: str) -> tuple[str, ...]:
    """What a layer's file is called where it is called by the digest of its content."""
    return f"blobs/sha256/{digits}", f"{digits}/layer.tar", f"{digits}.tar"


def _chains(layers: Sequence[str]) -> list[str]:
    """The chain ids of layers, base first. Source: OCI Image Specification, Layer ChainID."""
    chains: list[str] = []
    for layer in layers:
        text = f"{chains[-1]} {layer}" if chains else ""
        chains.append(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" if text else layer)
    return chains


def _old_ids(told: Mapping[str, msgspec.Raw], chain: str) -> Iterator[str]:
    """The ids that a layer with this chain and this description may have. Source: moby, image/v1, CreateID."""
    parent = bytes(told.get("parent", b"")).strip(b'"').decode("ascii", "replace")
    place: dict[str, object] = {"layer_id": chain, **({"parent": f"sha256:{parent}"} if parent else {})}
    everything = {key: value for key, value in told.items() if key not in {"id", "parent"}}
    of_every_layer = {key: everything[key] for key in _OF_EVERY_LAYER if key in everything}
    for content in (of_every_layer, everything):
        yield hashlib.sha256(msgspec.json.encode({**content, **place}, order="sorted")).hexdigest()
