"""Fetching: how far images are on their way to engines, and when a pull that failed is tried again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mirror_console.domain.counting import counted
from mirror_console.domain.image import PRINT
from mirror_console.errors import EngineError, FailureKind

LONGEST_REST = 60.0
"""Seconds. A registry that asks for more gets it, up to LONGEST_ASKED."""
LONGEST_ASKED = 300.0
"""Seconds. Whoever is asked to come back later than that gives up, and says so."""
SILENCE = 120.0
"""Seconds without a sign that something came. An engine itself tries for 75 before it gives a broken layer up."""

TRIES: Mapping[FailureKind, int] = {
    FailureKind.REGISTRY_BUSY: 8,
    FailureKind.REGISTRY_TROUBLE: 6,
    FailureKind.REGISTRY_LOST: 5,
    FailureKind.REGISTRY_UNREACHABLE: 3,
    FailureKind.CORRUPT: 2,
    FailureKind.STALLED: 2,
}
"""How often a pull is tried in all that fails so. Anything else would fail again: a refused password, a manifest that
isn't there, a platform that the image isn't made for, a full disk."""

REGISTRY_WIDE = frozenset({FailureKind.REGISTRY_BUSY, FailureKind.REGISTRY_TROUBLE})
"""What is the registry's own trouble, whichever engine hears of it: all pulls from it rest."""


_OVER_THERE: Mapping[FailureKind, str] = {
    FailureKind.REGISTRY_UNREACHABLE: "the registry could not be reached",
    FailureKind.REGISTRY_LOST: "the connection to the registry was lost",
    FailureKind.STALLED: "nothing came from the registry",
    FailureKind.IMAGE_NOT_FOUND: "the registry doesn't have it",
}
"""What keeps one engine from having an image of the registry although another engine may have it to give, in words."""


def why_another_gives_it(kind: FailureKind, *, signed_in: bool) -> str:
    """Why another engine is asked for an image that a pull didn't bring, in words; empty where that isn't done.

    A password that is refused is for a person to mend. Where none is kept it may be no registry of ours at all: an
    engine makes a digest up for what was built or loaded on it, under whatever name.
    """
    if kind is FailureKind.REGISTRY_SIGN_IN:
        return "" if signed_in else "the registry refuses it, and no password is kept for that"
    return _OVER_THERE.get(kind, "")


def rest_before_next(kind: FailureKind, tries: int, asked: float | None, chance: float) -> float | None:
    """Seconds until a pull is tried again that failed `tries` times; None where it isn't tried again.

    It doubles each time. `chance`, from 0 to 1, spreads those that failed together over half of it. `asked` is what
    the registry asks for.
    """
    if tries >= TRIES.get(kind, 1) or (asked or 0.0) > LONGEST_ASKED:
        return None
    longest: float = min(LONGEST_REST, 2.0 ** (tries - 1))
    return max(asked or 0.0, longest / 2) + chance * longest / 2


_LOOK_BETWEEN = (
    "Look at the network between the engine's host and the registry, and at the registry's load. Then try again."
)


def nothing_came(engine: str, reference: str, seconds: float) -> EngineError:
    """The failure of a pull that goes on without anything coming."""
    title = f"{engine} could not pull {reference}: nothing came for {seconds:g} s."
    return EngineError(FailureKind.STALLED, title, _LOOK_BETWEEN)


def no_answer(engine: str, reference: str, seconds: float) -> EngineError:
    """The failure of a question that the engine passed on to a registry, which doesn't answer it."""
    title = f"{engine} could not look up {reference}: its registry did not answer within {seconds:g} s."
    return EngineError(FailureKind.STALLED, title, _LOOK_BETWEEN)


class FetchState(StrEnum):
    """Where it stands that an image comes to an engine."""

    WAITING = "waiting"
    FETCHING = "fetching"
    RESTING = "waiting to try again"
    THERE = "there"
    """It was brought."""
    ALREADY = "there already"
    """It was there: nothing had to be brought."""
    FAILED = "failed"


ARRIVED = frozenset({FetchState.THERE, FetchState.ALREADY})
"""The image is on the engine."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """One image on its way to one engine, for all targets there. `share` is from 0 to 1."""

    engine_id: str
    engine: str
    reference: str
    """What is pulled: repository and digest. The image's fingerprint where no registry is known to have it."""
    title: str
    """What people call the image."""
    targets: int = 1
    state: FetchState = FetchState.WAITING
    share: float = 0.0
    words: str = ""
    """Why it failed, what it waits for, or how it came there."""
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def pulled(self) -> str:
        """What a registry is asked for; empty where none is known to have it, and another engine gives it."""
        return pulled(self.reference)

    @property
    def over(self) -> bool:
        """Whether it is there or has failed."""
        return self.state in ARRIVED or self.state is FetchState.FAILED


def pulled(reference: str) -> str:
    """A reference, unless it is a fingerprint: that is nothing that a registry could be asked for."""
    return "" if reference.startswith(PRINT) else reference


def fetching_words(fetches: Sequence[Fetch]) -> str:
    """All of it in one sentence: ``Fetching to 12 engines: 7 there, 3 on the way 64 %, 2 failed: oslo: …``.

    Once all is over: ``Images for 12 engines: 7 fetched, 3 there already, 2 failed: oslo: …``.
    """
    if not fetches:
        return ""
    counts = Counter(fetch.state for fetch in fetches)
    going = [fetch for fetch in fetches if fetch.state in {FetchState.FETCHING, FetchState.RESTING}]
    failed = [fetch for fetch in fetches if fetch.state is FetchState.FAILED]
    over = all(fetch.over for fetch in fetches)
    engines = counted(len({fetch.engine_id for fetch in fetches}), "engine")
    if counts[FetchState.ALREADY] == len(fetches):
        return f"There already on {engines}."
    parts = [f"{counts[FetchState.THERE]} {'fetched' if over else 'there'}"] if counts[FetchState.THERE] else []
    if counts[FetchState.ALREADY]:
        parts.append(f"{counts[FetchState.ALREADY]} {FetchState.ALREADY}")
    if going:
        resting = next((f" ({fetch.words})" for fetch in going if fetch.state is FetchState.RESTING), "")
        parts.append(f"{len(going)} on the way {sum(fetch.share for fetch in going) / len(going):.0%}{resting}")
    if counts[FetchState.WAITING]:
        parts.append(f"{counts[FetchState.WAITING]} waiting")
    if failed:
        others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        parts.append(f"{len(failed)} failed: {failed[0].words.rstrip('.')}{others}")
    return f"{'Images for' if over else 'Fetching to'} {engines}: {', '.join(parts)}."
