"""Clean-up on a real engine: what is older goes, the way back and what is none of ours stay, and putting back works.

Also where it is somebody else who cleans up, and not with this program.
"""

from __future__ import annotations

import pytest

from tests.journeys.agency import REPOSITORY, Agency, mirror_entry
from tests.journeys.console import Program
from tests.lab.engine import LabEngine
from tests.lab.registry import LabRegistry

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
LABEL = "io.mirrorconsole."


def test_after_two_rollouts_what_is_older_goes_and_the_way_back_works(
    program: Program, agency: Agency, fast_engine: LabEngine
) -> None:
    engine = fast_engine
    docker = agency.docker(engine)
    first = agency.publish(engine, "31.1.1")
    agency.deploy(engine, first)
    agency.run_mirror(engine, first.reference, "alder-live", "--network", "host")
    agency.fill(program, engine, mirrors=[mirror_entry("Alder", engine, "alder-live", networks=["host"])])
    rollouts = []
    for version in ("31.1.2", "31.1.3"):
        agency.deploy(engine, agency.publish(engine, version))
        program.run("check")
        way = ("--environment", "live", "--all", "--why", "release day", "--way", "test environment", "--bake", "0")
        rollouts.append(program.ask("rollout", "start", *way, "--yes", "1"))
    assert [rollout["state"] for rollout in rollouts] == ["completed", "completed"]
    assert docker.version_of("alder-live.mc-prev") == "31.1.2"

    # What a rollout of ours that is over could have left, one of another catalog, and strangers of every kind.
    ours = {"role": "app", "process": "web", "schema": "1", "env": docker.labels("alder-live")[f"{LABEL}env"]}
    left = {
        "alder-live.mc-older": {**ours, "rollout": rollouts[0]["id"]},
        "alder-live.mc-next": {**ours, "rollout": "4" * 32},
        "mc-lock.alder-live": {**ours, "role": "lock", "rollout": "4" * 32, "catalog": "5" * 32},
        "birch-live.mc-older": {},
    }
    stranger = agency.publish(engine, "1", repository="others/thing")
    for name, labels in left.items():
        options = [word for key, value in labels.items() for word in ("--label", f"{LABEL}{key}={value}")]
        docker.run("create", "--name", name, "--network", "host", *options, stranger.reference)
    before = set(docker.names())
    assert "its environment is locked" in program.run("clean", expect=2).out, "it is another console's turn"
    assert set(docker.names()) == before
    docker.run("rm", "mc-lock.alder-live")

    assert "nobody can be asked here: say --yes. Remove 1 container, 1 image" in (
        program.run("clean", engine.name, expect=2).err
    )
    assert set(docker.names()) == before - {"mc-lock.alder-live"}
    (told,) = program.ask("clean", "--yes")
    assert [one["name"] for one in told["goes"]] == ["alder-live.mc-older", first.reference]
    assert len(told["removed"]) == 2
    assert {one["name"]: one["why"] for one in told["stays"]}["alder-live.mc-next"] == (
        "of a rollout that this catalog doesn't know"
    )
    assert told["ways_back"]["containers"] == 1
    assert set(docker.names()) == before - {"mc-lock.alder-live", "alder-live.mc-older"}
    assert docker.image(first.reference) is None
    assert docker.image(stranger.reference) is not None
    assert program.run("clean").out.endswith("There is nothing to clean up.\n")
    assert f"1 way back kept, {told['ways_back']['images']} image" in program.run("engines", "show", engine.name).out

    # The way back leads back, also without the console.
    docker.run("stop", "--time", "2", "alder-live")
    docker.run("rename", "alder-live", "alder-live.broken")
    docker.run("rename", "alder-live.mc-prev", "alder-live")
    docker.run("start", "alder-live")
    assert docker.state("alder-live") == "running"
    assert docker.version_of("alder-live") == "31.1.2"


def test_after_somebody_pruned_the_engine_it_rolls_back_without_a_registry(
    program: Program, agency: Agency, fast_engine: LabEngine, local_engine: LabEngine, lab_registry: LabRegistry
) -> None:
    # The source is elsewhere: here nothing gives an image a name by pulling it by one.
    engine, source = fast_engine, local_engine
    docker = agency.docker(engine)
    first = agency.publish(source, "32.1.1")
    agency.deploy(source, first)
    # As a rollout makes them: from what was pulled by its digest, and has no name.
    pinned = f"{agency.registry}/{REPOSITORY}@{first.digest}"
    agency.run_mirror(engine, pinned, "alder-live", "--network", "host")
    agency.fill(program, source, engine, mirrors=[mirror_entry("Alder", engine, "alder-live", networks=["host"])])
    program.run("check")
    way = ("--environment", "live", "--all", "--why", "release day", "--way", "test environment", "--bake", "0")

    def release(version: str) -> None:
        agency.deploy(source, agency.publish(source, version))
        program.run("check")
        (target,) = program.ask("rollout", "start", *way, "--yes", "1")["targets"]
        assert target["state"] == "done", target

    release("32.1.2")
    assert docker.image_of("alder-live.mc-prev") == first.image_id
    docker.run("container", "prune", "--force")
    docker.run("image", "prune", "--force")
    assert "alder-live.mc-prev" not in docker.names()
    assert docker.image(first.image_id) is not None, "nothing but its name kept it"
    lab_registry.stop()
    try:
        back = program.ask("rollout", "rollback", "--all", "--why", "too early", "--yes", "1")
        assert (back["state"], docker.version_of("alder-live")) == ("completed", "32.1.1")
    finally:
        lab_registry.start()

    # Images without a container go with 'prune --all' whatever they are called: then it is the containers that are
    # spared by their label, and their images with them.
    release("32.1.3")
    before = docker.image_of("alder-live.mc-prev")
    docker.run("system", "prune", "--all", "--force", "--filter", f"label!={LABEL}env")
    assert docker.image_of("alder-live.mc-prev") == before
    assert docker.image(before) is not None
    docker.run("system", "prune", "--all", "--force")
    assert docker.image(before) is None, "then it has to be pulled again"
    program.run("check")
    assert program.ask("rollout", "rollback", "--all", "--preview")["targets"]
