"""Engine checks: whether an engine is the one that is meant, is well, and may be changed by us."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.counting import counted
from mirror_console.domain.engine import CLOCK_LIMIT, Engine, EngineFacts, Way
from mirror_console.domain.environment import Settings
from mirror_console.domain.known_bad import NEWEST_TESTED, faults_of, newer_than_tested
from mirror_console.domain.moment import moment
from mirror_console.domain.observation import Listed, State
from mirror_console.domain.other_engine import OTHER_REMEDY, is_other, other_words
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.swap import Swap
from mirror_console.operations.console import Console
from mirror_console.operations.here import Here
from mirror_console.operations.local_time import local
from mirror_console.operations.permission import refused_changes, refused_of_swarm
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.target_checks import EngineScene, said

_OPEN_TO_ALL = "without encryption"
_UNENFORCED: dict[str, Callable[[Settings], float]] = {
    "no memory limit": lambda settings: settings.limits.memory,
    "no cpu cfs quota": lambda settings: settings.limits.cpus,
    "no pids limit": lambda settings: settings.limits.pids,
}
"""What an engine warns of, and which settings are of no effect then."""


def check_engine_itself(
    console: Console, scene: EngineScene, here: Here, targets: Sequence[PlannedTarget], *, again: bool
) -> Iterator[CheckResult]:
    """The answers that targets on one engine share. What blocks is said of each target, all else once.

    `again`: it is asked before a wave, for what may have come to block since.
    """
    yield from _version(here.engine, scene.facts)
    yield from _same_engine(here, scene.facts, targets)
    yield from _credentials(console, here.engine, scene.session, targets)
    yield from _clock(here, scene.facts, targets)
    if not again:
        yield from _permission(console, here.engine, scene.session, targets)
        yield _health(here.engine, scene.facts, scene.listed, targets)


def _version(engine: Engine, facts: EngineFacts) -> Iterator[CheckResult]:
    """What is worth knowing of the kind and version of an engine on which rollouts work."""
    if newer_than_tested(facts):
        newest = ".".join(map(str, NEWEST_TESTED))
        words = f"{engine.name} is Docker {facts.version}; this console was tested up to {newest}."
        remedy = "Look for a newer version of this console; or try one mirror there first."
        yield of_engine(engine, Check.API, Answer.WARNING, words, remedy)
    if facts.rootless:
        words = f"{engine.name} runs without root: ports below 1024 and limits work only as its host lets it."
        yield of_engine(engine, Check.ENGINE_KIND, Answer.INFORMATION, words)


def of_engine(engine: Engine, check: Check, answer: Answer, words: str, remedy: str = "") -> CheckResult:
    """The answer to a check that concerns an engine as a whole, and blocks nothing."""
    return CheckResult(check, answer, words, remedy, engine_id=engine.id)


def _of_each(
    targets: Iterable[PlannedTarget], check: Check, words: str, remedy: str, ground: str = ""
) -> Iterator[CheckResult]:
    return (replace(said(target, check, Answer.BLOCKED, words, remedy), ground=ground) for target in targets)


def _same_engine(here: Here, facts: EngineFacts, targets: Sequence[PlannedTarget]) -> Iterator[CheckResult]:
    engine, check = here.engine, Check.SAME_ENGINE
    if is_other(engine, facts):
        words = other_words(engine)
        command = shlex.join(["mirror-console", "engines", "trust", engine.name, "--identity", facts.identity])
        remedy = f"{OTHER_REMEDY}: {command}."
        yield from _of_each(targets, check, words, remedy)
    elif here.alike:
        words = f"{engine.name} knows itself by the same identity as {', '.join(here.alike)}."
        remedy = (
            "If it is one engine, keep one of the entries. If one host is a copy of the other, give its engine an "
            "identity of its own: take away the file engine-id from the folder with its images, and restart it."
        )
        yield of_engine(engine, check, Answer.WARNING, words, remedy)
    elif engine.identity:
        yield of_engine(engine, check, Answer.PASS, f"{engine.name} is the engine that was there before.")
    else:
        words = f"{engine.name} isn't known by its identity yet: it is remembered from the next refresh on."
        yield of_engine(engine, check, Answer.INFORMATION, words)


def _credentials(
    console: Console, engine: Engine, session: EngineSession, targets: Sequence[PlannedTarget]
) -> Iterator[CheckResult]:
    """That the keyring gave what it takes is shown by the engine's answer."""
    valid, now = session.certificate, console.clock()
    if valid is None:
        words = "By its local socket, without credentials." if engine.address.way is Way.SOCKET else "It is signed in."
        yield of_engine(engine, Check.CREDENTIALS, Answer.PASS, words)
        return
    ends = moment(local(valid.ends), local(now))
    remedy = "Have a new one issued, and give it on the engine's form."
    if valid.has_ended(now):
        words = f"The client certificate for {engine.name} ended: {ends}."
        yield from _of_each(targets, Check.CREDENTIALS, words, remedy)
    elif valid.ends_soon(now):
        words = f"The client certificate for {engine.name} ends soon: {ends}."
        yield of_engine(engine, Check.CREDENTIALS, Answer.WARNING, words, remedy)
    else:
        words = f"The client certificate is valid until {ends}."
        yield of_engine(engine, Check.CREDENTIALS, Answer.PASS, words)


