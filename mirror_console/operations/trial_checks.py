"""The proof of a test: whether an environment in which a mirror tries its releases has run the planned image well.

What it ran, and since when, is known from its last refresh and from earlier rollouts; that it still does is asked of
its engine, once for all that are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.counting import counted
from mirror_console.domain.engine import Engine
from mirror_console.domain.environment import Environment, Settings
from mirror_console.domain.image import Image
from mirror_console.domain.moment import age, day
from mirror_console.domain.observation import LABEL, Container, Health, Listed, Observation, State
from mirror_console.domain.plan import Change, Plan, PlannedTarget
from mirror_console.domain.release_command import RunKind
from mirror_console.domain.rollout import SUCCEEDED, Target
from mirror_console.domain.service_settings import as_compared
from mirror_console.errors import EngineError
from mirror_console.jobs import Jobs
from mirror_console.operations.access import by_entry, reached
from mirror_console.operations.command_checks import counts
from mirror_console.operations.console import Console
from mirror_console.operations.container_checks import Said
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.preparing import data_of
from mirror_console.operations.swarm_session import session_of
from mirror_console.operations.target_checks import said

LIVE = "live"
SOAKED = timedelta(minutes=10)
"""Before it has run for so long it is said that it hasn't run for long."""
WELL = frozenset({Health.HEALTHY, Health.NO_CHECK})
PROVES_NOTHING = frozenset({Change.BACK, Change.SETTINGS, Change.TAKE_OVER})
"""What goes back, or stays as it is, isn't a source's or a test's to prove."""
ENGINES_AT_ONCE = 8
_TRY = "Roll it out to {} first, or go on knowing this."


def check_tests(console: Console, jobs: Jobs, plan: Plan) -> list[CheckResult]:
    """For each target that has an environment of its own to be tried in first: whether that has run it well."""
    changing = [one for one in plan.targets if one.change not in PROVES_NOTHING]
    now = console.clock()
    found = []
    with console.catalog.read() as books:
        protected = {
            one.id for one in books.environments.some([one.environment_id for one in changing]) if one.protected
        }
        tests = {
            target.environment_id: [one for one in books.environments.of(target.application_id) if _tries(one, target)]
            for target in changing
            if target.environment == LIVE or target.environment_id in protected
        }
        ids = [one.id for several in tests.values() for one in several]
        seen = {one: next(iter(books.observations.of(one)), None) for one in ids}
        last = books.rollouts.last_changes(ids)
        unprepared = {
            (target.environment_id, one.id)
            for target in changing
            for one in tests.get(target.environment_id, ())
            if not _is_prepared(books, target, one)
        }
    now_there = _look(console, jobs, {one.id: one for several in tests.values() for one in several}, seen)
    for target in changing:
        several = tests.get(target.environment_id)
        if several:
            answers = [
                _tried(
                    target,
                    _Test(
                        one,
                        seen[one.id],
                        now_there[one.id],
                        last.get(one.id),
                        (target.environment_id, one.id) not in unprepared,
                    ),
                    now,
                    timedelta(days=plan.way.proof_days),
                )
                for one in several
            ]
            best = min(answers, key=lambda answer: list(Answer).index(answer[0]))
            found.append(said(target, Check.TEST_PROOF, *best))
    return found


def _is_prepared(books: Books, target: PlannedTarget, test: Environment) -> bool:
    """Whether the release command of what is planned was run on the data of a test, and ended well."""
    if target.preparation is None or target.preparation.release is None:
        return True
    data = data_of(books.applications.get(target.application_id).source_id, test)
    runs = books.commands.like(RunKind.RELEASE, data, target.preparation.names)
    return bool(runs) and counts(runs[-1])


@dataclass(frozen=True, slots=True)
class _There:
    """What an engine tells now of a test: its container as it is listed, or why it can't be asked.

    Looked at as a whole, with its image, where it isn't the one that was seen at the last refresh.
    """

    listed: Listed | None = None
    container: Container | None = None
    image: Image | None = None
    failure: str = ""

    @property
    def health(self) -> Health:
        """How it is; stopped where it doesn't run, or isn't there."""
        listed = self.listed
        return listed.health if listed is not None and listed.state is State.RUNNING else Health.STOPPED


def _look(
    console: Console, jobs: Jobs, tests: Mapping[str, Environment], seen: Mapping[str, Observation | None]
) -> dict[str, _There]:
    """Ask the engines of tests what they run: each once, however many tests it has, with each credential in use."""
    by_engine: dict[tuple[str, bool], list[Environment]] = defaultdict(list)
    for one in tests.values():
        by_engine[one.engine_id, one.swarm].append(one)
    works: dict[tuple[str, bool, int], Callable[[], dict[str, _There]]] = {}
    for (engine_id, swarm), several in by_engine.items():
        engine = console.engine(engine_id)
        groups = by_entry(console, engine, several, lambda one: one.application_id)
        for place, group in enumerate(groups):
            works[engine_id, swarm, place] = _bound(console, engine, group, seen)
    found: dict[str, _There] = {}
    for outcome in jobs.side_by_side(works, at_once=ENGINES_AT_ONCE).values():
        if isinstance(outcome, Exception):
            raise outcome
        found |= outcome
    return found


