"""One release for two platforms in every guise: what the console calls it, and what docker shows that it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.agency import HOST, REPOSITORY, SOURCE, Agency, its_port, mirror_entry, print_of
from tests.journeys.console import Program, cells
from tests.lab.asking import pull
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.lab.images import ImageSpec, own_architecture
from tests.lab.index import Index, publish_index

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

OTHER = "arm64" if own_architecture() == "amd64" else "amd64"
HERE = ("by-tag", "by-index", "retagged", "cached", "untagged")
THERE = ("loaded", "other-platform")
ALL = (*HERE, *THERE, "by-platform")


def publish_for_two(agency: Agency, version: str, repository: str = REPOSITORY) -> Index:
    """A release for this machine's platform and another, to which the tag ``live`` is moved."""
    spec = ImageSpec(repository, version)
    return publish_index(agency.lab.registry, spec, (own_architecture(), OTHER), tags=("live",))


def digests_of(docker: Docker, container: str) -> set[str]:
    """What docker says an engine knows the image of a container by."""
    image = docker.image(docker.image_of(container))
    assert image is not None
    return {name.rpartition("@")[2] for name in image["RepoDigests"]}


def test_one_image_in_every_guise(
    program: Program, agency: Agency, three_engines: tuple[LabEngine, LabEngine, LabEngine]
) -> None:
    dockers = [agency.docker(engine) for engine in three_engines]
    here, there, apart = dockers
    place = dict.fromkeys(HERE, 0) | dict.fromkeys(THERE, 1) | {"by-platform": 2}
    at = {name: dockers[number] for name, number in place.items()}
    first = publish_for_two(agency, "26.8.1")
    cached = publish_for_two(agency, "26.8.1", "cache/webshop")
    assert cached.digest == first.digest
    _start_in_every_guise(agency, here, there, first, cached)
    _pull(agency, apart, first.of(own_architecture()))
    _start(apart, first.of(own_architecture()), "by-platform-live")
    mirrors = [_mirror(name, three_engines[number]) for name, number in place.items()]
    agency.fill(program, *three_engines, mirrors=mirrors)
    program.run("check")

    # Others compare the digest that the tag has with that of the container's image.
    assert {name for name in ALL if first.digest not in digests_of(at[name], _live(name))} == {"by-platform", "loaded"}
    told = cells(program.ask("status", expect=0))
    assert {name: (cell["status"], cell["sureness"]) for name, cell in told.items()} == dict.fromkeys(
        ALL, ("aligned", "proved")
    )
    expected = print_of(here, SOURCE)
    for name in (*HERE, "loaded", "by-platform"):
        assert print_of(at[name], _live(name)) == expected
    image = there.image(there.image_of("other-platform-live"))
    assert image is not None
    assert (image["Architecture"], first.digest in digests_of(there, "other-platform-live")) == (OTHER, True)

    _where_it_runs(program, first)

    # The tag moves on: all of them are one behind, also what was loaded, and what runs on the other platform.
    second = publish_for_two(agency, "26.8.2")
    _pull(agency, here, f"{first.repository}:live")
    here.remove(SOURCE)
    _start(here, f"{first.repository}:live", SOURCE)
    assert here.container("by-tag-live")["Config"]["Image"].endswith(":live")
    assert here.version_of("by-tag-live") == "26.8.1"
    program.run("check")
    told = cells(program.ask("status"))
    assert {name: (cell["status"], cell["behind"], cell["sureness"]) for name, cell in told.items()} == dict.fromkeys(
        ALL, ("behind", 1, "proved")
    )

    # An update by hand to the digest of the platform alone: outdated for those who compare digests, and aligned.
    _pull(agency, apart, second.of(own_architecture()))
    apart.remove("by-platform-live")
    _start(apart, second.of(own_architecture()), "by-platform-live")
    assert second.digest not in digests_of(apart, "by-platform-live")
    _rolled_out_is_named(program, at, second)
    told = cells(program.ask("status"))
    assert {name for name, cell in told.items() if cell["status"] == "aligned"} == {"by-platform", "by-tag", "loaded"}
    for name in set(ALL) - {"other-platform"}:
        same = print_of(at[name], _live(name)) == print_of(here, SOURCE)
        assert same == (told[name]["alignment"] == "aligned"), name


