"""Image references as the engine reads them: repository, tag and digest."""

import re
from dataclasses import dataclass

from mirror_console.simulator.wire import Refusal

_REPOSITORY = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference; `tag` and `digest` are empty when not given."""

    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def registry(self) -> str:
        """The registry's host and port; docker.io where the reference names none."""
        first, slash, _ = self.repository.partition("/")
        return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"

    @property
    def path(self) -> str:
        """The repository without its registry."""
        return self.repository.removeprefix(f"{self.registry}/")

    @property
    def tagged(self) -> str:
        """repository:tag, with the engine's default tag where none is given."""
        return f"{self.repository}:{self.tag or 'latest'}"

    @property
    def pinned(self) -> str:
        """repository@digest."""
        return f"{self.repository}@{self.digest}"

    def __str__(self) -> str:
        return self.pinned if self.digest else self.tagged


def parse_reference(text: str) -> Reference:
    """Read a reference. Raises Refusal (400) with the engine's words when it doesn't parse."""
    rest, _, digest = text.partition("@")
    head, colon, tail = rest.rpartition(":")
    repository, tag = (head, tail) if colon and "/" not in tail else (rest, "")
    if not _REPOSITORY.fullmatch(repository):
        lowered = repository.lower() != repository
        reason = ": repository name must be lowercase" if lowered else ""
        raise Refusal(400, f"invalid reference format{reason}")
    if (tag and not _TAG.fullmatch(tag)) or ("@" in text and not _DIGEST.fullmatch(digest)):
        raise Refusal(400, "invalid reference format")
    familiar = repository.removeprefix("docker.io/").removeprefix("library/")
    return Reference(familiar, tag, digest)
