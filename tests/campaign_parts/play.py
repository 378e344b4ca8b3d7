"""A play: one point of a fault. A rollout is begun, stopped where the fault wants it, brought to its end, and judged.

The program is the real one, a command in a process of its own. All that chance decides, the point's dice decide.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from tests.campaign_parts import asked, checker, noted, spill
from tests.campaign_parts.checker import Case, Violation
from tests.campaign_parts.inside import Orders, Scene, boundaries
from tests.campaign_parts.world import GOOD, OLD, Stage, World
from tests.catalogs import lose_journal
from tests.journeys.console import Ended, Program, Running
from tests.journeys.starter import ORDERS
from tests.lab.asking import ask

T = TypeVar("T")
START = ("rollout", "start", "-e", "live", "--all", "--way", "test environment", "--why", "campaign", "--yes", "1")
CONTINUE, PUT_BACK = ("recover", "continue"), ("recover", "put-back")
GRACE = 1.0
"""Seconds for which a call may be on its way, besides the time that a stop takes."""
ARRIVES = 0.4
"""Seconds within which a call is carried out by an engine that nothing is wrong with, the time of its stop included."""
MOST_RECOVERIES = 8
STOPPED_WITHIN = 60.0
REPORTS = ("html", "csv", "json", "md")
OVER = frozenset({"completed", "completed with failures", "stopped", "paused"})


@dataclass(frozen=True, slots=True)
class Point:
    """Where in a campaign a play stands: with seed, fault and number it can be played again."""

    fault: str
    seed: int
    number: int
    mutant: str = ""

    @property
    def dice(self) -> random.Random:
        """What decides in it; new at each call."""
        return random.Random(f"{self.seed} {self.fault} {self.number}")  # noqa: S311 - no secret

    def one_of(self, those: Sequence[T]) -> T:
        """Each in turn. Other seeds begin with other ones, so that few points don't meet the first ones alone."""
        return those[(self.number + self.seed) % len(those)]

    @property
    def replay(self) -> str:
        """The command that plays it again."""
        mutant = f" --mutant {self.mutant}" if self.mutant else ""
        return f"tests/campaign --fault {self.fault} --seed {self.seed} --point {self.number}{mutant}"


@dataclass(frozen=True, slots=True)
class Role:
    """How a play's environment is to be."""

    goal: str = GOOD
    old: str | None = OLD
    policy: str = "always"
    bridge: bool = False
    bake: float = 0.2
    kept: bool = False
    """Whether an earlier way back is there already."""
    beside: bool = False
    """Whether a new one starts beside the old one, found by an alias."""
    scene: dict[str, Any] = field(default_factory=dict)
    """More of its scene."""

    in_place: bool = False
    """Whether it runs the release already, and only gets more memory."""
    secret: bool = False
    """Whether its container gets a secret from a keyring, which is looked for afterwards wherever it may not be."""

    @property
    def swap(self) -> str:
        """How it is swapped, in words."""
        if self.in_place:
            return "change in place"
        return "create" if self.old is None else "start beside" if self.beside else "recreate"


