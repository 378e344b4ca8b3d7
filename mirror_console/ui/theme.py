"""The look of the window: palette, style sheet and fonts made from the tokens, light or dark, as wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from mirror_console.domain.status import Status
from mirror_console.paths import resources
from mirror_console.settings import Density, Theme
from mirror_console.ui.tokens import DARK, LIGHT, RADIUS, SMALLEST_FONT, TOOL_HEIGHT, Colours


class ThemeService(QObject):
    """The theme in force. `changed` is sent after the application has been given its palette and style sheet."""

    changed = Signal()

    def __init__(self, application: QApplication, choice: Theme, density: Density) -> None:
        super().__init__()
        self._application = application
        self._choice = choice
        self.density = density
        self.colours: Colours = LIGHT
        # A chained call through the application has found the object already deleted: the reference is kept.
        self._hints = QGuiApplication.styleHints()
        self._hints.colorSchemeChanged.connect(self._follow)
        application.setStyle(QStyleFactory.create("Fusion"))
        font = application.font()
        if QFontInfo(font).pointSizeF() < SMALLEST_FONT:
            font.setPointSizeF(SMALLEST_FONT)
            application.setFont(font)
        self._apply()

    @property
    def choice(self) -> Theme:
        """What the person asked for."""
        return self._choice

    def choose(self, choice: Theme) -> None:
        """Follow the system, or stay light or dark."""
        self._choice = choice
        self._apply()

    def choose_density(self, density: Density) -> None:
        """Give rows more or less room."""
        if density is not self.density:
            self.density = density
            self.changed.emit()

    @contextmanager
    def undressed(self) -> Iterator[None]:
        """Widgets that are made within it get the style sheet all at once at its end.

        With one in force, Qt gives it to a whole subtree anew each time that a part of a page is put into its place:
        making a window with all its pages takes five times as long.
        """
        self._application.setStyleSheet("")
        try:
            yield
        finally:
            self._application.setStyleSheet(style_sheet(self.colours))

    def colour(self, value: str) -> QColor:
        """A token as Qt's colour."""
        return QColor(value)

    def _follow(self) -> None:
        if self._choice is Theme.SYSTEM:
            self._apply()

    def _apply(self) -> None:
        dark = self._choice is Theme.DARK or (
            self._choice is Theme.SYSTEM and self._hints.colorScheme() is Qt.ColorScheme.Dark
        )
        self.colours = DARK if dark else LIGHT
        self._application.setPalette(palette(self.colours))
        self._application.setStyleSheet(style_sheet(self.colours))
        self.changed.emit()


def palette(colours: Colours) -> QPalette:
    """The palette for Qt's Fusion style."""
    made = QPalette()
    role = QPalette.ColorRole
    for which, value in {
        role.Window: colours.window,
        role.WindowText: colours.text,
        role.Base: colours.base,
        role.AlternateBase: colours.alternate,
        role.Text: colours.text,
        role.Button: colours.raised,
        role.ButtonText: colours.text,
        role.BrightText: colours.danger,
        role.ToolTipBase: colours.raised,
        role.ToolTipText: colours.text,
        role.PlaceholderText: colours.muted,
        role.Highlight: colours.ticked,
        role.HighlightedText: colours.text,
        role.Link: colours.accent,
        role.LinkVisited: colours.accent,
        role.Accent: colours.accent,
        role.Mid: colours.border,
        role.Midlight: colours.hairline,
        role.Light: colours.raised,
        role.Dark: colours.border,
        role.Shadow: colours.border,
    }.items():
        made.setColor(which, QColor(value))
    for which in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(colours.muted))
    return made


