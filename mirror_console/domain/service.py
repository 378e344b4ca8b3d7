"""Services: what an environment needs to run, such as a database, and how it is told whether one of them answers.

A source declares them for its mirrors' environments. Each is asked by a command that runs where the application does,
in the environment's container, with its variables and in its networks: that it ends with 0 is an answer.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mirror_console.domain.plain import clean, quoted
from mirror_console.domain.process import name_problems
from mirror_console.domain.redaction import Hiding
from mirror_console.domain.request import Ran
from mirror_console.errors import Problem

MOST = 10
"""So many services a source may declare."""
SHORTEST, LONGEST = 1.0, 30.0
"""Seconds that one may be given to answer: a check waits for it, and others wait for the check."""
USUAL_LIMIT = 5.0
SAID = 160
"""Characters of what was written that are told."""
READ = 4096
"""Octets that are read of it, beyond the longest secret."""
NOT_RUNNABLE = frozenset({126, 127})
"""Exit codes by which engines and shells say that a command can't be run, or isn't there."""

_LINE = 80
_OF_THE_ENGINE = "OCI runtime"


@dataclass(frozen=True, slots=True)
class Service:
    """Something that an environment needs, and the command that asks whether it is there."""

    name: str
    command: tuple[str, ...]
    limit: float = USUAL_LIMIT
    """Seconds after which it counts as silent."""
    optional: bool = False
    """Whether its silence is only warned of."""


class Heard(StrEnum):
    """What came of asking a service."""

    ANSWERS = "answers"
    SILENT = "silent"
    NOT_KNOWN = "not known"
    """It was not asked: the command could not be run."""


def heard(service: Service, ran: Ran, hidden: Hiding) -> tuple[Heard, str]:
    """What came of its command, in words, without secrets; of what it wrote the first line."""
    line, said = quoted(clean(hidden(shlex.join(service.command)), _LINE)), told(ran.written, hidden)
    more = f": {said.rstrip('.')}" if said and not said.startswith(_OF_THE_ENGINE) else ""
    unknown = f"Whether {service.name} answers isn't known"
    if not ran.in_time:
        return Heard.SILENT, f"{service.name} doesn't answer: {line} hadn't ended after {service.limit:g} s{more}."
    if ran.exit_code is None:
        return Heard.NOT_KNOWN, f"{unknown}: the engine could not run {line} in the container{more}."
    if ran.exit_code in NOT_RUNNABLE:
        how = f"{line} can't be run in the container, and ended with {ran.exit_code}{more}"
        return Heard.NOT_KNOWN, f"{unknown}: {how}."
    if ran.exit_code:
        return Heard.SILENT, f"{service.name} doesn't answer: {line} ended with {ran.exit_code}{more}."
    return Heard.ANSWERS, f"{service.name} answers."


def told(written: str, hidden: Hiding) -> str:
    """What may be told of what a command wrote: its first line, without secrets.

    They are taken out before it is cut: half of one isn't found any more. `written` is read to READ octets and the
    longest of them: so much is cut off its end, as it may be half of one.
    """
    whole = len(written.encode("utf-8", "replace")) < READ + hidden.longest
    text = hidden(written)
    if not whole:
        text = text[: max(0, len(text) - hidden.longest)]
    first = next((line for line in map(clean, text.splitlines()) if line), "")
    return clean(hidden(first), SAID)


def service_problems(declared: Sequence[Service], at: str) -> list[Problem]:
    """Everything wrong with what a source declares."""
    found = name_problems([one.name for one in declared], at)
    if len(declared) > MOST:
        found.append(Problem(at, f"{MOST} services at most"))
    for one in declared:
        if not one.command:
            found.append(Problem(at, f"say which command asks '{one.name}'"))
        if any("\0" in word for word in one.command):
            found.append(Problem(at, "a NUL can't be part of it"))
        if not SHORTEST <= one.limit <= LONGEST:
            found.append(Problem(f"{at}.limit", f"'{one.name}' is given from {SHORTEST:g} s to {LONGEST:g} s"))
    return found
