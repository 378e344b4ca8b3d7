"""Tool image: the image in which a source has its backups made, brought to the engine where it isn't there."""

from __future__ import annotations

from mirror_console.domain.image import Image, parse_reference
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.errors import InvalidInput, VaultError
from mirror_console.operations.fetch import HowFar, Want, note_brought
from mirror_console.operations.fetching import Fetcher
from mirror_console.operations.turn import StepFailed, Turn


def bring_tool(turn: Turn, fetcher: Fetcher, reference: str) -> Image:
    """The image of that reference, as the engine has it, or as its registry has it now. Raises StepFailed."""
    here = turn.last_look_at_image(reference)
    if here is not None:
        return here
    planned = turn.planned
    try:
        login = turn.console.login(parse_reference(reference).registry)
    except (VaultError, InvalidInput) as error:
        raise StepFailed(Step.PULL, str(error)) from error
    want = Want(planned.engine_id, planned.engine, reference, "", planned.application_id, reference)
    brought: list[bool] = []
    found: list[Image] = []

    def told(how_far: HowFar) -> None:
        turn.become(TargetState.BACKING_UP, how_far.words)

    def done() -> str | None:
        image = turn.image(reference)
        if image is None:
            return "the image for the backup did not arrive"
        found.append(image)
        return None

    turn.step(Step.PULL, lambda: brought.append(fetcher.fetch(want, turn.session, login, told).brought), done)
    if any(brought):
        with turn.console.catalog.write() as books:
            note_brought(books, turn.console, planned.engine_id, found[-1], turn.rollout_id)
    return found[-1]
