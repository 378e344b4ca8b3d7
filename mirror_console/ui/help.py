"""The help in the window: pages from the program's own files, each part of them a plain label."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from mirror_console.operations.help import HelpPage, Kind, help_pages
from mirror_console.ui.context import UiContext
from mirror_console.ui.tokens import SPACE_2, SPACE_3, SPACE_4, SPACE_6
from mirror_console.ui.widgets.scrolled import Paper, scrolled
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import tr

_LOOKS = {Kind.HEADING: Look.STRONG, Kind.TEXT: Look.BODY, Kind.ITEM: Look.BODY, Kind.COMMAND: Look.MONO}


def show_help(context: UiContext, over: QWidget, page_id: str = "") -> HelpDialog:
    """Show a page beside what is worked on; one window of help is enough for a window."""
    window = over.window()
    dialog = window.findChild(HelpDialog) or HelpDialog(context, window)
    dialog.show_page(page_id)
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()
    return dialog


def help_here(context: UiContext, window: QWidget) -> HelpDialog:
    """Show the page about what the keys go to; what has none is part of something that may have one."""
    part = QApplication.focusWidget()
    while part is not None and not hasattr(part, "help_page"):
        part = part.parentWidget()
    return show_help(context, window, part.help_page() if part is not None else "")


class HelpDialog(QDialog):
    """All pages by title, and one of them. It stays open while work goes on."""

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Help"))
        self.resize(780, 560)
        title: Column[HelpPage] = Column("title", tr("Page"), lambda page: tr(page.title), 230, stretch=True)
        self.pages = Table[HelpPage]((title,), lambda page: page.id)
        self.view = TableView(self.pages, context.theme, tr("Pages of the help"))
        self.view.setFixedWidth(250)
        self.pages.show(help_pages())
        self.title = label("", Look.HEADING, wrap=True)
        self.area = QScrollArea()
        self._body = QVBoxLayout()
        row = QHBoxLayout()
        row.setSpacing(SPACE_4)
        row.addWidget(self.view)
        right = QVBoxLayout()
        right.setSpacing(SPACE_3)
        right.addWidget(self.title)
        right.addLayout(self._body, 1)
        row.addLayout(right, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_4)
        column.setSpacing(SPACE_3)
        column.addLayout(row, 1)
        close = button(tr("Close"), self.close)
        close.setDefault(True)
        column.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
        self.view.cursor_changed.connect(self._show)
        self.show_page("")

    def show_page(self, page_id: str) -> None:
        """Show a page; the first one where there is none of that name."""
        if not self.view.move_to(page_id) and self.pages.rows:
            self.view.move_to(self.pages.rows[0].id)
        self.view.setFocus()

    def _show(self, page_id: object) -> None:
        page = next((one for one in self.pages.rows if one.id == page_id), None)
        if page is None:
            return
        self.title.setText(tr(page.title))
        paper = Paper()
        column = QVBoxLayout(paper)
        column.setContentsMargins(0, 0, SPACE_3, 0)
        column.setSpacing(SPACE_2)
        for part in page.parts:
            words = f"•  {part.text}" if part.kind is Kind.ITEM else part.text
            made = label(words, _LOOKS[part.kind], wrap=True, select=True)
            if part.kind in {Kind.ITEM, Kind.COMMAND}:
                made.setContentsMargins(SPACE_3, 0, 0, 0)
            if part.kind is Kind.HEADING:
                column.addSpacing(SPACE_2)
            column.addWidget(made)
        column.addStretch(1)
        area = scrolled(paper)
        area.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        area.setAccessibleName(tr("Page {}").format(page.title))
        self._body.addWidget(area)
        self.area.hide()
        self._body.removeWidget(self.area)
        self.area.deleteLater()
        self.area = area
