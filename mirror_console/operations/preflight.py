"""Preflight: every check said for every target before anything is changed.

Engines are asked side by side, each once for what concerns it as a whole. The same questions are asked again for a
target right before its turn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.domain.engine import Engine
from mirror_console.domain.engine_kind import NO_ROLLOUTS, EngineKind
from mirror_console.domain.fetching import why_another_gives_it
from mirror_console.domain.image import Image, parse_reference
from mirror_console.domain.observation import Difference, of_process
from mirror_console.domain.plan import Plan, PlannedTarget, Reason, why_nothing
from mirror_console.domain.request import RegistryLogin, Resolved
from mirror_console.domain.rollout import OVER
from mirror_console.domain.swap import Swap
from mirror_console.domain.swarm import digest_of
from mirror_console.domain.way import Way
from mirror_console.errors import EngineError, FailureKind, VaultError
from mirror_console.jobs import Jobs
from mirror_console.operations.access import by_entry, reached
from mirror_console.operations.capacity_checks import check_capacity
from mirror_console.operations.command_checks import check_commands, left_out_of_groups, split_groups
from mirror_console.operations.console import Console
from mirror_console.operations.console_checks import check_console
from mirror_console.operations.drift_check import check_drift
from mirror_console.operations.engine_checks import check_engine_itself
from mirror_console.operations.fetch import known_as
from mirror_console.operations.here import Here, read_here
from mirror_console.operations.isolation_checks import check_isolation
from mirror_console.operations.local_time import local
from mirror_console.operations.neighbours import neighbours
from mirror_console.operations.node_checks import capacity, nodes_of, of_manager_alone, platform
from mirror_console.operations.place_checks import disk
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.proof_checks import check_proofs
from mirror_console.operations.reaching import session_for
from mirror_console.operations.release_checks import check_releases
from mirror_console.operations.schedule_checks import check_schedule
from mirror_console.operations.service_checks import check_services
from mirror_console.operations.surroundings import check_container, with_surroundings
from mirror_console.operations.swarm_checks import manages
from mirror_console.operations.target_checks import (
    EngineScene,
    Pullable,
    check_target,
    fits,
    fits_any,
    said,
)

ENGINES_AT_ONCE = 32
TARGETS_AT_ONCE = 4
_PROOFS = ""
"""Stands among the engines for what is asked of sources, wherever they are."""


def preflight(
    console: Console, jobs: Jobs, plan: Plan, report: Callable[[CheckResult], None] = lambda _result: None
) -> Checked:
    """Answer every check for a plan. Nothing is changed on any engine."""
    results: list[CheckResult] = []

    def add(found: Sequence[CheckResult]) -> None:
        for result in found:
            results.append(result)
            report(result)

    add(_whole_plan(console, plan))
    add(_other_rollouts(console, plan))
    add(check_console(console, plan))
    add(check_schedule(console, plan.targets, plan.way))
    add(split_groups(plan))
    add(left_out_of_groups(console, plan))
    by_engine: dict[str, list[PlannedTarget]] = defaultdict(list)
    for target in plan.targets:
        by_engine[target.engine_id].append(target)

    def ask(engine_id: str, targets: Sequence[PlannedTarget]) -> list[CheckResult]:
        return check_engine(console, jobs, console.engine(engine_id), targets, plan.way)

    works = {engine_id: _bound(ask, engine_id, targets) for engine_id, targets in by_engine.items()}
    works[_PROOFS] = lambda: check_proofs(console, jobs, plan)
    for outcome in jobs.side_by_side(works, at_once=ENGINES_AT_ONCE).values():
        if isinstance(outcome, Exception):
            raise outcome
        add(outcome)
    return Checked(tuple(results))


def _bound(
    work: Callable[[str, Sequence[PlannedTarget]], list[CheckResult]], engine_id: str, targets: Sequence[PlannedTarget]
) -> Callable[[], list[CheckResult]]:
    return lambda: work(engine_id, targets)


def _whole_plan(console: Console, plan: Plan) -> list[CheckResult]:
    now = console.clock()
    if now > plan.valid_until:
        old = CheckResult(
            Check.PLAN_CURRENT,
            Answer.BLOCKED,
            f"The plan was made at {local(plan.made_at):%H:%M} and is too old to start.",
            "Plan again; the same targets are kept.",
        )
    elif not plan.targets:
        busy = any(left_out.reason is Reason.BUSY for left_out in plan.left_out)
        remedy = "Let the other rollout end, or decide about it; then plan again." if busy else "Choose other targets."
        old = CheckResult(Check.SOMETHING_TO_DO, Answer.BLOCKED, why_nothing(plan), remedy)
    else:
        old = CheckResult(Check.PLAN_CURRENT, Answer.PASS, f"Valid until {local(plan.valid_until):%H:%M}.")
    if console.read_only:
        write = CheckResult(Check.MAY_WRITE, Answer.BLOCKED, "The console is read-only.", console.read_only)
    else:
        write = CheckResult(Check.MAY_WRITE, Answer.PASS, "The console may change engines.")
    return [old, write]


def _other_rollouts(console: Console, plan: Plan) -> list[CheckResult]:
    with console.catalog.read() as books:
        unfinished = books.rollouts.unfinished()
    busy = {
        target.environment_id: rollout
        for rollout in unfinished
        if rollout.plan.id != plan.id
        for target in rollout.targets
        if target.state not in OVER
    }
    results = []
    for target in plan.targets:
        other = busy.get(target.environment_id)
        if other is None:
            words = "No other rollout of this console is here."
            results.append(said(target, Check.OTHER_ROLLOUT, Answer.PASS, words))
        else:
            words = f"Rollout {other.plan.fingerprint} is {other.state} here."
            remedy = "Let it end, or decide about it on the Rollouts page."
            results.append(said(target, Check.OTHER_ROLLOUT, Answer.BLOCKED, words, remedy))
    return results


def check_engine(
    console: Console, jobs: Jobs, engine: Engine, targets: Sequence[PlannedTarget], way: Way | None = None
) -> list[CheckResult]:
    """All checks of the targets on one engine, each asked with the credential of its account.

    That the engine can't be asked, or is lost on the way, is an answer of its own targets: no EngineError is raised.
    Without a `way` it is asked again, before a wave: then what can't block, or doesn't change from one minute to the
    next, is left out.
    """
    groups = by_entry(console, engine, targets, lambda target: target.application_id)
    groups = [part for group in groups for part in _by_kind(group)]
    of_engine = [result for group in groups for result in _check_group(console, jobs, engine, group, way)]
    # What accounts that share an engine see of it as a whole is said once.
    return [*dict.fromkeys(of_engine), *check_releases(console, targets), *check_commands(console, targets)]


def _by_kind(targets: Sequence[PlannedTarget]) -> Iterator[list[PlannedTarget]]:
    """Containers and services of a Swarm: each are looked at by what they are."""
    for service in (False, True):
        if part := [target for target in targets if (target.swap is Swap.SERVICE) is service]:
            yield part


def _check_group(
    console: Console, jobs: Jobs, engine: Engine, targets: Sequence[PlannedTarget], way: Way | None
) -> list[CheckResult]:
    """The same for targets that are reached with one credential."""
    try:
        return _asked(console, jobs, engine, targets, way)
    except EngineError as error:
        return [said(target, *_refusal(Check.REACHABLE, error)) for target in targets]


def _asked(
    console: Console, jobs: Jobs, engine: Engine, targets: Sequence[PlannedTarget], way: Way | None
) -> list[CheckResult]:
    """The same. Raises EngineError where the engine can't be asked any more: then nothing holds that it said before."""
    with console.catalog.read() as books:
        here = read_here(books, engine, targets)
    session = session_for(console, reached(console, engine, targets[0].application_id), targets[0])
    facts = session.facts()
    scene = EngineScene(session, facts, session.list_containers(), *_catalogued(console, targets))
    results = [said(target, Check.API, Answer.PASS, f"{facts.title} is spoken.") for target in targets]
    if facts.kind is not EngineKind.DOCKER:
        # What else is asked would be refused in other words, one after the other.
        remedy = "Place the environment on a Docker engine, or deploy it by hand."
        results += [_answers(engine, target) for target in targets]
        return results + [said(target, Check.ENGINE_KIND, Answer.BLOCKED, NO_ROLLOUTS, remedy) for target in targets]
    services = targets[0].swap is Swap.SERVICE
    kind = manages(facts) if services else (Answer.PASS, "It is Docker.", "")
    results += [said(target, Check.ENGINE_KIND, *kind) for target in targets]
    if kind[0] is Answer.BLOCKED:
        return results + [_answers(engine, target) for target in targets]
    results += check_engine_itself(console, scene, here, targets, again=way is None)
    if services:
        lost = _lost_before(console, session, targets) if way is not None else {}
        scene = replace(scene, nodes=nodes_of(session), lost_before=lost)
    else:
        scene = with_surroundings(console, jobs, scene, here, targets, deep=way is not None)
    results += check_isolation(scene, here, targets)
    # Each image once. Without a reference, targets that go back have an image each of their own.
    first = {_image_of(target): target for target in reversed(targets)}
    pullable = {image: _pullable(console, scene, target) for image, target in first.items()}
    works = {
        target.environment_id: _bound_target(console, scene, here, target, pullable[_image_of(target)], way)
        for target in targets
    }
    outcomes = jobs.side_by_side(works, at_once=TARGETS_AT_ONCE)
    for target in targets:
        outcome = outcomes[target.environment_id]
        if isinstance(outcome, EngineError):
            results.append(said(target, *_refusal(Check.REACHABLE, outcome)))
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            results += [_answers(engine, target), *outcome]
    if way is not None and services:
        # On which nodes the tasks of a service come to run is for their Swarm to say.
        results += [said(target, Check.CAPACITY, *capacity(target, scene.nodes)) for target in targets if scene.nodes]
    elif way is not None:
        results += check_capacity(scene, here, targets, way)
    return results


