"""Put back on the simulator: the old container is seen to be well before that is told, and until then it is down."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.domain.causes import causes
from mirror_console.domain.environment import HealthTest
from mirror_console.domain.health import ProbeAnswer
from mirror_console.domain.journal import Phase, Result
from mirror_console.domain.rollout import Rollout, RolloutState, Target, TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.way import OnFailure, Way
from mirror_console.engine.session import DockerSession
from mirror_console.errors import CatalogError, ConsoleError
from mirror_console.operations import recovery
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.simulator.behaviour import Behaviour
from tests.operations.fleet import QUICK, Fleet, now, small_fleet

pytestmark = pytest.mark.slow

NAME = "mirror-01-live"
SERVED = 2.0


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(mirrors=1, prepared=Fleet.fall_behind_what_is_ill) as made:
        yield made


def slow(made: Fleet) -> None:
    """As before, where the one that serves needs a while until it is well."""
    made.publish("26.8.2", health_interval=0.7)
    made.run_mirrors("26.8.2")
    made.publish("26.8.3", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    refresh(made.console, made.jobs)


def without_check(made: Fleet) -> None:
    """As before, with images that have no health check; what is asked over HTTP decides."""
    made.publish("26.8.2", health_interval=0)
    made.run_mirrors("26.8.2")
    made.publish("26.8.3", health_interval=0)
    refresh(made.console, made.jobs)


def behaves(fleet: Fleet, behaviour: Behaviour, name: str = NAME) -> None:
    """What a container does from its next start on."""
    container = fleet.container(name)
    container.program = replace(container.program, behaviour=behaviour)


def at(boundary: str, act: Callable[[], object]) -> Callable[[str], None]:
    def mark(here: str) -> None:
        if here == boundary:
            act()

    return mark


def carried_out(fleet: Fleet, mark: Callable[[str], None] = lambda _: None, way: Way = QUICK) -> Rollout:
    console = replace(fleet.console, mark=mark)
    made = plan(console, "live", ["mirror-01"], way)
    return Conductor(console, fleet.jobs, start(console, made, preflight(console, fleet.jobs, made), "a test")).run()


def old_is_ill(fleet: Fleet) -> Callable[[str], None]:
    """The old container isn't well any more once it is started again."""
    return at("START_OLD:before", lambda: behaves(fleet, Behaviour.NEVER_HEALTHY))


def looked(fleet: Fleet, rollout: Rollout) -> list[tuple[Result | None, str]]:
    """How the journal tells that it was looked whether the old one is well."""
    with fleet.console.catalog.read() as books:
        lines = books.journal.of(rollout.id)
    return [(one.result, one.words) for one in lines if one.step is Step.VERIFY_OLD and one.phase is Phase.OUTCOME]


def only(rollout: Rollout) -> Target:
    (target,) = rollout.targets
    return target


def there(fleet: Fleet) -> dict[str, str]:
    return {name: state for name, state in fleet.names("alpha").items() if name != "webshop-live"}


def test_it_is_put_back_once_the_old_one_is_well() -> None:
    with small_fleet(mirrors=1, prepared=slow) as fleet:
        # However little time the new one is given, the old one has what its settings say.
        ended = carried_out(fleet, way=replace(QUICK, health_limit=0.3))
        assert only(ended).state is TargetState.PUT_BACK
        assert only(ended).words.startswith("verify: ")
        assert looked(fleet, ended) == [(Result.OK, "its health check says healthy")]
        health = fleet.container(NAME).health
        assert health is not None
        assert health.status == "healthy"
        assert there(fleet) == {NAME: "running"}
        # Down it was until then, not only until it was started.
        assert (only(ended).down_seconds or 0.0) > 0.7


def test_it_is_stranded_where_the_old_one_runs_again_and_is_not_well(fleet: Fleet) -> None:
    ended = carried_out(fleet, old_is_ill(fleet))
    assert ended.state is RolloutState.COMPLETED_WITH_FAILURES
    assert only(ended).state is TargetState.STRANDED
    words = "The old container runs again, but isn't well: its health check fails"
    assert words in only(ended).words
    assert [result for result, _ in looked(fleet, ended)] == [Result.FAILED]
    # It runs all the same, the new one is gone, and the lock is let go for whoever mends it.
    assert there(fleet) == {NAME: "running"}
    assert fleet.version_of(NAME) == "26.8.2"
    assert causes(ended.targets)[0].state is TargetState.STRANDED

    # Nothing is in the way of another attempt.
    fleet.console = replace(fleet.console, mark=lambda _: None)
    again = retry(fleet.console, fleet.jobs, ended.id)
    assert only(again).state is TargetState.QUEUED


