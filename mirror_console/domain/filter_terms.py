"""The keys and words of the filter language, and the question that each asks of a mirror or of an environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from operator import methodcaller
from types import MappingProxyType

from mirror_console.domain.alignment import SAME_IMAGE, Alignment, DriftKind
from mirror_console.domain.application import slug_of
from mirror_console.domain.cell import Cell, title_of
from mirror_console.domain.drift import of_settings
from mirror_console.domain.filter_question import CellTest, TextTest
from mirror_console.domain.fleet import Row
from mirror_console.domain.observation import Health, Observation
from mirror_console.domain.phrases import was
from mirror_console.domain.status import Activity, Knowledge, Status
from mirror_console.domain.way_back import WayBack
from mirror_console.domain.ways_back import WORST_FIRST, way_word
from mirror_console.domain.where import called

_KNOWN = frozenset({Knowledge.FRESH, Knowledge.AGEING})
"""What was seen longer ago doesn't count: an old 'aligned' is not 'aligned'."""


def _status(status: Status) -> CellTest:
    return lambda cell: cell.status is status


def _alignment(status: Status, alignment: Alignment) -> CellTest:
    return lambda cell: cell.status is status or (cell.alignment is alignment and cell.knowledge in _KNOWN)


def _health(health: Health) -> CellTest:
    return lambda cell: cell.health is health and cell.knowledge in _KNOWN


def _knowledge(knowledge: Knowledge) -> CellTest:
    return lambda cell: cell.knowledge is knowledge


def _activity(activity: Activity) -> CellTest:
    return lambda cell: cell.activity is activity


def _was(status: Status) -> CellTest:
    return lambda cell: was(cell) is status


def _drift(*kinds: DriftKind) -> CellTest:
    return lambda cell: cell.drift in kinds


def _settings(cell: Cell) -> bool:
    """Also where the image differs too: then the cell tells of the image first."""
    return cell.drift is DriftKind.SETTINGS or bool(of_settings(cell.differences))


def _by_hand(cell: Cell) -> bool:
    return cell.drift in SAME_IMAGE or bool(cell.differences)


STATUS_TESTS: Mapping[str, CellTest] = MappingProxyType({str(status): _status(status) for status in Status})
HEALTH_TESTS: Mapping[str, CellTest] = MappingProxyType(
    {str(health): _health(health) for health in Health if health is not Health.UNKNOWN}
)
WORD_TESTS: Mapping[str, CellTest] = MappingProxyType(
    {
        **STATUS_TESTS,
        **{str(status): _alignment(status, Alignment(str(status))) for status in Status if str(status) in {*Alignment}},
        **HEALTH_TESTS,
        str(Knowledge.FRESH): _knowledge(Knowledge.FRESH),
        str(Knowledge.AGEING): _knowledge(Knowledge.AGEING),
        str(Knowledge.STALE): _knowledge(Knowledge.STALE),
        "never": _knowledge(Knowledge.NEVER),
        str(Activity.QUEUED): _activity(Activity.QUEUED),
        str(Activity.INTERRUPTED): _activity(Activity.INTERRUPTED),
        str(Activity.LOCKED): _activity(Activity.LOCKED),
        "attention": lambda cell: cell.needs_attention,
        "held": lambda cell: cell.held,
        "pending": lambda cell: cell.pending,
        "protected": lambda cell: cell.environment.protected,
        "swarm": lambda cell: cell.environment.swarm,
    }
)
"""What an environment can be asked by one word: its status, alignment, health, knowledge, activity and marks."""

WAS_TESTS: Mapping[str, CellTest] = MappingProxyType({str(status): _was(status) for status in Status})
DRIFT_TESTS: Mapping[str, CellTest] = MappingProxyType(
    {
        "image": _drift(DriftKind.DIGEST, DriftKind.FOREIGN, DriftKind.UNKNOWN_RELEASE),
        "digest": _drift(DriftKind.DIGEST),
        "foreign": _drift(DriftKind.FOREIGN),
        "unknown release": _drift(DriftKind.UNKNOWN_RELEASE),
        "settings": _settings,
        "by hand": _by_hand,
    }
)

WAYS: Mapping[str, WayBack | None] = MappingProxyType(
    {"pull" if way_back is WayBack.PULL else way_word(way_back): way_back for way_back in WORST_FIRST}
    | {way_word(WayBack.PULL): WayBack.PULL}
)
"""What ``back:`` may be, as it is said elsewhere; and the short word for what can be pulled."""


@dataclass(frozen=True, slots=True)
class Words:
    """A key whose values are certain words. `noun` is what the error calls them."""

    tests: Mapping[str, CellTest]
    noun: str


@dataclass(frozen=True, slots=True)
class CellTexts:
    """A key whose values are compared with texts of an environment; `fits` makes the test of a value."""

    read: Callable[[Cell], tuple[str, ...]]
    fits: Callable[[str], TextTest] | None = None
    """None: the value must be the text, with ``*`` for anything."""


