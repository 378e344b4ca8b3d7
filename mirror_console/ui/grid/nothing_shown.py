"""What stands in the place of the grid where no mirror is shown: why, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mirror_console.domain.fleet import Grid
from mirror_console.domain.status import ATTENTION, Status
from mirror_console.ui.context import UiContext
from mirror_console.ui.notices import announce
from mirror_console.ui.widgets.empty import EmptyState
from mirror_console.ui.words import age, count, tr


class NothingShown(EmptyState):
    """No survey yet, no mirrors, or none that the filter lets through."""

    def __init__(self, context: UiContext, filter_by: Callable[[str], None]) -> None:
        super().__init__()
        self._context = context
        self._filter_by = filter_by

    def say_reading(self) -> None:
        """The first survey is on its way."""
        self._say(tr("Reading the catalog…"), tr("What was last seen appears in a moment."))

    def say_no_mirrors(self) -> None:
        """The catalog has none."""
        steps = (
            (tr("Add an engine"), lambda: self._context.go("engines", new=True)),
            (tr("Add a source"), lambda: self._context.go("sources", new=True)),
            (tr("Add a mirror"), lambda: self._context.go("mirrors", new=True)),
        )
        words = tr(
            "Mirrors stand here, with what they run in each environment against what they should run. Begin with an"
            " engine, then a source, then its mirrors; or import a catalog: mirror-console catalog import FILE."
        )
        self._say(tr("No mirrors yet"), words, steps)

    def say_no_match(self, grid: Grid, everything: Mapping[Status, int], text: str) -> None:
        """The filter lets none through; `everything` counts the states without it."""
        mirrors = count(len(grid.rows), "mirror", "mirrors")
        steps = ((tr("Clear filter"), lambda: self._filter_by("")),)
        if text == "is:attention" and not any(map(everything.get, ATTENTION)):
            checked = tr("{} checked {} ago.").format(mirrors, age(self._context.now() - grid.made_at))
            self._say(tr("Nothing needs attention"), checked, steps)
            return
        words = tr("{} in the catalog, none of them matches.").format(mirrors)
        self._say(tr("No mirror matches “{}”").format(text), words, steps)

    def _say(self, title: str, words: str, steps: Sequence[tuple[str, Callable[[], object]]] = ()) -> None:
        self.say(title, words, steps, self._context.icons.pixmap("layout-grid", 40, self.devicePixelRatioF(), "border"))
        announce(self, f"{title}. {words}")
