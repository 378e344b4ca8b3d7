"""Plans, checks, rollouts and journals for the window's tests and pictures, made from a sample fleet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mirror_console.domain.alignment import Alignment, DriftKind
from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.domain.fetching import Fetch, FetchState
from mirror_console.domain.fleet import Grid, Row
from mirror_console.domain.journal import JournalEntry, Phase, Result
from mirror_console.domain.observation import Difference
from mirror_console.domain.plan import Change, LeftOut, Plan, Reason, RollbackOf
from mirror_console.domain.planning import make_plan
from mirror_console.domain.rollout import Rollout, RolloutState, Target, TargetState
from mirror_console.domain.steps import RECREATE_STEPS, Step
from mirror_console.domain.swap import Swap
from mirror_console.domain.taken_back import TakenBack
from mirror_console.domain.trip import Came, Trip, trip_words
from mirror_console.domain.way import REST, OnTrip, Way
from mirror_console.domain.way_back import WayBack
from mirror_console.domain.what_next import waits_words
from tests.ui.sample import NOW, SOURCE, cell, every_state, grid_of, mirror

WHY = "security fix for the checkout"


def behind_fleet(count: int = 24) -> Grid:
    """A fleet of which live is behind nearly everywhere."""
    rows = []
    for number in range(count):
        application = mirror(number)
        live = cell(
            application, running=2 if number % 5 == 0 else 3, alignment=Alignment.BEHIND, engine=(0, 2)[number % 2]
        )
        if number == 4:
            live = cell(application, alignment=Alignment.DRIFTED, drift=DriftKind.DIGEST)
        if number == 7:
            live = cell(application, running=None, alignment=Alignment.MISSING, engine=2)
        if number == 9:
            live = cell(application)
        if number == 11:
            live = cell(application, running=3, alignment=Alignment.BEHIND, engine=1, answered=False)
        rows.append(Row(application, SOURCE.name, {"test": cell(application, "test"), "live": live}, NOW))
    return grid_of(rows)


def ids(grid: Grid) -> list[str]:
    """The identities of all mirrors of a fleet."""
    return [row.application.id for row in grid.rows]


def plan_of(grid: Grid, way: Way | None = None, made_at: datetime = NOW) -> Plan:
    """A plan for live of all mirrors of a fleet."""
    cells = [row.cells["live"] for row in grid.rows if "live" in row.cells]
    return make_plan("plan-1", "live", cells, way or Way(), "operator", made_at)


def answers(plan: Plan, *, blocked: int = 2, warned: int = 3) -> list[CheckResult]:
    """All answers for a plan: the first targets blocked, the last ones with a warning."""
    found = [
        CheckResult(Check.PLAN_CURRENT, Answer.PASS, "Valid until 14:20."),
        CheckResult(Check.MAY_WRITE, Answer.PASS, "The console may change engines."),
    ]
    for engine_id in plan.engine_ids:
        words = "Whenever it restarts all containers on it do (live restore is off)."
        found.append(CheckResult(Check.ENGINE_HEALTH, Answer.INFORMATION, words, engine_id=engine_id))
    for place, target in enumerate(plan.targets):
        for check in Check:
            if check in {Check.PLAN_CURRENT, Check.MAY_WRITE, Check.ENGINE_HEALTH}:
                continue
            answer, words, remedy = Answer.PASS, "As it should be.", ""
            if check is Check.PORTS and place < blocked:
                answer = Answer.BLOCKED
                words = f"Port {8080 + place} is taken by the container 'monitoring'."
                remedy = "Publish another port, or stop what holds it."
            if check is Check.HEALTHY_NOW and place >= len(plan.targets) - warned:
                answer, words = Answer.WARNING, "Its health check is failing now."
                remedy = "Look at it first: whatever makes it sick may make the new one sick too."
            if check is Check.DISK:
                answer, words = Answer.UNKNOWN, "The engine doesn't tell its free space; the image needs 182 MB."
            found.append(CheckResult(check, answer, words, remedy, target.environment_id, target.engine_id))
    return found


def checked(plan: Plan, *, blocked: int = 2, warned: int = 3) -> Checked:
    """The same, as the checks give it."""
    return Checked(tuple(answers(plan, blocked=blocked, warned=warned)))


def held(plan: Plan) -> Checked:
    """The same with three targets that are held, two of them for one reason, and one whose port is taken."""
    reasons = ("the campaign runs until Sunday", "the campaign runs until Sunday", "asked for by the customer")
    found = []
    for result in answers(plan, blocked=1):
        place = next((at for at, one in enumerate(plan.targets) if one.environment_id == result.environment_id), 99)
        if result.check is Check.HOLD and 1 <= place <= len(reasons):
            words = f"It is held on 26.8.2: {reasons[place - 1]}."
            remedy = "Plan again, then it goes to what it is held on; or end the hold on the mirror's form."
            found.append(replace(result, answer=Answer.BLOCKED, words=words, remedy=remedy))
        else:
            found.append(result)
    return Checked(tuple(found))


def started(plan: Plan, state: RolloutState = RolloutState.RUNNING, **more: object) -> Rollout:
    """A rollout of a plan whose targets are all queued."""
    targets = tuple(Target(planned) for planned in plan.targets)
    made = Rollout("rollout-1", plan, state, "operator", WHY, NOW - timedelta(minutes=12), targets, console="here")
    return replace(made, **more)  # type: ignore[arg-type]  # fields by name


def with_states(rollout: Rollout, states: Sequence[tuple[TargetState, str]]) -> Rollout:
    """The same rollout with its first targets in these states, each with its words."""
    targets = []
    for place, target in enumerate(rollout.targets):
        if place >= len(states):
            targets.append(target)
            continue
        state, words = states[place]
        begun = rollout.started_at + timedelta(seconds=20 * place)
        step = Step.LOCK if state is TargetState.FETCHING else Step.VERIFY
        changed = replace(target, state=state, words=words, started_at=begun, step=step)
        if changed.over:
            changed = replace(
                changed,
                ended_at=begun + timedelta(seconds=31 + place),
                down_seconds=6.0 + place / 4 if state in {TargetState.DONE, TargetState.PUT_BACK} else None,
                down_since=begun if state is TargetState.STRANDED else None,
                verified_by="its health check says healthy" if state is TargetState.DONE else "",
            )
        if state in {TargetState.SKIPPED, TargetState.NOT_STARTED}:
            # A check said no, or it was stopped before.
            changed = replace(changed, started_at=None, ended_at=None, step=None)
        targets.append(changed)
    return replace(rollout, targets=tuple(targets))


def fetches(plan: Plan, *states: tuple[FetchState, float, str]) -> tuple[Fetch, ...]:
    """What comes to the engines of a plan, one state for each of them; words may name the engine."""
    counts = Counter((target.engine_id, target.engine, target.reference) for target in plan.targets if target.reference)
    return tuple(
        Fetch(engine_id, engine, reference, "26.8.3", count, state, share, words.format(engine), NOW)
        for ((engine_id, engine, reference), count), (state, share, words) in zip(counts.items(), states, strict=True)
    )


def fetching(plan: Plan) -> Rollout:
    """One whose images are on their way before its first wave: to one engine one comes, to the other one can't."""
    why = "{} could not pull registry.lab:5000/shop/webshop: no space left on device."
    coming = fetches(plan, (FetchState.FETCHING, 0.64, "64%"), (FetchState.FAILED, 0.0, why))
    lost = {fetch.engine_id: fetch.words for fetch in coming if fetch.state is FetchState.FAILED}
    begun = started(plan)
    targets = tuple(
        replace(target, state=TargetState.FAILED, words=words, step=Step.PULL, ended_at=NOW)
        if (words := lost.get(target.planned.engine_id))
        else target
        for target in begun.targets
    )
    return replace(begun, targets=targets, fetches=coming)


