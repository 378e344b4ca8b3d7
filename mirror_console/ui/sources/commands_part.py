"""The part of a source's form for what is run before its releases take over: the release command, and a backup."""

from __future__ import annotations

from mirror_console.operations.application_input import CommandsInput
from mirror_console.ui.widgets.form import Field, Form, line_edit, tick
from mirror_console.ui.words import tr


class CommandsPart:
    """Fields for a source's release command and backup."""

    def __init__(self, given: CommandsInput) -> None:
        self.release = line_edit(given.release, placeholder="python manage.py migrate")
        self.limit = line_edit(given.limit)
        self.none = tick(tr("It has no release command"), given.explicitly_none)
        self.reversible = tick(tr("The older release works on what it leaves"), given.reversible)
        self.idempotent = tick(tr("May be run again, wherever it ended"), given.idempotent)
        self.backup = line_edit(given.backup, placeholder="/app/backup")
        self.backup_limit = line_edit(given.backup_limit)
        self.backup_image = line_edit(given.backup_image, placeholder="registry.example:5000/tools/dump:16")

    def add_to(self, form: Form) -> None:
        """Put it at the end of a form."""
        words = tr("Run once for each environment and release, or once for a group that shares its data.")
        form.heading(tr("Release command"), words)
        command = tr("In a container of the new image, before it takes over. Putting back doesn't undo it.")
        form.add(Field("release_command.command", tr("Command"), self.release, hint=command), wide=True)
        form.add(Field("release_command.limit", tr("Stopped after"), self.limit, hint=tr("Such as 10 min or 2 h.")))
        none = tr("Until this or a command is given, a check blocks its releases.")
        form.add(Field("release_command.none", tr("It has no release command"), self.none, hint=none))
        form.add(Field("release_command.reversible", tr("The older release works on what it leaves"), self.reversible))
        form.add(Field("release_command.idempotent", tr("May be run again, wherever it ended"), self.idempotent))
        backup = tr("Run before it. Where it fails, nothing is changed. Empty: no backup is made.")
        form.add(Field("backup.command", tr("Backup"), self.backup, hint=backup), wide=True)
        form.add(Field("backup.limit", tr("Stopped after"), self.backup_limit, hint=tr("Such as 10 min or 2 h.")))
        image = tr("Empty: the new image.")
        form.add(Field("backup.image", tr("Image of the backup"), self.backup_image, hint=image))

    def input(self) -> CommandsInput:
        """What stands there."""
        return CommandsInput(
            release=self.release.text().strip(),
            explicitly_none=self.none.isChecked(),
            limit=self.limit.text().strip(),
            reversible=self.reversible.isChecked(),
            idempotent=self.idempotent.isChecked(),
            backup=self.backup.text().strip(),
            backup_limit=self.backup_limit.text().strip(),
            backup_image=self.backup_image.text().strip(),
        )
