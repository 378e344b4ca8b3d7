"""A plan: what a rollout would do, fixed before it starts."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import assert_never

from mirror_console.domain.alignment import SAME_IMAGE, Activity, Alignment, Cell, Knowledge, NoExpectation, Status
from mirror_console.domain.canary import FIRST_THAT_RUN_WELL, Canary, CanaryRule, Traits, canary_words, put_first
from mirror_console.domain.environment import Settings
from mirror_console.domain.identity import UNREAD, is_image
from mirror_console.domain.image import Image
from mirror_console.domain.observation import Difference
from mirror_console.domain.process import PlannedProcess, settings_for
from mirror_console.domain.release import Mark, Release, passage
from mirror_console.domain.release_command import Preparation
from mirror_console.domain.route import may_start_beside
from mirror_console.domain.way_back import WayBack, way_back_over
from mirror_console.errors import Problem

VALID_FOR = timedelta(minutes=15)
TYPED_ABOVE = 20
"""Above so many targets the person types their number before anything starts."""

Holders = Mapping[str, Mapping[str, str]]
"""By the fingerprint of an image, the engines that were seen to hold it, with what each calls it."""
NOBODY: Holders = MappingProxyType({})


class Swap(StrEnum):
    """How the new container takes over."""

    CREATE = "create"
    RECREATE = "recreate"
    BESIDE = "start beside"
    """The new one runs beside the old one until it has its requests."""
    IN_PLACE = "in place"
    """The container stays: the engine changes its limits while it runs."""


def swap_for(settings: Settings, *, present: bool) -> Swap:
    """How a container that is made of these settings takes over from one that is `present`."""
    if not present:
        return Swap.CREATE
    host_ports = [port.host for port in settings.ports]
    return Swap.BESIDE if may_start_beside(settings.route, host_ports) else Swap.RECREATE


class Change(StrEnum):
    """What a plan does to a target."""

    UPDATE = "update"
    DOWNGRADE = "downgrade"
    REPLACE = "replace drifted"
    SETTINGS = "apply settings"
    CREATE = "create"
    TAKE_OVER = "take over"
    """Nothing of ours: what another console left in the middle is brought to an end."""
    BACK = "roll back"
    """To what it ran before another rollout, image and settings."""


class OnFailure(StrEnum):
    """What becomes of a target whose new container isn't well."""

    PUT_BACK = "put back"
    LEAVE = "leave"
    """The new container stays, to be looked at; the old one is kept as the way back."""
    ASK = "ask"
    """It is left as it stands until a person decides; the rollout pauses when nothing else is to be done."""


class Reason(StrEnum):
    """Why an environment is left out of a plan."""

    NOTHING_TO_DO = "already there"
    NO_EXPECTATION = "no release"
    UNREACHABLE = "unreachable"
    NO_ACCESS = "no access"
    NOT_CHECKED = "not checked"
    BUSY = "another rollout works here"
    NO_DIGEST = "cannot be pulled"
    STOP_FIRST = "another release comes first"
    WITHDRAWN = "release withdrawn"
    UNKNOWN_IMAGE = "image not known"
    NO_WAY_BACK = "no way back"
    MIGRATION = "blocked by a migration"
    CHANGED_SINCE = "changed since"


@dataclass(frozen=True, slots=True)
class WaveSize:
    """The size of a wave: a count, or a share of all targets in percent, or the rest."""

    count: int = 0
    percent: float = 0.0

    def __str__(self) -> str:
        if self.count:
            return str(self.count)
        return f"{self.percent:g}%" if self.percent else "rest"


REST = WaveSize()


