"""Another engine than before at an address: said on its page, with the choice to accept it as the right one."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from mirror_console.domain.engine import Engine
from mirror_console.domain.fleet import EngineRow
from mirror_console.domain.other_engine import OTHER_REMEDY, is_other, other_words
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.questions import Phrase, Question
from mirror_console.ui.tokens import SPACE_1
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import tr


def offered(row: EngineRow | None) -> str:
    """The identity that answers in place of the one before; empty where it is the same, or tells none."""
    facts = row.contact.facts if row is not None and row.contact is not None else None
    return facts.identity if row is not None and facts is not None and is_other(row.engine, facts) else ""


def identity_question(engine: Engine, identity: str) -> Question:
    """Whether the engine that answers now is the right one. It is not accepted by a habit: its ID is typed or pasted
    from where it was looked up."""
    text = tr(
        "Rollouts and clean-ups would be done to it. Accept it only where its host was set up anew on purpose, and by"
        " the ID that its host tells, not by the one shown here."
    )
    return Question(
        tr("Another engine answers as {}").format(engine.name),
        f"{text}\n\n{tr('Known so far:')}\n{engine.identity}\n\n{tr('Answers now:')}\n{identity}",
        tr("Accept this engine"),
        details=tr("On the engine's host, this shows it: {}").format("docker info --format '{{.ID}}'"),
        phrase=Phrase(identity, tr("Type or paste the new ID"), tr("This is not the ID of the engine that answers.")),
    )


class OtherEnginePart(QWidget):
    """Hidden where the engine is the one that was there before."""

    def __init__(self, context: UiContext, operations: EngineOperations) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self._row: EngineRow | None = None
        self.words = label("", Look.STRONG, wrap=True, select=True)
        self.button = button(tr("Accept this engine…"), self.accept)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_1)
        column.addWidget(self.words)
        column.addWidget(label(tr(OTHER_REMEDY) + ".", wrap=True, select=True))
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def show_engine(self, row: EngineRow | None) -> None:
        """Say it where another one answers."""
        self._row = row
        refusal = self._context.console.read_only
        self.button.setEnabled(not refusal)
        self.button.setAccessibleDescription(refusal)
        if row is not None and offered(row):
            self.words.setText(tr(other_words(row.engine)))
            self.show()
        else:
            self.hide()

    def accept(self) -> None:
        """Ask, and from then on this one is the right one; it is looked at anew."""
        row, identity = self._row, offered(self._row)
        if row is None or not identity:
            return
        engine = row.engine
        if not self._context.questions.ask(identity_question(engine, identity)).go:
            return
        accept, console = self._operations.accept_identity, self._context.console

        def accepted(_engine: Engine) -> None:
            words = tr("{} is known by its new identity from now on.").format(engine.name)
            self._context.notices.done(words, key="saved")
            self._context.check([engine.id])

        self._context.run(
            tr("Accept {}").format(engine.name),
            lambda _work: accept(console, engine.id, identity),
            accepted,
            owner=self,
        )
