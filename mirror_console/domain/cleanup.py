"""Clean-up: what of an engine's containers and images is ours and needed no more, what stays, and why.

Ours is what carries our labels or what the catalog's records name; anything else is never touched. A way back is kept:
the stopped container beside the one that serves, its image, and the image that an environment had before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from mirror_console.domain.environment import COMMAND_PREFIXES, LOCK_PREFIX
from mirror_console.domain.held import AHEAD, BY_PREFETCH
from mirror_console.domain.image import short
from mirror_console.domain.observation import BESIDE, LABEL, Listed, Role, State
from mirror_console.domain.request import ListedImage
from mirror_console.domain.sizes import size_text

NEXT, PREV, OLDER = ".mc-next", ".mc-prev", ".mc-older"
_STILL = frozenset({State.CREATED, State.EXITED, State.DEAD})


class Thing(StrEnum):
    """What is kept or goes."""

    CONTAINER = "container"
    LOCK = "lock"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on an engine, and why it goes or stays. `size` in bytes, of an image."""

    thing: Thing
    id: str
    name: str
    why: str
    size: int | None = None
    tags: tuple[str, ...] = ()
    """Of an image: its names, all of them in our repositories."""
    kept_names: tuple[str, ...] = ()
    """Of an image: those that it was given so that it is kept."""


@dataclass(frozen=True, slots=True)
class WaysBack:
    """What is kept for putting back: stopped containers, and images. `size` of the images in bytes, at most."""

    containers: int = 0
    images: int = 0
    size: int = 0

    def __str__(self) -> str:
        ways = "1 way back" if self.containers == 1 else f"{self.containers} ways back"
        images = "1 image" if self.images == 1 else f"{self.images} images"
        return f"{ways} kept, {images}" + (f", up to {size_text(self.size)}" if self.images else "")


@dataclass(frozen=True, slots=True)
class CleanUp:
    """What would go from an engine, and what of ours stays there. Of what isn't ours nothing is said."""

    goes: tuple[Item, ...]
    stays: tuple[Item, ...]
    ways_back: WaysBack

    @property
    def frees(self) -> int:
        """Bytes that its images take at most: what they share with others stays."""
        return sum(item.size or 0 for item in self.goes)


@dataclass(frozen=True, slots=True)
class Records:
    """What the catalog knows that concerns one engine."""

    catalog_id: str
    environments: Mapping[str, str]
    """Titles of the environments, by identity."""
    containers: Mapping[str, str]
    """Titles of those that are placed there, by the name of their container."""
    over: frozenset[str]
    """Rollouts that have ended."""
    unfinished: frozenset[str]
    busy: frozenset[str]
    """Environments in an unfinished rollout."""
    repositories: frozenset[str]
    """Where sources have their images."""
    needed: Mapping[str, str]
    """Why images are needed there, by fingerprint or digest: expected, held, running, in an unfinished rollout."""
    had_before: Mapping[str, str]
    """What environments there had before their last rollouts, by fingerprint, in words: ways back by image."""
    brought_by: Mapping[str, str]
    """By image id: what of this console brought it there."""
    fingerprints: Mapping[str, str]
    """By image id."""
    serving: Mapping[str, str] = field(default_factory=dict)
    """By the name of a container of another process that of the one that serves, which their lock is called by."""
    passed: frozenset[str] = frozenset()
    """By fingerprint: releases that no environment of a source stands for or comes to, as each has a newer one."""

    @property
    def rollouts(self) -> frozenset[str]:
        """All of this catalog."""
        return self.over | self.unfinished


def clean_up(containers: Sequence[Listed], images: Sequence[ListedImage], records: Records) -> CleanUp:
    """What may go from an engine that lists these."""
    goes, stays, ways_back = _containers(containers, records)
    gone = {item.id for item in goes}
    left = [container for container in containers if container.id not in gone]
    images_go, images_stay, ways_images = _images(images, left, containers, ways_back, records)
    sizes = [image.size or 0 for image in images if image.id in ways_images]
    return CleanUp((*goes, *images_go), (*stays, *images_stay), WaysBack(len(ways_back), len(ways_images), sum(sizes)))


