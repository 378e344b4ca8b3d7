"""The verbs of a manager for its Swarm: services, their tasks, and the configs that serve as locks.

What a service is made of stays here as a manager tells it: it is read, changed in a few places and sent back with its
version: nothing is lost that the console knows nothing of, and nothing that somebody else has changed meanwhile.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping

import msgspec

from mirror_console.domain.environment import CONTAINER_NAME, Limits, Volume
from mirror_console.domain.plain import clean
from mirror_console.domain.request import RegistryLogin
from mirror_console.domain.swarm import (
    ENDED,
    ROLLOUT_LABEL,
    RUNNING,
    ServiceChange,
    SwarmConfig,
    SwarmNode,
    SwarmService,
    Task,
    UpdateState,
)
from mirror_console.engine import swarm_replies as replies
from mirror_console.engine import translate
from mirror_console.engine.asking import Asking, unfit
from mirror_console.engine.client import sign_in_header
from mirror_console.engine.failures import Malformed
from mirror_console.engine.replies import HealthCheck
from mirror_console.engine.swarm_bodies import updated_spec
from mirror_console.errors import EngineError, FailureKind

ID = re.compile(r"[0-9a-z]{25}")
"""Of everything that a Swarm has: not what containers have."""
CONTENT = base64.b64encode(b"Held by a rollout of Mirror Console; its labels say by which.\n").decode()
"""What a config of ours holds: it may not be empty."""
_NANO = 1_000_000_000
_NOTHING = "0" * 25
"""The id of nothing in a Swarm."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i386": "386", "i686": "386"}
"""What nodes call their machines, as images do. Source: containerd, platforms, normalizeArch."""

# Made before there are threads, as all of them.
_decode_service = msgspec.json.Decoder(replies.Service).decode
_decode_services = msgspec.json.Decoder(list[replies.Service]).decode
_decode_template = msgspec.json.Decoder(replies.TaskTemplate).decode
_decode_tasks = msgspec.json.Decoder(list[replies.Task]).decode
_decode_nodes = msgspec.json.Decoder(list[replies.Node]).decode
_decode_config = msgspec.json.Decoder(replies.Config).decode
_decode_configs = msgspec.json.Decoder(list[replies.Config]).decode
_decode_made = msgspec.json.Decoder(replies.Made).decode