def _bound(
    console: Console, engine: Engine, group: Sequence[Environment], seen: Mapping[str, Observation | None]
) -> Callable[[], dict[str, _There]]:
    return lambda: _looked(console, engine, group, seen)


def _looked(
    console: Console, engine: Engine, group: Sequence[Environment], seen: Mapping[str, Observation | None]
) -> dict[str, _There]:
    try:
        way_in = reached(console, engine, group[0].application_id)
        session = session_of(console.engines.session(way_in), swarm=group[0].swarm)
        by_name = {one.name: one for one in session.list_containers()}
        found = {}
        for test in group:
            listed, before = by_name.get(test.container), seen[test.id]
            there = _There(listed)
            if listed is not None and (before is None or before.container_id != listed.id):
                container = session.inspect(listed.id)
                there = _There(listed, container, session.image(container.image_id) if container else None)
            found[test.id] = there
    except EngineError as error:
        return {test.id: _There(failure=error.title) for test in group}
    return found


@dataclass(frozen=True, slots=True)
class _Test:
    """What is known of an environment in which releases are tried."""

    environment: Environment
    seen: Observation | None
    there: _There
    last: Target | None
    """What the last rollout did there."""
    is_prepared: bool


def _tries(environment: Environment, target: PlannedTarget) -> bool:
    """Whether an environment is one to try releases in."""
    return environment.id != target.environment_id and environment.name != LIVE and not environment.protected


def _tried(target: PlannedTarget, test: _Test, now: datetime, proved_for: timedelta) -> Said:
    name, there = test.environment.name, test.there
    runs, since, with_other = _runs(target, test)
    if runs and there.failure:
        words = f"At the last refresh its {name} ran it; whether it does now can't be told: {there.failure}"
        return Answer.UNKNOWN, words, f"Look at the engine of its {name}, or go on knowing this."
    if runs and there.health in WELL:
        span = now - since if since else None
        words = f"Its {name} has run it{f' for {age(span)}' if span is not None else ''}"
        if doubt := _doubt(test, with_other=with_other):
            return Answer.WARNING, f"{words}, {doubt}.", _TRY.format(name)
        short = span is not None and span < SOAKED
        return Answer.INFORMATION if short else Answer.PASS, f"{words}{' only' if short else ''}.", ""
    if runs and there.health is Health.STARTING:
        return Answer.INFORMATION, f"Its {name} runs it: its health check has yet to say so.", ""
    if runs:
        words = f"Its {name} has it, and isn't well."
        return Answer.WARNING, words, f"Look at its {name} first, or go on knowing this."
    return _tried_before(target, test, now, proved_for)


def _runs(target: PlannedTarget, test: _Test) -> tuple[bool, datetime | None, bool]:
    """Whether a test has the planned image now, since when, and whether that is with other settings than it should.

    Where its container is the one that was seen, what was seen of it holds; that it runs is said by its engine.
    """
    there, seen, wanted = test.there, test.seen, _compared(test, test.environment.settings)
    if there.container is not None and there.image is not None:
        made_of = there.container.labels.get(LABEL + "spec", "")
        since = there.container.started_at or there.container.created_at
        return target.is_met_by(there.image), since, made_of != wanted
    if seen is None or (there.listed is None and not there.failure):
        return False, None, False
    runs = bool(seen.fingerprint) and is_observed(target, seen)
    return runs, seen.running_since, bool(seen.settings_hash) and seen.settings_hash != wanted


def _tried_before(target: PlannedTarget, test: _Test, now: datetime, proved_for: timedelta) -> Said:
    """What a rollout did there before, where it runs something else by now, or nothing."""
    name, last = test.environment.name, test.last
    if last is not None and last.state in SUCCEEDED and target.after_fingerprint == last.after_fingerprint != "":
        when = f" ({day(last.ended_at, now)})" if last.ended_at else ""
        words = f"A rollout brought it to its {name} before{when}, and ended well"
        doubt = _doubt(
            test, with_other=_compared(test, last.planned.settings) != _compared(test, test.environment.settings)
        )
        if last.ended_at and now - last.ended_at > proved_for:
            doubt = f"more than {counted(proved_for.days, 'day')} ago"
        return (Answer.WARNING, f"{words}, {doubt}.", _TRY.format(name)) if doubt else (Answer.PASS, f"{words}.", "")
    return Answer.WARNING, f"Its {name} hasn't run {target.after_title}.", _TRY.format(name)


def _compared(test: _Test, settings: Settings) -> str:
    """The hash by which settings of a test are told from others."""
    return as_compared(settings, swarm=test.environment.swarm).hash


def _doubt(test: _Test, *, with_other: bool) -> str:
    """Why that it ran well says less than it seems; empty where nothing does."""
    if with_other:
        return "with other settings than the catalog has for it now"
    return "" if test.is_prepared else "and its release command wasn't run there"


def is_observed(target: PlannedTarget, seen: Observation) -> bool:
    """Whether what was seen to run somewhere is the planned image."""
    if target.after_fingerprint:
        return seen.fingerprint == target.after_fingerprint
    return seen.image.endswith("@" + target.digest)
