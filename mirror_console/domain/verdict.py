"""What is known of an environment, in sentences: the verdict of the detail panel, and the answer for the phone."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from mirror_console.domain.alignment import SAME_IMAGE, Alignment
from mirror_console.domain.cell import Cell
from mirror_console.domain.cell_words import (
    ABSENT_TEXTS,
    NOTHING,
    Badge,
    accessible,
    accessible_absent,
    age_text,
    badges,
    cell_texts,
)
from mirror_console.domain.expectation import Expected
from mirror_console.domain.identity import UNREAD
from mirror_console.domain.moment import age, day, moment
from mirror_console.domain.observation import Health
from mirror_console.domain.phrases import (
    activity_words,
    alive,
    by_hand,
    digest_only,
    distance,
    drift_words,
    engine_and_reason,
    expected_words,
    health_output,
    health_words,
    hold_ended,
    hold_ending,
    hold_until,
    image_unread,
    kind,
    last_seen,
    no_access,
    no_expectation,
    reason,
    running_name,
    since_day,
    sureness,
    then,
    untold,
    was,
    went_back,
)
from mirror_console.domain.several import missing_containers
from mirror_console.domain.status import Activity, Status

__all__ = [
    "ABSENT_TEXTS",
    "NOTHING",
    "Badge",
    "accessible",
    "accessible_absent",
    "age",
    "age_text",
    "answer",
    "badges",
    "cell_texts",
    "verdict",
    "was",
]

_LATE = frozenset({Status.UNREACHABLE, Status.NOT_CHECKED, Status.ROLLING_OUT})
"""States that say when it was last seen, rather than what is now."""


def verdict(cell: Cell, now: datetime) -> str:
    """Everything that matters of an environment, the most important first, in a few short sentences."""
    if cell.status is Status.NO_ACCESS:
        return f"{_named(cell)} has no access. {no_access(cell)[:1].upper()}{no_access(cell)[1:]}."
    sentences = [*_state_sentences(cell, now), *_more_sentences(cell, now)]
    if cell.observation is not None and (cell.status not in _LATE or _unread(cell)):
        sentences.append(f"Checked {age(now - cell.observation.at)} ago.")
    return " ".join(sentences)


def answer(cell: Cell, now: datetime) -> str:
    """One sentence for the phone or a ticket: what runs there, since when, and how sure that is."""
    name = f"{cell.application.name} {cell.environment.name}"
    checked = f"checked {moment(cell.observation.at, now)}" if cell.observation else "never checked"
    sure = f" {sureness(cell)}" if sureness(cell) else ""
    running = f"{cell.running_title}{sure}{_relation(cell, now)}"
    since = cell.observation.running_since if cell.observation else None
    runs = f"runs {running}{f' since {moment(since, now)}' if since else ''}"
    match cell.status:
        case Status.UNREACHABLE:
            return f"{name} is unreachable now ({engine_and_reason(cell)}); {_last_known(cell, now)}."
        case Status.NO_ACCESS:
            return f"{name} can't be looked at: {no_access(cell)}."
        case Status.NOT_CHECKED if cell.observation is None:
            expected = f"; {cell.expected_title} is expected" if cell.expected_title else ""
            return f"{name} was never checked{expected}."
        case Status.NOT_CHECKED if _unread(cell) and untold(cell) in {"", UNREAD.why}:
            return f"{name} has a {kind(cell)}, but its image could not be read, {checked}."
        case Status.NOT_CHECKED if _unread(cell):
            return f"{name} {runs}; whether that is {cell.expected_title} can't be told: {untold(cell)}, {checked}."
        case Status.NOT_CHECKED:
            return f"{name} has not been checked lately; {_last_known(cell, now)}."
        case Status.ROLLING_OUT:
            return f"{name} is {activity_words(cell)}; {_last_known(cell, now)}."
        case Status.MISSING:
            return f"{name} is missing: no {kind(cell)} was found ({cell.expected_title} is expected), {checked}."
        case Status.UNHEALTHY if alive(cell):
            return f"{name} {runs}, but is unhealthy: {health_words(cell)}, {checked}."
        case Status.UNHEALTHY:
            return f"{name} is unhealthy: {health_words(cell)}; its {kind(cell)} has {running}, {checked}."
        case Status.NO_RELEASE if not cell.running_title:
            return f"{name} has no release ({no_expectation(cell)}) and runs nothing, {checked}."
        case _:
            return f"{name} {runs}, {_health_word(cell)}, {checked}."


# --- sentences of the verdict --------------------------------------------------------------------------------------


def _state_sentences(cell: Cell, now: datetime) -> list[str]:
    name = _named(cell)
    runs, expected, health = _runs(cell, now), expected_words(cell, now), _health_sentence(cell)
    match cell.status:
        case Status.ALIGNED:
            return [f"{name} is aligned.", f"{runs}.", health]
        case Status.BEHIND | Status.AHEAD:
            return [f"{name} is {distance(cell)}.", f"{runs}; {expected}.", health]
        case Status.DRIFTED if cell.drift in SAME_IMAGE:
            return [f"{name} has drifted: {drift_words(cell)}.", f"{runs}, as expected.", health]
        case Status.DRIFTED:
            return [f"{name} has drifted: {drift_words(cell)}.", f"{runs}; {expected}.", health]
        case Status.MISSING:
            where = f" on {cell.engine_name}" if cell.engine_name else ""
            names = " or ".join(f"'{one}'" for one in missing_containers(cell) or [cell.environment.container])
            return [f"{name} is missing.", f"There is no {kind(cell)} {names}{where}; {expected}."]
        case Status.UNHEALTHY:
            return [f"{name} is unhealthy.", health, f"{runs}{_beside(cell, now)}."]
        case Status.NO_RELEASE:
            runs_what = [f"{runs}.", health] if cell.running_title else ["Nothing runs there."]
            return [f"{name} has no release to run: {no_expectation(cell)}.", *runs_what]
        case Status.ROLLING_OUT | Status.UNREACHABLE | Status.NOT_CHECKED:
            return _late_sentences(cell, now, name)
        case Status.NO_ACCESS | Status.NOT_APPLICABLE:
            return [f"This mirror has no environment '{cell.environment.name}'."]
        case _:
            assert_never(cell.status)


def _named(cell: Cell) -> str:
    return cell.environment.name[:1].upper() + cell.environment.name[1:]


def _more_sentences(cell: Cell, now: datetime) -> list[str]:
    said = []
    late = cell.status in {Status.UNREACHABLE, Status.NOT_CHECKED}
    if late and cell.alignment is not Alignment.ALIGNED and isinstance(cell.expected, Expected):
        said.append(f"{expected_words(cell, now)}.")
    if digest_only(cell) and not late:
        said.append(digest_only(cell))
    said_already = cell.drift in SAME_IMAGE and cell.status in {Status.DRIFTED, Status.UNHEALTHY}
    if cell.differences and not said_already:
        said.append(f"{by_hand(cell)[:1].upper()}{by_hand(cell)[1:]}.")
    if cell.activity is Activity.LOCKED and cell.status is not Status.ROLLING_OUT:
        said.append(f"It is {activity_words(cell)}: another console works there.")
    if cell.going:
        names = [one.process for one in cell.going]
        are, them = ("is", "it") if len(names) == 1 else ("are", "them")
        said.append(f"Its {', '.join(names)} {are} declared no more; a rollout takes {them} away.")
    elif cell.pending:
        said.append("Its settings in the catalog have changed; a rollout applies them.")
    hold = cell.environment.hold
    if cell.held and hold is not None:
        who = f" by {hold.person}" if hold.person else ""
        said.append(f"It is held{hold_until(cell, now)}{who}: {hold.reason.rstrip('.')}.")
        ending = hold_ending(cell, now)
        if ending:
            said.append(f"The hold {ending}; then it follows its image source again.")
    elif hold is not None and hold.until is not None and hold_ended(cell, now):
        reason_then = hold.reason.rstrip(".")
        said.append(f"Its hold ended {day(hold.until, now)} ({reason_then}): it follows its image source again.")
    release = cell.expected.release if isinstance(cell.expected, Expected) else None
    if release is not None and release.withdrawn:
        why = f": {release.remark.rstrip('.')}" if release.remark else ""
        said.append(f"{release.title} is withdrawn{why}.")
    return said


def _late_sentences(cell: Cell, now: datetime, name: str) -> list[str]:
    """Of an environment of which only the past is known."""
    before = f"{last_seen(cell, now)}."
    if cell.activity is Activity.INTERRUPTED:
        choose = "Choose on its page how it goes on: re-read and continue, or put back."
        return [f"{name} is {activity_words(cell)}.", choose, before]
    if cell.activity is Activity.LOCKED and cell.status is Status.ROLLING_OUT:
        return [f"{name} is {activity_words(cell)}: another console works there.", before]
    if cell.status is Status.ROLLING_OUT:
        return [f"{name} is {activity_words(cell)}.", before]
    if cell.status is Status.UNREACHABLE:
        return [f"{name} is unreachable.", _unreachable_sentence(cell, now), before]
    if cell.observation is None:
        return [f"{name} was never checked."]
    if _unread(cell):
        why = untold(cell) or UNREAD.why
        again = ["Check it again."] if why == UNREAD.why else [f"{_runs(cell, now)}."]
        return [f"{name} could not be judged: {why}.", *again]
    return [f"{name} has not been checked for {age(now - cell.observation.at)}.", before]


def _runs(cell: Cell, now: datetime) -> str:
    since = since_day(cell.observation.running_since if cell.observation else None, now)
    sure = f" ({sureness(cell)}: its image can't be read any more)" if sureness(cell) else ""
    return f"{'It runs' if alive(cell) else f'Its {kind(cell)} has'} {running_name(cell)}{sure}{since}"


def _beside(cell: Cell, now: datetime) -> str:
    """The alignment of an environment of which something else had to be said first."""
    expected = expected_words(cell, now)
    match cell.alignment:
        case Alignment.ALIGNED:
            return ", as expected"
        case Alignment.BEHIND | Alignment.AHEAD:
            return f", {distance(cell)}; {expected}"
        case Alignment.DRIFTED if cell.drift in SAME_IMAGE:
            return f", as expected, but {by_hand(cell)}"
        case Alignment.DRIFTED:
            return f", and has drifted: {drift_words(cell)}; {expected}"
        case _:
            return f"; {expected}" if expected else ""


def _health_sentence(cell: Cell) -> str:
    words, output = health_words(cell), health_output(cell)
    return f"{words[:1].upper()}{words[1:]}{f': {output}' if output else ''}."


def _unreachable_sentence(cell: Cell, now: datetime) -> str:
    engine = f"Engine {cell.engine_name}" if cell.engine_name else "Its engine"
    last = cell.contact.last_answer if cell.contact else None
    answered = f"it last answered {age(now - last)} ago" if last else "it has never answered"
    return f"{engine}: {reason(cell)}; {answered}."


# --- parts of the answer -------------------------------------------------------------------------------------------


def _relation(cell: Cell, now: datetime) -> str:
    """How what runs stands to what is expected, in brackets: ``(current)``, ``(3 releases behind 26.8.3)``."""
    other = cell.expected_title if cell.expected_title != cell.running_title else ""
    match cell.alignment:
        case Alignment.ALIGNED if cell.held:
            ending = hold_ending(cell, now)
            return f" (held{hold_until(cell, now)}{f', {ending}' if ending else ''})"
        case Alignment.ALIGNED:
            return " (current)"
        case Alignment.BEHIND:
            return f" ({distance(cell)}{f' {other}' if other else ''}{_held_there(cell, now)})"
        case Alignment.AHEAD:
            back = ", to which the source went back" if other and went_back(cell) else ""
            return f" ({distance(cell)}{f' of {other}' if other else ''}{back}{_held_there(cell, now)})"
        case Alignment.DRIFTED if cell.drift in SAME_IMAGE:
            return f" (current, but {by_hand(cell).partition(' (')[0]})"
        case Alignment.DRIFTED:
            return f" ({distance(cell)}{f'; {other} is expected' if other else ''})"
        case Alignment.NO_RELEASE:
            return f" (no release: {no_expectation(cell)})"
        case Alignment.MISSING | Alignment.UNKNOWN:
            return ""
        case _:
            assert_never(cell.alignment)


def _held_there(cell: Cell, now: datetime) -> str:
    """``, where it is held until 30 Sep``, of what doesn't run yet what it is held on."""
    if not cell.held:
        return ""
    ending = hold_ending(cell, now)
    return f", where it is held{hold_until(cell, now)}{f', {ending}' if ending else ''}"


def _health_word(cell: Cell) -> str:
    match cell.health:
        case Health.UNKNOWN:
            return "health unknown"
        case Health.STARTING:
            return "still starting"
        case _:
            return str(cell.health)


def _last_known(cell: Cell, now: datetime) -> str:
    """The end of an answer that can't tell what is now: ``last seen 12:05, when it ran 26.8.2 (aligned, healthy)``."""
    if cell.observation is None:
        return "nothing was ever seen of it"
    return f"last seen {moment(cell.observation.at, now)}, when {then(cell)}"


def _unread(cell: Cell) -> bool:
    return cell.status is Status.NOT_CHECKED and image_unread(cell)
