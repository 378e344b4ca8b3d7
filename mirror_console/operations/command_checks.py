"""Command checks: what is run for a release before it takes over, and whether it may be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.counting import counted
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.domain.release_command import CommandRun, Preparation, ReleaseCommand, RunKind, RunState, Said
from mirror_console.domain.way_back import WayBack
from mirror_console.operations.console import Console
from mirror_console.operations.preparing import FORWARD, data_of
from mirror_console.operations.target_checks import said

HOW_TO_SAY = (
    "Look at what it wrote, then say whether it counts as run or may run again: in the rollout's details, or with "
)
RUN_AGAIN = (
    "Where its data was restored to what it was before that, say that it may run again: under Commands… of a rollout's "
    "target, or with 'mirror-console release-commands say'."
)
DECLARE = "Declare the release command on the source's form, or say there that there is none."
NAMED = 3
"""Members of a group that are named."""
BACK_UP = "Declare one on the source's form, or back the data up by hand."


def check_commands(console: Console, targets: Sequence[PlannedTarget]) -> list[CheckResult]:
    """Two answers for each target: on its release command, and on the backup before it. No engine is asked."""
    with console.catalog.read() as books:
        mirrors = {one.id: one for one in books.applications.some({target.application_id for target in targets})}
        sources = {one.id: one for one in books.applications.sources()}
        before = {
            target.environment_id: books.commands.like(
                RunKind.RELEASE, target.preparation.data, target.preparation.names
            )
            for target in targets
            if target.preparation is not None and target.preparation.release is not None
        }
    results = []
    for target in targets:
        source = sources.get(mirrors[target.application_id].source_id) if target.application_id in mirrors else None
        declared = source.release_command if source is not None else None
        results.append(_release(target, declared, before.get(target.environment_id, ())))
        results.append(check_backup(target, before.get(target.environment_id, ())))
    return results


def _release(target: PlannedTarget, declared: ReleaseCommand | None, before: Sequence[CommandRun]) -> CheckResult:
    def result(answer: Answer, words: str, remedy: str = "") -> CheckResult:
        return said(target, Check.RELEASE_COMMAND, answer, words, remedy)

    preparation = target.preparation
    if preparation is None or preparation.release is None:
        if target.change not in FORWARD:
            return result(Answer.PASS, "Nothing is run: no newer release comes to its data.")
        if declared is None:
            words = "Its source doesn't say whether a release has to run something on the data first."
            return result(Answer.UNKNOWN, words, DECLARE)
        return result(Answer.PASS, "Its source declares that there is none: nothing is run.")
    last = before[-1] if before else None
    if last is not None and last.needs_a_word:
        words = f"The release command for {target.after_title} at {last.title} {_how(last)}."
        remedy = f"{HOW_TO_SAY}'mirror-console release-commands say {last.id[:8]}'."
        return result(Answer.BLOCKED, words, remedy)
    if last is not None and last.over and last.word is not Said.MAY_RUN_AGAIN and counts(last):
        return result(Answer.PASS, f"It was run for {target.after_title} already, at {last.title}.", RUN_AGAIN)
    words = f"'{_line(preparation)}' runs {_once(preparation)}, at most {preparation.release.limit:g} s."
    if preparation.irreversible:
        words += " Putting back doesn't undo it, and once it was run there is no way back."
        return result(Answer.WARNING, words, "Try it at one mirror first, and see that there is a backup.")
    return result(Answer.PASS, f"{words} Putting back doesn't undo it; the older release works on what it leaves.")


def check_backup(target: PlannedTarget, before: Sequence[CommandRun]) -> CheckResult:
    """Whether the data is backed up where something changes it. `before` are the runs of its release command so far."""

    def result(answer: Answer, words: str, remedy: str = "") -> CheckResult:
        return said(target, Check.BACKUP, answer, words, remedy)

    preparation, blocked = target.preparation, target.way_back is WayBack.BLOCKED
    if preparation is None and blocked:
        words = "A release on the way has a migration, and nothing backs the data up before it."
        return result(Answer.BLOCKED, words, BACK_UP)
    if preparation is None:
        return result(Answer.PASS, "Nothing is run that changes data.")
    if before and counts(before[-1]):
        return result(Answer.PASS, "Nothing is run that changes data: that was done already.")
    if preparation.backup is not None:
        words = f"Made {_once(preparation)}, at most {preparation.backup.limit:g} s; if it fails, nothing is changed."
        return result(Answer.PASS, words)
    if preparation.irreversible:
        words = "The release command can't be undone, and its source declares no backup before it."
        return result(Answer.BLOCKED, words, BACK_UP)
    if blocked:
        words = "A release on the way has a migration, and its source declares no backup before it."
        return result(Answer.BLOCKED, words, BACK_UP)
    return result(Answer.PASS, "None is declared; the older release works on what the release command leaves.")


def split_groups(plan: Plan) -> list[CheckResult]:
    """A warning for each group whose targets are in several waves: the first of them changes the data of all."""
    waves: dict[str, set[int]] = defaultdict(set)
    for target in plan.targets:
        if target.preparation is not None and target.preparation.group and target.preparation.release is not None:
            waves[target.preparation.group].add(target.wave)
    results = []
    for group, several in waves.items():
        if len(several) > 1:
            words = (
                f"Group '{group}' shares its data and is in {counted(len(several), 'wave')}: the first to go changes "
                "it for all, and until the last wave the older release runs on it."
            )
            remedy = "Put the whole group into one wave, unless the older release works on the changed data."
            results.append(CheckResult(Check.RELEASE_COMMAND, Answer.WARNING, words, remedy))
    return results


def left_out_of_groups(console: Console, plan: Plan) -> list[CheckResult]:
    """A warning for each group with members that stay on an older release, while a command changes the data of all.

    Not where the source says that the older release works on what the command leaves.
    """
    changed: dict[str, list[PlannedTarget]] = defaultdict(list)
    for target in plan.targets:
        preparation = target.preparation
        if preparation is not None and preparation.group and preparation.irreversible:
            changed[preparation.data].append(target)
    if not changed:
        return []
    groups = {target.preparation.group for several in changed.values() for target in several if target.preparation}
    with console.catalog.read() as books:
        members = books.environments.in_groups(groups)
        owners = {one.id: one for one in books.applications.some({one.application_id for one in members})}
        seen = books.observations.of_all([one.id for one in members])
    running = {one.environment_id: one.fingerprint for one in seen}
    planned = {target.environment_id for target in plan.targets}
    results = []
    for data, several in changed.items():
        preparation = several[0].preparation
        if preparation is None:
            continue
        stay = sorted(
            f"{owners[one.application_id].name} {one.name}"
            for one in members
            if one.id not in planned
            and data_of(owners[one.application_id].source_id, one) == data
            and running.get(one.id, "") not in {"", *preparation.names}
        )
        if stay:
            are = "is" if len(stay) == 1 else "are"
            more = f" and {len(stay) - NAMED} more" if len(stay) > NAMED else ""
            words = (
                f"Group '{preparation.group}' shares its data, and the release command changes it for all: "
                f"{', '.join(stay[:NAMED])}{more} {are} not in this plan, and may not work on it any more."
            )
            remedy = "Plan the whole group, unless what they run now works on the changed data."
            results.append(CheckResult(Check.RELEASE_COMMAND, Answer.WARNING, words, remedy))
    return results


def counts(run: CommandRun) -> bool:
    """Whether what was to be run was: by how it ended, or by a person's word."""
    return run.word is Said.COUNTS_AS_RUN or (run.word is None and run.state is RunState.SUCCEEDED)


def _how(run: CommandRun) -> str:
    return (
        f"ended so that nobody knows what came of it: {run.words}"
        if run.state is RunState.UNKNOWN
        else f"failed: {run.words}"
    )


def _line(preparation: Preparation) -> str:
    return " ".join(preparation.release.command) if preparation.release is not None else ""


def _once(preparation: Preparation) -> str:
    return f"once for group '{preparation.group}'" if preparation.group else "once"
