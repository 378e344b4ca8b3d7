"""Engines by SSH from the command line, on a real one: keys are shown and asked about, secrets come from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirror_console.domain.secret import Secret
from tests.canaries import SSH_PASSPHRASE
from tests.cli.terminal import CommandLine
from tests.engine.ssh_parts import pin
from tests.lab.engine import LabEngine
from tests.lab.ssh import PASSWORD, LabSsh, make_key
from tests.operations.desk import held


@pytest.fixture
def key(ssh_engine: LabEngine) -> str:
    return str(ssh_engine.ssh.key.file)


def test_a_key_is_shown_and_asked_about(empty: CommandLine, ssh_engine: LabEngine, key: str) -> None:
    add = ("engines", "add", "bern", ssh_engine.url, "--ssh-key", key)
    fingerprint = pin(ssh_engine.ssh).fingerprint
    refused = empty(*add)
    assert refused.code == 2
    assert fingerprint in refused.err
    assert "--host-key" in refused.err
    empty.interactive = True
    assert empty(*add, typed="n\n").code == 2
    assert empty("engines", "list", "--json").json["engines"] == []
    added = empty(*add, typed="y\n")
    assert added.code == 0, added.err
    assert fingerprint in added.err
    tried = empty("engines", "test", "bern", "--json")
    assert tried.code == 0
    assert [step["state"] for step in tried.json] == ["ok"] * 10
    assert (tried.json[3]["title"], tried.json[4]["words"]) == ("Host key", "as 'deploy' by private key")
    assert fingerprint in tried.json[3]["words"]
    assert "GB free" in tried.json[8]["words"]


def test_a_key_is_named_and_one_that_changed_is_replaced_by_who_types_its_fingerprint(
    empty: CommandLine, ssh_engine: LabEngine, key: str
) -> None:
    server = ssh_engine.ssh
    before = pin(server)
    added = empty("engines", "add", "bern", ssh_engine.url, "--ssh-key", key, "--host-key", server.host_key().public)
    assert added.code == 0, added.err
    assert "accepted already" in empty("engines", "trust", "bern").out
    server.change_key()
    server.restart()
    tried = empty("engines", "test", "bern", "--json")
    assert tried.code == 1
    assert tried.json[3]["state"] == "failed"
    assert tried.json[3]["offered"]["key"] == pin(server).key
    assert tried.json[3]["accepted"][0]["key"] == before.key
    assert [step["state"] for step in tried.json[4:]] == ["skipped"] * 6
    alone = empty("engines", "trust", "bern")
    assert alone.code == 2
    empty.interactive = True
    assert empty("engines", "trust", "bern", typed="y\n").code == 2, "a habit is no comparison"
    trusted = empty("engines", "trust", "bern", "--json", typed=f"{pin(server).fingerprint}\n")
    assert trusted.code == 0, trusted.err
    assert before.fingerprint in trusted.err
    assert empty("engines", "test", "bern").code == 0


def test_passwords_and_passphrases_come_from_files_or_a_prompt(
    empty: CommandLine, ssh_engine: LabEngine, tmp_path: Path
) -> None:
    server = ssh_engine.ssh
    (tmp_path / "password").write_text(PASSWORD + "\n")
    trust = ("--host-key", server.host_key().public)
    added = empty(
        "engines",
        "add",
        "by-password",
        ssh_engine.url,
        "--ssh-password-file",
        str(tmp_path / "password"),
        *trust,
        "--json",
    )
    assert added.code == 0, added.err
    assert held(empty.console, f"engine/{added.json['id']}/ssh-password") == Secret(PASSWORD)
    assert empty("engines", "test", "by-password").code == 0
    assert empty("engines", "remove", "by-password", "--yes").code == 0

    locked = make_key(tmp_path / "locked", passphrase=SSH_PASSPHRASE)
    server.allow(locked.public)
    add = ("engines", "add", "by-key", ssh_engine.url, "--ssh-key", str(locked.file), *trust)
    assert "asks for its passphrase" in empty(*add).err
    empty.interactive = True
    assert empty(*add, typed=f"{SSH_PASSPHRASE}\n").code == 0
    assert empty("engines", "test", "by-key").code == 0


def test_over_a_jump_host_each_key_is_asked_about(
    empty: CommandLine, ssh_engine: LabEngine, jump_host: LabSsh, key: str
) -> None:
    jump_host.allow(ssh_engine.ssh.key.public)
    empty.interactive = True
    jump = f"deploy@{jump_host.host}"
    added = empty("engines", "add", "bern", ssh_engine.url, "--ssh-key", key, "--jump", jump, typed="y\ny\n")
    assert added.code == 0, added.err
    assert pin(jump_host).fingerprint in added.err
    assert pin(ssh_engine.ssh).fingerprint in added.err
    assert empty("engines", "test", "bern").code == 0
    exported = empty("catalog", "export")
    assert str(pin(jump_host)) in exported.out
    assert "PRIVATE" not in exported.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ssh://-oProxyCommand=touch x@fra-1"], "is not a user's name"),
        (["ssh://deploy@fra-1", "--agent", "--ssh-password"], "choose one of"),
        (["ssh://deploy@fra-1", "--ssh-password"], "--ssh-password-file"),
        (["ssh://deploy@fra-1"], "a private key is needed"),
        (["ssh://fra-1", "--agent", "--host-key", "nonsense"], "a type and a key"),
        (["http://127.0.0.1:2375"], "at a terminal this asks for 'I accept root without authentication', and a script"),
        (["http://10.0.0.7:2375"], "for this computer alone"),
    ],
)
def test_what_is_wrong_is_said(empty: CommandLine, words: list[str], said: str) -> None:
    told = empty("engines", "add", "x", *words)
    assert told.code == 2
    assert said in told.err


def test_without_encryption_what_it_means_is_typed(empty: CommandLine) -> None:
    empty.interactive = True
    add = ("engines", "add", "here", "http://127.0.0.1:2375", "--no-test")
    assert empty(*add, typed="y\n").code == 2
    assert empty(*add, typed="I accept root without authentication\n").code == 0
