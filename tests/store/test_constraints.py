"""What the catalog refuses, in which words, and what it takes along when something is removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mirror_console.domain.account import Account
from mirror_console.domain.engine import Contact, Registry
from mirror_console.domain.environment import Process
from mirror_console.domain.release import Release
from mirror_console.domain.secret import SecretReference
from mirror_console.errors import CatalogError
from mirror_console.store import Catalog
from mirror_console.store.books import Books
from tests.store import values
from tests.store.values import NOW

Change = Callable[[Books], None]

LIVE = values.environment(values.mirror(0))
RELEASE = Release("r1", "source-live", "fp1:a", "registry.example/shop", "sha256:a", NOW, NOW)


def _same_release_twice(books: Books) -> None:
    books.releases.save(RELEASE)
    books.releases.save(replace(RELEASE, id="r2"))


def _same_registry_twice(books: Books) -> None:
    books.registries.save(Registry("1", "registry.example", "a", SecretReference("a")))
    books.registries.save(Registry("2", "registry.example", "b", SecretReference("b")))


def _changed_plan(books: Books) -> None:
    rollout = values.rollout([LIVE])
    books.plans.save(rollout.plan)
    books.rollouts.add(replace(rollout, plan=replace(rollout.plan, targets=())))


REFUSED: dict[str, tuple[Change, str]] = {
    "slug": (lambda b: b.applications.save(replace(values.mirror(9), slug="mirror-0")), "has this slug already"),
    "engine": (lambda b: b.engines.save(replace(values.engine(9), name="fra-0")), "has this name already"),
    "environment": (lambda b: b.environments.save(replace(LIVE, id="other")), "has an environment of this name"),
    "process": (
        lambda b: b.environments.save(replace(LIVE, processes=(Process("web", "a1"), Process("web", "a2")))),
        "two processes of one name",
    ),
    "release": (_same_release_twice, "is a release of the environment already"),
    "registry": (_same_registry_twice, "This registry is in the catalog already"),
    "plan": (_changed_plan, "A saved plan can't be changed"),
    "no engine": (
        lambda b: b.environments.save(replace(LIVE, engine_id="gone")),
        "environment names an engine that isn't",
    ),
    "no application": (
        lambda b: b.environments.save(replace(LIVE, application_id="gone")),
        "environment names an application that isn't",
    ),
    "no source": (
        lambda b: b.applications.save(replace(values.mirror(0), source_id="gone")),
        "application names a source that isn't",
    ),
    "no rollout": (lambda b: _append(b, "gone"), "journal names a rollout that isn't"),
    "source of mirrors": (
        lambda b: b.applications.remove("source"),
        "it is the source of Mirror 0, Mirror 1, Mirror 2 and 1",
    ),
    "engine in use": (
        lambda b: b.engines.remove("engine0"),
        r"Mirror 0 live, Mirror 0 test, Mirror 1 live and 7 more are",
    ),
}


def _append(books: Books, rollout_id: str) -> None:
    books.journal.append(values.line(rollout_id))


def _write(catalog: Catalog, change: Change) -> None:
    with catalog.write() as books:
        books.accounts.save(Account("also in this transaction"))
        change(books)


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_change_says_why_and_leaves_everything_as_it_was(catalog: Catalog, case: str) -> None:
    change, words = REFUSED[case]
    with catalog.write() as books:
        values.fleet(books, 4)
    with pytest.raises(CatalogError, match=words) as caught:
        _write(catalog, change)
    assert caught.value.hint
    with catalog.read() as books:
        assert books.accounts.all() == []
        assert len(books.environments.all()) == 10


def test_in_one_transaction_the_order_does_not_matter(catalog: Catalog) -> None:
    with catalog.write() as books:
        books.environments.save(LIVE)
        books.applications.save(values.mirror(0))
        books.applications.save(values.source())
        books.engines.save(values.engine())
    with catalog.read() as books:
        assert books.environments.all() == [LIVE]


def test_removing_an_application_takes_its_environments_along_and_leaves_history(catalog: Catalog) -> None:
    with catalog.write() as books:
        values.fleet(books, 2)
        books.rollouts.add(values.rollout([LIVE]))
        _append(books, "rollout1")
    with catalog.write() as books:
        books.applications.remove("mirror0")
    with catalog.read() as books:
        assert {one.application_id for one in books.environments.all()} == {"source", "mirror1"}
        assert {one.environment_id.partition("-")[0] for one in books.observations.all()} == {"source", "mirror1"}
        assert books.rollouts.get("rollout1").targets[0].planned.container == LIVE.container
        assert len(books.journal.of("rollout1")) == 1


def test_removing_an_environment_frees_its_engine(catalog: Catalog) -> None:
    with catalog.write() as books:
        values.fleet(books, 0)
        books.releases.save(RELEASE)
        books.engines.save_contact(Contact("engine0", NOW, True, 0.2))
        for environment in books.environments.all():
            books.environments.remove(environment.id)
        books.engines.remove("engine0")
        assert books.releases.all() == []
        assert books.engines.contacts() == {}


def test_a_process_that_is_gone_takes_what_was_seen_of_it_along(catalog: Catalog) -> None:
    with catalog.write() as books:
        values.fleet(books, 1)
        books.environments.save(replace(LIVE, processes=(*LIVE.processes, Process("worker", "mirror-0-worker"))))
        books.observations.save_all([replace(values.observation(LIVE), process="worker")])
        assert [one.process for one in books.observations.of(LIVE.id)] == ["web", "worker"]
        books.environments.save(LIVE)
        assert [one.process for one in books.observations.of(LIVE.id)] == ["web"]
        assert books.environments.get(LIVE.id) == LIVE


def test_what_a_refresh_brings_of_things_removed_meanwhile_is_left_out(catalog: Catalog) -> None:
    with catalog.write() as books:
        values.fleet(books, 1)
        books.environments.remove(LIVE.id)
        other = values.environment(values.mirror(0), "test")
        books.observations.save_all([values.observation(LIVE), values.observation(other, "27.1.0")])
        books.releases.save(replace(RELEASE, environment_id="gone"))
        books.engines.save_contact(Contact("gone", NOW, True, 0.2))
    with catalog.read() as books:
        assert books.observations.of(LIVE.id) == []
        assert books.observations.of(other.id)[0].version == "27.1.0"
        assert books.releases.all() == []
        assert books.engines.contacts() == {}
