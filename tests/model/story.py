"""A story of one mirror: releases come, rollouts are begun, cut off anywhere, recovered, cut off again; others meddle.

Hypothesis makes the stories up, and shortens one that breaks a law. What is there is read from the simulator, past the
program; what the program says of it is read from its catalog.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from threading import Lock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mirror_console.domain.environment import Environment, Limits
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.route import Route
from mirror_console.errors import CatalogError, InvalidInput
from mirror_console.operations import recovery
from mirror_console.operations.console import Console
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.status import survey
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.changing import prune_containers, rename_container, update_container
from mirror_console.simulator.container import Container
from mirror_console.simulator.engine import SimulatedEngine
from tests.catalogs import lose_journal
from tests.operations.fleet import CATALOG, QUICK, Fleet, small_fleet

NAME, EDGE, ALIAS = "mirror-01-live", "edge", "shop-a"
MIB = 1024 * 1024
LEAST = 64 * MIB
"""Bytes that it is granted at least: what is granted from the beginning can be changed in place."""
MOST_BOUNDARIES = 60
"""A rollout of one mirror and its recovery meet no more than about so many."""
ENOUGH = 12
"""Recoveries after which one that isn't cut off any more has to have ended."""


class Kind(StrEnum):
    """How the mirror's container is replaced."""

    RECREATE = "recreate"
    BESIDE = "start beside"
    CREATE = "create"


class Meddling(StrEnum):
    """What somebody else does, or the engine, in the middle."""

    NOTHING = "nothing"
    RESTART = "the engine restarts"
    CRASH = "the engine is killed and comes back"
    PRUNE = "somebody prunes what doesn't run"
    STOP = "somebody stops what serves"
    REMOVE = "somebody removes what serves"
    REMOVE_NEXT = "somebody removes the new one"
    RENAME = "somebody renames what serves"
    POLICY = "somebody changes a restart policy"


@dataclass(frozen=True, slots=True)
class Cut:
    """What happens at which boundary: who meddles, and whether the program is cut off there."""

    at: int
    off: bool
    meddling: Meddling
    journal_is_lost: bool


NEVER = Cut(-1, off=False, meddling=Meddling.NOTHING, journal_is_lost=False)
CUTS = st.builds(
    Cut,
    st.integers(0, MOST_BOUNDARIES),
    st.booleans(),
    st.sampled_from([Meddling.NOTHING] * 3 + list(Meddling)),
    st.booleans(),
)


@dataclass(slots=True)
class Met:
    """Counts the boundaries that all stories met together."""

    count: int = 0
    stories: int = 0
    rollouts: int = 0
    lock: Lock = field(default_factory=Lock)


MET = Met()


def _prepared(kind: Kind, fleet: Fleet) -> None:
    engine = fleet.simulated.engines["alpha"]
    engine.state.add_network(EDGE).subnet = "10.9.0.0/24"
    fleet.publish("1.0.0", health_interval=0.01)
    environment = fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), limits=Limits(memory=LEAST))
    if kind is Kind.BESIDE:
        route = Route(EDGE, ALIAS, 8080, drain=0.0, overlap=True)
        fleet.with_settings(environment, ports=(), networks=("back",), route=route)
        refresh(fleet.console, fleet.jobs)
        assert fleet.roll_out().state is RolloutState.COMPLETED
    elif kind is Kind.RECREATE:
        fleet.run_mirrors("1.0.0")
    fleet.publish("1.0.1", health_interval=0.01)
    refresh(fleet.console, fleet.jobs)


PREPARED: dict[Kind, Callable[[Fleet], object]] = {kind: partial(_prepared, kind) for kind in Kind}


