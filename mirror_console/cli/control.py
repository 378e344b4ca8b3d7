"""Control: pause, stop and abort a rollout, decide about what failed, try it again, and roll back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from mirror_console.cli.confirming import WhyOption, carried_through
from mirror_console.cli.finding import RolloutArgument, find_rollout, refuse_interrupted
from mirror_console.cli.overriding import OverrideOption, OverrideWish, as_wished, wishes_of
from mirror_console.cli.progress import Watch, decided, ended, tell_outcome, tried_again
from mirror_console.cli.rollout_words import print_plan
from mirror_console.cli.session import JsonOption, Session, session_of, told
from mirror_console.cli.shapes.rollouts import plan_shape
from mirror_console.domain.causes import causes
from mirror_console.domain.plan import why_nothing
from mirror_console.domain.rollout import ENDED, Rollout, RolloutState
from mirror_console.errors import InvalidInput, Problem
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.deciding import Decision, decide_on
from mirror_console.operations.durations import learned
from mirror_console.operations.recheck import checked_again, keep_overrides
from mirror_console.operations.retrying import FAILED
from mirror_console.operations.retrying import retry as try_again
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.wishing import Wish, came_late, until_heeded
from mirror_console.operations.wishing import wish as leave_wish

CauseOption = Annotated[
    list[int] | None,
    typer.Option("--cause", metavar="NUMBER", help="Those of this cause, as 'rollout show' counts them; repeatable."),
]
MirrorOption = Annotated[
    list[str] | None, typer.Option("--mirror", "-m", metavar="MIRROR", help="This mirror, by slug; may be repeated.")
]


def add_to(group: typer.Typer) -> None:
    """Add the commands to those of rollouts."""
    group.command("pause")(pause)
    group.command("stop")(stop)
    group.command("abort")(abort)
    group.command("decide")(decide)
    group.command("retry")(retry)
    group.command("rollback")(rollback)


@told
def pause(context: typer.Context, rollout_text: RolloutArgument = "", as_json: JsonOption = False) -> None:
    """Have a rollout pause that another window or command carries out. Waits until what is in flight is finished."""
    session = session_of(context)
    session.demand_write()
    tell_outcome(session, _wished(session, rollout_text, Wish.PAUSE), as_json=as_json)


@told
def stop(context: typer.Context, rollout_text: RolloutArgument = "", as_json: JsonOption = False) -> None:
    """End a rollout. What is in flight is finished, and what waits for a decision is put back.

    Targets that were not begun are left as they are.
    """
    session = session_of(context)
    session.demand_write()
    tell_outcome(session, _ended(session, rollout_text, Wish.STOP), as_json=as_json)


@told
def abort(
    context: typer.Context,
    rollout_text: RolloutArgument = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """End a rollout now. What is in flight ends at its next safe point: what isn't committed yet is put back."""
    session = session_of(context)
    session.demand_write()
    question = "Abort the rollout now? What is in between is put back, or ends without being watched any longer."
    session.agreed(question, "Nothing was aborted.", yes=yes)
    tell_outcome(session, _ended(session, rollout_text, Wish.ABORT), as_json=as_json)


