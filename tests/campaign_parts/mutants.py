"""Mutants: the program with one mistake each, made in a started process. A checker that misses one isn't worth its run.

Each names the faults by which it is to be found.
"""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from mirror_console import paths
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.recovery import Found
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.errors import CatalogError, EngineError
from mirror_console.operations.turn import Turn
from tests.campaign_parts.believing import BELIEVING
from tests.campaign_parts.believing_swarm import BELIEVING_SWARM
from tests.campaign_parts.careless import CARELESS
from tests.campaign_parts.mutant import Mutant, put
from tests.campaign_parts.unmindful import UNMINDFUL

beside: Any = importlib.import_module("mirror_console.operations.beside")
companions: Any = importlib.import_module("mirror_console.operations.companions")
putting: Any = importlib.import_module("mirror_console.operations.put_back")
left_behind: Any = importlib.import_module("mirror_console.operations.left_behind")
recovering: Any = importlib.import_module("mirror_console.operations.recovering")
recovery: Any = importlib.import_module("mirror_console.operations.recovery")
steps: Any = importlib.import_module("mirror_console.operations.steps")
containers: Any = importlib.import_module("mirror_console.operations.containers")
swap: Any = importlib.import_module("mirror_console.operations.swap")
taking: Any = importlib.import_module("mirror_console.operations.taking_turns")


def _nothing(*_: Any, **__: Any) -> None:
    """Does nothing."""


# --- putting back and recovering ------------------------------------------------------------------------------------


def _skip_rearm() -> None:
    real = putting.set_restart

    def set_restart(turn: Turn, step: Step, *more: Any) -> None:
        if step is not Step.ARM_OLD:
            real(turn, step, *more)

    put(putting, "set_restart", set_restart)


def _ignore_the_commit_point() -> None:
    real = left_behind.classify

    def classify(*seen: Any, **more: Any) -> Found:
        found: Found = real(*seen, **more)
        return Found.FINISHED if found is Found.COMMITTED else found

    put(left_behind, "classify", classify)


def _leave_the_old_one_stopped() -> None:
    put(putting, "start", _nothing)


def _trust_the_journal() -> None:
    """What has no line in the journal is taken for not begun."""
    real = recovery._settle_one

    def settle(console: Any, running: Any, target: Any, *more: Any) -> None:
        with closing(sqlite3.connect(f"file:{paths.catalog_path()}?mode=ro", uri=True)) as connection:
            (lines,) = connection.execute("SELECT count(*) FROM journal").fetchone()
        if lines:
            real(console, running, target, *more)
        else:
            running.keep(replace(target, state=TargetState.FAILED, ended_at=console.clock()))

    put(recovery, "_settle_one", settle)


def _recover_without_being_asked() -> None:
    real = recovery.examine

    def examine(console: Any, jobs: Any, rollout: Any) -> Any:
        found = real(console, jobs, rollout)
        if any(one.found is not None for one in found):
            recovery.put_back(console, jobs, rollout.id)
        return found

    put(recovery, "examine", examine)
    import mirror_console.cli.recover as command

    put(command, "examine", examine)


def _run_the_command_again() -> None:
    """What was cut off at a release command is begun anew with it, whatever became of it."""

    def settle_left(turn: Turn, about: Mapping[str, str]) -> str:
        with turn.console.catalog.write() as books:
            for run in books.commands.of(turn.rollout_id):
                books.commands.remove(run.id)
                found = turn.session.inspect(run.container)
                if found is not None:
                    turn.session.stop(found.id, 0)
                    turn.session.remove(found.id)
        return ""

    put(recovering, "settle_left", settle_left)


# --- steps ----------------------------------------------------------------------------------------------------------


def _trust_the_reply() -> None:
    """A call that was answered counts as done; nobody looks."""
    real = Turn._look

    def look(turn: Turn, step: Step, done: Callable[[], str | None], refusal: EngineError | None) -> str | None:
        wrong = real(turn, step, done, refusal)
        return wrong if refusal is not None else None

    put(Turn, "_look", look)


def _send_again_what_is_unknown() -> None:
    real = Turn.step

    def step(turn: Turn, step: Step, act: Callable[[], object], *more: Any, **others: Any) -> None:
        def twice() -> None:
            try:
                act()
            except EngineError as error:
                if not error.outcome_unknown:
                    raise
                act()

        real(turn, step, twice, *more, **others)

    put(Turn, "step", step)


