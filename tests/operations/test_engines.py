"""Engines: what is typed for them, where their credentials go, and the ten steps of the connection test."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mirror_console.domain.engine import UNENCRYPTED_ACCEPTED, parse_address
from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import Hop, SignIn, parse_host_key
from mirror_console.errors import CatalogError, InvalidInput, NotAllowed
from mirror_console.operations import engines as desk
from mirror_console.operations.connection import ConnectionStep, StepState
from mirror_console.operations.console import Console
from mirror_console.operations.engines import EngineInput, RegistryInput, SshInput
from mirror_console.simulator.engine import SimulatedEngine
from tests.lab.certificates import Authority
from tests.lab.engine import LabEngine
from tests.lab.lab import Lab
from tests.operations.desk import CERTIFICATE, KEY, Raced, empty_console, held
from tests.operations.fleet import Fleet, now, small_fleet

TLS = EngineInput(
    name="fra-1", address="tcp://fra-1.example", ca=CERTIFICATE, certificate=CERTIFICATE, key=Secret(KEY), at_once="3"
)


SSH = SshInput(key=Secret(KEY))
BY_SSH = EngineInput(name="fra-1", address="ssh://deploy@fra-1.example", ssh=SSH)
LOCKED = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n"
PIN = parse_host_key(
    "fra-1.example:22 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEHzaMM0j8yqjXzYpBMZQJBmXVUDYyEmNMZcdBUfGyzF"
)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with empty_console(tmp_path) as made:
        yield made


def fields(error: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [problem.field for problem in error.value.problems]


# --- what is typed --------------------------------------------------------------------------------------------------


def test_credentials_go_into_the_keyring_and_only_references_into_the_catalog(console: Console) -> None:
    engine = desk.save_engine(console, TLS)

    with console.catalog.read() as books:
        assert books.engines.all() == [engine]
    assert engine.tls is not None
    assert engine.address == parse_address("tcp://fra-1.example:2376")
    assert engine.at_once == 3
    assert held(console, engine.tls.key.name) == Secret(KEY)
    assert "PRIVATE" not in str(engine)


def test_everything_wrong_is_said_at_once(console: Console) -> None:
    typed = EngineInput(name=" ", address="tcp://h:2375", ca=KEY, key=Secret("x"), at_once="99", timeout="soon")
    with pytest.raises(InvalidInput) as error:
        desk.save_engine(console, typed)
    assert sorted(fields(error)) == ["address", "at_once", "ca", "key", "name", "timeout"]
    with console.catalog.read() as books:
        assert not books.engines.all()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        (replace(TLS, key=Secret("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")), "key"),
        (replace(TLS, key=Secret("")), "key"),
        (replace(TLS, certificate=""), "certificate"),
        (replace(TLS, ca=KEY), "ca"),
        (replace(TLS, address="unix:///run/docker.sock"), "address"),
        (EngineInput(name="fra-1", address="ssh://fra-1", ssh=SSH), "address"),
        (replace(BY_SSH, ssh=replace(SSH, key=Secret(""))), "ssh_key"),
        (replace(BY_SSH, ssh=replace(SSH, key=Secret("ssh-ed25519 AAAA me"))), "ssh_key"),
        (replace(BY_SSH, ssh=replace(SSH, key=Secret("PuTTY-User-Key-File-3: ssh-ed25519"))), "ssh_key"),
        (replace(BY_SSH, ssh=replace(SSH, key=Secret(LOCKED))), "ssh_passphrase"),
        (replace(BY_SSH, ssh=replace(SSH, sign_in=SignIn.PASSWORD)), "ssh_password"),
        (replace(BY_SSH, ssh=replace(SSH, jumps="gate")), "jumps"),
        (replace(BY_SSH, ssh=replace(SSH, jumps="-oProxyCommand=x@gate")), "jumps"),
        (replace(BY_SSH, ca=CERTIFICATE), "address"),
        (EngineInput(name="fra-1", address="http://127.0.0.1:2375"), "unencrypted"),
        (EngineInput(name="fra-1", address="http://127.0.0.1:2375", unencrypted="yes"), "unencrypted"),
        (EngineInput(name="fra-1", address="http://10.0.0.7:2375", unencrypted=UNENCRYPTED_ACCEPTED), "address"),
        (replace(TLS, at_once="0"), "at_once"),
        (replace(TLS, timeout="0.5"), "timeout"),
    ],
)
def test_a_wrong_field_is_named(console: Console, typed: EngineInput, field: str) -> None:
    assert [problem.field for problem in desk.engine_problems(console, typed)] == [field]


def test_one_engine_is_one_entry(console: Console) -> None:
    desk.save_engine(console, TLS)
    again = desk.engine_problems(console, replace(TLS, name="FRA-1", address="tcp://fra-1.example:2376"))
    assert [problem.field for problem in again] == ["name", "address"]


def test_an_edit_keeps_credentials_that_are_not_typed_and_replaces_those_that_are(console: Console) -> None:
    engine = desk.save_engine(console, TLS)
    newer = KEY.replace("MIIB", "MIIC")
    typed = replace(desk.engine_input(engine), name="fra-2", key=Secret(newer))

    changed = desk.save_engine(console, typed, engine.id)

    assert changed == replace(engine, name="fra-2")
    assert held(console, f"engine/{engine.id}/client-key") == Secret(newer)
    assert held(console, f"engine/{engine.id}/ca") == Secret(CERTIFICATE)


def test_an_engine_that_becomes_local_leaves_no_key_behind(console: Console) -> None:
    engine = desk.save_engine(console, TLS)
    desk.save_engine(console, replace(desk.engine_input(engine), address="unix:///run/docker.sock"), engine.id)
    assert held(console, f"engine/{engine.id}/client-key") is None


def test_what_one_signs_in_with_by_ssh_goes_into_the_keyring(console: Console) -> None:
    typed = replace(BY_SSH, ssh=replace(SSH, key=Secret(LOCKED), passphrase=Secret("canary"), host_keys=(PIN,)))
    engine = desk.save_engine(console, typed)
    assert engine.ssh is not None
    assert held(console, f"engine/{engine.id}/ssh-key") == Secret(LOCKED)
    assert held(console, f"engine/{engine.id}/ssh-passphrase") == Secret("canary")

    # A new key without a passphrase: the old one's goes.
    typed = desk.engine_input(engine)
    assert typed.ssh.host_keys == (PIN,)
    engine = desk.save_engine(console, replace(typed, ssh=replace(typed.ssh, key=Secret(KEY))), engine.id)
    assert engine.ssh is not None
    assert engine.ssh.passphrase is None
    assert held(console, f"engine/{engine.id}/ssh-passphrase") is None

    # A password instead: the key goes. What isn't typed afterwards stays.
    password = SshInput(SignIn.PASSWORD, password=Secret("canary"), jumps="jump@gate:2222")
    engine = desk.save_engine(console, replace(typed, ssh=password), engine.id)
    engine = desk.save_engine(console, desk.engine_input(engine), engine.id)
    assert engine.ssh is not None
    assert engine.ssh.jumps == (Hop("gate", 2222, "jump"),)
    assert held(console, f"engine/{engine.id}/ssh-key") is None
    assert held(console, f"engine/{engine.id}/ssh-password") == Secret("canary")

    desk.remove_engine(console, engine.id)
    assert held(console, f"engine/{engine.id}/ssh-password") is None


def test_behind_two_jump_hosts_there_may_be_two_engines_of_one_address(console: Console) -> None:
    desk.save_engine(console, BY_SSH)
    assert [problem.field for problem in desk.engine_problems(console, replace(BY_SSH, name="fra-2"))] == ["address"]
    behind = replace(BY_SSH, name="fra-2", ssh=replace(SSH, jumps="jump@gate"))
    assert not desk.engine_problems(console, behind)


def test_a_host_key_is_accepted_in_place_of_the_one_before(console: Console) -> None:
    engine = desk.save_engine(console, replace(BY_SSH, ssh=replace(SSH, host_keys=(PIN,))))
    other = replace(PIN, type="ecdsa-sha2-nistp256")
    trusting = desk.accept_host_key(console, engine.id, other)
    assert trusting.ssh is not None
    assert trusting.ssh.host_keys == (other,)
    assert console.engine(engine.id) == trusting
    local = desk.save_engine(console, EngineInput(name="local", address="/run/docker.sock"))
    with pytest.raises(InvalidInput, match="not reached by SSH"):
        desk.accept_host_key(console, local.id, PIN)
    with pytest.raises(NotAllowed):
        desk.accept_host_key(replace(console, read_only="Only looking."), engine.id, other)


def test_what_was_accepted_without_encryption_counts_for_that_address_alone(console: Console) -> None:
    typed = EngineInput(name="here", address="http://127.0.0.1:2999", unencrypted=UNENCRYPTED_ACCEPTED)
    engine = desk.save_engine(console, typed)
    assert engine.unencrypted_accepted
    assert desk.save_engine(console, replace(desk.engine_input(engine), notes="x"), engine.id).unencrypted_accepted
    moved = replace(desk.engine_input(engine), address="http://127.0.0.1:2998")
    assert [problem.field for problem in desk.engine_problems(console, moved, engine.id)] == ["unencrypted"]
    changed = desk.save_engine(console, replace(moved, address="/run/docker.sock"), engine.id)
    assert not changed.unencrypted_accepted


def test_where_the_catalog_refuses_the_keyring_is_as_before(tmp_path: Path) -> None:
    with empty_console(tmp_path) as console:
        engine = desk.save_engine(console, TLS)
        # Two windows on one catalog can't be; a name that was taken meanwhile is what the catalog itself refuses.
        other = desk.save_engine(console, replace(TLS, name="ber-1", address="tcp://ber-1.example"))

        def take_the_name() -> None:
            with console.catalog.write() as books:
                books.engines.save(replace(engine, name="ham-1"))

        raced = replace(console, vault=Raced(console.vault, take_the_name))
        typed = replace(desk.engine_input(other), name="ham-1", key=Secret(KEY.replace("MIIB", "MIIC")))
        with pytest.raises(CatalogError):
            desk.save_engine(raced, typed, other.id)
        assert held(console, f"engine/{other.id}/client-key") == Secret(KEY)


def test_removing_takes_the_credentials_along_and_is_refused_where_something_runs(console: Console) -> None:
    engine = desk.save_engine(console, TLS)
    desk.remove_engine(console, engine.id)
    assert held(console, f"engine/{engine.id}/client-key") is None
    with small_fleet(1) as fleet, pytest.raises(CatalogError, match="Mirror 01 live"):
        desk.remove_engine(fleet.console, "alpha")


def test_read_only_changes_nothing(tmp_path: Path) -> None:
    with empty_console(tmp_path, "for support") as console:
        for change in (
            lambda: desk.save_engine(console, TLS),
            lambda: desk.remove_engine(console, "x"),
            lambda: desk.save_registry(console, RegistryInput("registry.example", "u", Secret("p"))),
            lambda: desk.remove_registry(console, "x"),
        ):
            with pytest.raises(NotAllowed):
                change()


def test_a_registry_keeps_its_password_in_the_keyring(console: Console) -> None:
    registry = desk.save_registry(console, RegistryInput("registry.example:5000", "deploy", Secret("first")))
    desk.save_registry(console, RegistryInput("registry.example:5000", "robot"), registry.id)
    login = console.login("registry.example:5000")
    assert login is not None
    assert (login.user, login.password) == ("robot", Secret("first"))
    desk.remove_registry(console, registry.id)
    assert held(console, registry.password.name) is None


@pytest.mark.parametrize("host", ["", "https://registry.example", "registry", "registry.example/shop", "a b.example"])
def test_what_is_no_registry_is_refused(console: Console, host: str) -> None:
    found = desk.registry_problems(console, RegistryInput(host, "deploy", Secret("x")))
    assert [problem.field for problem in found] == ["host"]


# --- the connection test --------------------------------------------------------------------------------------------


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(1) as made:
        made.publish("26.8.2")
        yield made


def outcomes(steps: Iterator[ConnectionStep]) -> list[ConnectionStep]:
    """Each step's outcome; that each was announced before it was tried is looked at too."""
    told = list(steps)
    ended = [step for step in told if step.state is not StepState.RUNNING]
    assert [step.number for step in ended] == list(range(1, 11))
    announced = [step.number for step in told if step.state is StepState.RUNNING]
    assert announced == [step.number for step in ended if step.words != "not tried"]
    return ended


