"""Console checks: whether this computer is fit to carry a rollout out, and whether its waves make sense."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.counting import counted
from mirror_console.domain.engine import EngineFacts
from mirror_console.domain.image import HUB, parse_reference
from mirror_console.domain.moment import age_aloud, moment
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.domain.power import Supply
from mirror_console.domain.schedule import Place, Schedule
from mirror_console.domain.secret import VaultState
from mirror_console.domain.sizes import size_text
from mirror_console.domain.swap import Swap
from mirror_console.errors import CatalogError
from mirror_console.operations.console import Console
from mirror_console.operations.local_time import local
from mirror_console.operations.ports.catalog import Books

LITTLE_DISK = 200e6
"""Octets on the catalog's disk below which it is said: the journal needs some for each target."""
NO_DISK = 20e6
"""Octets below which nothing is begun: what can't be written may not be done."""
LINES_LOOKED_AT = 500
"""The last lines of the journal that are looked at; 'audit verify' reads all of them."""
MANY = 5
"""A wave of so many that may all fail is said to have no stop rule: with fewer it is meant so."""

FILES_BESIDES = 100
"""Files that are open whatever is done: the catalog, the log, the window's own."""
FILES_OF_AN_ENGINE, FILES_OF_A_CHANGED_ENGINE = 3, 8
"""Connections to one engine: a look and its events; and where it is changed, as were counted with two swaps at once."""
A_FREE_HUB_ACCOUNT = 200
"""Pulls in six hours. Source: docs.docker.com/docker-hub/usage, for a personal account."""

CLOSING = "Closing a laptop interrupts the rollout; nothing is lost: the console offers to continue."


def check_console(console: Console, plan: Plan) -> list[CheckResult]:
    """All for the whole rollout. No engine is asked."""
    return [_well(console, plan), _stays_awake(console), _sane(console, plan)]


def _well(console: Console, plan: Plan) -> CheckResult:
    def result(answer: Answer, words: str, remedy: str = "") -> CheckResult:
        return CheckResult(Check.CONSOLE_HEALTH, answer, words, remedy)

    try:
        free = console.catalog.free_disk
        with console.catalog.read() as books:
            whole = books.journal.end_holds(LINES_LOOKED_AT)
            engines = len(books.engines.all())
    except CatalogError as error:
        return result(Answer.BLOCKED, error.title, error.hint)
    if not whole:
        words = "The journal's last lines aren't as they were written."
        remedy = "Look with 'mirror-console audit verify'; put a backup of the catalog in its place."
        return result(Answer.BLOCKED, words, remedy)
    there = f"{size_text(free)} are free where the catalog is"
    if free < LITTLE_DISK:
        answer = Answer.BLOCKED if free < NO_DISK else Answer.WARNING
        return result(answer, f"Only {there}: the journal is written there.", "Free disk space on this computer.")
    if few := _too_few_files(plan, engines):
        return result(Answer.WARNING, few, "Raise that limit (such as 'ulimit -n 8192'), and start the console anew.")
    secrets = sum(len(target.settings.secrets) for target in plan.targets)
    if secrets and console.vault.state() is not VaultState.UNLOCKED:
        words = "The keyring is locked, and secrets of targets are in it."
        return result(Answer.WARNING, words, "Unlock it before you go away: a rollout would wait for its password.")
    return result(Answer.PASS, f"{there}; the journal is whole.")


def _too_few_files(plan: Plan, engines: int) -> str:
    """That the system lets this program have fewer connections and files open than it may need; empty where not.

    By SSH no more channels than an engine's host allows are opened: whoever comes next waits.
    """
    allowed = files_allowed()
    changed = len({target.engine_id for target in plan.targets})
    needed = FILES_BESIDES + FILES_OF_A_CHANGED_ENGINE * changed + FILES_OF_AN_ENGINE * max(0, engines - changed)
    if allowed is None or needed <= allowed:
        return ""
    return f"With {counted(engines, 'engine')} up to {needed} connections and files are open at once; {allowed} may be."


