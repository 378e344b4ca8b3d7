"""Images as archives: what `docker save` gives away, piece by piece, and what `docker load` makes of one."""

import io
import tarfile
from collections.abc import Iterator

import msgspec

from mirror_console.simulator.images import Image, Layer
from mirror_console.simulator.references import parse_reference
from mirror_console.simulator.state import EngineState
from mirror_console.simulator.wire import Document, Refusal

_PIECE = 64 * 1024
_INVALID = "Error processing tar file(exit status 1): "


def save(state: EngineState, names: list[str]) -> Iterator[bytes]:
    """The archive of the images. Raises Refusal (404) at once."""
    with state.lock:
        try:
            found = [(name, state.images.find(name)) for name in names]
        except Refusal as refusal:
            raise Refusal(refusal.status, refusal.message.removesuffix(":latest")) from refusal
        manifest: list[Document] = []
        for name, stored in found:
            tags = [tag for tag in stored.tags if tag == str(parse_reference(name))] if _is_name(name) else []
            paths = [_path(layer) for layer in stored.image.layers]
            manifest.append({"Config": f"{stored.image.id[7:]}.json", "RepoTags": tags or None, "Layers": paths})
        images = [stored.image for _, stored in found]
    return _archive(images, manifest)


def load(state: EngineState, content: bytes, *, quiet: bool) -> Iterator[Document]:
    """The lines of the reply. Raises Refusal (500) for what is no archive, and where the disk is full."""
    if state.load_failure:
        raise Refusal(500, state.load_failure)
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            sizes = {member.name: member.size for member in archive.getmembers()}
            manifest = msgspec.json.decode(_read(archive, "manifest.json"))
            images = [
                (Image(msgspec.json.decode(_read(archive, e["Config"]))), list(e["RepoTags"] or [])) for e in manifest
            ]
    except (tarfile.TarError, KeyError, TypeError, msgspec.DecodeError) as error:
        raise Refusal(500, f"{_INVALID}{error}") from error
    return _take_in(state, images, sizes, quiet=quiet)


def _take_in(
    state: EngineState, images: list[tuple[Image, list[str]]], sizes: dict[str, int], *, quiet: bool
) -> Iterator[Document]:
    for image, tags in images:
        for layer in image.layers:
            if state.images.has_layer(layer.diff_id):
                continue
            if sizes.get(_path(layer)) != layer.size:
                words = f"open /var/lib/docker/tmp/docker-import/{_path(layer)}: no such file or directory"
                yield {"error": words, "errorDetail": {"message": words}}
                return
            state.pause(state.timing.layer)
            if not quiet:
                detail = {"current": layer.size, "total": layer.size}
                yield {"id": layer.short_id, "progressDetail": detail, "status": "Loading layer"}
        with state.lock:
            state.images.add(image)
            for tag in tags:
                state.images.name(image, parse_reference(tag), "", state.clock())
        for tag in tags:
            yield {"stream": f"Loaded image: {tag}\n"}
        if not tags:
            yield {"stream": f"Loaded image ID: {image.id}\n"}


def _is_name(text: str) -> bool:
    return not text.startswith("sha256:") and ":" in text


def _path(layer: Layer) -> str:
    return f"{layer.diff_id[7:]}/layer.tar"


def _archive(images: list[Image], manifest: list[Document]) -> Iterator[bytes]:
    for image in images:
        yield from _file(f"{image.id[7:]}.json", iter([msgspec.json.encode(image.blob)]))
    for layer in dict.fromkeys(layer for image in images for layer in image.layers):
        yield from _file(_path(layer), _content(layer), layer.size)
    yield from _file("manifest.json", iter([msgspec.json.encode(manifest)]))
    yield bytes(2 * tarfile.BLOCKSIZE)


def _content(layer: Layer) -> Iterator[bytes]:
    """As many octets as the layer has, the same ones for the same layer."""
    pattern = bytes.fromhex(layer.diff_id[7:]) * (_PIECE // 32)
    for at in range(0, layer.size, _PIECE):
        yield pattern[: layer.size - at]


def _file(name: str, content: Iterator[bytes], size: int | None = None) -> Iterator[bytes]:
    pieces = list(content) if size is None else content
    entry = tarfile.TarInfo(name)
    entry.size = sum(map(len, pieces)) if isinstance(pieces, list) else size or 0
    yield entry.tobuf()
    yield from pieces
    yield bytes(-entry.size % tarfile.BLOCKSIZE)


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    content = archive.extractfile(name)
    if content is None:
        raise KeyError(name)
    return content.read()
