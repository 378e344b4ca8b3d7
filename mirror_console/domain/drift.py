"""Drift of settings: what a container is made of, compared with the settings that were last applied.

Values of secrets are never compared or shown here: of a secret only its name must be there.
"""

from __future__ import annotations

from collections.abc import Iterable

from mirror_console.domain.environment import Limits, Port, Settings, Volume
from mirror_console.domain.image import Image
from mirror_console.domain.observation import Container, Difference
from mirror_console.domain.plain import clean

DEFAULT_NETWORKS = frozenset({"default", "bridge", ""})


def differences(applied: Settings, container: Container, image: Image | None) -> tuple[Difference, ...]:
    """What differs between the settings that were applied and a container. Empty where nothing does.

    `image` is the container's own image: what comes from it is no difference. Where it couldn't be read, variables,
    the command and the stop signal are left out of the comparison.
    """
    found = [
        *_compare("ports", map(_port_words, applied.ports), map(_port_words, container.declared_ports)),
        *_compare("volumes", map(_volume_words, applied.volumes), map(_volume_words, container.volumes)),
        *_networks(applied, container),
        *_limits(applied.limits, container.limits),
    ]
    if applied.restart is not container.restart:
        found.append(Difference("restart policy", str(applied.restart), str(container.restart)))
    if applied.init != container.init:
        found.append(Difference("init", _yes(applied.init), _yes(container.init)))
    if image is not None:
        found += _variables(applied, container, image)
        found += _one("command", applied.command or image.command, container.command)
        found += _one("stop signal", (applied.stop_signal or image.stop_signal,), (container.stop_signal,))
    # An engine has its words in it: names, paths, a command.
    return tuple(Difference(clean(one.field), clean(one.applied), clean(one.observed)) for one in found)


def _compare(field: str, applied: Iterable[str], observed: Iterable[str]) -> list[Difference]:
    before, after = set(applied), set(observed)
    if before == after:
        return []
    return [Difference(field, ", ".join(sorted(before)) or "none", ", ".join(sorted(after)) or "none")]


def _one(field: str, applied: tuple[str, ...], observed: tuple[str, ...]) -> list[Difference]:
    if applied == observed:
        return []
    return [Difference(field, " ".join(applied) or "none", " ".join(observed) or "none")]


def _port_words(port: Port) -> str:
    at = "" if port.address in {"", "0.0.0.0"} else f"{port.address}:"  # noqa: S104 - compared, not bound
    kind = "" if port.protocol == "tcp" else f"/{port.protocol}"
    return f"{at}{port.host or 'any'}→{port.container}{kind}"


def _volume_words(volume: Volume) -> str:
    return f"{volume.source}→{volume.target}" + (" (read-only)" if volume.read_only else "")


def _networks(applied: Settings, container: Container) -> list[Difference]:
    observed = container.networks or (container.network_mode,)
    wanted = applied.networks
    if not wanted and set(observed) <= DEFAULT_NETWORKS:
        return []
    return _compare("networks", wanted or ("default",), observed)


def _limits(applied: Limits, observed: Limits) -> list[Difference]:
    found = []
    if applied.memory != observed.memory:
        found.append(Difference("memory limit", _memory_words(applied.memory), _memory_words(observed.memory)))
    if abs(applied.cpus - observed.cpus) > 1e-6:
        found.append(Difference("CPU limit", f"{applied.cpus:g}" if applied.cpus else "none", f"{observed.cpus:g}"))
    if applied.pids != observed.pids:
        found.append(Difference("process limit", str(applied.pids or "none"), str(observed.pids or "none")))
    return found


def _memory_words(memory: int) -> str:
    return f"{memory / 1024 / 1024:g} MiB" if memory else "none"


def _variables(applied: Settings, container: Container, image: Image) -> list[Difference]:
    from_image = dict(entry.partition("=")[::2] for entry in image.environment)
    wanted = {**from_image, **applied.variables}
    found = []
    for name in sorted({*wanted, *applied.secrets, *container.variables}):
        there = name in container.variables
        if name in applied.secrets:
            if not there:
                found.append(Difference(f"variable {name}", "a secret", "not set"))
        elif name not in wanted:
            found.append(Difference(f"variable {name}", "not set", "set"))
        elif not there:
            found.append(Difference(f"variable {name}", "set", "not set"))
        elif wanted[name] != container.variables[name]:
            found.append(Difference(f"variable {name}", "as applied", "another value"))
    return found


def _yes(value: bool) -> str:
    return "yes" if value else "no"