@dataclass(frozen=True, slots=True)
class RowTexts:
    """A key whose values are compared with texts of a mirror."""

    read: Callable[[Row], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Changed:
    """The key for when the image that runs last changed."""


@dataclass(frozen=True, slots=True)
class HoldEnds:
    """The key for when a hold ends."""


@dataclass(frozen=True, slots=True)
class BackWays:
    """The key for whether there is a way back."""


def _identities(cell: Cell) -> tuple[str, ...]:
    """All names of the image: those that it has anywhere, or what its own container tells."""
    seen = cell.observation
    own = (cell.names or _told(seen)) if seen is not None and seen.present else ()
    if not cell.beside:
        return own
    return (*own, *(name for one in cell.beside if one is not None and one.present for name in _told(one)))


def _told(seen: Observation) -> tuple[str, ...]:
    return (title_of(seen), seen.fingerprint or seen.recorded, seen.image_id, seen.image)


def _running(cell: Cell) -> tuple[str, ...]:
    """The versions of all its processes."""
    own = (cell.running_title,) if cell.running_title else ()
    if not cell.beside:
        return own
    return (*own, *(title_of(one) for one in cell.beside if one is not None and one.present))


KEYS: Mapping[str, Words | CellTexts | RowTexts | Changed | HoldEnds | BackWays] = MappingProxyType(
    {
        "is": Words(WORD_TESTS, "a state"),
        "status": Words(STATUS_TESTS, "a status"),
        "health": Words(HEALTH_TESTS, "a health state"),
        "was": Words(WAS_TESTS, "a status"),
        "drift": Words(DRIFT_TESTS, "a kind of drift"),
        "engine": CellTexts(lambda cell: (cell.engine_name,)),
        "container": CellTexts(lambda cell: cell.environment.containers),
        "version": CellTexts(_running),
        "running": CellTexts(_identities, called),
        "source": RowTexts(lambda row: (row.source_name,)),
        "tag": RowTexts(lambda row: row.application.tags),
        "account": RowTexts(lambda row: (row.application.account,)),
        "changed": Changed(),
        "hold": HoldEnds(),
        "back": BackWays(),
    }
)
"""The keys. Besides them, the name of an environment is a key, with the words of ``is``; and ``live.health:`` asks only
the environment ``live``."""


def plain_word(value: str) -> str:
    """A word as the tables have it: ``Not-Checked`` is ``not checked``."""
    return value.casefold().replace("-", " ").replace("_", " ").strip()


def typed_word(word: str) -> str:
    """A word as it is typed without quotes: ``not-checked``."""
    return word.replace(" ", "-")


def contains(value: str) -> TextTest:
    """Whether a piece of text, with ``*`` for anything, stands in an identity text."""
    piece = value.casefold()
    if "*" not in piece:
        # Asked of ten thousand texts at each key press: this one needs no call of ours.
        return methodcaller("__contains__", piece)
    pattern = re.compile(r"[^\n]*".join(map(re.escape, piece.split("*"))))
    return lambda text: pattern.search(text) is not None


def equals(value: str) -> TextTest:
    """Whether a text is the value, with ``*`` for anything. Case doesn't count, and a name may be typed as its slug."""
    wanted = value.casefold()
    if "*" in wanted:
        pattern = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL)

        def fits(text: str) -> bool:
            return pattern.fullmatch(text.casefold()) is not None or pattern.fullmatch(slug_of(text)) is not None

    else:

        def fits(text: str) -> bool:
            return text.casefold() == wanted or (bool(text) and slug_of(text) == wanted)

    # Thousands of rows share a few engines, versions and tags.
    return lru_cache(maxsize=4096)(fits)


_SPANS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def changed_within(value: str) -> Callable[[datetime, datetime], bool] | None:
    """The test for ``today``, or for a span such as ``12h`` or ``7d``; None where it is neither."""
    word = value.casefold()
    if word == "today":
        return lambda at, now: at.astimezone(now.tzinfo).date() == now.date()
    span = _span(word)
    return None if span is None else lambda at, now: now - at <= span


def hold_ends(value: str) -> Callable[[datetime, datetime], bool] | None:
    """The test for holds that have ``ended``, that end within ``<7d``, or after ``>7d``; None where it is neither."""
    word = value.casefold()
    if word == "ended":
        return lambda end, now: end <= now
    span = _span(word.removeprefix("<").removeprefix(">"))
    if span is None:
        return None
    if word.startswith(">"):
        return lambda end, now: end - now > span
    return lambda end, now: timedelta(0) < end - now <= span


def _span(word: str) -> timedelta | None:
    match = re.fullmatch(r"([0-9]{1,4})(min|m|h|d|w)", word)
    return timedelta(**{_SPANS[match[2]]: int(match[1])}) if match else None
