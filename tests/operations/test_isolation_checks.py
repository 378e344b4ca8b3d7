"""Checks of data: whether that of each application is its own, all over the catalog."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mirror_console.domain.check import Answer, Check
from mirror_console.domain.environment import Environment, HealthTest, Process, Settings, Volume
from mirror_console.domain.overriding import may_be_overridden
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.errors import VaultError
from mirror_console.operations.imports import export_catalog
from mirror_console.operations.own_databases import check_databases
from mirror_console.operations.own_values import check_own_values
from mirror_console.vault import MemoryVault
from tests.operations.check_desk import Desk
from tests.operations.fleet import REPOSITORY

pytestmark = pytest.mark.slow


MEDIA = Volume("media", "/media")


def test_data_of_another_application_blocks_unless_it_is_shared_on_purpose(desk: Desk) -> None:
    # Mirrors 01 and 03 are on alpha, 02 and 04 on berlin: there a volume of the same name is another one.
    desk.change(0, volumes=(MEDIA,))
    desk.change(1, volumes=(MEDIA,))
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS
    desk.change(2, volumes=(MEDIA,))
    blocked = [one for one in desk.answers(Check.ISOLATION) if one.blocks]
    assert [one.words for one in blocked] == [
        "Its data isn't its own: 'media' is also with Mirror 03 live.",
        "Its data isn't its own: 'media' is also with Mirror 01 live.",
    ]
    # Environments of one group share their data on purpose, and so does whoever has what the source names.
    for number in (0, 2):
        grouped = desk.fleet.environment(desk.fleet.mirrors[number], "live")
        with desk.fleet.console.catalog.write() as books:
            books.environments.save(replace(grouped, group="holding"))
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS
    with desk.fleet.console.catalog.write() as books:
        books.environments.save(replace(grouped, group=""))
    assert desk.worst(Check.ISOLATION).blocks
    desk.source(shared=("media",))
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS
    assert "Shared on purpose: media." in {one.words for one in desk.answers(Check.ISOLATION)}
    assert "shared:\n  - media\n" in export_catalog(desk.fleet.console)


def test_what_containers_really_mount_counts(desk: Desk) -> None:
    desk.change(0, volumes=(Volume("/srv/shop/01", "/data"), Volume("/run/docker.sock", "/run/docker.sock")))
    image = f"{REPOSITORY}:26.8.3"
    desk.engine().run("backup", image, host={"Binds": ["/srv:/srv:ro", "/run/docker.sock:/run/docker.sock"]})
    # Its own way back has the same data, also where that was made by hand and has no label.
    desk.engine().run("mirror-01-live.mc-prev", image, host={"Binds": ["/srv/shop/01:/data"]})
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS
    desk.engine().lose_container("mirror-01-live.mc-prev")
    desk.engine().run("cron", image, host={"Binds": ["/srv/shop:/srv"]})
    worst = desk.worst(Check.ISOLATION)
    assert worst.answer is Answer.INFORMATION
    assert "'/srv/shop/01' is also with container 'cron'" in worst.words
    desk.engine().lose_container("mirror-03-live")
    desk.engine().run("mirror-03-live", image, host={"Binds": ["/srv/shop/01:/data"]})
    worst = desk.worst(Check.ISOLATION)
    assert worst.blocks
    assert "Mirror 03 live" in worst.words


def test_an_environment_beside_it_with_the_same_data_is_warned_of(desk: Desk) -> None:
    live = desk.change(0, volumes=(MEDIA,))
    test = Environment("t" * 32, live.application_id, "test", "alpha", (Process("web", "mirror-01-test"),))
    with desk.fleet.console.catalog.write() as books:
        books.environments.save(replace(test, settings=Settings(volumes=(replace(MEDIA, read_only=True),))))
    worst = desk.worst(Check.ISOLATION)
    assert worst.answer is Answer.WARNING
    assert "Mirror 01 test" in worst.words


def test_a_host_network_of_several_is_told(desk: Desk) -> None:
    desk.change(0, networks=("host",), ports=())
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS
    desk.change(2, networks=("host",), ports=())
    assert "1 other application can reach" in desk.worst(Check.ISOLATION).words
    desk.source(shared=("host",))
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS


def test_values_that_should_be_their_own_are_compared_everywhere(desk: Desk) -> None:
    desk.source(own_variables=("DATABASE_URL", "SECRET_KEY"))
    console = desk.fleet.console
    references = [SecretReference(f"environment/{number}/SECRET_KEY") for number in range(4)]
    for number, reference in enumerate(references):
        console.vault.put(reference, Secret(f"key-{number}"))
        desk.change(number, secrets={"SECRET_KEY": reference}, variables={"DATABASE_URL": f"db-{number}"})
    answers = desk.answers(Check.ISOLATION)
    assert {one.answer for one in answers} == {Answer.PASS}
    assert "Its own: DATABASE_URL, SECRET_KEY." in {one.words for one in answers}
    # On another engine, in the keyring, and at the source itself.
    console.vault.put(references[3], Secret("key-0"))
    desk.engine().lose_container("webshop-live")
    desk.engine().run("webshop-live", f"{REPOSITORY}:26.8.3", variables={"DATABASE_URL": "db-1"})
    blocked = [one for one in desk.answers(Check.ISOLATION) if one.blocks]
    assert [one.words.partition(": ")[2] for one in blocked] == [
        "SECRET_KEY is also that of Mirror 04 live.",
        "DATABASE_URL is also that of Webshop live.",
        "SECRET_KEY is also that of Mirror 01 live.",
    ]
    assert not any("key-" in one.words or "db-" in one.words for one in blocked)


def test_one_database_under_two_addresses_is_found_on_whatever_engines(desk: Desk) -> None:
    console = desk.fleet.console
    reference = SecretReference("environment/3/DATABASE_URL")
    console.vault.put(reference, Secret("postgres://shop:four@db.example/shop-0"))
    for number in range(3):
        desk.change(number, variables={"DATABASE": f"postgresql://shop:{number}@DB.example:5432/shop-{number}"})
    desk.change(3, variables={}, secrets={"DATABASE_URL": SecretReference("environment/4/DATABASE_URL")})
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS
    # The same on another engine, from the keyring; and that of the source.
    desk.change(3, secrets={"DATABASE_URL": reference})
    desk.engine().lose_container("webshop-live")
    theirs = {"DB": "postgres://shop:x@db.example/shop-1?pool=5"}
    desk.engine().run("webshop-live", f"{REPOSITORY}:26.8.3", variables=theirs)
    blocked = [one for one in desk.answers(Check.ISOLATION) if one.blocks]
    assert [one.words for one in blocked] == [
        "Its database isn't its own: DATABASE names that of Mirror 04 live, too.",
        "Its database isn't its own: DATABASE names that of Webshop live, too.",
        "Its database isn't its own: DATABASE_URL names that of Mirror 01 live, too.",
    ]
    assert not any(may_be_overridden(one) for one in blocked)
    desk.source(shared=("DATABASE", "DATABASE_URL"))
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS


def test_mirrors_that_share_a_proxys_network_alone_have_databases_of_their_own(desk: Desk) -> None:
    for number in (0, 2):
        given = {"DATABASE_URL": "postgres://shop:own@db/shop"}
        desk.change(number, variables=given, networks=(f"mirror-{number}_default", "proxy"))
    assert not [one for one in desk.answers(Check.ISOLATION) if one.blocks]
    desk.change(2, networks=("mirror-0_default", "proxy"))
    assert len([one for one in desk.answers(Check.ISOLATION) if one.blocks]) == 2


def test_a_test_that_has_the_live_database_is_warned_of(desk: Desk) -> None:
    live = desk.change(0, variables={"DATABASE": "mysql://shop@10.0.0.5/shop"})
    test = replace(live, id="t" * 32, name="test", engine_id="berlin", processes=(Process("web", "mirror-01-test"),))
    with desk.fleet.console.catalog.write() as books:
        books.environments.save(test)
    told = desk.worst(Check.ISOLATION)
    assert (told.answer, told.words) == (
        Answer.WARNING,
        "Another of its own environments has the same database: DATABASE names that of Mirror 01 test, too.",
    )


def test_two_on_a_hosts_network_at_one_port_are_blocked_until_a_person_knows_better(desk: Desk) -> None:
    for number, port in ((0, 8080), (2, 8081)):
        desk.change(number, networks=("host",), ports=(), health=HealthTest("/up", port))
    assert desk.worst(Check.ISOLATION).answer is Answer.INFORMATION
    desk.change(2, health=HealthTest("/up", 8080))
    blocked = [one for one in desk.answers(Check.ISOLATION) if one.blocks]
    assert len(blocked) == 2
    assert "both it and Mirror 03 live listen at port 8080" in blocked[0].words
    assert all(may_be_overridden(one) for one in blocked)
    # On an engine of its own nobody else is at its host's port.
    desk.change(2, networks=(), health=HealthTest())
    desk.change(1, networks=("host",), ports=(), health=HealthTest("/up", 8080))
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS


def test_each_secret_that_is_compared_is_asked_for_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.source(own_variables=("DATABASE_URL",))
    console = desk.fleet.console
    references = [SecretReference(f"environment/{number}/DATABASE_URL") for number in range(4)]
    for number, reference in enumerate(references):
        desk.change(number, secrets={"DATABASE_URL": reference})
        if number != 3:
            console.vault.put(reference, Secret(f"postgres://shop:own@db.example/shop-{number % 2}"))
    asked: list[SecretReference] = []
    for name in ("has", "get", "find"):
        own = getattr(MemoryVault, name)

        def ask(vault: MemoryVault, reference: SecretReference, own: Callable[..., object] = own) -> object:
            asked.append(reference)
            return own(vault, reference)

        monkeypatch.setattr(MemoryVault, name, ask)
    made = desk.plan()
    with console.catalog.read() as books:
        mirrors = {one.id: one for one in books.applications.all()}
    asked.clear()
    told = [one.words for one in check_databases(console, made, mirrors, ())]
    assert len([words for words in told if words.startswith("Its database isn't its own")]) == 2
    assert sorted(one.name for one in asked) == [one.name for one in references]
    asked.clear()
    values = [one.answer for one in check_own_values(console, made, mirrors, {})]
    assert values == [Answer.BLOCKED, Answer.PASS, Answer.BLOCKED, Answer.PASS]
    assert sorted(one.name for one in asked) == [one.name for one in references]


def test_a_keyring_that_does_not_answer_is_asked_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        desk.change(number, secrets={"DATABASE_URL": SecretReference(f"environment/{number}/DATABASE_URL")})
    asked: list[SecretReference] = []

    def locked(_vault: MemoryVault, reference: SecretReference) -> Secret | None:
        asked.append(reference)
        raise VaultError("The keyring is locked.", "Unlock it.")

    made = desk.plan()
    with desk.fleet.console.catalog.read() as books:
        mirrors = {one.id: one for one in books.applications.all()}
    monkeypatch.setattr(MemoryVault, "find", locked)
    told = list(check_databases(desk.fleet.console, made, mirrors, ()))
    assert {(one.answer, one.blocks) for one in told} == {(Answer.UNKNOWN, False)}
    assert (len(told), len(asked)) == (4, 1)
