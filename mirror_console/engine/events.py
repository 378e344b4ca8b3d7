"""An engine's stream of events, read without waiting: it says which containers to look at again, and nothing more.

An event is a hint. What it says of a container isn't believed, only which one it was: what is true is looked up.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from urllib.parse import urlencode

import msgspec

from mirror_console.engine import translate
from mirror_console.engine.client import EngineClient
from mirror_console.engine.exchange import PIECE, Chunks, Line, ask
from mirror_console.engine.failures import Oversized, in_our_words
from mirror_console.engine.replies import Event
from mirror_console.engine.streams import LONGEST_LINE, lines
from mirror_console.errors import EngineError, FailureKind

WANTED = (
    "create",
    "destroy",
    "die",
    "died",
    "health_status",
    "oom",
    "pause",
    "remove",
    "rename",
    "restart",
    "start",
    "stop",
    "unpause",
    "update",
)
"""What changes what a person sees of a container; `died` and `remove` are Podman's words.

Each run of a health check makes three events more: not those.
"""
CONTAINERS = ("container",)
AND_SERVICES = ("container", "service")
"""A manager tells of its Swarm's services too, wherever their tasks are; others have none to tell of."""
_MOST_PIECES = 64
_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, TimeoutError)

_decode_event = msgspec.json.Decoder(Event).decode


class EventStream:
    """An open stream. `fileno` is for a selector: where it can be read, `heard` has something to say."""

    def __init__(self, engine: str, line: Line, rest: bytes, *, chunked: bool) -> None:
        self._engine = engine
        self._line = line
        self._chunks = Chunks() if chunked else None
        self._piece = rest
        """What came with the head."""
        self._text = b""
        self._end: EngineError | None = None
        line.settimeout(0.0)

    def fileno(self) -> int:
        """What a selector waits for."""
        return self._line.fileno()

    def heard(self) -> frozenset[str]:
        """The ids of containers that events told of since it was last asked. Never waits.

        Raises EngineError once the stream has ended, in order or not; whoever wants to know more opens another.
        """
        if self._end is not None:
            raise self._end
        found = set()
        try:
            with in_our_words(self._engine, "tell of its events"):
                for event in self._events():
                    if translate.ID.fullmatch(event.actor.id):
                        found.add(event.actor.id)
        except EngineError as error:
            # What was heard before the end counts: the end is told the next time.
            self._end = error
            if not found:
                raise
        return frozenset(found)

    def close(self) -> None:
        """End it. From another thread too."""
        with suppress(OSError):
            self._line.close()

    def _events(self) -> Iterator[Event]:
        for content in self._content():
            # The last line may not be whole yet.
            whole, _, self._text = (self._text + content).rpartition(b"\n")
            for line in lines([whole]):
                yield _decode_event(line)
            if len(self._text) > LONGEST_LINE:
                raise Oversized("an event without end")

    def _content(self) -> Iterator[bytes]:
        for _ in range(_MOST_PIECES):
            piece, self._piece = self._piece, b""
            if not piece:
                try:
                    piece = self._line.recv(PIECE)
                except _NOTHING_YET:
                    return
                if not piece:
                    raise self._ended()
            if self._chunks is None:
                yield piece
                continue
            yield self._chunks.content(piece)
            if self._chunks.over:
                raise self._ended()
        raise Oversized("more events than can be read")

    def _ended(self) -> EngineError:
        hint = "The engine may be restarting. Look at it again."
        return EngineError(FailureKind.DROPPED, f"{self._engine} ended its stream of events.", hint)


def subscribe(
    engine: str, client: EngineClient, api: str, seconds: float, kinds: Sequence[str] = CONTAINERS
) -> EventStream:
    """Open the stream: everything that happens from the call on is heard, also what happens before it returns.

    An engine sends the head of its reply before it begins to listen to itself. So it is first asked for its time, on
    the same connection, and then for everything since then: that it still remembers. Raises what in_our_words takes.
    """
    line = client.dial()
    try:
        line.settimeout(seconds)
        greeting = ask(line, "HEAD", "/_ping", seconds)
        if greeting.closes:
            line.close()
            line = client.dial()
            line.settimeout(seconds)
        asked = {"filters": msgspec.json.encode({"type": kinds, "event": WANTED}).decode()}
        if greeting.seconds is not None:
            asked["since"] = str(greeting.seconds)
        head = ask(line, "GET", f"/v{api}/events?{urlencode(asked)}", seconds)
        head.demand_stream()
        return EventStream(engine, line, head.rest, chunked=head.chunked)
    except BaseException:
        line.close()
        raise
