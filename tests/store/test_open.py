"""Opening: what is made and how it is protected, and every file that is refused, in words, and left as it was."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import mirror_console
from mirror_console.errors import CatalogError
from mirror_console.store import Catalog
from mirror_console.store.place import demand_local, file_system
from mirror_console.store.tables import APPLICATION_ID
from mirror_console.store.upgrade import REVISIONS
from tests.store import values

MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 27 0:44 / /home/ada/shared\\040files rw,relatime shared:7 - nfs4 server:/export rw,vers=4.2
32 31 0:45 / /home/ada/shared\\040files/local rw,relatime - xfs /dev/vdb rw
33 27 0:46 / /home/ada/cloud rw - fuse.sshfs ada@server: rw
"""


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def closed(place: Path) -> Path:
    """A catalog with something in it, not open."""
    with closing(Catalog.open(place)) as catalog, catalog.write() as books:
        books.rollouts.add(values.rollout(values.fleet(books, 3)))
        books.journal.append(values.line())
    return place


def test_everything_that_is_made_is_for_its_owner_alone(place: Path) -> None:
    before = os.umask(0)
    try:
        with closing(Catalog.open(place)) as catalog:
            with catalog.write() as books:
                values.fleet(books, 1)
            assert modes(place.parent) == dict.fromkeys(
                ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"], 0o600
            )
            assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
            catalog.backup(place.parent / "copy.sqlite")
            assert modes(place.parent)["copy.sqlite"] == 0o600
    finally:
        os.umask(before)
    assert modes(place.parent) == dict.fromkeys(["catalog.sqlite", "copy.sqlite"], 0o600)


