"""Networks and volumes of a simulated engine."""

from dataclasses import dataclass, field
from datetime import datetime

from mirror_console.simulator.wire import Document, stamp

VOLUME_ROOT = "/var/lib/docker/volumes"
PREDEFINED = ("none", "host", "bridge")


@dataclass(slots=True)
class Network:
    """A network; `number` decides its addresses (172.<number>.0.0/16)."""

    id: str
    name: str
    created: datetime
    number: int
    driver: str = "bridge"
    internal: bool = False
    attachable: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    last_host: int = 1
    subnet: str = ""
    """What somebody chose for it, such as 10.9.0.0/24: then containers may have addresses of their choice."""

    @property
    def gateway(self) -> str:
        """The gateway's address; empty where the driver has none."""
        if self.subnet:
            return f"{self.subnet.rpartition('.')[0]}.1"
        return f"172.{self.number}.0.1" if self.driver == "bridge" else ""

    def next_address(self) -> tuple[str, str]:
        """The next free address and its MAC; both empty where the driver has none."""
        if self.driver != "bridge":
            return "", ""
        self.last_host += 1
        high, low = divmod(self.last_host, 256)
        if self.subnet:
            return self.place(f"{self.subnet.rpartition('.')[0]}.{low}")
        return self.place(f"172.{self.number}.{high}.{low}")

    def place(self, address: str) -> tuple[str, str]:
        """An address and the MAC that follows from it."""
        return address, "02:42:" + ":".join(f"{int(part):02x}" for part in address.split("."))

    def document(self, attached: Document) -> Document:
        """The reply of an inspection; `attached` are the running containers on it, by id."""
        config = [{"Subnet": self.subnet or f"172.{self.number}.0.0/16", "Gateway": self.gateway}]
        return {
            "Name": self.name,
            "Id": self.id,
            "Created": stamp(self.created),
            "Scope": "local",
            "Driver": "null" if self.name == "none" else self.driver,
            "EnableIPv6": False,
            "IPAM": {"Driver": "default", "Options": None, "Config": config if self.gateway else []},
            "Internal": self.internal,
            "Attachable": self.attachable,
            "Ingress": False,
            "ConfigFrom": {"Network": ""},
            "ConfigOnly": False,
            "Containers": attached,
            "Options": self.options,
            "Labels": self.labels,
        }


@dataclass(slots=True)
class Volume:
    """A named volume; the first creator's labels stay."""

    name: str
    created: datetime
    labels: dict[str, str] | None = None
    options: dict[str, str] | None = None
    driver: str = "local"

    @property
    def mountpoint(self) -> str:
        """Where the engine would keep it."""
        return f"{VOLUME_ROOT}/{self.name}/_data"

    def document(self) -> Document:
        """The reply of an inspection."""
        return {
            "CreatedAt": stamp(self.created)[:19] + "Z",
            "Driver": self.driver,
            "Labels": self.labels,
            "Mountpoint": self.mountpoint,
            "Name": self.name,
            "Options": self.options,
            "Scope": "local",
        }
