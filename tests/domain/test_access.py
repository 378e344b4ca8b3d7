"""Who is reached with which credential: each environment with its account's, and with no other."""

from __future__ import annotations

from mirror_console.domain.access import Access, reached_as, shut_out, way_in
from mirror_console.domain.engine import Engine, TlsReferences, parse_address
from mirror_console.domain.secret import SecretReference
from mirror_console.domain.status import Knowledge, knowledge
from tests.domain.parts import NOW, observation


def reference(name: str) -> SecretReference:
    """A reference of that name."""
    return SecretReference(name)


OWN = TlsReferences(reference("own/ca"), reference("own/cert"), reference("own/key"))
ENGINE = Engine("paris", "paris", parse_address("tcp://paris.example:2376"), tls=OWN)
LOCAL = Engine("here", "here", parse_address("unix:///run/docker.sock"))
DUNES = Access("paris", "DUNES", {"certificate": reference("dunes/cert"), "key": reference("dunes/key")})


def test_as_long_as_no_account_has_one_all_are_reached_with_the_engines_own() -> None:
    assert way_in(ENGINE, [], "DUNES") is ENGINE
    assert way_in(ENGINE, [], "") is ENGINE


def test_then_each_account_has_its_own_and_no_account_the_engines() -> None:
    dunes = way_in(ENGINE, [DUNES], "DUNES")
    assert dunes is not None
    assert dunes.tls == TlsReferences(reference("own/ca"), reference("dunes/cert"), reference("dunes/key"))
    assert (dunes.id, dunes.address, dunes.name) == (ENGINE.id, ENGINE.address, ENGINE.name)
    assert way_in(ENGINE, [DUNES], "HARBOUR") is None
    assert way_in(ENGINE, [DUNES], "") is ENGINE


def test_an_authority_of_its_own_goes_before_the_engines() -> None:
    access = Access("paris", "DUNES", {**DUNES.references, "ca": reference("dunes/ca")})
    tls = reached_as(ENGINE, access).tls
    assert tls is not None
    assert tls.authority.name == "dunes/ca"


def test_a_local_socket_is_reached_as_it_is() -> None:
    assert reached_as(LOCAL, DUNES) is LOCAL


def test_without_access_what_was_seen_before_is_not_told() -> None:
    assert knowledge(None, shut_out("paris", "HARBOUR", NOW), NOW) is Knowledge.NO_ACCESS
    assert knowledge(observation(), shut_out("paris", "HARBOUR", NOW), NOW) is Knowledge.NO_ACCESS
