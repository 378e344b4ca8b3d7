"""The form for a registry."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from mirror_console.domain.engine import Registry
from mirror_console.domain.secret import Secret
from mirror_console.errors import Problem
from mirror_console.operations.engines import RegistryInput
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.widgets.editor import Editor
from mirror_console.ui.widgets.form import Field, Form, line_edit
from mirror_console.ui.widgets.secret_field import SecretInput
from mirror_console.ui.words import tr


class RegistryEditor(QWidget):
    """Add or edit a registry. `saved` carries it; `closed` says that the form was left."""

    saved = Signal(object)
    closed = Signal()

    def __init__(self, context: UiContext, operations: EngineOperations, registry: Registry | None = None) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self._registry = registry
        self.host = line_edit(registry.host if registry else "", placeholder="registry.example:5000")
        self.user = line_edit(registry.user if registry else "")
        self.password = SecretInput(tr("Password"), stored=registry is not None)
        self.form = Form(self._judge)
        host = tr("As it stands at the beginning of image names; docker.io is for those that name none.")
        self.form.add(Field("host", tr("Host"), self.host, required=True, hint=host), wide=True)
        self.form.add(Field("user", tr("User"), self.user, required=True))
        self.form.add(Field("password", tr("Password"), self.password, required=True))
        self.form.end()
        if context.console.read_only:
            self.form.lock()
        title = tr("Edit {}").format(registry.host) if registry else tr("Add a registry")
        self.editor = Editor(title, self.form, context.questions, refusal=context.console.read_only)
        self.editor.dirty = lambda: self.form.dirty
        self.editor.save_wished.connect(self.save)
        self.editor.closed.connect(self.closed)
        column = QHBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.editor)

    def input(self) -> RegistryInput:
        """What stands in the form."""
        return RegistryInput(self.host.text().strip(), self.user.text().strip(), Secret(self.password.typed or ""))

    def may_leave(self) -> bool:
        """Whether nothing would be lost, or the person lets it be lost."""
        return self.editor.may_leave()

    def begin(self) -> None:
        """Put the cursor into the first field."""
        self.host.setFocus()

    def save(self) -> None:
        """Save, or go to what is wrong."""
        if self._context.console.read_only or not self.form.accept():
            return
        given, registry_id = self.input(), self._registry.id if self._registry else None
        save, console = self._operations.save_registry, self._context.console
        self.editor.working(tr("Saving…"))
        self._context.run(
            tr("Save the registry"),
            lambda _work: save(console, given, registry_id),
            self._saved,
            self._refused,
            owner=self,
        )

    def _saved(self, registry: Registry) -> None:
        self.editor.working("")
        self.form.begin()
        self._context.notices.done(tr("Saved {}.").format(registry.host), key="saved")
        self.saved.emit(registry)

    def _refused(self, error: Exception) -> None:
        self.editor.refused(error, self.form, self._context.notices)

    def _judge(self) -> Sequence[Problem]:
        registry_id = self._registry.id if self._registry else None
        return self._operations.registry_problems(self._context.console, self.input(), registry_id)
