"""The words, glyphs and order in which a rollout, its targets and its plan are told on the screens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from mirror_console.domain.check import Answer
from mirror_console.domain.overriding import together, together_words
from mirror_console.domain.plan import Change, LeftOut, Plan, PlannedTarget
from mirror_console.domain.rollout import (
    COUNTS_AS_FAILED,
    SUCCEEDED,
    WORKING,
    Rollout,
    RolloutState,
    Target,
    TargetState,
)
from mirror_console.domain.status import Status
from mirror_console.domain.way_back import WayBack
from mirror_console.ui.glyphs import Shape, Sign
from mirror_console.ui.words import count, number, tr

STATE_GLYPHS: Mapping[TargetState, Status] = {
    TargetState.QUEUED: Status.NOT_APPLICABLE,
    TargetState.CHECKING: Status.ROLLING_OUT,
    TargetState.FETCHING: Status.ROLLING_OUT,
    TargetState.BACKING_UP: Status.ROLLING_OUT,
    TargetState.RELEASING: Status.ROLLING_OUT,
    TargetState.SWAPPING: Status.ROLLING_OUT,
    TargetState.VERIFYING: Status.ROLLING_OUT,
    TargetState.BAKING: Status.ROLLING_OUT,
    TargetState.PUTTING_BACK: Status.BEHIND,
    TargetState.UNKNOWN: Status.NOT_CHECKED,
    TargetState.DONE: Status.ALIGNED,
    TargetState.ALREADY: Status.ALIGNED,
    TargetState.FAILED: Status.UNHEALTHY,
    TargetState.PUT_BACK: Status.BEHIND,
    TargetState.LEFT: Status.UNHEALTHY,
    TargetState.UNDECIDED: Status.UNHEALTHY,
    TargetState.STRANDED: Status.UNHEALTHY,
    TargetState.SUPERSEDED: Status.DRIFTED,
    TargetState.SKIPPED: Status.NOT_APPLICABLE,
    TargetState.NOT_STARTED: Status.NOT_APPLICABLE,
}
"""Which shape stands before a target's state. The word beside it is always the target's own."""

ROLLOUT_GLYPHS: Mapping[RolloutState, Status] = {
    RolloutState.RUNNING: Status.ROLLING_OUT,
    RolloutState.PAUSED: Status.BEHIND,
    RolloutState.INTERRUPTED: Status.NOT_CHECKED,
    RolloutState.COMPLETED: Status.ALIGNED,
    RolloutState.COMPLETED_WITH_FAILURES: Status.UNHEALTHY,
    RolloutState.STOPPED: Status.NOT_APPLICABLE,
}


def state_glyph(target: Target) -> Status:
    """The shape before where a target stands."""
    back = target.since
    if back is None:
        return STATE_GLYPHS[target.state]
    # No tick stands beside the word of a rollback that failed.
    return STATE_GLYPHS[TargetState.PUT_BACK if back.well else TargetState.FAILED]


ANSWER_GLYPHS: Mapping[Answer, Status] = {
    Answer.PASS: Status.ALIGNED,
    Answer.INFORMATION: Status.NOT_APPLICABLE,
    Answer.WARNING: Status.BEHIND,
    Answer.UNKNOWN: Status.NOT_CHECKED,
    Answer.BLOCKED: Status.UNHEALTHY,
}

CHANGE_GLYPHS: Mapping[Change, Shape] = {
    Change.UPDATE: Status.BEHIND,
    Change.DOWNGRADE: Status.AHEAD,
    Change.REPLACE: Status.DRIFTED,
    Change.SETTINGS: Status.DRIFTED,
    Change.CREATE: Status.MISSING,
    Change.TAKE_OVER: Status.ROLLING_OUT,
    # Nothing is said by it of how a target stands: it goes back, from whatever it runs.
    Change.BACK: Sign.BACK,
}
"""Which shape stands before a target's change in a plan: mostly that of how it stands before it."""

CHANGE_SIGNS: Mapping[Change, str] = {
    Change.UPDATE: "~",
    Change.DOWNGRADE: "↓",
    Change.REPLACE: "↻",
    Change.SETTINGS: "≠",
    Change.CREATE: "+",
    Change.TAKE_OVER: "⇤",
    Change.BACK: "↩",
}

_URGENCY = {
    state: rank
    for rank, state in enumerate(
        (
            TargetState.STRANDED,
            TargetState.UNDECIDED,
            TargetState.UNKNOWN,
            TargetState.LEFT,
            TargetState.FAILED,
            TargetState.PUTTING_BACK,
            TargetState.PUT_BACK,
            TargetState.SUPERSEDED,
            TargetState.SKIPPED,
            TargetState.SWAPPING,
            TargetState.VERIFYING,
            TargetState.BAKING,
            TargetState.RELEASING,
            TargetState.BACKING_UP,
            TargetState.FETCHING,
            TargetState.CHECKING,
            TargetState.QUEUED,
            TargetState.NOT_STARTED,
            TargetState.DONE,
            TargetState.ALREADY,
        )
    )
}


def urgency(target: Target) -> int:
    """Where a target stands in the list: problems first, then what is worked on, what is done last."""
    back = target.since
    if back is None:
        return _URGENCY[target.state]
    return _URGENCY[TargetState.PUT_BACK if back.well else TargetState.FAILED]


