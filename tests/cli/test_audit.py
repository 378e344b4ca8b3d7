"""The audit from the command line: what was done stands there, an edit is found, an account sees its own alone."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mirror_console.domain.image import short
from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.errors import VaultError
from mirror_console.operations.audit import ANCHOR, anchor
from mirror_console.operations.console import Console
from mirror_console.store import Catalog
from mirror_console.vault import MemoryVault
from tests.cli.terminal import CommandLine
from tests.operations.fleet import Fleet


class Ring(MemoryVault):
    """A keyring that outlasts the run, with a state of its own."""

    for_this_run_only = False

    def __init__(self) -> None:
        super().__init__()
        self.is_now = VaultState.UNLOCKED
        self.refuses: VaultError | None = None

    def state(self) -> VaultState:
        return self.is_now

    def get(self, reference: SecretReference) -> Secret:
        if self.refuses is not None:
            raise self.refuses
        return super().get(reference)

    def find(self, reference: SecretReference) -> Secret | None:
        if self.refuses is not None:
            raise self.refuses
        return super().find(reference)


@pytest.fixture
def ring(fleet: Fleet) -> Ring:
    """The fleet's console has a keyring."""
    ring = Ring()
    ring.put(SecretReference("registry/simulated/password"), Secret("fleet-password"))
    fleet.console = replace(fleet.console, vault=ring)
    return ring


@pytest.fixture
def call(fleet: Fleet, ring: Ring) -> CommandLine:
    return CommandLine(fleet.console, fleet.jobs, fleet.folder)


def path_of(console: Console) -> Path:
    assert isinstance(console.catalog, Catalog)
    return console.catalog.path


def edited(console: Console, *statements: str) -> None:
    with closing(sqlite3.connect(path_of(console), isolation_level=None)) as direct:
        for trigger in ("audit_is_never_changed", "audit_is_never_cut"):
            direct.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            direct.execute(statement)


def test_what_was_done_is_listed_by_who_and_on_what(call: CommandLine) -> None:
    assert call("hold", "mirror-01", "live", "--reason", "the customer asked").code == 0
    said = call("audit", "list", "Mirror 01").out
    assert "operator on desk" in said
    assert "environment changed: hold" in said
    assert "the customer asked. " in said
    told = call("audit", "list", "--of", "environment", "--account", "ACC-1", "--json").json
    assert {line["act"]["noun"] for line in told} == {"environment"}
    assert told[0]["act"]["after"]["hold.reason"] == "the customer asked"
    assert [line["sequence"] for line in told] == sorted((line["sequence"] for line in told), reverse=True)
    assert call("audit", "list", "--person", "nobody", "--json").json == []
    assert "There are more" in call("audit", "list", "--most", "1").err
    assert call("audit", "list", "--since", "yesterday").code == 2
    assert call("audit", "list", "--until", "2020-01-01", "--json").json == []


def test_windows_and_freezes_are_listed_in_their_own_words(call: CommandLine) -> None:
    window = ("--days", "every day", "--from", "0:00", "--to", "2:00", "--zone", "UTC")
    assert call("schedule", "window", *window, "--mirror", "mirror-01").code == 0
    freeze = ("--from", "2999-12-20", "--until", "2999-12-27", "--zone", "UTC", "--reason", "Christmas")
    assert call("schedule", "freeze", *freeze).code == 0
    for one in call("schedule", "list", "--json").json:
        assert call("schedule", "remove", one["id"], "--yes").code == 0

    said = " ".join(call("audit", "list", "--most", "4").out.split())

    assert said.count("every day 00:00–02:00 UTC, Mirror 01") == 2
    assert "Christmas. 20 Dec 2999 00:00:00 – 28 Dec 2999 00:00:00, everything" in said
    assert "20 Dec 2999 00:00:00 – 28 Dec 2999 00:00:00, everything: Christmas" in said
    assert call("audit", "verify").code == 0


def test_an_audit_as_it_was_written_is_said_to_be(call: CommandLine, fleet: Fleet) -> None:
    assert "the keyring keeps no line yet" in call("audit", "verify").out
    assert anchor(fleet.console)
    told = call("audit", "verify", "--json")
    assert (told.code, told.json["sound"], told.json["anchor"]) == (0, True, "holds")
    assert told.json["anchored"] == told.json["lines"] > 0
    assert call("hold", "mirror-01", "live", "--reason", "asked").code == 0
    assert "1 came later" in call("audit", "verify").out


