"""Adoption: take what is observed at one mirror into its source's template, and so into the mirrors that follow it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from mirror_console.domain.application import Application
from mirror_console.domain.environment import Environment, Settings
from mirror_console.domain.process import DeclaredProcess, one_process, with_processes
from mirror_console.domain.taking import LIMITS, not_adoptable, parted, taken
from mirror_console.domain.template import copied, followed, template_problems
from mirror_console.errors import InvalidInput, NotAllowed, Problem
from mirror_console.operations.accepting import Taken, take
from mirror_console.operations.console import Console
from mirror_console.operations.drift import Found, chosen_fields, find
from mirror_console.operations.ports.catalog import Books

DECLARED = frozenset({*LIMITS, "command"})
"""Differences of a process that doesn't serve which its source declares for it, and has no template for."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """What adopting would change, to be shown before it is done."""

    found: tuple[Found, ...]
    """What was found at each process of the environment."""
    fields: tuple[str, ...]
    source: Application
    """The source, with its template as it is now."""
    template: Settings
    """The template as it would be."""
    processes: tuple[DeclaredProcess, ...]
    """What the source would declare."""
    followers: tuple[tuple[Environment, Environment], ...]
    """The other environments that would change, each before and after."""
    left_out: tuple[Problem, ...] = ()
    """Fields that a template can't have, and why."""

    @property
    def words(self) -> str:
        """What it means for the others, in a sentence."""
        match len(self.followers):
            case 0:
                return "No other environment of its mirrors follows the template here."
            case 1:
                return "1 other environment follows the template here, and will be pending."
            case number:
                return f"{number} other environments follow the template here, and will be pending."


def adoption(console: Console, environment_id: str, fields: Collection[str] = ()) -> Adoption:
    """What adopting these fields, or all that a template can have, would change. Nothing is changed.

    Raises InvalidInput where none of them can be adopted, EngineError.
    """
    console.demand_write()
    found = find(console, environment_id)
    serving = found[0]
    if not serving.application.is_mirror:
        problem = Problem("environment", "it is a source's own, which is watched and has no template")
        raise InvalidInput("Nothing was adopted.", [problem], "Choose an environment of a mirror.")
    chosen = chosen_fields(found, fields)
    settings = serving.environment.settings
    variables = {field: one.container.variables for one in found for field in chosen if one.own([field])}
    refused = {field: not_adoptable(field, settings, variables[field]) for field in chosen}
    left_out = tuple(Problem(field, f"not adoptable: {why}") for field, why in refused.items() if why)
    wanted = tuple(field for field in chosen if not refused[field])
    if not wanted or (fields and left_out):
        raise InvalidInput("This can't be adopted.", left_out, "Accept it for this mirror, or correct it by a rollout.")
    with console.catalog.read() as books:
        source = books.applications.get(serving.application.source_id)
        template, declared = source.template or Settings(), source.processes
        for one in found:
            own = one.own(wanted)
            observed = taken(one_process(serving.environment, one.process).settings, one.observed, own)
            if not one.serves:
                declared = tuple(
                    _declared(each, observed, own) if each.name == one.process else each for each in declared
                )
            for field in own if one.serves else set(own) - DECLARED:
                template = copied(template, field, observed)
        followers = _followers(books, source, serving.environment, template, declared, wanted)
    problems = template_problems(template)
    if problems:
        raise InvalidInput("This can't be adopted.", problems, "Correct it by a rollout, or on its engine.")
    return Adoption(tuple(found), wanted, source, template, declared, followers, left_out)


def _declared(process: DeclaredProcess, observed: Settings, fields: Collection[str]) -> DeclaredProcess:
    """What a source declares of a process, with the limits and the command that were observed."""
    if set(fields) & set(LIMITS):
        process = replace(process, limits=observed.limits)
    return replace(process, command=observed.command) if "command" in fields else process


def adopt(console: Console, wished: Adoption) -> Taken:
    """Do what was shown: the template, the environments that follow it, and this mirror's own settings as accepted.

    Raises NotAllowed where something of it was changed since, VaultError.
    """
    console.demand_write()
    with console.catalog.read() as books:
        here = wished.found[0].environment
        now = _followers(books, wished.source, here, wished.template, wished.processes, wished.fields)
        if books.applications.get(wished.source.id) != wished.source or now != wished.followers:
            raise NotAllowed(f"{wished.source.name} or its mirrors were changed in the meantime.", "Look again.")
    changed = wished.template != (wished.source.template or Settings())
    template = wished.template if changed else wished.source.template
    adopted = replace(wished.source, template=template, processes=wished.processes)
    return take(console, wished.found, wished.fields, adopted, wished.followers)


def _followers(
    books: Books,
    source: Application,
    here: Environment,
    new: Settings,
    declared: Sequence[DeclaredProcess],
    fields: Collection[str],
) -> tuple[tuple[Environment, Environment], ...]:
    mirrors = {one.id for one in books.applications.all() if one.is_mirror and one.source_id == source.id}
    old, parts = source.template or Settings(), [parted(field) for field in fields]
    # What the source declares of a process is no part of its template.
    own = [field for process, field in parts if not process or field not in DECLARED]
    found = []
    for environment in books.environments.all():
        if environment.application_id in mirrors and environment.id != here.id:
            settings = followed(environment.settings, old, new, own)
            after = with_processes(replace(environment, settings=settings), declared)
            if after != environment:
                found.append((environment, after))
    return tuple(found)
