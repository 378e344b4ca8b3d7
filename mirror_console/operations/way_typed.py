"""The way of a rollout as it is typed: who goes first, how many may fail, after what it pauses. And back into texts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mirror_console.domain.canary import Canary
from mirror_console.domain.plan import Plan
from mirror_console.domain.way import OnTrip, Way
from mirror_console.operations.typed import parse_list

NEVER, CANARY, EVERY = "never", "canary", "every"
NO_RULE = "none"
_TAG = "tag:"


@dataclass(frozen=True, slots=True)
class Allowed:
    """How many targets of a wave may fail: a count, or a share in percent where that isn't 0."""

    count: int = 0
    percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Pauses:
    """After what a rollout pauses; `waves` are counted from 1."""

    canary: bool = False
    every: bool = False
    waves: tuple[int, ...] = ()


def parse_canary(text: str) -> Canary:
    """Who goes first: mirrors by slug, ``tag:early``, or ``first`` for those that run well. Raises ValueError."""
    word = text.strip()
    if word.lower() in {"", "first"}:
        return Canary()
    if not word.lower().startswith(_TAG):
        return Canary(mirrors=parse_list(word))
    tag = word[len(_TAG) :].strip()
    if not tag or "," in tag:
        raise ValueError(f"'{word}' is not one tag: write tag:early")
    return Canary(tag=tag)


def parse_allowed(text: str) -> Allowed:
    """How many of a wave may fail: ``2``, or a share such as ``5%``. Raises ValueError."""
    word = text.strip()
    if re.fullmatch(r"[0-9]{1,6}", word):
        return Allowed(count=int(word))
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?\s*%", word) and 0 < float(word.rstrip("% ")) <= 100:
        return Allowed(percent=float(word.rstrip("% ")))
    raise ValueError(f"'{word}' is neither a count nor a share: write 2 or 5%, 0 for none")


def allowed_text(way: Way) -> str:
    """The same as it is typed."""
    return f"{way.max_failed_percent:g}%" if way.max_failed_percent else str(way.max_failed)


def parse_in_all(text: str) -> Allowed | None:
    """How many of all targets may fail: ``8``, or a share such as ``2%``; nothing or ``none`` for no such rule. Raises
    ValueError."""
    return None if text.strip().lower() in {"", NO_RULE} else parse_allowed(text)


def in_all_text(way: Way) -> str:
    """The same as it is typed."""
    if way.max_failed_in_all_percent:
        return f"{way.max_failed_in_all_percent:g}%"
    return "" if way.max_failed_in_all is None else str(way.max_failed_in_all)


def parse_pauses(text: str) -> Pauses:
    """After what it pauses: ``never``, ``canary``, ``every``, or waves such as ``1, 3``. Raises ValueError."""
    word = text.strip().lower()
    if word in {NEVER, CANARY, EVERY}:
        return Pauses(canary=word == CANARY, every=word == EVERY)
    waves = parse_list(word)
    if not waves or not all(re.fullmatch(r"[1-9][0-9]{0,2}", wave) for wave in waves):
        raise ValueError(f"'{text.strip()}' are no waves: write their numbers, such as 1, 3; or never, canary or every")
    return Pauses(waves=tuple(sorted({int(wave) for wave in waves})))


def pauses_text(way: Way) -> str:
    """The same as it is typed."""
    if way.pause_after_every:
        return EVERY
    if not way.pause_after:
        return CANARY if way.pause_after_canary else NEVER
    return ", ".join(map(str, sorted({*way.pause_after, *([1] if way.pause_after_canary else [])})))


def rules_text(plan: Plan) -> str:
    """Who goes first, what stops and what pauses the rollout of a plan, for its report."""
    way = plan.way
    parts = [f"{allowed_text(way)} may fail in a wave"]
    if in_all := in_all_text(way):
        parts.append(f"{in_all} in all")
    if way.in_a_row:
        parts.append(f"{way.in_a_row} in a row stop it")
    if way.on_trip is not OnTrip.PAUSE:
        parts.append(f"if that stops it: {way.on_trip}")
    if way.health_limit:
        parts.append(f"{way.health_limit:g} s for health")
    if len(plan.waves) > 1:
        parts.append(f"pauses after: {pauses_text(way)}")
        parts.append(plan.canary_words)
    return "; ".join(part for part in parts if part)