def test_a_line_that_was_changed_is_named(call: CommandLine, fleet: Fleet) -> None:
    edited(fleet.console, "UPDATE audit SET line = replace(line, 'operator', 'somebody') WHERE sequence = 3")
    told = call("audit", "verify")
    assert (told.code, "line 3 isn't as it was written" in told.out) == (1, True)
    assert call("audit", "verify", "--json").json["broken_at"] == 3


@pytest.mark.parametrize("form", ["md", "html", "csv", "json"])
def test_evidence_from_an_audit_that_is_broken_says_so_at_its_top(
    call: CommandLine, fleet: Fleet, tmp_path: Path, form: str
) -> None:
    assert call("hold", "mirror-01", "live", "--reason", "asked").code == 0
    assert "broken" not in call("audit", "evidence", "ACC-1", "--format", form).out
    edited(fleet.console, "UPDATE audit SET line = replace(line, 'operator', 'somebody') WHERE sequence = 3")
    told = call("audit", "evidence", "ACC-1", "--format", form)
    assert told.code == 1
    assert "line 3 isn't as it was written" in told.err
    to = tmp_path / f"evidence.{form}"
    assert call("audit", "evidence", "ACC-1", "--format", form, "--to", str(to)).code == 1
    for written in (to.read_bytes().decode(), told.out):
        text = written.replace("&#39;", "'").replace("\\", "")
        assert text.index("line 3 isn't as it was written") < text.index("Mirror 01")
    if form == "csv":
        (first, *rest) = csv.DictReader(io.StringIO(told.out, newline=""))
        assert (first["what"], first["outcome"], first["mirror"]) == ("audit", "broken", "")
        assert rest


def test_lines_cut_off_with_care_are_found_by_the_keyring(call: CommandLine, fleet: Fleet) -> None:
    assert anchor(fleet.console)
    last = call("audit", "verify", "--json").json["lines"]
    edited(
        fleet.console,
        "DELETE FROM audit WHERE sequence > (SELECT max(sequence) - 2 FROM audit)",
        "UPDATE sqlite_sequence SET seq = seq - 2 WHERE name = 'audit'",
    )
    told = call("audit", "verify", "--json")
    assert (told.code, told.json["broken_at"], told.json["anchor"]) == (1, None, "broken")
    assert f"line {last}" in told.json["words"]
    # The proof isn't written over, whatever is done next.
    assert call("hold", "mirror-01", "live", "--reason", "asked").code == 0
    assert not anchor(fleet.console)
    assert call("audit", "verify").code == 1


@pytest.mark.parametrize(
    ("state", "words"), [(VaultState.LOCKED, "the keyring is locked"), (VaultState.ABSENT, "there is no keyring")]
)
def test_a_keyring_that_can_not_be_read_is_said_and_ends_nothing(
    call: CommandLine, fleet: Fleet, ring: Ring, state: VaultState, words: str
) -> None:
    ring.is_now = state
    assert not anchor(fleet.console)
    told = call("audit", "verify")
    assert (told.code, words in told.out) == (0, True)
    edited(fleet.console, "DELETE FROM audit WHERE sequence = 2")
    assert call("audit", "verify").code == 1


def test_a_keyring_that_refuses_in_the_middle_is_said_too(call: CommandLine, fleet: Fleet, ring: Ring) -> None:
    assert anchor(fleet.console)
    ring.refuses = VaultError("The keyring broke off.", "Try again.")
    told = call("audit", "verify", "--json").json
    assert (told["sound"], told["anchor"]) == (True, "unreadable")
    assert not anchor(fleet.console)
    ring.refuses = None
    ring.put(ANCHOR, Secret("no line"))
    assert call("audit", "verify").code == 1


