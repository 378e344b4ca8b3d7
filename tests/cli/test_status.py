"""Status and check, the start without a command, and what holds for every command."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cli.terminal import CommandLine
from tests.operations.fleet import Fleet


def test_without_a_command_the_window_opens(empty: CommandLine) -> None:
    assert empty().code == 0
    assert empty("--read-only").code == 0
    assert empty.windows[0] == ""
    assert "--read-only" in empty.windows[1]
    assert not empty.opened


def test_help_tells_the_exit_codes_and_every_command(empty: CommandLine) -> None:
    told = empty("--help")
    assert told.code == 0
    for word in (
        "status",
        "check",
        "rollout",
        "recover",
        "images",
        "engines",
        "catalog",
        "--read-only",
        "Exit codes: 0 fine",
        "words on standard error, with --json too",
    ):
        assert word in " ".join(told.out.split())
    assert "Mirror Console" in empty("--version").out


@pytest.mark.parametrize(
    ("group", "commands"),
    [
        ("rollout", ["plan", "checks", "start", "resume", "stop", "list", "show", "report"]),
        ("recover", ["list", "continue", "put-back", "leave"]),
        ("drift", ["list", "accept", "adopt", "correct"]),
        ("engines", ["list", "add", "edit", "remove", "test", "add-registry", "remove-registry"]),
        ("images", ["list", "relay"]),
        ("catalog", ["import", "export", "path", "backup"]),
    ],
)
def test_every_command_has_help(empty: CommandLine, group: str, commands: list[str]) -> None:
    for command in commands:
        told = empty(group, command, "--help")
        assert told.code == 0
        assert told.out.count("\n") > 4


def test_a_wrong_command_is_said_without_a_traceback(empty: CommandLine) -> None:
    said = empty("statsu")
    assert said.code == 2
    assert "Traceback" not in said.err
    assert "statsu" in said.err


def test_an_empty_catalog_says_what_to_do(empty: CommandLine) -> None:
    said = empty("status")
    assert said.code == 0
    assert "catalog import" in said.out
    assert empty("status", "--json").json["mirrors"] == []


def test_status_reads_the_catalog_alone(call: CommandLine, fleet: Fleet) -> None:
    for engine in fleet.simulated.engines.values():
        engine.make_unreachable()
    said = call("status")
    assert said.code == 0
    assert "✓ aligned 26.8.2" in said.out
    assert "4 of 4 mirrors: 4 aligned" in said.out
    assert call.opened == [(False, "")]


def test_status_filters_as_the_window_does(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3")
    said = call("status", "--refresh", "live:behind -mirror-01")
    assert "Mirror 01" not in said.out
    assert "▼ behind 26.8.2 (→ 26.8.3)" in said.out
    assert "Checked 5 environments" in said.err


def test_mirrors_are_found_by_their_way_back(call: CommandLine, fleet: Fleet) -> None:
    assert call("status", "live.back:not-told", "--answer").out.count("\n") == 4
    fleet.publish("26.8.3", health_interval=0.02)
    call("check")
    fleet.mirrors = fleet.mirrors[:2]
    fleet.roll_out()
    told = call("status", "live.back:yes", "--answer").out
    assert [name for name in ("01", "02", "03", "04") if f"Mirror {name}" in told] == ["01", "02"]
    told = call("status", "--answer", "--", "-live.back:yes").out
    assert [name for name in ("01", "02", "03", "04") if f"Mirror {name}" in told] == ["03", "04"]
    assert "Did you mean blocked?" in call("status", "back:bloked").err


def test_a_filter_that_cannot_be_read_is_explained(call: CommandLine) -> None:
    said = call("status", "live:behnid")
    assert said.code == 2
    assert "Did you mean behind?" in said.err
    assert call("status", "-e", "staging").code == 2


def test_no_answer_is_told_and_not_left_empty(call: CommandLine) -> None:
    said = call("status", "no-such-shop", "--answer")
    assert said.out == ""
    assert "None of the " in said.err
    assert said.err.rstrip().endswith(" mirrors matches the filter.")


def test_the_answer_for_the_phone(call: CommandLine) -> None:
    said = call("status", "mirror-02.example", "--answer")
    assert said.out.startswith("Mirror 02 live runs 26.8.2 (current) since ")
    assert said.out.count("\n") == 1


def test_the_exit_code_tells_that_something_needs_attention(call: CommandLine, fleet: Fleet) -> None:
    fleet.simulated.engines["alpha"].stop_container("mirror-01-live")
    assert call("status", "--refresh").code == 1
    assert call("status", "mirror-02").code == 0


def test_json_keys_stay(call: CommandLine) -> None:
    told = call("status", "mirror-01", "--json").json
    assert told.keys() == {"made_at", "counts", "mirrors", "engines"}
    assert told["counts"] == {"aligned": 1}
    assert told["mirrors"][0].keys() == {
        "id", "name", "slug", "account", "source", "tags", "domains", "environments",
    }  # fmt: skip
    assert told["mirrors"][0]["environments"][0].keys() == {
        "id", "name", "status", "alignment", "health", "knowledge", "activity", "locked_by", "running", "expected",
        "why", "behind",
        "drift", "drift_words", "sureness", "untold", "differences", "not_compared", "pending", "held",
        "held_until", "engine", "container", "swarm", "checked_at", "running_since", "answer",
        "way_back", "way_back_words", "processes",
    }  # fmt: skip
    assert told["engines"][0].keys() == {
        "id", "name", "address", "location", "environments", "knowledge", "answered", "failure", "words", "asked_at",
        "version", "api", "kind", "limits", "clock_offset",
    }  # fmt: skip


def test_check_asks_the_engines_and_says_who_is_silent(call: CommandLine, fleet: Fleet) -> None:
    fleet.simulated.engines["berlin"].make_unreachable()
    said = call("check")
    assert said.code == 1
    assert "1 engine unreachable (berlin" in said.out
    told = call("check", "--engine", "alpha", "--json")
    assert told.code == 0
    assert told.json["answered"] == ["alpha"]
    unknown = call("check", "--engine", "cedar")
    assert unknown.code == 2
    assert "alpha, berlin" in unknown.err


def test_another_console_is_named(call: CommandLine) -> None:
    call.other = "a window of ada on desk"
    said = call("check")
    assert said.code == 3
    assert "a window of ada on desk" in said.err
    assert call("status").code == 0


def test_text_of_others_stays_text(call: CommandLine, fleet: Fleet) -> None:
    hostile = replace(fleet.mirrors[0], name="[red]Mirror[/red] :smile: \x1b[31m\x1b]0;t\x07<b>\u202e")
    with fleet.console.catalog.write() as books:
        books.applications.save(hostile)
    for words in (["status"], ["status", "--answer"], ["rollout", "plan", "-e", "live", "--all", "--no-refresh"]):
        said = call(*words)
        assert "[red]Mirror[/red] :smile: <b>" in said.out
        assert "\x1b" not in said.out
        assert "\u202e" not in said.out


def test_simulated_engines_are_marked_once_beside_the_output(call: CommandLine) -> None:
    mark = "Simulated: these engines are not real. Nothing here reaches a Docker engine.\n"
    plan = ("rollout", "plan", "-e", "live", "--all")
    assert mark not in call("status").err
    call.console = replace(call.console, simulated=True)
    for words in (("status",), ("check",), plan, ("rollout", "checks"), ("rollout", "list")):
        told = call(*words)
        assert (told.err.count(mark), mark in told.out) == (1, False), words
        assert mark not in call(*words, "--json").err, words


def test_where_a_build_runs_is_told_as_a_sentence_a_list_and_json(call: CommandLine) -> None:
    call("check")
    said = call("where", "26.8.2")
    assert " runs in 5 environments on 2 engines." in said.out
    assert "Mirror 01" in said.out
    assert "Webshop (source)" in said.out
    told = call("where", "rev-26.8.2", "--json").json
    assert told.keys() == {"asked", "words", "builds"}
    (build,) = told["builds"]
    assert {place["application"] for place in build["environments"]} > {"Mirror 01", "Mirror 02"}
    assert build["held_by"] == []
    for text in ("UPPER:::x", "shop@nothing", "shop:26.8:1", "https://registry.test:5000/shop"):
        refused = call("where", text)
        assert (refused.code, refused.out) == (2, ""), text
        assert f"'{text}' can't be a digest, tag, revision, version or id of an image." in refused.err
    for text in (
        "registry.test:5000/nobody/*",
        "Registry.test:5000/Shop:1",
        "shop@sha256:0123456",
        "sha256:0123456789*",
        "fp1:0123456789",
        "shop:26.9",
        "26.9.9+build 5",
    ):
        assert call("where", text).code == 0, text
    assert call("where", "26.9.9").out == "No image that was seen goes by '26.9.9'.\n"
