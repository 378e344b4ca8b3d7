"""Rollout words: plans, checks and rollouts as they are printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mirror_console.cli.output import Output
from mirror_console.domain.causes import causes
from mirror_console.domain.check import Answer, Checked
from mirror_console.domain.companions import companions_words
from mirror_console.domain.counting import counted
from mirror_console.domain.durations import Learned, plan_words
from mirror_console.domain.fetching import fetching_words
from mirror_console.domain.overriding import together, together_words
from mirror_console.domain.plan import Plan
from mirror_console.domain.release_command import preparation_words
from mirror_console.domain.rollout import (
    CHANGED,
    ENDED,
    SUCCEEDED,
    Rollout,
    RolloutState,
    Target,
    TargetState,
    headline,
)
from mirror_console.domain.settings_plan import settings_words, unlike_words
from mirror_console.domain.stop_rule import stop_rule_words
from mirror_console.domain.swap_words import swap_counts
from mirror_console.domain.trip import Came, open_trip, trip_words
from mirror_console.domain.way_words import how_words, plan_way_words, ruled_words
from mirror_console.operations.deciding import PASSED_OVER
from mirror_console.operations.retrying import FAILED
from mirror_console.operations.waiting import NO_WAITS, Waiting, lay_of, waiting_of, worked
from mirror_console.operations.written import moment, seconds

_ANSWERS = {
    Answer.PASS: "green",
    Answer.INFORMATION: "",
    Answer.WARNING: "yellow",
    Answer.UNKNOWN: "yellow",
    Answer.BLOCKED: "red",
}


def print_plan_title(out: Output, plan: Plan) -> None:
    """Which plan it is, and how many it changes."""
    counts = [len(wave) for wave in plan.waves]
    kind = f" ({plan.kind})" if plan.kind else ""
    out.say(f"Plan {plan.fingerprint} to {plan.environment}{kind}, valid until {moment(plan.valid_until)}", "bold")
    out.say(
        f"{counted(len(plan.targets), 'target')} on {counted(len(plan.engine_ids), 'engine')}"
        + (f" in {counted(len(counts), 'wave')} ({' + '.join(map(str, counts))})" if counts else "")
        + f"; {len(plan.left_out)} left out"
    )
    if counts:
        out.say(f"Way: {how_words(plan)}")
    if counts and (ruled := ruled_words(plan.way)):
        out.say(ruled, "yellow")


def print_plan(out: Output, plan: Plan, learned: Learned) -> None:
    """What a plan would do, first in numbers, and how long it would take."""
    print_plan_title(out, plan)
    prepared = [target.preparation for target in plan.targets if target.preparation is not None]
    for words in (plan.canary_words, preparation_words(prepared).rstrip("."), plan_words(plan, learned)):
        if words:
            out.say(f"{words[0].upper()}{words[1:]}.")
    kinds = Counter((target.change, target.before_title or "—", target.after_title) for target in plan.targets)
    for (change, before, after), count in kinds.most_common():
        out.say(f"  {count} {change}: {before} → {after}")
    for words in swap_counts(plan.targets):
        out.say(f"  {words}")
    rows = [
        [
            str(target.wave + 1),
            target.application,
            target.engine,
            target.change.value,
            target.before_title or "—",
            target.after_title,
            target.way_back.value if target.way_back else "—",
        ]
        for target in plan.targets
    ]
    if rows:
        out.table([">wave", "mirror", "engine", "change", "before", "after", "way back"], rows)
    changes = settings_words(plan.targets)
    if changes:
        out.say("")
        out.table(["settings", ">targets", "mirrors"], [[words, str(len(of)), _names(of)] for words, of in changes])
    for words in (*unlike_words(plan), *companions_words(plan.targets)):
        out.say(words)
    if plan.left_out:
        out.say("")
        out.table(
            ["left out", "reason", "in words"], [[one.application, one.reason, one.words] for one in plan.left_out]
        )


def print_checks(out: Output, plan: Plan, checked: Checked) -> None:
    """The answers that block or ask for a look, worst first, then what is worth knowing, and how many passed."""
    mirrors = {target.environment_id: target.application for target in plan.targets}
    engines = {target.engine_id: target.engine for target in plan.targets}
    order = list(Answer)
    rest = sorted(
        (result for result in checked.results if result.answer is not Answer.PASS),
        key=lambda result: (not result.blocks, checked.override_of(result) is not None, -order.index(result.answer)),
    )
    passed, blocking, overridden = len(checked.results) - len(rest), len(checked.blocking), len(checked.overrides)
    look = len(checked.warnings)
    verb, asks = "blocks" if blocking == 1 else "block", "asks" if look == 1 else "ask"
    informing = f", {len(checked.informing)} to know" if checked.informing else ""
    counted = f"{passed} passed{informing}, {look} {asks} for a look, {blocking} {verb}"
    if overridden:
        counted += f", {overridden} overridden"
    blocked = f"{len(checked.blocked(mirrors))} of {len(mirrors)} targets"
    out.say("")
    out.say(f"Checks: {counted}; {'the whole rollout' if checked.blocks_all else blocked} blocked")
    alike: dict[tuple[str, Answer, str, str], list[str]] = {}
    for result in rest:
        word = checked.override_of(result)
        answer = f"{result.answer}{', overridden' if word else ', blocks' if result.blocks else ''}"
        told = (
            f"{result.words} Overridden by {word.person}: {word.reason}" if word else f"{result.words} {result.remedy}"
        )
        about = f"all on {engines.get(result.engine_id, '')}" if result.of_engine else "all"
        key = (answer, result.answer, result.check.value, told.strip())
        alike.setdefault(key, []).append(mirrors.get(result.environment_id, about))
    rows: list[list[str | tuple[str, str]]] = [
        [(answer, _ANSWERS[kind]), check, words, _names(several)]
        for (answer, kind, check, words), several in alike.items()
    ]
    if rows:
        out.table(["answer", "check", "in words", "mirrors"], rows)


def _names(mirrors: Sequence[str]) -> str:
    """Mirrors with the same answer: the first few by name, and how many there are."""
    if len(mirrors) <= 3:
        return ", ".join(mirrors)
    return f"{', '.join(mirrors[:2])} and {len(mirrors) - 2} more"


def print_rollout(out: Output, rollout: Rollout, waiting: Waiting = NO_WAITS) -> None:
    """How a rollout stands: what isn't as planned first. The time that it waited or lay cut off isn't what it took."""
    good = rollout.state is RolloutState.COMPLETED
    out.say(f"{headline(rollout)} ({rollout.state})", "bold green" if good else "bold yellow")
    out.say(
        f"Rollout {rollout.plan.fingerprint} to {rollout.plan.environment}, id {rollout.id[:8]}, started by "
        f"{rollout.started_by} at {moment(rollout.started_at)}. Why: {rollout.why or 'not said'}"
    )
    if rollout.targets:
        out.say(f"Way: {plan_way_words(rollout.plan)}")
    if rollout.plan.kind:
        out.say(f"It is the {rollout.plan.kind}.")
    if rollout.paused_because:
        out.say(rollout.paused_because, "yellow")
    for trip in rollout.trips:
        if f"Stop rule: {trip.words}" not in rollout.paused_because:
            out.say(f"{trip_words(trip)} ({moment(trip.at)})")
    if rollout.targets and rollout.state not in ENDED:
        # After what it did, so that nobody takes the one for the other: this is what it may do yet.
        out.say(f"Stop rule from here on, wave {rollout.current_wave + 1}: {stop_rule_words(rollout)}")
    if rollout.ended_at is not None:
        out.say(_lasted(rollout, waiting))
    names = {target.environment_id: target.planned.application for target in rollout.targets}
    for one in together(rollout.overrides):
        out.say(f"{together_words(one, names)} ({one.person}, {moment(one.at)})")
    if rollout.fetches:
        out.say(fetching_words(rollout.fetches))
    targets = sorted(rollout.targets, key=lambda target: (_well(target), target.planned.wave))
    rows: list[list[str | tuple[str, str]]] = []
    for target in targets:
        took = worked(target.started_at, target.ended_at, waiting.of(target))
        rows.append(
            [
                (
                    _state(target),
                    "green" if _well(target) else "yellow" if target.rolled_back else "red" if target.over else "",
                ),
                target.planned.application,
                target.planned.engine,
                f"{target.planned.before_title or '—'} → {target.planned.after_title}",
                seconds(took),
                target.told or target.verified_by,
                target.planned.way_back.value if target.planned.way_back else "—",
            ]
        )
    out.table(["state", "mirror", "engine", "before → after", ">took", "in words", "way back"], rows)
    _print_causes(out, rollout)
    for words in next_steps(rollout):
        out.say(words)


def _lasted(rollout: Rollout, waiting: Waiting) -> str:
    """How long it took, and for how long nothing was done because a person was waited for or the console was gone."""
    span = rollout.started_at, rollout.ended_at, waiting.whole
    waited, lay = waiting_of(*span), lay_of(*span)
    told = [f"It took {seconds(worked(*span))}"]
    told += [f"waited {seconds(waited)} for a decision"] if waited >= 1 else []
    told += [f"lay cut off for {seconds(lay)}"] if lay >= 1 else []
    return f"{', '.join(told)}."


def _state(target: Target) -> str:
    """Its state, and which attempt it is where it isn't the first."""
    return target.stands if target.attempt == 1 else f"{target.stands} (attempt {target.attempt})"


