"""Preflight: every check answered for every target before anything is changed.

Engines are asked side by side, each once for what concerns it as a whole. The same questions are asked again for a
target right before its turn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.domain.engine import Engine, EngineFacts
from mirror_console.domain.engine_kind import NO_ROLLOUTS, EngineKind
from mirror_console.domain.image import parse_reference
from mirror_console.domain.observation import LABEL, Container, Health, Listed, Role, State, is_ours
from mirror_console.domain.plan import Plan, PlannedTarget, Swap
from mirror_console.domain.request import Resolved
from mirror_console.domain.rollout import OVER
from mirror_console.errors import EngineError, FailureKind, VaultError
from mirror_console.jobs import Jobs
from mirror_console.operations.access import by_entry, reached
from mirror_console.operations.console import Console
from mirror_console.operations.ports import EngineSession
from mirror_console.operations.scene import is_way_back, lock_holder, lock_name

ENGINES_AT_ONCE = 32
TARGETS_AT_ONCE = 4


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
    by_engine: dict[str, list[PlannedTarget]] = defaultdict(list)
    for target in plan.targets:
        by_engine[target.engine_id].append(target)

    def ask(engine_id: str, targets: Sequence[PlannedTarget]) -> list[CheckResult]:
        return check_engine(console, jobs, console.engine(engine_id), targets)

    works = {engine_id: _bound(ask, engine_id, targets) for engine_id, targets in by_engine.items()}
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
            f"The plan was made at {plan.made_at.astimezone():%H:%M} and is too old to start.",
            "Plan again; the same targets are kept.",
        )
    elif not plan.targets:
        old = CheckResult(Check.PLAN_CURRENT, Answer.BLOCKED, "The plan changes nothing.", "Choose other targets.")
    else:
        old = CheckResult(Check.PLAN_CURRENT, Answer.PASS, f"Valid until {plan.valid_until.astimezone():%H:%M}.")
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
            results.append(_of(target, Check.OTHER_ROLLOUT, Answer.PASS, words))
        else:
            words = f"Rollout {other.plan.fingerprint} is {other.state} here."
            remedy = "Let it end, or decide about it on the Rollouts page."
            results.append(_of(target, Check.OTHER_ROLLOUT, Answer.BLOCKED, words, remedy))
    return results


def check_engine(console: Console, jobs: Jobs, engine: Engine, targets: Sequence[PlannedTarget]) -> list[CheckResult]:
    """All checks that ask one engine, for the targets on it: each with the credential of its account."""
    groups = by_entry(console, engine, targets, lambda target: target.application_id)
    return [result for group in groups for result in _check_group(console, jobs, engine, group)]


def _check_group(console: Console, jobs: Jobs, engine: Engine, targets: Sequence[PlannedTarget]) -> list[CheckResult]:
    """The same for targets that are reached with one credential."""
    try:
        session = console.engines.session(reached(console, engine, targets[0].application_id))
        facts = session.facts()
        scene = _Scene(session, facts, session.list_containers())
    except EngineError as error:
        return [_of(target, *_refusal(Check.REACHABLE, error)) for target in targets]
    results = [
        _of(target, check, Answer.PASS, words)
        for target in targets
        for check, words in (
            (Check.REACHABLE, f"{engine.name} answers."),
            (Check.API, f"{facts.title} is spoken."),
        )
    ]
    if facts.kind is not EngineKind.DOCKER:
        # What else is asked would be refused in other words, one after the other.
        remedy = "Place the environment on a Docker engine, or deploy it by hand."
        return results + [_of(target, Check.ENGINE_KIND, Answer.BLOCKED, NO_ROLLOUTS, remedy) for target in targets]
    results += [_of(target, Check.ENGINE_KIND, Answer.PASS, "It is Docker.") for target in targets]
    pullable = {
        reference: _pullable(console, scene, reference, [target for target in targets if target.reference == reference])
        for reference in dict.fromkeys(target.reference for target in targets)
    }
    works = {
        target.environment_id: _bound_target(console, scene, target, pullable[target.reference]) for target in targets
    }
    outcomes = jobs.side_by_side(works, at_once=TARGETS_AT_ONCE)
    for target in targets:
        outcome = outcomes[target.environment_id]
        if isinstance(outcome, EngineError):
            results.append(_of(target, *_refusal(Check.REACHABLE, outcome)))
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            results += outcome
    return results


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the checks of one engine share: what was asked once."""

    session: EngineSession
    facts: EngineFacts
    listed: Sequence[Listed]

    def named(self, name: str) -> Listed | None:
        """The container of that name."""
        return next((container for container in self.listed if container.name == name), None)


