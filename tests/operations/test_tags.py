"""Tags on the simulator: asked once for all who follow them, no oftener than a person set, and rolled out by digest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mirror_console.domain.alignment import Alignment
from mirror_console.domain.application import Application, Kind
from mirror_console.domain.cell import Cell
from mirror_console.domain.check import Answer, Check
from mirror_console.domain.engine import Engine
from mirror_console.domain.environment import Environment, Process, TagRule
from mirror_console.domain.expectation import NoExpectation
from mirror_console.domain.held import HeldImage
from mirror_console.domain.observation import LABEL
from mirror_console.domain.plan import Change, Reason
from mirror_console.domain.release import Mark, Release
from mirror_console.domain.rollout import RolloutState, TargetState
from mirror_console.domain.status import Status
from mirror_console.domain.tag import TagLook
from mirror_console.errors import EngineError, FailureKind, InvalidInput
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.marks import find_release, mark_release, source_releases
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.status import survey
from mirror_console.operations.tags import followed, look_up, try_tag
from mirror_console.operations.watch import Watch
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, now, small_fleet

pytestmark = pytest.mark.slow

LIVE = f"{REPOSITORY}:live"


@dataclass
class Registry:
    """What engines were asked to resolve, and by which of them."""

    engines: Any
    asked: list[tuple[str, str]] = field(default_factory=list)

    def session(self, engine: Engine) -> Any:
        return _Asking(self.engines.session(engine), engine.name, self.asked)

    def renew(self) -> None:
        self.engines.renew()


@dataclass
class _Asking:
    session: Any
    engine: str
    asked: list[tuple[str, str]]

    def resolve(self, reference: str, login: Any) -> Any:
        self.asked.append((self.engine, reference))
        return self.session.resolve(reference, login)

    def __getattr__(self, verb: str) -> Any:
        return getattr(self.session, verb)


@dataclass
class Hour:
    """A clock that a test sets on."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=_prepare) as made:
        yield made


def _prepare(made: Fleet) -> None:
    """Mirrors and their source run 26.8.2; the tag 'live' points to it, and nobody follows it yet."""
    digest = made.publish("26.8.2", health_interval=0.02)
    made.simulated.registry.tag("shop/webshop", "live", digest)
    made.run_mirrors("26.8.2")
    refresh(made.console, made.jobs)


def listening(fleet: Fleet, hour: Hour | None = None) -> tuple[Registry, Console]:
    registry = Registry(fleet.console.engines)
    way: Any = registry
    return registry, replace(fleet.console, engines=way, clock=hour or fleet.console.clock)


def follow(fleet: Fleet, every: int = 900, environment_id: str = "source-live", tag: str = "live") -> None:
    with fleet.console.catalog.write() as books:
        environment = books.environments.get(environment_id)
        books.environments.save(replace(environment, follows=TagRule(tag, every)))


def another_source(fleet: Fleet, slug: str = "webshop-two", account: str = "") -> None:
    """A second source of the same repository, whose live follows the same tag."""
    with fleet.console.catalog.write() as books:
        books.applications.save(Application(slug, Kind.SOURCE, slug, slug, account=account, repository=REPOSITORY))
        process = (Process("web", f"{slug}-live"),)
        live = Environment(f"{slug}-live", slug, "live", "berlin", process, follows=TagRule("live", 300))
        books.environments.save(live)


def move(fleet: Fleet, version: str) -> str:
    """Let the tag point to a release that nobody has pulled; its digest."""
    made = fleet.simulated.registry.publish("shop/webshop", "live", version, f"rev-{version}", health_interval=0.02)
    return made.digest


def cells(fleet: Fleet) -> list[Cell]:
    return [row.cells["live"] for row in survey(fleet.console).rows]


def releases(fleet: Fleet, environment_id: str = "source-live") -> list[Release]:
    with fleet.console.catalog.read() as books:
        return books.releases.of([environment_id])


def look_at(fleet: Fleet, reference: str = LIVE) -> TagLook | None:
    with fleet.console.catalog.read() as books:
        return books.tags.of(reference)