@dataclass(frozen=True, slots=True)
class Way:
    """How a rollout goes: its waves, caps, rests and its stop rule.

    `max_failed` is how many targets of a wave may fail, or `max_failed_percent` of them where that isn't 0, rounded
    down; in the first wave, the canary, none may. `in_a_row` so many failures one after the other stop it in any case;
    0 for never. Unreachable counts as failed. `bake` is in seconds: how long a new container must stay well after it
    took over. `health_limit`, in seconds, takes the place of how long each environment waits for health; 0 leaves that
    to them. With `prefetch` images are brought to all engines before the first wave, where more than one engine lacks
    its image. It pauses after the canary, after every wave, or after those in `pause_after`, counted from 1. With
    `resumes` it goes on by itself where it waits for nothing but a window to open, or a freeze to end.
    """

    waves: tuple[WaveSize, ...] = (WaveSize(count=1), WaveSize(percent=5), WaveSize(percent=25), REST)
    at_once: int = 8
    at_once_per_engine: int = 2
    bake: float = 60.0
    max_failed: int = 2
    pause_after_canary: bool = True
    prefetch: bool = True
    pulls_per_engine: int = 2
    pulls_per_registry: int = 6
    canary: Canary = FIRST_THAT_RUN_WELL
    max_failed_percent: float = 0.0
    in_a_row: int = 0
    health_limit: float = 0.0
    pause_after_every: bool = False
    pause_after: tuple[int, ...] = ()
    on_failure: OnFailure = OnFailure.PUT_BACK
    resumes: bool = False

    def allowed_failures(self, wave: int, waves: int, size: int) -> int:
        """How many targets of a wave of this size may fail before the rollout pauses. A share becomes a count here."""
        if wave == 0 and waves > 1:
            return 0
        # To a millionth: that 7 % of 100 targets are 7 is not for binary fractions to decide.
        share = math.floor(round(size * self.max_failed_percent / 100, 6))
        return share if self.max_failed_percent else self.max_failed

    def pauses_after(self, wave: int, waves: int) -> bool:
        """Whether a person is waited for after a wave, counted from 0. Never after the last one."""
        if wave >= waves - 1:
            return False
        return self.pause_after_every or (self.pause_after_canary and wave == 0) or wave + 1 in self.pause_after


@dataclass(frozen=True, slots=True)
class TakenFrom:
    """Whose lock on an environment was taken over, and by what its containers are known on the engine."""

    holder: str
    rollout_id: str
    environment_id: str
    """The environment's identity in the other console's catalog."""


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """What a plan does to one environment. All of it is fixed: a tag that moves later changes nothing."""

    environment_id: str
    process: str
    application_id: str
    application: str
    environment: str
    engine_id: str
    engine: str
    container: str
    change: Change
    swap: Swap
    before_title: str
    before_fingerprint: str
    before_container_id: str
    before_image_id: str
    after_title: str
    after_fingerprint: str
    """Empty where only the digest is known: then that proves it."""
    reference: str
    """What is pulled: repository and digest."""
    settings: Settings
    image_bytes: int | None = None
    skips: int = 0
    """How many releases lie between."""
    engine_at_once: int = 16
    """How many swaps its engine takes side by side; the way may allow fewer."""
    wave: int = 0
    taken_from: TakenFrom | None = None
    """Where nothing is rolled out: the lock was taken over, and what the other console left is brought to an end."""
    canary: CanaryRule | None = None
    """Why it is in the first of several waves; None for the others."""
    way_back: WayBack | None = None
    """Whether there is a way back from what is planned to what runs; None in a plan of before that was told."""
    before_settings: Settings | None = None
    """What the old container was made of, where that isn't what is planned."""
    image_id: str = ""
    """What the planned image is called on its engine, where it was seen there: then no registry is needed."""
    preparation: Preparation | None = None
    """The backup and the release command that come before anything that serves is changed."""
    changes: tuple[Difference, ...] = ()
    """The settings that become others: `applied` as they are now, `observed` as planned. Secrets only as changed."""
    window: str = ""
    """The windows and freezes that counted for it when the rollout started, in words; empty where none did."""
    companions: tuple[PlannedProcess, ...] = ()
    """The other processes of the environment, in the order in which they follow the one that serves."""

    @property
    def digest(self) -> str:
        """The digest that is pulled; empty where none is."""
        return self.reference.rpartition("@")[2]

    @property
    def fetched_by(self) -> str:
        """By what its image is asked for where it may have to be brought: what is pulled, or the fingerprint where no
        registry is known to have it. Empty where it is known to be on the engine, and no registry is to be asked."""
        there = bool(self.image_id) or self.change is Change.SETTINGS
        return self.reference or ("" if there else self.after_fingerprint)

    def is_met_by(self, image: Image) -> bool:
        """Whether an image that its engine has is the planned one: by the fingerprint, or by the digest."""
        return is_image(self.after_fingerprint, self.digest, image)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An environment that was asked for and is not in the plan, and why."""

    environment_id: str
    application: str
    reason: Reason
    words: str


@dataclass(frozen=True, slots=True)
class RollbackOf:
    """Which rollout a plan takes back, and how much of it, in words."""

    rollout_id: str
    fingerprint: str
    part: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rollout would do. It covers one environment name; `fingerprint` stands for all that it fixes."""

    id: str
    made_at: datetime
    made_by: str
    environment: str
    targets: tuple[PlannedTarget, ...]
    left_out: tuple[LeftOut, ...]
    way: Way
    fingerprint: str
    rollback_of: RollbackOf | None = None

    @property
    def kind(self) -> str:
        """What kind of plan it is, where it is a special one: ``rollback of 7F3A-9102, all``."""
        of = self.rollback_of
        if of:
            return f"rollback of {of.fingerprint}, {of.part}"
        return "settings only" if self.targets and all(one.change is Change.SETTINGS for one in self.targets) else ""

    @property
    def valid_until(self) -> datetime:
        """When the plan is too old to start."""
        return self.made_at + VALID_FOR

    @property
    def waves(self) -> tuple[tuple[PlannedTarget, ...], ...]:
        """The targets wave by wave."""
        count = max((target.wave for target in self.targets), default=-1) + 1
        return tuple(tuple(target for target in self.targets if target.wave == wave) for wave in range(count))

    @property
    def canary_words(self) -> str:
        """Who goes first and why; empty where all go in one wave."""
        first = [target for target in self.targets if target.canary is not None]
        rule = first[0].canary if first else None
        return canary_words(self.way.canary, rule, [target.application for target in first])

    @property
    def engine_ids(self) -> tuple[str, ...]:
        """The engines that are touched, in order of their first target."""
        return tuple(dict.fromkeys(target.engine_id for target in self.targets))


