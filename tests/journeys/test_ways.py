"""All ways to an engine at once: each shows and rolls out the same, and one that is cut off costs its own alone."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.journeys.agency import SOURCE, Agency, its_port, mirror_entry, print_of, wait_until
from tests.journeys.console import Program, cells
from tests.lab.asking import state_of
from tests.lab.docker_cli import Docker, Reading
from tests.lab.engine import LabEngine
from tests.lab.images import Behaviour
from tests.lab.ssh import LabSsh

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

SLUGS = ("alder", "birch", "cedar", "dogwood")
"""A mirror by each way, in the order of `Ways.engines`."""
WELL = {"path": "/health", "limit": 300, "settle": 0.2}
"""Asked by HTTP: by SSH through the connection, as nothing says where else the ports would be found."""

START = ("rollout", "start", "-e", "live", "--all", "--bake", "0", "--yes", "4", "--why", "by every way")
AT_ONCE = ("--waves", "rest")
WELL_AGAIN = "sed -i s/never-healthy/not-any-more/ /app/answer"
"""What has an application of the tests get well that never does by itself."""


@dataclass(frozen=True)
class Ways:
    """Engines by local socket, by TLS, by SSH, and by SSH over a jump host, each with a mirror that runs 26.8.1."""

    program: Program
    agency: Agency
    engines: tuple[LabEngine, LabEngine, LabEngine, LabEngine]
    jump_host: LabSsh

    @property
    def names(self) -> list[str]:
        """The engines' names."""
        return [engine.name for engine in self.engines]

    def release(self, version: str, **how: Any) -> None:
        """The agency's pipeline publishes a release and deploys the source's live."""
        local = self.engines[0]
        self.agency.deploy(local, self.agency.publish(local, version, **how))

    def running(self) -> dict[str, str]:
        """What docker says that runs as the live of each mirror."""
        placed = zip(SLUGS, self.engines, strict=True)
        return {slug: self.agency.docker(engine).version_of(f"{slug}-live") for slug, engine in placed}


@pytest.fixture
def ways(
    program: Program,
    agency: Agency,
    local_engine: LabEngine,
    tls_engine: LabEngine,
    ssh_engine: LabEngine,
    inner_engine: LabEngine,
    jump_host: LabSsh,
) -> Ways:
    engines = (local_engine, tls_engine, ssh_engine, inner_engine)
    made = Ways(program, agency, engines, jump_host)
    # The same sign-in goes for every host on the way.
    jump_host.allow(inner_engine.ssh.key.public)
    published = agency.publish(local_engine, "26.8.1")
    agency.deploy(local_engine, published)
    entries = []
    for slug, engine in zip(SLUGS, engines, strict=True):
        container = f"{slug}-live"
        port = its_port(container)["PORT"]
        entries.append(mirror_entry(slug.title(), engine, container, health=WELL | {"port": int(port)}))
        agency.run_mirror(engine, published.reference, container)
    ways_in = [agency.engine_entry(engine, timeout=3) for engine in engines[:3]]
    ways_in.append(agency.engine_entry(inner_engine, jump_host, timeout=3))
    agency.fill(program, *engines, mirrors=entries, engines=ways_in)
    answer = program.ask("check")
    assert (sorted(answer["answered"]), answer["failed"]) == (sorted(made.names), [])
    return made


def test_each_way_is_rolled_out_to_and_what_is_cut_off_in_mid_way_costs_its_own_only(ways: Ways) -> None:
    watched_tried_and_rolled_out_to(ways)
    cut_off_in_mid_way(ways)