DONE = (TargetState.DONE, "")
CLOSED = (
    "window closed: outside its window (sat, sun 22:00–04:00 Europe/Berlin); it may be changed from 26 Sep 22:00 on"
)


def window_closed(plan: Plan) -> Rollout:
    """One that waits for the windows of two of its targets; all else of their wave is done."""
    begun = with_states(started(plan, RolloutState.PAUSED), [DONE] * (len(plan.targets) - 2))
    waiting = [replace(target, words=CLOSED) for target in begun.targets[-2:]]
    targets = (*begun.targets[:-2], *waiting)
    names = ", ".join(target.planned.application for target in waiting)
    why = (
        f"Paused: {names} may not be changed now; the list says why and until when. Resume it then; "
        "or stop it, and they are left as they are."
    )
    return replace(begun, targets=targets, paused_because=why)


FAILURE = "health: /up answered 500"


def running(plan: Plan) -> Rollout:
    """A rollout in its third wave, with two failures and some at work."""
    states = [DONE] * 4 + [(TargetState.PUT_BACK, FAILURE), (TargetState.PUT_BACK, FAILURE), DONE]
    states += [
        (TargetState.VERIFYING, "waits for its health check, 21 of 60 s"),
        (TargetState.FETCHING, "64 of 182 MB"),
        (TargetState.BAKING, "12 of 60 s"),
    ]
    return with_states(started(plan), states)


