"""An SSH server on a host of the lab, with users of its own that this machine doesn't know.

It runs in the host's network and in mounts of its own: there its user files and its /run and /var/log stand in place of
the machine's, and they vanish with its last process.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.canaries import SSH_PASSWORD
from tests.lab.network import LabNetwork
from tests.lab.processes import Process, children, command_line, kill_all, start, until
from tests.lab.programs import find, run

GROUP = 61213
"""The group that may open the engine's socket."""
_FIRST_USER = 61220
PASSWORD = SSH_PASSWORD
PORT = 22
CLOSING = 0.3
"""Seconds that connections get to end by themselves."""
KINDS = ("ed25519", "ecdsa", "rsa")
"""Of host keys: it has one of each."""


class User(StrEnum):
    """Who may sign in, by key or password."""

    DEPLOY = "deploy"
    """In the group that owns the engine's socket, with Docker's command line."""
    BARE = "bare"
    """In that group too, but there is no docker command for it."""
    OUTSIDER = "outsider"
    """Not in that group."""
    SEALED = "sealed"
    """In that group, with no docker command, and no channel may be opened to a socket or a port."""
    TIMID = "timid"
    """In that group; the socket may be opened by a channel, and no command can be run."""


_RULES = """
Match User bare
    SetEnv PATH=/nonexistent
Match User sealed
    SetEnv PATH=/nonexistent
    AllowStreamLocalForwarding no
    AllowTcpForwarding no
Match User timid
    ForceCommand /bin/false
"""

