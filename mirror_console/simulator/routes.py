"""Which request does what: paths, parameters and statuses of the engine API."""

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from mirror_console.simulator import (
    about,
    archives,
    changing,
    creation,
    listing,
    places,
    pulling,
    running,
    shapes,
    swarm_routes,
)
from mirror_console.simulator.calls import Call, Reply, Request
from mirror_console.simulator.image_store import image_document
from mirror_console.simulator.references import parse_reference
from mirror_console.simulator.registry import read_login
from mirror_console.simulator.state import ApiVersion, EngineState
from mirror_console.simulator.swarm_tasks import settle_swarm
from mirror_console.simulator.table import Table, json_reply
from mirror_console.simulator.wire import Refusal, nanoseconds

_FIRST_WITH_JSON_ERRORS = (1, 23)
_VERSIONED = re.compile(r"/v(\d+)\.(\d+)(/.*)")


_TABLE = Table()
_route = _TABLE.route


def answer(state: EngineState, request: Request) -> Reply:
    """Do what the request asks. Refusals become their status and message, as JSON."""
    parts = urlsplit(request.target)
    path = unquote(parts.path)
    version = state.generation.newest
    try:
        if (versioned := _VERSIONED.fullmatch(path)) is not None:
            version, path = (int(versioned[1]), int(versioned[2])), versioned[3]
            _check_version(state, version)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        _settle(state)
        method = "GET" if request.method == "HEAD" else request.method
        for verb, pattern, action in (*_TABLE.routes, *swarm_routes.TABLE.routes):
            if verb == method and (found := pattern.fullmatch(path)) is not None:
                return action(Call(state, version, query, request.headers, request.body), *found.groups())
    except Refusal as refusal:
        if version < _FIRST_WITH_JSON_ERRORS:
            return Reply(refusal.status, f"{refusal.message}\n".encode(), "text/plain; charset=utf-8")
        return json_reply({"message": refusal.message}, refusal.status)
    return json_reply({"message": "page not found"}, 404)


def _settle(state: EngineState) -> datetime:
    """Let all that is due happen, in its Swarm too."""
    now = running.settle(state)
    settle_swarm(state, now)
    return now


def _check_version(state: EngineState, version: ApiVersion) -> None:
    asked = f"client version {version[0]}.{version[1]}"
    if version > state.generation.newest:
        raise Refusal(400, f"{asked} is too new. Maximum supported API version is {state.generation.newest_text}")
    if version < state.generation.oldest:
        oldest = f"Minimum supported API version is {state.generation.oldest_text}"
        raise Refusal(400, f"{asked} is too old. {oldest}, please upgrade your client to a newer version")


@_route("GET", "/_ping")
def _ping(call: Call) -> Reply:
    return Reply(200, b"OK", "text/plain; charset=utf-8")


@_route("GET", "/version")
def _version(call: Call) -> Reply:
    return json_reply(about.version_document(call.state))


@_route("GET", "/info")
def _info(call: Call) -> Reply:
    with call.state.lock:
        return json_reply(about.info_document(call.state))


@_route("GET", "/system/df")
def _disk(call: Call) -> Reply:
    types = {call.query["type"]} if "type" in call.query else set()
    with call.state.lock:
        return json_reply(about.disk_document(call.state, call.version, types))


@_route("GET", "/events")
def _events(call: Call) -> Reply:
    since, until = _moment(call.query.get("since", "")), _moment(call.query.get("until", ""))
    state = call.state
    return Reply(200, pieces=state.events.follow(call.filters(), since, until, lambda: _settle(state)))


def _moment(text: str) -> int | None:
    """Nanoseconds from 'seconds', 'seconds.nanoseconds' or a written time. Raises Refusal (400)."""
    if not text:
        return None
    if (numbers := re.fullmatch(r"(\d+)(?:\.(\d{1,9})\d*)?", text)) is not None:
        return int(numbers[1]) * 1_000_000_000 + int((numbers[2] or "").ljust(9, "0"))
    try:
        return nanoseconds(datetime.fromisoformat(text))
    except (ValueError, TypeError) as error:
        raise Refusal(400, f"failed to parse value as time or duration: {text!r}") from error