def by_urgency(targets: Sequence[Target]) -> list[Target]:
    """Targets with what needs a person at the top."""
    return sorted(targets, key=urgency)


def overridden_words(rollout: Rollout) -> list[str]:
    """What a rollout goes on in spite of, a line for each word of a person."""
    names = {target.environment_id: target.planned.application for target in rollout.targets}
    return [f"{together_words(one, names)} ({one.person})" for one in together(rollout.overrides)]


def outcome_words(rollout: Rollout) -> str:
    """What came of the targets so far, in counts: ``208 done · 2 failed · 2 working · 174 waiting``."""
    counted = Counter(target.state for target in rollout.targets if not target.rolled_back)
    done = sum(counted[state] for state in SUCCEEDED)
    parts = [f"{number(done)} {tr('done')}"]
    if back := sum(target.rolled_back for target in rollout.targets):
        parts.append(f"{number(back)} {tr('rolled back since')}")
    parts += [
        f"{number(counted[state])} {tr(state)}" for state in TargetState if state in COUNTS_AS_FAILED and counted[state]
    ]
    if counted[TargetState.SKIPPED]:
        parts.append(f"{number(counted[TargetState.SKIPPED])} {tr('skipped')}")
    if working := sum(counted[state] for state in WORKING):
        parts.append(f"{number(working)} {tr('working')}")
    if counted[TargetState.QUEUED]:
        parts.append(f"{number(counted[TargetState.QUEUED])} {tr('waiting')}")
    if counted[TargetState.NOT_STARTED]:
        parts.append(f"{number(counted[TargetState.NOT_STARTED])} {tr('not started')}")
    return " · ".join(parts)


def over_of(rollout: Rollout) -> tuple[int, int]:
    """How many targets have their outcome, and how many there are."""
    return sum(target.over for target in rollout.targets), len(rollout.targets)


def titled(words: str) -> str:
    """Words with a capital letter first; abbreviations in them stay as they are."""
    return words[:1].upper() + words[1:]


def took(begin: datetime | None, end: datetime | None, waited: float = 0.0) -> str:
    """How long something took: ``0:58``, ``12:04``, ``1:02:11``; empty where it has not begun or not ended.

    The seconds that were only `waited` aren't counted.
    """
    if begin is None or end is None:
        return ""
    seconds = max(0, round((end - begin).total_seconds() - waited))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def versions(targets: Sequence[PlannedTarget]) -> str:
    """What the targets of a plan get: the one version, or how many there are."""
    titles = list(dict.fromkeys(target.after_title for target in targets))
    if not titles:
        return tr("nothing")
    if all(target.change is Change.SETTINGS for target in targets):
        return tr("settings")
    return titles[0] if len(titles) == 1 else count(len(titles), "version", "versions")


def plan_title(plan: Plan) -> str:
    """What a plan is called: ``26.8.3 → live``; what takes a rollout back by that."""
    if plan.rollback_of is not None:
        return tr("rollback of {} → {}").format(plan.rollback_of.fingerprint, plan.environment)
    return f"{versions(plan.targets)} → {plan.environment}"


WAY_BACK_GLYPHS: Mapping[WayBack, Status] = {
    WayBack.KEPT: Status.ALIGNED,
    WayBack.PULL: Status.BEHIND,
    WayBack.GONE: Status.UNHEALTHY,
    WayBack.BLOCKED: Status.UNHEALTHY,
    WayBack.NOTHING_BEFORE: Status.NOT_APPLICABLE,
}


def way_back_words(target: PlannedTarget) -> str:
    """Whether there is a way back from what is planned; a line where the plan doesn't tell."""
    return tr(target.way_back) if target.way_back is not None else "—"


def way_back_glyph(target: PlannedTarget) -> Status | None:
    """The shape before these words."""
    return WAY_BACK_GLYPHS[target.way_back] if target.way_back is not None else None


def change_counts(plan: Plan) -> list[tuple[Change, int]]:
    """How many targets each kind of change concerns, in the order of the kinds; kinds without any are left out."""
    counted = Counter(target.change for target in plan.targets)
    return [(change, counted[change]) for change in Change if counted[change]]


def version_steps(targets: Sequence[PlannedTarget]) -> list[tuple[str, int, int]]:
    """From which version to which, how many, and how many releases are skipped at most; most frequent first."""
    found: dict[str, list[int]] = {}
    for target in targets:
        found.setdefault(step_words(target), []).append(target.skips)
    return sorted(((words, len(skips), max(skips)) for words, skips in found.items()), key=lambda step: -step[1])


def step_words(target: PlannedTarget) -> str:
    """From which version to which; of one whose image stays, the version that it has."""
    if target.change is Change.SETTINGS and target.before_title == target.after_title:
        return target.after_title or "—"
    return f"{target.before_title or '—'} → {target.after_title}"


def reason_counts(left_out: Sequence[LeftOut]) -> str:
    """Why environments are left out, in counts: ``9 already there · 3 unreachable``."""
    counted = Counter(item.reason for item in left_out)
    return " · ".join(f"{number(times)} {tr(reason)}" for reason, times in counted.most_common())
