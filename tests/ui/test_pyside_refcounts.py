"""The PySide6 in use doesn't lose references to None, True and False.

PySide6 6.12.0 does on Python 3.11: each void call takes one away, and after a few repaints the interpreter aborts with
'deallocating None'. A later one is good for the console when this test passes with it.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

ROUNDS = 1000
NOISE = 100
"""What the measuring itself, caches and the garbage collector may move the counts by."""

# In a process of its own: it may abort, and nothing else moves its counts.
MEASURED = f"""
import json, sys
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication, QStyledItemDelegate, QListView, QWidget

app = QApplication([])
image = QImage(8, 8, QImage.Format.Format_RGB32)
colour, thing, painted = QColor("red"), QObject(), []

class Empty(QAbstractListModel):
    def rowCount(self, parent=QModelIndex()):
        return 3

    def data(self, index, role=Qt.ItemDataRole.DisplayRole):
        return None

class Painted(QWidget):
    def paintEvent(self, event):
        painted.append(1)

class Delegate(QStyledItemDelegate):
    def paint(self, painter, option, index):
        painted.append(2)

model, widget, view, delegate = Empty(), Painted(), QListView(), Delegate()
view.setModel(model)
view.setItemDelegate(delegate)
index = model.index(0)
widget.show()
view.show()
app.processEvents()

def pen():
    painter.setPen(colour)

calls = {{
    "a void call": lambda: thing.setObjectName("x"),
    "a painter's call": pen,
    "data that is None": lambda: index.data(),
    "a call that returns True": lambda: index.isValid(),
    "a call that returns False": lambda: thing.isWidgetType(),
    "a virtual that returns None": widget.repaint,
    "a delegate's paint": view.viewport().repaint,
}}
moved = {{}}
for name, call in calls.items():
    painter = QPainter(image)
    call()
    before = [sys.getrefcount(it) for it in (None, True, False)]
    for _ in range({ROUNDS}):
        call()
    after = [sys.getrefcount(it) for it in (None, True, False)]
    painter.end()
    moved[name] = [now - then for then, now in zip(before, after)]
print(json.dumps({{"moved": moved, "painted": len(painted)}}))
"""


@pytest.fixture(scope="module")
def measured() -> dict[str, list[int]]:
    """How far the counts of None, True and False moved in a thousand calls of each kind."""
    run = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    moved: dict[str, list[int]] = told["moved"]
    # Both virtuals were really called: else their counts would prove nothing.
    assert told["painted"] > 2 * ROUNDS
    return moved


@pytest.mark.parametrize(
    "kind",
    [
        "a void call",
        "a painter's call",
        "data that is None",
        "a call that returns True",
        "a call that returns False",
        "a virtual that returns None",
        "a delegate's paint",
    ],
)
def test_a_thousand_calls_lose_no_reference(measured: dict[str, list[int]], kind: str) -> None:
    lost = measured[kind]

    assert min(lost) > -NOISE, f"None, True, False: {lost}"
