"""Judges environments of several processes, as the checker does: from engines and files alone, by the same means.

Every other process is asked for like the one that serves: all of them are the old ones, as they were, or all the new
ones, with their ways back; one that is declared no more is gone then, and its container kept, stopped.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.campaign_parts.asked import Inspected, Picture, containers_of, events, picture
from tests.campaign_parts.checker import INTENTS, RUNS_NEW, RUNS_OLD, Violation


@dataclass(frozen=True, slots=True)
class Other:
    """A process beside the one that serves, as it was before the console came."""

    process: str
    container: str
    old: Inspected
    worker: bool
    goes: bool
    """Whether its source declares it no more."""


@dataclass(frozen=True, slots=True)
class Several:
    """What the other processes of an environment are judged by."""

    engine: Path
    since: str
    new_image: str
    others: Sequence[Other]
    command: str
    """How the name of the container begins in which the release command runs; empty where there is none."""


def judge(case: Several, told: str) -> list[Violation]:
    """Every law that is broken at the other processes, where the program has told this end of their target."""
    wrong = []
    for other in case.others:
        found = containers_of(case.engine, other.container)
        wrong += _is_what_was_told(case, other, told, found)
        may_stay = {other.container, f"{other.container}.mc-prev"}
        wrong += [Violation("nothing is left over", name) for name in found if name not in may_stay]
    happened = events(case.engine, case.since)
    return [*wrong, *_never_two(case, happened), *_no_worker_works(case, happened)]


def _is_what_was_told(case: Several, other: Other, told: str, found: Mapping[str, Inspected]) -> list[Violation]:
    law, one = "all processes are of one version", found.get(other.container)
    kept = found.get(f"{other.container}.mc-prev")
    if told in RUNS_OLD:
        if one is None or one["Id"] != other.old["Id"] or not one["State"]["Running"]:
            return [Violation(law, f"told '{told}', and the old {other.process} doesn't run")]
        changed = [part for part in ("Config", "HostConfig", "Name") if one[part] != other.old[part]]
        return [Violation("what is put back is as it was", f"{other.process}: {part}") for part in changed]
    if told not in RUNS_NEW:
        return []
    wrong = []
    if kept is None or kept["Id"] != other.old["Id"] or kept["State"]["Running"]:
        wrong.append(Violation("the way back is kept", f"the {other.process} before isn't kept, stopped"))
    if other.goes:
        return wrong + ([Violation(law, f"{other.process} is declared no more, and is there")] if one else [])
    if one is None or not one["State"]["Running"] or one["Image"] != case.new_image:
        return [*wrong, Violation(law, f"told '{told}', and the new {other.process} doesn't run")]
    before, policy = (seen["HostConfig"]["RestartPolicy"]["Name"] for seen in (other.old, one))
    if policy != before:
        wrong.append(Violation("the restart policy is kept", f"of {other.process} it is '{policy}', not '{before}'"))
    return wrong


def _of(case: Several, name: str) -> Other | None:
    return next((one for one in case.others if name == one.container or name.startswith(f"{one.container}.")), None)


def _never_two(case: Several, told: Iterable[Mapping[str, Any]]) -> list[Violation]:
    """No two containers of one process ran at one instant."""
    running = {one.container: {one.old["Id"]} for one in case.others}
    for event in told:
        name, identity = event["Actor"]["Attributes"].get("name", ""), event["Actor"]["ID"]
        other = _of(case, name)
        if other is None:
            continue
        if event["Action"] == "start":
            running[other.container].add(identity)
        elif event["Action"] in {"die", "destroy"}:
            running[other.container].discard(identity)
        if len(running[other.container]) > 1:
            return [Violation("never two", f"two of {other.process} ran at once, at the start of '{name}'")]
    return []


def _no_worker_works(case: Several, told: Iterable[Mapping[str, Any]]) -> list[Violation]:
    """No worker ran when the release command began."""
    if not case.command:
        return []
    working = {one.old["Id"] for one in case.others if one.worker}
    for event in told:
        name, identity = event["Actor"]["Attributes"].get("name", ""), event["Actor"]["ID"]
        other = _of(case, name)
        if name.startswith(case.command) and event["Action"] == "start" and working:
            return [Violation("no worker works during the release command", f"{len(working)} ran when it began")]
        if other is not None and other.worker and event["Action"] in {"start", "die"}:
            (working.add if event["Action"] == "start" else working.discard)(identity)
    return []


def pictures(case: Several) -> list[Picture]:
    """What may not change before a person has chosen."""
    return [picture(case.engine, other.container) for other in case.others]


def without_intent(case: Several, catalog: Path) -> list[Violation]:
    """Changes of other processes that no committed line of the journal has announced under their name."""
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as connection:
        entries = [json.loads(text) for (text,) in connection.execute("SELECT entry FROM journal")]
    steps = {(entry["process"], entry["step"]) for entry in entries if entry["phase"] == "intent"}
    wrong = []
    for event in events(case.engine, case.since):
        attributes, identity = event["Actor"]["Attributes"], event["Actor"]["ID"]
        other = _of(case, attributes.get("name", ""))
        if other is None:
            continue
        made = "next" if event["Action"] == "create" else "new"
        part = "old" if identity == other.old["Id"] else made
        wanted = INTENTS.get((event["Action"], part))
        if wanted is not None and not any((other.process, step) in steps for step in wanted):
            wrong.append(Violation("nothing without an intent", f"{event['Action']} of the {part} {other.process}"))
    return wrong
