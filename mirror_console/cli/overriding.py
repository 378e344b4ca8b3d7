"""Overriding: the checks that a person goes on in spite of, as ``--override CHECK[@MIRROR]=REASON`` says them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from mirror_console.cli.session import Session
from mirror_console.domain.check import Check, Checked, CheckResult
from mirror_console.domain.overriding import RULES, overridable, rule_words
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.overriding import override

OverrideOption = Annotated[
    list[str] | None,
    typer.Option(
        "--override",
        metavar="CHECK[@MIRROR]=REASON",
        help="Go on in spite of what this check answers, for one mirror or all, and say why; may be repeated. "
        "'rollout checks' shows what can be overridden.",
    ),
]

_CHECKS = {check.id: check for check in Check}


@dataclass(frozen=True, slots=True)
class OverrideWish:
    """A check to be overridden, for the mirror with that slug or for all, and why."""

    check: Check
    mirror: str
    reason: str


def wishes_of(texts: Sequence[str] | None) -> tuple[OverrideWish, ...]:
    """What is to be overridden, those for all mirrors first. Raises InvalidInput, before anything is asked."""
    found, problems = [], []
    for text in texts or ():
        named, _, reason = text.partition("=")
        name, _, mirror = named.partition("@")
        check = _CHECKS.get(name.strip().lower())
        if check is None:
            problems.append(
                Problem("override", f"there is no check '{name.strip()}': see 'mirror-console help checks'")
            )
        elif not RULES[check].ever:
            problems.append(Problem(f"override {check.id}", rule_words(check)))
        elif not reason.strip():
            problems.append(Problem(f"override {check.id}", "say why, after '=': it goes into the report"))
        else:
            found.append(OverrideWish(check, mirror.strip(), reason.strip()))
    if problems:
        raise InvalidInput("Nothing can be overridden so.", problems)
    return tuple(sorted(found, key=lambda wish: bool(wish.mirror)))


def as_wished(
    session: Session,
    console: Console,
    targets: Sequence[PlannedTarget],
    checked: Checked,
    wishes: Sequence[OverrideWish],
) -> Checked:
    """The answers, overridden as was wished. What blocks nothing is noted. Raises InvalidInput for unknown mirrors."""
    if not wishes:
        return checked
    with console.catalog.read() as books:
        found = books.applications.some({target.application_id for target in targets})
    slugs = {one.id: one.slug for one in found}
    of_mirror: dict[str, set[str]] = {}
    for target in targets:
        of_mirror.setdefault(slugs.get(target.application_id, ""), set()).add(target.environment_id)
    unknown = [wish for wish in wishes if wish.mirror and wish.mirror not in of_mirror]
    if unknown:
        problems = [Problem(f"override {wish.check.id}", f"there is no target '{wish.mirror}'") for wish in unknown]
        raise InvalidInput("Nothing can be overridden so.", problems)
    done = checked
    for wish in wishes:
        meant = [one for one in overridable(checked) if _is_meant(one, wish, of_mirror)]
        if meant:
            done = override(console, done, meant, wish.reason)
        else:
            where = f" of {wish.mirror}" if wish.mirror else ""
            session.out.note(
                f"Not needed, or not possible: nothing that '{wish.check.id}'{where} answers can be overridden."
            )
    return done


def _is_meant(result: CheckResult, wish: OverrideWish, of_mirror: dict[str, set[str]]) -> bool:
    return result.check is wish.check and (not wish.mirror or result.environment_id in of_mirror[wish.mirror])


def print_overridable(session: Session, plan: Plan, checked: Checked) -> None:
    """How what blocks can be overridden, where it can."""
    found: dict[Check, int] = {}
    for result in overridable(checked):
        found[result.check] = found.get(result.check, 0) + 1
    if found:
        options = " ".join(f"--override {check.id}=REASON" for check in found)
        session.out.say("Can be overridden, with a reason that goes into the report:")
        session.out.say(f"  mirror-console rollout start --plan {plan.fingerprint} --why WHY {options}")
    asking = list(dict.fromkeys(result.check.id for result in checked.results if result.blocks))
    if asking:
        session.out.say(f"What a check is about: mirror-console help {asking[0]}")
