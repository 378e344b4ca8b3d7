"""A plan: what a rollout would do, fixed before it starts."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mirror_console.domain.canary import CanaryRule, canary_words
from mirror_console.domain.environment import Settings
from mirror_console.domain.identity import is_image
from mirror_console.domain.image import Image
from mirror_console.domain.observation import Difference
from mirror_console.domain.process import PlannedProcess
from mirror_console.domain.release_command import Preparation
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import Way
from mirror_console.domain.way_back import WayBack

VALID_FOR = timedelta(minutes=15)
TYPED_ABOVE = 20
"""Above so many targets the person types their number before anything starts."""


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
    NO_SERVICE = "no such service"


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
        if self.swap is Swap.SERVICE and self.preparation is None:
            # The nodes of its Swarm have it from the registry themselves.
            return ""
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
