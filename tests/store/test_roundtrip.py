"""What is put into the catalog comes out of it equal, whatever its fields hold."""

from __future__ import annotations

import itertools
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirror_console.domain.access import Access
from mirror_console.domain.account import Account
from mirror_console.domain.application import Application
from mirror_console.domain.applied import Applied
from mirror_console.domain.engine import Contact, Engine, EngineFacts, Registry
from mirror_console.domain.environment import Environment, Hold, Process, Settings
from mirror_console.domain.fetching import Fetch
from mirror_console.domain.held import HeldImage
from mirror_console.domain.journal import JournalEntry
from mirror_console.domain.observation import Difference, Observation
from mirror_console.domain.plan import Plan
from mirror_console.domain.release import Release
from mirror_console.domain.release_command import CommandRun, Said
from mirror_console.domain.rollout import Rollout, RolloutHead, RolloutState, Target, TargetState
from mirror_console.domain.schedule import Freeze, Schedule, Window
from mirror_console.domain.secret import SecretReference
from mirror_console.domain.tag import TagLook
from mirror_console.domain.trip import Came, Trip
from mirror_console.domain.way import OnTrip
from mirror_console.operations.ports.catalog import Catalog as CatalogPort
from mirror_console.store import Catalog
from tests.store import values
from tests.store.values import NOW, anything

pytestmark = pytest.mark.slow

# Each example writes over what the one before wrote: one catalog serves them all.
# Every example fills all fields of a value, and costs transactions on a disk: a third of the usual number will do.
shared = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=settings().max_examples // 3,
)
SAME = st.just("same")
numbers = itertools.count()


def as_port(catalog: Catalog) -> CatalogPort:
    """The type checker says whether the catalog is what operations ask for."""
    return catalog


def prepare(catalog: Catalog) -> None:
    """A fleet with the identities that the examples name."""
    with catalog.write() as books:
        values.fleet(books, 2)


@shared
@given(value=anything(Application, id=SAME, source_id=st.sampled_from(["", "source"])))
def test_an_application(catalog: Catalog, value: Application) -> None:
    prepare(catalog)
    value = replace(value, slug="s" + value.slug)
    with catalog.write() as books:
        books.applications.save(value)
    with as_port(catalog).read() as read:
        assert read.applications.get("same") == value
        assert read.applications.by_slug(value.slug) == value
        assert value in read.applications.all()
        assert (value in read.applications.sources()) == (not value.is_mirror)


@shared
@given(
    value=anything(
        Environment,
        id=SAME,
        application_id=st.just("mirror0"),
        engine_id=st.just("engine0"),
        processes=st.lists(anything(Process), max_size=3, unique_by=lambda process: process.name).map(tuple),
        going=st.lists(anything(Process), max_size=1).map(tuple),
    )
)
def test_an_environment(catalog: Catalog, value: Environment) -> None:
    prepare(catalog)
    going = tuple(replace(one, name="another" + one.name) for one in value.going)
    value = replace(value, name="x" + value.name, going=going)
    with catalog.write() as books:
        books.environments.save(value)
    with catalog.read() as books:
        assert books.environments.get("same") == value
        assert value in books.environments.all()
        assert value in books.environments.of("mirror0")
        assert books.environments.some(["same", "gone"]) == [value]
        placed = [one for one in books.environments.placed_on("engine0") if one.environment_id == "same"]
        assert [(one.process, one.container) for one in placed] == [
            (one.name, one.container) for one in (*value.processes, *value.going)
        ]
        assert [one.id for one in books.environments.of("mirror1")] == ["mirror1-test", "mirror1-live"]


@shared
@given(value=anything(TagLook, reference=SAME))
def test_a_look_at_a_tag(catalog: Catalog, value: TagLook) -> None:
    with catalog.write() as books:
        books.tags.save(value)
    with as_port(catalog).read() as read:
        assert read.tags.of("same") == value
        assert read.tags.all() == [value]
        assert read.tags.of("other") is None
    with catalog.write() as books:
        books.tags.remove("same")
    with catalog.read() as books:
        assert books.tags.all() == []


