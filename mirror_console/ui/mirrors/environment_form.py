"""The form of one environment of a mirror: where it runs, and all settings that its container is made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mirror_console.domain.environment import Hold, RestartPolicy
from mirror_console.domain.fleet import EngineRow
from mirror_console.domain.secret import Secret
from mirror_console.errors import Problem
from mirror_console.operations.application_input import EnvironmentInput
from mirror_console.operations.typed import parse_labels, parse_variables, variables_text
from mirror_console.ui.mirrors.route_part import RoutePart
from mirror_console.ui.mirrors.runs_as import RunsAs
from mirror_console.ui.tokens import SPACE_1, SPACE_2
from mirror_console.ui.widgets.form import Field, Form, choice, line_edit, text_edit, tick
from mirror_console.ui.widgets.line_text import line_problems, lines_or
from mirror_console.ui.widgets.secret_field import SecretInput
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import age_aloud, day, tr


class SecretsInput(QWidget):
    """Secret variables: a name each, and whether its value is stored. Values are never shown."""

    typed_changed = Signal()

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._rows: list[_SecretRow] = []
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(SPACE_1)
        self.add_button = button(tr("Add a secret"), self.add)
        self.setFocusProxy(self.add_button)
        foot = QHBoxLayout()
        foot.addWidget(self.add_button)
        foot.addStretch(1)
        self._box.addLayout(foot)
        for name in names:
            self._put(_SecretRow(name, stored=True))
        self._tell()

    def secrets(self) -> dict[str, Secret]:
        """The names, each with its new value, or an empty one where what is stored stays."""
        return {row.name.text().strip(): Secret(row.value.typed or "") for row in self._rows if row.name.text().strip()}

    def add(self) -> None:
        """Add a secret variable."""
        row = _SecretRow("", stored=False)
        self._put(row)
        row.name.setFocus()
        self._tell()

    def _put(self, row: _SecretRow) -> None:
        self._rows.append(row)
        row.remove.clicked.connect(partial(self._remove, row))
        row.name.textChanged.connect(lambda _text: self._tell())
        row.value.typed_changed.connect(self._tell)
        self._box.insertWidget(len(self._rows) - 1, row)

    def _remove(self, row: _SecretRow) -> None:
        self._rows.remove(row)
        self._box.removeWidget(row)
        row.hide()
        row.deleteLater()
        self.add_button.setFocus()
        self._tell()

    def _tell(self) -> None:
        # What was typed stays a secret here too: only whether there is something new counts for "changed".
        self.setProperty("typed", ",".join(f"{row.name.text()}:{row.value.typed is not None}" for row in self._rows))
        self.typed_changed.emit()


class _SecretRow(QWidget):
    def __init__(self, name: str, *, stored: bool) -> None:
        super().__init__()
        self.name = line_edit(name, placeholder="SECRET_KEY")
        self.name.setAccessibleName(tr("Name of the secret variable"))
        self.name.setReadOnly(stored)
        self.value = SecretInput(tr("Value of {}").format(name) if name else tr("Value of the secret"), stored=stored)
        self.remove = button(tr("Remove"), look="quiet")
        self.remove.setAccessibleName(tr("Remove the secret {}").format(name))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_2)
        row.addWidget(self.name, 2)
        row.addWidget(self.value, 4)
        row.addWidget(self.remove)


class MirrorEnvironmentForm:
    """One environment of a mirror."""

    def __init__(
        self,
        engines: Sequence[EngineRow],
        given: EnvironmentInput,
        hold: Hold | None,
        set_hold: Callable[[str], object],
        clear_hold: Callable[[str], object],
        now: Callable[[], datetime],
    ) -> None:
        self.given = given
        self.hold = hold
        self._now = now
        self._widget = QWidget()
        names = [(row.engine.name, row.engine.name) for row in engines]
        self.name = line_edit(given.name, placeholder="live")
        self.engine = choice(names, given.engine, ask=tr("Choose…"))
        self.container = line_edit(given.container)
        self.runs_as = RunsAs(swarm=given.swarm)
        self.ports = line_edit(given.ports, placeholder="8080:80")
        self.group = line_edit(given.group)
        self.variables = text_edit(variables_text(given.variables), lines=4, placeholder="STAGE=live")
        self.secrets = SecretsInput(list(given.secrets))
        self.volumes = line_edit(given.volumes, placeholder="shop-media:/data/media")
        self.networks = line_edit(given.networks)
        self.memory, self.cpus, self.pids = line_edit(given.memory), line_edit(given.cpus), line_edit(given.pids)
        self.process_limits = text_edit(given.process_limits, lines=2) if given.others else None
        self.restart = choice([(str(policy), str(policy)) for policy in RestartPolicy], given.restart)
        self.health_path = line_edit(given.health_path, placeholder="/up")
        self.health_port, self.health_answers = line_edit(given.health_port), line_edit(given.health_answers)
        self.health_settle, self.health_limit = line_edit(given.health_settle), line_edit(given.health_limit)
        self.stop_signal, self.stop_seconds = line_edit(given.stop_signal), line_edit(given.stop_seconds)
        self.command = line_edit(given.command)
        self.labels = text_edit(variables_text(given.labels), lines=3, placeholder="traefik.enable=true")
        self.init = tick(tr("Run with an init process"), given.init)
        self.protected = tick(tr("Protected: rollouts here ask for a reason"), given.protected)
        self.route = RoutePart(given.route)
        self.form = Form()
        self._fill()
        self._hold_bar(set_hold, clear_hold)

    @property
    def title(self) -> str:
        """The name of the environment."""
        return self.name.text().strip() or tr("new")

    @property
    def saved(self) -> bool:
        """Whether the catalog has it."""
        return bool(self.given.id)

    def widget(self) -> QWidget:
        """The hold, and the form."""
        return self._widget

    def input(self) -> EnvironmentInput:
        """What stands in the form. Lines that can't be read are left out; `unread` tells of them."""
        typed = EnvironmentInput(
            id=self.given.id,
            name=self.name.text().strip(),
            engine=str(self.engine.currentData() or ""),
            container=self.container.text().strip(),
            variables=lines_or(parse_variables, self.variables, self.given.variables),
            secrets=self.secrets.secrets(),
            ports=self.ports.text(),
            volumes=self.volumes.text(),
            networks=self.networks.text(),
            memory=self.memory.text(),
            cpus=self.cpus.text(),
            pids=self.pids.text(),
            restart=str(self.restart.currentData()),
            health_path=self.health_path.text(),
            health_port=self.health_port.text(),
            health_answers=self.health_answers.text(),
            health_settle=self.health_settle.text(),
            health_limit=self.health_limit.text(),
            stop_signal=self.stop_signal.text(),
            stop_seconds=self.stop_seconds.text(),
            command=self.command.text(),
            init=self.init.isChecked(),
            protected=self.protected.isChecked(),
            labels=lines_or(parse_labels, self.labels, self.given.labels),
            route=self.route.input(),
            group=self.group.text().strip(),
            others=self.given.others,
            process_limits=self.process_limits.toPlainText().strip() if self.process_limits else "",
            swarm=self.runs_as.swarm,
        )
        return self._without_hidden(typed) if self.runs_as.swarm else typed

    def _without_hidden(self, typed: EnvironmentInput) -> EnvironmentInput:
        """What is typed for a service: what isn't shown of one stays as it was, whatever stands there."""
        given = self.given
        return replace(
            typed,
            ports=given.ports,
            volumes=given.volumes,
            networks=given.networks,
            restart=given.restart,
            health_path=given.health_path,
            health_port=given.health_port,
            health_answers=given.health_answers,
            labels=given.labels,
            route=given.route,
            process_limits=given.process_limits,
        )

    def unread(self) -> list[Problem]:
        """What is wrong with the lines of variables and labels."""
        found = line_problems(parse_variables, self.variables)
        return [*found, *([] if self.runs_as.swarm else line_problems(parse_labels, self.labels))]

    def show_hold(self, hold: Hold | None) -> None:
        """Show the hold that is in force now."""
        self.hold = hold
        if hold is None:
            self._hold_words.setText(tr("Not held: it follows its image source."))
        else:
            self._hold_words.setText(_held(hold, self._now()))
        self.hold_button.setText(tr("Change the hold…") if hold else tr("Hold…"))
        self.clear_button.setVisible(hold is not None)

    def lock(self) -> None:
        """Let nothing be changed."""
        self.hold_button.setEnabled(False)
        self.clear_button.setEnabled(False)

    def _hold_bar(self, set_hold: Callable[[str], object], clear_hold: Callable[[str], object]) -> None:
        column = QVBoxLayout(self._widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_2)
        self._hold_words = label("", Look.MUTED, wrap=True, select=True)
        self.hold_button = button("", lambda: set_hold(self.given.id))
        self.clear_button = button(tr("End the hold"), lambda: clear_hold(self.given.id))
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_2)
        row.addWidget(self._hold_words, 1)
        row.addWidget(self.hold_button)
        row.addWidget(self.clear_button)
        column.addWidget(bar)
        # Only once it has a parent: a widget without one would open as a window.
        bar.setVisible(self.saved)
        column.addWidget(self.form)
        self.show_hold(self.hold)

    def _fill(self) -> None:
        form, only = self.form, self.runs_as.only_containers
        form.add(Field("name", tr("Name"), self.name, required=True, hint=tr("Such as test or live.")))
        form.add(Field("engine", tr("Engine"), self.engine, required=True))
        service = tr("Its name, on an engine that manages its Swarm.")
        self.runs_as.add_to(form, self.container, tr("Its name on the engine."), service)
        self.runs_as.say_of_services(
            form,
            tr(
                "Rollouts give the service its image, variables, limits, command and how it stops. Ports, volumes, "
                "networks, labels and the rest are its stack's, and stay as they are."
            ),
        )
        form.add(Field("variables", tr("Variables"), self.variables, hint=tr("One NAME=value a line.")), wide=True)
        secrets = tr("Kept in the keyring; in the container they are seen by everyone who may ask its engine.")
        form.add(Field("secrets", tr("Secrets"), self.secrets, hint=secrets), wide=True)
        group = tr("Environments that share a database have one name for it: release commands run once for them.")
        form.add(Field("group", tr("Data shared by group"), self.group, hint=group), wide=True)
        only(
            form.heading(tr("Ports, volumes and networks")),
            form.add(Field("ports", tr("Ports"), self.ports, hint=tr("host:container, separated by commas."))),
            form.add(Field("volumes", tr("Volumes"), self.volumes, hint=tr("name:/path, with :ro for read-only."))),
            form.add(Field("networks", tr("Networks"), self.networks, hint=tr("Empty: the engine's default."))),
            *self.route.add_to(form),
        )
        self._fill_limits(form)
        self._fill_health(form)
        form.heading(tr("Start and stop"))
        form.add(Field("stop_signal", tr("Stop signal"), self.stop_signal, hint=tr("Empty: the image's own.")))
        form.add(Field("stop_seconds", tr("Seconds to stop"), self.stop_seconds))
        form.add(Field("command", tr("Command"), self.command, hint=tr("Empty: the image's own.")), wide=True)
        labels = tr("One name=value a line: for a proxy, say. The console's own come besides.")
        only(form.add(Field("labels", tr("Labels"), self.labels, hint=labels), wide=True))
        form.add(Field("init", tr("Run with an init process"), self.init))
        form.add(Field("protected", tr("Protected: rollouts here ask for a reason"), self.protected))
        self.runs_as.end()
        form.end()

    def _fill_limits(self, form: Form) -> None:
        self.runs_as.only_containers(form.heading(tr("Limits and restart")))
        self.runs_as.only_services(form.heading(tr("Limits")))
        form.add(Field("memory", tr("Memory"), self.memory, hint=tr("Such as 512m. Empty: no limit.")))
        form.add(Field("cpus", tr("CPUs"), self.cpus, hint=tr("Such as 1.5. Empty: no limit.")))
        form.add(Field("pids", tr("Processes"), self.pids, hint=tr("Empty: no limit.")))
        self.runs_as.only_containers(form.add(Field("restart", tr("Restart"), self.restart)))
        if self.process_limits is not None:
            others = tr("Of {}. Such as worker = 512 MiB, 0.5 CPUs. Without a line: as the source says.").format(
                ", ".join(self.given.others)
            )
            limits = Field("process_limits", tr("Limits of other processes"), self.process_limits, hint=others)
            self.runs_as.only_containers(form.add(limits, wide=True))

    def _fill_health(self, form: Form) -> None:
        self.runs_as.only_containers(
            form.heading(
                tr("Health"), tr("The image's own health check comes first. Else this path is asked, if there is one.")
            ),
            form.add(Field("path", tr("Path"), self.health_path)),
            form.add(
                Field("port", tr("Container port"), self.health_port, hint=tr("Published, or of the host's network."))
            ),
            form.add(Field("answers", tr("Answers that count"), self.health_answers)),
        )
        self.runs_as.only_services(
            form.heading(tr("Health"), tr("By its Swarm: a task runs once its image's health check has passed."))
        )
        form.add(Field("limit", tr("Longest wait in seconds"), self.health_limit))
        settle = form.add(Field("settle", tr("Settle in seconds"), self.health_settle))
        runs = tr("Where nothing can be asked: runs so long without a restart.")
        self.runs_as.hint(settle, runs, tr("Each new task has to run for so long."))


def _held(hold: Hold, now: datetime) -> str:
    """What is said of a hold beside its buttons: also that it ends soon, or has ended."""
    what = hold.version or tr("this image")
    if not hold.active(now) and hold.until is not None:
        words = tr("Its hold on {} ended {}: it follows its image source again. It was: {} ({})")
        return words.format(what, day(hold.until, now), hold.reason, hold.person)
    until = tr("until {}").format(day(hold.until, now)) if hold.until else tr("without an end date")
    if hold.until is not None and hold.ends_soon(now):
        until += tr(", which ends in {}").format(age_aloud(hold.until - now))
    return tr("Held on {} {}: {} ({})").format(what, until, hold.reason, hold.person)
