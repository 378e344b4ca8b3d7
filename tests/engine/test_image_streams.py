"""Images as streams: what engines say of them, recorded, and what goes wrong in mid-stream, by one that misbehaves."""

from __future__ import annotations

import io
import json
import socket
import tarfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mirror_console.domain.request import Loaded, PullProgress
from mirror_console.engine import DockerEngines, image_streams, translate
from mirror_console.engine.exchange import Chunks
from mirror_console.engine.failures import Malformed, Oversized, Refusal
from mirror_console.engine.image_streams import Loading
from mirror_console.engine.load_reply import LoadReply
from mirror_console.errors import EngineError, FailureKind
from mirror_console.vault import MemoryVault
from tests.contract.stage import now
from tests.engine.recorded import ENGINES, recorded
from tests.engine.stand_in import StandIn, reply, stand_in

IMAGE = f"sha256:{'ab' * 32}"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n\r\n"
FULL = b'{"errorDetail":{"message":"write /tmp/x: no space left on device"},"error":"write /tmp/x: no space"}\n'

every_engine = pytest.mark.parametrize("engine", ENGINES)


@pytest.fixture
def engines() -> Iterator[DockerEngines]:
    made = DockerEngines(MemoryVault(), now)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in() as made:
        yield made


def _archive(size: int = 300_000) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        entry = tarfile.TarInfo("layer.tar")
        entry.size = size
        archive.addfile(entry, io.BytesIO(b"x" * size))
    return target.getvalue()


def _chunked(content: bytes, *, ended: bool = True) -> bytes:
    pieces = [content[at : at + 32_768] for at in range(0, len(content), 32_768)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + (b"0\r\n\r\n" if ended else b"")


def _saved(engines: DockerEngines, server: StandIn) -> bytes:
    with engines.session(server.engine).save(IMAGE) as saving:
        return b"".join(saving)


def _refusal(engines: DockerEngines, server: StandIn) -> EngineError:
    with pytest.raises(EngineError) as caught:
        _saved(engines, server)
    assert caught.value.hint
    return caught.value


# --- what engines say -----------------------------------------------------------------------------------------------


@every_engine
def test_images_as_engines_list_them(engine: str) -> None:
    listed = translate.images(recorded(engine, "images").body)
    assert len(listed) >= 2
    versions = {item.labels["org.opencontainers.image.version"] for item in listed}
    assert versions == {"26.1.0", "26.2.0"}
    for item in listed:
        assert item.created is not None
        assert item.created.year == 2026
        assert item.size
        assert all("@" not in tag for tag in item.tags)
        assert all("@sha256:" in digest for digest in item.digests)


def test_images_without_a_name() -> None:
    told = {"Id": IMAGE, "RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"], "Created": -1, "Size": 0}
    (item,) = translate.images(
        json.dumps(
            [
                told,
            ]
        ).encode()
    )
    assert (item.tags, item.digests, item.created, item.labels) == ((), (), None, {})
    (item,) = translate.images(json.dumps([{"Id": IMAGE, "Created": 60}]).encode())
    assert (item.created, item.size) == (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), None)
    with pytest.raises(Malformed):
        translate.images(b'[{"Id": "../x"}]')


@every_engine
def test_what_was_loaded_is_read_from_the_reply(engine: str) -> None:
    lines = recorded(engine, "load").content
    body = b"".join(json.dumps(line).encode() + b"\r\n" for line in lines)
    heard = LoadReply()
    for octet in (HEAD + _chunked(body)).removesuffix(b"\r\n"):
        assert not heard.over
        heard.hear(bytes([octet]))
    assert heard.over
    assert heard.loaded == Loaded(references=("127.0.0.1:5055/shop/app14172:1-amd64",))


