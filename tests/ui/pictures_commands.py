"""Pictures of release commands: on a source's form, in a plan, on the running page, and what one wrote.

They are taken with those of the other pages: python -m tests.ui.pictures FOLDER [part of a name]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from PySide6.QtWidgets import QWidget

from mirror_console.domain.release_command import CommandRun, RunKind, RunState
from mirror_console.operations.application_input import CommandsInput, EnvironmentInput, SourceInput
from mirror_console.ui.rollout.command_dialog import CommandDialog
from mirror_console.ui.sources.editor import SourceEditor
from mirror_console.ui.sources.operations import SourceOperations
from mirror_console.ui.sources.page import SourcesPage
from mirror_console.ui.widgets.scrolled import into_sight
from mirror_console.ui.window import MainWindow
from tests.ui.pictures import rest
from tests.ui.sample import NOW, SOURCE, sample_grid

Scene = Callable[[MainWindow], QWidget]

WROTE = "\n".join(
    [
        "Operations to perform:",
        "  Apply all migrations: auth, catalogue, orders, sessions",
        "Running migrations:",
        "  Applying catalogue.0041_prices… OK",
        "  Applying orders.0113_split_addresses…",
        "Traceback (most recent call last):",
        '  File "/app/orders/migrations/0113_split_addresses.py", line 48, in forwards',
        'postgres://shop:•••@db/shop: relation "orders_address" already exists',
    ]
)
BACKUP = CommandRun(
    id="6a2de8e6",
    kind=RunKind.BACKUP,
    data="source/books",
    release="fp1:3",
    rollout_id="rollout",
    environment_id="e1",
    title="Copper Kettle Books live",
    engine_id="fra-1",
    container="mc-bak.e1.rollout",
    command=("/app/backup", "--all"),
    limit=600.0,
    idempotent=True,
    reversible=True,
    state=RunState.SUCCEEDED,
    begun_at=NOW,
    ended_at=NOW + timedelta(seconds=41),
    exit_code=0,
    words="412 MB written to books-2026-08-29.dump",
    output="dumping 31 tables\n412 MB written to books-2026-08-29.dump",
)
RELEASE = replace(
    BACKUP,
    id="77ab12cd",
    kind=RunKind.RELEASE,
    command=("python", "manage.py", "migrate", "--no-input"),
    idempotent=False,
    reversible=False,
    state=RunState.FAILED,
    exit_code=1,
    words='it ended with exit code 1: relation "orders_address" already exists',
    output=WROTE,
)


def _dialog(_window: MainWindow) -> QWidget:
    return CommandDialog("Copper Kettle Books live", [BACKUP, RELEASE], may_say=True)


def _done(_window: MainWindow) -> QWidget:
    """All is well: that it may run again is said by whoever restores the backup."""
    done = replace(RELEASE, state=RunState.SUCCEEDED, exit_code=0, words="3 tables changed", output="3 tables changed")
    return CommandDialog("Copper Kettle Books live", [BACKUP, done], may_say=True)


def _form(window: MainWindow) -> QWidget:
    """The source's form, down at what is run before its releases take over."""
    commands = CommandsInput(
        release="python manage.py migrate --no-input",
        limit="20 min",
        idempotent=True,
        backup="/app/backup --all",
        backup_limit="1 h",
        backup_image="registry.lab:5000/tools/dump:16",
    )
    live = EnvironmentInput("live", "live", "fra-1", "webshop-live")
    given = SourceInput("Webshop", "webshop", repository=SOURCE.repository, environments=(live,), commands=commands)
    window.context.set_grid(sample_grid())
    window.open_page("sources")
    page = window.pages["sources"]
    assert isinstance(page, SourcesPage)
    editor = SourceEditor(window.context, SourceOperations(problems=lambda *_all: ()), given, "source")
    page.open_editor(editor)
    rest(window)
    editor.commands.backup_image.setFocus()
    into_sight(editor.commands.backup_image)
    return window


SCENES: dict[str, Scene] = {
    "rollout-5-commands": _dialog,
    "rollout-5-commands-done": _done,
    "sources-form-commands": _form,
}
