"""What the catalog keeps of what was seen and made: releases, tags, images, observations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from mirror_console.domain.applied import Applied
from mirror_console.domain.held import HeldImage
from mirror_console.domain.observation import Observation
from mirror_console.domain.release import Release
from mirror_console.domain.tag import TagLook


class Releases(Protocol):
    """All images that source environments have had."""

    def all(self) -> list[Release]: ...
    def of(self, environment_ids: Iterable[str]) -> list[Release]: ...
    def of_digest(self, digest: str) -> list[Release]:
        """The same image by its digest, wherever it was a release."""

    def save(self, release: Release) -> None: ...
    def remove(self, release_id: str) -> None:
        """It turned out to be the same as another one."""


class Tags(Protocol):
    """The last look at each registry's tag that a source's environment follows."""

    def all(self) -> list[TagLook]: ...
    def of(self, reference: str) -> TagLook | None: ...
    def save(self, value: TagLook) -> None: ...
    def remove(self, reference: str) -> None: ...


class HeldImages(Protocol):
    """Images that engines were seen to hold, by engine and id."""

    def all(self) -> list[HeldImage]: ...
    def on(self, engine_id: str) -> list[HeldImage]: ...
    def like(self, fingerprint: str) -> list[HeldImage]:
        """The same image on all engines that were seen to hold it."""

    def of_digest(self, digest: str) -> list[HeldImage]:
        """Those that an engine has under a digest, in whatever repository."""

    def save_all(self, images: Iterable[HeldImage]) -> None: ...
    def remove(self, engine_id: str, image_ids: Iterable[str]) -> None: ...


class AppliedBook(Protocol):
    """What each process of each environment was last made of."""

    def all(self) -> list[Applied]: ...
    def of(self, environment_ids: Iterable[str]) -> list[Applied]: ...
    def save(self, value: Applied) -> None: ...
    def remove(self, environment_id: str, process: str) -> None: ...


class Observations(Protocol):
    """What was last seen, one for each environment and process."""

    def all(self) -> list[Observation]: ...
    def of(self, environment_id: str) -> list[Observation]: ...
    def of_all(self, environment_ids: Iterable[str]) -> list[Observation]:
        """Those of several environments, in one query."""

    def on(self, engine_id: str) -> list[Observation]:
        """Those that were made on one engine."""

    def touch(
        self, engine_id: str, at: datetime, environment_ids: Iterable[str] | None = None, *, news: bool = True
    ) -> None:
        """Everything on an engine was seen again at that time, unchanged; with `environment_ids`, these alone.

        One statement, however many they are. Without `news` listeners are told that ``times`` has changed, no more.
        """

    def save_all(self, observations: Iterable[Observation]) -> None: ...
