"""An image goes from engine to engine through the console: who has it, who lacks it, and what goes wrong on the way."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mirror_console.domain.engine import Contact, Engine, EngineFacts, parse_address
from mirror_console.domain.held import BY_RELAY, HeldImage
from mirror_console.domain.relay import Leg, LegState, Relay
from mirror_console.engine import DockerEngines
from mirror_console.errors import FailureKind, InvalidInput, NotAllowed
from mirror_console.jobs import Jobs, JobState, Stopped, Work
from mirror_console.operations.console import Console
from mirror_console.operations.relay import Asked, relay
from mirror_console.simulator import archives
from mirror_console.simulator.calls import Reply, Request
from mirror_console.simulator.faults import Fault
from mirror_console.simulator.fleet import SimulatedFleet
from mirror_console.simulator.images import Image, ImageRecipe, build_image
from mirror_console.store import Catalog
from mirror_console.vault import MemoryVault
from tests.catalogs import opened_catalog
from tests.operations.fleet import now

NAMES = ("alpha", "berlin", "chur", "davos")
REFERENCE = "shop/webshop:1.0"


@dataclass(slots=True)
class Four:
    """A console with four engines; `alpha` has an image."""

    console: Console
    jobs: Jobs
    simulated: SimulatedFleet
    image: Image
    told: list[Relay] = field(default_factory=list)
    fingerprint: str = ""

    def engines(self, *names: str) -> list[Engine]:
        """Engines of the catalog."""
        return [self.console.engine(name) for name in names]

    def relay(self, sources: str, targets: str, work: Work | None = None, **asked: str) -> Relay:
        """Bring it from some to others, which are named with spaces between."""
        wanted = Asked(**{"fingerprint": self.fingerprint, "name": REFERENCE, **asked})
        give, get = self.engines(*sources.split()), self.engines(*targets.split())
        return relay(self.console, self.jobs, wanted, give, get, self.told.append, work, patience=2.0)

    def has(self, name: str) -> bool:
        """Whether an engine has it, read past the program."""
        stored = self.simulated.engines[name].state.images.everything()
        return self.image.id in [one.image.id for one in stored]

    def tags(self, name: str) -> list[str]:
        """The names that it has there, read past the program."""
        stored = self.simulated.engines[name].state.images.everything()
        return next(one.tags for one in stored if one.image.id == self.image.id)

    def recorded(self, name: str) -> list[HeldImage]:
        """What the catalog knows of an engine's images."""
        with self.console.catalog.read() as books:
            return books.images.on(name)


@pytest.fixture
def four() -> Iterator[Four]:
    folder = Path(tempfile.mkdtemp(prefix="mc-"))
    folder.chmod(0o700)
    try:
        with SimulatedFleet(folder / "e", NAMES, now) as simulated:
            catalog = opened_catalog(folder / "catalog" / "catalog.sqlite")
            jobs, vault = Jobs(), MemoryVault()
            engines = DockerEngines(vault, now)
            console = Console(catalog, engines, vault, now, time.monotonic, time.sleep, "operator", "desk")
            with catalog.write() as books:
                for name, engine in simulated.engines.items():
                    books.engines.save(Engine(name, name, parse_address(engine.address), timeout=5.0))
            image = build_image(ImageRecipe("webshop", "1.0", "abc"), "linux/amd64", now())
            simulated.engines["alpha"].add_image(REFERENCE, image)
            made = Four(console, jobs, simulated, image)
            seen = engines.session(console.engine("alpha")).image(REFERENCE)
            assert seen is not None
            made.fingerprint = seen.fingerprint
            try:
                yield made
            finally:
                jobs.close()
                engines.close()
                catalog.close()
    finally:
        shutil.rmtree(folder)


def _states(outcome: Relay) -> dict[str, LegState]:
    return {leg.engine: leg.state for leg in outcome.legs}


