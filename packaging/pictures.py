"""Leaves pictures of the window's pages, on the catalog that MIRROR_CONSOLE_HOME names: `pictures.py FOLDER`.

Nothing is changed: the window is opened to look only, without a display, in both themes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PySide6.QtCore import QEventLoop, QTimer

from mirror_console.app import opened
from mirror_console.operations.status import survey
from mirror_console.settings import Density, Preferences, Theme
from mirror_console.ui.context import UiContext
from mirror_console.ui.desktop import application
from mirror_console.ui.signals import Signals
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.window import MainWindow

SIZE = (1440, 900)
SETTLE = 600
"""Milliseconds that a page gets to read what it shows."""
WHY = "The pictures only look."


def main(folder: Path) -> int:
    """Take a picture of every page, in light and dark."""
    qt = application()
    folder.mkdir(parents=True, exist_ok=True)
    signals = Signals()
    with opened(write=False, read_only=WHY, listener=signals.report_job) as parts:
        for look in (Theme.LIGHT, Theme.DARK):
            theme = ThemeService(qt, look, Density.COMFORTABLE)
            context = UiContext(parts.console, parts.jobs, Preferences(theme=look), theme, signals)
            window = MainWindow(context)
            window.resize(*SIZE)
            window.show()
            context.set_grid(survey(parts.console))
            for name in window.pages:
                window.open_page(name)
                _settle()
                file = folder / f"{name}-{look}.png"
                window.grab().save(str(file))
                print(f"  {file.name}")
            window.close()
            window.deleteLater()
            _settle()
        signals.close()
    return 0


def _settle() -> None:
    loop = QEventLoop()
    QTimer.singleShot(SETTLE, loop.quit)
    loop.exec()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
