"""Migrations: they make exactly the tables that the code knows, on a backup, whole or not at all."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import mirror_console.store
from mirror_console.app import opened
from mirror_console.domain.access import Access
from mirror_console.domain.engine import Address, Engine, TlsReferences, Way
from mirror_console.domain.secret import SecretReference
from mirror_console.domain.ssh import Hop, SignIn, SshAccess
from mirror_console.domain.way import OnTrip
from mirror_console.errors import CatalogError, NotAllowed
from mirror_console.paths import HOME_VARIABLE
from mirror_console.store import Catalog, CatalogLock, examination, upgrade
from mirror_console.store import catalog as catalog_module
from mirror_console.store.connection import connected, pooled
from mirror_console.store.tables import TRIGGERS, metadata
from tests.store import values

pytestmark = pytest.mark.slow

MIGRATIONS = Path(mirror_console.store.__file__).parent / "migrations"


CHANGED_BY_THE_FIFTH = {"process", "application", "environment", "plan", "release", "rollout", "target"}


def schema(place: Path) -> dict[str, str]:
    """The text of everything that a file's tables consist of, by name, with single spaces."""
    with closing(connected(place, read_only=True)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return {name: re.sub(r"\s+", " ", sql) for name, sql in found}


def test_migrations_make_what_the_code_knows(place: Path, tmp_path: Path) -> None:
    Catalog.open(place).close()
    made = schema(place)
    del made["alembic_version"]
    plain = tmp_path / "plain.sqlite"
    plain.touch()
    engine = pooled(plain)
    with engine.begin() as connection:
        metadata.create_all(connection)
        for trigger in TRIGGERS.values():
            connection.exec_driver_sql(trigger)
    engine.dispose()
    assert made == schema(plain)
    engine = pooled(place)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_the_program_names_every_migration_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", upgrade.MIGRATIONS)
    found = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == upgrade.REVISIONS


def migrations(tmp_path: Path, body: str) -> str:
    """The program's own migrations and one more."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    head = upgrade.REVISIONS[-1]
    (folder / "versions" / "r9001_next.py").write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\nrevision = '9001'\ndown_revision = {head!r}\n\n\n"
        f"def upgrade():\n" + "".join(f"    {line}\n" for line in body.splitlines())
    )
    return str(folder)


def filled(place: Path) -> None:
    with closing(Catalog.open(place)) as catalog, catalog.write() as books:
        values.fleet(books, 3)
        books.rollouts.add(values.rollout([]))
        books.journal.append(values.line())


def counted(place: Path) -> dict[str, int]:
    with closing(connected(place, read_only=True)) as connection:
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in metadata.tables}  # noqa: S608


def test_a_migration_that_makes_a_table_anew_loses_no_row_that_names_it(place: Path, tmp_path: Path) -> None:
    filled(place)
    before = counted(place)
    body = "with op.batch_alter_table('application', recreate='always') as table:\n"
    body += "    table.add_column(sa.Column('motto', sa.Text, nullable=False, server_default='x'))"
    upgrade.bring_up(place, "9001", migrations(tmp_path, body))
    assert counted(place) == before
    assert "motto" in schema(place)["application"]
    backup = place.with_name("catalog.before-9001.sqlite")
    assert "motto" not in schema(backup)["application"]
    assert counted(backup) == before
    with pytest.raises(CatalogError, match="a newer Mirror Console than this one: its tables have the form 9001"):
        Catalog.open(place)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "op.execute('ALTER TABLE account ADD COLUMN motto TEXT')\nop.execute('DELETE FROM observation')\n1 / 0",
            "ZeroDivisionError",
        ),
        ("op.execute(\"UPDATE environment SET engine_id = 'gone'\")", "entries name others that aren't there"),
    ],
)
def test_a_migration_that_fails_midway_leaves_all_as_it_was(place: Path, tmp_path: Path, body: str, words: str) -> None:
    filled(place)
    before, form, content = counted(place), schema(place), place.read_bytes()
    with pytest.raises(CatalogError, match=words):
        upgrade.bring_up(place, "9001", migrations(tmp_path, body))
    assert (counted(place), schema(place), place.read_bytes()) == (before, form, content)
    with closing(Catalog.open(place)) as catalog, catalog.read() as books:
        assert len(books.observations.all()) == 8


def test_the_last_three_backups_are_kept(place: Path, tmp_path: Path) -> None:
    filled(place)
    for revision in ("0002", "0003", "0004", "0005", "0005"):
        upgrade.bring_up(place, revision, upgrade.MIGRATIONS)
    kept = sorted(path.name for path in place.parent.iterdir())
    assert kept == [*(f"catalog.before-000{number}.sqlite" for number in (3, 4, 5)), "catalog.sqlite"]


def test_an_earlier_form_is_brought_up_at_the_start_but_not_for_reading_only(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the next version will meet a catalog of this one."""
    filled(place)
    folder = migrations(tmp_path, "op.execute('CREATE TABLE motto (words TEXT)')")
    for module in (catalog_module, examination):
        monkeypatch.setattr(module, "REVISIONS", (*upgrade.REVISIONS, "9001"))
    monkeypatch.setattr(catalog_module, "bring_up", partial(upgrade.bring_up, migrations=folder))
    with pytest.raises(CatalogError, match="written by an earlier version"):
        Catalog.open(place, read_only=True)
    assert "motto" not in schema(place)
    with closing(Catalog.open(place)) as catalog, catalog.read() as books:
        assert len(books.observations.all()) == 8
    assert "motto" in schema(place)
    assert place.with_name("catalog.before-9001.sqlite").exists()
    Catalog.open(place, read_only=True).close()


def test_who_only_reads_brings_an_earlier_form_up_under_the_lock_alone(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window of an earlier version may be open: its catalog has no second writer."""
    monkeypatch.setenv(HOME_VARIABLE, str(place.parent))
    filled(place)
    folder = migrations(tmp_path, "op.execute('CREATE TABLE motto (words TEXT)')")
    for module in (catalog_module, examination):
        monkeypatch.setattr(module, "REVISIONS", (*upgrade.REVISIONS, "9001"))
    monkeypatch.setattr(catalog_module, "bring_up", partial(upgrade.bring_up, migrations=folder))
    window = CatalogLock(place, person="mia", machine="desk", run="1", clock=lambda: values.NOW)
    window.acquire("window")
    with pytest.raises(NotAllowed, match="a window of mia on desk"), opened(write=False):
        pass
    assert "motto" not in schema(place)
    window.release()
    with opened(write=False) as there, there.console.catalog.read() as books:
        assert len(books.observations.all()) == 8
    assert "motto" in schema(place)


def test_a_command_that_only_reads_beside_a_window_writes_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(place.parent))
    with opened(holder="window"):
        refused = pytest.raises(CatalogError, match="for reading only")
        with opened(write=False) as there, refused, there.console.catalog.write():
            pass
        with pytest.raises(NotAllowed, match="Another console may change this catalog now"), opened(write=True):
            pass


def test_engines_of_the_first_form_keep_everything_and_who_is_placed_on_them(place: Path, tmp_path: Path) -> None:
    """A catalog as the first version wrote it, brought up by a start of this one."""
    first = tmp_path / "first"
    shutil.copytree(MIGRATIONS, first, ignore=shutil.ignore_patterns("__pycache__", "r000[2-9]*"))
    upgrade.create(place, str(first))
    with closing(connected(place)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.executescript(_OF_THE_FIRST_FORM)
    before = schema(place)
    with closing(Catalog.open(place)) as catalog:
        with catalog.read() as books:
            (engine,) = books.engines.all()
            (contact,) = books.engines.contacts().values()
        assert engine == Engine(
            "e1",
            "fra-1",
            Address(Way.TLS, host="fra-1.example", port=2376),
            "Frankfurt",
            TlsReferences(*(SecretReference(f"engine/e1/{part}") for part in ("ca", "client-cert", "client-key"))),
            often_offline=True,
            at_once=3,
            timeout=7.5,
            notes="by the window",
        )
        assert contact.words == "fine"
        with catalog.write() as books:
            books.engines.save(replace(engine, ssh=SshAccess(SignIn.PASSWORD, jumps=(Hop("gate"),))))
            books.engines.remove("e1")
        with catalog.read() as books:
            assert books.engines.contacts() == {}, "the table that names engines still names this one"
    after = schema(place)
    assert {name for name in before if before[name] != after.get(name)} == {"engine", *CHANGED_BY_THE_FIFTH}
    assert before == schema(place.with_name(f"catalog.before-{upgrade.REVISIONS[-1]}.sqlite"))


_OF_THE_FIRST_FORM = """
INSERT INTO engine VALUES ('e1', 'fra-1', '{"host":"fra-1.example","path":"","port":2376,"way":"TCP with TLS"}',
    'Frankfurt', '{"authority":{"name":"engine/e1/ca"},"certificate":{"name":"engine/e1/client-cert"},
    "key":{"name":"engine/e1/client-key"}}', 1, 3, 7.5, 'by the window', '', 0);
INSERT INTO contact VALUES ('e1', '2026-08-30T14:21:07.000000+00:00', 1, 0.5, NULL, 'fine', NULL, NULL);
"""


_ROLLOUT_OF_THE_THIRD_FORM = """
INSERT INTO plan VALUES ('p1', '2026-08-30T14:21:07.000000+00:00', 'operator', 'live', '[]', '[]',
    '{"waves":[{"count":0,"percent":0.0}],"max_failed":3,"in_a_row":2}', '0000-0000');
INSERT INTO rollout VALUES ('r1', 'p1', 'paused', 'operator', 'x', '2026-08-30T14:21:07.000000+00:00', NULL,
    'Stop rule', '[-4001]', '');
"""


def test_a_rollout_of_the_third_form_has_no_rule_but_its_own_and_was_stopped_by_none_that_is_known(
    place: Path, tmp_path: Path
) -> None:
    third = tmp_path / "third"
    shutil.copytree(MIGRATIONS, third, ignore=shutil.ignore_patterns("__pycache__", "r000[4-9]*"))
    upgrade.create(place, str(third))
    with closing(connected(place)) as connection:
        connection.executescript(_ROLLOUT_OF_THE_THIRD_FORM)
    with closing(Catalog.open(place)) as catalog, catalog.read() as books:
        (rollout,) = books.rollouts.unfinished()
    assert (rollout.trips, rollout.passed_gates, rollout.paused_because) == ((), (-4001,), "Stop rule")
    way = rollout.plan.way
    assert (way.max_failed, way.in_a_row, way.allowed_in_all(500), way.on_trip) == (3, 2, None, OnTrip.PAUSE)


def test_engines_and_accounts_of_the_third_form_are_kept_with_no_key_remembered(place: Path, tmp_path: Path) -> None:
    third = tmp_path / "third"
    shutil.copytree(MIGRATIONS, third, ignore=shutil.ignore_patterns("__pycache__", "r000[4-9]*"))
    upgrade.create(place, str(third))
    with closing(connected(place)) as connection:
        connection.executescript(_OF_THE_THIRD_FORM)
    before = schema(place)
    with closing(Catalog.open(place)) as catalog:
        with catalog.read() as books:
            (engine,) = books.engines.all()
            (access,) = books.accesses.all()
            (contact,) = books.accesses.contacts().values()
        assert (engine.name, engine.server_key) == ("fra-1", "")
        assert access == Access("e1", "DUNES", {"key": SecretReference("engine/e1/account/a/client-key")}, "")
        assert contact.words == "fine"
        with catalog.write() as books:
            books.engines.remember_key("e1", engine.address, "SHA256:aa")
            books.engines.remember_key("e1", engine.address, "SHA256:bb")
            books.engines.remember_key("e1", replace(engine.address, port=1), "SHA256:cc")
        with catalog.read() as books:
            assert books.engines.get("e1") == replace(engine, server_key="SHA256:aa")
        with catalog.write() as books:
            books.engines.remove("e1")
        with catalog.read() as books:
            assert books.accesses.all() == [], "what is an account's on an engine still goes with it"
    after = schema(place)
    changed = {"engine", "engine_access", *CHANGED_BY_THE_FIFTH}
    assert {name for name in before if before[name] != after.get(name)} == changed


_OF_THE_THIRD_FORM = """
INSERT INTO account VALUES ('DUNES', '', '');
INSERT INTO engine VALUES ('e1', 'fra-1', '{"host":"fra-1.example","path":"","port":2376,"way":"TCP with TLS"}',
    '', NULL, 0, 2, 10.0, '', '', 0, NULL, 0);
INSERT INTO engine_access VALUES ('e1', 'DUNES', '{"key":{"name":"engine/e1/account/a/client-key"}}',
    '{"engine_id":"e1","at":"2026-08-30T14:21:07Z","answered":true,"took":0.5,"words":"fine"}');
"""


def test_programs_that_start_at_once_make_one_catalog(place: Path) -> None:
    code = f"""
import pathlib
from mirror_console.domain.account import Account
from mirror_console.store import Catalog
catalog = Catalog.open(pathlib.Path({str(place)!r}))
with catalog.write() as books:
    books.accounts.save(Account("once"))
print(catalog.id)
catalog.close()
"""
    root = Path(__file__).parents[2]
    programs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(3)
    ]
    identities = {program.communicate(timeout=60)[0] for program in programs}
    assert [program.returncode for program in programs] == [0] * 3
    assert len(identities) == 1
    left = {path.name for path in place.parent.iterdir()}
    assert {"catalog.sqlite"} <= left <= {"catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"}, (
        "SQLite keeps its log where the last two close at one time"
    )


def test_a_catalog_that_could_not_be_made_leaves_nothing(place: Path, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        upgrade.create(place, migrations(tmp_path, "1 / 0"))
    assert list(place.parent.iterdir()) == []