def paused(plan: Plan) -> Rollout:
    """A rollout that its stop rule has paused."""
    taken = "start new: the new container runs, but its port 8093 isn't bound"
    states = [DONE] * 4 + [(TargetState.PUT_BACK, FAILURE)] * 3 + [(TargetState.PUT_BACK, taken)]
    because = "Stop rule: 4 of 6 targets of wave 3 failed; 2 may. Look at why; then resume in spite of it, or stop."
    return with_states(started(plan, RolloutState.PAUSED, paused_because=because), states)


CAUSES = (
    (TargetState.SKIPPED, "no freeze: Live is frozen until 4 Jan 2027: the holidays.", 3),
    (TargetState.SKIPPED, "disk space: The image needs 182 MB; 12 MB are free.", 3),
    (TargetState.SKIPPED, "ports free or ours: Port 80 is taken by the container 'monitoring'.", 3),
    (TargetState.PUT_BACK, FAILURE, 3),
    (TargetState.FAILED, "run release command: it ended with exit code 1: relation exists already", 2),
    (TargetState.LEFT, "verify: the new container ended with exit code 137", 1),
    (TargetState.SKIPPED, f"skipped by operator after: {FAILURE}", 4),
    (TargetState.STRANDED, "verify old: the old container ended with exit code 1", 1),
)
"""Reasons as they may come together, each for so many targets."""


def with_causes(plan: Plan, many: int) -> Rollout:
    """A rollout that was paused with the first of these causes; or with two that failed."""
    chosen = CAUSES[:many] if many > 2 else CAUSES[3:5]
    states = [(state, words) for state, words, times in chosen for _ in range(times)]
    because = "Stop rule: 7 of 20 targets of wave 1 failed; 2 may. Look at why; then resume in spite of it, or stop."
    return with_states(started(plan, RolloutState.PAUSED, paused_because=because), states)


def ruled(plan: Plan, came: Came = Came.BEGUN) -> Rollout:
    """A rollout of whose last wave its stop rule began the rollback; or is still to begin it."""
    stopped = paused(plan)
    of = ("back-1", "B51C-07E2") if came is Came.BEGUN else ("", "")
    trip = Trip(NOW, "4 of 6 targets of wave 3 failed; 2 may.", 2, OnTrip.ROLL_BACK_WAVE, came, "", *of)
    way = replace(plan.way, on_trip=OnTrip.ROLL_BACK_WAVE)
    return replace(stopped, plan=replace(plan, way=way), trips=(trip,), paused_because=trip_words(trip))


def asking(plan: Plan) -> Rollout:
    """A rollout whose failures wait for a decision."""
    states = [DONE] * 4 + [(TargetState.UNDECIDED, FAILURE)] * 3
    who = ", ".join(target.planned.application for target in started(plan).targets[4:7])
    because = f"Paused: 3 failed targets wait for a decision ({who}). Say what is to become of them."
    return with_states(started(plan, RolloutState.PAUSED, paused_because=because), states)


def rollback(plan: Plan) -> Plan:
    """The plan that takes a rollout of a plan back; one target has a migration in the way."""
    targets = tuple(
        replace(
            target,
            change=Change.BACK,
            before_title=target.after_title,
            after_title=target.before_title,
            wave=0,
            skips=0,
            canary=None,
            way_back=WayBack.KEPT,
        )
        for target in plan.targets
        if target.before_title
    )
    blocked = targets[-1]
    words = "26.8.3 has a migration that can't go back; where the data can take it, hold it at 26.8.2 and roll that out"
    left_out = (LeftOut(blocked.environment_id, blocked.application, Reason.MIGRATION, words),)
    way = replace(plan.way, waves=(REST,), pause_after_canary=False)
    of = RollbackOf("rollout-1", plan.fingerprint, "all")
    return replace(
        plan, id="back", targets=targets[:-1], left_out=left_out, way=way, fingerprint="B51C-07E2", rollback_of=of
    )