def why_nothing(plan: Plan) -> str:
    """Why a plan changes nothing: of one environment in its own words, of several as `left_out_words`."""
    if len(plan.left_out) == 1:
        only = plan.left_out[0]
        return f"The plan changes nothing: {only.application} is left out, {only.reason}: {only.words.rstrip('.')}."
    told = left_out_words(plan)
    return f"The plan changes nothing: {told}." if told else "The plan changes nothing."


def left_out_words(plan: Plan) -> str:
    """The reasons for which environments are left out, the most frequent first: ``2 unreachable, 1 no release``."""
    reasons = Counter(one.reason for one in plan.left_out)
    return ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())


def number_to_type(targets: int, *, overridden: bool = False) -> int | None:
    """The number that a person types before so many targets are changed; None where none is asked for.

    Where a check is overridden, it is asked for however few they are.
    """
    return targets if targets > TYPED_ABOVE or (overridden and targets) else None


def way_problems(way: Way) -> list[Problem]:
    """Everything wrong with a way."""
    found = []
    if not way.waves or way.waves[-1] != REST:
        found.append(Problem("waves", "the last wave is 'rest', so that no target is left over"))
    if any(size.count < 0 or not 0 <= size.percent <= 100 for size in way.waves):
        found.append(Problem("waves", "a wave is a count, or a share from 0% to 100%"))
    if not 1 <= way.at_once <= 64 or not 1 <= way.at_once_per_engine <= 16:
        found.append(Problem("at once", "1 to 64 targets at once, 1 to 16 of them on one engine"))
    if not 1 <= way.pulls_per_engine <= 16 or not 1 <= way.pulls_per_registry <= 64:
        found.append(Problem("pulls", "1 to 16 pulls at once to one engine, 1 to 64 from one registry"))
    if not 0 <= way.bake <= 24 * 3600:
        found.append(Problem("bake", "0 seconds to a day"))
    if way.max_failed < 0 or not 0 <= way.max_failed_percent <= 100:
        found.append(Problem("max failed", "0 or more targets, or a share up to 100%"))
    if not 0 <= way.in_a_row <= 1000:
        found.append(Problem("in a row", "1 to 1000 failures, or 0 for no such rule"))
    if not 0 <= way.health_limit <= 24 * 3600:
        found.append(Problem("health limit", "up to a day, or 0 for what each environment says"))
    if any(wave < 1 for wave in way.pause_after):
        found.append(Problem("pause after", "waves are counted from 1"))
    return found


def stops_at(allowed: int, size: int) -> str:
    """The arithmetic of a wave's stop rule: ``stops at 3 of 50``."""
    return f"stops at {allowed + 1} of {size}" if allowed < size else f"never stops: all {size} may fail"


def wave_counts(sizes: Sequence[WaveSize], targets: int) -> tuple[int, ...]:
    """How many targets each wave gets. Shares are rounded up; empty waves are left out; the sum is `targets`."""
    counts: list[int] = []
    left = targets
    for size in sizes:
        if size == REST:
            wanted = left
        elif size.count:
            wanted = size.count
        else:
            wanted = math.ceil(targets * size.percent / 100)
        taken = min(left, wanted)
        if taken:
            counts.append(taken)
        left -= taken
    if left:
        counts.append(left)
    return tuple(counts)