def _well(target: Target) -> bool:
    """Whether it runs what was planned, and no rollback was there since."""
    return target.state in SUCCEEDED and target.since is None


def _print_causes(out: Output, rollout: Rollout) -> None:
    """Failures by their cause, with the numbers by which they are named on the command line."""
    found = causes(rollout.targets)
    if not found:
        return
    rows: list[list[str | tuple[str, str]]] = [
        [
            str(number),
            str(cause.count),
            (str(cause.state), "red"),
            cause.words,
            _names([target.planned.application for target in cause.targets]),
        ]
        for number, cause in enumerate(found, 1)
    ]
    out.say("")
    out.table([">cause", ">targets", "state", "in words", "mirrors"], rows)


def print_rollouts(out: Output, rollouts: Sequence[Rollout]) -> None:
    """All rollouts, a line each."""
    if not rollouts:
        out.say("There was no rollout yet.")
        return
    rows = [
        [
            rollout.id[:8],
            rollout.plan.fingerprint,
            rollout.plan.environment + (f" ({rollout.plan.kind})" if rollout.plan.kind else ""),
            rollout.state.value,
            headline(rollout),
            moment(rollout.started_at),
            rollout.started_by,
            rollout.why,
        ]
        for rollout in rollouts
    ]
    out.table(["id", "plan", "environment", "state", "outcome", "started", "by", "why"], rows)