def _answers(engine: Engine, target: PlannedTarget) -> CheckResult:
    return said(target, Check.REACHABLE, Answer.PASS, f"{engine.name} answers.")


def _bound_target(
    console: Console, scene: EngineScene, here: Here, target: PlannedTarget, pullable: Pullable, way: Way | None
) -> Callable[[], list[CheckResult]]:
    def answer() -> list[CheckResult]:
        return [
            *(_of_image(target, found) for found in pullable),
            *check_target(console, scene, target),
            *check_container(scene, here, target, way),
            check_drift(console, scene, here, target),
            *check_services(console, scene, here, target, again=way is None),
        ]

    return answer


def _of_image(target: PlannedTarget, found: tuple[Check, Answer, str, str]) -> CheckResult:
    """An answer that targets with one image share. How much disk is free is another number each time it is asked."""
    result = said(target, *found)
    return replace(result, ground=target.reference) if result.check is Check.DISK else result


def _catalogued(
    console: Console, targets: Sequence[PlannedTarget]
) -> tuple[dict[str, tuple[str, ...]], dict[str, list[Difference]]]:
    """Of each target, by its environment: the variables that its source requires, and what was changed by hand beside
    the one that serves."""
    required, changed = {}, {}
    with console.catalog.read() as books:
        sources = {one.id: one for one in books.applications.sources()}
        for target in targets:
            mirror = books.applications.get(target.application_id)
            required[target.environment_id] = sources[mirror.source_id].required_variables
            others = {one.name for one in target.companions}
            changed[target.environment_id] = [
                of_process(found.process, difference)
                for found in books.observations.of(target.environment_id)
                if found.process in others and not found.unrecorded
                for difference in found.differences
            ]
    return required, changed


