"""What the simulated application does as time passes: when it is healthy, when it ends, which signals it heeds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mirror_console.simulator.commands import missing_program, run_command
from mirror_console.simulator.wire import Document


class Behaviour(StrEnum):
    """The image's variable APP_BEHAVIOUR; a container's own variable of that name overrides it."""

    OK = "ok"
    SLOW_START = "slow-start"
    NEVER_HEALTHY = "never-healthy"
    HEALTHY_THEN_DIES = "healthy-then-dies"
    IGNORES_TERM = "ignores-term"
    EXITS_AT_ONCE = "exits-at-once"
    EATS_MEMORY = "eats-memory"


DEFAULT_DELAY = timedelta(seconds=4)
"""How long a slow start lasts, and how long one that dies stays well; APP_DELAY (seconds) overrides it."""

SIGNALS = {"SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGKILL": 9, "SIGUSR1": 10, "SIGUSR2": 12, "SIGTERM": 15}


@dataclass(frozen=True, slots=True)
class Program:
    """A container's process: the application, or a command that was given instead of it."""

    behaviour: Behaviour
    delay: timedelta
    ends_after: timedelta | None = None
    exit_code: int = 0
    output: str = ""
    missing: str = ""

    def exit_due(self, started: datetime) -> tuple[datetime, int] | None:
        """When it will end by itself, and with which exit code; None if it runs on."""
        if self.ends_after is not None:
            return started + self.ends_after, self.exit_code
        match self.behaviour:
            case Behaviour.EXITS_AT_ONCE:
                return started, 1
            case Behaviour.HEALTHY_THEN_DIES:
                return started + self.delay, 1
            case Behaviour.EATS_MEMORY:
                return started + self.delay, 128 + SIGNALS["SIGKILL"]
            case Behaviour.OK | Behaviour.SLOW_START | Behaviour.NEVER_HEALTHY | Behaviour.IGNORES_TERM:
                return None

    def is_well(self, started: datetime, moment: datetime) -> bool:
        """Whether the health check passes at that moment."""
        match self.behaviour:
            case Behaviour.NEVER_HEALTHY:
                return False
            case Behaviour.SLOW_START:
                return moment >= started + self.delay
            case _:
                return True

    def settled_from(self, started: datetime) -> datetime:
        """From when on the answer of the health check doesn't change any more."""
        return started + self.delay if self.behaviour is Behaviour.SLOW_START else started

    def ends_on(self, signal: int) -> bool:
        """Whether the signal ends it."""
        if signal == SIGNALS["SIGKILL"]:
            return True
        endings = {SIGNALS[name] for name in ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP")}
        return signal in endings and self.behaviour is not Behaviour.IGNORES_TERM


def program_of(config: Document, image_config: Document, free_kilobytes: int) -> Program:
    """The process that a container with this configuration runs."""
    variables = dict(entry.partition("=")[::2] for entry in config.get("Env") or [])
    behaviour, delay = _behaviour(variables.get("APP_BEHAVIOUR", "")), _delay(variables.get("APP_DELAY", ""))
    version = variables.get("APP_VERSION", "")
    command = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
    if command == [*(image_config.get("Entrypoint") or []), *(image_config.get("Cmd") or [])]:
        return Program(behaviour, delay, output=f"webshop {version} listens on port 8080\n")
    answer = run_command(command, free_kilobytes)
    return Program(
        Behaviour.OK,
        delay,
        ends_after=timedelta(seconds=answer.seconds),
        exit_code=answer.exit_code,
        output=answer.output,
        missing=missing_program(command),
    )


def _behaviour(text: str) -> Behaviour:
    return Behaviour(text) if text in set(Behaviour) else Behaviour.OK


def _delay(text: str) -> timedelta:
    try:
        return timedelta(seconds=float(text)) if text else DEFAULT_DELAY
    except ValueError:
        return DEFAULT_DELAY
