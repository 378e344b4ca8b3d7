"""A tee: one stream, read once, for several who take it at their own pace, in bounded memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")


class Tee(Generic[K]):
    """Pieces that one thread puts in and several take out, each all of them. Who is ahead waits for who is behind.

    `room` is the most that is held, in bytes. Who takes nothing for `patience` seconds while others wait for it is told
    off: it gets no more, and the others go on.
    """

    def __init__(self, takers: Iterable[K], room: int, patience: float, monotonic: Callable[[], float]) -> None:
        self._changed = threading.Condition()
        self._pieces: deque[bytes] = deque()
        self._first = 0
        """The number of the piece that is held longest."""
        self._held = 0
        self._at = dict.fromkeys(takers, 0)
        """The next piece for each who still takes."""
        self._room = room
        self._patience = patience
        self._monotonic = monotonic
        self._moved = dict.fromkeys(self._at, monotonic())
        self._waited_for: float | None = None
        """Since when somebody has everything that is there, and waits for more."""
        self._told_off: set[K] = set()
        self._whole = False
        self._broken = False

    def put(self, piece: bytes, let_go: Callable[[K], None]) -> bool:
        """Put the next piece in, once there is room. False where nobody takes any more.

        `let_go` is called for who is told off, to end what it hangs in.
        """
        with self._changed:
            while self._at and not self._broken and self._held and self._held + len(piece) > self._room:
                if not self._changed.wait(self._shortest()):
                    self._tell_off(let_go)
            if not self._at or self._broken:
                return False
            self._pieces.append(piece)
            self._held += len(piece)
            self._waited_for = None
            self._changed.notify_all()
        return True

    def take(self, taker: K) -> Iterator[bytes]:
        """All pieces, as they come; ends early where it was told off, or where the stream broke."""
        while (piece := self._next(taker)) is not None:
            yield piece

    def end(self) -> None:
        """That was all."""
        with self._changed:
            self._whole = True
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether all of it was put in."""
        return self._whole

    def break_off(self) -> None:
        """No more comes, and what came is worth nothing."""
        with self._changed:
            self._broken = True
            self._changed.notify_all()

    def leave(self, taker: K) -> None:
        """Take no more."""
        with self._changed:
            self._at.pop(taker, None)
            if self._end not in self._at.values():
                self._waited_for = None
            self._drop()
            self._changed.notify_all()

    def whole(self, taker: K) -> bool:
        """Whether it got everything."""
        with self._changed:
            return self._whole and not self._broken and self._at.get(taker) == self._end

    def was_told_off(self, taker: K) -> bool:
        """Whether it was too slow for the others."""
        with self._changed:
            return taker in self._told_off

    def _next(self, taker: K) -> bytes | None:
        with self._changed:
            # That it asks means that it is done with the piece before.
            if taker in self._at:
                self._moved[taker] = self._monotonic()
                self._drop()
            while True:
                if self._broken or taker not in self._at:
                    return None
                place = self._at[taker] - self._first
                if place < len(self._pieces):
                    self._at[taker] += 1
                    return self._pieces[place]
                if self._whole:
                    return None
                if self._waited_for is None:
                    self._waited_for = self._monotonic()
                    self._changed.notify_all()
                self._changed.wait()
                self._moved[taker] = self._monotonic()

    def _drop(self) -> None:
        """Forget what everybody has."""
        behind = min(self._at.values(), default=self._end)
        while self._first < behind:
            self._held -= len(self._pieces.popleft())
            self._first += 1
        self._changed.notify_all()

    def _shortest(self) -> float:
        """Seconds until somebody's patience with one who is behind is over."""
        since = min((self._hanging_since(taker) for taker in self._behind()), default=self._monotonic())
        return max(0.05, since + self._patience - self._monotonic())

    def _hanging_since(self, taker: K) -> float:
        """While nobody waited for it, it could take its time."""
        return max(self._moved[taker], self._waited_for or 0.0)

    def _behind(self) -> list[K]:
        """Who holds others up. Nobody does where all are behind alike: then it is the way that is slow, or nothing."""
        if self._waited_for is None:
            return []
        return [taker for taker, at in self._at.items() if at <= self._first + 1 < self._end]

    @property
    def _end(self) -> int:
        """The number of the piece that comes next."""
        return self._first + len(self._pieces)

    def _tell_off(self, let_go: Callable[[K], None]) -> None:
        now = self._monotonic()
        for taker in self._behind():
            if now - self._hanging_since(taker) >= self._patience:
                self._told_off.add(taker)
                self._at.pop(taker)
                let_go(taker)
        self._drop()
