"""Clean-up of one engine: how many ways back it keeps, and what rollouts left there, removed once a person agrees."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from mirror_console.domain.cleanup import CleanUp, Item, counted
from mirror_console.domain.engine import Engine
from mirror_console.domain.fleet import EngineRow
from mirror_console.domain.sizes import size_text
from mirror_console.operations.cleanup import Cleaned
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.questions import Question
from mirror_console.ui.tokens import SPACE_1
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import tr


class CleanUpPart(QWidget):
    """A line that counts the ways back, and the button that cleans up beside them."""

    def __init__(self, context: UiContext, operations: EngineOperations) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self._engine: Engine | None = None
        self.kept = label("", Look.MUTED, wrap=True, select=True)
        self.button = button(tr("Clean up…"), self.clean)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_1)
        column.addWidget(self.kept)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        self.show_engine(None)

    def show_engine(self, row: EngineRow | None) -> None:
        """Count the ways back of an engine that answers, in the background, when it comes to be shown."""
        engine = row.engine if row is not None else None
        same = engine is not None and self._engine is not None and engine.id == self._engine.id
        self._engine = engine
        refusal = self._context.console.read_only
        self.button.setEnabled(engine is not None and not refusal)
        self.button.setAccessibleDescription(refusal)
        answers = row is not None and row.contact is not None and row.contact.answered
        if same and (self.kept.text() or not answers):
            return
        self.kept.setText("")
        if engine is None or not answers:
            return
        look, console = self._operations.look, self._context.console
        self._context.run(
            tr("Count the ways back"),
            lambda _work: look(console, engine),
            lambda found: self._show(engine, found),
            # What keeps it from being counted is said of the engine itself.
            failed=lambda _error: None,
            owner=self,
        )

    def clean(self) -> None:
        """Look what would go, show it, and remove it once a person agrees."""
        engine = self._engine
        if engine is None:
            return
        look, console = self._operations.look, self._context.console
        self._context.run(
            tr("Look what {} needs no more").format(engine.name),
            lambda _work: look(console, engine),
            lambda found: self._ask(engine, found),
            lane=f"clean:{engine.id}",
            owner=self,
        )

    def _ask(self, engine: Engine, found: CleanUp) -> None:
        self._show(engine, found)
        if not found.goes:
            words = tr("There is nothing to clean up on {}. {}.").format(engine.name, found.ways_back)
            self._context.notices.done(words, key="clean")
            return
        if not self._context.questions.ask(clean_up_question(engine, found)).go:
            return
        remove, console = self._operations.clean, self._context.console
        self._context.run(
            tr("Clean up {}").format(engine.name),
            lambda work: remove(console, engine, found.goes, work.report),
            lambda done: self._done(engine, done),
            lane=f"clean:{engine.id}",
            owner=self,
        )

    def _done(self, engine: Engine, done: Cleaned) -> None:
        words = tr("Removed {} from {}.").format(counted(done.removed), engine.name)
        if done.frees:
            words += tr(" That frees up to {}.").format(size_text(done.frees))
        for item in done.left:
            words += tr(" {} stays: {}.").format(item.name, item.why.rstrip("."))
        self._context.notices.done(words, key="clean")

    def _show(self, engine: Engine, found: CleanUp) -> None:
        if self._engine is not None and self._engine.id == engine.id:
            self.kept.setText(f"{found.ways_back}.")


def clean_up_question(engine: Engine, found: CleanUp) -> Question:
    """Whether all that goes may go, with each thing that goes and that stays."""
    frees = tr("That frees up to {}. ").format(size_text(found.frees)) if found.frees else ""
    return Question(
        tr("Clean up {}?").format(engine.name),
        tr("{}What others brought there, and what a way back needs, is not touched: {}.").format(
            frees, found.ways_back
        ),
        go=tr("Remove {}").format(counted(found.goes)),
        details="\n".join([tr("Goes:"), *_lines(found.goes), "", tr("Stays:"), *_lines(found.stays)]),
    )


def _lines(items: Iterable[Item]) -> list[str]:
    """Each thing on a line of its own, and why below it: names are long, and a line that wraps hides where one ends."""
    lines: list[str] = []
    for item in items:
        size = f", {size_text(item.size)}" if item.size else ""
        lines += [f"• {item.thing} {item.name}{size}", f"   {item.why}"]
    return lines or [tr("nothing of ours")]