def failed(steps: list[ConnectionStep]) -> ConnectionStep:
    """The one that failed: what comes after it wasn't tried."""
    broken = [step for step in steps if step.state is StepState.FAILED]
    assert len(broken) == 1, steps
    assert broken[0].words
    assert broken[0].remedy
    assert all(step.words == "not tried" for step in steps[broken[0].number :])
    return broken[0]


def test_a_good_engine_answers_in_ten_steps_and_nothing_changes_on_it(fleet: Fleet) -> None:
    before = fleet.names("alpha")
    steps = outcomes(desk.test_connection(fleet.console, fleet.console.engine("alpha"), None))
    words = {step.title: step.words for step in steps}
    assert not [step for step in steps if step.state is StepState.FAILED]
    assert words["Docker API"] == "Docker 20.10.24, API 1.41, linux/amd64"
    assert words["May list containers"] == "1 container"
    assert words["Free disk"] == "not told by the engine"
    assert fleet.names("alpha") == before


def test_nothing_is_tried_to_be_made_when_read_only(fleet: Fleet) -> None:
    console = replace(fleet.console, read_only="for support")
    steps = outcomes(desk.test_connection(console, console.engine("alpha"), None))
    assert steps[7].state is StepState.SKIPPED


def test_it_works_before_saving(fleet: Fleet) -> None:
    address = fleet.simulated.engines["berlin"].address
    with fleet.console.catalog.write() as books:
        books.environments.remove(books.environments.of("mirror-01")[0].id)
        books.engines.remove("berlin")
    steps = outcomes(desk.test_input(fleet.console, EngineInput(address=address), None))
    assert not [step for step in steps if step.state is StepState.FAILED]


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("nonsense", 1),
        ("tcp://nowhere.invalid:2376", 2),
        ("unix:///nowhere/docker.sock", 3),
    ],
)
def test_it_stops_at_the_step_that_fails(console: Console, address: str, number: int) -> None:
    credentials = TLS if address.startswith("tcp") else EngineInput()
    assert failed(outcomes(desk.test_input(console, replace(credentials, address=address), None))).number == number


