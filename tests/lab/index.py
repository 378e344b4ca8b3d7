"""Publishes a release into the lab's registry as build services push it: one image, or an index for several platforms.

What is pushed are the registry's own words over HTTP: neither an engine nor a builder for other platforms is needed.
"""

from __future__ import annotations

import dataclasses
import functools
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.lab.images import ImageSpec, parts
from tests.lab.registry import LabRegistry

INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@dataclass(frozen=True, slots=True)
class Index:
    """An index in the registry: its digest, and that of the image of each architecture."""

    repository: str
    """With the registry's address."""
    version: str
    digest: str
    images: Mapping[str, str]

    @property
    def reference(self) -> str:
        """The repository with the version as its tag."""
        return f"{self.repository}:{self.version}"

    @property
    def pinned(self) -> str:
        """The repository at the index's digest."""
        return f"{self.repository}@{self.digest}"

    def of(self, architecture: str) -> str:
        """The repository at the digest of one architecture's image."""
        return f"{self.repository}@{self.images[architecture]}"


def publish_index(
    registry: LabRegistry, spec: ImageSpec, architectures: Sequence[str], *, tags: Sequence[str] = ()
) -> Index:
    """Push a release for several architectures, with its version as the tag and `tags` beside it.

    `spec.repository` is the path in the registry. The same release in two repositories is the same content.
    """
    path = spec.repository
    spec = dataclasses.replace(spec, repository="release")
    images, manifests = {}, []
    for architecture in architectures:
        manifest = _push_image(registry, path, dataclasses.replace(spec, architecture=architecture))
        images[architecture] = registry.put_manifest(path, "", manifest, MANIFEST)
        platform = {"architecture": architecture, "os": "linux"}
        manifests.append(_entry(MANIFEST, images[architecture], len(manifest)) | {"platform": platform})
    index = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
    digests = {registry.put_manifest(path, tag, index, INDEX) for tag in (spec.version, *tags)}
    return Index(f"{registry.address}/{path}", spec.version, digests.pop(), images)


def push(registry: LabRegistry, path: str, spec: ImageSpec, tags: Sequence[str]) -> str:
    """Push an image to a path under these tags; returns its digest."""
    manifest = _push_image(registry, path, spec)
    return {registry.put_manifest(path, tag, manifest, MANIFEST) for tag in tags}.pop()


def _push_image(registry: LabRegistry, path: str, spec: ImageSpec) -> bytes:
    config, layers = parts(spec)
    packed = [_compressed(layer) for layer in layers]
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _entry(CONFIG, registry.put_blob(path, config), len(config)),
            "layers": [_entry(LAYER, registry.put_blob(path, layer), len(layer)) for layer in packed],
        }
    )


@functools.lru_cache(maxsize=16)
def _compressed(layer: bytes) -> bytes:
    """The layer that all images have is packed once."""
    return gzip.compress(layer, 1, mtime=0)


def _entry(kind: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": kind, "digest": digest, "size": size}


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
