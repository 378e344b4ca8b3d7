"""The images that a simulated engine has: by id, by tag and by digest."""

from dataclasses import dataclass, field
from datetime import datetime

from mirror_console.simulator.images import Image
from mirror_console.simulator.references import Reference, parse_reference
from mirror_console.simulator.wire import Document, Refusal, nanoseconds, stamp


@dataclass(slots=True)
class StoredImage:
    """An image with the names that this engine knows it by."""

    image: Image
    tags: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    last_tagged: datetime | None = None


class ImageStore:
    """Images of one engine, as the classic store keeps them. Used under the engine's lock."""

    def __init__(self) -> None:
        self._stored: dict[str, StoredImage] = {}

    def everything(self) -> list[StoredImage]:
        """All images, the youngest first."""
        return sorted(self._stored.values(), key=lambda stored: str(stored.image.blob["created"]), reverse=True)

    def add(self, image: Image) -> StoredImage:
        """Keep the image; nothing happens to one that is there."""
        return self._stored.setdefault(image.id, StoredImage(image))

    def has_layer(self, diff_id: str) -> bool:
        """Whether any image here has the layer."""
        return any(diff_id in (layer.diff_id for layer in stored.image.layers) for stored in self._stored.values())

    def find(self, text: str) -> StoredImage:
        """By id, short id, tag or digest. Raises Refusal: 404 when there is none, 400 when the text doesn't parse."""
        by_id = text.removeprefix("sha256:")
        if len(by_id) >= 4 and all(letter in "0123456789abcdef" for letter in by_id):
            found = [stored for stored in self._stored.values() if stored.image.id[7:].startswith(by_id)]
            if len(found) == 1:
                return found[0]
        if text.startswith("sha256:"):
            raise Refusal(404, f"No such image: {text}")
        reference = parse_reference(text)
        for stored in self._stored.values():
            if reference.digest and reference.pinned in stored.digests:
                return stored
            if not reference.digest and reference.tagged in stored.tags:
                return stored
        raise Refusal(404, f"No such image: {reference}")

    def name(self, image: Image, reference: Reference, digest: str, now: datetime | None = None) -> bool:
        """Give the image a tag, a digest or both; a tag is taken from whichever image had it. True if new."""
        stored = self.add(image)
        changed = False
        pinned = Reference(reference.repository, "", digest).pinned
        if digest and pinned not in stored.digests:
            stored.digests = sorted([*stored.digests, pinned])
            changed = True
        if not reference.digest and reference.tagged not in stored.tags:
            for other in self._stored.values():
                other.tags = [tag for tag in other.tags if tag != reference.tagged]
            stored.tags = sorted([*stored.tags, reference.tagged])
            changed = True
        stored.last_tagged = now or stored.last_tagged
        return changed

    def remove(self, text: str, users: dict[str, str], *, force: bool) -> list[Document]:
        """Take a name away, and the image with its last one. `users` are the containers' ids by their image's id.

        Raises Refusal: 404, or 409 while a container uses the image's last name, or for the id of one with more names.
        """
        stored = self.find(text)
        by_id = (not text.startswith("sha256:") and stored.image.id[7:].startswith(text)) or text == stored.image.id
        names = [*stored.tags, *stored.digests] if by_id else [str(parse_reference(text))]
        user = users.get(stored.image.id)
        last = not set(stored.tags) - set(names)
        if user and last and not force:
            short = stored.image.id[7:19]
            if by_id:
                words = f"unable to delete {short} (cannot be forced) - image is being used by running container"
                raise Refusal(409, f"conflict: {words} {user[:12]}")
            words = f'unable to remove repository reference "{text}" (must force) - container {user[:12]}'
            raise Refusal(409, f"conflict: {words} is using its referenced image {short}")
        if by_id and not force and not _is_single(names):
            words = f"unable to delete {stored.image.id[7:19]} (must be forced)"
            raise Refusal(409, f"conflict: {words} - image is referenced in multiple repositories")
        stored.tags = [tag for tag in stored.tags if tag not in names]
        if last and not user:
            names += [digest for digest in stored.digests if digest not in names]
        stored.digests = [digest for digest in stored.digests if digest not in names]
        answer: list[Document] = [{"Untagged": name} for name in names]
        if not stored.tags and not stored.digests and not user:
            del self._stored[stored.image.id]
            answer.append({"Deleted": stored.image.id})
        return answer


def _is_single(names: list[str]) -> bool:
    """Whether these are one name: the digest that came with a tag doesn't count as another."""
    repositories = {name.partition("@")[0] if "@" in name else name.rpartition(":")[0] for name in names}
    return len([name for name in names if "@" not in name]) <= 1 and len(names) <= 2 and len(repositories) <= 1


def image_document(stored: StoredImage, version: tuple[int, int]) -> Document:
    """The reply of an inspection, in the shape of that API version."""
    image = stored.image
    config = dict(image.config)
    folder = f"/var/lib/docker/overlay2/{image.id[7:]}"
    document: Document = {
        "Id": image.id,
        "RepoTags": list(stored.tags),
        "RepoDigests": list(stored.digests),
        "Parent": "",
        "Comment": "",
        "Created": image.blob["created"],
        "Container": "",
        "ContainerConfig": config,
        "DockerVersion": "20.10.24",
        "Author": "",
        "Config": config,
        "Architecture": image.blob["architecture"],
        "Os": image.blob["os"],
        "Size": image.size,
        "GraphDriver": {
            "Data": {"MergedDir": f"{folder}/merged", "UpperDir": f"{folder}/diff", "WorkDir": f"{folder}/work"},
            "Name": "overlay2",
        },
        "RootFS": {"Type": "layers", "Layers": [layer.diff_id for layer in image.layers]},
        "Metadata": {"LastTagTime": stamp(stored.last_tagged)},
    }
    if version < (1, 44):
        document["VirtualSize"] = image.size
    return document


def image_item(stored: StoredImage, version: tuple[int, int]) -> Document:
    """The image's entry in a listing."""
    image = stored.image
    created = datetime.fromisoformat(image.blob["created"][:26] + "+00:00")
    item: Document = {
        "Containers": -1,
        "Created": nanoseconds(created) // 1_000_000_000,
        "Id": image.id,
        "Labels": image.config.get("Labels"),
        "ParentId": "",
        "RepoDigests": list(stored.digests) or None,
        "RepoTags": list(stored.tags) or None,
        "SharedSize": -1,
        "Size": image.size,
    }
    if version < (1, 44):
        item["VirtualSize"] = image.size
    return item
