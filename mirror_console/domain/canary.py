"""The canary: which targets of a rollout go first, and by which rule they were chosen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class CanaryRule(StrEnum):
    """How the first targets were chosen. The words are those of plans and screens."""

    NAMED = "chosen by name"
    TAGGED = "chosen by tag"
    FIRST_WELL = "the first that run well"


@dataclass(frozen=True, slots=True)
class Canary:
    """Which targets a person wants to go first: mirrors by their slug, or those with a tag.

    With neither they are the first in the order given that are healthy and were seen lately: what was ill before tells
    nothing of the release. Named mirrors are the whole first wave, however many; of tagged ones go as many as it takes.
    """

    mirrors: tuple[str, ...] = ()
    tag: str = ""

    def __str__(self) -> str:
        return ", ".join(self.mirrors) or (f"tag:{self.tag}" if self.tag else "first")


FIRST_THAT_RUN_WELL = Canary()


@dataclass(frozen=True, slots=True)
class Traits:
    """What the rules ask of a target."""

    slug: str
    tags: Collection[str]
    well: bool


def put_first(canary: Canary, targets: Sequence[tuple[T, Traits]]) -> tuple[list[T], CanaryRule, int]:
    """Targets in the order in which they go, the rule, and how many it named: 0 where it leaves that to the wave.

    A rule that none of them meets, as those that were named have nothing to do, gives way to the last.
    """
    rule = CanaryRule.FIRST_WELL
    first = [traits.well for _, traits in targets]
    if canary.mirrors and any(traits.slug in canary.mirrors for _, traits in targets):
        rule = CanaryRule.NAMED
        first = [traits.slug in canary.mirrors for _, traits in targets]
    elif canary.tag and any(canary.tag in traits.tags for _, traits in targets):
        rule = CanaryRule.TAGGED
        first = [canary.tag in traits.tags for _, traits in targets]
    chosen = [target for (target, _), goes in zip(targets, first, strict=True) if goes]
    others = [target for (target, _), goes in zip(targets, first, strict=True) if not goes]
    return [*chosen, *others], rule, len(chosen) if rule is CanaryRule.NAMED else 0


def canary_words(canary: Canary, rule: CanaryRule | None, names: Sequence[str]) -> str:
    """Who goes first and why, in one sentence: ``Dunes Bakery goes first: chosen by tag 'early'``.

    Says so where what was asked for could not be had.
    """
    if rule is None or not names:
        return ""
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    verb = "goes" if len(names) == 1 else "go"
    match rule:
        case CanaryRule.NAMED:
            why = "chosen by name"
        case CanaryRule.TAGGED:
            why = f"chosen by tag '{canary.tag}'"
        case CanaryRule.FIRST_WELL:
            why = "the first that runs well" if len(names) == 1 else "the first that run well"
            if canary.mirrors or canary.tag:
                why += f", as nothing changes where '{canary}' says"
    return f"{shown} {verb} first: {why}"
