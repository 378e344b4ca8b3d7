"""Image references are read by their grammar; one image has one fingerprint, wherever and however it is held."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.image import (
    HUB,
    Image,
    ImageReference,
    fingerprint,
    parse_reference,
    registry_host,
    short,
)
from mirror_console.errors import InvalidInput

REPLIES = Path(__file__).parents[1] / "engine" / "replies"
ENGINES = sorted({path.parent for path in REPLIES.glob("*/v*/image-loaded.json")})
SAME = (
    "image-pulled-by-tag-of-index",
    "image-by-index-digest",
    "image-by-platform-digest",
    "image-pulled-by-tag-of-manifest",
    "image-of-container-whose-tag-moved",
    "image-loaded",
    "image-loaded-and-retagged",
)
"""Guises in which engines show release 1."""

CONFIG = [
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
    "Healthcheck",
    "OnBuild",
    "Shell",
    "ArgsEscaped",
]
"""What a container gets of an image besides its layers."""

DIGEST = "sha256:" + "0123456789abcdef" * 4


def reply(folder: Path, case: str) -> dict[str, Any]:
    """The body of a recorded inspect of an image."""
    body: dict[str, Any] = json.loads((folder / f"{case}.json").read_text())["body"]
    return body


def test_all_guises_of_a_release_have_one_fingerprint_on_every_engine() -> None:
    assert len(ENGINES) == 4
    seen = {fingerprint(reply(folder, case)) for folder in ENGINES for case in SAME}
    ids = {reply(folder, case)["Id"] for folder in ENGINES for case in SAME}

    assert len(seen) == 1
    assert len(ids) > 1


def test_another_release_has_another_fingerprint_the_same_on_every_engine() -> None:
    first = {fingerprint(reply(folder, "image-loaded")) for folder in ENGINES}
    second = {fingerprint(reply(folder, "image-after-tag-moved")) for folder in ENGINES}

    assert len(second) == 1
    assert first.isdisjoint(second)


def test_the_fingerprint_is_what_makes_a_container_and_nothing_else() -> None:
    plain = reply(ENGINES[0], "image-loaded")
    same = copy.deepcopy(plain)
    same |= {"Id": "sha256:other", "RepoTags": [], "RepoDigests": [], "Created": "1970-01-01T00:00:00Z", "Size": 1}
    same["Config"] |= {"Hostname": "other", "Shell": None, "OnBuild": []}
    assert fingerprint(same) == fingerprint(plain)

    for name in CONFIG:
        other = copy.deepcopy(plain)
        other["Config"][name] = ["changed"]
        assert fingerprint(other) != fingerprint(plain), name
    for name, value in (("Os", "windows"), ("Architecture", "arm64"), ("Variant", "v9")):
        assert fingerprint(plain | {name: value}) != fingerprint(plain), name
    layers = plain["RootFS"]["Layers"]
    assert fingerprint(plain | {"RootFS": {"Layers": [*layers, DIGEST]}}) != fingerprint(plain)


def test_a_reply_that_lacks_parts_still_has_a_fingerprint() -> None:
    assert fingerprint({}) == fingerprint({"Config": None, "RootFS": None, "Variant": ""})
    assert fingerprint({}).startswith("fp1:")


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag", "digest"),
    [
        ("webshop", "", "webshop", "", ""),
        ("shop/webshop", "", "shop/webshop", "", ""),
        ("shop/webshop:26.8.3", "", "shop/webshop", "26.8.3", ""),
        ("localhost/webshop", "localhost", "webshop", "", ""),
        ("localhost:5000/webshop:live", "localhost:5000", "webshop", "live", ""),
        ("registry.example/shop/web-shop_x:1", "registry.example", "shop/web-shop_x", "1", ""),
        ("Registry.Example:443/a/b/c", "Registry.Example:443", "a/b/c", "", ""),
        ("10.0.0.1:5000/a", "10.0.0.1:5000", "a", "", ""),
        ("[fd00::1]:5000/a:t", "[fd00::1]:5000", "a", "t", ""),
        (f"registry.example/a@{DIGEST}", "registry.example", "a", "", DIGEST),
        (f"registry.example/a:t@{DIGEST}", "registry.example", "a", "t", DIGEST),
        ("  a:t\n", "", "a", "t", ""),
        ("a__b/c.d/e---f", "", "a__b/c.d/e---f", "", ""),
        ("a:" + "x" * 128, "", "a", "x" * 128, ""),
        ("webshop:5000", "", "webshop", "5000", ""),
    ],
)
def test_a_reference_is_read(text: str, registry: str, path: str, tag: str, digest: str) -> None:
    read = parse_reference(text)

    assert read == ImageReference(registry, path, tag, digest)
    assert str(read) == text.strip()
    assert parse_reference(str(read)) == read


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("docker.io/shop/web:1", "shop/web:1"),
        ("index.docker.io/shop/web", "shop/web"),
        ("docker.io/library/web:1", "web:1"),
        ("library/web", "web"),
        ("library/shop/web", "library/shop/web"),
        ("registry.example/library/web", "registry.example/library/web"),
        ("docker.io.example/web", "docker.io.example/web"),
    ],
)
def test_names_of_docker_hub_are_read_as_engines_tell_them(text: str, short: str) -> None:
    assert str(parse_reference(text)) == short


def test_docker_hub_is_one_registry_whatever_it_is_called() -> None:
    assert registry_host("index.docker.io") == registry_host("docker.io") == HUB
    assert registry_host("registry.example:5000") == "registry.example:5000"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "/a",
        "a/",
        "a//b",
        "-a",
        "a-",
        "a..b",
        "a___b",
        "A",
        "registry.example/Shop/webshop",
        "Shop/webshop",
        "a:",
        "a:-t",
        "a:" + "x" * 129,
        "a:täg",
        "ä/b",
        "a@",
        "a@sha256:123",
        "a@md5:" + "0" * 32,
        f"a@{DIGEST.upper()}",
        "a b",
        "a:t t",
        "https://registry.example/a",
        "user@registry.example/a",
        "registry.example:port/a",
        "a\n:t",
        "a:t\x00",
    ],
)
def test_what_is_no_reference_is_refused_with_words(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_reference(text)

    assert refusal.value.title == f"'{text}' is not an image reference."
    assert [problem.field for problem in refusal.value.problems] == ["image"]
    assert "lower case" in refusal.value.problems[0].words


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        read = parse_reference(text)
    except InvalidInput:
        return
    assert str(read) == text.strip()


def test_a_repository_is_named_by_tag_or_digest() -> None:
    read = parse_reference(f"registry.example:5000/shop/webshop:live@{DIGEST}")

    assert read.repository == "registry.example:5000/shop/webshop"
    assert read.at("sha256:1") == "registry.example:5000/shop/webshop@sha256:1"
    assert read.tagged("26.8") == "registry.example:5000/shop/webshop:26.8"
    assert parse_reference("webshop").repository == "webshop"


def test_the_digest_for_a_repository_is_that_of_exactly_this_repository() -> None:
    image = Image("id", "fp1:x", digests=("r.example/a-b@sha256:1", "r.example/a@sha256:2", "other/a@sha256:3"))

    assert image.digest_in("r.example/a") == "sha256:2"
    assert image.digest_in("a") == ""


@pytest.mark.parametrize(
    ("identity", "shown"),
    [
        ("fp1:0123456789abcdef", "0123456789ab"),
        (DIGEST, "0123456789ab"),
        ("0123456789abcdef", "0123456789ab"),
        ("", ""),
    ],
)
def test_people_see_the_start_of_an_identity(identity: str, shown: str) -> None:
    assert short(identity) == shown
