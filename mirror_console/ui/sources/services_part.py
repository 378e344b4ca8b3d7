"""The part of a source's form for the services that each environment of its mirrors needs."""

from __future__ import annotations

from mirror_console.operations.application_input import ServicesInput
from mirror_console.ui.widgets.form import Field, Form, line_edit, text_edit
from mirror_console.ui.words import tr


class ServicesPart:
    """Fields for what is asked before a release goes out."""

    def __init__(self, given: ServicesInput) -> None:
        self.lines = text_edit(given.lines, placeholder="database = pg_isready -t 3\ncache = redis-cli -h cache ping")
        self.limits = text_edit(given.limits, lines=2, placeholder="search = 20 s")
        self.optional = line_edit(given.optional, placeholder="search")

    def add_to(self, form: Form) -> None:
        """Put it at the end of a form."""
        words = tr("What each environment needs, such as a database. A check asks before each rollout and each wave.")
        form.heading(tr("Services"), words)
        lines = tr(
            "One a line. Run in the environment's container; it answers where that ends with 0. No shell runs it."
        )
        form.add(Field("services", tr("Name = command"), self.lines, hint=lines), wide=True)
        limits = tr("One a line. Without: 5 s. No engine ends a command that hangs: let it end by itself before that.")
        form.add(Field("services.limit", tr("Waited for"), self.limits, hint=limits), wide=True)
        optional = tr("Names, separated by commas. The silence of all others blocks.")
        form.add(Field("services.optional", tr("Silence only warns"), self.optional, hint=optional), wide=True)

    def input(self) -> ServicesInput:
        """What stands there."""
        lines, limits = self.lines.toPlainText().strip(), self.limits.toPlainText().strip()
        return ServicesInput(lines, limits, self.optional.text().strip())