# --- containers ---------------------------------------------------------------------------------------------------


def _containers(containers: Sequence[Listed], records: Records) -> tuple[list[Item], list[Item], dict[str, str]]:
    """What goes, what stays, and the ways back: titles of their environments, by the id of the container."""
    by_name = {container.name: container for container in containers}
    goes: list[Item] = []
    stays: list[Item] = []
    ways_back: dict[str, str] = {}
    for container in sorted(containers, key=lambda container: container.name):
        thing = Thing.LOCK if _is_lock(container) else Thing.CONTAINER
        base, suffix = _parted(container.name)
        if not suffix or not _concerns_us(container, base, records):
            continue
        title = records.environments.get(container.labels.get(LABEL + "env", "")) or records.containers.get(base, base)
        if suffix == PREV and not _is_of_no_process(container, base, records):
            ways_back[container.id] = title
            stays.append(Item(thing, container.id, container.name, f"the way back of {title}"))
            continue
        why_not = _why_not(container, base, suffix, by_name, records)
        why = f"of a process that {title} has no more" if suffix == PREV else _why(suffix, title)
        item = Item(thing, container.id, container.name, why_not or why)
        (stays if why_not else goes).append(item)
    return goes, stays, ways_back


def _is_lock(container: Listed) -> bool:
    return container.labels.get(LABEL + "role") == Role.LOCK or container.name.startswith(LOCK_PREFIX)


def _parted(name: str) -> tuple[str, str]:
    """The name of the environment's container, and the suffix or prefix that a rollout put to it."""
    if name.startswith(LOCK_PREFIX):
        return name.removeprefix(LOCK_PREFIX), LOCK_PREFIX
    for prefix in COMMAND_PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix), prefix
    for suffix in (NEXT, PREV, OLDER):
        if name.endswith(suffix):
            return name.removesuffix(suffix), suffix
    return name, ""


def _is_of_no_process(container: Listed, base: str, records: Records) -> bool:
    """Whether a way back is that of a process which its environment has no more: nothing goes back to it alone."""
    known = container.labels.get(LABEL + "env", "") in records.environments
    return known and container.labels.get(BESIDE) == "yes" and base not in records.containers


def _concerns_us(container: Listed, base: str, records: Records) -> bool:
    return base in records.containers or container.labels.get(LABEL + "rollout") in records.rollouts


def _why(suffix: str, title: str) -> str:
    match suffix:
        case "mc-lock.":
            return f"the lock of a rollout of {title} that is over"
        case "mc-rel." | "mc-bak.":
            return f"a command of a rollout of {title} that is over"
        case ".mc-next":
            return f"left over of a rollout of {title} that is over"
        case _:
            return f"older than the way back of {title}"


def _why_not(container: Listed, base: str, suffix: str, by_name: Mapping[str, Listed], records: Records) -> str:
    """Why a container that a rollout may have left stays; empty where it may go."""
    labels = container.labels
    rollout = labels.get(LABEL + "rollout", "")
    if not rollout or not labels.get(LABEL + "env"):
        return "it doesn't carry our labels"
    if suffix == LOCK_PREFIX and labels.get(LABEL + "catalog") != records.catalog_id:
        return "another console holds it"
    if rollout in records.unfinished or labels[LABEL + "env"] in records.busy:
        return "its rollout isn't over"
    if rollout not in records.over:
        return "of a rollout that this catalog doesn't know"
    if container.state not in _STILL:
        return f"it is {container.state}"
    if suffix in {LOCK_PREFIX, *COMMAND_PREFIXES}:
        return ""
    lock = by_name.get(LOCK_PREFIX + records.serving.get(base, base))
    if lock is not None and _why_not(lock, base, LOCK_PREFIX, by_name, records):
        return "its environment is locked"
    if _is_of_no_process(container, base, records):
        return ""
    # What serves may have been lost: then this may be all that its environment has.
    needed = [base] if suffix == NEXT else [base, base + PREV]
    if any(name not in by_name for name in needed):
        return "nothing else of its environment is there to go back to"
    return ""


# --- images -------------------------------------------------------------------------------------------------------


