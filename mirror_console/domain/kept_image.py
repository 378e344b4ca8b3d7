"""A kept image: the name by which an engine knows which image an environment would go back to.

What was pulled by its digest has no name, and goes with ``docker system prune`` as soon as no container needs it. With
a name it stays, even where the stopped container of the way back was pruned. A name is that of one image at a time: it
moves on with the way back by itself, and none is left behind.
"""

from __future__ import annotations

import hashlib
import re

KEEP_PREFIX = "mc-keep/"
"""How these names begin. They name no release, and are shown nowhere as such."""
TAG = "prev"
_PART_OF_A_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
"""Source: github.com/distribution/reference, regexp.go: what stands between two slashes."""
LONGEST = 128


def kept_name(container: str) -> str:
    """The name for the image of the way back of the environment with this container name.

    A container's name is there once on an engine and the same for every console, as that of a lock is. One that can't
    stand in an image's name is told by its hash.
    """
    fits = len(container) <= LONGEST and _PART_OF_A_PATH.fullmatch(container)
    part = container if fits else f"of-{hashlib.sha256(container.encode()).hexdigest()[:32]}"
    return f"{KEEP_PREFIX}{part}:{TAG}"


def is_kept_name(name: str) -> bool:
    """Whether an image has this name of an engine's only so that it is kept."""
    return name.startswith(KEEP_PREFIX)
