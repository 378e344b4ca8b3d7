"""What operations need of the catalog, the engines and the keyring: their only way to reach them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from mirror_console.domain.access import Access
from mirror_console.domain.account import Account
from mirror_console.domain.application import Application
from mirror_console.domain.applied import Applied
from mirror_console.domain.audit import Act, AuditFilter, AuditLine, Head
from mirror_console.domain.changes import Changes
from mirror_console.domain.check import Override
from mirror_console.domain.engine import Address, Contact, Engine, EngineFacts, Registry
from mirror_console.domain.environment import Environment, Placed, RestartPolicy, Settings
from mirror_console.domain.fetching import Fetch
from mirror_console.domain.health import ProbeAnswer
from mirror_console.domain.held import HeldImage
from mirror_console.domain.image import Image
from mirror_console.domain.in_place import Granted
from mirror_console.domain.observation import Container, Ending, Listed, Observation
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.domain.release import Release
from mirror_console.domain.release_command import CommandRun, RunKind, Said
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
from mirror_console.domain.rollout import JournalEntry, Rollout, Target
from mirror_console.domain.schedule import Freeze, Schedule, Window
from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.domain.ssh import Hop, HostKey
from mirror_console.domain.tag import TagLook
from mirror_console.domain.validity import Validity

# --- the catalog --------------------------------------------------------------------------------------------------


class Applications(Protocol):
    """Sources and mirrors."""

    def all(self) -> list[Application]: ...
    def sources(self) -> list[Application]: ...
    def some(self, application_ids: Iterable[str]) -> list[Application]:
        """Those of these that are there."""

    def get(self, application_id: str) -> Application:
        """Raises KeyError."""

    def by_slug(self, slug: str) -> Application | None: ...
    def save(self, application: Application) -> None: ...
    def remove(self, application_id: str) -> None:
        """With its environments. Raises CatalogError where mirrors still name it as their source."""


class Environments(Protocol):
    """Environments, of sources and of mirrors. At most one per application and name."""

    def all(self) -> list[Environment]: ...
    def get(self, environment_id: str) -> Environment:
        """Raises KeyError."""

    def of(self, application_id: str) -> list[Environment]: ...
    def following(self) -> list[Environment]:
        """Those that follow a registry's tag."""

    def some(self, environment_ids: Iterable[str]) -> list[Environment]:
        """Those of these that are there."""

    def placed_on(self, engine_id: str) -> list[Placed]:
        """The processes that are placed on one engine."""

    def save(self, environment: Environment) -> None: ...
    def remove(self, environment_id: str) -> None: ...


class EngineBook(Protocol):
    """Engines and the outcome of the last attempt to reach each."""

    def all(self) -> list[Engine]: ...
    def get(self, engine_id: str) -> Engine:
        """Raises KeyError."""

    def by_name(self, name: str) -> Engine | None: ...
    def save(self, engine: Engine) -> None: ...
    def remember_key(self, engine_id: str, address: Address, key: str) -> None:
        """The key that the server at an address was seen to have by TLS; one that is kept for it already stays."""

    def remember_identity(self, engine_id: str, address: Address, identity: str) -> None:
        """By what the daemon at an address knows itself; what is kept for it already stays."""

    def remove(self, engine_id: str) -> None:
        """Raises CatalogError where environments are still placed on it."""

    def contacts(self) -> dict[str, Contact]: ...
    def contact(self, engine_id: str) -> Contact | None: ...
    def save_contact(self, contact: Contact, *, news: bool = True) -> None:
        """Without `news` only its times are others, and so listeners are told: ``times`` has changed."""


class Accesses(Protocol):
    """Accounts' credentials on engines, and the outcome of the last attempt with each."""

    def all(self) -> list[Access]: ...
    def of(self, engine_id: str) -> list[Access]: ...
    def save(self, access: Access) -> None: ...
    def remove(self, engine_id: str, account: str) -> None: ...
    def contacts(self) -> dict[tuple[str, str], Contact]:
        """By engine and account."""

    def save_contact(self, account: str, contact: Contact) -> None: ...


class Registries(Protocol):
    """Registries that ask for a password."""

    def all(self) -> list[Registry]: ...
    def by_host(self, host: str) -> Registry | None: ...
    def save(self, registry: Registry) -> None: ...
    def remove(self, registry_id: str) -> None: ...


class Accounts(Protocol):
    """Accounts, by name."""

    def all(self) -> list[Account]: ...
    def save(self, account: Account) -> None: ...


class Releases(Protocol):
    """All images that source environments have had."""

    def all(self) -> list[Release]: ...
    def of(self, environment_ids: Iterable[str]) -> list[Release]: ...
    def of_digest(self, digest: str) -> list[Release]:
        """The same image by its digest, wherever it was a release."""

    def save(self, release: Release) -> None: ...
    def remove(self, release_id: str) -> None:
        """It turned out to be the same as another one."""


