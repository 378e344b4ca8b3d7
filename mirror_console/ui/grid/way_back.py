"""The way back of an environment, in the details: read when it is looked at, as few ask for it and it takes a look."""

from __future__ import annotations

from collections.abc import Mapping

from mirror_console.domain.cell import Cell
from mirror_console.domain.way_back import KnownWay
from mirror_console.operations.ways_back import ways_back
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.ways_shown import known_words
from mirror_console.ui.widgets.text import ElidedLabel
from mirror_console.ui.words import tr


class WayBackLine(ElidedLabel):
    """Says whether an environment can go back to what it ran before its last rollout, and why."""

    def __init__(self, context: UiContext, cell: Cell) -> None:
        super().__init__("…")
        environment_id, console = cell.environment.id, context.console
        if context.jobs.closed:
            # Drawn once more while the window closes: nobody will read it.
            return

        def take(known: Mapping[str, KnownWay]) -> None:
            self.say(known_words(known.get(environment_id)))

        context.run(
            tr("Read the way back"),
            lambda _work: ways_back(console, [environment_id]),
            take,
            lane="way back",
            owner=self,
        )