@_route("GET", "/containers/json")
def _list_containers(call: Call) -> Reply:
    filters, every = call.filters(), call.flag("all")
    return json_reply(listing.list_containers(call.state, filters, every=every, limit=call.number("limit") or 0))


@_route("POST", "/containers/create")
def _create(call: Call) -> Reply:
    body = call.body() if call.content.strip() else None
    container = creation.create_container(call.state, call.query.get("name", ""), body, call.version)
    return json_reply({"Id": container.id, "Warnings": []}, 201)


@_route("POST", "/containers/prune")
def _prune(call: Call) -> Reply:
    removed = changing.prune_containers(call.state)
    return json_reply({"ContainersDeleted": removed or None, "SpaceReclaimed": 0})


@_route("GET", "/containers/{id}/json")
def _inspect_container(call: Call, reference: str) -> Reply:
    with call.state.lock:
        return json_reply(shapes.container_document(running.found(call.state, reference), call.version))


@_route("POST", "/containers/{id}/start")
def _start(call: Call, reference: str) -> Reply:
    return Reply(204 if running.start_container(call.state, reference) else 304)


@_route("POST", "/containers/{id}/stop")
def _stop(call: Call, reference: str) -> Reply:
    return Reply(204 if running.stop_container(call.state, reference, call.number("t")) else 304)


@_route("POST", "/containers/{id}/kill")
def _kill(call: Call, reference: str) -> Reply:
    running.kill_container(call.state, reference, call.query.get("signal") or "SIGKILL")
    return Reply(204)


@_route("POST", "/containers/{id}/restart")
def _restart(call: Call, reference: str) -> Reply:
    running.restart_container(call.state, reference, call.number("t"))
    return Reply(204)


@_route("POST", "/containers/{id}/rename")
def _rename(call: Call, reference: str) -> Reply:
    changing.rename_container(call.state, reference, call.query.get("name", ""))
    return Reply(204)


@_route("POST", "/containers/{id}/update")
def _update(call: Call, reference: str) -> Reply:
    changing.update_container(call.state, reference, call.body())
    return json_reply({"Warnings": None})


@_route("DELETE", "/containers/{id}")
def _remove(call: Call, reference: str) -> Reply:
    changing.remove_container(call.state, reference, force=call.flag("force"), volumes=call.flag("v"))
    return Reply(204)


@_route("POST", "/containers/{id}/wait")
def _wait(call: Call, reference: str) -> Reply:
    ticks = changing.wait_for_container(call.state, reference, call.query.get("condition", ""))
    answers = (b"" if code is None else json_reply({"Error": None, "StatusCode": code}).content for code in ticks)
    return Reply(200, pieces=answers)


@_route("GET", "/containers/{id}/logs")
def _logs(call: Call, reference: str) -> Reply:
    return Reply(200, content_type="", pieces=_output(call, reference, "follow"))


@_route("POST", "/containers/{id}/attach")
def _attach(call: Call, reference: str) -> Reply:
    return Reply(
        200, content_type="application/vnd.docker.raw-stream", pieces=_output(call, reference, "stream"), raw=True
    )


def _output(call: Call, reference: str, follow: str) -> Iterator[bytes]:
    return changing.read_output(
        call.state,
        reference,
        streams={name for name in ("stdout", "stderr") if call.flag(name)},
        follow=call.flag(follow),
        tail=call.number("tail"),
        timestamps=call.flag("timestamps"),
    )


@_route("POST", "/containers/{id}/exec")
def _create_execution(call: Call, reference: str) -> Reply:
    return json_reply({"Id": changing.create_execution(call.state, reference, call.body()).id}, 201)


@_route("POST", "/exec/{id}/start")
def _start_execution(call: Call, execution: str) -> Reply:
    output = changing.start_execution(call.state, execution)
    if call.body().get("Detach"):
        return Reply(200)
    return Reply(200, content_type="application/vnd.docker.raw-stream", pieces=iter([output]), raw=True)


@_route("GET", "/exec/{id}/json")
def _inspect_execution(call: Call, execution: str) -> Reply:
    return json_reply(shapes.execution_document(changing.find_execution(call.state, execution)))


@_route("GET", "/images/json")
def _list_images(call: Call) -> Reply:
    return json_reply(listing.list_images(call.state, call.filters(), call.version))