def test_where_nobody_follows_a_tag_no_registry_is_asked(fleet: Fleet) -> None:
    registry, console = listening(fleet)
    assert look_up(console, fleet.jobs, forced=True) == []
    assert refresh(console, fleet.jobs).tags == ()
    assert registry.asked == []


def test_a_tag_is_asked_for_once_for_all_and_no_oftener_than_set(fleet: Fleet) -> None:
    follow(fleet)
    another_source(fleet)
    hour = Hour()
    registry, console = listening(fleet, hour)
    with console.catalog.read() as books:
        assert [(one.reference, one.every, len(one.by)) for one in followed(books)] == [(LIVE, 300, 2)]

    refresh(console, fleet.jobs)
    refresh(console, fleet.jobs)
    assert registry.asked == [("alpha", LIVE)]
    # Both know: each has a release of its own environment.
    assert [one.tag for one in releases(fleet)] == ["live"]
    assert [one.tag for one in releases(fleet, "webshop-two-live")] == ["live"]

    hour.ahead = timedelta(seconds=290)
    refresh(console, fleet.jobs)
    assert len(registry.asked) == 1
    hour.ahead = timedelta(seconds=310)
    refresh(console, fleet.jobs)
    assert len(registry.asked) == 2
    # Whoever wants to know now is told now.
    [looked] = look_up(console, fleet.jobs, forced=True)
    assert len(registry.asked) == 3
    assert (looked.changed, looked.engine) == (False, "alpha")


def test_a_check_of_one_engine_asks_no_registry_unless_told_to(fleet: Fleet) -> None:
    follow(fleet)
    registry, console = listening(fleet)
    refresh(console, fleet.jobs, ["berlin"])
    assert registry.asked == []
    assert [one.look.digest for one in refresh(console, fleet.jobs, ["berlin"], tags=True).tags] != [""]
    assert len(registry.asked) == 1


def test_a_tag_that_moves_makes_mirrors_behind_without_anything_pulled(fleet: Fleet) -> None:
    follow(fleet)
    look_up(fleet.console, fleet.jobs)
    assert {cell.status for cell in cells(fleet)} == {Status.ALIGNED}

    digest = move(fleet, "26.8.3")
    look_up(fleet.console, fleet.jobs, forced=True)
    found = cells(fleet)
    assert {(cell.status, cell.behind) for cell in found} == {(Status.BEHIND, 1)}
    assert {cell.expected_title for cell in found} == {digest[7:19]}
    assert {cell.expected.why for cell in found} == {
        "live of the source follows the tag 'live', which points to it (always live)"
    }
    source = survey(fleet.console).sources[0].environments[0]
    assert source.current is not None
    assert source.wanted is not None
    assert (source.current.title, source.wanted.digest, source.wanted.fingerprint) == ("26.8.2", digest, "")
    assert source.look is not None
    assert source.look.changed_at == source.wanted.tagged_since
    for engine in fleet.simulated.engines.values():
        with engine.state.lock:
            assert not any(digest in str(stored.digests) for stored in engine.state.images.everything())


