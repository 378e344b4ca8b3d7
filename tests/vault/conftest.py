"""A Secret Service of the test's own: gnome-keyring on a session bus, both children of the test run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import secretstorage

PASSWORD = "of the test's keyring"


@dataclass(frozen=True, slots=True)
class Desktop:
    """A session bus with a home folder. `environment` is what a program in this session sees."""

    environment: dict[str, str]

    def lock(self) -> None:
        """Lock the default collection, as the person would."""
        with closing(secretstorage.dbus_init()) as bus:
            secretstorage.get_collection_by_alias(bus, "default").lock()

    def open(self) -> None:
        """Unlock the default collection with its password, past any question, as a login does."""
        with closing(secretstorage.dbus_init()) as bus:
            collection = secretstorage.get_collection_by_alias(bus, "default")
            session = secretstorage.util.open_session(bus)
            secret = secretstorage.util.format_secret(session, PASSWORD.encode(), "text/plain")
            # gnome-keyring's own way in for its tools; the Secret Service has none without a question.
            way_in = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"
            daemon = secretstorage.util.DBusAddressWrapper("/org/freedesktop/secrets", way_in, bus)
            daemon.call("UnlockWithMasterPassword", "o(oayays)", collection.collection_path, secret)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    """A session bus without any service, for this process too. No question can be shown on it."""
    with _folder() as home, _session_bus(home) as desktop:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.environment["DBUS_SESSION_BUS_ADDRESS"])
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
        monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
        yield desktop


@pytest.fixture
def desktop(bus: Desktop) -> Iterator[Desktop]:
    """A session bus with gnome-keyring on it, unlocked."""
    daemon = subprocess.Popen(
        ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=bus.environment,
        text=True,
    )
    with ended_after(daemon):
        assert daemon.stdin
        daemon.stdin.write(PASSWORD)
        daemon.stdin.close()
        wait_for_service(daemon)
        yield bus


@contextmanager
def _session_bus(home: Path) -> Iterator[Desktop]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
    }
    # A configuration of its own without service folders: nothing is started on demand, so none asks on a screen.
    configuration = home / "bus.conf"
    configuration.write_text(
        "<busconfig><type>session</type>"
        f"<listen>unix:path={home / 'bus'}</listen><auth>EXTERNAL</auth>"
        '<policy context="default"><allow send_destination="*" eavesdrop="true"/>'
        '<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>'
    )
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    )
    with ended_after(daemon):
        assert daemon.stdout
        environment["DBUS_SESSION_BUS_ADDRESS"] = daemon.stdout.readline().strip()
        yield Desktop(environment)


def wait_for_service(daemon: subprocess.Popen[str]) -> None:
    """Return when the Secret Service is on the bus. Its daemon tells nobody."""
    end = time.monotonic() + 10
    with closing(secretstorage.dbus_init()) as bus:
        while not secretstorage.check_service_availability(bus):
            assert daemon.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)


@contextmanager
def ended_after(daemon: subprocess.Popen[str]) -> Iterator[None]:
    """The daemon is ended with the block, however that ends."""
    with daemon:
        try:
            yield
        finally:
            daemon.terminate()
            daemon.wait(10)


@contextmanager
def _folder() -> Iterator[Path]:
    # Not pytest's: the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="mc-keyring-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
