"""Pictures of the pages of engines, mirrors and sources: lists, forms, and what is said where nothing is there.

They are taken with those of the other pages: python -m tests.ui.pictures FOLDER [part of a name]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QWidget

from mirror_console.domain.engine import Engine, Registry, TlsReferences
from mirror_console.domain.release import Mark
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.errors import Problem
from mirror_console.operations.application_input import CommandsInput, EnvironmentInput, MirrorInput, SourceInput
from mirror_console.operations.connection import TITLES
from mirror_console.operations.console import Console
from mirror_console.operations.engines import ConnectionStep, StepState
from mirror_console.operations.route_input import RouteInput
from mirror_console.ui.engines.editor import EngineEditor
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.engines.page import EnginesPage
from mirror_console.ui.engines.registry_editor import RegistryEditor
from mirror_console.ui.mirrors.editor import MirrorEditor
from mirror_console.ui.mirrors.hold import HoldDialog
from mirror_console.ui.mirrors.operations import MirrorOperations
from mirror_console.ui.mirrors.page import MirrorsPage
from mirror_console.ui.sources.editor import SourceEditor
from mirror_console.ui.sources.operations import SourceOperations
from mirror_console.ui.sources.page import SourcesPage
from mirror_console.ui.window import MainWindow
from tests.ui.pictures import rest, settle
from tests.ui.sample import NOW, grid_with_podman, release, sample_grid

Scene = Callable[[MainWindow], QWidget]

FLEET = sample_grid()
PROBLEMS: list[Problem] = []
"""What the forms are told to be wrong."""


def _no_problems(_console: Console, _typed: object, _id: str | None) -> list[Problem]:
    return list(PROBLEMS)


def _refused(*_all: object) -> Engine:
    raise AssertionError("nothing is saved on a picture")


ENGINE_OPERATIONS = EngineOperations(problems=_no_problems, registry_problems=_no_problems, save=_refused)
MIRROR_OPERATIONS = MirrorOperations(problems=_no_problems)
SOURCE_OPERATIONS = SourceOperations(problems=_no_problems)

STEPS = (
    ConnectionStep(1, TITLES[0], StepState.OK, "tcp://fra-2.lab:2376", 0.0),
    ConnectionStep(2, TITLES[1], StepState.OK, "10.77.2.2", 0.01),
    ConnectionStep(3, TITLES[2], StepState.OK, "fra-2.lab:2376 takes connections", 0.02),
    ConnectionStep(
        4,
        TITLES[3],
        StepState.FAILED,
        "The certificate of fra-2.lab is signed by another authority than the one that is given.",
        0.11,
        "Give the CA that signed the engine's certificate, or have the engine's certificate made again with this CA.",
    ),
    *(ConnectionStep(number, title, StepState.SKIPPED, "not tried") for number, title in enumerate(TITLES[4:], 5)),
)


def _engines(window: MainWindow) -> EnginesPage:
    window.context.set_grid(FLEET)
    window.open_page("engines")
    page = window.pages["engines"]
    assert isinstance(page, EnginesPage)
    rest(window)
    return page


def _engine_list(window: MainWindow) -> QWidget:
    _engines(window).view.move_to("engine-1")
    return window


def _engine_podman(window: MainWindow) -> QWidget:
    window.context.set_grid(grid_with_podman())
    window.open_page("engines")
    page = window.pages["engines"]
    assert isinstance(page, EnginesPage)
    rest(window)
    page.view.move_to("engine-1")
    return window


def _engine_test(window: MainWindow) -> QWidget:
    page = _engines(window)
    page.view.move_to("engine-1")
    page.details.connection.run(lambda: iter(STEPS))
    rest(window)
    return window


def _engine_empty(window: MainWindow) -> QWidget:
    window.open_page("engines")
    return window


def _engine_form(window: MainWindow) -> QWidget:
    page = _engines(window)
    names = ("ca", "client-cert", "client-key")
    references = TlsReferences(*(SecretReference(f"engine/engine-1/{name}") for name in names))
    engine = replace(FLEET.engines[1].engine, tls=references)
    editor = EngineEditor(window.context, ENGINE_OPERATIONS, engine)
    page.open_editor(editor)
    editor.parts.tls.key.open()
    PROBLEMS[:] = [Problem("key", "this is no private key: it begins with -----BEGIN PRIVATE KEY-----")]
    editor.form.accept()
    editor.connection.run(lambda: iter(STEPS))
    rest(window)
    return window


def _engine_new(window: MainWindow) -> QWidget:
    page = _engines(window)
    page.add()
    editor = page.editor
    assert isinstance(editor, EngineEditor)
    editor.address.setText("tcp://fra-3.lab:2375")
    words = "port 2375 is Docker's unencrypted port: whoever reaches it is root there; use TLS, usually port 2376"
    PROBLEMS[:] = [Problem("address", words), Problem("name", "a name is needed, of 60 characters at most")]
    editor.form.accept()
    return window


def _registry(window: MainWindow) -> QWidget:
    page = _engines(window)
    registry = Registry("registry-1", "registry.lab:5000", "deploy", SecretReference("registry/1"))
    page.registries.take([registry])
    page.tabs.setCurrentIndex(1)
    return window


def _registry_form(window: MainWindow) -> QWidget:
    page = _engines(window)
    registry = Registry("registry-1", "registry.lab:5000", "deploy", SecretReference("registry/1"))
    page.open_editor(RegistryEditor(window.context, ENGINE_OPERATIONS, registry))
    return window


def _mirrors(window: MainWindow) -> MirrorsPage:
    window.context.set_grid(FLEET)
    window.open_page("mirrors")
    page = window.pages["mirrors"]
    assert isinstance(page, MirrorsPage)
    return page


def _mirror_list(window: MainWindow) -> QWidget:
    _mirrors(window).view.move_to("mirror-5")
    return window


def _mirror_none_found(window: MainWindow) -> QWidget:
    _mirrors(window).search.setText("zebra")
    return window


LIVE = EnvironmentInput(
    id="mirror-3-live",
    name="live",
    engine="fra-1",
    container="copper-kettle-live",
    variables={"DOMAIN": "copper.example", "STAGE": "live"},
    secrets={"DATABASE_URL": Secret(""), "SECRET_KEY": Secret("")},
    ports="80",
    volumes="copper-media:/data/media",
    labels={"traefik.enable": "true", "traefik.http.routers.copper.rule": "Host(`copper.example`)"},
    memory="512m",
    cpus="1.5",
    health_path="/up",
    health_port="80",
    protected=True,
    networks="back",
    route=RouteInput("edge", "copper", "8080", overlap=True, proof="http://copper.example/up"),
)
MIRROR = MirrorInput(
    name="Copper Kettle Books",
    slug="copper-kettle-books",
    account="Account 1001",
    tags="early",
    domains="copper.example, www.copper.example",
    source="webshop",
    environments=(LIVE, replace(LIVE, id="mirror-3-test", name="test", engine="ber-1", container="copper-kettle-test")),
)


SERVICE = replace(MIRROR, environments=(replace(LIVE, container="copper_web", swarm=True), *MIRROR.environments[1:]))


def _mirror_form(window: MainWindow, to: str = "", given: MirrorInput = MIRROR) -> QWidget:
    page = _mirrors(window)
    editor = MirrorEditor(window.context, MIRROR_OPERATIONS, given, "mirror-3")
    page.open_editor(editor)
    if to:
        settle()
        editor.environments.forms[0].form.fields[to].control.setFocus()
        settle()
    return window


def _mirror_new(window: MainWindow) -> QWidget:
    page = _mirrors(window)
    page.add()
    assert page.editor is not None
    page.editor.environments.add()
    PROBLEMS[:] = [
        Problem("environments[0].name", "a name is needed: use lower-case letters, digits and hyphens, 63 at most"),
        Problem("environments[0].engine", "choose the engine that it runs on"),
    ]
    page.editor.save()
    return window


def _mirror_read_only(window: MainWindow) -> QWidget:
    page = _mirrors(window)
    page.open_editor(MirrorEditor(window.context, MIRROR_OPERATIONS, MIRROR, "mirror-3"))
    return window


def _hold(_window: MainWindow) -> QWidget:
    releases = [replace(release(place), marks=marks) for place, marks in ((3, (Mark.STOP_HERE,)), (4, ()), (5, ()))]
    return HoldDialog("Copper Kettle Books live", "26.8.2", releases, NOW)


def _sources(window: MainWindow) -> SourcesPage:
    window.context.set_grid(FLEET)
    window.open_page("sources")
    page = window.pages["sources"]
    assert isinstance(page, SourcesPage)
    return page


def _source_list(window: MainWindow) -> QWidget:
    _sources(window)
    return window


def _source_form(window: MainWindow, to: str = "") -> QWidget:
    page = _sources(window)
    environments = (
        EnvironmentInput(id="source-test", name="test", engine="fra-1", container="webshop-test"),
        EnvironmentInput(id="source-live", name="live", engine="fra-1", container="webshop-live"),
    )
    given = SourceInput(
        name="Webshop",
        slug="webshop",
        repository="registry.lab:5000/shop/webshop",
        required_variables="DATABASE_URL, SECRET_KEY",
        commands=CommandsInput("python manage.py migrate --no-input", limit="15 min", backup="/app/backup --all"),
        template=EnvironmentInput(variables={"STAGE": "live"}, memory="512m", labels={"traefik.enable": "true"}),
        environments=environments,
    )
    editor = SourceEditor(window.context, SOURCE_OPERATIONS, given, "source-1")
    page.open_editor(editor)
    if to:
        settle()
        editor.form.fields[to].control.setFocus()
        settle()
    return window


SCENES: dict[str, Scene] = {
    "engines": _engine_list,
    "engines-empty": _engine_empty,
    "engines-podman": _engine_podman,
    "engines-test": _engine_test,
    "engines-form": _engine_form,
    "engines-new": _engine_new,
    "engines-registries": _registry,
    "engines-registry-form": _registry_form,
    "mirrors": _mirror_list,
    "mirrors-none-found": _mirror_none_found,
    "mirrors-form": _mirror_form,
    "mirrors-form-group": lambda window: _mirror_form(window, "group"),
    "mirrors-form-secrets": lambda window: _mirror_form(window, "secrets"),
    "mirrors-form-health": lambda window: _mirror_form(window, "answers"),
    "mirrors-form-route": lambda window: _mirror_form(window, "settings.route.alias"),
    "mirrors-form-labels": lambda window: _mirror_form(window, "labels"),
    "mirrors-form-container": lambda window: _mirror_form(window, "variables"),
    "mirrors-form-swarm": lambda window: _mirror_form(window, "variables", SERVICE),
    "mirrors-form-swarm-health": lambda window: _mirror_form(window, "command", SERVICE),
    "mirrors-new": _mirror_new,
    "mirrors-read-only": _mirror_read_only,
    "mirrors-hold": _hold,
    "sources": _source_list,
    "sources-form": _source_form,
    "sources-form-commands": lambda window: _source_form(window, "backup.image"),
    "sources-form-template": lambda window: _source_form(window, "labels"),
}
