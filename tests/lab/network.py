"""The lab's network: a switch in a namespace of its own, with this machine, the registry and each engine plugged in.

Nothing of it touches this machine's routing or firewall: one link goes in, all else is in the lab's namespaces.
Every lab has a number; namespaces, link, control groups and addresses are named after it, so labs run side by side.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.processes import Process, cgroups, everyone, network_of
from tests.lab.programs import LabError, run

PREFIX = "mclab"
NAMESPACES = Path("/run/netns")
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class LabNetwork:
    """The network of the lab with this number: addresses 10.213.<number>.0/24."""

    number: int

    @property
    def name(self) -> str:
        """The name of the switch's namespace, of the link on this machine, and of the lab's control group."""
        return f"{PREFIX}{self.number}"

    def address(self, place: int) -> str:
        """An address: 1 is this machine, 2 the registry, 3 the jump host, 11 and more the engines."""
        return f"10.213.{self.number}.{place}"

    @property
    def here(self) -> str:
        """This machine's address as a network of its own: ``10.213.1.1/32``."""
        return f"{self.address(1)}/32"

    def namespace(self, place: int) -> str:
        """The name of an engine's namespace."""
        return f"{self.name}-{place}"

    @classmethod
    def make(cls, folder: Path) -> LabNetwork:
        """Take a free number and set up the switch. `folder` is noted on the link, so that a lab is found by it."""
        for number in range(1, 250):
            network = cls(number)
            used = run(["ip", "-4", "-o", "route", "show", "match", network.address(1)]).stdout.splitlines()
            if any(not line.startswith("default") for line in used):
                continue
            # Making a namespace fails when it is there: of two labs that want a number at once, one gets it.
            if run(["ip", "netns", "add", network.name], check=False).returncode == 0:
                network._wire(folder)
                return network
        raise LabError("No free lab number is left. See what runs: python -m tests.lab status")

    def plug(self, place: int) -> None:
        """Make an engine's namespace and plug it into the switch."""
        engine, port = self.namespace(place), f"port{place}"
        run(["ip", "netns", "add", engine])
        run(["ip", "-n", engine, "link", "set", "lo", "up"])
        run(["ip", "-n", engine, "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", self.name])
        run(["ip", "-n", self.name, "link", "set", port, "master", "switch", "up"])
        run(["ip", "-n", engine, "address", "add", f"{self.address(place)}/24", "dev", "eth0"])
        run(["ip", "-n", engine, "link", "set", "eth0", "up"])

    def cut(self, place: int, *, off: bool = True) -> None:
        """Pull an engine's cable, or plug it in again: nothing gets through, and nobody is told."""
        run(["ip", "-n", self.name, "link", "set", f"port{place}", "down" if off else "up"])

    @contextmanager
    def no_way(self, place: int, address: str) -> Iterator[None]:
        """An engine has no route to an address while it lasts, and is told so at once."""
        route = ["ip", "-n", self.namespace(place), "route"]
        run([*route, "add", "unreachable", f"{address}/32"])
        try:
            yield
        finally:
            run([*route, "del", "unreachable", f"{address}/32"])

    def inside(self, place: int | None = None) -> list[str]:
        """The beginning of a command that runs in an engine's namespace, or in the switch's (where the registry is)."""
        name = self.name if place is None else self.namespace(place)
        return ["nsenter", f"--net={NAMESPACES / name}"]

    def processes(self, place: int | None = None) -> Iterator[Process]:
        """Every process in the lab's (or one engine's) namespaces and control groups.

        These are daemons, shims, proxies and containers; each is in a namespace or in a control group of the lab.
        """
        names = self.namespaces() if place is None else [self.namespace(place)]
        identities = {(found.st_dev, found.st_ino) for name in names if (found := _stat(name)) is not None}
        path = self.name if place is None else f"{self.name}/{place}"
        group = re.compile(rf":/{path}(/|$)", re.MULTILINE)
        for process in everyone():
            if network_of(process.pid) in identities or group.search(cgroups(process.pid)):
                yield process

    def namespaces(self) -> list[str]:
        """The names of its namespaces that exist."""
        return [name for name in _names(NAMESPACES) if name == self.name or name.startswith(f"{self.name}-")]

    def groups(self) -> list[Path]:
        """Its control groups that exist: one in each hierarchy, or one in the unified one."""
        return [place for place in (CGROUPS / self.name, *CGROUPS.glob(f"*/{self.name}")) if place.is_dir()]

    def linked(self) -> bool:
        """Whether its link is on this machine."""
        return Path("/sys/class/net", self.name).exists()

    def folder(self) -> Path | None:
        """The folder of the lab that has this number now, as noted on its link; None when there is no link."""
        try:
            noted = Path("/sys/class/net", self.name, "ifalias").read_text().strip()
        except OSError:
            return None
        return Path(noted) if noted else None

    def remove(self) -> None:
        """Take everything away that has its name. Whoever ran in it must have ended before."""
        if self.linked():
            run(["ip", "link", "delete", self.name], check=False)
        for name in self.namespaces():
            run(["ip", "netns", "delete", name])
        for group in self.groups():
            _remove_group(group)

    def _wire(self, folder: Path) -> None:
        run(["ip", "-n", self.name, "link", "set", "lo", "up"])
        # A bridge without an address of its own takes the lowest of its ports': it would change when one is plugged in,
        # and whoever knew the old one would talk to nobody.
        own = f"02:4c:41:42:{self.number:02x}:02"
        run(["ip", "-n", self.name, "link", "add", "switch", "address", own, "type", "bridge"])
        run(["ip", "-n", self.name, "address", "add", f"{self.address(2)}/24", "dev", "switch"])
        run(["ip", "-n", self.name, "link", "set", "switch", "up"])
        run(["ip", "link", "add", self.name, "type", "veth", "peer", "name", "host", "netns", self.name])
        run(["ip", "link", "set", self.name, "alias", str(folder)])
        run(["ip", "-n", self.name, "link", "set", "host", "master", "switch", "up"])
        run(["ip", "address", "add", f"{self.address(1)}/24", "dev", self.name])
        run(["ip", "link", "set", self.name, "up"])


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold back other processes that make or take away a lab: half a lab looks like one that was abandoned."""
    # A lock on a folder that is there anyway leaves nothing behind; it ends with the process.
    handle = os.open("/run", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def networks() -> Iterator[tuple[LabNetwork, Path | None]]:
    """Every lab of which something is on this machine, with the folder noted on its link."""
    pattern = re.compile(rf"{PREFIX}(\d+)(?:-\d+)?")
    seen = [*_names(NAMESPACES), *_names(Path("/sys/class/net"))]
    seen += [place.name for place in (*CGROUPS.glob(f"{PREFIX}*"), *CGROUPS.glob(f"*/{PREFIX}*"))]
    for number in sorted({int(found[1]) for name in seen if (found := pattern.fullmatch(name))}):
        network = LabNetwork(number)
        yield network, network.folder()


def _remove_group(group: Path) -> None:
    """Remove a control group with those below it; the kernel needs a moment after their last process has ended."""
    end = time.monotonic() + 5.0
    for folder, _, _ in os.walk(group, topdown=False):
        while True:
            try:
                Path(folder).rmdir()
            except FileNotFoundError:
                break
            except OSError as failure:
                if time.monotonic() > end:
                    raise LabError(f"The control group {folder} can't be removed: {failure.strerror}.") from failure
                time.sleep(0.02)
            else:
                break


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def _stat(name: str) -> os.stat_result | None:
    try:
        return (NAMESPACES / name).stat()
    except FileNotFoundError:
        return None