def test_what_is_known_by_digest_alone_is_rolled_out_and_then_aligned(fleet: Fleet) -> None:
    follow(fleet)
    digest = move(fleet, "26.8.3")
    look_up(fleet.console, fleet.jobs)
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    assert {(one.change, one.after_fingerprint, one.reference) for one in made.targets} == {
        (Change.UPDATE, "", f"{REPOSITORY}@{digest}")
    }

    # The tag moves on between the plan and the start, and is looked up: what was planned is what runs.
    later = move(fleet, "26.8.4")
    look_up(fleet.console, fleet.jobs, forced=True)
    checked = preflight(fleet.console, fleet.jobs, made)
    assert not checked.blocking
    moved = {result.words for result in checked.results if result.check is Check.RELEASE_ORDER}
    assert moved == {f"By now {later[7:19]} is expected here. What was planned is what runs: {digest[7:19]}."}
    rollout = Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test")).run()

    assert rollout.state is RolloutState.COMPLETED
    assert {target.state for target in rollout.targets} == {TargetState.DONE}
    assert {fleet.version_of(f"mirror-0{number}-live") for number in range(1, 5)} == {"26.8.3"}
    # Its fingerprint is known now, and its name; the next one is expected.
    known = next(one for one in releases(fleet) if one.digest == digest)
    assert (known.version, known.revision) == ("26.8.3", "rev-26.8.3")
    assert {target.after_fingerprint for target in rollout.targets} == {known.fingerprint}
    assert {(cell.running_title, cell.status, cell.behind) for cell in cells(fleet)} == {("26.8.3", Status.BEHIND, 1)}
    made_from = fleet.console.engines.session(fleet.console.engine("alpha")).inspect("mirror-01-live")
    assert made_from is not None
    assert made_from.labels[f"{LABEL}to"] == known.fingerprint

    # The tag goes back: that is a downgrade, or here what runs already.
    fleet.simulated.registry.tag("shop/webshop", "live", digest)
    look_up(fleet.console, fleet.jobs, forced=True)
    assert {cell.status for cell in cells(fleet)} == {Status.ALIGNED}
    assert "went back to it" in cells(fleet)[0].expected.why


def test_a_source_that_deploys_what_its_tag_pointed_to_has_one_release_of_it(fleet: Fleet) -> None:
    follow(fleet)
    published = fleet.simulated.registry.publish("shop/webshop", "live", "26.8.3", "rev-26.8.3", health_interval=0.02)
    look_up(fleet.console, fleet.jobs)
    [before] = [one for one in releases(fleet) if one.digest == published.digest]
    assert (before.fingerprint, before.current_since) == ("", None)

    fleet.simulated.registry.tag("shop/webshop", "26.8.3", published.digest)
    engine = fleet.simulated.engines["alpha"]
    engine.pull(f"{REPOSITORY}:26.8.3", fleet.simulated.login)
    engine.lose_container("webshop-live")
    engine.run("webshop-live", f"{REPOSITORY}:26.8.3", ports={8080: 10080})
    refresh(fleet.console, fleet.jobs)
    [after] = [one for one in releases(fleet) if one.digest == published.digest]
    assert (after.id, after.version, after.tag) == (before.id, "26.8.3", "live")
    assert after.fingerprint
    assert after.current_since is not None
    assert len(releases(fleet)) == 2


def test_an_engine_that_holds_the_digest_tells_what_it_is(fleet: Fleet) -> None:
    follow(fleet)
    digest = move(fleet, "26.8.3")
    reference = f"{REPOSITORY}@{digest}"
    held = HeldImage("berlin", "sha256:1", "fp1:known", "linux/amd64", now(), (), (reference,), "26.8.3", "rev")
    other = replace(held, engine_id="alpha", fingerprint="fp1:other", platform="linux/arm64")
    with fleet.console.catalog.write() as books:
        books.images.save_all([held, other])
    look_up(fleet.console, fleet.jobs)
    found = next(one for one in releases(fleet) if one.digest == digest)
    assert found.version == "26.8.3"
    assert set(found.fingerprints) == {"fp1:known", "fp1:other"}


def test_who_begins_to_follow_is_told_what_others_know_without_another_question(fleet: Fleet) -> None:
    follow(fleet)
    registry, console = listening(fleet)
    look_up(console, fleet.jobs)
    another_source(fleet)
    refresh(console, fleet.jobs)
    assert len(registry.asked) == 1
    assert [one.tag for one in releases(fleet, "webshop-two-live")] == ["live"]


def test_a_failure_keeps_what_was_known_and_says_why(fleet: Fleet) -> None:
    follow(fleet, every=60)
    look_up(fleet.console, fleet.jobs)
    before = look_at(fleet)
    assert before is not None

    fleet.simulated.registry.delete_tag("shop/webshop", "live")
    [looked] = look_up(fleet.console, fleet.jobs, forced=True)
    assert looked.look.digest == before.digest
    assert looked.look.failure is FailureKind.IMAGE_NOT_FOUND
    assert looked.look.words
    assert {cell.status for cell in cells(fleet)} == {Status.ALIGNED}
    assert refresh(fleet.console, fleet.jobs, tags=True).sentence.startswith("Checked 5 environments on 2 engines. ")


