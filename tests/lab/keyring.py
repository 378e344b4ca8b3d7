"""A real Secret Service: gnome-keyring on a session bus of its own, for the lab's owner, beside their own."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from tests.lab.processes import Process, everyone, kill_all, start, until, variables
from tests.lab.programs import LabError, base_environment, run

DEFAULT_COLLECTION = "/org/freedesktop/secrets/aliases/default"


class LabKeyring:
    """A session bus and gnome-keyring, with a home folder that they and the console use instead of the owner's."""

    def __init__(self, *, folder: Path, owner: tuple[int, int]) -> None:
        self.folder = folder
        self._owner = owner

    @property
    def home(self) -> Path:
        """The home folder of the keyring's person."""
        return self.folder / "home"

    @property
    def password(self) -> str:
        """What unlocks it."""
        return (self.folder / "password").read_text()

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs in its environment to use this keyring, and no other."""
        return {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_DATA_HOME": str(self.home / ".local" / "share"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_STATE_HOME": str(self.home / ".local" / "state"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.folder / 'bus'}",
        }

    def install(self) -> None:
        """Make its folders and its password, the owner's own; once, before the first start."""
        # Written before the folder is the owner's, and records and logs beside it: root follows no path of theirs.
        self.folder.mkdir(mode=0o700)
        file = self.folder / "password"
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(18))
        os.chown(file, *self._owner)
        homes = [Path(self.environment[name]) for name in self.environment if name.startswith("XDG_")]
        for folder in (self.home, self.home / ".local", self.home / ".local" / "share", *homes):
            folder.mkdir(mode=0o700, exist_ok=True)
            os.chown(folder, *self._owner)
        os.chown(self.folder, *self._owner)

    def start(self) -> None:
        """Start what of it doesn't run; afterwards it is there and unlocked. Raises LabError."""
        if self._running("bus") is None:
            command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={self._bus}"]
            self._launch("bus", command, b"", "The session bus")
        if self._running("secrets") is None:
            command = ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"]
            self._launch("secrets", command, self.password.encode(), "The keyring")

    def stop(self) -> None:
        """Stop both, and what the bus has started for its guests. What is in the keyring stays for the next start."""
        for name in ("bus", "secrets"):
            process = self._running(name)
            if process is not None:
                process.kill()
        mark = f"DBUS_STARTER_ADDRESS={self._bus}"
        kill_all(lambda: [each for each in everyone() if any(it.startswith(mark) for it in variables(each.pid))])

    def lock(self) -> None:
        """Lock it: who asks for a secret then gets a prompt that nobody can answer."""
        self._bus_send(
            "org.freedesktop.secrets",
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service.Lock",
            f"array:objpath:{DEFAULT_COLLECTION}",
        )
        if not self.locked():
            raise LabError("The keyring didn't lock.")

    def unlock(self) -> None:
        """Unlock it again, by starting its daemon anew; one that was stopped or stands still is there again, too."""
        process = self._running("secrets")
        if process is not None:
            process.kill()
        self.start()

    def freeze(self) -> None:
        """Stop it in its tracks: whoever asks it gets no answer, until `unlock`."""
        process = self._running("secrets")
        if process is None or not process.freeze():
            raise LabError("The keyring doesn't run.")

    def running(self) -> bool:
        """Whether both of its daemons run."""
        return all(self._running(name) is not None for name in ("bus", "secrets"))

    def locked(self) -> bool:
        """Whether its collection is locked. Raises LabError when there is none."""
        answer = self._bus_send(
            "org.freedesktop.secrets",
            DEFAULT_COLLECTION,
            "org.freedesktop.DBus.Properties.Get",
            "string:org.freedesktop.Secret.Collection",
            "string:Locked",
        )
        return "boolean true" in answer

    @property
    def _bus(self) -> str:
        return self.environment["DBUS_SESSION_BUS_ADDRESS"]

    def _record(self, name: str) -> Path:
        return self.folder.with_name(f"keyring-{name}.process")

    def _running(self, name: str) -> Process | None:
        process = Process.recorded(self._record(name))
        return process if process is not None and process.alive() else None

    def _launch(self, name: str, command: list[str], feed: bytes, what: str) -> None:
        log = self.folder.with_name(f"keyring-{name}.log")
        environment = base_environment() | self.environment
        process = start(command, log=log, environment=environment, user=self._owner, feed=feed)
        process.record(self._record(name))
        ready = self._bus_answers if name == "bus" else self._unlocked
        until(ready, process, what, log)

    def _bus_answers(self) -> bool:
        return self._ask("org.freedesktop.DBus", "/", "org.freedesktop.DBus.GetId")[0]

    def _unlocked(self) -> bool:
        # Asked of the bus first: a question to a name that nobody has would start another keyring.
        owned, answer = self._ask(
            "org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"
        )
        if not owned or "boolean true" not in answer:
            return False
        try:
            return not self.locked()
        except LabError:
            return False

    def _bus_send(self, *message: str) -> str:
        done, answer = self._ask(*message)
        if not done:
            raise LabError(f"The keyring doesn't answer: {answer}")
        return answer

    def _ask(self, service: str, thing: str, method: str, *arguments: str) -> tuple[bool, str]:
        command = ["dbus-send", f"--bus={self._bus}", "--print-reply", f"--dest={service}", thing, method, *arguments]
        environment = base_environment() | self.environment
        done = run(command, environment=environment, user=self._owner, check=False, timeout=10.0)
        return done.returncode == 0, (done.stdout or done.stderr).strip()
