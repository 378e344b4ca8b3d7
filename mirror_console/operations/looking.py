"""Looking: what a turn sees of its containers and images, and for how long a look counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from mirror_console.domain.image import Image
from mirror_console.domain.observation import Container, Listed
from mirror_console.operations.console import Console
from mirror_console.operations.ports.engine import EngineSession

if TYPE_CHECKING:
    from mirror_console.operations.turn_lock import TurnLock

YOUNG = 5.0
"""Seconds for which a look counts: at the lock before a step, at a container before the next step on it."""

Moment = tuple[float, datetime]
ImageLooks = dict[str, tuple[Moment, Image]]
"""The last look at each image of an engine, by the name that was asked for."""


class Looking:
    """How a turn looks at its engine. What it keeps of its looks is the turn's."""

    __slots__ = ()

    console: Console
    session: EngineSession
    images: dict[str, Image | None]
    image_looks: ImageLooks
    _looks: dict[str, tuple[Moment, Container]]
    lock: TurnLock

    def inspect(self, container: str) -> Container | None:
        """Look at a container now, by id or name."""
        at = self.moment()
        seen = self.session.inspect(container)
        if seen is not None:
            self._looks[seen.id] = (at, seen)
        return seen

    def last_look(self, container_id: str) -> Container | None:
        """What the last look at a container saw, where it is young; else look now.

        The look that proved a step so serves as the one before the next. Only for the way forward: whoever puts back
        looks now, as a call may still have arrived late.
        """
        at, seen = self._looks.get(container_id, (None, None))
        return seen if self.is_young(at) else self.inspect(container_id)

    def last_look_named(self, name: str) -> Container | None:
        """The container that had a name at its last look, where that is young; else look for the name now."""
        for at, seen in self._looks.values():
            if seen.name == name and self.is_young(at):
                return seen
        return self.inspect(name)

    def look_together(self, *container_ids: str) -> Mapping[str, Listed]:
        """Where some containers are now, and the lock if it is held, in one request: those that are there, by id.

        What a whole look told of one counts on for its time, under the name that it has now; not where it is in
        another state by now.
        """
        at, lock_id = self.moment(), self.lock.id
        seen = {one.id: one for one in self.session.list_these({*container_ids, lock_id} - {""})}
        for one in {*container_ids} & self._looks.keys():
            when, known = self._looks.pop(one)
            if one in seen and (seen[one].state, seen[one].health) == (known.state, known.health):
                self._looks[one] = when, replace(known, name=seen[one].name)
        self.lock.seen_at(at, seen.get(lock_id))
        return seen

    def image(self, image: str) -> Image | None:
        """Look at an image now, by id or reference."""
        at = self.moment()
        seen = self.session.image(image)
        if seen is not None:
            self.images[seen.id] = seen
            self.image_looks[image] = at, seen
        return seen

    def last_look_at_image(self, image: str) -> Image | None:
        """What the last look at an image saw, for this target or another on its engine, where it is young."""
        at, seen = self.image_looks.get(image, (None, None))
        if seen is None or not self.is_young(at):
            return self.image(image)
        self.images[seen.id] = seen
        return seen

    def moment(self) -> Moment:
        """Now, by both clocks."""
        return self.console.monotonic(), self.console.clock()

    def is_young(self, at: Moment | None) -> bool:
        """Whether a look counts. By both clocks: not every system has one that goes on while the computer sleeps."""
        if at is None:
            return False
        seconds, time = self.moment()
        return max(seconds - at[0], abs((time - at[1]).total_seconds())) <= YOUNG
