"""The form for a source: its repository, what its mirrors must have, and the environments that are watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtWidgets import QWidget

from mirror_console.domain.fleet import EngineRow
from mirror_console.errors import Problem
from mirror_console.operations.application_input import EnvironmentInput, SourceInput
from mirror_console.ui.context import UiContext
from mirror_console.ui.sources.operations import SourceOperations
from mirror_console.ui.sources.template_part import TemplatePart
from mirror_console.ui.widgets.application_editor import ApplicationEditor
from mirror_console.ui.widgets.form import Field, Form, choice, line_edit, text_edit
from mirror_console.ui.words import tr


class SourceEnvironmentForm:
    """One environment of a source: where it runs."""

    def __init__(self, engines: Sequence[EngineRow], given: EnvironmentInput) -> None:
        self._given = given
        names = [(row.engine.name, row.engine.name) for row in engines]
        self.name = line_edit(given.name, placeholder="live")
        self.engine = choice(names, given.engine, ask=tr("Choose…"))
        self.container = line_edit(given.container)
        self.form = Form()
        self.form.add(Field("name", tr("Name"), self.name, required=True, hint=tr("Such as test or live.")))
        self.form.add(Field("engine", tr("Engine"), self.engine, required=True))
        container = tr("Its name on the engine. The console watches it and never changes it.")
        self.form.add(Field("container", tr("Container"), self.container, required=True, hint=container), wide=True)
        self.form.end()

    @property
    def title(self) -> str:
        """The name of the environment."""
        return self.name.text().strip() or tr("new")

    @property
    def saved(self) -> bool:
        """Whether the catalog has it."""
        return bool(self._given.id)

    def widget(self) -> QWidget:
        """The form."""
        return self.form

    def input(self) -> EnvironmentInput:
        """What stands in the form; what it doesn't show stays as it is."""
        return replace(
            self._given,
            name=self.name.text().strip(),
            engine=str(self.engine.currentData() or ""),
            container=self.container.text().strip(),
        )


class SourceEditor(ApplicationEditor[SourceInput, SourceEnvironmentForm]):
    """Add or edit a source."""

    def __init__(
        self,
        context: UiContext,
        operations: SourceOperations,
        given: SourceInput | None = None,
        application_id: str | None = None,
    ) -> None:
        engines = context.grid.engines if context.grid else ()
        given = given or SourceInput()
        super().__init__(
            context,
            tr("Edit {}").format(given.name) if application_id else tr("Add a source"),
            operations.problems,
            operations.save,
            lambda: SourceEnvironmentForm(engines, EnvironmentInput()),
            application_id,
        )
        self.name, self.slug = line_edit(given.name), line_edit(given.slug)
        self.repository = line_edit(given.repository, placeholder="registry.example:5000/shop/webshop")
        self.required = line_edit(given.required_variables, placeholder="DATABASE_URL, SECRET_KEY")
        self.account, self.tags = line_edit(given.account), line_edit(given.tags)
        self.domains = line_edit(given.domains)
        self.notes = text_edit(given.notes, lines=2)
        self.template = TemplatePart(given.template)
        self._fill()
        for environment in given.environments:
            self.environments.put(SourceEnvironmentForm(engines, environment))
        self.slug_from(self.name, self.slug)
        self.end()

    def input(self) -> SourceInput:
        """What stands in the form."""
        return SourceInput(
            name=self.name.text().strip(),
            slug=self.slug.text().strip(),
            account=self.account.text().strip(),
            tags=self.tags.text(),
            domains=self.domains.text(),
            notes=self.notes.toPlainText(),
            repository=self.repository.text().strip(),
            required_variables=self.required.text(),
            template=self.template.input(),
            environments=tuple(made.input() for made in self.environments.forms),
        )

    def extra_problems(self) -> list[Problem]:
        """Lines of the template that are no variables or labels."""
        return self.template.unread()

    def _fill(self) -> None:
        form = self.form
        form.add(Field("name", tr("Name"), self.name, required=True))
        form.add(
            Field("slug", tr("Slug"), self.slug, hint=tr("Made of the name: lower-case letters, digits, hyphens."))
        )
        repository = tr("Registry and path, without a tag. Its mirrors pull from there.")
        form.add(
            Field("repository", tr("Image repository"), self.repository, required=True, hint=repository), wide=True
        )
        required = tr("Variables that every environment of every mirror must have before it may be rolled out.")
        form.add(Field("required_variables", tr("Required variables"), self.required, hint=required), wide=True)
        form.add(Field("account", tr("Account"), self.account))
        form.add(Field("tags", tr("Tags"), self.tags, hint=tr("Separated by commas.")))
        form.add(Field("domains", tr("Domains"), self.domains, hint=tr("Separated by commas.")), wide=True)
        form.add(Field("notes", tr("Notes"), self.notes), wide=True)
        self.template.add_to(form)
