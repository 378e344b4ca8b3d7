"""What swaps rely on when an engine restarts in the middle of one, seen on a real engine by the docker command line."""

from __future__ import annotations

import pytest

from tests.lab.engine import LabEngine
from tests.lab.images import ImageSpec, load
from tests.lab.lab import Lab


@pytest.mark.parametrize("killed", [False, True], ids=["restarted", "killed"])
def test_only_what_ran_or_is_always_wanted_comes_back(lab: Lab, fast_engine: LabEngine, killed: bool) -> None:
    docker = lab.docker(fast_engine)
    image = load(docker, ImageSpec("restarts.test/web", "1"))
    for policy in ("always", "unless-stopped"):
        docker.run("create", "--restart", policy, "--name", f"never-started-{policy}", "--network", "none", image)
        docker.start_container(image, f"stopped-{policy}", "--restart", policy, "--network", "none")
        docker.run("stop", f"stopped-{policy}")
    if killed:
        fast_engine.kill()
        fast_engine.start()
    else:
        fast_engine.restart()
    # A new container may have its restart policy before its start; an old one needs to lose 'always' before its stop,
    # and may keep 'unless-stopped'.
    assert {name: docker.state(name) for name in docker.names()} == {
        "never-started-always": "created",
        "never-started-unless-stopped": "created",
        "stopped-always": "running",
        "stopped-unless-stopped": "exited",
    }
