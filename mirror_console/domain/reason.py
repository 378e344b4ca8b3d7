"""The reason of a rollout: where a person has to say why, in the window and on the command line alike."""

from __future__ import annotations

from mirror_console.domain.check import Checked
from mirror_console.domain.counting import counted
from mirror_console.domain.plan import Plan

EVERYDAY = 5
"""Up to so many targets of an unprotected environment without a warning are everyday work: no reason is asked for."""


def why_a_reason(plan: Plan, checked: Checked, *, protected: bool) -> str:
    """What makes a rollout want a reason: ``live is protected and 12 targets change``; empty if nothing does.

    `protected`: whether an environment of its name is, anywhere in the fleet.
    """
    ready = len(plan.targets) - len(checked.blocked(target.environment_id for target in plan.targets))
    told = []
    if protected:
        told.append(f"{plan.environment} is protected")
    if checked.overrides:
        told.append("a check is overridden")
    if checked.warnings:
        asks = "asks" if len(checked.warnings) == 1 else "ask"
        told.append(f"{counted(len(checked.warnings), 'answer')} of the checks {asks} for a look")
    if ready > EVERYDAY:
        told.append(f"{ready} targets change")
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)
