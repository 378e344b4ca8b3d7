"""The form for a mirror: what it is, where its images come from, its environments, and what they would show."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog

from mirror_console.domain.application import ImageSource
from mirror_console.domain.cell import Cell
from mirror_console.domain.environment import Environment
from mirror_console.domain.fleet import SourceRow
from mirror_console.domain.release import Release
from mirror_console.errors import Problem
from mirror_console.operations.application_input import EnvironmentInput, MirrorInput, settings_input
from mirror_console.ui.context import UiContext
from mirror_console.ui.mirrors.environment_form import MirrorEnvironmentForm
from mirror_console.ui.mirrors.hold import HoldDialog
from mirror_console.ui.mirrors.operations import MirrorOperations
from mirror_console.ui.mirrors.preview import preview
from mirror_console.ui.widgets.application_editor import ApplicationEditor
from mirror_console.ui.widgets.form import Field, choice, line_edit, text_edit
from mirror_console.ui.words import tr

PREVIEW_AFTER_MS = 150


class MirrorEditor(ApplicationEditor[MirrorInput, MirrorEnvironmentForm]):
    """Add or edit a mirror."""

    def __init__(
        self,
        context: UiContext,
        operations: MirrorOperations,
        given: MirrorInput | None = None,
        application_id: str | None = None,
    ) -> None:
        self._operations = operations
        given = given or MirrorInput()
        super().__init__(
            context,
            tr("Edit {}").format(given.name) if application_id else tr("Add a mirror"),
            operations.problems,
            operations.save,
            lambda: self._environment(self._template()),
            application_id,
        )
        grid = context.grid
        sources = [(row.application.slug, row.application.name) for row in grid.sources] if grid else []
        rules = [(str(rule), tr(rule).capitalize()) for rule in ImageSource]
        self.name, self.slug = line_edit(given.name), line_edit(given.slug)
        only = sources[0][0] if len(sources) == 1 else ""
        self.source = choice(sources, given.source or only, ask=tr("Choose…"))
        self.image_source = choice(rules, given.image_source)
        self.account, self.tags = line_edit(given.account), line_edit(given.tags)
        self.domains = line_edit(given.domains, placeholder="shop.example, www.shop.example")
        self.notes = text_edit(given.notes, lines=2)
        self._fill()
        for environment in given.environments:
            self.environments.put(self._environment(environment))
        if self.refusal:
            for made in self.environments.forms:
                made.lock()
        self.slug_from(self.name, self.slug)
        self.end()
        self._preview = QTimer(self)
        self._preview.setSingleShot(True)
        self._preview.setInterval(PREVIEW_AFTER_MS)
        self._preview.timeout.connect(self.show_preview)
        self.form.changed.connect(self._preview.start)
        self.environments.changed.connect(self._preview.start)
        self.show_preview()

    def input(self) -> MirrorInput:
        """What stands in the form."""
        return MirrorInput(
            name=self.name.text().strip(),
            slug=self.slug.text().strip(),
            account=self.account.text().strip(),
            tags=self.tags.text(),
            domains=self.domains.text(),
            notes=self.notes.toPlainText(),
            source=str(self.source.currentData() or ""),
            image_source=str(self.image_source.currentData()),
            environments=tuple(made.input() for made in self.environments.forms),
        )

    def extra_problems(self) -> list[Problem]:
        """Lines that are no variables or labels."""
        return [
            Problem(f"environments[{place}].{problem.field}", problem.words)
            for place, made in enumerate(self.environments.forms)
            for problem in made.unread()
        ]

    def show_preview(self) -> None:
        """Say what the environment that is shown would show."""
        if self.refusal:
            return
        current = self.environments.current()
        cell = self._cell(current.given.id) if current else None
        now: datetime = self._context.now()
        words = preview(self._context.grid, self.input(), current.input() if current else None, cell, now)
        self.editor.says.say(words[0].upper() + words[1:])

    def set_hold(self, environment_id: str) -> None:
        """Ask for an image and a reason, and keep the environment on it."""
        dialog = self.hold_dialog(environment_id)
        went = dialog.exec() == QDialog.DialogCode.Accepted
        reason, until, release = dialog.reason, dialog.until, dialog.release
        dialog.deleteLater()
        if went:
            self.hold(environment_id, reason, until, release)

    def hold_dialog(self, environment_id: str) -> HoldDialog:
        """The dialog for an environment of this mirror, with the releases that it may be kept on."""
        cell = self._cell(environment_id)
        name = self.name.text().strip()
        what = f"{name} {cell.environment.name}" if cell else name
        known = cell.observation is not None and bool(cell.observation.fingerprint) if cell else False
        running = (cell.running_title or tr("this image")) if cell and known else ""
        hold = cell.environment.hold if cell else None
        return HoldDialog(what, running, self._releases(), self._context.now(), hold, self)

    def hold(self, environment_id: str, reason: str, until: datetime | None, release: Release | None = None) -> None:
        """Keep the environment on a release, or on what runs there now."""
        hold, console = self._operations.hold, self._context.console
        self._context.run(
            tr("Set a hold"),
            lambda _work: hold(console, environment_id, reason, until, release),
            self._held,
            owner=self,
        )

    def clear_hold(self, environment_id: str) -> None:
        """Let the environment follow its image source again."""
        clear, console = self._operations.clear_hold, self._context.console
        self._context.run(tr("End the hold"), lambda _work: clear(console, environment_id), self._held, owner=self)

    def _held(self, environment: Environment) -> None:
        for made in self.environments.forms:
            if made.given.id == environment.id:
                made.show_hold(environment.hold)
        words = tr("{} is held now.") if environment.hold else tr("{} follows its image source again.")
        self._context.notices.done(words.format(environment.name), key="saved")

    def _environment(self, given: EnvironmentInput) -> MirrorEnvironmentForm:
        grid = self._context.grid
        cell = self._cell(given.id)
        hold = cell.environment.hold if cell else None
        engines = grid.engines if grid else ()
        return MirrorEnvironmentForm(engines, given, hold, self.set_hold, self.clear_hold, self._context.now)

    def _releases(self) -> list[Release]:
        """What the source has released that is chosen."""
        source = self._chosen()
        return [release for one in source.environments for release in one.releases] if source else []

    def _template(self) -> EnvironmentInput:
        """What a new environment starts from: the template of the source that is chosen."""
        source = self._chosen()
        template = source.application.template if source else None
        return settings_input(template) if template else EnvironmentInput()

    def _chosen(self) -> SourceRow | None:
        slug = str(self.source.currentData() or "")
        rows = self._context.grid.sources if self._context.grid else ()
        return next((row for row in rows if row.application.slug == slug), None)

    def _cell(self, environment_id: str) -> Cell | None:
        grid = self._context.grid
        if grid is None or not environment_id:
            return None
        cells = (cell for row in grid.rows for cell in row.cells.values())
        return next((cell for cell in cells if cell.environment.id == environment_id), None)

    def _fill(self) -> None:
        form = self.form
        form.add(Field("name", tr("Name"), self.name, required=True))
        form.add(
            Field("slug", tr("Slug"), self.slug, hint=tr("Made of the name: lower-case letters, digits, hyphens."))
        )
        form.add(Field("source", tr("Source"), self.source, required=True))
        rule = tr(
            "Always live: every environment takes what the source's live has. Matching: the one of the same name."
        )
        form.add(Field("image_source", tr("Image source"), self.image_source, required=True, hint=rule))
        form.add(Field("account", tr("Account"), self.account, hint=tr("Who pays for it.")))
        form.add(Field("tags", tr("Tags"), self.tags, hint=tr("Separated by commas.")))
        form.add(Field("domains", tr("Domains"), self.domains, hint=tr("Separated by commas.")), wide=True)
        form.add(Field("notes", tr("Notes"), self.notes), wide=True)
