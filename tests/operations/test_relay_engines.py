"""An image between real engines, by TLS, SSH and local socket: what docker says is there, also where it goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mirror_console.domain.relay import LegState, Relay
from mirror_console.engine import DockerEngines
from mirror_console.errors import FailureKind
from mirror_console.jobs import Jobs, Stopped, Work
from mirror_console.operations.console import Console
from mirror_console.operations.relay import Asked, relay
from mirror_console.vault import MemoryVault
from tests.catalogs import opened_catalog
from tests.contract.stage import catalogued, now
from tests.lab.engine import EngineSpec, LabEngine
from tests.lab.images import ImageSpec, load
from tests.lab.lab import Lab

MEGABYTE = 1024 * 1024
PAYLOAD = 20 * MEGABYTE
"""More than is held on the way: here, and by the sockets' own buffers."""
HELD = MEGABYTE
IN_MID_STREAM = 2 * MEGABYTE
IMAGE = ImageSpec("shop/carried", "26.8.1", payload=PAYLOAD)
NEXT = ImageSpec("shop/carried", "26.8.2")


@dataclass(frozen=True, slots=True)
class Carrier:
    """A console with engines of the lab, by name."""

    lab: Lab
    console: Console
    jobs: Jobs
    fingerprint: str
    spec: ImageSpec = IMAGE

    def relay(
        self,
        sources: list[LabEngine],
        targets: list[LabEngine],
        at_mid_stream: Callable[[], object] | None = None,
        work: Work | None = None,
    ) -> tuple[Relay, list[Relay]]:
        """Bring it there; what comes of it, and what was told. `at_mid_stream` is called once, by a thread of its own.

        It is called when the first target has had some megabytes, which is told at once: between two looks a quiet
        machine may bring all of it.
        """
        told: list[Relay] = []
        with ThreadPoolExecutor(1) as beside, pytest.MonkeyPatch.context() as looks:
            if at_mid_stream is not None:
                looks.setattr("mirror_console.operations.relay.TOLD_EVERY", 0.0)
            acting: list[Future[object]] = []

            def tell(standing: Relay) -> None:
                told.append(standing)
                if (
                    at_mid_stream is not None
                    and not acting
                    and any(leg.octets > IN_MID_STREAM for leg in standing.legs)
                ):
                    acting.append(beside.submit(at_mid_stream))
                    # Nothing goes on before it is done.
                    acting[0].result(20.0)

            give, get = ([self.console.engine(engine.name) for engine in some] for some in (sources, targets))
            asked = Asked(self.fingerprint, self.spec.reference)
            outcome = relay(self.console, self.jobs, asked, give, get, tell, work, patience=1.0)
        return outcome, told

    def has(self, engine: LabEngine) -> bool:
        """Whether docker says that it is there, under its name."""
        return self.lab.docker(engine).image(self.spec.reference) is not None

    def forget(self, *engines: LabEngine) -> None:
        """Take it away by docker's command line."""
        for engine in engines:
            self.lab.docker(engine).forget_image(self.spec.reference)
            assert not self.has(engine)


@pytest.fixture
def carrier(
    lab: Lab,
    tls_engine: LabEngine,
    local_engine: LabEngine,
    ssh_engine: LabEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Carrier]:
    # So that a small image is in mid-stream for long enough.
    monkeypatch.setattr("mirror_console.operations.relay.ROOM", HELD)
    small = lab.engine(EngineSpec("small", bridge=False, disk=28))
    vault, jobs = MemoryVault(), Jobs()
    catalog, engines = opened_catalog(tmp_path / "catalog.sqlite"), DockerEngines(vault, now)
    console = Console(catalog, engines, vault, now, time.monotonic, time.sleep, "operator", "desk")
    with catalog.write() as books:
        for engine in (tls_engine, local_engine, ssh_engine, small):
            books.engines.save(catalogued(engine, vault, engine.name))
    load(lab.docker(tls_engine), IMAGE)
    image = engines.session(console.engine(tls_engine.name)).image(IMAGE.reference)
    assert image is not None
    try:
        yield Carrier(lab, console, jobs, image.fingerprint)
    finally:
        jobs.close()
        engines.close()
        catalog.close()
        for engine in (tls_engine, local_engine, ssh_engine):
            engine.mend()
            lab.docker(engine).forget_image(IMAGE.reference, NEXT.reference)
        small.power_off()


