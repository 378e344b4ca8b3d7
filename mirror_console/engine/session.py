"""The verbs of one engine: each is a sentence of ours, said in Docker's words, and checked on the way back."""

from __future__ import annotations

import http.client
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TypeVar

from mirror_console.domain.engine import Engine, EngineFacts, Way
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.environment import CONTAINER_NAME, RestartPolicy
from mirror_console.domain.health import ProbeAnswer
from mirror_console.domain.image import Image, ImageReference, parse_reference
from mirror_console.domain.observation import Container, Listed
from mirror_console.domain.plain import clean
from mirror_console.domain.request import ContainerSpec, Network, PullProgress, RegistryLogin, Resolved
from mirror_console.domain.ssh import HostKey
from mirror_console.engine import bodies, podman, replies, streams, translate
from mirror_console.engine.client import EngineClient, sign_in_header
from mirror_console.engine.events import EventStream, subscribe
from mirror_console.engine.failures import in_our_words
from mirror_console.engine.ssh import SshWay
from mirror_console.engine.ssh_channel import as_socket
from mirror_console.engine.transport import ServerKey, pieces
from mirror_console.errors import EngineError, FailureKind, InvalidInput

T = TypeVar("T")

REGISTRY_SECONDS = 30.0
"""At least as long is waited where the engine asks a registry first."""
SILENCE_SECONDS = 120.0
"""The longest silence in a pull. An engine itself tries for 75 seconds before it gives a broken layer up."""
LAST_IMAGES = 512


class Link:
    """What is open to one engine: a client for calls, one for replies that last, and what was learned for good."""

    def __init__(self, calls: EngineClient, streams: EngineClient, by_ssh: SshWay | None = None) -> None:
        self.calls = calls
        self.streams = streams
        self.by_ssh = by_ssh
        if by_ssh is not None:
            # Its threads keep it alive, so nothing else would ever close it.
            weakref.finalize(self, by_ssh.close)
        self.hear_out: Callable[[], None] = lambda: None
        """Raises EngineError where the engine, when it is only listened to, says why it breaks off."""
        self.seen: ServerKey | None = None
        """By TLS: the key that the server was seen to have."""
        self.api = ""
        self.kind = EngineKind.DOCKER
        self.image_configs: dict[str, replies.ImageConfig] = {}
        """What images give to containers, by id: ids never change their meaning on one engine."""
        self.told: translate.Told = {}
        """The last listing."""

    @property
    def server_key(self) -> str:
        """The fingerprint of the key that the server was seen to have by TLS."""
        return self.seen.fingerprint if self.seen is not None else ""

    def speak(self, api: str) -> None:
        """Use this API version from now on."""
        self.api = api
        self.calls.speak(api)
        self.streams.speak(api)

    def close(self) -> None:
        """Close all connections. What is in flight ends by itself."""
        self.calls.close()
        self.streams.close()


