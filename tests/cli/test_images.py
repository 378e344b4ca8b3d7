"""Images on the command line: what an engine holds, and a relay from engine to engine."""

from __future__ import annotations

import pytest

from tests.cli.terminal import CommandLine
from tests.operations.fleet import REPOSITORY, Fleet


def test_the_images_of_an_engine(call: CommandLine, fleet: Fleet) -> None:
    listed = call("images", "list", "alpha", "--json").json
    (image,) = [one for one in listed if f"{REPOSITORY}:26.8.2" in one["tags"]]
    assert image["size"] > 0
    assert image["brought_by"] == ""
    told = call("images", "list", "alpha")
    assert f"{REPOSITORY}:26.8.2" in told.out
    # What was pulled by its digest alone, as rollouts do, goes by that.
    digest = fleet.publish("26.8.3")
    fleet.simulated.engines["berlin"].pull(f"{REPOSITORY}@{digest}", fleet.simulated.login)
    assert f"{REPOSITORY}@sha256:{digest[7:19]} " in call("images", "list", "berlin").out
    assert call("images", "list", "nowhere").code == 2
    fleet.simulated.engines["alpha"].make_unreachable()
    assert call("images", "list", "alpha").code == 4


@pytest.mark.parametrize("named", ["26.8.3", "webshop:26.8.3", f"{REPOSITORY}:26.8.3"])
def test_a_relay(call: CommandLine, fleet: Fleet, named: str) -> None:
    fleet.publish("26.8.3")
    if named != f"{REPOSITORY}:26.8.3":
        assert call("check").code == 0
    carried = call("images", "relay", named, "--from", "alpha", "--to", "berlin")
    assert (carried.code, carried.out) == (0, "Brought to berlin.\n"), carried.err
    assert carried.err == "", "one engine is told of once"
    assert f"{REPOSITORY}:26.8.3" in call("images", "list", "berlin").out
    again = call("images", "relay", named, "--from", "alpha", "--to", "berlin", "--json")
    assert again.code == 0
    assert again.err == ""
    (target,) = again.json["targets"]
    assert (target["engine"], target["state"], target["bytes"]) == ("berlin", "there already", 0)
    (held,) = [one for one in call("images", "list", "berlin", "--json").json if one["brought_by"]]
    assert held["fingerprint"] == again.json["fingerprint"]


def test_where_no_source_is_said_those_are_taken_that_are_known(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3")
    assert call("check").code == 0
    with fleet.console.catalog.read() as books:
        (release,) = [one for one in books.releases.all() if one.version == "26.8.3"]
    for name in (release.revision, release.fingerprint[4:14]):
        carried = call("images", "relay", name, "--to", "berlin", "--json")
        assert carried.code == 0
        assert carried.json["source"] in {"alpha", ""}


def test_a_relay_that_fails_says_why_and_what_to_do(call: CommandLine, fleet: Fleet) -> None:
    fleet.publish("26.8.3")
    assert call("check").code == 0
    fleet.simulated.engines["berlin"].fail_loads("write /x: no space left on device")
    said = call("images", "relay", "26.8.3", "--from", "alpha", "--to", "berlin")
    assert said.code == 1
    assert "no space left on device" in said.out
    assert "Free disk space" in said.out
    assert "Run the relay again" in said.out
    assert said.err == "", "the only engine is told of in the sentence at the end"
    told = said.out + said.err
    assert told.count("no space left on device") == 1, "why it failed is told once"


def test_what_is_not_clear_is_refused(call: CommandLine, fleet: Fleet) -> None:
    for words in (
        ("nothing-like-it", "--from", "alpha", "--to", "berlin"),
        ("26.8.2", "--from", "nowhere", "--to", "berlin"),
        ("26.8.2", "--from", "alpha", "--to", "nowhere"),
    ):
        said = call("images", "relay", *words)
        assert said.code == 2, said
        assert "Traceback" not in said.err
    assert call("--read-only", "images", "relay", "26.8.2", "--from", "alpha", "--to", "berlin").code == 3
