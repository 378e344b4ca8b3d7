"""An environment: a named running instance of an application, with its placement, settings, processes and hold."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from mirror_console.domain.image import TAG
from mirror_console.domain.plain import clean
from mirror_console.domain.route import Route, alias_needed, route_problems, without_alias
from mirror_console.domain.secret import SecretReference
from mirror_console.errors import Problem

CONTAINER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,200}")
SERVICE_NAME = re.compile(r"[a-zA-Z0-9]+(?:[-_]+[a-zA-Z0-9]+)*")
LONGEST_SERVICE = 63
"""Characters in the name of a service of a Swarm. Source: swarmkit, validateAnnotations."""
ENVIRONMENT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LABEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:-]{0,200}")
OUR_LABELS = "io.mirrorconsole."
"""The namespace of the console's labels, which no settings can have."""
NAME_SUFFIXES = (".mc-next", ".mc-prev", ".mc-older")
LOCK_PREFIX = "mc-lock."
COMMAND_PREFIXES = ("mc-rel.", "mc-bak.")
"""How the names of containers begin in which release commands and backups run."""
GROUP_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
DEFAULT_PROCESS = "web"
HOST_NETWORK = "host"
"""Who is in it has no ports of its own: what it listens on, the engine's host has."""
ENDS_SOON = timedelta(days=7)
"""Before the end of a hold: for so long it is said that it ends soon."""
OFTEST = 60
"""Seconds that lie at least between two looks at a registry's tag."""
SELDOMEST = 7 * 24 * 3600


class RestartPolicy(StrEnum):
    """What the engine does when a container's process ends. Source: Docker Engine API, HostConfig.RestartPolicy."""

    NO = "no"
    ALWAYS = "always"
    UNLESS_STOPPED = "unless-stopped"
    ON_FAILURE = "on-failure"


_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - what a port published at all addresses is written as


@dataclass(frozen=True, slots=True)
class Port:
    """A published port. `host` 0 lets the engine choose; `protocol` is tcp or udp."""

    container: int
    host: int
    address: str = "0.0.0.0"  # noqa: S104 - the engine's own default for a published port
    protocol: str = "tcp"

    def meets(self, other: Port) -> bool:
        """Whether both can't be published on one host: the same port, at an address that they have in common."""
        if not self.host or (self.host, self.protocol) != (other.host, other.protocol):
            return False
        return self.address == other.address or self.address in _EVERYWHERE or other.address in _EVERYWHERE


@dataclass(frozen=True, slots=True)
class Volume:
    """A mount. `source` is a named volume, or a path on the engine's host where it starts with a slash."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What the engine grants at most. `memory` in bytes, `cpus` in cores, `pids` processes; 0 means no limit."""

    memory: int = 0
    cpus: float = 0.0
    pids: int = 0


@dataclass(frozen=True, slots=True)
class HealthTest:
    """How it is decided that a new container is well.

    The image's own health check is used where there is one. Else, with a `path`, the console asks the published `port`
    of the container over HTTP, and the answers from `answers_from` to `answers_to` (status codes) count as well. Else
    the container must run for `settle` seconds without restarting, and the report says that this is all that was seen.
    `limit` is the longest wait in seconds.
    """

    path: str = ""
    port: int = 0
    answers_from: int = 200
    answers_to: int = 399
    settle: float = 3.0
    limit: float = 60.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What a container of an environment is made from, besides its image. All of it can be created and compared."""

    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, SecretReference] = field(default_factory=dict)
    """Variables whose values are kept in the keyring."""
    ports: tuple[Port, ...] = ()
    volumes: tuple[Volume, ...] = ()
    networks: tuple[str, ...] = ()
    """Names of networks on the engine; empty means the engine's default, ``host`` and ``none`` as Docker knows them."""
    limits: Limits = Limits()
    restart: RestartPolicy = RestartPolicy.UNLESS_STOPPED
    health: HealthTest = HealthTest()
    stop_signal: str = ""
    stop_seconds: int = 10
    command: tuple[str, ...] = ()
    init: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels for others, such as a proxy. The console's own come besides."""
    route: Route | None = None
    """How requests come to it; None where nobody has said so."""

    @property
    def hash(self) -> str:
        """A short hash over all settings. Values of secrets are left out: only their names count.

        Settings that make the same container have the same hash, in whatever order they were written.
        """
        content = _fields(self)
        content["ports"] = sorted(map(_fields, self.ports), key=repr)
        content["volumes"] = sorted(map(_fields, self.volumes), key=repr)
        # A whole number that was read from a file is the same limit as its float.
        content["limits"] = _fields(self.limits) | {"cpus": float(self.limits.cpus)}
        health = self.health
        content["health"] = _fields(health) | {"settle": float(health.settle), "limit": float(health.limit)}
        content["secrets"] = sorted(self.secrets)
        content["variables"] = dict(sorted(self.variables.items()))
        # Containers that were made before there were labels keep their hash.
        content["labels"] = dict(sorted(self.labels.items()))
        if not self.labels:
            del content["labels"]
        # Of a route, its place in the network is what a container is made of; the rest says how it is replaced.
        content["route"] = [self.route.network, self.route.alias] if self.route is not None else []
        if without_alias(self.route):
            del content["route"]
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _fields(one: Any) -> dict[str, Any]:
    """What a dataclass holds, as it is: `asdict` copies everything in it, and a rollout hashes each target's several
    times."""
    return {each.name: getattr(one, each.name) for each in fields(one)}


