"""Credentials from the command line: listed without their values, replaced from files, forgotten after a yes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirror_console.domain.secret import Secret, VaultState
from tests.cli.terminal import CommandLine
from tests.operations.desk import held

pytestmark = pytest.mark.slow

PASSWORD = "registry/simulated/password"


def test_they_are_listed_and_told_where_used(call: CommandLine) -> None:
    listed = call("credentials", "list", "--json")
    assert listed.code == 0, listed.err
    assert listed.json["keyring"] == "unlocked"
    (one,) = listed.json["credentials"]
    assert (one["reference"], one["kept"], one["uses"][0]["title"]) == (PASSWORD, "stored", "registry.test:5000")
    told = call("credentials", "where", PASSWORD)
    assert "registry registry.test:5000: password of deploy" in told.out
    assert call("credentials", "where", PASSWORD, "--json").json == one
    for words in (["list"], ["list", "--json"], ["where", PASSWORD]):
        assert "fleet-password" not in call("credentials", *words).out


def test_one_that_is_missing_needs_a_look(call: CommandLine) -> None:
    assert call("credentials", "forget", PASSWORD, "--yes", "--json").json["kept"] == "missing"
    assert held(call.console, PASSWORD) is None
    assert call("credentials", "list").code == 1


@pytest.mark.parametrize(
    ("state", "way_out"),
    [
        (VaultState.ABSENT, "Start your desktop's keyring (GNOME Keyring or KWallet)."),
        (VaultState.LOCKED, "Unlock it with your desktop's own program"),
        (VaultState.DISMISSED, "Unlock it with your desktop's own program"),
    ],
)
def test_a_keyring_that_can_not_be_read_is_told_with_a_way_out(
    call: CommandLine, monkeypatch: pytest.MonkeyPatch, state: VaultState, way_out: str
) -> None:
    monkeypatch.setattr(type(call.console.vault), "state", lambda _: state)
    listed = call("credentials", "list")
    assert (listed.code, listed.out.startswith(f"The keyring is {state}. {way_out}")) == (1, True), listed.out


def test_a_new_value_comes_from_a_file_and_is_tried(call: CommandLine, tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.write_text("a-wrong-one-5f1c")
    refused = call("credentials", "rotate", PASSWORD, "--file", str(new))
    assert refused.code == 4
    assert "a-wrong-one-5f1c" not in refused.err
    assert held(call.console, PASSWORD) == Secret("fleet-password")
    new.write_text("fleet-password")
    assert "registry.test:5000 took it" in call("credentials", "rotate", PASSWORD, "--file", str(new)).out


def test_forgetting_asks_first(call: CommandLine) -> None:
    refused = call("credentials", "forget", PASSWORD)
    assert refused.code == 2
    assert "say --yes" in refused.err
    call.interactive = True
    assert call("credentials", "forget", PASSWORD, typed="n\n").code == 1
    assert held(call.console, PASSWORD) == Secret("fleet-password")
    assert call("credentials", "forget", PASSWORD, typed="y\n").code == 0
    assert held(call.console, PASSWORD) is None


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["where", "engine/x/ca"], 2, "nothing in the catalog uses"),
        (["rotate", PASSWORD], 2, "as many files"),
        (["rotate", PASSWORD, PASSWORD, "--file", "x", "--file", "y"], 2, "different references"),
        (["rotate", PASSWORD, "--file", "/nowhere"], 2, "No such file"),
        (["forget", "engine/x/ca", "--yes"], 2, "nothing in the catalog uses"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(call: CommandLine, words: list[str], code: int, said: str) -> None:
    told = call("credentials", *words)
    assert told.code == code
    assert said in told.err


def test_reading_only_changes_none(call: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("x")
    assert call("--read-only", "credentials", "forget", PASSWORD, "--yes").code == 3
    assert call("--read-only", "credentials", "rotate", PASSWORD, "--file", str(tmp_path / "new")).code == 3
    assert call("--read-only", "credentials", "list").code == 0