def _image_of(target: PlannedTarget) -> tuple[str, str]:
    if target.reference:
        return (target.reference, "")
    return (target.after_fingerprint, target.image_id or target.before_image_id)


def _pullable(console: Console, scene: EngineScene, wanted: PlannedTarget) -> Pullable:
    """Whether the engine has the image already, or can have it from the registry with the credentials that we hold.

    Raises EngineError where the engine is lost: what is asked after that would be waited for in vain, image by image.
    """
    reference = wanted.reference
    try:
        # What the manager of a Swarm holds says nothing of its other nodes: they have it from the registry.
        elsewhere = wanted.swap is Swap.SERVICE and scene.facts.swarm_nodes != 1
        here = None if elsewhere else _here(console, scene, wanted)
    except EngineError as error:
        if error.unreachable:
            raise
        # It refuses to be asked for this image: that says nothing of the others.
        return (_refusal(Check.PULLABLE, error),)
    if here is not None:
        return (
            (Check.PULLABLE, Answer.PASS, _there_words(wanted), ""),
            platform(scene.nodes, [here.platform]) if scene.nodes and here.platform else fits(scene, here.platform),
            (Check.DISK, Answer.PASS, "Nothing has to be fetched.", ""),
        )
    if not reference:
        return _only_given(console, scene, wanted)
    host = parse_reference(reference).registry
    login: RegistryLogin | None = None
    try:
        login = console.login(host)
        resolved = scene.session.resolve(reference, login)
    except VaultError as error:
        return ((Check.PULLABLE, Answer.BLOCKED, error.title, error.hint),)
    except EngineError as error:
        return _not_pullable(console, scene, wanted, error, signed_in=login is not None)
    had = (Check.PULLABLE, Answer.PASS, f"{host or 'The registry'} has it at the planned digest.", "")
    runs = _runs_there(scene, wanted, resolved)
    if wanted.swap is Swap.SERVICE and scene.facts.swarm_nodes != 1:
        # How much is free on other nodes can't be asked of their manager.
        return had, runs
    return had, runs, (Check.DISK, *disk(wanted, *scene.room_for(wanted.image_bytes)))


