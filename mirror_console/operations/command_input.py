"""Command input: release commands and backups as they are typed on a source's form and written in import files."""

from __future__ import annotations

import shlex
from typing import Any

from mirror_console.domain.application import Application
from mirror_console.domain.release_command import USUAL_LIMIT, BackupCommand, ReleaseCommand
from mirror_console.errors import Problem
from mirror_console.operations.application_input import CommandsInput
from mirror_console.operations.import_fields import Fields, scalar
from mirror_console.operations.import_settings import read_command
from mirror_console.operations.typed import parse_command, parse_span, parsed, span_text

RELEASE_COMMAND = ("command", "limit", "reversible", "idempotent")
BACKUP = ("command", "limit", "image")
NONE = "none"
"""What stands in a file for 'explicitly none'."""


# --- typed -----------------------------------------------------------------------------------------------------------


def commands_input(source: Application) -> CommandsInput:
    """What a form shows of a source's commands."""
    command, backup = source.release_command, source.backup
    return CommandsInput(
        release=shlex.join(command.command) if command else "",
        explicitly_none=command is not None and not command.command,
        limit=span_text(round((command or ReleaseCommand()).limit)),
        reversible=command is not None and command.reversible,
        idempotent=command is not None and command.idempotent,
        backup=shlex.join(backup.command) if backup else "",
        backup_limit=span_text(round(backup.limit if backup else USUAL_LIMIT)),
        backup_image=backup.image if backup else "",
    )


def draft_release_command(typed: CommandsInput, problems: list[Problem]) -> ReleaseCommand | None:
    """The release command that is typed; what can't be read is added to `problems`."""
    if not typed.release.strip():
        return ReleaseCommand() if typed.explicitly_none else None
    if typed.explicitly_none:
        problems.append(Problem("release_command.none", "there is a command: take it away, or this"))
    at = "release_command"
    return ReleaseCommand(
        command=parsed(problems, f"{at}.command", parse_command, typed.release, ()),
        limit=float(parsed(problems, f"{at}.limit", parse_span, typed.limit, round(USUAL_LIMIT))),
        reversible=typed.reversible,
        idempotent=typed.idempotent,
    )


def draft_backup(typed: CommandsInput, problems: list[Problem]) -> BackupCommand | None:
    """The backup that is typed; what can't be read is added to `problems`."""
    if not typed.backup.strip():
        if typed.backup_image.strip():
            problems.append(Problem("backup.command", "say what makes the backup in that image"))
        return None
    return BackupCommand(
        command=parsed(problems, "backup.command", parse_command, typed.backup, ()),
        limit=float(parsed(problems, "backup.limit", parse_span, typed.backup_limit, round(USUAL_LIMIT))),
        image=typed.backup_image.strip(),
    )


# --- written ---------------------------------------------------------------------------------------------------------


def read_release_command(fields: Fields, before: ReleaseCommand | None) -> ReleaseCommand | None:
    """What a source's release command becomes; what stays out of the file stays as it was."""
    node = fields.node("release_command")
    if node is None:
        return before
    if node.is_nothing:
        return None
    if scalar(node) == NONE:
        return ReleaseCommand()
    below, old = fields.below("release_command", RELEASE_COMMAND), before or ReleaseCommand()
    command = read_command(below, old.command)
    if not command:
        below.wrong("command", f"say what is run, or 'release_command: {NONE}'")
    limit = float(below.of("limit", parse_span, round(old.limit)))
    return ReleaseCommand(
        command, limit, below.flag("reversible", old.reversible), below.flag("idempotent", old.idempotent)
    )


def read_backup(fields: Fields, before: BackupCommand | None) -> BackupCommand | None:
    """What a source's backup becomes; what stays out of the file stays as it was."""
    node = fields.node("backup")
    if node is None:
        return before
    if node.is_nothing:
        return None
    below, old = fields.below("backup", BACKUP), before or BackupCommand(())
    limit = float(below.of("limit", parse_span, round(old.limit)))
    return BackupCommand(read_command(below, old.command), limit, below.text("image", old.image))


def commands_content(source: Application) -> dict[str, Any]:
    """Both as an import file has them; nothing where nothing was declared."""
    content: dict[str, Any] = {}
    command, backup = source.release_command, source.backup
    if command is not None and not command.command:
        content["release_command"] = NONE
    elif command is not None:
        content["release_command"] = {
            "command": list(command.command),
            "limit": span_text(round(command.limit)),
            "reversible": command.reversible,
            "idempotent": command.idempotent,
        }
    if backup is not None:
        content["backup"] = {"command": list(backup.command), "limit": span_text(round(backup.limit))}
        if backup.image:
            content["backup"]["image"] = backup.image
    return content