def watched_tried_and_rolled_out_to(ways: Ways) -> None:
    """By each way the same is seen and done."""
    program, agency = ways.program, ways.agency
    for engine in ways.engines:
        steps = program.ask("engines", "test", engine.name)
        # Only by SSH can the host itself be asked for its disk; a local socket has neither a name nor a sign-in.
        states = {step["state"] for step in steps if engine.spec.ssh or step["title"] != "Free disk"}
        assert states == ({"ok", "skipped"} if engine is ways.engines[0] else {"ok"}), steps
    found = cells(program.ask("status"))
    assert {slug: (cell["status"], cell["engine"]) for slug, cell in found.items()} == {
        slug: ("aligned", name) for slug, name in zip(SLUGS, ways.names, strict=True)
    }

    ways.release("26.8.2")
    done = program.ask(*START, "--waves", "1,rest", "--no-pause")
    assert (done["state"], done["headline"]) == ("completed", "4 of 4 updated")

    program.run("check")
    told = cells(program.ask("status"))
    looks = [agency.docker(engine).look() for engine in ways.engines]
    source = print_of(looks[0], SOURCE)
    for slug, look in zip(SLUGS, looks, strict=True):
        name = f"{slug}-live"
        assert (told[slug]["running"], told[slug]["status"]) == (look.version_of(name), "aligned")
        assert look.version_of(name) == "26.8.2"
        assert print_of(look, name) == source
        assert without_source(look) == [name, f"{name}.mc-prev"]
        assert look.state(f"{name}.mc-prev") == "exited"
    # The last one was really reached from the jump host, and from nowhere else.
    inner = ways.engines[3].ssh
    assert inner.said(f"Connection from {ways.jump_host.host} ")
    assert inner.said(f"Accepted publickey for deploy from {ways.jump_host.host} ")
    assert not inner.said(f"Accepted publickey for deploy from {ways.jump_host.network.address(1)} ")


def cut_off_in_mid_way(ways: Ways) -> None:
    """One engine's SSH server ends, and the jump host before another freezes."""
    program = ways.program
    reached, cut = SLUGS[:2], SLUGS[2:]
    server, jump_host = ways.engines[2].ssh, ways.jump_host
    dockers = {slug: ways.agency.docker(its) for slug, its in zip(SLUGS, ways.engines, strict=True)}
    # It gets well when it is told to, which is after the cut.
    ways.release("26.8.3", behaviour=Behaviour.NEVER_HEALTHY)
    # At the source it is told so at once: what is ill there already isn't rolled out.
    ways.agency.docker(ways.engines[0]).execute(SOURCE, "sh", "-c", WELL_AGAIN)
    with ExitStack() as mended, program.running(*START, *AT_ONCE, "--json") as rollout:
        for its_slug, its_docker in dockers.items():
            wait_until(partial(_in_mid_way, its_docker, its_slug), f"the new container of {its_slug} runs")
        server.stop()
        mended.callback(server.start)
        jump_host.freeze()
        mended.callback(jump_host.thaw)
        for its_slug, its_docker in dockers.items():
            its_docker.execute(f"{its_slug}-live.mc-next", "sh", "-c", WELL_AGAIN)
        cut_off = rollout.end()
        assert cut_off.exit_code == 1, str(cut_off)

        states = {target["mirror"].lower(): target["state"] for target in cut_off.json["targets"]}
        assert states == dict.fromkeys(reached, "done") | dict.fromkeys(cut, "unknown"), str(cut_off)
        assert cut_off.json["state"] == "interrupted"
        running = ways.running()
        assert {slug: running[slug] for slug in reached} == dict.fromkeys(reached, "26.8.3")
        checked = program.ask("check", expect=1)
        assert sorted(failed["engine"] for failed in checked["failed"]) == sorted(ways.names[2:])
        assert sorted(checked["answered"]) == sorted(ways.names[:2])
        seen = cells(program.ask("status", expect=1))
        assert {slug: seen[slug]["status"] for slug in reached} == dict.fromkeys(reached, "aligned")

    # The ways are there again: what was begun there is read anew and brought to its end.
    went_on = program.ask("recover", "continue")
    assert {target["state"] for target in went_on["targets"]} == {"done"}
    for slug, engine in zip(SLUGS, ways.engines, strict=True):
        look = ways.agency.docker(engine).look()
        assert look.version_of(f"{slug}-live") == "26.8.3"
        assert without_source(look) == [f"{slug}-live", f"{slug}-live.mc-prev"]
    program.run("check")
    assert {cell["status"] for cell in cells(program.ask("status")).values()} == {"aligned"}


def without_source(look: Reading) -> list[str]:
    """What docker says that is there, but for the source."""
    return [name for name in look.names() if name != SOURCE]


def _in_mid_way(docker: Docker, slug: str) -> bool:
    """Whether a mirror's new container runs, and hasn't taken over yet."""
    return state_of(docker.engine.socket, f"{slug}-live.mc-next") == "running"
