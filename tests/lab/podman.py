"""One real Podman as an engine of the lab: its system service, with everything that it keeps in a folder of its own."""

from __future__ import annotations

import itertools
import os
import resource
from pathlib import Path

from tests.lab.engine import LabEngine
from tests.lab.network import CGROUPS
from tests.lab.processes import start, tail, until
from tests.lab.programs import LabError, base_environment

HOST = "host"
"""The process that holds the namespaces, as long as this engine's host is switched on."""

HIDDEN = Path("/var/lib")
"""Empty inside: Podman keeps what it knows of layers there, and has no setting for that."""

# Run as $1: the engine's name, $2: its control group. Its own control groups look like a whole machine's from inside:
# Podman makes those of its containers below the first one that it sees, and has no setting for that.
SWITCH_ON = """\
set -e
for group in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ ! -d "$group/$2" ] || echo $$ >"$group/$2/cgroup.procs"
done
exec unshare --mount --uts --cgroup --propagation slave sh -ec '
    for group in /sys/fs/cgroup /sys/fs/cgroup/*; do
        [ ! -d "$group/$2" ] || mount --bind "$group/$2" "$group"
    done
    for leaf in /sys/fs/cgroup/host /sys/fs/cgroup/*/host; do
        [ ! -d "$leaf" ] || echo $$ >"$leaf/cgroup.procs"
    done
    mount -t tmpfs -o mode=755 lab /run
    mount -t tmpfs -o mode=755 lab /var/lib
    hostname "$1"
    : >/run/on
    exec sleep infinity
' sh "$1" "$2"
"""
START = """\
for leaf in /sys/fs/cgroup/host /sys/fs/cgroup/*/host; do
    [ ! -d "$leaf" ] || echo $$ >"$leaf/cgroup.procs"
done
exec "$@"
"""


class PodmanEngine(LabEngine):
    """Podman's system service. Its containers outlive the service, as those of dockerd with live-restore do."""

    daemon = "podman"

    def start(self) -> None:
        """Start what of it doesn't run, and wait until it answers. Raises LabError with the end of its log."""
        if self._running(HOST) is None:
            self._switch_on()
        if not self.running():
            self._start_service()

    def _write_settings(self) -> None:
        if self.folder.is_relative_to(HIDDEN):
            raise LabError(f"Podman can't keep its data in {self.folder}: it has a {HIDDEN} of its own.")
        if self.spec.tls or not self.spec.bridge:
            raise LabError(f"The engine {self.name} is Podman: it has a bridge, and doesn't listen with TLS.")
        texts = {
            "containers.conf": (
                f'[containers]\nlog_driver = "k8s-file"\ndefault_ulimits = [{_own_limits()}]\n'
                '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n'
                'tmp_dir = "/run/podman"\n'
                f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{self.folder / "networks"}"\n'
            ),
            "storage.conf": (
                f'[storage]\ndriver = "overlay"\nrunroot = "/run/storage"\ngraphroot = "{self.folder / "data"}"\n'
            ),
            "registries.conf": f'[[registry]]\nlocation = "{self._registry}"\ninsecure = true\n',
            ".config/containers/policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
        }
        for name, text in texts.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def _switch_on(self) -> None:
        self._make_groups()
        log = self.folder / f"{HOST}.log"
        command = ["sh", "-c", SWITCH_ON, "sh", self.name, self._group]
        process = start([*self.network.inside(self.place), *command], log=log)
        process.record(self._record(HOST))
        until(Path(f"/proc/{process.pid}/root/run/on").exists, process, f"The host of {self.name}", log)

    def _start_service(self) -> None:
        host = self._running(HOST)
        if host is None:
            raise LabError(f"The host of the engine {self.name} has ended: {tail(self.folder / f'{HOST}.log')}")
        self.socket.unlink(missing_ok=True)
        inside = ["nsenter", "--target", str(host.pid), "--mount", "--uts", "--net", "--cgroup"]
        service = ["podman", "system", "service", "--time", "0", self.unix_url]
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = base_environment(self.folder) | {
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(self.folder / "registries.conf"),
            "REGISTRY_AUTH_FILE": str(self.folder / "nobody.json"),
            "XDG_RUNTIME_DIR": "/run",
            # What it notes on the way while it takes an image in would stay behind in /var/tmp.
            "TMPDIR": str(temporary),
        }
        process = start([*inside, "sh", "-c", START, "sh", *service], log=self.log, environment=environment)
        process.record(self._record(self.daemon))
        until(self.answers, process, f"The engine {self.name}", self.log)
        if self._owner[1]:
            # The service makes its socket for root alone, and has no setting for that.
            self.socket.chmod(0o660)
            os.chown(self.socket, 0, self._owner[1])

    def _make_groups(self) -> None:
        """Its control groups in every hierarchy, with one for its daemon: where others are below, none may run."""
        for top in (CGROUPS, *CGROUPS.iterdir()):
            if not (top / "cgroup.procs").exists():
                continue
            place = top / self._group
            for above, below in itertools.pairwise([top, top / self.network.name, place, place / HOST]):
                if above != place and (above / "cgroup.subtree_control").exists():
                    offered = (above / "cgroup.controllers").read_text().split()
                    (above / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in offered))
                below.mkdir(exist_ok=True)
                for setting in ("cpuset.cpus", "cpuset.mems"):
                    if (top / "tasks").exists() and (above / setting).exists():
                        (below / setting).write_text((above / setting).read_text())


def _own_limits() -> str:
    """Those that this machine allows: Podman asks for higher ones by itself, and may be refused."""
    processes = int(Path("/proc/sys/kernel/pid_max").read_text())
    limits = {
        "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "nproc": min(resource.getrlimit(resource.RLIMIT_NPROC)[1], processes),
    }
    return ", ".join(f'"{name}={limit}:{limit}"' for name, limit in limits.items())
