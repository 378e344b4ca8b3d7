"""The way of a rollout as it is typed and told: presets, waves as text, and what they come to in numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mirror_console.domain.canary import FIRST_THAT_RUN_WELL
from mirror_console.domain.way import REST, OnFailure, WaveSize, Way, stops_at, wave_counts, way_problems
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.typed import parse_waves, parsed
from mirror_console.operations.way_typed import (
    Allowed,
    Pauses,
    allowed_text,
    parse_allowed,
    parse_canary,
    parse_pauses,
    pauses_text,
)
from mirror_console.ui.words import count, number, tr


@dataclass(frozen=True, slots=True)
class WayTexts:
    """A way as its form holds it: texts as they were typed."""

    waves: str
    at_once: str
    at_once_per_engine: str
    bake: str
    max_failed: str
    pauses: str
    pulls_per_registry: str = "6"
    pulls_per_engine: str = "2"
    prefetch: bool = True
    canary: str = ""
    in_a_row: str = ""
    health_limit: str = ""
    on_failure: str = str(OnFailure.PUT_BACK)
    resumes: bool = False


def read_way(texts: WayTexts) -> Way:
    """The way that was typed. Raises InvalidInput; the fields of its problems are the names of WayTexts."""
    problems: list[Problem] = []

    def whole(field: str, text: str, what: str) -> int:
        if text.strip().isascii() and text.strip().isdigit():
            return int(text)
        problems.append(Problem(field, what))
        return 0

    try:
        waves = read_waves(texts.waves)
    except InvalidInput as error:
        problems.extend(error.problems)
        waves = (REST,)
    at_once = whole("at_once", texts.at_once, tr("Type a number from 1 to 64."))
    per_engine = whole("at_once_per_engine", texts.at_once_per_engine, tr("Type a number from 1 to 16."))
    allowed = parsed(problems, "max_failed", parse_allowed, texts.max_failed, Allowed())
    in_a_row = whole("in_a_row", texts.in_a_row or "0", tr("Type a number, or nothing for no such rule."))
    pauses = parsed(problems, "pauses", parse_pauses, texts.pauses, Pauses())
    canary = parsed(problems, "canary", parse_canary, texts.canary, FIRST_THAT_RUN_WELL)
    per_registry = whole("pulls_per_registry", texts.pulls_per_registry, tr("Type a number from 1 to 64."))
    pulls = whole("pulls_per_engine", texts.pulls_per_engine, tr("Type a number from 1 to 16."))
    bake = read_span(texts.bake)
    if bake is None:
        problems.append(Problem("bake", tr("Type a time such as 30 s, 5 min or 1 h.")))
    health_limit = read_span(texts.health_limit) if texts.health_limit.strip() else 0.0
    if health_limit is None:
        problems.append(Problem("health_limit", tr("Type a time such as 2 min, or nothing.")))
    if problems:
        raise InvalidInput(tr("The way can't be read."), problems)
    way = Way(
        waves,
        at_once,
        per_engine,
        bake or 0.0,
        allowed.count,
        pauses.canary,
        texts.prefetch,
        pulls,
        per_registry,
        canary=canary,
        max_failed_percent=allowed.percent,
        in_a_row=in_a_row,
        health_limit=health_limit or 0.0,
        pause_after_every=pauses.every,
        pause_after=pauses.waves,
        on_failure=OnFailure(texts.on_failure),
        resumes=texts.resumes,
    )
    # The rules of the domain name what they judge in words; the form knows its fields by name.
    fields = {
        "at once": "at_once",
        "max failed": "max_failed",
        "pulls": "pulls_per_registry",
        "in a row": "in_a_row",
        "health limit": "health_limit",
        "pause after": "pauses",
    }
    if found := way_problems(way):
        again = [Problem(fields.get(problem.field, problem.field), problem.words) for problem in found]
        raise InvalidInput(tr("This way can't be gone."), again)
    return way


def way_texts(way: Way) -> WayTexts:
    """A way as its form shows it."""
    return WayTexts(
        waves_text(way.waves),
        str(way.at_once),
        str(way.at_once_per_engine),
        span_text(way.bake),
        allowed_text(way),
        pauses_text(way),
        str(way.pulls_per_registry),
        str(way.pulls_per_engine),
        way.prefetch,
        "" if way.canary == FIRST_THAT_RUN_WELL else str(way.canary),
        str(way.in_a_row) if way.in_a_row else "",
        span_text(way.health_limit) if way.health_limit else "",
        str(way.on_failure),
        way.resumes,
    )


def read_waves(text: str) -> tuple[WaveSize, ...]:
    """Waves as they are typed: ``1, 5%, 25%, rest``. Raises InvalidInput with the part that isn't a wave."""
    try:
        return parse_waves(text)
    except ValueError as error:
        raise InvalidInput(tr("These are not waves."), [Problem("waves", f"{error}.")]) from error


