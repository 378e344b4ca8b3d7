"""Checks of this console, and of a plan as a whole: its waves, its stop rule, its pulls."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.engine import Registry
from mirror_console.domain.environment import Settings
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.route import Route
from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import REST, WaveSize, Way
from mirror_console.operations.console_checks import check_console
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.schedule import ScopeInput, WindowInput, save_window
from mirror_console.simulator import routes
from mirror_console.simulator.calls import Reply, Request
from mirror_console.simulator.state import EngineState
from mirror_console.store.catalog import Catalog
from mirror_console.vault import MemoryVault
from tests.operations.check_desk import Desk
from tests.operations.fleet import QUICK, Fleet, now, small_fleet

pytestmark = pytest.mark.slow


def test_this_console_is_looked_at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.worst(Check.CONSOLE_HEALTH).answer is Answer.PASS
    for free, answer in ((150_000_000, Answer.WARNING), (10_000_000, Answer.BLOCKED)):
        with monkeypatch.context() as full:
            full.setattr(Catalog, "free_disk", free)
            assert desk.worst(Check.CONSOLE_HEALTH).answer is answer
            assert desk.checked().blocks_all is (answer is Answer.BLOCKED)
    console = desk.fleet.console
    console.vault.put(SecretReference("environment/1/KEY"), Secret("x"))
    desk.change(0, secrets={"KEY": SecretReference("environment/1/KEY")})
    with monkeypatch.context() as locked:
        locked.setattr(MemoryVault, "state", lambda _vault: VaultState.LOCKED)
        assert "keyring is locked" in desk.worst(Check.CONSOLE_HEALTH).words


def test_a_limit_of_open_files_that_is_too_low_is_warned_of(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for allowed, answer in ((None, Answer.PASS), (116, Answer.PASS), (115, Answer.WARNING)):
        monkeypatch.setattr("mirror_console.operations.console_checks.files_allowed", lambda now=allowed: now)
        told = desk.worst(Check.CONSOLE_HEALTH)
        assert told.answer is answer, told
    assert told.words == "With 2 engines up to 116 connections and files are open at once; 115 may be."


def test_more_pulls_than_a_free_account_of_docker_hub_has_are_warned_of(desk: Desk) -> None:
    console, made = desk.fleet.console, desk.plan()
    reference = f"shop/webshop@{made.targets[0].digest}"

    def sanity(count: int) -> CheckResult:
        spread = tuple(
            replace(made.targets[0], engine_id=f"engine-{number}", reference=reference) for number in range(count)
        )
        return next(
            one for one in check_console(console, replace(made, targets=spread)) if one.check is Check.PLAN_SANITY
        )

    assert sanity(201).answer is Answer.PASS, "without an account each engine has its own"
    with console.catalog.write() as books:
        books.registries.save(Registry("hub", "docker.io", "agency", SecretReference("registry/hub/password")))
    assert sanity(200).answer is Answer.PASS
    told = sanity(201)
    assert (told.answer, told.words) == (
        Answer.WARNING,
        "201 pulls from Docker Hub: a free account has 200 in six hours.",
    )
    assert "Relay the image" in told.remedy
    # Whoever has it pulls nothing.
    with console.catalog.write() as books:
        held = next(one for one in books.images.on("alpha") if one.fingerprint == made.targets[0].after_fingerprint)
        books.engines.save(replace(books.engines.get("alpha"), id="engine-7", name="seven"))
        books.images.save_all([replace(held, engine_id="engine-7")])
    assert sanity(201).answer is Answer.PASS


def test_a_way_to_take_over_that_the_first_wave_does_not_show_is_told(desk: Desk) -> None:
    made = desk.plan()
    first, second, *rest = made.targets
    alias = Settings(route=Route("edge", "shop", 8080, overlap=True))
    labels = Settings(route=Route(convention="traefik", overlap=True))

    def told(*targets: PlannedTarget) -> CheckResult:
        changed = replace(made, targets=(*targets, *rest))
        return next(one for one in check_console(desk.fleet.console, changed) if one.check is Check.PLAN_SANITY)

    beside = replace(second, swap=Swap.BESIDE, settings=alias)
    found = told(first, beside)
    assert (found.answer, found.words) == (
        Answer.INFORMATION,
        "The first wave says nothing of a proxy that is told by an alias (Mirror 02).",
    )
    assert told(replace(first, swap=Swap.BESIDE, settings=alias), beside).answer is Answer.PASS
    found = told(replace(first, swap=Swap.BESIDE, settings=alias), replace(beside, settings=labels))
    assert "labels of traefik (Mirror 02)" in found.words


def test_a_journal_that_was_changed_blocks_everything(desk: Desk) -> None:
    desk.fleet.roll_out()
    desk.fleet.publish("26.8.4", health_interval=0.02)
    refresh(desk.fleet.console, desk.fleet.jobs)
    assert desk.worst(Check.CONSOLE_HEALTH).answer is Answer.PASS
    tamper(desk.fleet.folder / "catalog" / "catalog.sqlite")
    worst = desk.worst(Check.CONSOLE_HEALTH)
    assert worst.blocks
    assert "aren't as they were written" in worst.words


def tamper(path: Path) -> None:
    with sqlite3.connect(path) as changed:
        changed.execute("DROP TRIGGER journal_is_never_changed")
        changed.execute("UPDATE journal SET entry = replace(entry, 'unlock', 'stop it') WHERE entry LIKE '%unlock%'")
    changed.close()


def test_waves_and_stop_rule_are_weighed(desk: Desk) -> None:
    assert desk.worst(Check.PLAN_SANITY).answer is Answer.PASS
    baking = replace(QUICK, bake=3600.0)
    assert desk.worst(Check.PLAN_SANITY, baking).answer is Answer.PASS
    soon = now() + timedelta(minutes=50)
    window = WindowInput("every day", "0:00", f"{soon.hour}:{soon.minute:02}", "UTC", ScopeInput())
    if soon.hour:
        save_window(desk.fleet.console, window)
        worst = desk.worst(Check.PLAN_SANITY, baking)
        assert worst.answer is Answer.WARNING
        assert "Baking alone takes 2 hours: 3 targets aren't begun before its window closes" in worst.words


def test_a_wave_without_a_stop_rule_is_warned_of() -> None:
    with small_fleet(mirrors=6, prepared=Fleet.align) as fleet:
        fleet.publish("26.8.3", health_interval=0.02)
        with fleet.console.catalog.write() as books:
            contact = books.engines.contacts()["berlin"]
            assert contact.facts is not None
            books.engines.save_contact(replace(contact, facts=replace(contact.facts, version="29.0.1")))
        refresh(fleet.console, fleet.jobs)
        desk = Desk(fleet)
        way = Way(waves=(WaveSize(count=1), REST), bake=0.0, max_failed=5)
        worst = desk.worst(Check.PLAN_SANITY, way)
        assert (worst.answer, worst.words) == (
            Answer.WARNING,
            "All 5 targets of wave 2 may fail before the rollout pauses.",
        )
        for stopped_else in (replace(way, in_a_row=2), replace(way, max_failed_in_all=4)):
            told = desk.worst(Check.PLAN_SANITY, stopped_else)
            assert (told.answer, told.words) == (
                Answer.INFORMATION,
                "The first wave says nothing of Docker 29 on linux/amd64 (berlin).",
            )
        assert desk.worst(Check.PLAN_SANITY, replace(way, max_failed_in_all=5)).answer is Answer.WARNING


def test_a_read_only_console_asks_for_no_change(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = desk.plan()
    asked: set[str] = set()
    real = routes.answer

    def answer(state: EngineState, request: Request) -> Reply:
        asked.add(request.method)
        return real(state, request)

    monkeypatch.setattr("mirror_console.simulator.engine.answer", answer)
    looking = replace(desk.fleet.console, read_only="It was started with --read-only.")
    checked = preflight(looking, desk.fleet.jobs, made)
    assert asked == {"GET"}
    assert {one.answer for one in checked.results if one.check is Check.PERMISSION} == {Answer.INFORMATION}
