"""Engines and registries from the command line: secrets come from files, standard input or a prompt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mirror_console.domain.engine import EngineFacts
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.secret import Secret
from mirror_console.operations.watch import Watch
from tests.cli.terminal import CommandLine
from tests.operations.desk import CERTIFICATE, KEY, held
from tests.operations.fleet import Fleet


@pytest.fixture
def pem(tmp_path: Path) -> list[str]:
    """Options that name PEM files."""
    for name, text in (("ca", CERTIFICATE), ("cert", CERTIFICATE), ("key", KEY)):
        (tmp_path / f"{name}.pem").write_text(text)
    return [word for name in ("ca", "cert", "key") for word in (f"--{name}", str(tmp_path / f"{name}.pem"))]


def test_an_engine_is_added_changed_listed_and_removed(empty: CommandLine, pem: list[str]) -> None:
    added = empty("engines", "add", "fra-1", "tcp://127.0.0.1", "--location", "Frankfurt", *pem, "--json")
    assert added.code == 1, added.err
    assert [step["state"] for step in added.json["steps"]].count("failed") == 1
    key = f"engine/{added.json['id']}/client-key"
    assert held(empty.console, key) is not None

    assert empty("engines", "edit", "fra-1", "--name", "fra-2", "--at-once", "4", "--often-offline").code == 0
    listed = empty("engines", "list", "--json").json["engines"][0]
    assert (listed["name"], listed["address"], listed["location"]) == ("fra-2", "tcp://127.0.0.1:2376", "Frankfurt")
    assert "certificate refused" in empty("engines", "list").out, "what was tried is kept"
    shown = empty("engines", "show", "fra-2").out
    assert "It never answered.\nAt " in shown
    assert "it didn't: The certificate authority for fra-1 can't be used" in shown
    with empty.console.catalog.read() as books:
        engine = books.engines.all()[0]
    assert (engine.at_once, engine.often_offline) == (4, True)

    unasked = empty("engines", "remove", "fra-2")
    assert (unasked.code, "say --yes" in unasked.err) == (2, True)
    empty.interactive = True
    refused = empty("engines", "remove", "fra-2", typed="n\n")
    assert (refused.code, "Nothing was removed." in refused.err) == (1, True)
    assert held(empty.console, key) is not None
    assert empty("engines", "remove", "fra-2", "--yes").code == 0
    assert held(empty.console, key) is None
    assert "engines add" in empty("engines", "list").out


def test_an_engine_is_shown_with_what_does_not_work_with_it(call: CommandLine) -> None:
    assert call("engines", "show", "alpha").out.splitlines()[1].startswith("Docker ")
    assert "Not all works" not in call("engines", "list").out
    facts = EngineFacts("4.3.1", "1.41", "linux/amd64", kind=EngineKind.PODMAN)
    with call.console.catalog.write() as books:
        books.engines.save_contact(replace(books.engines.contacts()["alpha"], facts=facts))
    told = call("engines", "show", "alpha").out.splitlines()
    assert told[1] == "Podman 4.3.1, API 1.41, linux/amd64"
    assert told[2] == "0 ways back kept, 0 images."
    assert told[3:] == [f"- {limit}" for limit in facts.limits]
    shown = call("engines", "show", "alpha", "--json").json
    assert (shown["kind"], shown["limits"]) == ("Podman", list(facts.limits))
    assert "Not all works with alpha. See: mirror-console engines show NAME" in call("engines", "list").out
    assert call("engines", "show", "nobody").code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "x", "nonsense"], "unix://, ssh:// or tcp://"),
        (["add", "x", "tcp://h:2375"], "unencrypted"),
        (["add", "x", "tcp://h"], "key: the key of the client certificate is needed"),
        (["add", "x", "tcp://h", "--ca", "/nowhere/ca.pem"], "No such file"),
        (["edit", "x"], "there is no engine 'x'"),
        (["remove", "x"], "there is no engine 'x'"),
        (["test", "x"], "there is no engine 'x'"),
        (["remove-registry", "x"], "there is no 'x'"),
        (["add-registry", "registry.example", "u"], "--password-file"),
        (["add-registry", "registry.example", "u", "--password-file", "/nowhere"], "No such file"),
        (["add-registry", "registry.example", "u", "--password-file", "/dev/null"], "/dev/null holds no secret."),
        (["add-registry", "registry.example", "u", "--password-file", "-"], "No secret came on standard input."),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(empty: CommandLine, words: list[str], said: str) -> None:
    told = empty("engines", *words)
    assert told.code == 2
    assert said in told.err
    assert "Traceback" not in told.err


def test_what_is_too_long_for_a_secret_is_told_where_it_came_from(empty: CommandLine) -> None:
    told = empty("engines", "add-registry", "registry.example", "u", "--password-file", "-", typed="x" * 70_000)
    assert told.code == 2
    assert told.err.startswith(
        "Standard input holds no secret.\n  - password_file: it is longer than 65,536 characters"
    )


def test_a_registrys_password_comes_from_a_file_standard_input_or_a_prompt(empty: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from a file\n")

    def password() -> Secret:
        login = empty.console.login("registry.example:5000")
        assert login is not None
        return login.password

    add = ("engines", "add-registry", "registry.example:5000", "deploy")
    assert empty(*add, "--password-file", str(tmp_path / "password")).code == 0
    assert password() == Secret("from a file")
    assert empty(*add, "--password-file", "-", typed="from a pipe\n").code == 0
    assert password() == Secret("from a pipe")
    empty.interactive = True
    prompted = empty(*add, typed="from a prompt\n")
    assert prompted.code == 0
    assert "from a prompt" not in prompted.out + prompted.err
    assert password() == Secret("from a prompt")
    assert empty("engines", "list", "--json").json["registries"] == [
        {"host": "registry.example:5000", "user": "deploy"}
    ]
    removed = empty("engines", "remove-registry", "registry.example:5000", "--yes", "--json")
    assert removed.json == {"removed": "registry.example:5000"}
    assert empty.console.login("registry.example:5000") is None


def test_the_connection_test_tells_ten_steps(call: CommandLine, fleet: Fleet) -> None:
    said = call("engines", "test", "alpha")
    assert said.code == 0
    assert said.out.count("\n") == 10
    assert "may create" in said.out
    assert call.opened == [(False, "")]
    fleet.simulated.engines["alpha"].stop()
    broken = call("engines", "test", "alpha")
    assert broken.code == 1
    assert "✕  3 Reachable" in broken.out
    steps = call("engines", "test", "alpha", "--json").json
    assert [step["number"] for step in steps] == list(range(1, 11))


def test_an_added_engine_is_tried_and_kept_also_where_it_does_not_answer(call: CommandLine, fleet: Fleet) -> None:
    there = fleet.folder / "gamma.sock"
    there.symlink_to(fleet.simulated.engines["alpha"].address.removeprefix("unix://"))
    added = call("engines", "add", "gamma", f"unix://{there}")
    assert added.code == 0, added.err
    assert added.out.startswith("Saved gamma.\n✓  1 Address understood")
    assert added.out.count("\n") == 11
    nowhere = ("engines", "add", "the other", f"unix://{fleet.folder / 'none.sock'}")
    broken = call(*nowhere)
    assert broken.code == 1
    assert "✕  3 Reachable" in broken.out
    assert "Change what is wrong: mirror-console engines edit 'the other'" in broken.err
    assert call("engines", "remove", "the other", "--yes").code == 0
    untried = call(*nowhere, "--no-test")
    assert (untried.code, untried.out) == (0, "Saved the other.\n")
    assert {"gamma", "the other"} <= {one["name"] for one in call("engines", "list", "--json").json["engines"]}


def test_an_engine_with_environments_stays(call: CommandLine) -> None:
    said = call("engines", "remove", "alpha", "--yes")
    assert said.code == 4
    assert "Mirror 01 live" in said.err


def test_read_only_refuses_every_change(empty: CommandLine, pem: list[str]) -> None:
    for words in (
        ["add", "x", "unix:///run/x.sock"],
        ["edit", "x"],
        ["remove", "x"],
        ["add-registry", "registry.example", "u", "--password-file", pem[1]],
        ["remove-registry", "x"],
    ):
        assert empty("--read-only", "engines", *words).code == 3
    assert not empty.opened


def test_an_engines_clock_is_shown_and_marked_where_it_is_off(call: CommandLine, fleet: Fleet) -> None:
    fleet.simulated.engines["berlin"].set_clock_off(-300.0)
    watch = Watch(fleet.console, fleet.jobs)
    wanted = watch.want()
    job = fleet.jobs.submit("Watching engines", watch.run)
    fleet.jobs.submit("check", wanted.wait).result(30.0)
    job.cancel()
    assert job.over_within(30.0)
    offsets = {engine["name"]: engine["clock_offset"] for engine in call("engines", "list", "--json").json["engines"]}
    assert abs(offsets["alpha"]) < 10.0
    assert abs(offsets["berlin"] + 300.0) < 10.0
    marked = [line for line in call("engines", "list").out.splitlines() if "! " in line]
    assert len(marked) == 1
    assert "berlin" in marked[0]