_RUN_PRIVATELY = """
set -e
umask 022
visible=$1; folder=$2; engine=$3; shift 3
mount -t tmpfs -o mode=755 lab /run
mount -t tmpfs -o mode=755 lab /var/log
mkdir /run/sshd /run/visible
for file in passwd group shadow; do mount --bind "$folder/$file" "/etc/$file"; done
# Its users see this folder where it is, however closed the folders above it are to others, and nothing beside it.
mount --bind "$visible" /run/visible
case $visible in
    /dev/shm/*) above=/dev/shm ;;
    *) above=${visible#/} above=/${above%%/*} ;;
esac
mount -t tmpfs -o mode=755 lab "$above"
mkdir -p "$visible"
mount --bind /run/visible "$visible"
# Where that folder was in /var, this went with it.
[ -e /var/run ] || ln -s /run /var/run
[ -z "$engine" ] || ln -s "$engine" /run/docker.sock
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class SshKey:
    """A pair of keys, as the files that ssh-keygen makes."""

    file: Path

    @property
    def private(self) -> str:
        """The private key."""
        return self.file.read_text()

    @property
    def public(self) -> str:
        """Type and key."""
        return " ".join(self.file.with_name(self.file.name + ".pub").read_text().split()[:2])


class LabSsh:
    """The server at one place of the network. `engine` is the socket that its users may open, if there is one."""

    def __init__(self, *, network: LabNetwork, place: int, folder: Path, engine: Path | None = None) -> None:
        self.network = network
        self.place = place
        self.folder = folder
        self._engine = engine

    @property
    def host(self) -> str:
        """Its address."""
        return self.network.address(self.place)

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / "sshd.log"

    @property
    def key(self) -> SshKey:
        """The key that all its users sign in with."""
        return SshKey(self.folder / "client")

    def host_key(self, kind: str = "ed25519") -> SshKey:
        """Its own key of a kind: ed25519, ecdsa or rsa."""
        return SshKey(self.folder / f"host-{kind}")

    def url(self, user: User = User.DEPLOY, path: str = "") -> str:
        """Its address for the console."""
        return f"ssh://{user}@{self.host}{path}"

    def install(self) -> None:
        """Make its folder with keys, users and settings; once, before the first start."""
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o711)
        make_key(self.key.file)
        for kind in KINDS:
            make_key(self.host_key(kind).file, kind)
        self.allow(self.key.public)
        self._write_users()
        self.configure()

    def allow(self, *public: str) -> None:
        """Let these keys in, and no others."""
        self._note_change()
        file = self.folder / "authorized"
        file.write_text("".join(f"{key}\n" for key in public))
        file.chmod(0o644)

    def configure(self, *lines: str, kinds: tuple[str, ...] = KINDS) -> None:
        """Write its settings: `lines` go before the usual ones. It reads them when it starts."""
        self._note_change()
        usual = [
            f"ListenAddress {self.host}:{PORT}",
            *(f"HostKey {self.host_key(kind).file}" for kind in kinds),
            f"AuthorizedKeysFile {self.folder / 'authorized'}",
            "AuthenticationMethods any",
            "PasswordAuthentication yes",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin no",
            "StrictModes no",
            "UsePAM no",
            "UseDNS no",
            "PidFile none",
            "LogLevel DEBUG1",
            "PrintMotd no",
            # Debian's own command line; another one may be in /usr/local.
            "SetEnv PATH=/usr/bin:/bin",
        ]
        (self.folder / "sshd_config").write_text("\n".join([*lines, *usual]) + _RULES)

    def start(self) -> None:
        """Start it if it doesn't run, and wait until it answers. Raises LabError with the end of its log."""
        if self.running():
            return
        visible = self._engine.parent if self._engine else self.folder
        given = [str(visible), str(self.folder), str(self._engine or "")]
        private = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _RUN_PRIVATELY, "sh", *given]
        server = [find("sshd"), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        process = start([*self.network.inside(self.place), *private, *server], log=self.log)
        process.record(self._record)
        until(self._answers, process, f"The SSH server at {self.host}", self.log)

    def stop(self) -> None:
        """End the server and all connections to it, at once."""
        self._note_change()
        kill_all(self._everyone)

    def restart(self) -> None:
        """Stop and start again, with the settings that there are now."""
        self.stop()
        self.start()

    def drop(self) -> None:
        """End all connections that are there, at once; the server goes on, and serves who comes meanwhile."""
        self._note_change()
        server = Process.recorded(self._record)
        there = [process for process in self._everyone() if process != server]
        kill_all(lambda: (process for process in there if process.alive()))

    def freeze(self, *, server: bool = True) -> None:
        """Stop everything of it in its tracks, until `thaw`: connections are taken, nothing is answered.

        Without `server` only the connections that are there: new ones are served.
        """
        self._note_change()
        spared = None if server else Process.recorded(self._record)
        for process in self._everyone():
            if process != spared:
                process.freeze()

    def thaw(self) -> None:
        """Let it go on."""
        for process in self._everyone():
            process.signal(signal.SIGCONT)

    def change_key(self) -> None:
        """Give it other keys, as when it was set up anew. It shows them when it starts."""
        self._note_change()
        for kind in KINDS:
            file = self.host_key(kind).file
            for old in (file, file.with_name(file.name + ".pub")):
                old.unlink()
            make_key(file, kind)

    @contextmanager
    def another_key(self) -> Iterator[None]:
        """Show other keys as long as this lasts, as somebody in its place would."""
        files = [file for kind in KINDS for file in self.folder.glob(f"host-{kind}*")]
        before = {file: file.read_bytes() for file in files}
        self.change_key()
        self.restart()
        try:
            yield
        finally:
            for file, content in before.items():
                file.write_bytes(content)
            self.restart()

    def running(self) -> bool:
        """Whether it takes connections."""
        process = Process.recorded(self._record)
        return process is not None and process.alive()

    def connections(self) -> int:
        """How many connections have come so far, all of them counted."""
        return self.log.read_text(errors="replace").count("Connection from ")

    def said(self, words: str) -> int:
        """How many lines of its log have these words."""
        return sum(words in line for line in self.log.read_text(errors="replace").splitlines())

    def commands(self, words: str) -> list[int]:
        """The ids of the processes on its host whose command lines have these words."""
        return [each.pid for each in self.network.processes(self.place) if words in command_line(each.pid)]

    def mend(self) -> None:
        """Undo freeze, stop and other settings; keys of before are not brought back.

        A server of which nothing was changed and to which nobody is connected stays: starting one takes a while.
        """
        if not self._changed.exists() and self._is_idle():
            return
        self.thaw()
        self.stop()
        self.configure()
        self.allow(self.key.public)
        self.start()
        self._changed.unlink()

    @property
    def _record(self) -> Path:
        return self.folder / "sshd.process"

    @property
    def _changed(self) -> Path:
        """Is there when something was done to it since it was mended, by whatever process."""
        return self.folder / "changed"

    def _note_change(self) -> None:
        self._changed.touch()

    def _is_idle(self) -> bool:
        """Whether it runs and all connections to it have ended, which takes them a moment."""
        server = Process.recorded(self._record)
        end = time.monotonic() + CLOSING
        while server is not None and server.alive():
            if not children(server.pid):
                return True
            if time.monotonic() > end:
                break
            time.sleep(0.01)
        return False

    def _everyone(self) -> list[Process]:
        return [each for each in self.network.processes(self.place) if _is_server(command_line(each.pid))]

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, PORT), 1.0) as line:
                return line.recv(4) == b"SSH-"
        except OSError:
            return False

    def _write_users(self) -> None:
        crypted = run(["openssl", "passwd", "-6", "-stdin"], feed=PASSWORD).stdout.strip()
        people = [("root", 0, 0, "/root", "*"), ("sshd", 61212, 61212, "/run/sshd", "*")]
        for number, user in enumerate(User, _FIRST_USER):
            people.append((user, number, _FIRST_USER, "/", crypted))
        members = ",".join(user for user in User if user is not User.OUTSIDER)
        files = {
            "passwd": [f"{name}:x:{uid}:{gid}::{home}:/bin/sh" for name, uid, gid, home, _ in people],
            "shadow": [f"{name}:{secret}:19000:0:99999:7:::" for name, *_, secret in people],
            "group": ["root:x:0:", "sshd:x:61212:", f"people:x:{_FIRST_USER}:", f"engine:x:{GROUP}:{members}"],
        }
        for name, lines in files.items():
            file = self.folder / name
            file.write_text("\n".join(lines) + "\n")
            file.chmod(0o600 if name == "shadow" else 0o644)


