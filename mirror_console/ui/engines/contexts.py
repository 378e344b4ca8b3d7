"""Import from Docker: the engines of the person's own Docker set-up, to be ticked and imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from mirror_console.domain.engine import Engine
from mirror_console.errors import ConsoleError, InvalidInput, Problem
from mirror_console.operations.contexts import DockerContext
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.notices import announce
from mirror_console.ui.tokens import SPACE_1, SPACE_3, SPACE_6
from mirror_console.ui.widgets.editor import Editor
from mirror_console.ui.widgets.form import sentence, tick
from mirror_console.ui.widgets.text import Look, label
from mirror_console.ui.words import count, tr

Found = Sequence[tuple[DockerContext, Sequence[Problem]]]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of an import: the engines that are there now, and by the names of the others why not."""

    engines: tuple[Engine, ...]
    failed: dict[str, str]


class ContextsEditor(QWidget):
    """Tick and import. `saved` carries the engine that was imported last; `closed` says that the page was left."""

    saved = Signal(object)
    closed = Signal()

    def __init__(self, context: UiContext, operations: EngineOperations) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self.lines: dict[str, _ContextLine] = {}
        self._imported: Engine | None = None
        self.says = label(tr("Looking…"), wrap=True)
        paper = QWidget()
        self._column = QVBoxLayout(paper)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACE_3)
        explains = tr(
            "The engines that your own Docker set-up knows. Certificates go into the keyring; nothing is changed in"
            " Docker's files. By SSH, an engine is reached with your own agent and ~/.ssh/config."
        )
        self._column.addWidget(label(explains, Look.MUTED, wrap=True))
        self._column.addWidget(self.says)
        self.editor = Editor(tr("Import from Docker"), paper, context.questions, refusal=context.console.read_only)
        self.editor.save.setText(tr("Import"))
        self.editor.save.setEnabled(False)
        # Ticks are quickly set again: leaving without an import loses nothing that was entered.
        self.editor.save_wished.connect(self.save)
        self.editor.closed.connect(self._close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.editor)
        self.look()

    @property
    def ticked(self) -> tuple[str, ...]:
        """The names of those that are ticked."""
        return tuple(name for name, line in self.lines.items() if line.box.isEnabled() and line.box.isChecked())

    def may_leave(self) -> bool:
        """Nothing that was entered would be lost."""
        return True

    def begin(self) -> None:
        """Wait at the button that leaves, until there is something to tick."""
        self.editor.cancel.setFocus()

    def look(self) -> None:
        """Look at the person's Docker set-up: files are read, and beside each what stands against it."""
        found, console = self._operations.found_contexts, self._context.console
        self._context.run(
            tr("Look at your Docker set-up"), lambda _work: found(console), self._show, self._unread, owner=self
        )

    def save(self) -> None:
        """Import what is ticked, one after the other; what fails says why, and the others are imported all the same."""
        names, console = self.ticked, self._context.console
        if not names or console.read_only:
            return
        take = self._operations.import_context
        self.editor.working(tr("Importing…"))

        def work(_work: object) -> _Outcome:
            engines: list[Engine] = []
            failed: dict[str, str] = {}
            for name in names:
                try:
                    engines.append(take(console, name))
                except InvalidInput as error:
                    failed[name] = " ".join(sentence(problem.words) for problem in error.problems)
                except ConsoleError as error:
                    failed[name] = f"{error.title} {error.hint}".strip()
            return _Outcome(tuple(engines), failed)

        self._context.run(tr("Import from Docker"), work, self._taken, owner=self)

    def _show(self, found: Found) -> None:
        for context, problems in found:
            line = _ContextLine(context, problems)
            line.box.toggled.connect(lambda _on: self._offer())
            self.lines[context.name] = line
            self._column.addWidget(line)
        able = sum(line.box.isEnabled() for line in self.lines.values())
        words = tr("There is no Docker context and no DOCKER_HOST here.")
        if self.lines:
            words = tr("{} found, {} can be imported.").format(count(len(self.lines), "engine", "engines"), able)
        self.says.setText(words)
        announce(self, words)
        first = next((line.box for line in self.lines.values() if line.box.isEnabled()), None)
        if first is not None and self.editor.cancel.hasFocus():
            first.setFocus()
        self._offer()

    def _unread(self, error: Exception) -> None:
        self.says.setText(str(error))

    def _offer(self) -> None:
        ticked = len(self.ticked)
        self.editor.save.setText(tr("Import {}").format(count(ticked, "engine", "engines")) if ticked else tr("Import"))
        self.editor.save.setEnabled(bool(ticked) and not self._context.console.read_only)

    def _taken(self, outcome: _Outcome) -> None:
        self.editor.working("")
        for engine in outcome.engines:
            self._imported = engine
        if outcome.engines:
            names = ", ".join(engine.name for engine in outcome.engines)
            self._context.notices.done(tr("Imported {}.").format(names), key="saved")
        if not outcome.failed:
            self.saved.emit(self._imported)
            return
        for name in self.ticked:
            self.lines[name].tell(outcome.failed.get(name))
        self._offer()
        announce(self, tr("{} could not be imported.").format(", ".join(outcome.failed)), urgent=True)

    def _close(self) -> None:
        if self._imported is not None:
            self.saved.emit(self._imported)
        else:
            self.closed.emit()


class _ContextLine(QWidget):
    """One engine: its tick with the name, its address, and what stands against it."""

    def __init__(self, context: DockerContext, problems: Sequence[Problem]) -> None:
        super().__init__()
        self.box: QCheckBox = tick(context.name)
        against = " ".join(sentence(problem.words) for problem in problems)
        self.box.setEnabled(not problems)
        self.box.setAccessibleDescription(" ".join(part for part in (context.address, against) if part))
        self.why = label("", Look.ERROR, wrap=True, select=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_1)
        column.addWidget(self.box)
        below = QVBoxLayout()
        below.setContentsMargins(SPACE_6, 0, 0, 0)
        below.setSpacing(2)
        told = " · ".join(part for part in (context.address, context.description) if part)
        self.address = label(told, Look.MUTED, wrap=True, select=True)
        below.addWidget(self.address)
        below.addWidget(self.why)
        column.addLayout(below)
        self.address.setVisible(bool(told))
        self._say(against)

    def tell(self, failed: str | None) -> None:
        """Say why it wasn't imported; None: it was, and can't be once more."""
        self.box.setChecked(False)
        if failed is None:
            self.box.setEnabled(False)
            self.address.setText(tr("Imported."))
        self._say(failed or "")

    def _say(self, words: str) -> None:
        self.why.setText(words)
        self.why.setVisible(bool(words))
