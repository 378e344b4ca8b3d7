"""The vault over a real Secret Service: gnome-keyring, unlocked, locked, without a collection, gone."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import secretstorage

from mirror_console.errors import VaultError
from mirror_console.vault import (
    Secret,
    SecretMissing,
    SecretReference,
    Vault,
    VaultAbsent,
    VaultDismissed,
    VaultLocked,
    VaultState,
)
from tests.vault.conftest import Desktop, ended_after, wait_for_service

pytestmark = pytest.mark.lab

KEY = SecretReference("engine/e1/client-key")
PASSWORD = SecretReference("registry/r1/password")


def entries() -> list[str]:
    """The service name of every entry in the keyring."""
    with closing(secretstorage.dbus_init()) as bus:
        collection = secretstorage.get_collection_by_alias(bus, "default")
        return sorted(item.get_attributes()["service"] for item in collection.get_all_items())


@pytest.mark.usefixtures("desktop")
def test_a_secret_is_kept_replaced_and_forgotten() -> None:
    vault = Vault("c1")

    assert vault.state() is VaultState.UNLOCKED
    assert not vault.has(KEY)
    with pytest.raises(SecretMissing, match="no credential engine/e1/client-key"):
        vault.get(KEY)
    vault.put(KEY, Secret("first"))
    vault.put(KEY, Secret("second ü\n"))
    vault.put(PASSWORD, Secret("other"))
    assert vault.has(KEY)
    assert Vault("c1").get(KEY) == Secret("second ü\n")
    assert entries() == ["mirror-console/c1/engine/e1/client-key", "mirror-console/c1/registry/r1/password"]
    vault.forget(KEY)
    vault.forget(KEY)
    assert not vault.has(KEY)
    assert vault.get(PASSWORD) == Secret("other")


@pytest.mark.usefixtures("desktop")
def test_a_long_secret_is_one_entry_and_catalogs_do_not_meet() -> None:
    long = Secret("a line of a key\n" * 4096)
    Vault("c1").put(KEY, long)
    Vault("c2").put(KEY, Secret("another"))

    assert Vault("c1").get(KEY) == long
    assert Vault("c2").get(KEY) == Secret("another")
    assert len(entries()) == 2


def test_a_locked_keyring_asks_once_and_remembers_the_refusal(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = Vault("c1")
    vault.put(KEY, Secret("kept"))
    desktop.lock()
    asked = count_questions(monkeypatch)

    assert vault.state() is VaultState.LOCKED
    assert vault.has(KEY)
    with pytest.raises(VaultLocked):
        vault.find(PASSWORD)  # whether there is one can't be told, and nobody is asked for that
    assert asked == []
    for _ in range(3):
        with pytest.raises(VaultDismissed, match="stayed locked"):
            vault.find(KEY)
        with pytest.raises(VaultDismissed, match="stayed locked"):
            vault.get(KEY)
        with pytest.raises(VaultDismissed):
            vault.put(PASSWORD, Secret("x"))
        with pytest.raises(VaultDismissed):
            vault.forget(KEY)
    assert len(asked) == 1
    assert vault.state() is VaultState.DISMISSED
    assert vault.unlock() is VaultState.DISMISSED
    assert len(asked) == 2

    desktop.open()
    assert vault.state() is VaultState.UNLOCKED
    assert vault.get(KEY) == Secret("kept")
    # Once it was open the next lock may be asked about again.
    desktop.lock()
    assert vault.state() is VaultState.LOCKED
    gc.collect()  # a connection left open would warn here, which fails the test


def test_who_may_not_ask_is_told_that_it_is_locked(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault("c1", may_ask=False)
    vault.put(KEY, Secret("kept"))
    desktop.lock()
    asked = count_questions(monkeypatch)

    with pytest.raises(VaultLocked, match="keyring is locked"):
        vault.get(KEY)
    with pytest.raises(VaultLocked):
        vault.has(PASSWORD)  # a locked keyring need not tell of all that it has
    for unsure in (KEY, PASSWORD):
        with pytest.raises(VaultLocked, match="keyring is locked"):
            vault.find(unsure)
    assert vault.state() is VaultState.LOCKED
    assert asked == []


def test_without_a_collection_reading_asks_nothing_and_writing_is_refused_with_words(
    bus: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = count_questions(monkeypatch)
    daemon = subprocess.Popen(
        ["gnome-keyring-daemon", "--foreground", "--components=secrets"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=bus.environment,
        text=True,
    )
    with ended_after(daemon):
        wait_for_service(daemon)
        vault = Vault("c1")
        assert vault.state() is VaultState.LOCKED
        assert not vault.has(KEY)
        with pytest.raises(SecretMissing):
            vault.get(KEY)
        assert vault.find(KEY) is None
        vault.forget(KEY)
        assert asked == []
        with pytest.raises(VaultDismissed):
            vault.put(KEY, Secret("x"))
        assert vault.state() is VaultState.DISMISSED


@pytest.mark.usefixtures("desktop")
def test_a_bus_that_takes_its_time_to_let_sign_on_is_waited_for() -> None:
    """The library gives it a second, and a busy computer may need more: the keyring is neither locked nor absent."""
    vault = Vault("c1")
    vault.put(KEY, Secret("kept"))
    with _bus_frozen(1.5):
        assert vault.state() is VaultState.UNLOCKED
    with _bus_frozen(1.5):
        assert Vault("c1").get(KEY) == Secret("kept"), "whether there is a keyring is asked at first"


@contextmanager
def _bus_frozen(seconds: float) -> Iterator[None]:
    """The session bus stands still, and goes on after that time. It must have been needed until then."""
    with closing(secretstorage.dbus_init()) as bus:
        told = bus.sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid = struct.unpack("3i", told)[0]
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    with subprocess.Popen(["sh", "-c", f"sleep {seconds}; kill -CONT {pid}"]):
        yield
        assert time.monotonic() - began >= seconds


def test_a_service_that_goes_away_is_absent_and_may_come_back(bus: Desktop, request: pytest.FixtureRequest) -> None:
    vault = Vault("c1")

    assert vault.state() is VaultState.ABSENT
    for use in (lambda: vault.get(KEY), lambda: vault.put(KEY, Secret("x")), lambda: vault.has(KEY), vault.unlock):
        with pytest.raises(VaultAbsent, match="No keyring was found") as refusal:
            use()
        assert "for this run only" in refusal.value.hint
    request.getfixturevalue("desktop")
    assert vault.state() is VaultState.UNLOCKED
    vault.put(KEY, Secret("x"))
    assert bus.environment["DBUS_SESSION_BUS_ADDRESS"]


PLAIN = """
from keyring.backend import KeyringBackend

