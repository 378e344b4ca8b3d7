"""Import of engines by SSH: no command, no key in place of an accepted one, and nothing without encryption."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror_console.domain.ssh import Hop, SignIn, ToSocket
from mirror_console.errors import InvalidInput
from mirror_console.operations.console import Console
from mirror_console.operations.imports import export_catalog, import_catalog
from tests.operations.desk import KEY, empty_console, held

PIN = "fra-1.example:22 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEHzaMM0j8yqjXzYpBMZQJBmXVUDYyEmNMZcdBUfGyzF"
OTHER = PIN[:-2] + "zG"
FILE = f"""
engines:
  - name: fra-1
    address: ssh://deploy@fra-1.example/run/docker.sock
    ssh:
      sign_in: private key
      key: key.pem
      jumps: [jump@gate.example:2222]
      to_socket: socket
      host_keys:
        - {PIN}
"""


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with empty_console(tmp_path) as made:
        yield made


def _problems(console: Console, text: str, folder: Path) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        import_catalog(console, text, folder)
    with console.catalog.read() as books:
        known = books.engines.all()
    assert [engine.name for engine in known] in ([], ["fra-1"])
    return {problem.field: problem.words for problem in refused.value.problems}


def test_an_engine_by_ssh_is_imported_and_exported_without_its_secrets(console: Console, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(KEY)
    imported = import_catalog(console, FILE, tmp_path)
    assert any("compare the key of fra-1.example:22" in note for note in imported.notes)
    with console.catalog.read() as books:
        (engine,) = books.engines.all()
    access = engine.ssh
    assert access is not None
    assert (access.sign_in, access.to_socket) == (SignIn.KEY, ToSocket.SOCKET)
    assert access.jumps == (Hop("gate.example", 2222, "jump"),)
    assert [str(key) for key in access.host_keys] == [PIN]
    assert held(console, f"engine/{engine.id}/ssh-key") is not None
    exported = export_catalog(console)
    assert "PRIVATE" not in exported
    import_catalog(console, exported)
    with console.catalog.read() as books:
        assert books.engines.all() == [engine]
    (tmp_path / "other").mkdir()
    with empty_console(tmp_path / "other") as other:
        again = import_catalog(other, exported)
        assert "fra-1 can't be reached before its private key is given: edit the engine." in again.notes


def test_a_file_puts_no_key_in_the_place_of_an_accepted_one(console: Console, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(KEY)
    import_catalog(console, FILE, tmp_path)
    found = _problems(console, FILE.replace(PIN, OTHER), tmp_path)
    assert found == {"engines[0].ssh.host_keys[0]": "another key of fra-1.example:22 was accepted: compare it by hand"}


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("ssh://deploy@fra-1.example/", "ssh://-oProxyCommand=touch x@fra-1.example/", "engines[0].address"),
        ("ssh://deploy@fra-1.example/run/docker.sock", "http://127.0.0.1:2375", "engines[0].address"),
        ("jump@gate.example:2222", "-oProxyCommand=touch@gate", "engines[0].ssh.jumps"),
        ("jump@gate.example:2222", "'jump@gate;touch x'", "engines[0].ssh.jumps"),
        ("to_socket: socket", "proxy_command: touch x", "engines[0].ssh.proxy_command"),
        ("to_socket: socket", "unencrypted: I accept root without authentication", "engines[0].ssh.unencrypted"),
        ("sign_in: private key", "sign_in: none", "engines[0].ssh.sign_in"),
        (PIN, "nonsense", "engines[0].ssh.host_keys[0]"),
    ],
)
def test_what_a_file_may_not_say(console: Console, tmp_path: Path, before: str, after: str, field: str) -> None:
    (tmp_path / "key.pem").write_text(KEY)
    assert before in FILE
    assert field in _problems(console, FILE.replace(before, after), tmp_path)
