"""Actions: each is declared once, with its words, icon, keys, and when it is allowed; menus are made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from mirror_console.ui.icons import Icons
from mirror_console.ui.widgets.text import amp
from mirror_console.ui.words import tr


class MenuName(StrEnum):
    """The menus of the menu bar, in their order."""

    FILE = "&File"
    EDIT = "&Edit"
    VIEW = "&View"
    GO = "&Go"
    ROLLOUT = "&Rollout"
    HELP = "&Help"


@dataclass(frozen=True, slots=True)
class Declared:
    """An action. `refusal` says why it can't be done now, or nothing where it can.

    `shortcut` works in the whole window. `key` is a key that works only in one place, such as the grid, which handles
    it there: it is only shown.
    """

    id: str
    words: str
    menu: MenuName
    run: Callable[[], object]
    icon: str = ""
    shortcut: str = ""
    key: str = ""
    refusal: Callable[[], str] | None = None
    page: str = ""
    """The page that it belongs to; it is off on every other one. Empty: it belongs to the window."""
    begins_group: bool = False
    submenu: str = ""
    """The title of the menu within the menu that it stands in, with its neighbours of the same."""


class Actions(QObject):
    """All actions of the window, in the order in which they were declared."""

    def __init__(self, icons: Icons, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._icons = icons
        self._declared: dict[str, Declared] = {}
        self._made: dict[str, QAction] = {}
        self._refused: dict[str, str] = {}
        """What stands beside each action now."""
        self.current_page = ""

    def declare(self, *several: Declared) -> None:
        """Add actions. Raises ValueError where an id or a shortcut is taken."""
        for declared in several:
            if declared.id in self._declared:
                raise ValueError(f"the action {declared.id} is declared twice")
            taken = [other.id for other in self._declared.values() if other.shortcut == declared.shortcut != ""]
            same_place = [other for other in taken if self._meet(self._declared[other], declared)]
            if same_place:
                raise ValueError(f"{declared.shortcut} is the shortcut of {same_place[0]} and of {declared.id}")
            self._declared[declared.id] = declared
            self._made[declared.id] = self._make(declared)

    @staticmethod
    def _meet(one: Declared, other: Declared) -> bool:
        return not one.page or not other.page or one.page == other.page

    def all(self) -> tuple[Declared, ...]:
        """Every action."""
        return tuple(self._declared.values())

    def action(self, action_id: str) -> QAction:
        """The QAction of an id, for toolbars and buttons. Raises KeyError."""
        return self._made[action_id]

    def run(self, action_id: str) -> None:
        """Do it, unless it is refused."""
        if not self.refusal(action_id):
            self._declared[action_id].run()

    def refusal(self, action_id: str) -> str:
        """Why it can't be done now; empty where it can."""
        declared = self._declared[action_id]
        if declared.page and declared.page != self.current_page:
            return tr("on another page")
        return declared.refusal() if declared.refusal else ""

    def refresh(self) -> None:
        """Look again at what is allowed, and write the reason beside what isn't."""
        for action_id, action in self._made.items():
            refusal = self.refusal(action_id)
            if self._refused.get(action_id) == refusal:
                continue
            self._refused[action_id] = refusal
            declared = self._declared[action_id]
            action.setEnabled(not refusal)
            words = tr(declared.words) + (amp(f" ({refusal})") if refusal else "")
            action.setText(words + (f"\t{declared.key}" if declared.key else ""))

    def fill(self, menu: QMenu, ids: Iterable[str]) -> None:
        """Put actions into a menu; an empty id is a separator."""
        inner: QMenu | None = None
        for action_id in ids:
            if not action_id:
                (inner or menu).addSeparator()
                continue
            title = tr(self._declared[action_id].submenu)
            if not title:
                inner = None
            elif inner is None or inner.title() != title:
                inner = menu.addMenu(title)
            (inner or menu).addAction(self._made[action_id])

    def context_menu(self, ids: Iterable[str], parent: QWidget) -> QMenu:
        """A menu of actions, with the reasons of those that are off."""
        self.refresh()
        menu = QMenu(parent)
        self.fill(menu, ids)
        return menu

    def menus(self) -> Iterable[tuple[MenuName, list[str]]]:
        """What stands in each menu of the menu bar, with separators."""
        for name in MenuName:
            ids: list[str] = []
            for declared in self._declared.values():
                if declared.menu is name:
                    if declared.begins_group and ids:
                        ids.append("")
                    ids.append(declared.id)
            yield name, ids

    def _make(self, declared: Declared) -> QAction:
        action = QAction(tr(declared.words), self)
        action.setObjectName(declared.id)
        if declared.icon:
            self._icons.wear(action, declared.icon)
        if declared.shortcut:
            action.setShortcut(QKeySequence(declared.shortcut))
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.triggered.connect(lambda: self.run(declared.id))
        return action
