"""Containers on a simulated engine, from creation to removal."""

from __future__ import annotations

from typing import Any

import pytest
from docker.errors import APIError

from mirror_console.simulator.engine import SimulatedEngine
from tests.simulator.conftest import IMAGE, Api, HandClock


def refused(call: Any, *args: Any, **more: Any) -> tuple[int, str]:
    """The status and the words of a refusal."""
    with pytest.raises(APIError) as caught:
        call(*args, **more)
    assert caught.value.response is not None
    return caught.value.response.status_code, str(caught.value.explanation)


def post(api: Api, path: str, body: object = None) -> int:
    """The bare status of a request, which the client otherwise takes for granted."""
    status: int = api.post(f"{api.base_url}/v1.41{path}", json=body).status_code
    return status


def create(api: Api, name: str, port: int = 0, **more: Any) -> str:
    host = api.create_host_config(port_bindings={8080: port} if port else {}, **more)
    made: str = api.create_container(IMAGE, name=name, host_config=host, ports=[8080])["Id"]
    return made


def test_a_container_lives_as_on_an_engine(api: Api) -> None:
    made = create(api, "web", 18080, restart_policy={"Name": "unless-stopped"}, mem_limit=67_108_864)
    assert api.inspect_container("web")["State"]["Status"] == "created"

    assert [post(api, f"/containers/{made}/start"), post(api, f"/containers/{made}/start")] == [204, 304]
    running = api.inspect_container(made)
    assert running["State"]["Running"]
    assert running["NetworkSettings"]["Ports"]["8080/tcp"][1] == {"HostIp": "::", "HostPort": "18080"}
    assert running["HostConfig"]["MemorySwap"] == 134_217_728
    assert running["NetworkSettings"]["Networks"]["bridge"]["IPAddress"].startswith("172.17.")

    assert [post(api, "/containers/web/stop?t=2"), post(api, "/containers/web/stop?t=2")] == [204, 304]
    stopped = api.inspect_container(made)
    assert (stopped["State"]["Status"], stopped["State"]["ExitCode"]) == ("exited", 143)
    assert stopped["NetworkSettings"]["Ports"] == {}

    assert api.delete(f"{api.base_url}/v1.41/containers/{made}").status_code == 204
    assert refused(api.remove_container, made) == (404, f"No such container: {made}")


def test_variables_and_labels_of_image_and_container_are_joined(api: Api) -> None:
    made = api.create_container(IMAGE, environment={"APP_VERSION": "mine", "STAGE": "live"}, labels={"a": "b"})["Id"]

    config = api.inspect_container(made)["Config"]
    assert config["Env"][:2] == ["APP_VERSION=mine", "STAGE=live"]
    assert [entry for entry in config["Env"] if entry.startswith("APP_VERSION=")] == ["APP_VERSION=mine"]
    assert config["Labels"]["a"] == "b"
    assert config["Labels"]["org.opencontainers.image.version"] == "1"
    assert config["ExposedPorts"] == {"8080/tcp": {}}


def test_a_port_that_is_taken_shows_at_the_start_only(api: Api) -> None:
    first, second = create(api, "first", 18080), create(api, "second", 18080)
    api.start(first)

    status, words = refused(api.start, second)
    assert status == 500
    assert words.endswith("Bind for 0.0.0.0:18080 failed: port is already allocated")
    assert api.inspect_container(second)["State"]["Status"] == "created"

    api.stop(first)
    api.start(second)
    assert api.inspect_container(second)["State"]["Running"]


def test_a_leaked_port_is_free_again_after_a_graceful_restart_of_the_engine(engine: SimulatedEngine, api: Api) -> None:
    made = create(api, "web", 18080)
    engine.leak_port(18080)
    assert refused(api.start, made)[0] == 500
    engine.restart(killed=True)
    assert refused(api.start, made)[0] == 500

    engine.restart()
    api.start(made)


def test_without_a_host_port_the_engine_chooses_one(api: Api) -> None:
    made = api.create_container(IMAGE, host_config=api.create_host_config(port_bindings={8080: None}))["Id"]
    api.start(made)

    assert int(api.port(made, 8080)[0]["HostPort"]) >= 49_153


def test_one_port_on_two_addresses_is_no_conflict(api: Api) -> None:
    for address in ("10.0.0.1", "10.0.0.2"):
        host = api.create_host_config(port_bindings={8080: (address, 18080)})
        api.start(api.create_container(IMAGE, host_config=host)["Id"])

    assert len(api.containers()) == 2


def test_a_name_is_changed_at_once_and_never_taken_twice(api: Api) -> None:
    old, new = create(api, "web"), create(api, "web.mc-next")

    assert refused(api.rename, new, "web")[0] == 409
    assert refused(api.rename, old, "web")[0] == 400
    assert refused(api.rename, old, "a")[0] == 400
    api.rename(old, "web.mc-prev")
    api.rename(new, "web")

    assert api.inspect_container("web")["Id"] == new
    assert api.inspect_container("web.mc-prev")["Id"] == old


def test_an_update_changes_what_it_can_in_place(api: Api) -> None:
    made = create(api, "web", mem_limit=67_108_864, nano_cpus=500_000_000)
    api.start(made)

    api.update_container(made, restart_policy={"Name": "no"})
    assert post(api, f"/containers/{made}/update", {"NanoCpus": 250_000_000, "PidsLimit": 50, "Nonsense": 1}) == 200
    assert refused(api.update_container, made, mem_limit=536_870_912)[0] == 409
    assert post(api, f"/containers/{made}/update", {"Memory": -1}) == 400
    assert post(api, f"/containers/{made}/update", {"Memory": 0}) == 200

    host = api.inspect_container(made)["HostConfig"]
    assert (host["RestartPolicy"]["Name"], host["NanoCpus"], host["PidsLimit"]) == ("no", 250_000_000, 50)
    assert host["Memory"] == 67_108_864