def _clock(here: Here, facts: EngineFacts, targets: Sequence[PlannedTarget]) -> Iterator[CheckResult]:
    """Of two clocks that differ it can't be told which is right: then no window may be gone by."""
    engine = here.engine
    words = f"The clock of {engine.name} is {facts.clock_words}."
    remedy = "Set both clocks by a time server: this computer's and that of the engine's host."
    windowed = [target for target in targets if target.environment_id in here.windowed]
    if abs(facts.clock_offset) > CLOCK_LIMIT and windowed:
        more = f"{words} Whether its maintenance window is open can't be told."
        # By how much it is off changes with each look.
        yield from _of_each(windowed, Check.CLOCK, more, remedy, engine.id)
    if facts.clock_is_off:
        yield of_engine(engine, Check.CLOCK, Answer.WARNING, words, remedy)
    else:
        yield of_engine(engine, Check.CLOCK, Answer.PASS, words)


def _permission(
    console: Console, engine: Engine, session: EngineSession, targets: Sequence[PlannedTarget]
) -> Iterator[CheckResult]:
    if console.read_only:
        words = "Not asked, as the console is read-only."
        yield of_engine(engine, Check.PERMISSION, Answer.INFORMATION, words)
        return
    service = any(target.swap is Swap.SERVICE for target in targets)
    switches = any(target.swap is Swap.BESIDE and target.settings.route is not None for target in targets)
    found = refused_of_swarm(session) if service else refused_changes(session, switches=switches)
    what = "of its Swarm" if service else "containers"
    if found.refused:
        verbs = ", ".join(found.refused)
        words = f"{engine.name} refuses to {verbs} {what}: {next(iter(found.refused.values()))}"
        remedy = "Ask whoever runs the engine for the right: 'endpoints.txt' has all that a rollout asks."
        yield from _of_each(targets, Check.PERMISSION, words, remedy)
    elif found.unclear:
        verbs = ", ".join(found.unclear)
        words = f"Whether {engine.name} lets us {verbs} {what} isn't known: {next(iter(found.unclear.values()))}"
        remedy = (
            "Look at what is in between, such as a proxy before the engine, and whether the engine behind it is well; "
            "then check again."
        )
        for result in _of_each(targets, Check.PERMISSION, words, remedy):
            yield replace(result, answer=Answer.UNKNOWN)
    else:
        words = "Containers may be created, started, stopped, renamed, updated and removed."
        if service:
            words = "Services of its Swarm may be updated, and the configs that lock them removed."
        yield of_engine(engine, Check.PERMISSION, Answer.PASS, words)


def _health(
    engine: Engine, facts: EngineFacts, listed: Sequence[Listed], targets: Sequence[PlannedTarget]
) -> CheckResult:
    warned = [words.removeprefix("WARNING: ") for words in facts.warnings]
    grave = [words for words in warned if _OPEN_TO_ALL in words or _concerns(words, targets)]
    dead = [one.name for one in listed if one.state is State.DEAD]
    if dead:
        names = ", ".join(f"'{name}'" for name in dead[:3])
        grave.append(f"{counted(len(dead), 'container')} couldn't be removed ({names})")
    faults = faults_of(facts, [target.settings for target in targets])
    grave += [f"in Docker {facts.version} {fault.words}" for fault in faults]
    if grave:
        words = f"{engine.name} is not as it should be: {'; '.join(grave)}."
        remedy = "Have its host put in order: each of these is the engine's own word."
        if faults:
            remedy = f"Bring Docker there to a newer version. See {faults[0].source}."
        return of_engine(engine, Check.ENGINE_HEALTH, Answer.WARNING, words, remedy)
    more = [f"it warns: {'; '.join(warned)}"] if warned else []
    if not facts.live_restore:
        more.insert(0, "whenever it restarts all containers on it do (live restore is off)")
    if more:
        return of_engine(engine, Check.ENGINE_HEALTH, Answer.INFORMATION, f"{engine.name}: {'; '.join(more)}.")
    return of_engine(engine, Check.ENGINE_HEALTH, Answer.PASS, "It warns of nothing.")


def _concerns(words: str, targets: Sequence[PlannedTarget]) -> bool:
    """Whether a warning says that a limit, which targets have, is of no effect."""
    limits = [has for start, has in _UNENFORCED.items() if words.casefold().startswith(start)]
    return any(has(target.settings) for has in limits for target in targets)
