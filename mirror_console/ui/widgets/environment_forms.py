"""The environments of an application as tabs, each with a form of its own, added and removed by hand."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QTabWidget, QVBoxLayout, QWidget

from mirror_console.errors import Problem
from mirror_console.ui.questions import Questions
from mirror_console.ui.tokens import SPACE_2, SPACE_3
from mirror_console.ui.widgets.form import Form
from mirror_console.ui.widgets.text import Look, amp, button, label
from mirror_console.ui.words import tr

AT = "environments["


class EnvironmentForm(Protocol):
    """The form of one environment."""

    form: Form

    @property
    def title(self) -> str: ...
    @property
    def saved(self) -> bool: ...
    def widget(self) -> QWidget: ...


F = TypeVar("F", bound=EnvironmentForm)


class EnvironmentForms(QWidget, Generic[F]):
    """One tab for each environment. `changed` is sent on every change."""

    changed = Signal()

    def __init__(
        self, make: Callable[[], F], judge: Callable[[], Sequence[Problem]], questions: Questions, *, locked: bool
    ) -> None:
        super().__init__()
        self._make = make
        self._judge = judge
        self._questions = questions
        self._locked = locked
        self._forms: list[F] = []
        self._start: tuple[Hashable, ...] = ()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName(tr("Environments"))
        self.add_button = button(tr("Add an environment"), self.add)
        self.remove_button = button(tr("Remove this environment"), self._remove)
        self.add_button.setEnabled(not locked)
        head = QHBoxLayout()
        head.setContentsMargins(0, SPACE_3, 0, 0)
        head.setSpacing(SPACE_2)
        head.addWidget(label(tr("Environments"), Look.HEADING), 1)
        head.addWidget(self.remove_button)
        head.addWidget(self.add_button)
        self.nothing = label(
            tr("None yet. Add the first one: its name, its engine and its container."), Look.MUTED, wrap=True
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_2)
        column.addLayout(head)
        column.addWidget(self.nothing)
        column.addWidget(self.tabs)
        self.tabs.currentChanged.connect(lambda _place: self.changed.emit())
        self._look()

    @property
    def forms(self) -> tuple[F, ...]:
        """The forms in the order of the tabs."""
        return tuple(self._forms)

    def current(self) -> F | None:
        """The form of the tab that is shown."""
        place = self.tabs.currentIndex()
        return self._forms[place] if 0 <= place < len(self._forms) else None

    def put(self, made: F) -> None:
        """Add a form that is filled already."""
        self._forms.append(made)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, SPACE_3, 0, 0)
        column.addWidget(made.widget())
        column.addStretch(1)
        self.tabs.addTab(holder, amp(made.title))
        made.form.judge = lambda: self._problems_of(made)
        made.form.changed.connect(self._changed)
        if self._locked:
            made.form.lock()
        self._look()

    def add(self) -> None:
        """Add an empty one, and go into its first field."""
        made = self._make()
        self.put(made)
        self.tabs.setCurrentIndex(len(self._forms) - 1)
        first = next(iter(made.form.fields.values()), None)
        if first is not None:
            first.control.setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit()

    def begin(self) -> None:
        """Take what stands in the forms now as unchanged."""
        for made in self._forms:
            made.form.begin()
        self._start = tuple(id(made) for made in self._forms)

    @property
    def dirty(self) -> bool:
        """Whether anything was changed, added or removed since `begin`."""
        return tuple(id(made) for made in self._forms) != self._start or any(made.form.dirty for made in self._forms)

    def refuse(self, problems: Sequence[Problem], *, focus: bool) -> list[Problem]:
        """Tell each environment its problems; what concerns none of them is returned. `focus` goes to the first."""
        own: dict[int, list[Problem]] = {}
        rest: list[Problem] = []
        for problem in problems:
            place, path = _placed(problem.field)
            if 0 <= place < len(self._forms):
                own.setdefault(place, []).append(Problem(path, problem.words))
            else:
                rest.append(problem)
        for place, made in enumerate(self._forms):
            made.form.mark(own.get(place, []))
        if focus and own:
            self.tabs.setCurrentIndex(min(own))
            self._forms[min(own)].form.go_to_problem()
        return rest

    def _problems_of(self, made: F) -> list[Problem]:
        if made not in self._forms:
            # It was removed while a judgement of it was still to come.
            return []
        place = self._forms.index(made)
        placed = [(_placed(problem.field), problem.words) for problem in self._judge()]
        return [Problem(path, words) for (number, path), words in placed if number == place]

    def _remove(self) -> None:
        made = self.current()
        if made is None:
            return
        words = tr("It is taken from the catalog when you save. Its container is left as it is.")
        title = tr("Remove the environment {}?").format(made.title)
        if made.saved and not self._questions.confirm(title, words, tr("Remove it")):
            return
        place = self.tabs.currentIndex()
        holder = self.tabs.widget(place)
        self.tabs.removeTab(place)
        del self._forms[place]
        if holder is not None:
            holder.deleteLater()
        self._look()
        self.add_button.setFocus()
        self.changed.emit()

    def _changed(self) -> None:
        for place, made in enumerate(self._forms):
            self.tabs.setTabText(place, amp(made.title))
        self.changed.emit()

    def _look(self) -> None:
        self.tabs.setVisible(bool(self._forms))
        self.nothing.setVisible(not self._forms)
        self.remove_button.setVisible(bool(self._forms))
        self.remove_button.setEnabled(not self._locked)


def _placed(path: str) -> tuple[int, str]:
    """The place of an environment and the rest of the path: ``environments[1].settings.ports``. -1 where it is none."""
    if not path.startswith(AT):
        return -1, path
    number, _, rest = path.removeprefix(AT).partition("]")
    return (int(number), rest.lstrip(".")) if number.isdigit() else (-1, path)


def is_environment_problem(problem: Problem) -> bool:
    """Whether a problem belongs to one of the environments."""
    return problem.field.startswith(AT)
