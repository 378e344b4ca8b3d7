"""Isolation checks: whether each application's data is its own, unless it is shared on purpose.

Mirrors share code and nothing else. What their containers really mount counts as well as what the catalog says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.counting import counted
from mirror_console.domain.environment import HOST_NETWORK, Environment, Settings, Volume
from mirror_console.domain.observation import Listed
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.process import settings_for
from mirror_console.domain.swap import Swap
from mirror_console.operations.container_checks import Said
from mirror_console.operations.here import Here
from mirror_console.operations.scene import OLDER, PREV
from mirror_console.operations.target_checks import EngineScene, said

_NOBODYS = ("/dev", "/proc", "/sys", "/etc/localtime", "/etc/timezone", "/etc/hosts", "/etc/resolv.conf")
"""Paths of the host that hold no application's data."""


@dataclass(frozen=True, slots=True)
class _Mounted:
    """Something that is mounted somewhere on an engine. `environment` None: by a container that is nobody's."""

    volume: Volume
    title: str
    environment: Environment | None


def check_isolation(scene: EngineScene, here: Here, targets: Sequence[PlannedTarget]) -> Iterator[CheckResult]:
    """Whether anybody else has a target's volumes, its paths or its network; and its ports, where somebody has."""
    mounted = _mounted(scene, here)
    on_host = [one for one in here.environments.values() if HOST_NETWORK in _given(one).networks]
    for target in targets:
        source = here.source_of(target.application_id)
        shared = frozenset(source.shared) if source is not None else frozenset()
        group = _group(here.environments.get(target.environment_id))
        others = [one for one in mounted if not group or _group(one.environment) != group]
        yield said(target, Check.ISOLATION, *_isolated(target, _own(scene, target), others, on_host, shared))
        if same := _same_port(target, on_host):
            port, other = same
            words = f"On the host's own network both it and {here.title(other)} listen at port {port}, as is said here."
            remedy = "Give it another port on the mirror's form, or a network of its own."
            yield replace(said(target, Check.ISOLATION, Answer.BLOCKED, words, remedy), by_consent=True)


def _given(environment: Environment) -> Settings:
    """What comes to what serves: what a service of a Swarm mounts, its stack says."""
    return settings_for(environment, environment.processes[0])


def _own(scene: EngineScene, target: PlannedTarget) -> Sequence[Volume]:
    """What a target is given; of a service of a Swarm what it has, which no rollout changes."""
    if target.swap is not Swap.SERVICE:
        return target.settings.volumes
    there = scene.named(target.container)
    return there.volumes if there is not None else ()


def _group(environment: Environment | None) -> str:
    """Those of one group share their data on purpose."""
    return environment.group if environment is not None else ""


def _isolated(
    target: PlannedTarget,
    volumes: Sequence[Volume],
    mounted: Iterable[_Mounted],
    on_host: Sequence[Environment],
    shared: frozenset[str],
) -> Said:
    own = [one for one in volumes if one.source not in shared and not _is_nobodys(one.source)]
    met = [
        (volume, other)
        for volume in own
        for other in mounted
        if other.environment is None or other.environment.id != target.environment_id
        if not (volume.read_only and other.volume.read_only) and _meet(volume.source, other.volume.source)
    ]
    foreign = [
        (volume, other)
        for volume, other in met
        if other.environment is not None and other.environment.application_id != target.application_id
    ]
    if foreign:
        words = f"Its data isn't its own: {_told(foreign)}."
        whose = " in its stack" if target.swap is Swap.SERVICE else ""
        remedy = f"Give it a volume of its own{whose}; or name it among what is shared, on the source's form."
        return Answer.BLOCKED, words, remedy
    related = [(volume, other) for volume, other in met if other.environment is not None]
    if related:
        words = f"Another of its own environments has the same data: {_told(related)}."
        return Answer.WARNING, words, "Give each environment a volume of its own: a test would change what is live."
    writers = [(volume, other) for volume, other in met if not volume.read_only and not other.volume.read_only]
    if writers:
        return Answer.INFORMATION, f"Somebody else may write to its data: {_told(writers)}.", ""
    beside = {one.application_id for one in on_host} - {target.application_id}
    if HOST_NETWORK in target.settings.networks and HOST_NETWORK not in shared and beside:
        words = f"On the host's own network {counted(len(beside), 'other application')} can reach its inner ports."
        return Answer.INFORMATION, words, ""
    on_purpose = [volume.source for volume in volumes if volume.source in shared]
    words = f"Shared on purpose: {', '.join(on_purpose)}." if on_purpose else "Nobody else has its data."
    return Answer.PASS, words, ""


def _same_port(target: PlannedTarget, on_host: Iterable[Environment]) -> tuple[int, Environment] | None:
    """A port of the host at which another environment listens as well, and which: there nothing is translated."""
    if HOST_NETWORK not in target.settings.networks:
        return None
    own = _listens_at(target.settings)
    for other in on_host:
        if other.id != target.environment_id and (both := own & _listens_at(other.settings)):
            return min(both)[0], other
    return None


def _listens_at(settings: Settings) -> set[tuple[int, str]]:
    """The ports at which a container on its host's own network listens, as far as its settings tell."""
    ports = {(port.container, port.protocol) for port in settings.ports}
    return ports | ({(settings.health.port, "tcp")} if settings.health.path and settings.health.port else set())


def _mounted(scene: EngineScene, here: Here) -> list[_Mounted]:
    """What the catalog says that is mounted, and what containers really mount; each thing once."""
    found: dict[tuple[str, str, bool], _Mounted] = {}

    def note(volume: Volume, title: str, environment: Environment | None) -> None:
        found.setdefault(
            (volume.source, environment.id if environment else title, volume.read_only),
            _Mounted(volume, title, environment),
        )

    for environment in here.environments.values():
        for volume in _given(environment).volumes:
            note(volume, here.title(environment), environment)
    for container in scene.listed:
        if container.volumes:
            whose = here.environment_of(container) or _way_back_of(container, here)
            title = here.title(whose) if whose is not None else f"container '{container.name}'"
            for volume in container.volumes:
                note(volume, title, whose)
    return list(found.values())


def _way_back_of(container: Listed, here: Here) -> Environment | None:
    """Whose way back it is: one that was made by hand before its first rollout has no label that tells."""
    for suffix in (PREV, OLDER):
        if container.name.endswith(suffix):
            return here.environments.get(here.named.get(container.name.removesuffix(suffix), ""))
    return None


def _told(met: Iterable[tuple[Volume, _Mounted]]) -> str:
    return "; ".join(dict.fromkeys(f"'{volume.source}' is also with {other.title}" for volume, other in met))


def _meet(one: str, other: str) -> bool:
    """Whether two sources are the same volume, or one path lies within the other."""
    if one == other:
        return True
    if not (one.startswith("/") and other.startswith("/")):
        return False
    first, second = one.rstrip("/") + "/", other.rstrip("/") + "/"
    return first.startswith(second) or second.startswith(first)


def _is_nobodys(source: str) -> bool:
    return source.endswith(".sock") or any(source == path or source.startswith(path + "/") for path in _NOBODYS)