def next_steps(rollout: Rollout) -> list[str]:
    """What a person can do about a rollout now, as commands; nothing where it is as planned or still runs."""
    name = rollout.id[:8]
    if rollout.trips and rollout.trips[-1].came is Came.BEGUN:
        return [f"See the rollback: mirror-console rollout show {rollout.trips[-1].rollback_id[:8]}", *_next(rollout)]
    asks = None if rollout.state in {RolloutState.RUNNING, RolloutState.INTERRUPTED} else open_trip(rollout.trips)
    part = "" if asks is None else "--all" if asks.part == "all" else f"--wave {asks.wave + 1}"
    return [*([f"Roll back: mirror-console rollout rollback {name} {part}"] if part else []), *_next(rollout)]


def _next(rollout: Rollout) -> list[str]:
    name = rollout.id[:8]
    if rollout.state is RolloutState.PAUSED and rollout.count(TargetState.UNDECIDED):
        asks = next(n for n, one in enumerate(causes(rollout.targets), 1) if one.state is TargetState.UNDECIDED)
        return [
            f"Decide: mirror-console rollout decide retry|put-back|leave|skip {name} --cause {asks}",
            f"Or put back all that waits, and end it: mirror-console rollout stop {name}",
        ]
    if rollout.state is RolloutState.PAUSED:
        go_on = f"Go on: mirror-console rollout resume {name}. Or end it: mirror-console rollout stop {name}"
        return [go_on, *_again(rollout), *_leave_out(rollout), *_take_back(rollout)]
    if rollout.state is RolloutState.INTERRUPTED:
        return [f"Decide: mirror-console recover continue {name}, or: mirror-console recover put-back {name}"]
    return _after_the_end(rollout) if rollout.state in ENDED else []


def _after_the_end(rollout: Rollout) -> list[str]:
    name = rollout.id[:8]
    own = _own(rollout)
    steps = []
    if stranded := sum(one.state is TargetState.STRANDED and not one.rolled_back for one in rollout.targets):
        steps.append(f"{counted(stranded, 'target')} {'needs' if stranded == 1 else 'need'} a person now.")
    steps += _again(rollout)
    if TargetState.SKIPPED in own:
        # A check or a person said no to them: they are tried again only where they are named.
        numbers = [str(n) for n, cause in enumerate(causes(rollout.targets), 1) if cause.state is TargetState.SKIPPED]
        options = " ".join(f"--cause {number}" for number in numbers)
        steps.append(
            f"Try again what was skipped, once nothing speaks against it: mirror-console rollout retry {name} {options}"
        )
    return [*steps, *_take_back(rollout)]


def _own(rollout: Rollout) -> set[TargetState]:
    """The states of its targets that may be tried again. What another console left is ended by taking over, and what
    was rolled back since runs what it ran: a new rollout goes forward from there."""
    return {one.state for one in rollout.targets if one.planned.taken_from is None and not one.rolled_back}


def _again(rollout: Rollout) -> list[str]:
    if not _own(rollout) & FAILED:
        return []
    return [f"Try again what failed: mirror-console rollout retry {rollout.id[:8]}"]


def _leave_out(rollout: Rollout) -> list[str]:
    """What is skipped counts as failed no more: the rollout goes on without it."""
    number = next((n for n, cause in enumerate(causes(rollout.targets), 1) if cause.state in PASSED_OVER), 0)
    return [f"Skip what failed: mirror-console rollout decide skip {rollout.id[:8]} --cause {number}"] if number else []


def _take_back(rollout: Rollout) -> list[str]:
    if not {one.state for one in rollout.targets if not one.rolled_back} & (CHANGED - {TargetState.DONE}):
        return []
    name = rollout.id[:8]
    return [f"Take back what failed and may not run what it ran: mirror-console rollout rollback {name} --failed"]
