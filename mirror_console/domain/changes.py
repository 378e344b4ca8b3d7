"""What a commit of the catalog changed: collections, and of some of them which part, so that little is read again."""

from __future__ import annotations

from collections.abc import Mapping


class Changes(frozenset[str]):
    """The names of the collections that changed.

    `parts` tells of each which part of it changed; None where it may be anything. Parts are identities: of applications
    and environments their own, of observations and images that of their engine, of releases that of their environment.
    What is removed takes what belongs to it with it, without a part of its own.
    """

    parts: Mapping[str, frozenset[str] | None]

    def __new__(cls, parts: Mapping[str, frozenset[str] | None]) -> Changes:
        """The collections are the keys of `parts`."""
        made = super().__new__(cls, parts)
        made.parts = parts
        return made

    def also(self, other: Changes) -> Changes:
        """These and others: as if both were one commit."""
        both = {**self.parts}
        for name, of in other.parts.items():
            known = both.get(name, frozenset())
            both[name] = None if of is None or known is None else known | of
        return Changes(both)


NOTHING = Changes({})
