"""One at a time: who starts, stops or plays with a person's sample has it to themselves until they are done."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone_with(folder: Path) -> Iterator[None]:
    """Hold the lock of the sample in `folder`; it ends with this process at the latest, however that ends.

    Raises SystemExit where another holds it, or where its file is another person's.
    """
    file = folder.with_name(f"{folder.name}.lock")
    held = _taken(file, folder)
    try:
        yield
    finally:
        # Taken away while it is held: whoever waits to open it gets a new one.
        file.unlink(missing_ok=True)
        os.close(held)


def _taken(file: Path, folder: Path) -> int:
    while True:
        try:
            opened = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise SystemExit(f"{file} can't be opened: {error.strerror}. Have it removed, then try again.") from None
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(opened).st_nlink:
                return opened
        except BlockingIOError:
            os.close(opened)
            raise SystemExit(
                f"Another packaging/demo is at work on the sample in {folder}: it starts it, does the job, or takes it "
                "away. Wait until it is done, then try again."
            ) from None
        # Its holder took it away between our opening it and our turn.
        os.close(opened)