def planned(cell: Cell, releases: Sequence[Release] = (), holders: Holders = NOBODY) -> PlannedTarget | LeftOut:
    """What a plan does to one environment, from what is known of it; or why it is left out.

    `releases` are all of the source's: they tell what may not be skipped, and what was withdrawn. `holders` are asked
    for an image that no registry is known to have: the engine may have it already, or another one gives it.
    """

    def left_out(reason: Reason, words: str) -> LeftOut:
        return LeftOut(cell.environment.id, cell.application.name, reason, words)

    expected, seen = cell.expected, cell.observation
    if isinstance(expected, NoExpectation):
        return left_out(Reason.NO_EXPECTATION, expected.why)
    if unfit := not_now(cell):
        return left_out(*unfit)
    if seen is None:
        raise ValueError("what was never checked isn't planned")
    if cell.alignment is Alignment.UNKNOWN:
        why = cell.likeness.why if cell.likeness is not None and cell.likeness.why else UNREAD.why
        return left_out(Reason.UNKNOWN_IMAGE, f"it can't be told what runs there: {why}")
    change = _change(cell)
    if change is None:
        return left_out(Reason.NOTHING_TO_DO, f"it runs {cell.expected_title} with these settings")
    release = expected.release
    refusal = _refused(cell, release, releases) if change is not Change.SETTINGS else None
    if refusal is not None:
        return left_out(*refusal)
    reference = release.reference if release else ""
    there = {} if reference or change is Change.SETTINGS else holders.get(expected.fingerprint, {})
    if not reference and not there and change is not Change.SETTINGS:
        words = "no digest is known under which a registry has this image, and no engine is known to have it"
        return left_out(Reason.NO_DIGEST, words)
    return PlannedTarget(
        environment_id=cell.environment.id,
        process=cell.environment.processes[0].name,
        application_id=cell.application.id,
        application=cell.application.name,
        environment=cell.environment.name,
        engine_id=cell.environment.engine_id,
        engine=cell.engine_name,
        container=cell.environment.container,
        change=change,
        swap=swap_for(cell.environment.settings, present=seen.present),
        before_title=cell.running_title,
        before_fingerprint=seen.fingerprint,
        before_container_id=seen.container_id,
        before_image_id=seen.image_id,
        after_title=cell.expected_title,
        after_fingerprint=expected.fingerprint,
        reference=reference,
        settings=cell.environment.settings,
        image_bytes=release.size if release else None,
        skips=max(0, (cell.behind or 0) - 1),
        engine_at_once=cell.engine_at_once,
        way_back=_way_back(cell, release, releases),
        image_id=there.get(cell.environment.engine_id, ""),
        companions=planned_beside(cell),
    )


def planned_beside(cell: Cell) -> tuple[PlannedProcess, ...]:
    """What is done to the processes beside the one that serves: each is made anew, in the image that is planned.

    What is there still of those that are declared no more is taken away.
    """
    environment = cell.environment
    known = {one.name: one for one in environment.going}
    going = tuple(
        PlannedProcess(
            seen.process,
            known[seen.process].container,
            settings_for(environment, known[seen.process]),
            known[seen.process].worker,
            seen.container_id,
            seen.image_id,
            goes=True,
        )
        for seen in cell.going
    )
    staying = tuple(
        PlannedProcess(
            process.name,
            process.container,
            settings_for(environment, process),
            process.worker,
            seen.container_id if seen is not None else "",
            seen.image_id if seen is not None else "",
        )
        for process, seen in zip(environment.processes[1:], cell.beside, strict=True)
    )
    return (*staying, *going)


def not_now(cell: Cell) -> tuple[Reason, str] | None:
    """Why nothing can be planned for an environment now, whatever is wished: too little is known, or it is busy."""
    # Of a lock of others the checks say whose it is: it may be gone by the time that it matters.
    if cell.activity not in {Activity.IDLE, Activity.LOCKED}:
        return Reason.BUSY, "a rollout is queued, running or interrupted here"
    if cell.knowledge is Knowledge.NO_ACCESS:
        return Reason.NO_ACCESS, f"account {cell.application.account} has no credential on its engine"
    if cell.knowledge is Knowledge.UNREACHABLE:
        words = cell.contact.words if cell.contact and cell.contact.words else "its engine can't be reached"
        return Reason.UNREACHABLE, words
    if cell.knowledge in {Knowledge.STALE, Knowledge.NEVER} or cell.observation is None:
        return Reason.NOT_CHECKED, "check it first: what runs there is not known, or from too long ago"
    return None


