"""The check of what was changed by hand: whether a rollout would undo what somebody did and nobody decided about."""

from __future__ import annotations

from collections.abc import Sequence

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.drift import of_settings
from mirror_console.domain.observation import Container, Difference
from mirror_console.domain.plan import Change, PlannedTarget
from mirror_console.domain.process import one_process
from mirror_console.operations.applied import judged
from mirror_console.operations.console import Console
from mirror_console.operations.here import Here
from mirror_console.operations.target_checks import EngineScene, said

ABOUT_THE_RELEASE = frozenset({Change.UPDATE, Change.DOWNGRADE})
"""Changes by which somebody means another release. Who applies settings, replaces what drifted or goes back has said
that what is there is to go."""
DECIDE = (
    "Take it into the mirror's settings ('mirror-console drift accept') or the source's template ('drift adopt'). "
    "Where it is to go, override this check; else leave the mirror out."
)


def check_drift(console: Console, scene: EngineScene, here: Here, target: PlannedTarget) -> CheckResult:
    """Compare the container that runs now with what was last applied; its other processes as they were last seen.

    Raises EngineError.
    """
    own, is_recorded = _own(console, scene, here, target, scene.inspect(target.container))
    beside = scene.changed[target.environment_id]
    if not own and not beside:
        return said(target, Check.DRIFT, Answer.PASS, "No setting differs.")
    words = f"What became different there is lost by this rollout: {'; '.join(map(str, (*own, *beside)))}."
    # Where nobody knows what was applied, it isn't known that somebody changed it; a container that was made again by
    # hand with the same settings loses nothing.
    by_hand = of_settings((*(own if is_recorded else ()), *beside))
    if by_hand and target.change in ABOUT_THE_RELEASE:
        return said(target, Check.DRIFT, Answer.BLOCKED, words, DECIDE)
    return said(target, Check.DRIFT, Answer.WARNING, words, "Take what should stay into the mirror's settings first.")


def _own(
    console: Console, scene: EngineScene, here: Here, target: PlannedTarget, old: Container | None
) -> tuple[Sequence[Difference], bool]:
    """What differs at the container that serves, and whether what was applied is on record."""
    environment = here.environments.get(target.environment_id)
    if old is None or environment is None:
        return (), False
    record = here.applied.get((target.environment_id, target.process))
    found = judged(console, one_process(environment, target.process), old, scene.image(old.image_id), record)
    return found.differences, not found.unrecorded
