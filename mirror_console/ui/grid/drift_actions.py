"""What a person does about drift: accept it here, adopt it for all who follow the template, or roll out against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject

from mirror_console.domain.cell import Cell
from mirror_console.domain.status import Activity
from mirror_console.operations.accepting import Taken
from mirror_console.operations.adoption import Adoption
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.operations import DriftOperations
from mirror_console.ui.notices import NoticeAction
from mirror_console.ui.questions import Question
from mirror_console.ui.words import tr

KEY = "drift"
"""Of the notices that tell what was done about drift."""


class DriftActions(QObject):
    """Acts on the environment that `cell` gives. Accepting is undone from its notice, so it isn't asked for."""

    def __init__(
        self, context: UiContext, cell: Callable[[], Cell | None], operations: DriftOperations | None = None
    ) -> None:
        super().__init__()
        self._context = context
        self._cell = cell
        self.operations = operations or DriftOperations()

    def refusal(self) -> str:
        """Why nothing can be taken over there now; empty where something can."""
        cell = self._cell()
        why = self.correct_refusal()
        if why or cell is None:
            return why
        return "" if cell.differences else tr("only its image differs: hold it to keep it")

    def correct_refusal(self) -> str:
        """Why nothing can be corrected there now; empty where something can."""
        cell = self._cell()
        if self._context.console.read_only:
            return tr("read-only")
        if cell is None:
            return tr("no environment is chosen")
        if not (cell.differences or cell.drift):
            return tr("nothing differs from what was applied")
        if cell.activity is Activity.LOCKED:
            return cell.step
        return tr("a rollout works here") if cell.activity is not Activity.IDLE else ""

    def accept(self, fields: Sequence[str] = ()) -> None:
        """Take what is observed into this mirror's settings: these differences, or all."""
        cell = self._cell()
        if cell is None or self.refusal():
            return
        work, console, environment_id = self.operations.accept, self._context.console, cell.environment.id
        name = f"{cell.application.name} {cell.environment.name}"

        def done(taken: Taken) -> None:
            self._tell(tr("Accepted for {}: {}.").format(name, ", ".join(taken.fields)), taken)

        self._context.run(
            tr("Accept what was changed by hand"),
            lambda _work: work(console, environment_id, tuple(fields)),
            done,
            self._refused,
            owner=self,
        )

    def adopt(self, fields: Sequence[str] = ()) -> None:
        """Look what adopting would change, ask with that, and do it."""
        cell = self._cell()
        if cell is None or self.refusal():
            return
        work, console, environment_id = self.operations.adoption, self._context.console, cell.environment.id
        self._context.run(
            tr("Adopt"),
            lambda _work: work(console, environment_id, tuple(fields)),
            self._ask_to_adopt,
            self._refused,
            owner=self,
        )

    def correct(self) -> None:
        """Begin a plan for this environment alone: a rollout applies the catalog's settings."""
        cell = self._cell()
        if cell is not None and not self.correct_refusal():
            self._context.go("rollouts", environment=cell.environment.name, application_ids=(cell.application.id,))

    def _ask_to_adopt(self, wished: Adoption) -> None:
        fields = ", ".join(wished.fields)
        question = Question(
            tr("Adopt {} into the template of {}?").format(fields, wished.source.name),
            tr("What is observed here is taken into the template, and into this mirror's settings. {}").format(
                wished.words
            ),
            tr("Adopt it"),
            details="\n".join(str(problem) for problem in wished.left_out),
        )
        if not self._context.questions.ask(question).go:
            return
        work, console = self.operations.adopt, self._context.console

        def done(taken: Taken) -> None:
            self._tell(tr("Adopted {} into the template of {}.").format(fields, wished.source.name), taken)

        self._context.run(
            tr("Adopt what was changed by hand"), lambda _work: work(console, wished), done, self._refused, owner=self
        )

    def _tell(self, words: str, taken: Taken) -> None:
        undo, console = self.operations.undo, self._context.console

        def take_back() -> None:
            self._context.run(
                tr("Undo"),
                lambda _work: undo(console, taken),
                lambda _nothing: self._context.notices.done(tr("Undone: the settings are as they were."), KEY),
                self._refused,
                owner=self,
            )

        self._context.notices.done(words, KEY, NoticeAction(tr("Undo"), take_back))

    def _refused(self, error: Exception) -> None:
        self._context.tell(error, KEY)