def test_a_never_started_container_keeps_a_count_that_survives_the_engine(engine: SimulatedEngine, api: Api) -> None:
    lock = create(api, "mc-lock.0a1b2c3d")
    api.update_container(lock, restart_policy={"Name": "on-failure", "MaximumRetryCount": 7})
    engine.restart(killed=True)

    after = api.inspect_container(lock)
    assert after["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 7}
    assert after["State"]["Status"] == "created"


def test_pruning_takes_what_never_started(api: Api) -> None:
    lock, running = create(api, "mc-lock.0a1b2c3d"), create(api, "web")
    api.start(running)

    assert api.prune_containers()["ContainersDeleted"] == [lock]
    assert [item["Id"] for item in api.containers(all=True)] == [running]


def test_a_running_container_is_removed_by_force_only(api: Api) -> None:
    made = create(api, "web", 18080)
    api.start(made)

    assert refused(api.remove_container, made)[0] == 409
    api.remove_container(made, force=True)
    assert api.containers(all=True) == []


def test_a_dead_container_keeps_its_name_until_it_is_deleted_again(engine: SimulatedEngine, api: Api) -> None:
    made = create(api, "web")
    api.start(made)
    engine.leave_dead("web")

    assert api.inspect_container(made)["State"]["Dead"]
    assert refused(api.create_container, IMAGE, name="web")[0] == 409
    api.remove_container(made)
    create(api, "web")


def test_a_process_that_ignores_the_signal_costs_the_whole_time(api: Api, clock: HandClock) -> None:
    made = api.create_container(IMAGE, environment={"APP_BEHAVIOUR": "ignores-term"})["Id"]
    api.start(made)
    before = clock()
    api.stop(made, timeout=8)

    assert (clock() - before).total_seconds() == 8
    assert api.inspect_container(made)["State"]["ExitCode"] == 137


def test_a_killed_container_says_by_what(api: Api) -> None:
    made = create(api, "web")
    api.start(made)
    api.kill(made, "SIGUSR1")
    assert api.inspect_container(made)["State"]["Running"]

    api.kill(made)
    assert api.inspect_container(made)["State"]["ExitCode"] == 137
    assert refused(api.kill, made)[0] == 409


def test_restarting_a_container_gives_it_a_new_start(api: Api, clock: HandClock) -> None:
    made = create(api, "web")
    api.start(made)
    before = api.inspect_container(made)["State"]["StartedAt"]
    clock.move(3)
    api.restart(made, timeout=1)

    after = api.inspect_container(made)
    assert after["State"]["StartedAt"] > before
    assert after["RestartCount"] == 0


def test_an_id_may_be_shortened_as_long_as_it_fits_one(api: Api) -> None:
    made = create(api, "web")

    assert api.inspect_container(made[:12])["Id"] == made
    for number in range(40):
        create(api, f"web-{number}")
    ids = [item["Id"] for item in api.containers(all=True)]
    shared = next(first for first in "0123456789abcdef" if sum(one.startswith(first) for one in ids) > 1)
    assert refused(api.inspect_container, shared)[0] == 400


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"label": ["tier=front"]}, {"web-live", "web-test"}),
        ({"label": ["tier=front", "stage=live"]}, {"web-live"}),
        ({"label": ["stage"]}, {"web-live", "web-test", "other"}),
        ({"name": ["^/web-live$"]}, {"web-live"}),
        ({"name": ["web"]}, {"web-live", "web-test"}),
        ({"status": ["created"]}, {"other"}),
        ({"status": ["running"], "label": ["tier=front"]}, {"web-live", "web-test"}),
        ({"health": ["starting"]}, {"web-live", "web-test"}),
        ({"ancestor": [IMAGE]}, {"web-live", "web-test", "other"}),
        ({"network": ["bridge"]}, {"web-live", "web-test", "other"}),
        ({"name": ["nothing"]}, set()),
    ],
)
def test_listings_are_filtered_as_by_an_engine(
    engine: SimulatedEngine, api: Api, filters: dict[str, list[str]], found: set[str]
) -> None:
    engine.run("web-live", IMAGE, labels={"tier": "front", "stage": "live"})
    engine.run("web-test", IMAGE, labels={"tier": "front", "stage": "test"})
    api.create_container(IMAGE, name="other", labels={"stage": "none"})

    assert {item["Names"][0][1:] for item in api.containers(all=True, filters=filters)} == found


def test_a_listing_without_all_has_the_running_ones(engine: SimulatedEngine, api: Api) -> None:
    engine.run("up", IMAGE)
    create(api, "not-started")

    assert [item["Names"] for item in api.containers()] == [["/up"]]
    by_id = api.containers(all=True, filters={"id": [engine.container("up").id[:8]]})
    assert [item["Names"] for item in by_id] == [["/up"]]


def test_a_listing_shows_the_bare_id_once_the_tag_moved_on(
    engine: SimulatedEngine, api: Api, registry: Any, publish: Any, login: Any
) -> None:
    engine.run("web", IMAGE)
    before = api.containers()[0]
    assert before["Image"] == IMAGE
    registry.tag("shop/webshop", "1", publish("2").digest)
    engine.pull(IMAGE, login)

    after = api.containers()[0]
    assert after["Image"] == after["ImageID"] == before["ImageID"]
    assert api.inspect_image(after["ImageID"])["RepoTags"] == []
