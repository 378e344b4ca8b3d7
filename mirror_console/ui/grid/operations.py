"""What the page of the grid asks of the operations on drift: functions, handed in where it is tested."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from mirror_console.operations import accepting, drift
from mirror_console.operations import adoption as adopting
from mirror_console.operations.accepting import Taken
from mirror_console.operations.adoption import Adoption
from mirror_console.operations.console import Console
from mirror_console.operations.drift import DriftReport


def report(console: Console, environment_id: str, ask_keyring: bool) -> DriftReport | None:
    """What differs and what waits; with `ask_keyring` secrets that were replaced there wait too.

    None where the environment was removed meanwhile.
    """
    with suppress(KeyError):
        return drift.drift_of(console, environment_id, ask_keyring=ask_keyring)
    return None


@dataclass(frozen=True, slots=True)
class DriftOperations:
    """The operations behind the details. All may take long, and belong in a job."""

    report: Callable[[Console, str, bool], DriftReport | None] = report
    accept: Callable[[Console, str, Collection[str]], Taken] = accepting.accept
    adoption: Callable[[Console, str, Collection[str]], Adoption] = adopting.adoption
    adopt: Callable[[Console, Adoption], Taken] = adopting.adopt
    undo: Callable[[Console, Taken], None] = accepting.undo
