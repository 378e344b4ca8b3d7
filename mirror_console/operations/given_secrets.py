"""The values of a target's secret variables, from the keyring, for a container that is made now."""

from __future__ import annotations

from collections.abc import Mapping

from mirror_console.domain.secret import Secret
from mirror_console.domain.steps import Step
from mirror_console.errors import ConsoleError
from mirror_console.operations.turn import StepFailed, Turn


def given_secrets(turn: Turn, step: Step) -> Mapping[str, Secret]:
    """The values by variable. Raises StepFailed for the step that needs them where the keyring doesn't give one."""
    try:
        return {name: turn.console.vault.get(reference) for name, reference in turn.planned.settings.secrets.items()}
    except ConsoleError as error:
        raise StepFailed(step, str(error)) from error
