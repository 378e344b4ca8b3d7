"""What an image is: how it is named, and the fingerprint that tells whether two engines hold the same one.

Ids and digests of one image differ between image stores (classic: id = config digest; containerd: id = manifest or
index digest), after `docker load` and after each push. What stays the same everywhere is the platform, the uncompressed
layers (diff ids) and the configuration that a container gets; the fingerprint is a hash over these.
Digests say what to pull; the fingerprint says what runs.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mirror_console.errors import InvalidInput, Problem

PRINT = "fp1:"
"""How a fingerprint begins."""
FINGERPRINTED = (
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
    "Healthcheck",
    "OnBuild",
    "Shell",
    "ArgsEscaped",
)
"""The fields of an image's Config that make up its identity. Empty ones are dropped: newer API versions omit them."""

VERSION_LABEL = "org.opencontainers.image.version"
REVISION_LABEL = "org.opencontainers.image.revision"
CREATED_LABEL = "org.opencontainers.image.created"

HUB = "docker.io"
"""Docker Hub: the registry of references that name none."""
_HUB_NAMES = frozenset({HUB, "index.docker.io"})

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:(?P<registry>{_DOMAIN})/)?(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    rf"(?::(?P<tag>{TAG.pattern}))?(?:@(?P<digest>{DIGEST.pattern}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A repository with a tag, a digest, both or neither: ``registry:5000/shop/webshop:26.8.3@sha256:…``."""

    registry: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        """Registry and path, without tag and digest."""
        return f"{self.registry}/{self.path}" if self.registry else self.path

    def at(self, digest: str) -> str:
        """The same repository pinned to a digest."""
        return f"{self.repository}@{digest}"

    def tagged(self, tag: str) -> str:
        """The same repository with a tag."""
        return f"{self.repository}:{tag}"

    def __str__(self) -> str:
        text = self.repository
        if self.tag:
            text += f":{self.tag}"
        if self.digest:
            text += f"@{self.digest}"
        return text


def parse_reference(text: str) -> ImageReference:
    """Read an image reference by the grammar of the distribution project (reference/reference.go).

    Names of Docker Hub are read in their short form, as engines tell them: ``docker.io/library/web`` is ``web``.
    Raises InvalidInput where it doesn't parse.
    """
    match = _REFERENCE.fullmatch(text.strip())
    if match is None:
        words = "an image reference looks like registry.example:5000/shop/webshop:26.8 (the path in lower case)"
        raise InvalidInput(f"'{text}' is not an image reference.", [Problem("image", words)])
    registry, path = match["registry"] or "", match["path"]
    # Without a dot, a port or 'localhost' the first part is no registry but the first part of the path.
    if registry and not ("." in registry or ":" in registry or registry == "localhost"):
        if registry != registry.lower():
            words = "the path of an image reference is written in lower case"
            raise InvalidInput(f"'{text}' is not an image reference.", [Problem("image", words)])
        registry, path = "", f"{registry}/{path}"
    if registry in _HUB_NAMES:
        registry = ""
    if not registry and path.count("/") == 1:
        path = path.removeprefix("library/")
    return ImageReference(registry, path, match["tag"] or "", match["digest"] or "")


def registry_host(host: str) -> str:
    """The host under which a registry stands in the catalog: Docker Hub has several names."""
    return HUB if host in _HUB_NAMES else host


def fingerprint(inspected: Mapping[str, Any]) -> str:
    """The identity of an image, from an engine's reply to an inspect of it. ``fp1:`` and 64 hex digits."""
    config = inspected.get("Config") or {}
    content = {
        "os": inspected.get("Os") or "",
        "arch": inspected.get("Architecture") or "",
        "variant": inspected.get("Variant") or "",
        "layers": (inspected.get("RootFS") or {}).get("Layers") or [],
        "config": {name: config[name] for name in FINGERPRINTED if config.get(name)},
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return PRINT + hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Image:
    """An image as one engine holds it. `size` in bytes, as that engine counts it."""

    id: str
    fingerprint: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """Repository digests, ``repository@sha256:…``. They pile up and may be made up by an engine that loaded the image
    from a file: good for finding a way to pull, never for saying that two images differ."""
    platform: str = ""
    version: str = ""
    revision: str = ""
    created: datetime | None = None
    """When it was built, where its label tells."""
    size: int | None = None
    environment: tuple[str, ...] = ()
    has_health_check: bool = False
    health_interval: float = 0.0
    """Seconds from one try of its health check to the next, and until the first."""
    health_seconds: float = 0.0
    """After how long its health check has said so at the latest: the start period, and as often as it is tried."""
    exposed_ports: tuple[str, ...] = ()
    stop_signal: str = ""
    command: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[str, ...] = ()
    """The digests of its uncompressed layers, base first."""

    def digest_in(self, repository: str) -> str:
        """The digest under which this image can be pulled from a repository; empty if none is known."""
        prefix = repository + "@"
        return next((digest.removeprefix(prefix) for digest in self.digests if digest.startswith(prefix)), "")


def short(identity: str) -> str:
    """The first twelve digits of a fingerprint, digest or id, for people."""
    return identity.rpartition(":")[2][:12]
