"""Proof checks: whether what is planned has shown that it runs well, with the source and in a mirror's own test.

The source's environments are looked at now, on their engines; a mirror's own are known from its last refresh, and from
earlier rollouts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mirror_console.domain.application import Application
from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.environment import Environment
from mirror_console.domain.image import Image
from mirror_console.domain.moment import age, age_aloud, day
from mirror_console.domain.observation import Container, Health, Observation
from mirror_console.domain.plan import Change, Plan, PlannedTarget
from mirror_console.domain.release_command import RunKind
from mirror_console.domain.rollout import SUCCEEDED, Target
from mirror_console.domain.service_settings import as_compared
from mirror_console.errors import EngineError
from mirror_console.jobs import Jobs
from mirror_console.operations.access import reached
from mirror_console.operations.command_checks import counts
from mirror_console.operations.console import Console
from mirror_console.operations.container_checks import Said
from mirror_console.operations.own_values import check_own_values
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.preparing import data_of
from mirror_console.operations.swarm_session import session_of
from mirror_console.operations.target_checks import said

LIVE = "live"
SOAKED = timedelta(minutes=10)
"""Before it has run for so long it is said that it hasn't run for long."""
PROVED_FOR = timedelta(days=14)
"""After so long what ran well in a test is no proof any more: data, services and hosts have moved on."""
_TRY = "Roll it out to {} first, or go on knowing this."
AT_ONCE = 8
_WELL = frozenset({Health.HEALTHY, Health.NO_CHECK})


@dataclass(frozen=True, slots=True)
class Looked:
    """A look at a source's environment on its engine: its container and image, or why it could not be looked at."""

    source: Application
    environment: Environment
    container: Container | None = None
    image: Image | None = None
    failure: str = ""

    @property
    def title(self) -> str:
        """``Webshop live``."""
        return f"{self.source.name} {self.environment.name}"


def check_proofs(console: Console, jobs: Jobs, plan: Plan) -> list[CheckResult]:
    """Whether sources and tests run it well, and whether no mirror was given the values of another. Changes nothing."""
    with console.catalog.read() as books:
        mirrors = {one.id: one for one in books.applications.some({one.application_id for one in plan.targets})}
        sources = books.applications.some({one.source_id for one in mirrors.values() if one.is_mirror})
        placed = [(source, one) for source in sources for one in books.environments.of(source.id)]
    looks = _look(console, jobs, placed)
    by_source: dict[str, list[Looked]] = defaultdict(list)
    for look in looks:
        by_source[look.source.id].append(look)
    found = list(_by_sources(plan, mirrors, by_source, console.clock()))
    found += _by_tests(console, plan)
    return found + check_own_values(console, plan, mirrors, {look.title: look.container for look in looks})


def _look(console: Console, jobs: Jobs, placed: Sequence[tuple[Application, Environment]]) -> list[Looked]:
    def bound(source: Application, environment: Environment) -> Callable[[], Looked]:
        return lambda: _looked(console, source, environment)

    works = {environment.id: bound(source, environment) for source, environment in placed}
    looks = []
    for outcome in jobs.side_by_side(works, at_once=AT_ONCE).values():
        if isinstance(outcome, Exception):
            raise outcome
        looks.append(outcome)
    return looks


def _looked(console: Console, source: Application, environment: Environment) -> Looked:
    try:
        engine = reached(console, console.engine(environment.engine_id), source.id)
        session = session_of(console.engines.session(engine), swarm=environment.swarm)
        container = session.inspect(environment.container)
        image = session.image(container.image_id) if container is not None else None
    except EngineError as error:
        return Looked(source, environment, failure=error.title)
    return Looked(source, environment, container, image)


# --- the source ---------------------------------------------------------------------------------------------------


def _by_sources(
    plan: Plan, mirrors: dict[str, Application], looks: dict[str, list[Looked]], now: datetime
) -> Iterator[CheckResult]:
    """One answer for each image that comes from a source: who runs it there, how, and for how long."""
    asked: set[tuple[str, str]] = set()
    for target in plan.targets:
        wanted = target.after_fingerprint or target.digest
        source_id = mirrors[target.application_id].source_id
        # What goes back, or stays as it is, isn't the source's to prove.
        if target.change in {Change.BACK, Change.SETTINGS, Change.TAKE_OVER} or (source_id, wanted) in asked:
            continue
        asked.add((source_id, wanted))
        answer, words, remedy = _proved(target, looks[source_id], now)
        yield CheckResult(Check.SOURCE_PROOF, answer, words, remedy)


