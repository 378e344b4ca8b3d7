"""Releases and holds on the command line: what a source had, what is said of it, and what is kept where it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.domain.environment import TagRule
from mirror_console.operations.refresh import refresh
from tests.cli.terminal import CommandLine
from tests.operations.fleet import Fleet, now


@pytest.fixture
def two(fleet: Fleet) -> Fleet:
    """The source runs 26.8.3 by now; its mirrors stay at 26.8.2."""
    fleet.publish("26.8.3", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    return fleet


def follow(fleet: Fleet) -> str:
    with fleet.console.catalog.write() as books:
        live = books.environments.get("source-live")
        books.environments.save(replace(live, follows=TagRule("live")))
        source = books.applications.get("source")
        books.applications.save(replace(source, notes_url="https://webshop.example/{version}"))
    return fleet.simulated.registry.publish("shop/webshop", "live", "26.8.4", "rev-26.8.4").digest


def test_releases_are_listed_with_who_has_them(two: Fleet, call: CommandLine) -> None:
    said = call("releases", "list", "webshop", "--json").json
    assert [(one["version"], one["now"], one["expected"], one["runs"]) for one in said["releases"]] == [
        ("26.8.3", "current", 4, 0),
        ("26.8.2", "", 0, 4),
    ]
    assert said["releases"][0]["revision"] == "rev-26.8.3"
    lines = call("releases", "list", "Webshop").out.splitlines()
    assert lines[0] == "live: 26.8.3"
    assert lines[2].split()[:3] == ["26.8.3", "live", "current"]
    assert (lines[2].split()[-3:], lines[3].split()[-1]) == (["0", "of", "4"], "4")


def test_where_no_tag_is_followed_none_is_looked_up(two: Fleet, call: CommandLine) -> None:
    said = call("check", "--tags")
    assert said.out.splitlines()[1:] == ["No environment of a source follows a tag."]
    assert call("check", "--tags", "--json").json["tags"] == []


def test_a_tag_is_looked_up_when_asked_and_told_beside_what_runs(two: Fleet, call: CommandLine) -> None:
    digest = follow(two)
    first = call("check", "--json").json["tags"]
    assert [(one["digest"], one["changed"], one["engine"]) for one in first] == [(digest, True, "alpha")]
    # Not due any more; forced it is told whatever it says.
    assert call("check", "--json").json["tags"] == []
    said = call("check", "--tags")
    assert f"  registry.test:5000/shop/webshop:live points to {digest}" in said.out.splitlines()
    listed = call("releases", "list", "webshop").out.splitlines()
    assert listed[0].startswith(f"live: tag live → sha256:{digest[7:19]}, runs 26.8.3; looked up ")
    releases = call("releases", "list", "webshop", "--json").json["releases"]
    assert next((one["now"], one["tag"], one["fingerprint"]) for one in releases) == ("tag", "live", "")
    assert [one["notes"] for one in releases] == [
        "",
        "https://webshop.example/26.8.3",
        "https://webshop.example/26.8.2",
    ]
    assert listed[-2:] == ["26.8.3   https://webshop.example/26.8.3", "26.8.2   https://webshop.example/26.8.2"]
    two.simulated.registry.delete_tag("shop/webshop", "live")
    failed = call("check", "--tags")
    assert failed.code == 1
    words = "alpha could not look up registry.test:5000/shop/webshop:live: its registry doesn't have it."
    assert words in failed.out
    assert failed.out.count("webshop:live") == 1


def test_marks_are_put_on_and_taken_off(two: Fleet, call: CommandLine) -> None:
    said = call("releases", "mark", "webshop", "26.8.2", "--mark", "stop-here", "--remark", "new search index")
    assert said.out == "Webshop 26.8.2 is marked: stop here (new search index).\n"
    digest = call("releases", "list", "webshop", "--json").json["releases"][1]["digest"]
    more = call("releases", "mark", "webshop", digest[7:19], "--mark", "migration", "--json").json
    assert (more["marks"], more["remark"]) == (["stop here", "has a migration"], "new search index")
    less = call("releases", "unmark", "webshop", "26.8.2", "--mark", "stop-here", "--json").json
    assert (less["marks"], less["remark"]) == (["has a migration"], "new search index")
    assert call("releases", "unmark", "webshop", "26.8.2").out == "Webshop 26.8.2 has no mark any more.\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("releases", "list", "webshp"), "there is no source 'webshp' (there are: webshop)"),
        (("releases", "mark", "webshop", "1.0", "--mark", "withdrawn"), "there is no release '1.0'"),
        (("releases", "mark", "webshop", "26.8.2", "--mark", "broken"), "'broken' is not a mark"),
        (("hold", "nobody", "live", "--reason", "x"), "there is no mirror 'nobody'"),
        (("hold", "mirror-01", "qa", "--reason", "x"), "Mirror 01 has no environment 'qa' (it has: live)"),
        (("hold", "mirror-01", "live", "--reason", " "), "say why it is held"),
        (("hold", "mirror-01", "live", "--reason", "x", "--until", "soon"), "'soon' is no day"),
        (("hold", "mirror-01", "live", "--reason", "x", "--until", "2020-01-01"), "this is in the past"),
        (("hold", "mirror-01", "live", "--reason", "x", "--version", "9"), "there is no release '9'"),
        (
            ("hold", "mirror-01", "live", "--reason", "x", "--version", "1", "--digest", "2"),
            "give a version or a digest",
        ),
    ],
)
def test_what_cannot_be_said_is_refused(two: Fleet, call: CommandLine, words: tuple[str, ...], problem: str) -> None:
    said = call(*words)
    assert (said.code, said.out) == (2, "")
    assert problem in said.err


def test_what_changes_something_is_refused_read_only(two: Fleet, call: CommandLine) -> None:
    for words in (
        ("releases", "mark", "webshop", "26.8.2", "--mark", "withdrawn"),
        ("releases", "unmark", "webshop", "26.8.2"),
        ("hold", "mirror-01", "live", "--reason", "x"),
        ("unhold", "mirror-01", "live"),
    ):
        assert call("--read-only", *words).code == 3
    assert not any(one["marks"] for one in call("releases", "list", "webshop", "--json").json["releases"])


def test_a_hold_is_followed_by_rollouts_told_when_it_ends_and_ended(two: Fleet, call: CommandLine) -> None:
    last = (now() + timedelta(days=3)).date()
    said = call(
        "hold",
        "mirror-01",
        "live",
        "--version",
        "26.8.2",
        "--reason",
        "campaign",
        "--until",
        last.isoformat(),
        "--json",
    ).json
    assert (said["version"], said["reason"], said["person"]) == ("26.8.2", "campaign", "operator")
    answer = call("status", "hold:<7d", "--answer").out
    assert answer.startswith("Mirror 01 live runs 26.8.2 (held until ")
    assert ", ends in 3 days)" in answer
    assert call("status", "hold:<1d", "--json").json["mirrors"] == []
    # A rollout leaves it where it is held, and brings what strays back to there.
    plan = call("rollout", "plan", "--environment", "live", "--all", "--no-refresh", "--json").json
    assert {one["mirror"]: one["words"] for one in plan["left_out"]} == {
        "Mirror 01": "it runs 26.8.2 with these settings"
    }
    held = call("hold", "mirror-02", "live", "--digest", _digest(call, "26.8.3"), "--reason", "a try", "--json").json
    assert (held["version"], held["until"]) == ("26.8.3", None)
    target = call("rollout", "plan", "--environment", "live", "--mirror", "mirror-02", "--no-refresh", "--json").json
    assert [(one["before"], one["after"]) for one in target["targets"]] == [("26.8.2", "26.8.3")]

    with two.console.catalog.write() as books:
        found = two.environment(two.mirrors[0], "live")
        assert found.hold is not None
        over = replace(found.hold, since=now() - timedelta(days=9), until=now() - timedelta(days=2))
        books.environments.save(found.with_hold(over))
    assert "hold ended" in call("status", "hold:ended").out
    [mirror] = call("status", "hold:ended", "--json").json["mirrors"]
    [live] = mirror["environments"]
    assert (live["status"], live["held"], live["expected"]) == ("behind", False, "26.8.3")
    assert "; its hold ended " in live["why"]

    assert call("unhold", "mirror-02", "live").out == "Mirror 02 live follows its image source again.\n"
    assert call("unhold", "mirror-02", "live", "--json").json["was_held"] is False


def _digest(call: CommandLine, version: str) -> str:
    releases = call("releases", "list", "webshop", "--json").json["releases"]
    return str(next(one["digest"] for one in releases if one["version"] == version))