@shared
@given(
    window=anything(Window, id=SAME, application_id=st.sampled_from(["", "mirror0"])),
    freeze=anything(Freeze, id=st.just("other"), application_id=st.sampled_from(["", "mirror0"])),
)
def test_windows_and_freezes(catalog: Catalog, window: Window, freeze: Freeze) -> None:
    prepare(catalog)
    with catalog.write() as books:
        books.schedule.save_window(window)
        books.schedule.save_freeze(freeze)
    with as_port(catalog).read() as read:
        assert read.schedule.all() == Schedule((window,), (freeze,))
    with catalog.write() as books:
        if window.application_id:
            # What belongs to a mirror goes with it.
            books.applications.remove("mirror0")
            assert books.schedule.all().windows == ()
        books.schedule.remove("same")
        books.schedule.remove("other")
        assert not books.schedule.all()


@shared
@given(value=anything(HeldImage, engine_id=st.just("engine0"), id=SAME))
def test_an_image_that_an_engine_holds(catalog: Catalog, value: HeldImage) -> None:
    prepare(catalog)
    with catalog.write() as books:
        books.images.save_all([value, replace(value, engine_id="gone")])
    with as_port(catalog).read() as read:
        assert read.images.all() == read.images.on("engine0") == read.images.like(value.fingerprint) == [value]
    with catalog.write() as books:
        books.images.remove("engine0", ["same", "gone"])
    with catalog.read() as books:
        assert books.images.all() == []


@shared
@given(value=anything(Applied, environment_id=st.just("mirror0-live"), process=SAME))
def test_what_was_last_applied(catalog: Catalog, value: Applied) -> None:
    prepare(catalog)
    with catalog.write() as books:
        books.applied.save(value)
        books.applied.save(replace(value, environment_id="gone"))
    with as_port(catalog).read() as read:
        assert read.applied.all() == read.applied.of(["mirror0-live", "gone"]) == [value]
        assert read.applied.of(["mirror1-live"]) == []


def test_facts_that_were_kept_before_there_were_kinds_are_those_of_docker(catalog: Catalog) -> None:
    with catalog.write() as books:
        books.engines.save(values.engine())
        facts = EngineFacts("20.10.24", "1.41", "linux/amd64")
        books.engines.save_contact(Contact(values.engine().id, NOW, True, 0.1, facts=facts))
    with closing(sqlite3.connect(catalog.path)) as raw, raw:
        ((text,),) = raw.execute("SELECT facts FROM contact")
        older = {name: value for name, value in json.loads(text).items() if name != "kind"}
        assert older != json.loads(text)
        raw.execute("UPDATE contact SET facts = ?", (json.dumps(older),))
    with catalog.read() as books:
        assert books.engines.contacts()[values.engine().id].facts == facts


@shared
@given(value=anything(Engine, id=SAME), contact=anything(Contact, engine_id=SAME))
def test_an_engine_and_its_contact(catalog: Catalog, value: Engine, contact: Contact) -> None:
    with catalog.write() as books:
        books.engines.save(value)
        books.engines.save_contact(contact)
    with catalog.read() as books:
        assert books.engines.get("same") == value
        assert books.engines.by_name(value.name) == value
        assert books.engines.all() == [value]
        assert books.engines.contacts() == {"same": contact}


@shared
@given(
    value=anything(Access, engine_id=st.just("engine0"), account=SAME),
    contact=anything(Contact, engine_id=st.just("engine0")),
)
def test_an_accounts_access_and_the_last_attempt_with_it(catalog: Catalog, value: Access, contact: Contact) -> None:
    with catalog.write() as books:
        books.engines.save(values.engine())
        books.accounts.save(Account("same"))
        books.accesses.save(value)
        books.accesses.save_contact("same", contact)
        books.accesses.save_contact("another", contact)
    with catalog.read() as books:
        assert books.accesses.of("engine0") == books.accesses.all() == [value]
        assert books.accesses.contacts() == {("engine0", "same"): contact}
    with catalog.write() as books:
        books.accesses.save(value)
        assert books.accesses.contacts() == {}
        books.engines.remove("engine0")
        assert books.accesses.all() == []