class Tags(Protocol):
    """The last look at each registry's tag that a source's environment follows."""

    def all(self) -> list[TagLook]: ...
    def of(self, reference: str) -> TagLook | None: ...
    def save(self, value: TagLook) -> None: ...
    def remove(self, reference: str) -> None: ...


class ScheduleBook(Protocol):
    """Maintenance windows and freezes: when environments may be changed."""

    def all(self) -> Schedule: ...
    def save_window(self, value: Window) -> None: ...
    def save_freeze(self, value: Freeze) -> None: ...
    def remove(self, identity: str) -> None:
        """A window or a freeze. That it isn't there is fine."""


class HeldImages(Protocol):
    """Images that engines were seen to hold, by engine and id."""

    def all(self) -> list[HeldImage]: ...
    def on(self, engine_id: str) -> list[HeldImage]: ...
    def like(self, fingerprint: str) -> list[HeldImage]:
        """The same image on all engines that were seen to hold it."""

    def of_digest(self, digest: str) -> list[HeldImage]:
        """Those that an engine has under a digest, in whatever repository."""

    def save_all(self, images: Iterable[HeldImage]) -> None: ...
    def remove(self, engine_id: str, image_ids: Iterable[str]) -> None: ...


class AppliedBook(Protocol):
    """What each process of each environment was last made of."""

    def all(self) -> list[Applied]: ...
    def of(self, environment_ids: Iterable[str]) -> list[Applied]: ...
    def save(self, value: Applied) -> None: ...
    def remove(self, environment_id: str, process: str) -> None: ...


class Observations(Protocol):
    """What was last seen, one for each environment and process."""

    def all(self) -> list[Observation]: ...
    def of(self, environment_id: str) -> list[Observation]: ...
    def of_all(self, environment_ids: Iterable[str]) -> list[Observation]:
        """Those of several environments, in one query."""

    def on(self, engine_id: str) -> list[Observation]:
        """Those that were made on one engine."""

    def touch(
        self, engine_id: str, at: datetime, environment_ids: Iterable[str] | None = None, *, news: bool = True
    ) -> None:
        """Everything on an engine was seen again at that time, unchanged; with `environment_ids`, these alone.

        One statement, however many they are. Without `news` listeners are told that ``times`` has changed, no more.
        """

    def save_all(self, observations: Iterable[Observation]) -> None: ...


class Rollouts(Protocol):
    """Rollouts with their plans and targets. A saved plan never changes."""

    def all(self) -> list[Rollout]:
        """Newest first."""

    def get(self, rollout_id: str) -> Rollout:
        """Raises KeyError."""

    def unfinished(self) -> list[Rollout]: ...
    def done(self, rollout_ids: Iterable[str]) -> dict[tuple[str, str], PlannedTarget]:
        """Targets of these rollouts that ended well, by rollout and environment."""

    def last_settings(self, environment_id: str, settings_hash: str) -> Settings | None:
        """The settings with that hash that a rollout planned last for an environment: those that were applied."""

    def last_changes(self, environment_ids: Iterable[str]) -> dict[str, Target]:
        """What a rollout changed last of each environment, where one did: its target that is done, or was left."""

    def add(self, rollout: Rollout) -> None:
        """The rollout, its plan and its targets."""

    def save_head(self, rollout: Rollout) -> None:
        """State, pause, gates and end of the rollout; not its targets."""

    def save_target(self, rollout_id: str, target: Target) -> None: ...
    def save_fetches(self, rollout_id: str, values: Sequence[Fetch]) -> None:
        """Where it stands that images are brought ahead; those that are new are added."""

    def add_overrides(self, rollout_id: str, values: Sequence[Override]) -> None:
        """More answers to checks that it goes on in spite of."""


class Commands(Protocol):
    """Runs of release commands, and of the backups before them. What one wrote is told by `get` alone."""

    def all(self) -> list[CommandRun]:
        """Oldest first."""

    def get(self, run_id: str) -> CommandRun:
        """Raises KeyError."""

    def like(self, kind: RunKind, data: str, names: Sequence[str]) -> list[CommandRun]:
        """Those for the same data and release, by any of its names, oldest first."""

    def of(self, rollout_id: str) -> list[CommandRun]:
        """Those of one rollout, oldest first."""

    def save(self, value: CommandRun) -> None: ...
    def say(self, run_id: str, word: Said, person: str) -> None:
        """What a person says of one."""

    def remove(self, run_id: str) -> None:
        """It was claimed and never started."""


class Plans(Protocol):
    """Plans that were made, started or not."""

    def all(self) -> list[Plan]: ...
    def get(self, plan_id: str) -> Plan:
        """Raises KeyError."""

    def save(self, plan: Plan) -> None: ...