def _address_by_name() -> None:
    real = steps.stop

    def stop(turn: Turn, step: Step, *more: Any) -> None:
        def stop_what_has_the_name() -> None:
            found = turn.session.inspect(turn.planned.container)
            if found is not None:
                turn.session.stop(found.id, turn.planned.settings.stop_seconds)

        if step is Step.STOP:
            turn.step(step, stop_what_has_the_name, lambda: None)
        else:
            real(turn, step, *more)

    put(containers, "stop", stop)


def _write_the_intent_afterwards() -> None:
    real_begin, real_end = Turn._begin, Turn._end
    waiting: dict[int, tuple[Any, ...]] = {}

    def begin(turn: Turn, step: Step, objects: Mapping[str, str] | None) -> None:
        waiting[id(turn)] = (step, objects)

    def end(turn: Turn, step: Step, *more: Any) -> None:
        real_begin(turn, *waiting.pop(id(turn)))
        real_end(turn, step, *more)

    put(Turn, "_begin", begin)
    put(Turn, "_end", end)
    put(Turn, "announce", _nothing)


def _go_on_without_a_journal() -> None:
    real = Turn.keep

    def keep(turn: Turn, note: Any = None) -> None:
        try:
            real(turn, note)
        except CatalogError:
            turn._lines.unwritten.clear()

    put(Turn, "keep", keep)


# --- the lock -------------------------------------------------------------------------------------------------------


def _take_no_lock() -> None:
    def take_lock(turn: Turn, image_id: str, about: Mapping[str, str]) -> None:
        turn.lock.id = "f" * 64

    put(Turn, "take_lock", take_lock)
    put(Turn, "demand_lock", _nothing)
    put(Turn, "release_lock", _nothing)


def _never_read_the_lock_again() -> None:
    put(Turn, "demand_lock", _nothing)


def _keep_the_lock() -> None:
    put(Turn, "release_lock", _nothing)


# --- the swap -------------------------------------------------------------------------------------------------------


def _remove_the_old_one_early() -> None:
    real = swap.stop_old

    def stop_old(turn: Turn, old: Any) -> None:
        real(turn, old)
        turn.session.remove(old.id)

    put(swap, "stop_old", stop_old)


def _never_look_at_ports() -> None:
    real = steps.not_serving

    def not_serving(seen: Any, part: str) -> str | None:
        return None if seen.running else str(real(seen, part))

    put(steps, "not_serving", not_serving)


def _leave_the_old_one_armed() -> None:
    put(swap, "disarm_old", _nothing)
    put(containers, "disarm_old", _nothing)


def _never_wait_for_health() -> None:
    put(swap, "verify", _nothing)
    put(recovering, "verify", _nothing)


def _bake_nothing() -> None:
    put(swap, "bake", _nothing)


def _never_put_back() -> None:
    def undo(turn: Turn, why: str, *_more: Any) -> None:
        turn.become(TargetState.FAILED, why, ended_at=turn.console.clock())

    put(taking, "_undo", undo)


def _leave_before_joining() -> None:
    real = beside.switch

    def switch(turn: Turn, old: Any, new: Any) -> None:
        beside.leave(turn, Step.DISCONNECT, old, "old")
        real(turn, old, new)

    put(beside, "switch", switch)
    put(recovering, "switch", switch)


def _take_the_new_one_away_first() -> None:
    real = putting._bring_old_back

    def bring_old_back(turn: Turn, scene: Any, labels: Any) -> Any:
        if turn.planned.swap is Swap.BESIDE:
            putting._take_from_route(turn, scene)
        return real(turn, scene, labels)

    put(putting, "_bring_old_back", bring_old_back)


def _let_workers_work() -> None:
    put(companions, "stop_workers", _nothing)


def _put_one_back_alone() -> None:
    put(putting, "_bring_companions_back", _nothing)


def _let_it_stay() -> None:
    put(companions.going, "stop_all", _nothing)
    put(companions.going, "settle", _nothing)


def _forget_the_route() -> None:
    put(putting, "join", _nothing)


