"""What `--json` prints of engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.fleet import EngineRow


@dataclass(frozen=True, slots=True)
class EngineShape:
    """An engine and the last attempt to reach it."""

    id: str
    name: str
    address: str
    location: str
    environments: int
    knowledge: str
    answered: bool | None
    failure: str
    words: str
    asked_at: datetime | None
    version: str
    api: str
    kind: str
    limits: Sequence[str]
    """What doesn't work with it, a sentence each."""
    clock_offset: float | None
    """Seconds that its clock is ahead of this computer's; negative where it is behind."""


def engine_shape(row: EngineRow) -> EngineShape:
    """An engine."""
    contact = row.contact
    facts = contact.facts if contact else None
    return EngineShape(
        id=row.engine.id,
        name=row.engine.name,
        address=str(row.engine.address),
        location=row.engine.location,
        environments=row.environments,
        knowledge=row.knowledge.value,
        answered=contact.answered if contact else None,
        failure=contact.failure.value if contact and contact.failure else "",
        words=contact.words if contact else "",
        asked_at=contact.at if contact else None,
        version=facts.version if facts else "",
        api=facts.api if facts else "",
        kind=facts.kind.value if facts else "",
        limits=facts.limits if facts else (),
        clock_offset=round(facts.clock_offset, 1) if facts else None,
    )
