"""What is wrong is said in a sentence with what to do and by an exit code, without a traceback; nothing is lost."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.journeys.agency import Agency, mirror_entry
from tests.journeys.console import Program
from tests.lab.certificates import Authority, Credentials
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

SMALL = """\
engines: [{name: alpha, address: /run/alpha.sock}]
sources:
  - {name: Webshop, repository: registry.example/shop/webshop}
mirrors:
  - name: Dunes Bakery
    source: webshop
    domains: [dunes.example]
    environments: [{name: live, engine: alpha, container: dunes-live}]
"""

TWENTY_MISTAKES = """\
format: 7
engins: []
engines:
  - {name: beta, address: "tcp://beta.example:2375"}
  - {name: gamma, adress: /run/gamma.sock, often_offline: perhaps, at_once: 99}
registries:
  - {host: "https://registry.example"}
sources:
  - name: Webshop
    repository: Registry/Shop
mirrors:
  - name: Dunes
    source: nothing
    image_source: sometimes
    tags: [a b]
    domains: ["https://dunes.example"]
    environments:
      - name: Live
        engine: delta
        container: dunes.mc-next
        settings:
          variables: {1X: a}
          ports: ["eighty", {host: 70000, container: 80}]
          limits: {memory: 1 lot, cpus: half}
          restart: sometimes
          health: {answers: all}