@shared
@given(value=anything(Registry, id=SAME), account=anything(Account, name=SAME))
def test_a_registry_and_an_account(catalog: Catalog, value: Registry, account: Account) -> None:
    with catalog.write() as books:
        books.registries.save(value)
        books.accounts.save(account)
    with catalog.read() as books:
        assert books.registries.all() == [value]
        assert books.registries.by_host(value.host) == value
        assert books.accounts.all() == [account]
    with catalog.write() as books:
        books.registries.remove("same")
        assert books.registries.all() == []


@shared
@given(value=anything(Release, id=SAME, environment_id=st.just("source-live")))
def test_a_release(catalog: Catalog, value: Release) -> None:
    prepare(catalog)
    with catalog.write() as books:
        books.releases.save(value)
    with catalog.read() as books:
        assert books.releases.all() == [value]
        assert books.releases.of(["source-live", "nowhere"]) == [value]
        assert books.releases.of([]) == []


@shared
@given(value=anything(Observation, environment_id=st.just("mirror0-live"), process=st.just("web"), engine_id=SAME))
def test_an_observation(catalog: Catalog, value: Observation) -> None:
    prepare(catalog)
    with catalog.write() as books:
        books.observations.save_all([value])
    with catalog.read() as books:
        assert books.observations.of("mirror0-live") == [value]
        assert value in books.observations.all()
        assert books.observations.on("same") == [value]


@shared
@given(value=anything(CommandRun, data=st.just("shop")))
def test_a_run_of_a_command(catalog: Catalog, value: CommandRun) -> None:
    value = replace(value, id=str(next(numbers)), rollout_id=str(next(numbers)))
    with catalog.write() as books:
        books.commands.save(value)
        books.commands.save(value)
    with as_port(catalog).read() as read:
        assert read.commands.get(value.id) == value
        # What it wrote is told of one at a time.
        brief = replace(value, output="")
        assert read.commands.of(value.rollout_id) == [brief]
        assert brief in read.commands.all()
        assert brief in read.commands.like(value.kind, "shop", ["other", value.release])
        assert brief not in read.commands.like(value.kind, "shop", ["other than that"])
    with catalog.write() as books:
        books.commands.say(value.id, Said.MAY_RUN_AGAIN, "operator")
    with catalog.read() as books:
        assert books.commands.get(value.id) == replace(value, word=Said.MAY_RUN_AGAIN, said_by="operator")
    with catalog.write() as books:
        books.commands.remove(value.id)
        books.commands.remove(value.id)


@shared
@given(value=anything(Plan))
def test_a_plan(catalog: Catalog, value: Plan) -> None:
    value = replace(value, id=str(next(numbers)))
    with catalog.write() as books:
        books.plans.save(value)
        books.plans.save(value)
    with catalog.read() as books:
        assert books.plans.get(value.id) == value
        assert value in books.plans.all()


@shared
@given(
    value=anything(
        Rollout,
        targets=st.lists(
            anything(Target, taken_back=st.none()), max_size=3, unique_by=lambda target: target.environment_id
        ).map(tuple),
        fetches=st.lists(anything(Fetch), max_size=3, unique_by=lambda one: (one.engine_id, one.reference)).map(tuple),
        only=st.just(frozenset()),
    ),
)
def test_a_rollout(catalog: Catalog, value: Rollout) -> None:
    number = str(next(numbers))
    value = replace(value, id=number, plan=replace(value.plan, id=number))
    with catalog.write() as books:
        books.rollouts.add(value)
    with catalog.read() as books:
        assert books.rollouts.get(value.id) == value
        assert books.plans.get(value.plan.id) == value.plan