def _images(
    images: Sequence[ListedImage],
    left: Sequence[Listed],
    containers: Sequence[Listed],
    ways_back: Mapping[str, str],
    records: Records,
) -> tuple[list[Item], list[Item], set[str]]:
    """What goes, what stays, and the ids of those that ways back need. `left` are the containers that stay."""
    ours = [container for container in containers if container.labels.get(LABEL + "rollout") in records.rollouts]
    named = {container.labels.get(LABEL + part, "") for container in ours for part in ("from", "to")} - {""}
    before = {
        container.labels.get(LABEL + "from", ""): f"{container.name} had it before"
        for container in left
        if not _parted(container.name)[1]
    }
    before = {**before, **records.had_before}
    before.pop("", None)
    uses = _uses(left, ways_back, before, records.needed)
    back_to = {container.image_id for container in left if container.id in ways_back}
    goes: list[Item] = []
    stays: list[Item] = []
    for image in sorted(images, key=lambda image: (image.tags, image.digests, image.id)):
        is_what = records.fingerprints.get(image.id, "")
        repositories = repositories_of(image)
        if is_what in before:
            back_to.add(image.id)
        brought = image.id in records.brought_by
        if not brought and not (is_what in named and repositories & records.repositories):
            continue
        names = (image.id, is_what, *(digest.rpartition("@")[2] for digest in image.digests))
        use = next((uses[name] for name in names if name in uses), None)
        foreign = sorted(repositories - records.repositories)
        if use is not None:
            why_not = use
        elif not is_what:
            why_not = "what it is could not be read"
        elif _may_be_taken(image, is_what, records) and is_what not in named:
            why_not = "brought here ahead, and no rollout has taken it yet"
        else:
            why_not = f"it is called {foreign[0]} as well" if foreign else ""
        ahead = records.brought_by.get(image.id) in AHEAD and is_what not in named
        why = why_not or (
            "fetched ahead, and a newer release is out" if ahead else "of a rollout, and nothing needs it any more"
        )
        item = Item(Thing.IMAGE, image.id, _title(image), why, image.size, image.tags, image.kept_names)
        (stays if why_not else goes).append(item)
    return goes, stays, {image.id for image in images} & back_to


def _may_be_taken(image: ListedImage, is_what: str, records: Records) -> bool:
    """Whether a rollout may still come for what was brought ahead: not for what was fetched, once a newer one is out.

    What a person had relayed may be an older one on purpose.
    """
    by = records.brought_by.get(image.id)
    return by in AHEAD and not (by == BY_PREFETCH and is_what in records.passed)


def _uses(
    left: Sequence[Listed], ways_back: Mapping[str, str], before: Mapping[str, str], needed: Mapping[str, str]
) -> dict[str, str]:
    """Why images are needed, by their id and by what they are. What serves says most, and is told of many alike."""
    uses: dict[str, str] = {}
    for container in sorted(left, key=lambda container: container.id not in ways_back):
        title = ways_back.get(container.id)
        words = f"the way back of {title} is made of it" if title else f"{container.name} is made of it"
        uses |= {container.image_id: words, container.labels.get(LABEL + "to", ""): words}
    uses = {**before, **needed, **uses}
    uses.pop("", None)
    return uses


def repositories_of(image: ListedImage) -> frozenset[str]:
    """In which repositories an image has names or digests on its engine."""
    return frozenset(_repository(name) for name in (*image.tags, *image.digests))


def _repository(name: str) -> str:
    """Of a reference with a tag or a digest, as engines tell them."""
    name = name.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def _title(image: ListedImage) -> str:
    if image.tags:
        return image.tags[0]
    repository = next((_repository(digest) for digest in image.digests), "")
    return f"{repository} {short(image.id)}".strip()


def counted(items: Iterable[Item]) -> str:
    """How many things these are: ``2 containers, 1 lock, 3 images``."""
    several = list(items)
    parts = []
    for thing in Thing:
        many = sum(item.thing is thing for item in several)
        if many:
            parts.append(f"{many} {thing}" + ("" if many == 1 else "s"))
    return ", ".join(parts) or "nothing"
