"""Replies that come in pieces: the lines of a pull with its progress, and the frames of a container's output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from mirror_console.domain.plain import clean
from mirror_console.domain.request import PullProgress
from mirror_console.engine.failures import Oversized, Refusal
from mirror_console.engine.replies import PullLine

LONGEST_LINE = 1024 * 1024
MOST_LAYERS = 1000
LONGEST_LAYER = 128
"""Characters of a layer's id; what has a longer one isn't counted."""
MOST_LINES = 10_000
LONGEST_OUTPUT = 4 * 1024 * 1024
"""Octets of a container's output that are looked at, from its end."""
_FRAME_HEAD = 8

_decode_line = msgspec.json.Decoder(PullLine).decode


def lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a stream, without empty ones. Raises Oversized for a line without end."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from filter(None, (line.strip() for line in whole))
        if len(rest) > LONGEST_LINE:
            raise Oversized(f"a line of more than {LONGEST_LINE} bytes")
    if rest.strip():
        yield rest.strip()


_ON_ITS_WAY = frozenset({"Pulling fs layer", "Waiting", "Downloading", "Verifying Checksum", "Retrying"})
_CAME = frozenset({"Download complete", "Extracting", "Pull complete"})


class Pull:
    """Adds up what the lines of a pull say of its layers. Layers that are there already count for nothing."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self._new: dict[str, bool] = {}
        """The layers that weren't there, and whether they have come."""
        self._share = 0.0
        self._came = 0
        self._unpacking = False

    def read(self, line: bytes) -> PullProgress:
        """How far the pull is after this line. Raises Refusal where the line says that it failed."""
        said = _decode_line(line)
        if len(said.id) > LONGEST_LAYER:
            said.id = ""
        if said.error_detail is not None or said.error:
            # The reply began as a success, so there is no status to go by.
            raise Refusal(200, (said.error_detail.message if said.error_detail else "") or said.error)
        at = said.progress_detail
        if said.status == "Downloading" and at and at.total > 0 and len(self._layers) < MOST_LAYERS:
            self._layers[said.id] = (min(max(0, at.current), at.total), at.total)
        elif said.status in {"Download complete", "Pull complete"} and said.id in self._layers:
            total = self._layers[said.id][1]
            self._layers[said.id] = (total, total)
        self._follow(said)
        done, total = (sum(column) for column in zip(*self._layers.values(), strict=True)) if self._layers else (0, 0)
        words = clean(f"{said.status} {said.id}" if said.id else said.status, 120)
        self._share = max(self._share, self._estimated(done, total))
        return PullProgress(done, total, words, self._share, self._came, len(self._new), self._unpacking)

    def _follow(self, said: PullLine) -> None:
        tries_again = said.status.startswith("Retrying")
        status = "Retrying" if tries_again else said.status
        if said.id and status in _ON_ITS_WAY | _CAME and (said.id in self._new or len(self._new) < MOST_LAYERS):
            self._new[said.id] = status in _CAME
        if not tries_again:
            self._came += 1
        self._unpacking = bool(self._new) and all(self._new.values())

    def _estimated(self, done: int, total: int) -> float:
        """A layer of a few bytes comes without a word of its size, so one that has come counts for no more."""
        if self._unpacking:
            return 1.0
        unknown = sum(not came for name, came in self._new.items() if name not in self._layers)
        if not total:
            return 0.0
        return done / (total + unknown * total / len(self._layers))


def output(body: bytes, *, terminal: bool, last: int = MOST_LINES) -> list[str]:
    """The last lines that a container wrote. Without a terminal its two outputs come in frames of one stream.

    Source: Docker Engine API, 'Stream format' of POST /containers/{id}/attach.
    """
    if not terminal:
        body = b"".join(_frames(body))
    # Cut off at its beginning before it is taken apart: millions of empty lines are larger than what told them.
    text = body[-LONGEST_OUTPUT:].decode("utf-8", "replace")
    return [clean(line) for line in text.splitlines()[-last:]]


def _frames(body: bytes) -> Iterator[bytes]:
    at = 0
    while at + _FRAME_HEAD <= len(body):
        length = int.from_bytes(body[at + 4 : at + _FRAME_HEAD], "big")
        yield body[at + _FRAME_HEAD : at + _FRAME_HEAD + length]
        at += _FRAME_HEAD + length