Pullable = tuple[tuple[Check, Answer, str, str], ...]


def _bound_target(
    console: Console, scene: _Scene, target: PlannedTarget, pullable: Pullable
) -> Callable[[], list[CheckResult]]:
    def answer() -> list[CheckResult]:
        old = scene.session.inspect(target.container)
        return [
            *(_of(target, *found) for found in pullable),
            _settings(console, target),
            *_current(target, old),
            _names(scene, target, old),
            _ports(scene, target, old),
            _lock(scene, target, old),
            *_shape(target, old),
            *_drift(console, target),
            *_healthy_now(target, old),
            _way_back(scene, target, old),
        ]

    return answer


def _pullable(console: Console, scene: _Scene, reference: str, targets: Sequence[PlannedTarget]) -> Pullable:
    """Whether the engine has the image already, or can have it from the registry with the credentials that we hold."""
    wanted = targets[0]
    if not reference:
        here = scene.session.image(wanted.before_image_id) if wanted.before_image_id else None
        if here is not None and here.fingerprint == wanted.after_fingerprint:
            return (
                (Check.PULLABLE, Answer.PASS, "The image is on the engine already.", ""),
                _fits(scene, here.platform),
            )
        remedy = "Deploy the source from a registry, so that a digest is known."
        return ((Check.PULLABLE, Answer.BLOCKED, "No digest is known under which the image can be pulled.", remedy),)
    here = scene.session.image(reference)
    if here is not None and here.fingerprint == wanted.after_fingerprint:
        return (
            (Check.PULLABLE, Answer.PASS, "The image is on the engine already.", ""),
            _fits(scene, here.platform),
            (Check.DISK, Answer.PASS, "Nothing has to be fetched.", ""),
        )
    host = parse_reference(reference).registry
    try:
        resolved = scene.session.resolve(reference, console.login(host))
    except VaultError as error:
        return ((Check.PULLABLE, Answer.BLOCKED, error.title, error.hint),)
    except EngineError as error:
        _, answer, words, remedy = _refusal(Check.PULLABLE, error)
        return ((Check.PULLABLE, answer, words, remedy),)
    return (
        (Check.PULLABLE, Answer.PASS, f"{host or 'The registry'} has it at the planned digest.", ""),
        _fits_any(scene, resolved),
        _disk(wanted),
    )


def _fits(scene: _Scene, platform: str) -> tuple[Check, Answer, str, str]:
    if not platform or platform == scene.facts.platform:
        return (Check.PLATFORM, Answer.PASS, f"Made for {scene.facts.platform}.", "")
    words = f"The image is for {platform}, the engine is {scene.facts.platform}."
    return (Check.PLATFORM, Answer.BLOCKED, words, "Publish the release for this platform too.")


def _fits_any(scene: _Scene, resolved: Resolved) -> tuple[Check, Answer, str, str]:
    if not resolved.platforms:
        words = "The registry doesn't say for which platforms the image is."
        return (Check.PLATFORM, Answer.UNKNOWN, words, "Look at the image with 'docker manifest inspect'.")
    mine = scene.facts.platform
    if any(platform == mine or platform.startswith(mine + "/") for platform in resolved.platforms):
        return (Check.PLATFORM, Answer.PASS, f"The image is there for {mine}.", "")
    words = f"The image is for {', '.join(resolved.platforms)}; the engine is {mine}."
    return (Check.PLATFORM, Answer.BLOCKED, words, "Publish the release for this platform too.")


def _disk(target: PlannedTarget) -> tuple[Check, Answer, str, str]:
    if target.image_bytes is None:
        words = "The size of the image isn't known, nor the free space of the engine."
    else:
        words = f"The image takes up to {target.image_bytes / 1e6:,.0f} MB; the engine doesn't tell its free space."
    return (Check.DISK, Answer.UNKNOWN, words, "Look at the free space of the engine's disk where it may be short.")


