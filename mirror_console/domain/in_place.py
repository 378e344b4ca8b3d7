"""In place: what an engine can change of a container that runs, without making it anew: no restart, no downtime.

These are its limits and its restart policy. How its health is judged is no part of a container at all. Everything else
is fixed when a container is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mirror_console.domain.environment import HealthTest, Limits, RestartPolicy, Settings
from mirror_console.domain.observation import LABEL, Container, Difference
from mirror_console.domain.setting_words import NONE, memory_words, number_words

FIELDS = frozenset({"memory limit", "CPU limit", "process limit", "restart policy", "health"})
"""The settings, as differences call them, for which no container has to be made anew."""
_NEVER_TAKEN_AWAY = frozenset({"memory limit", "CPU limit"})
EARLIER = LABEL + "prev-limits"
"""The label of a lock that says what a container was granted before it was changed in place."""
FIXED = LABEL + "spec-fixed"
"""The label of a container with the hash of what it was made of, without what can be changed in place since."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What an engine grants a container, and can change while it runs."""

    limits: Limits
    restart: RestartPolicy
    retries: int = 0
    """How often it is started again; counts with `on-failure` only."""

    def differs_from(self, other: Granted) -> str | None:
        """What is otherwise than in `other`, in words: ``the memory limit is 256 MiB, not 512 MiB``; None: nothing."""
        for name, is_now, wanted in (
            ("memory limit", memory_words(self.limits.memory), memory_words(other.limits.memory)),
            ("CPU limit", number_words(self.limits.cpus), number_words(other.limits.cpus)),
            ("process limit", number_words(self.limits.pids), number_words(other.limits.pids)),
            ("restart policy", str(self.restart), str(other.restart)),
        ):
            if is_now != wanted:
                return f"the {name} is {is_now}, not {wanted}"
        return None


def granted_to(container: Container) -> Granted:
    """What a container is granted now."""
    return Granted(container.limits, container.restart, container.restart_retries)


def granted_by(settings: Settings) -> Granted:
    """What settings ask an engine to grant."""
    return Granted(settings.limits, settings.restart)


def goes_in_place(changes: Iterable[Difference]) -> bool:
    """Whether an engine can make these changes of a running container, and take them back.

    A memory or CPU limit it can't take away: 0 means that nothing is to be changed, and less is refused. So none is
    given in place where there was none either. Source: Docker Engine API, ContainerUpdate; tried on Docker 20.10.
    """
    return all(
        one.field in FIELDS and not (one.field in _NEVER_TAKEN_AWAY and NONE in {one.applied, one.observed})
        for one in changes
    )


def fixed_hash(settings: Settings) -> str:
    """The hash of settings without what can be changed in place: the same as long as no container is made anew."""
    fixed = replace(settings, limits=Limits(), restart=RestartPolicy.NO, health=HealthTest())
    return hashlib.sha256(f"fixed {fixed.hash}".encode()).hexdigest()[:16]


def earlier_label(granted: Granted) -> dict[str, str]:
    """What a container is granted before it is changed, as a label of the lock: putting back needs no journal then."""
    limits = granted.limits
    return {EARLIER: f"{limits.memory}:{limits.cpus:.9f}:{limits.pids}:{granted.restart}:{granted.retries}"}


def earlier(labels: Mapping[str, str]) -> Granted | None:
    """What a lock says of what a container was granted; None where it says nothing that can be read."""
    memory, cpus, pids, restart, retries = (labels.get(EARLIER, "").split(":") + [""] * 5)[:5]
    try:
        limits = Limits(int(memory), float(cpus), int(pids))
        return Granted(limits, RestartPolicy(restart), int(retries))
    except ValueError:
        return None
