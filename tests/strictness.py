"""A pytest plugin that fails a test for what it leaves behind: log records, threads, windows, running timers.

What a test causes on purpose it names: ``expect_log("mirror_console.engine", "refused")``.
"""

from __future__ import annotations

import gc
import logging
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

Thread = threading.Thread  # noqa: TID251 # looked for here, not started

UMASK = os.umask(0o022)
os.umask(UMASK)
GRACE = 2.0
"""Seconds that threads and windows get to end by themselves."""
QUESTION = 30.0
"""Seconds after which a window's question is taken for one that nobody will answer."""


@dataclass(slots=True)
class ExpectedLog:
    """One kind of log record that a test causes on purpose."""

    logger: str
    words: str
    required: bool
    seen: int = 0

    def matches(self, record: logging.LogRecord) -> bool:
        """Whether it is this kind: the logger or one below it, and words found in its message."""
        below = record.name == self.logger or record.name.startswith(f"{self.logger}.")
        return (below or not self.logger) and re.search(self.words, record.getMessage()) is not None


@dataclass(slots=True)
class LogWatch:
    """All records at warning or above during one test."""

    records: list[logging.LogRecord] = field(default_factory=list)
    expected: list[ExpectedLog] = field(default_factory=list)

    def complaints(self) -> list[str]:
        """What was logged unexpectedly, and what was expected but not logged."""
        unexpected = []
        for record in self.records:
            matching = [expected for expected in self.expected if expected.matches(record)]
            for expected in matching:
                expected.seen += 1
            if not matching:
                unexpected.append(f"unexpected log record: {record.levelname} {record.name}: {record.getMessage()}")
        missing = [
            f"expected log record didn't come: {expected.logger or 'any logger'}: {expected.words}"
            for expected in self.expected
            if expected.required and not expected.seen
        ]
        return unexpected + missing


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Set all aside that is there before the first test: collections during tests look at what tests made, and pass
    over the modules, which are most of it.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Nothing is set aside when pytest looks for what was never closed."""
    gc.unfreeze()


# These three are requested by every test, before its own fixtures: so they look again after those are taken down.


@pytest.fixture(autouse=True)
def _log_watch() -> Iterator[LogWatch]:
    """Fails the test for unexpected log records. It sees every logger, also those that don't propagate."""
    watch = LogWatch()
    make_record = logging.getLogRecordFactory()

    def watched(*args: Any, **more: Any) -> logging.LogRecord:
        record = make_record(*args, **more)
        if record.levelno >= logging.WARNING:
            watch.records.append(record)
        return record

    logging.setLogRecordFactory(watched)
    try:
        yield watch
    finally:
        logging.setLogRecordFactory(make_record)
    _fail_for(watch.complaints())


@pytest.fixture
def expect_log(_log_watch: LogWatch) -> Callable[..., None]:
    """``expect_log(logger, words, required=True)``: this record may come, and must unless `required` is false."""

    def expect(logger: str, words: str, *, required: bool = True) -> None:
        _log_watch.expected.append(ExpectedLog(logger, words, required))

    return expect


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """Fails the test for threads that it started and that still run."""
    before = set(threading.enumerate())
    yield
    left = _until_none(lambda: _threads_since(before))
    _fail_for([_thread_told(thread) for thread in left])


@pytest.fixture(autouse=True)
def _no_umask_left() -> Iterator[None]:
    """Fails the test that leaves the process with another mask for the rights of new files: others fail of it later."""
    yield
    left = os.umask(UMASK)
    _fail_for([f"left behind: umask {left:03o}"] if left != UMASK else [])


@pytest.fixture(autouse=True)
def _no_window_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test of the window for top-level widgets and timers that it leaves, and for questions asked in vain."""
    if "qapp" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("qapp")
    before = _top_level_widgets()
    # What is there now is set aside, but for what nobody needs any more: so looking for timers, and collecting, takes a
    # millisecond and not a hundred.
    gc.collect()
    gc.freeze()
    in_vain: list[str] = []
    with _questions_in_vain(in_vain):
        yield
    gc.collect()
    left = _until_none(
        lambda: [w for w in _top_level_widgets() if not any(w is b for b in before)] + _new_running_timers()
    )
    _fail_for(in_vain + [f"left behind: {thing!r} {thing.objectName()}".strip() for thing in left])


@contextmanager
def _questions_in_vain(found: list[str]) -> Iterator[None]:
    """Rejects a modal dialog that has waited too long, and adds what it asked to `found`: it would wait for ever."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication, QDialog

    waiting: dict[int, float] = {}

    def look() -> None:
        asked = QApplication.activeModalWidget()
        if not isinstance(asked, QDialog):
            waiting.clear()
            return
        since = waiting.setdefault(id(asked), time.monotonic())
        if time.monotonic() - since > QUESTION:
            found.append(f"asked in vain: {asked.windowTitle() or asked.accessibleName() or repr(asked)}")
            waiting.clear()
            asked.reject()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(500)
    try:
        yield
    finally:
        timer.stop()


def _threads_since(before: set[Thread]) -> list[Thread]:
    # Python makes a dummy for a foreign thread (one of Qt's, say) that called it once, and never takes it away. And a
    # simulated engine of several tests has a thread more where one of them connects once more at the same time.
    engines = {_pool(thread) for thread in before if thread.name.startswith("simulated engine ")}
    return [
        thread
        for thread in threading.enumerate()
        if thread not in before and not isinstance(thread, threading._DummyThread) and _pool(thread) not in engines
    ]


def _pool(thread: Thread) -> str:
    return thread.name.rpartition("_")[0]


def _thread_told(thread: Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    where = "".join(traceback.format_stack(frame)[-3:]) if frame else ""
    return f"left behind: thread {thread.name!r}{' (daemon)' if thread.daemon else ''}\n{where}".rstrip()


def _top_level_widgets() -> list[Any]:
    """Those that are still there after what was to be deleted later is deleted."""
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtWidgets import QApplication

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QCoreApplication.processEvents()
    return QApplication.topLevelWidgets()


def _new_running_timers() -> list[Any]:
    import shiboken6
    from PySide6.QtCore import QTimer

    timers = [thing for thing in gc.get_objects() if issubclass(type(thing), QTimer)]
    return [timer for timer in timers if shiboken6.isValid(timer) and timer.isActive()]


def _until_none(look: Callable[[], list[Any]]) -> list[Any]:
    """What is still found when the grace is over."""
    end = time.monotonic() + GRACE
    while (found := look()) and time.monotonic() < end:
        time.sleep(0.01)
    return found


def _fail_for(complaints: list[str]) -> None:
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)
