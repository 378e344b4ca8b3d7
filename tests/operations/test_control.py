"""Control of rollouts on the simulator: aborting, failures that ask, trying again, and the wishes of other commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from mirror_console.domain.audit import differing_words
from mirror_console.domain.causes import causes
from mirror_console.domain.journal import Phase, Result
from mirror_console.domain.plan import Plan
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.way import REST, OnFailure, Way
from mirror_console.errors import CatalogError, InvalidInput, NotAllowed
from mirror_console.operations import recovery
from mirror_console.operations.deciding import Decision, decide_on
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report_content import report_content
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import resume, start
from mirror_console.operations.status import survey
from mirror_console.operations.wishing import Wish
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.store import Wishes
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow

ASK = replace(QUICK, on_failure=OnFailure.ASK, max_failed=9)
LEAVE = replace(QUICK, on_failure=OnFailure.LEAVE, max_failed=9)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.align) as made:
        yield made


def publish(fleet: Fleet, **how: object) -> None:
    fleet.publish("26.8.3", **{"health_interval": 0.02, **how})
    refresh(fleet.console, fleet.jobs)


def begun(fleet: Fleet, way: Way = QUICK, count: int | None = None) -> Rollout:
    made: Plan = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors[:count]], way)
    return start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")


def carried_on(fleet: Fleet, rollout: Rollout) -> Rollout:
    return Conductor(fleet.console, fleet.jobs, rollout).run()


def states(rollout: Rollout) -> list[TargetState]:
    return [target.state for target in rollout.targets]


def live(fleet: Fleet, number: int) -> str:
    """What a mirror's live really runs, and whether it does."""
    container = fleet.container(f"mirror-0{number}-live")
    return f"{fleet.version_of(container.name)} {'up' if container.is_running else 'down'}"


def nothing_is_left_behind(fleet: Fleet) -> bool:
    names = {**fleet.names("alpha"), **fleet.names("berlin")}
    return not [name for name in names if name.startswith("mc-lock") or name.endswith(".mc-next")]


# --- abort -----------------------------------------------------------------------------------------------------------


@dataclass
class AbortAt:
    """Aborts a rollout at a boundary of a step of its first target."""

    boundary: str
    conductor: Conductor | None = None
    heard: list[str] = field(default_factory=list)

    def __call__(self, boundary: str) -> None:
        self.heard.append(boundary)
        if boundary == self.boundary and self.conductor is not None:
            self.conductor.abort()


def aborted_at(fleet: Fleet, boundary: str, way: Way = QUICK, *, released: bool = True) -> Rollout:
    if released:
        publish(fleet)
    mark = AbortAt(boundary)
    fleet.console = replace(fleet.console, mark=mark)
    rollout = begun(fleet, way)
    mark.conductor = Conductor(fleet.console, fleet.jobs, rollout)
    ended = mark.conductor.run()
    assert boundary in mark.heard
    return ended


@pytest.mark.parametrize(
    ("boundary", "state"),
    [
        ("CREATE:outcome", TargetState.FAILED),
        ("STOP:outcome", TargetState.PUT_BACK),
        ("VERIFY:outcome", TargetState.PUT_BACK),
    ],
)
def test_before_its_commit_point_an_abort_puts_back(fleet: Fleet, boundary: str, state: TargetState) -> None:
    before = fleet.container("mirror-01-live")
    ended = aborted_at(fleet, boundary)

    assert ended.state is RolloutState.STOPPED
    assert states(ended) == [state] + [TargetState.NOT_STARTED] * 3
    assert ended.targets[0].words.startswith("aborted before ")
    assert ended.paused_because == f"Aborted by operator. In between when it was: Mirror 01 {state}."
    after = fleet.container("mirror-01-live")
    assert (after.id, after.is_running, after.policy) == (before.id, True, "unless-stopped")
    assert nothing_is_left_behind(fleet)
    with fleet.console.catalog.read() as books:
        entries = books.journal.of(ended.id)
    intents = [entry.step for entry in entries if entry.phase is Phase.INTENT]
    outcomes = [entry.step for entry in entries if entry.phase is Phase.OUTCOME]
    assert sorted(intents) == sorted(outcomes)


def test_past_its_commit_point_an_abort_goes_on_without_baking(fleet: Fleet) -> None:
    ended = aborted_at(fleet, "COMMIT:outcome", replace(QUICK, bake=60.0))

    assert states(ended) == [TargetState.DONE] + [TargetState.NOT_STARTED] * 3
    assert "not baked to the end" in ended.targets[0].words
    assert live(fleet, 1) == "26.8.3 up"
    assert nothing_is_left_behind(fleet)


