"""Saving a report to a file: where, and in which of its forms, which the name's end tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from mirror_console.errors import ConsoleError
from mirror_console.operations.report import Format
from mirror_console.ui.context import UiContext
from mirror_console.ui.words import tr

AskWhere = Callable[[QWidget, str], str]
"""Asks where to save a file: over which widget, and under which name. Empty where nowhere was chosen."""

FORMS = {
    Format.HTML: "Web page (*.html)",
    Format.CSV: "Table (*.csv)",
    Format.JSON: "JSON for programs (*.json)",
    Format.MARKDOWN: "Markdown for a ticket (*.md)",
}


def ask_where(over: QWidget, name: str) -> str:
    """Ask with the system's dialog; the form that was chosen ends the name, if nothing does."""
    choices = {tr(words): form for form, words in FORMS.items()}
    path, chosen = QFileDialog.getSaveFileName(over, tr("Save the report"), name, ";;".join(choices))
    return f"{path}.{choices[chosen]}" if path and not Path(path).suffix and chosen in choices else path


def save_report(context: UiContext, owner: QWidget, path: str, made: Callable[[Format], str]) -> None:
    """Make a report in the form that the name's end tells, and write it there, in the background."""
    endings = {f".{form}": form for form in Format}

    def write() -> Path:
        target = Path(path)
        form = endings.get(target.suffix.lower())
        if form is None:
            hint = tr("End its name with one of {}.").format(", ".join(endings))
            raise ConsoleError(
                tr("The report was not saved: what {} is to be can't be told.").format(target.name), hint
            )
        try:
            target.write_text(made(form), "utf-8", newline="")
        except OSError as error:
            hint = tr("{}: {}. Choose another place.").format(path, error.strerror)
            raise ConsoleError(tr("The report could not be saved."), hint) from error
        return target

    context.run(
        tr("Save the report"),
        lambda _work: write(),
        lambda target: context.notices.done(tr("Saved {}.").format(target.name), key="report"),
        owner=owner,
    )