def test_one_that_somebody_removes_is_not_told_as_put_back(fleet: Fleet) -> None:
    ended = carried_out(fleet, at("REMOVE_NEW:before", lambda: fleet.simulated.engines["alpha"].lose_container(NAME)))
    assert only(ended).state is TargetState.STRANDED
    assert "The old container was removed by somebody" in only(ended).words
    assert there(fleet) == {}


def test_one_that_ends_at_once_is_stranded(fleet: Fleet) -> None:
    ended = carried_out(fleet, at("START_OLD:outcome", lambda: fleet.simulated.engines["alpha"].stop_container(NAME)))
    assert only(ended).state is TargetState.STRANDED
    assert "isn't well: the old container ended with exit code" in only(ended).words


def test_one_that_was_not_well_before_is_put_back_as_it_was(fleet: Fleet) -> None:
    behaves(fleet, Behaviour.NEVER_HEALTHY)
    with fleet.console.catalog.read() as books:
        session = fleet.console.engines.session(books.engines.get("alpha"))
    session.stop(fleet.container(NAME).id, 1)
    session.start(fleet.container(NAME).id)
    deadline = time.monotonic() + 10
    while (health := fleet.container(NAME).health) is None or health.status != "unhealthy":
        assert time.monotonic() < deadline
        refresh(fleet.console, fleet.jobs)
    ended = carried_out(fleet)
    assert only(ended).state is TargetState.PUT_BACK
    assert "The old container runs again, and isn't well, as it wasn't before: " in only(ended).words
    assert there(fleet) == {NAME: "running"}


@pytest.mark.parametrize(
    ("before", "state", "words"),
    [
        (200, TargetState.STRANDED, "runs again, but isn't well: not well after 0.3 s: /up answered 500"),
        (500, TargetState.PUT_BACK, "as it wasn't before: /up answered 500"),
    ],
)
def test_what_answers_over_http_is_asked_before_and_after(
    monkeypatch: pytest.MonkeyPatch, before: int, state: TargetState, words: str
) -> None:
    with small_fleet(mirrors=1, prepared=without_check) as fleet:
        answers = [before]
        monkeypatch.setattr(DockerSession, "probe", lambda *_args, **_more: ProbeAnswer(answers[-1]))
        environment = fleet.environment(fleet.mirrors[0], "live")
        fleet.with_settings(environment, health=HealthTest("/up", 8080, settle=0.0, limit=0.3))
        ended = carried_out(fleet, at("STOP:outcome", lambda: answers.append(500)))
        assert only(ended).state is state
        assert words in only(ended).words
        assert there(fleet) == {NAME: "running"}


def test_one_that_never_stopped_is_not_waited_for(fleet: Fleet) -> None:
    def fail() -> None:
        raise CatalogError("The journal can't be written.", "A test says so.")

    with pytest.raises(CatalogError):
        carried_out(fleet, at("CREATE:sent", fail))
    (found,) = recovery.interrupted(fleet.console)
    ended = recovery.put_back(fleet.console, fleet.jobs, found.rollout.id)
    assert only(ended).state is TargetState.FAILED
    assert looked(fleet, ended) == []


@pytest.mark.parametrize("choice", ["continue", "put back"])
def test_cut_off_while_it_is_waited_for_it_is_waited_for_again(fleet: Fleet, choice: str) -> None:
    def mark(boundary: str) -> None:
        old_is_ill(fleet)(boundary)
        if boundary == "VERIFY_OLD:before":
            raise CatalogError("The journal can't be written.", "A test says so.")

    with pytest.raises(CatalogError):
        carried_out(fleet, mark)
    (found,) = recovery.interrupted(fleet.console)
    if choice == "continue":
        ended = recovery.go_on(fleet.console, fleet.jobs, found.rollout.id).run()
    else:
        ended = recovery.put_back(fleet.console, fleet.jobs, found.rollout.id)
    assert looked(fleet, ended)
    assert only(ended).state is TargetState.STRANDED
    assert there(fleet) == {NAME: "running"}


