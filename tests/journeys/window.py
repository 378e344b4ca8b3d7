"""The window on a person's own catalog, without a screen, worked as they do: by what stands on it, keys and clicks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTabWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from mirror_console.app import opened
from mirror_console.domain.lock import LockTimes
from mirror_console.settings import Density, Preferences, Theme
from mirror_console.ui.context import UiContext
from mirror_console.ui.signals import Signals
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.window import MainWindow

SOON = LockTimes(grace=-2.0)
"""What was cut off here arrives within a second, the time that a stop of the agency's may take included."""
LONGEST = 60_000
"""Milliseconds to wait for something to show."""


@contextmanager
def window_on_the_catalog(qtbot: QtBot, read_only: str = "") -> Iterator[MainWindow]:
    """The window on the catalog that MIRROR_CONSOLE_HOME names, after its first look at all engines."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    signals = Signals()
    with opened(holder="window", read_only=read_only, listener=signals.report_job) as parts:
        theme = ThemeService(application, Theme.LIGHT, Density.COMFORTABLE)
        console = replace(parts.console, lock_times=SOON)
        context = UiContext(console, parts.jobs, Preferences(theme=Theme.LIGHT), theme, signals)
        unsubscribe = parts.console.catalog.subscribe(signals.report_catalog)
        window = MainWindow(context)
        qtbot.addWidget(window)
        window.resize(1280, 900)
        window.show()
        try:
            with qtbot.waitSignal(window.fleet.checked, timeout=LONGEST):
                window.start()
            qtbot.waitUntil(lambda: context.grid is not None and not window.fleet.reading, timeout=LONGEST)
            yield window
        finally:
            window.close()
            QApplication.processEvents()
            unsubscribe()
            signals.close()
            application.setStyleSheet("")


def press(within: QWidget, words: str) -> None:
    """Click the button that says this."""
    found = [
        button
        for button in within.findChildren(QAbstractButton)
        if words in {button.text(), button.accessibleName()} and button.isVisible() and button.isEnabled()
    ]
    assert found, f"no button says '{words}'"
    QTest.mouseClick(found[0], Qt.MouseButton.LeftButton)


def tick(within: QWidget, words: str) -> None:
    """Tick the box of this name with the keyboard."""
    box = next(one for one in within.findChildren(QCheckBox) if one.accessibleName() == words and one.isVisible())
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Space)
    assert box.isChecked()


def fill(within: QWidget, name: str, text: str) -> None:
    """Type into the field of this name, paste where it has several lines, choose where it offers a choice."""
    found = [
        control
        for control in within.findChildren(QWidget)
        if isinstance(control, QLineEdit | QPlainTextEdit | QComboBox)
        and control.accessibleName() == name
        and control.isVisible()
    ]
    assert found, f"there is no field '{name}'"
    control = found[0]
    control.setFocus()
    match control:
        case QLineEdit():
            control.selectAll()
            QTest.keyClicks(control, text)
        case QPlainTextEdit():
            control.setPlainText(text)
        case QComboBox():
            place = control.findText(text)
            assert place >= 0, f"'{text}' is not offered as {name}"
            control.setCurrentIndex(place)


def environments(within: QWidget) -> QTabWidget:
    """The tabs of the environments of an application's form."""
    return next(tabs for tabs in within.findChildren(QTabWidget) if tabs.accessibleName() == "Environments")
