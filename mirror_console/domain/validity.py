"""The validity of a certificate: from when until when, and whether its end is near."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

NEAR = timedelta(days=14)
"""Before the end of a certificate: for so long at most it is said that it ends soon."""


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when a certificate is valid."""

    begins: datetime
    ends: datetime

    def has_ended(self, now: datetime) -> bool:
        """Whether it is too late to use it."""
        return now >= self.ends

    def ends_soon(self, now: datetime) -> bool:
        """Whether its end is near: two weeks, or a third of its life where it is made for less than six weeks."""
        return self.ends - min(NEAR, (self.ends - self.begins) / 3) <= now < self.ends
