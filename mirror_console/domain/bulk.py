"""In bulk: while tens of thousands of values are made, nothing is looked through for what may be thrown away."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def in_bulk() -> Iterator[None]:
    """Let the garbage collector rest while tens of thousands of values are made: it costs five times the work."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