@pytest.mark.parametrize(
    ("boundary", "words"),
    [
        ("COMMIT:outcome", ". In between when it was: Mirror 01 done."),
        ("over", ": every target was over."),
    ],
)
def test_an_abort_when_all_is_committed_stops_nothing_and_is_told_wherever_the_end_is(
    fleet: Fleet, boundary: str, words: str
) -> None:
    publish(fleet)
    conductors: list[Conductor] = []

    def mark(here: str) -> None:
        if here == boundary:
            conductors[0].abort()

    def tell(now: Rollout) -> None:
        if boundary == "over" and all(target.over for target in now.targets):
            conductors[0].abort()

    fleet.console = replace(fleet.console, mark=mark)
    rollout = begun(fleet, replace(QUICK, bake=60.0 if boundary != "over" else 0.0, waves=(REST,)), 1)
    conductors.append(Conductor(fleet.console, fleet.jobs, rollout, tell))
    ended = conductors[0].run()
    assert (ended.state, states(ended)) == (RolloutState.COMPLETED, [TargetState.DONE])
    told = f"Aborted by operator, too late to hold anything back{words}"
    assert ended.paused_because == told
    assert report_content(fleet.console, ended.id).state_words == told
    with fleet.console.catalog.read() as books:
        assert f"paused_because: nothing → {told}" in differing_words(books.audit.of(ended.id)[-1].act)


@pytest.mark.parametrize(("wished", "told"), [(Wish.ABORT, "Aborted by operator, too late"), (Wish.STOP, "")])
def test_what_is_wished_as_the_last_of_them_ends_is_looked_for_before_the_end(
    fleet: Fleet, wished: Wish, told: str
) -> None:
    publish(fleet)
    wishes = Wishes(fleet.folder / "catalog.sqlite")
    rollout = begun(fleet, replace(QUICK, waves=(REST,)), 1)

    def tell(now: Rollout) -> None:
        if all(target.over for target in now.targets) and now.state is RolloutState.RUNNING:
            wishes.leave(fleet.console.run, rollout.id, wished)

    ended = Conductor(replace(fleet.console, wishes=wishes), fleet.jobs, rollout, tell).run()
    assert (ended.state, states(ended)) == (RolloutState.COMPLETED, [TargetState.DONE])
    assert ended.paused_because.startswith(told)
    assert bool(ended.paused_because) == bool(told)
    # Nothing is left for a next run of it.
    assert wishes.take(fleet.console.run, rollout.id) == ""


def test_what_is_wished_as_it_pauses_is_looked_for_before_it_does(fleet: Fleet) -> None:
    publish(fleet)
    wishes = Wishes(fleet.folder / "catalog.sqlite")
    rollout = begun(fleet, replace(QUICK, pause_after_canary=True))

    def tell(now: Rollout) -> None:
        if now.targets[0].state is TargetState.DONE and now.state is RolloutState.RUNNING:
            wishes.leave(fleet.console.run, rollout.id, Wish.ABORT)

    ended = Conductor(replace(fleet.console, wishes=wishes), fleet.jobs, rollout, tell).run()
    assert (ended.state, states(ended)) == (
        RolloutState.STOPPED,
        [TargetState.DONE] + [TargetState.NOT_STARTED] * 3,
    )
    assert ended.paused_because == "Aborted by operator. Nothing was in between."


def test_an_abort_does_not_wait_for_a_container_to_get_well(fleet: Fleet) -> None:
    environment = fleet.environment(fleet.mirrors[0], "live")
    fleet.with_settings(environment, health=replace(environment.settings.health, limit=600.0))
    publish(fleet, health_interval=600.0)
    ended = aborted_at(fleet, "VERIFY:sent", released=False)

    assert states(ended) == [TargetState.PUT_BACK] + [TargetState.NOT_STARTED] * 3
    assert ended.targets[0].words == "aborted before it was verified"
    assert live(fleet, 1) == "26.8.2 up"
    with fleet.console.catalog.read() as books:
        (verified,) = [
            entry for entry in books.journal.of(ended.id) if entry.step is Step.VERIFY and entry.phase is Phase.OUTCOME
        ]
    assert verified.result is Result.FAILED


# --- what becomes of a target that fails ----------------------------------------------------------------------------


