"""The engine's events: the last 256 in memory, and streams of what happens next."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from mirror_console.simulator.wire import Document, nanoseconds

RING_SIZE = 256
"""How many events an engine remembers, of all types together."""

TICK_SECONDS = 0.05

Filters = Mapping[str, Sequence[str]]


class EventLog:
    """Events of one engine. `condition` is the engine's own, so that an event is told with the change that made it.

    `tick` is how often, in seconds, each stream looks whether something is due. What is done to the engine is told at
    once; a longer tick spares a process that plays many engines.
    """

    def __init__(self, condition: threading.Condition, tick: float = TICK_SECONDS) -> None:
        self._condition = condition
        self._tick = tick
        self._ring: deque[Document] = deque(maxlen=RING_SIZE)
        self._streams: list[deque[Document]] = []
        self._epoch = 0
        self._lost = False

    @property
    def is_followed(self) -> bool:
        """Whether a stream is open."""
        return bool(self._streams)

    def tell(self, kind: str, action: str, actor: str, attributes: Mapping[str, str], moment: datetime) -> None:
        """Record an event and wake the streams."""
        told = nanoseconds(moment)
        event: Document = {
            "Type": kind,
            "Action": action,
            "Actor": {"ID": actor, "Attributes": dict(attributes)},
            "scope": "local",
            "time": told // 1_000_000_000,
            "timeNano": told,
        }
        if kind == "container":
            event |= {"status": action, "id": actor, "from": attributes.get("image", "")}
        with self._condition:
            if self._lost:
                return
            self._ring.append(event)
            for stream in self._streams:
                stream.append(event)
            self._condition.notify_all()

    def forget(self) -> None:
        """What an engine's restart does: the memory is empty, and every stream ends."""
        with self._condition:
            self._ring.clear()
            self._epoch += 1
            self._condition.notify_all()

    def end_streams(self) -> None:
        """Every stream ends; what is remembered stays."""
        with self._condition:
            self._epoch += 1
            self._condition.notify_all()

    def lose(self, *, lost: bool) -> None:
        """Whether nothing is told or remembered from now on."""
        with self._condition:
            self._lost = lost

    def follow(
        self, filters: Filters, since: int | None, until: int | None, settle: Callable[[], datetime]
    ) -> Iterator[bytes]:
        """Lines of JSON: what is remembered from `since` on (nanoseconds, inclusive), then what happens.

        Ends once `until` has passed or the engine restarted. An empty piece comes at every tick without news, for
        the server to look whether the reader is still there. `settle` lets due things happen and tells the time.
        """
        mine: deque[Document] = deque()
        with self._condition:
            epoch = self._epoch
            if since is not None:
                mine.extend(event for event in self._ring if event["timeNano"] >= since)
            self._streams.append(mine)
        try:
            while True:
                now = nanoseconds(settle())
                with self._condition:
                    if not mine and epoch == self._epoch and (until is None or now < until):
                        self._condition.wait(self._tick)
                    ready = list(mine)
                    mine.clear()
                    over = epoch != self._epoch
                wanted = [event for event in ready if _matches(event, filters) and not _is_after(event, until)]
                yield b"".join(msgspec.json.encode(event) + b"\n" for event in wanted)
                if over or (until is not None and now >= until):
                    return
        finally:
            with self._condition:
                self._streams = [stream for stream in self._streams if stream is not mine]


def _is_after(event: Document, until: int | None) -> bool:
    return until is not None and bool(event["timeNano"] > until)


def _matches(event: Document, filters: Filters) -> bool:
    attributes: dict[str, str] = event["Actor"]["Attributes"]
    action: str = event["Action"]
    identities = {event["Actor"]["ID"], attributes.get("name", "")}
    for key, wanted in filters.items():
        match key:
            case "type":
                fits = event["Type"] in wanted
            case "event":
                fits = action in wanted or action.partition(":")[0] in wanted
            case "container":
                fits = event["Type"] == "container" and bool(identities & set(wanted))
            case "image":
                fits = attributes.get("image", "") in wanted
            case "label":
                fits = all(has_label(attributes, condition) for condition in wanted)
            case _:
                fits = True
        if wanted and not fits:
            return False
    return True


def has_label(labels: Mapping[str, str], condition: str) -> bool:
    """Whether the labels meet 'name' or 'name=value'."""
    name, equals, value = condition.partition("=")
    return name in labels and (not equals or labels[name] == value)
