"""Ages: how old what was seen may be to be called fresh, and until when it is called what it is called now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mirror_console.domain.engine import Contact
from mirror_console.domain.observation import Observation
from mirror_console.domain.status import AGEING_AFTER, STALE_AFTER, Knowledge, knowledge


@dataclass(frozen=True, slots=True)
class Ages:
    """What was seen longer ago than these is ageing, or stale; what was seen before `trusted_since` isn't fresh."""

    ageing_after: timedelta = AGEING_AFTER
    stale_after: timedelta = STALE_AFTER
    trusted_since: datetime | None = None

    def knowledge(self, observed: Observation | None, contact: Contact | None, now: datetime) -> Knowledge:
        """How much is known."""
        return knowledge(observed, contact, now, self.ageing_after, self.stale_after, self.trusted_since)

    def until(self, observed: Observation | None, contact: Contact | None, now: datetime) -> datetime | None:
        """Up to which moment nothing but news changes what is known; None where time never does.

        Of that moment itself it is to be asked again.
        """
        if observed is None or (contact is not None and not contact.answered):
            return None
        sooner, later = sorted((self.ageing_after, self.stale_after))
        # What was seen in the future, by a clock that was set back, grows fresher before it grows old.
        for coming in (observed.at - later, observed.at - sooner):
            if now < coming:
                return coming
        for going in (observed.at + sooner, observed.at + later):
            if now <= going:
                return going
        return None
