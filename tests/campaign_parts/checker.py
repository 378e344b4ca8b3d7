"""The checker: says from engines and files alone which laws are broken. It shares no code with the program.

What an engine says and what a catalog has, `asked` and `noted` read with the standard library alone. It knows of the
program only what its README says of names, labels and the journal.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.campaign_parts.asked import (
    ANSWER_WITHIN,
    Inspected,
    body_at,
    containers_of,
    events,
    inspected,
    named_like,
)
from tests.campaign_parts.noted import agrees, audited, chain, steps_begun
from tests.campaign_parts.violation import Violation

__all__ = [
    "NOT_OURS",
    "RUNS_NEW",
    "RUNS_OLD",
    "Case",
    "Violation",
    "calls_wrong",
    "judge",
    "untouched",
    "without_intent",
]

RUNS_NEW = frozenset({"done", "already"})
RUNS_OLD = frozenset({"failed", "put back", "not started", "skipped"})
NOT_OURS = frozenset({"superseded", "stranded"})
"""Ends that say that a person is needed: only for faults that leave nothing else to say."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be judged: one environment on one engine, as it was before the console came."""

    engine: Path
    """The engine's own socket, past every proxy."""
    container: str
    address: tuple[str, int]
    """Where it serves."""
    policy: str
    old: Inspected | None
    """The container that served; None where there was none."""
    new_image: str
    """The id of the image that the release is, on this engine."""
    catalogs: tuple[Path, ...]
    since: str
    """The engine's time before anything was done."""
    bystanders: Mapping[str, Inspected]
    variables: Mapping[str, str]
    """What is declared for the new container."""
    may_end: frozenset[str] = RUNS_NEW | RUNS_OLD
    may_be_left: frozenset[str] = frozenset()
    """Names of containers that whoever meddled has left, or made it impossible to take away."""
    way_back_may_go: bool = False
    old_may_go: bool = False
    """Whether somebody may have removed the old container: then it can't be put back."""
    other_name: str = ""
    """What somebody may have called the container that serves."""
    name_is_taken: bool = False
    """Whether somebody has put a container of their own under the environment's name."""
    started_by_others: bool = False
    """Whether somebody else may have started one beside the other."""
    engine_fell: bool = False
    """Whether the engine was restarted: it forgets its events then, and starts bystanders again."""
    journal_was_deleted: bool = False
    memory: int = 0
    """Bytes that its container, which stays, is given in place; 0 where it is made anew."""
    command: str = ""
    """How the name of the container begins in which its release command runs; empty where there is none."""
    route: tuple[str, str, str] | None = None
    """Where a new one starts beside the old one: id and name of the network, and the alias by which it is found."""
    heard: Sequence[Mapping[str, Any]] | None = None
    """All that the engine has told since then, by who listened; None where it is asked for what it remembers."""


# --- the end --------------------------------------------------------------------------------------------------------


def judge(case: Case, told: str) -> list[Violation]:
    """Every law that is broken where the program has told this end of its target."""
    found = _settled(case) if case.engine_fell else containers_of(case.engine, case.container)
    wrong = [*_serves(case, told, found), *_left(case, found), *untouched(case)]
    if not case.engine_fell and not case.started_by_others:
        happened = _happened(case, "container")
        wrong += _never_two(case, happened)
        wrong += _never_without(case, _happened(case, "container", "network"))
        if case.command:
            wrong += _once(case, told, happened)
    for catalog in case.catalogs:
        wrong += [*agrees(catalog, told if len(case.catalogs) == 1 else None), *audited(catalog)]
        if not case.journal_was_deleted:
            wrong += chain(catalog)
    return wrong


def _happened(case: Case, *kinds: str) -> list[Mapping[str, Any]]:
    if case.heard is None:
        return list(events(case.engine, case.since, *kinds))
    return [event for event in case.heard if event["Type"] in kinds]


def _settled(case: Case) -> dict[str, Inspected]:
    """Once the engine that came back has started again what it starts by itself, or has had the time for it."""
    end = time.monotonic() + ANSWER_WITHIN
    while True:
        found = containers_of(case.engine, case.container)
        if any(one["State"]["Running"] for one in found.values()) or time.monotonic() > end:
            return found
        time.sleep(0.1)


