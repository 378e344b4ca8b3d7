"""Pictures of several processes: on a source's form, and in the details of an environment of which one has ended.

They are taken with those of the other pages: python -m tests.ui.pictures FOLDER [part of a name]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QScrollArea, QWidget

from mirror_console.domain.environment import Process
from mirror_console.domain.fleet import Row
from mirror_console.domain.observation import Health, State
from mirror_console.domain.status import Status
from mirror_console.operations.application_input import EnvironmentInput, ProcessesInput, ServicesInput, SourceInput
from mirror_console.ui.sources.editor import SourceEditor
from mirror_console.ui.sources.operations import SourceOperations
from mirror_console.ui.sources.page import SourcesPage
from mirror_console.ui.window import MainWindow
from tests.ui.pictures import alignment, rest
from tests.ui.sample import NOW, SOURCE, cell, grid_of, mirror, sample_grid

Scene = Callable[[MainWindow], QWidget]

TYPED = ProcessesInput(
    "web\nworker = celery -A shop worker\nscheduler = celery -A shop beat",
    "worker, scheduler",
    "worker = 512 MiB, 0.5 CPUs",
)


def _form(window: MainWindow) -> QWidget:
    window.context.set_grid(sample_grid())
    window.open_page("sources")
    page = window.pages["sources"]
    assert isinstance(page, SourcesPage)
    live = EnvironmentInput("live", "live", "fra-1", "webshop-live")
    given = SourceInput("Webshop", "webshop", repository=SOURCE.repository, processes=TYPED, environments=(live,))
    editor = SourceEditor(window.context, SourceOperations(problems=lambda *_all: ()), given, "source")
    page.open_editor(editor)
    rest(window)
    for area in editor.findChildren(QScrollArea):
        area.ensureWidgetVisible(editor.processes.limits, 0, 60)
    editor.processes.lines.setFocus()
    return window


def _detail(window: MainWindow) -> QWidget:
    """The one that serves runs well, the worker has ended, and the mailer is declared no more."""
    application = mirror(830, "Copper Kettle Books")
    found = cell(application, running=3)
    web = found.observation
    assert web is not None
    container = found.environment.container
    beside = (
        replace(web, process="worker", container_id="w", state=State.EXITED, health=Health.NO_CHECK, exit_code=1),
        replace(web, process="scheduler", container_id="s", health=Health.NO_CHECK),
    )
    processes = (
        Process("web", container),
        Process("worker", f"{container}-worker", ("celery", "worker"), True),
        Process("scheduler", f"{container}-scheduler", ("celery", "beat")),
    )
    mailer = Process("mailer", f"{container}-mailer", ("celery", "mail"))
    found = found._replace(
        environment=replace(found.environment, processes=processes, going=(mailer,)),
        beside=beside,
        going=(replace(web, process="mailer", container_id="m", health=Health.NO_CHECK),),
        pending=True,
        health=Health.STOPPED,
        status=Status.UNHEALTHY,
    )
    window.context.set_grid(grid_of([Row(application, SOURCE.name, {"live": found}, NOW)]))
    window.open_page("alignment")
    page = alignment(window)
    rest(window)
    page.view.move_to(application.id, "live")
    page.open_detail()
    return window


def _services(window: MainWindow) -> QWidget:
    """A source's form, at what its mirrors need to run."""
    window.context.set_grid(sample_grid())
    window.open_page("sources")
    page = window.pages["sources"]
    assert isinstance(page, SourcesPage)
    live = EnvironmentInput("live", "live", "fra-1", "webshop-live")
    needs = ServicesInput(
        "database = pg_isready -t 3\ncache = redis-cli -h cache ping\nsearch = sh -c 'curl -fsS $SEARCH_URL'",
        "search = 20 s",
        "search",
    )
    given = SourceInput("Webshop", "webshop", repository=SOURCE.repository, services=needs, environments=(live,))
    editor = SourceEditor(window.context, SourceOperations(problems=lambda *_all: ()), given, "source")
    page.open_editor(editor)
    rest(window)
    for area in editor.findChildren(QScrollArea):
        area.ensureWidgetVisible(editor.services.optional, 0, 60)
    editor.services.lines.setFocus()
    return window


SCENES: dict[str, Scene] = {
    "sources-form-processes": _form,
    "sources-form-services": _services,
    "alignment-processes": _detail,
}
