"""A credential: one secret of the keyring, by its reference, what in the catalog uses it, and whether it is there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mirror_console.domain.secret import SecretReference


class Kept(StrEnum):
    """What the keyring says of a credential, without giving it."""

    STORED = "stored"
    MISSING = "missing"
    UNKNOWN = "not known"
    """The keyring is locked, or there is none."""


class UserKind(StrEnum):
    """What kind of noun uses a credential."""

    ENGINE = "engine"
    ACCOUNT = "account"
    """An account's way into an engine."""
    REGISTRY = "registry"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Use:
    """One place in the catalog that uses a credential: ``paris``, for what, and the noun's identity."""

    kind: UserKind
    id: str
    title: str
    purpose: str

    def __str__(self) -> str:
        return f"{self.kind} {self.title}: {self.purpose}"


@dataclass(frozen=True, slots=True)
class Credential:
    """A reference, where it is used, and whether the keyring has it. Never its value."""

    reference: SecretReference
    uses: tuple[Use, ...]
    kept: Kept = Kept.UNKNOWN
