"""Listening: what engines tell of by themselves is taken down, and a stream that has ended is let go."""

from __future__ import annotations

from collections.abc import Callable

from mirror_console.domain import watching
from mirror_console.errors import EngineError
from mirror_console.operations.look import Seen
from mirror_console.operations.streams import Streams
from mirror_console.operations.watched import Watched


class Listening:
    """The streams of the engines that are watched. `luck` spreads when those are looked at whose stream has ended."""

    def __init__(self, streams: Streams, luck: Callable[[], float]) -> None:
        self._streams = streams
        self._luck = luck

    def hear(self, one: Watched, now: float) -> bool:
        """Take what the stream has told, so that the look comes after all of it, and listen again.

        False where it has ended: then the look has its own time.
        """
        if one.stream is None:
            return True
        try:
            one.inspect |= one.stream.heard()
        except EngineError:
            lasted = now - one.opened
            self.drop(one)
            one.next = watching.lost(one.next, now, lasted, self._luck())
            return False
        self._streams.resume(one.key)
        return True

    def take(self, one: Watched, seen: Seen, now: float, *, stale: bool) -> None:
        """Listen from now on to the stream that a look has opened. What came too late for that is closed."""
        if seen.stream is None or seen.stream is one.stream:
            return
        if stale or seen.error is not None or one.stream is not None:
            # It leads where the engine was, or over a connection from before a sleep.
            seen.stream.close()
            return
        one.stream, one.opened = seen.stream, now
        self._streams.add(one.key, seen.stream)
        # What came together with the stream's beginning shows on no selector any more.
        if self.hear(one, now) and one.inspect:
            one.next = watching.heard(one.next, now)

    def drop(self, one: Watched) -> None:
        """Close its stream, where it has one."""
        if one.stream is not None:
            self._streams.remove(one.key)
            one.stream.close()
            one.stream = None