class SwarmManagerVerbs(Asking):
    """Every call raises EngineError. Reads are asked a second time where the connection broke; changes never."""

    def swarm_services(self) -> list[SwarmService]:
        """All services, in one request."""
        return self._read("list the services of its Swarm", lambda client: services(client.read_all("/services")))

    def swarm_service(self, service: str) -> SwarmService | None:
        """By id or exact name. None where there is none."""
        if not CONTAINER_NAME.fullmatch(service):
            return None
        path = f"/services/{service}"
        seen = self._found("show a service of its Swarm", lambda client: one_service(client.read_all(path)))
        # A manager also takes the beginning of an id: that would be another service.
        return seen if seen and service in {seen.id, seen.name} else None

    def swarm_tasks(self, service_id: str = "") -> list[Task]:
        """The tasks of a service, those that ended lately too; without an id those of all services, in one request."""
        filters = {"service": [_swarm_id(service_id)]} if service_id else {}
        asked: dict[str, str | int] = {"filters": msgspec.json.encode(filters).decode()} if filters else {}
        return self._read("list the tasks of its Swarm", lambda client: tasks(client.read_all("/tasks", asked)))

    def update_service(self, service_id: str, version: int, change: ServiceChange, login: RegistryLogin | None) -> None:
        """Have a service updated. CONFLICT where its version is another one by now.

        Without a login its Swarm pulls with the one that it keeps for this service.
        """
        if "@" not in change.image and not change.template:
            raise unfit("an image with its digest", change.image)
        doing = "update the service"
        spec = self._spec(doing, service_id, version)
        # An empty sign-in would take the place of the one that is kept.
        headers = sign_in_header(login.user, login.password.reveal()) if login is not None else {}
        with self._words(doing):
            path = f"/services/{_swarm_id(service_id)}/update"
            self._link.calls.change(path, updated_spec(spec, change), {"version": version}, headers=headers)

    def roll_service_back(self, service_id: str, version: int) -> None:
        """Have its Swarm make a service what it was before its last update. CONFLICT where its version is another one.

        What it is now is kept in the place of that: to ask for this twice would bring it forward again.
        """
        doing = "roll the service back"
        # Some specification has to be there, and isn't looked at.
        spec = self._spec(doing, service_id, version)
        with self._words(doing):
            path = f"/services/{_swarm_id(service_id)}/update"
            self._link.calls.change(path, spec, {"version": version, "rollback": "previous"})

    def update_no_service(self) -> None:
        """Ask for the update of a service that can't be there. NOT_FOUND where updates may be asked for."""
        with self._words("update a service"):
            # What it is told is looked at before whether it is there.
            content = {"Name": "none", "TaskTemplate": {"ContainerSpec": {"Image": "none"}}}
            self._link.calls.change(f"/services/{_NOTHING}/update", content, {"version": 1})

    def swarm_nodes(self) -> list[SwarmNode]:
        """All nodes, in one request."""
        return self._read("list the nodes of its Swarm", lambda client: nodes(client.read_all("/nodes")))

    def configs(self) -> list[SwarmConfig]:
        """All configs, in one request, without what they hold."""
        return self._read("list the configs of its Swarm", lambda client: configs(client.read_all("/configs")))

    def config(self, config: str) -> SwarmConfig | None:
        """By id or exact name. None where there is none."""
        if not CONTAINER_NAME.fullmatch(config):
            return None
        path = f"/configs/{config}"
        seen = self._found("show a config of its Swarm", lambda client: _config(_decode_config(client.read_all(path))))
        return seen if seen and config in {seen.id, seen.name} else None

    def create_config(self, name: str, labels: Mapping[str, str]) -> str:
        """Make a config that holds a sentence; its id. CONFLICT where the name is taken."""
        if not CONTAINER_NAME.fullmatch(name):
            raise unfit("a name for a config", name)
        with self._words(f"make the config {name}"):
            content = {"Name": name, "Labels": dict(labels), "Data": CONTENT}
            made = _decode_made(self._link.calls.change("/configs/create", content))
            return _identity(made.id)

    def set_config_labels(self, config_id: str, version: int, labels: Mapping[str, str]) -> None:
        """Give a config other labels. CONFLICT where its version is another one by now."""
        seen = self.config(_swarm_id(config_id))
        if seen is None:
            raise EngineError(
                FailureKind.NOT_FOUND, f"{self._engine.name} has no such config any more.", "Look at the engine again."
            )
        with self._words("change the labels of the config"):
            # Its name has to be told, and can't be changed; what it holds stays.
            content = {"Name": seen.name, "Labels": dict(labels)}
            self._link.calls.change(f"/configs/{seen.id}/update", content, {"version": version})

    def remove_config(self, config_id: str) -> None:
        """By id. That it isn't there is fine."""
        try:
            with self._words("remove the config"):
                self._link.calls.take_away(f"/configs/{_swarm_id(config_id)}")
        except EngineError as error:
            if error.kind is not FailureKind.NOT_FOUND:
                raise

    def _spec(self, doing: str, service_id: str, version: int) -> dict[str, object]:
        """What a service is now, whole. CONFLICT where that isn't the version that was meant."""
        path = f"/services/{_swarm_id(service_id)}"
        told = self._read(doing, lambda client: client.read_all(path))
        with self._words(doing):
            now = _decode_service(told).version.index
            spec = msgspec.json.decode(told)["Spec"]
            if not isinstance(spec, dict):
                raise Malformed("a service without a specification")
        if now != version:
            title = f"{self._engine.name} could not {doing}: somebody has changed it since it was looked at."
            hint = "Look at the engine again: something else was changed there in the meantime."
            raise EngineError(FailureKind.CONFLICT, title, hint)
        return spec


# --- what a manager tells, in our words -------------------------------------------------------------------------------


def services(reply: bytes) -> list[SwarmService]:
    """From the reply to /services."""
    translate.demand_countable(reply)
    return [_service(item) for item in _decode_services(reply)]


def one_service(reply: bytes) -> SwarmService:
    """From the reply to /services/{id}."""
    return _service(_decode_service(reply))


def _service(told: replies.Service) -> SwarmService:
    spec, previous = told.spec, told.previous_spec
    template = _decode_template(spec.task_template)
    container = template.container_spec or replies.TaskContainer()
    limits = (template.resources or replies.Resources()).limits or replies.ResourceLimits()
    before = _before(previous)
    status, update = told.update_status, spec.update_config or replies.UpdateConfig()
    replicated = spec.mode.replicated
    return SwarmService(
        id=_identity(told.id),
        name=clean(spec.name, translate.LONGEST_NAME),
        version=told.version.index,
        image=clean(container.image, translate.LONGEST_REFERENCE),
        labels=spec.labels or {},
        container_labels=container.labels or {},
        variables=dict(entry.partition("=")[::2] for entry in container.env or []),
        limits=Limits(max(0, limits.memory_bytes), limits.nano_cpus / _NANO, max(0, limits.pids)),
        command=tuple(container.args or ()),
        stop_signal=clean(container.stop_signal, translate.LONGEST_LABEL),
        stop_seconds=None if container.stop_grace_period is None else container.stop_grace_period // _NANO,
        init=bool(container.init),
        health_check=_health_check(container.healthcheck),
        replicas=None if replicated is None else 1 if replicated.replicas is None else replicated.replicas,
        job=spec.mode.replicated_job is not None or spec.mode.global_job is not None,
        parallelism=max(0, update.parallelism),
        start_first=update.order == "start-first",
        delay=max(0, update.delay) / _NANO,
        spec_hash=_hash(spec.task_template),
        update=_update_state(status.state) if status is not None else None,
        update_words=clean(status.message, translate.LONGEST_NAME) if status is not None else "",
        has_previous=previous is not None,
        previous_image=clean(before.image, translate.LONGEST_REFERENCE),
        previous_rollout=_rollout(before.labels),
        networks=tuple(
            clean(one.target, translate.LONGEST_NAME) for one in (*(template.networks or ()), *(spec.networks or ()))
        ),
        mounts=_mounts(container.mounts or ()),
        files=tuple(
            clean(name, translate.LONGEST_NAME)
            for name in (
                *(one.secret_name for one in container.secrets or ()),
                *(one.config_name for one in container.configs or ()),
            )
        ),
        template=bytes(spec.task_template),
        created_at=translate.told_time(told.created_at),
        updated_at=translate.told_time(told.updated_at),
    )