def _settings(console: Console, target: PlannedTarget) -> CheckResult:
    with console.catalog.read() as books:
        mirror = books.applications.get(target.application_id)
        source = books.applications.get(mirror.source_id)
    given = target.settings
    missing = [
        name for name in source.required_variables if not given.variables.get(name) and name not in given.secrets
    ]
    if missing:
        words = f"Required and without a value: {', '.join(missing)}."
        return _of(
            target, Check.SETTINGS, Answer.BLOCKED, words, "Give the values on the mirror's form, then plan again."
        )
    try:
        unkept = [name for name, reference in given.secrets.items() if not console.vault.has(reference)]
    except VaultError as error:
        return _of(target, Check.SETTINGS, Answer.BLOCKED, error.title, error.hint)
    if unkept:
        words = f"Not in the keyring: {', '.join(sorted(unkept))}."
        return _of(target, Check.SETTINGS, Answer.BLOCKED, words, "Type the values on the mirror's form.")
    return _of(target, Check.SETTINGS, Answer.PASS, "Every required variable has a value.")


def _current(target: PlannedTarget, old: Container | None) -> list[CheckResult]:
    """Whether the target still is as it was planned."""
    if target.swap is Swap.CREATE:
        if old is None:
            return [_of(target, Check.PLAN_CURRENT, Answer.PASS, "Still without a container, as planned.")]
        words = f"A container '{target.container}' is there now; the plan was to create the first one."
        return [_of(target, Check.PLAN_CURRENT, Answer.BLOCKED, words, "Check the environment and plan again.")]
    if old is None:
        words = f"The container '{target.container}' is gone."
        return [_of(target, Check.PLAN_CURRENT, Answer.BLOCKED, words, "Check the environment and plan again.")]
    if old.id != target.before_container_id or old.image_id != target.before_image_id:
        words = f"The container '{target.container}' is another one than when the plan was made."
        return [_of(target, Check.PLAN_CURRENT, Answer.BLOCKED, words, "Check the environment and plan again.")]
    return [_of(target, Check.PLAN_CURRENT, Answer.PASS, "The container is the one that was planned for.")]


def _names(scene: _Scene, target: PlannedTarget, old: Container | None) -> CheckResult:
    candidate = scene.named(target.container + ".mc-next")
    if candidate is not None:
        if is_ours(candidate.labels, target.environment_id):
            words = "A new container of an earlier rollout is still there."
            remedy = (
                "Decide about that rollout on the Rollouts page, or with 'mirror-console recover'. If it has ended, "
                f"look at '{candidate.name}', and remove it with 'docker rm'."
            )
        elif candidate.labels.get(LABEL + "env"):
            words = "A new container of another console's rollout is there."
            remedy = "Wait until that rollout ends, or have it recovered there."
        else:
            words = f"A container '{candidate.name}' is there that isn't ours."
            remedy = "Rename or remove it; rollouts need this name for a while."
        return _of(target, Check.NAMES, Answer.BLOCKED, words, remedy)
    kept = scene.named(target.container + ".mc-prev")
    if kept is not None and not is_way_back(kept, target, old):
        words = f"A container '{kept.name}' is there that isn't the way back of an earlier rollout."
        return _of(target, Check.NAMES, Answer.BLOCKED, words, "Rename it; rollouts keep the way back under this name.")
    older = scene.named(target.container + ".mc-older")
    if older is not None and not is_way_back(older, target, old):
        words = f"A container '{older.name}' is there that isn't ours."
        return _of(target, Check.NAMES, Answer.BLOCKED, words, "Rename it; rollouts use this name for a while.")
    if any(c.state is State.DEAD and is_ours(c.labels, target.environment_id) for c in scene.listed):
        words = "A container that the engine couldn't remove is left of this environment."
        return _of(target, Check.NAMES, Answer.BLOCKED, words, "Remove it with 'docker rm', then check again.")
    return _of(target, Check.NAMES, Answer.PASS, "The names that the rollout uses are free or ours.")


def _ports(scene: _Scene, target: PlannedTarget, old: Container | None) -> CheckResult:
    wanted = {(port.host, port.protocol) for port in target.settings.ports if port.host}
    for other in scene.listed:
        if old is not None and other.id == old.id:
            continue
        taken = sorted({(port.host, port.protocol) for port in other.host_ports} & wanted)
        if taken:
            words = f"Port {taken[0][0]} is held by '{other.name}'."
            remedy = "Choose another port on the mirror's form, or move that container."
            return _of(target, Check.PORTS, Answer.BLOCKED, words, remedy)
    if not wanted:
        return _of(target, Check.PORTS, Answer.PASS, "No fixed host ports are asked for.")
    ports = ", ".join(str(port) for port, _ in sorted(wanted))
    return _of(target, Check.PORTS, Answer.PASS, f"Free or held by the container that goes: {ports}.")