def _runs_there(scene: EngineScene, wanted: PlannedTarget, resolved: Resolved) -> tuple[Check, Answer, str, str]:
    """Whether an engine, or each node of its Swarm, runs an image that a registry has."""
    if scene.nodes and resolved.platforms:
        return platform(scene.nodes, resolved.platforms)
    found = fits_any(scene, resolved)
    return of_manager_alone(found, scene.facts.swarm_nodes) if wanted.swap is Swap.SERVICE else found


def _there_words(wanted: PlannedTarget) -> str:
    if wanted.swap is Swap.SERVICE:
        return "The only node of its Swarm has the image already."
    return "The image is on the engine already."


def _lost_before(console: Console, session: EngineSession, targets: Sequence[PlannedTarget]) -> dict[str, str]:
    """Why what services run can't be had again from its registry, by its reference: those of which that is known.

    Each is asked for once. Raises EngineError where the manager is lost.
    """
    lost = {}
    for image in dict.fromkeys(target.before_image_id for target in targets):
        if not digest_of(image):
            continue
        try:
            session.resolve(image, console.login(parse_reference(image).registry))
        except VaultError as error:
            lost[image] = error.title
        except EngineError as error:
            if error.unreachable:
                raise
            lost[image] = error.title
    return lost


def _here(console: Console, scene: EngineScene, wanted: PlannedTarget) -> Image | None:
    """The planned image where the engine has it, by the registry's name or by an id that was seen there."""
    known = known_as(console, wanted.engine_id, wanted.after_fingerprint) if wanted.after_fingerprint else []
    names = (wanted.image_id, wanted.reference or wanted.before_image_id, *known)
    for name in dict.fromkeys(filter(None, names)):
        found = scene.session.image(name)
        if found is not None and wanted.is_met_by(found):
            return found
    return None


def _only_given(console: Console, scene: EngineScene, wanted: PlannedTarget) -> Pullable:
    """Whether an image that no registry is known to have can be had from another engine."""
    found = neighbours(console, wanted.after_fingerprint, wanted.engine_id, wanted.application_id)
    if not found:
        words = "No digest is known under which the image can be pulled, and no other engine is known to have it."
        remedy = "Load it on an engine and check that engine, or deploy the source from a registry."
        return ((Check.PULLABLE, Answer.BLOCKED, words, remedy),)
    with console.catalog.read() as books:
        platform = next((held.platform for held in books.images.like(wanted.after_fingerprint)), "")
    words = f"No registry is known to have it; {found[0].name} has, and gives it through this computer."
    room = (Check.DISK, *disk(wanted, *scene.room_for(wanted.image_bytes)))
    return ((Check.PULLABLE, Answer.PASS, words, ""), fits(scene, platform), room)


def _not_pullable(
    console: Console, scene: EngineScene, wanted: PlannedTarget, error: EngineError, *, signed_in: bool
) -> Pullable:
    """The registry didn't tell now. It blocks, unless it is waited for, or another engine has the image to give."""
    if error.kind is FailureKind.REGISTRY_BUSY:
        remedy = "The rollout waits and tries again. Where it lasts, fetch with fewer pulls at once."
        return ((Check.PULLABLE, Answer.WARNING, error.title, remedy),)
    if wanted.swap is not Swap.SERVICE and why_another_gives_it(error.kind, signed_in=signed_in):
        found = neighbours(console, wanted.after_fingerprint, wanted.engine_id, wanted.application_id)
        if found:
            remedy = f"It is taken from {found[0].name} instead, which has it, through this computer."
            room = (Check.DISK, *disk(wanted, *scene.room_for(wanted.image_bytes)))
            return ((Check.PULLABLE, Answer.WARNING, error.title, remedy), room)
    _, answer, words, remedy = _refusal(Check.PULLABLE, error)
    return ((Check.PULLABLE, answer, words, remedy),)


def _refusal(check: Check, error: EngineError) -> tuple[Check, Answer, str, str]:
    if error.kind is FailureKind.TOO_OLD:
        return (Check.API, Answer.BLOCKED, error.title, error.hint)
    unanswered = check is Check.PULLABLE and error.outcome_unknown
    remedy = error.hint
    if error.command:
        remedy += f" Do so on the engine's page, or with '{error.command}'."
    return (check, Answer.UNKNOWN if unanswered else Answer.BLOCKED, error.title, remedy)