class Journal(Protocol):
    """What steps were about to do, and what came of them. Only ever appended to; each line is chained to the last."""

    def append(self, entry: JournalEntry) -> int:
        """Returns the sequence number."""

    def of(self, rollout_id: str) -> list[JournalEntry]: ...
    def newest(self, most: int) -> list[JournalEntry]:
        """The last lines of all rollouts, oldest first."""

    def end_holds(self, most: int) -> bool:
        """Whether so many last lines are as they were written, and nothing was cut off after them."""

    def broken_at(self) -> int | None:
        """The first line that isn't as it was written, or is missing."""


class AuditTrail(Protocol):
    """Every change that was made by this console. What rows of the catalog tell, the catalog writes by itself."""

    def append(self, *acts: Act) -> int:
        """What no row tells: what is done on engines and in the keyring. Returns the number of the last line."""

    def lines(self, which: AuditFilter = ..., most: int | None = None) -> list[AuditLine]:
        """The lines that are wanted, newest first."""

    def of(self, *identities: str) -> list[AuditLine]:
        """The lines about some things, by their identities, oldest first."""

    def head(self) -> Head:
        """The last line; number 0 where there is none."""

    def has(self, head: Head) -> bool:
        """Whether the line that was the last once is there, and is the same."""

    def broken_at(self) -> int | None:
        """The first line that isn't as it was written, or is missing."""


class Books(Protocol):
    """One transaction on the catalog: a collection for each noun. Only domain values go in and out."""

    @property
    def applications(self) -> Applications: ...
    @property
    def environments(self) -> Environments: ...
    @property
    def engines(self) -> EngineBook: ...
    @property
    def accesses(self) -> Accesses: ...
    @property
    def registries(self) -> Registries: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def releases(self) -> Releases: ...
    @property
    def tags(self) -> Tags: ...
    @property
    def images(self) -> HeldImages: ...
    @property
    def observations(self) -> Observations: ...
    @property
    def applied(self) -> AppliedBook: ...
    @property
    def plans(self) -> Plans: ...
    @property
    def rollouts(self) -> Rollouts: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def commands(self) -> Commands: ...
    @property
    def schedule(self) -> ScheduleBook: ...
    @property
    def audit(self) -> AuditTrail: ...


class Catalog(Protocol):
    """The local catalog. No transaction may span a request to an engine."""

    @property
    def free_disk(self) -> int:
        """Octets that are free on the disk where it is. Raises CatalogError where that can't be told."""

    @property
    def id(self) -> str:
        """An identity made with the catalog: it tells consoles apart on engines, and names the catalog's secrets."""

    def read(self) -> AbstractContextManager[Books]: ...
    def write(self) -> AbstractContextManager[Books]:
        """Commits at the end; rolls back on an exception. Raises CatalogError (locked, disk full, read-only)."""

    def subscribe(self, listener: Callable[[Changes], None]) -> Callable[[], None]:
        """Call `listener` after each commit with the collections that changed. Returns how to end it.

        The listener runs on the thread that committed.
        """


class Wishes(Protocol):
    """What a command wants of the run of the program that holds the catalog."""

    def leave(self, run: str, rollout_id: str, wish: str) -> None:
        """Leave a wish for that run. Raises CatalogError."""

    def take(self, run: str, rollout_id: str) -> str:
        """What is wished of a rollout that this run carries out, once; empty where nothing is."""


# --- the keyring --------------------------------------------------------------------------------------------------


class Vault(Protocol):
    """The OS keyring. Calls may take long: never on the thread of the window."""

    def get(self, reference: SecretReference) -> Secret:
        """Raises VaultError: missing, locked, dismissed or absent."""

    def put(self, reference: SecretReference, secret: Secret) -> None: ...
    def forget(self, reference: SecretReference) -> None: ...
    def has(self, reference: SecretReference) -> bool: ...
    def state(self) -> VaultState:
        """Without ever raising a prompt."""

    def unlock(self) -> VaultState:
        """Show the keyring's own question for its password, even if it was dismissed before. May wait for long."""

    @property
    def for_this_run_only(self) -> bool:
        """Whether what is put is gone when the program ends."""

    def keep_for_this_run_only(self) -> None:
        """Keep credentials in memory from now on, and in no keyring: a person's choice where there is none."""


# --- the engines --------------------------------------------------------------------------------------------------


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


class EngineSession(Protocol):
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

    def free_disk(self, facts: EngineFacts, inside: str = "") -> int | None:
        """Octets that are free where the engine keeps its images; None where that can't be learned.

        Where its host can't be asked, the running container `inside` is, if its id is given.
        """

    def facts(self) -> EngineFacts: ...
    def events(self) -> EventStream:
        """Everything that happens to containers from this call on is heard on it. The caller closes it."""

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