@dataclass(slots=True)
class Play:
    """One point, as it goes."""

    world: World
    stage: Stage
    point: Point
    role: Role
    scene: Scene
    program: Program
    case: Case
    dice: random.Random
    wrong: list[Violation] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    place: str = ""
    """Where the program was when the fault came, in words."""
    grace: float = GRACE
    """Seconds for which a call may be on its way, besides the time that a stop takes."""
    secrets: tuple[str, ...] = ()
    """What may stand nowhere but in a keyring and in containers."""

    # --- running commands ---------------------------------------------------------------------------------------

    @property
    def record(self) -> Path:
        """Where the program's boundaries are written down."""
        return self.program.home.with_name(f"{self.program.home.name}.met")

    @contextmanager
    def running(self, *command: str, stop_at: str = "", **orders: Any) -> Iterator[Running]:
        """A command, which stops at a boundary if it meets that."""
        self.record.unlink(missing_ok=True)
        told = Orders(record=str(self.record), stop_at=stop_at, mutant=self.point.mutant, grace=self.grace, **orders)
        program = self.program.but(keyring={**self.program.keyring, ORDERS: told.text()})
        with program.running(*command, "--json") as begun:
            yield begun

    def start(self, **orders: Any) -> Any:
        """The rollout, begun."""
        alone = ("--settings",) if self.role.in_place else ()
        return self.running(*START, *alone, "--bake", f"{self.role.bake:g}", **orders)

    def report(self, form: str) -> str:
        """The report of the newest rollout in one of its forms; empty where there is none, which is noted."""
        with self.program.running("rollout", "report", "--format", form) as command:
            ended = self.ended(command)
        if ended is not None and not ended.exit_code:
            return ended.out
        self.wrong.append(Violation("each rollout has its report", str(ended)[-900:]))
        return ""

    def ended(self, command: Running) -> Ended | None:
        """How a command ended; None where it hung or ended with a traceback, which is noted."""
        try:
            ended = command.end()
        except AssertionError as error:
            self.wrong.append(Violation("each command ends, and without a traceback", str(error)[-2000:]))
            return None
        self.said += [ended.out, ended.err]
        return ended

    @property
    def words(self) -> str:
        """What the catalog says of the target: why it ended as it did."""
        return noted.newest_words(self.program.catalog)

    def met(self) -> list[str]:
        """The boundaries that the last command met."""
        return [name for _, name in boundaries(self.record)]

    # --- recovering ---------------------------------------------------------------------------------------------

    def note_cut_off(self, *, intents: bool = True) -> None:
        """The program was killed: what the engine tells must have been announced, and nothing may change unasked.

        Its containers stop at once, and what it had sent to engines so near was there when it was killed.
        """
        self.grace = ARRIVES - self.scene.stop_seconds
        if intents:
            self.wrong += checker.without_intent(self.case)
        if self.dice.random() < 0.5:
            before = asked.picture(self.case.engine, self.scene.container)
            with self.running("recover", "list") as command:
                self.ended(command)
            after = asked.picture(self.case.engine, self.scene.container)
            if asked.differ(before, after):
                self.wrong.append(Violation("nothing changes before a person chose", f"{before} became {after}"))

    def note_full(self) -> None:
        """Nothing could be written any more: nothing may have been done that wasn't written down before."""
        self.wrong += checker.without_intent(self.case)

    def recover(self, *, kills: int = 0, choice: Sequence[str] = ()) -> str:
        """Choose until nothing is interrupted any more; the recovery itself is killed so often. The target's end."""
        choice = choice or self.dice.choice((CONTINUE, PUT_BACK))
        for _ in range(MOST_RECOVERIES):
            state = noted.newest_state(self.program.catalog)
            if state is None:
                return "not started"
            if state[0] in OVER:
                return state[1]
            stop_at = str(self.dice.randrange(24)) if kills > 0 else ""
            with self.running(*choice, stop_at=stop_at) as command:
                if stop_at and is_stopped(command):
                    kills -= 1
                    command.send_signal(signal.SIGKILL)
                    self.ended(command)
                    self.place += f", and recovering at {self.met()[-1]}"
                    continue
                if self.ended(command) is None:
                    return "no end"
            kills = 0
        state = noted.newest_state(self.program.catalog)
        return state[1] if state else "not started"

    def delete_journal(self) -> None:
        """Every line of it, and what is noted of the target beside the rollout's plan."""
        lose_journal(self.program.catalog)
        self.case = replace(self.case, journal_was_deleted=True)
        self.place += ", journal deleted"

    # --- the end ------------------------------------------------------------------------------------------------

    def judge(self, told: str) -> list[Violation]:
        """What is wrong in the end; `told` is the end of the target as the program tells it."""
        found = [*checker.judge(self.case, told), *self._spilt()]
        return [*self.wrong, *found]

    def _spilt(self) -> list[Violation]:
        """Secrets that stand where they may not: in what the program keeps and says, its reports, and all labels."""
        if not self.secrets:
            return []
        for form in REPORTS if noted.newest_state(self.program.catalog) else ():
            self.report(form)
        texts = {"what was said": "\n".join(self.said), "labels": asked.labels_told(self.case.engine, self.case.since)}
        places = spill.spilt(self.secrets, (self.program.home, self.program.tmp), texts)
        return [Violation("no secret is left", place) for place in places]

    def commands_left(self) -> list[str]:
        """Containers of its release command that are there still."""
        return asked.named_like(self.case.engine, self.case.command) if self.case.command else []

    def tidy(self) -> None:
        """Take its containers away."""
        for name in asked.containers_of(self.case.engine, self.scene.container):
            ask(self.case.engine, "DELETE", f"/containers/{name}?force=1&v=1")
        for name in self.commands_left():
            ask(self.case.engine, "DELETE", f"/containers/{name}?force=1&v=1")
        ask(self.case.engine, "DELETE", f"/volumes/{self.scene.container}-media?force=1")


def is_stopped(command: Running) -> bool:
    """Wait until a command stands still; False where it ended instead."""
    end = time.monotonic() + STOPPED_WITHIN
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{command.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state in "ZX":
            return False
        if state in "Tt":
            return True
        time.sleep(0.004)
    raise AssertionError(f"neither stopped nor ended within {STOPPED_WITHIN:g} s: {command.command}")


def go_on(command: Running) -> None:
    """Let a stopped command go on."""
    command.send_signal(signal.SIGCONT)


def kill(command: Running) -> None:
    """End it by SIGKILL."""
    os.kill(command.pid, signal.SIGKILL)
