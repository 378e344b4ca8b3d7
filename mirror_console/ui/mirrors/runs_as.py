"""Runs as: whether what serves an environment is a container or a service of a Swarm, and what then is asked of it."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QWidget

from mirror_console.ui.widgets.form import Field, Form, choice
from mirror_console.ui.widgets.text import Look, label
from mirror_console.ui.words import tr

CONTAINER, SERVICE = "container", "service"


class RunsAs:
    """The choice, and the parts of a form that are for one of the two alone."""

    def __init__(self, *, swarm: bool) -> None:
        choices = [(CONTAINER, tr("A container")), (SERVICE, tr("A service of a Swarm"))]
        self.control = choice(choices, SERVICE if swarm else CONTAINER)
        self._hints: list[tuple[Field, str, str]] = []
        self._name: Field
        self._of_containers: list[QWidget] = []
        self._of_services: list[QWidget] = []

    @property
    def swarm(self) -> bool:
        """Whether it is a service of a Swarm."""
        return bool(self.control.currentData() == SERVICE)

    def add_to(self, form: Form, name: QLineEdit, of_container: str, of_service: str) -> None:
        """Put the name of what serves and the choice into a form, with the hint that the name has of each kind."""
        self._name = form.add(Field("container", tr("Container"), name, required=True, hint=of_container))
        form.add(Field("swarm", tr("Runs as"), self.control))
        self.hint(self._name, of_container, of_service)

    def hint(self, field: Field, of_container: str, of_service: str) -> None:
        """A field with another hint of a service."""
        self._hints.append((field, of_container, of_service))

    def say_of_services(self, form: Form, words: str) -> None:
        """Say something in a form that is for services alone."""
        said = label(words, Look.MUTED, wrap=True)
        form.wide(said)
        self._of_services.append(said)

    def only_containers(self, *parts: QWidget) -> None:
        """Parts that aren't shown of a service."""
        self._of_containers += parts

    def only_services(self, *parts: QWidget) -> None:
        """Parts that are shown of a service alone."""
        self._of_services += parts

    def end(self) -> None:
        """All parts are there."""
        self.control.currentIndexChanged.connect(lambda _place: self._show())
        self._show()

    def _show(self) -> None:
        for part in self._of_containers:
            part.setVisible(not self.swarm)
        for part in self._of_services:
            part.setVisible(self.swarm)
        for field, of_container, of_service in self._hints:
            field.hint(of_service if self.swarm else of_container)
        self._name.call(tr("Service") if self.swarm else tr("Container"))
