"""An account: who pays for a mirror."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays for a mirror and who may be asked about it. `name` is the billing reference, unique in the catalog."""

    name: str
    title: str = ""
    contact: str = ""
