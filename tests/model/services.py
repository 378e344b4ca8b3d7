"""A story of one mirror that is a service of a Swarm: it is updated, cut off, recovered, rolled back; others meddle.

What is there is read from the Swarm's own books, past the program: the specification of the service, its tasks, and the
configs, one of which is the lock.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from enum import StrEnum

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mirror_console.domain.environment import HealthTest
from mirror_console.domain.rollout import ENDED, Rollout, Target, TargetState
from mirror_console.errors import CatalogError, InvalidInput
from mirror_console.operations import recovery
from mirror_console.operations.console import Console
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.swarm import Service, Swarm
from mirror_console.simulator.swarm_changes import managed, update_service
from mirror_console.simulator.wire import Document
from tests.catalogs import lose_journal
from tests.model.cut import ENOUGH, MET, Cut, cut_off, cuts, never
from tests.model.laws import AS_BEFORE, version_of
from tests.model.meddler import LABEL
from tests.operations.fleet import CATALOG, QUICK, REPOSITORY, Fleet, small_fleet

SERVICE, OTHER, REPLICAS = "mirror-01-live", "somebody-elses", 2
AT_REST = 5.0
"""Seconds in which a Swarm has to have done what it was told."""


class Meddling(StrEnum):
    """What somebody else does, or the engine, in the middle."""

    NOTHING = "nothing"
    RESTART = "the engine restarts"
    CRASH = "the engine is killed and comes back"
    SCALE = "somebody scales the service"
    LABEL = "somebody labels its containers"
    UNLOCK = "somebody removes the lock"


NEVER = never(Meddling.NOTHING)
CUTS = cuts(Meddling.NOTHING, most=30, quiet=5)


@dataclass(frozen=True, slots=True)
class Found:
    """How the service was when a rollout came to it."""

    id: str
    index: int
    spec: Document
    runs: list[str]


def prepared(fleet: Fleet) -> None:
    """A mirror whose live is a service of two tasks, one release behind its source; and a service of somebody else."""
    digest = fleet.publish("1.0.0", health_interval=0.01)
    engine = fleet.simulated.engines["alpha"]
    engine.manage_swarm()
    environment = fleet.environment(fleet.mirrors[0], "live")
    settings = replace(environment.settings, ports=(), health=HealthTest(settle=0.0, limit=2.0))
    with fleet.console.catalog.write() as books:
        books.environments.save(replace(environment, swarm=True, settings=settings))
    for name in (SERVICE, OTHER):
        engine.serve(
            name,
            f"{REPOSITORY}@{digest}",
            replicas=REPLICAS,
            variables=dict(environment.settings.variables),
            labels={"of.stack": "shop"},
            login=fleet.simulated.login,
            delay=0.05,
        )
    refresh(fleet.console, fleet.jobs, inspect_all=True)
    fleet.publish("1.0.1", health_interval=0.01)
    refresh(fleet.console, fleet.jobs, inspect_all=True)


def of_stack(spec: Document) -> Document:
    """Of a service's specification what its stack decides: all but the image and the labels of the program."""
    kept = copy.deepcopy(spec)
    template = kept["TaskTemplate"]
    # An update that would change nothing of the tasks is told so by this number.
    template.pop("ForceUpdate", None)
    template["ContainerSpec"].pop("Image")
    # How long it gets to stop is a setting; and an update that fails is for the rollout to take back.
    template["ContainerSpec"].pop("StopGracePeriod", None)
    for of_update in ("FailureAction", "MaxFailureRatio", "Monitor"):
        kept["UpdateConfig"].pop(of_update, None)
    for place in (kept, template["ContainerSpec"]):
        labels = place.pop("Labels", None) or {}
        place["Labels"] = {name: value for name, value in labels.items() if not name.startswith(LABEL)}
    return kept


def image_of(spec: Document) -> str:
    """The image that a service is to run."""
    return str(spec["TaskTemplate"]["ContainerSpec"]["Image"])


