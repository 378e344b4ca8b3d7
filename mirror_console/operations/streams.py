"""Streams: waits for the event streams of many engines at once, in one thread, and can be woken by others."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress

from mirror_console.operations.ports.engine import EventStream

_READ = selectors.EVENT_READ


class Streams:
    """Event streams by engine. All but `wake` is for the one thread that waits."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._waker, self._woken = socket.socketpair()
        self._open = True
        for end in (self._waker, self._woken):
            end.setblocking(False)
        self._selector.register(self._woken, _READ, "")
        self._streams: dict[str, EventStream] = {}
        self._paused: set[str] = set()

    def wake(self) -> None:
        """End the wait that is on, or the next one, at once. From any thread."""
        with self._lock:
            if self._open:
                with suppress(BlockingIOError):  # it is full of calls to wake up
                    self._waker.send(b"x")

    def wait(self, seconds: float) -> list[str]:
        """Wait until a stream has something to tell, or was woken, so many seconds at most. Engines that have."""
        ready = [str(key.data) for key, _ in self._selector.select(seconds)]
        if "" in ready:
            with suppress(BlockingIOError):
                while self._woken.recv(4096):
                    pass
        return [engine_id for engine_id in ready if engine_id]

    def add(self, engine_id: str, stream: EventStream) -> None:
        """Listen to a stream from now on."""
        self._streams[engine_id] = stream
        self._selector.register(stream, _READ, engine_id)

    def pause(self, engine_id: str) -> None:
        """Don't listen to it until `resume`: what it tells is kept by the network, as much as there is room for."""
        self._selector.unregister(self._streams[engine_id])
        self._paused.add(engine_id)

    def resume(self, engine_id: str) -> None:
        """Listen again."""
        if engine_id in self._paused:
            self._paused.discard(engine_id)
            self._selector.register(self._streams[engine_id], _READ, engine_id)

    def paused(self, engine_id: str) -> bool:
        """Whether it told something that nobody has looked after yet."""
        return engine_id in self._paused

    def remove(self, engine_id: str) -> None:
        """Forget a stream that will be closed."""
        stream = self._streams.pop(engine_id)
        if engine_id in self._paused:
            self._paused.discard(engine_id)
        else:
            self._selector.unregister(stream)

    def close(self) -> None:
        """Wait for nothing more."""
        with self._lock:
            self._open = False
            self._selector.close()
            self._waker.close()
            self._woken.close()
