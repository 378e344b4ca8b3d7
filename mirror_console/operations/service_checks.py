"""Service checks: whether what an environment needs to run answers from where it runs.

Each service that a target's source declares is asked by a command in the target's container, one after the other: so
no more commands run on an engine at a time than targets are checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.observation import Container
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.redaction import Hiding
from mirror_console.domain.service import READ, Heard, Service, heard
from mirror_console.domain.setting_words import VARIABLE, looks_secret
from mirror_console.domain.swap import Swap
from mirror_console.errors import EngineError
from mirror_console.operations.console import Console
from mirror_console.operations.container_checks import Said
from mirror_console.operations.here import Here
from mirror_console.operations.permission import REFUSED
from mirror_console.operations.target_checks import EngineScene, said

LOOK_AT_IT = (
    "See that it runs and can be reached from there, then check again; a command that asks wrongly is corrected on the "
    "source's form."
)
NETWORKS = "networks"
"""The field of the settings that says from where a service is asked."""
MOST_FIELDS = 3
"""Changed settings that are named."""
KNOWING_THIS = "Look at it yourself, or go on knowing this."


def check_services(
    console: Console, scene: EngineScene, here: Here, target: PlannedTarget, *, again: bool
) -> list[CheckResult]:
    """An answer for each service that is silent, or of which nothing is known; one for all others.

    `again`: it is asked before a wave, for what can block alone. Raises EngineError.
    """
    source = here.source_of(target.application_id)
    declared = source.services if source is not None else ()
    if not declared:
        return [said(target, Check.SERVICES, Answer.PASS, "Its source declares no services.")]
    asked = [one for one in declared if not (again and one.optional)]
    if not asked:
        return []
    place = _place(console, target, scene.inspect(target.container))
    if not isinstance(place, Container):
        answer, words, remedy = place
        return [said(target, Check.SERVICES, answer, f"{words}: {_names(asked)}.", remedy)]
    return _asked(scene, target, place, asked)


def _place(console: Console, target: PlannedTarget, old: Container | None) -> Container | Said:
    """The container in which services are asked; or why none is."""
    if console.read_only:
        # A command in somebody's container is nothing that a console does that only reads.
        return Answer.INFORMATION, "Not asked, as the console is read-only", ""
    if target.swap is Swap.IN_PLACE:
        return Answer.PASS, "Not asked, as the container goes on as it is", ""
    if target.swap is Swap.SERVICE:
        return Answer.INFORMATION, "Not asked, as its tasks may run on any node of its Swarm", ""
    if old is None:
        return Answer.UNKNOWN, "Not known, as nothing runs here yet in which it could be asked", KNOWING_THIS
    if old.id != target.before_container_id:
        words = "Not known, as the container is another one than when the plan was made"
        return Answer.UNKNOWN, words, "Check the environment and plan again."
    if not old.running:
        words = f"Not known, as the container is {old.state} and nothing can be asked in it"
        return Answer.UNKNOWN, words, KNOWING_THIS
    return old


def _asked(scene: EngineScene, target: PlannedTarget, old: Container, services: Sequence[Service]) -> list[CheckResult]:
    hidden = Hiding(_secrets(target, old))
    found, answering = [], []
    for place, service in enumerate(services):
        try:
            ran = scene.session.run_inside(old.id, service.command, READ + hidden.longest, service.limit)
        except EngineError as error:
            if error.unreachable and error.kind not in REFUSED:
                raise
            words = f"Not known: {_names(services[place:])}. {error.title}"
            found.append(said(target, Check.SERVICES, Answer.UNKNOWN, words, error.hint or KNOWING_THIS))
            break
        what, words = heard(service, ran, hidden)
        if what is Heard.ANSWERS:
            answering.append(service)
        elif what is Heard.NOT_KNOWN:
            remedy = "Name a command that is in the image, on the source's form."
            result = said(target, Check.SERVICES, Answer.UNKNOWN, words, remedy)
            found.append(replace(result, ground=f"{service.name}: no command"))
        else:
            # What a service says as it fails is another thing each time; that it is silent counts.
            answer = Answer.WARNING if service.optional else Answer.BLOCKED
            silent = said(target, Check.SERVICES, answer, words + _as_it_is(target), LOOK_AT_IT)
            found.append(replace(silent, ground=service.name))
    if answering:
        words = f"{_names(answering)} {'answers' if len(answering) == 1 else 'answer'}."
        changes = _as_it_is(target)
        answer = Answer.INFORMATION if changes else Answer.PASS
        found.append(said(target, Check.SERVICES, answer, words + changes))
    return found


def _as_it_is(target: PlannedTarget) -> str:
    """That something else will be asked, or from somewhere else, once the settings are those that were planned."""
    fields = [one.field for one in target.changes if one.field.startswith(VARIABLE) or one.field == NETWORKS]
    if not fields:
        return ""
    more = f" and {len(fields) - MOST_FIELDS} more" if len(fields) > MOST_FIELDS else ""
    return f" That is with the settings of now; this rollout changes {', '.join(fields[:MOST_FIELDS])}{more}."


def _secrets(target: PlannedTarget, old: Container) -> list[str]:
    """Values that a command may know, and nobody is told: as the container has them, so the keyring isn't asked."""
    kept = {*target.settings.secrets, *(target.before_settings.secrets if target.before_settings else ())}
    return [value for name, value in old.variables.items() if name in kept or looks_secret(name, value)]


def _names(services: Iterable[Service]) -> str:
    return ", ".join(one.name for one in services)
