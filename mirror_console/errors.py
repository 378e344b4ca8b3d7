"""What can go wrong in the operator's words: a title that says what happened, a hint that says what to do.

    ConsoleError                    everything that an operator can meet
    ├── InvalidInput                what was typed, imported or asked for is wrong; carries Problems
    ├── NotAllowed                  read-only mode, or another console is in the way
    ├── EngineError                 an engine didn't do what was asked (mirror_console.engine raises its kinds)
    ├── VaultError                  the keyring didn't (mirror_console.vault raises its kinds)
    ├── CatalogError                the catalog can't be opened, read or written
    └── NoWindow                    there is no display that a window could be shown on, or a library of it is missing

A rollout target that fails is not an exception: it is recorded as an outcome. What isn't a ConsoleError is a bug.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one field of an input. `field` is a path such as ``mirrors[3].environments.live.ports``."""

    field: str
    words: str

    def __str__(self) -> str:
        return f"{self.field}: {self.words}" if self.field else self.words


class ConsoleError(Exception):
    """What happened (`title`) and what to do next (`hint`), both whole sentences.

    `command` does on the command line what the hint says, and is told only there: the window has a button for it.
    """

    command = ""

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__(title, hint)
        self.title = title
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.title} {self.hint}".strip()


class InvalidInput(ConsoleError):
    """Input was refused whole; `problems` holds every reason."""

    def __init__(self, title: str, problems: Sequence[Problem], hint: str = "") -> None:
        super().__init__(title, hint or "Correct it and try again. Nothing was changed.")
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([self.title, *(f"  - {problem}" for problem in self.problems), self.hint])


class NotAllowed(ConsoleError):
    """The console may not change anything now."""


class CatalogError(ConsoleError):
    """The catalog can't be opened, read or written."""


class NoWindow(ConsoleError):
    """No window can be shown here."""

    command = "mirror-console status"


class FailureKind(StrEnum):
    """Why an engine couldn't be asked, or refused: the word that a cell shows."""

    DNS = "name not found"
    REFUSED = "connection refused"
    TIMEOUT = "no answer in time"
    DROPPED = "connection lost"
    CERTIFICATE = "certificate refused"
    SERVER_KEY_CHANGED = "server key changed"
    HOST_KEY_UNKNOWN = "host key unknown"
    HOST_KEY_CHANGED = "host key changed"
    UNENCRYPTED = "not encrypted"
    TOO_MANY = "too many connections"
    SIGN_IN = "sign-in refused"
    NO_CREDENTIAL = "credential missing"
    NO_ACCESS = "no access"
    KEYRING = "keyring locked"
    NO_KEYRING = "keyring unavailable"
    PERMISSION = "not permitted"
    NOT_DOCKER = "not a Docker engine"
    TOO_OLD = "engine too old"
    NOT_FOUND = "not found"
    CONFLICT = "conflict"
    REJECTED = "refused by the engine"
    INVALID_REPLY = "reply not understood"
    PORT_TAKEN = "port taken"
    DISK_FULL = "disk full"
    REGISTRY_SIGN_IN = "registry sign-in refused"
    REGISTRY_UNREACHABLE = "registry unreachable"
    REGISTRY_LOST = "registry connection lost"
    REGISTRY_BUSY = "too many requests"
    REGISTRY_TROUBLE = "registry in trouble"
    IMAGE_NOT_FOUND = "image not found"
    PLATFORM = "wrong platform"
    CORRUPT = "corrupt layer"
    STALLED = "no progress"


class VaultError(ConsoleError):
    """The keyring can't be read or written. `kind` is the word for an engine or registry that can't be asked for it."""

    kind = FailureKind.NO_KEYRING


OUTCOME_UNKNOWN = frozenset({FailureKind.TIMEOUT, FailureKind.DROPPED, FailureKind.INVALID_REPLY})
"""What was asked may have been done all the same."""


UNREACHABLE_KINDS = frozenset(
    {
        FailureKind.DNS,
        FailureKind.REFUSED,
        FailureKind.TIMEOUT,
        FailureKind.DROPPED,
        FailureKind.CERTIFICATE,
        FailureKind.SERVER_KEY_CHANGED,
        FailureKind.HOST_KEY_UNKNOWN,
        FailureKind.HOST_KEY_CHANGED,
        FailureKind.UNENCRYPTED,
        FailureKind.TOO_MANY,
        FailureKind.SIGN_IN,
        FailureKind.NO_CREDENTIAL,
        FailureKind.NO_ACCESS,
        FailureKind.KEYRING,
        FailureKind.NO_KEYRING,
        FailureKind.PERMISSION,
        FailureKind.NOT_DOCKER,
        FailureKind.TOO_OLD,
        FailureKind.INVALID_REPLY,
    }
)


class EngineError(ConsoleError):
    """An engine couldn't be asked, or refused. `kind` is the cause; `detail` the engine's own words, cleaned.

    `retry_after` is in how many seconds it may be asked again, where the words tell it. `status` is that of the reply;
    0 where none came, or none that says so.
    """

    def __init__(
        self,
        kind: FailureKind,
        title: str,
        hint: str = "",
        *,
        detail: str = "",
        retry_after: float | None = None,
        status: int = 0,
    ) -> None:
        super().__init__(title, hint)
        self.kind = kind
        self.detail = detail
        self.retry_after = retry_after
        self.status = status

    @property
    def outcome_unknown(self) -> bool:
        """Whether what was asked may have been done all the same: it is read again before it is judged."""
        return self.kind in OUTCOME_UNKNOWN

    @property
    def unreachable(self) -> bool:
        """Whether the failure concerns the way to the engine, not the one request."""
        return self.kind in UNREACHABLE_KINDS