def waves_text(waves: tuple[WaveSize, ...]) -> str:
    """Waves as they are typed."""
    return ", ".join(str(size) for size in waves)


def in_numbers(way: Way, targets: int) -> str:
    """What the waves come to: ``1 + 19 + 97 in 3 waves``."""
    counts = wave_counts(way.waves, targets)
    if not counts:
        return tr("no target")
    if len(counts) == 1:
        return tr("{} in one wave").format(count(targets, "target", "targets"))
    return tr("{} in {} waves").format(" + ".join(number(value) for value in counts), len(counts))


def way_words(way: Way, targets: int) -> str:
    """A way in one sentence, with its numbers."""
    counts = wave_counts(way.waves, targets)
    parts = [in_numbers(way, targets)]
    if pauses := pause_words(way, len(counts)):
        parts.append(pauses)
    parts.append(tr("{} at once, {} per engine").format(way.at_once, way.at_once_per_engine))
    if way.prefetch:
        parts.append(tr("images first, {} pulls from a registry").format(way.pulls_per_registry))
    parts.append(tr("no bake") if not way.bake else tr("bake {}").format(span_text(way.bake)))
    if way.health_limit:
        parts.append(tr("waits {} for health").format(span_text(way.health_limit)))
    parts.append(stop_words(way, counts))
    if way.on_failure is not OnFailure.PUT_BACK:
        parts.append(tr("who fails: {}").format(tr(way.on_failure)))
    if way.resumes:
        parts.append(tr("goes on by itself when a window opens"))
    return " · ".join(parts)


def pause_words(way: Way, waves: int) -> str:
    """After which of its waves a way pauses; empty where it never does."""
    after = [wave for wave in range(waves) if way.pauses_after(wave, waves)]
    if not after:
        return ""
    if len(after) == waves - 1 and len(after) > 1:
        return tr("pause after every wave")
    if after == [0]:
        return tr("pause after the first")
    return tr("pause after wave {}").format(", ".join(number(wave + 1) for wave in after))


def stop_words(way: Way, counts: Sequence[int]) -> str:
    """The arithmetic of the stop rule for waves of these sizes: ``canary stops at 1 of 1; then stops at 3 of 50``."""
    if not counts:
        return tr("no target")
    allowed = [way.allowed_failures(wave, len(counts), size) for wave, size in enumerate(counts)]
    parts = [stops_at(allowed[0], counts[0])]
    if len(counts) > 1:
        later = list(dict.fromkeys(zip(allowed[1:], counts[1:], strict=True)))
        stops = ", ".join(f"{most + 1} of {size}" for most, size in later if most < size)
        parts = [tr("canary {}").format(parts[0])]
        if stops:
            parts.append(tr("then stops at {}").format(stops))
        parts += [tr("in a wave of {} all may fail").format(number(size)) for most, size in later if most >= size]
    if way.in_a_row:
        parts.append(tr("stops at {} in a row").format(number(way.in_a_row)))
    return "; ".join(parts)


_UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}


def read_span(text: str) -> float | None:
    """Seconds that were typed as ``30``, ``30 s``, ``5 min`` or ``1 h``. None where it is no time."""
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]+)?)\s*([a-z]*)", text.strip().lower())
    if match is None or match[2] not in _UNITS:
        return None
    return float(match[1]) * _UNITS[match[2]]


def span_text(seconds: float) -> str:
    """Seconds as they are typed."""
    if seconds and seconds % 3600 == 0:
        return f"{seconds / 3600:g} h"
    if seconds and seconds % 60 == 0:
        return f"{seconds / 60:g} min"
    return f"{seconds:g} s"
