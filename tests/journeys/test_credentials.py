"""Keys and passwords are in the keyring and nowhere else; without a keyring they are refused, with what to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests import canaries
from tests.journeys.agency import Agency, mirror_entry
from tests.journeys.canaries import kept, leaks
from tests.journeys.command_line import commands
from tests.journeys.console import Program
from tests.lab.engine import LabEngine
from tests.lab.keyring import LabKeyring

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

SECRET = canaries.FROM_FILE
PASSWORD = canaries.REGISTRY_PASSWORD

PLAIN_RING = """\
from pathlib import Path
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 100
    def get_password(self, service, username):
        return Path(__file__).with_name("passwords").read_text()
    def set_password(self, service, username, password):
        Path(__file__).with_name("passwords").write_text(password)
    def delete_password(self, service, username):
        Path(__file__).with_name("passwords").unlink()
"""


def test_keys_and_passwords_are_in_the_keyring_alone(program: Program, agency: Agency, tls_engine: LabEngine) -> None:
    pem, client = tls_engine.client_folder, tls_engine.client
    program.run("catalog", "export")
    # As long as somebody reads the catalog, what was written stays in its write-ahead log.
    with closing(sqlite3.connect(program.catalog)) as reader:
        reader.execute("SELECT * FROM meta").fetchall()
        program.run(
            *("engines", "add", "paris", tls_engine.tls_url, "--ca", str(pem / "ca.pem")),
            *("--cert", str(pem / "cert.pem"), "--key", str(pem / "key.pem")),
        )
        program.run("engines", "add-registry", agency.registry, "agency", "--password-file", "-", feed=PASSWORD)
        (agency.folder / "secret.txt").write_text(SECRET)
        mirror = mirror_entry("Dunes", tls_engine, "dunes-live", secrets={"SECRET_KEY": {"file": "secret.txt"}})
        source = agency.source_entry(tls_engine)
        said = [program.run("catalog", "import", str(agency.write({"sources": [source], "mirrors": [mirror]}))).said]
        said += [program.run(*words.split()).said for words in ("catalog export", "engines list --json", "check")]
        assert program.catalog.with_name("catalog.sqlite-wal").stat().st_size > 0
        secrets = [SECRET, PASSWORD, client.key]
        assert not leaks(secrets, program.home, program.tmp)
    assert not leaks(
        [*secrets, client.certificate, client.ca], program.home, program.tmp, Path(program.keyring["HOME"])
    )
    assert not any(secret in words for words in said for secret in (SECRET, PASSWORD, client.key.splitlines()[1]))
    assert list((program.home / "log").iterdir())

    found = kept(program.catalog)
    by_part = {name.partition("/")[0] + "/" + name.rpartition("/")[2]: text for name, text in found.items()}
    assert by_part == {
        "engine/ca": client.ca,
        "engine/client-cert": client.certificate,
        "engine/client-key": client.key,
        "registry/password": PASSWORD,
        "environment/SECRET_KEY": SECRET,
    }


def test_a_removed_engine_leaves_nothing_in_the_keyring(
    program: Program, agency: Agency, tls_engine: LabEngine
) -> None:
    document = {"engines": [agency.engine_entry(tls_engine)], "registries": [agency.registry_entry()]}
    program.run("catalog", "import", str(agency.write(document)))
    assert len(kept(program.catalog)) == 4
    program.run("engines", "remove", tls_engine.name, "--yes")
    program.run("engines", "remove-registry", agency.registry, "--yes")
    assert kept(program.catalog) == {}


def test_a_locked_keyring_is_said_and_nothing_hangs(
    program: Program, agency: Agency, tls_engine: LabEngine, lab_keyring: LabKeyring
) -> None:
    document = {"engines": [agency.engine_entry(tls_engine)]}
    program.run("catalog", "import", str(agency.write(document)))
    lab_keyring.lock()
    try:
        answer = program.ask("check", expect=1)
        assert answer["failed"] == [{"engine": tls_engine.name, "why": "keyring locked"}]
        said = program.refusal(
            *("engines", "add-registry", "registry.example", "agency", "--password-file", "-"),
            feed=PASSWORD,
            exit_code=4,
        )
        assert said.startswith("The keyring is locked.")
    finally:
        lab_keyring.unlock()
    assert program.ask("check")["failed"] == []


def test_without_a_keyring_credentials_are_refused(lonely: Program, agency: Agency, tls_engine: LabEngine) -> None:
    pem = tls_engine.client_folder
    said = lonely.refusal(
        *("engines", "add", "paris", tls_engine.tls_url, "--ca", str(pem / "ca.pem")),
        *("--cert", str(pem / "cert.pem"), "--key", str(pem / "key.pem")),
        exit_code=4,
    )
    assert "No keyring was found" in said
    assert "Start your desktop's keyring" in said
    assert "for this run only" in said
    document = agency.write({"engines": [agency.engine_entry(tls_engine)], "registries": [agency.registry_entry()]})
    assert "No keyring was found" in lonely.refusal("catalog", "import", str(document), exit_code=4)
    known = lonely.ask("engines", "list")
    assert known == {"engines": [], "registries": []}
    assert not leaks([tls_engine.client.key, agency.lab.registry.password], lonely.home, lonely.tmp)


def test_a_plain_text_keyring_is_refused(lonely: Program, tmp_path: Path) -> None:
    ring = tmp_path / "ring"
    ring.mkdir()
    (ring / "plain_ring.py").write_text(PLAIN_RING)
    chosen = {"PYTHONPATH": str(ring), "PYTHON_KEYRING_BACKEND": "plain_ring.Keyring"}
    said = lonely.but(keyring=chosen, starter=None).refusal(
        *("engines", "add-registry", "registry.example", "agency", "--password-file", "-"),
        feed=PASSWORD,
        exit_code=4,
    )
    assert "plain_ring.Keyring is set up but not used" in said
    assert not (ring / "passwords").exists()
    assert not leaks([PASSWORD], lonely.home, lonely.tmp, ring)


def test_no_command_takes_a_secret_on_its_command_line() -> None:
    """What stands there is seen by everyone on the machine."""
    delicate = [
        (command.name, parameter)
        for command in commands()
        for parameter in command.parameters
        if parameter.name in {"ca", "cert", "key"} or any(word in parameter.name for word in ("password", "secret"))
    ]
    assert {"engines add", "engines edit", "engines add-registry"} <= {name for name, _ in delicate}
    # A flag that takes no word only asks for it at a prompt.
    assert [found for found in delicate if not found[1].takes_a_file and found[1].kind is not bool] == []
