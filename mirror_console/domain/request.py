"""What is handed to an engine with a request, and what it answers, where no noun of the catalog says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mirror_console.domain.environment import RestartPolicy, Settings
from mirror_console.domain.secret import Secret


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """Name and password for one registry, sent along with one request only."""

    host: str
    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a registry says of a reference: its digest, and for which platforms (``linux/amd64``) it has it."""

    digest: str
    platforms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull is. `total` 0 as long as it isn't known. In bytes, over all layers seen so far.

    `share` is how much of the whole it is, from 0 to 1, and never goes back: of layers whose size isn't told yet the
    mean is taken. `came` counts the signs that something came; an engine that only says that it tries again gives none.
    `new_layers` is how many layers weren't there before.
    """

    done: int
    total: int
    words: str = ""
    share: float = 0.0
    came: int = 0
    new_layers: int = 0
    unpacking: bool = False
    """Whether all of it has come and the last layers are unpacked."""


@dataclass(frozen=True, slots=True)
class ListedImage:
    """One image of an engine's listing. `size` in bytes, as that engine counts it; without its fingerprint."""

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """``repository@sha256:…``, each."""
    created: datetime | None = None
    size: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    kept_names: tuple[str, ...] = ()
    """Names that it has only so that it is kept: see domain.kept_image."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an engine says that it took in from an archive: ids of images without a name there, names of the others."""

    ids: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    @property
    def images(self) -> tuple[str, ...]:
        """By what each can be looked up."""
        return self.ids + self.references


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """A container to be made. `image` is an id or a reference that the engine has."""

    name: str
    image: str
    settings: Settings
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    restart: RestartPolicy = RestartPolicy.NO
    on_route: bool = True
    """Whether it is in its route's network from the beginning, under its alias."""
    health_check: bool = True
    """Whether the image's health check is tried; else it is switched off."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a container wrote, of both its outputs in the order in which it came. `end` is empty where `beginning` is
    all of it; else something lies between both that wasn't read."""

    beginning: str
    end: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command that was run in a container beside what runs there."""

    exit_code: int | None
    """None where it hadn't ended in its time, and where the engine couldn't start it."""
    written: str
    """The beginning of what it wrote, of both its outputs."""
    in_time: bool = True


@dataclass(frozen=True, slots=True)
class Network:
    """A network on an engine. Names can be ambiguous; ids can't."""

    id: str
    name: str
    attachable: bool = True
    """Whether a container may join it: of the networks of a Swarm those alone that were made so."""
