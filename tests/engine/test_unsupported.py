"""Whatever settings have no place for is told; what an engine adds by itself isn't."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from mirror_console.engine.replies import ImageConfig, InspectedContainer
from mirror_console.engine.translate import parse_container, parse_image
from mirror_console.engine.unsupported import unsupported
from tests.engine.recorded import ENGINES, recorded


def _told(change: dict[str, Any], *, image_known: bool = True) -> tuple[str, ...]:
    content = recorded("20.10-classic/v1.41", "container-of-loaded-image").content
    for path, value in change.items():
        *parents, last = path.split(".")
        part = content
        for parent in parents:
            part = part[parent]
        part[last] = value
    given = parse_image(recorded("20.10-classic/v1.41", "image-loaded").body)[0].config
    seen = msgspec.json.decode(json.dumps(content), type=InspectedContainer)
    return unsupported(seen, given if image_known else None)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_plain_container_has_nothing_of_it(engine: str) -> None:
    given = parse_image(recorded(engine, "image-loaded").body)[0].config
    assert isinstance(given, ImageConfig)
    assert unsupported(parse_container(recorded(engine, "container-of-loaded-image").body), given) == ()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("HostConfig.AutoRemove", True, "it is removed when it stops (AutoRemove)"),
        ("HostConfig.Privileged", True, "privileged mode"),
        ("HostConfig.PublishAllPorts", True, "all exposed ports are published"),
        ("HostConfig.ReadonlyRootfs", True, "a read-only root file system"),
        (
            "HostConfig.RestartPolicy",
            {"Name": "on-failure", "MaximumRetryCount": 3},
            "its restart policy ends after some retries",
        ),
        ("HostConfig.IpcMode", "host", "IPC mode host"),
        ("HostConfig.PidMode", "host", "PID mode host"),
        ("HostConfig.UTSMode", "host", "UTS mode host"),
        ("HostConfig.UsernsMode", "host", "user namespace mode host"),
        ("HostConfig.CgroupParent", "/x", "parent cgroup /x"),
        ("HostConfig.Runtime", "kata", "runtime kata"),
        ("HostConfig.NetworkMode", "container:abc", "network of another container container:abc"),
        ("HostConfig.CapAdd", ["NET_ADMIN", "SYS_TIME"], "added capabilities NET_ADMIN, SYS_TIME"),
        ("HostConfig.CapDrop", ["ALL"], "dropped capabilities ALL"),
        ("HostConfig.Dns", ["10.0.0.1"], "DNS servers 10.0.0.1"),
        ("HostConfig.ExtraHosts", ["a:10.0.0.1"], "extra hosts a:10.0.0.1"),
        ("HostConfig.GroupAdd", ["audio"], "additional groups audio"),
        ("HostConfig.Links", ["/db:/web/db"], "links /db:/web/db"),
        ("HostConfig.VolumesFrom", ["db"], "volumes from other containers db"),
        ("HostConfig.SecurityOpt", ["no-new-privileges"], "security options no-new-privileges"),
        ("HostConfig.Sysctls", {"net.x": "1"}, "kernel parameters net.x"),
        ("HostConfig.Tmpfs", {"/run": ""}, "temporary file systems /run"),
        ("HostConfig.Ulimits", [{"Name": "nofile", "Soft": 1, "Hard": 1}], "ulimits nofile"),
        ("HostConfig.Devices", [{"PathOnHost": "/dev/fuse"}], "devices of the host"),
        ("HostConfig.DeviceRequests", [{"Driver": "nvidia"}], "devices of the host"),
        ("HostConfig.MemorySwap", -1, "a swap limit"),
        ("HostConfig.MemoryReservation", 1, "a memory reservation"),
        ("HostConfig.MemorySwappiness", 0, "swappiness"),
        ("HostConfig.CpuQuota", 50000, "a CPU quota"),
        ("HostConfig.CpuShares", 512, "CPU shares"),
        ("HostConfig.CpusetCpus", "0", "CPU or memory pinning"),
        ("HostConfig.BlkioWeight", 500, "a block I/O weight"),
        ("HostConfig.OomScoreAdj", 100, "out-of-memory settings"),
        ("HostConfig.ShmSize", 1, "the size of shared memory"),
        ("HostConfig.PortBindings", {"9/sctp": [{"HostIp": "", "HostPort": "9"}]}, "published port 9/sctp"),
        ("HostConfig.PortBindings", {"80/tcp": [{"HostPort": "80-90"}]}, "port range 80-90 for 80/tcp"),
        ("Mounts", [{"Type": "tmpfs", "Destination": "/x"}], "tmpfs mount at /x"),
        ("HostConfig.Binds", ["data:/x", "/a:/x:ro,rshared"], "mount propagation in /a:/x:ro,rshared"),
        (
            "HostConfig.Mounts",
            [{"Type": "bind", "Target": "/x", "BindOptions": {"Propagation": "rslave"}}],
            "mount propagation rslave at /x",
        ),
        (
            "HostConfig.Mounts",
            [{"Type": "volume", "Target": "/x", "VolumeOptions": {"NoCopy": True}}],
            "volume options at /x",
        ),
        ("Config.Tty", True, "a terminal"),
        ("Config.OpenStdin", True, "an open standard input"),
        ("Config.Domainname", "a.example", "a domain name"),
        ("Config.MacAddress", "02:42:00:00:00:01", "a fixed MAC address"),
        ("Config.User", "1000", "user 1000"),
        ("Config.WorkingDir", "/srv", "working directory /srv"),
        ("Config.Entrypoint", ["/init", "-x"], "entrypoint /init -x"),
        ("Config.Healthcheck", {"Test": ["NONE"]}, "a health check of its own"),
    ],
)
def test_each_property(path: str, value: object, words: str) -> None:
    assert _told({path: value}) == (words,)


def test_places_in_networks() -> None:
    short = recorded("20.10-classic/v1.41", "container-of-loaded-image").content["Id"][:12]
    networks = {
        "shop": {"Aliases": ["web", short], "IPAMConfig": {"IPv4Address": "10.1.0.5"}},
        "plain": {"Aliases": [short], "IPAMConfig": {}},
        "gone": None,
    }
    # Whether its aliases are lost depends on the route of its settings.
    assert _told({"NetworkSettings.Networks": networks}) == ("a fixed address in shop",)


def test_labels_are_settings_and_no_loss() -> None:
    labels = {"io.mirrorconsole.env": "1", "com.docker.compose.project": "x", "traefik.enable": "true"}
    assert _told({"Config.Labels": labels}) == ()


def test_twice_the_memory_as_swap_is_the_engines_own_doing() -> None:
    assert _told({"HostConfig.Memory": 100, "HostConfig.MemorySwap": 200}) == ()
    assert _told({"HostConfig.Memory": 100, "HostConfig.MemorySwap": 100}) == ()
    assert _told({"HostConfig.Memory": 100, "HostConfig.MemorySwap": 150}) == ("a swap limit",)


def test_without_its_image_nothing_is_said_that_may_come_from_it() -> None:
    assert _told({"Config.User": "1000", "Config.Labels": {"x": "y"}}, image_known=False) == ()
