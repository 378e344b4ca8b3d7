"""SSH on other systems: what Windows or macOS don't have is taken away from Python, and an engine is still reached."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.ssh_parts import pin
from tests.lab.engine import LabEngine

ROOT = Path(__file__).parents[2]

_TAKE_AWAY = """
import os, socket, sys

for module in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[module] = None
for module, names in (
    (os, "chown fork forkpty getegid geteuid getgid getuid killpg memfd_create mkfifo openpty posix_spawn setsid"),
    (socket, "AF_UNIX TCP_KEEPCNT TCP_KEEPIDLE TCP_KEEPINTVL"),
):
    for name in names.split():
        delattr(module, name)

os.environ["USERNAME"] = "operator"  # as Windows tells it

def refuse(event, arguments):
    opened = str(arguments[0]) if event == "open" else ""
    if opened.startswith(("/proc", "/dev/", "/run")) and not opened.startswith("/dev/shm/"):
        raise FileNotFoundError(arguments[0])
    if event in ("os.exec", "os.fork", "os.posix_spawn", "os.system", "subprocess.Popen"):
        raise PermissionError(f"no {event} here")

sys.addaudithook(refuse)
"""

_REACH = """
from datetime import UTC, datetime
from pathlib import Path
from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import SignIn, SshAccess, ToSocket, parse_host_key
from mirror_console.engine import DockerEngines
from mirror_console.vault import MemoryVault

url, key, accepted, folder = sys.argv[1:]
reference, vault = SecretReference("engine/e1/ssh-key"), MemoryVault()
vault.put(reference, Secret(Path(key).read_text()))
engines = DockerEngines(vault, lambda: datetime.now(UTC), Path(folder))
host_keys = (parse_host_key(accepted),)
for sign_in in (SignIn.KEY, SignIn.OWN):
    for to_socket in ToSocket:
        access = SshAccess(sign_in, to_socket, host_keys=host_keys, key=reference if sign_in is SignIn.KEY else None)
        engine = Engine("e1", "bern", parse_address(url), ssh=access)
        print(sign_in, to_socket, len(engines.session(engine).list_containers()))
engines.close()
"""


def _elsewhere(*arguments: str, words: str = _REACH) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _TAKE_AWAY + words, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_an_engine_is_reached_without_anything_that_is_only_here(ssh_engine: LabEngine, tmp_path: Path) -> None:
    server = ssh_engine.ssh
    (tmp_path / "id_ed25519").write_text(server.key.private)
    done = _elsewhere(ssh_engine.url, str(server.key.file), str(pin(server)), str(tmp_path))
    assert done.stdout.splitlines() == [
        "private key docker command 0",
        "private key socket 0",
        "own settings docker command 0",
        "own settings socket 0",
    ], done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "socket.AF_UNIX",
        "import fcntl",
        "os.fork()",
        "open('/proc/self/stat')",
        "import subprocess as s; s.run(['true'])",
    ],
)
def test_it_is_really_taken_away(words: str) -> None:
    assert _elsewhere(words=words).returncode != 0