def test_a_port_that_nobody_listens_at_fails_step_3(console: Console) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    steps = outcomes(desk.test_input(console, replace(TLS, address=f"tcp://127.0.0.1:{port}"), None))
    assert failed(steps).number == 3


def test_a_clock_that_is_off_is_said(fleet: Fleet) -> None:
    engine = SimulatedEngine("late", lambda: now() - timedelta(minutes=10), socket_path=fleet.folder / "late.sock")
    engine.start()
    try:
        steps = outcomes(desk.test_input(fleet.console, EngineInput(name="late", address=engine.address), None))
    finally:
        engine.stop()
    assert failed(steps).number == 10
    assert "behind" in failed(steps).words


def test_what_speaks_no_tls_fails_at_the_certificate(lab: Lab, tls_engine: LabEngine, console: Console) -> None:
    plain = SimulatedEngine("plain", now)
    plain.start()
    try:
        typed = _typed(tls_engine, address=plain.address.replace("http://", "tcp://"))
        step = failed(outcomes(desk.test_input(console, typed, None)))
    finally:
        plain.stop()
    assert step.number == 4


def test_a_real_engine_by_tls(lab: Lab, tls_engine: LabEngine, console: Console) -> None:
    steps = outcomes(desk.test_input(console, _typed(tls_engine), None))
    assert not [step for step in steps if step.state is StepState.FAILED]
    assert lab.docker(tls_engine).names() == []


def test_a_foreign_authority_fails_at_the_certificate(lab: Lab, tls_engine: LabEngine, console: Console) -> None:
    foreign = Authority("other").client("console")
    typed = replace(_typed(tls_engine), ca=foreign.ca)
    step = failed(outcomes(desk.test_input(console, typed, None)))
    assert step.number == 4


def test_a_foreign_client_fails_at_signing_in(lab: Lab, tls_engine: LabEngine, console: Console) -> None:
    foreign = Authority("other").client("console")
    typed = replace(_typed(tls_engine), certificate=foreign.certificate, key=Secret(foreign.key))
    assert failed(outcomes(desk.test_input(console, typed, None))).number == 5


def test_after_saving_the_keyring_is_enough(lab: Lab, tls_engine: LabEngine, console: Console) -> None:
    engine = desk.save_engine(console, _typed(tls_engine))
    steps = outcomes(desk.test_connection(console, engine, None))
    assert not [step for step in steps if step.state is StepState.FAILED]


def _typed(engine: LabEngine, address: str = "") -> EngineInput:
    given = engine.client
    return EngineInput(
        name="lab",
        address=address or engine.tls_url,
        ca=given.ca,
        certificate=given.certificate,
        key=Secret(given.key),
    )
