"""Drift from the command line: list, accept, adopt and correct; verdicts are read from catalog, keyring and engines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror_console.domain.environment import Settings
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.operations.refresh import refresh
from tests.cli.terminal import CommandLine
from tests.operations.fleet import Fleet

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
LIVE = ("mirror-01", "live")


@pytest.fixture
def rolled_out(call: CommandLine, fleet: Fleet) -> Fleet:
    """The fleet, once rolled out by the console; then somebody gave Mirror 01 a limit and another restart policy."""
    fleet.publish("26.8.3", health_interval=0.02)
    options = ("--waves", "rest", "--bake", "0", "--no-pause", "--why", "a test", "--yes", "4")
    assert call("rollout", "start", "-e", "live", "--all", *options).code == 0
    host = fleet.container("mirror-01-live").host
    host |= {"Memory": 512 * MIB, "MemorySwap": 512 * MIB, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}}
    refresh(fleet.console, fleet.jobs, inspect_all=True)
    return fleet


def settings(fleet: Fleet, number: int = 1) -> Settings:
    return fleet.environment(fleet.mirrors[number - 1], "live").settings


def test_what_differs_is_listed_with_its_count(call: CommandLine, rolled_out: Fleet) -> None:
    said = call("drift", "list")

    assert said.code == 1
    assert "Mirror 01 live\n  2 differences from what was last applied (" in said.out
    assert "    memory limit: none → 512 MiB\n    restart policy: unless-stopped → no\n" in said.out
    assert "Mirror 02" not in said.out
    assert "drifted 26.8.3 (2 settings ≠: memory limit, …)" in call("status", "drift:settings").out
    assert call("status", "drift:by-hand", "--json").json["mirrors"][0]["environments"][0]["drift_words"] == (
        "2 settings ≠: memory limit, …"
    )
    listed = call("drift", "list", "mirror-01", "--json").json[0]
    assert listed["kind"] == "settings ≠"
    assert listed["differences"][0] == {
        "field": "memory limit",
        "applied": "none",
        "observed": "512 MiB",
        "not_adoptable": "",
    }
    assert listed["applied"]["title"] == "26.8.3"
    quiet = call("drift", "list", "mirror-02")
    assert (quiet.code, quiet.out) == (0, "Nothing differs from what was applied, and nothing waits for a rollout.\n")


def test_one_difference_is_accepted(call: CommandLine, rolled_out: Fleet) -> None:
    said = call("drift", "accept", *LIVE, "--field", "memory limit")

    assert (said.code, said.out) == (0, "Accepted for Mirror 01 live: memory limit.\n")
    assert settings(rolled_out).limits.memory == 512 * MIB
    assert "memory limit" not in call("drift", "list", "mirror-01").out
    again = call("drift", "accept", *LIVE, "--field", "memory limit")
    assert again.code == 2
    assert "'memory limit' doesn't differ (there are: restart policy)" in again.err


def test_adopting_tells_how_many_others_follow_and_asks(call: CommandLine, rolled_out: Fleet) -> None:
    unasked = call("drift", "adopt", *LIVE, "--field", "memory limit")
    assert unasked.code == 2
    assert "3 other environments follow the template here, and will be pending." in unasked.err
    assert settings(rolled_out, 2).limits.memory == 0

    said = call("drift", "adopt", *LIVE, "--field", "memory limit", "--yes")

    assert said.code == 0
    assert "Adopted memory limit into the template of Webshop." in said.out
    assert [settings(rolled_out, number).limits.memory // MIB for number in (1, 2, 3, 4)] == [512] * 4
    waits = call("drift", "list", "mirror-02")
    assert (waits.code, waits.out) == (
        0,
        "Mirror 02 live\n  pending: 1 change waits for a rollout:\n    memory limit: none → 512 MiB\n",
    )
    assert call("drift", "list", "mirror-02", "--json").json[0]["pending"] == [
        {"field": "memory limit", "applied": "none", "catalog": "512 MiB"}
    ]


def test_correcting_is_a_rollout_with_its_confirmation(call: CommandLine, rolled_out: Fleet) -> None:
    refused = call("drift", "correct", *LIVE, "--why", "back to normal")
    assert refused.code == 2
    assert "say --yes 1 to start it" in refused.err
    assert rolled_out.container("mirror-01-live").host["Memory"] == 512 * MIB

    said = call("drift", "correct", *LIVE, "--why", "back to normal", "--way", "test environment", "--yes", "1")

    assert said.code == 0, said.err
    assert "What became different there is lost by this rollout: memory limit" in said.out
    assert rolled_out.container("mirror-01-live").host["Memory"] == 0
    assert call("drift", "list", "mirror-01").code == 0

    container = rolled_out.container("mirror-01-live").id
    again = call("drift", "correct", *LIVE, "--why", "back to normal", "--yes", "1")
    assert (again.code, again.out) == (
        0,
        "There is nothing to correct on Mirror 01 live: it runs 26.8.3 with these settings.\n",
    )
    assert "nothing to correct" in call("drift", "correct", *LIVE, "--why", "x", "--json").json["words"]
    assert rolled_out.container("mirror-01-live").id == container


def test_a_secret_that_was_replaced_is_told_without_its_value(call: CommandLine, rolled_out: Fleet) -> None:
    reference = SecretReference("environment/2/SECRET_KEY")
    vault = rolled_out.console.vault
    vault.put(reference, Secret("first-and-hidden"))
    rolled_out.with_settings(rolled_out.environment(rolled_out.mirrors[1], "live"), secrets={"SECRET_KEY": reference})
    waits = call("drift", "list", "mirror-02")
    assert "    variable SECRET_KEY: not set → a secret\n" in waits.out
    corrected = call("drift", "correct", "mirror-02", "live", "--why", "x", "--way", "test environment", "--yes", "1")
    assert corrected.code == 0, corrected.err
    vault.put(reference, Secret("second-and-hidden"))

    assert "Mirror 02" not in call("drift", "list").out
    assert "replaced in the keyring" in call("drift", "list", "--secrets").out
    said = call("drift", "list", "mirror-02")

    assert "    variable SECRET_KEY: as applied → replaced in the keyring\n" in said.out
    assert "hidden" not in said.out + said.err


@pytest.mark.parametrize("command", [("accept",), ("adopt", "--yes"), ("correct", "--why", "x")])
def test_read_only_refuses(call: CommandLine, rolled_out: Fleet, command: tuple[str, ...]) -> None:
    name, *options = command
    said = call("--read-only", "drift", name, *LIVE, *options)

    assert said.code == 3
    assert settings(rolled_out).limits.memory == 0


def test_what_is_not_there_is_said(call: CommandLine, fleet: Fleet) -> None:
    assert "there is no mirror 'dune'" in call("drift", "list", "dune").err
    missing = call("drift", "accept", "mirror-01", "stage")
    assert missing.code == 2
    assert "there is no environment 'stage' (there are: live)" in missing.err
    fleet.simulated.engines["alpha"].lose_container("mirror-01-live")
    gone = call("drift", "accept", *LIVE)
    assert gone.code == 2
    assert "there is no container 'mirror-01-live'" in gone.err
    assert replace(settings(fleet), secrets={}) == settings(fleet)
