"""The form for an engine, with its connection test beside it: the address decides what is asked for to get in."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from mirror_console.domain.engine import Engine
from mirror_console.domain.ssh import HostKey
from mirror_console.errors import Problem
from mirror_console.operations.engines import EngineInput, engine_input
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.connection import ConnectionPanel
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.engines.server_keys import keep_key
from mirror_console.ui.engines.sign_in import SignInParts, with_sign_in
from mirror_console.ui.tokens import SPACE_2, SPACE_3
from mirror_console.ui.widgets.editor import Editor, Reading
from mirror_console.ui.widgets.form import Field, Form, line_edit, text_edit, tick
from mirror_console.ui.widgets.secret_field import AskFile, ask_file
from mirror_console.ui.widgets.text import button
from mirror_console.ui.words import tr


class EngineEditor(QWidget):
    """Add or edit an engine. `saved` carries it; `closed` says that the form was left."""

    saved = Signal(object)
    closed = Signal()

    def __init__(
        self, context: UiContext, operations: EngineOperations, engine: Engine | None = None, ask: AskFile = ask_file
    ) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self._engine = engine
        given = engine_input(engine) if engine is not None else EngineInput()
        self._given = given
        self.name, self.address = (
            line_edit(given.name),
            line_edit(given.address, placeholder="ssh://deploy@engine.example"),
        )
        self.location = line_edit(given.location)
        self.probe_host = line_edit(given.probe_host)
        self.at_once, self.timeout = line_edit(given.at_once), line_edit(given.timeout)
        self.often_offline = tick(tr("Often offline: its silence is not alarming"), given.often_offline)
        self.notes = text_edit(given.notes, lines=3)
        self.form = Form(self._judge)
        self._fill(ask)
        self.connection = ConnectionPanel(context)
        self.connection.trusted.connect(self._trust)
        self.connection.server_key_trusted.connect(self._trust_server_key)
        self.test = button(tr("Test connection"), self.run_test)
        context.icons.wear(self.test, "plug")
        title = tr("Edit {}").format(engine.name) if engine is not None else tr("Add an engine")
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(Reading(self.form, 560))
        right = QWidget()
        beside = QVBoxLayout(right)
        beside.setContentsMargins(SPACE_3, SPACE_3, SPACE_2, SPACE_3)
        beside.addWidget(self.connection)
        right.setMinimumWidth(260)
        split.addWidget(right)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setSizes([520, 320])
        self.editor = Editor(title, split, context.questions, refusal=context.console.read_only, scrolls=False)
        self.editor.dirty = lambda: self.form.dirty
        self.editor.foot.insertWidget(1, self.test)
        self.editor.save_wished.connect(self.save)
        self.editor.closed.connect(self._close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.editor)

    def input(self) -> EngineInput:
        """What stands in the form."""
        typed = EngineInput(
            name=self.name.text().strip(),
            address=self.address.text().strip(),
            location=self.location.text().strip(),
            often_offline=self.often_offline.isChecked(),
            at_once=self.at_once.text().strip(),
            timeout=self.timeout.text().strip(),
            notes=self.notes.toPlainText(),
            probe_host=self.probe_host.text().strip(),
            simulated=self._given.simulated,
        )
        return with_sign_in(typed, self.parts)

    def may_leave(self) -> bool:
        """Whether nothing would be lost, or the person lets it be lost."""
        return self.editor.may_leave()

    def begin(self) -> None:
        """Put the cursor into the first field."""
        self.name.setFocus()

    def save(self) -> None:
        """Save, or go to what is wrong."""
        if self._context.console.read_only or not self.form.accept():
            return
        given, engine_id = self.input(), self._engine.id if self._engine else None
        save, console = self._operations.save, self._context.console
        self.editor.working(tr("Saving…"))
        self._context.run(
            tr("Save the engine"), lambda _work: save(console, given, engine_id), self._saved, self._refused, owner=self
        )

    def run_test(self) -> None:
        """Test what stands in the form, saved or not."""
        if not self.form.accept():
            return
        given, engine_id = self.input(), self._engine.id if self._engine else None
        test, console = self._operations.test_input, self._context.console
        self.connection.run(lambda: test(console, given, engine_id))

    def _trust(self, key: HostKey) -> None:
        """A host key was compared: it belongs to what is typed, and the test goes on past it."""
        self.parts.ssh.host_keys.accept(key)
        self.test.setFocus()
        self.run_test()

    def _trust_server_key(self, key: str) -> None:
        """A TLS key was compared: it is remembered at once, as that of the saved address, and the test goes on past it.

        Only an engine that is kept, at its own address, has another one to compare with.
        """
        if self._engine is None:
            return
        trust, engine = self._operations.trust_server_key, self._engine
        keep_key(self._context, engine.name, lambda console: trust(console, engine.id, key), self._test_again, self)

    def _test_again(self, _trusting: Engine) -> None:
        self.test.setFocus()
        self.run_test()

    def _saved(self, engine: Engine) -> None:
        self.editor.working("")
        self.form.begin()
        self._context.notices.done(tr("Saved {}.").format(engine.name), key="saved")
        self.saved.emit(engine)

    def _refused(self, error: Exception) -> None:
        self.editor.refused(error, self.form, self._context.notices)

    def _close(self) -> None:
        self.connection.forget()
        self.closed.emit()

    def _judge(self) -> Sequence[Problem]:
        return self._operations.problems(self._context.console, self.input(), self._engine.id if self._engine else None)

    def _fill(self, ask: AskFile) -> None:
        form = self.form
        form.add(Field("name", tr("Name"), self.name, required=True))
        form.add(Field("location", tr("Location"), self.location, hint=tr("Where it stands, such as Frankfurt.")))
        address = tr(
            "unix:///var/run/docker.sock for this machine; ssh://user@host, or tcp://host:2376 with TLS, for another."
            " What is needed to get in is asked below."
        )
        form.add(Field("address", tr("Address"), self.address, required=True, hint=address), wide=True)
        self.parts = SignInParts(form, self._engine, ask)
        self.address.textChanged.connect(self.parts.show_for)
        form.heading(tr("Use"))
        form.add(Field("at_once", tr("Swaps at once"), self.at_once, hint=tr("1 to 16.")))
        form.add(Field("timeout", tr("Timeout in seconds"), self.timeout, hint=tr("When an answer is given up.")))
        probe = tr("Where published ports are asked for health. Empty: the host of the address.")
        form.add(Field("probe_host", tr("Host for health probes"), self.probe_host, hint=probe), wide=True)
        form.add(
            Field("often_offline", tr("Often offline: its silence is not alarming"), self.often_offline), wide=True
        )
        form.add(Field("notes", tr("Notes"), self.notes), wide=True)
        form.end()
        if self._context.console.read_only:
            form.lock()