@_route("POST", "/images/create")
def _pull(call: Call) -> Reply:
    name, tag, platform = (call.query.get(key, "") for key in ("fromImage", "tag", "platform"))
    login = read_login(call.headers.get("x-registry-auth", ""))
    lines = pulling.pull_image(call.state, name, tag, platform, login)
    return Reply(200, pieces=(msgspec.json.encode(line) + b"\r\n" for line in lines))


@_route("POST", "/images/load")
def _load(call: Call) -> Reply:
    lines = archives.load(call.state, call.content, quiet=call.flag("quiet"))
    return Reply(200, pieces=(msgspec.json.encode(line) + b"\r\n" for line in lines))


@_route("GET", "/images/get")
def _save_several(call: Call) -> Reply:
    return _saved(call, call.query.get("names", "").split(","))


@_route("GET", "/images/{image}/get")
def _save(call: Call, image: str) -> Reply:
    return _saved(call, [image])


def _saved(call: Call, names: list[str]) -> Reply:
    return Reply(200, content_type="application/x-tar", pieces=archives.save(call.state, names))


@_route("GET", "/images/{image}/json")
def _inspect_image(call: Call, image: str) -> Reply:
    with call.state.lock:
        try:
            return json_reply(image_document(call.state.images.find(image), call.version))
        except Refusal as refusal:
            raise Refusal(refusal.status, f"no such image: {image}: {refusal.message}") from refusal


@_route("POST", "/images/{image}/tag")
def _tag_image(call: Call, image: str) -> Reply:
    with call.state.lock:
        stored = call.state.images.find(image)
        try:
            reference = parse_reference(f"{call.query.get('repo', '')}:{call.query.get('tag') or 'latest'}")
        except Refusal as refusal:
            raise Refusal(500, refusal.message) from refusal
        call.state.images.name(stored.image, reference, "", call.state.clock())
    return Reply(201)


@_route("DELETE", "/images/{image}")
def _remove_image(call: Call, image: str) -> Reply:
    with call.state.lock:
        users = {container.image.id: container.id for container in call.state.containers.values()}
        return json_reply(call.state.images.remove(image, users, force=call.flag("force")))


@_route("GET", "/distribution/{image}/json")
def _distribution(call: Call, image: str) -> Reply:
    login = read_login(call.headers.get("x-registry-auth", ""))
    return json_reply(pulling.ask_registry(call.state, image, login))


@_route("GET", "/networks")
def _list_networks(call: Call) -> Reply:
    return json_reply(listing.list_networks(call.state, call.filters()))


@_route("POST", "/networks/create")
def _create_network(call: Call) -> Reply:
    return json_reply(places.create_network(call.state, call.body(), call.version), 201)


@_route("GET", "/networks/{id}")
def _inspect_network(call: Call, reference: str) -> Reply:
    with call.state.lock:
        return json_reply(places.network_document(call.state, call.state.find_network(reference)))


@_route("DELETE", "/networks/{id}")
def _remove_network(call: Call, reference: str) -> Reply:
    places.remove_network(call.state, reference)
    return Reply(204)


@_route("POST", "/networks/{id}/connect")
def _connect(call: Call, reference: str) -> Reply:
    places.connect_network(call.state, reference, call.body())
    return Reply(200)


@_route("POST", "/networks/{id}/disconnect")
def _disconnect(call: Call, reference: str) -> Reply:
    places.disconnect_network(call.state, reference, call.body())
    return Reply(200)


@_route("GET", "/volumes")
def _list_volumes(call: Call) -> Reply:
    return json_reply(listing.list_volumes(call.state, call.filters()))


@_route("POST", "/volumes/create")
def _create_volume(call: Call) -> Reply:
    return json_reply(places.create_volume(call.state, call.body()), 201)


@_route("GET", "/volumes/{id}")
def _inspect_volume(call: Call, name: str) -> Reply:
    with call.state.lock:
        return json_reply(places.find_volume(call.state, name).document())


@_route("DELETE", "/volumes/{id}")
def _remove_volume(call: Call, name: str) -> Reply:
    places.remove_volume(call.state, name)
    return Reply(204)