@dataclass(frozen=True, slots=True)
class Hold:
    """An environment kept on one image whatever its image source says. `until` None means without end.

    The image is told by its fingerprint, or by its `digest` as long as no more is known of it.
    """

    fingerprint: str
    version: str
    reason: str
    person: str
    since: datetime
    until: datetime | None = None
    digest: str = ""

    @property
    def identity(self) -> str:
        """What the image is known by."""
        return self.fingerprint or self.digest

    def active(self, now: datetime) -> bool:
        """Whether the hold still counts at `now`."""
        return self.until is None or now < self.until

    def ends_soon(self, now: datetime) -> bool:
        """Whether it still counts at `now`, and ends within a week."""
        return self.until is not None and timedelta(0) < self.until - now <= ENDS_SOON


@dataclass(frozen=True, slots=True)
class Process:
    """One of the processes of an environment: `name` such as web, `container` the name of its container.

    The first is the one that serves. The others have a `command` of their own; of the old version a `worker` stops
    before the release command. They are granted what the environment says of each, else what their source says, else
    the same as the one that serves.
    """

    name: str
    container: str
    command: tuple[str, ...] = ()
    worker: bool = False
    limits: Limits | None = None
    """What its source says that it is granted."""
    own_limits: Limits | None = None
    """What its environment says that it is granted."""


@dataclass(frozen=True, slots=True)
class TagRule:
    """A source's environment whose image is what a registry's tag points to, and not what it runs.

    The tag is in the source's repository; it is looked up at most once in `every` seconds.
    """

    tag: str
    every: int = 900


@dataclass(frozen=True, slots=True)
class Environment:
    """A named running instance of an application. `id` survives renaming; `engine_id` is its placement."""

    id: str
    application_id: str
    name: str
    engine_id: str
    processes: tuple[Process, ...]
    settings: Settings = Settings()
    protected: bool = False
    hold: Hold | None = None
    follows: TagRule | None = None
    """Of a source's environment: the tag that says what its image is. None: what it runs."""
    group: str = ""
    """The environments of one source that share a database have one name for that; empty: its data is its own."""
    going: tuple[Process, ...] = ()
    """Those that its source declares no more: the next rollout takes away what is there of them."""
    swarm: bool = False
    """Whether what serves is a service of the Swarm that its engine manages; its name stands for the container's."""

    @property
    def container(self) -> str:
        """The container name of the first process."""
        return self.processes[0].container

    @property
    def containers(self) -> tuple[str, ...]:
        """The container names of all its processes, also of those that go."""
        return tuple(one.container for one in (*self.processes, *self.going))

    def with_hold(self, hold: Hold | None) -> Environment:
        """The same environment with another hold, or none."""
        return replace(self, hold=hold)


@dataclass(frozen=True, slots=True)
class Placed:
    """A process on an engine, and whose it is: as much of an environment as is compared with what runs there."""

    environment_id: str
    application_id: str
    process: str
    container: str
    swarm: bool = False


def environment_problems(environment: Environment, at: str = "") -> list[Problem]:
    """Everything wrong with an environment by itself; `at` is put before the field names."""
    found: list[Problem] = []
    where = f"{at}." if at else ""
    if environment.follows is not None:
        found += _rule_problems(environment.follows, f"{where}follows")
    if not ENVIRONMENT_NAME.fullmatch(environment.name):
        words = f"'{environment.name}' is not a name" if environment.name else "a name is needed"
        words += ": use lower-case letters, digits and hyphens, 63 at most"
        found.append(Problem(f"{where}name", words))
    if not environment.processes:
        found.append(Problem(f"{where}container", "a container name is needed"))
    for process in environment.processes:
        if process.own_limits is not None:
            found += limits_problems(process.own_limits, f"{where}process_limits")
        after_first = process.container == f"{environment.container}-{process.name}"
        if after_first and not CONTAINER_NAME.fullmatch(environment.container):
            # It would repeat what is said of the first, which it is called after.
            continue
        if not CONTAINER_NAME.fullmatch(process.container):
            words = f"'{process.container}' is not a container name: letters, digits, '_', '.', '-', at least two"
            found.append(Problem(f"{where}container", words))
        elif process.container.endswith(NAME_SUFFIXES):
            words = f"'{process.container}' ends like a name that a rollout gives for a while; choose another"
            found.append(Problem(f"{where}container", words))
        elif process.container.startswith((LOCK_PREFIX, *COMMAND_PREFIXES)):
            words = f"'{process.container}' begins like a name that a rollout gives for a while; choose another"
            found.append(Problem(f"{where}container", words))
    names = environment.containers
    if len(set(names)) < len(names):
        found.append(Problem(f"{where}container", "two of its processes can't have one container"))
    if environment.swarm and CONTAINER_NAME.fullmatch(environment.container):
        found += _service_problems(environment.container, f"{where}container")
    if environment.group and not GROUP_NAME.fullmatch(environment.group):
        words = f"'{environment.group}' is not a name: lower-case letters, digits and hyphens, 63 at most"
        found.append(Problem(f"{where}group", words))
    found += alias_needed(environment.settings.route, f"{where}settings.route")
    return found + settings_problems(environment.settings, f"{where}settings")


