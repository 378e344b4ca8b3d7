"""The part of an environment's form for its route: how requests come to it, and whether two copies may overlap."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from mirror_console.operations.proxies import conventions
from mirror_console.operations.route_input import RouteInput
from mirror_console.ui.widgets.form import Field, Form, choice, line_edit, tick
from mirror_console.ui.words import tr


class RoutePart:
    """Fields for a route by an alias or by a proxy's labels."""

    def __init__(self, given: RouteInput) -> None:
        self.network = line_edit(given.network, placeholder="edge")
        self.alias = line_edit(given.alias, placeholder="shop-a")
        self.port = line_edit(given.port, placeholder="8080")
        self.labels = choice([(one.name, one.title) for one in conventions().values()], given.labels, ask=tr("None"))
        self.drain = line_edit(given.drain)
        self.proof = line_edit(given.proof, placeholder="http://shop-a.example/up")
        self.overlap = tick(tr("Two copies may overlap: a new one starts beside the old one"), given.overlap)

    def add_to(self, form: Form) -> list[QWidget]:
        """Put it into a form; its parts, for one that is hidden at times."""
        words = tr("By an alias that the proxy looks up in a network, or by labels that it follows. Empty: no route.")
        head = form.heading(tr("Route"), words)
        joined, asked = tr("Joined last, left first."), tr("Asked through the engine's proxy.")
        fields = [
            Field("settings.route.network", tr("Proxy's network"), self.network, hint=joined),
            Field("settings.route.alias", tr("Alias"), self.alias, hint=tr("What the proxy sends requests to.")),
            Field("settings.route.port", tr("Port behind the alias"), self.port),
            Field("settings.route.labels", tr("Or by labels of"), self.labels),
            Field(
                "settings.route.drain", tr("Seconds to drain"), self.drain, hint=tr("The old one goes on for so long.")
            ),
            Field("settings.route.proof", tr("Proof address"), self.proof, hint=asked),
        ]
        parts: list[QWidget] = [head, *(form.add(one) for one in fields)]
        return [*parts, form.add(Field("settings.route.overlap", tr("Overlap"), self.overlap), wide=True)]

    def input(self) -> RouteInput:
        """What stands there."""
        return RouteInput(
            network=self.network.text(),
            alias=self.alias.text(),
            port=self.port.text(),
            labels=str(self.labels.currentData() or ""),
            drain=self.drain.text(),
            overlap=self.overlap.isChecked(),
            proof=self.proof.text(),
        )
