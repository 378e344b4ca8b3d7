"""A window's context on a simulated fleet, and the keys that a person presses: for tests that roll out for real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from mirror_console.jobs import Jobs
from mirror_console.operations.status import survey
from mirror_console.settings import Preferences, Theme
from mirror_console.ui.context import UiContext
from mirror_console.ui.questions import QuestionDialog, Questions
from mirror_console.ui.signals import Signals
from mirror_console.ui.theme import ThemeService
from tests.operations.fleet import Fleet


@contextmanager
def context_on(
    application: QApplication, fleet: Fleet, questions: Questions, read_only: str = ""
) -> Iterator[UiContext]:
    """The parts of a window on a fleet; every commit makes a new survey."""
    signals = Signals()
    jobs = Jobs(signals.report_job)
    preferences = Preferences(theme=Theme.LIGHT)
    service = ThemeService(application, preferences.theme, preferences.density)
    console = replace(fleet.console, read_only=read_only)
    context = UiContext(console, jobs, preferences, service, signals, questions)
    unsubscribe = console.catalog.subscribe(signals.report_catalog)
    context.set_grid(survey(console))
    try:
        yield context
    finally:
        unsubscribe()
        signals.close()
        jobs.close()
        undress(application)


def undress(application: QApplication) -> None:
    """Take the style sheet away, and first the widgets that are to go: each that is there gets its look anew."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    application.setStyleSheet("")


def tab_to(wanted: QWidget) -> None:
    """Press Tab until a widget has the focus. Fails where Tab never gets there."""
    window = wanted.window()
    _bring_to_front(window)
    went: list[str] = []
    for _ in range(80):
        if wanted.hasFocus():
            return
        focused = QApplication.focusWidget()
        assert focused is not None, "nothing has the focus"
        went.append(f"{type(focused).__name__} {focused.accessibleName()}".strip())
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    where = f"it is {'on' if wanted.isEnabled() else 'off'} and {'seen' if wanted.isVisible() else 'hidden'}"
    raise AssertionError(f"Tab never reaches {wanted.accessibleName() or wanted!r}: {where}; {went[:12]}")


def _bring_to_front(window: QWidget) -> None:
    """A window that was just opened gets the keys a moment later."""
    for _ in range(250):
        focused = QApplication.focusWidget()
        if focused is not None and window.isAncestorOf(focused):
            return
        window.activateWindow()
        QTest.qWait(20)
    raise AssertionError(f"the keys never go to {window!r}")


def press(wanted: QWidget) -> None:
    """Go to a button or tick by Tab, and press the space bar."""
    tab_to(wanted)
    QTest.keyClick(wanted, Qt.Key.Key_Space)


def when_asked(over: QObject, answer: Callable[[QuestionDialog], None]) -> None:
    """Answer the next question that is shown, by the keys that `answer` presses."""

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, QuestionDialog):
            try:
                answer(dialog)
            finally:
                # Whatever went wrong, the test goes on and tells it: a question that stays open waits for ever.
                if dialog.isVisible():
                    dialog.reject()
        else:
            QTimer.singleShot(20, over, look)

    QTimer.singleShot(20, over, look)
