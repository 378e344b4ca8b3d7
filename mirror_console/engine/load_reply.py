"""The reply to an image that is loaded: it comes in pieces, and may begin before the engine has the whole image."""

from __future__ import annotations

import msgspec

from mirror_console.domain.plain import clean
from mirror_console.domain.request import Loaded, PullProgress
from mirror_console.engine.client import demand_success
from mirror_console.engine.exchange import LONGEST_HEAD, Chunks, Head
from mirror_console.engine.failures import Malformed, Oversized, Refusal
from mirror_console.engine.replies import LoadLine
from mirror_console.engine.streams import LONGEST_LAYER, LONGEST_LINE, MOST_LAYERS, lines

_MOST_LOADED = 1000
_REFERENCE, _ID = "Loaded image: ", "Loaded image ID: "

read_line = msgspec.json.Decoder(LoadLine).decode
"""One line of the reply."""


def demand_no_error(line: LoadLine) -> None:
    """Raises Refusal where a line of a reply that began as a success tells of a failure."""
    if line.error_detail is not None or line.error:
        raise Refusal(200, (line.error_detail.message if line.error_detail else "") or line.error)


class LoadReply:
    """Takes in what has come so far."""

    def __init__(self) -> None:
        self.over = False
        self._came = b""
        self._head: Head | None = None
        self._chunks: Chunks | None = None
        self._left: int | None = None
        self._text = b""
        self._layers: dict[str, tuple[int, int]] = {}
        self._words = ""
        self._ids: list[str] = []
        self._references: list[str] = []

    @property
    def progress(self) -> PullProgress:
        """How far the engine is with the layers that it has begun with."""
        done, total = (sum(column) for column in zip((0, 0), *self._layers.values(), strict=True))
        return PullProgress(done, total, self._words)

    @property
    def loaded(self) -> Loaded:
        """What was taken in, by its own account."""
        return Loaded(tuple(self._ids), tuple(self._references))

    def hear(self, piece: bytes) -> None:
        """The next piece; an empty one is the end of the connection. Raises Refusal where the engine refuses."""
        if self._head is None:
            if not piece:
                raise ConnectionResetError("the connection was closed before a reply came")
            self._came += piece
            text, found, piece = self._came.partition(b"\r\n\r\n")
            if not found:
                if len(self._came) > LONGEST_HEAD:
                    raise Oversized("a head without an end")
                return
            self._head = Head(text, b"")
            self._chunks, self._left = Chunks() if self._head.chunked else None, self._head.length
        elif not piece:
            if self._chunks is not None or self._left:
                raise ConnectionResetError("the connection was closed within the reply")
            self.over = True
        self._take(piece, self._head.status)

    def _take(self, piece: bytes, status: int) -> None:
        if self._chunks is not None:
            self._text += self._chunks.content(piece)
            self.over = self._chunks.over
        else:
            self._text += piece
            if self._left is not None:
                self._left -= len(piece)
                self.over = self._left <= 0
        if len(self._text) > LONGEST_LINE:
            raise Oversized("a line without an end")
        if status != 200:
            if self.over:
                demand_success(status, self._text)
                raise Malformed(f"status {status} for a load")
            return
        whole, _, self._text = self._text.rpartition(b"\n")
        for line in lines([whole, b"\n", self._text] if self.over else [whole]):
            self._read(line)

    def _read(self, text: bytes) -> None:
        line = read_line(text)
        demand_no_error(line)
        if len(line.id) > LONGEST_LAYER:
            line.id = ""
        at = line.progress_detail
        if at and at.total > 0 and (line.id in self._layers or len(self._layers) < MOST_LAYERS):
            self._layers[line.id] = (min(max(0, at.current), at.total), at.total)
        if line.status:
            self._words = clean(f"{line.status} {line.id}" if line.id else line.status, 120)
        said = line.stream.strip()
        if said.startswith(_ID):
            self._ids.append(said.removeprefix(_ID).strip())
        elif said.startswith(_REFERENCE):
            # Podman tells several in one line.
            self._references += [name.strip() for name in said.removeprefix(_REFERENCE).split(",") if name.strip()]
        told = sum(map(len, self._ids)) + sum(map(len, self._references))
        if len(self._ids) + len(self._references) > _MOST_LOADED or told > LONGEST_LINE:
            raise Oversized(f"more than {_MOST_LOADED} images")
