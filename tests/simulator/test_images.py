"""Images of a simulated engine, and the registry that they come from."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.references import Reference, parse_reference
from mirror_console.simulator.registry import Login, SimulatedRegistry
from mirror_console.simulator.state import Timing
from mirror_console.simulator.wire import Refusal
from tests.simulator.conftest import IMAGE, Api, Connect, HandClock, Publish
from tests.simulator.test_containers import create, refused

REPOSITORY = "registry.test:5000/shop/webshop"
GOOD = {"username": "deploy", "password": "right"}
BAD = {"username": "deploy", "password": "wrong"}
NOBODY: dict[str, str] = {}


def pull(api: Api, repository: str, tag: str | None = None, auth: Any = GOOD, **more: Any) -> list[dict[str, Any]]:
    return list(api.pull(repository, tag, stream=True, decode=True, auth_config=auth, **more))


def test_a_pull_tells_its_progress_and_the_digest(api: Api, publish: Publish) -> None:
    release = publish("2")
    lines = pull(api, REPOSITORY, "2")

    words = [line["status"] for line in lines]
    assert lines[0] == {"id": "2", "status": "Pulling from shop/webshop"}
    assert words.count("Already exists") == 2
    assert {"Pulling fs layer", "Downloading", "Verifying Checksum", "Extracting", "Pull complete"} <= set(words)
    bars = [line["progressDetail"] for line in lines if line["status"] == "Downloading"]
    assert bars[-1]["current"] == bars[-1]["total"] > 0
    assert words[-2:] == [f"Digest: {release.digest}", f"Status: Downloaded newer image for {REPOSITORY}:2"]
    assert pull(api, REPOSITORY, "2")[-1]["status"] == f"Status: Image is up to date for {REPOSITORY}:2"


def test_an_image_is_found_by_all_its_names(api: Api, publish: Publish) -> None:
    release = publish("2")
    pull(api, f"{REPOSITORY}@{release.digest}")
    by_digest = api.inspect_image(f"{REPOSITORY}@{release.digest}")
    assert by_digest["RepoTags"] == []

    pull(api, REPOSITORY, "2")
    found = api.inspect_image(f"{REPOSITORY}:2")
    assert found["RepoTags"] == [f"{REPOSITORY}:2"]
    assert found["RepoDigests"] == [f"{REPOSITORY}@{release.digest}"]
    for name in (found["Id"], found["Id"][7:19], f"{REPOSITORY}@{release.digest}"):
        assert api.inspect_image(name)["Id"] == found["Id"]
    assert found["Config"]["Labels"]["org.opencontainers.image.version"] == "2"
    assert (found["Os"], found["Architecture"]) == ("linux", "amd64")
    assert len(found["RootFS"]["Layers"]) == 3


def test_one_platform_is_pulled_by_its_own_digest(api: Api, publish: Publish) -> None:
    release = publish("2")
    arm = next(image for image in release.index.images if image.platform == "linux/arm64")
    pull(api, REPOSITORY, arm.manifest_digest)

    assert api.inspect_image(arm.id)["Architecture"] == "arm64"


def test_releases_share_layers_but_never_an_identity(publish: Publish) -> None:
    one, two = publish("2").index.images[0], publish("3").index.images[0]

    assert one.layers[:2] == two.layers[:2]
    assert one.layers[2] != two.layers[2]
    assert one.id != two.id


@pytest.mark.parametrize(
    ("reference", "auth", "status", "words"),
    [
        ("2", BAD, 500, "unauthorized: authentication required"),
        (
            "2",
            NOBODY,
            500,
            'Head "http://registry.test:5000/v2/shop/webshop/manifests/2": no basic auth credentials',
        ),
        ("nosuch", GOOD, 404, f"manifest for {REPOSITORY}:nosuch not found: manifest unknown: manifest unknown"),
        (
            "sha256:" + "0" * 64,
            GOOD,
            404,
            f"manifest for {REPOSITORY}@sha256:{'0' * 64} not found: manifest unknown: manifest unknown",
        ),
    ],
)
def test_a_refused_pull_has_the_engines_status(
    api: Api, publish: Publish, reference: str, auth: dict[str, str], status: int, words: str
) -> None:
    publish("2")

    assert refused(pull, api, REPOSITORY, reference, auth) == (status, words)


def test_a_platform_that_is_not_there_fails_inside_the_stream(api: Api, publish: Publish) -> None:
    publish("2")
    words = "no matching manifest for linux/s390x in the manifest list entries"

    last = pull(api, REPOSITORY, "2", platform="linux/s390x")[-1]
    assert last == {"error": words, "errorDetail": {"message": words}}
    assert refused(api.inspect_image, f"{REPOSITORY}:2")[0] == 404


def test_a_pull_can_fail_in_its_middle(engine: SimulatedEngine, api: Api, publish: Publish) -> None:
    publish("2")
    engine.fail_pulls("write /var/lib/docker/tmp/layer: no space left on device")
    assert pull(api, REPOSITORY, "2")[-1]["error"].endswith("no space left on device")
    assert refused(api.inspect_image, f"{REPOSITORY}:2")[0] == 404

    engine.fail_pulls("")
    assert "error" not in pull(api, REPOSITORY, "2")[-1]


def test_a_registry_that_is_down_or_unknown_is_said(api: Api, registry: SimulatedRegistry) -> None:
    registry.make_unreachable()
    down = 'Get "http://registry.test:5000/v2/": dial tcp registry.test:5000: connect: connection refused'
    assert refused(pull, api, REPOSITORY, "1") == (500, down)
    assert refused(api.inspect_distribution, IMAGE, auth_config=GOOD) == (500, down)
    registry.make_reachable()
    assert "error" not in pull(api, REPOSITORY, "1")[-1]

    assert "no such host" in refused(pull, api, "elsewhere.test/x", "1")[1]


def test_the_registry_is_asked_without_a_pull(api: Api, publish: Publish) -> None:
    release = publish("2")
    answer = api.inspect_distribution(f"{REPOSITORY}:2", auth_config=GOOD)

    assert answer["Descriptor"]["digest"] == release.digest
    platforms = [f"{platform['os']}/{platform['architecture']}" for platform in answer["Platforms"]]
    assert platforms == ["linux/amd64", "linux/arm64"]
    by_digest = api.inspect_distribution(f"{REPOSITORY}@{release.digest}", auth_config=GOOD)
    assert by_digest["Descriptor"]["digest"] == release.digest


@pytest.mark.parametrize(
    ("tag", "auth", "status", "words"),
    [
        ("1", BAD, 401, "unauthorized: authentication required"),
        ("1", NOBODY, 500, "no basic auth credentials"),
        ("nosuch", GOOD, 404, "manifest unknown: manifest unknown"),
    ],
)
def test_what_the_registry_refuses_has_the_engines_status(
    api: Api, tag: str, auth: dict[str, str], status: int, words: str
) -> None:
    found = refused(api.inspect_distribution, f"{REPOSITORY}:{tag}", auth_config=auth)

    assert found[0] == status
    assert found[1].endswith(words)


@pytest.mark.parametrize("header", ["", "!!!", base64.urlsafe_b64encode(b"[1]").decode(), "e30="])
def test_a_login_that_does_not_parse_is_nobody(api: Api, header: str) -> None:
    response = api.get(f"{api.base_url}/v1.41/distribution/{IMAGE}/json", headers={"X-Registry-Auth": header})

    assert response.status_code == 500
    assert response.json()["message"].endswith("no basic auth credentials")


def test_a_tag_moves_to_the_image_that_it_is_given_to(api: Api, publish: Publish) -> None:
    publish("2")
    pull(api, REPOSITORY, "2")
    assert api.tag(IMAGE, "mc-keep/0a1b2c3d", "1")
    assert api.tag(f"{REPOSITORY}:2", "mc-keep/0a1b2c3d", "1")

    assert api.inspect_image("mc-keep/0a1b2c3d:1")["Id"] == api.inspect_image(f"{REPOSITORY}:2")["Id"]
    assert api.inspect_image(IMAGE)["RepoTags"] == [IMAGE]
    tags = [item["RepoTags"] for item in api.images(filters={"reference": ["mc-keep/*:*"]})]
    assert tags == [["mc-keep/0a1b2c3d:1", f"{REPOSITORY}:2"]]


def test_an_image_in_use_is_not_removed(api: Api) -> None:
    made = create(api, "web")
    assert refused(api.remove_image, IMAGE)[0] == 409
    api.tag(IMAGE, "other", "1")
    assert api.remove_image("other:1") == [{"Untagged": "other:1"}]
    api.remove_container(made)

    removed = api.remove_image(IMAGE)
    assert [next(iter(entry)) for entry in removed] == ["Untagged", "Untagged", "Deleted"]
    assert api.images() == []
    assert refused(api.create_container, IMAGE) == (404, f"No such image: {IMAGE}")


def test_an_image_travels_in_an_archive(
    engine: SimulatedEngine, api: Api, connect: Connect, clock: HandClock, folder: Any
) -> None:
    archive = b"".join(api.get_image(IMAGE))
    with SimulatedEngine("berlin", clock, socket_path=folder / "b.sock") as other:
        there = connect(other)
        lines = list(there.load_image(archive))

        assert [line["status"] for line in lines[:-1]] == ["Loading layer"] * 3
        assert lines[-1] == {"stream": f"Loaded image: {IMAGE}\n"}
        loaded, original = there.inspect_image(IMAGE), api.inspect_image(IMAGE)
        assert loaded["Id"] == original["Id"]
        assert loaded["RootFS"] == original["RootFS"]
        assert loaded["RepoDigests"] == []
        assert refused(lambda: list(there.load_image(b"no archive")))[0] == 500


def test_the_disk_usage_counts_shared_layers_once(api: Api, publish: Publish) -> None:
    publish("2")
    pull(api, REPOSITORY, "2")
    create(api, "web")
    usage = api.df()

    assert usage["LayersSize"] < sum(image["Size"] for image in usage["Images"])
    assert {image["RepoTags"][0]: image["Containers"] for image in usage["Images"]} == {IMAGE: 1, f"{REPOSITORY}:2": 0}
    assert [container["Names"] for container in usage["Containers"]] == [["/web"]]


def test_a_pull_takes_time_where_time_is_wished(
    clock: HandClock, folder: Any, registry: SimulatedRegistry, login: Login, connect: Connect
) -> None:
    registry.publish("shop/webshop", "9", "9", "c0ffee")
    timing = Timing(layer=2.0)
    with SimulatedEngine(
        "b", clock, socket_path=folder / "b", registries=[registry], timing=timing, pause=clock.move
    ) as slow:
        before = clock()
        pull(connect(slow), REPOSITORY, "9")

    assert (clock() - before).total_seconds() == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("text", "reference", "registry"),
    [
        ("web", Reference("web"), "docker.io"),
        ("library/web:1", Reference("web", "1"), "docker.io"),
        ("docker.io/library/web:1", Reference("web", "1"), "docker.io"),
        ("shop/web:1", Reference("shop/web", "1"), "docker.io"),
        ("registry.test:5000/shop/web", Reference("registry.test:5000/shop/web"), "registry.test:5000"),
        ("localhost/web:1", Reference("localhost/web", "1"), "localhost"),
        (f"r.test/a/b@sha256:{'a' * 64}", Reference("r.test/a/b", "", f"sha256:{'a' * 64}"), "r.test"),
    ],
)
def test_references_are_read_as_by_an_engine(text: str, reference: Reference, registry: str) -> None:
    assert parse_reference(text) == reference
    assert parse_reference(text).registry == registry


@pytest.mark.parametrize("text", ["", "Web", "a b", "a@sha256:1", "a@", ":1", "a:b:c/d", "a/-b", "a:" + "x" * 129])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_reference(text)

    assert caught.value.status == 400


def test_the_registry_keeps_content_whose_tag_is_gone(registry: SimulatedRegistry, api: Api, publish: Publish) -> None:
    release = publish("2")
    registry.delete_tag("shop/webshop", "2")

    assert refused(pull, api, REPOSITORY, "2")[0] == 404
    assert pull(api, f"{REPOSITORY}@{release.digest}")[-2]["status"] == f"Digest: {release.digest}"
    with pytest.raises(KeyError):
        registry.tag("shop/webshop", "3", "sha256:" + "0" * 64)


def test_the_inspection_follows_the_api_version(api: Api) -> None:
    item = json.loads(api.get(f"{api.base_url}/v1.41/images/json").content)[0]

    assert item["VirtualSize"] == item["Size"]
