"""Bringing images from the registry, and asking it about them, as the engine answers for it."""

from collections.abc import Iterator

from mirror_console.simulator.images import Image, ImageIndex, Layer
from mirror_console.simulator.references import Reference, parse_reference
from mirror_console.simulator.registry import Login, RegistryTrouble, Trouble
from mirror_console.simulator.state import EngineState
from mirror_console.simulator.wire import Document, Refusal

_INDEX_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"
_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_BAR_WIDTH = 50


def ask_registry(state: EngineState, text: str, login: Login) -> Document:
    """The digest and the platforms behind a reference. Raises Refusal: 400, 401, 404, or 500 without login."""
    try:
        digest, content = _find(state, parse_reference(text), login)
    except RegistryTrouble as trouble:
        status = {Trouble.BAD_LOGIN: 401, Trouble.MISSING: 404}.get(trouble.trouble, 500)
        raise Refusal(status, trouble.words) from trouble
    images = content.images if isinstance(content, ImageIndex) else (content,)
    return {
        "Descriptor": {
            "digest": digest,
            "mediaType": _INDEX_TYPE if isinstance(content, ImageIndex) else _MANIFEST_TYPE,
            "size": 200 + 186 * len(images),
        },
        "Platforms": [_platform(image) for image in images],
    }


def pull_image(state: EngineState, name: str, tag: str, platform: str, login: Login) -> Iterator[Document]:
    """The lines of a pull. Raises Refusal at once for what the registry refuses: 400, 404, 500.

    What goes wrong later (no image for the platform, a broken layer, a full disk) is a line with `errorDetail`.
    """
    separator = "@" if tag.startswith("sha256:") else ":"
    reference = parse_reference(f"{name}{separator}{tag}" if tag else name)
    try:
        digest, content = _find(state, reference, login)
    except RegistryTrouble as trouble:
        missing = trouble.trouble is Trouble.MISSING
        words = f"manifest for {reference} not found: {trouble.words}" if missing else trouble.words
        raise Refusal(404 if missing else 500, words) from trouble
    return _lines(state, reference, digest, content, platform)


def bring_image(state: EngineState, text: str, login: Login) -> None:
    """Bring an image from its registry in no time, as nodes of a Swarm do. Raises Refusal (404)."""
    reference = parse_reference(text)
    try:
        digest, content = _find(state, reference, login)
    except RegistryTrouble as trouble:
        raise Refusal(404, trouble.words) from trouble
    image = content.for_platform(state.platform) if isinstance(content, ImageIndex) else content
    if image is None:
        raise Refusal(404, f"no matching manifest for {state.platform} in the manifest list entries")
    with state.lock:
        state.images.name(image, reference, digest)


def _lines(
    state: EngineState, reference: Reference, digest: str, content: ImageIndex | Image, platform: str
) -> Iterator[Document]:
    pinned = bool(reference.digest)
    yield {"id": str(reference) if pinned else reference.tag or "latest", "status": f"Pulling from {reference.path}"}
    wanted = platform or state.platform
    image = content.for_platform(wanted) if isinstance(content, ImageIndex) else content
    if image is None:
        yield _failure(f"no matching manifest for {wanted} in the manifest list entries")
        return
    present = any(stored.image.id == image.id for stored in state.images.everything())
    if not present:
        for layer in image.layers:
            yield from _layer_lines(state, layer)
            if state.pull_failure:
                yield _failure(state.pull_failure)
                return
    with state.lock:
        changed = state.images.name(image, reference, digest)
        attributes = {**(image.config.get("Labels") or {}), "name": str(reference)}
        state.events.tell("image", "pull", str(reference), attributes, state.clock())
    yield {"status": f"Digest: {digest}"}
    news = "Downloaded newer image" if changed else "Image is up to date"
    yield {"status": f"Status: {news} for {reference}"}


def _layer_lines(state: EngineState, layer: Layer) -> Iterator[Document]:
    if state.images.has_layer(layer.diff_id):
        yield _progress(layer, "Already exists")
        return
    yield _progress(layer, "Pulling fs layer")
    for share in (0.3, 1.0):
        state.pause(state.timing.layer / 4)
        yield _progress(layer, "Downloading", share)
    yield _progress(layer, "Verifying Checksum")
    yield _progress(layer, "Download complete")
    for share in (0.5, 1.0):
        state.pause(state.timing.layer / 4)
        yield _progress(layer, "Extracting", share)
    yield _progress(layer, "Pull complete")


def _progress(layer: Layer, status: str, share: float = 0.0) -> Document:
    line: Document = {"id": layer.short_id, "progressDetail": {}, "status": status}
    if share:
        done = int(layer.size * share)
        line["progressDetail"] = {"current": done, "total": layer.size}
        arrow = "=" * int(_BAR_WIDTH * share)
        line["progress"] = f"[{arrow}>{' ' * (_BAR_WIDTH - len(arrow))}] {_size(done):>8}/{_size(layer.size)}"
    return line


def _size(count: int) -> str:
    return f"{count / 1_000_000:.4g}MB" if count >= 1_000_000 else f"{count / 1000:.4g}kB"


def _failure(words: str) -> Document:
    return {"error": words, "errorDetail": {"message": words}}


def _find(state: EngineState, reference: Reference, login: Login) -> tuple[str, ImageIndex | Image]:
    registry = state.registries.get(reference.registry)
    if registry is None:
        host = reference.registry
        words = f'Get "https://{host}/v2/": dial tcp: lookup {host.partition(":")[0]}: no such host'
        raise RegistryTrouble(Trouble.DOWN, words)
    return registry.find(reference, login)


def _platform(image: Image) -> Document:
    system, architecture = image.platform.split("/")
    variant = {"variant": "v8"} if architecture == "arm64" else {}
    return {"architecture": architecture, "os": system, **variant}
