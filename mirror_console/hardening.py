"""Hardening: what keeps the program's memory, its files and its own words to the person who runs it."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from types import TracebackType

from mirror_console.domain.redaction import redacted

logger = logging.getLogger(__name__)

MANY_FILES = 8192
"""Enough for a thousand engines, and no more than macOS allows a process."""


def harden() -> None:
    """What is made is for this person alone; nobody dumps or reads the memory; what fails is told without secrets.

    And the lock of the interpreter changes hands more often than usual: the window waits for whoever holds it.
    """
    sys.setswitchinterval(0.001)
    os.umask(0o077)
    keep_memory_private()
    may_open_many()
    sys.excepthook = _tell_fault
    threading.excepthook = lambda failed: _log_fault(failed.exc_type, failed.exc_value, failed.exc_traceback)
    sys.unraisablehook = lambda failed: _log_fault(failed.exc_type, failed.exc_value, failed.exc_traceback)


def keep_memory_private() -> None:
    """No core dumps, and no other program of this person looks into this one's memory, where the system has that."""
    try:
        import resource
    except ImportError:  # not on Windows, which writes no core dumps
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        # PR_SET_DUMPABLE. Source: prctl(2). What refuses it leaves the limit above.
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)


def may_open_many() -> None:
    """Have as many connections and files open at once as the system lets: some start a program with very few.

    A few are kept for each engine. Nothing here waits with select(), for which high numbers are too high.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY_FILES if hard == resource.RLIM_INFINITY else min(MANY_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError) as error:
            logger.info("no more than %d files may be open at once: %s", soft, error)


def _tell_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say a fault of the program on standard error and in the log, as usual but for secrets."""
    sys.stderr.write(redacted("".join(traceback.format_exception(kind, error, trace))))
    if not issubclass(kind, KeyboardInterrupt):
        _log_fault(kind, error, trace)


def _log_fault(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    logger.error("a fault of the program", exc_info=(kind, error or kind(), trace))


class RedactingFormatter(logging.Formatter):
    """Writes a line of the log, its traceback included, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return redacted(super().format(record))