def test_what_was_never_read_is_no_release_and_says_so(fleet: Fleet) -> None:
    follow(fleet, tag="nightly")
    [looked] = look_up(fleet.console, fleet.jobs)
    assert looked.look.failure is FailureKind.IMAGE_NOT_FOUND
    found = cells(fleet)
    assert {cell.alignment for cell in found} == {Alignment.NO_RELEASE}
    why = "the source's live follows the tag 'nightly', which was never read"
    assert [cell.expected for cell in found] == [NoExpectation(why)] * 4
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    assert {(one.reason, one.words) for one in made.left_out} == {(Reason.NO_EXPECTATION, why)}


def test_another_engine_asks_where_the_first_cannot(fleet: Fleet) -> None:
    follow(fleet)
    registry, console = listening(fleet)
    alpha = fleet.simulated.engines["alpha"]
    alpha.misbehave(Fault.ERROR_PAGE, "/distribution/")
    [looked] = look_up(console, fleet.jobs)
    assert (looked.engine, looked.look.words) == ("berlin", "")
    assert [engine for engine, _ in registry.asked] == ["alpha", "berlin"]

    # What a registry says for certain isn't asked twice.
    registry.asked.clear()
    alpha.behave()
    fleet.simulated.registry.delete_tag("shop/webshop", "live")
    look_up(console, fleet.jobs, forced=True)
    assert [engine for engine, _ in registry.asked] == ["alpha"]


def test_a_dead_engine_is_asked_last(fleet: Fleet) -> None:
    follow(fleet)
    fleet.simulated.engines["alpha"].make_unreachable()
    refresh(fleet.console, fleet.jobs, ["alpha"])
    registry, console = listening(fleet)
    [looked] = look_up(console, fleet.jobs)
    assert looked.engine == "berlin"
    assert registry.asked == [("berlin", LIVE)]
    fleet.simulated.engines["alpha"].make_reachable()


def test_a_silent_registry_is_asked_once_and_delays_no_engine(fleet: Fleet) -> None:
    """Two tags of it: the second isn't asked for. What engines say is kept meanwhile."""
    follow(fleet)
    with fleet.console.catalog.write() as books:
        books.applications.save(Application("two", Kind.SOURCE, "two", "two", repository=f"{REPOSITORY}-two"))
        process = (Process("web", "two-live"),)
        books.environments.save(Environment("two-live", "two", "live", "alpha", process, follows=TagRule("live")))
    fleet.simulated.registry.make_unreachable()
    registry, console = listening(fleet)
    looked = look_up(console, fleet.jobs)
    assert {one.look.failure for one in looked} == {FailureKind.REGISTRY_UNREACHABLE}
    # By each engine once, and for the first tag alone.
    assert registry.asked == [("alpha", f"{REPOSITORY}-two:live"), ("berlin", f"{REPOSITORY}-two:live")]
    fleet.simulated.registry.make_reachable()


def test_a_tag_is_tried_before_it_is_followed(fleet: Fleet) -> None:
    digest = move(fleet, "26.8.3")
    assert try_tag(fleet.console, "source", "alpha", REPOSITORY, "live").digest == digest
    assert look_at(fleet) is None
    with pytest.raises(EngineError) as refused:
        try_tag(fleet.console, "source", "alpha", REPOSITORY, "nightly")
    assert refused.value.kind is FailureKind.IMAGE_NOT_FOUND
    with pytest.raises(InvalidInput):
        try_tag(fleet.console, "source", "alpha", "Not A Repository", "live")


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 30.0
    while not holds():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


