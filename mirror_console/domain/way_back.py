"""The way back: whether an environment can be taken back to what it ran before, known before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mirror_console.domain.release import Release, passage
from mirror_console.domain.swarm import digest_of


class WayBack(StrEnum):
    """Whether there is a way back. The words are those of plans, reports and screens."""

    KEPT = "yes"
    """The image that ran before is kept on the engine: no registry is needed."""
    PULL = "by pull only"
    """It isn't on the engine any more, but a registry has it."""
    GONE = "no"
    """It isn't on the engine any more, and no digest is known to pull it by."""
    BLOCKED = "blocked"
    """A release on the way has a migration, or a release command that can't be undone: the older one may not be able
    to work on the changed data."""
    NOTHING_BEFORE = "nothing before"
    """There was no container before, so that there is nothing to go back to."""


@dataclass(frozen=True, slots=True)
class KnownWay:
    """The way back of an environment as it is known now, and why, in a sentence."""

    way_back: WayBack
    words: str


def judge_way_back(
    *, on_engine: bool, can_be_pulled: bool, migrations: Sequence[Release], irreversible: bool = False
) -> WayBack:
    """What is known of a way back, from where its image is and what lies on the way.

    `irreversible` is whether a release command was run that can't be undone.
    """
    if migrations or irreversible:
        return WayBack.BLOCKED
    if on_engine:
        return WayBack.KEPT
    return WayBack.PULL if can_be_pulled else WayBack.GONE


def way_back_of_service(image: str) -> WayBack:
    """Whether a service of a Swarm can have again what it runs, by how its image is told.

    Its nodes may have it still; where one hasn't, it is had again by its digest. Nobody keeps it there.
    """
    return WayBack.PULL if digest_of(image) else WayBack.GONE


def way_back_over(releases: Sequence[Release], before: str, after: str) -> tuple[Release, ...]:
    """The releases with a migration that stand in the way from `after` back to `before`, each told by its identity.

    None where `after` is the older one: then going back goes forward.
    """
    newer = next((one for one in releases if one.is_image(after)), None)
    if newer is None:
        return ()
    own = [one for one in releases if one.environment_id == newer.environment_id]
    way = passage(own, before, after)
    return () if way.back else way.migrations
