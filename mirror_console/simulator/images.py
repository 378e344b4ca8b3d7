"""What an image is made of: its configuration, its layers, and the digests that follow from them."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.wire import Document, stamp

BASE_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COMMAND = ["/bin/webshop", "--listen", "0.0.0.0:8080"]
_PLAIN_CONFIG: Document = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
}


def digest_of(document: object) -> str:
    """The sha256 digest of the document's canonical JSON."""
    return "sha256:" + hashlib.sha256(msgspec.json.encode(document, order="deterministic")).hexdigest()


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer by the digest of its content; the size follows from the digest, so that it is the same everywhere."""

    diff_id: str

    @property
    def size(self) -> int:
        """Bytes, between 0.4 and 4.6 MB."""
        return 400_000 + int(self.diff_id[7:13], 16) // 4

    @property
    def short_id(self) -> str:
        """The twelve digits that progress lines show."""
        return digest_of(["compressed", self.diff_id])[7:19]


@dataclass(frozen=True, slots=True)
class Image:
    """An image for one platform. Its id is the digest of its configuration, as in the classic image store."""

    blob: Document
    id: str = field(init=False)
    manifest_digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", digest_of(self.blob))
        layers = [layer.short_id for layer in self.layers]
        object.__setattr__(self, "manifest_digest", digest_of({"config": self.id, "layers": layers}))

    @property
    def config(self) -> Document:
        """What containers of it inherit: variables, labels, health check, command, ports."""
        config: Document = self.blob["config"]
        return config

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, base first."""
        return tuple(Layer(diff_id) for diff_id in self.blob["rootfs"]["diff_ids"])

    @property
    def platform(self) -> str:
        """os/architecture."""
        return f"{self.blob['os']}/{self.blob['architecture']}"

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return sum(layer.size for layer in self.layers)


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """What a release is built from; `health_interval` in seconds, 0 builds an image without a health check."""

    application: str
    version: str
    revision: str
    behaviour: Behaviour = Behaviour.OK
    health_interval: float = 1.0
    health_retries: int = 2
    variables: tuple[str, ...] = ()


def build_image(recipe: ImageRecipe, platform: str, created: datetime) -> Image:
    """The image of the recipe for a platform: the same recipe and time give the same digests."""
    system, architecture = platform.split("/")[:2]
    config = dict(_PLAIN_CONFIG) | {
        "Cmd": list(COMMAND),
        "Env": [BASE_PATH, f"APP_VERSION={recipe.version}", f"APP_BEHAVIOUR={recipe.behaviour}", *recipe.variables],
        "ExposedPorts": {"8080/tcp": {}},
        "Labels": {
            "org.opencontainers.image.revision": recipe.revision,
            "org.opencontainers.image.title": recipe.application,
            "org.opencontainers.image.version": recipe.version,
        },
        "StopSignal": "SIGTERM",
    }
    if recipe.health_interval:
        config["Healthcheck"] = {
            "Test": ["CMD", "/bin/webshop", "--check"],
            "Interval": int(recipe.health_interval * 1_000_000_000),
            "Retries": recipe.health_retries,
        }
    parts = (["base", platform], ["runtime", platform], ["code", recipe.application, recipe.version, recipe.revision])
    return Image(
        {
            "architecture": architecture,
            "os": system,
            "created": stamp(created),
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [digest_of(part) for part in parts]},
        }
    )


@dataclass(frozen=True, slots=True)
class ImageIndex:
    """What a tag points to: one image for each platform."""

    images: tuple[Image, ...]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        entries = [[image.platform, image.manifest_digest] for image in self.images]
        object.__setattr__(self, "digest", digest_of({"manifests": entries}))

    def for_platform(self, platform: str) -> Image | None:
        """The image that fits the platform (os/architecture), if there is one."""
        wanted = "/".join(platform.split("/")[:2])
        return next((image for image in self.images if image.platform == wanted), None)