def test_the_end_of_the_program_ends_the_wait_and_it_is_recovered(monkeypatch: pytest.MonkeyPatch) -> None:
    with small_fleet(mirrors=1, prepared=slow) as fleet:
        ends: list[bool] = []
        with monkeypatch.context() as patched:
            patched.setattr(Conductor, "_ends", lambda _conductor: bool(ends))
            with pytest.raises(ConsoleError):
                carried_out(fleet, at("VERIFY_OLD:intent", lambda: ends.append(True)))
        (found,) = recovery.interrupted(fleet.console)
        assert only(found.rollout).state is TargetState.PUTTING_BACK
        ended = recovery.put_back(fleet.console, fleet.jobs, found.rollout.id)
        assert only(ended).state in {TargetState.PUT_BACK, TargetState.FAILED}
        assert looked(fleet, ended)[-1] == (Result.OK, "its health check says healthy")
        assert there(fleet) == {NAME: "running"}


# --- how long it was down -------------------------------------------------------------------------------------------


def test_the_new_one_serves_when_it_is_well_and_not_when_it_is_started(fleet: Fleet) -> None:
    fleet.publish("26.8.4", health_interval=0.8)
    refresh(fleet.console, fleet.jobs)
    ended = carried_out(fleet)
    assert only(ended).state is TargetState.DONE
    assert (only(ended).down_seconds or 0.0) > 0.8


def test_where_nothing_tells_more_it_serves_when_it_runs() -> None:
    with small_fleet(mirrors=1, prepared=without_check) as fleet:
        environment = fleet.environment(fleet.mirrors[0], "live")
        fleet.with_settings(environment, health=HealthTest(settle=2.0, limit=5.0))
        ended = carried_out(fleet)
        assert only(ended).state is TargetState.DONE
        assert (only(ended).down_seconds or 9.0) < 2.0


def test_what_serves_in_between_is_not_counted(fleet: Fleet) -> None:
    fleet.publish("26.8.4", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)

    def dies(boundary: str) -> None:
        # It has served for a while, seen to be well.
        if boundary == "BAKE:intent":
            until = time.monotonic() + SERVED
            while time.monotonic() < until:
                refresh(fleet.console, fleet.jobs)
            fleet.simulated.engines["alpha"].stop_container(NAME)

    ended = carried_out(fleet, dies, replace(QUICK, bake=10.0))
    assert only(ended).state is TargetState.PUT_BACK
    assert "while baking" in only(ended).words
    assert 0.0 < (only(ended).down_seconds or 0.0) < SERVED


def test_of_one_that_is_left_and_never_was_well_nobody_knows_for_how_long_it_is_down(fleet: Fleet) -> None:
    ended = carried_out(fleet, way=replace(QUICK, on_failure=OnFailure.LEAVE, health_limit=0.6))
    assert only(ended).state is TargetState.LEFT
    assert only(ended).down_since is not None
    assert only(ended).down_for is None


@pytest.mark.parametrize("fell", [True, False])
def test_one_that_kept_falling_before_is_put_back_and_not_stranded(fleet: Fleet, fell: bool) -> None:
    old = fleet.container(NAME)
    old.restart_count, old.started = 3 if fell else 0, now()
    ended = carried_out(fleet, at("START_OLD:before", lambda: behaves(fleet, Behaviour.EXITS_AT_ONCE)))
    assert only(ended).state is (TargetState.PUT_BACK if fell else TargetState.STRANDED), only(ended).words
    assert ("as it wasn't before" in only(ended).words) is fell


def test_one_that_fell_long_ago_is_taken_for_well(fleet: Fleet) -> None:
    old = fleet.container(NAME)
    old.restart_count, old.started = 3, now() - timedelta(hours=1)
    ended = carried_out(fleet, at("START_OLD:before", lambda: behaves(fleet, Behaviour.EXITS_AT_ONCE)))
    assert only(ended).state is TargetState.STRANDED