def test_an_account_sees_what_was_changed_on_its_mirrors_alone(call: CommandLine, fleet: Fleet, tmp_path: Path) -> None:
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(fleet.mirrors[1], account="ACC-2", name="Secret Bakery"))
    fleet.publish("26.8.3", health_interval=0.02)
    assert call("check").code == 0
    assert (
        call(
            "rollout", "start", "-e", "live", "--all", "--why", "a =fix", "--yes", "4", "--bake", "0", "--no-pause"
        ).code
        == 0
    )
    told = call("audit", "evidence", "ACC-1", "--json").json
    done = [line for line in told["changes"] if line["outcome"] == "done"]
    assert {line["mirror"] for line in done} == {"Mirror 01 live", "Mirror 03 live", "Mirror 04 live"}
    for line in done:
        assert (line["before"], line["after"], line["who"], line["why"]) == ("26.8.2", "26.8.3", "operator", "a =fix")
        assert line["before_fingerprint"] != line["after_fingerprint"] != ""
        assert "healthy" in line["verified_by"]
    assert told["sound"]
    assert told["head"]

    for form in ("html", "csv", "json", "md"):
        to = tmp_path / f"evidence.{form}"
        assert call("audit", "evidence", "ACC-1", "--format", form, "--to", str(to)).code == 0
        text = to.read_bytes().decode()
        assert "Mirror 03" in text
        assert "26.8.3" in text
        assert "Secret Bakery" not in text
        assert "ACC-2" not in text
    rows = list(csv.DictReader(io.StringIO((tmp_path / "evidence.csv").read_bytes().decode(), newline="")))
    assert len(rows) == len(json.loads((tmp_path / "evidence.json").read_text())["changes"])
    assert call("audit", "evidence", "ACC-9").code == 2


def test_a_list_for_people_has_no_long_identities_and_no_long_figures(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    assert call("check").code == 0
    begin = ("rollout", "start", "-e", "live", "--all", "--why", "fix", "--yes", "4", "--bake", "0", "--no-pause")
    assert call(*begin).code == 0
    told = call("audit", "list").out
    assert not re.search(r"[0-9a-f]{13,}", told)
    assert not re.search(r"\d\.\d{3,}(?!\d*\+)", told)
    targets = [line for line in told.splitlines() if "target ended: done" in line]
    assert len(targets) == 4
    kept = next(one for one in call("audit", "list", "--json").json if one["act"]["noun"] == "target")
    before, after = (kept["act"][side]["fingerprint"] for side in ("before", "after"))
    assert f"fingerprint: {short(before)} → {short(after)}; image: 26.8.2 → 26.8.3; " in targets[0]
    assert "down_seconds: 0." in targets[0]
    assert "verified_by: its health check says healthy" in targets[0]
    assert max(len(line.partition("target ended: done")[2].strip()) for line in targets) < 200
    # What programs look up is there for them.
    assert len(kept["act"]["before"]["container_id"]) == 64
    assert kept["act"]["after"]["down_seconds"] != round(kept["act"]["after"]["down_seconds"], 2)
    # The name of an image keeps what says that its end is a digest.
    assert re.search(r"webshop@sha256:[0-9a-f]{12} on ", told)


@pytest.mark.parametrize("command", [("list",), ("evidence", "ACC-1")])
@pytest.mark.parametrize("until", ["2026-11-01", "2026-12-01"])
def test_times_that_are_turned_round_are_refused(call: CommandLine, command: tuple[str, ...], until: str) -> None:
    said = call("audit", *command, "--since", "2026-12-01", "--until", until)
    assert (said.code, said.out) == (2, "")
    assert "There is no time between these two." in said.err
    assert "isn't after" in said.err


def test_a_report_is_written_in_every_form(call: CommandLine, fleet: Fleet, tmp_path: Path) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    assert call("check").code == 0
    assert (
        call("rollout", "start", "-e", "live", "--all", "--why", "fix", "--yes", "4", "--bake", "0", "--no-pause").code
        == 0
    )
    for form, begins in (("html", "<!doctype html>"), ("csv", "outcome,mirror"), ("json", "{"), ("md", "**4 of 4")):
        assert call("rollout", "report", "--format", form).out.startswith(begins)
        to = tmp_path / f"report.{form}"
        assert call("rollout", "report", "--format", form, "--to", str(to)).code == 0
        assert to.read_text().startswith(begins)
    assert (tmp_path / "report.csv").read_bytes().count(b"\r\n") == 5
