"""The program's memory, files and last words are for the person who runs it alone. Seen from outside, on a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import mirror_console

ROOT = Path(mirror_console.__file__).parents[1]
CANARY = "canary-uncaught-8831"


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )


def test_no_core_and_no_look_into_its_memory_and_files_for_one_alone() -> None:
    code = """
import os, resource
from mirror_console.hardening import harden
harden()
print(resource.getrlimit(resource.RLIMIT_CORE), oct(os.umask(0)))
import ctypes
print("dumpable", ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""
    ended = run(code)
    assert ended.stdout == "(0, 0) 0o77\ndumpable 0\n", ended.stderr


@pytest.mark.parametrize(("given", "has"), [((256, 4096), 4096), ((256, 20000), 8192), ((9000, 20000), 9000)])
def test_as_many_files_may_be_open_as_the_system_lets(given: tuple[int, int], has: int) -> None:
    code = f"""
import resource
from mirror_console.hardening import harden
resource.setrlimit(resource.RLIMIT_NOFILE, {given})
harden()
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    assert run(code).stdout == f"({has}, {given[1]})\n"


def test_keys_can_still_be_lent_to_openssl_by_who_is_not_root() -> None:
    """A process that can't be looked into owns its own files in /proc no more; it may open them all the same."""
    code = """
import os
from mirror_console.hardening import harden
from tests.lab.certificates import Authority
from mirror_console.engine.transport import tls_context
authority = Authority()
client = authority.client("console")
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
harden()
tls_context("paris", authority.pem, client.certificate, client.key)
print("lent", os.getuid() != 0)
"""
    ended = run(code)
    assert ended.stdout == "lent True\n", ended.stderr


@pytest.mark.parametrize("where", ["main", "thread", "unraisable"])
def test_what_nobody_caught_is_told_without_secrets(where: str) -> None:
    code = f"""
import logging, sys, threading
from mirror_console.domain.secret import Secret
from mirror_console.hardening import RedactingFormatter, harden
harden()
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(RedactingFormatter("%(message)s"))
logging.getLogger().addHandler(handler)
secret = Secret({CANARY!r})
def fail(*_):
    raise ValueError("the value was " + secret.reveal())
class Falls:
    def __del__(self):
        fail()
if {where!r} == "thread":
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
elif {where!r} == "unraisable":
    Falls()
else:
    fail()
"""
    ended = run(code)
    assert "the value was •••" in ended.stdout
    assert CANARY not in ended.stdout + ended.stderr
    if where == "main":
        assert ended.returncode == 1
        assert "Traceback" in ended.stderr
