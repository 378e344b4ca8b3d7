"""Replies of real engines, recorded: Docker 20.10 and 29, with the classic and the containerd image store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "replies"
ENGINES = tuple(sorted(str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/v*")))
"""Each engine at each API version that it was asked with, such as ``20.10-classic/v1.41``."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A reply. `content` is its body as JSON values; `body` as it came."""

    status: int
    content: Any

    @property
    def body(self) -> bytes:
        """The body as bytes; a stream as one line for each object."""
        if isinstance(self.content, list) and self.content and "status" in self.content[0]:
            return b"".join(json.dumps(line).encode() + b"\r\n" for line in self.content)
        return json.dumps(self.content).encode()

    @property
    def message(self) -> str:
        """The words of an error reply, also of one to a request that would have been answered by a stream."""
        content = self.content[0] if isinstance(self.content, list) else self.content
        return str(content["message"])


def recorded(engine: str, case: str) -> Recorded:
    """One case of one engine."""
    reply = json.loads((FOLDER / engine / f"{case}.json").read_text())
    return Recorded(reply["status"], reply["stream"] if "stream" in reply else reply["body"])
