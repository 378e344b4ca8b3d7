"""The socket of a simulated engine: connections, faults on cue, and nothing left behind."""

from __future__ import annotations

import gc
import socket
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from docker.errors import APIError, DockerException

from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.fleet import SimulatedFleet
from mirror_console.simulator.registry import Login
from mirror_console.simulator.state import DOCKER_25
from tests.simulator.conftest import IMAGE, Api, Connect, HandClock
from tests.simulator.test_containers import create, refused

# The client leaves the socket of a connection that failed to the garbage collector: these tests collect it.
unclosed = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


def talk(path: Path, *pieces: bytes) -> bytes:
    """Send the pieces and return everything that comes until the end of the connection."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        for piece in pieces:
            connection.sendall(piece)
        answer = b""
        while more := connection.recv(65_536):
            answer += more
        return answer


def test_a_ping_says_what_it_is(api: Api) -> None:
    answer = api.get(f"{api.base_url}/_ping")

    assert answer.text == "OK"
    assert answer.headers["Api-Version"] == "1.41"
    assert answer.headers["Ostype"] == "linux"
    assert answer.headers["Server"] == "Docker/20.10.24 (linux)"
    assert api.get(f"{api.base_url}/v1.41/_ping").text == "OK"


def test_it_says_that_it_is_simulated(api: Api) -> None:
    info, version = api.info(), api.version()

    assert info["OperatingSystem"] == "Mirror Console simulator"
    assert info["Labels"] == ["io.mirrorconsole.simulated=true"]
    assert info["Name"] == "alpha-simulated"
    assert (info["ServerVersion"], info["OSType"], info["Architecture"]) == ("20.10.24", "linux", "x86_64")
    assert info["SystemTime"].startswith("2026-09-01T12:00:00")
    assert (version["Version"], version["ApiVersion"], version["Arch"]) == ("20.10.24", "1.41", "amd64")
    assert version["Platform"]["Name"] == "simulated"


def test_a_newer_engine_has_the_newer_shapes(
    clock: HandClock, folder: Path, engine: SimulatedEngine, connect: Connect
) -> None:
    image = engine.state.images.find(IMAGE).image
    with SimulatedEngine("new", clock, socket_path=folder / "n.sock", generation=DOCKER_25) as newer:
        newer.add_image("web:1", image)
        api = connect(newer, "1.44")
        assert api.version()["MinAPIVersion"] == "1.24"
        assert "VirtualSize" not in api.inspect_image("web:1")
        made = api.create_container("web:1")["Id"]
        assert "KernelMemory" not in api.inspect_container(made)["HostConfig"]
        api.create_network("front")
        assert refused(api.create_network, "front")[0] == 409
        assert set(api.get(f"{api.base_url}/v1.44/system/df?type=image").json()) >= {"Images", "LayersSize"}
        assert api.get(f"{api.base_url}/v1.44/system/df?type=image").json()["Containers"] is None
        assert refused(connect(newer, "1.45").version)[0] == 400
        assert "VirtualSize" in connect(newer, "1.41").inspect_image("web:1")


def test_the_sockets_are_their_owners_alone(fleet: SimulatedFleet) -> None:
    assert stat.S_IMODE(fleet.folder.stat().st_mode) == 0o700
    for name in fleet.engines:
        assert stat.S_IMODE((fleet.folder / f"{name}.sock").stat().st_mode) == 0o600


def test_nothing_is_left_of_a_fleet(clock: HandClock, folder: Path, login: Login) -> None:
    before = set(threading.enumerate())
    with SimulatedFleet(folder / "f", ["alpha", "berlin", "cedar"], clock, login=login) as fleet:
        streams = []
        for name in fleet.engines:
            talker = socket.socket(socket.AF_UNIX)
            talker.connect(str(folder / "f" / f"{name}.sock"))
            talker.sendall(b"GET /events HTTP/1.1\r\nHost: engine\r\n\r\n")
            assert talker.recv(100).startswith(b"HTTP/1.1 200 OK")
            streams.append(talker)
        assert len(set(threading.enumerate()) - before) >= 6
    for talker in streams:
        talker.close()

    assert set(threading.enumerate()) == before
    assert list((folder / "f").iterdir()) == []


@unclosed
def test_an_unreachable_engine_refuses_and_comes_back_as_it_was(engine: SimulatedEngine, api: Api) -> None:
    made = create(api, "web")
    api.start(made)
    engine.make_unreachable()
    with pytest.raises(requests.exceptions.ConnectionError):
        api.containers()
    gc.collect()

    engine.make_reachable()
    assert [item["Id"] for item in api.containers()] == [made]


def test_an_engine_that_stands_still_takes_connections_and_answers_later(
    engine: SimulatedEngine, connect: Connect
) -> None:
    engine.pause_answers()
    with pytest.raises(requests.exceptions.Timeout):
        connect(engine, timeout=1).version()
    with ThreadPoolExecutor() as waiting:
        answer = waiting.submit(connect(engine).version)
        time.sleep(0.1)
        assert not answer.done()
        engine.resume_answers()
        assert answer.result(timeout=5)["ApiVersion"] == "1.41"


def test_a_standing_engine_can_be_stopped(clock: HandClock, folder: Path) -> None:
    with SimulatedEngine("alpha", clock, socket_path=folder / "a.sock") as engine, ThreadPoolExecutor() as waiting:
        engine.pause_answers()
        answer = waiting.submit(talk, folder / "a.sock", b"GET /_ping HTTP/1.1\r\n\r\n")
        time.sleep(0.1)
        engine.stop()
        assert answer.result(timeout=5) == b""


def test_it_does_what_was_asked_even_if_the_asker_has_gone(engine: SimulatedEngine, api: Api, folder: Path) -> None:
    made = create(api, "web")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / "a.sock"))
        connection.sendall(f"POST /v1.41/containers/{made}/start HTTP/1.1\r\nHost: e\r\n\r\n".encode())
    for _ in range(100):
        if api.inspect_container(made)["State"]["Running"]:
            break
        time.sleep(0.02)

    assert api.inspect_container(made)["State"]["Running"]


def test_it_answers_on_loopback_too(clock: HandClock, connect: Connect) -> None:
    with SimulatedEngine("tcp", clock) as engine:
        assert engine.address.startswith("tcp://127.0.0.1:")
        before = engine.address
        assert connect(engine).info()["Name"] == "tcp-simulated"
        engine.restart()
        assert engine.address == before
        assert connect(engine).ping()


def test_one_connection_serves_many_requests(folder: Path, engine: SimulatedEngine) -> None:
    request = b"GET /_ping HTTP/1.1\r\nHost: e\r\n\r\n"
    last = b"HEAD /_ping HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n"
    answer = talk(folder / "a.sock", request, request, last)

    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(b"\r\n\r\nOK") == 2


def test_a_body_may_come_in_chunks(folder: Path, engine: SimulatedEngine) -> None:
    head = b"POST /v1.41/volumes/create HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n"
    answer = talk(
        folder / "a.sock", head, b"Connection: close\r\n\r\n", b'8\r\n{"Name":\r\n', b'5\r\n"v1"}\r\n0\r\n\r\n'
    )

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created")
    assert "v1" in engine.state.volumes


@pytest.mark.parametrize("garbage", [b"hello\r\n\r\n", b"GET /_ping\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n", b""])
def test_what_is_no_request_ends_the_connection(folder: Path, engine: SimulatedEngine, garbage: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / "a.sock"))
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""


def test_a_body_that_is_no_json_is_refused(folder: Path, engine: SimulatedEngine) -> None:
    head = b"POST /v1.41/networks/create HTTP/1.1\r\nConnection: close\r\nContent-Length: 3\r\n\r\n{{{"

    assert talk(folder / "a.sock", head).startswith(b"HTTP/1.1 400 Bad Request")


def test_a_path_too_long_for_a_socket_is_said(clock: HandClock, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too long"):
        SimulatedEngine("alpha", clock, socket_path=tmp_path / ("x" * 100) / "a.sock")


@pytest.mark.parametrize("path", ["/v1.41/nothing", "/nothing", "/v1.41/containers", "/"])
def test_an_unknown_path_is_not_found(api: Api, path: str) -> None:
    answer = api.get(f"{api.base_url}{path}")

    assert (answer.status_code, answer.json()) == (404, {"message": "page not found"})


def test_networks_and_volumes_on_request(api: Api) -> None:
    network = api.create_network("front", labels={"a": "b"}, check_duplicate=True)["Id"]
    assert refused(api.create_network, "front", check_duplicate=True)[0] == 409
    made = create(api, "web")
    api.start(made)
    api.connect_container_to_network(made, network, aliases=["shop"])
    assert refused(api.connect_container_to_network, made, network)[0] == 403
    inspected = api.inspect_container(made)["NetworkSettings"]["Networks"]["front"]
    assert inspected["Aliases"] == ["shop", made[:12]]
    assert inspected["IPAddress"].startswith("172.18.")
    assert list(api.inspect_network(network)["Containers"]) == [made]

    api.disconnect_container_from_network(made, network)
    assert refused(api.disconnect_container_from_network, made, network)[0] == 500
    api.remove_network(network)
    assert [found["Name"] for found in api.networks()] == ["none", "host", "bridge"]
    assert [found["Name"] for found in api.networks(names=["bri"])] == ["bridge"]

    api.create_volume("v1", labels={"a": "1"})
    assert api.create_volume("v1", labels={"a": "2"})["Labels"] == {"a": "1"}
    assert [volume["Name"] for volume in api.volumes(filters={"label": ["a=1"]})["Volumes"]] == ["v1"]
    assert api.volumes(filters={"name": ["other"]})["Volumes"] == []


def test_a_user_defined_network_is_joined_at_creation(api: Api) -> None:
    api.create_network("front")
    config = api.create_networking_config({"front": api.create_endpoint_config(aliases=["shop"])})
    host = api.create_host_config(network_mode="front")
    made = api.create_container(IMAGE, host_config=host, networking_config=config)["Id"]
    api.start(made)

    networks = api.inspect_container(made)["NetworkSettings"]["Networks"]
    assert networks["front"]["Aliases"] == ["shop", made[:12]]
    assert networks["front"]["Gateway"] == "172.18.0.1"
    network = api.inspect_network("front")["Id"]
    by_id = api.create_container(IMAGE, host_config=api.create_host_config(network_mode=network))["Id"]
    assert set(api.inspect_container(by_id)["NetworkSettings"]["Networks"]) == {"front"}
    two = api.create_networking_config({"front": api.create_endpoint_config(), "bridge": api.create_endpoint_config()})
    assert refused(api.create_container, IMAGE, networking_config=two)[0] == 400


@unclosed
def test_a_stopped_engine_is_no_engine(engine: SimulatedEngine, api: Api) -> None:
    engine.stop()
    engine.stop()

    with pytest.raises((requests.exceptions.ConnectionError, DockerException, APIError)):
        api.info()
    gc.collect()