@told
def decide(
    context: typer.Context,
    decision_text: Annotated[
        str,
        typer.Argument(metavar="DECISION", help="What becomes of targets that failed: retry, put-back, leave, skip."),
    ],
    rollout_text: RolloutArgument = "",
    cause: CauseOption = None,
    mirror: MirrorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what becomes of targets that failed: retry, put back, leave, or skip. One word for all of one cause."""
    session = session_of(context)
    session.demand_write()
    word = decision_text.replace("-", " ")
    if word not in set(Decision):
        problem = Problem("decision", f"'{decision_text}' is none of retry, put-back, leave and skip")
        raise InvalidInput("It isn't clear what is to become of them.", [problem])
    decision = Decision(word)
    if decision is Decision.RETRY:
        _retried(session, rollout_text, cause, mirror, (), as_json=as_json)
        return
    with session.console(write=True) as (console, jobs):
        rollout = find_rollout(console, rollout_text, RolloutState.PAUSED)
        refuse_interrupted(rollout)
        chosen = _chosen(console, rollout, cause, mirror)
        if not chosen:
            raise InvalidInput("It isn't clear which targets are meant.", [Problem("cause", "say --cause or --mirror")])
        watch = Watch(session.out, rollout, console)
        work = partial(decide_on, console, jobs, rollout.id, chosen, decision, watch.tell)
        rollout = decided(jobs, work, watch)
    tell_outcome(session, rollout, as_json=as_json)


@told
def retry(
    context: typer.Context,
    rollout_text: RolloutArgument = "",
    cause: CauseOption = None,
    mirror: MirrorOption = None,
    override: OverrideOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try again what failed, and nothing else: a new attempt on the same rollout, after a fresh look.

    A paused rollout pauses again after it: what waits besides goes on with resume. The stop rule goes on counting.
    """
    session = session_of(context)
    session.demand_write()
    _retried(session, rollout_text, cause, mirror, wishes_of(override), as_json=as_json)


@told
def rollback(
    context: typer.Context,
    rollout_text: RolloutArgument = "",
    failed: Annotated[bool, typer.Option("--failed", help="What failed and doesn't run what it ran.")] = False,
    wave: Annotated[int | None, typer.Option("--wave", help="One wave, counted from 1.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Everything that the rollout changed.")] = False,
    why: WhyOption = "",
    yes: Annotated[
        int | None, typer.Option("--yes", help="Start without asking, if there are so many targets.")
    ] = None,
    override: OverrideOption = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show the plan and keep it; start nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take a rollout back: each target to its own image and settings of before, by a plan and a rollout of its own."""
    session = session_of(context)
    session.demand_write()
    if [failed, wave is not None, every].count(True) != 1:
        problem = Problem("part", "say one of --failed, --wave and --all")
        raise InvalidInput("It isn't clear what is to be rolled back.", [problem])
    wishes = wishes_of(override)
    part = Part.FAILED if failed else Part.ALL if every else Part.WAVE
    with session.console(write=True) as (console, jobs):
        rollout = find_rollout(console, rollout_text)
        refuse_interrupted(rollout)
        made = plan_rollback(console, jobs, rollout.id, part, None if wave is None else wave - 1)
        usual = learned(console)
        if not preview:
            done = carried_through(session, console, jobs, made, why, yes, wishes, as_json=as_json)
    if not preview:
        tell_outcome(session, done, as_json=as_json)
    elif as_json:
        session.out.json(plan_shape(made, usual))
    else:
        print_plan(session.out, made, usual)
        again = f"Start it: mirror-console rollout start --plan {made.fingerprint} --why …"
        session.out.say(again if made.targets else why_nothing(made))


# --- parts of them ---------------------------------------------------------------------------------------------------


def _retried(
    session: Session,
    rollout_text: str,
    cause: list[int] | None,
    mirror: list[str] | None,
    wishes: Sequence[OverrideWish],
    *,
    as_json: bool,
) -> None:
    with session.console(write=True) as (console, jobs):
        rollout = find_rollout(console, rollout_text, RolloutState.PAUSED)
        refuse_interrupted(rollout)
        chosen = _chosen(console, rollout, cause, mirror)
        if wishes:
            _override(session, console, jobs, rollout, chosen, wishes)
        watch = Watch(session.out, rollout, console)
        work = partial(try_again, console, jobs, rollout.id, chosen, watch.tell)
        rollout = tried_again(session.out, console, jobs, work, watch)
    tell_outcome(session, rollout, as_json=as_json)


def _override(
    session: Session,
    console: Console,
    jobs: Jobs,
    rollout: Rollout,
    chosen: Sequence[str],
    wishes: Sequence[OverrideWish],
) -> None:
    """Keep with a rollout what is to be overridden of what the checks of the chosen targets answer now."""
    ids = chosen or [one.environment_id for one in rollout.targets if one.state in FAILED and not one.rolled_back]
    checked = checked_again(console, jobs, rollout, ids)
    planned = [one.planned for one in rollout.targets if one.environment_id in ids]
    keep_overrides(console, rollout, as_wished(session, console, planned, checked, wishes))


def _chosen(console: Console, rollout: Rollout, numbers: list[int] | None, mirrors: list[str] | None) -> list[str]:
    """The environments of the targets that are named by cause or mirror; none where nothing is. Raises InvalidInput."""
    found = causes(rollout.targets)
    chosen: list[str] = []
    problems = []
    for number in numbers or ():
        if 1 <= number <= len(found):
            chosen += found[number - 1].environment_ids
        else:
            problems.append(Problem("cause", f"there is no cause {number}; there are {len(found)}"))
    with console.catalog.read() as books:
        found_ids = {one.planned.application_id for one in rollout.targets}
        slugs = {one.id: one.slug for one in books.applications.some(found_ids)}
    for mirror in mirrors or ():
        ids = [one.environment_id for one in rollout.targets if slugs.get(one.planned.application_id) == mirror]
        if not ids:
            problems.append(Problem("mirror", f"the rollout has no mirror '{mirror}'"))
        chosen += ids
    if problems:
        raise InvalidInput("Not all that is named is there.", problems, "Choose others: see 'rollout show'.")
    return list(dict.fromkeys(chosen))


def _wished(session: Session, rollout_text: str, wished: Wish) -> Rollout:
    """Ask the console that carries it out, and wait until it has heeded."""
    with session.console() as (console, _jobs):
        rollout = find_rollout(console, rollout_text, RolloutState.RUNNING)
        watch = Watch(session.out, rollout, console)
        leave_wish(console, rollout, wished)

        def tell(now: Rollout) -> None:
            watch.tell(now)
            watch.draw()

        now = until_heeded(console, rollout.id, tell)
        if came_late(console, rollout) and wished is not Wish.PAUSE:
            session.out.note(f"Too late to {wished} it: it is {now.state}.", "yellow")
        return now


def _ended(session: Session, rollout_text: str, wished: Wish) -> Rollout:
    """End a paused rollout here; one that is carried out elsewhere is ended there."""
    with session.console() as (console, _jobs):
        rollout = find_rollout(console, rollout_text, RolloutState.RUNNING)
        if rollout.state is not RolloutState.RUNNING:
            rollout = find_rollout(console, rollout_text, RolloutState.PAUSED)
    if rollout.state is RolloutState.RUNNING:
        return _wished(session, rollout.id, wished)
    refuse_interrupted(rollout)
    if rollout.state is not RolloutState.PAUSED:
        state = "has ended" if rollout.state in ENDED else f"is {rollout.state}"
        problem = Problem("rollout", f"{rollout.plan.fingerprint} {state}")
        verb = "stopped" if wished is Wish.STOP else "aborted"
        raise InvalidInput(f"Only a running or paused rollout can be {verb}.", [problem], "Choose another.")
    with session.console(write=True) as (console, jobs):
        rollout = find_rollout(console, rollout.id)
        watch = Watch(session.out, rollout, console)
        conductor = Conductor(console, jobs, rollout, watch.tell)
        if wished is Wish.ABORT:
            conductor.abort()
        else:
            conductor.stop()
        return ended(jobs, conductor, watch)
