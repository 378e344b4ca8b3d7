"""What should run against what runs, for every reason to expect something and every way to differ, by docker's word."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.agency import HOST, REPOSITORY, SOURCE, Agency, its_port, mirror_entry, print_of
from tests.journeys.console import Program, cells
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

IDLE = {"restart": "no", "health": {"settle": 0.2}}


def environment(name: str, engine: LabEngine, container: str) -> dict[str, Any]:
    settings = {**IDLE, "networks": ["host"], "variables": its_port(container)}
    return {"name": name, "engine": engine.name, "container": container, "settings": settings}


def _start(docker: Docker, image: str, name: str) -> None:
    docker.start_container(image, name, *HOST, variables=its_port(name))


def by_name(status: Any) -> dict[str, Any]:
    """Every environment, called ``mirror environment``."""
    return {
        f"{mirror['slug']} {found['name']}": found for mirror in status["mirrors"] for found in mirror["environments"]
    }


def test_every_image_source_and_every_reason_to_expect_nothing(
    program: Program, agency: Agency, local_engine: LabEngine
) -> None:
    docker = agency.docker(local_engine)
    first, second = agency.publish(local_engine, "26.8.1"), agency.publish(local_engine, "26.8.2")
    agency.deploy(local_engine, first)
    agency.deploy(local_engine, second, "webshop-test")
    for name, published in (
        ("follower-live", first), ("follower-test", first), ("matcher-live", first), ("matcher-test", second),
        ("matcher-staging", first), ("orphan-live", first), ("held-live", second), ("expired-live", first),
    ):  # fmt: skip
        _start(docker, published.reference, name)
    holding = {"fingerprint": print_of(docker, "held-live"), "version": "26.8.2", "reason": "waits for the new theme"}
    held, expired = environment("live", local_engine, "held-live"), environment("live", local_engine, "expired-live")
    held["hold"] = {**holding, "until": "2120-01-01"}
    expired["hold"] = {**holding, "since": "2020-01-01", "until": "2020-02-01"}
    source = agency.source_entry(local_engine)
    source["environments"].append(environment("test", local_engine, "webshop-test"))
    document = {
        "engines": [agency.engine_entry(local_engine)],
        "sources": [
            source,
            {
                "name": "Newshop",
                "repository": f"{agency.registry}/shop/newshop",
                "environments": [environment("live", local_engine, "newshop-live")],
            },
        ],
        "mirrors": [
            mirror("Follower", local_engine, "always live", "live", "test"),
            mirror("Matcher", local_engine, "matching", "live", "test", "staging"),
            {**mirror("Orphan", local_engine, "always live", "live"), "source": "newshop"},
            {"name": "Held", "source": "webshop", "environments": [held]},
            {"name": "Expired", "source": "webshop", "environments": [expired]},
        ],
    }
    program.run("catalog", "import", str(agency.write(document)))
    program.run("check")
    found = by_name(program.ask("status", expect=None))

    assert {name: cell["status"] for name, cell in found.items()} == {
        "follower live": "aligned",
        "follower test": "aligned",
        "matcher live": "aligned",
        "matcher test": "aligned",
        "matcher staging": "no release",
        "orphan live": "no release",
        "held live": "aligned",
        "expired live": "aligned",
    }
    assert found["matcher staging"]["why"] == "the source has no environment 'staging'"
    assert found["orphan live"]["why"] == "the source's live never had an image"
    assert found["held live"]["why"] == "held until 1 Jan 2120: waits for the new theme"
    assert [name for name, cell in found.items() if cell["held"]] == ["held live"]
    assert found["matcher test"]["why"] == "test of the source has it (matching)"
    # 'Aligned' is what docker says of both, whatever the containers' images are called.
    look = docker.look()
    expected = {"matcher test": "webshop-test", "held live": "webshop-test"}
    for name in ("follower live", "follower test", "matcher live", "matcher test", "held live", "expired live"):
        same = print_of(look, found[name]["container"]) == print_of(look, expected.get(name, SOURCE))
        assert same == (found[name]["status"] == "aligned"), name


def mirror(name: str, engine: LabEngine, image_source: str, *names: str) -> dict[str, Any]:
    """A mirror with environments that need nothing."""
    slug = name.lower()
    environments = [environment(one, engine, f"{slug}-{one}") for one in names]
    return {"name": name, "source": "webshop", "image_source": image_source, "environments": environments}


def test_behind_ahead_and_what_was_loaded_from_a_file(
    program: Program, agency: Agency, local_engine: LabEngine, tls_engine: LabEngine
) -> None:
    local, remote = agency.docker(local_engine), agency.docker(tls_engine)
    names = ("old", "newer", "newest", "loaded", "foreign", "stopped", "missing", "retagged")
    mirrors = [
        mirror_entry(name.title(), tls_engine if name == "loaded" else local_engine, f"{name}-live", restart="no")
        for name in names
    ]
    agency.fill(program, local_engine, tls_engine, mirrors=mirrors)
    releases = [agency.publish(local_engine, f"26.8.{number}") for number in (1, 2, 3)]
    for published in releases:
        agency.deploy(local_engine, published)
        program.run("check")
    other = agency.publish(local_engine, "1", "else/where")
    hands = {"old": 0, "newer": 1, "newest": 2, "stopped": 0}
    for name, place in hands.items():
        _start(local, releases[place].reference, f"{name}-live")
    _start(local, other.reference, "foreign-live")
    local.run("stop", "stopped-live")
    # The same release under another tag, and as a file on an engine that never saw a registry.
    rename = f"{agency.registry}/{REPOSITORY}:latest"
    local.run("tag", releases[2].reference, rename)
    _start(local, rename, "retagged-live")
    archive = agency.folder / "release.tar"
    local.run("save", "--output", str(archive), releases[2].image_id)
    remote.forget_image(releases[2].reference, releases[2].image_id)
    remote.run("load", "--quiet", "--input", str(archive))
    _start(remote, releases[2].image_id, "loaded-live")
    image = remote.image(remote.image_of("loaded-live"))
    assert image is not None
    assert (image["RepoTags"], image["RepoDigests"]) == ([], [])

    program.run("check")
    found = cells(program.ask("status", expect=1))
    assert {slug: (cell["status"], cell["behind"]) for slug, cell in found.items()} == {
        "old": ("behind", 2),
        "newer": ("behind", 1),
        "newest": ("aligned", 0),
        "loaded": ("aligned", 0),
        "retagged": ("aligned", 0),
        "foreign": ("drifted", None),
        "stopped": ("unhealthy", 2),
        "missing": ("missing", None),
    }
    assert found["foreign"]["drift"] == "foreign image"
    assert (found["stopped"]["alignment"], found["stopped"]["health"]) == ("behind", "stopped")
    assert print_of(remote, "loaded-live") == print_of(local, SOURCE)
    assert {cell["expected"] for cell in found.values()} == {"26.8.3"}

    # The source goes back: what was current is ahead now, and what was behind is what should run.
    agency.deploy(local_engine, releases[0])
    program.run("check")
    found = cells(program.ask("status", expect=1))
    assert {slug: cell["status"] for slug, cell in found.items()} == {
        "old": "aligned",
        "newer": "ahead",
        "newest": "ahead",
        "loaded": "ahead",
        "retagged": "ahead",
        "foreign": "drifted",
        "stopped": "unhealthy",
        "missing": "missing",
    }
    assert found["stopped"]["alignment"] == "aligned"
    assert found["old"]["expected"] == local.version_of(SOURCE) == "26.8.1"
    assert print_of(local, "old-live") == print_of(local, SOURCE)