def _way_back(cell: Cell, release: Release | None, releases: Sequence[Release]) -> WayBack:
    """Whether there will be a way back to what runs now. The old container is kept, and its image with it."""
    seen = cell.observation
    if seen is None or not seen.present:
        return WayBack.NOTHING_BEFORE
    if release is not None and way_back_over(releases, seen.fingerprint, release.identity):
        return WayBack.BLOCKED
    return WayBack.KEPT if seen.fingerprint else WayBack.GONE


def _refused(cell: Cell, release: Release | None, releases: Sequence[Release]) -> tuple[Reason, str] | None:
    """Why a release may not come next here, by what a person said of it or of one before it."""
    if release is None:
        return None
    if release.withdrawn:
        words = f"{release.title} was withdrawn{_because(release)}; hold another release, or have the source go back"
        return Reason.WITHDRAWN, words
    own = [one for one in releases if one.environment_id == release.environment_id]
    running = cell.observation.fingerprint if cell.observation else ""
    stop = next(iter(passage(own, running, release.identity).stops), None)
    if stop is None:
        return None
    words = f"{stop.title} comes first: it is marked '{Mark.STOP_HERE}'{_because(stop)}"
    return Reason.STOP_FIRST, f"{words}. Hold it at {stop.title}, roll that out, then end the hold"


def _because(release: Release) -> str:
    return f" ({release.remark.rstrip('.')})" if release.remark else ""


def _change(cell: Cell) -> Change | None:
    match cell.alignment:
        case Alignment.ALIGNED | Alignment.UNKNOWN | Alignment.NO_RELEASE:
            return Change.SETTINGS if cell.pending else None
        case Alignment.BEHIND:
            return Change.UPDATE
        case Alignment.AHEAD:
            return Change.DOWNGRADE
        case Alignment.DRIFTED:
            return Change.SETTINGS if cell.drift in SAME_IMAGE else Change.REPLACE
        case Alignment.MISSING:
            # With several processes it may be another one that is missing.
            there = cell.observation is not None and cell.observation.present
            return Change.REPLACE if there else Change.CREATE
        case _:
            assert_never(cell.alignment)


def make_plan(
    plan_id: str,
    environment: str,
    cells: Sequence[Cell],
    way: Way,
    made_by: str,
    now: datetime,
    releases: Mapping[str, Sequence[Release]] = MappingProxyType({}),
    holders: Holders = NOBODY,
    fate: Callable[[Cell, Sequence[Release]], PlannedTarget | LeftOut] | None = None,
) -> Plan:
    """Fix what a rollout over these cells would do. The order of cells is the order of the waves, the canary before.

    `releases` are those of each source, by its identity. `fate` is what is done to one; without it, as `planned` says.
    """
    fate = fate or (lambda cell, releases: planned(cell, releases=releases, holders=holders))
    outcomes = [(cell, fate(cell, releases.get(cell.application.source_id, ()))) for cell in cells]
    targets = [(outcome, _traits(cell)) for cell, outcome in outcomes if isinstance(outcome, PlannedTarget)]
    left_out = tuple(outcome for _, outcome in outcomes if isinstance(outcome, LeftOut))
    ordered, rule, named = put_first(way.canary, targets)
    counts = wave_counts((WaveSize(count=named), *way.waves[1:]) if named else way.waves, len(targets))
    placed: list[PlannedTarget] = []
    rest = iter(ordered)
    for wave, count in enumerate(counts):
        why = rule if wave == 0 and len(counts) > 1 else None
        placed.extend(replace(next(rest), wave=wave, canary=why) for _ in range(count))
    return Plan(plan_id, now, made_by, environment, tuple(placed), left_out, way, plan_fingerprint(placed, way))


_WELL = frozenset({Status.ALIGNED, Status.BEHIND, Status.AHEAD, Status.DRIFTED})
"""The states of what was seen lately and runs."""


def _traits(cell: Cell) -> Traits:
    return Traits(cell.application.slug, cell.application.tags, cell.status in _WELL)


def plan_fingerprint(targets: Sequence[PlannedTarget], way: Way) -> str:
    """A short hash over targets, identities, settings, the observations they were made from, and the way."""
    content = [
        [
            target.environment_id,
            target.process,
            target.engine_id,
            target.container,
            target.swap,
            target.before_container_id,
            target.before_fingerprint,
            target.after_fingerprint,
            target.reference,
            target.settings.hash,
            target.wave,
            *([target.image_id] if target.image_id else []),
            *([repr(target.preparation)] if target.preparation else []),
            *([repr(target.companions)] if target.companions else []),
        ]
        for target in targets
    ]
    text = json.dumps([content, repr(way)])
    digest = hashlib.sha256(text.encode()).hexdigest().upper()
    return f"{digest[:4]}-{digest[4:8]}"