def files_allowed() -> int | None:
    """How many files and connections this program may have open at once; None where there is no end to it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _stays_awake(console: Console) -> CheckResult:
    power = console.computer.power()
    if power.refusal:
        words = f"It can't be kept from falling asleep: {power.refusal}."
        if power.supply is Supply.NO_BATTERY:
            # Servers and the like, which don't by themselves: few of them have anything that could be asked.
            words = f"{words} It has no battery; a computer that was set to sleep by itself still does."
            return CheckResult(Check.STAYS_AWAKE, Answer.INFORMATION, words)
        remedy = f"Set it not to sleep by itself, and leave it open and plugged in. {CLOSING}"
        return CheckResult(Check.STAYS_AWAKE, Answer.WARNING, words, remedy)
    kept = "kept from falling asleep by itself while the rollout is under way"
    match power.supply:
        case Supply.BATTERY:
            words = f"It runs on its battery. Until that is empty, it is {kept}."
            remedy = f"Plug it in, and leave it open. {CLOSING}"
            return CheckResult(Check.STAYS_AWAKE, Answer.WARNING, words, remedy)
        case Supply.MAINS:
            words = f"It is plugged in, and {kept}. {CLOSING}"
        case Supply.UNTOLD:
            words = f"It is {kept}. Whether it is plugged in isn't told here. {CLOSING}"
        case Supply.NO_BATTERY:
            words = f"It is {kept}."
    return CheckResult(Check.STAYS_AWAKE, Answer.PASS, words)


def _sane(console: Console, plan: Plan) -> CheckResult:
    with console.catalog.read() as books:
        schedule = books.schedule.all()
        accounts = {one.id: one.account for one in books.applications.all()} if schedule else {}
        facts = {one: contact.facts for one, contact in books.engines.contacts().items() if contact.facts}
        pulls = _hub_pulls(books, plan)
    unlimited = _unlimited(plan)
    late = _too_late(console, plan, schedule, accounts)
    words = " ".join([*unlimited, *late, *pulls])
    if words:
        remedy = "Go back and choose another way: its waves, its stop rule, its bake time."
        if pulls:
            remedy = f"{remedy} Relay the image from one engine to the others, or fetch it ahead in several goes."
        return CheckResult(Check.PLAN_SANITY, Answer.WARNING, words, remedy)
    unproved = [*_unproved(plan, facts), *_unproved_routes(plan)]
    if unproved:
        words = f"The first wave says nothing of {_listed(unproved)}."
        return CheckResult(Check.PLAN_SANITY, Answer.INFORMATION, words)
    return CheckResult(Check.PLAN_SANITY, Answer.PASS, "Its waves and its stop rule fit each other.")


def _unlimited(plan: Plan) -> list[str]:
    """Waves of many that may all fail without a pause."""
    waves, way = plan.waves, plan.way
    in_all = way.allowed_in_all(len(plan.targets))
    found = []
    for place, wave in enumerate(waves):
        size = len(wave)
        allowed = way.allowed_failures(place, len(waves), size)
        stopped_else = 0 < way.in_a_row < size or (in_all is not None and in_all < size)
        if size >= MANY and allowed >= size and not stopped_else:
            found.append(f"All {size} targets of wave {place + 1} may fail before the rollout pauses.")
    return found


def _too_late(console: Console, plan: Plan, schedule: Schedule, accounts: Mapping[str, str]) -> list[str]:
    """Whether baking alone takes longer than the window of a target lasts in whose wave it is."""
    if not schedule or not plan.way.bake:
        return []
    now = local(console.clock())
    baked = timedelta()
    late, first_end = 0, None
    for wave in plan.waves:
        for target in wave:
            place = Place(accounts.get(target.application_id, ""), target.application_id, target.environment)
            opening = schedule.opening(place, now)
            if opening.closed is None and opening.until is not None and opening.until - now <= baked:
                late += 1
                first_end = min(first_end or opening.until, opening.until)
        turns = -(-len(wave) // min(plan.way.at_once, len(wave)))
        baked += timedelta(seconds=plan.way.bake * turns)
    if first_end is None:
        return []
    count = "1 target isn't" if late == 1 else f"{late} targets aren't"
    return [
        f"Baking alone takes {age_aloud(baked)}: {count} begun before its window closes ({moment(first_end, now)})."
    ]


def _hub_pulls(books: Books, plan: Plan) -> list[str]:
    """Whether more is pulled from Docker Hub with one account than a free one gives. Other registries tell no limit.

    Without an account it counts by address, which is the engine's own.
    """
    if books.registries.by_host(HUB) is None:
        return []
    wanted: dict[str, set[str]] = defaultdict(set)
    prints: dict[str, str] = {}
    for target in plan.targets:
        if target.reference and not parse_reference(target.reference).registry:
            wanted[target.reference].add(target.engine_id)
            prints[target.reference] = target.after_fingerprint
    pulls = sum(
        len(engines - {held.engine_id for held in (books.images.like(prints[reference]) if prints[reference] else ())})
        for reference, engines in wanted.items()
    )
    if pulls <= A_FREE_HUB_ACCOUNT:
        return []
    return [f"{pulls} pulls from Docker Hub: a free account has {A_FREE_HUB_ACCOUNT} in six hours."]


def _unproved(plan: Plan, facts: Mapping[str, EngineFacts]) -> list[str]:
    """What kind of engine the first wave says nothing of."""
    waves = plan.waves
    first = {_kind(facts[target.engine_id]) for target in (*waves, ())[0] if target.engine_id in facts}
    later: dict[str, str] = {}
    for wave in waves[1:]:
        for target in wave:
            if target.engine_id in facts and (kind := _kind(facts[target.engine_id])) not in first:
                later.setdefault(kind, target.engine)
    return [f"{kind} ({name})" for kind, name in later.items()] if first else []


def _unproved_routes(plan: Plan) -> list[str]:
    """By what proxies find new containers beside the old ones later on, and not in the first wave."""
    waves = plan.waves
    first = {_route(target) for target in (*waves, ())[0]}
    later: dict[str, str] = {}
    for wave in waves[1:]:
        for target in wave:
            if (route := _route(target)) and route not in first:
                later.setdefault(route, target.application)
    return [f"{route} ({name})" for route, name in later.items()]


def _route(target: PlannedTarget) -> str:
    """How requests come to a new container that starts beside the old one; empty for one that takes its place."""
    route = target.settings.route
    if target.swap is not Swap.BESIDE or route is None:
        return ""
    return (
        "a proxy that is told by an alias" if route.by_alias else f"a proxy that follows labels of {route.convention}"
    )


def _kind(facts: EngineFacts) -> str:
    """As far as a release may get on with one and not with another."""
    return f"{facts.kind} {facts.version.partition('.')[0]} on {facts.platform}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
