"""A story of one mirror: releases come, rollouts are begun, cut off anywhere, recovered, cut off again; others meddle.

Hypothesis makes the stories up, and shortens one that breaks a law. What is there is read from the simulator, past the
program; what the program says of it is read from its catalog.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from enum import StrEnum
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mirror_console.domain.environment import Environment, Limits
from mirror_console.domain.plan import Plan
from mirror_console.domain.rollout import Rollout, RolloutState
from mirror_console.domain.route import Route
from mirror_console.domain.swap import Swap
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
from mirror_console.simulator.engine import SimulatedEngine
from tests.catalogs import lose_journal
from tests.model.cut import CUTS, ENOUGH, MET, NEVER, Cut, Meddling, cut_off
from tests.model.laws import Found, demand_old_kept, demand_one_runs, demand_told, found_now
from tests.model.meddler import Meddler
from tests.operations.fleet import CATALOG, QUICK, Fleet, small_fleet

NAME, EDGE, ALIAS = "mirror-01-live", "edge", "shop-a"
ENVIRONMENT = "01live" + f"{1:026}"
MIB = 1024 * 1024
LEAST = 64 * MIB
"""Bytes that it is granted at least: what is granted from the beginning can be changed in place."""


class Kind(StrEnum):
    """How the mirror's container is replaced."""

    RECREATE = "recreate"
    BESIDE = "start beside"
    CREATE = "create"


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
        self._found: Found | None = None
        """How it was when the last rollout began."""
        self._last = ""
        self._broken: AssertionError | None = None
        """The law that was broken at a boundary."""
        self._ill: set[str] = set()
        """The releases that never get well."""
        self._others = ""

    @initialize(kind=st.sampled_from(list(Kind)))
    def opens(self, kind: Kind) -> None:
        """An engine with the mirror on it, as its kind says, and somebody else's container beside it."""
        MET.story()
        self.fleet = self._left.enter_context(small_fleet(1, ("alpha",), PREPARED[kind]))
        self.meddler = Meddler(self.engine, NAME, ENVIRONMENT)
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
    def rolls_out(self, cut: Cut[Meddling], *, settings_only: bool) -> None:
        """A rollout, cut off somewhere, or with somebody meddling in its middle. There is always something to bring."""
        self._look()
        made = self._planned(settings_only=settings_only)
        if not made.targets:
            self.gets_memory(self._limit // MIB % 8 + 1) if settings_only else self.publishes(Behaviour.OK)
            made = self._planned(settings_only=settings_only)
        if not made.targets:
            return
        self.meddler.forget()
        self._found = found_now(self.meddler)
        console = self._marked(cut)
        checked = preflight(console, self.fleet.jobs, made)
        if checked.blocking:
            return
        MET.rollout()
        rollout = start(console, made, checked, "a story")
        with suppress(CatalogError):
            Conductor(console, self.fleet.jobs, rollout).run()
        self._after(cut)

    @precondition(lambda self: self._unfinished() is not None)
    @rule(cut=CUTS, goes_on=st.booleans())
    def recovers(self, cut: Cut[Meddling], *, goes_on: bool) -> None:
        """A person chooses, and is cut off again, or not."""
        self._recover(cut, goes_on=goes_on)

    @precondition(lambda self: self._unfinished() is None)
    @rule(meddling=st.sampled_from([Meddling.RESTART, Meddling.STOP, Meddling.PRUNE]))
    def meddles(self, meddling: Meddling) -> None:
        """Somebody does something while nothing is rolled out."""
        self.meddler.meddle(meddling)

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
        unfinished = self._unfinished()
        beside = unfinished is not None and unfinished.targets[0].planned.swap is Swap.BESIDE
        demand_one_runs(self.meddler, beside=beside)

    @invariant()
    def what_is_told_is_there(self) -> None:
        """Once a rollout is over, what it says of its target is what its engine has, and nothing is left lying.

        What somebody meddled with is held to what doesn't depend on that.
        """
        rollout = self._newest() if self._others else None
        if rollout is None or rollout.id == self._last or self._unfinished() is not None:
            return
        self._last = rollout.id
        if self._found is not None:
            (target,) = rollout.targets
            demand_told(rollout, target, self.meddler, self._found, self._ill)

    @invariant()
    def at_no_boundary_a_law_was_broken(self) -> None:
        """What served is never removed, no two run, and somebody is always on the route where one starts beside."""
        if self._broken is not None:
            raise self._broken

    # --- parts ------------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> SimulatedEngine:
        """The one engine."""
        return self.fleet.simulated.engines["alpha"]

    @property
    def _environment(self) -> Environment:
        return self.fleet.environment(self.fleet.mirrors[0], "live")

    def _bystander(self) -> tuple[object, ...]:
        one = self.engine.container("bystander")
        return one.id, one.name, one.policy, sorted(one.endpoints)

    def _planned(self, *, settings_only: bool) -> Plan:
        return plan(self.fleet.console, "live", ["mirror-01"], QUICK, settings_only=settings_only)

    def _on_route(self) -> bool:
        """Whether its alias leads to a container that runs."""
        places = [one.endpoints.get(EDGE) for one in self.meddler.ours().values() if one.is_running]
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

    def _recover(self, cut: Cut[Meddling], *, goes_on: bool) -> None:
        rollout = self._unfinished()
        assert rollout is not None
        before = self.meddler.hows()
        recovery.examine(self.fleet.console, self.fleet.jobs, rollout)
        assert before == self.meddler.hows(), "looking changed something"
        console = self._marked(cut)
        with suppress(CatalogError, InvalidInput):
            if goes_on:
                recovery.go_on(console, self.fleet.jobs, rollout.id).run()
            else:
                recovery.put_back(console, self.fleet.jobs, rollout.id)
        self._after(cut)

    def _after(self, cut: Cut[Meddling]) -> None:
        if cut.journal_is_lost and self._unfinished() is not None:
            lose_journal(self.fleet.folder / CATALOG)

    def _marked(self, cut: Cut[Meddling]) -> Console:
        # What didn't run before the rollout isn't on the route either once it is put back.
        met, routed = 0, self._on_route() and (self._found is None or self._found.ran)
        unfinished = self._unfinished()
        served = unfinished.targets[0].planned.before_container_id if unfinished is not None else ""
        beside = self._environment.settings.route is not None

        def demand(boundary: str) -> None:
            demand_old_kept(self.meddler, served or self._serves())
            demand_one_runs(self.meddler, beside=beside)
            on_route = not routed or self.meddler.meddled or self._on_route()
            assert on_route, f"nobody was on the route at {boundary}"

        def mark(boundary: str) -> None:
            nonlocal met
            MET.step()
            if self._broken is None:
                try:
                    demand(boundary)
                except AssertionError as broken:
                    self._broken = broken
            here = met == cut.at
            met += 1
            if here:
                self.meddler.meddle(cut.meddling)
                if cut.off:
                    raise cut_off()

        return replace(self.fleet.console, mark=mark)

    def _serves(self) -> str:
        """The id of what served when the last rollout began; empty where nothing did."""
        return self._found.names.get(NAME, "") if self._found is not None else ""