@shared
@given(value=anything(JournalEntry, rollout_id=st.just("rollout1")))
def test_a_line_of_the_journal(catalog: Catalog, value: JournalEntry) -> None:
    with catalog.write() as books:
        if not books.rollouts.all():
            books.rollouts.add(values.rollout([]))
        number = books.journal.append(value)
    with catalog.read() as books:
        assert books.journal.of("rollout1")[-1] == replace(value, sequence=number)
        assert books.journal.broken_at() is None


def test_saving_again_changes_what_is_there_and_takes_nothing_along(catalog: Catalog) -> None:
    prepare(catalog)
    held = Hold("fp1:a", "26.8.2", "waits for the bank", "operator", NOW, NOW + timedelta(days=3))
    with catalog.write() as books:
        books.applications.save(replace(values.mirror(0), name="Renamed", tags=("at",), domains=()))
        books.engines.save(replace(values.engine(), location="Frankfurt"))
        books.environments.save(replace(values.environment(values.mirror(0)), name="shop").with_hold(held))
    with catalog.read() as books:
        assert books.applications.get("mirror0").tags == ("at",)
        assert books.environments.get("mirror0-live").hold == held
        assert len(books.environments.all()) == 6
        assert len(books.observations.all()) == 6


def test_what_is_not_there_is_a_key_error(catalog: Catalog) -> None:
    with catalog.read() as books:
        for get in (books.applications, books.environments, books.engines, books.plans, books.rollouts):
            with pytest.raises(KeyError):
                get.get("nobody")
        assert books.applications.by_slug("nobody") is None
        assert books.engines.by_name("nobody") is None
        assert books.registries.by_host("nobody") is None
    with pytest.raises(KeyError), catalog.write() as books:
        books.rollouts.save_head(values.rollout([]))
    with pytest.raises(KeyError), catalog.write() as books:
        books.rollouts.save_target("rollout1", Target(values.planned(values.environment(values.mirror(0)))))


def test_a_touch_makes_what_was_seen_on_one_engine_newer_and_changes_nothing_else(catalog: Catalog) -> None:
    later = NOW + timedelta(minutes=5, microseconds=1)
    with catalog.write() as books:
        placed = values.fleet(books, 3)
        books.engines.save(values.engine(1))
        elsewhere = values.environment(values.mirror(0), "demo", "engine1")
        books.environments.save(elsewhere)
        books.observations.save_all([values.observation(elsewhere)])
        books.observations.touch("engine0", later)
    with catalog.read() as books:
        expected = [values.observation(one, at=later) for one in placed] + [values.observation(elsewhere)]
        by_environment = {one.environment_id: one for one in expected}
        assert {one.environment_id: one for one in books.observations.all()} == by_environment


def test_a_rollout_moves_on_target_by_target(catalog: Catalog) -> None:
    with catalog.write() as books:
        placed = values.fleet(books, 2)
        books.rollouts.add(values.rollout(placed))
        done = replace(books.rollouts.get("rollout1").targets[1], state=TargetState.DONE, ended_at=NOW, words="fine")
        books.rollouts.save_target("rollout1", done)
        ended = replace(
            values.rollout(placed),
            state=RolloutState.PAUSED,
            passed_gates=(0, -2),
            paused_because="canary",
            trips=(Trip(NOW, "3 of 9 failed; 2 may.", 1, OnTrip.ROLL_BACK_WAVE, Came.BEGUN, "", "rollout2", "AB-CD"),),
        )
        books.rollouts.save_head(ended)
    with catalog.read() as books:
        found = books.rollouts.get("rollout1")
        assert found.targets[1] == done
        assert replace(found, targets=ended.targets) == ended
        assert books.rollouts.unfinished() == [found]
    with catalog.write() as books:
        books.rollouts.save_head(replace(ended, state=RolloutState.STOPPED))
        assert books.rollouts.unfinished() == []
        books.rollouts.add(values.rollout(placed, "rollout2", NOW + timedelta(hours=1)))
        assert [one.id for one in books.rollouts.all()] == ["rollout2", "rollout1"]
        assert books.rollouts.heads() == [
            RolloutHead(one.id, one.plan.fingerprint, one.state, one.console) for one in books.rollouts.all()
        ]


