"""The form for a source: its repository, what its mirrors must have, and the environments that are watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtWidgets import QHBoxLayout, QWidget

from mirror_console.domain.fleet import EngineRow
from mirror_console.domain.request import Resolved
from mirror_console.errors import Problem
from mirror_console.operations.application_input import EnvironmentInput, SourceInput
from mirror_console.ui.context import UiContext
from mirror_console.ui.mirrors.runs_as import RunsAs
from mirror_console.ui.sources.commands_part import CommandsPart
from mirror_console.ui.sources.operations import SourceOperations
from mirror_console.ui.sources.processes_part import ProcessesPart
from mirror_console.ui.sources.services_part import ServicesPart
from mirror_console.ui.sources.template_part import TemplatePart
from mirror_console.ui.tokens import SPACE_2
from mirror_console.ui.widgets.application_editor import ApplicationEditor
from mirror_console.ui.widgets.form import Field, Form, choice, line_edit, text_edit
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import tr

RUNS, TAG = "runs", "tag"
"""Where the image of an environment comes from: what it runs, or what a registry's tag points to."""


class SourceEnvironmentForm:
    """One environment of a source: where it runs, and what says which image it has.

    `look_up` is called with this form when the person wants to know what the tag points to.
    """

    def __init__(
        self,
        engines: Sequence[EngineRow],
        given: EnvironmentInput,
        look_up: Callable[[SourceEnvironmentForm], object],
    ) -> None:
        self._given = given
        names = [(row.engine.name, row.engine.name) for row in engines]
        self.name = line_edit(given.name, placeholder="live")
        self.engine = choice(names, given.engine, ask=tr("Choose…"))
        self.container = line_edit(given.container)
        self.runs_as = RunsAs(swarm=given.swarm)
        origins = [(RUNS, tr("What it runs")), (TAG, tr("A registry's tag"))]
        self.origin = choice(origins, TAG if given.follows else RUNS)
        self.tag = line_edit(given.tag, placeholder="live")
        self.every = line_edit(given.every)
        self.look_button = button(tr("Look up"), lambda: look_up(self))
        self.answer = label("", Look.MUTED, wrap=True, select=True)
        self.form = Form()
        self._fill()
        self.origin.currentIndexChanged.connect(lambda _place: self._show_tag())
        self.tag.textChanged.connect(lambda _text: self.answer.setText(""))
        self._show_tag()

    def _fill(self) -> None:
        form = self.form
        form.add(Field("name", tr("Name"), self.name, required=True, hint=tr("Such as test or live.")))
        form.add(Field("engine", tr("Engine"), self.engine, required=True))
        container = tr("Its name on the engine. The console watches it and never changes it.")
        service = tr("Its name, on an engine that manages its Swarm. The console watches it and never changes it.")
        self.runs_as.add_to(form, self.container, container, service)
        origin = tr("What mirrors that follow this environment take.")
        form.add(Field("follows", tr("Image from"), self.origin, hint=origin))
        tag = tr("In the source's image repository. An engine asks for it; nothing is pulled.")
        self._tag_parts: list[QWidget] = [
            form.add(Field("tag", tr("Tag"), self.tag, required=True, hint=tag)),
            form.add(
                Field(
                    "every",
                    tr("Looked up every"),
                    self.every,
                    hint=tr("Such as 15 min, 6 h or 1 d; a minute at least."),
                )
            ),
        ]
        asked = QWidget()
        row = QHBoxLayout(asked)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_2)
        row.addWidget(self.look_button)
        row.addWidget(self.answer, 1)
        form.wide(asked)
        self._tag_parts.append(asked)
        self.runs_as.end()
        form.end()

    def _show_tag(self) -> None:
        for part in self._tag_parts:
            part.setVisible(self.origin.currentData() == TAG)

    def say(self, words: str) -> None:
        """Say what the tag points to, or why that can't be told."""
        self.answer.setText(words)
        self.look_button.setEnabled(True)

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
            swarm=self.runs_as.swarm,
            follows=self.origin.currentData() == TAG,
            tag=self.tag.text().strip(),
            every=self.every.text().strip(),
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
            lambda: SourceEnvironmentForm(engines, EnvironmentInput(), self.look_up),
            application_id,
        )
        self._try_tag = operations.try_tag
        self.name, self.slug = line_edit(given.name), line_edit(given.slug)
        self.repository = line_edit(given.repository, placeholder="registry.example:5000/shop/webshop")
        self.notes_url = line_edit(given.notes_url, placeholder="https://webshop.example/releases/{version}")
        self.required = line_edit(given.required_variables, placeholder="DATABASE_URL, SECRET_KEY")
        self.own = line_edit(given.own_variables, placeholder="DATABASE_URL, SECRET_KEY")
        self.shared = line_edit(given.shared, placeholder="media-of-all, /srv/fonts")
        self.account, self.tags = line_edit(given.account), line_edit(given.tags)
        self.domains = line_edit(given.domains)
        self.notes = text_edit(given.notes, lines=2)
        self.template = TemplatePart(given.template)
        self.commands = CommandsPart(given.commands)
        self.processes = ProcessesPart(given.processes)
        self.services = ServicesPart(given.services)
        self._fill()
        for environment in given.environments:
            self.environments.put(SourceEnvironmentForm(engines, environment, self.look_up))
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
            own_variables=self.own.text(),
            shared=self.shared.text(),
            notes_url=self.notes_url.text().strip(),
            template=self.template.input(),
            commands=self.commands.input(),
            processes=self.processes.input(),
            services=self.services.input(),
            environments=tuple(made.input() for made in self.environments.forms),
        )

    def extra_problems(self) -> list[Problem]:
        """Lines of the template that are no variables or labels."""
        return self.template.unread()

    def look_up(self, made: SourceEnvironmentForm) -> None:
        """Ask the registry what an environment's tag points to now."""
        given, repository = made.input(), self.repository.text().strip()
        if not repository or not given.tag:
            made.say(tr("Type the image repository and the tag first."))
            return
        ask, console, application_id = self._try_tag, self._context.console, self._id
        made.say(tr("Asking…"))
        made.look_button.setEnabled(False)

        def told(found: Resolved) -> None:
            platforms = tr(" for {}").format(", ".join(found.platforms)) if found.platforms else ""
            made.say(tr("It points to {}{}.").format(found.digest, platforms))

        def refused(error: Exception) -> None:
            made.say(str(error))

        self._context.run(
            tr("Look up a tag"),
            lambda _work: ask(console, application_id, given.engine, repository, given.tag),
            told,
            refused,
            owner=made.form,
        )

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
        own = tr("Variables of which no two applications may have the same value: a check compares them.")
        form.add(Field("own_variables", tr("Values of their own"), self.own, hint=own), wide=True)
        shared = tr(
            "Volumes, paths of hosts and variables of databases that mirrors share on purpose; all else is apart."
        )
        form.add(Field("shared", tr("Shared on purpose"), self.shared, hint=shared), wide=True)
        address = tr("With {version} or {revision} in it, as the image's labels tell them. Opened in your browser.")
        form.add(Field("notes_url", tr("Address of release notes"), self.notes_url, hint=address), wide=True)
        form.add(Field("account", tr("Account"), self.account))
        form.add(Field("tags", tr("Tags"), self.tags, hint=tr("Separated by commas.")))
        form.add(Field("domains", tr("Domains"), self.domains, hint=tr("Separated by commas.")), wide=True)
        form.add(Field("notes", tr("Notes"), self.notes), wide=True)
        self.commands.add_to(form)
        self.processes.add_to(form)
        self.services.add_to(form)
        self.template.add_to(form)
