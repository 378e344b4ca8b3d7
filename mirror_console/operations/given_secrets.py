"""The values of a target's secret variables, from the keyring, for a container that is made now."""

from __future__ import annotations

from collections.abc import Mapping

from mirror_console.domain.environment import Settings
from mirror_console.domain.secret import Secret
from mirror_console.domain.steps import Step
from mirror_console.errors import ConsoleError
from mirror_console.operations.turn import StepFailed, Turn


def given_secrets(turn: Turn, step: Step) -> Mapping[str, Secret]:
    """The values by variable. Raises StepFailed for the step that needs them where the keyring doesn't give one."""
    return secrets_for(turn, step, turn.planned.settings)


def secrets_for(turn: Turn, step: Step, settings: Settings) -> Mapping[str, Secret]:
    """The same of other settings, as of those that something is put back to."""
    try:
        return {name: turn.console.vault.get(reference) for name, reference in settings.secrets.items()}
    except ConsoleError as error:
        raise StepFailed(step, str(error)) from error