def style_sheet(colours: Colours) -> str:
    """What the palette can't say. Widgets ask for a look by their ``class`` property."""
    c = colours
    arrows = (resources() / "icons" / "controls").as_posix()
    mode = "dark" if c.dark else "light"
    return f"""
QToolTip {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.border}; padding: 6px 8px; }}
QMenuBar {{ background: {c.window}; border-bottom: 1px solid {c.hairline}; padding: 2px 4px; }}
QMenuBar::item {{ padding: 4px 10px; border-radius: {RADIUS}px; background: transparent; }}
QMenuBar::item:selected {{ background: {c.accent_tint}; }}
QMenu {{ background: {c.raised}; border: 1px solid {c.border}; padding: 4px; }}
QMenu::item {{ padding: 6px 24px 6px 12px; border-radius: {RADIUS}px; min-height: 16px; }}
QMenu::item:selected {{ background: {c.accent_tint}; color: {c.text}; }}
QMenu::item:disabled {{ color: {c.muted}; }}
QMenu::icon {{ padding-left: 8px; }}
QMenu::separator {{ height: 1px; background: {c.hairline}; margin: 4px 8px; }}
QPushButton {{
    background: {c.raised}; color: {c.text}; border: 1px solid {c.border}; border-radius: {RADIUS}px;
    padding: 0 12px; min-height: {TOOL_HEIGHT - 4}px;
}}
QPushButton:hover {{ background: {c.hover}; }}
QPushButton:pressed {{ background: {c.accent_tint}; }}
QPushButton:disabled {{ color: {c.muted}; border-color: {c.hairline}; background: {c.window}; }}
QPushButton:focus {{ border: 2px solid {c.focus}; padding: 0 11px; min-height: {TOOL_HEIGHT - 6}px; }}
QPushButton[class="primary"] {{
    background: {c.accent}; color: {c.accent_text}; border-color: {c.accent}; font-weight: 600;
}}
QPushButton[class="primary"]:focus {{ border: 2px solid {c.text}; }}
QPushButton[class="primary"]:disabled {{ background: {c.window}; color: {c.muted}; border-color: {c.border}; }}
QPushButton[class="quiet"] {{ background: transparent; border-color: transparent; color: {c.accent}; padding: 0 8px; }}
QPushButton[class="quiet"]:hover {{ background: {c.hover}; }}
QPushButton[class="onselection"] {{
    background: transparent; border-color: transparent; color: {c.text}; padding: 0 8px;
}}
QPushButton[class="onselection"]:hover {{ border-color: {c.border}; }}
QPushButton[class="onselection"]:focus {{ border: 2px solid {c.focus}; padding: 0 7px; }}
QPushButton[class="chip"] {{
    background: {c.raised}; border: 1px solid {c.hairline}; border-radius: 12px;
    padding: 0 10px 0 8px; min-height: 22px;
}}
QPushButton[class="chip"]:hover {{ border-color: {c.border}; background: {c.hover}; }}
QPushButton[class="chip"]:checked {{ background: {c.accent_tint}; border: 2px solid {c.accent}; padding: 0 9px 0 7px; }}
QPushButton[class="chip"]:focus {{ border: 2px solid {c.focus}; padding: 0 9px 0 7px; min-height: 20px; }}
QPushButton[class="quiet"]:disabled {{ color: {c.muted}; }}
QPushButton[class="quiet"]:focus {{ border: 2px solid {c.focus}; padding: 0 7px; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: {RADIUS}px; padding: 3px; }}
QToolButton:hover {{ background: {c.hover}; border-color: {c.hairline}; }}
QToolButton:pressed, QToolButton:checked {{ background: {c.accent_tint}; }}
QToolButton:focus {{ border: 2px solid {c.focus}; padding: 2px; }}
QToolButton::menu-indicator {{ image: none; }}
QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox, QDateEdit {{
    background: {c.base}; color: {c.text}; border: 1px solid {c.border}; border-radius: {RADIUS}px;
    padding: 2px 8px; selection-background-color: {c.ticked}; selection-color: {c.text};
}}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QDateEdit {{ min-height: {TOOL_HEIGHT - 8}px; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus,
QDateEdit:focus {{ border: 2px solid {c.focus}; padding: 1px 7px; }}
QLineEdit[invalid="true"], QPlainTextEdit[invalid="true"] {{ border: 2px solid {c.danger}; padding: 1px 7px; }}
QLineEdit:read-only, QPlainTextEdit[frozen="true"] {{ background: {c.window}; border-color: {c.hairline}; }}
QLineEdit:disabled, QPlainTextEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled,
QDateEdit:disabled {{ background: {c.window}; color: {c.muted}; border-color: {c.hairline}; }}
QComboBox::drop-down {{ border: 0; width: 24px; }}
QComboBox::down-arrow {{ image: url("{arrows}/down-{mode}.svg"); width: 12px; height: 12px; }}
QComboBox::down-arrow:disabled {{ image: none; }}
QSpinBox, QDoubleSpinBox, QDateEdit {{ padding-right: 24px; }}
QSpinBox QLineEdit, QDoubleSpinBox QLineEdit, QDateEdit QLineEdit {{
    border: 0; background: transparent; padding: 0 0 0 6px; min-height: 0;
}}
QSpinBox::up-button, QDoubleSpinBox::up-button, QDateEdit::up-button {{
    subcontrol-origin: border; subcontrol-position: top right; border: 0; width: 22px; height: 15px;
}}
QSpinBox::down-button, QDoubleSpinBox::down-button, QDateEdit::down-button {{
    subcontrol-origin: border; subcontrol-position: bottom right; border: 0; width: 22px; height: 15px;
}}
QSpinBox::up-button:hover, QSpinBox::down-button:hover {{ background: {c.hover}; }}
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow, QDateEdit::up-arrow {{
    image: url("{arrows}/up-{mode}.svg"); width: 10px; height: 10px;
}}
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow, QDateEdit::down-arrow {{
    image: url("{arrows}/down-{mode}.svg"); width: 10px; height: 10px;
}}
QComboBox QAbstractItemView {{ background: {c.raised}; border: 1px solid {c.border}; }}
QTableView, QTreeView, QListView, QListWidget {{
    background: {c.base}; alternate-background-color: {c.alternate}; border: 1px solid {c.hairline};
    gridline-color: {c.hairline}; outline: 0; selection-background-color: {c.ticked}; selection-color: {c.text};
}}
QHeaderView {{ background: {c.window}; border: 0; }}
QHeaderView::section {{
    background: {c.window}; color: {c.muted}; border: 0; border-bottom: 1px solid {c.hairline};
    padding: 4px 8px; font-weight: 600;
}}
QHeaderView[class="paper"] {{ background: {c.base}; border-right: 1px solid {c.hairline}; }}
QScrollArea {{ background: transparent; border: 0; }}
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle {{ background: {c.border}; border: 3px solid {c.window}; border-radius: 5px; }}
QScrollBar::handle:vertical {{ min-height: 32px; }}
QScrollBar::handle:horizontal {{ min-width: 32px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: {c.window}; }}
QSplitter::handle {{ background: {c.hairline}; }}
QSplitter::handle:horizontal {{ width: 1px; }}
QSplitter::handle:vertical {{ height: 1px; }}
QStatusBar {{ background: {c.window}; border-top: 1px solid {c.hairline}; }}
QStatusBar::item {{ border: 0; }}
QTabWidget::pane {{ border: 0; border-top: 1px solid {c.hairline}; }}
QTabBar::tab {{
    background: transparent; color: {c.muted}; padding: 6px 12px; border: 0; border-bottom: 2px solid transparent;
    min-height: 20px;
}}
QTabBar::tab:selected {{ color: {c.text}; border-bottom: 2px solid {c.accent}; font-weight: 600; }}
QTabBar::tab:hover {{ color: {c.text}; }}
QTabBar::tab:focus {{ border: 2px solid {c.focus}; }}
QGroupBox {{ border: 1px solid {c.hairline}; border-radius: {RADIUS}px; margin-top: 20px; padding: 8px; }}
QGroupBox::title {{ subcontrol-origin: margin; left: 0; color: {c.muted}; font-weight: 600; }}
QProgressBar {{ background: {c.hairline}; border: 0; border-radius: 3px; max-height: 6px; }}
QProgressBar::chunk {{ background: {c.accent}; border-radius: 3px; }}
QLabel[class="muted"] {{ color: {c.muted}; }}
QLabel[class="now"] {{ font-weight: 600; }}
QLabel[class="error"] {{ color: {c.danger}; }}
QLabel[class="output"] {{
    background: {c.alternate}; border: 1px solid {c.hairline}; border-radius: {RADIUS}px; padding: 8px;
}}
QFrame[class="line"] {{ background: {c.hairline}; border: 0; }}
QFrame[class="card"] {{ background: {c.base}; border: 1px solid {c.hairline}; border-radius: {RADIUS}px; }}
QWidget[class="rail"] {{ background: {c.rail}; border-right: 1px solid {c.hairline}; }}
QWidget[class="bar"] {{ background: {c.window}; }}
QWidget[class="paper"] {{ background: {c.base}; }}
QWidget[class="selection"] {{ background: {c.ticked}; border-radius: {RADIUS}px; }}
QFrame[class="chip"] {{ background: {c.raised}; border: 1px solid {c.border}; border-radius: 11px; }}
QLabel[class="chip"] {{
    background: {c.accent_tint}; color: {c.text}; border: 1px solid {c.border}; border-radius: {RADIUS}px;
    padding: 2px 8px;
}}
QFrame[class="banner"] {{
    background: {c.status[Status.BEHIND].tint}; border: 0; border-bottom: 1px solid {c.status[Status.BEHIND].glyph};
}}
"""


def small(font: QFont) -> QFont:
    """A tenth smaller, but never below what can be read."""
    return _sized(font, max(SMALLEST_FONT, font.pointSizeF() * 0.9))


def heading(font: QFont, large: bool = False) -> QFont:
    """A heading: a quarter larger, or three fifths, and semibold."""
    made = _sized(font, font.pointSizeF() * (1.6 if large else 1.25))
    made.setWeight(QFont.Weight.DemiBold)
    return made


def lead(font: QFont) -> QFont:
    """The one sentence that matters on a panel: larger, and not bold."""
    return _sized(font, font.pointSizeF() * 1.2)


def semibold(font: QFont) -> QFont:
    """The same size, semibold."""
    made = QFont(font)
    made.setWeight(QFont.Weight.DemiBold)
    return made


def tabular(font: QFont) -> QFont:
    """Figures of one width, for versions, counts and times that stand below each other."""
    made = QFont(font)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def monospace(font: QFont) -> QFont:
    """For digests, logs and commands."""
    made = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    made.setPointSizeF(max(SMALLEST_FONT, font.pointSizeF() * 0.95))
    return made


def _sized(font: QFont, points: float) -> QFont:
    made = QFont(font)
    made.setPointSizeF(points)
    return made