def _start_in_every_guise(agency: Agency, here: Docker, there: Docker, first: Index, cached: Index) -> None:
    live = f"{first.repository}:live"
    for reference in (live, first.pinned, cached.reference):
        _pull(agency, here, reference)
    here.run("tag", live, "local/other:x")
    here.run("tag", live, "local/gone:y")
    named = {
        SOURCE: live,
        "by-tag-live": live,
        "by-index-live": first.pinned,
        "retagged-live": "local/other:x",
        "cached-live": cached.reference,
        "untagged-live": "local/gone:y",
    }
    for container, reference in named.items():
        _start(here, reference, container)
    here.run("image", "rm", "local/gone:y")
    archive = agency.folder / "release.tar"
    here.run("save", "--output", str(archive), "local/other:x")
    there.run("load", "--quiet", "--input", str(archive))
    _start(there, "local/other:x", "loaded-live")
    there.run("pull", "--quiet", "--platform", f"linux/{OTHER}", first.pinned)
    _start(there, first.pinned, "other-platform-live")


def _mirror(name: str, engine: LabEngine) -> dict[str, Any]:
    return mirror_entry(name.title(), engine, _live(name), restart="no") | {"slug": name}


def _pull(agency: Agency, docker: Docker, reference: str) -> None:
    pull(docker.engine.socket, reference, agency.lab.registry.login)


def _start(docker: Docker, reference: str, container: str) -> None:
    docker.start_container(reference, container, *HOST, variables=its_port(container))


def _live(name: str) -> str:
    return f"{name}-live"


def _where_it_runs(program: Program, first: Index) -> None:
    """By any name of it the same places; by those of one platform's image all but what runs on the other."""
    everywhere = {*(name.title() for name in ALL), "Webshop"}
    found = program.ask("where", first.digest)
    assert _applications(found) == everywhere
    assert {build["platform"] for build in found["builds"]} == {f"linux/{own_architecture()}", f"linux/{OTHER}"}
    assert f"runs in {len(everywhere)} environments on 3 engines" in found["words"]
    for name in (first.images[own_architecture()], "local/other:x", first.images[own_architecture()][7:19]):
        assert _applications(program.ask("where", name)) == everywhere - {"Other-Platform"}, name
    listed = program.ask("status", f"running:{first.digest[:19]}*")
    assert {mirror["name"] for mirror in listed["mirrors"]} == everywhere - {"Webshop"}
    assert program.ask("where", "26.9.9")["builds"] == []


def _applications(found: Any) -> set[str]:
    return {place["application"] for build in found["builds"] for place in build["environments"]}


def _rolled_out_is_named(program: Program, at: dict[str, Docker], second: Index) -> None:
    """What the console makes is named by repository and version in everybody's `docker ps`, and has our labels."""
    chosen = ("--mirror", "by-tag", "--mirror", "loaded")
    plan = program.ask("rollout", "plan", "-e", "live", *chosen, "--bake", "0", "--waves", "rest")
    done = program.ask("rollout", "start", "--plan", plan["fingerprint"], "--why", "it is newer", "--yes", "2")
    assert done["state"] == "completed", done
    for name in ("by-tag", "loaded"):
        docker, container = at[name], _live(name)
        (line,) = (one for one in docker.ps() if one["Names"] == container)
        assert line["Image"].partition("@")[0] == second.reference
        assert docker.run("ps", "--filter", f"name=^{container}$", "--format", "{{.Image}}") == second.reference
        labels = docker.labels(container)
        assert labels["io.mirrorconsole.version"] == docker.version_of(container) == "26.8.2"
        assert labels["io.mirrorconsole.to"] == print_of(docker, container)
    # What is kept, stopped, as the way back: its engine still holds the release that nothing there runs any more.
    (build,) = program.ask("where", print_of(at["by-tag"], "by-tag-live.mc-prev"))["builds"]
    assert [one["engine"] for one in build["held_by"]] == ["oslo", "paris"]