def _serves(case: Case, told: str, found: Mapping[str, Inspected]) -> list[Violation]:
    if told not in case.may_end:
        return [Violation("it ends in a state that the fault allows", f"told '{told}', and {_names(found)}")]
    running = sorted(
        name for name, one in found.items() if one["State"]["Running"] and one["Id"] not in case.bystanders
    )
    if case.name_is_taken:
        words = f"told '{told}', and {running} run beside the container of somebody else"
        return [] if len(running) == 1 else [Violation("one serves", words)]
    gone = case.old_may_go and case.old is not None and all(one["Id"] != case.old["Id"] for one in found.values())
    if told in NOT_OURS or (gone and told in RUNS_OLD):
        if len(running) > 1:
            return [Violation("never two", f"told '{told}', and {running} run")]
        return []
    if told in RUNS_OLD and case.old is None:
        return [Violation("what was told is what is", f"told '{told}', but {name} runs") for name in running]
    if told in RUNS_OLD and case.other_name and running == [case.other_name]:
        return [] if found[case.other_name]["Id"] == (case.old or {}).get("Id") else [Violation("one serves", told)]
    if running != [case.container]:
        return [Violation("one serves", f"told '{told}', and {running} run, not just '{case.container}'")]
    one = found[case.container]
    wrong = _is_old(case, one) if told in RUNS_OLD else _is_new(case, one, found)
    if not body_at(_address(case, one)).startswith("version "):
        wrong.append(Violation("what serves answers", f"told '{told}', but port {case.address[1]} doesn't answer"))
    if case.route is not None and case.route[2] not in _aliases(case.route[1], one):
        wrong.append(Violation("what serves is on its route", f"told '{told}', but it isn't found as {case.route[2]}"))
    if one["HostConfig"]["RestartPolicy"]["Name"] != case.policy:
        policy = one["HostConfig"]["RestartPolicy"]["Name"]
        wrong.append(Violation("the restart policy is kept", f"it is '{policy}', not '{case.policy}'"))
    return wrong


def _address(case: Case, one: Inspected) -> tuple[str, int]:
    """Where a container answers: one that may have a copy beside it has a port that its engine chose."""
    if case.route is None:
        return case.address
    return case.address[0], int(one["NetworkSettings"]["Ports"]["8080/tcp"][0]["HostPort"])


def _aliases(network: str, one: Inspected) -> Sequence[str]:
    place = one["NetworkSettings"]["Networks"].get(network) or {}
    return place.get("Aliases") or []


def _is_old(case: Case, one: Inspected) -> list[Violation]:
    assert case.old is not None
    if one["Id"] != case.old["Id"]:
        return [Violation("what was told is what is", "the container that serves is not the one before")]
    parts = ("Config", "HostConfig", "Mounts", "Name")
    differing = {part: _differing(case.old[part], one[part]) for part in parts}
    changed = [f"{part}{words}" for part, words in differing.items() if words]
    return [Violation("what is put back is as it was", f"changed: {'; '.join(changed)}")] if changed else []


