"""The verbs of one engine: each is a sentence of ours, said in Docker's words, and checked on the way back."""

from __future__ import annotations

import http.client
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from mirror_console.domain.engine import EngineFacts, Way
from mirror_console.domain.environment import CONTAINER_NAME, RestartPolicy
from mirror_console.domain.health import ProbeAnswer
from mirror_console.domain.in_place import Granted
from mirror_console.domain.observation import Container, Ending, Listed
from mirror_console.domain.plain import clean
from mirror_console.domain.request import ContainerSpec, Network, Ran, Written
from mirror_console.domain.room import Room
from mirror_console.domain.ssh import HostKey
from mirror_console.domain.validity import Validity
from mirror_console.engine import bodies, free_space, podman, replies, streams, translate
from mirror_console.engine.asking import unfit
from mirror_console.engine.container_output import read_written
from mirror_console.engine.events import AND_SERVICES, CONTAINERS, EventStream, subscribe
from mirror_console.engine.images import ImageVerbs
from mirror_console.engine.inside import run_inside
from mirror_console.engine.ssh_channel import as_socket
from mirror_console.engine.swarm import SwarmManagerVerbs
from mirror_console.errors import EngineError, FailureKind


class DockerSession(ImageVerbs, SwarmManagerVerbs):
    """One engine, reached. Every call raises EngineError and gives up after the engine's timeout.

    Reads are asked a second time where the connection broke; changes never: look what became of them.
    """

    # --- the engine -----------------------------------------------------------------------------------------------

    @property
    def host_key(self) -> HostKey | None:
        """The key that the engine's SSH server was seen to have; None where it is reached otherwise."""
        return self._link.by_ssh.host_key if self._link.by_ssh is not None else None

    @property
    def server_key(self) -> str:
        """The fingerprint of the key that its server was seen to have by TLS; empty where it is reached otherwise."""
        return self._link.server_key

    @property
    def certificate(self) -> Validity | None:
        """From when until when the client certificate is valid; None where it is reached otherwise."""
        return self._link.certificate

    def free_disk(self, facts: EngineFacts, inside: str = "") -> Room | None:
        """The room where the engine keeps its images; None where that can't be learned.

        An engine itself doesn't tell. Its host does by SSH, the file system where it is this computer; else the
        container `inside` is asked with ``df``, where its id is given, it runs and has that command.
        """
        if self._link.by_ssh is not None:
            return self._link.by_ssh.free_disk(facts.folder) if facts.folder else None
        here = self._engine.address.way is Way.SOCKET and free_space.is_here(facts.name, facts.kernel)
        free = free_space.of_folder(facts.folder) if here and facts.folder else None
        return self._free_inside(inside) if free is None and inside else free

    def _free_inside(self, container_id: str) -> Room | None:
        def run(command: Sequence[str]) -> str:
            try:
                return self.run_inside(container_id, command, free_space.MOST, self._engine.timeout).written
            except EngineError as error:
                if error.unreachable:
                    raise
                return ""  # such a command, or any at all, may not be run there

        written = run(free_space.COMMAND)
        return free_space.told(written, run(free_space.FILES_COMMAND)) if free_space.told(written) else None

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
        """Subscribe to what happens to containers, and to services of its Swarm, over a connection of its own.

        The caller closes it.
        """
        with self._words("tell of its events"):
            # Podman refuses a stream of anything that it doesn't know.
            kinds = CONTAINERS if self._is_podman else AND_SERVICES
            return subscribe(self._engine.name, self._link.streams, self._link.api, self._engine.timeout, kinds)

    def volumes(self) -> frozenset[str]:
        """The names of all volumes, in one request."""
        return self._read("list its volumes", lambda client: translate.volumes(client.read_all("/volumes")))

    def networks(self) -> list[Network]:
        """All networks of the engine."""
        return self._read("list its networks", lambda client: translate.networks(client.read_all("/networks")))

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
            lambda client: translate.listing(client.read_all("/containers/json", {"all": 1}), self._link.told),
        )
        self._link.told = told
        return list(told.values())

    def list_these(self, container_ids: Collection[str]) -> list[Listed]:
        """Those of these containers that are there, by their ids, in one request."""
        wanted = [_container_id(one) for one in container_ids]
        if not wanted:
            return []
        asked: dict[str, str | int] = {"all": 1, "filters": msgspec.json.encode({"id": wanted}).decode()}
        told = self._read(
            "list some of its containers", lambda client: translate.listing(client.read_all("/containers/json", asked))
        )
        return [one for one in told.values() if one.id in wanted]

    def inspect(self, container: str) -> Container | None:
        """By id or exact name. None where there is none."""
        seen = self._inspected(container)
        if seen is None:
            return None
        given = self._given(seen.image)
        with self._words("show a container"):
            return translate.container(podman.as_docker(seen, given) if self._is_podman else seen, given)

    def endings(self, container_id: str, since: datetime, until: datetime) -> tuple[Ending, ...]:
        """How it ended in this time of the engine's clock, as far as the engine remembers, oldest first."""
        wanted = {"container": [_container_id(container_id)], "event": ["die", "died", "oom"]}
        asked = {
            "since": f"{since.timestamp():.6f}",
            "until": f"{until.timestamp():.6f}",
            "filters": msgspec.json.encode(wanted).decode(),
        }
        return self._read("tell why a container ended", lambda client: translate.endings(client.read("/events", asked)))

    def create(self, spec: ContainerSpec) -> str:
        """Make a container and put it into its networks. Returns the id. CONFLICT where the name is taken.

        Where an engine can't do both at once and the second fails, the container stays: its name finds it.
        """
        name = _container_name(spec.name)
        ids = self._network_ids(bodies.own_networks(spec))
        major, _, minor = self._link.api.partition(".")
        body = bodies.create_body(spec, ids, (int(major), int(minor)))
        with self._words(f"make the container {name}"):
            made = translate.created(self._link.calls.change("/containers/create", body.content, {"name": name}))
            for network in body.connect:
                self._link.calls.connect_container_to_network(made, network)
            if body.route is not None:
                network, alias = body.route
                self._link.calls.connect_container_to_network(made, network, aliases=[alias])
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

    def grant(self, container_id: str, wanted: Granted, now: Granted) -> None:
        """Change limits and restart policy of a container in place: only what differs from what is granted `now`.

        An engine that can't may say so, or do nothing: look at it afterwards. REJECTED by Podman.
        """
        with self._lacking("change the limits"):
            content = bodies.update_body(wanted, now)
            self._link.calls.change(f"/containers/{_container_id(container_id)}/update", content)

    def remove(self, container_id: str) -> None:
        """Remove a container that doesn't run, and never its volumes. That it isn't there is fine."""
        try:
            with self._words("remove the container"):
                self._link.calls.take_away(f"/containers/{_container_id(container_id)}")
        except EngineError as error:
            if error.kind is not FailureKind.NOT_FOUND:
                raise

    def connect(self, container_id: str, network_id: str, aliases: Sequence[str] = (), address: str = "") -> None:
        """Put a container into a network, running or not. REJECTED where it can't have the `address` that is asked for.

        That it is there already is refused too, in words that differ between engines: look.
        """
        with self._words("put the container into a network"):
            self._link.calls.connect_container_to_network(
                _container_id(container_id),
                _container_id(network_id),
                aliases=list(aliases) or None,
                ipv4_address=address or None,
            )

    def disconnect(self, container_id: str, network_id: str) -> None:
        """Take a container out of a network, running or not. That it isn't there is refused: look."""
        with self._words("take the container out of a network"):
            self._link.calls.disconnect_container_from_network(_container_id(container_id), _container_id(network_id))

    def logs(self, container_id: str, tail: int) -> list[str]:
        """The last lines of output, of both outputs."""
        seen = self._inspected(container_id)
        if seen is None:
            return []
        asked: dict[str, str | int] = {"stdout": 1, "stderr": 1, "tail": tail}
        body = self._read(
            "give the container's output", lambda client: client.read_all(f"/containers/{seen.id}/logs", asked)
        )
        return streams.output(body, terminal=seen.config.tty, last=tail)

    def output(self, container_id: str, most: int) -> Written:
        """The beginning of what a container wrote and, where it goes on, its end: `most` octets of each at most."""
        doing = "give the container's output"
        seen = self._inspected(container_id)
        if seen is None:
            raise EngineError(FailureKind.NOT_FOUND, f"{self._engine.name} has no such container any more.")
        link, seconds = self._link, self._engine.timeout
        return self._read(
            doing,
            lambda _calls: read_written(link.streams, link.api, seen.id, most, seconds, terminal=seen.config.tty),
        )

    # --- the application ------------------------------------------------------------------------------------------

    def run_inside(self, container_id: str, command: Sequence[str], most: int, limit: float) -> Ran:
        """Run a command in a container that runs, as it is set up, and wait `limit` seconds for its end.

        `most` octets of what it writes are kept. CONFLICT where the container doesn't run, REJECTED by Podman.
        """
        with self._words("run a command in the container"):
            return run_inside(self._link, _container_id(container_id), command, most, limit)

    def probe(self, port: int, path: str, timeout: float, host: str = "") -> ProbeAnswer:
        """Ask a published host port of this engine over HTTP. Never raises; follows no redirect.

        `host` is whom it is asked for, where several are served there.
        From here; but by SSH through the connection, as from here there may be no way to the engine's ports.
        """
        address = self._engine.address
        there = self._engine.probe_host or (address.host if address.way is Way.TLS else "127.0.0.1")
        connection = http.client.HTTPConnection(there, port, timeout=timeout)
        headers = {"User-Agent": "mirror-console", "Connection": "close"} | ({"Host": host} if host else {})
        try:
            if self._link.by_ssh is not None and not self._engine.probe_host:
                connection.sock = as_socket(self._link.by_ssh.tunnel(port, timeout))
                connection.sock.settimeout(timeout)
            connection.request("GET", path, headers=headers)
            return ProbeAnswer(connection.getresponse().status)
        except TimeoutError:
            return ProbeAnswer(None, "no answer in time")
        except EngineError as error:
            return ProbeAnswer(None, clean(error.title, 200))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return ProbeAnswer(None, clean(str(error) or type(error).__name__, 200))
        finally:
            connection.close()

    # --- parts ---

    def _inspected(self, container: str) -> replies.InspectedContainer | None:
        if not CONTAINER_NAME.fullmatch(container):
            return None
        path = f"/containers/{container}/json"
        seen = self._found("show a container", lambda client: translate.parse_container(client.read(path)))
        # An engine also takes the beginning of an id: that would be another container.
        return seen if seen and container in {seen.id, seen.name.lstrip("/")} else None

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
        raise unfit("the id of a container", text)
    return text


def _container_name(text: str) -> str:
    if not CONTAINER_NAME.fullmatch(text):
        raise unfit("a name for a container", text)
    return text


def _volume_name(text: str) -> str:
    if not CONTAINER_NAME.fullmatch(text):
        raise unfit("a name for a volume", text)
    return text
