"""Adoption: take what is observed at one mirror into its source's template, and so into the mirrors that follow it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from mirror_console.domain.application import Application
from mirror_console.domain.environment import Environment, Settings
from mirror_console.domain.taking import not_adoptable, taken
from mirror_console.domain.template import copied, followed, template_problems
from mirror_console.errors import InvalidInput, NotAllowed, Problem
from mirror_console.operations.accepting import Taken, take
from mirror_console.operations.console import Console
from mirror_console.operations.drift import Found, chosen_fields, find
from mirror_console.operations.ports import Books


@dataclass(frozen=True, slots=True)
class Adoption:
    """What adopting would change, to be shown before it is done."""

    found: Found
    fields: tuple[str, ...]
    source: Application
    """The source, with its template as it is now."""
    template: Settings
    """The template as it would be."""
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
    if not found.application.is_mirror:
        problem = Problem("environment", "it is a source's own, which is watched and has no template")
        raise InvalidInput("Nothing was adopted.", [problem], "Choose an environment of a mirror.")
    chosen = chosen_fields(found, fields)
    settings = found.environment.settings
    refused = {field: not_adoptable(field, settings, found.container.variables) for field in chosen}
    left_out = tuple(Problem(field, f"not adoptable: {why}") for field, why in refused.items() if why)
    wanted = tuple(field for field in chosen if not refused[field])
    if not wanted or (fields and left_out):
        raise InvalidInput("This can't be adopted.", left_out, "Accept it for this mirror, or correct it by a rollout.")
    observed = taken(settings, found.observed, wanted)
    with console.catalog.read() as books:
        source = books.applications.get(found.application.source_id)
        old = source.template or Settings()
        template = old
        for field in wanted:
            template = copied(template, field, observed)
        followers = _followers(books, source, found.environment, old, template, wanted)
    problems = template_problems(template)
    if problems:
        raise InvalidInput("This can't be adopted.", problems, "Correct it by a rollout, or on its engine.")
    return Adoption(found, wanted, source, template, followers, left_out)


def adopt(console: Console, wished: Adoption) -> Taken:
    """Do what was shown: the template, the environments that follow it, and this mirror's own settings as accepted.

    Raises NotAllowed where something of it was changed since, VaultError.
    """
    console.demand_write()
    with console.catalog.read() as books:
        now = _followers(
            books,
            wished.source,
            wished.found.environment,
            wished.source.template or Settings(),
            wished.template,
            wished.fields,
        )
        if books.applications.get(wished.source.id) != wished.source or now != wished.followers:
            raise NotAllowed(f"{wished.source.name} or its mirrors were changed in the meantime.", "Look again.")
    adopted = replace(wished.source, template=wished.template)
    return take(console, wished.found, wished.fields, adopted, wished.followers)


def _followers(
    books: Books,
    source: Application,
    here: Environment,
    old: Settings,
    new: Settings,
    fields: Collection[str],
) -> tuple[tuple[Environment, Environment], ...]:
    mirrors = {one.id for one in books.applications.all() if one.is_mirror and one.source_id == source.id}
    found = []
    for environment in books.environments.all():
        if environment.application_id in mirrors and environment.id != here.id:
            settings = followed(environment.settings, old, new, fields)
            if settings != environment.settings:
                found.append((environment, replace(environment, settings=settings)))
    return tuple(found)
