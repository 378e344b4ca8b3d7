"""Pictures of the pages at work, in both themes and two sizes: to be looked at.

python -m tests.ui.pictures FOLDER [part of a name]
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from mirror_console.settings import Theme
from mirror_console.ui.engines.page import EnginesPage
from mirror_console.ui.grid.page import AlignmentPage
from mirror_console.ui.mirrors.page import MirrorsPage
from mirror_console.ui.rollout.page import RolloutsPage
from mirror_console.ui.settings.page import SettingsPage
from mirror_console.ui.sources.page import SourcesPage
from mirror_console.ui.window import MainWindow, PageFactory
from tests.ui import (
    pictures,
    pictures_catalog,
    pictures_commands,
    pictures_engines,
    pictures_images,
    pictures_processes,
    pictures_rollout,
    pictures_schedule,
    pictures_sources,
)
from tests.ui.pictures import SIZES, THEMES, rest, settle
from tests.ui.pictures_rollout import ROLLOUT_OPERATIONS

Scene = Callable[[MainWindow], QWidget]

SCENES: dict[str, Scene] = {
    **pictures_rollout.SCENES,
    **pictures_catalog.SCENES,
    **pictures_engines.SCENES,
    **pictures_schedule.SCENES,
    **pictures_sources.SCENES,
    **pictures_images.SCENES,
    **pictures_commands.SCENES,
    **pictures_processes.SCENES,
}
PAGES: tuple[PageFactory, ...] = (
    AlignmentPage,
    lambda context: RolloutsPage(context, ROLLOUT_OPERATIONS),
    lambda context: MirrorsPage(context, pictures_catalog.MIRROR_OPERATIONS),
    lambda context: SourcesPage(context, pictures_catalog.SOURCE_OPERATIONS),
    lambda context: EnginesPage(context, pictures_catalog.ENGINE_OPERATIONS),
    SettingsPage,
)


def take(folder: Path, part: str = "") -> list[Path]:
    """Paint every scene whose name holds `part` into `folder`; returns the files."""
    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for theme in THEMES:
        for name, scene in SCENES.items():
            if part in name:
                made += _take(application, folder, theme, name, scene)
    return made


def _take(application: QApplication, folder: Path, theme: Theme, name: str, scene: Scene) -> list[Path]:
    made = []
    pictures_catalog.PROBLEMS.clear()
    refusal = "The console was started with --read-only." if "read-only" in name else ""
    for width, height in SIZES:
        with open_window(application, theme, refusal) as window:
            window.resize(width, height)
            window.show()
            window.activateWindow()
            QTest.qWaitForWindowActive(window)
            settle()
            shown = scene(window)
            if shown is not window:
                shown.ensurePolished()
                shown.show()
            rest(window)
            path = folder / f"{name}-{theme}-{width}.png"
            shown.grab().save(str(path))
            made.append(path)
            if shown is not window:
                shown.close()
                shown.deleteLater()
                return made
    return made


def open_window(application: QApplication, theme: Theme, read_only: str = "") -> AbstractContextManager[MainWindow]:
    """A window whose pages work on what the sample says, without clocks."""
    return pictures.open_window(application, theme, PAGES, read_only=read_only)
