"""A page of the window: what the window asks of each."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from mirror_console.domain.fleet import Grid
from mirror_console.ui.context import UiContext


class Page(QWidget):
    """A page. Made once, when the window is; shown and hidden after that.

    A page never knows another page: it goes there by ``context.go(page_id, …)``.
    """

    id = ""
    """The name by which it is gone to, and the rail's order is kept."""
    title = ""
    icon = ""
    """The name of its icon in the rail."""

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self.context = context
        self.setAccessibleName(self.title)

    def shown(self) -> None:
        """Called each time the page comes to the front. Put the focus where work begins."""

    def refresh(self, grid: Grid) -> None:
        """Called with each new survey, visible or not: keep it, and redraw what is visible."""

    def show_what(self, what: dict[str, object]) -> None:
        """Called by a wish to go here, after `shown`: show what it names."""

    def may_leave(self) -> bool:
        """Asked before another page is opened: False where the person wants to stay, for unsaved changes."""
        return True

    def may_close(self) -> bool:
        """Asked before the window closes: False where the person wants to stay."""
        return self.may_leave()
