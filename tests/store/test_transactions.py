"""Transactions under load and under fire: threads, programs, kill -9, a full disk, a foreign lock."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from mirror_console.domain.account import Account
from mirror_console.domain.engine import Contact
from mirror_console.errors import CatalogError
from mirror_console.store import Catalog, connection
from tests.catalogs import opened_catalog
from tests.store import values

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_eight_threads_and_another_program_write_and_none_is_turned_away(catalog: Catalog, place: Path) -> None:
    with catalog.write() as books:
        values.fleet(books, 1)
        books.rollouts.add(values.rollout([]))
    other = _program(place, "for n in range(50): write(n)")

    def work(number: int) -> None:
        for turn in range(25):
            with catalog.write() as books:
                count = len(books.accounts.all())
                books.accounts.save(Account(f"thread {number} {turn} after {count}"))
                books.journal.append(values.line(words=f"{number} {turn}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert other.communicate(timeout=60)[0].split() == [str(number) for number in range(50)]
    with catalog.read() as books:
        assert len(books.accounts.all()) == 8 * 25 + 50
        assert len(books.journal.of("rollout1")) == 8 * 25 + 50
        assert books.journal.broken_at() is None


def test_those_who_read_and_take_their_log_away_turn_nobody_away_who_opens_it_to_write(place: Path) -> None:
    """Each of them is the last to close some of the time, and the others open it just then."""
    with closing(opened_catalog(place)) as catalog, catalog.write() as books:
        values.fleet(books, 1)
        books.rollouts.add(values.rollout([]))
    reading = """
catalog.close()
for n in range(60):
    catalog = Catalog.open(catalog.path, read_only=True)
    with catalog.read() as books:
        len(books.accounts.all())
    catalog.close()
"""
    writing = """
catalog.close()
for n in range(30):
    catalog = Catalog.open(catalog.path)
    write(n)
    catalog.close()
"""
    others = [_program(place, reading, read_only=True) for _ in range(2)]
    writer = _program(place, writing)
    assert writer.communicate(timeout=120)[0].split() == [str(number) for number in range(30)]
    assert [(other.communicate(timeout=120)[0], other.returncode) for other in others] == [("", 0)] * 2
    with closing(Catalog.open(place, read_only=True)) as catalog, catalog.read() as books:
        assert len(books.accounts.all()) == 30
        assert books.journal.broken_at() is None
    # What a writer's changes left in the log while others read is for the next writer to put in.
    Catalog.open(place).close()
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_reader_sees_what_was_committed_while_another_thread_writes(catalog: Catalog) -> None:
    with catalog.write() as books:
        books.accounts.save(Account("one"))
        books.accounts.save(Account("two"))
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(_names, catalog).result(timeout=5) == []
    with catalog.read() as before:
        assert len(before.accounts.all()) == 2
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_write, catalog, "three").result(timeout=5)
        assert len(before.accounts.all()) == 2
    assert _names(catalog) == ["one", "three", "two"]


def _names(catalog: Catalog) -> list[str]:
    with catalog.read() as books:
        return [account.name for account in books.accounts.all()]


def _write(catalog: Catalog, name: str) -> None:
    with catalog.write() as books:
        books.accounts.save(Account(name))


def test_an_exception_leaves_nothing_of_the_transaction(catalog: Catalog) -> None:
    def stumble() -> None:
        with catalog.write() as books:
            books.accounts.save(Account("half"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stumble()
    assert _names(catalog) == []
    _write(catalog, "whole")
    assert _names(catalog) == ["whole"]


def test_a_change_within_a_change_or_a_reading_is_a_bug_that_is_told_at_once(catalog: Catalog) -> None:
    with catalog.write(), pytest.raises(RuntimeError, match="within another"), catalog.write():
        pass
    with catalog.read() as books, pytest.raises(RuntimeError, match="only reads"):
        books.accounts.save(Account("sneaked in"))


def test_listeners_hear_after_the_commit_what_changed(catalog: Catalog) -> None:
    heard: list[tuple[frozenset[str], int]] = []

    def listen(changed: frozenset[str]) -> None:
        heard.append((changed, len(_names(catalog))))

    end = catalog.subscribe(listen)
    _write(catalog, "one")
    with catalog.write() as books:
        values.fleet(books, 1)
        books.rollouts.add(values.rollout([]))
    with catalog.write():
        pass
    with pytest.raises(CatalogError), catalog.write() as books:
        books.applications.remove("source")
    end()
    end()
    _write(catalog, "two")
    everything = frozenset({"applications", "engines", "environments", "observations", "rollouts", "plans"})
    assert heard == [(frozenset({"accounts"}), 1), (everything, 1)]


def test_what_is_merely_seen_again_is_told_as_a_change_of_times_alone(catalog: Catalog) -> None:
    with catalog.write() as books:
        values.fleet(books, 1)
        engine = books.engines.all()[0].id
    heard: list[frozenset[str]] = []
    end = catalog.subscribe(heard.append)
    for news in (True, False):
        with catalog.write() as books:
            books.engines.save_contact(Contact(engine, values.NOW, True, 0.1), news=news)
            books.observations.touch(engine, values.NOW, news=news)
    end()
    assert heard == [frozenset({"engines", "observations"}), frozenset({"times"})]
    with catalog.read() as books:
        assert books.engines.contacts()[engine].at == values.NOW


def test_a_listener_that_fails_does_not_undo_the_change_or_silence_the_others(
    catalog: Catalog, expect_log: Callable[..., None]
) -> None:
    heard: list[frozenset[str]] = []

    def fails(changed: frozenset[str]) -> None:
        raise ZeroDivisionError

    catalog.subscribe(fails)
    catalog.subscribe(heard.append)
    expect_log("mirror_console.store.catalog", "the change of accounts is kept")
    _write(catalog, "kept")
    assert _names(catalog) == ["kept"]
    assert heard == [frozenset({"accounts"})]


def test_a_lock_of_another_program_is_told(catalog: Catalog, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_MILLISECONDS", 60)
    with closing(sqlite3.connect(place, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogError, match=r"keeps the catalog .* locked"):
            _write(catalog, "never")
        assert _names(catalog) == []
        with pytest.raises(CatalogError, match=r"keeps the catalog .* locked"):
            Catalog.open(place)
    _write(catalog, "now")


def test_killed_in_the_middle_of_writing_it_keeps_every_commit_whole(catalog: Catalog, place: Path) -> None:
    with catalog.write() as books:
        values.fleet(books, 1)
        books.rollouts.add(values.rollout([]))
    catalog.close()
    chance, told = random.Random(7), 0  # noqa: S311 - where to strike, not a secret
    for _ in range(6):
        program = _program(place, f"for n in range({told}, 10**9): write(n)")
        assert program.stdout is not None
        program.stdout.readline()
        time.sleep(chance.uniform(0, 0.12))
        program.send_signal(signal.SIGKILL)
        lines = program.communicate(timeout=20)[0].split()
        last = int(lines[-1]) if lines and lines[-1].isdigit() else told
        with closing(Catalog.open(place)) as opened, opened.read() as books:
            names = {account.name for account in books.accounts.all()}
            journal = books.journal.of("rollout1")
            assert books.journal.broken_at() is None
        # What was told is kept, account and line together; of the rest at most one whole transaction came through.
        assert names == {f"account {number}" for number in range(len(names))}
        assert len(journal) == len(names)
        # The last line may have been cut in the middle of its digits: the one before it was told whole.
        whole = int(lines[-2]) if len(lines) > 1 else last
        assert len(names) > whole
        told = len(names)
    assert told > 6


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    """On a disk of a few hundred kilobytes, in a mount namespace of its own, which goes with its program."""
    code = f"""