def _health_check(told: HealthCheck | None) -> bool | None:
    return translate.has_check(told) if told is not None and told.test else None


def _mounts(told: Iterable[replies.SwarmMount]) -> tuple[Volume, ...]:
    """Named volumes and paths of a node; one without a name is made anew with each task."""
    found = [
        Volume(clean(mount.source, translate.LONGEST_REFERENCE), clean(mount.target), mount.read_only)
        for mount in told
        if mount.type in {"bind", "volume"} and mount.source
    ]
    return tuple(sorted(found, key=lambda volume: volume.target))


def _rollout(labels: Mapping[str, str] | None) -> str:
    return clean((labels or {}).get(ROLLOUT_LABEL, ""), translate.LONGEST_LABEL)


def _before(previous: replies.ServiceSpec | None) -> replies.TaskContainer:
    if previous is None:
        return replies.TaskContainer()
    return _decode_template(previous.task_template).container_spec or replies.TaskContainer()


def _hash(template: msgspec.Raw) -> str:
    """Over what it says, however its parts are ordered."""
    content = msgspec.json.encode(msgspec.json.decode(template), order="sorted")
    return hashlib.sha256(content).hexdigest()


def _update_state(word: str) -> UpdateState | None:
    if not word:
        return None
    try:
        return UpdateState(word)
    except ValueError:
        raise Malformed(f"an update in the state {clean(word, 40)!r}") from None


def tasks(reply: bytes) -> list[Task]:
    """From the reply to /tasks, in the order of their slots, the newest of each first."""
    translate.demand_countable(reply)
    found = [_task(item) for item in _decode_tasks(reply)]
    found.sort(key=lambda task: task.at.timestamp() if task.at is not None else 0.0, reverse=True)
    return sorted(found, key=lambda task: (task.service_id, task.slot, task.node_id if not task.slot else ""))


def _task(told: replies.Task) -> Task:
    status, container = told.status, told.spec.container_spec or replies.TaskContainer()
    has, state = status.container_status, clean(status.state, translate.LONGEST_LABEL)
    ended = has is not None and has.container_id and state in ENDED and has.exit_code >= 0
    return Task(
        id=_identity(told.id),
        service_id=clean(told.service_id, translate.LONGEST_NAME),
        slot=told.slot,
        node_id=clean(told.node_id, translate.LONGEST_NAME),
        state=state,
        desired=clean(told.desired_state, translate.LONGEST_LABEL),
        words=clean(status.err or ("" if state == RUNNING else status.message), translate.LONGEST_REFERENCE),
        image=clean(container.image, translate.LONGEST_REFERENCE),
        rollout=_rollout(container.labels),
        container_id=has.container_id if has is not None and translate.ID.fullmatch(has.container_id) else "",
        exit_code=has.exit_code if has is not None and ended else None,
        at=translate.told_time(status.timestamp),
    )


def nodes(reply: bytes) -> list[SwarmNode]:
    """From the reply to /nodes, by their names."""
    translate.demand_countable(reply)
    return sorted((_node(item) for item in _decode_nodes(reply)), key=lambda node: (node.name, node.id))


def _node(told: replies.Node) -> SwarmNode:
    platform, has = told.description.platform, told.description.resources
    machine = _ARCHITECTURES.get(platform.architecture, platform.architecture)
    return SwarmNode(
        id=_identity(told.id),
        name=clean(told.description.hostname, translate.LONGEST_NAME),
        platform=clean(f"{platform.os}/{machine}", translate.LONGEST_NAME) if platform.os and machine else "",
        cpus=has.nano_cpus / _NANO,
        memory=max(0, has.memory_bytes),
        takes_tasks=told.status.state == "ready" and told.spec.availability == "active",
    )


def configs(reply: bytes) -> list[SwarmConfig]:
    """From the reply to /configs."""
    translate.demand_countable(reply)
    return [_config(item) for item in _decode_configs(reply)]


def _config(told: replies.Config) -> SwarmConfig:
    return SwarmConfig(
        id=_identity(told.id),
        name=clean(told.spec.name, translate.LONGEST_NAME),
        version=told.version.index,
        labels=told.spec.labels or {},
        created_at=translate.told_time(told.created_at),
    )


# --- what goes into paths -----------------------------------------------------------------------------------------


def _swarm_id(text: str) -> str:
    if not ID.fullmatch(text):
        raise unfit("the id of anything in a Swarm", text)
    return text


def _identity(text: str) -> str:
    if not ID.fullmatch(text):
        raise Malformed(f"an id {clean(text, 80)!r}")
    return text