def test_from_one_engine_to_others_and_what_fails_on_the_way(
    lab: Lab, carrier: Carrier, tls_engine: LabEngine, local_engine: LabEngine, ssh_engine: LabEngine
) -> None:
    small = lab.engine(EngineSpec("small", bridge=False, disk=28))
    # By TLS to a local one, one by SSH, and one that has no room for it.
    outcome, told = carrier.relay([tls_engine], [local_engine, ssh_engine, small])
    assert _states(outcome) == {"local": LegState.BROUGHT, "bern": LegState.BROUGHT, "small": LegState.FAILED}
    assert outcome.leg("small").kind is FailureKind.DISK_FULL
    assert "no space left on device" in outcome.leg("small").words
    wanted = lab.docker(tls_engine).image(IMAGE.reference)
    assert wanted is not None
    for engine in (local_engine, ssh_engine):
        there = lab.docker(engine).image(IMAGE.reference)
        assert there is not None
        assert (there["Id"], there["RepoTags"]) == (wanted["Id"], [IMAGE.reference])
        with carrier.console.catalog.read() as books:
            (held,) = [one for one in books.images.on(engine.name) if one.id == wanted["Id"]]
        assert (held.brought_by, held.fingerprint) == ("relay", carrier.fingerprint)
    assert lab.docker(small).run("image", "ls", "--quiet") == ""
    assert len(told) < 100
    assert all(one.done <= one.total for one in told)

    # A target is frozen in mid-stream: the other one isn't held up. Resumed, only it is sent the image.
    carrier.forget(local_engine, ssh_engine)
    outcome, _ = carrier.relay([tls_engine], [local_engine, ssh_engine], local_engine.freeze)
    assert _states(outcome) == {"local": LegState.FAILED, "bern": LegState.BROUGHT}
    assert outcome.leg("local").words == "local took nothing for 1 s, and the others didn't wait for it."
    assert outcome.leg("local").octets < PAYLOAD
    local_engine.thaw()
    assert not carrier.has(local_engine)
    outcome, _ = carrier.relay([tls_engine], [local_engine, ssh_engine])
    assert _states(outcome) == {"local": LegState.BROUGHT, "bern": LegState.THERE}
    assert outcome.leg("bern").octets == 0

    # Of the next release only what is new in it is sent: the payload and what is below it are there already.
    lines = f"FROM {IMAGE.reference}\nENV NEXT=1\nLABEL org.opencontainers.image.version={NEXT.version}"
    lab.docker(tls_engine).run("build", "--tag", NEXT.reference, "-", feed=lines)
    built = carrier.console.engines.session(carrier.console.engine(tls_engine.name)).image(NEXT.reference)
    assert built is not None
    wanted_next = replace(carrier, fingerprint=built.fingerprint, spec=NEXT)
    outcome, _ = wanted_next.relay([tls_engine], [local_engine, ssh_engine])
    assert outcome.complete
    assert all(0 < leg.octets < MEGABYTE for leg in outcome.legs)
    for engine in (local_engine, ssh_engine):
        assert wanted_next.has(engine)
        # What it shares stays with it, and the other way round.
        carrier.forget(engine)
        assert lab.docker(engine).run("run", "--rm", NEXT.reference, "ls", "-l", "/app/payload").split()[4] == str(
            PAYLOAD
        )
    wanted_next.forget(local_engine, ssh_engine)
    outcome, _ = wanted_next.relay([tls_engine], [ssh_engine])
    assert outcome.leg("bern").octets > PAYLOAD
    wanted_next.forget(ssh_engine, tls_engine)
    outcome, _ = carrier.relay([tls_engine], [ssh_engine])
    assert outcome.complete

    # Cancelled in mid-stream: at once, and nothing of it stays.
    assert not carrier.has(local_engine)
    ended: list[float] = []

    def carry(work: Work) -> None:
        def cancel() -> None:
            ended.append(time.monotonic())
            work.stop()

        carrier.relay([tls_engine], [local_engine], cancel, work)

    with pytest.raises(Stopped):
        carrier.jobs.submit("Relay", carry).result(30.0)
    assert time.monotonic() - ended[0] < 2.0
    assert not carrier.has(local_engine)
    _until_empty(local_engine.folder / "data" / "tmp")

    # The source is killed in mid-stream: it is said, and another one that has the image gives it.
    outcome, told = carrier.relay([tls_engine], [local_engine], tls_engine.kill)
    assert outcome.leg("local").words.startswith("paris broke off in the middle of an image")
    assert outcome.leg("local").hint
    assert not carrier.has(local_engine)
    tls_engine.start()
    outcome, told = carrier.relay([tls_engine, ssh_engine], [local_engine], tls_engine.kill)
    assert outcome.complete
    assert list(dict.fromkeys(one.source for one in told if one.source)) == ["paris", "bern"]
    assert carrier.has(local_engine)


def _states(outcome: Relay) -> dict[str, LegState]:
    return {leg.engine: leg.state for leg in outcome.legs}


def _until_empty(folder: Path) -> None:
    """An engine throws away what it had unpacked of an image that never became whole."""
    end = time.monotonic() + 20.0
    while left := list(folder.iterdir()):
        assert time.monotonic() < end, left
        time.sleep(0.05)