def _saves(four: Four, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who is asked to give an image away from now on."""
    asked: list[str] = []
    manners = four.simulated.engines[name]._manners
    answer = manners.reply

    def reply(request: Request, well: Callable[[Request], Reply]) -> Reply:
        if request.target.endswith("/get"):
            asked.append(request.target)
        return answer(request, well)

    monkeypatch.setattr(manners, "reply", reply)
    return asked


def test_one_reading_brings_it_to_all_who_lack_it(four: Four, monkeypatch: pytest.MonkeyPatch) -> None:
    four.simulated.engines["davos"].add_image("other/name:1", four.image)
    saves = _saves(four, "alpha", monkeypatch)
    outcome = four.relay("alpha", "berlin chur davos", brought_by="rollout-1")
    assert _states(outcome) == {
        "berlin": LegState.BROUGHT,
        "chur": LegState.BROUGHT,
        "davos": LegState.THERE,
    }
    assert outcome.complete
    assert outcome.source == "alpha"
    assert outcome.sentence == "Brought to berlin, chur. There already on davos."
    assert len(saves) == 1
    for name in ("berlin", "chur"):
        assert four.tags(name) == [REFERENCE]
        (held,) = four.recorded(name)
        assert (held.fingerprint, held.brought_by, held.id) == (four.fingerprint, "rollout-1", four.image.id)
        assert outcome.leg(name).octets > four.image.size
    # What was there is nobody's of ours, and keeps the names that it has.
    assert four.tags("davos") == ["other/name:1"]
    assert [held.brought_by for held in four.recorded("davos")] == [""]
    assert outcome.leg("davos").octets == 0
    # Told as it went, the last time how it ended; and never more sent than was to be sent.
    assert four.told[-1] == outcome
    assert all(told.done <= told.total for told in four.told)
    assert outcome.done == outcome.total
    # Once more: everybody has it.
    again = four.relay("alpha", "berlin chur davos")
    assert set(_states(again).values()) == {LegState.THERE}
    assert len(saves) == 1
    assert [held.brought_by for held in four.recorded("berlin")] == ["rollout-1"]


def test_what_was_brought_by_hand_is_ours_too(four: Four) -> None:
    assert four.relay("alpha", "berlin").complete
    assert [held.brought_by for held in four.recorded("berlin")] == [BY_RELAY]


def test_a_name_that_is_another_images_stays_so(four: Four) -> None:
    other = build_image(ImageRecipe("webshop", "2.0", "def"), "linux/amd64", now())
    four.simulated.engines["berlin"].add_image(REFERENCE, other)
    outcome = four.relay("alpha", "berlin chur")
    assert outcome.complete
    assert outcome.leg("berlin").words == f"its name {REFERENCE} is another image's there, and stays so"
    assert outcome.leg("chur").words == ""
    assert four.tags("berlin") == []
    assert four.simulated.engines["berlin"].state.images.find(REFERENCE).image.id == other.id
    # Without a name it is found all the same.
    assert four.relay("alpha", "berlin").leg("berlin").state is LegState.THERE


def test_it_is_found_by_its_content_where_nothing_is_known_of_it(four: Four) -> None:
    outcome = four.relay("chur davos alpha", "berlin", name="")
    assert outcome.complete
    assert outcome.source == "alpha"
    assert four.tags("berlin") == []


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.HALF_A_REPLY, Fault.ERROR_PAGE])
def test_where_the_source_dies_another_one_is_taken(four: Four, fault: Fault) -> None:
    four.simulated.engines["chur"].add_image(REFERENCE, four.image)
    four.simulated.engines["alpha"].misbehave(fault, "/get")
    outcome = four.relay("alpha chur", "berlin davos")
    assert outcome.complete
    assert outcome.source == "chur"
    # A target that has it already is as good a source.
    four.simulated.engines["berlin"].stop()
    four.simulated.engines["berlin"].start()
    _forget(four, "davos")
    four.simulated.engines["chur"].misbehave(fault, "/get")
    again = four.relay("alpha chur", "davos berlin")
    assert _states(again) == {"davos": LegState.BROUGHT, "berlin": LegState.THERE}
    assert again.source == "berlin"


def _forget(four: Four, name: str) -> None:
    engine = four.simulated.engines[name]
    with engine.state.lock:
        engine.state.images.remove(REFERENCE, {}, force=True)
    assert not four.has(name)


def test_a_source_that_dies_is_said_for_all(four: Four) -> None:
    four.simulated.engines["alpha"].misbehave(Fault.RESET, "/get")
    outcome = four.relay("alpha", "berlin chur")
    assert [leg.state for leg in outcome.failed] == [LegState.FAILED, LegState.FAILED]
    assert {leg.words for leg in outcome.failed} == {"alpha closed the connection before it answered."}
    assert all(leg.hint for leg in outcome.failed)
    assert not four.has("berlin")
    assert four.recorded("berlin") == []
    four.simulated.engines["alpha"].behave()
    assert four.relay("alpha", "berlin chur").complete


def test_nobody_has_it(four: Four) -> None:
    outcome = four.relay("chur", "berlin")
    assert outcome.leg("berlin").words == "chur doesn't have the image."
    four.simulated.engines["chur"].make_unreachable()
    outcome = four.relay("chur", "berlin")
    assert "chur" in outcome.leg("berlin").words
    assert four.relay("", "berlin").leg("berlin").words == "No engine is known that has the image."


def test_a_target_that_fails_does_not_stop_the_others(four: Four) -> None:
    four.simulated.engines["berlin"].fail_loads("write /var/lib/docker/tmp/x: no space left on device")
    four.simulated.engines["chur"].make_unreachable()
    outcome = four.relay("alpha", "berlin chur davos")
    assert _states(outcome) == {
        "berlin": LegState.FAILED,
        "chur": LegState.FAILED,
        "davos": LegState.BROUGHT,
    }
    full = outcome.leg("berlin")
    assert full.kind is FailureKind.DISK_FULL
    assert "no space left on device" in full.words
    assert "Free disk space" in full.hint
    assert outcome.leg("chur").kind is FailureKind.REFUSED
    # Resumed, only those are seen to that lack it.
    four.simulated.engines["berlin"].fail_loads("")
    four.simulated.engines["chur"].make_reachable()
    assert _states(four.relay("alpha", "berlin chur davos")) == {
        "berlin": LegState.BROUGHT,
        "chur": LegState.BROUGHT,
        "davos": LegState.THERE,
    }


def test_what_arrives_as_another_image_is_removed_again(four: Four, monkeypatch: pytest.MonkeyPatch) -> None:
    other = build_image(ImageRecipe("webshop", "2.0", "def"), "linux/amd64", now())
    four.simulated.engines["alpha"].add_image("other/name:1", other)
    # It was there before on one of them: then it isn't ours to remove.
    four.simulated.engines["chur"].add_image("other/name:1", other)
    save = archives.save
    monkeypatch.setattr("mirror_console.simulator.archives.save", lambda state, _names: save(state, [other.id]))
    outcome = four.relay("alpha", "berlin chur")
    for name in ("berlin", "chur"):
        assert outcome.leg(name).words == f"What arrived on {name} is not the image that was sent."
        assert four.recorded(name) == []
    assert four.simulated.engines["berlin"].state.images.everything() == []
    assert [one.tags for one in four.simulated.engines["chur"].state.images.everything()] == [["other/name:1"]]


def test_layers_that_a_target_has_are_not_sent(four: Four, monkeypatch: pytest.MonkeyPatch) -> None:
    assert four.relay("alpha", "berlin").complete
    following = build_image(ImageRecipe("webshop", "2.0", "def"), "linux/amd64", now())
    four.simulated.engines["alpha"].add_image("shop/webshop:2.0", following)
    seen = four.console.engines.session(four.engines("alpha")[0]).image("shop/webshop:2.0")
    assert seen is not None
    outcome = four.relay("alpha", "berlin chur", fingerprint=seen.fingerprint, name="shop/webshop:2.0")
    assert outcome.complete
    new = following.layers[-1].size
    assert new < outcome.leg("berlin").octets < new + 50_000
    assert outcome.leg("chur").octets > following.size
    # One that hasn't got what it seemed to have refuses the image: it is sent all of it, by a reading of its own.
    monkeypatch.setattr("mirror_console.operations.relay.layers_there", lambda *_: [seen.layers[:2]])
    saves = _saves(four, "alpha", monkeypatch)
    outcome = four.relay("alpha", "davos berlin", fingerprint=seen.fingerprint, name="shop/webshop:2.0")
    assert outcome.complete
    assert outcome.leg("davos").octets > following.size
    assert len(saves) == 2


def test_an_image_for_another_platform_is_not_sent(four: Four) -> None:
    facts = EngineFacts("20.10.24", "1.41", "linux/arm64", "berlin", 2, 4 * 1024**3, "classic", False, 0.0)
    with four.console.catalog.write() as books:
        books.engines.save_contact(Contact("berlin", now(), True, 0.1, facts=facts))
    outcome = four.relay("alpha", "berlin chur")
    assert outcome.leg("berlin").kind is FailureKind.PLATFORM
    assert outcome.leg("berlin").words == "berlin is linux/arm64, and the image is for linux/amd64."
    assert outcome.leg("chur").arrived


def test_more_targets_than_one_reading_serves(four: Four, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mirror_console.operations.relay.AT_ONCE", 2)
    saves = _saves(four, "alpha", monkeypatch)
    assert four.relay("alpha", "berlin chur davos").complete
    assert len(saves) == 2


def test_cancelled_it_ends_at_once_and_nothing_is_brought(four: Four) -> None:
    four.simulated.engines["alpha"].misbehave(Fault.LATE, "/get", seconds=30.0)
    begun = threading.Event()

    def carry(work: Work) -> Relay:
        begun.set()
        return four.relay("alpha", "berlin chur", work)

    job = four.jobs.submit("Relay", carry)
    assert begun.wait(5.0)
    while not any(leg.state is LegState.CARRYING for told in four.told for leg in told.legs):
        time.sleep(0.02)
    time.sleep(0.2)
    began = time.monotonic()
    job.cancel()
    with pytest.raises(Stopped):
        job.result(10.0)
    assert time.monotonic() - began < 2.0
    assert job.state is JobState.CANCELLED
    four.simulated.engines["alpha"].behave()
    assert not four.has("berlin")
    assert four.recorded("berlin") == []


def test_where_nothing_may_be_changed_nothing_is_asked(four: Four) -> None:
    read_only = replace(four.console, read_only="It was started with --read-only.")
    with pytest.raises(NotAllowed):
        relay(read_only, four.jobs, Asked(four.fingerprint), four.engines("alpha"), four.engines("berlin"))
    with pytest.raises(InvalidInput):
        four.relay("alpha", "")


def test_how_far_it_is() -> None:
    legs = (
        Leg("a", "alpha", LegState.CARRYING, octets=30),
        Leg("b", "berlin", LegState.FAILED, octets=10, words="disk full."),
        Leg("c", "chur", LegState.THERE),
        Leg("d", "davos", LegState.BROUGHT, octets=104),
    )
    standing = Relay("fp1:x", legs, size=100, source="zug")
    assert (standing.done, standing.total) == (144, 214)
    assert not standing.complete
    assert standing.sentence == "Brought to davos. There already on chur. Not on berlin: disk full."
    assert replace(standing, size=20).total == 144
    with pytest.raises(KeyError):
        standing.leg("x")


def test_the_catalog_is_only_told_what_is_true(four: Four) -> None:
    catalog = four.console.catalog
    assert isinstance(catalog, Catalog)
    changed: list[frozenset[str]] = []
    catalog.subscribe(changed.append)
    four.simulated.engines["berlin"].fail_loads("invalid archive")
    assert not four.relay("alpha", "berlin").complete
    # That it was tried stands in the audit, and nothing else is said to have changed.
    assert set().union(*changed) == {"audit"}