def test_the_watch_looks_tags_up_by_itself_and_a_silent_registry_keeps_nobody(fleet: Fleet) -> None:
    registry, console = listening(fleet)
    jobs = Jobs()
    watch = Watch(console, jobs, 36000.0, lambda: 0.0)
    first = watch.want()
    job = jobs.submit("Watching engines", watch.run)
    try:
        jobs.submit("first", first.wait).result(30.0)
        assert registry.asked == []
        # The registry keeps whoever asks it waiting; engines are heard all the same.
        for engine in fleet.simulated.engines.values():
            engine.misbehave(Fault.LATE, "/distribution/", seconds=20.0)
        follow(fleet)
        until(lambda: registry.asked == [("alpha", LIVE)], "the tag is asked for as soon as it is followed")
        fleet.simulated.engines["berlin"].stop_container("mirror-02-live")
        until(lambda: cells(fleet)[1].status is Status.UNHEALTHY, "an engine is heard while the registry is silent")
        assert look_at(fleet) is None
        for engine in fleet.simulated.engines.values():
            engine.behave()
        until(lambda: look_at(fleet) is not None, "the look is kept")
        assert job.event.error is None
    finally:
        job.cancel()
        jobs.close()


def test_a_release_that_may_not_come_next_is_left_out_or_blocked(fleet: Fleet) -> None:
    for version in ("26.8.3", "26.8.4"):
        fleet.publish(version, health_interval=0.02)
        refresh(fleet.console, fleet.jobs)
    ids = [mirror.id for mirror in fleet.mirrors]
    before = plan(fleet.console, "live", ids, QUICK)
    assert [target.skips for target in before.targets] == [1, 1, 1, 1]

    stop = find_release(source_releases(fleet.console, "source"), "26.8.3")
    mark_release(fleet.console, "source", stop.id, [Mark.STOP_HERE], "rewrites the search index.")
    after = plan(fleet.console, "live", ids, QUICK)
    assert after.targets == ()
    words = "26.8.3 comes first: it is marked 'stop here' (rewrites the search index). "
    assert {(one.reason, one.words) for one in after.left_out} == {
        (Reason.STOP_FIRST, words + "Hold it at 26.8.3, roll that out, then end the hold")
    }
    # The plan that was made before the mark is stopped by the checks.
    blocked = preflight(fleet.console, fleet.jobs, before).blocking
    assert {(one.check, one.words) for one in blocked} == {(Check.RELEASE_ORDER, words.strip())}

    mark_release(fleet.console, "source", stop.id, [Mark.MIGRATION], "new table")
    [warned] = {
        (one.answer, one.words)
        for one in preflight(fleet.console, fleet.jobs, plan(fleet.console, "live", ids, QUICK)).results
        if one.check is Check.RELEASE_ORDER
    }
    assert warned == (Answer.WARNING, "26.8.3 has a migration (new table).")

    newest = find_release(source_releases(fleet.console, "source"), "26.8.4")
    mark_release(fleet.console, "source", newest.id, [Mark.WITHDRAWN], "loses orders")
    withdrawn = plan(fleet.console, "live", ids, QUICK)
    assert {one.reason for one in withdrawn.left_out} == {Reason.WITHDRAWN}
    assert "26.8.4 was withdrawn (loses orders)" in withdrawn.left_out[0].words
    assert {one.words for one in preflight(fleet.console, fleet.jobs, before).blocking} == {
        "26.8.4 was withdrawn (loses orders)."
    }


def test_a_source_that_went_back_is_followed_by_a_downgrade(fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    fleet.run_again("26.8.3")
    refresh(fleet.console, fleet.jobs)
    fleet.publish("26.8.2", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    found = cells(fleet)
    assert {(cell.status, cell.behind) for cell in found} == {(Status.AHEAD, -1)}
    made = plan(fleet.console, "live", [fleet.mirrors[0].id], QUICK)
    assert [one.change for one in made.targets] == [Change.DOWNGRADE]
    [answer] = [one for one in preflight(fleet.console, fleet.jobs, made).results if one.check is Check.RELEASE_ORDER]
    assert (answer.answer, answer.words) == (Answer.WARNING, "It goes back from 26.8.3 to 26.8.2.")
