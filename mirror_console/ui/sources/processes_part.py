"""The part of a source's form for the processes that each environment of its mirrors runs."""

from __future__ import annotations

from mirror_console.operations.application_input import ProcessesInput
from mirror_console.ui.widgets.form import Field, Form, line_edit, text_edit
from mirror_console.ui.words import tr


class ProcessesPart:
    """Fields for a source's processes."""

    def __init__(self, given: ProcessesInput) -> None:
        self.lines = text_edit(given.lines, placeholder="web\nworker = celery worker\nscheduler = celery beat")
        self.workers = line_edit(given.workers, placeholder="worker, scheduler")
        self.limits = text_edit(given.limits, lines=2, placeholder="worker = 512 MiB, 0.5 CPUs")

    def add_to(self, form: Form) -> None:
        """Put it at the end of a form."""
        words = tr("Each runs in a container of its own, and all are rolled out together. Empty: one process.")
        form.heading(tr("Processes"), words)
        lines = tr("One a line, with its command. The one that serves has none: it stands in the settings.")
        form.add(Field("processes", tr("Name = command"), self.lines, hint=lines), wide=True)
        workers = tr("Of the old version, and before anything else. The new ones start when the new release serves.")
        form.add(
            Field("processes.worker", tr("Stop before the release command"), self.workers, hint=workers), wide=True
        )
        limits = tr("One a line. Without: as the one that serves. A mirror's form may say otherwise.")
        form.add(Field("processes.limits", tr("Limits of their own"), self.limits, hint=limits), wide=True)

    def input(self) -> ProcessesInput:
        """What stands there."""
        limits = self.limits.toPlainText().strip()
        return ProcessesInput(self.lines.toPlainText().strip(), self.workers.text().strip(), limits)
