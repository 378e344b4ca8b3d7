"""One real Docker engine as a host of its own: namespaces, containerd, dockerd, socket, and an address by cable."""

from __future__ import annotations

import functools
import http.client
import json
import re
import shlex
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from tests.lab.certificates import Credentials
from tests.lab.network import LabNetwork
from tests.lab.processes import Process, kill_all, start, tail, until
from tests.lab.programs import LabError, find, run
from tests.lab.ssh import GROUP, LabSsh

LONGEST_SOCKET = 104
"""Characters in the path of a socket, as the kernel allows, less what containerd appends."""


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """What an engine is to be.

    Without `bridge` it starts containers faster, and has only the networks `host` and `none`.
    With `tls` it listens on its address too, for clients with a certificate; with `ssh` an SSH server does, and the
    local socket is for the lab and for that server's users. `live_restore` is dockerd's own option.
    With `podman` it is Podman's system service instead of dockerd, by its local socket alone.
    `disk` is how many megabytes its data may take, in memory and gone with its last process; 0: as many as there are.
    """

    name: str
    tls: bool = False
    bridge: bool = True
    live_restore: bool = False
    podman: bool = False
    ssh: bool = False
    disk: int = 0


class LabEngine:
    """An engine of the lab. Its containerd is a process of its own, so dockerd may be killed and started again."""

    daemon = "dockerd"
    """The program that answers."""

    def __init__(
        self, spec: EngineSpec, *, network: LabNetwork, place: int, folder: Path, registry: str, owner: tuple[int, int]
    ) -> None:
        self.spec = spec
        self.network = network
        self.place = place
        self.folder = folder
        self._registry = registry
        self._owner = owner
        if len(str(self._containerd_socket)) > LONGEST_SOCKET:
            raise LabError(f"The lab's folder has too long a path for sockets: {folder}")

    @property
    def name(self) -> str:
        """Its name, which is also the host name that it tells."""
        return self.spec.name

    @property
    def host(self) -> str:
        """The address where the ports that its containers publish are reached."""
        return self.network.address(self.place)

    @property
    def socket(self) -> Path:
        """Its local socket, open to the lab's owner."""
        return self.folder / "docker.sock"

    @property
    def unix_url(self) -> str:
        """The address of its local socket as Docker's tools write it."""
        return f"unix://{self.socket}"

    @property
    def tls_url(self) -> str:
        """Its address by TLS. Raises LabError when it has none."""
        self._need_tls()
        return f"tcp://{self.host}:2376"

    @property
    def url(self) -> str:
        """The address for the console: by TLS or SSH when it listens so, else its local socket."""
        if self.spec.ssh:
            return self.ssh.url()
        return self.tls_url if self.spec.tls else self.unix_url

    @property
    def ssh(self) -> LabSsh:
        """Its SSH server. Raises LabError when it has none."""
        if not self.spec.ssh:
            raise LabError(f"The engine {self.name} has no SSH server.")
        return LabSsh(network=self.network, place=self.place, folder=self.folder / "ssh", engine=self.socket)

    @property
    def client_folder(self) -> Path:
        """Where ca.pem, cert.pem and key.pem of its client are, the lab owner's own. Raises LabError without TLS."""
        self._need_tls()
        return self.folder / "client"

    @property
    def client(self) -> Credentials:
        """The credentials of its client. Raises LabError without TLS."""
        return Credentials.read(self.client_folder)

    @property
    def pid(self) -> int:
        """The process id of its daemon. Raises LabError when that doesn't run."""
        daemon = self._running(self.daemon)
        if daemon is None:
            raise LabError(f"The engine {self.name} doesn't run.")
        return daemon.pid

    def volume(self, name: str) -> Path:
        """Where the content of a volume is, for waiting: what an engine with a disk of its own has isn't seen here."""
        return self.folder / "data" / "volumes" / name / "_data"

    @property
    def log(self) -> Path:
        """What its daemon said."""
        return self.folder / f"{self.daemon}.log"

    def start(self) -> None:
        """Start what of it doesn't run, and wait until it answers. Raises LabError with the end of its log."""
        if self._running("containerd") is None:
            self._start_containerd()
        if not self.running():
            self._start_dockerd()
        if self.spec.ssh:
            self.ssh.start()

    def stop(self) -> None:
        """Stop dockerd the orderly way (SIGTERM): it stops its containers first, which takes as long as they need."""
        daemon = self._running(self.daemon)
        if daemon is not None and daemon.signal(signal.SIGTERM) and not daemon.ended(60.0):
            raise LabError(f"The engine {self.name} doesn't stop: {tail(self.log)}")

    def kill(self) -> None:
        """End dockerd by SIGKILL and wait until it is gone. Its containers run on, with nobody to look after them."""
        daemon = self._running(self.daemon)
        if daemon is not None:
            daemon.kill()

    def restart(self) -> None:
        """Stop in the orderly way and start again."""
        self.stop()
        self.start()

    @property
    def server(self) -> Credentials:
        """The certificate that it shows, with its key. Raises LabError without TLS."""
        self._need_tls()
        return Credentials.read(self.folder / "server")

    def show(self, server: Credentials) -> None:
        """Restart with another certificate than before."""
        self._need_tls()
        server.write(self.folder / "server", (0, 0))
        self.restart()

    def reboot(self) -> None:
        """Lose power and come back: daemons, shims and containers end at once, what is on the disk stays."""
        self.power_off()
        self.start()

    def power_off(self) -> None:
        """End everything that runs on this engine's host, at once."""
        kill_all(lambda: self.network.processes(self.place))

    def freeze(self) -> None:
        """Stop dockerd in its tracks (SIGSTOP): connections are taken, nothing is answered, until `thaw`."""
        daemon = self._running(self.daemon)
        if daemon is None or not daemon.freeze():
            raise LabError(f"The engine {self.name} doesn't run.")

    def thaw(self) -> None:
        """Let a frozen dockerd go on."""
        daemon = self._running(self.daemon)
        if daemon is None or not daemon.signal(signal.SIGCONT):
            raise LabError(f"The engine {self.name} doesn't run.")

    def cut(self) -> None:
        """Pull the cable: its address neither answers nor refuses. The local socket still does."""
        self._cut.touch()
        self.network.cut(self.place)

    def uncut(self) -> None:
        """Plug the cable in again, if it was pulled."""
        if self._cut.exists():
            self.network.cut(self.place, off=False)
            self._cut.unlink()

    def mend(self) -> None:
        """Undo freeze, cut, stop and kill: afterwards it answers."""
        daemon = self._running(self.daemon)
        if daemon is not None:
            daemon.signal(signal.SIGCONT)
        self.uncut()
        if self.spec.ssh:
            self.ssh.mend()
        self.start()

    def running(self) -> bool:
        """Whether its daemon runs (a frozen one does)."""
        return self._running(self.daemon) is not None

    def answers(self) -> bool:
        """Whether it answers a ping on its local socket within a second."""
        connection = http.client.HTTPConnection("engine", timeout=1.0)
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1.0)
            try:
                line.connect(str(self.socket))
                connection.sock = line
                connection.request("GET", "/_ping")
                return connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False
            finally:
                connection.close()

    def install(self, server: Credentials | None, client: Credentials | None) -> None:
        """Make its folder with its settings, and plug it into the network; once, before the first start."""
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o711)
        self.network.plug(self.place)
        if self.spec.tls:
            if server is None or client is None:
                raise LabError(f"The engine {self.name} needs certificates.")
            server.write(self.folder / "server", (0, 0))
            client.write(self.client_folder, self._owner)
        if self.spec.ssh:
            self.ssh.install()
        self._write_settings()

    def _write_settings(self) -> None:
        self._containerd_settings.write_text(self._containerd_text())
        self._settings.write_text(json.dumps(self._dockerd_settings(), indent=1))

    @property
    def _group(self) -> str:
        return f"{self.network.name}/{self.place}"

    @property
    def _settings(self) -> Path:
        return self.folder / "daemon.json"

    @property
    def _containerd_settings(self) -> Path:
        return self.folder / "containerd.toml"

    @property
    def _containerd_socket(self) -> Path:
        return self.folder / "containerd.sock"

    @property
    def _cut(self) -> Path:
        """Is there while the cable is pulled."""
        return self.folder / "cut"

    def _record(self, daemon: str) -> Path:
        return self.folder / f"{daemon}.process"

    def _running(self, daemon: str) -> Process | None:
        process = Process.recorded(self._record(daemon))
        return process if process is not None and process.alive() else None

    def _need_tls(self) -> None:
        if not self.spec.tls:
            raise LabError(f"The engine {self.name} doesn't listen with TLS.")

    def _start_containerd(self) -> None:
        # Mounts and host name are its own too: its containers' mounts never show on this machine, they vanish with its
        # last process, and an empty /run keeps it from what other daemons have there.
        self._containerd_socket.unlink(missing_ok=True)
        private = 'mount -t tmpfs -o mode=755 lab /run && hostname "$1" && shift && exec "$@"'
        if self.spec.disk:
            data = self.folder / "data"
            data.mkdir(exist_ok=True)
            private = f"mount -t tmpfs -o mode=711,size={self.spec.disk}m lab {shlex.quote(str(data))} && {private}"
        unshare = ["unshare", "--mount", "--uts", "--propagation", "slave", "sh", "-c", private, "sh", self.name]
        log = self.folder / "containerd.log"
        daemon = [find("containerd"), "--config", str(self._containerd_settings)]
        process = start([*self.network.inside(self.place), *unshare, *daemon], log=log)
        process.record(self._record("containerd"))
        until(lambda: _listens(self._containerd_socket), process, f"containerd of {self.name}", log)

    def _start_dockerd(self) -> None:
        containerd = self._running("containerd")
        if containerd is None:
            raise LabError(f"containerd of the engine {self.name} has ended: {tail(self.folder / 'containerd.log')}")
        inside = ["nsenter", "--target", str(containerd.pid), "--mount", "--uts", "--net"]
        (self.folder / "docker.pid").unlink(missing_ok=True)
        process = start([*inside, find("dockerd"), *self._dockerd_options()], log=self.log)
        process.record(self._record(self.daemon))
        until(self.answers, process, f"The engine {self.name}", self.log)

    def _dockerd_options(self) -> list[str]:
        options = ["--config-file", str(self._settings), "--host", self.unix_url]
        if self.spec.tls:
            pem = self.folder / "server"
            options += ["--host", self.tls_url, "--tlsverify", "--tlscacert", str(pem / "ca.pem")]
            options += ["--tlscert", str(pem / "cert.pem"), "--tlskey", str(pem / "key.pem")]
        if not self.spec.bridge:
            options += ["--bridge=none", "--iptables=false", "--ip6tables=false"]
        return options

    def _dockerd_settings(self) -> dict[str, object]:
        """Everything that dockerd would else put into folders of the whole machine is put into the engine's folder."""
        settings: dict[str, object] = {
            "data-root": str(self.folder / "data"),
            "exec-root": str(self.folder / "exec"),
            "pidfile": str(self.folder / "docker.pid"),
            "containerd": str(self._containerd_socket),
            "cgroup-parent": f"/{self._group}",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "insecure-registries": [self._registry, self.network.here],
            "live-restore": self.spec.live_restore,
        }
        if _major_version() < 25:
            settings["deprecated-key-path"] = str(self.folder / "key.json")
        group = GROUP if self.spec.ssh else self._owner[1]
        if group:
            settings["group"] = str(group)
        return settings

    def _containerd_text(self) -> str:
        unused = ["grpc.v1.cri", "internal.v1.opt", *(f"snapshotter.v1.{it}" for it in ("aufs", "btrfs", "zfs"))]
        plugins = ", ".join(f'"io.containerd.{plugin}"' for plugin in [*unused, "snapshotter.v1.devmapper"])
        return (
            "version = 2\n"
            f'root = "{self.folder / "containerd" / "root"}"\n'
            f'state = "{self.folder / "containerd" / "state"}"\n'
            f"disabled_plugins = [{plugins}]\n"
            "[grpc]\n"
            f'address = "{self._containerd_socket}"\n'
            # It looks for garbage as often as takes this share of its time. At 0.02, its own, that is several
            # hundred times a second, for hardly any: a fiftieth of a core all day, for each engine.
            '[plugins."io.containerd.gc.v1.scheduler"]\n'
            "pause_threshold = 0.0001\n"
        )


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(path))
        except OSError:
            return False
    return True


@functools.cache
def _major_version() -> int:
    """Of dockerd: later ones have no key of their own, and refuse to hear of it."""
    said = run(["dockerd", "--version"]).stdout
    found = re.search(r"version (\d+)", said)
    return int(found[1]) if found else 0
