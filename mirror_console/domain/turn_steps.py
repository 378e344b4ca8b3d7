"""Turn steps: the steps of a target's turn in their order, by how it is swapped and what is done before."""

from __future__ import annotations

from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.rollout import STEPS_OF, Step


def steps_of(planned: PlannedTarget) -> tuple[Step, ...]:
    """The steps that a target's turn may have. Those with nothing to do are passed over."""
    steps = STEPS_OF[planned.swap]
    preparation = planned.preparation
    if preparation is None:
        return steps
    before = steps.index(Step.CREATE) + 1
    backup = (Step.BACK_UP,) if preparation.backup is not None else ()
    release = (Step.RELEASE,) if preparation.release is not None else ()
    return (*steps[:before], *backup, *release, *steps[before:])