def test_the_settings_that_were_applied_last_are_found_by_their_hash(catalog: Catalog) -> None:
    with catalog.write() as books:
        (one, *_) = values.fleet(books, 0)
        books.rollouts.add(values.rollout([one]))
        changed = replace(one, settings=Settings(variables={"LANGUAGE": "fr"}))
        books.rollouts.add(values.rollout([changed], "rollout2", NOW + timedelta(hours=1)))
        assert books.rollouts.last_settings(one.id, one.settings.hash) == one.settings
        assert books.rollouts.last_settings(one.id, changed.settings.hash) == changed.settings
        assert books.rollouts.last_settings(one.id, "0" * 16) is None


def test_text_that_is_not_unicode_is_kept_as_question_marks(catalog: Catalog) -> None:
    prepare(catalog)
    odd = replace(
        values.observation(values.environment(values.mirror(0))),
        health_output="a\ud800b",
        differences=(Difference("image", "\udfff", "ü"),),
    )
    with catalog.write() as books:
        books.observations.save_all([odd])
        books.accounts.save(Account("bad\ud800", "tü"))
    with catalog.read() as books:
        (kept,) = books.observations.of("mirror0-live")
        assert kept.health_output == "a?b"
        assert kept.differences == (Difference("image", "?", "ü"),)
        assert books.accounts.all() == [Account("bad?", "tü")]


def test_what_could_not_be_read_back_is_never_written(catalog: Catalog) -> None:
    prepare(catalog)
    before = values.environment(values.mirror(0))
    endless = replace(
        before, settings=replace(before.settings, health=replace(before.settings.health, limit=float("nan")))
    )
    with pytest.raises(sa.exc.StatementError, match="float"), catalog.write() as books:
        books.environments.save(endless)
    naive = Contact("engine0", NOW.replace(tzinfo=None), True, 0.1)
    with pytest.raises(sa.exc.StatementError, match="zone"), catalog.write() as books:
        books.engines.save_contact(naive)
    with catalog.read() as books:
        assert books.environments.get(before.id) == before
        assert books.engines.contacts() == {}


def test_of_a_secret_only_its_name_is_in_the_file(catalog: Catalog, place: Path) -> None:
    prepare(catalog)
    with catalog.write() as books:
        books.registries.save(Registry("r", "registry.example", "robot", SecretReference("registry/r/password")))
    with catalog.read() as books:
        assert books.environments.get("mirror0-live").settings.secrets == {"DB": SecretReference("app/db")}
    catalog.close()
    content = place.read_bytes()
    assert b'"secrets":{"DB":{"name":"app/db"}}' in content
    assert b"registry/r/password" in content


def test_reading_everything_takes_the_same_number_of_questions_for_few_and_for_many(catalog: Catalog) -> None:
    def questions() -> int:
        asked: list[str] = []
        with catalog.read() as books:
            connection = books.applications._connection

            def count(*call: Any) -> None:
                asked.append(call[2])

            sa.event.listen(connection, "before_cursor_execute", count)
            books.applications.all()
            books.environments.all()
            books.environments.some(["mirror0-live", "mirror0-test"])
            books.environments.placed_on("engine0")
            books.observations.all()
            books.rollouts.all()
        return len(asked)

    with catalog.write() as books:
        books.rollouts.add(values.rollout(values.fleet(books, 1)))
    few = questions()
    with catalog.write() as books:
        books.rollouts.add(values.rollout(values.fleet(books, 30), "rollout2"))
    assert questions() == few < 14
