"""Listings with their filters: containers, images, networks, volumes."""

import re
from collections.abc import Mapping, Sequence

from mirror_console.simulator.container import Container, Phase
from mirror_console.simulator.events import has_label
from mirror_console.simulator.image_store import image_item
from mirror_console.simulator.places import network_document
from mirror_console.simulator.references import parse_reference
from mirror_console.simulator.shapes import container_item
from mirror_console.simulator.state import ApiVersion, EngineState
from mirror_console.simulator.wire import Document, Refusal

Filters = Mapping[str, Sequence[str]]

_CONTAINER_FILTERS = {"ancestor", "exited", "health", "id", "label", "name", "network", "status", "volume"}
_STATUSES = {"created", "restarting", "running", "removing", "paused", "exited", "dead"}


def list_containers(state: EngineState, filters: Filters, *, every: bool, limit: int = 0) -> list[Document]:
    """The youngest first; without `every` and without a status filter the running ones. Raises Refusal (400)."""
    _check_filters(filters, _CONTAINER_FILTERS)
    for status in filters.get("status", ()):
        if status not in _STATUSES:
            raise Refusal(400, f"Invalid filter 'status={status}'")
    with state.lock:
        shown = [
            container
            for container in reversed(state.containers.values())
            if (every or limit > 0 or filters.get("status") or container.phase in (Phase.RUNNING, Phase.RESTARTING))
            and _fits(state, container, filters)
        ]
        return [container_item(state, container) for container in (shown[:limit] if limit > 0 else shown)]


def list_images(state: EngineState, filters: Filters, version: ApiVersion) -> list[Document]:
    """The youngest first. Raises Refusal (400)."""
    _check_filters(filters, {"dangling", "label", "reference", "before", "since"})
    with state.lock:
        items = [image_item(stored, version) for stored in state.images.everything()]
    wanted = [_tag_pattern(pattern) for pattern in filters.get("reference", ())]
    dangling = filters.get("dangling", ())
    return [
        item
        for item in items
        if all(has_label(item["Labels"] or {}, condition) for condition in filters.get("label", ()))
        and (not wanted or any(p.fullmatch(tag) for p in wanted for tag in item["RepoTags"] or ()))
        and (not dangling or (dangling[0] in ("1", "true")) == (not item["RepoTags"]))
    ]


def list_networks(state: EngineState, filters: Filters) -> list[Document]:
    """By name (a piece of it), id (its beginning), label or driver."""
    with state.lock:
        return [
            network_document(state, network)
            for network in state.networks.values()
            if _one_of(filters, "name", network.name)
            and (not filters.get("id") or network.id.startswith(tuple(filters["id"])))
            and (not filters.get("driver") or network.driver in filters["driver"])
            and all(has_label(network.labels, condition) for condition in filters.get("label", ()))
        ]


def list_volumes(state: EngineState, filters: Filters) -> Document:
    """By name (a piece of it) or label."""
    with state.lock:
        volumes = [
            volume.document()
            for volume in state.volumes.values()
            if _one_of(filters, "name", volume.name)
            and all(has_label(volume.labels or {}, condition) for condition in filters.get("label", ()))
        ]
    return {"Volumes": volumes, "Warnings": None}


def _check_filters(filters: Filters, known: set[str]) -> None:
    for name in filters:
        if name not in known:
            raise Refusal(400, f"Invalid filter '{name}'")


def _one_of(filters: Filters, key: str, name: str) -> bool:
    pieces = filters.get(key, ())
    return not pieces or any(piece in name for piece in pieces)


def _fits(state: EngineState, container: Container, filters: Filters) -> bool:
    return all(not wanted or _fits_one(state, container, key, wanted) for key, wanted in filters.items())


def _fits_one(state: EngineState, container: Container, key: str, wanted: Sequence[str]) -> bool:
    match key:
        case "label":
            return all(has_label(container.config["Labels"], condition) for condition in wanted)
        case "name":
            return any(_is_found(pattern, container.name) for pattern in wanted)
        case "id":
            return any(container.id.startswith(piece) for piece in wanted)
        case "status":
            return container.phase.value in wanted
        case "health":
            return (container.health.status if container.health else "none") in wanted
        case "exited":
            return container.phase is Phase.EXITED and str(container.exit_code) in wanted
        case "network":
            return any(w in (e.network, e.network_id) for w in wanted for e in container.endpoints.values())
        case "volume":
            return any(mount.get("Name") in wanted or mount["Destination"] in wanted for mount in container.mounts)
        case _:
            return any(_is_image(state, container, text) for text in wanted)


def _is_found(pattern: str, name: str) -> bool:
    """The name filter is a regular expression, looked for in the name with and without its slash."""
    try:
        return re.search(pattern, f"/{name}") is not None or re.search(pattern, name) is not None
    except re.error:
        return pattern.removeprefix("/") == name


def _is_image(state: EngineState, container: Container, text: str) -> bool:
    try:
        return state.images.find(text).image.id == container.image.id
    except Refusal:
        return False


def _tag_pattern(pattern: str) -> re.Pattern[str]:
    tagged = pattern if "*" in pattern else parse_reference(pattern).tagged
    return re.compile(re.escape(tagged).replace(r"\*", "[^/]*"))