def test_layers_that_are_loaded_add_up() -> None:
    heard, told = LoadReply(), []
    lines = [
        {"status": "Loading layer", "progressDetail": {"current": 5, "total": 10}, "id": "a"},
        {"status": "Loading layer", "progressDetail": {"current": 99, "total": 10}, "id": "a"},
        {"status": "Loading layer", "progressDetail": {"current": 1, "total": 20}, "id": "b"},
        {"stream": f"Loaded image ID: {IMAGE}\n"},
        {"stream": "Loaded image: a/b:1,c/d:2\n"},
    ]
    heard.hear(b"HTTP/1.1 200 OK\r\n\r\n")
    for line in lines:
        heard.hear(json.dumps(line).encode() + b"\n")
        told.append(heard.progress)
    heard.hear(b"")
    assert told[:3] == [
        PullProgress(5, 10, "Loading layer a"),
        PullProgress(10, 10, "Loading layer a"),
        PullProgress(11, 30, "Loading layer b"),
    ]
    assert heard.over
    assert heard.loaded == Loaded((IMAGE,), ("a/b:1", "c/d:2"))
    assert heard.loaded.images == (IMAGE, "a/b:1", "c/d:2")


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        ([b""], ConnectionResetError),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b""], ConnectionResetError),
        ([HEAD, b"5\r\n", b""], ConnectionResetError),
        ([b"x" * 70_000], Oversized),
        ([b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1_100_000], Oversized),
        ([b"SMTP\r\n\r\n"], Malformed),
        ([b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"], Malformed),
        ([b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"], Malformed),
        ([b'HTTP/1.1 500 x\r\nContent-Length: 15\r\n\r\n{"message":"x"}'], Refusal),
        ([b"HTTP/1.1 200 OK\r\n\r\n" + FULL], Refusal),
        ([b"HTTP/1.1 200 OK\r\n\r\n" + b'{"stream":"Loaded image: x"}\n' * 1100], Oversized),
        ([b"HTTP/1.1 200 OK\r\n\r\n", *[b'{"stream":"Loaded image: %b"}\n' % (b"x" * 400_000)] * 3], Oversized),
    ],
)
def test_replies_to_a_load_that_are_none(pieces: list[bytes], error: type[Exception]) -> None:
    with pytest.raises(error):
        _heard(pieces)


def _heard(pieces: list[bytes]) -> LoadReply:
    heard = LoadReply()
    for piece in pieces:
        heard.hear(piece)
    return heard


@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
def test_chunks_however_they_are_cut(size: int) -> None:
    content, chunks = _archive(), Chunks()
    came = _chunked(content)
    assert b"".join(chunks.content(came[at : at + size]) for at in range(0, len(came), size)) == content
    assert chunks.over


def test_chunks_with_nothing_in_between_are_none() -> None:
    with pytest.raises(Malformed):
        Chunks().content(b"1\r\nx\r\n\r\n\r\n")


# --- giving away ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["chunked", "by length", "until the end"])
def test_an_image_in_every_form_of_a_reply(engines: DockerEngines, server: StandIn, form: str) -> None:
    content = _archive()
    forms = {"chunked": HEAD + _chunked(content), "by length": reply(content)}
    server.answers.append(forms.get(form, b"HTTP/1.0 200 OK\r\n\r\n" + content))
    assert _saved(engines, server) == content
    assert server.asked[0].startswith(f"GET /v1.41/images/{IMAGE}/get HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + _chunked(_archive(), ended=False),
        HEAD + _chunked(_archive())[:-2000],
        reply(_archive())[:-2000],
    ],
    ids=["without its end", "cut", "shorter than told"],
)
def test_one_that_is_cut_off_in_mid_stream_is_said(engines: DockerEngines, server: StandIn, answer: bytes) -> None:
    server.answers.append(answer)
    refusal = _refusal(engines, server)
    assert refusal.kind is FailureKind.DROPPED
    assert refusal.title == f"fra-1 broke off in the middle of an image: it could not give the image {'ab' * 6}."


def test_an_engine_that_fails_in_mid_stream_says_so_in_place_of_the_rest(
    engines: DockerEngines, server: StandIn
) -> None:
    server.answers.append(HEAD + _chunked(_archive()[:50_000] + FULL))
    refusal = _refusal(engines, server)
    assert refusal.kind is FailureKind.DISK_FULL
    assert "no space left on device" in refusal.title
    server.answers.append(HEAD + _chunked(_archive()[:50_000]))
    assert _refusal(engines, server).kind is FailureKind.INVALID_REPLY


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(b'{"message":"no such image"}', "404 Not Found"), FailureKind.IMAGE_NOT_FOUND),
        (reply(b'{"message":"reference does not exist"}', "404 Not Found"), FailureKind.IMAGE_NOT_FOUND),
        (reply(b"<html>", "502 Bad Gateway"), FailureKind.INVALID_REPLY),
        (reply(b"x" * 100_000, "500 Oh"), FailureKind.INVALID_REPLY),
        (reply(b"", "204 No Content"), FailureKind.INVALID_REPLY),
        (reply(b"", "301 Moved", "Location: http://127.0.0.1:9/\r\n"), FailureKind.INVALID_REPLY),
        (b"", FailureKind.DROPPED),
    ],
)
def test_what_is_refused_before_it_begins(
    engines: DockerEngines, server: StandIn, answer: bytes, kind: FailureKind
) -> None:
    server.answers.append(answer)
    assert _refusal(engines, server).kind is kind