import pathlib, subprocess
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=900k,mode=700", "tmpfs", {str(tmp_path)!r}], check=True)
from mirror_console.domain.account import Account
from mirror_console.errors import CatalogError
from mirror_console.store import Catalog
place = pathlib.Path({str(tmp_path)!r}, "catalog.sqlite")
catalog, kept = Catalog.open(place), 0
try:
    for kept in range(10_000):
        with catalog.write() as books:
            books.accounts.save(Account(f"{{kept:05}}", "x" * 4000))
except CatalogError as refused:
    print(refused)
with catalog.read() as books:
    assert len(books.accounts.all()) == kept > 10, kept
catalog.close()
(place.parent / "other").mkdir()
filler = place.parent / "filler"
try:
    filler.write_bytes(b"x" * 900_000)
except OSError:
    pass
try:
    Catalog.open(place.parent / "other" / "catalog.sqlite")
except CatalogError as refused:
    print(refused)
assert list((place.parent / "other").iterdir()) == []
filler.unlink()
catalog = Catalog.open(place)
with catalog.read() as books:
    assert len(books.accounts.all()) == kept
catalog.close()
print("whole")
"""
    asked = ["unshare", "--map-root-user", "--mount", sys.executable, "-c", code]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.stderr == ""
    full, full_at_start, whole = done.stdout.splitlines()
    assert full.startswith("The disk is full")
    assert full_at_start.startswith("The disk is full")
    assert whole == "whole"


def _program(place: Path, body: str, *, read_only: bool = False) -> subprocess.Popen[str]:
    """Another program on the same catalog: each `write` keeps an account and a line, and then tells its number."""
    code = f"""
import pathlib
from mirror_console.domain.account import Account
from mirror_console.store import Catalog
from tests.store import values
catalog = Catalog.open(pathlib.Path({str(place)!r}), read_only={read_only})
def write(number):
    with catalog.write() as books:
        books.accounts.save(Account(f"account {{number}}"))
        books.journal.append(values.line(words=str(number)))
    print(number, flush=True)
{body}
catalog.close()
"""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