def _go_by_the_label() -> None:
    """The version that an image calls itself says what it is, and its tag where to find it."""

    def is_met_by(planned: PlannedTarget, image: Any) -> bool:
        return bool(image.version == planned.after_title.split(" ")[0])

    real = Turn.last_look_at_image

    def last_look_at_image(turn: Turn, image: str) -> Any:
        planned = turn.planned
        named, _, digest = planned.reference.partition("@")
        if not digest or (image != planned.image_id and "@" not in image):
            return real(turn, image)
        # Looked at anew each time: what the tag meant a moment ago is remembered by name.
        folder, _, name = named.rpartition("/")
        return turn.image(f"{folder}/{name.partition(':')[0]}:{planned.after_title.split(' ')[0]}")

    put(PlannedTarget, "is_met_by", is_met_by)
    put(Turn, "last_look_at_image", last_look_at_image)


MUTANTS = (
    Mutant("skip-rearm", "putting back forgets the restart policy", ("kill-recreate",), _skip_rearm),
    Mutant(
        "ignore-commit", "recovery takes what was committed for finished", ("kill-recreate",), _ignore_the_commit_point
    ),
    Mutant("old-stays-down", "putting back starts nothing", ("exits-at-once",), _leave_the_old_one_stopped),
    Mutant("trust-journal", "recovery asks the journal, not the engine", ("kill-recreate",), _trust_the_journal),
    Mutant(
        "recover-unasked", "looking at what was cut off puts it back", ("kill-recreate",), _recover_without_being_asked
    ),
    Mutant(
        "command-again",
        "recovery runs a release command again",
        ("command-killed", "command-engine"),
        _run_the_command_again,
    ),
    Mutant("workers-go-on", "workers work on during a release command", ("kill-several",), _let_workers_work),
    Mutant("one-alone", "putting back brings back what serves alone", ("kill-several",), _put_one_back_alone),
    Mutant("stays", "what is declared no more stays", ("kill-several",), _let_it_stay),
    Mutant("trust-reply", "a reply counts as done", ("never-healthy", "exits-at-once"), _trust_the_reply),
    Mutant("send-again", "what is unknown is sent again", ("connection-cut",), _send_again_what_is_unknown),
    Mutant("by-name", "the old container is stopped by its name", ("name-taken",), _address_by_name),
    Mutant("intent-late", "intents are written after the call", ("kill-recreate",), _write_the_intent_afterwards),
    Mutant(
        "no-journal",
        "what can't be written is done all the same",
        ("catalog-fails", "catalog-full"),
        _go_on_without_a_journal,
    ),
    Mutant("no-lock", "no lock is taken", ("two-consoles",), _take_no_lock),
    Mutant("lock-once", "the lock is never read again", ("lock-taken", "console-asleep"), _never_read_the_lock_again),
    Mutant("lock-kept", "the lock is never given back", ("exits-at-once",), _keep_the_lock),
    Mutant(
        "remove-early", "the old one goes before the new one is verified", ("exits-at-once",), _remove_the_old_one_early
    ),
    Mutant("no-ports", "nobody looks whether ports are bound", ("network-lost",), _never_look_at_ports),
    Mutant("armed", "the old one keeps its restart policy", ("engine-restarted",), _leave_the_old_one_armed),
    Mutant("no-health", "nobody waits for health", ("never-healthy",), _never_wait_for_health),
    Mutant("no-bake", "nobody watches the new one", ("healthy-then-dies",), _bake_nothing),
    Mutant("no-way-back", "what failed is left as it is", ("exits-at-once",), _never_put_back),
    Mutant(
        "leave-first",
        "the old one leaves its route before the new one joins",
        ("kill-on-route",),
        _leave_before_joining,
    ),
    Mutant(
        "new-goes-first",
        "the new one leaves before the old one is back",
        ("kill-on-route",),
        _take_the_new_one_away_first,
    ),
    Mutant("no-route-back", "what is put back isn't put back on its route", ("kill-on-route",), _forget_the_route),
    Mutant("by-label", "an image is what it calls itself", ("tag-moved",), _go_by_the_label),
    *CARELESS,
    *UNMINDFUL,
    *BELIEVING,
    *BELIEVING_SWARM,
)
BY_NAME: Mapping[str, Mutant] = MappingProxyType({mutant.name: mutant for mutant in MUTANTS})
