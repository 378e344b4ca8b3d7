"""Credentials of accounts from the command line: given from files, listed without their values, taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import CommandLine
from tests.operations.desk import CERTIFICATE, KEY, held

pytestmark = pytest.mark.slow


@pytest.fixture
def pem(tmp_path: Path) -> list[str]:
    """Options that name PEM files."""
    for name, text in (("ca", CERTIFICATE), ("cert", CERTIFICATE), ("key", KEY)):
        (tmp_path / f"{name}.pem").write_text(text)
    return [word for name in ("ca", "cert", "key") for word in (f"--{name}", str(tmp_path / f"{name}.pem"))]


def test_a_credential_is_given_listed_and_taken_away(empty: CommandLine, pem: list[str]) -> None:
    assert empty("engines", "add", "paris", "tcp://paris.example", "--no-test", *pem).code == 0
    assert "all are reached with the engine's" in empty("engines", "access", "paris").out
    given = empty("engines", "access", "paris", "--account", "DUNES", *pem[2:])
    assert (given.code, given.out) == (0, "Saved the credential of DUNES on paris.\n")
    (listed,) = empty("engines", "access", "paris", "--json").json["accounts"]
    assert (listed["account"], listed["state"]) == ("DUNES", "never asked")
    assert len(listed["references"]) == 2
    assert all(held(empty.console, name) for name in listed["references"])
    assert "DUNES" in empty("engines", "access", "paris").out
    assert empty("engines", "access", "paris", "--account", "DUNES", "--remove").code == 0
    assert not any(held(empty.console, name) for name in listed["references"])
    assert empty("engines", "access", "paris", "--json").json["accounts"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["access", "berlin"], "there is no engine 'berlin'"),
        (["access", "paris", "--remove"], "say whose credential it is"),
        (["access", "paris", "--account", "DUNES"], "a client certificate is needed"),
        (["access", "paris", "--account", "DUNES", "--remove"], "has no credential on paris"),
        (["access", "paris", "--account", "DUNES", "--remove", "--key", "x"], "not both"),
        (["test", "paris", "--account", "DUNES"], "has no credential on paris"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(empty: CommandLine, pem: list[str], words: list[str], said: str) -> None:
    assert empty("engines", "add", "paris", "tcp://paris.example", "--no-test", *pem).code == 0
    told = empty("engines", *words)
    assert told.code == 2
    assert said in told.err


def test_reading_only_gives_none(empty: CommandLine, pem: list[str]) -> None:
    assert empty("engines", "add", "paris", "tcp://paris.example", "--no-test", *pem).code == 0
    assert empty("--read-only", "engines", "access", "paris", "--account", "DUNES", *pem).code == 3