def test_what_fails_is_left_where_the_way_says_so_and_is_done_once_it_is_well(fleet: Fleet) -> None:
    publish(fleet, behaviour=Behaviour.NEVER_HEALTHY)
    left = carried_on(fleet, begun(fleet, LEAVE, count=1))

    assert (left.state, states(left)) == (RolloutState.COMPLETED_WITH_FAILURES, [TargetState.LEFT])
    assert live(fleet, 1) == "26.8.3 up"
    assert fleet.version_of("mirror-01-live.mc-prev") == "26.8.2"
    assert left.targets[0].way_back == fleet.container("mirror-01-live.mc-prev").id
    assert nothing_is_left_behind(fleet)

    still = retry(fleet.console, fleet.jobs, left.id)
    assert (states(still), still.targets[0].attempt) == ([TargetState.LEFT], 2)
    fleet.simulated.engines["alpha"].make_healthy("mirror-01-live")
    fleet.console.sleep(0.5)  # until its health check was asked again
    well = retry(fleet.console, fleet.jobs, left.id)
    assert (well.state, states(well), well.targets[0].attempt) == (RolloutState.COMPLETED, [TargetState.DONE], 3)


def test_what_is_cut_off_while_a_decision_is_carried_out_is_recovered(fleet: Fleet) -> None:
    """Of a rollout that is paused, and, tried again once it was stranded, of one that has ended."""

    def cut(boundary: str) -> None:
        if boundary == f"{Step.START_OLD.name}:intent":
            raise CatalogError("The journal can't be written.", "A test says so.")

    publish(fleet, behaviour=Behaviour.NEVER_HEALTHY)
    asking = carried_on(fleet, begun(fleet, ASK, 1))
    decided = [target.environment_id for target in asking.targets]
    with pytest.raises(CatalogError):
        decide_on(replace(fleet.console, mark=cut), fleet.jobs, asking.id, decided, Decision.PUT_BACK)
    assert recovery.interrupted(fleet.console, [asking.id]) == (), "it is being carried out"
    (left,) = recovery.interrupted(fleet.console)
    assert (left.rollout.state, len(left.in_between)) == (RolloutState.INTERRUPTED, 1)
    ended = recovery.put_back(fleet.console, fleet.jobs, asking.id)
    assert (states(ended), live(fleet, 1)) == ([TargetState.PUT_BACK], "26.8.2 up")

    stranded = replace(ended.targets[0], state=TargetState.STRANDED)
    with fleet.console.catalog.write() as books:
        books.rollouts.save_target(ended.id, stranded)
    container = fleet.container("mirror-01-live").id
    fleet.console.engines.session(fleet.console.engine("alpha")).stop(container, 0)
    with pytest.raises(CatalogError):
        retry(replace(fleet.console, mark=cut), fleet.jobs, ended.id)
    (left,) = recovery.interrupted(fleet.console)
    ended = recovery.put_back(fleet.console, fleet.jobs, left.rollout.id)
    assert (states(ended), live(fleet, 1)) == ([TargetState.PUT_BACK], "26.8.2 up")
    assert nothing_is_left_behind(fleet)