def settings_plan(plan: Plan) -> Plan:
    """A plan for settings alone: most are changed in place, two are made anew."""
    larger = Difference("memory limit", "256 MiB", "512 MiB")
    fewer = Difference("process limit", "none", "200")
    anew = Difference("variable DOMAIN", "as applied", "another value")
    targets = tuple(
        replace(
            target,
            change=Change.SETTINGS,
            swap=Swap.RECREATE if number in {2, 5} else Swap.IN_PLACE,
            after_title=target.before_title,
            way_back=WayBack.KEPT,
            image_bytes=0,
            skips=0,
            changes=(larger, *((anew,) if number in {2, 5} else ()), *((fewer,) if number % 3 == 0 else ())),
        )
        for number, target in enumerate(plan.targets)
    )
    return replace(plan, targets=targets)


def waits(plan: Plan) -> Rollout:
    """It goes on by itself once a window opens."""
    closed = window_closed(plan)
    ids = [target.environment_id for target in closed.targets if target.words]
    words = waits_words(closed, ids, "from Sun 22:00 on")
    return replace(closed, state=RolloutState.RUNNING, paused_because=words)


def ended(plan: Plan) -> Rollout:
    """A rollout that has ended with failures."""
    states = [DONE] * len(plan.targets)
    states[3] = (TargetState.PUT_BACK, FAILURE)
    states[5] = (TargetState.PUT_BACK, FAILURE)
    states[9] = (
        TargetState.STRANDED,
        "The new container ended with exit code 3. Putting back failed: port 8089 is taken.",
    )
    states[10] = (TargetState.SKIPPED, "ports free or ours: Port 8090 is taken by the container 'monitoring'.")
    made = started(plan, RolloutState.COMPLETED_WITH_FAILURES, ended_at=NOW - timedelta(minutes=3))
    return with_states(made, states)


def taken_back(rollout: Rollout) -> Rollout:
    """The same with two targets that were rolled back since, and one of which that failed."""
    well = TakenBack("back-1", "B51C-07E2", True, NOW)
    ill = replace(well, well=False, told=f"put back, {FAILURE}")
    done = [target.environment_id for target in rollout.targets if target.state is TargetState.DONE]
    back = dict(zip(done, (well, well, ill), strict=False))
    return replace(
        rollout, targets=tuple(replace(one, taken_back=back.get(one.environment_id)) for one in rollout.targets)
    )


def interrupted(plan: Plan) -> Rollout:
    """A rollout that was cut off in its third wave."""
    states = [DONE] * 6 + [
        (TargetState.SWAPPING, ""),
        (TargetState.VERIFYING, ""),
        (TargetState.FETCHING, ""),
        (TargetState.UNKNOWN, "contact was lost"),
    ]
    because = "The console ended in the middle."
    return with_states(started(plan, RolloutState.INTERRUPTED, paused_because=because), states)


def journal(rollout: Rollout, environment_id: str, until: Step = Step.VERIFY) -> tuple[JournalEntry, ...]:
    """The journal of a target up to a step that is being done."""
    at = rollout.started_at
    entries: list[JournalEntry] = []
    for step in RECREATE_STEPS:
        entries.append(JournalEntry(rollout.id, environment_id, "web", 1, step, Phase.INTENT, at))
        if step is until:
            break
        at += timedelta(seconds=4)
        entries.append(JournalEntry(rollout.id, environment_id, "web", 1, step, Phase.OUTCOME, at, Result.OK))
    return tuple(entries)


PUT_BACK_STEPS = (Step.STOP_NEW, Step.REMOVE_NEW, Step.START_OLD, Step.ARM_OLD, Step.UNLOCK)


def journal_put_back(rollout: Rollout, environment_id: str) -> tuple[JournalEntry, ...]:
    """The journal of a target that wasn't well and was put back."""
    entries = list(journal(rollout, environment_id))
    at, words = entries[-1].at, rollout.target(environment_id).words.removeprefix("health: ")
    for step in (Step.VERIFY, *PUT_BACK_STEPS):
        if step is not Step.VERIFY:
            entries.append(JournalEntry(rollout.id, environment_id, "web", 1, step, Phase.INTENT, at))
        at += timedelta(seconds=3)
        came = (Result.FAILED, None, words) if step is Step.VERIFY else (Result.OK,)
        entries.append(JournalEntry(rollout.id, environment_id, "web", 1, step, Phase.OUTCOME, at, *came))
    return tuple(entries)


def states_fleet() -> Grid:
    """A fleet with every state that a cell can be in."""
    return grid_of(list(every_state().values()))