def _differing(before: object, now: object) -> str:
    """How they differ. Nothing, an empty list and an empty text are the same to an engine that has read them again."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return "" if (before or None) == (now or None) else f": {before!r} became {now!r}"
    names = [name for name in sorted(before.keys() | now.keys()) if _differing(before.get(name), now.get(name))]
    return "".join(f" {name}: {before.get(name)!r} became {now.get(name)!r}" for name in names)


def _is_new(case: Case, one: Inspected, found: Mapping[str, Inspected]) -> list[Violation]:
    wrong = []
    if one["Image"] != case.new_image:
        wrong.append(Violation("what was planned is what runs", f"it runs {one['Image']}, not {case.new_image}"))
    told = dict(entry.partition("=")[::2] for entry in one["Config"]["Env"])
    lost = [name for name, value in case.variables.items() if told.get(name) != value]
    if lost:
        wrong.append(Violation("nothing of its settings is lost", f"without {', '.join(lost)}"))
    if case.memory:
        wrong += _changed_in_place(case, one)
    kept = found.get(f"{case.container}.mc-prev")
    if case.old is not None and not case.way_back_may_go and (kept is None or kept["Id"] != case.old["Id"]):
        wrong.append(Violation("the way back is kept", f"the container before isn't kept; {_names(found)}"))
    policy = kept["HostConfig"]["RestartPolicy"]["Name"] if kept is not None else ""
    if policy in {"always", "on-failure"}:
        wrong.append(Violation("never two", f"the engine would start the way back beside it: its policy is '{policy}'"))
    return wrong


def _changed_in_place(case: Case, one: Inspected) -> list[Violation]:
    law = "what is changed in place stays, and runs on"
    if case.old is None or one["Id"] != case.old["Id"]:
        return [Violation(law, "it is another container")]
    wrong = []
    if one["State"]["StartedAt"] != case.old["State"]["StartedAt"]:
        wrong.append(Violation(law, "it was restarted"))
    if one["HostConfig"]["Memory"] != case.memory:
        wrong.append(Violation("what was told is what is", f"it has {one['HostConfig']['Memory']} bytes of memory"))
    return wrong


def _left(case: Case, found: Mapping[str, Inspected]) -> list[Violation]:
    may_stay = {case.container, f"{case.container}.mc-prev", case.other_name} | case.may_be_left
    return [Violation("nothing is left over", name) for name in found if name not in may_stay]


def untouched(case: Case) -> list[Violation]:
    """What others have is as it was."""
    wrong = []
    for identity, before in case.bystanders.items():
        now = inspected(case.engine, identity)
        parts = ["Name", "Config", "HostConfig"] + ([] if case.engine_fell else ["State"])
        if now is None or any(now[part] != before[part] for part in parts):
            said = "gone" if now is None else "changed"
            wrong.append(Violation("nothing of others is touched", f"{before['Name']} is {said}"))
    return wrong


def _never_two(case: Case, told: Iterable[Mapping[str, Any]]) -> list[Violation]:
    """No two of an environment's containers ran at one instant, by what the engine tells of each start and end."""
    running = {case.old["Id"]} if case.old is not None and case.old["State"]["Running"] else set()
    for event in told:
        attributes, identity = event["Actor"]["Attributes"], event["Actor"]["ID"]
        name = attributes.get("name", "")
        ours = name == case.container or name.startswith(f"{case.container}.")
        if not ours or identity in case.bystanders:
            continue
        if event["Action"] == "start":
            running.add(identity)
        elif event["Action"] in {"die", "destroy"}:
            running.discard(identity)
        # The new one may start beside the old one, where that is how it is swapped: then a third may not.
        if len(running) > (1 if case.route is None else 2):
            return [Violation("never two", f"{len(running)} of its containers ran at once, at the start of '{name}'")]
    return []


def _once(case: Case, told: str, happened: Iterable[Mapping[str, Any]]) -> list[Violation]:
    """Its release command was started once at most, before the new container, and that one only where it ended well."""
    law, starts, codes = "a release command runs once, and first", 0, []
    for event in happened:
        attributes = event["Actor"]["Attributes"]
        name = attributes.get("name", "")
        if name.startswith(case.command):
            starts += event["Action"] == "start"
            codes += [attributes.get("exitCode")] if event["Action"] == "die" else []
        elif event["Action"] == "start" and name == f"{case.container}.mc-next" and codes != ["0"]:
            return [Violation(law, f"the new container was started when its exit codes were {codes}")]
    wrong = (
        [Violation(law, f"it was started {starts} times")] if starts > 1 or (told in RUNS_NEW and not starts) else []
    )
    return wrong + [Violation("nothing is left over", name) for name in named_like(case.engine, case.command)]


def _never_without(case: Case, told: Sequence[Mapping[str, Any]]) -> list[Violation]:
    """At every instant one of an environment's containers was in the network of its route, by what the engine tells.

    Whoever is in it has its alias there: in a network of which nobody chose the subnet none stays without. One that
    ended by itself is missed until it is replaced, and nobody took it away.
    """
    if case.route is None or case.old is None:
        return []
    ours = _made_for(case, told)
    members, killed, fallen = {case.old["Id"]}, set[str](), set[str]()
    for event in told:
        attributes, action = event["Actor"]["Attributes"], event["Action"]
        identity = event["Actor"]["ID"]
        if event["Type"] == "container":
            if action == "kill":
                killed.add(identity)
            elif action == "die" and identity not in killed:
                fallen.add(identity)
            elif action == "start":
                killed.discard(identity)
                fallen.discard(identity)
            continue
        container = attributes.get("container", "")
        if identity != case.route[0] or container not in ours:
            continue
        if action == "connect":
            members.add(container)
        elif action == "disconnect" and container not in fallen:
            members.discard(container)
        if not members:
            return [Violation("never without one on its route", f"nobody was found as {case.route[2]} for a while")]
    return []


