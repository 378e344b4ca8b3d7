"""Finding: the rollout or the plan that a person means by a word, or by none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import typer

from mirror_console.domain.plan import Plan
from mirror_console.domain.rollout import Rollout, RolloutHead, RolloutState
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.standing import one_rollout

T = TypeVar("T")

RolloutArgument = Annotated[str, typer.Argument(metavar="ROLLOUT", help="Its id or plan; the newest if left out.")]


def find_rollout(console: Console, text: str, state: RolloutState | None = None) -> Rollout:
    """The rollout whose id begins so or whose plan has that fingerprint; else the newest, one in `state` first.

    Raises InvalidInput where none fits, or several do.
    """

    def choose(heads: Sequence[RolloutHead]) -> RolloutHead:
        return _found(
            [head for head in heads if not text or _is_called(text, head.id, head.fingerprint)],
            text,
            "rollout",
            lambda head: state is None or head.state is state,
            "See which there are: mirror-console rollout list",
        )

    return one_rollout(console, choose)


def refuse_interrupted(rollout: Rollout) -> None:
    """Say of a rollout that was cut off what can be done about it. Raises InvalidInput where it was."""
    if rollout.state is not RolloutState.INTERRUPTED:
        return
    name = rollout.id[:8]
    problem = Problem("rollout", f"{rollout.plan.fingerprint} was interrupted: nobody carries it out any more")
    raise InvalidInput(
        "It was cut off, and what it left is looked at first.",
        [problem],
        f"See what it left: mirror-console recover list. Then go on: mirror-console recover continue {name}, or put "
        f"back what was in between and end it: mirror-console recover put-back {name}.",
    )


def find_plan(console: Console, text: str) -> Plan:
    """The plan whose id begins so, or that has that fingerprint; else the newest. Raises InvalidInput."""
    with console.catalog.read() as books:
        plans = sorted(books.plans.all(), key=lambda plan: plan.made_at, reverse=True)
    fitting = [plan for plan in plans if not text or _is_called(text, plan.id, plan.fingerprint)]
    # The same plan made twice has one fingerprint: the newer one is meant.
    if text and len({plan.fingerprint for plan in fitting}) == 1:
        fitting = fitting[:1]
    return _found(fitting, text, "plan", lambda _: True, "Make one, and be told its name: mirror-console rollout plan")


def _is_called(text: str, identity: str, fingerprint: str) -> bool:
    return fingerprint.casefold() == text.casefold() or (len(text) >= 4 and identity.startswith(text.lower()))


def _found(fitting: Sequence[T], text: str, noun: str, preferred: Callable[[T], bool], way_out: str) -> T:
    if not fitting:
        words = f"there is no {noun} '{text}'" if text else f"there is no {noun} yet"
        raise InvalidInput(f"This {noun} isn't in the catalog.", [Problem(noun, words)], way_out)
    if text and len(fitting) > 1:
        words = f"{len(fitting)} are called '{text}': give more of the id"
        raise InvalidInput(f"It isn't clear which {noun} is meant.", [Problem(noun, words)], "Choose one.")
    return next((one for one in fitting if preferred(one)), fitting[0])
