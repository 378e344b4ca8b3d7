"""Host keys, hops and how they are written; what is no name is never one."""

from __future__ import annotations

import base64

import pytest

from mirror_console.domain.ssh import (
    Hop,
    HostKey,
    HostKeyRefused,
    SshAccess,
    parse_hop,
    parse_hops,
    parse_host_key,
    with_host_key,
)
from mirror_console.errors import FailureKind

# Made once with ssh-keygen, with the fingerprint that `ssh-keygen -l` tells of it.
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIP1yJ8/mOlpqc/15/yatFHkUD2GgPnw6VXVF23VzGoWw"
FINGERPRINT = "SHA256:isgVbhiyJXVViEyBvXnth8T7hB/vzh2N7GgiMlz6OEg"


def key(host: str = "fra-1", port: int = 22, text: str = KEY) -> HostKey:
    return HostKey(host, port, "ssh-ed25519", text)


def other() -> str:
    octets = bytearray(base64.b64decode(KEY))
    octets[-1] ^= 1
    return base64.b64encode(octets).decode()


def test_a_key_is_told_by_the_fingerprint_that_openssh_shows() -> None:
    assert key().fingerprint == FINGERPRINT
    assert key().words == f"ssh-ed25519 {FINGERPRINT}"


@pytest.mark.parametrize("place", ["fra-1:22", "[fd00::1]:2222", "10.0.0.7:22"])
def test_a_key_is_read_as_it_is_written(place: str) -> None:
    read = parse_host_key(f"{place} ssh-ed25519 {KEY}")
    assert str(read) == f"{place} ssh-ed25519 {KEY}"
    assert parse_host_key(str(read)) == read


def test_a_line_of_a_key_file_is_the_key_of_the_host_that_is_meant() -> None:
    assert parse_host_key(f"ssh-ed25519 {KEY} root@somewhere", Hop("fra-1", 2222)) == key(port=2222)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a type and a key"),
        ("fra-1:22", "a type and a key"),
        (f"fra-1:22 ssh-rsa {KEY}", "no key of type ssh-rsa"),
        ("fra-1:22 ssh-ed25519 AAAA", "no key of type ssh-ed25519"),
        ("fra-1:22 ssh-ed25519 !!!", "no key of type ssh-ed25519"),
        (f"-x:22 ssh-ed25519 {KEY}", "is not a host name"),
        (f"root@fra-1:22 ssh-ed25519 {KEY}", "host and port alone"),
    ],
)
def test_what_is_no_host_key(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_host_key(text)


def test_hops_are_read_and_written() -> None:
    assert parse_hops(" jump@gate.example:2222 , deploy@inner") == (
        Hop("gate.example", 2222, "jump"),
        Hop("inner", 22, "deploy"),
    )
    assert [str(hop) for hop in parse_hops("jump@gate:2222,[fd00::1]")] == ["jump@gate:2222", "[fd00::1]:22"]
    assert parse_hops("") == ()


@pytest.mark.parametrize("text", ["-J@gate", "jump@-gate", "jump@gate:x", "jump@", "a@b@c", "ju mp@gate", "gate;id"])
def test_what_is_no_hop(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|malformed|missing"):
        parse_hop(text)


def test_a_way_has_an_end() -> None:
    with pytest.raises(ValueError, match="4 jump hosts at most"):
        parse_hops("a,b,c,d,e")


def test_a_key_counts_for_its_own_host_and_port_alone() -> None:
    access = SshAccess(host_keys=(key(), key(port=2222, text=other())))
    assert access.known("fra-1", 22) == (key(),)
    assert access.known("fra-2", 22) == ()
    changed = key(text=other())
    assert with_host_key(access, changed) == (key(port=2222, text=other()), changed)


def test_unknown_and_changed_are_two_things() -> None:
    unknown, changed = HostKeyRefused("fra", key(), ()), HostKeyRefused("fra", key(text=other()), (key(),))
    assert (unknown.kind, unknown.changed) == (FailureKind.HOST_KEY_UNKNOWN, False)
    assert FINGERPRINT in unknown.title
    assert (changed.kind, changed.changed) == (FailureKind.HOST_KEY_CHANGED, True)
    assert f"stored ssh-ed25519 {FINGERPRINT}, offered ssh-ed25519 {key(text=other()).fingerprint}" in changed.title
    assert unknown.unreachable
    assert changed.unreachable
    assert unknown.command == changed.command == "mirror-console engines trust fra"