class Story(RuleBasedStateMachine):
    """One story. Its invariants are looked at after each of its steps."""

    def __init__(self) -> None:
        super().__init__()
        self._left = ExitStack()
        self._released = 1
        self._limit = 0
        self._meddled = False
        """Whether somebody meddled since the last rollout began, or before it with what it found."""
        self._before: dict[str, str] = {}
        self._ran = False
        """Whether it ran when the last rollout began."""
        self._last = ""
        self._granted = 0
        """Bytes that it was granted then."""
        self._unrouted = ""
        """The boundary at which nobody was on its route."""
        self._ill: set[str] = set()
        """The releases that never get well."""
        self._others = ""

    @initialize(kind=st.sampled_from(list(Kind)))
    def opens(self, kind: Kind) -> None:
        """An engine with the mirror on it, as its kind says, and somebody else's container beside it."""
        with MET.lock:
            MET.stories += 1
        self.fleet = self._left.enter_context(small_fleet(1, ("alpha",), PREPARED[kind]))
        always = {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}}
        self.engine.run("bystander", "registry.test:5000/shop/webshop:1.0.0", host=always)
        self._others = repr(self._bystander())

    def teardown(self) -> None:
        """Take the engine away."""
        self._left.close()

    # --- what happens -----------------------------------------------------------------------------------------------

    @precondition(lambda self: self._unfinished() is None)
    @rule(behaviour=st.sampled_from([Behaviour.OK] * 3 + [Behaviour.NEVER_HEALTHY, Behaviour.EXITS_AT_ONCE]))
    def publishes(self, behaviour: Behaviour) -> None:
        """The source gets another release."""
        self._released += 1
        if behaviour is not Behaviour.OK:
            self._ill.add(f"1.0.{self._released}")
        self.fleet.publish(f"1.0.{self._released}", health_interval=0.01, behaviour=behaviour)
        self._look()

    @precondition(lambda self: self._unfinished() is None)
    @rule(more=st.integers(1, 8))
    def gets_memory(self, more: int) -> None:
        """The mirror is to be granted another limit, which can be changed in place."""
        self._limit = LEAST + more * MIB
        self.fleet.with_settings(self._environment, limits=Limits(memory=self._limit))

    @precondition(lambda self: self._unfinished() is None)
    @rule(cut=CUTS, settings_only=st.booleans())
    def rolls_out(self, cut: Cut, *, settings_only: bool) -> None:
        """A rollout, cut off somewhere, or with somebody meddling in its middle. There is always something to bring."""
        self._look()
        made = self._planned(settings_only=settings_only)
        if not made.targets:
            self.gets_memory(self._limit // MIB % 8 + 1) if settings_only else self.publishes(Behaviour.OK)
            made = self._planned(settings_only=settings_only)
        if not made.targets:
            return
        self._meddled, self._unrouted = False, ""
        self._granted = self._memory()
        self._before = {one.name: one.id for one in self._ours().values()}
        self._ran = any(one.is_running for one in self._ours().values())
        console = self._marked(cut)
        checked = preflight(console, self.fleet.jobs, made)
        if checked.blocking:
            return
        with MET.lock:
            MET.rollouts += 1
        rollout = start(console, made, checked, "a story")
        with suppress(CatalogError):
            Conductor(console, self.fleet.jobs, rollout).run()
        self._after(cut)

    @precondition(lambda self: self._unfinished() is not None)
    @rule(cut=CUTS, goes_on=st.booleans())
    def recovers(self, cut: Cut, *, goes_on: bool) -> None:
        """A person chooses, and is cut off again, or not."""
        self._recover(cut, goes_on=goes_on)

    @precondition(lambda self: self._unfinished() is None)
    @rule(meddling=st.sampled_from([Meddling.RESTART, Meddling.STOP, Meddling.PRUNE]))
    def meddles(self, meddling: Meddling) -> None:
        """Somebody does something while nothing is rolled out."""
        self._meddle(meddling)

    @precondition(lambda self: self._unfinished() is not None)
    @rule(goes_on=st.booleans())
    def is_brought_to_its_end(self, *, goes_on: bool) -> None:
        """Chosen until it has ended, and never cut off again: it ends."""
        for _ in range(ENOUGH):
            if self._unfinished() is None:
                return
            self._recover(NEVER, goes_on=goes_on)
        raise AssertionError(f"it doesn't end: {self._unfinished()}")

    # --- laws -------------------------------------------------------------------------------------------------------

    @invariant()
    def others_are_left_alone(self) -> None:
        """What isn't ours is as it was, but that its engine may have restarted it."""
        if self._others:
            assert repr(self._bystander()) == self._others

    @invariant()
    def never_two_serve(self) -> None:
        """At rest no two containers of it run; while it is cut off, two only where one starts beside the other."""
        if not self._others:
            return
        running = [one.name for one in self._ours().values() if one.is_running]
        unfinished = self._unfinished()
        beside = unfinished is not None and self._target(unfinished).swap == "start beside"
        assert len(running) <= (2 if beside else 1), running

    @invariant()
    def what_is_told_is_there(self) -> None:
        """Once a rollout is over, what it says of its target is what its engine has, and nothing is left lying."""
        rollout = self._newest() if self._others else None
        if rollout is None or rollout.id == self._last or self._unfinished() is not None:
            return
        self._last = rollout.id
        if self._meddled:
            return
        (target,) = rollout.targets
        ours = self._ours()
        named = ours.get(NAME)
        assert set(ours) <= {NAME, f"{NAME}.mc-prev"}, (target.state, target.words, set(ours))
        match target.state:
            case TargetState.DONE:
                assert target.planned.after_title not in self._ill, "what never gets well was told as done"
                assert named is not None
                assert named.is_running, target.words
                assert self._version(named) == target.planned.after_title
                assert self._memory() == target.planned.settings.limits.memory
                if target.planned.before_container_id:
                    assert target.planned.before_container_id in {one.id for one in ours.values()}
            case TargetState.PUT_BACK | TargetState.FAILED | TargetState.NOT_STARTED | TargetState.SKIPPED:
                assert {one.name: one.id for one in ours.values()} == self._before, (target.state, target.words)
                if named is not None:
                    assert named.is_running or not self._ran, target.words
                    assert named.policy == "unless-stopped", target.words
                    assert self._memory() == self._granted, target.words
            case other:
                raise AssertionError(f"{other}: {target.words}")

    @invariant()
    def something_is_always_on_the_route(self) -> None:
        """Where the new one starts beside the old one, there is no boundary at which the alias leads to nobody."""
        assert self._meddled or not self._unrouted, f"nobody was on the route at {self._unrouted}"

    # --- parts ------------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> SimulatedEngine:
        """The one engine."""
        return self.fleet.simulated.engines["alpha"]

    @property
    def _environment(self) -> Environment:
        return self.fleet.environment(self.fleet.mirrors[0], "live")

    def _ours(self) -> dict[str, Container]:
        """Its containers, its lock among them, by their names."""
        with self.engine.state.lock:
            return {
                one.name: one
                for one in self.engine.state.containers.values()
                if NAME in one.name or one.config.get("Labels", {}).get("io.mirrorconsole.env") == self._environment_id
            }

    @property
    def _environment_id(self) -> str:
        return "01live" + f"{1:026}"

    def _bystander(self) -> tuple[object, ...]:
        one = self.engine.container("bystander")
        return one.id, one.name, one.policy, sorted(one.endpoints)

    @staticmethod
    def _version(one: Container) -> str:
        return str(one.image.config["Labels"]["org.opencontainers.image.version"])

    @staticmethod
    def _target(rollout: Rollout) -> PlannedTarget:
        return rollout.targets[0].planned

    def _planned(self, *, settings_only: bool) -> Plan:
        return plan(self.fleet.console, "live", ["mirror-01"], QUICK, settings_only=settings_only)

    def _memory(self) -> int:
        """Bytes that what has its name may take; 0 for as many as there are, and where there is nothing."""
        named = self._ours().get(NAME)
        return int(named.host.get("Memory") or 0) if named is not None else 0

    def _on_route(self) -> bool:
        """Whether its alias leads to a container that runs."""
        places = [one.endpoints.get(EDGE) for one in self._ours().values() if one.is_running]
        return any(place is not None and ALIAS in (place.aliases or ()) for place in places)

    def _newest(self) -> Rollout | None:
        with self.fleet.console.catalog.read() as books:
            rollouts = books.rollouts.all()
        return max(rollouts, key=lambda one: one.started_at, default=None)

    def _unfinished(self) -> Rollout | None:
        if not self._others:
            return None
        found = recovery.interrupted(self.fleet.console)
        return found[0].rollout if found else None

    def _look(self) -> None:
        refresh(self.fleet.console, self.fleet.jobs, inspect_all=True)
        survey(self.fleet.console)

    def _recover(self, cut: Cut, *, goes_on: bool) -> None:
        rollout = self._unfinished()
        assert rollout is not None
        before = {name: (one.id, one.phase, one.policy) for name, one in self._ours().items()}
        recovery.examine(self.fleet.console, self.fleet.jobs, rollout)
        assert before == {name: (one.id, one.phase, one.policy) for name, one in self._ours().items()}
        console = self._marked(cut)
        with suppress(CatalogError, InvalidInput):
            if goes_on:
                recovery.go_on(console, self.fleet.jobs, rollout.id).run()
            else:
                recovery.put_back(console, self.fleet.jobs, rollout.id)
        self._after(cut)

    def _after(self, cut: Cut) -> None:
        if cut.journal_is_lost and self._unfinished() is not None:
            lose_journal(self.fleet.folder / CATALOG)

    def _marked(self, cut: Cut) -> Console:
        met = 0
        routed = self._on_route()

        def mark(boundary: str) -> None:
            nonlocal met
            with MET.lock:
                MET.count += 1
            if routed and not self._meddled and not self._on_route():
                self._unrouted = boundary
            here = met == cut.at
            met += 1
            if here:
                self._meddle(cut.meddling)
                if cut.off:
                    raise CatalogError("The journal can't be written.", "A story says so.")

        return replace(self.fleet.console, mark=mark)

    def _meddle(self, meddling: Meddling) -> None:
        self._meddled |= meddling is not Meddling.NOTHING
        running = [name for name, one in self._ours().items() if one.is_running]
        match meddling:
            case Meddling.NOTHING:
                pass
            case Meddling.RESTART | Meddling.CRASH:
                self.engine.restart(killed=meddling is Meddling.CRASH)
            case Meddling.PRUNE:
                prune_containers(self.engine.state)
            case Meddling.STOP if running:
                self.engine.stop_container(running[0])
            case Meddling.REMOVE if running:
                self.engine.lose_container(running[0])
            case Meddling.REMOVE_NEXT if f"{NAME}.mc-next" in self._ours():
                self.engine.lose_container(f"{NAME}.mc-next")
            case Meddling.RENAME if running:
                rename_container(self.engine.state, running[0], f"{running[0]}-renamed-{len(self._ours())}")
            case Meddling.POLICY if running:
                update_container(self.engine.state, running[0], {"RestartPolicy": {"Name": "on-failure"}})
            case _:
                pass
