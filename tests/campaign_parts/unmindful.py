"""Mutants that are unmindful: of what others do meanwhile, of what comes late or isn't there any more, and of why."""

from __future__ import annotations

import importlib
import sqlite3
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mirror_console.domain.late import Late
from mirror_console.domain.rollout import COUNTS_AS_FAILED, Rollout, Target, TargetState
from mirror_console.errors import CatalogError
from mirror_console.operations.turn import Turn
from tests.campaign_parts.mutant import Mutant, put

app: Any = importlib.import_module("mirror_console.app")
catalog: Any = importlib.import_module("mirror_console.store.catalog")
companion_scene: Any = importlib.import_module("mirror_console.operations.companion_scene")
connection: Any = importlib.import_module("mirror_console.store.connection")
conducting: Any = importlib.import_module("mirror_console.operations.rollout")
containers: Any = importlib.import_module("mirror_console.operations.containers")
health: Any = importlib.import_module("mirror_console.domain.health")
late_calls: Any = importlib.import_module("mirror_console.operations.late_calls")
pruned: Any = importlib.import_module("mirror_console.operations.pruned")
putting: Any = importlib.import_module("mirror_console.operations.put_back")
starting: Any = importlib.import_module("mirror_console.operations.starting")
stop_rule: Any = importlib.import_module("mirror_console.domain.stop_rule")
swap: Any = importlib.import_module("mirror_console.operations.swap")


def _nothing(*_: Any, **__: Any) -> None:
    """Does nothing."""


def _never_bring_to_the_disk() -> None:
    """Whatever is written is left to the operating system, for a while."""
    real = connection.connected

    def connected(path: Path, **more: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = real(path, **more)
        made.execute("PRAGMA synchronous=OFF")
        return made

    put(connection, "connected", connected)
    put(catalog, "connected", connected)


def _begin_an_empty_catalog() -> None:
    """One that can't be read is thrown away."""
    real = catalog._look

    def look(path: Path) -> Any:
        try:
            return real(path)
        except CatalogError:
            for ending in ("", "-wal", "-shm"):
                path.with_name(path.name + ending).unlink(missing_ok=True)
            catalog.create(path)
            return real(path)

    put(catalog, "_look", look)
    put(catalog, "is_new", lambda path: not path.exists())


def _tell_the_audit_nothing() -> None:
    put(catalog, "acts", lambda *_about: ())


def _forget_what_a_lock_told() -> None:
    """Nobody else tells how the old containers were."""
    put(pruned, "_told", lambda *_about: {})
    put(containers, "about_going", lambda _turn: {})


def _leave_policies_to_others() -> None:
    """What a restart policy was once found to be, it is."""
    put(swap, "arm_new", _nothing)
    real = containers.put_aside

    def put_aside(turn: Turn, *more: Any, **others: Any) -> str:
        disarm, containers.disarm_old = containers.disarm_old, _nothing
        try:
            return str(real(turn, *more, **others))
        finally:
            containers.disarm_old = disarm

    put(containers, "put_aside", put_aside)


def _take_silence_for_no() -> None:
    """A call without an answer never arrives."""
    put(putting, "outlast", lambda *_about: "")


def _forget_what_was_sent() -> None:
    """What was sent before the console was killed is taken for not sent."""
    put(late_calls, "late_of", lambda *_about: Late())


def _never_say_memory() -> None:
    put(health, "ended_words", lambda _seen: "ended")
    put(containers, "how_it_ended", lambda *_about: "")


def _go_by_the_time_of_day() -> None:
    """How long something lasts is measured by the clock on the wall."""

    def seconds() -> float:
        # Asked for anew each time: the clock is moved by another one in its place.
        return time.time()

    put(app, "awake_seconds", seconds)


def _count_since_the_start() -> None:
    """What failed while another console carried it out isn't counted by the stop rule."""
    began, real = datetime.fromtimestamp(time.time(), UTC), stop_rule.tripped

    def tripped(rollout: Rollout) -> Any:
        def forgotten(target: Target) -> bool:
            failed = target.state in COUNTS_AS_FAILED
            return failed and target.ended_at is not None and target.ended_at < began

        kept = (replace(one, state=TargetState.SKIPPED) if forgotten(one) else one for one in rollout.targets)
        return real(replace(rollout, targets=tuple(kept)))

    put(stop_rule, "tripped", tripped)
    put(conducting, "tripped", tripped)


def _never_note_the_rollback() -> None:
    put(starting, "note_rollback", _nothing)


UNMINDFUL = (
    Mutant("no-sync", "what is written isn't brought to the disk", ("power-lost",), _never_bring_to_the_disk),
    Mutant("empty-again", "a damaged catalog is thrown away", ("catalog-damaged",), _begin_an_empty_catalog),
    Mutant("unheard", "the audit isn't told of what a person does", ("exits-at-once",), _tell_the_audit_nothing),
    Mutant("lock-forgotten", "what a pruned lock told is lost", ("pruned-several",), _forget_what_a_lock_told),
    Mutant("policy-once", "a restart policy is looked at once", ("policy-changed",), _leave_policies_to_others),
    Mutant("rule-in-memory", "what failed before a kill isn't counted", ("rule-killed",), _count_since_the_start),
    Mutant("rule-forgets", "what a stop rule asks for stays due", ("rule-back-killed",), _never_note_the_rollback),
    Mutant("never-late", "a call without an answer never arrives", ("late-call",), _take_silence_for_no),
    Mutant("sent-forgotten", "what was cut off in mid-call isn't outlasted", ("kill-in-stop",), _forget_what_was_sent),
    Mutant("why-untold", "nobody says that memory was lacking", ("eats-memory",), _never_say_memory),
    Mutant("wall-clock", "spans are measured by the time of day", ("clock-jumps",), _go_by_the_time_of_day),
)