def _lock(scene: _Scene, target: PlannedTarget, old: Container | None) -> CheckResult:
    held = scene.named(lock_name(target.container)) or _lock_of_others(scene, target, old)
    if held is None:
        return _of(target, Check.LOCK, Answer.PASS, "Nobody holds the lock.")
    words = f"{lock_holder(held.labels)} holds the lock since {held.labels.get(LABEL + 'taken', 'an unknown time')}."
    return _of(target, Check.LOCK, Answer.BLOCKED, words, "Wait until that rollout ends, or have it recovered there.")


def _lock_of_others(scene: _Scene, target: PlannedTarget, old: Container | None) -> Listed | None:
    """The lock of a console whose catalog was filled by itself: there the same container is another environment's.

    It is known by the container that it was taken for, or by whose environment the containers here are.
    """
    here = (scene.named(target.container + ".mc-next"), old)
    owners = {found.labels.get(LABEL + "env", "") for found in here if found} - {""}
    locks = [found for found in scene.listed if found.labels.get(LABEL + "role") == Role.LOCK]
    taken_for = old.id if old else "nothing"
    return next(
        (
            lock
            for lock in locks
            if lock.labels.get(LABEL + "prev") == taken_for or lock.labels.get(LABEL + "env") in owners
        ),
        None,
    )


def _shape(target: PlannedTarget, old: Container | None) -> list[CheckResult]:
    if old is None:
        return []
    if old.unsupported:
        words = f"It has what the console can't make again: {', '.join(old.unsupported)}."
        remedy = "Deploy this environment by hand, or take that away from its container."
        return [_of(target, Check.SHAPE, Answer.BLOCKED, words, remedy)]
    return [_of(target, Check.SHAPE, Answer.PASS, "The console can make all that the container has.")]


def _drift(console: Console, target: PlannedTarget) -> list[CheckResult]:
    with console.catalog.read() as books:
        seen = [found for found in books.observations.of(target.environment_id) if found.process == target.process]
    changed = [difference for found in seen for difference in found.differences]
    if not changed:
        return [_of(target, Check.DRIFT, Answer.PASS, "Nothing was changed by hand.")]
    words = f"Changed by hand and lost by this rollout: {'; '.join(map(str, changed))}."
    return [_of(target, Check.DRIFT, Answer.WARNING, words, "Take what should stay into the mirror's settings first.")]


def _healthy_now(target: PlannedTarget, old: Container | None) -> list[CheckResult]:
    if old is None:
        return []
    if not old.running or old.health is Health.FAILING:
        how = "fails its health check" if old.running else f"is {old.state}"
        words = f"The container {how} now: putting back would bring this state back."
        return [_of(target, Check.HEALTHY_NOW, Answer.WARNING, words, "Look at it first, or go on knowing this.")]
    return [_of(target, Check.HEALTHY_NOW, Answer.PASS, "It runs.")]


def _way_back(scene: _Scene, target: PlannedTarget, old: Container | None) -> CheckResult:
    if old is None:
        return _of(target, Check.WAY_BACK, Answer.PASS, "There was no container: putting back removes the new one.")
    if scene.session.image(old.image_id) is None:
        words = (
            "The image of the running container is gone from the engine; the stopped container is the only way back."
        )
        return _of(target, Check.WAY_BACK, Answer.WARNING, words, "Pull or load that image again to be safe.")
    return _of(target, Check.WAY_BACK, Answer.PASS, "The old container is kept, stopped, with its image.")


def _refusal(check: Check, error: EngineError) -> tuple[Check, Answer, str, str]:
    if error.kind is FailureKind.TOO_OLD:
        return (Check.API, Answer.BLOCKED, error.title, error.hint)
    unanswered = check is Check.PULLABLE and error.outcome_unknown
    return (check, Answer.UNKNOWN if unanswered else Answer.BLOCKED, error.title, error.hint)


def _of(target: PlannedTarget, check: Check, answer: Answer, words: str, remedy: str = "") -> CheckResult:
    return CheckResult(check, answer, words, remedy, target.environment_id, target.engine_id)