def test_a_connection_is_set_up_to_lose_nothing_and_trust_nothing(catalog: Catalog) -> None:
    with catalog.write() as books:
        ask = books.accounts._connection.exec_driver_sql
        told = {name: ask(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")}
        told |= {name: ask(f"PRAGMA {name}").scalar() for name in ("trusted_schema", "cell_size_check", "fullfsync")}
        told["busy_timeout"] = ask("PRAGMA busy_timeout").scalar()
    assert told == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "fullfsync": 1,
        "busy_timeout": 5000,
    }


def test_a_catalog_keeps_its_identity_and_each_has_its_own(place: Path) -> None:
    with closing(Catalog.open(place)) as first:
        identity = first.id
    with closing(Catalog.open(place)) as again, closing(Catalog.open(place.with_name("other.sqlite"))) as other:
        assert again.id == identity != other.id


@pytest.mark.parametrize("name", ["a b #?%41.sqlite", "grün 🪞.sqlite", "-journal"])
def test_any_name_of_a_file_will_do(tmp_path: Path, name: str) -> None:
    with closing(Catalog.open(tmp_path / name)) as catalog, catalog.write() as books:
        values.fleet(books, 1)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_copy_that_others_may_read_is_made_private_again(place: Path) -> None:
    closed(place).chmod(0o644)
    Catalog.open(place).close()
    assert modes(place.parent) == {"catalog.sqlite": 0o600}


def test_reading_only_sees_everything_and_changes_nothing(place: Path) -> None:
    closed(place)
    content = place.read_bytes()
    with closing(Catalog.open(place, read_only=True)) as catalog:
        with catalog.read() as books:
            assert len(books.environments.all()) == 8
        with pytest.raises(CatalogError, match="for reading only"), catalog.write():
            pass
        with closing(Catalog.open(place)) as writer, writer.write() as books:
            books.environments.remove("mirror0-live")
        with catalog.read() as books:
            assert len(books.environments.all()) == 7
    assert content != place.read_bytes() or place.with_name(place.name + "-wal").exists()


def test_who_only_reads_leaves_nothing_beside_it_and_the_file_as_it_was(place: Path) -> None:
    before = closed(place).read_bytes(), place.stat().st_mtime_ns
    for _ in range(2):
        with closing(Catalog.open(place, read_only=True)) as catalog, catalog.read() as books:
            assert len(books.environments.all()) == 8
        assert modes(place.parent) == {"catalog.sqlite": 0o600}
        assert (place.read_bytes(), place.stat().st_mtime_ns) == before


@pytest.mark.parametrize("read_only", [True, False])
def test_what_stands_beside_it_stays_while_another_has_it_open(place: Path, read_only: bool) -> None:
    closed(place)
    with closing(Catalog.open(place, read_only=read_only)) as other:
        with other.read() as books:
            assert len(books.environments.all()) == 8
        with closing(Catalog.open(place, read_only=True)) as catalog, catalog.read() as books:
            assert len(books.environments.all()) == 8
        assert set(modes(place.parent)) == {"catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"}
        if not read_only:
            with other.write() as books:
                books.environments.remove("mirror0-live")
            with closing(Catalog.open(place, read_only=True)) as catalog, catalog.read() as books:
                assert len(books.environments.all()) == 7
    assert modes(place.parent) == {"catalog.sqlite": 0o600}


def test_who_only_reads_leaves_the_last_changes_of_a_killed_one_where_they_are(place: Path) -> None:
    code = f"""
import os, pathlib
from mirror_console.store import Catalog
catalog = Catalog.open(pathlib.Path({str(closed(place))!r}))
with catalog.write() as books:
    books.environments.remove("mirror0-live")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    log = place.with_name(place.name + "-wal")
    before = place.read_bytes(), log.read_bytes()
    assert before[1]
    with closing(Catalog.open(place, read_only=True)) as catalog, catalog.read() as books:
        assert len(books.environments.all()) == 7
    assert (place.read_bytes(), log.read_bytes()) == before


def test_a_backup_made_while_it_is_written_to_is_whole(place: Path, tmp_path: Path) -> None:
    closed(place)
    with closing(Catalog.open(place)) as catalog:
        with catalog.write() as books:
            books.environments.remove("mirror0-live")
            catalog.backup(tmp_path / "copy.sqlite")
        with pytest.raises(CatalogError, match="can't take the place of the catalog itself"):
            catalog.backup(place)
        with pytest.raises(CatalogError, match="can't be reached"):
            catalog.backup(tmp_path / "nowhere" / "copy.sqlite")
        identity = catalog.id
    with closing(Catalog.open(tmp_path / "copy.sqlite")) as copy, copy.read() as books:
        assert copy.id == identity
        assert len(books.environments.all()) == 8
        assert books.journal.broken_at() is None


# --- what is refused ----------------------------------------------------------------------------------------------


def _not_sqlite(place: Path) -> None:
    place.write_text("name: a shopping list\n" * 50)


def _foreign(place: Path) -> None:
    with closing(sqlite3.connect(place)) as other:
        other.execute("CREATE TABLE bookmark (url TEXT)")


def _newer(place: Path) -> None:
    with closing(sqlite3.connect(closed(place), isolation_level=None)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.execute("UPDATE meta SET value = '7.1.0' WHERE key = 'program'")


def _newer_by_the_same_number(place: Path) -> None:
    with closing(sqlite3.connect(closed(place), isolation_level=None)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")


def _sql(statement: str) -> Callable[[Path], None]:
    def change(place: Path) -> None:
        with closing(sqlite3.connect(closed(place), isolation_level=None)) as connection:
            connection.execute(statement)

    return change


def _truncated(place: Path) -> None:
    os.truncate(closed(place), 3 * 4096)


def _scribbled(place: Path) -> None:
    with closed(place).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 8192)


def _writable_by_others(place: Path) -> None:
    closed(place).chmod(0o620)


def _folder_writable_by_others(place: Path) -> None:
    closed(place).parent.chmod(0o777)


def _only_its_log(place: Path) -> None:
    place.with_name(place.name + "-wal").write_bytes(b"\x37\x7f\x06\x82" + bytes(60))


REFUSED: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "not a SQLite file": (_not_sqlite, "is not a catalog: it is no SQLite file", "backup"),
    "of another program": (_foreign, "is a SQLite file of another program", "another file"),
    "newer": (_newer, rf"written by Mirror Console 7\.1\.0; this is {mirror_console.__version__}", "that version"),
    "newer, of the same number": (
        _newer_by_the_same_number,
        rf"by a newer Mirror Console than this one: its tables have the form 9999, and .* up to {REVISIONS[-1]}\. ",
        "the one that wrote it",
    ),
    "truncated": (_truncated, "is damaged", "backup"),
    "empty": (lambda place: place.touch(mode=0o600), "is damaged: nothing is in the file any more", "backup"),
    "scribbled over": (_scribbled, "is damaged", "backup"),
    "a table is gone": (_sql("DROP TABLE contact"), "is damaged: tables are missing", "backup"),
    "no identity": (_sql("DELETE FROM meta"), "is damaged: it has no identity", "backup"),
    "no form": (_sql("DELETE FROM alembic_version"), "is damaged: it doesn't say which form", "backup"),
    "a view": (_sql("CREATE VIEW v AS SELECT 1"), r"no version of Mirror Console put there \(view\)", "backup"),
    "a trigger": (
        _sql("CREATE TRIGGER t AFTER INSERT ON account BEGIN DELETE FROM engine; END"),
        r"no version of Mirror Console put there \(trigger\)",
        "backup",
    ),
    "a virtual table": (
        _sql("CREATE VIRTUAL TABLE v USING fts5(x)"),
        "no version of Mirror Console put there",
        "backup",
    ),
    "a folder": (lambda place: place.mkdir(), "is not a file", "the file of a catalog"),
    "a pipe": (os.mkfifo, "is not a file", "the file of a catalog"),
    "writable by others": (_writable_by_others, "Other people of this machine can change the catalog", "chmod 600"),
    "in an open folder": (_folder_writable_by_others, "can change the catalog's folder", "chmod go-w"),
    "only its log": (_only_its_log, "is gone, but catalog.sqlite-wal beside it", "move that part away"),
}


@pytest.mark.parametrize("read_only", [False, True], ids=["to write", "to read"])
@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_words_and_left_as_it_was(place: Path, case: str, read_only: bool) -> None:
    spoil, title, hint = REFUSED[case]
    place.parent.mkdir(mode=0o700)
    spoil(place)
    if place.is_file():
        place.chmod(place.stat().st_mode & 0o777 & ~(0o044))
    before = place.read_bytes() if place.is_file() else b""
    with pytest.raises(CatalogError, match=title) as caught:
        Catalog.open(place, read_only=read_only)
    assert hint in caught.value.hint
    assert str(place) in caught.value.title or str(place.parent) in caught.value.title
    assert (place.read_bytes() if place.is_file() else b"") == before


def test_for_reading_only_nothing_is_made(place: Path) -> None:
    with pytest.raises(CatalogError, match=r"There is no catalog .* yet"):
        Catalog.open(place, read_only=True)
    assert not place.parent.exists()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    with pytest.raises(CatalogError, match="not a folder"):
        Catalog.open(tmp_path / "home" / "catalog.sqlite")


def test_a_damaged_catalog_names_the_newest_backup(place: Path) -> None:
    _truncated(place)
    for revision in ("0002", "0003"):
        place.with_name(f"catalog.before-{revision}.sqlite").touch()
    with pytest.raises(CatalogError, match=r"catalog\.before-0003\.sqlite"):
        Catalog.open(place)


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Without root's rights, which no permission keeps out."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_person_without_the_right_is_told_so() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        place = closed(Path(folder) / "catalog.sqlite")
        place.chmod(0o444)
        Path(folder).chmod(0o555)
        with _as_nobody(), pytest.raises(CatalogError, match=r"can't be opened|can't be changed"):
            Catalog.open(place)
        place.chmod(0o000)
        with _as_nobody(), pytest.raises(CatalogError, match="you have no right to it"):
            Catalog.open(place)
        with _as_nobody(), pytest.raises(CatalogError, match="you have no right to it"):
            Catalog.open(Path(folder) / "new.sqlite")
        Path(folder).chmod(0o700)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/ada/catalog.sqlite", "ext4"),
        ("/home/ada/shared files/catalog.sqlite", "nfs4"),
        ("/home/ada/shared files/local/catalog.sqlite", "xfs"),
        ("/home/ada/shared/catalog.sqlite", "ext4"),
        ("/home/ada/cloud/catalog.sqlite", "fuse.sshfs"),
    ],
)
def test_a_network_file_system_is_known_by_the_table_of_mounts(tmp_path: Path, path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS)
    if kind in {"nfs4", "fuse.sshfs"}:
        with pytest.raises(CatalogError, match=f"on a network file system .{kind}."):
            demand_local(Path(path), table)
    else:
        demand_local(Path(path), table)


@pytest.mark.slow
def test_no_change_to_its_bytes_is_met_with_anything_but_a_sentence(place: Path) -> None:
    """300 files, each changed at random: opened and read whole, or refused, or refused while it is read."""
    good = closed(place).read_bytes()
    assert good[68:72] == APPLICATION_ID.to_bytes(4, "big")
    chance, read = random.Random(20260830), 0  # noqa: S311 - damage, not a secret
    refused: Counter[str] = Counter()
    for number in range(300):
        # A file of its own: a refusal may still hold the one before open, and with it SQLite's index of its log.
        place.unlink()
        place.write_bytes(_mutated(good, chance))
        for suffix in ("-wal", "-shm"):
            place.with_name(place.name + suffix).unlink(missing_ok=True)
        if number % 3 == 0:
            place.with_name(place.name + "-wal").write_bytes(chance.randbytes(4096))
        try:
            with closing(Catalog.open(place)) as catalog:
                _read_and_write(catalog)
            read += 1
        except CatalogError as error:
            refused[error.title.replace(str(place), "it")] += 1
    assert refused.total() > 50
    assert read > 20, refused.most_common(5)


def _mutated(good: bytes, chance: random.Random) -> bytes:
    bad = bytearray(good)
    match chance.randrange(5):
        case 0:
            del bad[chance.randrange(len(bad)) :]
        case 1:
            start = chance.randrange(len(bad))
            bad[start : start + chance.randrange(1, 64)] = bytes(chance.randrange(1, 64))
        case 2:
            one, other = (4096 * chance.randrange(len(bad) // 4096) for _ in range(2))
            bad[one : one + 4096], bad[other : other + 4096] = bad[other : other + 4096], bad[one : one + 4096]
        case 3:
            # Where text stands: the pages stay whole, and the values become nonsense.
            start = bad.find(b'"', chance.randrange(len(bad) // 2))
            bad[start] = chance.randrange(256)
        case _:
            for _ in range(chance.randrange(1, 12)):
                bad[chance.randrange(len(bad))] = chance.randrange(256)
    return bytes(bad)


def _read_and_write(catalog: Catalog) -> None:
    with catalog.read() as books:
        books.applications.all()
        books.environments.all()
        books.engines.all()
        books.engines.contacts()
        books.observations.all()
        books.releases.all()
        books.rollouts.all()
        books.journal.of("rollout1")
        books.journal.broken_at()
    with catalog.write() as books:
        values.fleet(books, 2)
        books.journal.append(values.line())
