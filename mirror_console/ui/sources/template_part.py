"""The part of a source's form for its template: what the settings of its mirrors' environments start from."""

from __future__ import annotations

from dataclasses import replace

from mirror_console.domain.environment import RestartPolicy
from mirror_console.errors import Problem
from mirror_console.operations.application_input import EnvironmentInput
from mirror_console.operations.typed import parse_labels, parse_variables, variables_text
from mirror_console.ui.widgets.form import Field, Form, choice, line_edit, text_edit
from mirror_console.ui.widgets.line_text import line_problems, lines_or
from mirror_console.ui.words import tr


class TemplatePart:
    """Fields for what mirrors usually share; what else a template has stays as it is."""

    def __init__(self, given: EnvironmentInput | None) -> None:
        self._given = given
        shown = given or EnvironmentInput()
        self.variables = text_edit(variables_text(shown.variables), lines=3, placeholder="STAGE=live")
        self.memory, self.cpus, self.pids = line_edit(shown.memory), line_edit(shown.cpus), line_edit(shown.pids)
        self.restart = choice([(str(policy), str(policy)) for policy in RestartPolicy], shown.restart)
        self.labels = text_edit(variables_text(shown.labels), lines=3, placeholder="traefik.enable=true")

    def add_to(self, form: Form) -> None:
        """Put it at the end of a form."""
        words = tr("New environments of its mirrors start from these settings. What is there already stays as it is.")
        form.heading(tr("Template"), words)
        form.add(Field("variables", tr("Variables"), self.variables, hint=tr("One NAME=value a line.")), wide=True)
        form.add(Field("memory", tr("Memory"), self.memory, hint=tr("Such as 512m. Empty: no limit.")))
        form.add(Field("cpus", tr("CPUs"), self.cpus, hint=tr("Such as 1.5. Empty: no limit.")))
        form.add(Field("pids", tr("Processes"), self.pids, hint=tr("Empty: no limit.")))
        form.add(Field("restart", tr("Restart"), self.restart))
        form.add(Field("labels", tr("Labels"), self.labels, hint=tr("One name=value a line.")), wide=True)

    def input(self) -> EnvironmentInput | None:
        """What stands there; None where there is no template and nothing was typed."""
        before = self._given or EnvironmentInput()
        typed = replace(
            before,
            variables=lines_or(parse_variables, self.variables, before.variables),
            memory=self.memory.text(),
            cpus=self.cpus.text(),
            pids=self.pids.text(),
            restart=str(self.restart.currentData()),
            labels=lines_or(parse_labels, self.labels, before.labels),
        )
        return None if self._given is None and typed == EnvironmentInput() else typed

    def unread(self) -> list[Problem]:
        """What is wrong with the lines of variables and labels."""
        return [
            Problem(f"template.{problem.field}", problem.words)
            for problem in (
                *line_problems(parse_variables, self.variables),
                *line_problems(parse_labels, self.labels),
            )
        ]
