"""The engines, as operations need them: each call of one that is reached, and the way to all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from mirror_console.domain.engine import Engine, EngineFacts
from mirror_console.domain.environment import RestartPolicy
from mirror_console.domain.health import ProbeAnswer
from mirror_console.domain.image import Image
from mirror_console.domain.in_place import Granted
from mirror_console.domain.observation import Container, Ending, Listed
from mirror_console.domain.request import (
    ContainerSpec,
    ListedImage,
    Loaded,
    Network,
    PullProgress,
    Ran,
    RegistryLogin,
    Resolved,
    Written,
)
from mirror_console.domain.room import Room
from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import Hop, HostKey
from mirror_console.domain.validity import Validity
from mirror_console.operations.ports.swarm import SwarmVerbs


class EngineSession(SwarmVerbs, Protocol):
    """One engine, reached. Every call raises EngineError, says so in its kind, and gives up after the engine's timeout.

    Only reads are ever repeated. After a change, look: no reply is proof of what happened.
    """

    @property
    def host_key(self) -> HostKey | None:
        """The key that the engine's SSH server was seen to have; None where it is reached otherwise."""

    @property
    def server_key(self) -> str:
        """The fingerprint of the key that its server was seen to have by TLS; empty where it is reached otherwise."""

    @property
    def certificate(self) -> Validity | None:
        """From when until when the client certificate is valid; None where it is reached otherwise."""

    def free_disk(self, facts: EngineFacts, inside: str = "") -> Room | None:
        """Octets that are free where the engine keeps its images; None where that can't be learned.

        Where its host can't be asked, the running container `inside` is, if its id is given.
        """

    def facts(self) -> EngineFacts: ...
    def events(self) -> EventStream:
        """What happens to containers, and to services of its Swarm, from this call on is heard on it.

        The caller closes it.
        """

    def list_containers(self) -> list[Listed]:
        """All containers, running or not, of ours or not, in one request."""

    def list_these(self, container_ids: Collection[str]) -> list[Listed]:
        """Those of these containers that are there, by their ids, in one request."""

    def inspect(self, container: str) -> Container | None:
        """By id or exact name. None where there is none."""

    def endings(self, container_id: str, since: datetime, until: datetime) -> tuple[Ending, ...]:
        """How a container ended in this time of the engine's clock, as far as the engine remembers, oldest first."""

    def image(self, image: str) -> Image | None:
        """By id or reference. None where the engine hasn't got it."""

    def resolve(self, reference: str, login: RegistryLogin | None) -> Resolved:
        """Ask the registry through the engine, without pulling."""

    def pull(
        self,
        reference: str,
        login: RegistryLogin | None,
        report: Callable[[PullProgress], None],
        stopped: Callable[[], bool],
    ) -> None:
        """Read the stream to its end; an error in mid-stream is raised. `stopped` is asked between its lines."""

    def images(self) -> list[ListedImage]:
        """All images, in one request."""

    def save(self, image: str) -> AbstractContextManager[Saving]:
        """An image as an archive, by id (then without its names) or by reference."""

    def load(self) -> AbstractContextManager[Loading]:
        """Take an image in from an archive. Left before it was finished, nothing was taken in."""

    def tag(self, image_id: str, reference: str) -> None:
        """Give an image a name; it is taken from the image that has it. Raises EngineError(IMAGE_NOT_FOUND)."""

    def remove_image(self, image: str) -> None:
        """Take a name away, and the image with its last one; by id only one with at most one name.

        Never by force: EngineError(CONFLICT) where a container or another name needs it. That it isn't there is fine.
        """

    def create(self, spec: ContainerSpec) -> str:
        """Returns the id. Raises EngineError(CONFLICT) where the name is taken."""

    def start(self, container_id: str) -> None: ...
    def stop(self, container_id: str, seconds: int) -> None:
        """Waits for the stop: the reply may take `seconds` and a margin."""

    def rename(self, container_id: str, name: str) -> None: ...
    def set_restart(self, container_id: str, policy: RestartPolicy, retries: int = 0) -> None: ...
    def grant(self, container_id: str, wanted: Granted, now: Granted) -> None:
        """Change limits and restart policy in place: only what differs from what is granted `now`."""

    def remove(self, container_id: str) -> None:
        """Only a container that doesn't run, and never its volumes. Removing what isn't there is fine."""

    def logs(self, container_id: str, tail: int) -> list[str]:
        """The last lines of output, control characters removed."""

    def connect(self, container_id: str, network_id: str, aliases: Sequence[str] = (), address: str = "") -> None:
        """Raises EngineError(REJECTED) where the network doesn't let an address be chosen."""

    def disconnect(self, container_id: str, network_id: str) -> None: ...
    def output(self, container_id: str, most: int) -> Written:
        """The beginning of what it wrote and, where it goes on, its end: `most` octets of each, as they are.

        However much it wrote, no more than that is held. Raises EngineError(NOT_FOUND) where it is gone.
        """

    def run_inside(self, container_id: str, command: Sequence[str], most: int, limit: float) -> Ran:
        """Run a command in a container that runs, and wait `limit` seconds for its end; it may go on after that.

        `most` octets of what it writes are kept. Raises EngineError where the container doesn't run: CONFLICT, and
        REJECTED on Podman.
        """

    def volumes(self) -> frozenset[str]:
        """The names of all volumes, in one request."""

    def networks(self) -> list[Network]: ...
    def create_network(self, name: str, labels: Mapping[str, str]) -> None: ...
    def volume_exists(self, name: str) -> bool: ...
    def create_volume(self, name: str, labels: Mapping[str, str]) -> None: ...
    def probe(self, port: int, path: str, timeout: float, host: str = "") -> ProbeAnswer:
        """Ask a published host port of this engine over HTTP from here, for a host. Never raises."""


