"""What the forms of sources and mirrors have in common: one form, environments below it, one check, one way to save."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from mirror_console.domain.application import Application, slug_of
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.ui.context import UiContext
from mirror_console.ui.widgets.editor import Editor
from mirror_console.ui.widgets.environment_forms import EnvironmentForms, F, is_environment_problem
from mirror_console.ui.widgets.form import Form
from mirror_console.ui.words import tr

Typed = TypeVar("Typed")


class ApplicationEditor(QWidget, Generic[Typed, F]):
    """Add or edit an application. `saved` carries it; `closed` says that the form was left.

    `judge` and `keep` are the operations; `input` gives what stands in the form.
    """

    saved = Signal(object)
    closed = Signal()

    def __init__(
        self,
        context: UiContext,
        title: str,
        judge: Callable[[Console, Typed, str | None], Sequence[Problem]],
        keep: Callable[[Console, Typed, str | None], Application],
        make: Callable[[], F],
        application_id: str | None,
    ) -> None:
        super().__init__()
        self._context = context
        self._judge_operation = judge
        self._keep = keep
        self._id = application_id
        self._auto_slug = False
        self.form = Form(self._judge)
        self.environments: EnvironmentForms[F] = EnvironmentForms(
            make, self._problems, context.questions, locked=bool(self.refusal)
        )
        self._content = QWidget()
        column = QVBoxLayout(self._content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)
        column.addWidget(self.environments)
        self.editor = Editor(title, self._content, context.questions, refusal=self.refusal)
        self.editor.dirty = lambda: self.form.dirty or self.environments.dirty
        self.editor.save_wished.connect(self.save)
        self.editor.closed.connect(self.closed)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.editor)

    @property
    def refusal(self) -> str:
        """Why nothing can be saved; empty where it can."""
        return self._context.console.read_only

    def input(self) -> Typed:
        """What stands in the form."""
        raise NotImplementedError

    def may_leave(self) -> bool:
        """Whether nothing would be lost, or the person lets it be lost."""
        return self.editor.may_leave()

    def begin(self) -> None:
        """Put the cursor into the first field."""
        next(iter(self.form.fields.values())).control.setFocus()

    def save(self) -> None:
        """Save, or go to what is wrong."""
        if self.refusal or not self._accept(self._problems()):
            return
        given, keep, console = self.input(), self._keep, self._context.console
        self.editor.working(tr("Saving…"))
        self._context.run(
            tr("Save"), lambda _work: keep(console, given, self._id), self._saved, self._refused, owner=self
        )

    def extra_problems(self) -> list[Problem]:
        """What is wrong before the operations can read it."""
        return []

    def slug_from(self, name: QLineEdit, slug: QLineEdit) -> None:
        """Make the slug of the name, until the person writes one."""
        self._auto_slug = not slug.text()

        def suggest(text: str) -> None:
            if self._auto_slug:
                slug.setText(slug_of(text))

        def own(text: str) -> None:
            self._auto_slug = not text

        name.textChanged.connect(suggest)
        slug.textEdited.connect(own)

    def end(self) -> None:
        """Everything is filled: what stands there now is unchanged."""
        self.form.end()
        self.environments.tabs.setCurrentIndex(0)
        self.environments.begin()
        if self.refusal:
            self.form.lock()

    def _saved(self, application: Application) -> None:
        self.editor.working("")
        self.form.begin()
        self.environments.begin()
        self._context.notices.done(tr("Saved {}.").format(application.name), key="saved")
        self.saved.emit(application)

    def _refused(self, error: Exception) -> None:
        if isinstance(error, InvalidInput):
            self.editor.working("")
            self._accept(error.problems)
        else:
            self.editor.refused(error, self.form, self._context.notices)

    def _accept(self, problems: Sequence[Problem]) -> bool:
        own = [problem for problem in problems if not is_environment_problem(problem)]
        rest = self.environments.refuse(problems, focus=not own)
        self.form.mark(rest)
        if own:
            self.form.go_to_problem()
        return not problems

    def _problems(self) -> Sequence[Problem]:
        return [*self.extra_problems(), *self._judge_operation(self._context.console, self.input(), self._id)]

    def _judge(self) -> Sequence[Problem]:
        return [problem for problem in self._problems() if not is_environment_problem(problem)]
