"""Pictures of images on engines: what a clean-up asks.

They are taken with those of the other pages: python -m tests.ui.pictures FOLDER [part of a name]
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from mirror_console.domain.cleanup import CleanUp, Item, Thing, WaysBack
from mirror_console.ui.engines.clean_up import clean_up_question
from mirror_console.ui.questions import QuestionDialog
from mirror_console.ui.window import MainWindow
from tests.ui.sample import engine_row

Scene = Callable[[MainWindow], QWidget]

REPOSITORY = "registry.lab:5000/shop/webshop"
FOUND = CleanUp(
    goes=(
        Item(Thing.CONTAINER, "1", "old-mill-books-live.mc-next", "left by a rollout that ended", None),
        Item(Thing.IMAGE, "2", f"{REPOSITORY}:26.7.0", "brought by a rollout, and nothing needs it", 182_000_000),
        Item(Thing.IMAGE, "3", f"{REPOSITORY}:26.7.4", "brought by a rollout, and nothing needs it", 179_000_000),
    ),
    stays=(
        Item(Thing.CONTAINER, "4", "dunes-bakery-live.mc-prev", "the way back of Dunes Bakery live", None),
        Item(Thing.IMAGE, "5", f"{REPOSITORY}:26.8.2", "Dunes Bakery live had it before", 181_000_000),
    ),
    ways_back=WaysBack(1, 1, 181_000_000),
)


def _clean_up(_window: MainWindow) -> QWidget:
    return QuestionDialog(clean_up_question(engine_row(0).engine, FOUND))


SCENES: dict[str, Scene] = {"engines-clean-up": _clean_up}
