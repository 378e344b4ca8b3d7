"""A check: one question asked before a rollout, its answer with reason and remedy, and a person's word over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Check(StrEnum):
    """The questions. The value is how the question is called on the screens."""

    PLAN_CURRENT = "plan is current"
    SOMETHING_TO_DO = "something to do"
    MAY_WRITE = "console may write"
    OTHER_ROLLOUT = "no other rollout here"
    REACHABLE = "engine reachable"
    API = "API version supported"
    ENGINE_KIND = "engine kind supported"
    PULLABLE = "image can be had"
    PLATFORM = "platform fits"
    DISK = "disk space"
    RELEASE_ORDER = "release may come next"
    SETTINGS = "settings complete"
    NAMES = "names free or ours"
    PORTS = "ports free or ours"
    ROUTE = "route is there"
    SHAPE = "container can be made again"
    WAY_BACK = "way back exists"
    LOCK = "lock is free"
    HEALTHY_NOW = "healthy now"
    DRIFT = "no changes by hand"
    HOLD = "no hold against it"
    WINDOW = "inside its window"
    FREEZE = "no freeze"
    RELEASE_COMMAND = "release command declared"
    BACKUP = "backup before it"
    SAME_ENGINE = "same engine as before"
    CREDENTIALS = "credentials valid"
    PERMISSION = "engine may be changed"
    CLOCK = "clocks agree"
    ENGINE_HEALTH = "engine is well"
    CAPACITY = "limits fit the host"
    VALUES = "values filled in"
    ISOLATION = "data stays apart"
    VOLUMES = "volumes are there"
    NETWORKS = "networks are there, once"
    SERVICES = "services answer"
    HEALTH_CHECK = "health is checked"
    STOPPING = "stops in time"
    SERVICE = "service can be updated"
    SERVICE_SETTINGS = "settings come to the service"
    SOURCE_PROOF = "source runs it well"
    TEST_PROOF = "proved on test before"
    CONSOLE_HEALTH = "this console is well"
    STAYS_AWAKE = "this computer stays awake"
    PLAN_SANITY = "waves and stop rule fit"

    @property
    def id(self) -> str:
        """What it is called on the command line and in JSON, and where its page in the help is: ``way-back``."""
        return self.name.lower().replace("_", "-")


class Answer(StrEnum):
    """The answers, worst last."""

    PASS = "pass"  # noqa: S105 - the answer to a check, not a password
    INFORMATION = "information"
    """Worth knowing; nothing has to be done about it."""
    WARNING = "warning"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"


UNKNOWN_ONLY_WARNS = frozenset(
    {
        Check.DISK,
        Check.HEALTHY_NOW,
        Check.WAY_BACK,
        Check.ISOLATION,
        Check.SERVICES,
        Check.SOURCE_PROOF,
        Check.TEST_PROOF,
        Check.CONSOLE_HEALTH,
    }
)
"""Checks that may go unanswered: not every engine tells its free disk space, health may not have been seen yet, secrets
are compared only where the keyring can be read, services can be asked only where something runs, and the engines of
the source and of tests may be away."""


FIGURES = frozenset({Check.DISK, Check.CLOCK})
"""Checks whose words hold figures that are others each time: there the answer alone makes it the same."""

AnswerKey = tuple[Check, str, Answer, str]
"""What makes two answers the same: check, environment, answer, and what it rests on."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer to one check. `environment_id` empty: it concerns the whole rollout, or the engine in `engine_id`."""

    check: Check
    answer: Answer
    words: str
    remedy: str = ""
    environment_id: str = ""
    engine_id: str = ""
    ground: str = ""
    """What the answer rests on, where its words tell what may change without it, such as a time. Empty: the words."""
    by_consent: bool = False
    """Whether this very answer is a person's to judge, though others that block of the same check are not."""

    @property
    def key(self) -> AnswerKey:
        """What makes it the same answer when it is asked again."""
        rests_on = self.ground or ("" if self.check in FIGURES else self.words)
        return (self.check, self.environment_id, self.answer, rests_on)

    @property
    def of_engine(self) -> bool:
        """Whether it concerns an engine, and none of its targets alone."""
        return bool(self.engine_id) and not self.environment_id

    @property
    def blocks(self) -> bool:
        """Whether nothing may be changed while this is the answer, as long as no person overrides it."""
        if self.answer is Answer.UNKNOWN:
            return self.check not in UNKNOWN_ONLY_WARNS
        return self.answer is Answer.BLOCKED


@dataclass(frozen=True, slots=True)
class Override:
    """A person's word that one answer is to keep nothing from being changed, and why.

    It counts for that very answer alone, in one rollout: once the check answers anything else, such as that another
    hold is in force, it counts no more.
    """

    check: Check
    answer: Answer
    environment_id: str
    """Empty: the answer concerns the whole rollout."""
    words: str
    """What the answer said."""
    ground: str
    reason: str
    person: str
    at: datetime

    @property
    def key(self) -> AnswerKey:
        """The answer that it counts for."""
        return (self.check, self.environment_id, self.answer, self.ground)


@dataclass(frozen=True, slots=True)
class Checked:
    """All answers for a plan, and those of them that a person overrides."""

    results: tuple[CheckResult, ...]
    overrides: tuple[Override, ...] = ()
    _by_key: Mapping[AnswerKey, Override] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", {override.key: override for override in self.overrides})

    def override_of(self, result: CheckResult) -> Override | None:
        """The word of a person over an answer, if there is one."""
        return self._by_key.get(result.key) if result.blocks else None

    def blocks(self, result: CheckResult) -> bool:
        """Whether an answer keeps something from being changed, and nobody overrides it."""
        return result.blocks and result.key not in self._by_key

    def of(self, environment_id: str) -> tuple[CheckResult, ...]:
        """The answers that concern one target, those for the whole rollout left out."""
        return tuple(result for result in self.results if result.environment_id == environment_id)

    @property
    def blocking(self) -> tuple[CheckResult, ...]:
        """The answers that block something, overridden ones left out."""
        return tuple(result for result in self.results if self.blocks(result))

    @property
    def blocks_all(self) -> bool:
        """Whether the whole rollout may not start."""
        return any(self.blocks(result) and not result.environment_id for result in self.results)

    def blocked(self, environment_ids: Iterable[str]) -> frozenset[str]:
        """Those of the targets that may not be changed."""
        return frozenset(environment_ids) & {result.environment_id for result in self.blocking}

    @property
    def informing(self) -> tuple[CheckResult, ...]:
        """The answers that are worth knowing and ask for nothing."""
        return tuple(result for result in self.results if result.answer is Answer.INFORMATION)

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """The answers that ask for a look."""
        return tuple(
            result for result in self.results if not result.blocks and result.answer in {Answer.WARNING, Answer.UNKNOWN}
        )