class ServiceStory(RuleBasedStateMachine):
    """One story. Its invariants are looked at after each of its steps."""

    def __init__(self) -> None:
        super().__init__()
        self._left = ExitStack()
        self._released = 1
        self._found: dict[str, Found] = {}
        """How the service was when each rollout came to it."""
        self._ill: set[str] = set()
        """The releases that end at once."""
        self._meddled = False
        """Whether somebody meddled since the last rollout began."""
        self._most = REPLICAS
        """How many tasks may run."""
        self._broken: AssertionError | None = None
        self._told = ""
        self._others: tuple[object, ...] = ()

    @initialize()
    def opens(self) -> None:
        """A manager with the service on it, and somebody else's beside it."""
        MET.story()
        self.fleet = self._left.enter_context(small_fleet(1, ("alpha",), prepared))
        self._id = self._service().id
        self._others = self._bystander()

    def teardown(self) -> None:
        """Take the engine away."""
        self._left.close()

    # --- what happens -----------------------------------------------------------------------------------------------

    @precondition(lambda self: self._unfinished() is None)
    @rule(cut=CUTS, behaviour=st.sampled_from([Behaviour.OK] * 2 + [Behaviour.EXITS_AT_ONCE]))
    def rolls_out(self, cut: Cut[Meddling], behaviour: Behaviour) -> None:
        """Another release, cut off somewhere, or with somebody meddling in its middle."""
        self._released += 1
        version = f"1.0.{self._released}"
        if behaviour is not Behaviour.OK:
            self._ill.add(version)
        self.fleet.publish(version, health_interval=0.01, behaviour=behaviour)
        refresh(self.fleet.console, self.fleet.jobs, inspect_all=True)
        made = plan(self.fleet.console, "live", ["mirror-01"], QUICK)
        checked = preflight(self.fleet.console, self.fleet.jobs, made)
        with suppress(InvalidInput):  # where a check blocks it
            self._carry_out(start(self.fleet.console, made, checked, "a story"), cut)

    @precondition(lambda self: self._unfinished() is None and self._found)
    @rule(cut=CUTS)
    def is_rolled_back(self, cut: Cut[Meddling]) -> None:
        """A person rolls the last rollout back."""
        last = next(reversed(self._found))
        with suppress(InvalidInput):  # where there is nothing to go back to
            made = plan_rollback(self.fleet.console, self.fleet.jobs, last, Part.ALL)
            checked = preflight(self.fleet.console, self.fleet.jobs, made)
            self._carry_out(start(self.fleet.console, made, checked, "a story"), cut)

    @precondition(lambda self: self._unfinished() is not None)
    @rule(cut=CUTS, goes_on=st.booleans())
    def recovers(self, cut: Cut[Meddling], *, goes_on: bool) -> None:
        """A person chooses, and is cut off again, or not."""
        self._recover(cut, goes_on=goes_on)

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
        """Somebody else's service is as it was."""
        if self._others:
            assert self._bystander() == self._others

    @invariant()
    def at_no_boundary_a_law_was_broken(self) -> None:
        """The service is the same all the time, as its stack made it, and no more tasks run than it has."""
        if self._broken is not None:
            raise self._broken

    @invariant()
    def what_is_told_is_there(self) -> None:
        """Once a rollout is over, what it says is what the tasks run, and no lock is left."""
        last = next(reversed(self._found), "")
        if not last or last == self._told or self._unfinished() is not None:
            return
        self._told = last
        with self.fleet.console.catalog.read() as books:
            rollout = books.rollouts.get(last)
        (target,) = rollout.targets
        assert rollout.state in ENDED, rollout.state
        locks = [config.spec["Name"] for config in self._swarm().configs.values()]
        assert not locks, f"{target.state}, and its lock is left: {target.words}"
        is_ill = target.planned.after_title in self._ill
        assert not (is_ill and target.state is TargetState.DONE), "what ends at once was told as done"
        self._demand_told(rollout, target)

    def _demand_told(self, rollout: Rollout, target: Target) -> None:
        found, words = self._found[rollout.id], f"{target.state}: {target.words}"
        before_back = rollout.plan.rollback_of
        match target.state:
            case TargetState.DONE:
                self._demand_runs([target.planned.after_title], words)
                if before_back is not None and not self._meddled:
                    self._demand_runs(self._found[before_back.rollout_id].runs, f"as before it was rolled out. {words}")
            case TargetState.PUT_BACK if not self._meddled:
                self._demand_runs(found.runs, words)
                assert image_of(self._service().spec) == image_of(found.spec), words
            case state if state in AS_BEFORE and not self._meddled:
                assert self._service().spec == found.spec, f"it was changed. {words}"
                assert self._service().index == found.index, f"it was updated. {words}"
            case TargetState.PUT_BACK | TargetState.SUPERSEDED | TargetState.STRANDED if self._meddled:
                pass
            case state:
                assert self._meddled, words
                assert state in AS_BEFORE, words

    def _demand_runs(self, versions: Collection[str], words: str) -> None:
        """Each of its tasks runs this version, however many it has by now."""
        wanted = sorted(set(versions)) * len(self._service().slots)
        running = self._runs(wanted)
        assert running == wanted, f"{running} run, and not {wanted}: {words}"

    def _demand_service(self) -> None:
        service, found = self._service(), self._found[next(reversed(self._found))]
        assert service.id == self._id, "it is another service"
        if not self._meddled:
            assert of_stack(service.spec) == of_stack(found.spec), "what its stack decides was changed"
        running = self._running()
        assert len(running) <= max(self._most, len(service.slots)), f"{len(running)} tasks run"

    # --- carrying out -----------------------------------------------------------------------------------------------

    def _carry_out(self, rollout: Rollout, cut: Cut[Meddling]) -> None:
        MET.rollout(back=rollout.plan.rollback_of is not None)
        service = self._service()
        self._meddled, self._most = False, len(service.slots)
        self._found[rollout.id] = Found(service.id, service.index, copy.deepcopy(service.spec), self._runs(None))
        with suppress(CatalogError):
            Conductor(self._marked(cut), self.fleet.jobs, rollout).run()
        self._after(cut)

    def _recover(self, cut: Cut[Meddling], *, goes_on: bool) -> None:
        rollout = self._unfinished()
        assert rollout is not None
        before = self._books()
        recovery.examine(self.fleet.console, self.fleet.jobs, rollout)
        assert self._books() == before, "looking changed something"
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
        met = 0

        def mark(_boundary: str) -> None:
            nonlocal met
            MET.step()
            if self._broken is None:
                try:
                    self._demand_service()
                except AssertionError as broken:
                    self._broken = broken
            here, met = met, met + 1
            if here == cut.at:
                self._meddle(cut.meddling)
                if cut.off:
                    raise cut_off()

        return replace(self.fleet.console, mark=mark)

    def _meddle(self, meddling: Meddling) -> None:
        self._meddled |= meddling is not Meddling.NOTHING
        service, state = self._service(), self._engine.state
        match meddling:
            case Meddling.RESTART | Meddling.CRASH:
                self._engine.restart(killed=meddling is Meddling.CRASH)
            case Meddling.SCALE:
                spec = copy.deepcopy(service.spec)
                spec["Mode"]["Replicated"]["Replicas"] = 5 - len(service.slots)
                self._most = max(self._most, len(service.slots), 5 - len(service.slots))
                update_service(state, service.id, service.index, spec, "", back=False)
            case Meddling.LABEL:
                labels = service.template["ContainerSpec"].get("Labels") or {}
                self._engine.update_by_hand(SERVICE, Labels={**labels, "seen": str(service.index)})
            case Meddling.UNLOCK:
                with state.lock:
                    self._swarm().configs.clear()
            case Meddling.NOTHING:
                pass

    # --- parts ------------------------------------------------------------------------------------------------------

    @property
    def _engine(self) -> SimulatedEngine:
        return self.fleet.simulated.engines["alpha"]

    def _service(self) -> Service:
        return self._engine.service(SERVICE)

    def _swarm(self) -> Swarm:
        return managed(self._engine.state)

    def _books(self) -> tuple[object, ...]:
        service = self._service()
        return service.index, copy.deepcopy(service.spec), sorted(self._swarm().configs)

    def _bystander(self) -> tuple[object, ...]:
        other = self._engine.service(OTHER)
        return other.id, other.index, copy.deepcopy(other.spec)

    def _running(self) -> list[str]:
        """What its tasks run now."""
        service, state = self._service(), self._engine.state
        with state.lock:
            running = [task for task in self._swarm().tasks_of(service) if task.state == "running"]
            return [version_of(state.containers[task.container_id]) for task in running]

    def _runs(self, wanted: Collection[str] | None) -> list[str]:
        """What runs once the Swarm has done what it was told: all that it is to have, or `wanted`."""
        until = time.monotonic() + AT_REST
        while True:
            service = self._service()
            running = sorted(self._running())
            there = len(running) == len(service.slots) and not service.updating
            if (there and wanted is None) or running == sorted(wanted or ()) or time.monotonic() > until:
                return running
            time.sleep(0.01)

    def _unfinished(self) -> Rollout | None:
        if not self._others:
            return None
        found = recovery.interrupted(self.fleet.console)
        return found[0].rollout if found else None
