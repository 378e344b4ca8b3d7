"""Place checks: whether the volumes, networks and disk that a target needs are there on its engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from mirror_console.domain.applied import Applied
from mirror_console.domain.check import Answer
from mirror_console.domain.environment import Settings
from mirror_console.domain.observation import Container
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.request import Network
from mirror_console.domain.room import Room
from mirror_console.domain.sizes import size_text
from mirror_console.operations.container_checks import Said
from mirror_console.operations.providing import BUILT_IN_NETWORKS

ENOUGH = 5e9
"""Octets of free disk that are enough for an image whose size isn't known."""
UNPACKING = 1.5
"""How many times its size an image takes while it is fetched: it comes compressed to half, or less, and is unpacked."""
KEPT_FREE = 0.1
"""The share of a disk that stays free: all else on the engine writes there too."""
MOST_KEPT_FREE = 10e9
"""Octets that are enough to stay free on any disk, however large it is."""
FREE_IT = "Free disk space there: 'mirror-console clean', or 'docker image prune'."


def own_networks(settings: Settings) -> list[str]:
    """The networks that settings name, without those that every engine has."""
    return [name for name in settings.networks if name not in BUILT_IN_NETWORKS]


def named_volumes(settings: Settings) -> list[str]:
    """The volumes that settings name, without paths of the host."""
    return [volume.source for volume in settings.volumes if not volume.source.startswith("/")]


def networks(settings: Settings, there: Sequence[Network]) -> Said:
    """Whether each network is there exactly once: an engine takes several of one name, and then means any of them."""
    wanted = own_networks(settings)
    if not wanted:
        return Answer.PASS, "It names no network of its own.", ""
    counted = Counter(network.name for network in there)
    several = [f"{counted[name]} networks '{name}'" for name in wanted if counted[name] > 1]
    if several:
        words = f"There are {' and '.join(several)}: which one is meant can't be told."
        return Answer.BLOCKED, words, "Remove or rename all but one ('docker network ls'), then check again."
    new = [f"'{name}'" for name in wanted if not counted[name]]
    if new:
        return Answer.INFORMATION, f"Made new, as the engine hasn't got it: network {', '.join(new)}.", ""
    return Answer.PASS, f"There, once: {', '.join(wanted)}.", ""


def volumes(target: PlannedTarget, old: Container | None, before: Applied | None, there: Collection[str]) -> Said:
    """Whether data is where it was: a volume that is missing would be made anew, empty, without a word.

    `before` is what was last applied here.
    """
    settings = target.settings
    if old is not None:
        mounted = {volume.target: volume.source for volume in old.volumes}
        moved = [
            f"at {volume.target} it has '{mounted[volume.target]}' now, and gets '{volume.source}'"
            for volume in settings.volumes
            if mounted.get(volume.target, volume.source) != volume.source
        ]
        if moved:
            words = f"It is given other data than it has: {'; '.join(moved)}."
            return Answer.WARNING, words, "Copy the data first, or correct the volume on the mirror's form."
    wanted = named_volumes(settings)
    missing = [name for name in wanted if name not in there]
    held = set(named_volumes(before.settings)) if before is not None else set()
    lost = [f"'{name}'" for name in missing if name in held]
    if lost:
        words = f"It had data in a volume that is gone: {', '.join(lost)}. An empty one would be made."
        remedy = "Bring it back from a backup; or make it with 'docker volume create', if it may be empty."
        return Answer.BLOCKED, words, remedy
    if missing:
        names = ", ".join(f"'{name}'" for name in missing)
        return Answer.INFORMATION, f"Made new and empty, as the engine hasn't got it: volume {names}.", ""
    return Answer.PASS, f"There: {', '.join(wanted)}." if wanted else "It names no volume.", ""


def disk(target: PlannedTarget, room: Room | None, others: int = 0) -> Said:
    """Whether there is room for an image that has to be fetched. Layers that are there already are counted too.

    `others` are the octets of images that are fetched to the same disk besides.
    """
    size = target.image_bytes
    if room is None:
        takes = "The size of the image isn't known" if size is None else f"The image takes up to {size_text(size)}"
        words = f"{takes}; how much is free there isn't told."
        return Answer.UNKNOWN, words, "Look at the free space of the engine's disk where it may be short."
    if room.files and room.free_files is not None and room.free_files < room.files * KEPT_FREE:
        words = f"Of {room.files:,} files that its disk can hold {room.free_files:,} are left: an image has many."
        return Answer.BLOCKED, words, FREE_IT
    left = f"{size_text(room.free)} are free"
    if size is None:
        answer = Answer.PASS if room.free - others >= ENOUGH else Answer.WARNING
        remedy = "" if answer is Answer.PASS else "Look whether that is enough, with all of its layers unpacked."
        return answer, f"{left}; the size of the image isn't known.", remedy
    more = f", and others that are fetched there {size_text(others)}" if others else ""
    words = f"The image takes up to {size_text(size)}{more}; {left}."
    reserve = min(MOST_KEPT_FREE, (room.total or 0) * KEPT_FREE)
    if room.free < others + size:
        return Answer.BLOCKED, words, FREE_IT
    if room.free < (others + size) * UNPACKING + reserve:
        needs = f"While it is unpacked it takes half as much again, and {size_text(int(reserve))} are to stay free."
        return Answer.BLOCKED, f"{words} {needs}", FREE_IT
    return Answer.PASS, words, ""