class DockerSession:
    """One engine, reached. Every call raises EngineError and gives up after the engine's timeout.

    Reads are asked a second time where the connection broke; changes never: look what became of them.
    """

    def __init__(self, engine: Engine, link: Link, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._link = link
        self._clock = clock

    # --- the engine -----------------------------------------------------------------------------------------------

    @property
    def host_key(self) -> HostKey | None:
        """The key that the engine's SSH server was seen to have; None where it is reached otherwise."""
        return self._link.by_ssh.host_key if self._link.by_ssh is not None else None

    @property
    def server_key(self) -> str:
        """The fingerprint of the key that its server was seen to have by TLS; empty where it is reached otherwise."""
        return self._link.server_key

    def free_disk(self) -> int | None:
        """Octets that are free where the engine keeps its images; None where that can't be learned."""
        if self._link.by_ssh is None:
            return None  # an engine itself doesn't tell
        folder = self._read("tell about itself", lambda client: translate.root_folder(client.read("/info")))
        return self._link.by_ssh.free_disk(folder) if folder else None

    def facts(self) -> EngineFacts:
        """What the engine says of itself."""
        doing = "tell about itself"
        version = self._read(doing, lambda client: client.read("/version"))
        before = self._clock()
        info = self._read(doing, lambda client: client.read("/info"))
        halfway = before + (self._clock() - before) / 2
        with self._words(doing):
            told = translate.facts(version, info, api=self._link.api, now=halfway)
        # A proxy may have kept it back when it was greeted.
        self._link.kind = told.kind
        return told

    def events(self) -> EventStream:
        """Subscribe to what happens to containers, over a connection of its own. The caller closes it."""
        with self._words("tell of its events"):
            return subscribe(self._engine.name, self._link.streams, self._link.api, self._engine.timeout)

    def networks(self) -> list[Network]:
        """All networks of the engine."""
        return self._read("list its networks", lambda client: translate.networks(client.read("/networks")))

    def create_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Make a network of the engine's own kind (bridge). Before API 1.44 there may be several of one name."""
        with self._words(f"make the network {clean(name)}"):
            self._link.calls.create_network(name, driver="bridge", check_duplicate=True, labels=dict(labels))

    def volume_exists(self, name: str) -> bool:
        """Whether a volume of that name is there."""
        path = f"/volumes/{_volume_name(name)}"
        return self._found("look for a volume", lambda client: client.read(path)) is not None

    def create_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Make a local volume. One that is there already stays as it is."""
        with self._words(f"make the volume {clean(name)}"):
            self._link.calls.create_volume(_volume_name(name), labels=dict(labels))

    # --- containers -----------------------------------------------------------------------------------------------

    def list_containers(self) -> list[Listed]:
        """All containers, running or not, of ours or not, in one request."""
        told = self._read(
            "list its containers",
            lambda client: translate.listing(client.read("/containers/json", {"all": 1}), self._link.told),
        )
        self._link.told = told
        return list(told.values())

    def inspect(self, container: str) -> Container | None:
        """By id or exact name. None where there is none."""
        seen = self._inspected(container)
        if seen is None:
            return None
        given = self._given(seen.image)
        with self._words("show a container"):
            return translate.container(podman.as_docker(seen, given) if self._is_podman else seen, given)

    def create(self, spec: ContainerSpec) -> str:
        """Make a container and put it into its networks. Returns the id. CONFLICT where the name is taken.

        Where an engine can't do both at once and the second fails, the container stays: its name finds it.
        """
        name = _container_name(spec.name)
        ids = self._network_ids(bodies.own_networks(spec.settings.networks))
        major, _, minor = self._link.api.partition(".")
        body = bodies.create_body(spec, ids, (int(major), int(minor)))
        with self._words(f"make the container {name}"):
            made = translate.created(self._link.calls.change("/containers/create", body.content, {"name": name}))
            for network in body.connect:
                self._link.calls.connect_container_to_network(made, network)
        return made

    def start(self, container_id: str) -> None:
        """Start a container. That it runs already is fine."""
        with self._words("start the container"):
            self._link.calls.change(f"/containers/{_container_id(container_id)}/start")

    def stop(self, container_id: str, seconds: int) -> None:
        """Stop a container, by force after `seconds`, and wait for it. That it is stopped already is fine."""
        with self._words("stop the container"):
            path = f"/containers/{_container_id(container_id)}/stop"
            self._link.calls.change(path, params={"t": seconds}, seconds=self._engine.timeout + seconds)

    def rename(self, container_id: str, name: str) -> None:
        """Give a container another name. CONFLICT where the name is taken."""
        with self._words(f"name the container {clean(name)}"):
            path = f"/containers/{_container_id(container_id)}/rename"
            self._link.calls.change(path, params={"name": _container_name(name)})

    def set_restart(self, container_id: str, policy: RestartPolicy, retries: int = 0) -> None:
        """Change the restart policy in place, of a container that was never started too. REJECTED by Podman."""
        with self._lacking("change the restart policy"):
            content = {"RestartPolicy": bodies.restart_policy(policy, retries)}
            self._link.calls.change(f"/containers/{_container_id(container_id)}/update", content)

    def remove(self, container_id: str) -> None:
        """Remove a container that doesn't run, and never its volumes. That it isn't there is fine."""
        try:
            with self._words("remove the container"):
                self._link.calls.take_away(f"/containers/{_container_id(container_id)}")
        except EngineError as error:
            if error.kind is not FailureKind.NOT_FOUND:
                raise

    def logs(self, container_id: str, tail: int) -> list[str]:
        """The last lines of output, of both outputs."""
        seen = self._inspected(container_id)
        if seen is None:
            return []
        asked: dict[str, str | int] = {"stdout": 1, "stderr": 1, "tail": tail}
        body = self._read(
            "give the container's output", lambda client: client.read(f"/containers/{seen.id}/logs", asked)
        )
        return streams.output(body, terminal=seen.config.tty)[-tail:]

    # --- images ---------------------------------------------------------------------------------------------------

    def image(self, image: str) -> Image | None:
        """By id or reference. None where the engine hasn't got it."""
        found = self._image(image)
        if found is None:
            return None
        with self._words("show an image"):
            return translate.image(*found)

    def resolve(self, reference: str, login: RegistryLogin | None) -> Resolved:
        """Ask the registry through the engine, without pulling. REJECTED by Podman."""
        path = f"/distribution/{_image_path(reference)}/json"
        seconds = max(self._engine.timeout, REGISTRY_SECONDS)
        doing = f"look up {clean(reference)} in its registry"
        with self._lacking(doing):
            return self._read(
                doing,
                lambda client: translate.resolved(client.read(path, headers=_sign_in(login), seconds=seconds)),
                registry=True,
            )

    def pull(
        self,
        reference: str,
        login: RegistryLogin | None,
        report: Callable[[PullProgress], None],
        stopped: Callable[[], bool],
    ) -> None:
        """Pull to the end of the stream. An error in it is raised; returns early where `stopped` says so.

        That the image is there afterwards is proved by looking at it, not by this.
        """
        with self._words(f"pull {clean(reference)}", registry=True):
            wanted = _reference(reference)
            asked = {"fromImage": wanted.repository, "tag": wanted.digest or wanted.tag or "latest"}
            seconds = max(self._engine.timeout, SILENCE_SECONDS)
            pull = streams.Pull()
            with self._link.streams.begin("/images/create", asked, _sign_in(login), seconds) as response:
                for line in streams.lines(pieces(response)):
                    report(pull.read(line))
                    if stopped():
                        return

    # --- the application ------------------------------------------------------------------------------------------

    def probe(self, port: int, path: str, timeout: float) -> ProbeAnswer:
        """Ask a published host port of this engine over HTTP. Never raises; follows no redirect.

        From here; but by SSH through the connection, as from here there may be no way to the engine's ports.
        """
        address = self._engine.address
        host = self._engine.probe_host or (address.host if address.way is Way.TLS else "127.0.0.1")
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
        try:
            if self._link.by_ssh is not None and not self._engine.probe_host:
                connection.sock = as_socket(self._link.by_ssh.tunnel(port, timeout))
                connection.sock.settimeout(timeout)
            connection.request("GET", path, headers={"User-Agent": "mirror-console", "Connection": "close"})
            return ProbeAnswer(connection.getresponse().status)
        except TimeoutError:
            return ProbeAnswer(None, "no answer in time")
        except EngineError as error:
            return ProbeAnswer(None, clean(error.title, 200))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return ProbeAnswer(None, clean(str(error) or type(error).__name__, 200))
        finally:
            connection.close()

    # --- how it is asked ------------------------------------------------------------------------------------------

    def _words(self, doing: str, *, registry: bool = False) -> AbstractContextManager[None]:
        return in_our_words(self._engine.name, doing, registry=registry)

    @contextmanager
    def _lacking(self, doing: str) -> Iterator[None]:
        """What Podman has no place for is answered by its front door, in words that no engine uses."""
        try:
            with self._words(doing):
                yield
        except EngineError as error:
            if not (self._is_podman and error.kind is FailureKind.INVALID_REPLY):
                raise
            title = f"{self._engine.name} is Podman, which can't {doing}."
            raise EngineError(FailureKind.REJECTED, title, "Use a Docker engine for this.") from error

    @property
    def _is_podman(self) -> bool:
        return self._link.kind is EngineKind.PODMAN

    def _read(self, doing: str, ask: Callable[[EngineClient], T], *, registry: bool = False) -> T:
        try:
            with self._words(doing, registry=registry):
                return ask(self._link.calls)
        except EngineError as error:
            if error.kind is not FailureKind.DROPPED:
                raise
        # An idle connection may have been closed just as it was used again; and to read twice does no harm.
        try:
            with self._words(doing, registry=registry):
                return ask(self._link.calls)
        except EngineError as error:
            if error.kind is FailureKind.DROPPED:
                self._link.hear_out()
            raise

    def _found(self, doing: str, ask: Callable[[EngineClient], T]) -> T | None:
        try:
            return self._read(doing, ask)
        except EngineError as error:
            if error.kind in {FailureKind.NOT_FOUND, FailureKind.IMAGE_NOT_FOUND}:
                return None
            raise

    def _inspected(self, container: str) -> replies.InspectedContainer | None:
        if not CONTAINER_NAME.fullmatch(container):
            return None
        path = f"/containers/{container}/json"
        seen = self._found("show a container", lambda client: translate.parse_container(client.read(path)))
        # An engine also takes the beginning of an id: that would be another container.
        return seen if seen and container in {seen.id, seen.name.lstrip("/")} else None

    def _image(self, image: str) -> translate.ReadImage | None:
        path = f"/images/{_image_path(image)}/json"
        found = self._found("show an image", lambda client: self._parsed_image(client, path))
        if found is not None:
            configs = self._link.image_configs
            if len(configs) >= LAST_IMAGES:
                configs.clear()
            configs[found[0].id] = found[0].config or replies.ImageConfig()
        return found

    def _parsed_image(self, client: EngineClient, path: str) -> translate.ReadImage:
        reply = client.read(path)
        return (
            podman.parse_image(reply, client.read(f"/libpod{path}"))
            if self._is_podman
            else translate.parse_image(reply)
        )

    def _given(self, image_id: str) -> replies.ImageConfig | None:
        """What an image gives to its containers; None where it isn't there any more."""
        if image_id not in self._link.image_configs and translate.IMAGE_ID.fullmatch(image_id):
            self._image(image_id)
        return self._link.image_configs.get(image_id)

    def _network_ids(self, names: tuple[str, ...]) -> dict[str, str]:
        if not names:
            return {}
        there = self.networks()
        found = {}
        for name in names:
            ids = [network.id for network in there if network.name == name]
            if len(ids) != 1:
                kind = FailureKind.CONFLICT if ids else FailureKind.NOT_FOUND
                how = f"has {len(ids)} networks" if ids else "has no network"
                hint = "Remove or rename all but one of them." if ids else "Make it, or correct the settings."
                raise EngineError(kind, f"{self._engine.name} {how} with the name {clean(name)}.", hint)
            found[name] = ids[0]
        return found


# --- what goes into paths -----------------------------------------------------------------------------------------


def _container_id(text: str) -> str:
    if not translate.ID.fullmatch(text):
        raise _unfit("the id of a container", text)
    return text


def _container_name(text: str) -> str:
    if not CONTAINER_NAME.fullmatch(text):
        raise _unfit("a name for a container", text)
    return text


def _volume_name(text: str) -> str:
    if not CONTAINER_NAME.fullmatch(text):
        raise _unfit("a name for a volume", text)
    return text


def _reference(text: str) -> ImageReference:
    try:
        return parse_reference(text)
    except InvalidInput as error:
        raise _unfit("an image reference", text) from error


def _image_path(text: str) -> str:
    """An id as it is; a reference as far as it could be read, so that nothing else gets into a path."""
    return text if translate.IMAGE_ID.fullmatch(text) else str(_reference(text))


def _unfit(what: str, text: str) -> EngineError:
    return EngineError(FailureKind.REJECTED, f"'{clean(text, 120)}' is not {what}.", "Correct it and try again.")


def _sign_in(login: RegistryLogin | None) -> dict[str, str]:
    return sign_in_header(login.user, login.password.reveal()) if login else sign_in_header()
