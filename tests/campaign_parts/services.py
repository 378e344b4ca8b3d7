"""Judges services of a Swarm: from what its tasks run, as the docker command line of the manager tells it.

Never by labels: a Swarm that takes an update back puts those of the service back with the rest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.campaign_parts.checker import RUNS_NEW, RUNS_OLD
from tests.campaign_parts.noted import agrees, audited, chain, steps_begun
from tests.campaign_parts.violation import Violation
from tests.campaign_parts.world import Image
from tests.lab.docker_cli import Docker

ROLLOUT = "io.mirrorconsole.rollout"
AT_REST = frozenset({"", "completed", "rollback_completed"})
Picture = tuple[object, Sequence[str]]
"""What a service is to be, and which configs there are."""


@dataclass(frozen=True, slots=True)
class ServiceCase:
    """What is to be judged: one service of a manager, as it was before the console came."""

    docker: Docker
    name: str
    replicas: int
    before: dict[str, Any]
    """All that the manager told of it."""
    old: Image
    new: Image
    bystander: str
    """A service of somebody else."""
    bystander_before: dict[str, Any]


def service(docker: Docker, name: str) -> dict[str, Any]:
    """All that a manager tells of a service."""
    (told,) = json.loads(docker.run("service", "inspect", name))
    return dict(told)


def picture(case: ServiceCase) -> Picture:
    """What may not change before a person has chosen. What its Swarm does meanwhile, it does by itself."""
    return service(case.docker, case.name)["Spec"], locks(case)


def locks(case: ServiceCase) -> list[str]:
    """The configs that are locks of it."""
    names = case.docker.run("config", "ls", "--format", "{{.Name}}").split()
    return [name for name in names if name == f"mc-lock.{case.name}"]


def runs(case: ServiceCase) -> list[str]:
    """The digests of what its tasks run, of those that are to run; in words what one does that doesn't."""
    told = case.docker.run("service", "ps", "--no-trunc", "--format", "{{json .}}", case.name).splitlines()
    tasks = [one for one in map(json.loads, told) if one["DesiredState"] in {"Running", "Ready"}]
    return [
        one["Image"].partition("@")[2] if one["CurrentState"].startswith("Running") else one["CurrentState"]
        for one in tasks
    ]


def judge(case: ServiceCase, told: str, catalog: Path, *, journal_was_deleted: bool) -> list[Violation]:
    """Every law that is broken where the program has told this end of its target."""
    wrong = [*_runs_what_was_told(case, told), *agrees(catalog, told), *audited(catalog)]
    wrong += [Violation("nothing is left over", name) for name in locks(case)]
    if not journal_was_deleted:
        wrong += chain(catalog)
    others = service(case.docker, case.bystander)
    if (others["ID"], others["Spec"]) != (case.bystander_before["ID"], case.bystander_before["Spec"]):
        wrong.append(Violation("nothing of others is touched", f"{case.bystander} is changed"))
    return wrong


def _runs_what_was_told(case: ServiceCase, told: str) -> list[Violation]:
    if told not in RUNS_NEW | RUNS_OLD:
        return [Violation("it ends in a state that the fault allows", f"told '{told}', and {runs(case)}")]
    now, before = service(case.docker, case.name), case.before
    image = case.new if told in RUNS_NEW else case.old
    wanted, found = [image.reference.partition("@")[2]] * case.replicas, runs(case)
    wrong = []
    if found != wanted:
        wrong.append(Violation("what was told is what is", f"told '{told}', and its tasks run {found}"))
    if now["ID"] != before["ID"]:
        wrong.append(Violation("the service stays", "it is another one"))
    if told in RUNS_OLD and now["Spec"]["TaskTemplate"] != before["Spec"]["TaskTemplate"]:
        words = f"{before['Spec']['TaskTemplate']} became {now['Spec']['TaskTemplate']}"
        wrong.append(Violation("what is put back is as it was", words))
    kept = ("Name", "Mode", "EndpointSpec")
    lost = [part for part in kept if now["Spec"].get(part) != before["Spec"].get(part)]
    lost += [name for name, value in before["Spec"]["Labels"].items() if now["Spec"]["Labels"].get(name) != value]
    if lost:
        wrong.append(Violation("what its stack decides stays", f"changed: {', '.join(lost)}"))
    state = (now.get("UpdateStatus") or {}).get("State", "")
    if state not in AT_REST:
        wrong.append(Violation("its Swarm is at rest", f"told '{told}', and its update is {state}"))
    return wrong


def without_intent(case: ServiceCase, catalog: Path) -> list[Violation]:
    """What was changed and no committed line of the journal has announced. To be asked after a kill."""
    steps, spec = steps_begun(catalog), service(case.docker, case.name)["Spec"]
    labels = spec["TaskTemplate"]["ContainerSpec"].get("Labels") or {}
    wrong = []
    if labels.get(ROLLOUT) and "update service" not in steps:
        wrong.append(Violation("nothing without an intent", "the service was updated"))
    if locks(case) and "lock" not in steps:
        wrong.append(Violation("nothing without an intent", "a lock was made"))
    return wrong
