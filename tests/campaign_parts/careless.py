"""Mutants that are careless: with registries, with secrets and commands, with what comes before anything is stopped,
and with what they leave.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mirror_console.domain.redaction import Hiding
from mirror_console.domain.request import PullProgress
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.engine.failures import Refusal
from mirror_console.engine.streams import Pull
from mirror_console.errors import FailureKind
from mirror_console.operations.steps import stop
from mirror_console.operations.turn import StepFailed, Turn
from mirror_console.operations.well_again import WellAgain
from tests.campaign_parts.mutant import Mutant, put

containers: Any = importlib.import_module("mirror_console.operations.containers")
fetching: Any = importlib.import_module("mirror_console.operations.fetching")
images: Any = importlib.import_module("mirror_console.engine.images")
in_place: Any = importlib.import_module("mirror_console.operations.in_place")
putting: Any = importlib.import_module("mirror_console.operations.put_back")
retrying: Any = importlib.import_module("mirror_console.operations.retrying")
run_outcome: Any = importlib.import_module("mirror_console.operations.run_outcome")
swap: Any = importlib.import_module("mirror_console.operations.swap")
MOST_TRIES = 8
SOON = 0.5
"""Seconds in which a registry that is slow has brought nothing yet."""


def _try_again_what_is_refused() -> None:
    real = fetching.rest_before_next

    def rest_before_next(kind: FailureKind, tries: int, *more: Any) -> float | None:
        rest: float | None = real(kind, tries, *more)
        return 0.1 if rest is None and tries < MOST_TRIES else rest

    put(fetching, "rest_before_next", rest_before_next)


def _stop_before_the_image_is_there() -> None:
    real = swap.fetch

    def fetch(turn: Turn, *more: Any) -> Any:
        if turn.lock_id:
            stop(turn, Step.STOP, turn.planned.before_container_id, "old")
        return real(turn, *more)

    put(swap, "fetch", fetch)


def _take_the_old_one_for_well() -> None:
    """What was put back and runs is well."""
    put(putting, "await_well", lambda *_about: WellAgain())


def _keep_what_a_command_says() -> None:
    class Showing(Hiding):
        def __call__(self, text: str) -> str:
            return text

    put(run_outcome, "Hiding", Showing)


def _write_secrets_on_labels() -> None:
    real_secrets, real_labels = containers.given_secrets, containers.container_labels
    given: dict[str, str] = {}

    def given_secrets(*about: Any) -> Any:
        secrets = real_secrets(*about)
        given.update({f"io.mirrorconsole.{name.lower()}": secret.reveal() for name, secret in secrets.items()})
        return secrets

    def container_labels(*about: Any) -> Mapping[str, str]:
        return {**real_labels(*about), **given}

    put(containers, "given_secrets", given_secrets)
    put(containers, "container_labels", container_labels)


def _go_on_without_secrets() -> None:
    """And nobody compares: else it is found out as soon as the container is made."""
    real = containers.given_secrets

    def given_secrets(*about: Any) -> Any:
        try:
            return real(*about)
        except StepFailed:
            return {}

    put(containers, "given_secrets", given_secrets)
    put(containers, "differences", lambda *_about: [])


def _try_again_as_it_is() -> None:
    put(retrying, "PUT_BACK_FIRST", frozenset({TargetState.UNDECIDED}))


def _leave_what_was_granted() -> None:
    real = in_place.grant

    def grant(turn: Turn, step: Step, *more: Any) -> None:
        if step is not Step.CHANGE_BACK:
            real(turn, step, *more)

    put(in_place, "grant", grant)


def _hear_no_refusal() -> None:
    """An engine that can't pull says so in the middle of a reply that began well."""
    real = Pull.read

    def read(pull: Pull, line: bytes) -> PullProgress:
        try:
            return real(pull, line)
        except Refusal:
            return real(pull, b"{}")

    put(Pull, "read", read)


def _wait_for_no_pull() -> None:
    """All of it has to come in time, not the next of it."""
    real = images._until

    def until(stopped: Callable[[], bool], coming: Iterable[bytes]) -> Any:
        end = time.monotonic() + SOON
        return real(lambda: stopped() or time.monotonic() > end, coming)

    put(images, "_until", until)


def _let_a_command_run_on() -> None:
    """One that has taken as long as it may is given up on, and not ended."""
    put(run_outcome, "_stopped", lambda _turn, running: running)


def _leave_what_was_made_first() -> None:
    """Where there was nothing before, nothing is taken away."""
    real = putting.be_rid_of

    def be_rid_of(turn: Turn, *more: Any) -> None:
        if turn.planned.swap is not Swap.CREATE:
            real(turn, *more)

    put(putting, "be_rid_of", be_rid_of)


def _ask_the_new_one_alone() -> None:
    """How the old one was before is written on the lock as well; that isn't read."""
    put(putting, "recorded", lambda scene: scene.new.labels if scene.new is not None else {})


CARELESS = (
    Mutant("ask-again", "what is refused is asked for again", ("registry-401",), _try_again_what_is_refused),
    Mutant(
        "stop-first",
        "the old one is stopped before the image is there",
        ("registry-404",),
        _stop_before_the_image_is_there,
    ),
    Mutant("keep-output", "a command's output is kept as it is", ("command-fails",), _keep_what_a_command_says),
    Mutant("secret-label", "secrets are written on labels", ("keyring-locked",), _write_secrets_on_labels),
    Mutant("retry-as-is", "what is stranded is tried again as it is", ("port-stolen",), _try_again_as_it_is),
    Mutant("keep-change", "what was granted in place stays", ("kill-in-place",), _leave_what_was_granted),
    Mutant("no-secret", "without a keyring it goes on without secrets", ("keyring-locked",), _go_on_without_secrets),
    Mutant("unheard-refusal", "that a pull failed isn't heard", ("digest-wrong",), _hear_no_refusal),
    Mutant("impatient", "what is pulled slowly is given up on", ("registry-slow",), _wait_for_no_pull),
    Mutant("command-runs-on", "a command that takes too long isn't ended", ("command-hangs",), _let_a_command_run_on),
    Mutant("first-stays", "what was made first isn't taken away", ("kill-create",), _leave_what_was_made_first),
    Mutant("old-unheard", "what is put back counts as well", ("old-ill",), _take_the_old_one_for_well),
    Mutant("new-alone", "how the old one was only the new one tells", ("new-removed",), _ask_the_new_one_alone),
)
