"""The way of a rollout as it is typed into its form, and back into texts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mirror_console.domain.canary import FIRST_THAT_RUN_WELL
from mirror_console.domain.way import REST, OnFailure, OnTrip, WaveSize, Way, way_problems
from mirror_console.domain.way_words import span_text
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.typed import parse_waves, parsed
from mirror_console.operations.way_typed import (
    Allowed,
    Pauses,
    allowed_text,
    in_all_text,
    parse_allowed,
    parse_canary,
    parse_in_all,
    parse_pauses,
    pauses_text,
)
from mirror_console.ui.words import tr


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
    in_all: str = ""
    on_trip: str = str(OnTrip.PAUSE)
    proof_days: str = "14"


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
    in_all = parsed(problems, "in_all", parse_in_all, texts.in_all, None)
    in_a_row = whole("in_a_row", texts.in_a_row or "0", tr("Type a number, or nothing for no such rule."))
    pauses = parsed(problems, "pauses", parse_pauses, texts.pauses, Pauses())
    canary = parsed(problems, "canary", parse_canary, texts.canary, FIRST_THAT_RUN_WELL)
    per_registry = whole("pulls_per_registry", texts.pulls_per_registry, tr("Type a number from 1 to 64."))
    pulls = whole("pulls_per_engine", texts.pulls_per_engine, tr("Type a number from 1 to 16."))
    proof_days = whole("proof_days", texts.proof_days, tr("Type a number from 1 to 365."))
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
        max_failed_in_all=in_all.count if in_all and not in_all.percent else None,
        max_failed_in_all_percent=in_all.percent if in_all else 0.0,
        on_trip=OnTrip(texts.on_trip),
        proof_days=proof_days,
    )
    # The rules of the domain name what they judge in words; the form knows its fields by name.
    fields = {
        "at once": "at_once",
        "max failed": "max_failed",
        "max failed in all": "in_all",
        "on trip": "on_trip",
        "pulls": "pulls_per_registry",
        "in a row": "in_a_row",
        "health limit": "health_limit",
        "pause after": "pauses",
        "proof days": "proof_days",
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
        in_all_text(way),
        str(way.on_trip),
        str(way.proof_days),
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


_UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}


def read_span(text: str) -> float | None:
    """Seconds that were typed as ``30``, ``30 s``, ``5 min`` or ``1 h``. None where it is no time."""
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]+)?)\s*([a-z]*)", text.strip().lower())
    if match is None or match[2] not in _UNITS:
        return None
    return float(match[1]) * _UNITS[match[2]]
