"""A check: one question asked before a rollout, and its answer with reason and remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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


class Answer(StrEnum):
    """The answers, worst last."""

    PASS = "pass"  # noqa: S105 - the answer to a check, not a password
    WARNING = "warning"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"


UNKNOWN_ONLY_WARNS = frozenset({Check.DISK, Check.HEALTHY_NOW, Check.WAY_BACK})
"""Checks that may go unanswered: the docker engine tells no free disk space, and health may not have been seen yet."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer to one check. `environment_id` empty: it concerns the whole rollout, or the engine in `engine_id`."""

    check: Check
    answer: Answer
    words: str
    remedy: str = ""
    environment_id: str = ""
    engine_id: str = ""

    @property
    def blocks(self) -> bool:
        """Whether nothing may be changed while this is the answer."""
        if self.answer is Answer.UNKNOWN:
            return self.check not in UNKNOWN_ONLY_WARNS
        return self.answer is Answer.BLOCKED


@dataclass(frozen=True, slots=True)
class Checked:
    """All answers for a plan."""

    results: tuple[CheckResult, ...]

    def of(self, environment_id: str) -> tuple[CheckResult, ...]:
        """The answers that concern one target, those for the whole rollout left out."""
        return tuple(result for result in self.results if result.environment_id == environment_id)

    @property
    def blocking(self) -> tuple[CheckResult, ...]:
        """The answers that block something."""
        return tuple(result for result in self.results if result.blocks)

    @property
    def blocks_all(self) -> bool:
        """Whether the whole rollout may not start."""
        return any(result.blocks and not result.environment_id for result in self.results)

    def blocked(self, environment_ids: Iterable[str]) -> frozenset[str]:
        """Those of the targets that may not be changed."""
        return frozenset(environment_ids) & {result.environment_id for result in self.blocking}

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """The answers that ask for a look."""
        return tuple(
            result for result in self.results if not result.blocks and result.answer in {Answer.WARNING, Answer.UNKNOWN}
        )
