"""One simulated container: what it was made of, the state it is in, and what time does to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from mirror_console.simulator.behaviour import Behaviour, Program
from mirror_console.simulator.images import Image
from mirror_console.simulator.wire import Document, hex_id, stamp

Tell = Callable[["Container", str, datetime, Mapping[str, str]], None]
"""Told of what happened to a container: the action, when, and further attributes of the event."""

_FIRST_BACKOFF = timedelta(milliseconds=100)
_LONGEST_BACKOFF = timedelta(minutes=1)
_LOG_ENTRIES = 5
_PROBES_IN_DETAIL = 12


class Phase(StrEnum):
    """The engine's own words for a container's state."""

    CREATED = "created"
    RUNNING = "running"
    RESTARTING = "restarting"
    EXITED = "exited"
    DEAD = "dead"


@dataclass(slots=True)
class Endpoint:
    """A container's place in a network; `address` is empty while it doesn't run."""

    network: str
    aliases: list[str] | None = None
    network_id: str = ""
    endpoint_id: str = ""
    address: str = ""
    gateway: str = ""
    mac: str = ""
    wanted: str = ""
    """The address that was asked for; empty for any."""


@dataclass(slots=True)
class Health:
    """What the health check has found since the last start."""

    status: str = "starting"
    streak: int = 0
    log: list[Document] = field(default_factory=list)
    next_probe: datetime | None = None


@dataclass(slots=True)
class Container:
    """A container; everything in it is changed under its engine's lock only."""

    id: str
    name: str
    created: datetime
    image: Image
    image_reference: str
    config: Document
    host: Document
    program: Program
    mounts: list[Document] = field(default_factory=list)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    phase: Phase = Phase.CREATED
    started: datetime | None = None
    finished: datetime | None = None
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    pid: int = 0
    restart_count: int = 0
    restart_at: datetime | None = None
    backoff: timedelta = _FIRST_BACKOFF
    stopped_by_person: bool = False
    sandbox: str = ""
    published: dict[str, list[Document]] = field(default_factory=dict)
    health: Health | None = None
    lines: list[tuple[datetime, str]] = field(default_factory=list)
    starts: int = 0

    @property
    def is_running(self) -> bool:
        """Whether a process of it runs now."""
        return self.phase is Phase.RUNNING

    @property
    def policy(self) -> str:
        """The restart policy's name; 'no' when none was given."""
        return str(self.host["RestartPolicy"]["Name"] or "no")

    @property
    def probe_interval(self) -> timedelta | None:
        """The time between two health checks; None when there is none."""
        check = self.config.get("Healthcheck") or {}
        test = check.get("Test") or []
        if not test or test[0] == "NONE":
            return None
        return timedelta(microseconds=(check.get("Interval") or 30_000_000_000) / 1000)

    def begin(self, now: datetime, tell: Tell) -> None:
        """The process starts."""
        self.starts += 1
        self.phase, self.started, self.restart_at = Phase.RUNNING, now, None
        self.exit_code, self.error, self.stopped_by_person, self.oom_killed = 0, "", False, False
        self.pid = 4000 + int(hex_id(self.id, self.starts)[:4], 16)
        self.health = None
        if (interval := self.probe_interval) is not None:
            self.health = Health(next_probe=now + interval)
        self.lines += [(now, line) for line in self.program.output.splitlines(keepends=True)]
        tell(self, "start", now, {})

    def end(self, now: datetime, exit_code: int, tell: Tell) -> None:
        """The process ended; whether it comes back is decided by `ended_by_itself` alone."""
        self.phase, self.finished, self.exit_code, self.pid = Phase.EXITED, now, exit_code, 0
        self.restart_at = None
        if self.health is not None:
            self.health.next_probe = None
            self.health.status, self.health.streak = "unhealthy", 0
        tell(self, "die", now, {"exitCode": str(exit_code)})

    @property
    def is_quiet(self) -> bool:
        """Whether nothing comes any more by itself but health checks that find what the one before found."""
        health = self.health
        if not self.is_running or health is None or health.next_probe is None or self.started is None:
            return False
        if self.program.exit_due(self.started) is not None:
            return False
        if health.next_probe < self.program.settled_from(self.started):
            return False
        return health.status == ("healthy" if self.program.is_well(self.started, health.next_probe) else "unhealthy")

    def catch_up(self, now: datetime) -> None:
        """Log and count the health checks of a quiet time; nobody listened, and nobody is told of them."""
        health = self.health
        while health is not None and self.is_quiet:
            moment = self._due_after_skipping(now)
            if moment is None or moment > now:
                return
            self._probe(health, moment, _to_nobody)

    def due(self) -> datetime | None:
        """When something happens next without anybody asking for it."""
        if self.phase is Phase.RESTARTING:
            return self.restart_at
        if not self.is_running or self.started is None:
            return None
        exit_due = self.program.exit_due(self.started)
        probe = self.health.next_probe if self.health is not None else None
        moments = [moment for moment in (exit_due[0] if exit_due else None, probe) if moment is not None]
        return min(moments, default=None)

    def advance(self, now: datetime, tell: Tell, restart: Callable[["Container", datetime], None]) -> None:
        """Let everything happen that was due by now, in its order. `restart` starts it anew for its policy."""
        while (moment := self._due_after_skipping(now)) is not None and moment <= now:
            if self.phase is Phase.RESTARTING:
                self.restart_count += 1
                restart(self, moment)
                continue
            exit_due = self.program.exit_due(self.started or moment)
            if exit_due is not None and exit_due[0] <= moment:
                self._ended_by_itself(moment, exit_due[1], tell)
            elif self.health is not None:
                self._probe(self.health, moment, tell)

    def _ended_by_itself(self, now: datetime, exit_code: int, tell: Tell) -> None:
        ran = now - self.started if self.started is not None else timedelta()
        if self.program.behaviour is Behaviour.EATS_MEMORY:
            tell(self, "oom", now, {})
            self.oom_killed = True
        self.end(now, exit_code, tell)
        if not self.wants_restart(exit_code):
            return
        self.backoff = _FIRST_BACKOFF if ran >= timedelta(seconds=10) else self.backoff
        self.phase, self.restart_at = Phase.RESTARTING, now + self.backoff
        self.backoff = min(self.backoff * 2, _LONGEST_BACKOFF)

    def wants_restart(self, exit_code: int) -> bool:
        """Whether the restart policy brings it back after it ended by itself."""
        match self.policy:
            case "always" | "unless-stopped":
                return True
            case "on-failure":
                most = self.host["RestartPolicy"]["MaximumRetryCount"]
                return exit_code != 0 and (most == 0 or self.restart_count < most)
            case _:
                return False

    def _probe(self, health: Health, moment: datetime, tell: Tell) -> None:
        passed = self.program.is_well(self.started or moment, moment)
        check = self.config["Healthcheck"]
        command, execution = " ".join(check["Test"][1:]), hex_id(self.id, moment)
        tell(self, f"exec_create: {command}", moment, {"execID": execution})
        tell(self, f"exec_start: {command}", moment, {"execID": execution})
        tell(self, "exec_die", moment, {"execID": execution, "exitCode": "0" if passed else "1"})
        stamped = stamp(moment)
        entry = {"Start": stamped, "End": stamped, "ExitCode": 0 if passed else 1, "Output": ""}
        health.log = [*health.log, entry][-_LOG_ENTRIES:]
        health.next_probe = moment + (self.probe_interval or timedelta.max)
        before = health.status
        if passed:
            health.status, health.streak = "healthy", 0
        elif not self._in_start_period(moment):
            health.streak += 1
            health.status = "unhealthy" if health.streak >= (check.get("Retries") or 3) else health.status
        if health.status != before:
            tell(self, f"health_status: {health.status}", moment, {})

    def _in_start_period(self, moment: datetime) -> bool:
        period = timedelta(microseconds=(self.config["Healthcheck"].get("StartPeriod") or 0) / 1000)
        starting = self.health is not None and self.health.status == "starting"
        return starting and self.started is not None and moment < self.started + period

    def _due_after_skipping(self, now: datetime) -> datetime | None:
        """When something happens next; after a long silence only the last of many equal probes are played."""
        health, interval = self.health, self.probe_interval
        if not self.is_running or health is None or interval is None or self.started is None:
            return self.due()
        probe = health.next_probe
        if probe is None or health.status == "starting" or probe < self.program.settled_from(self.started):
            return self.due()
        exit_due = self.program.exit_due(self.started)
        waiting = (min(now, exit_due[0]) if exit_due else now) - probe
        skipped = waiting // interval - _PROBES_IN_DETAIL
        if skipped > 0:
            health.next_probe = probe + skipped * interval
            health.streak += 0 if self.program.is_well(self.started, probe) else skipped
        return self.due()


def _to_nobody(_container: Container, _action: str, _moment: datetime, _further: Mapping[str, str]) -> None:
    """Nobody listens."""