def _service_problems(name: str, at: str) -> list[Problem]:
    if SERVICE_NAME.fullmatch(name) and len(name) <= LONGEST_SERVICE:
        return []
    words = f"'{name}' is not the name of a service: letters, digits, and '-' and '_' between them"
    return [Problem(at, f"{words}, {LONGEST_SERVICE} at most")]


def _rule_problems(rule: TagRule, at: str) -> list[Problem]:
    found = []
    if not TAG.fullmatch(rule.tag):
        words = f"'{rule.tag}' is not a tag" if rule.tag else "a tag is needed"
        found.append(Problem(f"{at}.tag", f"{words}: letters, digits, '_', '.' and '-', 128 at most"))
    if not OFTEST <= rule.every <= SELDOMEST:
        found.append(Problem(f"{at}.every", "from once a minute (60 seconds) to once a week"))
    return found


def limits_problems(limits: Limits, at: str) -> list[Problem]:
    """Everything wrong with limits."""
    found = []
    if limits.memory and limits.memory < 6 * 1024 * 1024:
        found.append(Problem(f"{at}.memory", "the smallest memory limit that an engine takes is 6 MiB"))
    if limits.cpus < 0 or limits.pids < 0 or limits.memory < 0:
        found.append(Problem(at, "a limit is 0 (none) or more"))
    return found


def settings_problems(settings: Settings, at: str = "settings") -> list[Problem]:
    """Everything wrong with settings by themselves."""
    found: list[Problem] = []
    found.extend(
        Problem(f"{at}.variables", f"'{name}' is not a variable name")
        for name in [*settings.variables, *settings.secrets]
        if not VARIABLE_NAME.fullmatch(name)
    )
    found.extend(
        Problem(f"{at}.variables", f"{name} is given twice, as a value and as a secret")
        for name in sorted(set(settings.variables) & set(settings.secrets))
    )
    found.extend(_label_problems(settings.labels, at))
    if settings.route is not None:
        host_ports = [port.host for port in settings.ports]
        found.extend(route_problems(settings.route, settings.networks, host_ports, f"{at}.route"))
    for port in settings.ports:
        # Each by itself: the other may be none that somebody wrote.
        if not 1 <= port.container <= 65535:
            found.append(Problem(f"{at}.ports", f"container port {port.container} is out of range 1 to 65535"))
        if not 0 <= port.host <= 65535:
            found.append(Problem(f"{at}.ports", f"host port {port.host} is out of range 1 to 65535"))
        if port.protocol not in {"tcp", "udp"}:
            found.append(Problem(f"{at}.ports", f"'{port.protocol}' is not a protocol: tcp or udp"))
    taken = [(port.address, port.host, port.protocol) for port in settings.ports if port.host]
    found.extend(
        Problem(f"{at}.ports", f"host port {host} is published twice")
        for host in sorted({key[1] for key in taken if taken.count(key) > 1})
    )
    found.extend(
        Problem(f"{at}.volumes", f"'{volume.target}' is not an absolute path")
        for volume in settings.volumes
        if not volume.target.startswith("/")
    )
    found += limits_problems(settings.limits, f"{at}.limits")
    if not 0 <= settings.stop_seconds <= 3600:
        found.append(Problem(f"{at}.stop_seconds", "between 0 and 3600 seconds"))
    health = settings.health
    if not 100 <= health.answers_from <= health.answers_to <= 599:
        found.append(Problem(f"{at}.health.answers", "status codes from 100 to 599, the lower one first"))
    if health.path and not health.path.startswith("/"):
        found.append(Problem(f"{at}.health.path", f"'{health.path}' must start with a slash"))
    if health.path and HOST_NETWORK in settings.networks:
        if not 0 < health.port < 65536:
            found.append(Problem(f"{at}.health.port", f"{health.port} is no port"))
    elif health.path and health.port not in {port.container for port in settings.ports}:
        found.append(
            Problem(f"{at}.health.port", f"container port {health.port} isn't published, so it can't be asked")
        )
    return found


def _label_problems(labels: Mapping[str, str], at: str) -> list[Problem]:
    found = []
    for name, value in labels.items():
        if name.startswith(OUR_LABELS):
            found.append(Problem(f"{at}.labels", f"'{name}' is one of the console's own: leave it out"))
        elif not LABEL_NAME.fullmatch(name):
            found.append(Problem(f"{at}.labels", f"'{clean(name, 80)}' is not the name of a label"))
        elif "\n" in value or "\0" in value:
            found.append(Problem(f"{at}.labels", f"the value of {name} has more than one line"))
    return found
