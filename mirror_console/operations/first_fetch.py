"""First fetch: before the first wave of a rollout its images are brought to all its engines, journalled as pulls.

An engine to which that fails costs its own targets only: they have failed before anything was changed, and count in
the waves that they would have been in. So a rollout that loses more than it may pauses before its first wave.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from mirror_console.domain.fetching import ARRIVED, Fetch, FetchState
from mirror_console.domain.journal import Result
from mirror_console.domain.rollout import Rollout, Target, TargetState
from mirror_console.domain.steps import Step
from mirror_console.jobs import Jobs
from mirror_console.operations.ahead import Errand, bring, look
from mirror_console.operations.console import Console
from mirror_console.operations.fetching import Fetcher
from mirror_console.operations.lines import Lines
from mirror_console.operations.running import Running


def is_due(rollout: Rollout) -> bool:
    """Whether images are to be brought ahead: not once a target was begun, and what was cut off is gone on with."""
    if rollout.fetches:
        return rollout.fetches_ahead
    begun = any(target.started_at is not None for target in rollout.targets)
    return rollout.plan.way.prefetch and not begun


def fetch_first(console: Console, jobs: Jobs, running: Running, fetcher: Fetcher) -> None:
    """Bring every image of the rollout to every engine that lacks it. Raises CatalogError.

    Where some targets are tried again, only theirs are brought; the others' wait with them.

    Where no more than one pull is needed there is nothing to gain: that target fetches in its own turn.
    """
    targets = _waiting_by_errand(running.rollout)
    errands = [errand for errand in _errands(running.rollout, targets) if not errand.fetch.over]
    if not running.rollout.fetches:
        if len(errands) < 2:
            return
        errands = look(console, jobs, errands)
        if sum(not errand.fetch.over for errand in errands) < 2:
            return
    running.keep_fetches([errand.fetch for errand in errands])

    def work(errand: Errand) -> Callable[[], None]:
        waiting = targets[errand.fetch.engine_id, errand.fetch.reference]
        return lambda: _fetch_one(console, running, fetcher, errand, waiting)

    works = {place: work(errand) for place, errand in enumerate(errands) if not errand.fetch.over}
    # One thread for each: those that wait for one registry may not keep others from theirs.
    for outcome in jobs.side_by_side(works, at_once=max(1, len(works))).values():
        if isinstance(outcome, Exception):
            raise outcome


def _fetch_one(console: Console, running: Running, fetcher: Fetcher, errand: Errand, waiting: Sequence[Target]) -> None:
    """One pull, written down before and after, in the name of the first target that waits for it."""
    lines = Lines(running.rollout.id, waiting[0].planned, console.clock)
    attempt = waiting[0].attempt
    lines.begin(Step.PULL, attempt, None)
    console.mark(f"{Step.PULL.name}:before")
    running.keep_fetches([errand.fetch], entries=lines.taken())
    console.mark(f"{Step.PULL.name}:intent")
    ended = bring(console, fetcher, errand, running.rollout.id, running.show_fetch)
    console.mark(f"{Step.PULL.name}:sent")
    ok = ended.state in ARRIVED
    words = ended.words or ("it was there already" if ended.state is FetchState.ALREADY else "")
    if not ended.over:
        words = "the rollout was halted before the image had come"
    lines.end(Step.PULL, attempt, Result.OK if ok else Result.FAILED, words)
    lost = waiting if ended.state is FetchState.FAILED else ()
    failed = [
        replace(target, state=TargetState.FAILED, step=Step.PULL, words=ended.words, ended_at=console.clock())
        for target in lost
    ]
    running.keep_fetches([ended], failed, lines.taken())
    console.mark(f"{Step.PULL.name}:outcome")


def _waiting_by_errand(rollout: Rollout) -> dict[tuple[str, str], list[Target]]:
    found: defaultdict[tuple[str, str], list[Target]] = defaultdict(list)
    for target in rollout.targets:
        if rollout.may_begin(target) and target.planned.fetched_by:
            found[target.planned.engine_id, target.planned.fetched_by].append(target)
    return dict(found)


def _errands(rollout: Rollout, targets: dict[tuple[str, str], list[Target]]) -> list[Errand]:
    before = {(fetch.engine_id, fetch.reference): fetch for fetch in rollout.fetches}
    errands = []
    for key, waiting in targets.items():
        planned = waiting[0].planned
        new = Fetch(planned.engine_id, planned.engine, planned.fetched_by, planned.after_title, len(waiting))
        errands.append(Errand(before.get(key, new), planned.after_fingerprint, planned.application_id))
    return errands