def _proved(target: PlannedTarget, looks: Iterable[Looked], now: datetime) -> Said:
    looks = list(looks)
    running = [look for look in looks if look.image is not None and target.is_met_by(look.image)]
    said_of = sorted((_well(look, now) for look in running), key=lambda found: list(Answer).index(found[0]))
    if said_of:
        return said_of[0]
    away = [look for look in looks if look.failure]
    if away:
        words = f"Whether {away[0].title} runs {target.after_title} well can't be told: {away[0].failure}"
        return Answer.UNKNOWN, words, "Look at the source's engine, or go on knowing this."
    words = f"No environment of the source runs {target.after_title} now."
    return Answer.INFORMATION, words, ""


def _well(look: Looked, now: datetime) -> Said:
    container = look.container
    if container is None or not container.running or container.health is Health.FAILING:
        state = "isn't there" if container is None else f"is {container.state}"
        how = "fails its health check" if container is not None and container.running else state
        words = f"{look.title} {how} with just this image."
        return Answer.WARNING, words, "Find out why before mirrors get it; or go on knowing this."
    span = now - (container.started_at or container.created_at)
    if container.restart_count:
        words = f"{look.title} runs it, and has restarted {container.restart_count} times by itself."
        return Answer.WARNING, words, "Find out why before mirrors get it; or go on knowing this."
    checked = ", healthy" if container.health is Health.HEALTHY else ""
    words = f"{look.title} has run it for {age_aloud(span)}{checked}"
    if container.health not in _WELL:
        return Answer.INFORMATION, f"{words}: its health check has yet to say so.", ""
    return Answer.INFORMATION if span < SOAKED else Answer.PASS, f"{words}.", ""


# --- the mirror's own test ----------------------------------------------------------------------------------------


def _by_tests(console: Console, plan: Plan) -> list[CheckResult]:
    """For each target that has an environment of its own to be tried in first: whether that has run it well."""
    changing = [one for one in plan.targets if one.change not in {Change.BACK, Change.SETTINGS, Change.TAKE_OVER}]
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
    for target in changing:
        several = tests.get(target.environment_id)
        if several:
            answers = [
                _tried(
                    target,
                    _Test(one, seen[one.id], last.get(one.id), (target.environment_id, one.id) not in unprepared),
                    now,
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
class _Test:
    """What is known of an environment in which releases are tried."""

    environment: Environment
    seen: Observation | None
    last: Target | None
    """What the last rollout did there."""
    is_prepared: bool


def _tries(environment: Environment, target: PlannedTarget) -> bool:
    """Whether an environment is one to try releases in."""
    return environment.id != target.environment_id and environment.name != LIVE and not environment.protected


def _tried(target: PlannedTarget, test: _Test, now: datetime) -> Said:
    name, seen, last, swarm = test.environment.name, test.seen, test.last, test.environment.swarm
    settings = as_compared(test.environment.settings, swarm=swarm)
    runs = seen is not None and bool(seen.fingerprint) and is_observed(target, seen)
    if seen is not None and runs and seen.health in _WELL:
        span = now - seen.running_since if seen.running_since else None
        since = f" for {age(span)}" if span is not None else ""
        words = f"Its {name} has run it{since}"
        if doubt := _doubt(test, with_other=bool(seen.settings_hash) and seen.settings_hash != settings.hash):
            return Answer.WARNING, f"{words}, {doubt}.", _TRY.format(name)
        short = span is not None and span < SOAKED
        return Answer.INFORMATION if short else Answer.PASS, f"{words}{' only' if short else ''}.", ""
    if runs:
        words = f"Its {name} runs it, and isn't well."
        return Answer.WARNING, words, f"Look at its {name} first, or go on knowing this."
    if last is not None and last.state in SUCCEEDED and target.after_fingerprint == last.after_fingerprint != "":
        when = f" ({day(last.ended_at, now)})" if last.ended_at else ""
        words = f"A rollout brought it to its {name} before{when}, and ended well"
        doubt = _doubt(test, with_other=as_compared(last.planned.settings, swarm=swarm).hash != settings.hash)
        if last.ended_at and now - last.ended_at > PROVED_FOR:
            doubt = f"more than {PROVED_FOR.days} days ago"
        return (Answer.WARNING, f"{words}, {doubt}.", _TRY.format(name)) if doubt else (Answer.PASS, f"{words}.", "")
    return Answer.WARNING, f"Its {name} hasn't run {target.after_title}.", _TRY.format(name)


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
