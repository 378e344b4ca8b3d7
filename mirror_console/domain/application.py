"""An application: a source, where code is developed and released, or a mirror, locked to a source's code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlsplit

from mirror_console.domain.environment import VARIABLE_NAME, Settings
from mirror_console.domain.process import DeclaredProcess, process_problems
from mirror_console.domain.release_command import (
    BackupCommand,
    ReleaseCommand,
    backup_problems,
    release_command_problems,
)
from mirror_console.domain.service import Service, service_problems
from mirror_console.domain.template import template_problems
from mirror_console.errors import Problem

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class Kind(StrEnum):
    """Which of the two an application is."""

    SOURCE = "source"
    MIRROR = "mirror"


class ImageSource(StrEnum):
    """A mirror's rule for where its images come from."""

    ALWAYS_LIVE = "always live"
    """Every environment takes what the source's ``live`` has."""
    MATCHING = "matching"
    """Each environment takes what the source's environment of the same name has."""


@dataclass(frozen=True, slots=True)
class Application:
    """A source or a mirror. A mirror names its source and its image source; a source names its image repository."""

    id: str
    kind: Kind
    name: str
    slug: str
    account: str = ""
    tags: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    notes: str = ""
    # of a mirror
    source_id: str = ""
    image_source: ImageSource = ImageSource.ALWAYS_LIVE
    # of a source
    repository: str = ""
    required_variables: tuple[str, ...] = ()
    """Variables that every environment of every mirror must have before it may be rolled out."""
    notes_url: str = ""
    """Where a release's notes are found: an address with ``{version}`` or ``{revision}`` in it."""
    template: Settings | None = None
    """What the settings of its mirrors' environments start from."""
    release_command: ReleaseCommand | None = None
    """What is run before a release takes over, at each of its mirrors; None: nothing was declared."""
    backup: BackupCommand | None = None
    """What is run before that, to back the data up."""
    own_variables: tuple[str, ...] = ()
    """Variables of which each application must have a value of its own: never that of the source or another mirror."""
    shared: tuple[str, ...] = ()
    """What its mirrors share on purpose: volumes, paths of hosts and variables with the address of a database. ``host``
    is the network of the host itself."""
    processes: tuple[DeclaredProcess, ...] = ()
    """What each environment of its mirrors runs, each in a container of its own; empty: one process, which serves."""
    services: tuple[Service, ...] = ()
    """What each environment of its mirrors needs to run, and how it is asked whether it answers."""

    @property
    def is_mirror(self) -> bool:
        """Whether this is a mirror."""
        return self.kind is Kind.MIRROR


def slug_of(name: str) -> str:
    """A slug made of a name: lower case, everything but letters and digits turned into hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def application_problems(application: Application, at: str = "") -> list[Problem]:
    """Everything wrong with an application by itself; `at` is put before the field names."""
    where = f"{at}." if at else ""
    found: list[Problem] = []
    if not application.name.strip():
        found.append(Problem(f"{where}name", "a name is needed"))
    if not application.slug:
        # One that is left out is made of the name.
        if application.name.strip():
            found.append(Problem(f"{where}slug", "a slug is needed: lower-case letters, digits, hyphens"))
    elif not SLUG.fullmatch(application.slug):
        found.append(
            Problem(f"{where}slug", f"'{application.slug}' is not a slug: lower-case letters, digits, hyphens")
        )
    found.extend(
        Problem(f"{where}domains", f"'{domain}' is not a domain name")
        for domain in application.domains
        if not re.fullmatch(r"[^\s/:@]+\.[^\s/:@]+|localhost", domain)
    )
    found.extend(
        Problem(f"{where}tags", f"'{tag}' holds a space, a comma or a colon, which the filter box couldn't find")
        for tag in application.tags
        if not re.fullmatch(r"[^\s,:]+", tag)
    )
    if application.is_mirror and not application.source_id:
        found.append(Problem(f"{where}source", "a mirror names its source"))
    if not application.is_mirror and not application.repository:
        found.append(Problem(f"{where}repository", "a source names its image repository"))
    found += [Problem(f"{where}notes_url", words) for words in _address_faults(application.notes_url)]
    found.extend(
        Problem(f"{where}own_variables", f"'{name}' is not a variable name")
        for name in application.own_variables
        if not VARIABLE_NAME.fullmatch(name)
    )
    if application.template is not None:
        found.extend(template_problems(application.template, f"{where}template"))
    found += release_command_problems(application.release_command, f"{where}release_command")
    found += backup_problems(application.backup, f"{where}backup")
    found += process_problems(application.processes, f"{where}processes")
    found += service_problems(application.services, f"{where}services")
    return found


def notes_link(pattern: str, version: str, revision: str) -> str:
    """Where the notes of a release are found, by a source's pattern; empty where it asks for what the release lacks.

    What an image calls itself is its maker's to choose: it fills a place in the address and can't change the rest.
    """
    given = {"{version}": version, "{revision}": revision}
    if not pattern or any(place in pattern and value in {"", ".", ".."} for place, value in given.items()):
        return ""
    for place, value in given.items():
        pattern = pattern.replace(place, quote(value, safe=""))
    return pattern


def _address_faults(pattern: str) -> list[str]:
    """What is wrong with an address for notes."""
    if not pattern:
        return []
    try:
        parts = urlsplit(pattern)
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or parts.scheme != "https" or re.search(r"[\s\x00-\x1f]", pattern):
        return [f"'{pattern}' is not an address that starts with https://, such as https://shop.example/{{version}}"]
    if "{" in parts.netloc or parts.username is not None:
        return ["the host stands in it as it is, without a name or a placeholder"]
    unknown = re.sub(r"\{(version|revision)\}", "", pattern)
    if "{" in unknown or "}" in unknown:
        return ["only {version} and {revision} stand in braces"]
    return []