def make_key(file: Path, kind: str = "ed25519", passphrase: str = "", form: str = "") -> SshKey:
    """Make a pair of keys. `form` is one of ssh-keygen's own for the private one: PEM or PKCS8."""
    options = ["-m", form] if form else []
    bits = ["-b", "2048"] if kind == "rsa" else []
    run(["ssh-keygen", "-q", "-t", kind, *bits, "-N", passphrase, "-C", "lab", *options, "-f", str(file)])
    return SshKey(file)


@contextmanager
def agent(*keys: SshKey) -> Iterator[Path]:
    """A real ssh-agent that holds these keys, as long as this lasts: its socket."""
    # The paths of sockets must be short.
    folder = Path(tempfile.mkdtemp(prefix="mc-"))
    place = folder / "agent"
    running = subprocess.Popen([find("ssh-agent"), "-D", "-a", str(place)], stdout=subprocess.DEVNULL)
    try:
        while not _listens(place) and running.poll() is None:
            time.sleep(0.01)
        for key in keys:
            run(["ssh-add", "-q", str(key.file)], environment={"SSH_AUTH_SOCK": str(place), "PATH": "/usr/bin:/bin"})
        yield place
    finally:
        running.terminate()
        running.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _listens(place: Path) -> bool:
    """Whether a socket takes connections: it is there a moment before it does."""
    with socket.socket(socket.AF_UNIX) as tried:
        return tried.connect_ex(str(place)) == 0


def _is_server(words: str) -> bool:
    return words.startswith("sshd:") or "/sshd " in words
