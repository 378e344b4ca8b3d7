"""Reasons: a rollout that isn't everyday work starts with a reason, which stands in its report."""

from __future__ import annotations

from mirror_console.domain.check import Checked
from mirror_console.domain.plan import Plan
from mirror_console.domain.reason import why_a_reason
from mirror_console.errors import Problem
from mirror_console.operations.console import Console


def reason_problems(console: Console, plan: Plan, checked: Checked, why: str) -> list[Problem]:
    """What is wrong with the reason that was given: nothing, or that one is wanted, and why."""
    if why.strip():
        return []
    wanted = why_a_reason(plan, checked, protected=is_protected(console, plan.environment))
    return (
        [Problem("why", f"say why it is rolled out, for the report: a reason is wanted, as {wanted}")] if wanted else []
    )


def is_protected(console: Console, environment: str) -> bool:
    """Whether an environment of that name is protected at any mirror."""
    with console.catalog.read() as books:
        named = [one for one in books.environments.all() if one.name == environment and one.protected]
        return any(one.is_mirror for one in books.applications.some({one.application_id for one in named}))
