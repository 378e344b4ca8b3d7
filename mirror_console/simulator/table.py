"""A table of requests: which method and path does what."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from mirror_console.simulator.calls import Reply

Action = Callable[..., Reply]


class Table:
    """Routes, in the order in which they are tried."""

    def __init__(self) -> None:
        self.routes: list[tuple[str, re.Pattern[str], Action]] = []

    def route(self, method: str, path: str) -> Callable[[Action], Action]:
        """What answers a method and path; ``{id}`` stands for one part of it, ``{image}`` for as many as there are."""
        pattern = re.compile(path.replace("{id}", "([^/]+)").replace("{image}", "(.+)"))

        def remember(action: Action) -> Action:
            self.routes.append((method, pattern, action))
            return action

        return remember


def json_reply(document: Any, status: int = 200) -> Reply:
    """A reply of JSON."""
    return Reply(status, msgspec.json.encode(document) + b"\n")
