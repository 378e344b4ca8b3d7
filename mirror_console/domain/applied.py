"""What was last applied to an environment: drift is measured against it on one side, pending changes on the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mirror_console.domain.environment import Settings


@dataclass(frozen=True, slots=True)
class Applied:
    """What one process of an environment was last made of: by a rollout, or by a person who took it as it was."""

    environment_id: str
    process: str
    container_id: str
    at: datetime
    by: str
    """The person. Empty: nobody applied it; it is what the catalog said before its settings were changed."""
    fingerprint: str
    settings: Settings
    rollout_id: str = ""
    """Empty where a person took over what ran, and where nobody applied anything."""
    title: str = ""
    """The version, or the start of the image's identity."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """For each secret variable a keyed hash of the value that was given. The key is in the keyring."""


LAST_APPLIED = "what was last applied"


def basis(record: Applied | None) -> str:
    """What the settings of a container are compared with, in words: ``what was last applied``."""
    if record is None:
        return "what the catalog says, as no rollout is on record here"
    return LAST_APPLIED if record.by else "what the catalog said before, as no rollout is on record here"
