"""The key of an engine's server: its fingerprint, read and written, and what is said of another one."""

from __future__ import annotations

import hashlib

import pytest

from mirror_console.domain.engine import Engine, parse_address, server_key_at
from mirror_console.domain.server_key import ServerKeyChanged, fingerprint, parse_fingerprint
from mirror_console.errors import FailureKind

DIGITS = hashlib.sha256(b"key").hexdigest()


@pytest.mark.parametrize(
    "text",
    [f"SHA256:{DIGITS}", DIGITS, DIGITS.upper(), f" sha256:{DIGITS}\n", f"SHA2-256(stdin)= {DIGITS}"],
)
def test_a_fingerprint_is_read_as_it_is_shown_and_as_openssl_prints_it(text: str) -> None:
    assert parse_fingerprint(text) == fingerprint(b"key")


@pytest.mark.parametrize("text", ["", "y", DIGITS[1:], DIGITS + "0", "SHA256:" + "g" * 64, f"x {DIGITS}"])
def test_what_is_no_fingerprint(text: str) -> None:
    with pytest.raises(ValueError, match="64 digits"):
        parse_fingerprint(text)


def test_another_key_is_told_with_both_and_has_a_word_of_its_own() -> None:
    changed = ServerKeyChanged("fra-1", "SHA256:new", "SHA256:old")
    assert changed.kind is FailureKind.SERVER_KEY_CHANGED
    assert changed.kind.value == "server key changed"
    assert changed.unreachable
    assert not changed.outcome_unknown
    assert "stored SHA256:old" in changed.title
    assert "offered SHA256:new" in changed.title
    assert "mirror-console" not in changed.hint
    assert changed.command == "mirror-console engines trust fra-1"
    assert ServerKeyChanged("fra 1", "", "").command == "mirror-console engines trust 'fra 1'"


def test_a_key_is_that_of_an_address() -> None:
    before = Engine("e1", "fra-1", parse_address("tcp://fra-1.example"), server_key="SHA256:old")
    assert server_key_at(before.address, before) == "SHA256:old"
    assert server_key_at(parse_address("tcp://fra-1.example:2377"), before) == ""
    assert server_key_at(before.address, None) == ""