class PlainFile(KeyringBackend):
    priority = 99

    def get_password(self, service, username):
        raise AssertionError("asked")

    set_password = delete_password = get_password
"""

USED = """
import json, sys
from mirror_console.vault import Secret, SecretReference, Vault, VaultAbsent
vault, key = Vault("c1"), SecretReference("engine/e1/client-key")
try:
    vault.put(key, Secret("kept"))
    told = vault.get(key).reveal()
except VaultAbsent as absent:
    told = str(absent)
import keyring
print(json.dumps([told, type(keyring.get_keyring()).__name__]))
"""


@pytest.mark.parametrize("way", ["environment", "file"])
@pytest.mark.parametrize("session", ["bus", "desktop"])
def test_a_keyring_in_plain_text_that_is_set_up_is_not_used(
    request: pytest.FixtureRequest, tmp_path: Path, way: str, session: str, pytestconfig: pytest.Config
) -> None:
    desktop: Desktop = request.getfixturevalue(session)
    (tmp_path / "plain.py").write_text(PLAIN)
    environment = desktop.environment | {"PYTHONPATH": f"{pytestconfig.rootpath}:{tmp_path}"}
    if way == "environment":
        environment["PYTHON_KEYRING_BACKEND"] = "plain.PlainFile"
    else:
        folder = Path(environment["XDG_CONFIG_HOME"], "python_keyring")
        folder.mkdir(parents=True)
        (folder / "keyringrc.cfg").write_text("[backend]\ndefault-keyring=plain.PlainFile\n")

    run = subprocess.run([sys.executable, "-c", USED], env=environment, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr
    told, chosen = json.loads(run.stdout)
    assert chosen == "PlainFile"  # what the keyring package itself would have taken
    if session == "desktop":
        assert told == "kept"
    else:
        assert "plain.PlainFile is set up but not used, since it may keep them in plain text" in told


def test_no_words_of_a_failure_hold_the_secret(desktop: Desktop) -> None:
    vault = Vault("c1", may_ask=False)
    desktop.lock()

    with pytest.raises(VaultError) as refusal:
        vault.put(KEY, Secret("can" + "ary-77"))

    assert refusal.value.__cause__ is None
    assert "canary-77" not in repr(refusal.value) + str(refusal.getrepr(showlocals=True))


def count_questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From here on, each question that the Secret Service is told to show."""
    shown: list[str] = []
    show = secretstorage.util.exec_prompt

    def counted(bus: Any, prompt: str, *, timeout: float | None = None) -> object:
        shown.append(prompt)
        return show(bus, prompt, timeout=timeout)

    monkeypatch.setattr("secretstorage.util.exec_prompt", counted)
    monkeypatch.setattr("secretstorage.collection.exec_prompt", counted)
    return shown