def test_failures_that_ask_wait_as_one_group_for_one_decision(fleet: Fleet) -> None:
    publish(fleet, behaviour=Behaviour.NEVER_HEALTHY)
    asking = carried_on(fleet, begun(fleet, ASK))
    assert asking.paused_because.startswith("Stop rule: 1 of 1 targets of wave 1")
    # Gone on in spite of it: the next wave isn't begun as long as one of this wave is open.
    asking = carried_on(fleet, resume(fleet.console, asking.id))
    told = report_content(fleet.console, asking.id)
    assert "Gone on in spite of 1 failed target of wave 1" in [one.words for one in told.decisions]
    with fleet.console.catalog.read() as books:
        changes = [differing_words(line.act) for line in books.audit.of(asking.id)]
    assert [one[-1] for one in changes if "gone on" in one[-1]] == ["gone on in spite of 1 failed target of wave 1"]
    assert not any("passed_gates" in words for one in changes for words in one)
    assert states(asking) == [TargetState.UNDECIDED] + [TargetState.QUEUED] * 3
    assert asking.paused_because.startswith("Paused: 1 failed target waits for a decision (Mirror 01).")
    asking = decide_on(fleet.console, fleet.jobs, asking.id, [asking.targets[0].environment_id], Decision.SKIP)
    assert asking.paused_because == "Paused: what had failed was decided about. Resume it to go on."
    conductor = Conductor(fleet.console, fleet.jobs, resume(fleet.console, asking.id))
    conductor.stop()
    conductor.run()
    asking = carried_on(fleet, begun(fleet, replace(ASK, waves=(REST,))))

    assert (asking.state, states(asking)) == (RolloutState.PAUSED, [TargetState.UNDECIDED] * 4)
    assert asking.paused_because == (
        "Paused: 4 failed targets wait for a decision (Mirror 01, Mirror 02, Mirror 03 and more). "
        "Say what is to become of them."
    )
    (cause,) = causes(asking.targets)
    assert cause.count == 4
    assert [live(fleet, number) for number in range(1, 5)] == ["26.8.2 down"] * 4
    assert fleet.container("mirror-01-live.mc-next").is_running

    several = cause.environment_ids
    skipped = decide_on(fleet.console, fleet.jobs, asking.id, several[:1], Decision.SKIP)
    left = decide_on(fleet.console, fleet.jobs, asking.id, several[1:2], Decision.LEAVE)
    assert states(left)[:3] == [TargetState.SKIPPED, TargetState.LEFT, TargetState.UNDECIDED]
    assert skipped.targets[0].words.startswith("skipped by operator after: verify: ")
    assert left.state is RolloutState.PAUSED
    assert left.paused_because == (
        "Paused: 2 failed targets wait for a decision (Mirror 03, Mirror 04). Say what is to become of them."
    )
    # That fewer wait is no decision.
    decided = [one.words for one in report_content(fleet.console, left.id).decisions]
    assert "Paused: 4 failed targets wait" in decided[0]
    assert not any("Paused: 2" in words for words in decided), decided
    ended = decide_on(fleet.console, fleet.jobs, asking.id, several[2:], Decision.PUT_BACK)
    assert ended.state is RolloutState.COMPLETED_WITH_FAILURES
    assert ended.ended_at is not None
    assert states(ended)[2:] == [TargetState.PUT_BACK] * 2
    assert [live(fleet, number) for number in range(1, 5)] == ["26.8.2 up", "26.8.3 up", "26.8.2 up", "26.8.2 up"]
    assert nothing_is_left_behind(fleet)
    with pytest.raises(InvalidInput, match="none of them"):
        decide_on(fleet.console, fleet.jobs, asking.id, several, Decision.PUT_BACK)


def test_a_stop_puts_back_what_waits_for_a_decision(fleet: Fleet) -> None:
    publish(fleet, behaviour=Behaviour.EXITS_AT_ONCE)
    asking = carried_on(fleet, begun(fleet, ASK))
    assert states(asking) == [TargetState.UNDECIDED] + [TargetState.QUEUED] * 3
    conductor = Conductor(fleet.console, fleet.jobs, asking)
    conductor.stop()
    stopped = conductor.run()
    assert (stopped.state, states(stopped)) == (
        RolloutState.STOPPED,
        [TargetState.PUT_BACK] + [TargetState.NOT_STARTED] * 3,
    )
    assert live(fleet, 1) == "26.8.2 up"
    assert nothing_is_left_behind(fleet)


def test_what_failed_before_anything_served_is_put_back_whatever_the_way_says(fleet: Fleet) -> None:
    publish(fleet)
    for way in (ASK, LEAVE):
        rollout = begun(fleet, way, count=1)
        alpha = fleet.simulated.engines["alpha"]
        alpha.run("mirror-01-live.mc-next", fleet.container("mirror-01-live").image.id)
        failed = carried_on(fleet, rollout)
        assert states(failed)[0] in {TargetState.SKIPPED, TargetState.FAILED}
        assert live(fleet, 1) == "26.8.2 up"
        alpha.lose_container("mirror-01-live.mc-next")


# --- trying again ----------------------------------------------------------------------------------------------------


