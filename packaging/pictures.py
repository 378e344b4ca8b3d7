"""Leaves pictures of the window on the catalog that MIRROR_CONSOLE_HOME names: `pictures.py FOLDER [SCENE]`.

A scene is `pages`, every page and the newest rollout's report; `plan`, the newest plan and what its checks say; or
`running`, a rollout that another program carries out, which is waited for. Nothing is changed: the window is opened to
look only, without a display, in both themes.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

os.environ["QT_QPA_PLATFORM"] = "offscreen"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PySide6.QtCore import QEventLoop, QTimer

from mirror_console.app import Opened, opened
from mirror_console.domain.rollout import ENDED, OVER, Rollout, RolloutState
from mirror_console.operations.preflight import preflight
from mirror_console.operations.standing import all_rollouts
from mirror_console.operations.status import survey
from mirror_console.settings import Density, Preferences, Theme
from mirror_console.ui.context import UiContext
from mirror_console.ui.desktop import application
from mirror_console.ui.rollout.page import RolloutsPage
from mirror_console.ui.signals import Signals
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.window import MainWindow

SIZE = (1440, 900)
SETTLE = 600
"""Milliseconds that a page gets to read what it shows."""
PATIENCE = 180.0
"""Seconds within which a third of a rollout must be done."""
EVERY = 0.5
WHY = "The pictures only look."

Scene = Callable[[MainWindow], Iterator[str]]
"""Puts one thing after the other into the window, each with the name of its picture."""


def main(folder: Path, scene: str = "pages") -> int:
    """Take the pictures of a scene, in light and dark."""
    qt = application()
    folder.mkdir(parents=True, exist_ok=True)
    signals = Signals()
    with opened(write=False, read_only=WHY, listener=signals.report_job) as parts:
        shown = SCENES[scene](parts)
        for look in (Theme.LIGHT, Theme.DARK):
            theme = ThemeService(qt, look, Density.COMFORTABLE)
            context = UiContext(parts.console, parts.jobs, Preferences(theme=look), theme, signals)
            window = MainWindow(context)
            window.resize(*SIZE)
            window.show()
            context.set_grid(survey(parts.console))
            for name in shown(window):
                _settle()
                file = folder / f"{name}-{look}.png"
                window.grab().save(str(file))
                print(f"  {file.name}")
            window.close()
            window.deleteLater()
            _settle()
        signals.close()
    return 0


def pages(parts: Opened) -> Scene:
    """Every page, and the report of the newest rollout that has ended."""

    def show(window: MainWindow) -> Iterator[str]:
        for name in window.pages:
            window.open_page(name)
            yield name
        ended = [rollout for rollout in all_rollouts(parts.console) if rollout.state in ENDED]
        if ended:
            window.open_page("rollouts", {"rollout_id": ended[0].id})
            yield "report"

    return show


def plan(parts: Opened) -> Scene:
    """The newest plan, and the answers of its checks."""
    with parts.console.catalog.read() as books:
        newest = max(books.plans.all(), key=lambda one: one.made_at)
    # Whether something may be written is asked of who will: these pictures won't.
    checked = preflight(replace(parts.console, read_only=""), parts.jobs, newest)

    def show(window: MainWindow) -> Iterator[str]:
        page = _rollouts(window)
        page.begin()
        page.assistant.show_plan(newest)
        yield "plan"
        page.assistant.show_checks(newest)
        page.assistant.checks.finish(checked)
        yield "checks"

    return show


def running(parts: Opened) -> Scene:
    """A rollout that is on its way, a third of its targets or more over."""
    over = {rollout.id for rollout in all_rollouts(parts.console) if rollout.state in ENDED}
    until = time.monotonic() + PATIENCE
    while (rollout := _under_way(parts)) is None:
        ended = {rollout.id for rollout in all_rollouts(parts.console) if rollout.state in ENDED} - over
        if ended or time.monotonic() > until:
            raise SystemExit("No rollout was under way.")
        time.sleep(EVERY)

    def show(window: MainWindow) -> Iterator[str]:
        page = _rollouts(window)
        # As it was found: it may be over before the second picture.
        page.run_view.show_rollout(rollout)
        page.stack.setCurrentWidget(page.run_view)
        yield "running"

    return show


SCENES: dict[str, Callable[[Opened], Scene]] = {"pages": pages, "plan": plan, "running": running}


def _under_way(parts: Opened) -> Rollout | None:
    for rollout in all_rollouts(parts.console):
        done = sum(target.state in OVER for target in rollout.targets)
        if rollout.state is RolloutState.RUNNING and 3 * done >= len(rollout.targets):
            return rollout
    return None


def _rollouts(window: MainWindow) -> RolloutsPage:
    window.open_page("rollouts")
    return cast(RolloutsPage, window.pages["rollouts"])


def _settle() -> None:
    loop = QEventLoop()
    QTimer.singleShot(SETTLE, loop.quit)
    loop.exec()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
