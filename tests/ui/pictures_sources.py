"""Pictures of what sources release: tags that are followed, marks, and holds that end.

They are taken with those of the other pages: python -m tests.ui.pictures FOLDER [part of a name]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from PySide6.QtWidgets import QWidget

from mirror_console.domain.alignment import Alignment
from mirror_console.domain.cell import Cell
from mirror_console.domain.environment import TagRule
from mirror_console.domain.expectation import Expected
from mirror_console.domain.fleet import Grid, Row, SourceEnvironment
from mirror_console.domain.identity import DIFFERENT, DIFFERENT_BY_DIGEST
from mirror_console.domain.release import Mark, Release
from mirror_console.domain.request import Resolved
from mirror_console.domain.status import Status
from mirror_console.domain.tag import TagLook
from mirror_console.errors import FailureKind
from mirror_console.operations.application_input import EnvironmentInput, SourceInput
from mirror_console.ui.sources.editor import SourceEditor
from mirror_console.ui.sources.mark import MarkDialog
from mirror_console.ui.sources.operations import SourceOperations
from mirror_console.ui.sources.page import SourcesPage
from mirror_console.ui.window import MainWindow
from tests.ui.pictures import alignment, rest
from tests.ui.sample import EXPECTED, HOLD, NOW, SOURCE, cell, grid_of, mirror, release, sample_grid

Scene = Callable[[MainWindow], QWidget]

NOTES = "https://webshop.example/releases/{version}"
REFERENCE = f"{SOURCE.repository}:live"
DIGEST = "sha256:" + "9c1e7b20" * 8
SEEN = NOW - timedelta(minutes=3)


def released(*, silent: bool = False) -> Grid:
    """The sample, whose source's live follows a tag that is ahead of what it runs; its releases are marked."""
    grid = sample_grid()
    [source] = grid.sources
    test, live = source.environments
    newest = replace(
        release(EXPECTED), id="tagged", fingerprint="", digest=DIGEST, version="", revision="", first_seen=SEEN,
        current_since=None, tag="live", tagged_since=SEEN,
    )  # fmt: skip
    marks = {
        1: ((Mark.WITHDRAWN,), "loses orders"),
        2: ((Mark.STOP_HERE, Mark.MIGRATION), "rebuilds the search index"),
    }
    older = tuple(
        replace(one, marks=marks[place][0], remark=marks[place][1]) if place in marks else one
        for place, one in enumerate(live.releases)
    )
    test = replace(test, releases=older, current=older[0])
    look = TagLook(REFERENCE, SEEN, DIGEST, ("linux/amd64", "linux/arm64"), SEEN, "engine-0")
    if silent:
        title = "registry.example:5000 can't be reached from fra-1."
        look = replace(look, failure=FailureKind.REGISTRY_UNREACHABLE, words=title)
    following = replace(live.environment, follows=TagRule("live"))
    tagged = SourceEnvironment(following, None, older[0], (newest, *older), look)
    application = replace(source.application, notes_url=NOTES)
    rows = tuple(
        replace(row, cells={name: _following(found, newest) for name, found in row.cells.items()}) for row in grid.rows
    )
    return replace(grid, rows=rows, sources=(replace(source, application=application, environments=(test, tagged)),))


def _following(found: Cell, newest: Release) -> Cell:
    """A cell of a mirror that takes what the tag points to: behind, where it ran what the source's live runs."""
    if not isinstance(found.expected, Expected) or found.held:
        return found
    wanted = replace(found.expected, fingerprint="", release=newest, title=newest.title, since=SEEN)
    if found.alignment is not Alignment.ALIGNED:
        return found._replace(expected=wanted, likeness=DIFFERENT)
    return found._replace(
        expected=wanted, alignment=Alignment.BEHIND, behind=1, likeness=DIFFERENT_BY_DIGEST,
        status=Status.BEHIND if found.status is Status.ALIGNED else found.status,
    )  # fmt: skip


def _page(window: MainWindow, grid: Grid) -> SourcesPage:
    window.context.set_grid(grid)
    window.open_page("sources")
    page = window.pages["sources"]
    assert isinstance(page, SourcesPage)
    rest(window)
    page.releases.view.move_to(grid.sources[0].environments[1].releases[1].id)
    return page


def _tags(window: MainWindow) -> QWidget:
    _page(window, released())
    return window


def _silent(window: MainWindow) -> QWidget:
    _page(window, released(silent=True))
    return window


def _mark(window: MainWindow) -> QWidget:
    grid = released()
    return MarkDialog("Webshop", grid.sources[0].environments[1].releases[3])


def _form(window: MainWindow) -> QWidget:
    page = _page(window, released())
    live = EnvironmentInput("live", "live", "fra-1", "webshop-live", follows=True, tag="live", every="15 min")
    test = EnvironmentInput("test", "test", "fra-1", "webshop-test")
    given = SourceInput("Webshop", "webshop", repository=SOURCE.repository, notes_url=NOTES, environments=(live, test))
    operations = SourceOperations(
        problems=lambda *_all: (), try_tag=lambda *_all: Resolved(DIGEST, ("linux/amd64", "linux/arm64"))
    )
    editor = SourceEditor(window.context, operations, given, "source")
    page.open_editor(editor)
    made = editor.environments.forms[0]
    editor.look_up(made)
    rest(window)
    made.look_button.setFocus()
    return window


def _holds(window: MainWindow) -> QWidget:
    """Holds that end soon, that have ended, and a source that went back."""

    def shop(number: int, name: str, **live: object) -> Row:
        application = mirror(800 + number, name)
        return Row(application, SOURCE.name, {"live": cell(application, **live)}, NOW)  # type: ignore[arg-type] # by name

    soon, over = replace(HOLD, until=NOW + timedelta(days=2, hours=3)), replace(HOLD, until=NOW - timedelta(days=8))
    rows = [shop(0, "Ending shop", running=3, hold=soon), shop(1, "Ended shop", running=3, alignment=Alignment.BEHIND)]
    ended = rows[1].cells["live"]
    rows[1] = replace(rows[1], cells={"live": ended._replace(environment=replace(ended.environment, hold=over))})
    rows.append(shop(2, "Ahead shop", running=5, alignment=Alignment.AHEAD))
    ahead = rows[2].cells["live"]
    assert isinstance(ahead.expected, Expected)
    rows[2] = replace(rows[2], cells={"live": ahead._replace(expected=replace(ahead.expected, back=True))})
    rows.append(shop(3, "Lost shop", alignment=Alignment.NO_RELEASE, expectation="the source has no environment 'qa'"))
    window.context.set_grid(grid_of(rows))
    window.open_page("alignment")
    page = alignment(window)
    rest(window)
    page.view.move_to(rows[0].application.id, "live")
    page.open_detail()
    return window


SCENES: dict[str, Scene] = {
    "sources-tags": _tags,
    "sources-tags-silent": _silent,
    "sources-mark": _mark,
    "sources-form-tag": _form,
    "sources-holds": _holds,
}
