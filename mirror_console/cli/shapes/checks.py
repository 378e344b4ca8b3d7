"""What `--json` prints of checks, and of those that a rollout goes on in spite of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.check import Checked
from mirror_console.domain.overriding import may_be_overridden
from mirror_console.domain.plan import Plan
from mirror_console.domain.rollout import Rollout


@dataclass(frozen=True, slots=True)
class ChecksShape:
    """What `rollout checks --json` prints."""

    plan: str
    blocks_all: bool
    results: Sequence[CheckShape]


@dataclass(frozen=True, slots=True)
class CheckShape:
    """The answer to a check. `mirror` is empty where it concerns the whole rollout, or an engine as a whole."""

    check: str
    id: str
    """What the check is called in options, and its page in the help."""
    answer: str
    blocks: bool
    overridable: bool
    words: str
    remedy: str
    environment_id: str
    mirror: str
    engine: str


@dataclass(frozen=True, slots=True)
class OverrideShape:
    """A check's answer that a rollout goes on in spite of. `mirror` is empty where it concerns the whole rollout."""

    check: str
    id: str
    answer: str
    words: str
    environment_id: str
    mirror: str
    reason: str
    person: str
    at: datetime


def checks_shape(plan: Plan, checked: Checked) -> ChecksShape:
    """All answers for a plan."""
    mirrors = {target.environment_id: target.application for target in plan.targets}
    engines = {target.engine_id: target.engine for target in plan.targets}
    results = [
        CheckShape(
            check=result.check.value,
            id=result.check.id,
            answer=result.answer.value,
            blocks=checked.blocks(result),
            overridable=may_be_overridden(result),
            words=result.words,
            remedy=result.remedy,
            environment_id=result.environment_id,
            mirror=mirrors.get(result.environment_id, ""),
            engine=engines.get(result.engine_id, ""),
        )
        for result in checked.results
    ]
    return ChecksShape(plan.fingerprint, checked.blocks_all, results)


def override_shapes(rollout: Rollout) -> list[OverrideShape]:
    """What a rollout goes on in spite of, an entry for each answer."""
    mirrors = {target.environment_id: target.planned.application for target in rollout.targets}
    return [
        OverrideShape(
            check=one.check.value,
            id=one.check.id,
            answer=one.answer.value,
            words=one.words,
            environment_id=one.environment_id,
            mirror=mirrors.get(one.environment_id, ""),
            reason=one.reason,
            person=one.person,
            at=one.at,
        )
        for one in rollout.overrides
    ]
