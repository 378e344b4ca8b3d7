"""The person's own SSH set-up: settings, known hosts, agent and keys, for engines where this sign-in was chosen."""

from __future__ import annotations

import base64
import getpass
import os
import shlex
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
import paramiko.agent
from paramiko.pkey import UnknownKeyType

from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import DEFAULT_PORT, MOST_HOPS, Hop, HostKey, SshError, Stage, parse_hops
from mirror_console.engine.ssh_keys import read_key
from mirror_console.errors import FailureKind

_USUAL_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


@dataclass(frozen=True, slots=True)
class Stop:
    """A host on the way: as it was named (keys are pinned to that), and where it really is."""

    named: Hop
    hop: Hop
    known_as: str = ""
    """Under which name the person's known hosts have it, where that is another one."""
    key_files: tuple[Path, ...] = ()
    these_keys_only: bool = False
    command: str = ""
    """The program that the person's settings connect with, instead of the network."""


class OwnSettings:
    """What stands in a person's SSH folder. `folder` is ``~/.ssh``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._config = paramiko.SSHConfig()
        config = folder / "config"
        if config.is_file():
            try:
                self._config = paramiko.SSHConfig.from_path(str(config))
            except (OSError, ValueError, paramiko.SSHException) as error:
                raise SshError(
                    Stage.HOST_KEY,
                    FailureKind.NO_CREDENTIAL,
                    f"The SSH settings {config} can't be read.",
                    "Correct the file, or choose another way to sign in.",
                    detail=type(error).__name__,
                ) from error

    def route(self, hops: tuple[Hop, ...], depth: int = 0) -> tuple[Stop, ...]:
        """The hosts that are really passed, jump hosts of the settings included."""
        first, *others = hops
        options = self._options(first.host)
        jumps: tuple[Hop, ...] = ()
        written = str(options.get("proxyjump", "none"))
        if written.lower() != "none" and depth < MOST_HOPS:
            with suppress(ValueError):
                jumps = parse_hops(written.replace("ssh://", ""))
        before = self.route(jumps, depth + 1) if jumps else ()
        return (*before, self._stop(first, options), *(self._stop(hop, self._options(hop.host)) for hop in others))

    def known(self, stop: Stop) -> tuple[HostKey, ...]:
        """The keys that the person's known hosts have for a stop."""
        name = stop.known_as or stop.hop.host
        if stop.hop.port != DEFAULT_PORT and not stop.known_as:
            name = f"[{name}]:{stop.hop.port}"
        found: list[paramiko.PKey] = []
        for file in (self._folder / "known_hosts", self._folder / "known_hosts2"):
            keys = paramiko.HostKeys()
            with suppress(OSError, paramiko.SSHException):
                keys.load(str(file))
            found += (keys.lookup(name) or {}).values()
        host, port = stop.named.host, stop.named.port
        return tuple(HostKey(host, port, key.get_name(), key.get_base64()) for key in found)

    @contextmanager
    def keys(self, engine: str, stop: Stop, seconds: float) -> Iterator[list[paramiko.PKey]]:
        """What can be offered to a stop, while this lasts: the agent's keys and those in files without a passphrase.

        Keys that the settings name for this host come first.
        """
        files = stop.key_files or tuple(self._folder / name for name in _USUAL_KEYS)
        wanted = [blob for file in stop.key_files if (blob := _public(file))]
        with _agent(seconds) as held:
            named = [key for blob in wanted for key in held if key.asbytes() == blob]
            rest = [key for key in held if key not in named]
            in_files = [key for file in files if (key := _from_file(engine, file)) is not None]
            offered = named + in_files + ([] if stop.these_keys_only else rest)
            yield list({key.asbytes(): key for key in offered}.values())

    def _options(self, host: str) -> Mapping[str, Any]:
        return self._config.lookup(host)

    def _stop(self, hop: Hop, options: Mapping[str, Any]) -> Stop:
        port = hop.port
        with suppress(ValueError):
            port = int(options.get("port", port)) if port == DEFAULT_PORT else port
        user = hop.user or str(options.get("user", "")) or getpass.getuser()
        command = str(options.get("proxycommand") or "none")
        return Stop(
            named=hop,
            hop=Hop(str(options.get("hostname", hop.host)), port, user),
            known_as=str(options.get("hostkeyalias", "")),
            key_files=tuple(Path(os.path.expanduser(file)) for file in options.get("identityfile", ())),
            these_keys_only=str(options.get("identitiesonly", "no")).lower() == "yes",
            command="" if command.lower() == "none" else command,
        )


def plain_route(hops: tuple[Hop, ...]) -> tuple[Stop, ...]:
    """The hosts as they were named, where the person's settings don't count."""
    return tuple(Stop(hop, hop) for hop in hops)


class ProxyProgram:
    """A program of the person's settings that stands for the network: what it is told and tells is the connection."""

    def __init__(self, command: str) -> None:
        if os.name != "posix":
            raise OSError("A program can't stand for the network on this system: name a jump host instead.")
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    shlex.split(command), stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL
                )
            except BaseException:
                ours.close()
                raise
        self.line = ours

    def close(self) -> None:
        """End it."""
        self.line.close()
        self._process.terminate()
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def _agent(seconds: float) -> Iterator[list[paramiko.PKey]]:
    """The keys that the person's agent holds; none where there is no agent, or it doesn't answer."""
    agent: Any = paramiko.agent.AgentSSH()
    connection: Any = paramiko.agent.get_agent_connection()
    try:
        if connection:
            if hasattr(connection, "settimeout"):
                connection.settimeout(seconds)  # an agent may ask its person first
            with suppress(OSError, paramiko.SSHException):
                agent._connect(connection)
        yield list(agent.get_keys())
    finally:
        if connection:
            connection.close()


def _public(file: Path) -> bytes | None:
    """The public half of a key file, by which the agent's own is known; None where there is none."""
    public = file if file.suffix == ".pub" else file.with_name(file.name + ".pub")
    try:
        kind, key = public.read_text("utf-8").split()[:2]
        return paramiko.PKey.from_type_string(kind, base64.b64decode(key)).asbytes()
    except (OSError, ValueError, paramiko.SSHException, UnknownKeyType):
        return None


def _from_file(engine: str, file: Path) -> paramiko.PKey | None:
    try:
        return read_key(engine, Secret(file.read_text("utf-8")), None)
    except (OSError, ValueError, SshError):
        return None  # not there, no key, or under a passphrase: then the agent may hold it
