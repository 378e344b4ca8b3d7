"""Proof checks: whether what is planned has shown that it runs well, with the source and in a mirror's own test.

The source's environments are looked at now, on their engines. Those in which mirrors try releases: see trial_checks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mirror_console.domain.application import Application
from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.counting import counted
from mirror_console.domain.drift import of_settings
from mirror_console.domain.environment import Environment
from mirror_console.domain.image import Image
from mirror_console.domain.moment import age_aloud
from mirror_console.domain.observation import Container, Difference, Health, Observation
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.errors import EngineError
from mirror_console.jobs import Jobs
from mirror_console.operations.access import reached
from mirror_console.operations.console import Console
from mirror_console.operations.container_checks import Said
from mirror_console.operations.own_databases import check_databases
from mirror_console.operations.own_values import check_own_values
from mirror_console.operations.swarm_session import session_of
from mirror_console.operations.target_checks import said
from mirror_console.operations.trial_checks import PROVES_NOTHING, SOAKED, WELL, check_tests

AT_ONCE = 8
FIND_OUT = "Find out why before mirrors get it. Where that has nothing to do with the release, override this check."


@dataclass(frozen=True, slots=True)
class Looked:
    """A look at a source's environment on its engine: its container and image, or why it could not be looked at."""

    source: Application
    environment: Environment
    container: Container | None = None
    image: Image | None = None
    failure: str = ""
    changed: tuple[Difference, ...] = ()
    """What somebody changed by hand at this very container, after settings were applied there."""

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
        seen = {one.id: next(iter(books.observations.of(one.id)), None) for _source, one in placed}
    looks = [_with_changes(look, seen[look.environment.id]) for look in _look(console, jobs, placed)]
    by_source: dict[str, list[Looked]] = defaultdict(list)
    for look in looks:
        by_source[look.source.id].append(look)
    found = list(_by_sources(plan, mirrors, by_source, console.clock()))
    found += check_tests(console, jobs, plan)
    theirs = [(look.title, look.environment, look.container) for look in looks if look.container is not None]
    found += check_databases(console, plan, mirrors, theirs)
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


def _with_changes(look: Looked, seen: Observation | None) -> Looked:
    """The look with what the last refresh found changed. Where nothing was applied, there is nothing to compare."""
    if seen is None or seen.unrecorded or look.container is None or look.container.id != seen.container_id:
        return look
    return replace(look, changed=of_settings(seen.differences))


# --- the source ---------------------------------------------------------------------------------------------------


def _by_sources(
    plan: Plan, mirrors: dict[str, Application], looks: dict[str, list[Looked]], now: datetime
) -> Iterator[CheckResult]:
    """One answer for each image that comes from a source: who runs it there, how, and for how long.

    What blocks is said of each target that would get it: others of the same plan get something else.
    """
    asked: dict[tuple[str, str], Said] = {}
    for target in plan.targets:
        wanted = target.after_fingerprint or target.digest
        source_id = mirrors[target.application_id].source_id
        # What goes back, or stays as it is, isn't the source's to prove.
        if target.change in PROVES_NOTHING:
            continue
        known = asked.get((source_id, wanted))
        answer, words, remedy = known or _proved(target, looks[source_id], now)
        asked[source_id, wanted] = (answer, words, remedy)
        if answer is Answer.BLOCKED:
            yield said(target, Check.SOURCE_PROOF, answer, words, remedy)
        elif known is None:
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
        return Answer.BLOCKED, words, FIND_OUT
    span = now - (container.started_at or container.created_at)
    times = counted(container.restart_count, "time")
    if container.restart_count and span < SOAKED:
        words = f"{look.title} runs it, and has just restarted by itself, {times} by now."
        return Answer.BLOCKED, words, FIND_OUT
    if container.restart_count:
        words = f"{look.title} runs it, and has restarted {times} by itself."
        return Answer.WARNING, words, FIND_OUT
    if look.changed:
        words = f"{look.title} runs it with settings that were changed by hand: {'; '.join(map(str, look.changed))}."
        return Answer.WARNING, words, "Accept or correct what was changed there; or go on knowing this."
    checked = ", healthy" if container.health is Health.HEALTHY else ""
    words = f"{look.title} has run it for {age_aloud(span)}{checked}"
    if container.health not in WELL:
        return Answer.INFORMATION, f"{words}: its health check has yet to say so.", ""
    return Answer.INFORMATION if span < SOAKED else Answer.PASS, f"{words}.", ""
