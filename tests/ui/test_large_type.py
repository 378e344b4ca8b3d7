"""With type of twice the size in a window of 1024 by 640 every page can be used: no words are cut off unseen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QLabel

from mirror_console.settings import Theme
from tests.ui import pictures_pages
from tests.ui.pictures import rest, settle


@pytest.fixture
def large_type(qapp: QApplication) -> Iterator[QApplication]:
    before = qapp.font()
    larger = qapp.font()
    larger.setPointSizeF(before.pointSizeF() * 2)
    qapp.setFont(larger)
    yield qapp
    qapp.setFont(before)
    qapp.setStyleSheet("")


SCENES = (
    "rollout-2-plan",
    "rollout-5-causes-8-all",
    "rollout-6-report",
    "rollout-interrupted",
    "engines-test",
    "engines-ssh-form",
    "engines-ssh-new",
    "engines-contexts",
)


@pytest.mark.parametrize("name", SCENES)
def test_no_words_are_cut_off(large_type: QApplication, name: str) -> None:
    with pictures_pages.open_window(large_type, Theme.LIGHT) as window:
        window.resize(1024, 640)
        window.show()
        settle()
        shown = pictures_pages.SCENES[name](window)
        rest(window)
        wrapped = [one for one in shown.findChildren(QLabel) if one.isVisible() and one.wordWrap() and one.text()]
        assert len(wrapped) >= 3
        cut = [one.text() for one in wrapped if one.heightForWidth(one.width()) > one.height()]
        assert not cut
