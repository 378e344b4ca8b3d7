"""Signing in by SSH: whose key is shown first, and every way to sign in, on a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from mirror_console.domain.ssh import Hop, HostKeyRefused, SignIn, SshError, Stage, ToSocket
from mirror_console.engine import ssh as ssh_module
from mirror_console.engine.ssh_channel import begin_command
from mirror_console.engine.ssh_wire import LineTransport
from mirror_console.errors import FailureKind
from tests.canaries import SSH_PASSPHRASE
from tests.engine.ssh_parts import KEY, PASSPHRASE, PASSWORD, Desk, pin
from tests.lab.engine import LabEngine
from tests.lab.ssh import PASSWORD as RIGHT
from tests.lab.ssh import LabSsh, User, agent, make_key

ASKED = "userauth-request"
"""What the server's log says of the first packet of a sign-in."""


@pytest.fixture
def desk(ssh_engine: LabEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    folder = tmp_path / "ssh"
    folder.mkdir()
    made = Desk(ssh_engine, folder)
    yield made
    made.engines.close()


# --- the server's key ---------------------------------------------------------------------------------------------


def test_an_unknown_key_is_shown_and_nothing_of_the_sign_in_is_sent(desk: Desk) -> None:
    before = desk.server.said(ASKED)
    error = desk.refusal(desk.engine(pins=()))
    assert isinstance(error, HostKeyRefused)
    assert error.kind is FailureKind.HOST_KEY_UNKNOWN
    assert error.offered == pin(desk.server)
    assert error.offered.fingerprint in error.title
    assert desk.server.said(ASKED) == before
    assert desk.engines.session(desk.engine(pins=(error.offered,))).list_containers() == []
    assert desk.server.said(ASKED) > before


def test_who_pretends_to_be_the_server_gets_nothing(desk: Desk) -> None:
    trusted = pin(desk.server)
    desk.engines.session(desk.engine())
    desk.engines.close()
    before = desk.server.said(ASKED)
    assert before
    desk.server.change_key()
    desk.server.restart()
    error = desk.refusal(desk.engine(pins=(trusted,)))
    assert isinstance(error, HostKeyRefused)
    assert error.kind is FailureKind.HOST_KEY_CHANGED
    assert error.accepted == (trusted,)
    assert trusted.fingerprint in error.title
    assert error.offered.fingerprint in error.title
    assert "may be listening in" in error.hint
    assert desk.server.said(ASKED) == before


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_key_that_was_accepted_is_the_one_that_is_asked_for(desk: Desk, kind: str) -> None:
    session = desk.engines.session(desk.engine(pins=(pin(desk.server, kind),)))
    assert session.host_key == pin(desk.server, kind)


def test_a_server_that_lost_the_accepted_key_has_changed_even_where_it_shows_one_of_another_type(desk: Desk) -> None:
    desk.server.configure(kinds=("rsa",))
    desk.server.restart()
    assert desk.refusal(desk.engine()).kind is FailureKind.HOST_KEY_CHANGED
    assert desk.engines.session(desk.engine(pins=(pin(desk.server), pin(desk.server, "rsa")))).host_key


# --- keys and passwords -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "form"), [("ed25519", ""), ("rsa", ""), ("rsa", "PEM"), ("ecdsa", "PKCS8")])
def test_each_kind_of_key_is_taken(desk: Desk, tmp_path: Path, kind: str, form: str) -> None:
    key = make_key(tmp_path / "key", kind, SSH_PASSPHRASE, form)
    desk.server.allow(key.public)
    desk.keep(KEY, key.private)
    desk.keep(PASSPHRASE, SSH_PASSPHRASE)
    assert desk.engines.session(desk.engine(passphrase=True)).list_containers() == []


def test_a_key_that_the_server_does_not_know(desk: Desk, tmp_path: Path) -> None:
    desk.keep(KEY, make_key(tmp_path / "other").private)
    error = desk.refusal(desk.engine())
    assert isinstance(error, SshError)
    assert (error.stage, error.kind) == (Stage.SIGN_IN, FailureKind.SIGN_IN)
    assert "refused the SSH key of 'deploy'" in error.title


def test_a_password(desk: Desk) -> None:
    desk.keep(PASSWORD, RIGHT)
    engine = desk.engine(sign_in=SignIn.PASSWORD)
    assert desk.engines.session(engine).list_containers() == []
    desk.engines.forget("e1")
    desk.keep(PASSWORD, "canary-wrong")
    error = desk.refusal(engine)
    assert error.kind is FailureKind.SIGN_IN
    assert "refused the password of 'deploy'" in error.title
    desk.server.configure("PasswordAuthentication no")
    desk.server.restart()
    assert "doesn't take the password of 'deploy'; it takes: publickey" in desk.refusal(engine).title


def test_a_connection_that_is_lost_during_the_sign_in_is_no_refusal(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in = LineTransport.auth_publickey

    def lose(transport: LineTransport, user: str, key: paramiko.PKey) -> list[str]:
        desk.server.drop()
        return sign_in(transport, user, key)

    monkeypatch.setattr(LineTransport, "auth_publickey", lose)
    error = desk.refusal(desk.engine())
    assert isinstance(error, SshError)
    assert (error.stage, error.kind) == (Stage.SIGN_IN, FailureKind.DROPPED)
    assert "broke off while 'deploy' signed in" in error.title


def test_nothing_to_sign_in_with(desk: Desk) -> None:
    desk.vault.forget(KEY)
    before = desk.server.connections()
    assert desk.refusal(desk.engine()).kind is FailureKind.NO_CREDENTIAL
    assert desk.server.connections() == before


# --- the person's own set-up --------------------------------------------------------------------------------------


@pytest.fixture
def own(desk: Desk) -> Path:
    """The person's own SSH folder, with settings for the name `shop`."""
    (desk.folder / "config").write_text(f"Host shop\n  HostName {desk.server.host}\n  User deploy\n")
    return desk.folder


def test_the_agent_and_the_known_hosts_of_the_person(desk: Desk, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = desk.engine(url="ssh://shop", sign_in=SignIn.OWN, pins=())
    assert desk.refusal(engine).kind is FailureKind.HOST_KEY_UNKNOWN
    (own / "known_hosts").write_text(f"{desk.server.host} {desk.server.host_key().public}\n")
    assert "the agent holds none" in desk.refusal(engine).title
    others = [make_key(own / f"other-{number}") for number in range(3)]
    with agent(*others, desk.server.key) as place:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        assert desk.engines.session(engine).list_containers() == []
        entrance = desk.engines.entrance(engine)
        assert entrance == Hop(desk.server.host, 22, "deploy")


def test_an_agent_with_more_keys_than_the_server_takes_offers_the_named_one_first(
    desk: Desk, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "known_hosts").write_text(f"{desk.server.host} {desk.server.host_key().public}\n")
    named = own / "shop-key.pub"
    engine = desk.engine(url="ssh://shop", sign_in=SignIn.OWN, pins=())
    with agent(*[make_key(own / f"other-{number}") for number in range(8)], desk.server.key) as place:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        assert "Too many keys" in desk.refusal(engine).hint
        named.write_text(desk.server.key.public + "\n")
        with (own / "config").open("a") as config:
            config.write(f"  IdentityFile {named}\n")
        assert desk.engines.session(engine).list_containers() == []


def test_a_key_file_of_the_person_and_a_program_for_the_network(desk: Desk, own: Path) -> None:
    (own / "id_ed25519").write_text(desk.server.key.private)
    config = own / "config"
    relay = own / "relay.py"
    relay.write_text(
        "import os, socket, sys, threading\n"
        "line = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def out():\n"
        "    while data := line.recv(65536):\n"
        "        os.write(1, data)\n"
        "    os._exit(0)\n"
        "threading.Thread(target=out, daemon=True).start()\n"
        "while data := os.read(0, 65536):\n"
        "    line.sendall(data)\n"
    )
    config.write_text(config.read_text() + f"  ProxyCommand /usr/bin/python3 {relay} %h %p\n")
    named = replace(pin(desk.server), host="shop")  # keys are pinned to what a host is called
    engine = desk.engine(url="ssh://shop", sign_in=SignIn.OWN, pins=(named,))
    assert desk.engines.entrance(engine) is None
    assert desk.engines.session(engine).list_containers() == []


def test_nothing_of_the_person_counts_unless_it_was_chosen(
    desk: Desk, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    (own / "config").write_text(f"Host *\n  User root\n  Port 1\n  ProxyCommand touch {ran}\n  ProxyJump nowhere\n")
    (own / "known_hosts").write_text(f"{desk.server.host} {desk.server.host_key().public}\n")
    (own / "id_ed25519").write_text(desk.server.key.private)
    desk.keep(KEY, make_key(tmp_path / "other").private)
    with agent(desk.server.key) as place:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        assert desk.refusal(desk.engine(pins=())).kind is FailureKind.HOST_KEY_UNKNOWN
        assert desk.refusal(desk.engine()).kind is FailureKind.SIGN_IN
    assert not ran.exists()


# --- jump hosts ---------------------------------------------------------------------------------------------------


def test_over_a_jump_host_whose_key_is_looked_at_too(desk: Desk, jump_host: LabSsh) -> None:
    jump_host.allow(desk.server.key.public)
    hop = Hop(jump_host.host, 22, "deploy")
    error = desk.refusal(desk.engine(jumps=(hop,)))
    assert isinstance(error, HostKeyRefused)
    assert error.offered == pin(jump_host)
    before = desk.server.connections()
    error = desk.refusal(desk.engine(jumps=(hop,), pins=(pin(jump_host),)))
    assert isinstance(error, HostKeyRefused)
    assert error.offered == pin(desk.server)
    engine = desk.engine(jumps=(hop,), pins=(pin(jump_host), pin(desk.server)))
    assert desk.engines.session(engine).list_containers() == []
    assert desk.server.connections() == before + 2
    assert desk.server.said(f"Connection from {jump_host.host}") >= 2
    assert desk.engines.entrance(engine) == hop


def test_the_jump_host_of_the_person(desk: Desk, own: Path, jump_host: LabSsh) -> None:
    jump_host.allow(desk.server.key.public)
    config = own / "config"
    config.write_text(config.read_text() + f"  ProxyJump deploy@gate\nHost gate\n  HostName {jump_host.host}\n")
    (own / "id_ed25519").write_text(desk.server.key.private)
    known = [(host.host, host.host_key().public) for host in (desk.server, jump_host)]
    (own / "known_hosts").write_text("".join(f"{host} {key}\n" for host, key in known))
    before = desk.server.said(f"Connection from {jump_host.host}")
    engine = desk.engine(url="ssh://shop", sign_in=SignIn.OWN, pins=())
    assert desk.engines.session(engine).list_containers() == []
    assert desk.server.said(f"Connection from {jump_host.host}") == before + 1


def test_a_jump_host_that_may_not_pass_on(desk: Desk, jump_host: LabSsh) -> None:
    jump_host.allow(desk.server.key.public)
    jump_host.configure("AllowTcpForwarding no")
    jump_host.restart()
    hop = Hop(jump_host.host, 22, "deploy")
    error = desk.refusal(desk.engine(jumps=(hop,), pins=(pin(jump_host), pin(desk.server))))
    assert error.kind is FailureKind.REFUSED
    assert "The jump host could not reach" in error.title


# --- what is there once one is signed in ----------------------------------------------------------------------------


@pytest.mark.parametrize("way", ToSocket)
def test_both_ways_to_the_socket(desk: Desk, way: ToSocket) -> None:
    session = desk.engines.session(desk.engine(to_socket=way))
    assert session.list_containers() == []
    assert bool(desk.server.commands("dial-stdio")) == (way is ToSocket.COMMAND)
    there = desk.engine(url=desk.server.url(path=str(desk.lab.socket)), to_socket=way)
    assert desk.engines.session(there).list_containers() == []


def test_without_a_docker_command_the_socket_itself_is_used(desk: Desk) -> None:
    session = desk.engines.session(desk.engine(User.BARE))
    assert session.list_containers() == []
    assert desk.server.commands("dial-stdio") == []


def test_so_it_is_where_that_was_told_before_anything_was_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = begin_command

    def begin_and_wait(channel: paramiko.Channel, transport: paramiko.Transport, command: str) -> None:
        begin(channel, transport, command)
        end = time.monotonic() + 10
        while "dial-stdio" in command and not channel.closed and time.monotonic() < end:
            time.sleep(0.01)

    monkeypatch.setattr(ssh_module, "begin_command", begin_and_wait)
    assert desk.engines.session(desk.engine(User.BARE)).list_containers() == []


@pytest.mark.parametrize(
    ("user", "way", "kind", "words"),
    [
        (User.OUTSIDER, ToSocket.COMMAND, FailureKind.PERMISSION, "may not open Docker's socket"),
        (User.OUTSIDER, ToSocket.SOCKET, FailureKind.PERMISSION, "may not open Docker's socket"),
        (User.SEALED, ToSocket.COMMAND, FailureKind.REFUSED, "There is no docker command on the host of bern"),
        (User.SEALED, ToSocket.SOCKET, FailureKind.REFUSED, "can't be opened"),
        (User.TIMID, ToSocket.COMMAND, FailureKind.DROPPED, "ended before it answered"),
    ],
)
def test_what_is_missing_on_the_host_is_said(
    desk: Desk, user: User, way: ToSocket, kind: FailureKind, words: str
) -> None:
    error = desk.refusal(desk.engine(user, to_socket=way))
    assert isinstance(error, SshError)
    assert (error.stage, error.kind) == (Stage.SOCKET, kind)
    assert words in error.title


@pytest.mark.parametrize("way", ToSocket)
def test_a_socket_that_is_not_there(desk: Desk, way: ToSocket) -> None:
    error = desk.refusal(desk.engine(url=desk.server.url(path="/run/none.sock"), to_socket=way))
    assert error.kind is FailureKind.REFUSED
    assert "Nothing listens at Docker's socket" in error.title


def test_free_disk_is_told_where_the_host_may_be_asked(desk: Desk) -> None:
    session = desk.engines.session(desk.engine())
    facts = session.facts()
    room = session.free_disk(facts)
    assert room is not None
    assert room.total is not None
    assert 0 < room.free <= room.total < 10**15
    assert room.free_files is not None
    assert room.files is not None
    assert 0 < room.free_files <= room.files
    desk.engines.forget("e1")
    assert desk.engines.session(desk.engine(User.TIMID, to_socket=ToSocket.SOCKET)).free_disk(facts) is None