def test_silence_in_mid_stream_has_a_limit(
    engines: DockerEngines, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_streams, "SILENCE_SECONDS", 0.3)

    def falls_silent(connection: socket.socket) -> None:
        connection.sendall(HEAD + _chunked(_archive(), ended=False))
        time.sleep(1.0)

    server.answers.append(falls_silent)
    refusal = _refusal(engines, server)
    assert refusal.kind is FailureKind.TIMEOUT
    assert "was silent for 0.3 s in the middle of an image" in refusal.title


# --- taking in ------------------------------------------------------------------------------------------------------


def test_an_image_is_sent_in_chunks_to_its_end(engines: DockerEngines, server: StandIn) -> None:
    content, came = _archive(), bytearray()

    def take(connection: socket.socket) -> None:
        came.extend(server.asked[0])
        while not came.endswith(b"0\r\n\r\n"):
            came.extend(connection.recv(65536))
        connection.sendall(reply(json.dumps({"stream": f"Loaded image ID: {IMAGE}\n"}).encode()))

    server.answers.append(take)
    with engines.session(server.engine).load() as loading:
        for at in range(0, len(content), 50_000):
            loading.send(content[at : at + 50_000])
        assert loading.finish(lambda _: None) == Loaded((IMAGE,))
    head, _, body = bytes(came).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1.41/images/load?quiet=0 HTTP/1.1\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert Chunks().content(body) == content


def test_who_refuses_it_before_it_is_there_whole_is_heard(engines: DockerEngines, server: StandIn) -> None:
    server.answers.append(reply(b'{"message":"write /tmp/x: no space left on device"}', "500 Internal Server Error"))
    with engines.session(server.engine).load() as loading, pytest.raises(EngineError) as caught:
        _send_much(loading)
    assert caught.value.kind is FailureKind.DISK_FULL


def test_a_target_that_takes_nothing_more_is_given_up(
    engines: DockerEngines, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_streams, "SILENCE_SECONDS", 0.3)
    server.answers.append(lambda _connection: time.sleep(1.5))
    with engines.session(server.engine).load() as loading, pytest.raises(EngineError) as caught:
        _send_much(loading)
    assert caught.value.kind is FailureKind.TIMEOUT
    assert "could not take the image in" in caught.value.title


def _send_much(loading: Loading) -> None:
    for _ in range(10_000):
        loading.send(b"x" * 65536)


def test_images_count_among_the_connections_to_an_engine(engines: DockerEngines, server: StandIn) -> None:
    session = engines.session(server.engine)
    streams = session._link.streams
    free = streams._pool.pool.qsize()  # type: ignore[union-attr] # it is there as long as it isn't closed
    server.answers.append(HEAD + _chunked(_archive()))
    with session.save(IMAGE) as saving:
        next(iter(saving))
        assert streams._pool.pool.qsize() == free - 1  # type: ignore[union-attr] # the same
    assert streams._pool.pool.qsize() == free  # type: ignore[union-attr] # the same
