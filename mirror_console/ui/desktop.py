"""The desktop program: Qt's application, the window on a console, and what is told of a fault of the program."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QLibraryInfo, QMessageLogContext, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from mirror_console.errors import NoWindow
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.recovery import interrupted
from mirror_console.settings import Preferences
from mirror_console.ui.context import UiContext
from mirror_console.ui.no_window import no_display
from mirror_console.ui.raising import Raisable
from mirror_console.ui.signals import Signals
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.window import NAME, MainWindow

_log = logging.getLogger(__name__)

APP_ID = "io.mirrorconsole.desk"


def application(refused: Callable[[NoWindow], None] | None = None) -> QApplication:
    """Qt's application, made where there is none yet.

    Where it can't be made, `refused` is told why, and had better end the program: Qt aborts it right after.
    """
    there = QApplication.instance()
    if isinstance(there, QApplication):
        return there
    said: list[str] = []

    def hear(kind: QtMsgType, context: QMessageLogContext, words: str) -> None:
        said.append(words)
        _log_qt(kind, context, words)
        # Only Qt knows for sure whether it can use a display: it is asked by making the application, not before.
        if kind is QtMsgType.QtFatalMsg and refused is not None:
            refused(no_display(said, _platform_plugins(), os.environ))

    qInstallMessageHandler(hear)
    made = QApplication([NAME])
    qInstallMessageHandler(_log_qt)
    made.setApplicationName("mirror-console")
    made.setApplicationDisplayName(NAME)
    QGuiApplication.setDesktopFileName(APP_ID)
    return made


def _platform_plugins() -> Path:
    return Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms"


def _log_qt(kind: QtMsgType, _context: QMessageLogContext, words: str) -> None:
    """What Qt says of itself goes into the log like everything else: it may name what is shown."""
    level = logging.INFO if kind in {QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg} else logging.WARNING
    _log.log(level, "%s", words)


def run_window(
    console: Console,
    jobs: Jobs,
    signals: Signals,
    preferences: Preferences,
    save_preferences: Callable[[Preferences], None],
    catalog: Path,
    state: Path,
) -> int:
    """Show the window until it is closed. What was interrupted is said first; nothing is changed before a choice."""
    qt = application()
    theme = ThemeService(qt, preferences.theme, preferences.density)
    context = UiContext(console, jobs, preferences, theme, signals, save_preferences=save_preferences)
    left = interrupted(console)
    window = MainWindow(context, state=state)
    raisable = Raisable(catalog, lambda: _come_forward(window))
    unsubscribe = console.catalog.subscribe(signals.report_catalog)
    try:
        with _told_faults(context):
            window.show()
            window.start()
            if left:
                window.open_page("rollouts", {"rollout_id": left[0].rollout.id})
            return qt.exec()
    finally:
        unsubscribe()
        raisable.close()
        signals.close()


def _come_forward(window: MainWindow) -> None:
    window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
    window.show()
    window.raise_()
    window.activateWindow()


@contextmanager
def _told_faults(context: UiContext) -> Iterator[None]:
    """Tell of a fault of the program as a notice, with the details to copy; the program goes on."""
    before = sys.excepthook

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            before(kind, error, trace)
            return
        context.fault("The window", error)

    sys.excepthook = tell
    try:
        yield
    finally:
        sys.excepthook = before
