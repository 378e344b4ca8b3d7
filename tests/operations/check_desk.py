"""A desk for tests of checks: a fleet that is a release behind, and what its checks answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.domain.environment import Environment
from mirror_console.domain.plan import Plan
from mirror_console.domain.way import Way
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.simulator.engine import SimulatedEngine
from tests.operations.fleet import QUICK, Fleet


@dataclass(slots=True)
class Desk:
    """A fleet that is a release behind, and what its checks answer."""

    fleet: Fleet

    def engine(self, name: str = "alpha") -> SimulatedEngine:
        return self.fleet.simulated.engines[name]

    def plan(self, way: Way = QUICK) -> Plan:
        return plan(self.fleet.console, "live", [mirror.id for mirror in self.fleet.mirrors], way)

    def checked(self, made: Plan | None = None) -> Checked:
        return preflight(self.fleet.console, self.fleet.jobs, made or self.plan())

    def answers(self, check: Check, way: Way = QUICK) -> list[CheckResult]:
        return [one for one in self.checked(self.plan(way)).results if one.check is check]

    def worst(self, check: Check, way: Way = QUICK) -> CheckResult:
        return max(self.answers(check, way), key=lambda one: list(Answer).index(one.answer))

    def change(self, number: int, **settings: object) -> Environment:
        environment = self.fleet.environment(self.fleet.mirrors[number], "live")
        return self.fleet.with_settings(environment, **settings)

    def source(self, **changes: Any) -> None:
        with self.fleet.console.catalog.write() as books:
            books.applications.save(replace(books.applications.get("source"), **changes))