def _made_for(case: Case, told: Iterable[Mapping[str, Any]]) -> set[str]:
    """The old container, and every other that was made under the environment's name."""
    found = {
        event["Actor"]["ID"]
        for event in told
        if event["Type"] == "container"
        and str(event["Actor"]["Attributes"].get("name", "")).startswith(f"{case.container}.mc-next")
    }
    return found | ({case.old["Id"]} if case.old is not None else set())


def _names(found: Mapping[str, Inspected]) -> str:
    return ", ".join(f"{name} {one['State']['Status']}" for name, one in sorted(found.items())) or "nothing is there"


# --- the journal ----------------------------------------------------------------------------------------------------

INTENTS: Mapping[tuple[str, str], frozenset[str]] = {
    ("create", "next"): frozenset({"create new"}),
    ("create", "lock"): frozenset({"lock"}),
    ("start", "new"): frozenset({"start new"}),
    ("start", "old"): frozenset({"start old"}),
    ("kill", "old"): frozenset({"stop old"}),
    ("kill", "new"): frozenset({"stop new"}),
    ("rename", "old"): frozenset({"rename old away", "name old back"}),
    ("rename", "new"): frozenset({"name new", "name old back"}),
    ("destroy", "new"): frozenset({"remove new"}),
    ("destroy", "lock"): frozenset({"unlock"}),
    ("update", "old"): frozenset(
        {
            "take restart policy from old",
            "give restart policy back to old",
            "change in place",
            "change back in place",
        }
    ),
    ("update", "new"): frozenset({"give restart policy to new", "stop new"}),
}
"""Which line of the journal must be there before an engine tells such a change of such a container."""


def without_intent(case: Case) -> list[Violation]:
    """Changes that the engine tells and no committed line of a journal has announced. To be asked after a kill."""
    steps: set[str] = set()
    for catalog in case.catalogs:
        steps |= steps_begun(catalog)
    wrong = []
    for event in events(case.engine, case.since):
        part = _part(case, event)
        wanted = INTENTS.get((event["Action"], part))
        if wanted is not None and not wanted & steps:
            wrong.append(Violation("nothing without an intent", f"{event['Action']} of the {part} container"))
    return wrong


def _part(case: Case, event: Mapping[str, Any]) -> str:
    attributes, identity = event["Actor"]["Attributes"], event["Actor"]["ID"]
    name = attributes.get("name", "")
    if name == f"mc-lock.{case.container}":
        return "lock"
    if case.old is not None and identity == case.old["Id"]:
        return "old"
    if name != case.container and not name.startswith(f"{case.container}."):
        return ""
    if event["Action"] == "create":
        return "next" if name == f"{case.container}.mc-next" else ""
    return "new" if attributes.get("image") and _made_here(attributes) else ""


def _made_here(attributes: Mapping[str, str]) -> bool:
    return "io.mirrorconsole.rollout" in attributes


# --- what was asked of the engine -----------------------------------------------------------------------------------


def calls_wrong(calls: Sequence[tuple[str, str]]) -> list[Violation]:
    """Of the requests that a proxy wrote down: changes that name a container by anything but its id, and changes that
    were sent again before anything was looked at.
    """
    wrong = []
    before: tuple[str, str] | None = None
    for method, path in calls:
        plain = path.partition("?")[0]
        parts = plain.strip("/").split("/")
        if method == "GET":
            before = None
            continue
        if "containers" not in parts:
            continue
        named = parts[parts.index("containers") + 1]
        if named != "create" and not (len(named) == 64 and set(named) <= set("0123456789abcdef")):
            wrong.append(Violation("a change goes to an id", f"{method} {plain}"))
        if before == (method, path):
            wrong.append(Violation("nothing is sent again before a look", f"{method} {plain}"))
        before = (method, path)
    return wrong