"""


@pytest.fixture
def filled(lonely: Program, tmp_path: Path) -> Program:
    """A catalog with a mirror, on an engine that nobody asks."""
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    lonely.run("catalog", "import", str(file))
    return lonely


def content(catalog: Path) -> list[str]:
    """All that a catalog holds, read past the program."""
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as connection:
        return list(connection.iterdump())


def change(catalog: Path, statement: str) -> None:
    """Change a catalog past the program."""
    with closing(sqlite3.connect(catalog)) as connection, connection:
        connection.execute(statement)


# --- what is typed ----------------------------------------------------------------------------------------------------


def test_malformed_addresses(filled: Program) -> None:
    before = content(filled.catalog)
    wrong = {
        "engine.example": "it begins with unix://, ssh:// or tcp://",
        "tcp://engine.example:2375": "use TLS, usually port 2376",
        "tcp://engine.example:99999": "port 99999 is out of range 1 to 65535",
    }
    for address, words in wrong.items():
        said = filled.refusal("engines", "add", "other", address)
        assert words in said
        assert said.endswith("Correct it and try again. Nothing was changed.\n")
    assert content(filled.catalog) == before


def test_an_unknown_filter_key(filled: Program) -> None:
    said = filled.refusal("status", "engin:alpha")
    assert said == "'engin' is not a filter.\nDid you mean engine?\n"


def test_an_image_reference_that_does_not_parse(filled: Program, tmp_path: Path) -> None:
    before = content(filled.catalog)
    file = tmp_path / "import.yaml"
    file.write_text("sources:\n  - name: Other\n    repository: Registry.example/Shop:!\n")
    said = filled.refusal("catalog", "import", str(file))
    assert "line 3: sources[0].repository: an image reference looks like registry.example:5000/shop/webshop" in said
    assert content(filled.catalog) == before


# --- import files -----------------------------------------------------------------------------------------------------


def test_an_import_with_twenty_mistakes_lists_them_all(filled: Program, tmp_path: Path) -> None:
    before = content(filled.catalog)
    file = tmp_path / "import.yaml"
    file.write_text(TWENTY_MISTAKES)
    said = filled.refusal("catalog", "import", str(file))
    lines = [line for line in said.splitlines() if line.startswith("  - ")]
    assert len(lines) >= 20, said
    assert f"The file has {len(lines)} mistakes." in said
    assert all(re.match(r"  - line \d+: [a-z_]+[a-zA-Z_.\[\]0-9]*: .+", line) for line in lines), said
    for told in (
        "line 1: format",
        "line 2: engins: 'engins' is not known here; did you mean 'engines'?",
        "line 4: engines[0].address: port 2375 is Docker's unencrypted port",
        "line 5: engines[1].adress",
        "line 13: mirrors[0].source: there is no source 'nothing'",
        "line 19: mirrors[0].environments[0].engine: there is no engine 'delta'",
        "line 23: mirrors[0].environments[0].settings.ports[0]: 'eighty' is not a port",
        "line 24: mirrors[0].environments[0].settings.limits.memory",
    ):
        assert told in said
    assert content(filled.catalog) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [("engines: [", "line "), ("just words", "names with values belong here"), (None, "No such file or directory")],
    ids=["no YAML", "no mapping", "no file"],
)
def test_a_file_that_is_no_import(lonely: Program, tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "import.yaml"
    if text is not None:
        file.write_text(text)
    assert words in lonely.refusal("catalog", "import", str(file))


# --- catalogs ---------------------------------------------------------------------------------------------------------


def of_a_newer_version(catalog: Path) -> None:
    change(catalog, "UPDATE alembic_version SET version_num = '9999'")
    change(catalog, "UPDATE meta SET value = '99.1' WHERE key = 'program'")


def of_another_program(catalog: Path) -> None:
    catalog.unlink()
    change(catalog, "CREATE TABLE recipes (name TEXT)")


def no_database(catalog: Path) -> None:
    catalog.write_text("these are the minutes of a meeting\n" * 30)


def cut_in_half(catalog: Path) -> None:
    octets = catalog.read_bytes()
    catalog.write_bytes(octets[: len(octets) // 2])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (of_a_newer_version, "was written by Mirror Console 99.1"),
        (of_another_program, "it is a SQLite file of another program"),
        (no_database, "it is no SQLite file"),
        (cut_in_half, "is damaged"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_file_that_is_no_catalog_of_ours_stays_as_it_is(
    filled: Program, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(filled.catalog)
    before = filled.catalog.read_bytes()
    said = filled.refusal("status", exit_code=4)
    assert words in said
    assert str(filled.catalog) in said
    assert words in filled.refusal("engines", "add", "other", "/run/other.sock", exit_code=4)
    assert filled.catalog.read_bytes() == before
    # Where it is can always be asked.
    assert filled.ask("catalog", "path")["path"] == str(filled.catalog)


def test_a_second_console_on_a_catalog_whose_window_is_open(filled: Program) -> None:
    before = content(filled.catalog)
    lock = filled.catalog.with_name("catalog.sqlite.lock")
    with filled.running() as window:
        while not lock.read_text():
            assert Path(f"/proc/{window.pid}").exists(), "the window didn't open"
            time.sleep(0.05)
        said = filled.refusal("engines", "add", "other", "/run/other.sock", exit_code=3)
        assert "a window of operator on " in said
        assert f"process {window.pid}" in said
        assert "Close it or wait until it is done." in said
        assert [mirror["name"] for mirror in filled.ask("status", expect=None)["mirrors"]] == ["Dunes Bakery"]
        assert [line for line in content(filled.catalog) if "other.sock" in line] == []
    filled.run("engines", "add", "other", "/run/other.sock", "--no-test")
    assert [line for line in before if "dunes-live" in line and "process" in line] != []


# --- engines and registries -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "step", "words"),
    [
        ("foreign client", "Signed in", "refused"),
        ("expired client", "Signed in", "refused"),
        ("foreign authority", "Certificate", "certificate"),
    ],
    ids=lambda value: value if " " in value else "",
)
def test_a_wrong_certificate(
    program: Program, agency: Agency, tls_engine: LabEngine, name: str, step: str, words: str
) -> None:
    good, stranger = tls_engine.client, Authority("Another authority")
    foreign = stranger.client("console")
    wrong = {
        "foreign client": Credentials(good.ca, foreign.certificate, foreign.key),
        "expired client": agency.lab.authority.client("console", end=datetime(2021, 1, 1, tzinfo=UTC)),
        "foreign authority": Credentials(stranger.pem, good.certificate, good.key),
    }[name]
    pem = agency.folder / "wrong"
    wrong.write(pem, (0, 0))
    added = program.ask(
        *("engines", "add", "paris", tls_engine.tls_url, "--ca", str(pem / "ca.pem")),
        *("--cert", str(pem / "cert.pem"), "--key", str(pem / "key.pem")),
        expect=1,
    )
    steps = program.ask("engines", "test", "paris", expect=1)
    assert [step["state"] for step in added["steps"]] == [step["state"] for step in steps]
    (failed,) = (one for one in steps if one["state"] == "failed")
    assert failed["title"] == step, failed
    assert words in failed["words"].lower()
    assert failed["remedy"].endswith(".")
    assert [one["state"] for one in steps[steps.index(failed) + 1 :]] == ["skipped"] * (10 - failed["number"])
    answer = program.run("check", expect=1)
    assert "1 engine unreachable (paris: " in answer.out


def test_a_wrong_password_blocks_before_anything_is_changed(
    program: Program, agency: Agency, local_engine: LabEngine, tls_engine: LabEngine
) -> None:
    docker = agency.docker(tls_engine)
    mirrors = [mirror_entry("Dunes", tls_engine, "dunes-live")]
    agency.fill(program, local_engine, tls_engine, mirrors=mirrors)
    published = agency.publish(local_engine, "26.8.1")
    agency.deploy(local_engine, published)
    docker.forget_image(published.reference, published.image_id)
    user = agency.lab.registry.user
    program.run("engines", "add-registry", agency.registry, user, "--password-file", "-", feed="not-the-password")

    start = ("rollout", "start", "-e", "live", "--all", "--why", "try", "--yes", "1")
    ended = program.run(*start, expect=2)
    assert f"{agency.registry}" in ended.out
    assert "The rollout was not started." in ended.err
    results = program.ask("rollout", "checks", expect=1)["results"]
    (blocking,) = (result for result in results if result["blocks"])
    assert blocking["check"] == "image can be had"
    assert "unauthorized" in blocking["words"]
    assert "password" in blocking["remedy"]
    assert docker.names() == []
    assert "not-the-password" not in ended.said

    program.run(
        *("engines", "add-registry", agency.registry, user, "--password-file", "-"), feed=agency.lab.registry.password
    )
    done = program.ask("rollout", "start", "-e", "live", "--all", "--bake", "0", "--why", "try", "--yes", "1")
    assert done["state"] == "completed"
    assert docker.running() == ["dunes-live"]
