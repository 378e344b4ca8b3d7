"""Addresses of engines are read, or refused with what is wrong; unencrypted ones lead to this computer alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.engine import Address, EngineFacts, Way, parse_address, spoken_api
from mirror_console.domain.host import is_loopback
from mirror_console.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("unix:///var/run/docker.sock", Address(Way.SOCKET, path="/var/run/docker.sock"), None),
        ("/run/user/1000/docker.sock", Address(Way.SOCKET, path="/run/user/1000/docker.sock"), "unix://"),
        ("tcp://engine.example:2376", Address(Way.TLS, host="engine.example", port=2376), None),
        ("tcp://engine.example", Address(Way.TLS, host="engine.example", port=2376), "tcp://engine.example:2376"),
        ("https://engine.example:8443/", Address(Way.TLS, host="engine.example", port=8443), "tcp://"),
        ("TCP://Engine-1:2376", Address(Way.TLS, host="Engine-1", port=2376), "tcp://Engine-1:2376"),
        ("  tcp://10.0.0.7:2376 ", Address(Way.TLS, host="10.0.0.7", port=2376), "tcp://10.0.0.7:2376"),
        ("tcp://[fd00::1]:2376", Address(Way.TLS, host="fd00::1", port=2376), None),
        ("tcp://[fd00::1]", Address(Way.TLS, host="fd00::1", port=2376), "tcp://[fd00::1]:2376"),
        ("ssh://deploy@engine.example", Address(Way.SSH, host="engine.example", port=22, user="deploy"), None),
        ("ssh://deploy@[fd00::1]:2222", Address(Way.SSH, host="fd00::1", port=2222, user="deploy"), None),
        ("SSH://fra-1/", Address(Way.SSH, host="fra-1", port=22), "ssh://fra-1"),
        ("ssh://d@fra-1:22/run/d.sock", Address(Way.SSH, "/run/d.sock", "fra-1", 22, "d"), "ssh://d@fra-1/run/d.sock"),
        ("http://127.8.0.1:2375", Address(Way.PLAIN, host="127.8.0.1", port=2375), None),
        ("http://[::1]:2375/", Address(Way.PLAIN, host="::1", port=2375), "http://[::1]:2375"),
        ("http://localhost:2999", Address(Way.PLAIN, host="localhost", port=2999), None),
    ],
)
def test_an_address_is_read(text: str, address: Address, shown: str | None) -> None:
    assert parse_address(text) == address
    assert str(address).startswith(shown or text)
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "begins with unix://, ssh:// or tcp://"),
        ("engine.example:2376", "begins with unix://, ssh:// or tcp://"),
        ("/run/\0docker.sock", "begins with unix://, ssh:// or tcp://"),
        ("unix://docker.sock", "begins with a slash"),
        ("unix:///run/\0docker.sock", "begins with a slash"),
        ("tcp://", "missing or malformed"),
        ("tcp://:2376", "missing or malformed"),
        ("tcp://engine:port", "missing or malformed"),
        ("tcp://engine:2376:1", "missing or malformed"),
        ("tcp://engine:２３７６", "missing or malformed"),
        ("tcp://fd00::1:2376", "missing or malformed"),
        ("tcp://[fd00::zz]:2376", "missing or malformed"),
        ("tcp://[fd00:::1]:2376", "is not an IPv6 address"),
        ("tcp://engine_1:2376", "is not a host name"),
        ("tcp://-oProxyCommand=x:2376", "is not a host name"),
        ("tcp://engine .example", "is not a host name"),
        ("tcp://engine:0", "out of range"),
        ("tcp://engine:65536", "out of range"),
        ("tcp://engine:2375", "unencrypted"),
        ("tcp://127.0.0.1:2375", "unencrypted"),
        ("http://engine:2376", "not encrypted"),
        ("tcp://user@engine:2376", "nothing may follow"),
        ("tcp://engine:2376/v1.41", "nothing may follow"),
        ("tcp://engine:2376?x=1", "nothing may follow"),
        ("http://engine", "the port is missing"),
        ("http://127.0.0.1", "the port is missing"),
        ("http://0.0.0.0:2375", "for this computer alone"),
        ("http://127.0.0.1.example:2375", "for this computer alone"),
        ("http://localhost.example:2375", "for this computer alone"),
        ("http://[::2]:2375", "for this computer alone"),
        ("http://127.0.0.1:2375/x", "nothing may follow"),
        ("ssh://", "missing or malformed: ssh://deploy@engine.example"),
        ("ssh://-oProxyCommand=touch x@engine", "is not a user's name"),
        ("ssh://-oProxyCommand=x", "is not a host name"),
        ("ssh://deploy@-engine", "is not a host name"),
        ("ssh://de ploy@engine", "is not a user's name"),
        ("ssh://$(id)@engine", "is not a user's name"),
        ("ssh://deploy:secret@engine", "a password never stands in an address"),
        ("ssh://deploy@engine:0", "out of range"),
        ("ssh://deploy@engine/run/$(id).sock", "is not the path of a socket"),
        ("ssh://deploy@engine/run/../etc", "is not the path of a socket"),
        ("ssh://deploy@engine/run/a;b", "is not the path of a socket"),
        ("ssh://deploy@engine?x=1", "is not a host name"),
        ("npipe:////./pipe/docker_engine", "'npipe://' is not known"),
    ],
)
def test_what_is_no_address_is_refused_with_words(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_address(text)

    assert "is not an engine's address." in refusal.value.title
    assert [problem.field for problem in refusal.value.problems] == ["address"]
    assert words in refusal.value.problems[0].words


_SCHEMES = st.sampled_from(["tcp://", "ssh://", "http://", "ssh://deploy@", ""])


@given(st.tuples(_SCHEMES, st.text(max_size=30)).map("".join))
def test_whatever_is_typed_is_read_or_refused_and_unencrypted_on_this_computer_alone(text: str) -> None:
    try:
        address = parse_address(text)
    except InvalidInput:
        return
    assert parse_address(str(address)) == address
    if address.way is Way.PLAIN:
        assert is_loopback(address.host)
    else:
        assert address.port != 2375 or address.way is Way.SSH
    for part in (address.host, address.user, address.path):
        assert not part.startswith("-")


@pytest.mark.parametrize(
    ("offered", "spoken"),
    [
        ("1.24", None),
        ("1.40", None),
        ("1.41", "1.41"),
        ("1.43", "1.43"),
        ("1.44", "1.44"),
        ("1.55", "1.44"),
        ("2.0", "1.44"),
        ("", None),
        ("1", None),
        ("1.x", None),
        ("1.41.2", None),
        ("1.²", None),
        ("१.४१", None),
        ("9" * 5000 + ".1", None),
        ("-1.41", None),
        (" 1.41", None),
        ("1.41\n", None),
    ],
)
def test_the_api_that_is_spoken_is_old_enough_for_all_and_new_enough_for_us(offered: str, spoken: str | None) -> None:
    assert spoken_api(offered) == spoken


@pytest.mark.parametrize(
    ("manages", "nodes", "words"),
    [
        (False, 0, ""),
        (True, 0, "It manages a Swarm."),
        (True, 1, "It manages a Swarm of 1 node."),
        (True, 3, "It manages a Swarm of 3 nodes."),
    ],
)
def test_what_an_engine_is_in_a_swarm(manages: bool, nodes: int, words: str) -> None:
    facts = EngineFacts("28.2.2", "1.44", "linux/amd64", manages_swarm=manages, swarm_nodes=nodes)
    assert facts.swarm_words == words