class Engines(Protocol):
    """The way to every engine. Sessions are kept open and shared by threads."""

    def session(self, engine: Engine) -> EngineSession:
        """Connects where needed. Raises EngineError, also where a credential is missing."""

    def try_out(self, engine: Engine, secrets: Mapping[str, Secret]) -> EngineSession:
        """A session that isn't kept, with secrets that aren't in the keyring yet (by reference name)."""

    def entrance(self, engine: Engine) -> Hop | None:
        """The host that the first packet goes to; None where there is none, or a program stands for the network.

        Nothing is sent. Raises EngineError.
        """

    def forget(self, engine_id: str) -> None:
        """Close what is open: its address or its credentials have changed."""

    def renew(self) -> None:
        """Connect anew from the next session on: what was open may be dead. Who has a session keeps it."""

    def close(self) -> None: ...


class EventStream(Protocol):
    """An engine's word of what happens to its containers, for as long as it is open: a hint to look again."""

    def fileno(self) -> int:
        """For a selector: where it can be read, something was heard, or the stream has ended."""

    def heard(self) -> frozenset[str]:
        """The ids of containers that were told of since it was last asked. Never waits.

        Raises EngineError once the stream has ended, be it in order.
        """

    def close(self) -> None: ...


class Saving(Protocol):
    """An image that an engine gives away, as an archive in pieces. Iterated over once; never held here as a whole."""

    def __iter__(self) -> Iterator[bytes]:
        """Raises EngineError: IMAGE_NOT_FOUND, DROPPED, TIMEOUT in the silence, INVALID_REPLY where it breaks off."""

    def close(self) -> None:
        """End it at once, from any thread: whoever reads gets an EngineError."""


class Loading(Protocol):
    """An image that an engine takes in."""

    def send(self, piece: bytes) -> None:
        """The next piece of the archive. Waits while the engine is slower. Raises EngineError, DISK_FULL among them."""

    def finish(self, report: Callable[[PullProgress], None]) -> Loaded:
        """Say that this was all, and wait for the engine to unpack it. Raises EngineError."""

    def close(self) -> None:
        """End it at once, from any thread: whoever sends or waits gets an EngineError."""