def test_only_what_failed_is_tried_again_on_the_same_rollout(fleet: Fleet) -> None:
    publish(fleet)
    rollout = begun(fleet, replace(QUICK, max_failed=9))
    fleet.simulated.engines["berlin"].make_unreachable()
    ended = carried_on(fleet, rollout)
    assert states(ended) == [TargetState.DONE, TargetState.FAILED, TargetState.DONE, TargetState.FAILED]
    (cause,) = causes(ended.targets)
    assert [target.planned.application for target in cause.targets] == ["Mirror 02", "Mirror 04"]
    ids = {number: fleet.container(f"mirror-0{number}-live").id for number in (1, 3)}

    fleet.simulated.engines["berlin"].make_reachable()
    again = retry(fleet.console, fleet.jobs, ended.id)
    assert (again.state, again.ended_at) == (RolloutState.RUNNING, None)
    assert states(again)[1::2] == [TargetState.QUEUED] * 2
    done = carried_on(fleet, again)

    assert done.state is RolloutState.COMPLETED
    assert [target.attempt for target in done.targets] == [1, 2, 1, 2]
    assert ids == {number: fleet.container(f"mirror-0{number}-live").id for number in (1, 3)}
    assert [live(fleet, number) for number in range(1, 5)] == ["26.8.3 up"] * 4
    with fleet.console.catalog.read() as books:
        attempts = {(entry.environment_id, entry.attempt) for entry in books.journal.of(done.id)}
    assert attempts == {(target.environment_id, target.attempt) for target in done.targets}
    with pytest.raises(InvalidInput, match="none of them failed"):
        retry(fleet.console, fleet.jobs, done.id)


def test_what_is_stranded_is_put_back_before_it_is_tried_again(fleet: Fleet) -> None:
    publish(fleet)
    rollout = begun(fleet, count=1)
    alpha = fleet.simulated.engines["alpha"]

    def leak(boundary: str) -> None:
        if boundary == f"{Step.STOP.name}:outcome":
            alpha.leak_port(11001)

    stranded = Conductor(replace(fleet.console, mark=leak), fleet.jobs, rollout).run()
    assert states(stranded) == [TargetState.STRANDED]
    assert not nothing_is_left_behind(fleet), "the new container is there still"

    # The port isn't free yet: it stays as it is, and nothing is said to wait for its turn.
    still = retry(fleet.console, fleet.jobs, stranded.id)
    assert (still.state, states(still)) == (RolloutState.COMPLETED_WITH_FAILURES, [TargetState.STRANDED])
    assert live(fleet, 1) == "26.8.2 down"

    alpha.restart()
    again = carried_on(fleet, retry(fleet.console, fleet.jobs, stranded.id))
    assert (again.state, states(again)) == (RolloutState.COMPLETED, [TargetState.DONE])
    assert live(fleet, 1) == "26.8.3 up"
    assert nothing_is_left_behind(fleet)


def test_a_retry_forgives_nothing_and_looks_afresh(fleet: Fleet) -> None:
    publish(fleet, behaviour=Behaviour.NEVER_HEALTHY)
    paused = carried_on(fleet, begun(fleet))
    assert states(paused) == [TargetState.PUT_BACK] + [TargetState.QUEUED] * 3

    again = carried_on(fleet, retry(fleet.console, fleet.jobs, paused.id))
    assert again.paused_because.startswith("Stop rule: 1 of 1 targets of wave 1 failed; 0 may.")
    assert again.targets[0].attempt == 2

    alpha = fleet.simulated.engines["alpha"]
    image = fleet.container("mirror-01-live").image.id
    alpha.lose_container("mirror-01-live")
    alpha.run("mirror-01-live", image, ports={8080: 11001})
    looked = carried_on(fleet, retry(fleet.console, fleet.jobs, paused.id))
    assert states(looked) == [TargetState.SKIPPED] + [TargetState.QUEUED] * 3
    assert "another one than when the plan was made" in looked.targets[0].words


def test_what_another_rollout_works_on_is_not_tried_again(fleet: Fleet) -> None:
    publish(fleet, behaviour=Behaviour.NEVER_HEALTHY)
    first = carried_on(fleet, begun(fleet, count=1))
    second = begun(fleet, count=1)
    with pytest.raises(InvalidInput, match=f"{second.plan.fingerprint} is running on Mirror 01"):
        retry(fleet.console, fleet.jobs, first.id)
    looking = replace(fleet.console, read_only="It was started with --read-only.")
    with pytest.raises(NotAllowed):
        retry(looking, fleet.jobs, first.id)
    with pytest.raises(NotAllowed):
        decide_on(looking, fleet.jobs, first.id, ["x"], Decision.SKIP)


def test_what_was_never_begun_is_queued_and_not_interrupted(fleet: Fleet) -> None:
    publish(fleet)
    rollout = begun(fleet)
    with fleet.console.catalog.write() as books:
        books.rollouts.save_target(rollout.id, replace(rollout.targets[0], state=TargetState.SWAPPING))
        books.rollouts.save_head(replace(rollout, state=RolloutState.INTERRUPTED))
    told = [row.cells["live"].activity.value for row in survey(fleet.console).rows]
    assert told == ["interrupted", "queued", "queued", "queued"]
