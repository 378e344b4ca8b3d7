"""Words for the screen: the one function through which every text passes on its way to an operator."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLocale

from mirror_console.domain.moment import age, age_aloud, day, moment, on_or_at

__all__ = ["age", "age_aloud", "count", "day", "moment", "number", "on_or_at", "tr"]


def tr(text: str) -> str:
    """The text in the person's language; English where no translation is installed."""
    return QCoreApplication.translate("MirrorConsole", text)


def number(value: int) -> str:
    """A count as the person's locale writes it: ``1,511``."""
    locale = QLocale()
    if locale.language() is QLocale.Language.C:
        # The locale of a machine without one writes figures that nobody can count.
        locale = QLocale(QLocale.Language.English)
    return locale.toString(value)


def count(value: int, one: str, many: str) -> str:
    """A counted noun: ``1 mirror``, ``1,511 mirrors``."""
    return f"{number(value)} {tr(one) if value == 1 else tr(many)}"
